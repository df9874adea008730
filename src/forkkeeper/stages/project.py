"""The fork's own folder: find it, read it, compare it with its lock, save it as one transaction."""

import contextlib
import itertools
import os
import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from forkkeeper.core import (
    declaration,
    declined as declines,
    history,
    lock,
    mail,
    manifest,
    merging,
    needs,
    operations,
    overlay,
    parked,
    policy,
    queue,
    resolutions,
)
from forkkeeper.core.declaration import Declaration
from forkkeeper.core.declined import Declined
from forkkeeper.core.history import Record
from forkkeeper.core.ids import CommitId
from forkkeeper.core.lock import Digests, Drift, Lock
from forkkeeper.core.mail import Patch
from forkkeeper.core.operations import Deed, Kind, Operation
from forkkeeper.core.overlay import Overlay, OverlayFile
from forkkeeper.core.parked import Parked
from forkkeeper.core.queue import Queue
from forkkeeper.errors import RequestError
from forkkeeper.shell import clock, disk, swap
from forkkeeper.shell.git import Worktree, left_out

PATCHES = "patches"
LOG = "CHANGES-LOCAL.md"
STATE = ".forkkeeper"
LOCK_HINT = f"`git restore {lock.FILE}`, or `forkkeeper init --pin SHA` where there never was one"
SAVED = (PATCHES, resolutions.FOLDER, history.FILE, declines.FILE, LOG, lock.FILE)  # what a sync changes
SINCE_HINT = "give a commit in which the fork is sound: `git log -- fork.lock` lists those that saved it"


@dataclass(frozen=True, slots=True)
class Project:
    """A fork as it stands on disk.

    lock -- None before the first `init` or `log`
    parked -- the patches that were set aside, ordered by name
    declined -- upstream's commits that are not for this fork, ordered by sha
    """

    root: Path
    declaration: Declaration
    lock: Lock | None
    queue: Queue
    overlay: Overlay
    history: bytes
    records: tuple[Record, ...]
    log: bytes
    parked: tuple[Parked, ...] = ()
    declined: tuple[Declined, ...] = ()

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
        unsaid = [one.sha for one in self.declined if one.sha.encode() not in self.log]
        if not found and unsaid:  # the lock holds the log's digest, and the log names what was declined
            return (Drift(declines.FILE, "what the log has", ", ".join(unsaid)),)
        return found


def find_root(start: Path, *, step: str, or_past: bool = False) -> Path:
    """Find the fork's folder: this one or the nearest above that holds `fork.toml`. Raises RequestError.

    or_past -- a folder that holds operation records is one, too: its `init` may have been undone
    """
    for folder in (start, *start.parents):
        if (folder / declaration.FILE).is_file() or (or_past and log_of(folder).is_dir()):
            _refuse_committed_state(folder, step)
            return folder
    raise RequestError(
        step,
        declaration.FILE,
        "is neither here nor in a folder above",
        "go to the fork's folder, or `forkkeeper init --upstream URL --pin SHA` to begin one",
    )


def _refuse_committed_state(root: Path, step: str) -> None:
    """Raise RequestError where git tracks our state folder: what came with a clone was not written by us.

    A journal in it would be finished, a repository in it read, a built program in it run. Raises OutsideError where git
    does not say.
    """
    if os.path.lexists(root / STATE) and (tracked := Worktree(root).tracked(STATE)):
        hint = f"after a look at it: `git rm -r --cached {STATE}`, then `rm -rf {STATE}`"
        raise RequestError(step, STATE, f"is committed ({tracked[0]}), and only forkkeeper may write it", hint)


def recover(root: Path) -> str | None:
    """Finish or undo an interrupted save before anything else. Gives a sentence on what was done."""
    if not journal(root).exists() and not swap.pending(root / STATE):
        return None
    with alone(root, doing="recover") as done:
        return done


@contextlib.contextmanager
def alone(root: Path, *, doing: str) -> Iterator[str | None]:
    """Hold the fork's lock while a verb writes; an interrupted save is finished or undone first.

    Gives a sentence on what was done. Raises RequestError when another forkkeeper holds the lock.
    """
    with disk.only_one(root / STATE / "lock", doing=doing):
        done = (disk.recover(root, journal(root)), swap.recover(root / STATE))
        yield "; ".join(said for said in done if said) or None


