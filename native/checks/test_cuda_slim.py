# SPDX-License-Identifier: MIT
"""Witness of `cuda-slim`: one option leaves the MMQ kernels out of the CUDA sources.

No CUDA is needed: a project stands in for the toolkit, enters upstream's real
ggml/src/ggml-cuda/CMakeLists.txt, and writes down the sources that it would compile.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from native_harness import Build, Run

SLIM = "llamafile/mmq-slim.cu"
HOOK = "include(llamafile/slim.cmake)"

# Commands that would need the toolkit or a target do nothing here; find_package(CUDAToolkit) finds
# the module beside this file, and the backend library becomes a list of its sources.
PROJECT = """
cmake_minimum_required(VERSION 3.18)
project(stand-in LANGUAGES NONE)
list(APPEND CMAKE_MODULE_PATH ${CMAKE_CURRENT_SOURCE_DIR})
set(CMAKE_CUDA_ARCHITECTURES 80)
set(GGML_CUDA_FA ON)
set(GGML_CUDA_FA_QUANTS "q4_0-q4_0;q8_0-q8_0;f16-f16;bf16-bf16")
set(GGML_CUDA_COMPRESSION_MODE size)
macro(enable_language)
endmacro()
macro(target_link_libraries)
endmacro()
macro(target_compile_options)
endmacro()
function(ggml_add_backend_library name)
    list(JOIN ARGN "\\n" text)
    file(WRITE ${CMAKE_BINARY_DIR}/sources.txt "${text}\\n")
endfunction()
include(${CUDA}/../../cmake/common.cmake)
add_subdirectory(${CUDA} cuda)
"""

TOOLKIT = "set(CUDAToolkit_FOUND TRUE)\nset(CUDAToolkit_VERSION 13.0)\n"

List = Callable[..., list[str]]


@pytest.fixture(scope="session")
def cuda(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the CUDA folder, beside the CMake files that it uses."""
    ggml = tmp_path_factory.mktemp("tree") / "ggml"
    shutil.copytree(source / "ggml" / "cmake", ggml / "cmake")
    shutil.copytree(source / "ggml" / "src" / "ggml-cuda", ggml / "src" / "ggml-cuda")
    return ggml / "src" / "ggml-cuda"


@pytest.fixture
def sources(tmp_path: Path, build: Build, run_command: Run) -> List:
    """Return a function that lists the sources of a CUDA folder for given CMake arguments."""
    (tmp_path / "CMakeLists.txt").write_text(PROJECT)
    (tmp_path / "FindCUDAToolkit.cmake").write_text(TOOLKIT)

    def list_sources(cuda: Path, *arguments: str) -> list[str]:
        out = tmp_path / "out"
        shutil.rmtree(out, ignore_errors=True)
        given = (f"-DCUDA={cuda}", *arguments)
        run_command("cmake", "-G", build.generator, "-S", tmp_path, "-B", out, *given)
        lines = (out / "sources.txt").read_text().splitlines()
        return [line.removeprefix(f"{cuda}/") for line in lines]

    return list_sources


def is_mmq(path: str) -> bool:
    """Tell whether a source belongs to the MMQ kernels."""
    return path == "mmq.cu" or path.startswith("template-instances/mmq-instance-")


def test_off_is_upstream_to_the_letter(cuda: Path, sources: List, tmp_path_factory: pytest.TempPathFactory) -> None:
    """With the option off the list is the one that upstream makes without the fork's files."""
    pristine = tmp_path_factory.mktemp("pristine") / "ggml"
    shutil.copytree(cuda.parents[1], pristine)
    pristine = pristine / "src" / "ggml-cuda"
    shutil.rmtree(pristine / "llamafile")
    lists = pristine / "CMakeLists.txt"
    lines = lists.read_text().splitlines(keepends=True)
    assert sum(line.strip() == HOOK for line in lines) == 1
    lists.write_text("".join(line for line in lines if line.strip() != HOOK))

    baseline = sources(pristine)
    assert sum(map(is_mmq, baseline)) > 10
    assert sources(cuda) == baseline
    assert sources(cuda, "-DLLAMAFILE_CUDA_SLIM=OFF") == baseline


def test_on_drops_mmq_alone(cuda: Path, sources: List) -> None:
    """With the option on the MMQ sources are gone, a stand-in is there, the rest is the same."""
    full, slim = sources(cuda), sources(cuda, "-DLLAMAFILE_CUDA_SLIM=ON")
    assert sum(map(is_mmq, full)) > 10
    assert slim == [*(path for path in full if not is_mmq(path)), SLIM]
    assert (cuda / SLIM).is_file()


def test_combines_with_upstreams_options(cuda: Path, sources: List) -> None:
    """The option leaves the choice of flash attention kernels to upstream's own options."""
    every = "-DGGML_CUDA_FA_ALL_QUANTS=ON"
    full, slim = sources(cuda, every), sources(cuda, every, "-DLLAMAFILE_CUDA_SLIM=ON")
    is_vector = re.compile(r"template-instances/fattn-vec-").match
    assert len(list(filter(is_vector, slim))) > 40
    assert slim == [*(path for path in full if not is_mmq(path)), SLIM]


def test_a_filter_that_finds_nothing_is_an_error(cuda: Path, sources: List, tmp_path: Path) -> None:
    """If upstream moves the MMQ sources, a slim build stops instead of not being slim."""
    moved = tmp_path / "ggml"
    shutil.copytree(cuda.parents[1], moved)
    moved = moved / "src" / "ggml-cuda"
    (moved / "mmq.cu").rename(moved / "renamed.cu")
    for path in (moved / "template-instances").glob("mmq-instance-*.cu"):
        path.rename(path.with_name(path.name.replace("mmq-instance-", "mmq-renamed-")))
    with pytest.raises(AssertionError, match="is out of date"):
        sources(moved, "-DLLAMAFILE_CUDA_SLIM=ON")


def test_the_stand_in_is_complete(cuda: Path) -> None:
    """Every function of mmq.cu that others can call is defined by the stand-in, so it links."""
    # a definition at the start of a line, not static, up to its opening brace
    definition = re.compile(r"^(?!static|template)\w[\w ]* \*?(\w+)\(([^;{]*?)\)\s*\{", re.MULTILINE)

    def defined(path: Path) -> dict[str, str]:
        found = definition.findall(path.read_text())
        return {name: re.sub(r"\s+", " ", arguments).strip() for name, arguments in found}

    dropped, stand_in = defined(cuda / "mmq.cu"), defined(cuda / SLIM)
    assert "ggml_cuda_should_use_mmq" in dropped
    assert {name: stand_in.get(name) for name in dropped} == dropped
