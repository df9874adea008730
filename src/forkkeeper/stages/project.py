"""The fork's own folder: find it, read it, compare it with its lock, save it as one transaction."""

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from forkkeeper.core import declaration, history, lock, overlay, policy, queue
from forkkeeper.core.declaration import Declaration
from forkkeeper.core.history import Record
from forkkeeper.core.ids import CommitId
from forkkeeper.core.lock import Digests, Drift, Lock
from forkkeeper.core.overlay import Overlay, OverlayFile
from forkkeeper.core.queue import Queue
from forkkeeper.errors import RequestError
from forkkeeper.shell import disk
from forkkeeper.shell.git import Worktree

PATCHES = "patches"
LOG = "CHANGES-LOCAL.md"
STATE = ".forkkeeper"
LOCK_HINT = f"`git restore {lock.FILE}`, or `forkkeeper init --pin SHA` where there never was one"
SINCE_HINT = "give a commit in which the fork is sound: `git log -- fork.lock` lists those that saved it"
SAVED = (PATCHES, history.FILE, LOG, lock.FILE)  # what a sync changes


@dataclass(frozen=True, slots=True)
class Project:
    """A fork as it stands on disk. lock -- None before the first `init` or `log`."""

    root: Path
    declaration: Declaration
    lock: Lock | None
    queue: Queue
    overlay: Overlay
    history: bytes
    records: tuple[Record, ...]
    log: bytes

    def digests(self) -> Digests:
        """Digest the files as they are now."""
        return Digests(
            queue=self.queue.digest(),
            overlay=overlay.digest(self.overlay),
            policy=lock.policy_digest(self.declaration.path),
            history=lock.digest(self.history),
            log=lock.digest(self.log),
        )

    def drift(self) -> tuple[Drift, ...]:
        """Say what differs from the lock."""
        if self.lock is None:
            return ()
        found = lock.drift(self.lock.digests, self.digests())
        if not found and self.lock.pin.sha.encode() not in self.log:  # the log names the pin that it was written for
            return (Drift(f"the pin in {lock.FILE}", self.lock.pin.sha, f"another pin in {LOG}"),)
        return found


def find_root(start: Path, *, step: str) -> Path:
    """Find the fork's folder: this one or the nearest above that holds `fork.toml`. Raises RequestError."""
    for folder in (start, *start.parents):
        if (folder / declaration.FILE).is_file():
            return folder
    raise RequestError(
        step,
        declaration.FILE,
        "is neither here nor in a folder above",
        "go to the fork's folder, or `forkkeeper init --upstream URL --pin SHA` to begin one",
    )


def recover(root: Path) -> str | None:
    """Finish or undo an interrupted save before anything else. Gives a sentence on what was done."""
    if not journal(root).exists():
        return None
    with alone(root, doing="recover") as done:
        return done


@contextlib.contextmanager
def alone(root: Path, *, doing: str) -> Iterator[str | None]:
    """Hold the fork's lock while a verb writes; an interrupted save is finished or undone first.

    Gives a sentence on what was done. Raises RequestError when another forkkeeper holds the lock.
    """
    with disk.only_one(root / STATE / "lock", doing=doing):
        yield disk.recover(root, journal(root))


def journal(root: Path) -> Path:
    """Where a save in progress is written down."""
    return root / STATE / "journal"


def load(root: Path, *, step: str) -> Project:
    """Read the whole fork. Raises RequestError naming the file at fault."""
    declared = load_declaration(root)
    locked = disk.read(root / lock.FILE)
    past = disk.read(root / history.FILE) or b""
    return Project(
        root=root,
        declaration=declared,
        lock=lock.parse(locked) if locked is not None else None,
        queue=load_queue(root / PATCHES, step=step, shown=PATCHES),
        overlay=load_overlay(root, step=step),
        history=past,
        records=history.parse(past),
        log=disk.read(root / LOG) or b"",
    )


