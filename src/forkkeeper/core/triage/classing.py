"""What kind of change an upstream commit is: from the words of its title, and the paths that it touches.

Nothing here knows a project. Titles are read as most projects write them, `area : what`, `type(scope): what` or
plainly; `BACKENDS` is a table of hardware backends and the words by which paths and titles name them.
docs/triage.md tells all.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from pathlib import PurePosixPath

from forkkeeper.core.variants import Variant


class Kind(Enum):
    """What a commit is for."""

    FIX = "fix"
    FEATURE = "feature"
    REFACTOR = "refactor"
    DOCS = "docs"
    BUILD = "build"
    TEST = "test"
    REVERT = "revert"
    OTHER = "other"


# type of a conventional commit (conventionalcommits.org), and areas that stand before a colon
_TYPES = {
    **dict.fromkeys(("fix", "bugfix", "hotfix", "bug"), Kind.FIX),
    **dict.fromkeys(("feat", "feature", "perf"), Kind.FEATURE),
    **dict.fromkeys(("refactor", "style", "cleanup"), Kind.REFACTOR),
    **dict.fromkeys(("doc", "docs", "readme", "documentation", "changelog"), Kind.DOCS),
    **dict.fromkeys(("build", "ci", "cmake", "make", "makefile", "docker", "devops", "nix", "flake"), Kind.BUILD),
    **dict.fromkeys(("packaging", "release", "gitignore", "editorconfig", "github", "workflows"), Kind.BUILD),
    **dict.fromkeys(("test", "tests", "testing"), Kind.TEST),
    "revert": Kind.REVERT,
}
_HEAD = re.compile(r"\s*`?([A-Za-z][\w ./+`,-]{0,40}?)`?\s*(\([^)]*\))?\s*!?\s*:\s")
_TYPO = re.compile(r"\b(typos?|spelling|grammar mistake)\b", re.IGNORECASE)
_GRAVE = re.compile(r"\b(crash\w*|hang\w*|segfault\w*|deadlock\w*|regression|corrupt\w*)\b", re.IGNORECASE)
_FIX = re.compile(r"\b(fix(es|ed|ing)?|bugs?|bugfix|correct(s|ed|ing|ly)?|prevent\w*|workaround)\b", re.IGNORECASE)
_FEATURE = re.compile(
    r"\b(add(s|ed|ing)?|support\w*|implement\w*|introduc\w*|enabl\w*|allow\w*|optimi[sz]\w*|speed\w*|faster|improv\w*"
    r"|initial|new|extend\w*|accelerat\w*)\b",
    re.IGNORECASE,
)
_REFACTOR = re.compile(
    r"\b(refactor\w*|clean ?-?ups?|renam\w*|mov(e|es|ed|ing)|remov\w*|simplif\w*|reorgani[sz]\w*|restructur\w*|tidy\w*"
    r"|unif(y|ies)|deduplicat\w*|reformat\w*|format(ting)?|split|extract|drop|deprecat\w*|indentation)\b",
    re.IGNORECASE,
)
_DOC_NAMES = {"readme", "changelog", "license", "authors", "contributing", "security", "codeowners"}
_DOC_TYPES = {".md", ".rst", ".txt", ".adoc", ".png", ".svg", ".jpg", ".gif"}
_BUILD_NAMES = {
    *("cmakelists.txt", "cmakepresets.json", "makefile", "meson.build", "dockerfile", "flake.nix", "flake.lock"),
    *("package.swift", "build.zig", "pyproject.toml", "setup.py", ".gitignore", ".gitattributes", ".gitmodules"),
    *(".editorconfig", ".dockerignore", ".clang-format", ".clang-tidy", ".pre-commit-config.yaml", "configure.ac"),
}
_BUILD_FOLDERS = {".github", ".devops", ".ci", "ci", "cmake", "docker", ".circleci", ".gitlab"}
_TEST_FOLDERS = {"test", "tests", "testing", "spec"}


def kind(title: str, paths: Sequence[str]) -> Kind:
    """Say what a commit is for. The first of these that says something counts: revert, all paths, area, words.

    >>> kind("metal : fix the crash on old devices (#12)", ["src/metal.m"]).value
    'fix'
    >>> kind("ci : fix arm64 build", [".github/workflows/build.yml"]).value
    'build'
    """
    area = _HEAD.match(title)
    named = area[1].strip().lower() if area else ""
    rest = title[area.end() :] if area else title
    if re.match(r"\s*revert\b", rest, re.IGNORECASE):
        return Kind.REVERT
    for what, is_such in ((Kind.DOCS, _is_doc), (Kind.TEST, _is_test), (Kind.BUILD, _is_build)):
        if paths and all(is_such(path) for path in paths):
            return what
    return _TYPES[named] if named in _TYPES else _of_words(rest)


def _of_words(text: str) -> Kind:
    """Read what comes behind the area: a fix by any word of one, else whatever is said first."""
    said = ((Kind.FIX, _GRAVE), (Kind.DOCS, _TYPO), (Kind.FIX, _FIX))
    sure = next((what for what, words in said if words.search(text)), None)
    if sure is not None:
        return sure
    found = {what: match.start() for what, match in _words(text) if match}
    return min(found, key=lambda what: found[what]) if found else Kind.OTHER


def _words(text: str) -> tuple[tuple[Kind, re.Match[str] | None], ...]:
    return (Kind.FEATURE, _FEATURE.search(text)), (Kind.REFACTOR, _REFACTOR.search(text))


def _is_doc(path: str) -> bool:
    pure = PurePosixPath(path.lower())
    if pure.name in _BUILD_NAMES or _is_test(path):
        return False
    return pure.suffix in _DOC_TYPES or pure.stem in _DOC_NAMES or bool({"doc", "docs"} & set(pure.parts[:-1]))


def _is_test(path: str) -> bool:
    return bool(_TEST_FOLDERS & set(PurePosixPath(path.lower()).parts[:-1]))


def _is_build(path: str) -> bool:
    pure = PurePosixPath(path.lower())
    return (
        pure.name in _BUILD_NAMES
        or pure.suffix in (".cmake", ".nix", ".dockerfile", ".yml", ".yaml")
        or bool(_BUILD_FOLDERS & set(pure.parts[:-1]))
    )


# backends -----------------------------------------------------------------------------------------------------------

# backend → the words that name it in a title, in a folder or in a file's name
BACKENDS: Mapping[str, frozenset[str]] = {
    "cpu": frozenset(
        (
            *("cpu", "avx", "avx2", "avx512", "amx", "sse", "neon", "sve", "simd", "arm", "arm64", "aarch64", "x86"),
            *("riscv", "s390x", "loongarch", "ppc", "kleidiai"),
        )
    ),
    "blas": frozenset(["blas", "openblas", "mkl", "accelerate", "blis"]),
    "cuda": frozenset(["cuda", "cublas", "cudart", "nvidia", "ptx"]),
    "hip": frozenset(["hip", "rocm", "hipblas", "rocblas", "amd", "gfx"]),
    "musa": frozenset(["musa"]),
    "metal": frozenset(["metal", "mps", "metallib", "mtl"]),
    "vulkan": frozenset(["vulkan", "vk", "spirv", "glsl"]),
    "opencl": frozenset(["opencl", "adreno"]),
    "sycl": frozenset(["sycl", "oneapi", "dpcpp"]),
    "cann": frozenset(["cann", "ascend"]),
    "kompute": frozenset(["kompute"]),
    "webgpu": frozenset(["webgpu", "wgpu", "wgsl"]),
    "directml": frozenset(["directml", "dml", "directx"]),
    "hexagon": frozenset(["hexagon", "qnn"]),
    "openvino": frozenset(["openvino"]),
    "rpc": frozenset(["rpc"]),
}
_SUFFIXES = {
    **dict.fromkeys((".cu", ".cuh"), "cuda"),
    **dict.fromkeys((".metal", ".metallib"), "metal"),
    **dict.fromkeys((".comp", ".spv", ".glsl"), "vulkan"),
    ".cl": "opencl",
    ".wgsl": "webgpu",
}


def table(variants: Mapping[str, Variant]) -> dict[str, frozenset[str]]:
    """Give the table of backends for a fork: the known ones, and one for each variant that names none of them."""
    found = dict(BACKENDS)
    for name, variant in sorted(variants.items()):
        words = _tokens(f"{name} {variant.device}")
        if not any(words & known for known in BACKENDS.values()):
            found[name] = words
    return found


def built(variants: Mapping[str, Variant]) -> frozenset[str]:
    """Give the backends that a fork builds, by its variants; nothing where it declares none."""
    known = table(variants)
    words = [_tokens(f"{name} {variant.device}") for name, variant in variants.items()]
    return frozenset(name for name, named in known.items() if any(named & each for each in words))


def backends(known: Mapping[str, frozenset[str]], title: str, paths: Iterable[str]) -> tuple[str, ...]:
    """Say which backends a commit is about, ordered as in the table; nothing where it is about all of them.

    Those that its title names. Else those of its paths, where every path belongs to one.

    >>> backends(BACKENDS, "cuda : faster concat", ["src/ggml.c"])
    ('cuda',)
    >>> backends(BACKENDS, "faster concat", ["src/ggml-metal/ops.metal", "src/ggml-vulkan/ops.cpp"])
    ('metal', 'vulkan')
    """
    words = _tokens(title)
    named = tuple(name for name, mine in known.items() if words & mine)
    if named:
        return named
    found: set[str] = set()
    for path in paths:
        mine = _of_path(known, path)
        if not mine:
            return ()
        found |= mine
    return tuple(name for name in known if name in found)


def _of_path(known: Mapping[str, frozenset[str]], path: str) -> set[str]:
    words = _tokens(path)
    found = {name for name, mine in known.items() if words & mine}
    suffix = _SUFFIXES.get(PurePosixPath(path.lower()).suffix)
    return found | ({suffix} if suffix in known and suffix is not None else set())


def _tokens(text: str) -> frozenset[str]:
    """Give the words of a name or a title; a number at a word's end is left out too, as in `CUDA0`."""
    words = re.findall(r"[a-z][a-z0-9]*", text.lower())
    return frozenset(words) | {word.rstrip("0123456789") for word in words}


