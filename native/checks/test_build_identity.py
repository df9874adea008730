# SPDX-License-Identifier: MIT
"""Witness of `build-identity`: a binary tells the pin and the queue that it was built from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from native_harness import Build, FindTool, Run

# A project of three lines instead of the whole tree: the template, and a program that prints it.
PROJECT = """
cmake_minimum_required(VERSION 3.14)
project(identity CXX)
set(LLAMA_BUILD_NUMBER 7)
set(LLAMA_BUILD_COMMIT abc)
set(BUILD_COMPILER "a compiler")
set(BUILD_TARGET "a target")
configure_file(${COMMON}/build-info.cpp.in ${CMAKE_CURRENT_BINARY_DIR}/build-info.cpp)
add_executable(identity main.cpp ${CMAKE_CURRENT_BINARY_DIR}/build-info.cpp)
target_compile_features(identity PRIVATE cxx_std_17)
target_include_directories(identity PRIVATE ${COMMON})
"""

PROGRAM = """
#include "build-info.h"
#include <cstdio>
int main() { printf("%s|%d|%s\\n", llama_build_target(), llama_build_number(), llama_commit()); }
"""


@pytest.fixture
def identity(tmp_path: Path, source: Path, build: Build, run_command: Run) -> Callable[..., str]:
    """Return a function that builds the template with CMake arguments and runs the result."""
    (tmp_path / "CMakeLists.txt").write_text(PROJECT)
    (tmp_path / "main.cpp").write_text(PROGRAM)

    def build_and_run(*arguments: str) -> str:
        folder = tmp_path / "build"
        given = (f"-DCOMMON={source}/common", *arguments)
        run_command("cmake", "-G", build.generator, "-S", tmp_path, "-B", folder, *given)
        run_command("cmake", "--build", folder)
        return run_command(folder / "identity").strip()

    return build_and_run


def test_version_shows_what_was_configured(tool: FindTool, build: Build) -> None:
    """--version shows the pin and the queue of this very build, unknown where none was given."""
    pin = build.cached("FORKKEEPER_PIN") or "unknown"
    queue = build.cached("FORKKEEPER_QUEUE") or "unknown"
    done = tool("llama-completion")("--version")
    assert done.returncode == 0
    assert f"(fork of {pin}, queue {queue})" in done.stdout + done.stderr


def test_names_are_handed_through(identity: Callable[..., str]) -> None:
    """The names given to CMake come out of the program as they went in, and nothing else moves."""
    text = identity("-DFORKKEEPER_PIN=f449e0553708", "-DFORKKEEPER_QUEUE=sha256-0123")
    assert text == "a target (fork of f449e0553708, queue sha256-0123)|7|abc"


def test_nothing_is_claimed(identity: Callable[..., str]) -> None:
    """A build that was told nothing says unknown, and an empty name counts as nothing."""
    assert identity() == "a target (fork of unknown, queue unknown)|7|abc"
    assert identity("-DFORKKEEPER_PIN=") == "a target (fork of unknown, queue unknown)|7|abc"


def test_only_the_template_knows_the_names(source: Path) -> None:
    """No other file takes the names in, so no other object file depends on them."""
    suffixes = {".c", ".cpp", ".h", ".hpp", ".in", ".cmake", ".txt"}
    naming = {
        path.relative_to(source).as_posix()
        for folder in ("cmake", "common", "ggml", "src", "tools")
        for path in (source / folder).rglob("*")
        if path.suffix in suffixes and path.is_file() and b"@FORKKEEPER_" in path.read_bytes()
    }
    assert naming == {"common/build-info.cpp.in"}
