"""carry(queue, old pin, new pin) → outcomes and the new queue. Every patch gets a verdict; nothing is moved or saved.

Each patch, in order, is placed on what was carried before it (`placing` says how); a clash never stops the verdict on
the patches after it, which are carried without it. A patch that found its place is

* *kept* when the hunks are the same lines, *refreshed* when only context changed, else *resolved*, to review
* for review, too, when its new diff, read again, looks as if it would not work (`suspicion`)
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from forkkeeper.core import hunks, lines, moves, picking, placing, suspicion, undoing
from forkkeeper.core.compose import Applied, Baseline, Step, update
from forkkeeper.core.ids import ObjectId, TreeId, short
from forkkeeper.core.mail import Patch
from forkkeeper.core.placing import Aid, Before, Placed, Way
from forkkeeper.core.store import EXECUTABLE, REGULAR, Change, Entries, Marked, Sides, Store
from forkkeeper.core.verdict import GONE, Carried, Outcome, Row

NO_AID = Aid()
MOST_CALLED = 40  # names that are looked for in whole trees
MOST_NAMED = 3  # names that are listed
NEARLY_SAME = 75  # per cent of a file: under another name, a rename that needs no second look


def carry(store: Store, old: Sequence[Step], new: Baseline, aid: Aid = NO_AID) -> Carried:
    """Carry a stacked queue onto a new baseline.

    old -- the queue stacked on the old baseline (`compose.stack`)
    """
    found: list[Row | Placed] = []
    tree, entries = new.tree, dict(new.entries.items())
    clashed: list[Applied] = []
    merged: dict[Sides, ObjectId | Marked] = {}
    for number, step in enumerate(old):
        _merge_ahead(store, old[number:], entries, merged)
        verdict = placing.place(store, step, Before(tree, entries, clashed, merged), aid)
        found.append(verdict)
        if isinstance(verdict, Placed):
            tree = verdict.after
            update(entries, verdict.changes)
        elif verdict.outcome is Outcome.CLASHED and isinstance(step, Applied):
            clashed.append(step)
    rows = _called(store, old, new, _rows(store, found))
    rows = [_built_on(store, step, row) for step, row in zip(old, rows, strict=True)]
    return Carried(tuple(_titled(row, aid) for row in rows), tree, entries)


def _built_on(store: Store, step: Step, row: Row) -> Row:
    """Ask for a review where upstream uses names again that a patch which declines a commit takes out altogether.

    Its lines may go without a conflict, while upstream builds on what they were in another place.
    """
    if row.new is None or row.tree is None or not isinstance(step, Applied) or picking.declined(step.patch) is None:
        return row
    names = picking.own_names(store, step.patch.files, step.after)
    there = store.mentions(row.tree, names)
    again = [name for name in names if name in there]
    if not again:
        return row
    more = f" and {len(again) - MOST_NAMED} more" if len(again) > MOST_NAMED else ""
    return _doubted(row, [f"upstream builds on what it declines: {', '.join(again[:MOST_NAMED])}{more}"])


def _called(store: Store, old: Sequence[Step], new: Baseline, rows: Sequence[Row]) -> Sequence[Row]:
    """Ask for a review where a patch's lines call what upstream calls otherwise now, in whichever file that stands."""
    wanted = {row.old.name: _called_elsewhere(store, row.new, new.entries) for row in rows if row.new is not None}
    called = dict.fromkeys(name for own in wanted.values() for name in own)
    names = _in_changed_files(store, store.changes(old[0].before, new.tree), tuple(called)) if called else ()
    if not names:
        return rows
    had, has = store.usages(old[0].before, names), store.usages(new.tree, names)
    return [_read_calls(row, wanted, had, has) for row in rows]


def _read_calls(row: Row, wanted: Mapping[str, Sequence[str]], had: bytes, has: bytes) -> Row:
    if row.new is None:
        return row
    return _doubted(row, suspicion.calls(row.new.files, wanted[row.old.name], had, has))


