"""Throughput: the fork beside the pristine pin, on the old pin and on the new one, and how that moves over the nights.

A step is where two nights in a row cannot both be right about the same code: their intervals lie apart, by more than
`LEAST`. What is compared is the fork's difference from the pristine pin of the same night, so that another machine or
compiler is no step.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from forkkeeper.core.nights import Night, Side, Speed
from forkkeeper.core.page import specs
from forkkeeper.core.page.given import Given, day_of
from forkkeeper.core.page.shape import (
    Block,
    Cell,
    Chart,
    Column,
    Heading,
    Line,
    Missing,
    Note,
    Section,
    Table,
    Tone,
    number,
    percent,
    words,
)
from forkkeeper.core.page.tomorrow import NIGHTLY
from forkkeeper.core.report import count

INSTRUCTIONS, TIME = "instructions", "time"
SIDES = {Side.STAND: "old pin", Side.TRIAL: "new pin"}
LEAST = 0.001  # a share: the threshold of `bench throughput` for instruction counts
MOST_SERIES = 4  # in one drawing
TONES = {"faster": Tone.GOOD, "same": Tone.PLAIN, "slower": Tone.BAD, "inconclusive": Tone.WARN}


@dataclass(frozen=True, slots=True)
class Point:
    """What one night says of a comparison. is_step -- whether it lies apart from the night before it."""

    night: Night
    speed: Speed
    is_step: bool


def key_of(speed: Speed) -> tuple[str, str, str, str, Side]:
    """Give what makes two nights' comparisons the same one."""
    return (speed.metric, speed.variant, speed.model, speed.test, speed.side)


def trend(nights: Sequence[Night], key: tuple[str, str, str, str, Side]) -> tuple[Point, ...]:
    """Follow a comparison over the nights, oldest first, with its steps marked. nights -- newest first."""
    found = [(night, speed) for night in reversed(nights) for speed in night.findings.speeds if key_of(speed) == key]
    apart = [False, *(_apart(before, now) for (_, before), (_, now) in pairwise(found))]
    return tuple(Point(night, speed, step) for (night, speed), step in zip(found, apart, strict=False))


def _apart(one: Speed, other: Speed) -> bool:
    gap = max(other.low - one.high, one.low - other.high)
    return gap > 0 and abs(other.change - one.change) > LEAST


def section(given: Given) -> Section:
    """Make the section."""
    about = "The fork beside the pristine pin, old and new: differences with their intervals, and over the nights."
    return Section("throughput", "Throughput", about, tuple(_blocks(given)))


def _blocks(given: Given) -> list[Block]:
    night = next((one for one in given.nights if one.findings.speeds), None)
    if night is None:
        found = "No night has measured throughput." if given.nights else "No night is on record."
        return [Missing(found, "forkkeeper bench throughput" if given.nights else NIGHTLY)]
    blocks: list[Block] = []
    if night is not given.night:
        blocks.append(Note(f"The last night measured nothing; this is of {day_of(night)}.", Tone.WARN))
    speeds = night.findings.speeds
    blocks.append(_quartet(speeds, night))
    for metric, title in ((INSTRUCTIONS, "Instructions"), (TIME, "Time")):
        these = [one for one in speeds if one.metric == metric]
        if these:
            blocks += [Heading(title), _changes(these, metric)]
            blocks += [_samples(these)] if metric == TIME else []
            blocks += _trends(given.nights, these, metric)
    return blocks


def _quartet(speeds: Sequence[Speed], night: Night) -> Table:
    """Put old and new, pristine and fork side by side: the middle of the samples of each."""
    columns = (
        *map(Column, ("what", "measured")),
        *(Column(f"{pin}, {side}", numeric=True) for pin in SIDES.values() for side in ("pristine", "fork")),
        *(Column(f"fork on {pin}", numeric=True) for pin in SIDES.values()),
    )
    rows = []
    for key in dict.fromkeys(key_of(one)[:4] for one in speeds):
        by_side = {one.side: one for one in speeds if key_of(one)[:4] == key}
        found = [by_side.get(side) for side in SIDES]
        samples = [_middle(values, key[0]) for one in found for values in _both(one)]
        shares = [_share(one) for one in found]
        unit = "instructions" if key[0] == INSTRUCTIONS else "seconds"
        rows.append(Line((words(" · ".join(key[1:])), Cell(unit), *samples, *shares)))
    caption = f"The middle of the samples, on the night of {day_of(night)}; {words(night.machine, most=80).text}"
    return Table("speeds", caption, columns, tuple(rows))


def _share(speed: Speed | None) -> Cell:
    if speed is None:
        return Cell("–", Tone.DIM)
    tone = TONES.get(speed.verdict, Tone.PLAIN)
    return Cell(f"{percent(speed.change).text} {words(speed.verdict).text}", tone, number=speed.change)


def _both(speed: Speed | None) -> tuple[tuple[float, ...], tuple[float, ...]]:
    return (speed.baseline, speed.fork) if speed is not None else ((), ())


def _middle(values: Sequence[float], metric: str) -> Cell:
    if not values:
        return Cell("–", Tone.DIM)
    return number(median(values), 0 if metric == INSTRUCTIONS else 4)


