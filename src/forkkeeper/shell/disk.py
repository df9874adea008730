"""The door to the file system: whole-file reads and writes, one transaction over several files, one lock per fork.

A transaction is a redo journal. New contents are written beside and flushed, then the journal is declared ready by one
rename: from there on the new state will stand, whatever happens; before it, the old one. Files are then put in their
places in order, each by a rename, and the journal, which holds the old contents, too, is put away by one rename as the
record of what was done. The next command finishes a ready journal, or removes an unready one.
"""

import calendar
import contextlib
import fcntl
import glob
import hashlib
import os
import platform
import shlex
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from forkkeeper.core import operations as records
from forkkeeper.core.ids import ObjectId
from forkkeeper.core.operations import Changed, Deed, Operation, digest
from forkkeeper.core.paths import parents
from forkkeeper.errors import OutsideError, RequestError

OPERATIONS = "operations"  # the folder of the records, beside the journal, as each of them was one
BEFORE, AFTER = "before", "after"  # what a record holds of each file
_SINCE = "%Y-%m-%d %H:%M:%S UTC"
_BESIDE = ".forkkeeper-writing-"  # a file of this name is left by an interrupted write, and nobody's work


def read(path: Path) -> bytes | None:
    """Give a file's bytes, or None when there is none."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def write(path: Path, data: bytes) -> None:
    """Replace a file in one step: written beside, flushed, renamed."""
    _make_lasting(path.parent)
    handle, beside = tempfile.mkstemp(prefix=f"{_BESIDE}{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else 0o666 & ~_umask()
        os.chmod(beside, mode)  # noqa: PTH101 -- mkstemp makes it private; a tracked file is not
        os.replace(beside, path)  # noqa: PTH105 -- the same call, on the name mkstemp gave
    except BaseException:
        Path(beside).unlink(missing_ok=True)
        raise
    flush_folder(path.parent)


def _make_lasting(folder: Path) -> None:
    """Make a folder with those above it, so that it survives a power cut."""
    if not folder.is_dir():
        _make_lasting(folder.parent)
        folder.mkdir(exist_ok=True)
        flush_folder(folder.parent)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def flush_folder(folder: Path) -> None:
    """Make renames in a folder survive a power cut (POSIX: fsync of the directory)."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


# listings -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Found:
    """A file or symbolic link below a folder: git's mode and its bytes (a link's target)."""

    mode: str
    data: bytes


def files_below(folder: Path, *, but: str = "") -> dict[str, Found]:
    """Read every file and link below a folder, by path with `/`, ordered; links are not followed.

    but -- a name that is passed over, with all that is below it
    """
    found: dict[str, Found] = {}
    for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
        name = path.relative_to(folder).as_posix()
        if but and but in name.split("/"):
            continue
        if path.is_symlink():
            found[name] = Found("120000", os.fsencode(path.readlink()))
        elif path.is_file():
            executable = path.stat().st_mode & stat.S_IXUSR
            found[name] = Found("100755" if executable else "100644", path.read_bytes())
    return dict(sorted(found.items()))


def patches_in(folder: Path) -> dict[str, bytes]:
    """Read the patch files of a queue's folder (not its subfolders), by name, ordered."""
    names = sorted(path for path in folder.iterdir() if path.suffix in (".patch", ".diff")) if folder.is_dir() else []
    return {path.name: path.read_bytes() for path in names if path.is_file()}


def from_here(path: Path) -> str:
    """Give a path as it is typed where the person stands."""
    return os.path.relpath(path)


# transactions -------------------------------------------------------------------------------------------------------


def save(root: Path, journal: Path, files: Mapping[str, bytes | None], *, last: str, deed: Deed) -> Operation:
    """Write several files of a fork as one transaction (None: remove), `last` being put in its place last.

    Gives its record, as which the journal stays.
    """
    _refuse_led_out(root, tuple(files))
    _sweep(journal, journal.parent)
    changed = []
    for number, name in enumerate([*sorted(name for name in files if name != last), last]):
        data, before = files[name], read(root / name)
        for side, content in ((AFTER, data), (BEFORE, before)):
            if content is not None:
                write(journal / side / str(number), content)
        changed.append(Changed(name, digest(before), digest(data)))
    operation = records.record(deed, max(numbers(journal.with_name(OPERATIONS)), default=0) + 1, changed)
    write(journal / records.FILE, records.format_operation(operation))
    flush_folder(journal.parent)
    _finish(root, journal, operation, files)
    return operation


