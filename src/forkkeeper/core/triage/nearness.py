"""Which commits come near which patches: by the lines that each changes, with no carrying.

A patch's lines are followed from the pin to where they stand before the commit. A line that an earlier commit has
changed is that one's doing, and no later one's. A file that upstream moves is followed; one that it
removes is lost with that.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from forkkeeper.core.compose import Applied
from forkkeeper.core.ids import ObjectId
from forkkeeper.core.lines import Edit
from forkkeeper.core.store import EXECUTABLE, REGULAR, Entry, Store
from forkkeeper.core.triage.passed import Passed
from forkkeeper.core.trials import Stood

NEAR = 3  # lines of context on each side of a change, as git's diffs have them
Range = tuple[int, int]  # lines of a file from 0, end left out; an insertion is empty
ALL = (0, 1 << 32)  # every line of a file
Blobs = tuple[ObjectId, ObjectId]  # one version of a file, and another
Edits = Mapping[Blobs, tuple[Edit, ...]]


class Effect(Enum):
    """What a commit does to a patch; nothing is no effect, and has no name."""

    REFRESH = "refresh"  # it changes lines beside those of the patch
    REVIEW = "review"  # a rule carries the patch past it, for a person to look at
    CLASH = "clash"  # it changes the same lines
    BRINGS = "upstreamed"  # it brings what the patch does


@dataclass(frozen=True, slots=True)
class Met:
    """A commit that comes near a patch, and what it does to it by its lines alone: REFRESH or CLASH."""

    one: Passed
    step: Applied
    effect: Effect


@dataclass(frozen=True, slots=True)
class _Pair:
    """A commit that changes a file that a patch changes.

    origin -- what the file is called at the pin; pin -- its blob there
    blobs -- the file before and after the commit (None: it is gone); None where lines cannot be compared
    ours -- the file before and after the patch, the same where it changes no line of it
    is_elsewhere -- whether the commit removes the file or calls it something else
    """

    one: Passed
    step: Applied
    origin: str
    pin: ObjectId | None
    blobs: tuple[ObjectId, ObjectId | None] | None
    ours: Blobs | None
    is_elsewhere: bool


def met(store: Store, stood: Stood, line: Sequence[Passed]) -> tuple[Met, ...]:
    """Find which commits come near which patches, in the order of the commits, then of the queue.

    line -- the commits after the pin, oldest first
    """
    pairs = tuple(_pairs(stood, line))
    edits = _edits(store, pairs)
    order = {step.patch.name: number for number, step in enumerate(stood.steps)}
    times = {one.told.sha: number for number, one in enumerate(line)}
    found: dict[tuple[int, int], Met] = {}
    stand: dict[tuple[str, str], list[Range]] = {}  # patch and file at the pin → where the lines are by now
    for pair in pairs:
        key = pair.step.patch.name, pair.origin
        spans = stand.setdefault(key, _at_pin(pair, edits))
        effect = _effect(pair, spans, edits)
        stand[key] = _moved_on(pair, spans, edits)
        at = times[pair.one.told.sha], order[pair.step.patch.name]
        if effect is not None and (at not in found or effect is Effect.CLASH):
            found[at] = Met(pair.one, pair.step, effect)
    return tuple(found[at] for at in sorted(found))


def _pairs(stood: Stood, line: Sequence[Passed]) -> Iterator[_Pair]:
    applied = [step for step in stood.steps if isinstance(step, Applied)]
    owners: dict[str, list[tuple[Applied, Blobs | None]]] = {}
    for step in applied:
        added = {_text(change.new) for change in step.changes if change.old is None}
        for change in step.changes:
            old, new = _text(change.old), _text(change.new)
            new = old if change.new is None and old in added else new  # it moves the file, and changes no line of it
            owners.setdefault(change.path, []).append((step, (old, new) if old and new else None))
    names = {path: path for path in owners}  # what a file is called by now → what it was called at the pin
    for one in line:
        moved = dict(one.moves)
        there = {change.path: change.new for change in one.changes}
        now: dict[str, str] = {}
        for change in one.changes:
            origin = names.get(change.path)
            if origin is None:
                continue
            home = moved.get(change.path, change.path)
            if change.new is None:
                del names[change.path]
                now |= {home: origin} if home != change.path else {}
            pin, before, after = _text(stood.baseline.entries.get(origin)), _text(change.old), _text(there[home])
            blobs = (before, after) if pin and before and (after or there[home] is None) else None
            away = change.new is None
            yield from (_Pair(one, step, origin, pin, blobs, ours, away) for step, ours in owners[origin])
        names |= now


def _text(entry: Entry | None) -> ObjectId | None:
    """Give the blob of a file, as opposed to a link, a submodule or nothing."""
    return entry.oid if entry is not None and entry.mode in (REGULAR, EXECUTABLE) else None


def _edits(store: Store, pairs: Sequence[_Pair]) -> Edits:
    """Ask how all these files differ, at once."""
    asked: dict[Blobs, None] = {}
    for pair in pairs:
        if pair.ours is not None and pair.pin is not None:
            asked |= dict.fromkeys([(pair.pin, pair.ours[0]), pair.ours])
        if pair.blobs is not None and pair.blobs[1] is not None:
            asked[pair.blobs[0], pair.blobs[1]] = None
    wanted = [(old, new) for old, new in asked if old != new]
    return dict(zip(wanted, store.alignments(wanted), strict=True)) if wanted else {}


def _at_pin(pair: _Pair, edits: Edits) -> list[Range]:
    """Give where the lines that a patch changes stand at the pin; in between may be patches before it."""
    if pair.ours is None or pair.pin is None:
        return []
    earlier = edits.get((pair.pin, pair.ours[0]), ())
    return [_back(edit, earlier) for edit in edits.get(pair.ours, ())]


def _effect(pair: _Pair, spans: Sequence[Range], edits: Edits) -> Effect | None:
    if pair.blobs is None or pair.ours is None:
        return Effect.CLASH
    before, after = pair.blobs
    if pair.ours[0] == pair.ours[1]:
        return Effect.CLASH if pair.is_elsewhere else None
    theirs = [ALL] if after is None else [(edit.start, edit.end) for edit in edits.get((before, after), ())]
    return overlap(spans, theirs)


def _moved_on(pair: _Pair, spans: Sequence[Range], edits: Edits) -> list[Range]:
    """Give where a patch's lines stand after a commit, those that it changed left out."""
    if pair.blobs is None or pair.blobs[1] is None:
        return []
    since = edits.get((pair.blobs[0], pair.blobs[1]), ())
    return [span for one in spans if (span := _forward(one, since)) is not None]


