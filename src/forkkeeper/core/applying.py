"""Applying a patch where it says it applies, and seeing that its result cannot be there. The rest is git's to say.

Both answer the common case without a process: a patch of the queue stands exactly on its pin, and most patches are not
upstream. Whatever is not plain (binary, modes, renames, offsets, a missing final newline) is left to `git apply`.
"""

from collections.abc import Callable, Mapping, Sequence

from forkkeeper.core.hunks import FileDiff, Hunk
from forkkeeper.core.ids import ObjectId
from forkkeeper.core.store import EXECUTABLE, REGULAR, Entries

Read = Callable[[ObjectId], bytes]


def exactly(files: Sequence[FileDiff], entries: Entries, read: Read) -> Mapping[str, bytes] | None:
    """Apply a diff at its own lines: new contents by path, or None when that is not plainly possible.

    entries, read -- the tree's paths, and their bytes
    """
    made: dict[str, bytes] = {}
    for file in files:
        entry = entries.get(file.old or "")
        if not _is_plain(file) or entry is None or entry.mode not in (REGULAR, EXECUTABLE) or file.path in made:
            return None
        changed = _apply(file.hunks, read(entry.oid))
        if changed is None:
            return None
        made[file.path] = changed
    return made


def _is_plain(file: FileDiff) -> bool:
    """Whether a file's diff is nothing but hunks of whole lines on a file that stays where it is."""
    return (
        file.old == file.new
        and file.modes is None
        and file.binary is None
        and bool(file.hunks)
        and all(line[:1] in (b" ", b"+", b"-") and line.endswith(b"\n") for hunk in file.hunks for line in hunk.lines)
    )


def _apply(hunks: Sequence[Hunk], data: bytes) -> bytes | None:
    lines = _lines(data)
    made: list[bytes] = []
    at = shift = 0
    for hunk in hunks:
        old, new = _sides(hunk)
        start = hunk.old_start - 1
        if hunk.new_start - hunk.old_start != shift - (not new):
            return None  # git looks at the new line number first
        if not old or start < at or lines[start : start + len(old)] != old:
            return None
        if hunk.lines[-1][:1] != b" " and start + len(old) != len(lines):
            return None  # git takes a hunk without context at its end to be the file's end
        if start > 0 and hunk.lines[0][:1] != b" ":
            return None  # likewise at its beginning: let git decide
        made += [*lines[at:start], *new]
        at = start + len(old)
        shift += len(new) - len(old)
    return b"".join([*made, *lines[at:]])


def _sides(hunk: Hunk) -> tuple[list[bytes], list[bytes]]:
    """Give the lines before and after."""
    old = [line[1:] for line in hunk.lines if line[:1] != b"+"]
    new = [line[1:] for line in hunk.lines if line[:1] != b"-"]
    return old, new


def _lines(data: bytes) -> list[bytes]:
    parts = data.split(b"\n")
    return [part + b"\n" for part in parts[:-1]] + ([parts[-1]] if parts[-1] else [])


def cannot_be_there(files: Sequence[FileDiff], entries: Entries, read: Read) -> bool:
    """Whether a diff's result is surely not in the tree: a file is missing, or the lines of a hunk stand nowhere in it.

    False says nothing.
    """
    return any(_is_absent(file, entries, read) for file in files)


def _is_absent(file: FileDiff, entries: Entries, read: Read) -> bool:
    if file.new is None:
        return file.old in entries
    entry = entries.get(file.new)
    if entry is None:
        return True
    if not _is_plain(file) or entry.mode not in (REGULAR, EXECUTABLE):
        return False
    data = b"\n" + read(entry.oid)
    return any(b"\n" + b"".join(_sides(hunk)[1]) not in data for hunk in file.hunks)
