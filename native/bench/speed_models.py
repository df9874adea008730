# SPDX-License-Identifier: MIT
"""Writes the models whose speed is measured: random weights, since how fast they are read does not depend on them.

    python native/bench/speed_models.py NAME OUTPUT

The same name gives the same bytes. Two models for two ways to the fork's speed: a dense one in BF16, and a mixture of
experts in Q4_K, where a real fork once lost its fast path without anybody's noticing. Each is small enough for a run
of half a second, and larger than a core's own cache.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import gguf
import numpy as np
import numpy.typing as npt
from gguf import GGMLQuantizationType as Kind

Data = npt.NDArray[np.uint8] | npt.NDArray[np.float32]

VOCABULARY, WIDTH, HEAD = 4096, 512, 64
HEADS, KEY_HEADS = 8, 4
CONTEXT = 2048

# A block of Q4_K: 256 weights as two F16 scales, twelve bytes of finer scales, 128 bytes of two weights each.
BLOCK, BLOCK_SCALES, BLOCK_BYTES = 256, 2, 12 + 128


@dataclass(frozen=True)
class Shape:
    """What a model is made of. forward -- of one expert, where there are any; experts -- 0 for a dense model."""

    architecture: str
    kind: Kind
    layers: int
    forward: int
    experts: int = 0
    used: int = 0


SHAPES = {
    "dense-bf16": Shape("llama", Kind.BF16, layers=8, forward=1536),
    "experts-q4_k": Shape("qwen3moe", Kind.Q4_K, layers=6, forward=512, experts=16, used=4),
}


def write(path: Path, shape: Shape) -> None:
    """Write a model."""
    writer = gguf.GGUFWriter(path, shape.architecture)
    writer.add_name("random")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.forward)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KEY_HEADS)
    writer.add_key_length(HEAD)
    writer.add_value_length(HEAD)
    writer.add_rope_dimension_count(HEAD)
    writer.add_layer_norm_rms_eps(1e-5)
    if shape.experts:
        writer.add_expert_count(shape.experts)
        writer.add_expert_used_count(shape.used)
        writer.add_expert_feed_forward_length(shape.forward)
    tokens = [b"<unk>", b"<s>", b"</s>", *(b"<0x%02X>" % byte for byte in range(256))]
    tokens += [b"w%d" % number for number in range(VOCABULARY - len(tokens))]
    kinds = [gguf.TokenType.UNKNOWN, *[gguf.TokenType.CONTROL] * 2, *[gguf.TokenType.BYTE] * 256]
    writer.add_vocab_size(VOCABULARY)
    writer.add_tokenizer_model("llama")
    writer.add_token_list(tokens)
    writer.add_token_scores([0.0] * VOCABULARY)
    writer.add_token_types([*kinds, *[gguf.TokenType.NORMAL] * (VOCABULARY - len(kinds))])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    for name, (kind, data) in tensors(shape).items():
        writer.add_tensor(name, data, raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def tensors(shape: Shape) -> dict[str, tuple[Kind, Data]]:
    """Return the weights of a model by their names, rows first, each with its type."""
    rng = np.random.default_rng(7)

    def matrix(*dims: int) -> tuple[Kind, Data]:
        if shape.kind is Kind.Q4_K:
            return Kind.Q4_K, blocks(rng, *dims)
        values = rng.normal(0, 1 / np.sqrt(dims[-1]), dims).astype(np.float32)
        return shape.kind, gguf.quants.quantize(values, shape.kind)

    def norm(size: int) -> tuple[Kind, Data]:
        return Kind.F32, np.ones(size, np.float32)

    queries, keys = HEADS * HEAD, KEY_HEADS * HEAD
    made = {"token_embd.weight": matrix(VOCABULARY, WIDTH), "output_norm.weight": norm(WIDTH)}
    made["output.weight"] = matrix(VOCABULARY, WIDTH)
    for layer in range(shape.layers):
        block = {"attn_norm": norm(WIDTH), "ffn_norm": norm(WIDTH), "attn_q": matrix(queries, WIDTH)}
        block |= {"attn_k": matrix(keys, WIDTH), "attn_v": matrix(keys, WIDTH), "attn_output": matrix(WIDTH, queries)}
        if shape.experts:
            router = rng.normal(0, 1, (shape.experts, WIDTH)).astype(np.float32)
            block |= {"attn_q_norm": norm(HEAD), "attn_k_norm": norm(HEAD), "ffn_gate_inp": (Kind.F32, router)}
            block |= {f"ffn_{part}_exps": matrix(shape.experts, shape.forward, WIDTH) for part in ("gate", "up")}
            block["ffn_down_exps"] = matrix(shape.experts, WIDTH, shape.forward)
        else:
            block |= {f"ffn_{part}": matrix(shape.forward, WIDTH) for part in ("gate", "up")}
            block["ffn_down"] = matrix(WIDTH, shape.forward)
        made |= {f"blk.{layer}.{name}.weight": one for name, one in block.items()}
    return made


def blocks(rng: np.random.Generator, *dims: int) -> npt.NDArray[np.uint8]:
    """Return random blocks of Q4_K for a matrix, as bytes: small scales, so that no product overflows."""
    *rows, columns = dims
    count = columns // BLOCK
    scales = np.full((*rows, count, BLOCK_SCALES), 1e-4, np.float16).view(np.uint8)
    rest = rng.integers(0, 256, (*rows, count, BLOCK_BYTES), np.uint8)
    return np.concatenate([scales, rest], axis=-1).reshape(*rows, -1)


if __name__ == "__main__":
    write(Path(sys.argv[2]), SHAPES[sys.argv[1]])