def _in_changed_files(store: Store, changes: Sequence[Change], names: Sequence[str]) -> tuple[str, ...]:
    """Give those names that stand in a file which upstream changed or removed; what stands in none is as it was."""
    left = {name: name.encode() for name in names}
    found: list[str] = []
    for change in changes:
        if change.old is not None and change.old.mode in (REGULAR, EXECUTABLE) and left:
            data = store.blob(change.old.oid)
            here = [name for name, raw in left.items() if raw in data]
            found += here
            left = {name: raw for name, raw in left.items() if name not in here}
    return tuple(found[:MOST_CALLED])


def _called_elsewhere(store: Store, patch: Patch, entries: Entries) -> tuple[str, ...]:
    """Give what a patch's lines call and its own files do not mention: those that do were read with the patch."""
    names = suspicion.called(patch.files)
    own = (entries[file.old] for file in patch.files if file.old is not None and file.old in entries) if names else ()
    texts = [store.blob(entry.oid) for entry in own if entry.mode in (REGULAR, EXECUTABLE)]
    return tuple(name for name in names if not any(name.encode() in text for text in texts))


def _doubted(row: Row, doubts: Sequence[str]) -> Row:
    said = "; ".join(doubt for doubt in doubts if doubt not in (row.why or ""))
    if not said or row.outcome is Outcome.REPLAYED:  # what a person made of the very same merge is theirs to judge
        return row
    return replace(row, review=True, why=f"{row.why}; but {said}" if row.why else f"it applies, but {said}")


def _titled(row: Row, aid: Aid) -> Row:
    """Ask for a review where upstream has a commit of the patch's title, and the patch is carried nevertheless."""
    namesake = aid.titled(row.old.subject) if row.outcome not in (*GONE, Outcome.REPLAYED) else None
    if namesake is None:
        return row
    said = f"upstream's commit {short(namesake)} has its title: is it still needed?"
    return replace(row, review=row.outcome is not Outcome.CLASHED, why=f"{row.why}; {said}" if row.why else said)


def _merge_ahead(store: Store, steps: Sequence[Step], entries: Entries, merged: dict[Sides, ObjectId | Marked]) -> None:
    """Merge the files of the next patch, with those of all later ones that no patch in between touches, in one go."""
    if not _unknown(steps[0], entries, merged):
        return
    wanted: dict[Sides, None] = {}
    touched: set[str] = set()
    for step in steps:
        if isinstance(step, Applied):
            own = {change.path for change in step.changes}
            wanted |= dict.fromkeys(_unknown(step, entries, merged) if own.isdisjoint(touched) else ())
            touched |= own
    merged |= zip(wanted, store.merge_files(list(wanted)), strict=True)


def _unknown(step: Step, entries: Entries, merged: Mapping[Sides, ObjectId | Marked]) -> list[Sides]:
    return [one for one in placing.sides(step, entries) or () if one not in merged]


def _rows(store: Store, found: Sequence[Row | Placed]) -> tuple[Row, ...]:
    """Give every verdict its final form, with all diffs asked for at once.

    The old diffs are asked for in git's own form only where a patch as it stands does not say the same as the new one.
    """
    placed = [verdict for verdict in found if isinstance(verdict, Placed)]
    diffs = store.diffs([(one.before, one.after) for one in placed])
    new = {
        one.step.patch.name: one.patch
        if moves.still_says(store, one.patch, one.before, one.after)
        else one.patch.with_diff(diff)
        for one, diff in zip(placed, diffs, strict=True)
    }
    merged = [
        one.step
        for one in placed
        if one.way is Way.MERGED and isinstance(one.step, Applied)
        if not hunks.same_hunks(one.step.patch.files, new[one.step.patch.name].files)
    ]
    old = store.diffs([(step.before, step.after) for step in merged])
    was = {step.patch.name: hunks.parse(diff) for step, diff in zip(merged, old, strict=True)}
    return tuple(
        verdict
        if isinstance(verdict, Row)
        else _row(store, verdict, new[verdict.step.patch.name], was.get(verdict.step.patch.name))
        for verdict in found
    )


