"""Table of contents: each verb as its stages, in order. Open this first.

    status   load → drift → what the sources know
    plan     load → find both commits → compose the old side → carry to the new one
    sync     plan → refuse what is not sure → save as one transaction
    diff     load → compose → show
    log      load → compose → write the log and the lock
    lint     load → what the patches lack
    materialise   load → compose → write a directory
    build, check  materialise → build → run checks
    init     find the pin → write a fork's first files

Every verb first finishes or undoes an interrupted save, and gives a `Report`; nothing here prints or asks.
"""

import contextlib
import datetime as dt
import difflib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from forkkeeper.core import (
    compose,
    declaration,
    history,
    ids,
    locallog,
    lock,
    overlay,
    planning,
    queue as queues,
    report,
    template,
)
from forkkeeper.core.compose import Applied, Collision, Composed, NotApplied
from forkkeeper.core.ids import TreeId
from forkkeeper.core.lock import Digests, Lock, Pin, Trees
from forkkeeper.core.planning import Commit, Plan
from forkkeeper.core.queue import Queue
from forkkeeper.core.report import Block, Painted, Report, Table
from forkkeeper.errors import AnswerIsNo, ExitCode, RequestError
from forkkeeper.shell import clock, disk
from forkkeeper.shell.git import Scratch, Worktree
from forkkeeper.stages import materialise as materialising, project as projects, upstream as upstreams
from forkkeeper.stages.project import Project
from forkkeeper.stages.upstream import Upstream

Progress = Callable[[str, float, float], None]


@dataclass(frozen=True, slots=True)
class Setting:
    """Where a verb stands: the folder, whether the network is allowed, and who is told of progress."""

    here: Path
    offline: bool
    on_progress: Progress


@dataclass(frozen=True, slots=True)
class Stand:
    """A composed fork: the store that its trees are in, the pin, and what was made."""

    store: Scratch
    pin: Commit
    made: Composed


# the verbs ----------------------------------------------------------------------------------------------------------


def status(setting: Setting, *, max_age: int | None = None) -> Report:
    """Say where the fork stands; exit 1 when that is not in step.

    max_age -- days that the pin may be old
    """
    project, upstream, notes = _open(setting, "status")
    faults = queues.faults(project.queue, step="status")
    missing = _without_witness(project)
    if project.lock is None:
        raise RequestError("status", lock.FILE, "is missing", "`invoke log` writes it from the fork's files")
    pin = project.lock.pin
    age = (clock.today() - dt.date.fromisoformat(pin.date)).days
    known = ", ".join(upstreams.names_of(upstream, pin.sha))
    drifted = project.drift()
    blocks: list[Block] = [
        *notes,
        f"{project.declaration.name}: a fork of {project.declaration.upstream.name}",
        f"pin       {pin.sha}" + (f" ({known})" if known else ""),
        f"age       {age} days (commit of {pin.date})",
        f"queue     {report.count(len(project.queue.patches), 'patch')}",
        f"overlay   {report.count(len(project.overlay), 'file')}",
        "",
        Table(
            ("source", "newest known", "behind by"),
            tuple((k.source, k.newest, k.behind) for k in upstreams.knowledge(upstream, pin.sha)),
        ),
        "",
    ]
    blocks += [Painted(f"{d.thing} differs from {lock.FILE}", "red") for d in drifted]
    blocks += [Painted(f"no witness: {name}", "yellow") for name in missing]
    blocks += [Painted(text, "yellow") for text in faults if "Witness" not in text]
    wrong = _tree_fault(project, upstream)
    blocks += [Painted(wrong, "red")] if wrong else []
    old = max_age is not None and age > max_age
    if old:
        blocks.append(Painted(f"the pin is {age} days old, more than the {max_age} allowed", "red"))
    if drifted or wrong or old:
        hint = "`invoke log` once the edits are meant and committed" if drifted or wrong else "`invoke sync --upto SHA`"
        return Report((*blocks, f"next: {hint}"), ExitCode.ANSWER_IS_NO)
    return Report((*blocks, Painted("in step: queue, overlay, log and lock agree", "green")))