def _named(speed: Speed, *, side: bool = True) -> str:
    return words(" · ".join([speed.variant, speed.model, speed.test, *([SIDES[speed.side]] if side else [])])).text


def _changes(speeds: Sequence[Speed], metric: str) -> Chart:
    rows = [
        {
            "name": _named(one),
            "change": one.change * 100,
            "low": one.low * 100,
            "high": one.high * 100,
            "verdict": one.verdict,
        }
        for one in speeds
    ]
    columns = (
        Column("what"),
        Column("change", numeric=True),
        Column("from", numeric=True),
        Column("to", numeric=True),
        Column("pristine samples", numeric=True),
        Column("fork samples", numeric=True),
        Column("verdict"),
    )
    lines = tuple(
        Line(
            (
                Cell(_named(one)),
                percent(one.change),
                percent(one.low),
                percent(one.high),
                number(len(one.baseline)),
                number(len(one.fork)),
                Cell(one.verdict, TONES.get(one.verdict, Tone.PLAIN)),
            )
        )
        for one in speeds
    )
    unit = "more instructions than the pristine pin, %" if metric == INSTRUCTIONS else "longer than the pristine pin, %"
    slower = sum(one.verdict == "slower" for one in speeds)
    title = "The fork's difference, with its interval"
    about = f"{title}, {metric}: {count(len(speeds), 'comparison')}, {slower} slower."
    table = Table(f"changes-{metric}-table", title, columns, lines, folded="The differences as a table")
    return Chart(f"changes-{metric}", title, about, specs.changes(rows, unit), table)


def _samples(speeds: Sequence[Speed]) -> Chart:
    sides = [
        (f"{_named(one)} · {side}", values)
        for one in speeds
        for side, values in zip(("pristine", "fork"), _both(one), strict=True)
    ]
    rows = [{"name": called, "value": value} for called, values in sides for value in values]
    columns = (Column("what"), Column("samples", numeric=True), Column("middle", numeric=True), Column("seconds"))
    lines = tuple(
        Line(
            (Cell(called), number(len(values)), _middle(values, TIME), Cell(", ".join(f"{one:.4f}" for one in values)))
        )
        for called, values in sides
    )
    title = "Raw samples, seconds of each process"
    table = Table("samples-table", title, columns, lines, folded="The samples as a table")
    about = f"{title}: {count(len(rows), 'sample')} in {count(len(sides), 'row')}."
    return Chart("samples", title, about, specs.samples(rows, "seconds"), table)


def _trends(nights: Sequence[Night], speeds: Sequence[Speed], metric: str) -> list[Block]:
    """Draw the trends, a few in each drawing; nothing where there is one night only."""
    followed = [trend(nights, key) for key in dict.fromkeys(map(key_of, speeds))]
    followed = [points for points in followed if len(points) > 1]
    if not followed:
        return [Note("One night is no trend: it is drawn from the second on.", Tone.DIM)]
    parts = [followed[at : at + MOST_SERIES] for at in range(0, len(followed), MOST_SERIES)]
    return [_trend(f"trend-{metric}-{at}", metric, part) for at, part in enumerate(parts, 1)]


def _trend(key: str, metric: str, followed: Sequence[Sequence[Point]]) -> Chart:
    points = [point for series in followed for point in series]
    rows = [
        {
            "day": day_of(one.night),
            "series": _named(one.speed),
            "value": one.speed.change * 100,
            "low": one.speed.low * 100,
            "high": one.speed.high * 100,
        }
        for one in points
    ]
    steps = [point for point in points if point.is_step]
    marked = [{"day": day} for day in dict.fromkeys(day_of(one.night) for one in steps)]
    unit = "instructions" if metric == INSTRUCTIONS else "time"
    spec = specs.trend(rows, marked, f"{unit}, fork beside pristine, %")
    days = ", ".join(row["day"] for row in marked)
    title = f"{unit.capitalize()} over the nights: {f'a step on {days}' if days else 'no step'}"
    places = [f"{_named(one.speed)} on {day_of(one.night)} to {percent(one.speed.change).text}" for one in steps]
    about = f"{title}: {'; '.join(places[:5]) or 'no two nights in a row lie apart'}."
    return Chart(key, title, about, spec, _trend_table(f"{key}-table", title, points))


def _trend_table(key: str, title: str, points: Iterable[Point]) -> Table:
    columns = (
        *map(Column, ("night", "what")),
        *(Column(one, numeric=True) for one in ("pristine", "fork", "change", "from", "to")),
        *map(Column, ("step", "fork's commit", "upstream tried")),
    )
    lines = tuple(
        Line(
            (
                Cell(day_of(one.night)),
                Cell(_named(one.speed)),
                _middle(one.speed.baseline, one.speed.metric),
                _middle(one.speed.fork, one.speed.metric),
                percent(one.speed.change),
                percent(one.speed.low),
                percent(one.speed.high),
                Cell("▲ step", Tone.BAD) if one.is_step else Cell(""),
                words(one.night.fork[:12]),
                words(one.night.tried[:12]),
            )
        )
        for one in points
    )
    return Table(key, title, columns, lines, folded="The trend as a table")
