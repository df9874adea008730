"""*moved*: the code that the patch changes stands elsewhere now, in the same file or in exactly one other.

Each of the patch's edits is looked for by its old lines: what it removes, and the lines around. It is placed where they
stand, white space aside, if they stand at one place only; fewer lines around are tried when more do not fit, and at
last those on one side alone: for an insertion that is a guess. Its own lines get the indentation of the new place.

Where the lines stood before, too, nothing moved there: that is a twin, such as the same code for another device, and
it is left alone. Code that changed on the way is found by vote (`near`): each line around an edit says where it is now.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from forkkeeper.core.lines import Edit, Lines, ended, indent, says_something, squeeze

RULE = "moved"
LEAST_CONTEXT = 2
_CONTEXT = (6, 4, 3, LEAST_CONTEXT)  # lines around an edit that are looked for, on each side; the most first
_LEAST_TELLING = 2  # lines that say something, of those that are looked for
_REACH = 12  # lines on each side of an edit that vote
_SLACK = 6  # lines that may have come or gone within
_LEAST_VOTES = 5
_SHARE = 0.6  # of the votes that a place needs
_RIVAL = 0.75  # of the best place's votes with which another makes it unclear


@dataclass(frozen=True, slots=True)
class Text:
    """A file in which moved code may stand. spots -- where each line stands, white space left out."""

    lines: Lines
    squeezed: Lines
    spots: Mapping[bytes, Sequence[int]]


def read(lines: Lines) -> Text:
    """Make a file ready for being looked through."""
    squeezed = tuple(squeeze(line) for line in lines)
    spots: dict[bytes, list[int]] = {}
    for number, line in enumerate(squeezed):
        spots.setdefault(line, []).append(number)
    return Text(lines, squeezed, spots)


@dataclass(frozen=True, slots=True)
class Placement:
    """An edit of the patch, and where it goes.

    edit -- counted in that file's lines
    is_sure -- whether the lines on both sides of it, or those that it removes, stand there
    """

    path: str
    edit: Edit
    is_sure: bool = True


@dataclass(frozen=True, slots=True)
class Site:
    """A file that may hold moved code: as upstream has it now, and as it was; for the patch's own file that is base."""

    now: Text
    was: Text
    is_own: bool = False


def find(base: Lines, edit: Edit, sites: Mapping[str, Site]) -> Placement | None:
    """Find the one place where an edit fits; None where there is none, or more than one.

    base, edit -- the file before the patch, and one of the patch's edits of it
    sites -- the files that may hold it now, by path
    """
    for head, tail in _surroundings(base, edit):
        wanted = [squeeze(line) for line in (*head, *base[edit.start : edit.end], *tail)]
        if sum(says_something(line) for line in wanted) < _LEAST_TELLING:
            continue
        found = [(path, at) for path, site in sorted(sites.items()) for at in _runs(wanted, site.now)]
        if len(found) == 1:
            path, at = found[0]
            if sum(1 for _ in _runs(wanted, sites[path].was)) > sites[path].is_own:
                return None
            is_sure = bool(head and tail) or edit.end > edit.start
            return replace(_placed(path, sites[path].now.lines, at + len(head), base, edit), is_sure=is_sure)
        if head and tail and found:
            return None  # fewer lines fit at more places still
    return None


def _surroundings(base: Lines, edit: Edit) -> Iterator[tuple[Lines, Lines]]:
    """Give the lines before and after an edit: on both sides, the most first, then on one side alone."""
    around = [(base[max(edit.start - most, 0) : edit.start], base[edit.end : edit.end + most]) for most in _CONTEXT]
    yield from around
    for before, after in around:
        yield before, ()
        yield (), after


def _runs(wanted: Sequence[bytes], text: Text) -> Iterator[int]:
    """Give every place at which some lines stand one after the other, found by the rarest of them."""
    rarest = min(range(len(wanted)), key=lambda number: len(text.spots.get(wanted[number], ())))
    for spot in text.spots.get(wanted[rarest], ()):
        start = spot - rarest
        if start >= 0 and list(text.squeezed[start : start + len(wanted)]) == list(wanted):
            yield start


