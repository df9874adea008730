"""A file as lines, and how one version of it became another. Bytes stay bytes, line ends belong to their lines."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

Lines = tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Edit:
    """Lines `start` up to `end` (from 0, end left out) of an older version became `lines`."""

    start: int
    end: int
    lines: Lines


def split(data: bytes) -> Lines:
    """Split at line feeds alone; the last line may lack one."""
    parts = data.split(b"\n")
    return (*(part + b"\n" for part in parts[:-1]), *([parts[-1]] if parts[-1] else []))


def apply(base: Lines, edits: Sequence[Edit]) -> Lines:
    """Make the newer version from the older one."""
    made: list[bytes] = []
    at = 0
    for edit in edits:
        made += [*base[at : edit.start], *edit.lines]
        at = edit.end
    return (*made, *base[at:])


def ended(lines: Lines, *, is_last: bool) -> Lines:
    """Give every line its line end that another follows: only a file's last line may lack one.

    is_last -- whether nothing follows these lines
    """
    whole = next((line for line in lines if line.endswith(b"\n")), b"\n")
    end = b"\r\n" if whole.endswith(b"\r\n") else b"\n"
    last = len(lines) - is_last
    return tuple(line if number >= last or line.endswith(b"\n") else line + end for number, line in enumerate(lines))


def squeeze(line: bytes) -> bytes:
    """Give a line without any white space, for comparing where white space does not count."""
    return b"".join(line.split())


def indent(line: bytes) -> bytes:
    """Give the white space that a line begins with; of a blank line nothing."""
    return line[: len(line) - len(line.lstrip())] if line.strip() else b""


def says_something(line: bytes) -> bool:
    """Whether a line holds more than brackets and keywords that stand everywhere: four letters or digits at least."""
    return _TELLING.search(line) is not None


_TELLING = re.compile(rb"(?:\w\W*){4}")


def compare(one: Sequence[object], other: Sequence[object]) -> tuple[tuple[int, int, int, int], ...]:
    """Find where two short sequences differ: (start, end) in the one, (start, end) in the other, in order.

    For regions of a file; whole files are compared by git, which is fast on them (`Store.alignments`).
    """
    matcher = SequenceMatcher(None, one, other, autojunk=False)
    return tuple((a, b, c, d) for kind, a, b, c, d in matcher.get_opcodes() if kind != "equal")


def edits_between(old: Lines, new: Lines, *, blank_counts: bool = True) -> tuple[Edit, ...]:
    """Find the edits between two short versions. blank_counts -- whether white space makes lines differ."""
    before, after = (old, new) if blank_counts else (tuple(map(squeeze, old)), tuple(map(squeeze, new)))
    return tuple(Edit(a, b, new[c:d]) for a, b, c, d in compare(before, after))
