"""How much of a patch upstream has by now: which lines it adds are there, and which lines it removes are gone.

Only lines that say something prove that, and of the added ones only those that the file did not have before: many
patches repeat a line that stands beside them. White space is left out of account: upstream may have formatted it anew.
Short lines prove nothing, and yet most must be there, as often as the patch adds them. A binary file has no lines, so
nothing shows that upstream has it; a mode, a new name and an empty file are there or not.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
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
    """What upstream has of a patch, in lines that say something: present of added, gone of removed.

    short, short_present -- the other lines that it adds, and how many of them are there
    lacking -- what it does beside its lines, and upstream does not have
    """

    added: int
    present: int
    removed: int
    gone: int
    short: int = 0
    short_present: int = 0
    lacking: tuple[str, ...] = ()

    @property
    def is_upstream(self) -> bool:
        """Whether upstream has the patch, maybe in a form of its own."""
        if self.lacking or self.present + self.short_present < MOST * (self.added + self.short):
            return False
        if self.added <= FEW:
            all_there = self.present == self.added and self.short_present == self.short
            return bool(self.added and self.removed) and all_there and self.gone == self.removed
        return self.present >= MOST * self.added and self.gone >= HALF * self.removed

    @property
    def is_half(self) -> bool:
        """Whether upstream has so much of it that a commit of the same title is this patch."""
        return self.present >= HALF * self.added and self.gone >= HALF * self.removed and self.present + self.gone > 0

    def __str__(self) -> str:
        """Say it to a person."""
        removed = f", and {self.gone} of {self.removed} lines that it removes are gone" if self.removed else ""
        lacking = f"; but upstream lacks {', '.join(self.lacking)}" if self.lacking else ""
        present, added = self.present + self.short_present, self.added + self.short
        return f"{present} of {added} lines that it adds are there{removed}{lacking}"


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
    lacking = tuple(said for file in files for said in _lacking(file, now))
    added, present, removed, gone, short, there = (sum(column) for column in zip((0,) * 6, *parts, strict=True))
    return Share(added, present, removed, gone, short, there, lacking)


def _lacking(file: FileDiff, now: Entries) -> Iterator[str]:
    """Say what a patch does to a file beside its lines, and upstream does not have."""
    entry = now.get(file.path)
    mode = file.modes[1] if file.modes else file.created_mode
    if file.binary is not None:
        yield f"the binary file {file.path}, for all that shows"
    elif entry is None:
        yield from () if file.hunks or file.new is None else (f"the file {file.path}",)
    elif mode is not None and entry.mode != mode:
        yield f"the mode of {file.path}"
    elif file.new is None and not file.hunks:
        yield f"the removal of {file.path}"
    if file.old and file.new and file.old != file.new and file.old in now and not file.hunks:
        yield f"the new name of {file.old}"


def _of_file(file: FileDiff, before: Entries, now: Entries, read: Read) -> tuple[int, int, int, int, int, int]:
    had, has = _lines(before, file.old, read), _lines(now, file.new or file.old, read)
    plus = [squeeze(line) for hunk in file.hunks for line in hunk.signed(b"+") if says_something(line)]
    minus = [squeeze(line) for hunk in file.hunks for line in hunk.signed(b"-") if says_something(line)]
    added = [line for line in plus if line not in had]
    removed = [line for line in minus if line not in plus]
    short = _short(file, b"+") - _short(file, b"-")
    there = sum(min(count, max(has[line] - had[line], 0)) for line, count in short.items())
    gone = sum(line not in has for line in removed)
    return len(added), sum(line in has for line in added), len(removed), gone, short.total(), there


def _short(file: FileDiff, sign: bytes) -> Counter[bytes]:
    """Count the lines of a sign that hold something, and do not say anything."""
    found = (line for hunk in file.hunks for line in hunk.signed(sign) if not says_something(line))
    return Counter(squeeze(line) for line in found if re.search(rb"\w", line))


def _lines(entries: Entries, path: str | None, read: Read) -> Counter[bytes]:
    entry = entries.get(path or "")
    if entry is None or entry.mode not in (REGULAR, EXECUTABLE):
        return Counter()
    return Counter(squeeze(line) for line in split(read(entry.oid)))
