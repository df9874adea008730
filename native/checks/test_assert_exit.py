# SPDX-License-Identifier: MIT
"""Witness of `assert-exit`: a failed assertion ends with a status when one was asked for."""

from __future__ import annotations

import resource
import signal
from pathlib import Path

import pytest
from native_harness import Build, Compile, Tool

MESSAGE = "GGML_ASSERT(1 + 1 == 3) failed"


@pytest.fixture(scope="session")
def failing(tmp_path_factory: pytest.TempPathFactory, build: Build, compile_program: Compile) -> Tool:
    """Return a program that fails an assertion of the built ggml."""
    code = Path(__file__).with_name("assert_fails.c")
    output = tmp_path_factory.mktemp("assert") / "assert-fails"
    return Tool(compile_program(code, output, libraries=("ggml-base",)), build.bin)


@pytest.fixture(autouse=True)
def _no_core_dump() -> None:
    """Let no abort of these checks leave a core file."""
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, hard))


@pytest.mark.parametrize("status", [1, 3, 255])
@pytest.mark.parametrize("where", ["main", "thread"])
def test_ends_with_the_status(failing: Tool, status: int, where: str) -> None:
    """The message is printed and the process ends with the status, on whatever thread it failed."""
    done = failing(where, env={"LLAMAFILE_ASSERT_EXIT": str(status)})
    assert done.returncode == status
    assert MESSAGE in done.stderr
    assert "assert_fails.c:" in done.stderr


@pytest.mark.parametrize("value", [None, ""])
def test_aborts_when_not_asked(failing: Tool, value: str | None) -> None:
    """Without the variable, or with an empty one, an assertion aborts as upstream's does."""
    done = failing(env={} if value is None else {"LLAMAFILE_ASSERT_EXIT": value})
    assert done.returncode == -signal.SIGABRT
    assert MESSAGE in done.stderr
    assert "LLAMAFILE_ASSERT_EXIT" not in done.stderr


@pytest.mark.parametrize("value", ["0", "256", "-1", "yes", "3x", "99999999999999999999"])
def test_says_what_is_no_status(failing: Tool, value: str) -> None:
    """A value that is no status from 1 to 255 is named, and the process aborts."""
    done = failing(env={"LLAMAFILE_ASSERT_EXIT": value})
    assert done.returncode == -signal.SIGABRT
    assert MESSAGE in done.stderr
    assert f"LLAMAFILE_ASSERT_EXIT: '{value}' is not a status" in done.stderr
