# SPDX-License-Identifier: MIT
"""Witness of `embedded-weights`: a model is read from inside another file."""

from __future__ import annotations

import struct
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from native_harness import FindTool, Run, Speak, Tool

MAGIC = b"LLAMAFILE-GGUF".ljust(16, b"\0")
PAGE = 4096

Carry = Callable[..., Path]


@pytest.fixture(scope="session")
def single_file(
    tmp_path_factory: pytest.TempPathFactory,
    source: Path,
    tool: FindTool,
    model: Path,
    run_command: Run,
) -> Tool:
    """Return llama-completion with the model inside it."""
    script = source / "scripts" / "llamafile-embed.py"
    output = tmp_path_factory.mktemp("single") / "chat"
    plain = tool("llama-completion")
    run_command(sys.executable, script, plain.path, model, output)
    return Tool(output, plain.libraries)


@pytest.fixture
def carry(tmp_path: Path, model: Path) -> Carry:
    """Return a function that writes a file with the model behind some bytes, and a trailer."""

    def write(front: int = PAGE, offset: int | None = None) -> Path:
        path = tmp_path / "carrier"
        data = b"#!/bin/sh\n".ljust(front, b"\n") + model.read_bytes()
        path.write_bytes(data + MAGIC + struct.pack("<Q", front if offset is None else offset))
        return path

    return write


# Upstream has renamed the option for this (--no-mmap, then --load-mode none); a variable that it
# does not know is no error, so both are given.
READ = {"LLAMA_ARG_MMAP": "0", "LLAMA_ARG_LOAD_MODE": "none"}


@pytest.mark.parametrize("env", [{}, READ], ids=["mapped", "read"])
def test_one_file_runs(
    single_file: Tool, tool: FindTool, typed: tuple[str, ...], speak: Speak, env: dict[str, str]
) -> None:
    """The executable reads the model inside itself, and it says what the model alone says."""
    words = (*typed, "-p", "abc", "-n", "8")
    alone = speak(tool("llama-completion"), *words, env=env)
    assert "abc" in alone
    assert speak(single_file, *words, "-m", single_file.path, env=env) == alone


def test_quantises_to_the_same_bytes(tmp_path: Path, single_file: Tool, tool: FindTool, model: Path) -> None:
    """Quantising the model inside the executable gives the file that the model alone gives."""
    results = []
    for name, path in (("plain", model), ("single", single_file.path)):
        output = tmp_path / f"{name}.gguf"
        done = tool("llama-quantize")(path, output, "Q8_0", "1")
        assert done.returncode == 0, done.stderr
        results.append(output.read_bytes())
    assert results[0] == results[1]


@pytest.mark.parametrize("front", [PAGE, 7 * PAGE])
def test_any_file_may_carry_one(carry: Carry, tool: FindTool, typed: tuple[str, ...], speak: Speak, front: int) -> None:
    """The carrying file need not be a program, and the model may begin at any page."""
    words = (*typed, "-p", "abc", "-n", "4")
    alone = speak(tool("llama-completion"), *words)
    assert speak(tool("llama-completion"), *words, "-m", carry(front)) == alone


@pytest.mark.parametrize(
    "offset",
    [0, 1, PAGE + 32, 2 * PAGE, 1 << 40, (1 << 64) - PAGE],
    ids=["zero", "odd", "between", "no-model", "beyond", "huge"],
)
def test_a_false_trailer_is_refused(tmp_path: Path, carry: Carry, tool: FindTool, offset: int) -> None:
    """A trailer that points to no model is named, and the file is no model then."""
    path = carry(offset=offset)
    # llama-quantize, because it writes its messages at once and loses none when it ends
    done = tool("llama-quantize")(path, tmp_path / "out.gguf", "Q8_0", "1")
    assert done.returncode > 0
    assert f"carries a model at offset {offset}, but none is there" in done.stdout + done.stderr


@pytest.mark.parametrize("content", [b"", b"abc", b"no model, no trailer" * 9], ids=len)
def test_other_files_fail_as_ever(tmp_path: Path, tool: FindTool, content: bytes) -> None:
    """A file that is no model and carries none is refused, however short it is."""
    path = tmp_path / "file"
    path.write_bytes(content)
    done = tool("llama-quantize")(path, tmp_path / "out.gguf", "Q8_0", "1")
    assert done.returncode > 0
    assert "failed" in done.stdout + done.stderr
    assert "carries a model" not in done.stdout + done.stderr


def test_a_model_with_a_trailer_is_itself(
    tmp_path: Path, tool: FindTool, model: Path, typed: tuple[str, ...], speak: Speak
) -> None:
    """A file that begins as a model is read from its start, whatever stands at its end."""
    path = tmp_path / "model.gguf"
    path.write_bytes(model.read_bytes() + MAGIC + struct.pack("<Q", PAGE))
    assert "abc" in speak(tool("llama-completion"), *typed, "-m", path, "-p", "abc", "-n", "2")
