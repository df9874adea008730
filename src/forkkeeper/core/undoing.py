"""Whether a patch deletes lines of upstream's that were not there when it was written: it *undoes upstream*.

A patch that is made anew from a stale file applies, builds, and takes away what upstream has added in the meantime. So
a file is looked at in four forms: at the pin that the patch was *written* for, at the present *pin*, and *before* and
*after* the patch in the queue. A line is undone that

* the patch deletes, and puts back nowhere
* stands at the pin, so it is upstream's, and no earlier patch's
* came into the file after the written pin, as git aligns the two, and stood nowhere in it then, white space aside; or
  it is one more copy of a long line, and it can be no other that came
* was not moved here: no other file of upstream's has lost it since, with more that came here
* says something: brackets and blank lines stand everywhere
* is not carried: the patch puts lines in its place that hold all words which upstream brought with it, or that differ
  in a number alone, such as a count that both sides raise
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

from forkkeeper.core.ids import ObjectId
from forkkeeper.core.lines import Edit, Lines, says_something, split, squeeze
from forkkeeper.core.store import EXECUTABLE, REGULAR, Change, Entry

Read = Callable[[ObjectId], bytes]

_TOKEN = re.compile(rb"\w+|[^\w\s]")
_NUMBER = re.compile(rb"\b\d+\b")
_ALIKE = 0.5  # share of their words that an old line and the one in its place have in common, to be one reworded
_MOVED = 0.7  # the same, for a line that left another place of the file
_LONG = 20  # characters that a line needs for one more copy of it to be counted
_BLOCK = 5  # lines that must have left another file together: an #include or a check may come and go anywhere
_WINDOW = 3  # lines that a patch adds, in which the words of one of upstream's may be spread
_BESIDE = 3  # unchanged lines between two changes of a patch that belong together, as in a diff's context


class Answer(Enum):
    """What a patch does to upstream's lines; the values are a report's words."""

    NONE = "deletes none of upstream's lines"
    AS_WRITTEN = "deletes none that are newer"
    UNDOES = "undoes upstream"
    CANNOT_BE_TOLD = "cannot be told"  # the pin that it was written for is not to be had


COLOURS = {
    Answer.NONE: "green",
    Answer.AS_WRITTEN: "green",
    Answer.UNDOES: "red",
    Answer.CANNOT_BE_TOLD: "red",
}
RED = frozenset(answer for answer, colour in COLOURS.items() if colour == "red")


@dataclass(frozen=True, slots=True)
class Deleting:
    """A file that a patch changes, as lines, before and after the patch.

    path -- at the pin
    earlier -- the edits by which earlier patches of the queue made `before` of upstream's file
    own -- the patch's edits, from `before` to `after`
    """

    path: str
    pin: Lines
    before: Lines
    earlier: tuple[Edit, ...]
    own: tuple[Edit, ...]


@dataclass(frozen=True, slots=True)
class Written:
    """Such a file at the pin that the patch was written for.

    lines -- none where it was not there
    since -- the edits by which upstream made the present file of it
    """

    lines: Lines
    since: tuple[Edit, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """A line of upstream's that a patch deletes. number -- at the pin, from 1."""

    path: str
    number: int
    text: bytes


@dataclass(frozen=True, slots=True)
class _Place:
    """What a patch does at one place. gone -- lines of the pin, from 0; added -- the lines that it puts there."""

    gone: tuple[int, ...]
    added: Lines


def deleted(files: Sequence[Deleting]) -> tuple[tuple[Line, ...], ...]:
    """Give the lines of upstream's that a patch deletes from each file, and puts back in none."""
    back = Counter(squeeze(line) for file in files for edit in file.own for line in edit.lines)
    return tuple(tuple(_deleted(file, back)) for file in files)


def undone(file: Deleting, gone: Sequence[Line], written: Written) -> tuple[Line, ...]:
    """Give those of the lines that a patch deletes from a file which came after it was written, and are not carried."""
    came = _came(written.since)
    newer = {line.number - 1: line for line in _newer(file, gone, written) if line.number - 1 in came}
    if not newer:
        return ()
    found = []
    for place in _places(file):
        for at in (at for at in place.gone if at in newer):
            was = _was(file, written, came[at], place.added)
            found += [] if _carried(newer[at].text, was, place.added) else [newer[at]]
    return tuple(found)


def brought(file: Deleting, written: Written) -> Counter[bytes]:
    """Count the lines that upstream brought to a file and that say something, white space aside."""
    lines = Counter(map(squeeze, filter(says_something, file.pin)))
    return lines - Counter(map(squeeze, written.lines))


def but_moved(lines: Sequence[Line], came: Counter[bytes], changes: Sequence[Change], read: Read) -> tuple[Line, ...]:
    """Leave out the lines that came with a block from another file: they are as old as they were there.

    lines -- of one file; came -- all that upstream brought to it
    changes -- from the pin that the patch was written for to the present one
    """
    left = list(lines)
    for change in changes:
        if not left or change.path == left[0].path:
            continue
        old = text(change.old, read)
        if not any(line.text.strip() in old for line in left):
            continue
        lost = Counter(map(squeeze, split(old))) - Counter(map(squeeze, split(text(change.new, read))))
        moved = lost & came
        if moved.total() >= _BLOCK:
            left = [line for line in left if not moved[squeeze(line.text)]]
    return tuple(left)


def text(entry: Entry | None, read: Read) -> bytes:
    """Give a file's bytes to be compared by lines; of what is no text a line that names the object."""
    if entry is None:
        return b""
    return f"(no text: {entry.oid})\n".encode() if is_odd(entry, read) else read(entry.oid)