def load_at(root: Path, commit: CommitId, named: str, *, step: str) -> Project:
    """Read the whole fork as a commit of its own git repository has it.

    named -- how the person calls that commit
    Raises RequestError where there is no sound fork in it.
    """
    files = Worktree(root).files_at(commit, [*SAVED, declaration.FILE, overlay.FOLDER])
    data = {path: held for path, (_, held) in files.items()}
    series = data.get(f"{PATCHES}/{queue.SERIES}")
    for name, found in ((declaration.FILE, data.get(declaration.FILE)), (lock.FILE, data.get(lock.FILE))):
        if found is None:
            raise RequestError(step, f"--since {named}", f"has no {name} in this folder", SINCE_HINT)
    in_queue = {path.removeprefix(f"{PATCHES}/"): held for path, held in data.items() if path.startswith(f"{PATCHES}/")}
    patches = {name: held for name, held in in_queue.items() if "/" not in name and name.endswith((".patch", ".diff"))}
    laid = {
        path.removeprefix(f"{overlay.FOLDER}/"): OverlayFile(mode, held)
        for path, (mode, held) in files.items()
        if path.startswith(f"{overlay.FOLDER}/")
    }
    past = data.get(history.FILE, b"")
    try:
        overlay.check(laid, step=step)
        return Project(
            root=root,
            declaration=_sound(declaration.parse(data[declaration.FILE])),
            lock=lock.parse(data[lock.FILE]),
            queue=queue.read(series or b"", patches, step=step),
            overlay=laid,
            history=past,
            records=history.parse(past),
            log=data.get(LOG, b""),
        )
    except RequestError as error:
        raise RequestError(step, f"--since {named}", f"{error.thing}: {error.found}", SINCE_HINT) from error


def load_declaration(root: Path) -> Declaration:
    """Read `fork.toml` alone, patterns included."""
    return _sound(declaration.parse(disk.read(root / declaration.FILE) or b""))


def _sound(declared: Declaration) -> Declaration:
    policy.decide(declared.path, ())
    return declared


def load_queue(folder: Path, *, step: str, shown: str) -> Queue:
    """Read a queue's folder. Raises RequestError; `shown` names the folder in messages."""
    series = disk.read(folder / queue.SERIES)
    if series is None:
        raise RequestError(
            step, f"{shown}/{queue.SERIES}", "is missing", f"make it, one patch name per line, or `git restore {shown}`"
        )
    return queue.read(series, disk.patches_in(folder), step=step, folder=shown)


def load_overlay(root: Path, *, step: str) -> Overlay:
    """Read `native/overlay/`."""
    found = disk.files_below(root / overlay.FOLDER)
    worktree = Worktree(root)
    ignored = worktree.ignored([f"{overlay.FOLDER}/{path}" for path in found]) if found and worktree.exists else ()
    files = {
        path: OverlayFile(file.mode, file.data)
        for path, file in found.items()
        if f"{overlay.FOLDER}/{path}" not in ignored  # what git ignores is in nobody's clone
    }
    overlay.check(files, step=step)
    return files


def need_in_step(project: Project, *, step: str) -> Lock:
    """Give the lock of a fork whose files all match it. Raises RequestError saying which do not, and what to type."""
    if project.lock is None:
        raise RequestError(step, lock.FILE, "is missing", LOCK_HINT)
    drifted = project.drift()
    if not drifted:
        return project.lock
    things = ", ".join(item.thing for item in drifted)
    edited = uncommitted(project.root)
    if edited:
        raise RequestError(
            step,
            things,
            f"edited since {lock.FILE} was written, and not committed: {', '.join(edited)}",
            "`git restore` what was not meant; else `forkkeeper log`, then commit, then run this again",
        )
    raise RequestError(
        step,
        lock.FILE,
        f"does not match {things}",
        "`forkkeeper log` brings the log and the lock up to date with the files; `git log -p` shows who changed them",
    )


def uncommitted(root: Path) -> tuple[str, ...]:
    """Give the fork's own files that git sees as changed; nothing outside a git repository."""
    worktree = Worktree(root)
    return worktree.uncommitted([*SAVED, overlay.FOLDER, declaration.FILE]) if worktree.exists else ()


def save(project: Project, files: Mapping[str, bytes | None]) -> tuple[str, ...]:
    """Write files of the fork as one transaction, `fork.lock` last. Gives the names that changed, ordered.

    Raises RequestError when the fork's files are not those the project was read from.
    """
    now = load(project.root, step="save")
    if now.digests() != project.digests() or now.lock != project.lock:
        raise RequestError(
            "save",
            str(project.root.name),
            "its files were edited while the command ran; nothing was saved",
            "run the command again",
        )
    changed = {name: data for name, data in files.items() if disk.read(project.root / name) != data}
    if changed:
        last = lock.FILE if lock.FILE in changed else max(changed)
        disk.save(project.root, journal(project.root), changed, last=last)
    return tuple(sorted(changed))
