"""Write a tree as a plain directory. Unchanged files keep their times, so that a build does no work twice.

What was written is recorded in the fork's state folder. On the next run a file that is neither as recorded nor as
wanted is somebody's edit: it is named, and nothing is written, unless the caller says to overwrite.
While files are written a note beside the record names the directory: what was killed on the way left some old files
there and some new ones, each whole, and the next run finishes it.
"""

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from forkkeeper.core import reading
from forkkeeper.core.ids import TreeId
from forkkeeper.core.paths import alike, fault, parents
from forkkeeper.core.store import SUBMODULE, Entries
from forkkeeper.errors import AnswerIsNo, RequestError
from forkkeeper.shell import disk
from forkkeeper.shell.git import Scratch

_UNDERWAY = ".underway"


@dataclass(frozen=True, slots=True)
class Materialised:
    """A tree on disk: the directory, the tree's id, and how many files were written, left and removed."""

    directory: Path
    tree: TreeId
    written: int
    left: int
    removed: int


def materialise(
    scratch: Scratch,
    tree: TreeId,
    directory: Path,
    records: Path,
    *,
    keep: Sequence[Path] = (),
    overwrite: bool = False,
    on_progress: Callable[[str, float, float], None],
) -> Materialised:
    """Make a directory hold exactly this tree.

    records -- folder where it is written down what was materialised
    keep -- folders that must not be written into or replaced, whatever the caller says
    Raises AnswerIsNo for edits made by hand, RequestError for a tree or directory that cannot be written.
    """
    directory = directory.resolve()
    _guard(directory, keep)
    entries = {path: entry for path, entry in scratch.entries(tree).items() if entry.mode != SUBMODULE}
    _check(entries, directory)
    record = records / (hashlib.sha256(str(directory).encode("utf-8", "surrogateescape")).hexdigest()[:16] + ".json")
    known = _known(disk.read(record))
    wanted = {path: [entry.mode, str(entry.oid)] for path, entry in entries.items()}
    standing = {path: list(disk.identify(directory / path) or ()) for path in disk.names_below(directory)}
    if repositories := sorted({f"/{path}/".split("/.git/")[0] for path in standing if "/.git/" in f"/{path}/"}):
        raise RequestError(
            "materialise", str(directory), f"holds a git repository: {repositories[0][1:]}", "choose an empty directory"
        )
    foreign = sorted(p for p, now in standing.items() if now != wanted.get(p) and now not in known.get(p, []))
    if foreign and not overwrite:
        shown = ", ".join(foreign[:5]) + (f" and {len(foreign) - 5} more" if len(foreign) > 5 else "")
        raise AnswerIsNo(
            "materialise",
            str(directory),
            f"holds files that forkkeeper did not write, or that were edited: {shown}",
            "move them away, choose another directory, or add --overwrite to lose them",
        )
    folders = {parent for path in wanted for parent in parents(path)}  # a file may have become a folder
    stale = [  # what stood below a path that is a file or link now went with its folder
        path
        for path in standing
        if path not in wanted and path not in folders and not any(parent in wanted for parent in parents(path))
    ]
    writing = [path for path in sorted(wanted) if standing.get(path) != wanted[path]]
    # An interrupted run leaves a mixture of both states; note and record say so before the first file changes.
    underway = record.with_suffix(_UNDERWAY)
    if writing or stale or underway.exists():
        disk.write(underway, os.fsencode(directory))
    both = {path: [*known.get(path, []), *([wanted[path]] if path in wanted else [])] for path in {*known, *wanted}}
    disk.write(record, json.dumps(both, indent=0, sort_keys=True).encode())
    for number, path in enumerate(writing, start=1):
        disk.place(directory, path, entries[path].mode, scratch.blob(entries[path].oid))
        on_progress(f"writing {len(writing)} files", number, len(writing))
    directory.mkdir(parents=True, exist_ok=True)
    disk.remove(directory, stale)  # last: whatever fails before, nothing is gone
    disk.write(record, json.dumps({p: [w] for p, w in wanted.items()}, indent=0, sort_keys=True).encode())
    underway.unlink(missing_ok=True)
    return Materialised(directory, tree, len(writing), len(wanted) - len(writing), len(stale))


def _known(data: bytes | None) -> dict[str, list[list[str]]]:
    """Read what was written down; of a damaged record nothing is known, so that every file counts as edited by hand."""
    try:
        return reading.struct(data or b"{}", dict[str, list[list[str]]])
    except ValueError:
        return {}


def unfinished(records: Path) -> tuple[Path, ...]:
    """Give the directories, ordered, that were being written when the run was killed, and are there still."""
    notes = records.glob(f"*{_UNDERWAY}") if records.is_dir() else ()
    found = (Path(os.fsdecode(disk.read(note) or b"")) for note in notes)
    return tuple(sorted(folder for folder in found if folder.name and folder.is_dir()))


def _guard(directory: Path, keep: Sequence[Path]) -> None:
    """Refuse a directory that is, holds or lies in a folder that must be kept."""
    for folder in keep:
        kept = folder.resolve()
        if kept.is_relative_to(directory) or directory.is_relative_to(kept):
            raise RequestError(
                "materialise", str(directory), f"would replace files of {kept}", "choose an empty directory elsewhere"
            )


def _check(entries: Entries, directory: Path) -> None:
    for path in entries:
        if wrong := fault(path):
            raise RequestError(
                "materialise", path, f"upstream's path {wrong}", "exclude it with a [[path]] rule in fork.toml"
            )
    twins = alike(entries)
    if twins and disk.is_caseless(directory):
        found = f"is {twins[1]} on this disk, which does not tell letter case apart"
        hint = "write it on a disk that does, or exclude one of them with a [[path]] rule in fork.toml"
        raise RequestError("materialise", twins[0], found, hint)
    if directory.exists() and not directory.is_dir():
        raise RequestError("materialise", str(directory), "is a file", "choose another directory")
    if (directory / ".git").exists():
        raise RequestError(
            "materialise", str(directory), "is a git checkout; its files would be replaced", "choose an empty directory"
        )
