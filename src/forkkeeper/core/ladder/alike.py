"""Lines that are alike: the same but for white space, or the same line with some words changed."""

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

from forkkeeper.core.ladder import words
from forkkeeper.core.lines import Edit, Lines, compare, squeeze

ALIKE = 0.6  # share of words that two lines must have in common to be two versions of one line
MOST_LINES = 3000  # a place with more lines than this is not looked at line by line
_MOST_PAIRS = 40_000  # lines times lines that are compared with each other


def share(one: bytes, other: bytes) -> float:
    """Give the share of two lines' words that they have in common, from 0 to 1 (Dice); names and numbers only."""
    mine, their = (Counter(filter(words.is_word, words.bare(words.tokens((line,))))) for line in (one, other))
    total = sum(mine.values()) + sum(their.values())
    return 2 * sum((mine & their).values()) / total if total else float(squeeze(one) == squeeze(other))


def edits(base: Lines, other: Lines) -> tuple[Edit, ...] | None:
    """Find how lines changed, each changed line beside the one that it was; None where there are too many.

    White space is left out of account when lines are paired, and edits that change nothing else are edits all the same.
    """
    if max(len(base), len(other)) > MOST_LINES:
        return None
    found: list[Edit] = []
    pairs = _same(base, other)
    for (a, c), (b, d) in pairwise([(-1, -1), *pairs, (len(base), len(other))]):
        found += _between(base, other, (a + 1, b), (c + 1, d))
        if b < len(base) and base[b] != other[d]:
            found.append(Edit(b, b + 1, (other[d],)))
    return tuple(found)


def _same(base: Lines, other: Lines) -> list[tuple[int, int]]:
    """Pair the lines that are the same but for white space."""
    pairs: list[tuple[int, int]] = []
    at = to = 0
    for a, b, c, d in (
        *compare([squeeze(x) for x in base], [squeeze(x) for x in other]),
        (len(base), 0, len(other), 0),
    ):
        pairs += zip(range(at, a), range(to, c), strict=True)
        at, to = b, d
    return pairs


def _between(base: Lines, other: Lines, mine: tuple[int, int], their: tuple[int, int]) -> list[Edit]:
    """Find the edits between two blocks that have no line in common: changed lines one by one, the rest as blocks."""
    (a, b), (c, d) = mine, their
    found: list[Edit] = []
    at, to = a, c
    for one, two in (*_alike(base[a:b], other[c:d]), (b - a, d - c)):
        if at < a + one or to < c + two:
            found.append(Edit(at, a + one, other[to : c + two]))
        if a + one < b:
            found.append(Edit(a + one, a + one + 1, (other[c + two],)))
        at, to = a + one + 1, c + two + 1
    return found


def _alike(base: Sequence[bytes], other: Sequence[bytes]) -> list[tuple[int, int]]:
    """Pair lines that are versions of one another, in order, with the largest sum of shares."""
    if not base or not other or len(base) * len(other) > _MOST_PAIRS:
        return []
    shares = [[s if (s := share(x, y)) >= ALIKE else 0.0 for y in other] for x in base]
    best = [[0.0] * (len(other) + 1) for _ in range(len(base) + 1)]
    for i in range(len(base) - 1, -1, -1):
        for j in range(len(other) - 1, -1, -1):
            paired = shares[i][j] + best[i + 1][j + 1] if shares[i][j] else 0.0
            best[i][j] = max(paired, best[i + 1][j], best[i][j + 1])
    pairs: list[tuple[int, int]] = []
    i = j = 0
    while i < len(base) and j < len(other):
        if shares[i][j] and best[i][j] == shares[i][j] + best[i + 1][j + 1]:
            pairs.append((i, j))
            i, j = i + 1, j + 1
        elif best[i][j] == best[i + 1][j]:
            i += 1
        else:
            j += 1
    return pairs
