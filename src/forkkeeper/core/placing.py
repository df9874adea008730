"""Finding the place of one patch on the new side, or saying why it has none.

0. a patch picked from a commit that the new side has is *upstreamed* by that, whatever became of its lines
1. its files are untouched on the new side, and it moves none: its result is taken as it is
2. git's three-way merge, base the tree before the patch on the old pin
3. a merge that leaves nothing: *upstreamed* when the result is there (byte for byte, or the reverse of the patch
   applies and did not before), to review where lines that it takes away were only moved; else *emptied*, to review
4. a merge that leaves something though the result seems to be there, as it may stand in another place that looks the
   same: *upstreamed*, to review
5. a merge that conflicts: *upstreamed*, to review, when most of what the patch adds is there and what it removes is
   gone; else the ladder (`settling`), whose result is *resolved*, to review. What it only guesses, or what the result
   read again speaks against (`suspicion`), stays *clashed*, with a proposal.
6. a count that both sides changed alike, which a merge takes once, is counted on
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from typing import TypeGuard

from forkkeeper.core import applying, conflicts, removals, resolutions, settling, suspicion, upstreamed
from forkkeeper.core.clash import Clash
from forkkeeper.core.compose import Applied, NotApplied, Step, through_symlink
from forkkeeper.core.ids import CommitId, ObjectId, TreeId, short
from forkkeeper.core.ladder import counters
from forkkeeper.core.mail import Patch
from forkkeeper.core.paths import parents
from forkkeeper.core.resolutions import Recorded
from forkkeeper.core.settling import Resolution, Settlement
from forkkeeper.core.store import (
    EXECUTABLE,
    REGULAR,
    Change,
    Contest,
    Entries,
    Entry,
    Marked,
    Refused,
    Sides,
    Store,
    Written,
)
from forkkeeper.core.verdict import Outcome, Row

PASSED = "passed"  # the rule by which a picked patch leaves


class Way(Enum):
    """How the place of a patch was found."""

    UNTOUCHED = auto()  # its files are as they were
    MERGED = auto()  # by git's merge
    LADDER = auto()  # by the ladder, where git's merge stopped
    BY_HAND = auto()  # by a person's patch for the new side
    REPLAYED = auto()  # by a recorded resolution


@dataclass(frozen=True, slots=True)
class Placed:
    """A patch whose place in the new tree is found, and whose verdict waits for its diffs.

    way -- how it was found
    changes -- what it changes in the tree before it
    settlement -- what the ladder made of it, where that was the way
    why -- what is to be said of it
    review -- whether a person must look, for that reason
    clash -- where a recorded resolution was replayed: the clash that it is of
    """

    patch: Patch
    step: Step
    before: TreeId
    after: TreeId
    way: Way
    changes: tuple[Change, ...]
    settlement: Settlement | None = None
    why: str | None = None
    review: bool = False
    clash: Clash | None = None


@dataclass(frozen=True, slots=True)
class LeftOut:
    """What a person said of a patch that is not carried: parked or dropped, and why."""

    outcome: Outcome
    why: str


@dataclass(frozen=True, slots=True)
class Passed:
    """Why a patch that was picked from upstream leaves the queue: the new side has the commit that it came from.

    since -- of what came between two commits: the older one
    doubt -- what a person should look at before it goes, None for nothing
    """

    commit: CommitId
    since: CommitId | None = None
    doubt: str | None = None


def _no_log(_: str) -> None:
    """Know no titles."""


@dataclass(frozen=True, slots=True)
class Aid:
    """What a carry is told beside the trees.

    by_hand -- by name, patches that a person made for the new side, to take in the place of a carried one
    trusted -- names of patches of which a person takes what the ladder only guesses
    recorded -- resolutions, by their keys
    left_out -- by name, patches that a person does not want carried
    titled -- finds upstream's commit between the pins that has a title, compared by `upstreamed.title_key`
    passed -- by name, patches that were picked from commits which the new side has
    """

    by_hand: Mapping[str, Patch] = field(default_factory=dict)
    trusted: frozenset[str] = frozenset()
    recorded: Mapping[str, Recorded] = field(default_factory=dict)
    left_out: Mapping[str, LeftOut] = field(default_factory=dict)
    titled: Callable[[str], CommitId | None] = _no_log
    passed: Mapping[str, Passed] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Before:
    """What stands before a patch when its turn comes.

    tree, entries -- what was carried before it
    clashed -- the patches before it that were not
    merged -- files that were merged beforehand, at least those of `sides(step, entries)`
    """

    tree: TreeId
    entries: Entries
    clashed: Sequence[Applied]
    merged: Mapping[Sides, ObjectId | Marked]


def place(store: Store, step: Step, before: Before, aid: Aid) -> Row | Placed:
    """Place one patch on what was carried before it, or give its verdict where it has no place."""
    found = _place(store, step, before, aid)
    if isinstance(found, Row) and found.outcome is Outcome.CLASHED and found.clash is None:
        return replace(found, clash=Clash(before.tree))
    return found


def _place(store: Store, step: Step, before: Before, aid: Aid) -> Row | Placed:
    if (told := _told(step.patch, before, aid)) is not None:
        return told
    hand = aid.by_hand.get(step.patch.name)
    if hand is not None:
        return _take(store, step, hand, before)
    match step:
        case NotApplied(patch=patch, why=why):
            return _clash(patch, patch.paths, f"it does not apply at the pin it stands on: {why}")
        case Applied(patch=patch) if (through := through_symlink(before.entries, patch.paths)) is not None:
            return _clash(patch, patch.paths, through)
        case Applied() if _untouched(store, step.changes, before):
            after = store.graft(before.tree, {change.path: change.new for change in step.changes})
            return Placed(step.patch, step, before.tree, after, Way.UNTOUCHED, step.changes)
        case Applied():
            return _merge(store, step, before, aid)


def _told(patch: Patch, before: Before, aid: Aid) -> Row | None:
    """Give the verdict that needs no look at the trees: a person's, or that upstream has what was picked from it."""
    left_out, passed = aid.left_out.get(patch.name), aid.passed.get(patch.name)
    if left_out is not None:
        return Row(patch, left_out.outcome, None, before.tree, patch.paths, why=left_out.why)
    if passed is None or patch.name in aid.by_hand:
        return None
    between = (
        f"all up to {short(passed.commit)}, out of which" if passed.since else f"{short(passed.commit)}, from which"
    )
    why = f"upstream has {between} it was picked"
    why = f"{why}; but {passed.doubt}" if passed.doubt else why
    row = Row(patch, Outcome.UPSTREAMED, None, before.tree, patch.paths, PASSED, review=bool(passed.doubt), why=why)
    return replace(row, upstream=passed.commit)


