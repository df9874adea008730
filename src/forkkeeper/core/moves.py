"""Patches that move files and change nothing in them: they stay written as moves, wherever they are carried to.

In git's form without renames such a patch would hold each file twice, and other lines after every sync.
"""

from collections.abc import Mapping, Sequence

from forkkeeper.core.hunks import FileDiff
from forkkeeper.core.ids import TreeId
from forkkeeper.core.mail import Patch
from forkkeeper.core.store import Entry, Store


def of(files: Sequence[FileDiff]) -> dict[str, str] | None:
    """Give what a diff moves, path before → path after; None where it does anything else."""
    found: dict[str, str] = {}
    for file in files:
        if file.old is None or file.new is None or file.old == file.new:
            return None
        if file.hunks or file.binary is not None or file.modes:
            return None
        found[file.old] = file.new
    return found if len(found) == len(files) else None


def still_says(store: Store, patch: Patch, before: TreeId, after: TreeId) -> bool:
    """Whether a patch is written as moves, and those very moves are all that lies between two trees."""
    moves = of(patch.files)
    if not moves:
        return False
    there = store.some(before, moves)
    if not moves.keys() <= there.keys():
        return False
    changes: dict[str, Entry | None] = dict.fromkeys(moves)
    return store.graft(before, changes | {new: there[old] for old, new in moves.items()}) == after


def diff(moves: Mapping[str, str]) -> bytes:
    """Write a diff that moves files and changes nothing in them, ordered by the path after."""
    parts = (
        f"diff --git {_quoted(f'a/{old}')} {_quoted(f'b/{new}')}\nsimilarity index 100%\n"
        f"rename from {_quoted(old)}\nrename to {_quoted(new)}\n"
        for old, new in sorted(moves.items(), key=lambda move: move[1])
    )
    return "".join(parts).encode("utf-8", "surrogateescape")


def _quoted(path: str) -> str:
    """Quote a path as git does where it holds what would be misread."""
    raw = path.encode("utf-8", "surrogateescape")
    if all(0x20 <= byte < 0x7F and byte not in b'"\\' for byte in raw):
        return path
    escaped = "".join(chr(b) if 0x20 <= b < 0x7F and b not in b'"\\' else f"\\{b:03o}" for b in raw)
    return f'"{escaped}"'
