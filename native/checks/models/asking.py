# SPDX-License-Identifier: MIT
"""Runs llama.cpp's tools on a model, and reads what it said from files, never from what they print."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from native_harness import recorded_tokens, recording, succeeded

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from models.reference import Numbers
    from native_harness import Device, Tool

# With one thread and no warm-up a run is the same every time; -fit would load a model twice, to measure it.
STEADY = ("-t", "1", "--no-warmup", "-fit", "off")

# A device in software compiles its programs for a minute, the first time that they are used.
SECONDS = 1800

# Upstream's logger drops what it has not written when the program ends, so a line of a short run may be missing.
# It never holds back more than 512 messages, though: with every step of every graph logged, which takes this
# variable, more than that many follow those about the model and its first graph.
LOUD = ("-v",)
LOUD_ENV = {"GGML_SCHED_DEBUG": "2"}

# The lines of a log that say where a model is and where it runs.
PLACES = re.compile("buffer size|SPLIT")

# How llama-perplexity writes probabilities: a name, three counts, the tokens, then a row for each token that
# was predicted: two floats, and as many 16-bit steps as the vocabulary has tokens, rounded up to an even number.
NAME, COUNTS, ROW_HEAD = b"_logits_", "<iii", 4


@dataclass(frozen=True)
class Predicted:
    """What a model made of a text.

    tokens -- the text, with its start
    first -- the place of the first token after which a prediction was written: the second half is
    log_shares -- a row for each such token but the last: the logarithm of every token's probability to follow
    log -- what the tool logged
    """

    tokens: tuple[int, ...]
    first: int
    log_shares: Numbers
    log: str

    @property
    def following(self) -> tuple[int, ...]:
        """The tokens that did follow."""
        return self.tokens[self.first + 1 :]


def predict(tool: Tool, device: Device, model: Path, *, text: Path, length: int) -> Predicted:
    """Have llama-perplexity predict the first tokens of a text, at once, and return what it wrote."""
    output = text.with_name("log-shares")
    output.unlink(missing_ok=True)
    words = ("-f", text, "-c", str(length), "-b", str(length), "--chunks", "1", "--save-all-logits", output)
    log = ask(tool, device, "-m", model, *words)

    data = output.read_bytes()
    assert data.startswith(NAME), f"{tool.path} wrote no probabilities"
    context, vocabulary, chunks = struct.unpack_from(COUNTS, data, len(NAME))
    assert (context, chunks) == (length, 1)
    at = len(NAME) + struct.calcsize(COUNTS)
    tokens = struct.unpack_from(f"<{length}i", data, at)
    rows = np.frombuffer(data, np.uint16, offset=at + 4 * length).reshape(
        length - 1 - length // 2, ROW_HEAD + vocabulary + vocabulary % 2
    )
    step, least = rows[:, :ROW_HEAD].copy().view(np.float32).astype(np.float64).T
    steps = rows[:, ROW_HEAD : ROW_HEAD + vocabulary]
    return Predicted(tokens, length // 2, steps * step[:, None] + least[:, None], log)


def speak(tool: Tool, device: Device, model: Path, *, prompt: str, count: int, folder: Path) -> tuple[int, ...]:
    """Have llama-completion go on after a prompt, always with what is likeliest, and return all tokens."""
    path = folder / "recording"
    path.unlink(missing_ok=True)
    words = ("-no-cnv", "--temp", "0", "--seed", "1", "-c", "64", "-n", str(count), "--ignore-eos", "-p", prompt)
    ask(tool, device, "-m", model, *words, *recording(path))
    return recorded_tokens(path)


def ask(tool: Tool, device: Device, *words: str | Path) -> str:
    """Run a tool on the device, and return its log; a log that does not show the device is a failure."""
    done = succeeded(tool(*words, *STEADY, *LOUD, *device.options, env=LOUD_ENV, seconds=SECONDS))
    log = done.stdout + done.stderr
    told = "\n".join(line for line in log.splitlines() if PLACES.search(line))
    assert device.proof.search(log), f"it ran elsewhere, as nothing logged is like `{device.proof.pattern}`:\n{told}"
    return log


def error(said: Numbers, expected: Numbers) -> Numbers:
    """Return how far each row is from what is expected, as a share of how much the expected row varies.

    A number that is added to a whole row means nothing to probabilities, so it is taken out first.
    """
    said, expected = (rows - rows.mean(axis=1, keepdims=True) for rows in (said, expected))
    distance: Numbers = np.linalg.norm(said - expected, axis=1) / np.linalg.norm(expected, axis=1)
    return distance


def perplexity(log_shares: Numbers, following: Sequence[int]) -> float:
    """Return the perplexity of predictions: the size of a die that would have guessed as well."""
    return float(np.exp(-log_shares[np.arange(len(following)), list(following)].mean()))