def _take(store: Store, step: Step, patch: Patch, before: Before) -> Row | Placed:
    """Apply what a person made for the new side."""
    tree = before.tree
    why = through_symlink(before.entries, patch.paths)
    answer = Refused(patch.paths, why) if why else store.apply(tree, patch.diff)
    match answer:
        case Refused(why=why):
            return _clash(step.patch, patch.paths, f"what was made by hand does not apply on the new side: {why}")
        case Written(tree=after) if after == tree:
            return _clash(step.patch, patch.paths, "what was made by hand changes nothing on the new side")
        case Written(tree=after):
            return Placed(patch, step, tree, after, Way.BY_HAND, store.changes(tree, after))


def sides(step: Step, entries: Entries) -> tuple[Sides, ...] | None:
    """Give the files of a patch that have to be merged; None where it takes more than merging files that stay.

    A file that upstream moved, removed or made another kind of, or that the patch adds or removes, takes whole trees.
    """
    if not isinstance(step, Applied) or not all(_stays(change, entries.get(change.path)) for change in step.changes):
        return None
    found = (_sides(change, entries[change.path]) for change in step.changes)
    return tuple(one for one in found if one.ours not in (one.base, one.theirs))


def _sides(change: Change, ours: Entry) -> Sides:
    base, theirs = (entry.oid if entry else ours.oid for entry in (change.old, change.new))
    return Sides(base, ours.oid, theirs)


