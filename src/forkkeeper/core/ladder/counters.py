"""*counters*: both sides counted on: the base plus both differences.

A count of entries, and the assertion on it: one side added two, the other took one away. Holds when the line is the
same on all three sides but for numbers, each number that both changed is a whole decimal one, both changes are small,
and the line is a count: it asserts how many of something there are, sizes a list that it opens, or gives a constant
that is named a count. An index, a version, a buffer's size, a number that is merely set is none: nobody wants changes
of it summed. A constant may be set by hand, so its sum is a guess.

Where both sides made the very same change, git's merge takes it once without a word, which is right for most numbers.
`counted_once` finds the counts among them, and those whose list both sides made longer by as many entries.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from forkkeeper.core.hunks import FileDiff, Hunk
from forkkeeper.core.ladder import words
from forkkeeper.core.ladder.rung import Answer, Trust
from forkkeeper.core.lines import Lines, squeeze
from forkkeeper.core.threeway import Place

RULE = "counters"
WHY = "both sides made the same change to a count, each with as many entries of its own, and each counts"
IN_DOUBT = "both sides made the same change to a count; it is made once, as git does: does each side count its own?"
_MOST = 32  # entries that one side adds; more is another kind of change
_DIGITS = 9  # of a number; what is longer counts nothing
_WIDEST = 1000  # bytes of a line that is a count
_LONGEST = 5000  # lines of a list whose entries are counted
_ASSERTS = re.compile(rb"(?i)\b\w*(?:assert|expect)\w*\b.*\d")
_CONSTANT = re.compile(rb"([A-Z][A-Z0-9_]*|k[A-Z]\w*)\s*=?\s*\d+\s*[,;]?\s*(?:(?://|/\*|#).*)?$")
_SIZES = re.compile(rb"\[\s*\d+\s*\]\s*=?\s*[\[({]\s*$")
_PART = re.compile(rb"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_COUNTS = {b"count", b"counts", b"num", b"number", b"total", b"entries"}
_LENGTHS = _COUNTS | {b"len", b"length", b"size", b"sizeof", b"countof"}
_SETS = {b"version", b"api", b"abi", b"max", b"min", b"limit", b"buf", b"buffer", b"index", b"idx"}


def resolve(place: Place) -> Answer | None:
    """Add up what both sides did to a number."""
    sides = (place.base, place.ours, place.theirs)
    told = [line for side in sides for line in side if line.strip()]
    if len({len(side) for side in sides}) > 1 or not told or not all(map(is_count, told)):
        return None
    added = _summed_up(*(words.tokens(side) for side in sides))
    if added is None:
        return None
    made, sums = added
    said = f"both sides count on: {', '.join(dict.fromkeys(sums))}"
    if all(map(_is_checked, told)):
        return Answer(RULE, made, said)
    return Answer(RULE, made, f"{said}; but nothing shows whether each side counts entries of its own", Trust.GUESS)


def _summed_up(base: Lines, ours: Lines, theirs: Lines) -> tuple[Lines, list[str]] | None:
    """Give the lines with every number that both changed added up, and the sums; None where there are no such."""
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
    return (words.lines_of(tuple(made)), sums) if sums else None


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


def is_count(line: bytes) -> bool:
    """Whether a line says how many of something there are."""
    if len(line) > _WIDEST:
        return False
    constant = _CONSTANT.search(line)
    return _is_checked(line) or (constant is not None and _says(constant[1], _COUNTS))


def _is_checked(line: bytes) -> bool:
    """Whether a line says so in a way that a wrong number would be noticed: an assertion, or the size of a list."""
    return _SIZES.search(line) is not None or (_ASSERTS.search(line) is not None and _says(line, _LENGTHS))


def _says(text: bytes, wanted: set[bytes]) -> bool:
    """Whether the words of a text, names taken apart, speak of a count, and of nothing that is merely set."""
    parts = {part.lower() for part in _PART.findall(re.sub(rb"\"[^\"]*\"", b"", text))}
    return bool(parts & wanted) and not parts & _SETS


def _signed(was: bytes, now: bytes) -> str:
    return f"{int(now) - int(was):+d}"


# counts that both sides changed alike -------------------------------------------------------------------------------


def counted_once(patch: Sequence[FileDiff], base: bytes, ours: bytes) -> tuple[tuple[bytes, bytes], ...]:
    """Find lines with a count that both sides changed alike, so that a merge takes the change once.

    patch -- what the patch does to one file; base, ours -- that file before the patch, on the old side and on the new
    Gives each line as both sides have it, and as it is to be: with both changes made where both sides made the list
    beside it longer by as many entries; as it is where they do not, though the patch adds something to the file, which
    is for a person to see. Without line ends.
    """
    pairs = [pair for file in patch for pair in _pairs(file) if is_count(pair[0]) and is_count(pair[1])]
    if not pairs:
        return ()
    before, now = base.split(b"\n"), ours.split(b"\n")
    found: dict[bytes, bytes] = {}
    for old, new in dict.fromkeys(pairs):
        was, has = _numbers(before, old), _numbers(now, new)
        if old in now or new in before or not pairs.count((old, new)) == len(was) == len(has):
            continue
        total = _summed(old, new)
        if total is None:
            continue
        both = [
            _both_added(patch, _List.beside(before, a), _List.beside(now, b)) for a, b in zip(was, has, strict=True)
        ]
        if all(one is not None and one == _step(old, new) for one in both):
            found[new] = total
        elif sum(file.added for file in patch) > len(pairs):
            found[new] = new
    return tuple(found.items())


def _numbers(lines: Sequence[bytes], wanted: bytes) -> list[int]:
    return [number for number, line in enumerate(lines) if line.rstrip(b"\r") == wanted]


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


def _step(old: bytes, new: bytes) -> int | None:
    """Give by how much a line counts on; None where its numbers do not agree."""
    pairs = zip(words.tokens((old,)), words.tokens((new,)), strict=True)
    steps = {int(other) - int(one) for one, other in pairs if one != other}
    return steps.pop() if len(steps) == 1 else None


@dataclass(frozen=True, slots=True)
class _List:
    """The list that a count counts: the numbers of its first line and of the line that closes it."""

    lines: Sequence[bytes]
    start: int
    end: int

    @staticmethod
    def beside(lines: Sequence[bytes], at: int) -> "_List | None":
        """Find the list that a line opens, that ends right above it, or in which it is the last entry."""
        depth = _depth(lines[at])
        if depth > 0:
            end = _balanced(lines, range(at + 1, min(at + _LONGEST, len(lines))), depth)
            return None if end is None else _List(lines, at + 1, end)
        above = at - 1
        while above >= 0 and not lines[above].strip():
            above -= 1
        if above < 0 or _ASSERTS.search(lines[above]):
            return _List.beside(lines, above) if above >= 0 else None
        closes = lines[above].lstrip()[:1] in (b"}", b")", b"]")
        if not closes and (lines[at].rstrip().endswith(b";") or _ASSERTS.search(lines[at])):
            return None
        last = above if closes else at
        span = range(last - 1, max(last - _LONGEST, -1), -1)
        start = _balanced(lines, span, _depth(lines[last]) if closes else -1)
        return None if start is None else _List(lines, start + 1, last)

    @property
    def entries(self) -> list[bytes]:
        """Its lines that hold anything but comments, white space left out."""
        return [squeeze(line) for line in self.lines[self.start : self.end] if _is_entry(line)]


def _is_entry(line: bytes) -> bool:
    return (
        re.search(rb"\w", line) is not None
        and not is_count(line)
        and not line.lstrip().startswith((b"//", b"/*", b"*", b"#"))
    )


def _depth(line: bytes) -> int:
    """Count the brackets that a line opens and does not close, strings left out."""
    bare = re.sub(rb"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|//.*", b"", line)
    return sum(bare.count(sign) for sign in (b"(", b"[", b"{")) - sum(bare.count(sign) for sign in (b")", b"]", b"}"))


def _balanced(lines: Sequence[bytes], span: range, depth: int) -> int | None:
    """Find the line at which what is open is closed, or what closes was opened."""
    for number in span:
        depth += _depth(lines[number])
        if depth == 0:
            return number
    return None


def _both_added(patch: Sequence[FileDiff], was: _List | None, has: _List | None) -> int | None:
    """Give by how many entries each side made a list longer; None where the two differ, or added the same."""
    if was is None or has is None:
        return None
    own = [_changed(hunk, was) for file in patch for hunk in file.hunks]
    added = [line for found in own for line in (found or ((), ()))[0]]
    removed = [line for found in own for line in (found or ((), ()))[1]]
    if None in own or not set(has.entries).isdisjoint(added):
        return None
    upstream = len(has.entries) - len(was.entries)
    return upstream if upstream == len(added) - len(removed) else None


def _changed(hunk: Hunk, found: _List) -> tuple[list[bytes], list[bytes]] | None:
    """Give the entries that a hunk adds to a list and takes away; None where it applies elsewhere than it says."""
    added: list[bytes] = []
    removed: list[bytes] = []
    at, last = hunk.old_start - 1, b""  # the line at the list's end, once it is removed
    for signed in hunk.lines:
        sign, line = signed[:1], signed[1:].rstrip(b"\r\n")
        if sign == b"+":
            last = b"" if last and _form(line) == _form(last) else last
            added += [squeeze(line)] if _is_entry(line) and (found.start <= at <= found.end or last) else []
        elif sign in (b" ", b"-"):
            if at >= len(found.lines) or found.lines[at].rstrip(b"\r") != line:
                return None
            last = line if sign == b"-" and at == found.end else b""
            removed += [squeeze(line)] if sign == b"-" and _is_entry(line) and found.start <= at < found.end else []
            at += 1
    return added, removed
