# SPDX-License-Identifier: MIT
"""The models of the check: small networks with random weights, written by the gguf package.

Four architectures, each for what the others have not: llama; phi3, with fused matrices and two sets of
factors for its rotary embedding; qwen3moe, a mixture of experts; gemma3, with a sliding window on every other
layer. The weights of one architecture are the same numbers in every type, rounded to that type.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import gguf
import numpy as np
import numpy.typing as npt
from gguf import GGMLQuantizationType as Kind
from native_harness import FIRST_BYTE

if TYPE_CHECKING:
    from pathlib import Path

Weights = npt.NDArray[np.float32]
Architecture = Literal["llama", "phi3", "qwen3moe", "gemma3"]

# One row is one K-quant block of 256, in every matrix; two heads of the keys serve four of the queries.
WIDTH, FORWARD, LAYERS = 256, 512, 2
HEADS, KEY_HEADS, HEAD = 4, 2, 64
EXPERTS, EXPERTS_USED = 8, 2

# Upstream rounds the length of every context up to a multiple of 256 tokens, so no shorter original context
# can be told from a longer one.
ORIGINAL_CONTEXT = 256
TRAINED_CONTEXT = 512

# Tokens are three special ones, then the 256 bytes, then phi3's end, which upstream demands of such a model.
START, STOP = 1, 2
END = FIRST_BYTE + 256
VOCABULARY = END + 1

ROPE_BASE, LOCAL_ROPE_BASE = 10_000.0, 1_000.0
EPSILON = 1e-5
# Real models have 1.19 for 32 times their original context; any number that is not 1 will do.
ATTENTION_FACTOR = 1.25

# gguf's own quantisers write these types. It has none for K-quants: llama-quantize, of the build, makes those
# of the F32 model.
WRITTEN = {"F32": Kind.F32, "F16": Kind.F16, "BF16": Kind.BF16, "Q8_0": Kind.Q8_0, "Q4_0": Kind.Q4_0}
KINDS = (*WRITTEN, "Q4_K_M")


@dataclass(frozen=True)
class Recipe:
    """All that decides a model's weights and metadata.

    kind -- one of KINDS
    window -- tokens that a layer with a sliding window sees, its own among them; 0 for all
    """

    architecture: Architecture
    kind: str
    window: int = 0

    @property
    def name(self) -> str:
        """Its name in reports."""
        return f"{self.architecture}-{self.kind}"


ARCHITECTURES: tuple[Architecture, ...] = ("llama", "phi3", "qwen3moe", "gemma3")
WINDOW = 32  # of gemma3's local layers: fewer tokens than any text of a check
EVERY = tuple(
    Recipe(architecture, kind, WINDOW if architecture == "gemma3" else 0)
    for architecture in ARCHITECTURES
    for kind in KINDS
)


def is_local(layer: int) -> bool:
    """Return whether a layer has the sliding window, if there is one: of every two layers the first."""
    return layer % 2 == 0


def write(path: Path, recipe: Recipe) -> None:
    """Write a model of one of the types in WRITTEN."""
    writer = gguf.GGUFWriter(path, recipe.architecture)
    _metadata(writer, recipe)
    kind = WRITTEN[recipe.kind]
    for name, data in tensors(recipe.architecture).items():
        # upstream keeps vectors and routers as they are, too
        keeps = data.ndim == 1 or "ffn_gate_inp" in name
        as_kind = Kind.F32 if keeps else kind
        writer.add_tensor(name, gguf.quants.quantize(data, as_kind), raw_dtype=as_kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _metadata(writer: gguf.GGUFWriter, recipe: Recipe) -> None:
    writer.add_name(f"tiny {recipe.architecture}")
    writer.add_context_length(TRAINED_CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(FORWARD)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KEY_HEADS)
    writer.add_key_length(HEAD)
    writer.add_value_length(HEAD)
    writer.add_rope_dimension_count(HEAD)
    writer.add_rope_freq_base(ROPE_BASE)
    writer.add_layer_norm_rms_eps(EPSILON)
    if recipe.architecture == "phi3":
        writer.add_rope_scaling_orig_ctx_len(ORIGINAL_CONTEXT)
        writer.add_rope_scaling_attn_factors(ATTENTION_FACTOR)
    if recipe.architecture == "qwen3moe":
        writer.add_expert_count(EXPERTS)
        writer.add_expert_used_count(EXPERTS_USED)
        writer.add_expert_feed_forward_length(WIDTH)
    if recipe.window:
        writer.add_sliding_window(recipe.window)
    if recipe.architecture == "gemma3":
        writer.add_sliding_window_pattern(2)
        writer.add_rope_freq_base_swa(LOCAL_ROPE_BASE)
    _vocabulary(writer)


def _vocabulary(writer: gguf.GGUFWriter) -> None:
    tokens = [b"<unk>", b"<s>", b"</s>", *(b"<0x%02X>" % byte for byte in range(256)), b"<|endoftext|>"]
    control = gguf.TokenType.CONTROL
    writer.add_vocab_size(VOCABULARY)
    writer.add_tokenizer_model("llama")
    writer.add_token_list(tokens)
    writer.add_token_scores([0.0] * VOCABULARY)
    writer.add_token_types([gguf.TokenType.UNKNOWN, control, control, *[gguf.TokenType.BYTE] * 256, control])
    writer.add_bos_token_id(START)
    writer.add_eos_token_id(STOP)
    writer.add_unk_token_id(0)
    writer.add_add_bos_token(True)
    writer.add_add_space_prefix(False)


def tensors(architecture: Architecture) -> dict[str, Weights]:
    """Return the weights of an architecture, rows first.

    A normal vector times a matrix has a deviation of 1.3: enough for attention to prefer some tokens, so that
    a wrong position or window changes what is said, and too little for a model that magnifies every rounding.
    """
    rng = np.random.default_rng(20)

    def matrix(*shape: int, scale: float = 1.3) -> Weights:
        return rng.normal(0, scale / math.sqrt(shape[-1]), shape).astype(np.float32)

    def norm(size: int) -> Weights:
        return rng.uniform(0.8, 1.2, size).astype(np.float32)

    # gemma3 scales what it reads by the root of its width
    read = 1 if architecture == "gemma3" else math.sqrt(WIDTH)
    made = {"token_embd.weight": matrix(VOCABULARY, WIDTH, scale=read), "output_norm.weight": norm(WIDTH)}
    made["output.weight"] = matrix(VOCABULARY, WIDTH)
    if architecture == "phi3":
        made["rope_factors_long.weight"] = np.linspace(1.5, 7.5, HEAD // 2, dtype=np.float32)
        made["rope_factors_short.weight"] = np.linspace(1.1, 1.6, HEAD // 2, dtype=np.float32)
    for layer in range(LAYERS):
        block = {"attn_norm": norm(WIDTH), "ffn_norm": norm(WIDTH)}
        queries, keys = HEADS * HEAD, KEY_HEADS * HEAD
        if architecture == "phi3":
            block["attn_qkv"] = matrix(queries + 2 * keys, WIDTH)
        else:
            block["attn_q"] = matrix(queries, WIDTH)
            block["attn_k"], block["attn_v"] = matrix(keys, WIDTH), matrix(keys, WIDTH)
        block["attn_output"] = matrix(WIDTH, queries)
        if architecture in {"qwen3moe", "gemma3"}:
            block["attn_q_norm"], block["attn_k_norm"] = norm(HEAD), norm(HEAD)
        if architecture == "gemma3":
            block["post_attention_norm"], block["post_ffw_norm"] = norm(WIDTH), norm(WIDTH)
        match architecture:
            case "phi3":
                block["ffn_up"] = matrix(2 * FORWARD, WIDTH)
                block["ffn_down"] = matrix(WIDTH, FORWARD)
            case "qwen3moe":
                block["ffn_gate_inp"] = matrix(EXPERTS, WIDTH, scale=4)
                block["ffn_gate_exps"] = matrix(EXPERTS, WIDTH, WIDTH)
                block["ffn_up_exps"] = matrix(EXPERTS, WIDTH, WIDTH)
                block["ffn_down_exps"] = matrix(EXPERTS, WIDTH, WIDTH)
            case _:
                block["ffn_gate"], block["ffn_up"] = matrix(FORWARD, WIDTH), matrix(FORWARD, WIDTH)
                block["ffn_down"] = matrix(WIDTH, FORWARD)
        made |= {f"blk.{layer}.{name}.weight": data for name, data in block.items()}
    return made
