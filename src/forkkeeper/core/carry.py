"""carry(queue, old pin, new pin) → outcomes and the new queue. Every patch gets a verdict; nothing is moved or saved.

For each patch, in order, on what was carried before it:

1. its files are untouched on the new side: its result is taken as it is (*kept*)
2. git's three-way merge, base the tree before the patch on the old pin. A conflict is *clashed*, and the patches
   after it are carried without it.
3. a merge that leaves nothing: *upstreamed* when the result is there (byte for byte, or the reverse of the patch
   applies and did not before), else *emptied*, to review
4. a merge that leaves something though the result seems to be there, as it may stand in another place that looks the
   same: *upstreamed*, to review
5. any other: *kept* when the hunks are the same lines, *refreshed* when only context changed, else *resolved*, to
   review
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import TypeGuard

from forkkeeper.core import applying, hunks, settling, suspicion, upstreamed
from forkkeeper.core.compose import Applied, Baseline, NotApplied, Step, through_symlink, update
from forkkeeper.core.ids import CommitId, TreeId
from forkkeeper.core.ladder import counters
from forkkeeper.core.mail import Patch
from forkkeeper.core.paths import parents
from forkkeeper.core.settling import Resolution, Settlement
from forkkeeper.core.store import EXECUTABLE, REGULAR, Change, Conflict, Entries, Entry, Refused, Store, Written


class Outcome(Enum):
    """What carrying did to one patch."""

    KEPT = "kept"  # same hunk lines; offsets and blob ids may move
    REFRESHED = "refreshed"  # only context changed
    RESOLVED = "resolved"  # by a named rule
    REPLAYED = "replayed"  # by a recorded resolution
    UPSTREAMED = "upstreamed"  # upstream has the change
    EMPTIED = "emptied"  # the merge left nothing of it
    CLASHED = "clashed"  # a person must look


NEARLY_SAME = 75  # per cent of a file: under another name, a rename that needs no second look


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
    moved -- (path before, path now) of files that upstream moved under it
    resolutions -- the places that the ladder answered, with the evidence
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
    moved: tuple[tuple[str, str], ...] = ()
    resolutions: tuple[Resolution, ...] = ()


@dataclass(frozen=True, slots=True)
class Carried:
    """What became of a queue. tree -- the new base with every patch that did not clash, overlay left out."""

    rows: tuple[Row, ...]
    tree: TreeId
    entries: Entries


class _Way(Enum):
    """How the place of a patch was found."""

    UNTOUCHED = auto()  # its files are as they were
    MERGED = auto()  # by git's merge
    LADDER = auto()  # by the ladder, where git's merge stopped
    BY_HAND = auto()  # by a person's patch for the new side


@dataclass(frozen=True, slots=True)
class _Settled:
    """A patch whose place in the new tree is found, and whose verdict waits for its diffs.

    way -- how it was found
    changes -- what it changes in the tree before it
    settlement -- what the ladder made of it, where that was the way
    """

    patch: Patch
    step: Step
    before: TreeId
    after: TreeId
    way: _Way
    changes: tuple[Change, ...]
    settlement: Settlement | None = None


def carry(store: Store, old: Sequence[Step], new: Baseline, by_hand: Mapping[str, Patch] | None = None) -> Carried:
    """Carry a stacked queue onto a new baseline.

    old -- the queue stacked on the old baseline (`compose.stack`)
    by_hand -- by name, patches that a person made for the new side, to take in the place of a carried one
    """
    replacements = by_hand or {}
    found: list[Row | _Settled] = []
    tree, entries = new.tree, dict(new.entries)
    clashed: list[Applied] = []
    for step in old:
        hand = replacements.get(step.patch.name)
        verdict, changes = (
            _take(store, step, hand, tree, entries) if hand else _carry_one(store, step, tree, entries, clashed)
        )
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
    merged = [one.step for one in settled if one.way is _Way.MERGED and isinstance(one.step, Applied)]
    now = iter(store.diffs([(one.before, one.after) for one in settled]))
    was = iter(store.diffs([(step.before, step.after) for step in merged]))
    return tuple(verdict if isinstance(verdict, Row) else _row(store, verdict, next(now), was) for verdict in found)


def _row(store: Store, settled: _Settled, diff: bytes, was: Iterator[bytes]) -> Row:
    """Give the verdict on a patch whose new diff is known. was -- the old diffs of those that were merged, in order."""
    old, new = settled.step.patch, settled.patch.with_diff(diff)
    match settled.way:
        case _Way.UNTOUCHED:
            return Row(old, Outcome.KEPT, new, settled.after, new.paths)
        case _Way.BY_HAND:
            return Row(old, Outcome.RESOLVED, new, settled.after, new.paths, "hand", why="a person made it fit")
        case _Way.LADDER:
            return _resolved(store, settled, new)
        case _Way.MERGED:
            row = _merged(old, hunks.parse(next(was)), new, settled.after)
            row = _guessed(store, settled, row) if row.moved else row
            return _suspected(store, settled, row, new)


def _take(
    store: Store, step: Step, patch: Patch, tree: TreeId, entries: Entries
) -> tuple[Row | _Settled, tuple[Change, ...]]:
    """Apply what a person made for the new side."""
    why = through_symlink(entries, patch.paths)
    answer = Refused(patch.paths, why) if why else store.apply(tree, patch.diff)
    match answer:
        case Refused(why=why):
            return _clash(step.patch, patch.paths, f"what was made by hand does not apply on the new side: {why}"), ()
        case Written(tree=after) if after == tree:
            return _clash(step.patch, patch.paths, "what was made by hand changes nothing on the new side"), ()
        case Written(tree=after):
            return _settled(store, _Settled(patch, step, tree, after, _Way.BY_HAND, ()))


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
            return _Settled(step.patch, step, tree, after, _Way.UNTOUCHED, step.changes), step.changes
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


def _is_there(store: Store, step: Applied, tree: TreeId, entries: Entries) -> bool:
    """Whether the result of a patch is there: byte for byte, or its reverse applies, and did not before."""
    if all(entries.get(change.path) == change.new for change in step.changes):
        return True
    if any(_lacks_mode(change, entries.get(change.path)) for change in step.changes):
        return False  # to `git apply` a wrong mode is worth a warning only
    if applying.cannot_be_there(step.patch.files, entries, store.blob):
        return False
    return store.undoes(tree, step.patch.diff) and not store.undoes(step.before, step.patch.diff)


def _lacks_mode(change: Change, now: Entry | None) -> bool:
    """Whether a patch gives a file a mode that the file does not have."""
    if change.new is None or now is None or now.mode == change.new.mode:
        return False
    return change.old is None or change.old.mode != change.new.mode


def _merge(
    store: Store, step: Applied, tree: TreeId, entries: Entries, clashed: Sequence[Applied]
) -> tuple[Row | _Settled, tuple[Change, ...]]:
    answer = store.merge(step.before, tree, step.after)
    patch = step.patch
    root = _root(store, step, clashed)
    match answer:
        case Refused(paths=paths, why=why, places=places) if root:
            why = f"{why}; it builds on {root.patch.title}, which clashed"
            return replace(_clash(patch, paths, why, root.patch.name), places=places), ()
        case Refused():
            return _settle(store, step, tree, entries, answer)
        case Written(tree=after) if after == tree and root:  # it changes what that patch would have brought
            return _clash(patch, patch.paths, f"it builds on {root.patch.title}, which clashed", root.patch.name), ()
        case Written(tree=after) if after == tree:
            return _nothing_left(patch, tree, is_there=_is_there(store, step, tree, entries)), ()
        case Written(tree=after) if _is_there(store, step, tree, entries):
            why = "upstream has lines like it, but a merge does not find them where the patch has them"
            return Row(
                patch, Outcome.UPSTREAMED, None, tree, patch.paths, None, review=True, proposal=after, why=why
            ), ()
        case Written(tree=after):
            return _counted(store, _Settled(patch, step, tree, after, _Way.MERGED, store.changes(tree, after)))


def _nothing_left(patch: Patch, tree: TreeId, *, is_there: bool) -> Row:
    if is_there:
        return Row(patch, Outcome.UPSTREAMED, None, tree, patch.paths, why="upstream has the change already")
    why = "the merge leaves nothing of it, though upstream does not have it as it stands"
    return Row(patch, Outcome.EMPTIED, None, tree, patch.paths, review=True, why=why)


def _settle(
    store: Store, step: Applied, tree: TreeId, entries: Entries, refused: Refused
) -> tuple[Row | _Settled, tuple[Change, ...]]:
    """Climb the ladder where git's merge stopped; upstream's own form of the patch comes first."""
    patch, before = step.patch, store.entries(step.before)
    share = upstreamed.share(patch.files, before, entries, store.blob)
    if share.is_upstream:
        why = f"upstream has it in a form of its own: {share}"
        return Row(patch, Outcome.UPSTREAMED, None, tree, patch.paths, review=True, why=why), ()
    settlement = settling.settle(store, step, before, entries, refused)
    if settlement.is_likely and settlement.tree == tree:
        why = f"nothing is left of it: {'; '.join(dict.fromkeys(one.answer.why for one in settlement.resolved))}"
        row = Row(patch, Outcome.EMPTIED, None, tree, patch.paths, settlement.rule, review=True, why=why)
        return replace(row, resolutions=settlement.resolved), ()
    row = replace(_clash(patch, refused.paths, refused.why), resolutions=settlement.resolved)
    if not settlement.is_whole or settlement.tree == tree:
        return replace(row, places=(*settlement.left, *settlement.gone) or refused.places), ()
    changes = store.changes(tree, settlement.tree)
    found = _Settled(patch, step, tree, settlement.tree, _Way.LADDER, changes, settlement)
    read = _read_again(store, found, patch.with_diff(store.diffs([(tree, settlement.tree)])[0]))
    doubts = settlement.doubts or suspicion.doubts(read, lambda names: store.mentions(tree, names))
    if doubts:
        why = f"{refused.why}; there is a proposal, which is not certain: {'; '.join(doubts)}"
        return replace(row, why=why, places=refused.places, proposal=settlement.tree), ()
    return _counted(store, found)


def _counted(store: Store, found: _Settled) -> tuple[Row | _Settled, tuple[Change, ...]]:
    """Make both changes of a count that upstream and the patch changed alike, as a merge takes them once."""
    base = {change.path: change.old for change in found.step.changes} if isinstance(found.step, Applied) else {}
    resolved: list[Resolution] = []
    grafts: dict[str, Entry | None] = {}
    for change in found.changes:
        was, ours, now = base.get(change.path), change.old, change.new
        if was is None or ours is None or now is None:
            continue
        files = [file for file in found.step.patch.files if file.path == change.path]
        counted = counters.counted_once(files, store.blob(was.oid), store.blob(ours.oid)) if files else ()
        if counted:
            data, made = settling.count_on(change.path, store.blob(now.oid), counted)
            grafts[change.path] = Entry(now.mode, store.put(data))
            resolved += made
    if not resolved:
        return found, found.changes
    settlement = found.settlement or Settlement(found.after)
    settlement = replace(settlement, resolved=(*settlement.resolved, *resolved))
    after = store.graft(found.after, grafts)
    changes = store.changes(found.before, after)
    return replace(found, after=after, way=_Way.LADDER, changes=changes, settlement=settlement), changes


def _read_again(store: Store, found: _Settled, new: Patch) -> suspicion.Carried:
    """Give a patch that found its place, before and after, with the files that it touches."""
    steps = found.step.changes if isinstance(found.step, Applied) else ()
    base = {change.path: store.blob(change.old.oid) for change in steps if _is_file(change.old)}
    ours = {change.path: store.blob(change.old.oid) for change in found.changes if _is_file(change.old)}
    return suspicion.Carried(found.step.patch.files, new.files, base, ours)


def _settled(store: Store, found: _Settled) -> tuple[_Settled, tuple[Change, ...]]:
    changes = store.changes(found.before, found.after)
    return replace(found, changes=changes), changes


def _resolved(store: Store, settled: _Settled, new: Patch) -> Row:
    """Give the verdict on a patch that the ladder resolved."""
    settlement = settled.settlement
    rule, resolved = (settlement.rule, settlement.resolved) if settlement else ("", ())
    said = dict.fromkeys((*(one.answer.why for one in resolved), *suspicion.hints(_read_again(store, settled, new))))
    why = "; ".join(said)
    row = Row(settled.step.patch, Outcome.RESOLVED, new, settled.after, new.paths, rule, review=True, why=why)
    return replace(row, resolutions=resolved)


def _merged(old: Patch, was: tuple[hunks.FileDiff, ...], new: Patch, after: TreeId) -> Row:
    """Tell kept from refreshed by comparing what the patch says on each side."""
    moved = _moved(was, new)
    if hunks.same_hunks(was, new.files):
        return Row(old, Outcome.KEPT, new, after, new.paths)
    if hunks.same_changes(was, new.files):
        said = ", ".join(f"{one} to {other}" for one, other in moved)
        why = f"upstream moved {said}" if moved else "upstream changed lines beside it"
        return Row(old, Outcome.REFRESHED, new, after, new.paths, why=why, moved=moved)
    why = "its lines are not those that it had: upstream has part of it, or changed what it removes"
    return Row(old, Outcome.RESOLVED, new, after, new.paths, "partly-upstreamed", review=True, why=why)


def _moved(was: tuple[hunks.FileDiff, ...], new: Patch) -> tuple[tuple[str, str], ...]:
    """Pair the paths that the patch no longer touches with those that it touches now."""
    before = {path for f in was for path in (f.old, f.new) if path}
    gone, come = sorted(before - set(new.paths)), sorted(set(new.paths) - before)
    return tuple(zip(gone, come, strict=False))


def _guessed(store: Store, settled: _Settled, row: Row) -> Row:
    """Ask for a review where git took a file of another name, not nearly the same, for the one that upstream removed.

    A licence header and some boilerplate are enough for git.
    """
    sure = store.renames(settled.step.before, settled.before, NEARLY_SAME)
    if all(sure.get(one) == other or _file_name(one) == _file_name(other) for one, other in row.moved):
        return row
    return replace(row, review=True, why=f"{row.why}, as git guesses: less than {NEARLY_SAME} % of it is the same")


def _suspected(store: Store, settled: _Settled, row: Row, new: Patch) -> Row:
    """Ask for a review where git merged without a word, and something speaks against it."""
    read = _read_again(store, settled, new)
    doubts = suspicion.doubts(read, lambda names: store.mentions(settled.before, names)) + suspicion.hints(read)
    if not doubts:
        return row
    said = "; ".join(doubts)
    return replace(row, review=True, why=f"{row.why}; but {said}" if row.why else f"it applies, but {said}")


def _is_file(entry: Entry | None) -> TypeGuard[Entry]:
    return entry is not None and entry.mode in (REGULAR, EXECUTABLE)


def _file_name(path: str) -> str:
    return path.rsplit("/", 1)[-1]


def _clash(patch: Patch, paths: Sequence[str], why: str, root: str | None = None) -> Row:
    return Row(patch, Outcome.CLASHED, None, None, paths=tuple(sorted(set(paths))), root=root, why=why)


def _root(store: Store, step: Applied, clashed: Sequence[Applied]) -> Applied | None:
    """Find the clashed patch without which this one does not even apply on the old side: it is a cascade of that."""
    for earlier in clashed:
        without = store.merge(earlier.after, step.before, earlier.before)
        if isinstance(without, Refused) or isinstance(store.merge(step.before, without.tree, step.after), Refused):
            return earlier
    return None
