"""Saving what a sync made of the fork: what is refused lest something is lost, every file of it, and the commit."""

from collections.abc import Sequence
from dataclasses import replace

from forkkeeper.core import (
    declaration,
    declined as declines,
    history,
    ids,
    lock,
    mail,
    overlay,
    parked,
    picking,
    queue as queues,
)
from forkkeeper.core.declined import Declined
from forkkeeper.core.ids import TreeId
from forkkeeper.core.lock import Lock
from forkkeeper.core.planning import Commit, Plan
from forkkeeper.core.report import Block, Painted, Report
from forkkeeper.core.verdict import GONE, Outcome, Row
from forkkeeper.errors import AnswerIsNo, ExitCode, OutsideError, RequestError
from forkkeeper.flow import committing
from forkkeeper.flow.recording import saved_files
from forkkeeper.flow.standing import compose_at, held_hint
from forkkeeper.shell import clock, disk
from forkkeeper.shell.git import Scratch, Worktree
from forkkeeper.stages import project as projects
from forkkeeper.stages.project import Project


def check_composition(store: Scratch, project: Project, locked: Lock, pin: Commit) -> None:
    """Refuse a fork whose files do not make the tree that its lock names."""
    composed = compose_at(store, project, pin, step="sync")
    if composed.tree != locked.trees.composed:
        raise RequestError(
            "sync",
            lock.FILE,
            f"says the fork is tree {locked.trees.composed}, and its files compose to {composed.tree}",
            "`forkkeeper log` writes the lock anew from the files",
        )


def _rewritten(made: Plan) -> tuple[Row, ...]:
    """Give the rows whose patch leaves the queue, or gets other lines: its old text must be kept somewhere."""
    return tuple(row for row in made.rows if row.outcome not in (Outcome.KEPT, Outcome.REFRESHED, Outcome.PARKED))


def refuse_loss(project: Project, made: Plan) -> None:
    """Refuse to remove or rewrite a patch whose text git does not hold (see `_dropped` where there is no git)."""
    worktree = Worktree(project.root)
    if not worktree.exists:
        return
    for row in _rewritten(made):
        name = f"{projects.PATCHES}/{row.old.name}"
        if not mail.holds(worktree.committed(name), row.old):
            does = "leaves the queue" if row.new is None else "gets other lines"
            if projects.as_committed(project.root, [name]):
                found = f"is {row.outcome.value} and {does}, and git's last commit holds it with other line ends"
                raise RequestError("sync", name, found, "`forkkeeper setup`, and the commit that it prints; then again")
            raise RequestError(
                "sync",
                name,
                f"is {row.outcome.value} and {does}, and its text as it was is in no commit",
                f"`{committing.command(project.root, [name])}`, then sync again",
            )


def _dropped(project: Project, made: Plan) -> dict[str, bytes | None]:
    """Keep a copy of each patch that leaves the queue, or is rewritten, in a fork that is in no git repository."""
    if Worktree(project.root).exists:
        return {}
    return {
        projects.free_name(project, "dropped", row.old.name, row.old.data): row.old.data for row in _rewritten(made)
    }


def _parked(project: Project, made: Plan) -> dict[str, bytes]:
    """Give the files of the patches that are set aside."""
    rows = [row for row in made.rows if row.outcome is Outcome.PARKED]
    today = clock.today().isoformat()
    files = {row.old.name: parked.park(row.old, today, made.old.sha, made.new.sha, row.why or "") for row in rows}
    return {projects.free_name(project, parked.FOLDER, name, data): data for name, data in files.items()}


def _still_declined(project: Project, made: Plan) -> tuple[Declined, ...]:
    """Give what is declined still: not a commit that upstream has taken back itself."""
    gone = {picking.declined(row.old) for row in made.rows if row.outcome in GONE}
    return tuple(one for one in project.declined if one.sha not in gone)


def carried_files(store: Scratch, project: Project, made: Plan, tree: TreeId) -> dict[str, bytes | None]:
    """Give every file that a sync writes: patches, series, history, log and lock."""
    carried = [row.new for row in made.rows if row.new is not None]
    queue = queues.rebuild(project.queue, carried)
    record = history.record(made.old.sha, made.new.sha, clock.today().isoformat(), made.rows)
    past = history.append(project.history, record)
    aside = _parked(project, made)
    found = (parked.read(name.rpartition("/")[2], data) for name, data in aside.items())
    all_parked = sorted((*project.parked, *(one for one in found if one)), key=lambda one: one.name)
    left = _still_declined(project, made)
    moved = replace(project, queue=queue, history=past, records=history.parse(past), parked=tuple(all_parked))
    moved = replace(moved, declined=left)
    composed, files = saved_files(store, project, moved, made.new, step="sync")
    if composed != tree:  # the saved patches must give the very tree that was planned
        raise AnswerIsNo("sync", ids.short(tree), f"the new patches compose to {composed} instead", "report this")
    if left != project.declined:
        files |= {declines.FILE: declines.written(left, disk.read(project.root / declines.FILE) or b"")}
    return files | _dropped(project, made) | aside


def saved(project: Project, made: Plan, changed: Sequence[str], blocks: tuple[Block, ...], *, commit: bool) -> Report:
    """Commit what was saved, or say how to."""
    saved = [name for name in projects.SAVED if (project.root / name).exists()]
    worktree = Worktree(project.root)
    loose = worktree.uncommitted([overlay.FOLDER, declaration.FILE]) if worktree.exists else ()
    names = [*saved, *(name for name in (overlay.FOLDER, declaration.FILE) if any(p.startswith(name) for p in loose))]
    message = f"sync: {project.declaration.upstream.name} {ids.short(made.old.sha)} → {ids.short(made.new.sha)}"
    gone = [f"{projects.PATCHES}/{row.old.name}" for row in made.rows if row.new is None]
    written = [name for name in changed if name not in gone]
    removed = (Painted(f"removed: {', '.join(gone)}", "yellow"),) if gone else ()
    done = ("", Painted(f"saved: {', '.join(written)}", "green"), *removed, *held_hint(project))
    how = (f"  {committing.command(project.root, names, message)}",)
    if not commit:
        return Report((*blocks, *done, "next: look at it with `git diff`, then commit it:", *how))
    if changed_by_git := projects.line_ends(project.root).rewritten:
        found = f"saved, but not committed: git would hold other line ends of {', '.join(changed_by_git)}"
        hint = "next: `forkkeeper setup`, and the commit that it prints, then commit the rest:"
        return Report((*blocks, *done, Painted(found, "red"), hint, *how), ExitCode.OUTSIDE_FAILED)
    try:
        commit_id = worktree.commit(names, message, projects.ignored(project.root))
    except OutsideError as error:
        said = Painted(f"saved, but not committed: {error.found}", "red")
        return Report((*blocks, *done, said, "next: mend that, then commit it:", *how), ExitCode.OUTSIDE_FAILED)
    return Report((*blocks, *done, f"committed as {commit_id}"))