def plan(
    setting: Setting, *, upto: str, since: str | None = None, queue: str | None = None, objects: str | None = None
) -> tuple[Report, str]:
    """Carry the queue in memory; gives what to show, and the same as JSON."""
    root = projects.find_root(setting.here, step="plan")
    notes = _recover(root)
    declared = projects.load_declaration(root)
    folder = setting.here / queue if queue is not None else root / projects.PATCHES
    carried = projects.load_queue(folder, step="plan", shown=queue or projects.PATCHES)
    upstream = _upstream(setting, root, declared)
    stood = since or _pin_of(root)
    begins = upstreams.find(upstream, stood, step="plan")
    new = upstreams.hold(upstream, upstreams.find(upstream, upto, step="plan", known=(begins,)), step="plan")
    old = upstreams.hold(upstream, begins, step="plan")
    files = projects.load_overlay(root, step="plan")
    with _scratch(upstream, Path(setting.here, objects) if objects else None) as store:
        made = planning.make(store, old, new, carried, files, declared.path)
    made = replace(made, warnings=queues.faults(carried, step="plan"))
    code = ExitCode.IN_STEP if made.is_sure else ExitCode.ANSWER_IS_NO
    return Report((*notes, *report.plan_blocks(made)), code), planning.to_json(made)


def sync(
    setting: Setting,
    *,
    upto: str,
    accept: Sequence[str] = (),
    accept_reviewed: bool = False,
    downgrade: bool = False,
    commit: bool = False,
) -> Report:
    """Move the fork to another upstream commit; saves everything as one transaction, or nothing."""
    root = projects.find_root(setting.here, step="sync")
    with projects.alone(root, doing="sync") as done:
        notes = _noted(done)
        written = disk.read(root / lock.FILE)
        known = [lock.parse(written).pin.sha] if written is not None else []
        upstream = _upstream(setting, root, projects.load_declaration(root))
        sha = upstreams.find(upstream, upto, step="sync", known=known)
        if sha in known:
            return Report((*notes, Painted(f"already at {sha}", "green")))
        project = projects.load(root, step="sync")
        locked = projects.need_in_step(project, step="sync")
        _refuse_faults(project, "sync")
        new = upstreams.hold(upstream, sha, step="sync")
        old = upstreams.hold(upstream, locked.pin.sha, step="sync")
        if not downgrade and upstreams.is_older(upstream, new, old):
            raise RequestError(
                "sync",
                upto,
                f"{report.said(new)} is older than the pin, {report.said(old)}",
                "add --downgrade if that is meant",
            )
        with _scratch(upstream) as store:
            return _sync(store, project, locked, old, new, upto, tuple(accept), accept_reviewed, commit, notes)


def _sync(
    store: Scratch,
    project: Project,
    locked: Lock,
    old: Commit,
    new: Commit,
    upto: str,
    accept: tuple[str, ...],
    accept_reviewed: bool,
    commit: bool,
    notes: tuple[Block, ...],
) -> Report:
    made = planning.make(store, old, new, project.queue, project.overlay, project.declaration.path)
    _check_composition(store, project, locked, old)
    _check_accepted(accept, made)
    blocks = (*notes, *report.plan_blocks(made))
    unaccepted = made.unaccepted(accept, every=accept_reviewed)
    if made.tree is None or unaccepted:
        return Report((*blocks, *report.refusal(made, unaccepted, upto)), ExitCode.ANSWER_IS_NO)
    files = _saved_files(store, project, made, made.tree)
    changed = projects.save(project, files)
    message = f"sync: {project.declaration.upstream.name} {ids.short(old.sha)} → {ids.short(new.sha)}"
    saved: list[Block] = ["", Painted(f"saved: {', '.join(changed)}", "green")]
    worktree = Worktree(project.root)
    if commit and worktree.exists:
        saved.append(f"committed as {worktree.commit(_to_commit(project), message)}")
    else:
        names = " ".join(_to_commit(project))
        saved += ["next: look at it with `git diff`, then commit it:"]
        saved += [f'  git add -A -- {names} && git commit -m "{message}"']
    return Report((*blocks, *saved))