# security -----------------------------------------------------------------------------------------------------------

_SECURITY = re.compile(
    r"CVE-\d{4}-\d+|GHSA(?:-\w{4}){3}|(?:(?:buffer|heap|stack|integer|int) )?overflow\w*|out[- ]of[- ]bounds?|\bOOB\b"
    r"|use[- ]after[- ]free|double[- ]free|(?:null|nullptr)[- ](?:pointer )?deref\w*|uninitiali[sz]ed"
    r"|\bunderflow\w*|vulnerab\w+|exploit\w*|divi(?:de|sion)[- ]by[- ]zero|remote code execution|arbitrary code"
    r"|path traversal|denial[- ]of[- ]service|memory corruption|data race|race condition|malicious|malformed|crafted"
    r"|\b(?:ASAN|UBSAN|TSAN)\b|invalid (?:read|write|memory access)|security",
    re.IGNORECASE,
)


def security(text: str) -> tuple[str, ...]:
    """Give the words of a text that speak of security, each once, in lower case and in their order.

    >>> security("fix out-of-bounds read (CVE-2024-1234), and another Out-Of-Bounds")
    ('out-of-bounds', 'cve-2024-1234')
    """
    return tuple(dict.fromkeys(found.lower() for found in _SECURITY.findall(text)))
