"""Searching upstream's commits between two pins: what first makes a patch clash, and how far the queue goes freely."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache

from forkkeeper.core import culprits, overlay, picking, planning, reach, report
from forkkeeper.core.commits import UpstreamCommit
from forkkeeper.core.compose import NotApplied
from forkkeeper.core.culprits import Culprit, Found
from forkkeeper.core.declaration import Declaration
from forkkeeper.core.ids import CommitId
from forkkeeper.core.placing import PASSED, Aid
from forkkeeper.core.planning import Plan
from forkkeeper.core.reach import Reach
from forkkeeper.core.report import Report
from forkkeeper.core.trials import Stood, Trials
from forkkeeper.core.verdict import GONE, Outcome
from forkkeeper.errors import AnswerIsNo, ExitCode
from forkkeeper.flow.passing import passed
from forkkeeper.flow.standing import Setting, Trip, scratch, trip
from forkkeeper.shell.git import Scratch
from forkkeeper.stages import upstream as upstreams
from forkkeeper.stages.project import PATCHES
from forkkeeper.stages.upstream import Upstream

EXPLAINED = (Outcome.CLASHED, *GONE)


def with_culprits(
    setting: Setting, store: Scratch, upstream: Upstream, declared: Declaration, made: Plan, by_hand: Sequence[str] = ()
) -> Plan:
    """Give a plan with what first makes patches clash or needless, where the commits in between are held here.

    store -- where the plan's objects are; nothing is added to it
    by_hand -- patches that a person has made anew for the new side: what stops those is not upstream's doing

    A plan is right without it, so no trouble of the search becomes one of the plan: then nothing is named.
    """
    every = [row for row in made.rows if row.outcome in EXPLAINED and row.old.name not in by_hand]
    rows = [row for row in every if row.rule != PASSED]
    if not every:
        return made
    try:
        candidates = upstreams.between(upstream, made.old, made.new)
        with Scratch((*store.lenders, store.objects)) as side:
            tried = Trials(side, made.stood)
            found = culprits.find(tried, made.stood.steps, rows, made.old.sha, candidates, setting.on_progress)
        named = {name: _named(upstream, declared, one) for name, one in found.items()}
        for row in every:
            of = picking.origin(row.old) if row.rule == PASSED else None
            if of is not None:
                named[row.old.name] = _named(upstream, declared, Found(of.new, of.old))
    except Exception:  # noqa: BLE001 -- whatever it is, the plan stands
        return made
    known = {name: one for name, one in named.items() if one is not None}
    carried = replace(made.carried, rows=culprits.marked(made.rows, known))
    return replace(made, carried=carried, culprits=known)


def as_far_as_free(
    setting: Setting, *, upto: str, since: str | None = None, queue: str | None = None
) -> tuple[Report, str]:
    """Find the newest commit up to one to which the whole queue carries with no human.

    Gives what to show, and the same as JSON. Over upstream's history where it is at hand, else over the snapshots held.
    Raises AnswerIsNo for a patch that does not apply where it stands: no upstream commit is to blame for that.
    """
    asked = trip(setting, upto, since, queue)
    candidates = upstreams.between(asked.upstream, asked.old, asked.new)
    with scratch(asked.upstream) as store:
        stood = planning.stand(store, asked.old, asked.queue, asked.declared.path)
        _check_applied(stood, asked, queue or PATCHES)
        quick = reach.stopper(Trials(store, stood), stood, overlay.entries(store, asked.files), candidates)

        @cache
        def plan_at(number: int) -> Plan:
            there = upstreams.hold(asked.upstream, candidates[number].sha, step="plan")
            gone = passed(asked.upstream, store, asked.queue.patches, asked.declared.path, there)
            return planning.carry_on(store, asked.old, stood, there, asked.queue, asked.files, Aid(passed=gone))

        def stops(number: int) -> bool:
            setting.on_progress("trying upstream's commits", len(candidates) - number, len(candidates))
            return quick(number)

        at = reach.farthest(len(candidates), stops, lambda number: plan_at(number).is_sure)
        stopped = plan_at(at + 1) if at + 1 < len(candidates) else None
    free = _told(asked, candidates[at].sha) if at >= 0 else None
    history = any(candidate.follows for candidate in candidates)
    made = Reach(asked.old, asked.new, free, at + 1, len(candidates), history)
    if stopped is not None:
        made = replace(
            made,
            blocker=_told(asked, stopped.new.sha),
            follows=candidates[at + 1].follows,
            blocked=tuple(row for row in stopped.rows if reach.needs_person(row)),
            collisions=stopped.collisions,
        )
    code = ExitCode.IN_STEP if made.is_all else ExitCode.ANSWER_IS_NO
    return Report((*asked.notes, *report.reach_blocks(made, own=asked.is_own)), code), reach.to_json(made)


def _check_applied(stood: Stood, asked: Trip, folder: str) -> None:
    refused = next((step for step in stood.steps if isinstance(step, NotApplied)), None)
    if refused is not None:
        found = f"does not apply on {report.said(asked.old)}, where it stands: {refused.why}"
        raise AnswerIsNo(
            "plan", f"{folder}/{refused.patch.name}", found, "mend the patch; `forkkeeper plan` shows more"
        )


def _told(asked: Trip, sha: CommitId) -> UpstreamCommit | None:
    return upstreams.told(asked.upstream, sha, asked.declared.upstream.web)


def _named(upstream: Upstream, declared: Declaration, found: Found) -> Culprit | None:
    """Tell who did what was found; None where that cannot be read."""
    commit = upstreams.told(upstream, found.sha, declared.upstream.web)
    since = upstreams.told(upstream, found.since, declared.upstream.web) if found.since else None
    return None if commit is None or (since is None) != (found.since is None) else Culprit(commit, since)
