"""How much of a patch upstream has by now: which lines it adds are there, and which lines it removes are gone.

Only lines that say something count, and of the added ones only those that the file did not have before: many patches
repeat a line that stands beside them. White space is left out of account: upstream may have formatted it its own way.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from forkkeeper.core.hunks import FileDiff
from forkkeeper.core.ids import ObjectId
from forkkeeper.core.lines import says_something, split, squeeze
from forkkeeper.core.store import EXECUTABLE, REGULAR, Entries

Read = Callable[[ObjectId], bytes]

MOST = 0.7  # share of the added lines from which on upstream has the patch, in its own form
HALF = 0.5  # share of the removed lines that must be gone with them
FEW = 2  # so few added lines prove something only all together, with removed lines that are gone


@dataclass(frozen=True, slots=True)
class Share:
    """What upstream has of a patch, in lines. present of added, gone of removed."""

    added: int
    present: int
    removed: int
    gone: int

    @property
    def is_upstream(self) -> bool:
        """Whether upstream has the patch, maybe in a form of its own."""
        if self.added <= FEW:
            return bool(self.added and self.removed) and self.present == self.added and self.gone == self.removed
        return self.present >= MOST * self.added and self.gone >= HALF * self.removed

    @property
    def is_half(self) -> bool:
        """Whether upstream has so much of it that a commit of the same title is this patch."""
        return self.present >= HALF * self.added and self.gone >= HALF * self.removed and self.present + self.gone > 0

    def __str__(self) -> str:
        """Say it to a person."""
        removed = f", and {self.gone} of {self.removed} lines that it removes are gone" if self.removed else ""
        return f"{self.present} of {self.added} lines that it adds are there{removed}"


def title_key(title: str) -> str:
    """Give a title as it is compared: without a pull request's number, marks of a mail, and differences of case.

    >>> title_key("[PATCH] ggml : Fix the  shift (#1234)")
    'ggml : fix the shift'
    """
    bare = re.sub(r"^\s*(\[[^\]]*\]\s*)+|\s*\((?:#|!)\d+\)\s*$", "", title)
    return " ".join(bare.split()).casefold()


def share(files: Sequence[FileDiff], before: Entries, now: Entries, read: Read) -> Share:
    """Count what upstream has of a patch.

    before -- the tree that the patch stands on; now -- upstream's new one, with the patches before it
    """
    parts = [_of_file(file, before, now, read) for file in files if file.hunks]
    return Share(*(sum(column) for column in zip(*parts, strict=True))) if parts else Share(0, 0, 0, 0)


def _of_file(file: FileDiff, before: Entries, now: Entries, read: Read) -> tuple[int, int, int, int]:
    had, has = _lines(before, file.old, read), _lines(now, file.new or file.old, read)
    plus = [squeeze(line) for hunk in file.hunks for line in hunk.signed(b"+") if says_something(line)]
    minus = [squeeze(line) for hunk in file.hunks for line in hunk.signed(b"-") if says_something(line)]
    added = [line for line in plus if line not in had]
    removed = [line for line in minus if line not in plus]
    return len(added), sum(line in has for line in added), len(removed), sum(line not in has for line in removed)


def _lines(entries: Entries, path: str | None, read: Read) -> frozenset[bytes]:
    entry = entries.get(path or "")
    if entry is None or entry.mode not in (REGULAR, EXECUTABLE):
        return frozenset()
    return frozenset(squeeze(line) for line in split(read(entry.oid)))
