"""*counters*: both sides counted on: the base plus both differences.

A count of entries, and the assertion on it: one side added two, the other took one away. Holds when the line is the
same on all three sides but for numbers, each number that both changed is a whole decimal one, both changes are small,
and the line compares or sizes something: a number that is merely set is no count, and nobody wants its changes summed.

Where both sides made the very same change, git's merge takes it once without a word; `counted_once` finds those lines.
"""

import re
from collections.abc import Iterator, Sequence

from forkkeeper.core.hunks import FileDiff
from forkkeeper.core.ladder import words
from forkkeeper.core.ladder.rung import Answer
from forkkeeper.core.threeway import Place

RULE = "counters"
_DIGITS = 18  # of a number; what is longer counts nothing
_MOST = 32  # entries that one side adds; more is another kind of change
_COUNT = re.compile(rb"[=!<>]=\s*\d|\[\s*\d+\s*\]|\d\s*[=!]=|(?i:count|size|num)\w*\W+\d")


def resolve(place: Place) -> Answer | None:
    """Add up what both sides did to a number."""
    if not all(_is_count(line) for side in (place.base, place.ours, place.theirs) for line in side):
        return None
    base, ours, theirs = (words.tokens(side) for side in (place.base, place.ours, place.theirs))
    if not len(base) == len(ours) == len(theirs) or not 0 < len(base) <= words.MOST_TOKENS:
        return None
    made: list[bytes] = []
    sums: list[str] = []
    for was, mine, their in zip(base, ours, theirs, strict=True):
        if not was.strip().isdigit() and not was.strip() == mine.strip() == their.strip():
            return None
        if was.strip() in (mine.strip(), their.strip()):
            made.append(their if was.strip() == mine.strip() else mine)
        elif (total := _added_up(was.strip(), mine.strip(), their.strip())) is not None:
            made.append(words.space(mine) + b"%d" % total)
            sums.append(f"{was.decode().strip()} {_signed(was, mine)} {_signed(was, their)} = {total}")
        else:
            return None
    if not sums:
        return None
    return Answer(RULE, words.lines_of(tuple(made)), f"both sides count on: {', '.join(dict.fromkeys(sums))}")


def _added_up(was: bytes, mine: bytes, their: bytes) -> int | None:
    """Give the number with both differences; None where they are not small, or the numbers not whole and positive."""
    if not all(_is_whole(one) for one in (was, mine, their)):
        return None
    if max(abs(int(mine) - int(was)), abs(int(their) - int(was))) > _MOST:
        return None
    total = int(mine) + int(their) - int(was)
    return total if total >= 0 else None


def _is_whole(number: bytes) -> bool:
    return number.isdigit() and len(number) <= _DIGITS and (number == b"0" or not number.startswith(b"0"))


def _is_count(line: bytes) -> bool:
    """Whether a line compares a number or sizes something with it, as a count of entries does."""
    return not line.strip() or _COUNT.search(line) is not None


def _signed(was: bytes, now: bytes) -> str:
    return f"{int(now) - int(was):+d}"


def counted_once(patch: Sequence[FileDiff], base: bytes, ours: bytes) -> tuple[tuple[bytes, bytes], ...]:
    """Find lines with a count that both sides changed alike, so that a merge takes the change once.

    patch -- what the patch does to one file; base, ours -- that file before the patch, on the old side and on the new
    Gives each line as both sides have it, and as it is with both changes made; without line ends.
    """
    pairs = [pair for file in patch for pair in _pairs(file)]
    if not pairs:
        return ()
    before, now = base.split(b"\n"), ours.split(b"\n")
    found = []
    for old, new in pairs:
        summed = (
            _summed(old, new) if _is_count(new) and old not in now and before.count(old) == now.count(new) else None
        )
        if summed is not None and new in now:
            found.append((new, summed))
    return tuple(dict.fromkeys(found))


def _pairs(file: FileDiff) -> Iterator[tuple[bytes, bytes]]:
    """Pair the removed and added lines of each hunk that differ in numbers alone."""
    for hunk in file.hunks:
        old, new = ([line.rstrip(b"\r\n") for line in hunk.signed(sign)] for sign in (b"-", b"+"))
        forms: dict[bytes, list[bytes]] = {}
        for line in new:
            forms.setdefault(_form(line), []).append(line)
        yield from ((one, other) for one in old for other in forms.get(_form(one), ()) if one != other)


def _form(line: bytes) -> bytes:
    return re.sub(rb"\b\d+\b", b"0", line)


def _summed(old: bytes, new: bytes) -> bytes | None:
    """Make the change from old to new twice."""
    made = []
    for one, other in zip(words.tokens((old,)), words.tokens((new,)), strict=True):
        if one == other:
            made.append(other)
        elif (total := _added_up(one.strip(), other.strip(), other.strip())) is not None:
            made.append(words.space(other) + b"%d" % total)
        else:
            return None
    return b"".join(made)