def is_odd(entry: Entry, read: Read) -> bool:
    """Whether it is no text file: a binary one, a link or a submodule."""
    return entry.mode not in (REGULAR, EXECUTABLE) or b"\0" in read(entry.oid)


def _newer(file: Deleting, gone: Sequence[Line], written: Written) -> Iterator[Line]:
    """Give the lines that the file had not, and those copies of a line of which it has more now that are surely new."""
    stood = Counter(map(squeeze, written.lines))
    more = Counter(map(squeeze, file.pin)) - stood
    sure = _surely_new(file.pin, written.since)
    for line in gone:
        key = squeeze(line.text)
        if not stood[key]:
            yield line
        elif len(key) >= _LONG and more[key] and line.number - 1 in sure:
            more[key] -= 1
            yield line


def _surely_new(pin: Lines, edits: Sequence[Edit]) -> set[int]:
    """Give the lines, from 0, that upstream brought, however the two versions are aligned.

    Where a block that came begins or ends as what stands beside it, it may as well have come a few lines up or down.
    """
    found: set[int] = set()
    shift = 0
    for edit in edits:
        start = edit.start + shift
        end = start + len(edit.lines)
        shift += len(edit.lines) - (edit.end - edit.start)
        up = next((n for n in range(start) if pin[start - 1 - n] != pin[end - 1 - n]), start)
        down = next((n for n in range(len(pin) - end) if pin[start + n] != pin[end + n]), len(pin) - end)
        found |= set(range(start + down, end - up))
    return found


def _deleted(file: Deleting, back: Counter[bytes]) -> Iterator[Line]:
    for place in _places(file):
        for at in place.gone:
            text = file.pin[at]
            if not says_something(text):
                continue
            if back[squeeze(text)]:
                back[squeeze(text)] -= 1
                continue
            yield Line(file.path, at + 1, text)


def _places(file: Deleting) -> Iterator[_Place]:
    """Give what the patch does, place by place; lines that earlier patches brought are left out."""
    origins = _origins(len(file.pin), file.earlier)
    near: list[Edit] = []
    for edit in (*file.own, None):
        if near and (edit is None or edit.start - near[-1].end > _BESIDE):
            gone = (origins[at] for one in near for at in range(one.start, one.end))
            yield _Place(tuple(at for at in gone if at is not None), tuple(line for one in near for line in one.lines))
            near = []
        near += [edit] if edit else []


def _origins(length: int, edits: Sequence[Edit]) -> list[int | None]:
    """Give where each line of the newer version stands in the older one; None where the edits brought it.

    >>> _origins(2, [Edit(1, 1, (b"new",))])
    [0, None, 1]
    """
    found: list[int | None] = []
    at = 0
    for edit in edits:
        found += [*range(at, edit.start), *([None] * len(edit.lines))]
        at = edit.end
    return [*found, *range(at, length)]


def _came(edits: Sequence[Edit]) -> dict[int, Edit]:
    """Give the lines of the newer version that the edits brought, from 0, each with its edit."""
    found: dict[int, Edit] = {}
    shift = 0
    for edit in edits:
        found |= dict.fromkeys(range(edit.start + shift, edit.start + shift + len(edit.lines)), edit)
        shift += len(edit.lines) - (edit.end - edit.start)
    return found


@dataclass(frozen=True, slots=True)
class _Was:
    """Which line upstream's may have been. replaced -- those in whose place it came; gone -- all that left the file."""

    replaced: Lines
    gone: Lines

    def of(self, words: Counter[bytes]) -> bytes | None:
        """Give the line that was reworded into these words; None where it is a new one."""
        return _most_alike(words, self.replaced, _ALIKE) or _most_alike(words, self.gone, _MOVED)


def _was(file: Deleting, written: Written, edit: Edit, added: Lines) -> _Was:
    if not added:
        return _Was((), ())  # what nothing is put for was not reworded
    gone = Counter(written.lines) - Counter(file.pin)
    replaced = written.lines[edit.start : edit.end]
    return _Was(tuple(filter(says_something, replaced)), tuple(filter(says_something, gone)))


def _most_alike(words: Counter[bytes], among: Lines, least: float) -> bytes | None:
    best = max(among, key=lambda one: _alike(_words(one), words), default=None)
    return best if best is not None and _alike(_words(best), words) >= least else None


def _carried(line: bytes, was: _Was, added: Lines) -> bool:
    """Whether what a patch puts in the place of upstream's line holds what upstream brought with it."""
    words = _words(line)
    old = was.of(words)
    if old is not None and squeeze(old) in map(squeeze, added):
        return False  # it puts the older line back
    if _masked(line) in map(_masked, added):
        return True
    return _hold(added, words - _words(old) if old is not None else words)


def _masked(line: bytes) -> bytes:
    """Give a line without its numbers.

    >>> _masked(b"assert(COUNT == 81);")
    b'assert(COUNT==0);'
    """
    return squeeze(_NUMBER.sub(b"0", line))


def _hold(added: Lines, words: Counter[bytes]) -> bool:
    """Whether a few lines in a row hold all these words."""
    starts = range(max(len(added) - _WINDOW, 0) + 1)
    return any(words <= _words(b"".join(added[at : at + _WINDOW])) for at in starts)


def _words(text: bytes) -> Counter[bytes]:
    return Counter(_TOKEN.findall(text))


def _alike(one: Counter[bytes], other: Counter[bytes]) -> float:
    whole = one.total() + other.total()
    return 2 * (one & other).total() / whole if whole else 1.0
