"""The difference of two differences: what a patch does now, against what it did before. Empty when only context moved.

The same idea as `git range-diff` (git-scm.com/docs/git-range-diff), on the lines that a patch changes: offsets and
context are left out, so that what is left is what a person must read.
"""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from forkkeeper.core.mail import Patch

_AROUND = 2  # changed lines that stay the same, shown on each side of those that do not
_LONGEST = 5000  # changed lines up to which two patches are compared line by line


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
    if max(len(old), len(new)) > _LONGEST:
        return (Line(Mark.BEFORE, f"{len(old)} lines"), Line(Mark.NOW, f"{len(new)} lines"))
    return _shortened([line for one in difflib.ndiff(old, new) if (line := _line(one)) is not None])


def _line(row: str) -> Line | None:
    mark = {" ": Mark.SAME, "-": Mark.BEFORE, "+": Mark.NOW}.get(row[:1])
    return Line(mark, row[2:]) if mark else None


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
        found += [_text(line) for hunk in file.hunks for line in hunk.lines if line[:1] in (b"+", b"-")]
    return found


def _text(line: bytes) -> str:
    return line.decode("utf-8", "replace").rstrip("\r\n")
