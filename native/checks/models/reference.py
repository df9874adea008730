# SPDX-License-Identifier: MIT
"""What a model of the check has to say, computed from its definition in double precision.

Nothing here comes from ggml: the gguf package reads the weights from the model's file and widens them, the
rest is the mathematics of each architecture. A whole text is computed at once, with no cache.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import gguf
import numpy as np
import numpy.typing as npt
from models.recipes import (
    ATTENTION_FACTOR,
    EPSILON,
    EXPERTS_USED,
    FORWARD,
    HEAD,
    HEADS,
    KEY_HEADS,
    LAYERS,
    LOCAL_ROPE_BASE,
    ROPE_BASE,
    WIDTH,
    Architecture,
    is_local,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

Numbers = npt.NDArray[np.float64]
Block = dict[str, Numbers]


@dataclass(frozen=True)
class Expected:
    """What a model has to say.

    logits -- a row for what follows each token
    lead -- for each token, by how much the router preferred the last expert that it chose to the next one, in
        the layer where that is least; infinite without a router. Where it is next to nothing, any rounding may
        choose the other expert, and then say something else.
    """

    logits: Numbers
    lead: Numbers


@dataclass(frozen=True)
class Reference:
    """A model's file, and how it is read.

    window -- tokens that a layer with a sliding window sees, 0 for all
    factors -- which of phi3's factors hold, "long" or "short"
    """

    path: Path
    architecture: Architecture
    window: int = 0
    factors: str = "short"

    @cached_property
    def weights(self) -> dict[str, Numbers]:
        """Every tensor, rows first."""
        return {
            one.name.removesuffix(".weight"): np.asarray(gguf.quants.dequantize(one.data, one.tensor_type), np.float64)
            for one in gguf.GGUFReader(self.path).tensors
        }

    def said(self, tokens: Sequence[int]) -> Expected:
        """Return what has to be said after each token of a text."""
        gemma = self.architecture == "gemma3"
        state = self.weights["token_embd"][list(tokens)] * (np.sqrt(WIDTH) if gemma else 1)
        lead = np.full(len(tokens), np.inf)
        for layer in range(LAYERS):
            start = f"blk.{layer}."
            block = {name.removeprefix(start): data for name, data in self.weights.items() if name.startswith(start)}
            attended = self._attention(block, normal(state, block["attn_norm"]), layer)
            state = state + (normal(attended, block["post_attention_norm"]) if gemma else attended)
            read = normal(state, block["ffn_norm"])
            if self.architecture == "qwen3moe":
                lead = np.minimum(lead, leads(block, read))
            forwarded = self._forward(block, read)
            state = state + (normal(forwarded, block["post_ffw_norm"]) if gemma else forwarded)
        return Expected(normal(state, self.weights["output_norm"]) @ self.weights["output"].T, lead)

    def _attention(self, block: Block, state: Numbers, layer: int) -> Numbers:
        queries, keys, length = HEADS * HEAD, KEY_HEADS * HEAD, len(state)
        if self.architecture == "phi3":
            parts = np.split(state @ block["attn_qkv"].T, [queries, queries + keys], axis=1)
        else:
            parts = [state @ block[f"attn_{part}"].T for part in "qkv"]
        q, k, v = (part.reshape(length, -1, HEAD).swapaxes(0, 1) for part in parts)
        if "attn_q_norm" in block:
            q, k = normal(q, block["attn_q_norm"]), normal(k, block["attn_k_norm"])
        q, k = self._rotated(q, layer), self._rotated(k, layer)
        k, v = (np.repeat(part, HEADS // KEY_HEADS, axis=0) for part in (k, v))

        back = np.arange(length)[:, None] - np.arange(length)[None, :]
        hidden = back < 0
        if self.window and is_local(layer):
            hidden |= back >= self.window
        scores = np.where(hidden, -np.inf, q @ k.swapaxes(1, 2) / np.sqrt(HEAD))
        mixed = softmax(scores) @ v
        return mixed.swapaxes(0, 1).reshape(length, queries) @ block["attn_output"].T

    def _rotated(self, heads: Numbers, layer: int) -> Numbers:
        """Turn pairs of numbers by their position: neighbours in llama, else a number of each half of a head."""
        local = self.architecture == "gemma3" and is_local(layer)
        turns = (LOCAL_ROPE_BASE if local else ROPE_BASE) ** (-np.arange(0, HEAD, 2) / HEAD)
        scale = 1.0
        if self.architecture == "phi3":
            turns, scale = turns / self.weights[f"rope_factors_{self.factors}"], ATTENTION_FACTOR
        angles = np.arange(heads.shape[1])[:, None] * turns
        cos, sin = scale * np.cos(angles), scale * np.sin(angles)
        if self.architecture == "llama":
            first, second = slice(0, None, 2), slice(1, None, 2)
        else:
            first, second = slice(None, HEAD // 2), slice(HEAD // 2, None)
        x, y = heads[..., first], heads[..., second]
        turned = np.empty_like(heads)
        turned[..., first], turned[..., second] = x * cos - y * sin, x * sin + y * cos
        return turned

    def _forward(self, block: Block, state: Numbers) -> Numbers:
        match self.architecture:
            case "phi3":
                gate, up = np.split(state @ block["ffn_up"].T, [FORWARD], axis=1)
                return (silu(gate) * up) @ block["ffn_down"].T
            case "gemma3":
                return (gelu(state @ block["ffn_gate"].T) * (state @ block["ffn_up"].T)) @ block["ffn_down"].T
            case "llama":
                return (silu(state @ block["ffn_gate"].T) * (state @ block["ffn_up"].T)) @ block["ffn_down"].T
            case "qwen3moe":
                return _experts(block, state)


def _experts(block: Block, state: Numbers) -> Numbers:
    """Mix, for each row, what the experts that the router prefers make of it, by their shares."""
    gate, up, down = (block[f"ffn_{part}_exps"].swapaxes(1, 2) for part in ("gate", "up", "down"))
    made = (silu(state @ gate) * (state @ up)) @ down
    shares = softmax(state @ block["ffn_gate_inp"].T)
    least = np.sort(shares, axis=1)[:, [-EXPERTS_USED]]
    shares = np.where(shares < least, 0, shares)
    shares /= shares.sum(axis=1, keepdims=True)
    mixed: Numbers = np.einsum("te,etw->tw", shares, made)
    return mixed


def leads(block: Block, state: Numbers) -> Numbers:
    """Return by how much the router prefers the last expert that it chooses to the next one."""
    preferences: Numbers = np.sort(state @ block["ffn_gate_inp"].T, axis=1)
    return preferences[:, -EXPERTS_USED] - preferences[:, -EXPERTS_USED - 1]


def normal(rows: Numbers, weight: Numbers) -> Numbers:
    """Return rows scaled to a mean square of 1, then by a weight for each column."""
    size: Numbers = np.sqrt(np.mean(rows**2, axis=-1, keepdims=True) + EPSILON)
    return rows / size * weight


def softmax(rows: Numbers) -> Numbers:
    """Return shares that add up to 1 in each row."""
    return np.asarray(np.exp(log_shares(rows)))


def log_shares(rows: Numbers) -> Numbers:
    """Return the logarithms of shares that add up to 1 in each row."""
    below: Numbers = rows - rows.max(axis=-1, keepdims=True)
    total: Numbers = np.log(np.exp(below).sum(axis=-1, keepdims=True))
    return below - total


def silu(x: Numbers) -> Numbers:
    """Return x times its logistic."""
    odds: Numbers = np.exp(-x)
    return x / (1 + odds)


def gelu(x: Numbers) -> Numbers:
    """Return GELU by the hyperbolic tangent, the approximation that gemma is defined with."""
    share: Numbers = np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))
    return x / 2 * (1 + share)
