"""Opening and composing a fork: what every verb begins with."""

import contextlib
import difflib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from forkkeeper.core import compose, declaration, lock as locks, overlay, queue as queues, report, requests
from forkkeeper.core.compose import Collision, Composed, NotApplied
from forkkeeper.core.declaration import Declaration
from forkkeeper.core.ids import CommitId
from forkkeeper.core.lock import FILE as LOCK, Lock
from forkkeeper.core.overlay import Overlay
from forkkeeper.core.planning import Commit
from forkkeeper.core.queue import Queue
from forkkeeper.core.report import Block, Painted, Table
from forkkeeper.errors import AnswerIsNo, ForkkeeperError, RequestError
from forkkeeper.flow import committing
from forkkeeper.shell import disk
from forkkeeper.shell.git import Scratch
from forkkeeper.stages import project as projects, upstream as upstreams
from forkkeeper.stages.project import Project
from forkkeeper.stages.upstream import Upstream

Progress = Callable[[str, float, float], None]


@dataclass(frozen=True, slots=True)
class Setting:
    """Where a verb stands: the folder, whether the network is allowed, who is told of progress, and the words typed."""

    here: Path
    offline: bool
    on_progress: Progress
    typed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Stand:
    """A composed fork: the store that its trees are in, the pin, and what was made."""

    store: Scratch
    pin: Commit
    made: Composed


def open_fork(setting: Setting, step: str) -> tuple[Project, Upstream, tuple[Block, ...]]:
    """Read the fork, after finishing or undoing an interrupted save; gives also what is to be said of that."""
    root = projects.find_root(setting.here, step=step)
    notes = recover(root)
    project = projects.load(root, step=step)
    return project, open_upstream(setting, root, project.declaration), notes


def recover(root: Path) -> tuple[Block, ...]:
    """Finish or undo an interrupted save; gives what is to be said of it."""
    return noted(projects.recover(root))


def noted(done: str | None) -> tuple[Block, ...]:
    """Say what was done about an interrupted save."""
    return (Painted(done, "yellow"),) if done else ()


def open_upstream(setting: Setting, root: Path, declared: Declaration) -> Upstream:
    """Open the sources that a declaration names."""
    return upstreams.open_upstream(
        projects.home(root),
        root / projects.STATE,
        declared.upstream.source,
        offline=setting.offline,
        on_progress=setting.on_progress,
    )


@contextlib.contextmanager
def scratch(upstream: Upstream, objects: Path | None = None) -> Iterator[Scratch]:
    """Open a throw-away repository on all objects at hand; whatever is needed must be held before."""
    with Scratch(upstreams.lenders(upstream), objects=objects) as store:
        yield store


def locked_of(project: Project, step: str) -> Lock:
    """Give the lock. Raises RequestError where there is none."""
    if project.lock is None:
        raise RequestError(step, LOCK, "is missing", projects.LOCK_HINT)
    return project.lock


@contextlib.contextmanager
def composed(project: Project, upstream: Upstream, *, step: str) -> Iterator[Stand]:
    """Compose the fork at its pin."""
    pin = upstreams.hold(upstream, locked_of(project, step).pin.sha, step=step)
    with scratch(upstream) as store:
        yield Stand(store, pin, compose_at(store, project, pin, step=step))


def compose_at(store: Scratch, project: Project, pin: Commit, *, step: str) -> Composed:
    """Compose the fork at an upstream commit that is held. Raises AnswerIsNo saying what stands in the way."""
    laid = overlay.entries(store, project.overlay)
    made = compose.compose(store, pin.tree, project.declaration.path, project.queue.patches, laid)
    match made:
        case Composed():
            return made
        case NotApplied(patch=patch, why=why):
            raise AnswerIsNo(
                step,
                f"{projects.PATCHES}/{patch.name}",
                f"does not apply on {report.said(pin)}: {why}",
                f"mend the patch, or `{committing.typed(project.root, 'restore', projects.PATCHES)}`",
            )
        case Collision(path=path, found=found):
            raise AnswerIsNo(
                step,
                f"{overlay.FOLDER}/{path}",
                f"{found} at {report.said(pin)}",
                "rename the overlay file, or turn it into a patch of upstream's",
            )


@dataclass(frozen=True, slots=True)
class Trip:
    """A queue, and the two upstream commits between which it is to be carried, both held here.

    root -- the fork's folder
    files -- the overlay
    notes -- what is to be said of an interrupted save
    is_own -- whether it is the fork's own queue, on the fork's own pin
    """

    root: Path
    declared: Declaration
    queue: Queue
    upstream: Upstream
    old: Commit
    new: Commit
    files: Overlay
    notes: tuple[Block, ...]
    is_own: bool


