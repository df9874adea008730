"""Showing what the fork changes (`diff`), and what a branch changes in the fork (`diff --since`)."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from forkkeeper.core import compose, ids, overlay, planning, report, review
from forkkeeper.core.compose import Applied, Composed, NotApplied
from forkkeeper.core.ids import TreeId
from forkkeeper.core.mail import Patch
from forkkeeper.core.placing import Aid
from forkkeeper.core.planning import Commit
from forkkeeper.core.report import Block, Painted, Report, Table
from forkkeeper.core.shown import spelled
from forkkeeper.core.store import Refused, Written
from forkkeeper.core.verdict import GONE, Outcome
from forkkeeper.errors import AnswerIsNo, RequestError
from forkkeeper.flow.standing import Setting, Stand, composed, locked_of, near_hint, not_with, open_fork
from forkkeeper.shell.git import Scratch, Worktree
from forkkeeper.stages import project as projects, upstream as upstreams
from forkkeeper.stages.project import Project
from forkkeeper.stages.upstream import Upstream


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked of a diff.

    since -- a revision of the fork's own repository to compare with; None: the baseline
    patch, file -- only what this patch does; only this file or folder
    stat, word -- as a table; word by word
    colour -- whether the terminal shows colours
    """

    since: str | None = None
    patch: str | None = None
    file: str | None = None
    stat: bool = False
    word: bool = False
    colour: bool = False


@dataclass(frozen=True, slots=True)
class Shown:
    """What a diff shows: the report (its table for `stat`), git's diff, and the pager."""

    report: Report
    text: bytes = b""
    pager: str = ""


@dataclass(frozen=True, slots=True)
class _Side:
    """The fork as it was, on the present pin.

    trees -- by the name of each patch that found its place: the trees before and after it
    patches -- the queue, as it is on the present pin; patches that upstream has by now are not there
    left_out -- why something of it is not in the tree
    """

    tree: TreeId
    trees: Mapping[str, tuple[TreeId, TreeId]]
    patches: tuple[Patch, ...]
    said: tuple[Block, ...]


def diff(setting: Setting, wanted: Wanted) -> Shown:
    """Show the difference between the baseline and the composed fork, or between the fork as it was and as it is."""
    if wanted.stat and wanted.word:
        raise not_with("--word", "--stat")
    wanted = replace(wanted, file=PurePosixPath(wanted.file).as_posix() if wanted.file else None)  # `./src/` is `src`
    project, upstream, notes = open_fork(setting, "diff")
    with composed(project, upstream, step="diff") as stand:
        if wanted.since is not None:
            return _since(project, upstream, stand, wanted, wanted.since, notes)
        made, owners = stand.made, _owners(stand.made.steps, project)
        old, new = made.baseline.tree, made.tree
        if wanted.patch is not None:
            step = _step_named(made, project, wanted.patch)
            old, new = step.before, step.after
        if wanted.file and not _touches(stand.store, old, new, wanted.file):
            hint = "`forkkeeper diff --stat` lists what it changes"
            raise AnswerIsNo("diff", wanted.file, "the fork does not change it", hint)
        return _shown(project, stand.store, wanted, (old, new), owners, notes)


def _shown(
    project: Project,
    store: Scratch,
    wanted: Wanted,
    trees: tuple[TreeId, TreeId],
    owners: Mapping[str, Sequence[str]],
    head: Sequence[Block],
) -> Shown:
    """Show the difference of two trees, below a head."""
    paths = (wanted.file,) if wanted.file else ()
    if wanted.stat:
        return Shown(Report((*head, _stat_table(store, *trees, owners, paths))))
    worktree = Worktree(project.root)
    painted = "always" if wanted.colour and worktree.colours(terminal=True) else "never"
    options = [*(["--word-diff"] if wanted.word else []), f"--color={painted}"]
    return Shown(Report(tuple(head)), worktree.show_diff(store, *trees, options, paths), worktree.pager())


def _touches(store: Scratch, old: TreeId, new: TreeId, path: str) -> bool:
    return any(c.path == path or c.path.startswith(f"{path}/") for c in store.changes(old, new))


