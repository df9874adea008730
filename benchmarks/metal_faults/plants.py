"""Faults to plant in upstream's Metal backend: each a change of its source, and the cases that must notice it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

BACKEND = "ggml/src/ggml-metal"
HOST = f"{BACKEND}/ggml-metal-ops.cpp"
PIPELINES = f"{BACKEND}/ggml-metal-device.cpp"
FUNCTION = re.compile(r"^(?:kernel |static |inline )*void (\w+)\($", re.MULTILINE)
BARRIER = re.compile(r"^ *(threadgroup_barrier\(mem_flags::\w+\);)", re.MULTILINE)


class NotPlantedError(Exception):
    """The place that a plant needs is not in this tree; says which."""


@dataclass(frozen=True, slots=True)
class Edit:
    """One change of a file: the text at `start` is `old`, and becomes `new`. Lines keep their numbers."""

    path: str
    start: int
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Cases:
    """What runs: the kernels that are compiled for it, the operation and the parameters of upstream's test program.

    kernels -- regular expression of kernel functions; params -- regular expression, "" for every case
    setup -- changes that are in the tree without the plant too, where upstream never takes the way that is planted in
    """

    kernels: str
    op: str
    params: str = ""
    setup: tuple[Edit, ...] = ()


@dataclass(frozen=True, slots=True)
class Plant:
    """One fault. name -- what it is; where -- file and line.

    redundant -- why nothing can notice it, "" where something must
    """

    name: str
    where: str
    edits: tuple[Edit, ...]
    cases: Cases
    redundant: str = ""


def plants(tree: Path) -> list[Plant]:
    """Give every plant for a tree, in the order in which builds are shared. Raises NotPlantedError."""
    return [*barriers(tree), *others(tree)]


# Barriers of a threadgroup --------------------------------------------------------------------------------------------

# what each SIMD-group of a product with a vector has a part of; a shorter row is the work of the first alone
PRODUCT = Cases("^kernel_mul_mv_t_t_4$", "MUL_MAT", r"type_a=bf16,type_b=f32,m=128,n=1,k=1056,bs=\[1,1\],nr=\[1,1\]")
# function of a shader -> the cases in which more than one SIMD-group of it runs
_QUANTISED = "type_a={0},type_b=f32,m=16,n=1,k=256"
_WITH_BARRIERS = {
    r"kernel_soft_max": Cases("^kernel_soft_max$", "SOFT_MAX", r"ne=\[200001,.*m_prec=f32"),
    r"kernel_soft_max_4": Cases("^kernel_soft_max_4$", "SOFT_MAX", r"ne=\[200000,1,"),
    r"kernel_norm_fuse_impl": Cases("norm_fuse_impl$", "NORM", r"v=0,eps=0\.0001"),
    r"kernel_rms_norm_fuse_impl": Cases("norm_fuse_impl$", "RMS_NORM", r"v=0,eps=0\.0001"),
    r"kernel_l2_norm_impl": Cases("^kernel_l2_norm_impl$", "L2_NORM", r"eps=0\.0001\d*,v=0"),
    r"kernel_group_norm_f32": Cases("^kernel_group_norm_f32$", "GROUP_NORM", "num_groups=32"),
    r"helper_mv_reduce_and_write": PRODUCT,
    r"kernel_mul_mv_(\w+)_f32_impl": Cases(r"^kernel_mul_mv_{0}_f32$", "MUL_MAT", _QUANTISED),
}
GROUP_NORM = "kernel_group_norm_f32"


def barriers(tree: Path) -> list[Plant]:
    """Give a plant for each barrier of a threadgroup in softmax, the norms and the products with a vector."""
    found = [plant for path in sorted((tree / BACKEND).rglob("*.metal")) for plant in _of_file(tree, path)]
    if not found:
        raise NotPlantedError(f"{tree}/{BACKEND} has no shader with a barrier that is known here.")
    return found


def _of_file(tree: Path, path: Path) -> Iterator[Plant]:
    text = path.read_text(encoding="utf-8")
    name = path.relative_to(tree).as_posix()
    starts = [*((match[1], match.start()) for match in FUNCTION.finditer(text)), ("", len(text))]
    for (function, start), (_, end) in pairwise(starts):
        cases = _cases(tree, function, name, text[start:end], start)
        matches = list(BARRIER.finditer(text, start, end)) if cases else []
        for number, match in enumerate(matches, 1):
            redundant = ""
            if function == GROUP_NORM and number == 1:
                redundant = "no thread has touched threadgroup memory before it"
            said = f"{function}: barrier {number} of {len(matches)} removed"
            edit = Edit(name, match.start(1), match[1], "")
            yield Plant(said, f"{path.name}:{_line(text, match.start(1))}", (edit,), _known(cases), redundant)


def _known(cases: Cases | None) -> Cases:
    assert cases
    return cases


def _cases(tree: Path, function: str, path: str, body: str, start: int) -> Cases | None:
    """Give the cases for a function, None where it is not one of those."""
    for pattern, cases in _WITH_BARRIERS.items():
        match = re.fullmatch(pattern, function)
        if match and function == GROUP_NORM:
            return replace(cases, setup=_several_simdgroups(tree, path, body, start))
        if match:
            named = match.groups()
            return replace(cases, kernels=cases.kernels.format(*named), params=cases.params.format(*named))
    return None


def _several_simdgroups(tree: Path, path: str, body: str, start: int) -> tuple[Edit, ...]:
    """Let group_norm have eight SIMD-groups: upstream dispatches one, so that no barrier of it ever matters.

    With more than one it lacks a barrier: the second `buf[tiisg] = 0.0f` may come before another SIMD-group has read
    the first sum. The setup has it.
    """
    clear = "if (sgitg == 0) {"
    second = body.index(clear, body.index(clear) + 1)
    host = (tree / HOST).read_text(encoding="utf-8")
    one = "int nth = 32;"
    at = host.index(one, host.index("int ggml_metal_op_group_norm("))
    return (
        Edit(path, start + second, clear, f"threadgroup_barrier(mem_flags::mem_threadgroup); {clear}"),
        Edit(HOST, at, one, "int nth = 256;"),
    )


# All others -----------------------------------------------------------------------------------------------------------


def others(tree: Path) -> list[Plant]:
    """Give a plant of each other kind."""
    place = _Places(tree)
    matrices = Cases("^kernel_mul_mm$", "MUL_MAT", r"type_a=bf16,type_b=f32,m=16,n=16,k=256,.*per=\[0,2,1,3\]")
    copy = Cases("^kernel_cpy_t_t$", "CPY", r"type_src=f32,type_dst=bf16,ne_src=\[256,2,3,4\]")
    rows = Cases("^kernel_get_rows_f$", "GET_ROWS", "type=bf16,n=256,")
    by_id = Cases("^kernel_mul_mm_id", "MUL_MAT_ID", "type_a=bf16,type_b=f32,n_mats=4,n_used=2,b=0,m=512,n=32,k=256")
    # upstream's test program computes most graphs node by node, this one as a whole
    graph = Cases("rms_norm|kernel_rope|kernel_bin", "RMS_NORM_MUL_ROPE", r"ne=\[768,.*add=1,.*set_rows=0,.*mode=0")
    count = Cases("^kernel_(argmax|count_equal|memset)", "COUNT_EQUAL")
    return [
        place.plant("wrong index", rows, "void kernel_get_rows_f(", "psrc[ind]", "psrc[ind ^ 1]"),
        place.plant(
            "wrong rounding to bfloat",
            copy,
            "void kernel_cpy_t_t(",
            "(T1) src[0]",
            "(T1) as_type<float>(as_type<uint>((float) src[0]) & 0xffff0000u)",
        ),
        place.plant("swapped matrix operands", matrices, "void kernel_mul_mm(", "mb[i/4], ma[i%4]", "ma[i%4], mb[i/4]"),
        place.plant(
            "write past threadgroup memory",
            PRODUCT,
            "void helper_mv_reduce_and_write(",
            "shmem + NW*row",
            "shmem + NW*(row + 1)",
        ),
        place.plant(
            "too little threadgroup memory asked for",
            PRODUCT,
            "ggml_metal_library_get_pipeline_mul_mv(",
            "32*sizeof(float)*nr0",
            "16*sizeof(float)*nr0",
            PIPELINES,
        ),
        place.plant(
            "a line of a shader broken", PRODUCT, "void helper_mv_reduce_and_write(", "dst_f32[r0 + row] = tot;", ""
        ),
        place.plant(
            "a type reaches an assertion",
            PRODUCT,
            "ggml_metal_library_get_pipeline_mul_mv(",
            "case GGML_TYPE_BF16:",
            "",
            PIPELINES,
        ),
        place.plant("no command barrier: map of experts", by_id, "int ggml_metal_op_mul_mat_id(", _RESET, "", HOST),
        place.plant("no command barrier: result cleared", count, "int ggml_metal_op_count_equal(", _RESET, "", HOST),
        place.plant("no command barrier: nodes of a graph", graph, "if (!is_concurrent) {", _RESET, "", HOST),
    ]


_RESET = "ggml_metal_op_concurrency_reset(ctx);"


@dataclass(frozen=True, slots=True)
class _Places:
    """Where texts stand in a tree."""

    tree: Path

    def plant(self, name: str, cases: Cases, within: str, old: str, new: str, path: str = "") -> Plant:
        """Give the plant that changes the first `old` behind `within`, in a file or in the shader that has it."""
        for file in [self.tree / path] if path else sorted((self.tree / BACKEND).rglob("*.metal")):
            text = file.read_text(encoding="utf-8")
            at = text.find(old, text.find(within)) if within in text else -1
            if at >= 0:
                edit = Edit(file.relative_to(self.tree).as_posix(), at, old, new)
                return Plant(name, f"{file.name}:{_line(text, at)}", (edit,), cases)
        where = f"{path} does not have" if path else "no shader has"
        raise NotPlantedError(f"{name}: {where} {old!r} behind {within!r}: plant it elsewhere.")


def _line(text: str, at: int) -> int:
    return text.count("\n", 0, at) + 1
