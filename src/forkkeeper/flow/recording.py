"""What the fork is, written down (`log`, `init`), and what it lacks for that (`lint`)."""

import contextlib
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path

from forkkeeper.core import (
    annotations,
    declaration,
    history,
    locallog,
    lock,
    merging,
    moves,
    queue as queues,
    report,
    sarif,
    template,
)
from forkkeeper.core.compose import Composed
from forkkeeper.core.ids import EMPTY_TREE, TreeId
from forkkeeper.core.lock import Digests, Lock, Pin, Trees
from forkkeeper.core.operations import Deed
from forkkeeper.core.planning import Commit
from forkkeeper.core.report import Block, Painted, Report
from forkkeeper.errors import ExitCode, RequestError
from forkkeeper.flow.standing import (
    Setting,
    Stand,
    compose_at,
    composed,
    held_hint,
    missing,
    noted,
    open_fork,
    open_upstream,
    recover,
    refuse_faults,
    scratch,
)
from forkkeeper.flow.surveying import driver_hint, without_witness_file
from forkkeeper.shell import clock, disk
from forkkeeper.shell.git import Scratch
from forkkeeper.stages import build as builds, project as projects, upstream as upstreams
from forkkeeper.stages.build import Identity
from forkkeeper.stages.project import Project


@dataclass(frozen=True, slots=True)
class Linted:
    """What the fork's files lack: to show, and as SARIF for code scanning."""

    shown: Report
    sarif: str


def lint(setting: Setting) -> Linted:
    """Say what the declaration, the series and the patches lack; no upstream is needed."""
    project, _, notes = open_fork(setting, "lint")
    nowhere = Identity(EMPTY_TREE, "", "")
    for variant in project.declaration.variant.values():
        options = variant.emulated.options if variant.emulated else ()
        builds.fill((*variant.cmake, *options), nowhere)  # refuses a placeholder that it does not know
    found = annotations.of_lint(project.queue.patches, without_witness_file(project))
    blocks = tuple(Painted(f"lint: {one}", "red") for one in found)
    log = sarif.write("lint", metadata.version("forkkeeper"), found)
    notes = (*notes, *driver_hint(project), *report.build_blocks(project.queue.patches))
    if blocks:
        mend = "next: mend the patch's body or trailers, then `forkkeeper lint`"
        return Linted(Report((*notes, *blocks, mend), ExitCode.BAD_REQUEST), log)
    sound = Painted(f"{report.count(len(project.queue.patches), 'patch')}: nothing to mend", "green")
    return Linted(Report((*notes, sound)), log)


def log(setting: Setting, *, check: bool = False) -> Report:
    """Write CHANGES-LOCAL.md and the lock anew from the fork's files; `check`: only say whether they are stale."""
    root = projects.find_root(setting.here, step="log")
    with contextlib.ExitStack() as stack:
        notes = recover(root) if check else noted(stack.enter_context(projects.alone(root, doing="log")))
        project = projects.load(root, step="log")
        refuse_faults(project, "log")
        upstream = open_upstream(setting, root, project.declaration)
        with composed(project, upstream, step="log") as stand:
            given = log_input(stand, project)
            files = log_files(project, stand.made, given)
        blocks = (*notes, *locallog.summary(given))
        if check:
            return _checked(project, files, blocks)
        changed = projects.save(project, files, typed=setting.typed)
        if not changed:
            return Report((*blocks, f"{projects.LOG} is up to date"))
        return Report((*blocks, f"wrote {', '.join(changed)}", *held_hint(project)))


def _checked(project: Project, files: dict[str, bytes | None], blocks: tuple[Block, ...]) -> Report:
    stale = [name for name in sorted(files) if disk.read(project.root / name) != files[name]]
    if stale:
        said = Painted(f"stale: {', '.join(stale)}", "red")
        return Report((*blocks, said, "next: `forkkeeper log`, then commit"), ExitCode.ANSWER_IS_NO)
    return Report((*blocks, Painted(f"{projects.LOG} and {lock.FILE} are up to date", "green")))


def log_input(stand: Stand, project: Project) -> locallog.LogInput:
    """Gather what the log is made of."""
    pin, made = stand.pin, stand.made
    diffs = stand.store.diffs([(step.before, step.after) for step in made.steps])
    return locallog.LogInput(
        name=project.declaration.name,
        upstream=project.declaration.upstream.name,
        web=project.declaration.upstream.web,
        pin=Pin(sha=pin.sha, date=pin.date, tree=pin.tree),
        baseline=made.baseline,
        steps=made.steps,
        diffs=locallog.parse_diffs(
            [
                step.patch.diff if moves.of(step.patch.files) else diff
                for step, diff in zip(made.steps, diffs, strict=True)
            ]
        ),
        overlay=project.overlay,
        records=project.records,
        parked=project.parked,
        declined=project.declined,
    )


