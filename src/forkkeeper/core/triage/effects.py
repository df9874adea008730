"""What one upstream commit does to each patch: predicted by carrying the patches' own files past it.

The queue is carried, on trees of only the files that it touches (`core/trials.py`), to the commit and to the one before
it; what differs between the two verdicts is the commit's doing. Only commits that touch one of those files are asked.

Where a patch clashes already at the commit before, its verdict says nothing more. Then the lines count: those that the
patch changes, followed to where they stand there, against those that the commit changes.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from forkkeeper.core import hunks, trials
from forkkeeper.core.compose import Applied
from forkkeeper.core.ids import ObjectId
from forkkeeper.core.lines import Edit
from forkkeeper.core.store import EXECUTABLE, REGULAR, Change, Entry, Store
from forkkeeper.core.triage.passed import Passed
from forkkeeper.core.trials import Part, Stood, Trials
from forkkeeper.core.verdict import GONE, Outcome, Row

NEAR = 3  # lines of context on each side of a change, as git's diffs have them


class Effect(Enum):
    """What a commit does to a patch; nothing is no effect, and has no name."""

    REFRESH = "refresh"  # it changes lines beside those of the patch
    REVIEW = "review"  # a rule carries the patch past it, for a person to look at
    CLASH = "clash"  # it changes the same lines
    BRINGS = "upstreamed"  # it brings what the patch does


@dataclass(frozen=True, slots=True)
class Hit:
    """What a commit does to one patch, by its title."""

    patch: str
    effect: Effect


def predict(
    store: Store, stood: Stood, line: Sequence[Passed], on_progress: Callable[[str, float, float], None]
) -> Mapping[str, tuple[Hit, ...]]:
    """Say for each commit, by its sha, what it does to the patches, in the queue's order; for none: it is not there.

    line -- the commits, each following on the one before it
    on_progress -- told (what, done, of) commits
    """
    tried = Trials(store, stood)
    order = {step.patch.title: number for number, step in enumerate(stood.steps)}
    found: dict[str, list[Hit]] = {}
    asked = 0
    for part in trials.parts(stood.steps):
        watched = set(part.paths or ())
        for one in line:
            asked += 1
            mine = [change for change in one.changes if change.path in watched]
            if mine:
                on_progress("carrying the queue past upstream's commits", asked, len(line) * len(order))
                found.setdefault(one.told.sha, []).extend(_hits(store, tried, part, one, mine))
                watched |= tried.entries(part.paths or (), one.tree).keys()
    ordered = {sha: tuple(sorted(hits, key=lambda hit: order[hit.patch])) for sha, hits in found.items()}
    return {sha: hits for sha, hits in ordered.items() if hits}


def _hits(store: Store, tried: Trials, part: Part, one: Passed, changes: Sequence[Change]) -> list[Hit]:
    before, after = tried.rows(part, one.before), tried.rows(part, one.tree)
    found = []
    for step, was, now in zip(part.steps, before, after, strict=True):
        effect = _turned(was, now)
        if was.outcome is Outcome.CLASHED and now.outcome is Outcome.CLASHED:
            effect = _overlap(store, step, changes)
        found += [Hit(step.patch.title, effect)] if effect is not None else []
    return found


def _turned(was: Row, now: Row) -> Effect | None:
    """Say what lies between two verdicts on one patch."""
    if now.outcome in GONE:
        return None if was.outcome in GONE else Effect.BRINGS
    if now.outcome is Outcome.CLASHED:
        return Effect.CLASH if now.root is None else None  # a cascade has the effect of its root
    if was.new is not None and now.new is not None and hunks.same_hunks(was.new.files, now.new.files):
        return None
    if was.outcome is Outcome.CLASHED or was.outcome in GONE:
        return None  # it goes back to what was
    return Effect.REVIEW if now.review and not was.review else Effect.REFRESH


# by lines -----------------------------------------------------------------------------------------------------------


def _overlap(store: Store, step: Applied, changes: Sequence[Change]) -> Effect | None:
    """Compare the lines that a patch changes with those that a commit changes."""
    by_path = {change.path: change for change in changes}
    effects = [
        _lines_of(store, own, by_path[own.path]) for own in step.changes if own.path in by_path and own.old is not None
    ]
    found = [effect for effect in effects if effect is not None]
    return (Effect.CLASH if Effect.CLASH in found else Effect.REFRESH) if found else None


def _lines_of(store: Store, own: Change, theirs: Change) -> Effect | None:
    files = [_text(entry) for entry in (own.old, own.new, theirs.old, theirs.new)]
    texts = [oid for oid in files if oid is not None]
    if len(texts) < len(files):
        return Effect.CLASH
    stood, patched, there, then = texts
    pairs = [(stood, patched), (stood, there), (there, then)]
    mine, since, done = (store.alignments([pair])[0] if pair[0] != pair[1] else () for pair in pairs)
    return overlap([(edit.start, edit.end) for edit in mine], [_back(edit, since) for edit in done])


def _text(entry: Entry | None) -> ObjectId | None:
    """Give the blob of a file, as opposed to a link, a submodule or nothing."""
    return entry.oid if entry is not None and entry.mode in (REGULAR, EXECUTABLE) else None


def overlap(ours: Sequence[tuple[int, int]], theirs: Sequence[tuple[int, int]]) -> Effect | None:
    """Compare ranges of lines (end left out) of one version of a file.

    >>> overlap([(4, 6)], [(5, 9)]).value, overlap([(4, 6)], [(8, 9)]).value, overlap([(4, 6)], [(20, 21)])
    ('clash', 'refresh', None)
    """
    gaps = [max(a, c) - min(b, d) for a, b in ours for c, d in theirs]
    if any(gap <= 0 for gap in gaps):
        return Effect.CLASH
    return Effect.REFRESH if any(gap <= NEAR for gap in gaps) else None


def _back(edit: Edit, since: Sequence[Edit]) -> tuple[int, int]:
    """Give the range of an edit where it lay before other edits; inside one of those: what that one replaced."""
    start, end = _place(edit.start, since), _place(edit.end, since)
    return min(start[0], end[0]), max(start[1], end[1])


def _place(at: int, since: Sequence[Edit]) -> tuple[int, int]:
    shift = 0
    for edit in since:
        start = edit.start + shift
        if at < start:
            break
        if at < start + len(edit.lines):
            return edit.start, edit.end
        shift += len(edit.lines) - (edit.end - edit.start)
    return at - shift, at - shift