def _stays(change: Change, ours: Entry | None) -> bool:
    """Whether a file is a plain one of one mode on all sides."""
    return (
        _is_file(change.old)
        and change.new is not None
        and ours is not None
        and (change.old.mode == change.new.mode == ours.mode)
    )


def _untouched(store: Store, changes: Sequence[Change], before: Before) -> bool:
    """Whether every path that the patch changes is as it was under the patch, and files keep their folders."""
    if any(before.entries.get(change.path) != change.old for change in changes):
        return False
    added = [change.path for change in changes if change.old is None]
    if not added:
        return True
    if any(change.new is None for change in changes):
        return False  # it may move a folder to which upstream adds files
    return all(
        not store.is_folder(before.tree, path) and all(store.is_folder(before.tree, parent) for parent in parents(path))
        for path in added
    )  # a folder that upstream moved or replaced by a file is for the merge to see


def _is_there(store: Store, step: Applied, before: Before) -> bool:
    """Whether the result of a patch is there: byte for byte, or its reverse applies, and did not before."""
    entries = before.entries
    if all(entries.get(change.path) == change.new for change in step.changes):
        return True
    if any(_lacks_mode(change, entries.get(change.path)) for change in step.changes):
        return False  # to `git apply` a wrong mode is worth a warning only
    if applying.cannot_be_there(step.patch.files, entries, store.blob):
        return False
    return store.undoes(before.tree, step.patch.diff) and not store.undoes(step.before, step.patch.diff)


def _lacks_mode(change: Change, now: Entry | None) -> bool:
    """Whether a patch gives a file a mode that the file does not have."""
    if change.new is None or now is None or now.mode == change.new.mode:
        return False
    return change.old is None or change.old.mode != change.new.mode


def _merge(store: Store, step: Applied, before: Before, aid: Aid) -> Row | Placed:
    patch, tree = step.patch, before.tree
    answer = _file_by_file(store, step, before) or store.merge(step.before, tree, step.after)
    root = _root(store, step, before.clashed) if isinstance(answer, Refused) or answer.tree == tree else None
    match answer:
        case Refused(paths=paths, why=why, places=places) if root:
            why = f"{why}; it builds on {root.patch.title}, which clashed"
            return replace(_clash(patch, paths, why, root.patch.name), places=places)
        case Refused():
            return _settle(store, step, before, answer, aid)
        case Written(tree=after) if after == tree and root:  # it changes what that patch would have brought
            return _clash(patch, patch.paths, f"it builds on {root.patch.title}, which clashed", root.patch.name)
        case Written(tree=after) if after == tree:
            return _nothing_left(store, step, before)
        case Written(tree=after) if _is_there(store, step, before):
            why = "upstream has lines like it, but a merge does not find them where the patch has them"
            return Row(patch, Outcome.UPSTREAMED, None, tree, patch.paths, None, review=True, proposal=after, why=why)
        case Written(tree=after):
            return _counted(store, Placed(patch, step, tree, after, Way.MERGED, store.changes(tree, after)))


def _file_by_file(store: Store, step: Applied, before: Before) -> Written | Refused | None:
    """Merge a patch's files, each by itself; None where that is not enough.

    For files that stay this is what a merge of the whole trees gives, and takes no process of its own.
    """
    needed = sides(step, before.entries)
    if needed is None or any(one not in before.merged for one in needed):
        return None
    grafts: dict[str, Entry | None] = {}
    contests: list[tuple[Contest, Marked]] = []
    for change in step.changes:
        ours = before.entries[change.path]
        one = _sides(change, ours)
        merged = one.theirs if one.ours == one.base else one.ours if one.ours == one.theirs else before.merged[one]
        if isinstance(merged, Marked):
            contests.append((Contest(change.path, change.old, ours, change.new), merged))
            grafts[change.path] = Entry(ours.mode, merged.oid)
        else:
            grafts[change.path] = Entry(ours.mode, merged)
    tree = store.graft(before.tree, grafts)
    if not contests:
        return Written(tree)
    why = dict.fromkeys(conflicts.of_file(contest.path, marked.kind) for contest, marked in contests)
    places = (p for contest, marked in contests for p in conflicts.places(contest.path, store.blob(marked.oid)))
    paths = tuple(contest.path for contest, _ in contests)
    return Refused(paths, "; ".join(why), tuple(places), tuple(contest for contest, _ in contests), tree)


