"""Moving the fork to another upstream commit (`plan`, `sync`), and looking for new ones (`upstream.refresh`)."""

import itertools
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from forkkeeper.core import declaration, history, ids, lock, mail, markdown, overlay, planning, queue as queues, report
from forkkeeper.core.ids import TreeId
from forkkeeper.core.lock import Lock
from forkkeeper.core.mail import Patch
from forkkeeper.core.markdown import Origin
from forkkeeper.core.placing import Aid
from forkkeeper.core.planning import Commit, Plan
from forkkeeper.core.report import Asked, Block, Painted, Report
from forkkeeper.core.verdict import Outcome, Row
from forkkeeper.errors import AnswerIsNo, ExitCode, OutsideError, RequestError
from forkkeeper.flow.recording import saved_files
from forkkeeper.flow.searching import with_culprits
from forkkeeper.flow.standing import (
    Setting,
    Trip,
    compose_at,
    near_hint,
    noted,
    open_upstream,
    refuse_faults,
    scratch,
    sources_table,
    trip,
)
from forkkeeper.shell import clock, disk
from forkkeeper.shell.git import Scratch, Worktree
from forkkeeper.stages import project as projects, upstream as upstreams
from forkkeeper.stages.project import Project


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan in its three forms: what to show, JSON, and Markdown for a pull request."""

    shown: Report
    json: str
    markdown: str


def plan(
    setting: Setting, *, upto: str, since: str | None = None, queue: str | None = None, objects: str | None = None
) -> Planned:
    """Carry the queue in memory."""
    asked = trip(setting, upto, since, queue)
    with scratch(asked.upstream, Path(setting.here, objects) if objects else None) as store:
        aid = Aid(titled=upstreams.titled(asked.upstream, asked.old, asked.new))
        made = planning.make(store, asked.old, asked.new, asked.queue, asked.files, asked.declared.path, aid)
        made = with_culprits(setting, store, asked.upstream, asked.declared, made)
    made = replace(made, warnings=queues.faults(asked.queue, step="plan"))
    code = ExitCode.IN_STEP if made.is_sure else ExitCode.ANSWER_IS_NO
    shown = Report((*asked.notes, *report.plan_blocks(made), *_way_out(asked, made, upto)), code)
    again = f"forkkeeper plan --upto {asked.new.sha}"
    more = (("--from", since), ("--queue", queue))
    again += "".join(f" {option} {shlex.quote(given)}" for option, given in more if given)
    origin = Origin(asked.declared.name, upstreams.pages(asked.upstream, asked.declared.upstream.web), again)
    steps = [step for step in _way_out(asked, made, asked.new.sha) if isinstance(step, str)]
    return Planned(shown, planning.to_json(made), markdown.plan_markdown(made, origin, steps))


def _way_out(asked: Trip, made: Plan, upto: str) -> list[Block]:
    """Say what to type after a plan of the fork's own queue that is not sure."""
    steps = report.next_steps(made, made.unaccepted((), every=False), Asked(upto)) if asked.is_own else []
    return ["", *steps] if steps else []


