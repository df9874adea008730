# SPDX-License-Identifier: MIT
#
# A CUDA backend without the MMQ kernels: fewer sources, a shorter build and a smaller library.
#
# MMQ multiplies quantised weights with large batches on the tensor cores or with dp4a. It is one
# source file per quantisation, each compiled for every architecture, and cuBLAS can do the same
# work. With LLAMAFILE_CUDA_SLIM
#
#   dropped    mmq.cu and template-instances/mmq-instance-*.cu
#   added      llamafile/mmq-slim.cu, which answers "do not use MMQ" to everybody
#   falls back quantised weights with a large batch (prompts) are dequantised to F16 and multiplied
#              by cuBLAS, and mixtures of experts expert by expert, with a synchronisation in between
#   unchanged  every quantisation still works, single tokens still use the MMVQ kernels, and flash
#              attention is left to upstream's own options
#
# It is what GGML_CUDA_FORCE_CUBLAS does at run time, with the code left out as well. The HIP and
# MUSA backends have source lists of their own and are not touched.

option(LLAMAFILE_CUDA_SLIM "llamafile: leave the MMQ kernels out of the CUDA backend" OFF)

if (LLAMAFILE_CUDA_SLIM)
    set(LLAMAFILE_CUDA_ALL ${GGML_SOURCES_CUDA})
    list(FILTER GGML_SOURCES_CUDA EXCLUDE REGEX "(^|/)(template-instances/mmq-instance-[^/]*|mmq)\\.cu$")

    list(LENGTH LLAMAFILE_CUDA_ALL LLAMAFILE_CUDA_N_ALL)
    list(LENGTH GGML_SOURCES_CUDA  LLAMAFILE_CUDA_N_LEFT)
    math(EXPR LLAMAFILE_CUDA_N_DROPPED "${LLAMAFILE_CUDA_N_ALL} - ${LLAMAFILE_CUDA_N_LEFT}")
    if (LLAMAFILE_CUDA_N_DROPPED LESS 2)
        message(FATAL_ERROR "LLAMAFILE_CUDA_SLIM: the MMQ sources were not found, the filter in ${CMAKE_CURRENT_LIST_FILE} is out of date")
    endif()

    list(APPEND GGML_SOURCES_CUDA ${CMAKE_CURRENT_LIST_DIR}/mmq-slim.cu)
    message(STATUS "LLAMAFILE_CUDA_SLIM: ${LLAMAFILE_CUDA_N_DROPPED} MMQ sources dropped, ${LLAMAFILE_CUDA_N_LEFT} left")
endif()