def _nothing_left(store: Store, step: Applied, before: Before) -> Row:
    patch, tree = step.patch, before.tree
    if _is_there(store, step, before):
        row = Row(patch, Outcome.UPSTREAMED, None, tree, patch.paths, why="upstream has the change already")
        found = removals.only_moved(patch.files, store.changes(step.after, tree), store.blob)
        return replace(row, review=True, why=f"{row.why}; but {found}") if found else row
    why = "the merge leaves nothing of it, though upstream does not have it as it stands"
    return Row(patch, Outcome.EMPTIED, None, tree, patch.paths, review=True, why=why)


def _settle(store: Store, step: Applied, before: Before, refused: Refused, aid: Aid) -> Row | Placed:
    """Climb the ladder where git's merge stopped; upstream's own form of the patch comes first."""
    patch, tree = step.patch, before.tree
    clash = Clash(tree, refused.contests, refused.partly, resolutions.key(patch, refused.contests, refused.places))
    recorded = aid.recorded.get(clash.key or "")
    if recorded is not None and (replayed := _replay(store, step, clash, recorded)):
        return replayed
    base = {change.path: change.old for change in step.changes if change.old is not None}
    share = upstreamed.share(patch.files, base, before.entries, store.blob)
    namesake = aid.titled(patch.subject)
    if share.is_upstream or (namesake and share.is_half):
        title = f"upstream's commit {short(namesake)} has its title, and " if namesake else ""
        why = f"upstream has it in a form of its own: {title}{share}"
        return Row(patch, Outcome.UPSTREAMED, None, tree, patch.paths, review=True, why=why, upstream=namesake)
    settlement = settling.settle(store, step, before.entries, refused)
    if settlement.is_likely and settlement.tree == tree:
        why = f"nothing is left of it: {'; '.join(dict.fromkeys(one.answer.why for one in settlement.resolved))}"
        row = Row(patch, Outcome.EMPTIED, None, tree, patch.paths, settlement.rule, review=True, why=why)
        return replace(row, resolutions=settlement.resolved)
    row = replace(_clash(patch, refused.paths, refused.why), resolutions=settlement.resolved, clash=clash)
    row = _stale(row, aid)
    if not settlement.is_whole or settlement.tree == tree:
        row = replace(row, why="; ".join((row.why or "", *settlement.modes)))
        return replace(row, places=(*settlement.left, *settlement.gone) or refused.places)
    changes = store.changes(tree, settlement.tree)
    found = Placed(patch, step, tree, settlement.tree, Way.LADDER, changes, settlement)
    proposed = patch.with_diff(store.diffs([(tree, settlement.tree)])[0])
    doubts = (*settlement.doubts, *read_again(store, found, proposed).doubts)
    if doubts and patch.name not in aid.trusted:
        said = "; ".join(doubt for doubt in doubts if doubt not in refused.why)
        why = f"{refused.why}; there is a proposal, which is not certain{f': {said}' if said else ''}"
        return replace(row, why=why, places=refused.places, proposal=settlement.tree, proposed=proposed)
    return _counted(store, found)