def recover(root: Path, journal: Path) -> str | None:
    """Finish or undo an interrupted transaction. Gives a sentence on what was done, or None when there was none.

    Raises RequestError when a file was edited since, so that finishing would lose the edit.
    """
    if not journal.exists():
        return None
    ready = read(journal / records.FILE)
    if ready is None:
        _sweep(journal, journal.parent)
        return "an interrupted save had not begun to change files; it was undone"
    operation = records.parse(ready, f"{journal.parent.name}/{journal.name}")
    _refuse_led_out(root, tuple(changed.name for changed in operation.files))
    for changed in operation.files:
        now = digest(read(root / changed.name))
        if now not in (changed.before, changed.after, None):  # None: nothing is there that could be lost
            raise RequestError(
                "recover",
                changed.name,
                "was edited after a save was interrupted, and finishing it would overwrite that",
                f"move {changed.name} away, run the command again, and put your edit back",
            )
    _finish(root, journal, operation, _after(journal, operation))
    return "an interrupted save was finished"


def _refuse_led_out(root: Path, names: Sequence[str]) -> None:
    """Raise RequestError where a file's folder is, through a symbolic link, none of the fork."""
    for name in names:
        folder = (root / name).parent
        if not folder.resolve().is_relative_to(root.resolve()):
            link = next(path for path in (folder, *folder.parents) if path.is_symlink())
            shown = link.relative_to(root).as_posix()
            found = f"is a symbolic link to {link.readlink()}, out of the fork; nothing was written"
            raise RequestError("save", shown, found, f"rm {shlex.quote(shown)}, and have a folder there")


def _after(journal: Path, operation: Operation) -> dict[str, bytes | None]:
    """Read what the files of a journal are to become. Raises RequestError where it does not hold that any more."""
    files = {changed.name: read(journal / AFTER / str(number)) for number, changed in enumerate(operation.files)}
    for changed in operation.files:
        if digest(files[changed.name]) != changed.after:
            shown = f"{journal.parent.name}/{journal.name}"
            found = f"an interrupted save is damaged: it does not hold {changed.name} any more"
            raise RequestError("recover", shown, found, f"`git status` shows what it had done; move {shown} away")
    return files


def _finish(root: Path, journal: Path, operation: Operation, files: Mapping[str, bytes | None]) -> None:
    """Put files in their places. files -- what they become: a journal may be deleted while that is done."""
    for changed in operation.files:
        target, new = root / changed.name, files[changed.name]
        for left in target.parent.glob(f"{_BESIDE}{glob.escape(target.name)}.*"):
            left.unlink()
        if new is None:
            _take_away(root, target)
        elif digest(read(target)) != changed.after:
            write(target, new)
    log = journal.with_name(OPERATIONS)
    log.mkdir(exist_ok=True)
    journal.rename(log / records.folder(operation.number))
    flush_folder(log)
    flush_folder(journal.parent)


def _take_away(root: Path, target: Path) -> None:
    if target.exists():
        target.unlink()
        flush_folder(target.parent)
    _remove_empty(root, target)


def _sweep(folder: Path, state: Path) -> None:
    """Remove a journal or record: out of the way by one rename first, so that no half of one is ever read."""
    spent = state / "journal-spent"
    shutil.rmtree(spent, ignore_errors=True)
    if folder.exists():
        folder.rename(spent)
        shutil.rmtree(spent)


# the log of operations: journals that are done ----------------------------------------------------------------------


def numbers(log: Path) -> tuple[int, ...]:
    """List the records, oldest first."""
    return tuple(sorted(int(path.name) for path in log.iterdir() if path.name.isdecimal())) if log.is_dir() else ()


def operations(log: Path) -> tuple[Operation, ...]:
    """Read the records, oldest first. Raises RequestError when one is damaged."""
    return tuple(_operation(log, number) for number in numbers(log))


def kept(log: Path, number: int, side: str) -> dict[str, bytes | None]:
    """Give the files of an operation as they were before or after it. Raises RequestError when one is damaged."""
    found = {}
    for at, changed in enumerate(_operation(log, number).files):
        path = log / records.folder(number) / side / str(at)
        data = read(path)
        if digest(data) != (changed.before if side == BEFORE else changed.after):
            shown, what = path.relative_to(log.parents[1]).as_posix(), f"is not {changed.name} as it was {side}"
            raise RequestError("read", shown, what, f"`git log -p -- {shlex.quote(changed.name)}` may have it")
        found[changed.name] = data
    return found


def _operation(log: Path, number: int) -> Operation:
    place = log / records.folder(number)
    return records.parse(read(place / records.FILE) or b"", place.relative_to(log.parents[1]).as_posix())


def forget(log: Path, number: int) -> None:
    """Remove a record."""
    _sweep(log / records.folder(number), log.parent)


@contextlib.contextmanager
def only_one(lock: Path, *, doing: str) -> Iterator[None]:
    """Hold the fork's lock while a verb writes. Raises RequestError when another one holds it.

    The system lets go of it when the process ends, however it ends, so a dead owner never blocks anybody. Who holds it
    is written in it: verb, process, machine, and since when.
    """
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("a+") as file:
        if not _try_lock(file.fileno()):
            file.seek(0)
            raise RequestError(
                doing,
                "this fork",
                f"another forkkeeper is at work on it: {_owner(file.read())}",
                "wait until it has finished, then run the command again",
            )
        file.truncate(0)
        since = time.strftime(_SINCE, time.gmtime())
        file.write(f"{doing}, process {os.getpid()} on {platform.node() or 'this machine'}, since {since}\n")
        file.flush()
        yield
        file.truncate(0)