def sync(
    setting: Setting,
    *,
    upto: str,
    accept: Sequence[str] = (),
    accept_reviewed: bool = False,
    replace_by: Sequence[str] = (),
    downgrade: bool = False,
    commit: bool = False,
) -> Report:
    """Move the fork to another upstream commit; saves everything as one transaction, or nothing.

    replace_by -- "NAME=FILE": take the diff in FILE, made on the new side, in the place of patch NAME
    """
    root = projects.find_root(setting.here, step="sync")
    if commit and not Worktree(root).exists:
        raise RequestError("sync", "--commit", "this fork is in no git repository", "`git init`, or leave it out")
    if commit and (loose := Worktree(root).uncommitted([overlay.FOLDER, declaration.FILE])):
        raise RequestError("sync", "--commit", f"not committed yet: {', '.join(loose)}", "commit that first")
    with projects.alone(root, doing="sync") as done:
        notes = noted(done)
        written = disk.read(root / lock.FILE)
        known = [lock.parse(written).pin.sha] if written is not None else []
        upstream = open_upstream(setting, root, projects.load_declaration(root))
        sha = upstreams.find(upstream, upto, step="sync", known=known)
        if sha in known:  # before any other check: there is nothing to do, whatever state the files are in
            return Report((*notes, Painted(f"already at {sha}", "green")))
        project = projects.load(root, step="sync")
        locked = projects.need_in_step(project, step="sync")
        refuse_faults(project, "sync")
        new = upstreams.hold(upstream, sha, step="sync")
        old = upstreams.hold(upstream, locked.pin.sha, step="sync")
        if not downgrade and upstreams.is_older(upstream, new, old):
            raise RequestError(
                "sync",
                upto,
                f"{report.said(new)} is older than the pin, {report.said(old)}",
                "add --downgrade if that is meant",
            )
        with scratch(upstream) as store:
            hand = _by_hand(setting, project, replace_by)
            trusted = frozenset(patch.name for name in accept if (patch := project.queue.named(name)))
            aid = Aid(hand, trusted, upstreams.titled(upstream, old, new))
            made = planning.make(store, old, new, project.queue, project.overlay, project.declaration.path, aid)
            made = with_culprits(setting, store, upstream, project.declaration, made, by_hand=tuple(hand))
            _check_composition(store, project, locked, old)
            _check_accepted(accept, made)
            unaccepted = made.unaccepted(accept, every=accept_reviewed)
            blocks = (*notes, *report.plan_blocks(made), *_needless(accept, made))
            if made.tree is None or unaccepted:
                given = _given(accept, replace_by, every=accept_reviewed, commit=commit, downgrade=downgrade)
                notes = _not_taken(accept, made)
                said = report.refusal(made, unaccepted, Asked(upto, given))
                return Report((*blocks, *notes, *said), ExitCode.ANSWER_IS_NO)
            _refuse_loss(project, made)
            changed = projects.save(project, _saved_files(store, project, made, made.tree))
    return _saved(project, made, changed, blocks, commit=commit)


def _given(
    accept: Sequence[str], replace_by: Sequence[str], *, every: bool, commit: bool, downgrade: bool
) -> tuple[str, ...]:
    """Give the options of a sync as they are typed."""
    flags = {"--accept-reviewed": every, "--commit": commit, "--downgrade": downgrade}
    named = [*(f"--replace {pair}" for pair in replace_by), *(f"--accept {name}" for name in accept)]
    return (*named, *(flag for flag, is_set in flags.items() if is_set))


def _not_taken(accept: Sequence[str], made: Plan) -> tuple[Block, ...]:
    """Say which accepted patches clashed with nothing to accept."""
    names = {row.old.title: row for row in made.clashed if row.proposed is None}
    taken = [name.removesuffix(".patch") for name in accept]
    return tuple(
        Painted(f"--accept {name}: it clashed, and there is no proposal to accept", "yellow")
        for name in taken
        if name in names
    )


def _needless(accept: Sequence[str], made: Plan) -> tuple[Block, ...]:
    """Say which accepted patches would have been saved without a word."""
    taken = {name.removesuffix(".patch") for name in accept}
    return tuple(
        Painted(f"--accept {row.old.title}: nothing to accept; it is {row.outcome.value}", "yellow")
        for row in made.rows
        if row.old.title in taken and not row.review and row.outcome is not Outcome.CLASHED
    )


def _by_hand(setting: Setting, project: Project, pairs: Sequence[str]) -> dict[str, Patch]:
    """Read what a person made for the new side: a `git diff`, or a whole patch with its own reason and trailers."""
    found = {}
    for pair in pairs:
        name, equals, file = pair.partition("=")
        old = project.queue.named(name)
        if not equals or old is None:
            titles = [patch.title for patch in project.queue.patches]
            what = "is no patch of the queue" if equals else "is not of the form NAME=FILE"
            raise RequestError("sync", f"--replace {pair}", what, near_hint(name, titles, "patches"))
        data = disk.read(setting.here / file)
        if data is None:
            raise RequestError("sync", f"--replace {pair}", "there is no such file", "give the file of the new diff")
        try:
            found[old.name] = mail.replacement(old, data)
        except mail.MailError as error:
            hint = "make it with `git diff` or `git format-patch` in the new tree"
            raise RequestError("sync", file, str(error), hint) from error
    return found