def _step_named(made: Composed, project: Project, name: str) -> Applied:
    patch = project.queue.named(name)
    if patch is None:
        hint = near_hint(name, [p.title for p in project.queue.patches], "patches")
        raise RequestError("diff", f"--patch {name}", "is no patch of the queue", hint)
    return next(step for step in made.steps if step.patch.name == patch.name)


def _owners(steps: Sequence[Applied], project: Project) -> dict[str, list[str]]:
    """Give which patches, or the overlay, each path of the fork comes from."""
    owners: dict[str, list[str]] = {}
    for step in steps:
        for change in step.changes:
            owners.setdefault(change.path, []).append(step.patch.title)
    return owners | {path: ["overlay"] for path in project.overlay}


def _stat_table(
    store: Scratch, old: TreeId, new: TreeId, owners: Mapping[str, Sequence[str]], paths: Sequence[str]
) -> Table:
    rows = tuple(
        (
            spelled(s.path),
            "bin" if s.added is None else str(s.added),
            "" if s.removed is None else str(s.removed),
            ", ".join(owners.get(s.path, [])),
        )
        for s in store.stats(old, new, paths)
    )
    return Table(("file", "+", "-", "by"), rows)


# since a revision of the fork's own repository ----------------------------------------------------------------------


def _since(
    project: Project, upstream: Upstream, stand: Stand, wanted: Wanted, named: str, notes: Sequence[Block]
) -> Shown:
    """Show what changed in the fork's code since a revision of it; upstream's own changes are no part of that."""
    worktree = Worktree(project.root)
    commit = revision(worktree, named, step="diff")
    was = projects.load_at(project.root, commit, named, step="diff")
    side = _side(upstream, stand, was)
    old, new = side.tree, stand.made.tree
    if wanted.patch is not None:
        old, new = _patch_since(stand, side, wanted.patch, named)
    moved = locked_of(was, "diff").pin.sha != stand.pin.sha
    head: list[Block] = [
        *notes,
        f"from      {named}: {ids.short(commit)} of {worktree.date_of(commit)}",
        "to        the fork's files as they are here",
        *side.said,
        *review.said(review.compare(side.patches, project.queue.patches)),
        *_other_changes(was, project),
    ]
    if old == new or (wanted.file and not _touches(stand.store, old, new, wanted.file)):
        where = f"{wanted.file} is" if wanted.file else "The fork's code is"
        beside = ", but for what upstream did" if moved else ""
        return Shown(Report((*head, "", Painted(f"{where} the same as at {named}{beside}.", "green"))))
    owners = _owners(stand.made.steps, project)
    for title, paths in [("overlay", was.overlay), *((patch.title, patch.paths) for patch in was.queue.patches)]:
        for path in paths:
            owners.setdefault(path, [f"{title} (before)"])
    return _shown(project, stand.store, wanted, (old, new), owners, (*head, ""))


def revision(worktree: Worktree, named: str, *, step: str) -> ids.CommitId:
    """Give a commit of the fork's own repository. Raises RequestError where it names none."""
    if not worktree.exists:
        raise RequestError(step, f"--since {named}", "this fork is in no git repository", "`git init`, and commit it")
    commit = worktree.revision(named)
    if commit is None:
        hint = near_hint(named, worktree.refs(), "branches and tags")
        raise RequestError(step, f"--since {named}", "is no commit of the fork's own git repository", hint)
    return commit


def _side(upstream: Upstream, stand: Stand, was: Project) -> _Side:
    """Compose the fork as it was, carried to the present pin where it stood on another."""
    store, pin = stand.store, locked_of(was, "diff").pin
    if pin.sha == stand.pin.sha:
        stood = planning.stand(store, stand.pin, was.queue, was.declaration.path)
        applied = [step for step in stood.steps if isinstance(step, Applied)]
        tree = compose.tip(stood.baseline, stood.steps)
        trees = {step.patch.name: (step.before, step.after) for step in applied}
        lost = [
            f"{step.patch.title} (it does not apply: {step.why})"
            for step in stood.steps
            if isinstance(step, NotApplied)
        ]
        return _laid(store, was, tree, trees, was.queue.patches, [], lost)
    old = upstreams.hold(upstream, pin.sha, step="diff")
    return _carried(store, was, old, stand.pin, Aid(titled=upstreams.titled(upstream, old, stand.pin)))


