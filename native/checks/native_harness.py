# SPDX-License-Identifier: MIT
"""What the native checks are made of: a build, its tools, tiny models, and what a model said."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from signal import Signals
from typing import TYPE_CHECKING, Protocol

import gguf
import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import re
    from pathlib import Path

Weights = npt.NDArray[np.float32]
Edit = Callable[[str, Weights], Weights]
Done = subprocess.CompletedProcess[str]

# Small, but one row is one K-quant block (256), and the weights outweigh the metadata.
WIDTH, FORWARD, LAYERS, HEADS = 256, 1024, 4, 4

# Tokens are three special ones, then the 256 bytes.
FIRST_BYTE = 3

# How much of what a failed program said is shown.
LAST_LINES = 60

# What a completion needs to be the same every time: greedy, one thread, no warm-up.
COMPLETION = ("-no-cnv", "--no-warmup", "--temp", "0", "--seed", "1", "-t", "1", "-c", "64")


@dataclass(frozen=True)
class Build:
    """A CMake build directory: its cache, its tools, its libraries."""

    path: Path

    def cached(self, name: str) -> str | None:
        """Return the value of a CMake cache variable, None if it is not set."""
        for line in (self.path / "CMakeCache.txt").read_text().splitlines():
            key, _, value = line.partition("=")
            if key.partition(":")[0] == name:
                return value
        return None

    @property
    def generator(self) -> str:
        """Return the CMake generator, which is sure to work here because it made this build."""
        name = self.cached("CMAKE_GENERATOR")
        assert name, f"no generator in {self.path / 'CMakeCache.txt'}"
        return name

    @property
    def bin(self) -> Path:
        """Return the folder of the tools and, in a shared build, the libraries."""
        return self.path / "bin"

    def libraries(self, *names: str) -> list[Path]:
        """Return the shared or static library of each name, in that order."""
        found = []
        for name in names:
            candidates = [*self.path.rglob(f"lib{name}.so"), *self.path.rglob(f"lib{name}.dylib")]
            candidates += self.path.rglob(f"lib{name}.a")
            assert candidates, f"no library {name} under {self.path}"
            found.append(candidates[0])
        return found


@dataclass(frozen=True)
class Tool:
    """A program of the build, run without anything inherited that changes what it does.

    env -- what the variant declares for its programs
    """

    path: Path
    libraries: Path
    env: Mapping[str, str] = field(default_factory=dict)

    def at(self, path: Path) -> Tool:
        """Return the same tool, copied to path."""
        shutil.copy2(self.path, path)
        return Tool(path, self.libraries, self.env)

    def __call__(self, *args: str | Path, env: Mapping[str, str] | None = None, seconds: float = 60) -> Done:
        """Run with args, for seconds at most, and return what came of it; no status is a failure by itself."""
        return subprocess.run(
            [str(self.path), *map(str, args)],
            env={**clean_env(self.libraries, self.env), **(env or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=seconds,
            check=False,
        )


def clean_env(libraries: Path, declared: Mapping[str, str]) -> dict[str, str]:
    """Return the environment without what steers the programs under test, and with what is declared for them.

    The build's own libraries are found first: what is declared may add folders of a driver, and those may
    hold another ggml.
    """
    steering = ("LLAMA", "GGML", "LD_PRELOAD")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(steering)}
    known = [declared.get("LD_LIBRARY_PATH"), kept.get("LD_LIBRARY_PATH")]
    search = dict.fromkeys([str(libraries), *filter(None, known)])
    return {**kept, **declared, "LD_LIBRARY_PATH": os.pathsep.join(search), "GGML_NO_BACKTRACE": "1"}


class CrashedError(AssertionError):
    """A program of the build was ended by a signal; the report names it (see conftest.py)."""

    def __init__(self, done: Done) -> None:
        self.signal = next((one.name for one in Signals if one == -done.returncode), f"signal {-done.returncode}")
        super().__init__(f"ended by {self.signal}\n{explained(done)}")


def succeeded(done: Done, *statuses: int) -> Done:
    """Return a run that ended with one of statuses, without any with 0.

    Another is a failure, and a signal is one of its own kind.
    """
    if done.returncode < 0:
        raise CrashedError(done)
    assert done.returncode in (statuses or (0,)), f"status {done.returncode}\n{explained(done)}"
    return done


def explained(done: Done) -> str:
    """Return the command and the end of what it said: with all that is logged, that would be thousands of lines."""
    lines = (done.stdout + done.stderr).splitlines()[-LAST_LINES:]
    return "\n".join([" ".join(done.args), *lines])


@dataclass(frozen=True)
class Device:
    """Where models run.

    options -- what llama.cpp's tools are given to run there
    proof -- a log that shows it matches this; an empty expression shows nothing, and matches all
    """

    options: tuple[str, ...]
    proof: re.Pattern[str]


class Run(Protocol):
    """Runs a command that has to succeed, and returns its output."""

    def __call__(self, *command: str | Path) -> str:
        """Run command."""


class Compile(Protocol):
    """Compiles one file against libraries of the build, and returns the output's path."""

    def __call__(
        self,
        code: Path,
        output: Path,
        *,
        flags: tuple[str, ...] = (),
        libraries: tuple[str, ...] = (),
    ) -> Path:
        """Compile code to output."""