def diff(
    setting: Setting,
    *,
    patch: str | None = None,
    file: str | None = None,
    stat: bool = False,
    word: bool = False,
    colour: bool = False,
) -> tuple[Report, bytes, str]:
    """Give the difference between the baseline and the composed fork: a table for `stat`, else git's diff and pager."""
    project, upstream, notes = _open(setting, "diff")
    with _composed(project, upstream, step="diff") as stand:
        store, made = stand.store, stand.made
        old, new = made.baseline.tree, made.tree
        if patch is not None:
            step = _step_named(made.steps, patch, project.queue)
            old, new = step.before, step.after
        paths = (file,) if file else ()
        if file and not any(c.path == file or c.path.startswith(f"{file}/") for c in store.changes(old, new)):
            raise AnswerIsNo("diff", file, "the fork does not change it", "`invoke diff --stat` lists what it changes")
        if stat:
            return Report((*notes, _stat_table(store, made, project, old, new, paths))), b"", ""
        options = [*(["--word-diff"] if word else []), f"--color={'always' if colour else 'never'}"]
        worktree = Worktree(project.root)
        return Report(notes), worktree.show_diff(store, old, new, options, paths), worktree.pager()


def log(setting: Setting, *, check: bool = False) -> Report:
    """Write CHANGES-LOCAL.md and the lock anew from the fork's files; `check`: only say whether they are stale."""
    root = projects.find_root(setting.here, step="log")
    with contextlib.ExitStack() as stack:
        notes = _recover(root) if check else _noted(stack.enter_context(projects.alone(root, doing="log")))
        project = projects.load(root, step="log")
        _refuse_faults(project, "log")
        upstream = _upstream(setting, root, project.declaration)
        with _composed(project, upstream, step="log") as stand:
            given = _log_input(stand, project)
            files = _log_files(project, stand.made, given)
        blocks = (*notes, *locallog.summary(given))
        if check:
            return _checked(project, files, blocks)
        changed = projects.save(project, files)
        return Report((*blocks, f"wrote {', '.join(changed)}" if changed else f"{projects.LOG} is up to date"))


def lint(setting: Setting) -> Report:
    """Say what the declaration, the series and the patches lack; no upstream is needed."""
    project, _, notes = _open(setting, "lint")
    faults = queues.faults(project.queue, step="lint")
    missing = tuple(f"lint: witness {name} has no such file" for name in _witness_files_missing(project))
    blocks = tuple(Painted(text, "red") for text in (*faults, *missing))
    if blocks:
        return Report(
            (*notes, *blocks, "next: mend the patch's body or trailers, then `invoke lint`"), ExitCode.BAD_REQUEST
        )
    return Report((*notes, Painted(f"{report.count(len(project.queue.patches), 'patch')}: nothing to mend", "green")))


def materialise(
    setting: Setting, directory: str, *, baseline: bool = False, at: str | None = None, overwrite: bool = False
) -> Report:
    """Write the composed tree, or the baseline (also that of another upstream commit), as a plain directory."""
    project, upstream, notes = _open(setting, "materialise")
    if at and not baseline:
        raise RequestError("materialise", "--at", "is for the baseline of another upstream commit", "add --baseline")
    sha = upstreams.find(upstream, at, step="materialise") if at else _locked(project, "materialise").pin.sha
    commit = upstreams.hold(upstream, sha, step="materialise")
    with _scratch(upstream) as store:
        if baseline:
            tree = compose.baseline(store, commit.tree, project.declaration.path).tree
        else:
            tree = compose_at(store, project, commit, step="materialise").tree
        target = setting.here / directory
        done = materialising.materialise(
            store,
            tree,
            target,
            project.root / projects.STATE / "materialised",
            overwrite=overwrite,
            on_progress=setting.on_progress,
        )
    what = "baseline" if baseline else "composed tree"
    return Report(
        (
            *notes,
            f"{what} {done.tree} of {report.said(commit)} is in {done.directory}",
            f"{report.count(done.written, 'file')} written, {done.left} unchanged, {done.removed} removed",
        )
    )


