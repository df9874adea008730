"""One directory and the file beside it replaced by others as one: the old state or the new one, whatever happens.

The new directory is made elsewhere on the same disk, then declared ready by one rename: from there on the new state
will stand; before it, nothing has changed. The old directory is renamed away, the new one into its place, then the
file. The next command finishes what was declared. A file that was changed in the old directory after it was looked
at is nobody's to throw away: then the old directory is kept.
"""

import hashlib
import json
import os
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path

from forkkeeper.core.paths import fault
from forkkeeper.errors import RequestError

FOLDER = "swap"  # in the fork's state folder
_NEW, _OLD, _FILE, _READY = "new", "old", "file", "ready.json"


@dataclass(frozen=True, slots=True)
class Swap:
    """A swap in the making. state -- the fork's state folder; target -- the directory; file -- the one beside it."""

    state: Path
    target: Path
    file: Path

    @property
    def new(self) -> Path:
        """Where the new directory is made."""
        return self.state / FOLDER / _NEW


def begin(state: Path, target: Path, file: Path) -> Swap:
    """Make an empty directory that is to take the target's place; what an interrupted making left is gone.

    Raises RequestError where the two are on different disks: no rename goes from one to the other.
    """
    _sweep(state)
    made = Swap(state, target, file)
    made.new.mkdir(parents=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    if made.new.stat().st_dev != target.parent.stat().st_dev:
        hint = f"have {state.name} on the same disk as the fork's files"
        raise RequestError("materialise", str(target), f"is on another disk than {state.name}", hint)
    return made


def take(swap: Swap, path: str) -> None:
    """Take a file of the target over into the new directory, with its times: a hard link, or a copy."""
    source, goal = swap.target / path, swap.new / path
    goal.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, goal, follow_symlinks=False)
    except (OSError, NotImplementedError):  # a file system without links
        shutil.copy2(source, goal, follow_symlinks=False)


def look(folder: Path) -> str:
    """Digest what a directory looks like: names, sizes, modes and times of all files."""
    total = hashlib.sha256()
    for here, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted([*names, *folders]):
            status = os.lstat(os.path.join(here, name))  # noqa: PTH118 -- thousands of them
            if not stat.S_ISDIR(status.st_mode):
                row = (os.path.relpath(here, folder), name, status.st_ino, status.st_size, status.st_mode)
                total.update(repr((*row, status.st_mtime_ns)).encode("utf-8", "surrogateescape"))
    return total.hexdigest()


def finish(swap: Swap, data: bytes, looked: str) -> str | None:
    """Declare the new directory and the new file, and put them in their places.

    looked -- what `look` said of the target when it was read
    Gives where the old directory is kept, if it was changed meanwhile.
    """
    folder = swap.state / FOLDER
    _put(folder / _FILE, data)
    names = {"target": os.fspath(swap.target), "file": os.fspath(swap.file), "looked": looked}
    root = swap.state.parent
    names |= {key: os.path.relpath(names[key], root) for key in ("target", "file")}
    _put(folder / _READY, json.dumps(names).encode())
    _flush(folder)
    return _done(swap.state)


def pending(state: Path) -> bool:
    """Whether a declared swap is not finished."""
    return (state / FOLDER / _READY).exists()


def recover(state: Path) -> str | None:
    """Finish a declared swap. Gives a sentence on what was done; None where there was nothing to do."""
    if not pending(state):
        return None
    kept = _done(state)
    said = "an interrupted `materialise` was finished"
    return f"{said}; {kept}" if kept else said


def _done(state: Path) -> str | None:
    folder = state / FOLDER
    said = json.loads((folder / _READY).read_bytes())
    for key in ("target", "file"):
        if wrong := fault(said[key]):
            hint = f"remove {state.name}/{FOLDER}: nothing of the fork was changed"
            raise RequestError("recover", f"{state.name}/{FOLDER}/{_READY}", f"the path {said[key]!r} {wrong}", hint)
    target, file = state.parent / said["target"], state.parent / said["file"]
    new, old = folder / _NEW, folder / _OLD
    if new.exists():
        if os.path.lexists(target):
            if old.exists():  # somebody made the directory anew between the two renames of a killed run
                hint = f"move {said['target']} away, and run the command again"
                raise RequestError("recover", said["target"], "was made while `materialise` was interrupted", hint)
            target.rename(old)
        target.parent.mkdir(parents=True, exist_ok=True)
        new.rename(target)
        _flush(target.parent)
    _put(file, (folder / _FILE).read_bytes())
    _flush(file.parent)
    kept = _kept(state, old, said["looked"]) if old.exists() else None
    _sweep(state)
    return kept


def _kept(state: Path, old: Path, looked: str) -> str | None:
    """Keep the old directory where it is no more what was looked at."""
    if look(old) == looked:
        return None
    number = 1
    while (place := state / f"replaced-{number}").exists():
        number += 1
    old.rename(place)
    return f"the directory was edited meanwhile: as it was it is kept in {state.name}/{place.name}"


def _sweep(state: Path) -> None:
    """Remove the folder of a swap: out of the way by one rename first, so that no half of one is ever read."""
    spent = state / f"{FOLDER}-spent"
    shutil.rmtree(spent, ignore_errors=True)
    if (state / FOLDER).exists():
        (state / FOLDER).rename(spent)
        shutil.rmtree(spent, ignore_errors=True)


def _put(place: Path, data: bytes) -> None:
    """Write a file that is there whole or not at all; nothing of it is ever left beside its place."""
    beside = place.with_name(f".{place.name}.forkkeeper-writing")
    with beside.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(place)


def _flush(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
