# SPDX-License-Identifier: MIT
"""Witness of `finite-kquants`: an outlier weight does not break a K-quantised row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import gguf
import numpy as np
import pytest
from gguf import GGMLQuantizationType as Kind
from native_harness import WIDTH, Edit, FindTool, Speak, Weights, write_model

if TYPE_CHECKING:
    from pathlib import Path

# One row of one tensor gets the outlier, in its first block; everything else must not notice.
TENSOR, ROW, COLUMN = "blk.1.attn_q.weight", 5, 17
LIMIT = 65504.0

QUANTS = ("Q2_K", "Q3_K_S", "Q4_K_S", "Q5_K_S", "Q6_K")


@dataclass(frozen=True)
class Quantised:
    """What llama-quantize said and wrote."""

    status: int
    said: str
    path: Path

    def raw(self) -> dict[str, bytes]:
        """Return the bytes of every tensor."""
        tensors = gguf.GGUFReader(self.path).tensors
        return {tensor.name: tensor.data.tobytes() for tensor in tensors}

    def values(self) -> Weights:
        """Return the numbers of the one tensor."""
        (one,) = (t for t in gguf.GGUFReader(self.path).tensors if t.name == TENSOR)
        return np.asarray(gguf.quants.dequantize(one.data, one.tensor_type), np.float32)


class Quantise(Protocol):
    """Writes a model, with an outlier or none, and quantises it."""

    def __call__(self, quant: str, outlier: float | None, kind: Kind = Kind.F32, threads: int = 1) -> Quantised:
        """Quantise to quant."""


@pytest.fixture
def quantise(tmp_path: Path, tool: FindTool) -> Quantise:
    """Return a function that quantises a model with an outlier."""

    def run(quant: str, outlier: float | None, kind: Kind = Kind.F32, threads: int = 1) -> Quantised:
        edit = None if outlier is None else with_outlier(outlier)
        model = write_model(tmp_path / "in.gguf", kind, edit)
        output = tmp_path / f"out-{outlier}.gguf"
        done = tool("llama-quantize")("--pure", model, output, quant, str(threads))
        return Quantised(done.returncode, done.stdout + done.stderr, output)

    return run


def with_outlier(value: float) -> Edit:
    """Return an edit that puts value into the one place."""

    def edit(name: str, data: Weights) -> Weights:
        if name == TENSOR:
            data = data.copy()
            data[ROW, COLUMN] = value
        return data

    return edit


@pytest.mark.parametrize("kind", [Kind.F32, Kind.BF16], ids=["f32", "bf16"])
@pytest.mark.parametrize("quant", QUANTS)
@pytest.mark.parametrize("outlier", [1e9, -1e9, 3e38], ids=["1e9", "-1e9", "3e38"])
def test_outlier_is_clamped(quantise: Quantise, kind: Kind, quant: str, outlier: float) -> None:
    """A weight that no F16 scale can express is clamped to the F16 range, and a warning says so."""
    result = quantise(quant, outlier, kind, threads=2)
    assert result.status == 0, result.said
    assert "1 of 256 values clamped to +-65504" in result.said

    values = result.values()
    assert np.isfinite(values).all()
    # Q2_K has 4 levels and 4-bit scales, so it may miss even the largest value by a fifth
    assert values[ROW, COLUMN] == pytest.approx(np.sign(outlier) * LIMIT, rel=0.2)
    assert abs(np.delete(values[ROW], COLUMN)).max() < LIMIT / 10


@pytest.mark.parametrize("quant", QUANTS)
@pytest.mark.parametrize("threads", [1, 2])
def test_other_rows_keep_every_bit(quantise: Quantise, quant: str, threads: int) -> None:
    """Only the row with the outlier differs from a model without one, whatever the threads."""
    plain, outlier = (quantise(quant, value, threads=threads) for value in (None, 1e9))
    assert plain.status == 0, plain.said
    assert outlier.status == 0, outlier.said

    before, after = plain.raw(), outlier.raw()
    assert before.keys() == after.keys()
    assert {name for name in before if before[name] != after[name]} == {TENSOR}
    row_bytes = len(before[TENSOR]) // WIDTH
    pairs = enumerate(zip(before[TENSOR], after[TENSOR], strict=True))
    assert {i // row_bytes for i, (old, new) in pairs if old != new} == {ROW}


def test_what_fits_is_left_alone(quantise: Quantise) -> None:
    """A value beyond F16 that the K-quant can still express is not clamped, and no one warned."""
    result = quantise("Q6_K", 1e6)
    assert result.status == 0, result.said
    assert "clamped" not in result.said
    assert result.values()[ROW, COLUMN] == pytest.approx(1e6, rel=0.02)


@pytest.mark.parametrize("value", [float("nan"), float("inf")], ids=["nan", "inf"])
def test_broken_sources_stay_refused(quantise: Quantise, value: float) -> None:
    """A source that holds NaN or an infinity is still refused, it is not papered over."""
    result = quantise("Q4_K_S", value, Kind.BF16)
    assert result.status != 0
    assert "invalid data" in result.said


def test_clamped_model_runs(quantise: Quantise, tool: FindTool, typed: tuple[str, ...], speak: Speak) -> None:
    """A model that was quantised around an outlier loads, passes its checks and speaks."""
    result = quantise("Q4_K_S", 3e38, Kind.BF16)
    assert result.status == 0, result.said
    words = ("-m", str(result.path), "--check-tensors", "-p", "abc", "-n", "4")
    assert "abc" in speak(tool("llama-completion"), *typed, *words)