HOME = "home"  # below a scratch clone's .forkkeeper/: the folder of the fork that it is a clone of


def home(root: Path) -> Path:
    """Give the folder to which the local paths in fork.toml are relative: a scratch clone's is that of the fork."""
    said = disk.read(root / STATE / HOME)
    return Path(os.fsdecode(said)) if said else root


def journal(root: Path) -> Path:
    """Where a save in progress is written down."""
    return root / STATE / "journal"


def load(root: Path, *, step: str) -> Project:
    """Read the whole fork. Raises RequestError naming the file at fault."""
    declared = load_declaration(root)
    laid = load_overlay(root, step=step)
    locked = disk.read(root / lock.FILE)
    past = disk.read(root / history.FILE) or b""
    return Project(
        root=root,
        declaration=declared,
        lock=lock.parse(locked) if locked is not None else None,
        queue=load_queue(root / PATCHES, step=step, shown=PATCHES),
        overlay=laid,
        history=past,
        records=history.parse(past),
        log=disk.read(root / LOG) or b"",
        parked=load_parked(root),
        declined=declines.parse(disk.read(root / declines.FILE) or b""),
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
            declined=declines.parse(data.get(declines.FILE, b"")),
        )
    except RequestError as error:
        raise RequestError(step, f"--since {named}", f"{error.thing}: {error.found}", SINCE_HINT) from error


def load_declaration(root: Path) -> Declaration:
    """Read `fork.toml` alone, patterns included, each variant in its form for this machine."""
    return _sound(declaration.parse(disk.read(root / declaration.FILE) or b""))


def _sound(declared: Declaration) -> Declaration:
    """Give a declaration as it holds on this machine: what is emulated here is known from now on."""
    policy.decide(declared.path, ())
    for field in ("directory", "submodule"):
        _refuse_own(field, getattr(declared.materialise, field))
    return declaration.here(declared, needs.platform_of(sys.platform))


def _refuse_own(field: str, path: str) -> None:
    """Raise RequestError where a directory of [materialise] is, holds or lies in what is the fork's own."""
    above = f"{path.rstrip('/')}/"
    for own in (*SAVED, declaration.FILE, overlay.FOLDER, STATE, ".gitignore", ".gitattributes", ".gitmodules"):
        if path and (above.startswith(f"{own}/") or f"{own}/".startswith(above)):
            found = f"materialise.{field} is '{path}', where the fork has its own {own}"
            raise RequestError("read", declaration.FILE, found, "give another place, such as native/upstream")


def load_queue(folder: Path, *, step: str, shown: str) -> Queue:
    """Read a queue's folder. Raises RequestError; `shown` names the folder in messages."""
    series = disk.read(folder / queue.SERIES)
    if series is None:
        raise RequestError(
            step, f"{shown}/{queue.SERIES}", "is missing", f"make it, one patch name per line, or `git restore {shown}`"
        )
    return queue.read(series, disk.patches_in(folder), step=step, folder=shown)


def load_parked(root: Path) -> tuple[Parked, ...]:
    """Read the patches that were set aside, ordered by name."""
    files = disk.patches_in(root / PATCHES / parked.FOLDER)
    return tuple(one for name, data in files.items() if (one := parked.read(name, data)) is not None)


def load_overlay(root: Path, *, step: str) -> Overlay:
    """Read `native/overlay/`. Raises RequestError where git was told to leave files of the fork's own out."""
    _refuse_sparse(root, step)
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


def _refuse_sparse(root: Path, step: str) -> None:
    """Raise RequestError where a sparse checkout leaves out some of the fork: what is read here would be another one.

    A file that is only marked so, and is there, counts as it is.
    """
    missing = left_out(root, [*SAVED, overlay.FOLDER, declaration.FILE])
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        tops = shlex.join(sorted({path.split("/", 1)[0] for path in missing}))
        found = f"git's sparse checkout leaves out {missing[0]}{more}: without it this is another fork"
        hint = f"`git sparse-checkout add {tops}` (or `git sparse-checkout disable`), then run this again"
        raise RequestError(step, tops, found, hint)


