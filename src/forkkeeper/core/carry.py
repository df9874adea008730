"""carry(queue, old pin, new pin) → outcomes and the new queue. Every patch gets a verdict; nothing is moved or saved.

For each patch, in order, on what was carried before it:

1. its files are untouched on the new side: its result is taken as it is (*kept*)
2. its result is already there: the reverse of the patch applies, and did not before (*upstreamed*; to review unless
   the merge too finds nothing left to do, because the lines may stand in another place that looks the same)
3. git's three-way merge, base the tree before the patch on the old pin: clean gives *kept* or *refreshed*, clean
   with nothing left *emptied*, else *clashed*, and the patches after it are carried without it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum

from forkkeeper.core import applying, hunks
from forkkeeper.core.compose import Applied, Baseline, NotApplied, Step, through_symlink, update
from forkkeeper.core.ids import CommitId, TreeId
from forkkeeper.core.mail import Patch
from forkkeeper.core.paths import parents
from forkkeeper.core.store import Change, Conflict, Entries, Refused, Store, Written


class Outcome(Enum):
    """What carrying did to one patch."""

    KEPT = "kept"  # same hunk lines; offsets and blob ids may move
    REFRESHED = "refreshed"  # only context changed
    RESOLVED = "resolved"  # by a named rule
    REPLAYED = "replayed"  # by a recorded resolution
    UPSTREAMED = "upstreamed"  # upstream has the change
    EMPTIED = "emptied"  # the merge left nothing of it
    CLASHED = "clashed"  # a person must look


GONE = (Outcome.UPSTREAMED, Outcome.EMPTIED)


@dataclass(frozen=True, slots=True)
class Row:
    """The verdict on one patch.

    old -- the patch as it was
    new -- the patch for the new pin; None when it is gone or clashed
    tree -- the whole tree, overlay left out, with this patch on the ones before it that did not clash; the tree
        before it when it is gone; None when it clashed
    paths -- the paths that it touches on the new side; for a clash those that clashed
    rule -- the rule that resolved it
    review -- whether a careful maintainer would want to look, for the reason in `why`
    root -- for a cascade, the name of the patch whose clash it follows from
    places -- where it clashed, line by line, as far as that can be shown
    """

    old: Patch
    outcome: Outcome
    new: Patch | None
    tree: TreeId | None
    paths: tuple[str, ...] = ()
    rule: str | None = None
    review: bool = False
    proposal: TreeId | None = None
    culprit: CommitId | None = None
    root: str | None = None
    why: str | None = None
    places: tuple[Conflict, ...] = ()


@dataclass(frozen=True, slots=True)
class Carried:
    """What became of a queue. tree -- the new base with every patch that did not clash, overlay left out."""

    rows: tuple[Row, ...]
    tree: TreeId
    entries: Entries


@dataclass(frozen=True, slots=True)
class _Settled:
    """A patch whose place in the new tree is found, and whose verdict waits for its diffs. merged -- by git's merge."""

    step: Applied
    before: TreeId
    after: TreeId
    merged: bool


def carry(store: Store, old: Sequence[Step], new: Baseline) -> Carried:
    """Carry a stacked queue onto a new baseline.

    old -- the queue stacked on the old baseline (`compose.stack`)
    """
    found: list[Row | _Settled] = []
    tree, entries = new.tree, dict(new.entries)
    clashed: list[Applied] = []
    for step in old:
        verdict, changes = _carry_one(store, step, tree, entries, clashed)
        found.append(verdict)
        update(entries, changes)
        if isinstance(verdict, _Settled):
            tree = verdict.after
        elif verdict.outcome is Outcome.CLASHED and isinstance(step, Applied):
            clashed.append(step)
    return Carried(_rows(store, found), tree, entries)


def _rows(store: Store, found: Sequence[Row | _Settled]) -> tuple[Row, ...]:
    """Give every verdict its final form, with all diffs asked for at once."""
    settled = [verdict for verdict in found if isinstance(verdict, _Settled)]
    now = iter(store.diffs([(one.before, one.after) for one in settled]))
    was = iter(store.diffs([(one.step.before, one.step.after) for one in settled if one.merged]))
    rows: list[Row] = []
    for verdict in found:
        match verdict:
            case Row():
                rows.append(verdict)
            case _Settled(step=step, after=after, merged=False):
                patch = step.patch.with_diff(next(now))
                rows.append(Row(step.patch, Outcome.KEPT, patch, after, patch.paths))
            case _Settled(step=step, after=after):
                rows.append(_merged(step.patch, hunks.parse(next(was)), step.patch.with_diff(next(now)), after))
    return tuple(rows)