def overlap(ours: Sequence[Range], theirs: Sequence[Range]) -> Effect | None:
    """Compare ranges of lines of one version of a file.

    >>> overlap([(4, 6)], [(5, 9)]).value, overlap([(4, 6)], [(8, 9)]).value, overlap([(4, 6)], [(20, 21)])
    ('clash', 'refresh', None)
    """
    gaps = [max(a, c) - min(b, d) for a, b in ours for c, d in theirs]
    if any(gap <= 0 for gap in gaps):
        return Effect.CLASH
    return Effect.REFRESH if any(gap <= NEAR for gap in gaps) else None


def _forward(span: Range, since: Sequence[Edit]) -> Range | None:
    """Give where lines stand after edits; None where an edit has changed one of them, or come in between.

    >>> _forward((5, 7), [Edit(1, 1, (b"new",))]), _forward((5, 7), [Edit(6, 8, ())])
    ((6, 8), None)
    """
    start, end = span
    shift = 0
    for edit in since:
        if (edit.start < end and edit.end > start) or start < edit.start < end:
            return None
        if start == end and edit.start < start < edit.end:
            return None
        if edit.end > start:
            break
        shift += len(edit.lines) - (edit.end - edit.start)
    return start + shift, end + shift


def _back(edit: Edit, since: Sequence[Edit]) -> Range:
    """Give the range of an edit where it lay before other edits; inside one of those: what that one replaced."""
    start, end = _place(edit.start, since), _place(edit.end, since)
    return min(start[0], end[0]), max(start[1], end[1])


def _place(at: int, since: Sequence[Edit]) -> Range:
    shift = 0
    for edit in since:
        start = edit.start + shift
        if at < start:
            break
        if at < start + len(edit.lines):
            return edit.start, edit.end
        shift += len(edit.lines) - (edit.end - edit.start)
    return at - shift, at - shift
