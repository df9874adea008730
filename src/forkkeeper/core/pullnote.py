"""A sync as a pull request: its title and body, and the summary of a night for the page of a CI job.

What was done mechanically is committed on the branch; what is left for a person is a checklist. Strangers' words stand
in code alone, as in `markdown`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from forkkeeper.core.alarmnote import ROOM, SIDES, named, stands, where
from forkkeeper.core.alarms import Alarm, State
from forkkeeper.core.harmless import harmless
from forkkeeper.core.history import Carried
from forkkeeper.core.ids import short
from forkkeeper.core.markdown import MOST, Part, bounded, cell, code, prose
from forkkeeper.core.nights import BAD, Count, Ending, Fate, Night, Side, Speed, Taken
from forkkeeper.core.report import count
from forkkeeper.core.verdict import Outcome

CUT = "**Cut here: a pull request takes no more.** The whole of it is in the report of the night."


@dataclass(frozen=True, slots=True)
class Sync:
    """What a pull request proposes.

    date -- of the upstream commit that it goes to, `night.tried`
    carried -- what was committed: of each patch what became of it on the way there
    plan -- what `plan --markdown` wrote of the way to the night's head, "" for nothing
    report -- where the night's report is: an address or a path, "" for nowhere
    pages -- addresses of upstream's and of the fork's own, to which links may lead
    """

    night: Night
    date: str
    carried: tuple[Carried, ...] = ()
    plan: str = ""
    report: str = ""
    pages: tuple[str, ...] = ()


def title(sync: Sync) -> str:
    """Name a sync by both ends; no word of anybody else's is in it.

    >>> title(Sync(Night("", 0, "", "a" * 40, "2026-06-20", "", "", "b" * 40, "", 0, 0, "", ""), "2026-10-01"))
    'Sync to bbbbbbbbbbbb of 2026-10-01 (from aaaaaaaaaaaa of 2026-06-20)'
    """
    night = sync.night
    return f"Sync to {short(night.tried)} of {sync.date} (from {short(night.pin)} of {night.pin_date})"


def body(sync: Sync) -> str:
    """Write what a person must know to take it: what is done, what is left, how the night judged it, and the plan."""
    room = MOST - ROOM
    parts = [_head(sync), _done(sync.carried), *_left(sync), *_verdicts(sync.night)]
    text = bounded(parts, Part(()), CUT, room)
    if not sync.plan:
        return text
    plan = harmless(sync.plan, sync.pages, max(0, room - len(text.encode()) - 2))
    return f"{text}\n{plan}" if len(text.encode()) + len(plan.encode()) < room else text


def _head(sync: Sync) -> Part:
    night = sync.night
    reach = night.findings.reach
    lines = ["Carried with no human, as far as that goes.", ""]
    lines += [f"- from {named(night.pin, sync.pages)} of {code(night.pin_date)}"]
    lines += [f"- to {named(night.tried, sync.pages)} of {code(sync.date)}"]
    if night.tried != night.head and night.head:
        way = f", {reach.commits} of {count(reach.of, 'commit')} of the way" if reach else ""
        lines.append(f"- upstream is at {named(night.head, sync.pages)} of {code(night.head_date)}{way}")
    if reach and reach.blocker:
        title_ = f": {code(reach.blocker_title)}" if reach.blocker_title else ""
        lines.append(f"- what stops it there: {named(reach.blocker, sync.pages)}{title_}")
    lines += [f"- the report: {where(sync.report, sync.pages)}"] if sync.report else []
    lines += [f"- judged in the night of {code(night.began)}, on {code(night.machine)}"]
    return Part(tuple(lines))


def _done(carried: Sequence[Carried]) -> Part:
    rows = tuple(f"| {cell(_name(one.name))} | {prose(one.outcome)} | {cell(one.rule)} |" for one in carried)
    opens = ("", "### Committed mechanically", "", "| patch | outcome | rule |", "|---|---|---|")
    return Part(opens, rows) if rows else Part(("", "### Committed mechanically", "", "The pin alone."))


def _name(patch: str) -> str:
    return patch.removesuffix(".patch")


# what is left -------------------------------------------------------------------------------------------------------


def _left(sync: Sync) -> list[Part]:
    """List what a person must do: for this sync, and to go on to upstream's head."""
    night = sync.night
    here = [_failed(taken) for taken in night.bad if taken.step.side is Side.TRIAL]
    here += [
        f"- [ ] {code(_name(one.name))}: accepted by rule {code(one.rule)}" for one in sync.carried if one.accepted
    ]
    fates = night.findings.fates
    ahead = [_clash(fate, sync.pages) for fate in fates if fate.outcome == Outcome.CLASHED.value and not fate.root]
    ahead += [_review(fate) for fate in fates if fate.review]
    followers = sum(bool(fate.root) for fate in fates if fate.outcome == Outcome.CLASHED.value)
    parts = [Part(("", "### Left for a person", ""), tuple(here or ["- [ ] read the patches that changed"]))]
    if ahead:
        is_here = night.tried == night.head
        opens = ("", "### Left for a person, here" if is_here else "### To go on to the newest upstream commit", "")
        more = (f"- only because of that: {count(followers, 'more patch')}",) if followers else ()
        parts.append(Part(opens, (*ahead, *more)))
    return parts