def log_files(project: Project, made: Composed, given: locallog.LogInput) -> dict[str, bytes | None]:
    """Give the log, and the lock that holds its digest."""
    text = locallog.format_log(given)
    found: Digests = replace(project, log=text).digests()
    locked = Lock(lock.SCHEMA, given.pin, Trees(made.baseline.tree, made.tree), found)
    return {projects.LOG: text, lock.FILE: lock.format_lock(locked)}


def saved_files(
    store: Scratch, was: Project, now: Project, pin: Commit, *, step: str
) -> tuple[TreeId, dict[str, bytes | None]]:
    """Give every file of a fork whose queue or history becomes another, for one save (None: removed).

    was, now -- the fork as it was read from disk, and as it is to be; `now` is composed at `pin`, which is held
    Gives the composed tree, too. Raises AnswerIsNo where the new queue does not compose.
    """
    composed = compose_at(store, now, pin, step=step)
    files = log_files(now, composed, log_input(Stand(store, pin, composed), now))
    files |= {f"{projects.PATCHES}/{patch.name}": None for patch in was.queue.patches}
    files |= {f"{projects.PATCHES}/{patch.name}": patch.data for patch in now.queue.patches}
    files |= {f"{projects.PATCHES}/{queues.SERIES}": now.queue.series}
    return composed.tree, files | ({history.FILE: now.history} if now.history else {})


def init(setting: Setting, *, pin: str, upstream: str | None = None) -> Report:
    """Begin a fork in this folder: a commented fork.toml, an empty queue, the lock and the log.

    What is here already is kept; without `upstream` the fork.toml that is here says where upstream is.
    """
    root = setting.here
    notes = recover(root)
    files = _first_files(root, upstream)
    declared = declaration.parse(files[declaration.FILE])
    opened = open_upstream(setting, root, declared)
    commit = upstreams.hold(opened, upstreams.find(opened, pin, step="init"), step="init")
    series = files[f"{projects.PATCHES}/{queues.SERIES}"]
    patches = queues.read(series, disk.patches_in(root / projects.PATCHES), step="init")
    past = disk.read(root / history.FILE) or b""
    laid = projects.load_overlay(root, step="init")
    project = Project(root, declared, None, patches, laid, past, history.parse(past), b"")
    with scratch(opened) as store:
        stand = Stand(store, commit, compose_at(store, project, commit, step="init"))
        written = {**files, **log_files(project, stand.made, log_input(stand, project))}
    changed = {name: data for name, data in written.items() if disk.read(root / name) != data}
    with projects.alone(root, doing="init"):
        projects.write(root, changed, Deed(setting.typed, clock.now()))
    said = f"a fork of {declared.upstream.name} at {report.said(commit)}: wrote {', '.join(sorted(changed))}"
    return Report((*notes, said, "next: put patches into patches/, list them in patches/series, then `forkkeeper log`"))


def _first_files(root: Path, upstream: str | None) -> dict[str, bytes]:
    """Give the files that a fork begins with. Raises RequestError where one has begun."""
    present = disk.read(root / declaration.FILE)
    here = "is here already; nothing was written"
    if (root / lock.FILE).exists():
        raise RequestError("init", lock.FILE, here, "`forkkeeper status` shows the fork")
    if locallog.MARK not in (disk.read(root / projects.LOG) or locallog.MARK):
        raise RequestError("init", projects.LOG, here, "move it away: forkkeeper writes a file of this name")
    if present is not None and upstream is not None:
        raise RequestError("init", declaration.FILE, here, "leave out --upstream: fork.toml says where upstream is")
    if present is None and upstream is None:
        raise missing("upstream URL")
    text = present if present is not None else _template(root, upstream or "")
    ignored = disk.read(root / ".gitignore") or b""
    if b"/.forkkeeper/" not in ignored.splitlines():
        ignored += (b"" if not ignored or ignored.endswith(b"\n") else b"\n") + b"/.forkkeeper/\n"
    series = f"{projects.PATCHES}/{queues.SERIES}"
    return {
        declaration.FILE: text,
        series: disk.read(root / series) or template.SERIES.encode(),
        ".gitignore": ignored,
        merging.ATTRIBUTES: merging.with_lines(disk.read(root / merging.ATTRIBUTES) or b""),
    }


def _template(root: Path, upstream: str) -> bytes:
    local = Path(upstream).expanduser()
    if not local.exists() and "://" not in upstream and ":" not in upstream:
        raise RequestError("init", f"--upstream {upstream}", "there is no such path", "give a path, or a git url")
    called = upstream.rstrip("/").rsplit("/", 1)[-1].removesuffix(".git") or "upstream"
    location = str(local) if local.exists() else upstream
    return template.declaration(root.resolve().name or "fork", called, location).encode()