def refresh(setting: Setting) -> Report:
    """Bring the snapshot table and the fetched sources up to date."""
    root = projects.find_root(setting.here, step="upstream.refresh")
    upstream = _upstream(setting, root, projects.load_declaration(root))
    rows, failures = upstreams.refresh(upstream)
    said = tuple(f"new: {row.name} = {row.commit}" for row in rows) or ("no snapshot is newer than those known",)
    warned = tuple(Painted(f"not looked at: {text}", "yellow") for text in failures)
    return Report((*said, *warned), ExitCode.OUTSIDE_FAILED if failures and not rows else ExitCode.IN_STEP)


def init(setting: Setting, *, upstream: str, pin: str) -> Report:
    """Begin a fork in this folder: a commented fork.toml, an empty queue, the lock and the log."""
    root = setting.here
    done = projects.recover(root)
    for name in (declaration.FILE, lock.FILE, f"{projects.PATCHES}/{queues.SERIES}", projects.LOG):
        if (root / name).exists():
            found = f"{done}, and it is here now" if done else "is here already; nothing was written"
            raise RequestError("init", name, found, "run init in a folder without a fork")
    location = str(Path(upstream).expanduser()) if Path(upstream).expanduser().exists() else upstream
    called = upstream.rstrip("/").rsplit("/", 1)[-1].removesuffix(".git") or "upstream"
    text = template.declaration(root.resolve().name or "fork", called, location).encode()
    declared = declaration.parse(text)
    opened = _upstream(setting, root, declared)
    commit = upstreams.hold(opened, upstreams.find(opened, pin, step="init"), step="init")
    series = template.SERIES.encode()
    project = Project(root, declared, None, Queue(series, ()), projects.load_overlay(root, step="init"), b"", (), b"")
    with _scratch(opened) as store:
        stand = Stand(store, commit, compose_at(store, project, commit, step="init"))
        files = _log_files(project, stand.made, _log_input(stand, project))
    ignored = disk.read(root / ".gitignore") or b""
    if b"/.forkkeeper/" not in ignored.splitlines():
        ignored += (b"" if not ignored or ignored.endswith(b"\n") else b"\n") + b"/.forkkeeper/\n"
    files |= {declaration.FILE: text, f"{projects.PATCHES}/{queues.SERIES}": series, ".gitignore": ignored}
    with projects.alone(root, doing="init"):
        disk.save(root, projects.journal(root), files, last=lock.FILE)
    return Report(
        (
            f"a fork of {called} at {report.said(commit)}: {', '.join(sorted(files))}",
            "next: put patches into patches/, list them in patches/series, then `forkkeeper log`",
        )
    )


# composing ----------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _composed(project: Project, upstream: Upstream, *, step: str) -> Iterator[Stand]:
    """Compose the fork at its pin."""
    pin = upstreams.hold(upstream, _locked(project, step).pin.sha, step=step)
    with _scratch(upstream) as store:
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
                f"mend the patch, or `git restore {projects.PATCHES}`",
            )
        case Collision(path=path, found=found):
            raise AnswerIsNo(
                step,
                f"{overlay.FOLDER}/{path}",
                f"{found} at {report.said(pin)}",
                "rename the overlay file, or turn it into a patch of upstream's",
            )


# saving -------------------------------------------------------------------------------------------------------------


