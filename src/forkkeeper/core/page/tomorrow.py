"""Where the fork stands, and what tomorrow's sync would cost: the first thing that a reader wants to know."""

import datetime as dt
from collections.abc import Sequence

from forkkeeper.core.nights import Fate, Night
from forkkeeper.core.page.given import Given, day_of
from forkkeeper.core.page.shape import (
    Answer,
    Block,
    Cell,
    Column,
    Commands,
    Facts,
    Heading,
    Line,
    Missing,
    Note,
    Section,
    Table,
    Tone,
    commit,
    name,
    words,
)
from forkkeeper.core.report import count
from forkkeeper.core.verdict import Outcome

NIGHTLY = "forkkeeper nightly"
MORE = "#tomorrow"
MOST = 4  # reasons that the answer gives; the table has all
TONES = {
    Outcome.KEPT.value: Tone.GOOD,
    Outcome.REFRESHED.value: Tone.GOOD,
    Outcome.UPSTREAMED.value: Tone.GOOD,
    Outcome.RESOLVED.value: Tone.WARN,
    Outcome.REPLAYED.value: Tone.WARN,
    Outcome.EMPTIED.value: Tone.WARN,
    Outcome.PARKED.value: Tone.WARN,
    Outcome.CLASHED.value: Tone.BAD,
    Outcome.DROPPED.value: Tone.DIM,
}
_SAID = {  # outcome → what the sync would do, in the order in which the answer counts them
    Outcome.KEPT.value: "kept",
    Outcome.REFRESHED.value: "refreshed",
    Outcome.UPSTREAMED.value: "in upstream by now",
    Outcome.EMPTIED.value: "emptied",
    Outcome.RESOLVED.value: "resolved by a rule",
    Outcome.REPLAYED.value: "replayed",
    Outcome.CLASHED.value: "clashed",
}


def answer(given: Given) -> Answer:
    """Say in one line what tomorrow's sync would cost, and why."""
    night = given.night
    more = Cell("Why, patch by patch", link=MORE)
    if night is None:
        return Answer(f"Not known: no night is on record. Type `{NIGHTLY}`.", Tone.WARN, (), more)
    if night.head and night.head == night.pin:
        return Answer("Nothing: the fork stands on the newest upstream commit.", Tone.GOOD, (), more)
    fates = night.findings.fates
    if not fates:
        said = "Nothing to carry: the queue is empty." if not given.queue else f"Not known: {_unplanned(night)}."
        return Answer(said, Tone.WARN if given.queue else Tone.GOOD, (), more)
    roots = [one for one in fates if _clashes(one) and not one.root]
    reviews = [one for one in fates if one.review and not _clashes(one)]
    tone = Tone.BAD if roots else Tone.WARN if reviews else Tone.GOOD
    sure = "" if roots or reviews else " No human is needed."
    because: list[tuple[Cell, ...]] = [_because(one, given) for one in (*roots, *reviews)]
    left = len(because) - MOST
    because = [*because[:MOST], *([(Cell(f"… and {left} more"),)] if left > 0 else [])]
    return Answer(f"{_counts(fates)}.{sure}", tone, tuple(because), more)


def _unplanned(night: Night) -> str:
    return f"the night of {day_of(night)} has no plan"


def _clashes(fate: Fate) -> bool:
    return fate.outcome == Outcome.CLASHED.value


def _counts(fates: Sequence[Fate]) -> str:
    """Count what becomes of the patches.

    >>> _counts([Fate("a", "kept"), Fate("b", "clashed"), Fate("c", "clashed", root="b")])
    '3 patches: 1 kept, 2 clashed (1 only follows)'
    """
    known = [*_SAID, *sorted({one.outcome for one in fates} - set(_SAID))]
    parts = []
    for outcome in known:
        these = [one for one in fates if one.outcome == outcome]
        follow = sum(1 for one in these if one.root)
        said = f"{len(these)} {_SAID.get(outcome, outcome)}" + (
            f" ({follow} only follow{'s' if follow == 1 else ''})" if follow else ""
        )
        parts += [said] if these else []
    review = sum(one.review for one in fates)
    return f"{count(len(fates), 'patch')}: {', '.join(parts)}" + (f"; {review} to review" if review else "")


def _because(fate: Fate, given: Given) -> tuple[Cell, ...]:
    """Say what a person must do about one patch, and by which upstream commit."""
    title = fate.patch.removesuffix(".patch")
    where = f" in {', '.join(fate.paths[:2])}" if fate.paths else ""
    verb = "clashes" if _clashes(fate) else "is to be reviewed"
    start = (name(title, given.place(fate.patch)), Cell(f" {verb}{where}", Tone.BAD if _clashes(fate) else Tone.WARN))
    if fate.culprit:
        since = commit(fate.culprit, given.pages, given.among_hits(fate.culprit))
        return (*start, Cell(" since upstream "), since, words(f": {fate.culprit_title}"))
    return (*start, words(f": {fate.why}")) if fate.why else start