def need_in_step(project: Project, *, step: str) -> Lock:
    """Give the lock of a fork whose files all match it. Raises RequestError saying which do not, and what to type."""
    if project.lock is None:
        raise RequestError(step, lock.FILE, "is missing", LOCK_HINT)
    drifted = project.drift()
    if not drifted:
        return project.lock
    things = ", ".join(item.thing for item in drifted)
    if line_ends(project.root).rewritten:
        found = f"does not match {things}, and git's settings have changed line ends (core.autocrlf, .gitattributes)"
        raise RequestError(step, lock.FILE, found, "`forkkeeper setup`, and the commit that it prints; then again")
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


def ignored(root: Path) -> tuple[str, ...]:
    """Give the fork's own files that git ignores and does not track, ordered: no clone would have them."""
    worktree = Worktree(root)
    return tuple(filter(_is_own, worktree.ignored_below([*SAVED, declaration.FILE]))) if worktree.exists else ()


def _is_own(path: str) -> bool:
    """Whether a file at or below what a save writes is of ours, and not what an editor or a merge left there."""
    folder, _, name = path.rpartition("/")
    if folder in (PATCHES, f"{PATCHES}/{parked.FOLDER}", f"{PATCHES}/dropped"):
        return name.endswith((".patch", ".diff")) or path == f"{PATCHES}/{queue.SERIES}"
    return path in (*SAVED, declaration.FILE) or (folder == resolutions.FOLDER and name.endswith(resolutions.SUFFIX))


@dataclass(frozen=True, slots=True)
class LineEnds:
    """What git's settings do to the line ends of the fork's own files, by path.

    reached -- it may change them; rewritten -- it does: a commit would hold other bytes than are here
    """

    reached: tuple[str, ...] = ()
    rewritten: tuple[str, ...] = ()


def line_ends(root: Path) -> LineEnds:
    """Look what git's settings do to the line ends of the fork's own files; nothing outside a git repository."""
    worktree = Worktree(root)
    if not worktree.exists:
        return LineEnds()
    laid = f"{overlay.FOLDER}/"
    found = [path for path in worktree.files([*SAVED, overlay.FOLDER]) if _is_own(path) or path.startswith(laid)]
    reached = worktree.of_any_line_end([path for path in found if "\n" not in path])
    if not reached:
        return LineEnds()
    staged, stored = worktree.staged(reached), dict(zip(reached, worktree.stored(reached), strict=True))
    ids = {path: disk.blob_id(disk.read(root / path) or b"") for path in reached}
    return LineEnds(reached, tuple(path for path, oid in ids.items() if oid not in (stored[path], staged.get(path))))


def as_committed(root: Path, paths: Sequence[str]) -> dict[str, bytes]:
    """Give those of these files, as the last commit holds them, in which git sees no change: it minds line ends not."""
    worktree = Worktree(root)
    held = {path: data for path in paths if (data := worktree.committed(path)) is not None}
    stored = dict(zip(held, worktree.stored(tuple(held)), strict=True)) if held else {}
    return {path: data for path, data in held.items() if stored[path] == disk.blob_id(data)}


def free_name(project: Project, folder: str, name: str, data: bytes) -> str:
    """Find a name in a folder of `patches/` that is not taken by another text."""
    title = name.removesuffix(".patch")
    numbered = (f"{title}.{number}.patch" for number in itertools.count(2))
    names = (f"{PATCHES}/{folder}/{one}" for one in itertools.chain([name], numbered))
    return next(one for one in names if disk.read(project.root / one) in (None, data))


def last_copies(project: Project, gone: Sequence[Patch]) -> dict[str, bytes]:
    """Give a copy, by its path, of each patch that leaves the queue and whose text no commit holds."""
    worktree = Worktree(project.root)
    is_in_git = worktree.exists
    return {
        free_name(project, "dropped", patch.name, patch.data): patch.data
        for patch in gone
        if not is_in_git or not mail.holds(worktree.committed(f"{PATCHES}/{patch.name}"), patch)
    }


def lacks_driver(root: Path) -> bool:
    """Whether `.gitattributes` names our merge driver and git in this clone does not know it."""
    if not merging.names_driver(disk.read(root / merging.ATTRIBUTES) or b""):
        return False
    worktree = Worktree(root)
    return worktree.exists and worktree.merge_driver(merging.DRIVER) is None


