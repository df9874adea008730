"""Options of CMake (`-DNAME=VALUE`): which of them a project did not use, and what they may be called now.

An option that upstream renamed does nothing, and CMake only warns of it, above what a build says for minutes after.
"""

import difflib
import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from forkkeeper.core.compilerreport import plain

MOST = 2  # names that are suggested for one
LEAST = 0.3  # of 1: how alike a name must be to be suggested
ALIKE = 0.8  # of 1: how alike a word must be to be taken for a misspelt one

_UNUSED = "Manually-specified variables were not used by the project:"
_OPTION = re.compile(r"-D(?P<name>[^:=\s]+)(?::\w+)?=.*", re.DOTALL)
_VARIABLE = re.compile(r'(?P<name>[^:="]+|"[^"]+"):(?P<kind>[A-Z]+)=.*')
_KINDS = {"BOOL", "STRING", "PATH", "FILEPATH"}  # what a project declares; UNINITIALIZED: what only somebody set


def names(options: Sequence[str]) -> tuple[str, ...]:
    """Give the variables that options set, in order, each once.

    >>> names(["-DA=1", "-DB:BOOL=ON", "-D", "C=x", "-Wno-dev"])
    ('A', 'B', 'C')
    """
    joined = [f"-D{after}" if before == "-D" else after for before, after in zip(("", *options), options, strict=False)]
    return tuple(dict.fromkeys(match["name"] for one in joined if (match := _OPTION.fullmatch(one))))


def unused(text: str) -> tuple[str, ...]:
    """Give the variables that CMake says were set in vain, in its order.

    The warning, as CMake prints it:

        CMake Warning:
          Manually-specified variables were not used by the project:

            LLAMA_CUDA
    """
    lines = iter([line for line in plain(text) if line])
    found: list[str] = []
    for line in lines:
        if line.strip() == _UNUSED:
            for name in lines:
                if not name.startswith("    "):
                    break
                found.append(name.strip())
    return tuple(dict.fromkeys(found))


def declared(cache: str) -> tuple[str, ...]:
    """Give the variables that a project declares, from the text of its CMakeCache.txt."""
    found = (match for line in cache.splitlines() if (match := _VARIABLE.fullmatch(line)))
    return tuple(match["name"].strip('"') for match in found if match["kind"] in _KINDS)


def nearest(name: str, known: Iterable[str]) -> tuple[str, ...]:
    """Give the known variables that a name may be meant for, the likeliest first.

    Names are compared by their words, and a word counts the more the fewer names have it: LLAMA_CUDA is GGML_CUDA
    rather than LLAMA_CURL, which has more letters in common with it.

    >>> nearest("LLAMA_CUDA", ["GGML_CUDA", "GGML_BLAS", "LLAMA_CURL", "LLAMA_BUILD_TOOLS", "GGML_CUDA_GRAPHS"])
    ('GGML_CUDA',)
    """
    others = sorted({one for one in known if one != name})
    weights = Counter(word for one in others for word in set(_words(one)))
    scored = sorted((-_alike(name, one, weights, len(others)), one) for one in others)
    best = [(-score, one) for score, one in scored[:MOST] if -score >= LEAST]
    return tuple(one for score, one in best if score >= best[0][0] * 0.8)  # a much less likely one only confuses


def _words(name: str) -> list[str]:
    return [word for word in re.split(r"[^A-Z0-9]+", name.upper()) if word]


def _alike(name: str, other: str, seen: Mapping[str, int], of: int) -> float:
    """Say how alike two names are, up to 1: by the weight of the words that both have; a misspelt one counts less.

    The first word, which is the project's, counts half: it is what a new name most often changes. So do words that only
    the other one has: a new name is often the longer one.
    """
    mine, theirs = set(_words(name)), set(_words(other))
    first = _words(name)[:1]

    def weight(word: str) -> float:
        return math.log1p(of / (1 + seen.get(word, 0))) / (2 if word in first else 1)

    shared = sum(weight(word) * _likeness(word, theirs) for word in mine)
    only_mine = sum(map(weight, mine - theirs))
    only_theirs = sum(map(weight, theirs - mine))
    total = shared + only_mine + only_theirs / 2
    return shared / total if total else 0.0


def _likeness(word: str, others: Iterable[str]) -> float:
    """Say how like a word the likest of others is; nothing for one that only shares some letters."""
    best = max((difflib.SequenceMatcher(None, word, other).ratio() for other in others), default=0.0)
    return best if best > ALIKE else 0.0