def _replay(store: Store, step: Applied, clash: Clash, recorded: Recorded) -> Placed | None:
    """Take what a person made of the very same clash; None where it does not apply."""
    answer = store.apply(clash.before, recorded.diff)
    if isinstance(answer, Refused) or answer.tree == clash.before:
        return None
    changes = store.changes(clash.before, answer.tree)
    why = f"{resolutions.FOLDER}/{recorded.name} is of the same clash"
    found = Placed(step.patch, step, clash.before, answer.tree, Way.REPLAYED, changes, why=why, clash=clash)
    if recorded.fits_exactly(clash.contests):
        return found
    said = "but upstream changed other lines of these files since it was recorded"
    return replace(found, why=f"{why}, {said}", review=True)


def _stale(row: Row, aid: Aid) -> Row:
    """Say so where resolutions are recorded for a patch that clashes otherwise now."""
    names = sorted(one.name for one in aid.recorded.values() if one.patch == row.old.name)
    if not names:
        return row
    said = f"{resolutions.FOLDER}/{names[-1]} was recorded for other lines, and is not used"
    return replace(row, why=f"{row.why}; {said}")


def _counted(store: Store, found: Placed) -> Row | Placed:
    """Make both changes of a count that upstream and the patch changed alike, as a merge takes them once."""
    base = {change.path: change.old for change in found.step.changes} if isinstance(found.step, Applied) else {}
    resolved: list[Resolution] = []
    grafts: dict[str, Entry | None] = {}
    for change in found.changes:
        was, ours, now = base.get(change.path), change.old, change.new
        if not (_is_file(was) and _is_file(ours) and _is_file(now)):
            continue
        files = [file for file in found.step.patch.files if file.path == change.path]
        counted = counters.counted_once(files, store.blob(was.oid), store.blob(ours.oid)) if files else ()
        if counted:
            data, made = settling.count_on(change.path, store.blob(now.oid), counted)
            grafts[change.path] = Entry(now.mode, store.put(data))
            resolved += made
    if not resolved:
        return found
    settlement = found.settlement or Settlement(found.after)
    settlement = replace(settlement, resolved=(*settlement.resolved, *resolved))
    after = store.graft(found.after, grafts)
    changes = store.changes(found.before, after)
    return replace(found, after=after, way=Way.LADDER, changes=changes, settlement=settlement)


def read_again(store: Store, found: Placed, new: Patch) -> suspicion.Found:
    """Look for what may be wrong with a patch that found its place."""
    steps = found.step.changes if isinstance(found.step, Applied) else ()
    base = {change.path: store.blob(change.old.oid) for change in steps if _is_file(change.old)}
    ours = {change.path: store.blob(change.old.oid) for change in found.changes if _is_file(change.old)}
    carried = suspicion.Carried(found.step.patch.files, new.files, base, ours)
    return suspicion.look(carried, lambda names: store.mentions(found.before, names))


def _is_file(entry: Entry | None) -> TypeGuard[Entry]:
    return entry is not None and entry.mode in (REGULAR, EXECUTABLE)


def _clash(patch: Patch, paths: Sequence[str], why: str, root: str | None = None) -> Row:
    return Row(patch, Outcome.CLASHED, None, None, paths=tuple(sorted(set(paths))), root=root, why=why)


def _root(store: Store, step: Applied, clashed: Sequence[Applied]) -> Applied | None:
    """Find the clashed patch without which this one does not even apply on the old side: it is a cascade of that."""
    return next((earlier for earlier in clashed if not _stands_without(store, step, earlier)), None)


def _stands_without(store: Store, step: Applied, earlier: Applied) -> bool:
    """Whether a patch applies on the old side when an earlier one is taken out from under it."""
    changed = {change.path: change for change in earlier.changes}
    shared = [(change, changed[change.path]) for change in step.changes if change.path in changed]
    for change, other in shared:
        if not (_is_file(change.old) and _is_file(change.new) and _is_file(other.old) and _is_file(other.new)):
            return False
        (without,) = store.merge_files([Sides(other.new.oid, change.old.oid, other.old.oid)])
        if isinstance(without, Marked):
            return False
        (again,) = store.merge_files([Sides(change.old.oid, without, change.new.oid)])
        if isinstance(again, Marked):
            return False
    return True