def _saved_files(store: Scratch, project: Project, made: Plan, tree: TreeId) -> dict[str, bytes | None]:
    """Give every file that a sync writes: patches, series, history, log and lock."""
    carried = [row.new for row in made.rows if row.new is not None]
    queue = queues.rebuild(project.queue, carried)
    record = history.record(made.old.sha, made.new.sha, clock.today().isoformat(), made.rows)
    past = history.append(project.history, record)
    moved = replace(project, queue=queue, history=past, records=history.parse(past))
    composed = compose_at(store, moved, made.new, step="sync")
    if composed.tree != tree:  # the saved patches must give the very tree that was planned
        raise AnswerIsNo("sync", ids.short(tree), f"the new patches compose to {composed.tree} instead", "report this")
    files = _log_files(moved, composed, _log_input(Stand(store, made.new, composed), moved))
    files |= {f"{projects.PATCHES}/{patch.name}": None for patch in project.queue.patches}
    files |= {f"{projects.PATCHES}/{patch.name}": patch.data for patch in queue.patches}
    return files | {f"{projects.PATCHES}/{queues.SERIES}": queue.series, history.FILE: past}


def _log_input(stand: Stand, project: Project) -> locallog.LogInput:
    pin, made = stand.pin, stand.made
    return locallog.LogInput(
        name=project.declaration.name,
        upstream=project.declaration.upstream.name,
        pin=Pin(sha=pin.sha, date=pin.date, tree=pin.tree),
        known_as=pin.known_as,
        baseline=made.baseline,
        steps=made.steps,
        diffs=locallog.parse_diffs([stand.store.diff(step.before, step.after) for step in made.steps]),
        overlay=project.overlay,
        records=project.records,
    )


def _log_files(project: Project, made: Composed, given: locallog.LogInput) -> dict[str, bytes | None]:
    """Give the log, and the lock that holds its digest."""
    text = locallog.format_log(given)
    found: Digests = replace(project, log=text).digests()
    locked = Lock(lock.SCHEMA, given.pin, Trees(made.baseline.tree, made.tree), found)
    return {projects.LOG: text, lock.FILE: lock.format_lock(locked)}


def _checked(project: Project, files: dict[str, bytes | None], blocks: tuple[Block, ...]) -> Report:
    stale = [name for name in sorted(files) if disk.read(project.root / name) != files[name]]
    if stale:
        said = Painted(f"stale: {', '.join(stale)}", "red")
        return Report((*blocks, said, "next: `invoke log`, then commit"), ExitCode.ANSWER_IS_NO)
    return Report((*blocks, Painted(f"{projects.LOG} and {lock.FILE} are up to date", "green")))


def _to_commit(project: Project) -> list[str]:
    return [name for name in projects.SAVED if (project.root / name).exists()]


# checks and small things --------------------------------------------------------------------------------------------


def _open(setting: Setting, step: str) -> tuple[Project, Upstream, tuple[Block, ...]]:
    root = projects.find_root(setting.here, step=step)
    notes = _recover(root)
    project = projects.load(root, step=step)
    return project, _upstream(setting, root, project.declaration), notes


def _recover(root: Path) -> tuple[Block, ...]:
    return _noted(projects.recover(root))


def _noted(done: str | None) -> tuple[Block, ...]:
    return (Painted(done, "yellow"),) if done else ()


def _upstream(setting: Setting, root: Path, declared: declaration.Declaration) -> Upstream:
    return upstreams.open_upstream(
        root, root / projects.STATE, declared.upstream.source, offline=setting.offline, on_progress=setting.on_progress
    )


@contextlib.contextmanager
def _scratch(upstream: Upstream, objects: Path | None = None) -> Iterator[Scratch]:
    with Scratch(upstreams.lenders(upstream), objects=objects) as store:
        yield store


def _pin_of(root: Path) -> str:
    data = disk.read(root / lock.FILE)
    if data is None:
        raise RequestError("plan", lock.FILE, "is missing, so the present pin is not known", "give --from SHA")
    return lock.parse(data).pin.sha


def _locked(project: Project, step: str) -> Lock:
    if project.lock is None:
        raise RequestError(step, lock.FILE, "is missing", f"`git restore {lock.FILE}`")
    return project.lock