def _carry_one(
    store: Store, step: Step, tree: TreeId, entries: Entries, clashed: Sequence[Applied]
) -> tuple[Row | _Settled, tuple[Change, ...]]:
    """Give the verdict on one patch, and what it changes in the tree before it."""
    match step:
        case NotApplied(patch=patch, why=why):
            return _clash(patch, patch.paths, f"it does not apply at the pin it stands on: {why}"), ()
        case Applied(patch=patch) if (through := through_symlink(entries, patch.paths)) is not None:
            return _clash(patch, patch.paths, through), ()
        case Applied() if _untouched(step.changes, entries):
            after = store.graft(tree, {change.path: change.new for change in step.changes})
            return _Settled(step, tree, after, merged=False), step.changes
        case Applied(patch=patch) if all(entries.get(change.path) == change.new for change in step.changes):
            return _upstreamed(patch, tree), ()
        case Applied():
            return _merge(store, step, tree, entries, clashed)


def _untouched(changes: Sequence[Change], entries: Entries) -> bool:
    """Whether every path that the patch changes is as it was under the patch, and new files keep their folders."""
    if any(entries.get(change.path) != change.old for change in changes):
        return False
    added = [change.path for change in changes if change.old is None]
    if not added:
        return True
    folders = {parent for path in entries for parent in parents(path)}
    return all(
        path not in folders and all(parent in folders for parent in parents(path)) for path in added
    )  # a folder that upstream moved or replaced by a file is for the merge to see


def _undone(store: Store, step: Applied, tree: TreeId, entries: Entries) -> bool:
    """Whether the reverse of the patch applies, and did not before."""
    if applying.cannot_be_there(step.patch.files, entries, store.blob):
        return False
    return store.undoes(tree, step.patch.diff) and not store.undoes(step.before, step.patch.diff)


def _upstreamed(patch: Patch, tree: TreeId, *, sure: bool = True) -> Row:
    """Let a patch go; where a merge would still bring something, a person must say that it may."""
    if sure:
        return Row(patch, Outcome.UPSTREAMED, None, tree, patch.paths, why="upstream has the change already")
    why = "upstream has these lines, perhaps in another place that looks the same: a merge does not find them done"
    return Row(patch, Outcome.UPSTREAMED, None, tree, patch.paths, review=True, why=why)


def _merge(
    store: Store, step: Applied, tree: TreeId, entries: Entries, clashed: Sequence[Applied]
) -> tuple[Row | _Settled, tuple[Change, ...]]:
    answer = store.merge(step.before, tree, step.after)
    if _undone(store, step, tree, entries):
        return _upstreamed(step.patch, tree, sure=answer == Written(tree)), ()
    match answer:
        case Refused(paths=paths, why=why, places=places):
            root = _root(store, step, clashed)
            after = f"; it builds on {root.patch.title}, which clashed" if root else ""
            row = _clash(step.patch, paths, why + after, root.patch.name if root else None)
            return replace(row, places=places), ()
        case Written(tree=after) if after == tree:
            why = "the merge leaves nothing of it, though upstream does not have it as it stands"
            return Row(step.patch, Outcome.EMPTIED, None, tree, step.patch.paths, review=True, why=why), ()
        case Written(tree=after):
            return _Settled(step, tree, after, merged=True), store.changes(tree, after)


def _merged(old: Patch, was: tuple[hunks.FileDiff, ...], new: Patch, after: TreeId) -> Row:
    """Tell kept from refreshed by comparing what the patch says on each side."""
    if hunks.same_hunks(was, new.files):
        return Row(old, Outcome.KEPT, new, after, new.paths)
    if hunks.same_changes(was, new.files):
        why = _moved(was, new) or "upstream changed lines beside it"
        return Row(old, Outcome.REFRESHED, new, after, new.paths, why=why)
    why = "upstream has part of it: its lines are not the same as before"
    return Row(old, Outcome.RESOLVED, new, after, new.paths, "partly-upstreamed", review=True, why=why)


def _moved(was: tuple[hunks.FileDiff, ...], new: Patch) -> str | None:
    before = {path for f in was for path in (f.old, f.new) if path}
    gone, come = sorted(before - set(new.paths)), sorted(set(new.paths) - before)
    return f"upstream moved {', '.join(gone)} to {', '.join(come)}" if gone and come else None


def _clash(patch: Patch, paths: Sequence[str], why: str, root: str | None = None) -> Row:
    return Row(patch, Outcome.CLASHED, None, None, paths=tuple(sorted(set(paths))), root=root, why=why)


def _root(store: Store, step: Applied, clashed: Sequence[Applied]) -> Applied | None:
    """Find the clashed patch without which this one does not even apply on the old side: it is a cascade of that."""
    for earlier in clashed:
        without = store.merge(earlier.after, step.before, earlier.before)
        if isinstance(without, Refused) or isinstance(store.merge(step.before, without.tree, step.after), Refused):
            return earlier
    return None