def section(given: Given) -> Section:
    """Make the section."""
    blocks: list[Block] = [Facts(tuple(_facts(given)))]
    if given.drifted:
        said = f"The fork's files and fork.lock disagree: {', '.join(given.drifted)}."
        blocks += [Note(said, Tone.BAD), Commands((("forkkeeper status", "what differs"),))]
    night = given.night
    if night is not None and night.pin and night.pin != given.pin:
        said = f"The last night looked at another pin, {night.pin[:12]}; what it found is of that one."
        blocks += [Note(said, Tone.WARN), Commands(((NIGHTLY, "look again"),))]
    blocks += [Heading("What tomorrow's sync would cost", "tomorrow"), *_fates(given)]
    return Section(
        "standing",
        "Where we stand",
        "Pin, age and distance of the fork, and how far it can go with no human.",
        tuple(blocks),
    )


_Fact = tuple[str, tuple[Cell, ...]]


def _facts(given: Given) -> list[_Fact]:
    known = Cell(f" ({', '.join(given.known_as)})") if given.known_as else Cell("")
    rows: list[_Fact] = [("pin", (commit(given.pin, given.pages), known, Cell(f" of {given.pin_date}")))]
    age = _days(given.pin_date, given.day)
    rows += [("age", (Cell(f"{age:,} days on {given.day}"),))] if age is not None else []
    night = given.night
    if night is not None and night.head:
        behind = len(night.findings.behind)
        noun = "commit" if night.findings.has_history else "snapshot"
        said = f" of {night.head_date}" + (f", {count(behind, noun)} after the pin" if behind else "")
        rows.append(("upstream's head", (commit(night.head, given.pages), Cell(said))))
        rows += _reach(night, given)
    for source, newest, far in given.sources:
        distance = f"the pin is behind by {far}" if far != "not known" else "how far the pin is behind is not known"
        said = f"newest known: {newest.replace('`', '')}; {distance}"
        rows.append((f"source {source}", (words(said, Tone.DIM),)))
    added = sum(file.added for change in given.queue for file in change.files)
    removed = sum(file.removed for change in given.queue for file in change.files)
    files = count(len(given.overlay), "overlay file")
    size = f"{count(len(given.queue), 'patch')}, +{added:,} −{removed:,} lines; {files}"
    return [*rows, ("queue", (Cell(size),))]


def _reach(night: Night, given: Given) -> list[_Fact]:
    reach = night.findings.reach
    if reach is None:
        return []
    steps = f"{reach.commits:,} of {reach.of:,} steps"
    if not reach.blocker:
        return [("free with no human", (Cell(f"all the way, {steps}", Tone.GOOD),))]
    free = commit(reach.free, given.pages) if reach.free else Cell("no step")
    said = (free, Cell(f", {steps}")) if reach.free else (free,)
    blocker = commit(reach.blocker, given.pages, given.among_hits(reach.blocker))
    return [
        ("free with no human", said),
        ("blocked by", (blocker, Cell(": "), words(reach.blocker_title, Tone.BAD))),
    ]


def _days(old: str, new: str) -> int | None:
    try:
        return (dt.date.fromisoformat(new) - dt.date.fromisoformat(old)).days
    except ValueError:
        return None


def _fates(given: Given) -> list[Block]:
    night = given.night
    if night is None:
        return [Missing("No night is on record, so nothing is known of tomorrow's sync.", NIGHTLY)]
    if not night.findings.fates:
        return [Missing(f"{_unplanned(night)[0].upper()}{_unplanned(night)[1:]}.", "forkkeeper plan --upto HEAD")]
    order = {Outcome.CLASHED.value: 0}
    fates = sorted(night.findings.fates, key=lambda one: (order.get(one.outcome, 1), not one.review))
    rows = tuple(Line((*_fate(one, given),)) for one in fates)
    columns = tuple(map(Column, ("patch", "outcome", "review", "since upstream", "why", "files")))
    caption = f"Each patch carried from {night.pin[:12]} to {night.head[:12]}, what needs a human first"
    upto = night.head or "HEAD"
    commands = [(f"forkkeeper plan --upto {upto}", "the same, with both sides of each clash")]
    free = night.findings.reach.free if night.findings.reach else ""
    commands += [(f"forkkeeper sync --upto {free}", "go as far as it is free")] if free and free != upto else []
    commands += [(f"forkkeeper sync --upto {upto}", "begin it")]
    return [Table("fates", caption, columns, rows), Commands(tuple(commands))]


def _fate(fate: Fate, given: Given) -> list[Cell]:
    since = [Cell("")]
    if fate.culprit:
        since = [commit(fate.culprit, given.pages, given.among_hits(fate.culprit))]
    why = "; ".join(
        part
        for part in (
            f"follows {fate.root.removesuffix('.patch')}" if fate.root else "",
            f"by rule {fate.rule}" if fate.rule else "",
            fate.culprit_title,
            fate.why,
        )
        if part
    )
    return [
        name(fate.patch.removesuffix(".patch"), given.place(fate.patch)),
        Cell(fate.outcome, TONES.get(fate.outcome, Tone.PLAIN)),
        Cell("to review", Tone.WARN) if fate.review else Cell("no"),
        *since,
        words(why),
        name(", ".join(fate.paths)),
    ]
