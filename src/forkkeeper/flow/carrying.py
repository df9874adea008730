"""Carrying the queue in memory (`plan`), and showing what the fork changes (`diff`)."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from forkkeeper.core import declaration, lock, overlay, planning, queue as queues, report, resolutions
from forkkeeper.core.compose import Applied, Composed
from forkkeeper.core.ids import TreeId
from forkkeeper.core.placing import Aid
from forkkeeper.core.queue import Queue
from forkkeeper.core.report import Block, Painted, Report, Table
from forkkeeper.errors import AnswerIsNo, ExitCode, RequestError
from forkkeeper.flow.searching import with_culprits
from forkkeeper.flow.standing import (
    Setting,
    composed,
    near_hint,
    open_fork,
    open_upstream,
    scratch,
    sources_table,
    trip,
)
from forkkeeper.shell import disk
from forkkeeper.shell.git import Scratch, Worktree
from forkkeeper.stages import project as projects, session as sessions, upstream as upstreams
from forkkeeper.stages.project import Project


def plan(
    setting: Setting, *, upto: str, since: str | None = None, queue: str | None = None, objects: str | None = None
) -> tuple[Report, str]:
    """Carry the queue in memory; gives what to show, and the same as JSON."""
    asked = trip(setting, upto, since, queue)
    with scratch(asked.upstream, Path(setting.here, objects) if objects else None) as store:
        recorded = resolutions.by_key(sessions.read_resolutions(asked.root / resolutions.FOLDER))
        aid = Aid(recorded=recorded, titled=upstreams.titled(asked.upstream, asked.old, asked.new))
        made = planning.make(store, asked.old, asked.new, asked.queue, asked.files, asked.declared.path, aid)
        made = with_culprits(setting, store, asked.upstream, asked.declared, made)
    made = replace(made, warnings=queues.faults(asked.queue, step="plan"))
    code = ExitCode.IN_STEP if made.is_sure else ExitCode.ANSWER_IS_NO
    steps = report.next_steps(made, upto) if asked.is_own else ()
    return Report((*asked.notes, *report.plan_blocks(made), *steps), code), planning.to_json(made)


def may_write(setting: Setting, path: Path) -> None:
    """Refuse to write a document over one of the fork's own files."""
    root = projects.find_root(setting.here, step="plan")
    target = (setting.here / path).resolve()
    own = [(root / name).resolve() for name in (*projects.SAVED, declaration.FILE, overlay.FOLDER)]
    if target.exists() and any(target.is_relative_to(name) for name in own):
        raise RequestError("plan", f"--json {path}", "is one of the fork's own files", "give another name")


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
    project, upstream, notes = open_fork(setting, "diff")
    file = PurePosixPath(file).as_posix() if file else None  # `./src/` is `src`
    with composed(project, upstream, step="diff") as stand:
        store, made = stand.store, stand.made
        old, new = made.baseline.tree, made.tree
        if patch is not None:
            step = _step_named(made.steps, patch, project.queue)
            old, new = step.before, step.after
        paths = (file,) if file else ()
        if file and not any(c.path == file or c.path.startswith(f"{file}/") for c in store.changes(old, new)):
            raise AnswerIsNo(
                "diff", file, "the fork does not change it", "`forkkeeper diff --stat` lists what it changes"
            )
        if stat:
            return Report((*notes, _stat_table(store, made, project, old, new, paths))), b"", ""
        worktree = Worktree(project.root)
        painted = "always" if colour and worktree.colours(terminal=True) else "never"
        options = [*(["--word-diff"] if word else []), f"--color={painted}"]
        return Report(notes), worktree.show_diff(store, old, new, options, paths), worktree.pager()


def _step_named(steps: Sequence[Applied], name: str, queue: Queue) -> Applied:
    patch = queue.named(name)
    if patch is None:
        hint = near_hint(name, [p.title for p in queue.patches], "patches")
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


def refresh(setting: Setting) -> Report:
    """Bring the snapshot table and the fetched sources up to date."""
    root = projects.find_root(setting.here, step="upstream.refresh")
    upstream = open_upstream(setting, root, projects.load_declaration(root))
    rows, failures = upstreams.refresh(upstream)
    said: tuple[Block, ...] = tuple(f"new: {row.name} = {row.commit}" for row in rows)
    written = disk.read(root / lock.FILE)
    if written is not None:
        upstream = open_upstream(setting, root, projects.load_declaration(root))
        said = (*said, sources_table(upstream, lock.parse(written).pin.sha))
    warned = tuple(Painted(f"not looked at: {text}", "yellow") for text in failures)
    nobody = len(failures) == len(upstream.sources)
    return Report((*said, *warned), ExitCode.OUTSIDE_FAILED if nobody else ExitCode.IN_STEP)