def _refuse_faults(project: Project, step: str) -> None:
    faults = queues.faults(project.queue, step=step)
    if faults:
        first, *rest = (text.removeprefix(f"{step}: ") for text in faults)
        thing, _, found = first.partition(": ")
        more = "".join(f"\n    {text}" for text in rest)
        raise RequestError(step, thing, found + more, "mend the patch's body or trailers, then `invoke lint`")


def _check_composition(store: Scratch, project: Project, locked: Lock, pin: Commit) -> None:
    composed = compose_at(store, project, pin, step="sync")
    if composed.tree != locked.trees.composed:
        raise RequestError(
            "sync",
            lock.FILE,
            f"says the fork is tree {locked.trees.composed}, and its files compose to {composed.tree}",
            "`invoke log` writes the lock anew from the files",
        )


def _tree_fault(project: Project, upstream: Upstream) -> str | None:
    """Compare the composed tree with the lock, where upstream's objects are at hand."""
    if project.lock is None or project.drift() or upstreams.held(upstream, project.lock.pin.sha) is None:
        return None
    with _composed(project, upstream, step="status") as stand:
        tree = stand.made.tree
    locked = project.lock.trees.composed
    return f"{lock.FILE} says tree {locked}, and the files compose to {tree}" if tree != locked else None


def _check_accepted(accept: Sequence[str], made: Plan) -> None:
    names = {row.old.name for row in made.rows} | {row.old.title for row in made.rows}
    reviewed = [row.old.title for row in made.rows if row.review]
    for name in accept:
        if name not in names:
            near = difflib.get_close_matches(name, sorted(names), n=1)
            hint = f"did you mean {near[0]}?" if near else f"rows to review: {', '.join(reviewed) or 'none'}"
            raise RequestError("sync", f"--accept {name}", "is no patch of the queue", hint)


def _step_named(steps: Sequence[Applied], name: str, queue: Queue) -> Applied:
    patch = queue.named(name)
    if patch is None:
        titles = [p.title for p in queue.patches]
        near = difflib.get_close_matches(name, titles, n=1)
        hint = f"did you mean {near[0]}?" if near else f"patches: {', '.join(titles)}"
        raise RequestError("diff", f"--patch {name}", "is no patch of the queue", hint)
    return next(step for step in steps if step.patch.name == patch.name)


def _stat_table(
    store: Scratch, made: Composed, project: Project, old: TreeId, new: TreeId, paths: Sequence[str]
) -> Table:
    owners: dict[str, list[str]] = {}
    for step in made.steps:
        for change in step.changes:
            owners.setdefault(change.path, []).append(step.patch.title)
    owners |= {path: ["overlay"] for path in project.overlay}
    rows = tuple(
        (
            s.path,
            "bin" if s.added is None else str(s.added),
            "" if s.removed is None else str(s.removed),
            ", ".join(owners.get(s.path, [])),
        )
        for s in store.stats(old, new, paths)
    )
    return Table(("file", "+", "-", "by"), rows)


def _without_witness(project: Project) -> tuple[str, ...]:
    return tuple(p.title for p in project.queue.patches if not p.trailer("Witness")) + _witness_files_missing(project)


def _witness_files_missing(project: Project) -> tuple[str, ...]:
    found = []
    for patch in project.queue.patches:
        witness = patch.trailer("Witness") or "none"
        if not witness.startswith("none") and not (project.root / witness.split("::", 1)[0]).is_file():
            found.append(f"{patch.title} ({witness})")
    return tuple(found)


def missing(option: str) -> RequestError:
    """Make the error for an option that was left out."""
    name = option.split(maxsplit=1)[0]
    return RequestError("call", f"--{name}", "is needed", f"add --{option}; `--help` shows an example")


def no_number(option: str, given: str) -> RequestError:
    """Make the error for an option that wants a whole number and was given something else."""
    return RequestError("call", f"--{option} {given}", "is not a whole number", f"give one, e.g. --{option} 30")


__all__ = [
    "Report",
    "Setting",
    "diff",
    "init",
    "lint",
    "log",
    "materialise",
    "missing",
    "no_number",
    "plan",
    "refresh",
    "status",
    "sync",
]