def _failed(taken: Taken) -> str:
    said = f": {prose(taken.said)}" if taken.said else ""
    again = f"; {code(taken.command)}" if taken.command else ""
    return f"- [ ] {code(taken.step.name)} {_ENDINGS[taken.ending]}{said}{again}"


def _clash(fate: Fate, pages: Sequence[str]) -> str:
    since = f", since {named(fate.culprit, pages)}: {code(fate.culprit_title)}" if fate.culprit else ""
    return f"- [ ] {code(_name(fate.patch))} clashes{since}"


def _review(fate: Fate) -> str:
    rule = f" by {code(fate.rule)}" if fate.rule else ""
    why = f": {prose(fate.why)}" if fate.why else ""
    return f"- [ ] {code(_name(fate.patch))} is {prose(fate.outcome)}{rule}, for review{why}"


# how it was judged --------------------------------------------------------------------------------------------------

_ENDINGS = {
    Ending.PASSED: "passes",
    Ending.FAILED: "fails",
    Ending.WRONG: "was asked wrongly",
    Ending.OUTSIDE: "an outside tool failed",
    Ending.BUG: "met a bug of forkkeeper",
    Ending.LATE: "took too long",
    Ending.BLOCKED: "had nothing to stand on",
    Ending.SKIPPED: "not run: this machine lacks what it needs",
}


def _verdicts(night: Night) -> list[Part]:
    steps = [taken for taken in night.taken if taken.step.side is Side.TRIAL]
    names = {taken.step.name for taken in steps}
    parts = [_steps("### How the night judged it", steps)] if steps else []
    counts = [one for one in night.findings.counts if one.step in names]
    parts += [_counts(counts)] if counts else []
    speeds = [one for one in night.findings.speeds if one.side is Side.TRIAL]
    parts += [_speeds(speeds)] if speeds else []
    return parts


def _steps(said: str, steps: Sequence[Taken]) -> Part:
    rows = tuple(
        f"| {cell(one.step.name)} | {_ended(one.ending)} | {one.seconds:.0f} | {prose(one.said) if one.said else ''} |"
        for one in steps
    )
    return Part(("", said, "", "| step | ended | seconds | found |", "|---|---|---|---|"), rows)


def _ended(ending: Ending) -> str:
    return f"**{_ENDINGS[ending]}**" if ending in BAD else _ENDINGS[ending]


def _counts(counts: Sequence[Count]) -> Part:
    rows = tuple(
        f"| {cell(one.check)} | {cell(one.variant)} | {cell(one.device)} | {'emulated' if one.emulated else 'real'}"
        f" | {one.cases} | {one.passed} | {one.skipped} | {prose(one.verdict)} |"
        for one in counts
    )
    heads = ("| check | variant | device | which is | cases | passed | skipped | verdict |", "|---" * 8 + "|")
    return Part(("", *heads), rows)


def _speeds(speeds: Sequence[Speed]) -> Part:
    rows = tuple(
        f"| {cell(one.variant)} | {cell(one.model)} | {cell(one.test)} | {prose(one.metric)}"
        f" | {_percent(one.change)} | {_percent(one.low)} to {_percent(one.high)} | {prose(one.verdict)} |"
        for one in speeds
    )
    heads = ("| variant | model | test | measured by | change | interval | verdict |", "|---" * 7 + "|")
    return Part(("", *heads), rows)


def _percent(share: float) -> str:
    """Give a change in percent, more is slower.

    >>> _percent(0.0123)
    '+1.23 %'
    """
    return f"{share:+.2%}".replace("%", " %")


# the page of a job --------------------------------------------------------------------------------------------------


def summary(night: Night, alarm: Alarm, pages: Sequence[str], report: str = "") -> str:
    """Write a night as the summary of a CI job: where the fork stands, how each step ended, what failed."""
    verdict = {
        State.QUIET: "**A good night.**",
        State.RECOVERED: "**A good night after bad ones.** The alarm is over.",
        State.WATCHING: "**A bad night.** A second one in a row raises the alarm.",
        State.OPEN: f"**{count(alarm.nights, 'bad night')} in a row.** The alarm is raised.",
    }[alarm.state]
    lines = ["## The night", "", verdict, "", *stands(night, pages)]
    lines += [f"- the report: {where(report, pages)}"] if report else []
    parts = [Part(tuple(lines))]
    for side in Side:
        steps = [taken for taken in night.taken if taken.step.side is side]
        said = f"### {SIDES[side][0].upper()}{SIDES[side][1:]}"
        parts += [_steps(said, steps)] if steps else []
    parts += [_counts(night.findings.counts)] if night.findings.counts else []
    parts += [_speeds(night.findings.speeds)] if night.findings.speeds else []
    return bounded(parts, Part(()), CUT, MOST - ROOM)