def save(project: Project, files: Mapping[str, bytes | None], *, typed: Sequence[str]) -> tuple[str, ...]:
    """Write files of the fork as one transaction, `fork.lock` last. Gives the names that changed, ordered.

    typed -- the verb's words, for its record
    Raises RequestError when the fork's files are not those the project was read from.
    """
    now = load(project.root, step="save")
    if (now.digests(), now.lock, now.declined) != (project.digests(), project.lock, project.declined):
        raise RequestError(
            "save",
            str(project.root.name),
            "its files were edited while the command ran; nothing was saved",
            "run the command again",
        )
    changed = {name: data for name, data in files.items() if disk.read(project.root / name) != data}
    if changed:
        write(project.root, changed, Deed(tuple(typed), clock.now()))
    return tuple(sorted(changed))


def write(root: Path, files: Mapping[str, bytes | None], deed: Deed) -> Operation:
    """Write files (one at least) as one transaction, and record it; the oldest records leave."""
    last = lock.FILE if lock.FILE in files else max(files)
    operation = disk.save(root, journal(root), files, last=last, deed=deed)
    with contextlib.suppress(RequestError):  # a damaged record is the matter of who asks for it
        if len(disk.numbers(log_of(root))) > operations.KEPT:
            for number in operations.superfluous(disk.operations(log_of(root)), operations.KEPT):
                disk.forget(log_of(root), number)
    return operation


# the past -----------------------------------------------------------------------------------------------------------


def log_of(root: Path) -> Path:
    """Where the operation records are."""
    return root / STATE / disk.OPERATIONS


def past(root: Path) -> tuple[Operation, ...]:
    """Read the operation records, oldest first."""
    return disk.operations(log_of(root))


def pins_of(root: Path, operation: Operation) -> tuple[str | None, str | None]:
    """Give the pin before and after an operation; None where there was none, or the lock did not change."""
    if all(changed.name != lock.FILE for changed in operation.files):
        return None, None
    before, after = (disk.kept(log_of(root), operation.number, side)[lock.FILE] for side in (disk.BEFORE, disk.AFTER))
    return _pin(before), _pin(after)


def _pin(data: bytes | None) -> str | None:
    with contextlib.suppress(RequestError):  # a lock that was damaged then is nobody's concern now
        return lock.parse(data).pin.sha if data is not None else None
    return None


_LEFT = {disk.AFTER: "saved", disk.BEFORE: "undone"}


def restore(root: Path, operation: Operation, kind: Kind, *, typed: Sequence[str]) -> Operation:
    """Take an operation back (UNDO), or bring it back (REDO), as one transaction; gives the record of that.

    The manifest of a vendored directory that was materialised since stays: it says what is there.
    Raises RequestError naming every other file that is not, byte for byte, as the log has left it.
    """
    stands, wanted = (disk.AFTER, disk.BEFORE) if kind is Kind.UNDO else (disk.BEFORE, disk.AFTER)
    left = disk.kept(log_of(root), operation.number, stands)
    edited = {name: data for name, data in left.items() if disk.read(root / name) != data}
    apart = {name for name in edited if name.endswith(manifest.SUFFIX)}  # `materialise` wrote it since, and it is right
    edited = {name: data for name, data in edited.items() if name not in apart}
    if edited:
        places = {changed.name: str(at) for at, changed in enumerate(operation.files)}
        folder = f"{STATE}/{disk.OPERATIONS}/{operations.folder(operation.number)}/{stands}"
        ways = []
        for name, data in edited.items():
            here, kept = (disk.from_here(root / one) for one in (name, f"{folder}/{places[name]}"))
            ways.append(f"move {here} away" if data is None else f"`{shlex.join(['cp', kept, here])}`")
        what = f"{'was' if len(edited) == 1 else 'were'} edited since `{operation.said}` was {_LEFT[stands]}"
        hint = (
            f"to give that up, after a look at it or with a copy elsewhere: {', '.join(ways)}; then {kind.value} again"
        )
        raise RequestError(kind.value, ", ".join(edited), f"{what}; nothing was done", hint)
    wants = disk.kept(log_of(root), operation.number, wanted)
    wants = {name: data for name, data in wants.items() if name not in apart}
    return write(root, wants, Deed(tuple(typed), clock.now(), kind, operation.number))
