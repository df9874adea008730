"""What one upstream commit does to each patch: predicted by carrying the patches past it, on small trees.

First the lines count: those that a patch changes, followed to where they stand before the commit, against those that
the commit changes (`core/triage/nearness.py`). Only where these come near each other the patch is carried, on trees of
only the files that it needs (`core/trials.py`), to the commit and to the one before it; what differs between the two
verdicts is the commit's doing. Where it clashes already at the one before, the lines decide.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from forkkeeper.core import hunks, trials
from forkkeeper.core.store import Store
from forkkeeper.core.triage import nearness
from forkkeeper.core.triage.nearness import Effect
from forkkeeper.core.triage.passed import Passed
from forkkeeper.core.trials import Stood, Trials
from forkkeeper.core.verdict import GONE, Outcome, Row


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
    on_progress -- told (what, done, of)
    """
    met = nearness.met(store, stood, line)
    tried = Trials(store, stood)
    found: dict[str, list[Hit]] = {}
    for done, each in enumerate(met):
        on_progress("carrying patches past upstream's commits", done, len(met))
        part = trials.up_to(stood.steps, each.step.patch.name)
        if part is None:
            continue
        was, now = (tried.rows(part, tree)[-1] for tree in (each.one.before, each.one.tree))
        both = was.outcome is Outcome.CLASHED and now.outcome is Outcome.CLASHED
        effect = each.effect if both else _turned(was, now)
        if effect is not None:
            found.setdefault(each.one.told.sha, []).append(Hit(each.step.patch.title, effect))
    return {sha: tuple(hits) for sha, hits in found.items()}


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