def _row(store: Store, placed: Placed, new: Patch, was: tuple[hunks.FileDiff, ...] | None) -> Row:
    """Give the verdict on a patch whose new diff is known. was -- its old diff; None where that says the same."""
    old = placed.step.patch
    match placed.way:
        case Way.UNTOUCHED:
            return Row(old, Outcome.KEPT, new, placed.after, new.paths)
        case Way.BY_HAND:
            return _by_hand(store, placed, new)
        case Way.REPLAYED:
            row = Row(old, Outcome.REPLAYED, new, placed.after, new.paths, review=placed.review)
            return replace(row, why=placed.why, clash=placed.clash)
        case Way.LADDER:
            return _resolved(store, placed, new)
        case Way.MERGED:
            row = _merged(old, was, new, placed.after) if was else Row(old, Outcome.KEPT, new, placed.after, new.paths)
            row = _guessed(store, placed, row) if row.moved else row
            return _suspected(store, placed, row, new)


def _by_hand(store: Store, placed: Placed, new: Patch) -> Row:
    """Take a person's word; but ask again where files of the patch are left alone now, as half a diff looks so, too.

    Lines that upstream has just brought and that go are told: what is made by hand may be made from an older file. They
    may well be what clashed, so that is no reason to ask again; `check deletions` will.
    """
    old = placed.step.patch
    row = Row(old, Outcome.RESOLVED, new, placed.after, new.paths, "hand", why="a person made it fit")
    undone = _undone(store, placed)
    if undone:
        shown = undone[0].text.decode("utf-8", "replace").strip()
        several = "a line" if len(undone) == 1 else f"{len(undone)} lines"
        row = replace(row, why=f"{row.why}, and it deletes {several} that upstream has brought since: `{shown}`")
    left = [path for path in old.paths if path not in new.paths]
    if not left:
        return row
    said = f"it no longer changes {', '.join(left)}: is that meant?"
    return replace(row, review=True, why=f"{row.why}; but {said}")


def _undone(store: Store, placed: Placed) -> tuple[undoing.Line, ...]:
    """Give the lines that upstream brought between the pins to files of the patch, and that it deletes now."""
    base = {change.path: change.old for change in placed.step.changes} if isinstance(placed.step, Applied) else {}
    files, sides = [], []
    for change in placed.changes:
        was, ours, now = base.get(change.path), change.old, change.new
        if not (was and ours and now) or any(undoing.is_odd(one, store.blob) for one in (was, ours, now)):
            continue
        since, own = store.alignments([(was.oid, ours.oid), (ours.oid, now.oid)])
        before, text = (lines.split(store.blob(one.oid)) for one in (was, ours))
        files.append(undoing.Deleting(change.path, text, text, (), own))
        sides.append(undoing.Written(before, since))
    gone = undoing.deleted(files)
    return tuple(
        line for file, own, side in zip(files, gone, sides, strict=True) for line in undoing.undone(file, own, side)
    )


def _resolved(store: Store, placed: Placed, new: Patch) -> Row:
    """Give the verdict on a patch that the ladder resolved."""
    settlement = placed.settlement
    rule, resolved = (settlement.rule, settlement.resolved) if settlement else ("", ())
    hints = placing.read_again(store, placed, new).hints
    why = "; ".join(dict.fromkeys((*(one.answer.why for one in resolved), *hints)))
    row = Row(placed.step.patch, Outcome.RESOLVED, new, placed.after, new.paths, rule, review=True, why=why)
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


def _guessed(store: Store, placed: Placed, row: Row) -> Row:
    """Ask for a review where git took a file of another name, not nearly the same, for the one that upstream removed.

    A licence header and some boilerplate are enough for git.
    """
    sure = store.renames(placed.step.before, placed.before, NEARLY_SAME)
    if all(sure.get(one) == other or _file_name(one) == _file_name(other) for one, other in row.moved):
        return row
    return replace(row, review=True, why=f"{row.why}, as git guesses: less than {NEARLY_SAME} % of it is the same")


def _suspected(store: Store, placed: Placed, row: Row, new: Patch) -> Row:
    """Ask for a review where git merged without a word, and something speaks against it."""
    found = placing.read_again(store, placed, new)
    reasons = (*found.doubts, *found.hints, *found.removals)
    if not reasons:
        return row
    said = "; ".join(reasons)
    return replace(row, review=True, why=f"{row.why}; but {said}" if row.why else f"it applies, but {said}")


def _file_name(path: str) -> str:
    return path.rsplit("/", 1)[-1]
