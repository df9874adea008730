"""The strip: upstream's commits after the pin, one square each, by what they do to the queue."""

import datetime as dt
from collections.abc import Sequence
from itertools import count as count_from, groupby

from forkkeeper.core.commits import one_line
from forkkeeper.core.nights import Effect
from forkkeeper.core.page.given import Given, hit
from forkkeeper.core.page.shape import (
    Block,
    Cell,
    Column,
    Line,
    Missing,
    Note,
    Section,
    Square,
    Strip,
    Table,
    Tone,
    commit,
    number,
    words,
)
from forkkeeper.core.page.tomorrow import NIGHTLY
from forkkeeper.core.report import count

# an effect → its sign, what it means; the worst last
EFFECTS = {
    "": ("", "nothing: no patch is touched"),
    "upstreamed": ("↑", "upstreamed: it brings what a patch does"),
    "refresh": ("~", "refresh: context of a patch moves, by machine"),
    "review": ("?", "review: carried, and a person should look"),
    "clash": ("×", "clash: a person must settle it"),
}
TONES = {"upstreamed": Tone.GOOD, "refresh": Tone.PLAIN, "review": Tone.WARN, "clash": Tone.BAD}
MONTHS = 62  # days: a longer way is shown by months, a shorter one by weeks
NAMES = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def worst(effects: dict[str, str]) -> str:
    """Give the worst of what a commit does.

    >>> worst({"a": "refresh", "b": "clash"}), worst({})
    ('clash', '')
    """
    order = list(EFFECTS)
    return max((one for one in effects.values() if one in order), key=order.index, default="")


def section(given: Given) -> Section:
    """Make the section."""
    about = "Each square is one upstream commit after the pin, by what it does to the patches; those with a sign open."
    return Section("ahead", "The way ahead", about, tuple(_blocks(given)))


def _blocks(given: Given) -> list[Block]:
    night = given.night
    if night is None:
        return [Missing("No night is on record, so upstream's commits were not looked at.", NIGHTLY)]
    behind = night.findings.behind
    if not behind and night.head and night.head == night.pin:
        return [Note("There is no upstream commit after the pin.", Tone.GOOD)]
    if not behind:
        return [Missing("The last night did not say which commits are ahead.", "forkkeeper triage --all")]
    blocks: list[Block] = []
    if not night.findings.has_history:
        said = "Upstream's own commits are not at hand: a square is a snapshot, with all that came before it."
        blocks.append(Note(said, Tone.WARN))
    effects = [worst(one.effects) for one in behind]
    legend = tuple((effect, meaning, effects.count(effect)) for effect, (_, meaning) in EFFECTS.items())
    stretches = tuple(
        (label, tuple(_square(at, one, effect) for at, one, effect in these))
        for label, these in _by_time(behind, effects)
    )
    noun = "commit" if night.findings.has_history else "snapshot"
    blocks.append(Strip(stretches, legend, "commits"))
    hits = tuple(_hit(at, one, given) for at, one in enumerate(behind, 1) if one.effects)
    if hits:
        columns = (Column(noun), Column("date"), Column("what it does"), Column("title"))
        blocks.append(
            Table("hits", f"Those that touch the queue, oldest first: {count(len(hits), noun)}", columns, hits)
        )
    else:
        blocks.append(Note("None of them touches a patch.", Tone.GOOD))
    titles = (Column("", numeric=True), Column(noun), Column("date"), Column("effect"), Column("title"))
    rows = tuple(_row(n, one, effect, given) for n, (one, effect) in enumerate(zip(behind, effects, strict=True), 1))
    said = f"All {noun}s, oldest first: {len(behind):,}"
    return [*blocks, Table("commits", said, titles, rows, folded=said)]


def _square(at: int, one: Effect, effect: str) -> Square:
    if not effect:
        return Square()
    said = f"{one.sha[:12]} of {one.date}: {', '.join(f'{effect} {patch}' for patch, effect in one.effects.items())}"
    return Square(effect, one_line(said, 160), f"#{hit(at)}")


def _hit(at: int, one: Effect, given: Given) -> Line:
    done = ", ".join(f"{effect} {patch.removesuffix('.patch')}" for patch, effect in one.effects.items())
    effect = worst(one.effects)
    said = words(f"{EFFECTS[effect][0]} {done}".strip(), TONES.get(effect, Tone.PLAIN))
    cells = (commit(one.sha, given.pages), words(one.date), said, words(one.title))
    return Line(cells, hit(at))


def _row(at: int, one: Effect, effect: str, given: Given) -> Line:
    sign, _ = EFFECTS[effect]
    said = Cell(f"{sign} {effect}".strip() or "nothing", TONES.get(effect, Tone.DIM))
    sha = commit(one.sha, given.pages, f"#{hit(at)}" if one.effects else "")
    return Line((number(at), sha, words(one.date), said, words(one.title)))


_Placed = tuple[int, Effect, str]  # a commit with its number on the way, and the worst that it does


def _by_time(behind: Sequence[Effect], effects: Sequence[str]) -> list[tuple[str, list[_Placed]]]:
    """Put the commits into months, or weeks where the way is short; their order stays."""
    days = [_day(one.date) for one in behind]
    known = [day for day in days if day is not None]
    by_month = not known or (max(known) - min(known)).days > MONTHS
    labels = [_label(day, by_month=by_month) for day in days]
    both = zip(labels, zip(count_from(1), behind, effects, strict=False), strict=True)
    return [(label, [one for _, one in these]) for label, these in groupby(both, key=lambda pair: pair[0])]


def _day(text: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(text[:10])
    except ValueError:
        return None


def _label(day: dt.date | None, *, by_month: bool) -> str:
    """Name a stretch of time.

    >>> _label(dt.date(2026, 6, 20), by_month=True), _label(dt.date(2026, 6, 20), by_month=False)
    ('Jun 2026', '15 Jun 2026')
    """
    if day is None:
        return "no date"
    start = day if by_month else day - dt.timedelta(days=day.weekday())
    month = f"{NAMES[start.month - 1]} {start.year}"
    return month if by_month else f"{start.day} {month}"
