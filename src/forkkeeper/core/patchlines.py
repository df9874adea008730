"""Where in a patch's file something stands: the hunk of a clash, the line that brought a line in, a header.

All lines count from 1, in the file as it stands in the queue.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from forkkeeper.core import mail
from forkkeeper.core.hunks import FileDiff, Hunk
from forkkeeper.core.mail import Patch
from forkkeeper.core.store import Conflict


@dataclass(frozen=True, slots=True)
class Section:
    """One file of a patch. line -- of its `diff --git`; hunks -- the line of each one's `@@`."""

    file: FileDiff
    line: int
    hunks: tuple[int, ...]


def sections(patch: Patch) -> tuple[Section, ...]:
    """Give where each file of a patch, and each of its hunks, begins."""
    text = patch.diff.split(b"\n")
    before = patch.head.count(b"\n")
    found, at = [], 0
    for file in patch.files:
        at = _next(text, at, b"diff --git ")
        line, begins = before + at + 1, []
        for hunk in file.hunks:
            at = _next(text, at + 1, b"@@ ")
            begins.append(before + at + 1)
            at += len(hunk.lines)
        found.append(Section(file, line, tuple(begins)))
        at += 1
    return tuple(found)


def _next(text: Sequence[bytes], at: int, begin: bytes) -> int:
    return next(n for n in range(at, len(text)) if text[n].startswith(begin))


def of_path(patch: Patch, path: str) -> int:
    """Give the line where a file's part begins; that of the first file for a path that the patch does not name."""
    parts = sections(patch)
    return next((one.line for one in parts if path in (one.file.old, one.file.new)), parts[0].line)


def of_clash(patch: Patch, place: Conflict, was: str = "") -> int:
    """Give the line of the hunk that a clash is in: the one that shares most lines with what the patch would have.

    was -- the path that the patch knows, where upstream moved the file
    """
    paths = (place.path, was)
    parts = [one for one in sections(patch) if one.file.old in paths or one.file.new in paths]
    best = max(_shares(parts, place), default=(0, 0))
    return -best[1] if best[0] else of_path(patch, was or place.path)


def _shares(parts: Sequence[Section], place: Conflict) -> Iterator[tuple[int, int]]:
    """Give how many lines each hunk shares with a clash, and its own line below zero: of equals the first is best."""
    told = {line.strip() for line in (*place.base, *place.theirs)} - {""}
    for one in parts:
        for hunk, line in zip(one.file.hunks, one.hunks, strict=True):
            changed = {_said(text) for text in hunk.lines if text[:1] in b"+-"}
            around = {_said(text) for text in hunk.lines if text[:1] == b" "}
            yield 2 * len(told & changed) + len(told & around), -line


def _said(line: bytes) -> str:
    return line[1:].decode("utf-8", "replace").strip()


def of_added(patch: Patch, path: str, number: int) -> int:
    """Give the line that brought a line of a file in. number -- of that line, once the patch is on.

    A patch may stand some lines off its numbers; then it is the file's own part.
    """
    for one in sections(patch):
        for hunk, line in zip(one.file.hunks, one.hunks, strict=True) if one.file.new == path else ():
            if (at := _at(hunk, number)) is not None:
                return line + at
    return of_path(patch, path)


def _at(hunk: Hunk, number: int) -> int | None:
    """Give how many lines below its `@@` a hunk adds a line of the new file; None where it does not."""
    now = hunk.new_start
    for below, line in enumerate(hunk.lines, start=1):
        sign = line[:1]
        if sign == b"+" and now == number:
            return below
        now += sign not in (b"-", b"\\")
    return None


def of_header(patch: Patch, about: str) -> int:
    """Give the line that something is said in: a header or the last such trailer; else that of `Subject:`.

    about -- as in `mail.Lack`
    """
    if about == mail.REASON and (odd := mail.TAKEN_FOR_DIFF.search(patch.head)):
        return patch.head.count(b"\n", 0, odd.start()) + 1
    for key in (about, "Subject"):
        lines = list(re.finditer(rb"^%s: ?" % re.escape(key.encode()), patch.head, re.MULTILINE | re.IGNORECASE))
        if lines:
            return patch.head.count(b"\n", 0, lines[-1].start()) + 1
    return 1
