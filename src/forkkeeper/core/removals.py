"""Whether upstream took away what a patch takes away, or only moved it.

A merge sees one thing in both: the lines are gone from their place. So the blocks that a patch takes away, and puts
nothing for, are looked for among the lines that upstream added, in the same file or in another.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from forkkeeper.core.hunks import FileDiff, Hunk
from forkkeeper.core.ids import ObjectId
from forkkeeper.core.lines import Lines, says_something, split
from forkkeeper.core.store import EXECUTABLE, REGULAR, Change, Entry

Read = Callable[[ObjectId], bytes]

MOST = 0.7  # share of a block's lines that upstream must have added elsewhere


@dataclass(frozen=True, slots=True)
class Found:
    """Where a line stands now that a patch takes away. line -- from 1."""

    path: str
    line: int
    text: bytes

    def __str__(self) -> str:
        """Say it to a person."""
        shown = self.text.decode("utf-8", "replace")
        return f"`{shown}`, which it takes away, stands in {self.path}, line {self.line} now"


def only_moved(files: Sequence[FileDiff], changes: Sequence[Change], read: Read) -> Found | None:
    """Give a line of the first block that upstream has only moved, or None.

    files -- the patch
    changes -- from the old side with the patch to the new side: what upstream did beside the patch
    """
    blocks = [block for file in files for hunk in file.hunks for block in _blocks(hunk)]
    if not blocks:
        return None
    added = _added({line for block in blocks for line in block}, changes, read)
    for block in blocks:
        there = [line for line in block if line in added]
        if there and len(there) >= MOST * len(block):
            return added[there[0]]
    return None


def _blocks(hunk: Hunk) -> Iterator[Lines]:
    """Give the lines that say something of each block that a hunk takes away and puts nothing for."""
    gone: list[bytes] = []
    is_replaced = False
    for line in (*hunk.lines, b" "):
        sign, text = line[:1], line[1:].strip()
        if sign == b" ":
            if gone and not is_replaced:
                yield tuple(gone)
            gone, is_replaced = [], False
        elif says_something(text):
            gone += [text] if sign == b"-" else []
            is_replaced = is_replaced or sign == b"+"


def _added(wanted: set[bytes], changes: Sequence[Change], read: Read) -> dict[bytes, Found]:
    """Find those lines of which a file has more than before; indentation aside."""
    found: dict[bytes, Found] = {}
    for change in changes:
        now = _text(change.new, read)
        here = {line for line in wanted if line in now} if now else set()
        if not here:
            continue
        before = Counter(line.strip() for line in split(_text(change.old, read)))
        after = [line.strip() for line in split(now)]
        more = Counter(after) - before
        for line in sorted(here - found.keys()):
            if more[line]:
                found[line] = Found(change.path, after.index(line) + 1, line)
    return found


def _text(entry: Entry | None, read: Read) -> bytes:
    """Give a file's bytes; nothing for what is no text file."""
    data = read(entry.oid) if entry is not None and entry.mode in (REGULAR, EXECUTABLE) else b""
    return b"" if b"\0" in data else data