def _placed(path: str, lines: Lines, start: int, base: Lines, edit: Edit) -> Placement:
    """Place an edit at a line, its own lines moved to the side as far as the line beside them was."""
    shift = start - edit.start
    beside = (n for n in range(max(edit.start - 1, 0), min(edit.end + 1, len(base))) if base[n].strip())
    pairs = ((indent(base[n]), indent(lines[n + shift])) for n in beside if 0 <= n + shift < len(lines))
    was, now = next(pairs, (b"", b""))
    own = tuple(now + line[len(was) :] if line.strip() and line.startswith(was) else line for line in edit.lines)
    end = start + edit.end - edit.start
    if own and start == len(lines) and start and not lines[-1].endswith(b"\n"):  # behind a last line without line end
        start, own = start - 1, ended((lines[-1], *own), is_last=True)
    return Placement(path, Edit(start, end, ended(own, is_last=end == len(lines))))


def together(placements: Sequence[Placement], path: str) -> tuple[Edit, ...] | None:
    """Give the edits that go to one file, in order; None where two of them meet."""
    found = {one.edit for one in placements if one.path == path}
    edits = sorted(found, key=lambda edit: (edit.start, edit.end, edit.lines))
    if any(other.start < one.end or other.start == one.start for one, other in pairwise(edits)):
        return None
    return tuple(edits)


# code that changed on the way ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Window:
    """Where the surroundings of an edit stand now, changed a little.

    base, theirs -- the surroundings before the patch and after it; ours -- as upstream has them now
    start, end -- in the lines of that file
    agree -- share of the telling surrounding lines that stand there, from 0 to 1
    """

    path: str
    start: int
    end: int
    base: Lines
    theirs: Lines
    ours: Lines
    agree: float


@dataclass(frozen=True, slots=True, order=True)
class _Vote:
    count: int
    path: str
    offset: int


def near(base: Lines, edit: Edit, sites: Mapping[str, Site]) -> Window | None:
    """Find the one place where most lines around an edit stand in order; None where there is none, or no clear one.

    The lines vote: each telling one for the offset at which it stands now. An offset's neighbours count with it, as
    lines may have come or gone between.
    """
    first, last = max(edit.start - _REACH, 0), min(edit.end + _REACH, len(base))
    wanted = [(number, squeeze(base[number])) for number in range(first, last) if says_something(base[number])]
    votes = [vote for path, site in sorted(sites.items()) for vote in _votes(wanted, path, site.now)]
    if not votes:
        return None
    best = max(votes)
    rivals = (vote for vote in votes if vote.count >= best.count * _RIVAL)
    if any(vote.path != best.path or abs(vote.offset - best.offset) > 2 * _SLACK for vote in rivals):
        return None
    if best.count < _LEAST_VOTES or best.count < _SHARE * len(wanted):
        return None
    site = sites[best.path]
    before = max((vote.count for vote in _votes(wanted, best.path, site.was)), default=0)
    if before >= best.count * _RIVAL and not site.is_own:
        return None
    return _window(base, edit, site.now, best, range(first, last))


def _votes(wanted: Sequence[tuple[int, bytes]], path: str, text: Text) -> Iterator[_Vote]:
    offsets = sorted({at - number for number, line in wanted for at in text.spots.get(line, ())})
    for offset in offsets:
        yield _Vote(sum(_near(text, line, number + offset) is not None for number, line in wanted), path, offset)


def _near(text: Text, line: bytes, wanted: int) -> int | None:
    """Find a line near a place."""
    found = (at for at in text.spots.get(line, ()) if abs(at - wanted) <= _SLACK)
    return min(found, key=lambda at: abs(at - wanted), default=None)


def _window(base: Lines, edit: Edit, text: Text, vote: _Vote, span: range) -> Window | None:
    """Cut the surroundings at lines that both versions have, so that they begin and end alike."""
    there = {
        number: at
        for number in span
        if says_something(base[number]) and not edit.start <= number < edit.end
        if (at := _near(text, squeeze(base[number]), number + vote.offset)) is not None
    }
    head, tail = [n for n in there if n < edit.start], [n for n in there if n >= edit.end]
    if not head or not tail or there[tail[-1]] < there[head[0]]:
        return None
    first, last = head[0], tail[-1] + 1
    theirs = (*base[first : edit.start], *edit.lines, *base[edit.end : last])
    start, end = there[head[0]], there[tail[-1]] + 1
    return Window(
        vote.path, start, end, base[first:last], theirs, text.lines[start:end], vote.count / _telling(base, span)
    )


def _telling(base: Lines, span: range) -> int:
    return sum(says_something(base[number]) for number in span)