class Speak(Protocol):
    """Runs llama-completion with arguments, and returns prompt and answer."""

    def __call__(self, tool: Tool, *args: str | Path, env: Mapping[str, str] | None = None) -> str:
        """Run tool."""


FindTool = Callable[[str], Tool]


def write_model(path: Path, kind: gguf.GGMLQuantizationType, edit: Edit | None = None) -> Path:
    """Write a llama model with random weights and a byte vocabulary; edit may change a tensor."""
    rng = np.random.default_rng(20)
    tokens = [b"<unk>", b"<s>", b"</s>", *(b"<0x%02X>" % byte for byte in range(256))]
    types = [gguf.TokenType.UNKNOWN, *[gguf.TokenType.CONTROL] * 2, *[gguf.TokenType.BYTE] * 256]

    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name("tiny")
    writer.add_context_length(512)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(FORWARD)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("llama")
    writer.add_token_list(tokens)
    writer.add_token_scores([0.0] * len(tokens))
    writer.add_token_types(types)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)

    def add(name: str, *shape: int) -> None:
        flat = len(shape) == 1
        data = np.ones(shape, np.float32) if flat else rng.normal(0, 0.05, shape).astype(np.float32)
        data = edit(name, data) if edit else data
        as_kind = gguf.GGMLQuantizationType.F32 if flat else kind
        writer.add_tensor(name, gguf.quants.quantize(data, as_kind), raw_dtype=as_kind)

    add("token_embd.weight", len(tokens), WIDTH)
    add("output_norm.weight", WIDTH)
    add("output.weight", len(tokens), WIDTH)
    for i in range(LAYERS):
        for part in ("attn_norm", "ffn_norm"):
            add(f"blk.{i}.{part}.weight", WIDTH)
        for part in ("attn_q", "attn_k", "attn_v", "attn_output"):
            add(f"blk.{i}.{part}.weight", WIDTH, WIDTH)
        for part in ("ffn_gate", "ffn_up"):
            add(f"blk.{i}.{part}.weight", FORWARD, WIDTH)
        add(f"blk.{i}.ffn_down.weight", WIDTH, FORWARD)

    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def recording(path: Path) -> tuple[str | Path, ...]:
    """Return arguments that make llama-completion write what was said to path.

    Its standard output is no proof: upstream's logger prints from a thread of its own and drops
    what it has not printed yet when the program ends.
    """
    return ("--prompt-cache", path, "--prompt-cache-all")


def recorded(path: Path) -> str:
    """Return the text of a recording: prompt and answer."""
    return bytes(token - FIRST_BYTE for token in recorded_tokens(path) if token >= FIRST_BYTE).decode("latin-1")


def recorded_tokens(path: Path) -> tuple[int, ...]:
    """Return the tokens of a recording, special ones too."""
    data = path.read_bytes()
    magic, _version, count = struct.unpack_from("<4sII", data)
    assert magic == b"nsgg", f"{path} is not a session file"
    return struct.unpack_from(f"<{count}i", data, 12)
