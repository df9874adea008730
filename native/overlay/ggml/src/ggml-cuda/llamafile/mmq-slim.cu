// SPDX-License-Identifier: MIT
//
// Stands in for mmq.cu and its template instances in a slim build, see slim.cmake.
//
// Everybody asks ggml_cuda_should_use_mmq first; the others are here for the linker only.

#include "../common.cuh"
#include "../mmq.cuh"

bool ggml_cuda_should_use_mmq(enum ggml_type type, int cc, int64_t ne11, int64_t n_experts) {
    GGML_UNUSED_VARS(type, cc, ne11, n_experts);
    return false;
}

void ggml_cuda_mul_mat_q(
        ggml_backend_cuda_context & ctx, const ggml_tensor * src0, const ggml_tensor * src1, const ggml_tensor * ids, ggml_tensor * dst) {
    GGML_UNUSED_VARS(ctx, src0, src1, ids, dst);
    GGML_ABORT("MMQ was left out of this build (LLAMAFILE_CUDA_SLIM)");
}

// mmq.cuh has not always declared this one
void ggml_cuda_op_mul_mat_q(
    ggml_backend_cuda_context & ctx,
    const ggml_tensor * src0, const ggml_tensor * src1, ggml_tensor * dst, const char * src0_dd_i, const float * src1_ddf_i,
    const char * src1_ddq_i, float * dst_dd_i, const int64_t row_low, const int64_t row_high, const int64_t src1_ncols,
    const int64_t src1_padded_row_size, cudaStream_t stream);

void ggml_cuda_op_mul_mat_q(
    ggml_backend_cuda_context & ctx,
    const ggml_tensor * src0, const ggml_tensor * src1, ggml_tensor * dst, const char * src0_dd_i, const float * src1_ddf_i,
    const char * src1_ddq_i, float * dst_dd_i, const int64_t row_low, const int64_t row_high, const int64_t src1_ncols,
    const int64_t src1_padded_row_size, cudaStream_t stream) {
    GGML_UNUSED_VARS(ctx, src0, src1, dst, src0_dd_i, src1_ddf_i, src1_ddq_i, dst_dd_i, row_low, row_high, src1_ncols,
        src1_padded_row_size, stream);
    GGML_ABORT("MMQ was left out of this build (LLAMAFILE_CUDA_SLIM)");
}
