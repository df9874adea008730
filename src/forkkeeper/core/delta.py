"""The difference of two differences: what a patch does now, against what it did before. Empty when only context moved.

The same idea as `git range-diff` (git-scm.com/docs/git-range-diff), on the lines that a patch changes: offsets and
context are left out, so that what is left is what a person must read.
"""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from forkkeeper.core.hunks import FileDiff
from forkkeeper.core.mail import Patch

_AROUND = 2  # changed lines that stay the same, shown on each side of those that do not
_LONGEST = 5000  # changed lines up to which two versions of what is done to a file are compared line by line
_PAIRS = 4000  # of lines that are compared word by word, to show a changed line beside the one that it was


class Mark(Enum):
    """What became of one line of a patch, as range-diff marks it."""

    SAME = " "
    BEFORE = "-"  # the patch had it
    NOW = "+"  # the patch has it
    LEFT_OUT = "…"  # lines that stay the same


@dataclass(frozen=True, slots=True)
class Line:
    """One line: its mark, and the line with the patch's own sign, or the path of a file."""

    mark: Mark
    text: str


def compare(before: Patch, now: Patch | None) -> tuple[Line, ...]:
    """Compare what a patch changed with what it changes now; None: it has left the queue."""
    old, new = changed_lines(before), changed_lines(now)
    if old == new:
        return ()
    if max(len(old), len(new)) <= _LONGEST:
        return _shortened(_compared(old, new))
    was, is_now = _by_file(before), _by_file(now)
    found: list[Line] = []
    for path in dict.fromkeys((*was, *is_now)):
        one, other = was.get(path, []), is_now.get(path, [])
        if max(len(one), len(other)) <= _LONGEST:
            found += _compared(one, other)
        elif one != other:
            found += [Line(Mark.SAME, path), Line(Mark.BEFORE, _counted(one)), Line(Mark.NOW, _counted(other))]
    return _shortened(found)


def differ(before: Patch, now: Patch | None) -> bool:
    """Whether a patch changes other lines than before."""
    return changed_lines(before) != changed_lines(now)


def _compared(old: Sequence[str], new: Sequence[str]) -> list[Line]:
    """Compare line by line; where only a few are left to compare, changed lines stand beside those that they were."""
    found: list[Line] = []
    left = _PAIRS
    for kind, a, b, c, d in difflib.SequenceMatcher(None, old, new).get_opcodes():
        pairs = (b - a) * (d - c)
        if kind == "equal":
            found += [Line(Mark.SAME, text) for text in old[a:b]]
        elif 0 < pairs <= left and max(map(len, (*old[a:b], *new[c:d]))) <= _WIDEST:
            left -= pairs
            rows = ((_MARKS.get(row[:1]), row[2:]) for row in difflib.ndiff(old[a:b], new[c:d]))
            found += [Line(mark, text) for mark, text in rows if mark]
        else:
            found += [Line(Mark.BEFORE, text) for text in old[a:b]]
            found += [Line(Mark.NOW, text) for text in new[c:d]]
    return found


_MARKS = {" ": Mark.SAME, "-": Mark.BEFORE, "+": Mark.NOW}
_WIDEST = 500  # characters of a line that is compared word by word


def _by_file(patch: Patch | None) -> dict[str, list[str]]:
    """Give the changed lines of each file, after its path."""
    found: dict[str, list[str]] = {}
    for file in patch.files if patch else ():
        found.setdefault(file.path, [file.path]).extend(_changed(file))
    return found


def _counted(lines: Sequence[str]) -> str:
    return f"{max(len(lines) - 1, 0):,} lines"


def _shortened(lines: Sequence[Line]) -> tuple[Line, ...]:
    """Leave out the lines that stay the same, but for a few around each that does not."""
    near = {
        other
        for number, line in enumerate(lines)
        if line.mark is not Mark.SAME
        for other in range(number - _AROUND, number + _AROUND + 1)
    }
    found: list[Line] = []
    for number, line in enumerate(lines):
        if number in near:
            found.append(line)
        elif not found or found[-1].mark is not Mark.LEFT_OUT:
            found.append(Line(Mark.LEFT_OUT, ""))
    return tuple(found)


def changed_lines(patch: Patch | None) -> list[str]:
    """Give the lines that a patch removes and adds, with their signs, under the paths that they are in."""
    found: list[str] = []
    for file in patch.files if patch else ():
        found.append(file.path)
        found += _changed(file)
    return found


def _changed(file: FileDiff) -> list[str]:
    return [_text(line) for hunk in file.hunks for line in hunk.lines if line[:1] in (b"+", b"-")]


def _text(line: bytes) -> str:
    return line.decode("utf-8", "replace").rstrip("\r\n")
