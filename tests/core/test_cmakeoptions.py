"""Options that a project did not use, and what they may be called now."""

import pytest

from forkkeeper.core import cmakeoptions

CONFIGURED = """-- Configuring done
CMake Warning (dev) in CMakeLists.txt:
  No project() command is present.

CMake Warning:
  Manually-specified variables were not used by the project:

    CMAKE_CXX_COMPILER_LAUNCHER
    FOO
    LLAMA_CUDA


-- Generating done
-- Build files have been written to: /v/build
"""
CACHE = """# This is the CMakeCache file.
//what it is
CMAKE_BUILD_TYPE:STRING=Release
GGML_CUDA:BOOL=OFF
"ODD:NAME":PATH=/x
FOO:UNINITIALIZED=1
CMAKE_CACHE_MAJOR_VERSION:INTERNAL=3
tiny_SOURCE_DIR:STATIC=/v/src
"""
# of llama.cpp's at the end of 2025, without GGML_ and LLAMA_
GGML = (
    *("AVX512", "AVX512_BF16", "BLAS", "BLAS_VENDOR", "CPU_ALL_VARIANTS", "CUDA", "CUDA_FA", "CUDA_FORCE_CUBLAS"),
    *("CUDA_FORCE_MMQ", "CUDA_GRAPHS", "HIP", "LTO", "METAL", "METAL_EMBED_LIBRARY", "NATIVE", "OPENMP", "RPC"),
    *("SYCL", "SYCL_F16", "VULKAN", "VULKAN_DEBUG"),
)
LLAMA = (
    *("ALL_WARNINGS", "BUILD_COMMON", "BUILD_EXAMPLES", "BUILD_SERVER", "BUILD_TESTS", "BUILD_TOOLS", "CURL"),
    *("FATAL_WARNINGS", "OPENSSL", "USE_SYSTEM_GGML"),
)
CMAKE = ("CMAKE_BUILD_TYPE", "CMAKE_CXX_FLAGS", "CMAKE_INSTALL_PREFIX")
KNOWN = (*CMAKE, *(f"GGML_{name}" for name in GGML), *(f"LLAMA_{name}" for name in LLAMA))


def test_the_names_in_options() -> None:
    """Each way to set a variable is read; what sets none is no name."""
    options = ["-DA=1", "-DB:STRING=x=y", "-D", "C:BOOL=ON", "-Wno-dev", "-UD", "-DE", "--fresh", "-DA=2", "-DF=a\nb"]
    assert cmakeoptions.names(options) == ("A", "B", "C", "F")


@pytest.mark.parametrize("text", [CONFIGURED, CONFIGURED.replace("\n", "\r\n"), f"\x1b[33m{CONFIGURED}\x1b[0m"])
def test_the_variables_that_were_set_in_vain(text: str) -> None:
    """CMake's warning is read to its last name and no further, with a terminal's colours and ends of lines."""
    assert cmakeoptions.unused(text) == ("CMAKE_CXX_COMPILER_LAUNCHER", "FOO", "LLAMA_CUDA")
    assert cmakeoptions.unused(text.replace("Manually", "Nobody")) == ()


def test_what_a_project_declares() -> None:
    """What only somebody set, and what CMake keeps for itself, is no option of the project."""
    assert cmakeoptions.declared(CACHE) == ("CMAKE_BUILD_TYPE", "GGML_CUDA", "ODD:NAME")


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("LLAMA_CUDA", ("GGML_CUDA",)),
        ("LLAMA_METAL_EMBED_LIBRARY", ("GGML_METAL_EMBED_LIBRARY",)),
        ("LLAMA_NATIVE", ("GGML_NATIVE",)),
        ("LLAMA_AVX512", ("GGML_AVX512",)),
        ("GGML_NATVE", ("GGML_NATIVE",)),
        ("LLAMA_BUILD_SERVERS", ("LLAMA_BUILD_SERVER",)),
        ("CMAKE_BILD_TYPE", ("CMAKE_BUILD_TYPE",)),
        ("GGML_CUDA_FORCE_DMMV", ("GGML_CUDA_FORCE_CUBLAS", "GGML_CUDA_FORCE_MMQ")),
        ("WHISPER_SYCL_F16", ("GGML_SYCL_F16",)),
        ("LLAMA_FOO", ()),
        ("XYZZY", ()),
        ("_", ()),
    ],
)
def test_the_nearest_name_shares_what_is_rare(name: str, near: tuple[str, ...]) -> None:
    """A prefix that half of the names have counts little, a word that one has counts most, and nothing is guessed."""
    assert cmakeoptions.nearest(name, [*KNOWN, name]) == near


def test_nothing_is_near_to_nothing() -> None:
    """A project without options has no name to suggest."""
    assert cmakeoptions.nearest("A", []) == ()