def _check_composition(store: Scratch, project: Project, locked: Lock, pin: Commit) -> None:
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
    return tuple(row for row in made.rows if row.outcome not in (Outcome.KEPT, Outcome.REFRESHED))


def _refuse_loss(project: Project, made: Plan) -> None:
    """Refuse to remove or rewrite a patch whose text git does not hold (see `_dropped` where there is no git)."""
    worktree = Worktree(project.root)
    if not worktree.exists:
        return
    for row in _rewritten(made):
        name = f"{projects.PATCHES}/{row.old.name}"
        if not mail.holds(worktree.committed(name), row.old):
            does = "leaves the queue" if row.new is None else "gets other lines"
            raise RequestError(
                "sync",
                name,
                f"is {row.outcome.value} and {does}, and its text as it was is in no commit",
                f"`git add {name} && git commit`, then sync again",
            )


def _dropped(project: Project, made: Plan) -> dict[str, bytes | None]:
    """Keep a copy of each patch that leaves the queue, or is rewritten, in a fork that is in no git repository."""
    if Worktree(project.root).exists:
        return {}
    return {_free(project, row.old): row.old.data for row in _rewritten(made)}


def _free(project: Project, patch: Patch) -> str:
    """Find a name in `patches/dropped/` that is not taken by another text."""
    numbered = (f"{patch.title}.{number}.patch" for number in itertools.count(2))
    names = (f"{projects.PATCHES}/dropped/{name}" for name in itertools.chain([patch.name], numbered))
    return next(name for name in names if disk.read(project.root / name) in (None, patch.data))


def _check_accepted(accept: Sequence[str], made: Plan) -> None:
    """Refuse the name of a patch that is not in the queue."""
    titles = [row.old.title for row in made.rows]
    for name in accept:
        if name not in titles and name.removesuffix(".patch") not in titles:
            raise RequestError(
                "sync", f"--accept {name}", "is no patch of the queue", near_hint(name, titles, "patches")
            )


def _saved_files(store: Scratch, project: Project, made: Plan, tree: TreeId) -> dict[str, bytes | None]:
    """Give every file that a sync writes: patches, series, history, log and lock."""
    carried = [row.new for row in made.rows if row.new is not None]
    queue = queues.rebuild(project.queue, carried)
    record = history.record(made.old.sha, made.new.sha, clock.today().isoformat(), made.rows)
    past = history.append(project.history, record)
    moved = replace(project, queue=queue, history=past, records=history.parse(past))
    composed, files = saved_files(store, project, moved, made.new, step="sync")
    if composed != tree:  # the saved patches must give the very tree that was planned
        raise AnswerIsNo("sync", ids.short(tree), f"the new patches compose to {composed} instead", "report this")
    return files | _dropped(project, made)


def _saved(project: Project, made: Plan, changed: Sequence[str], blocks: tuple[Block, ...], *, commit: bool) -> Report:
    """Commit what was saved, or say how to."""
    saved = [name for name in projects.SAVED if (project.root / name).exists()]
    worktree = Worktree(project.root)
    loose = worktree.uncommitted([overlay.FOLDER, declaration.FILE]) if worktree.exists else ()
    names = [*saved, *(name for name in (overlay.FOLDER, declaration.FILE) if any(p.startswith(name) for p in loose))]
    message = f"sync: {project.declaration.upstream.name} {ids.short(made.old.sha)} → {ids.short(made.new.sha)}"
    gone = [f"{projects.PATCHES}/{row.old.name}" for row in made.rows if row.new is None]
    written = [name for name in changed if name not in gone]
    removed = (Painted(f"removed: {', '.join(gone)}", "yellow"),) if gone else ()
    done = ("", Painted(f"saved: {', '.join(written)}", "green"), *removed)
    how = (f'  git add -A -- {" ".join(names)} && git commit -m "{message}"',)
    if not commit:
        return Report((*blocks, *done, "next: look at it with `git diff`, then commit it:", *how))
    try:
        return Report((*blocks, *done, f"committed as {worktree.commit(names, message)}"))
    except OutsideError as error:
        said = Painted(f"saved, but not committed: {error.found}", "red")
        return Report((*blocks, *done, said, "next: mend that, then commit it:", *how), ExitCode.OUTSIDE_FAILED)


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
