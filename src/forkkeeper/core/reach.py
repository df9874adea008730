"""How far a queue goes with no human: the newest upstream commit to which all of it carries, and what stops it there.

Every commit between the pins is looked at, the newest first, so a clash that upstream took back is no obstacle. That is
cheap, as only what changes one of the queue's files makes a new state of them (`core/trials.py`), and the patch that
stopped the last commit is asked first.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from forkkeeper.core import compose, trials
from forkkeeper.core.commits import Candidate, UpstreamCommit
from forkkeeper.core.compose import Collision
from forkkeeper.core.culprits import transition
from forkkeeper.core.planning import Commit, printable
from forkkeeper.core.store import Entry
from forkkeeper.core.trials import Part, Stood, Trials
from forkkeeper.core.verdict import Outcome, Row

SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Reach:
    """How far a queue goes from one pin towards another.

    free -- the newest commit to which it carries; None where that is the old pin itself
    commits, of -- how many of the commits that could be tried lead to it, and how many could be
    has_history -- whether those are upstream's own steps one after the other; else they are the snapshots held, and the
        end
    blocker -- the first commit that could be tried after it; None where all the way is free
    follows -- whether the blocker is upstream's very next commit; else what stops the queue may lie before it
    blocked -- the patches that a person must look at, at the blocker
    collisions -- the overlay's paths that upstream has, at the blocker
    """

    old: Commit
    new: Commit
    free: UpstreamCommit | None
    commits: int
    of: int
    has_history: bool
    blocker: UpstreamCommit | None = None
    follows: bool = True
    blocked: tuple[Row, ...] = ()
    collisions: tuple[Collision, ...] = ()

    @property
    def is_all(self) -> bool:
        """Whether the queue carries all the way."""
        return self.blocker is None


def needs_person(row: Row) -> bool:
    """Whether a person must look at a verdict before it is saved."""
    return row.review or row.outcome is Outcome.CLASHED


def farthest(count: int, stops: Callable[[int], bool], is_free: Callable[[int], bool]) -> int:
    """Find the newest number below `count` that is free; -1 for none.

    stops -- quick, asked from the newest on until it says no
    is_free -- slow and right, asked of what was found and of the number after it. Where it says otherwise the quick one
        is not to be relied on, and the slow one alone is asked, with halving (see `culprits.transition`)

    >>> farthest(10, lambda number: number > 6 or number == 3, lambda number: number <= 6 and number != 3)
    6
    """
    found = next((number for number in reversed(range(count)) if not stops(number)), -1)
    if (found < 0 or is_free(found)) and (found + 1 == count or not is_free(found + 1)):
        return found
    first = transition(count, lambda number: not is_free(number))
    return count - 1 if first is None else first - 1


def stopper(
    tried: Trials, stood: Stood, overlay: Mapping[str, Entry], candidates: Sequence[Candidate]
) -> Callable[[int], bool]:
    """Give the quick question for `farthest`: whether a candidate, by its number, stops the queue on small trees.

    stood -- a queue of which every patch applies where it stands
    """
    parts = trials.parts(stood.steps)
    taken = {path for step in stood.steps for path in trials.touched(step)}
    laid = {path: entry for path, entry in overlay.items() if path not in taken}
    last: list[Part] = []

    def stops(number: int) -> bool:
        tree = candidates[number].tree
        if laid and compose.collisions(tried.entries(tuple(laid), tree), laid):
            return True
        if any(needs_person(tried.rows(part, tree)[-1]) for part in last):
            return True
        row = next((row for part in parts for row in tried.rows(part, tree) if needs_person(row)), None)
        again = trials.up_to(stood.steps, row.old.name) if row else None
        last[:] = [again] if again else []
        return row is not None

    return stops


def to_json(reach: Reach) -> str:
    """Write it as JSON, schema 1 (stable), a document of its own beside the plan's.

    from, to -- full shas: the pin, and the commit that `--upto` named
    free -- the newest commit to which the queue carries with no human, null where that is the pin; a commit has `sha`,
        `date` (YYYY-MM-DD), `author`, `title` and `link` (null for none); author and title are made safe to show
    commits, of -- how many of the commits that could be tried lead to it, and how many could be
    blocker -- the first commit that could be tried after it, null where all the way is free
    exact -- whether the blocker is upstream's very next commit; false where some in between are not held
    patches -- what a person must look at there: `name`, `outcome`, `review`, `paths`, `why`
    overlay -- `path` and `found` of each overlay file that upstream has there
    """
    document = {
        "schema": SCHEMA,
        "from": reach.old.sha,
        "to": reach.new.sha,
        "free": _commit(reach.free),
        "commits": reach.commits,
        "of": reach.of,
        "blocker": _commit(reach.blocker),
        "exact": reach.follows,
        "patches": [_row(row) for row in reach.blocked],
        "overlay": [{"path": printable(c.path), "found": c.found} for c in reach.collisions],
    }
    return json.dumps(document, indent=1) + "\n"


def _commit(commit: UpstreamCommit | None) -> dict[str, object] | None:
    if commit is None:
        return None
    return {
        "sha": commit.sha,
        "date": commit.date,
        "author": commit.author,
        "title": commit.title,
        "link": commit.link,
    }


def _row(row: Row) -> dict[str, object]:
    return {
        "name": row.old.name,
        "outcome": row.outcome.value,
        "review": row.review,
        "paths": [printable(path) for path in row.paths],
        "why": row.why,
    }
