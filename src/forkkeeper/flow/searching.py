"""Searching upstream's commits between two pins: what first makes a patch clash, and how far the queue goes freely."""

from collections.abc import Sequence
from dataclasses import replace

from forkkeeper.core import culprits
from forkkeeper.core.culprits import Culprit, Found
from forkkeeper.core.declaration import Declaration
from forkkeeper.core.planning import Plan
from forkkeeper.core.trials import Trials
from forkkeeper.flow.standing import Setting
from forkkeeper.shell.git import Scratch
from forkkeeper.stages import upstream as upstreams
from forkkeeper.stages.upstream import Upstream


def with_culprits(
    setting: Setting, store: Scratch, upstream: Upstream, declared: Declaration, made: Plan, by_hand: Sequence[str] = ()
) -> Plan:
    """Give a plan with what first makes each clashed patch clash, where the commits in between are held here.

    store -- where the plan's objects are; nothing is added to it
    by_hand -- patches that a person has made anew for the new side: what stops those is not upstream's doing

    A plan is right without it, so no trouble of the search becomes one of the plan: then nothing is named.
    """
    rows = [row for row in made.clashed if row.old.name not in by_hand]
    if not rows:
        return made
    try:
        candidates = upstreams.between(upstream, made.old, made.new)
        with Scratch((*store.lenders, store.objects)) as side:
            tried = Trials(side, made.stood)
            found = culprits.find(tried, made.stood.steps, rows, made.old.sha, candidates, setting.on_progress)
        named = {name: _named(upstream, declared, one) for name, one in found.items()}
    except Exception:  # noqa: BLE001 -- whatever it is, the plan stands
        return made
    known = {name: one for name, one in named.items() if one is not None}
    carried = replace(made.carried, rows=culprits.marked(made.rows, known))
    return replace(made, carried=carried, culprits=known)


def _named(upstream: Upstream, declared: Declaration, found: Found) -> Culprit | None:
    """Tell who did what was found; None where that cannot be read."""
    commit = upstreams.told(upstream, found.sha, declared.upstream.web)
    since = upstreams.told(upstream, found.since, declared.upstream.web) if found.since else None
    return None if commit is None or (since is None) != (found.since is None) else Culprit(commit, since)