def _carried(store: Scratch, was: Project, old: Commit, new: Commit, aid: Aid) -> _Side:
    """Carry the fork as it was to the present pin, in memory, without what clashes there."""
    made = planning.make(store, old, new, was.queue, was.overlay, was.declaration.path, aid)
    trees: dict[str, tuple[TreeId, TreeId]] = {}
    before = made.baseline
    for row in made.rows:
        if row.tree is not None:
            trees[row.old.name] = (before, row.tree)
            before = row.tree
    gone = [row.old.title for row in made.rows if row.outcome in GONE]
    clashed = [f"{row.old.title} (it clashes on the pin of now)" for row in made.clashed]
    patches = [row.new or row.old for row in made.rows if row.outcome not in GONE]
    said: list[Block] = [
        f"pin       {report.said(old)} → {report.said(new)}",
        f"          upstream's own changes are left out: the queue was carried ({planning.totals(made.rows)})",
        *([f"          upstream has by now: {', '.join(gone)}"] if gone else []),
    ]
    said += [
        Painted(f"          {row.old.title} was resolved by {row.rule}, which nobody has reviewed", "yellow")
        for row in made.rows
        if row.outcome is Outcome.RESOLVED
    ]
    return _laid(store, was, made.carried.tree, trees, patches, said, clashed)


def _laid(
    store: Scratch,
    was: Project,
    tree: TreeId,
    trees: Mapping[str, tuple[TreeId, TreeId]],
    patches: Sequence[Patch],
    said: Sequence[Block],
    lost: Sequence[str],
) -> _Side:
    """Lay the overlay over the fork as it was, and say what could not be in it."""
    entries = overlay.entries(store, was.overlay)
    taken = {collision.path: collision.found for collision in compose.collisions(store.some(tree, entries), entries)}
    whole = compose.lay(store, tree, {path: entry for path, entry in entries.items() if path not in taken})
    lost = [*lost, *(f"{overlay.FOLDER}/{path} ({found})" for path, found in taken.items())]
    left = [Painted(f"left out  {text}: what it is now is shown as if it were new", "yellow") for text in lost]
    return _Side(whole, trees, tuple(patches), (*said, *left))


def _other_changes(was: Project, project: Project) -> list[str]:
    """Say what else differs that decides the fork's code: overlay files, the path policy."""
    paths = sorted(was.overlay.keys() | project.overlay.keys())
    changed = [path for path in paths if was.overlay.get(path) != project.overlay.get(path)]
    policy = was.digests().policy != project.digests().policy
    return [
        *([f"overlay   {report.count(len(changed), 'file')} changed"] if changed else []),
        *(["policy    the [[path]] rules of fork.toml changed"] if policy else []),
    ]


def _patch_since(stand: Stand, side: _Side, name: str, named: str) -> tuple[TreeId, TreeId]:
    """Give the trees whose difference is what became of one patch: as it was and as it is, on what is before it now."""
    title = name.removesuffix(".patch")
    then = next((trees for file, trees in side.trees.items() if file.removesuffix(".patch") == title), None)
    now = next((step for step in stand.made.steps if step.patch.title == title), None)
    if then is None and now is None:
        titles = sorted({s.patch.title for s in stand.made.steps} | {p.title for p in side.patches})
        hint = near_hint(name, titles, "patches")
        raise RequestError("diff", f"--patch {name}", f"is no patch of the queue, now or at {named}", hint)
    last = compose.tip(stand.made.baseline, stand.made.steps)
    before, after = (now.before, now.after) if now is not None else (last, last)
    if then is None:
        return before, after
    laid = stand.store.merge(then[0], before, then[1])
    match laid:
        case Written(tree=tree):
            return tree, after
        case Refused(paths=paths):
            found = f"what it did at {named} cannot be laid on what is before it now ({', '.join(paths)})"
            again = shlex.join(["forkkeeper", "diff", "--since", named, "--file", paths[0]])
            raise AnswerIsNo("diff", f"--patch {name}", found, f"`{again}`")