def trip(setting: Setting, upto: str, since: str | None, queue: str | None) -> Trip:
    """Open what `plan` looks at. since -- where the queue stands (None: the pin); queue -- its folder (None: ours)."""
    root = projects.find_root(setting.here, step="plan")
    notes = recover(root)
    declared = projects.load_declaration(root)
    folder = setting.here / queue if queue is not None else root / projects.PATCHES
    carried = projects.load_queue(folder, step="plan", shown=queue or projects.PATCHES)
    upstream = open_upstream(setting, root, declared)
    begins = upstreams.find(upstream, since or _pin_of(root), step="plan")
    new = upstreams.hold(upstream, upstreams.find(upstream, upto, step="plan", known=(begins,)), step="plan")
    old = upstreams.hold(upstream, begins, step="plan")
    files = projects.load_overlay(root, step="plan")
    own = queue is None and since is None
    return Trip(root, declared, carried, upstream, old, new, files, notes, own)


def _pin_of(root: Path) -> str:
    data = disk.read(root / LOCK)
    if data is None:
        raise RequestError("plan", LOCK, "is missing, so the present pin is not known", "give --from SHA")
    return locks.parse(data).pin.sha


def refuse_faults(project: Project, step: str) -> None:
    """Raise RequestError when a patch lacks its reason or a trailer."""
    faults = queues.faults(project.queue, step=step)
    if faults:
        first, *rest = (text.removeprefix(f"{step}: ") for text in faults)
        thing, _, found = first.partition(": ")
        more = "".join(f"\n    {text}" for text in rest)
        raise RequestError(step, thing, found + more, "mend the patch's body or trailers, then `forkkeeper lint`")


def patch_titles(here: Path) -> tuple[str, ...]:
    """Give the names of the fork's patches, for completion: nothing where there is no fork, or where it is damaged."""
    try:
        root = projects.find_root(here, step="complete")
        return tuple(name.removesuffix(".patch") for name in disk.patches_in(root / projects.PATCHES))
    except (ForkkeeperError, OSError):
        return ()


def near_hint(name: str, known: Sequence[str], what: str) -> str:
    """Suggest the nearest known name, or list them all."""
    near = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {near[0]}?" if near else f"{what}: {', '.join(known) or 'none'}"


def held_hint(project: Project) -> tuple[Block, ...]:
    """Say that what is held of the fork is to be brought up to date, after its files were saved."""
    match project.declaration.materialise.strategy:
        case "vendored":
            return (f"next: `forkkeeper materialise` brings {project.declaration.materialise.directory} up to date",)
        case "branch":
            return (
                f"next: `forkkeeper materialise` brings branch {project.declaration.materialise.branch} up to date",
            )
        case "scratch":
            return ()


def sources_table(upstream: Upstream, pin: CommitId) -> Table:
    """Show what each source knows of upstream's newest commit."""
    rows = tuple((known.source, known.newest, known.behind) for known in upstreams.knowledge(upstream, pin))
    return Table(("source", "newest known", "the pin is behind by"), rows)


def may_write(here: Path, path: str, *, step: str, option: str) -> None:
    """Refuse to write a document over one of the fork's own files, or to where there is no folder for it.

    Asked before a verb begins: what it does must not end in an error because of what is said of it.
    """
    target = (here / path).resolve()
    if not target.parent.is_dir():
        raise RequestError(step, f"{option} {path}", "there is no such folder", "make the folder, or give another name")
    root = next((folder for folder in (here, *here.parents) if (folder / declaration.FILE).is_file()), None)
    named = (*projects.SAVED, declaration.FILE, overlay.FOLDER, requests.FILE)
    own = [(root / name).resolve() for name in named] if root else []
    if target.is_dir() or (target.exists() and any(target.is_relative_to(name) for name in own)):
        what = "is a folder" if target.is_dir() else "is one of the fork's own files"
        raise RequestError(step, f"{option} {path}", what, "give another name")


def missing(option: str) -> RequestError:
    """Make the error for an option that was left out."""
    name = option.split(maxsplit=1)[0]
    return RequestError("call", f"--{name}", "is needed", f"add --{option}; `--help` shows an example")


def no_number(option: str, given: str) -> RequestError:
    """Make the error for an option that wants a whole number and was given something else."""
    return RequestError("call", f"--{option} {given}", "is not a whole number", f"give one, e.g. --{option} 30")


def no_option(verb: str, given: str) -> RequestError:
    """Make the error for an option that was taken for a value."""
    hint = f"`forkkeeper --help {verb}`; a path of that name is ./{given}"
    return RequestError("call", given, f"is no option of {verb}", hint)


def not_with(option: str, other: str) -> RequestError:
    """Make the error for two options that do not go together."""
    return RequestError("call", option, f"does not go with {other}", "leave one of them out")


def only_with(option: str, other: str) -> RequestError:
    """Make the error for an option that needs another."""
    return RequestError("call", option, f"goes with {other} only", f"add {other}, or leave it out")
