"""Which upstream commit first makes a patch clash: found by halving the commits between two pins.

A patch is carried to a commit in between (`core/trials.py`), and again to one in the half that is left, so that n
commits cost about log2(n) carries. What is found is a commit at which the patch clashes, while it does not at the one
before. Where upstream goes back and forth (a clash, then none, then one again) there are several such commits, and any
of them may be the one that is named: each is a true cause, and the one that counts today may be a later one.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from forkkeeper.core import trials
from forkkeeper.core.commits import Candidate, UpstreamCommit
from forkkeeper.core.compose import Step
from forkkeeper.core.ids import CommitId
from forkkeeper.core.trials import Part, Trials
from forkkeeper.core.verdict import GONE, Outcome, Row


@dataclass(frozen=True, slots=True)
class Found:
    """Where a patch begins to clash. since -- the last that is known to be clean; None: the commit follows on it."""

    sha: CommitId
    since: CommitId | None


@dataclass(frozen=True, slots=True)
class Culprit:
    """The upstream commit that first makes a patch clash.

    since -- None when it is this very commit. Else it is one after `since`, up to and with `commit`: what lies between
        them is not held here
    """

    commit: UpstreamCommit
    since: UpstreamCommit | None = None


def transition(count: int, clashes: Callable[[int], bool]) -> int | None:
    """Find a number below `count` that clashes while the one before it does not; None when even the last is clean.

    clashes -- asked at most ceil(log2(count)) + 1 times, never twice for one number. What comes before number 0 is
        taken to be clean.

    Verdicts that turn once: the first that clashes is found. Verdicts that go back and forth: one of their turns from
    clean to clash.

    >>> transition(1000, lambda number: number >= 700)
    700
    """
    if count < 1 or not clashes(count - 1):
        return None
    clean, clash = -1, count - 1
    while clash - clean > 1:
        middle = (clean + clash) // 2
        if clashes(middle):
            clash = middle
        else:
            clean = middle
    return clash


def find(
    tried: Trials,
    steps: Sequence[Step],
    rows: Sequence[Row],
    old: CommitId,
    candidates: Sequence[Candidate],
    on_progress: Callable[[str, float, float], None],
) -> Mapping[str, Found]:
    """Find where each patch begins to clash, or to be needless, by name; one that nothing is found for is not there.

    steps -- the queue, stacked on the old pin
    rows -- the verdicts at the new one that are to be explained: those that clash, and those that leave the queue
    candidates -- the commits after `old` up to the new pin, oldest first
    on_progress -- told (what, done, of) patches

    A cascade has the find of its root, where it shares a file with that; else it is looked for by itself. Nothing is
    found where the only known step is the whole way from pin to pin.
    """
    if len(candidates) < 2 and not any(candidate.follows for candidate in candidates):
        return {}
    found: dict[str, Found] = {}
    for done, row in enumerate(rows):
        on_progress("looking for culprits", done, len(rows))
        name = row.old.name
        part, whole = trials.up_to(steps, name), trials.up_to(steps, name, whole=True)
        if part is None or whole is None:
            continue
        if row.root is not None and row.root in part.names:
            at = found.get(row.root)
        else:  # where small trees show no clash, whole ones may
            turned = GONE if row.outcome in GONE else (Outcome.CLASHED,)
            at = _begins(tried, part, old, candidates, turned) or _begins(tried, whole, old, candidates, turned)
        found |= {name: at} if at is not None else {}
    return found


def _begins(
    tried: Trials, part: Part, old: CommitId, candidates: Sequence[Candidate], turned: Sequence[Outcome]
) -> Found | None:
    """Find where the last patch of a part begins to have one of some outcomes."""

    def has_turned(number: int) -> bool:
        return tried.rows(part, candidates[number].tree)[-1].outcome in turned

    at = transition(len(candidates), has_turned)
    if at is None:
        return None
    since = candidates[at - 1].sha if at else old
    return Found(candidates[at].sha, None if candidates[at].follows else since)


def marked(rows: Sequence[Row], culprits: Mapping[str, Culprit]) -> tuple[Row, ...]:
    """Write the culprits into the rows, those that are known to the commit."""
    known = {name: culprit.commit.sha for name, culprit in culprits.items() if culprit.since is None}
    return tuple(_marked(row, known.get(row.old.name)) for row in rows)


def _marked(row: Row, commit: CommitId | None) -> Row:
    if row.outcome is Outcome.CLASHED:
        return replace(row, culprit=commit)
    return replace(row, upstream=row.upstream or commit) if row.outcome in GONE else row
