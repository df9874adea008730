"""Text as tokens, and merges of them: for rules that look inside lines.

A token is a name, a number or a sign, with the white space before it; inside quotes white space is a token of its own.
A number is one token, however it is written: a fraction, an exponent, a version, an address or a date has no parts that
two sides could change apart.
Tokens are compared without white space; where both sides keep a token, its white space is merged by itself: that of the
side which changed it.
"""

import re
from collections import Counter
from dataclasses import dataclass

from forkkeeper.core import threeway
from forkkeeper.core.lines import Edit, Lines, compare, split
from forkkeeper.core.threeway import Place

_LITERAL = re.compile(rb"(\"(?:[^\"\\\n]|\\.)*\"|(?<![0-9])'(?:[^'\\\n]|\\.)*')")
_VERSION = rb"[vV]?\d+\.\d+\.\d\w*(?:[.+~-]\w+)*"  # an address and a version with all that is said behind it, too
_DATE = rb"\d{4}-\d\d?-\d\d?(?!\w)|\d\d?:\d\d:\d\d(?!\w)"  # or a time
_NUMBER = rb"[vV]?\d(?:[eEpP][+-]?\d|['.]\d|[\w])*"
_ONE = _VERSION + rb"|" + _DATE + rb"|" + _NUMBER + rb"|[\w\x80-\xff]+"
_TOKEN = re.compile(rb"\s*(?:" + _ONE + rb"|\S)|\s+\Z")
_INSIDE = re.compile(_ONE + rb"|\s+|\S")
_WORD = re.compile(rb"(?:" + _ONE + rb")\Z")
MOST_BYTES = 100_000
MOST_TOKENS = 6000  # a place larger than this is no matter of words
MOST_PAIRS = 2_000_000  # of equal tokens, one from each side: so much work is one comparison


def tokens(lines: Lines) -> Lines:
    """Split lines into tokens; joined they are the lines again."""
    found: list[bytes] = []
    before = b""  # white space between a literal and what stands before it
    for number, part in enumerate(_LITERAL.split(b"".join(lines))):
        if number % 2 == 0:
            found += _TOKEN.findall(before + part)
            before = b""
            if found and part and found[-1].isspace():
                before = found.pop()
        else:
            inside = _INSIDE.findall(part)
            found += [before + inside[0], *inside[1:]]
            before = b""
    return (*found, before) if before else tuple(found)


def lines_of(found: Lines) -> Lines:
    """Join tokens to lines."""
    return split(b"".join(found))


def bare(found: Lines) -> Lines:
    """Give tokens without their white space."""
    return tuple(token.strip() for token in found)


def space(token: bytes) -> bytes:
    """Give the white space before a token."""
    return token[: len(token) - len(token.lstrip())]


def edits(base: Lines, other: Lines) -> tuple[Edit, ...]:
    """Find how tokens changed, white space aside."""
    return tuple(Edit(a, b, other[c:d]) for a, b, c, d in compare(bare(base), bare(other)))


def is_small(one: Lines, other: Lines) -> bool:
    """Whether two token lists can be compared without anybody waiting: a table of numbers may be one line of 1 MB."""
    if max(len(one), len(other)) > MOST_TOKENS:
        return False
    known = Counter(bare(one))
    return sum(known[token] for token in bare(other)) <= MOST_PAIRS


def is_word(token: bytes) -> bool:
    """Whether a token is a name or a number."""
    return _WORD.match(token.strip()) is not None


def is_name(token: bytes) -> bool:
    """Whether a token is a name."""
    return is_word(token) and not token.strip()[:1].isdigit() and b"." not in token


@dataclass(frozen=True, slots=True)
class Words:
    """A place, seen as tokens: the base, the edits of both sides, and the pieces of the merge of its tokens.

    respaced -- whether both sides changed the white space before one token, and upstream's was taken
    moved -- whether that is so where a line begins, so that it is in another depth now
    """

    base: Lines
    ours: tuple[Edit, ...]
    theirs: tuple[Edit, ...]
    pieces: tuple[threeway.Piece, ...]
    respaced: bool = False
    moved: bool = False


def look(place: Place) -> Words | None:
    """See a place as tokens; None where it is too large for that."""
    if max(sum(map(len, side)) for side in (place.base, place.ours, place.theirs)) > MOST_BYTES:
        return None
    base, ours, theirs = (tokens(side) for side in (place.base, place.ours, place.theirs))
    if not (is_small(base, ours) and is_small(base, theirs)):
        return None
    mine, their = edits(base, ours), edits(base, theirs)
    kept = _kept(base, ours, mine), _kept(base, theirs, their)
    both = [number for number, token in enumerate(base) if _is_respaced(token, *(side.get(number) for side in kept))]
    moved = any(number == 0 or b"\n" in space(base[number]) for number in both if base[number].strip())
    return Words(base, mine, their, threeway.merge(_spaced(base, kept), mine, their), bool(both), moved)


def _is_respaced(was: bytes, mine: bytes | None, their: bytes | None) -> bool:
    """Whether both sides keep a token, and each gave it white space of its own."""
    return mine is not None and their is not None and was not in (mine, their) and mine != their


def _kept(base: Lines, other: Lines, found: tuple[Edit, ...]) -> dict[int, bytes]:
    """Give the tokens of the base that a side keeps, as that side writes them."""
    kept: dict[int, bytes] = {}
    at = to = 0
    for edit in (*found, Edit(len(base), len(base), ())):
        for number in range(at, edit.start):
            kept[number] = other[to + number - at]
        to += edit.start - at + len(edit.lines)
        at = edit.end
    return kept


def _spaced(base: Lines, kept: tuple[dict[int, bytes], dict[int, bytes]]) -> Lines:
    """Write each token of the base with the white space of the side that changed it."""
    mine, their = kept
    return tuple(
        their.get(number, token) if mine.get(number, token) == token else mine[number]
        for number, token in enumerate(base)
    )