def _try_lock(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:  # any other error is the disk's, and not somebody's
        return False
    return True


def _owner(text: str) -> str:
    """Say who holds a lock, and for how long; a clock that was set back since then gives no age."""
    said = text.strip()
    try:
        began = calendar.timegm(time.strptime(said.rpartition(" since ")[2], _SINCE))
    except ValueError:
        return said or "it has not said yet who it is"
    minutes = int(time.time() - began) // 60
    return said if minutes < 0 else f"{said}, {minutes // 60} h {minutes % 60} min ago"


# trees on disk ------------------------------------------------------------------------------------------------------


def blob_id(data: bytes) -> ObjectId:
    """Give git's id of a blob: SHA-1 of "blob", its size and its bytes."""
    return ObjectId(hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest())


def identify(path: Path) -> tuple[str, ObjectId] | None:
    """Give git's mode and blob id of what stands at a path; None for nothing or a folder."""
    try:
        status = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    if stat.S_ISLNK(status.st_mode):
        return "120000", blob_id(os.fsencode(path.readlink()))
    if not stat.S_ISREG(status.st_mode):
        return None
    return ("100755" if status.st_mode & stat.S_IXUSR else "100644"), blob_id(path.read_bytes())


def is_caseless(folder: Path) -> bool:
    """Whether names that differ in case alone are one name in a folder, or would be where it is to be made."""
    there = next(one for one in (folder, *folder.absolute().parents) if one.is_dir())
    with tempfile.NamedTemporaryFile(prefix=f"{_BESIDE}case-", dir=there) as file:
        return Path(file.name).with_name(Path(file.name).name.upper()).exists()


def names_below(folder: Path) -> tuple[str, ...]:
    """List every file and link below a folder, by path with `/`, ordered; links are not followed.

    What an interrupted `place` left beside a file is removed on the way.
    """
    found = []
    for here, folders, names in os.walk(folder):
        for name in [name for name in names if name.startswith(_BESIDE)]:
            Path(here, name).unlink()
            names.remove(name)
        linked = [name for name in folders if os.path.islink(os.path.join(here, name))]  # noqa: PTH114, PTH118
        found += [Path(here, name).relative_to(folder).as_posix() for name in [*names, *linked]]
    return tuple(sorted(found))


def place(root: Path, path: str, mode: str, data: bytes) -> None:
    """Put one file of a tree below a root, in one step, never through a symbolic link."""
    target = root / path
    _make_folders(root, target.parent)
    if target.is_dir() and not target.is_symlink():
        shutil.rmtree(target)
    beside = target.with_name(f"{_BESIDE}{os.getpid()}")
    beside.unlink(missing_ok=True)
    if mode == "120000":
        beside.symlink_to(os.fsdecode(data))
    else:
        beside.write_bytes(data)
        beside.chmod(0o755 if mode == "100755" else 0o644)
    beside.replace(target)


def _make_folders(root: Path, folder: Path) -> None:
    """Make the folders between a root and a file; a file or link that stands in the way is removed."""
    here = root
    here.mkdir(parents=True, exist_ok=True)
    for part in folder.relative_to(root).parts:
        here = here / part
        if here.is_symlink() or here.is_file():
            here.unlink()
        here.mkdir(exist_ok=True)


def remove(root: Path, paths: Sequence[str]) -> None:
    """Remove files below a root, and the folders that this leaves empty."""
    for path in paths:
        target = root / path
        if any((root / parent).is_symlink() for parent in parents(path)):
            continue  # what is behind a link is not ours
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):  # a new file may stand where its folder was
            target.unlink()
        _remove_empty(root, target)


def _remove_empty(root: Path, gone: Path) -> None:
    """Remove the folders that a file's removal leaves empty."""
    for folder in gone.parents:
        if folder == root or folder.is_symlink() or not folder.is_dir() or any(folder.iterdir()):
            break
        folder.rmdir()


@dataclass(frozen=True, slots=True)
class Room:
    """What is free on the disk of a folder, in bytes. folder -- one that exists; device -- tells disks apart."""

    folder: Path
    free: int
    device: int


def room(path: Path) -> Room:
    """Look how much is free where a file or folder is, or would be."""
    folder = next(one for one in (path, *path.absolute().parents) if one.is_dir())
    return Room(folder, shutil.disk_usage(folder).free, folder.stat().st_dev)


def need_room(folder: Path, wanted: int) -> None:
    """Raise OutsideError when the disk has less than this many bytes free."""
    free = room(folder).free
    if free < wanted:
        raise OutsideError(
            "disk",
            str(folder),
            f"{free // 2**20} MiB are free, {wanted // 2**20} MiB are needed",
            "make room and try again",
        )
