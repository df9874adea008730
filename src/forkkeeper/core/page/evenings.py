"""The nights: what the last one did step by step, with the command that shows each again, and those before it."""

from forkkeeper.core import shown
from forkkeeper.core.nights import BAD, Ending, Night, Taken
from forkkeeper.core.page.backends import SIDES
from forkkeeper.core.page.given import SIGNS, Given
from forkkeeper.core.page.shape import (
    Block,
    Cell,
    Column,
    Fold,
    Heading,
    Line,
    Missing,
    Section,
    Table,
    Text,
    Tone,
    commit,
    name,
    number,
    words,
)
from forkkeeper.core.page.tomorrow import NIGHTLY
from forkkeeper.core.report import count

MOST_LOG = 60  # lines of a step's log, the last
MOST_NIGHTS = 400


def section(given: Given) -> Section:
    """Make the section."""
    about = "The steps of the last night, how each ended and the command that shows it again; and the nights before it."
    night = given.night
    if night is None:
        return Section("nights", "Nights", about, (Missing("No night is on record.", NIGHTLY),))
    blocks: list[Block] = [_steps(night)]
    logs = [one for one in night.bad if one.log.strip()]
    blocks += [Heading("What the bad steps said"), *(_log(at, one) for at, one in enumerate(logs, 1))] if logs else []
    return Section("nights", "Nights", about, (*blocks, Heading("The last nights"), _nights(given)))


def ended(taken: Taken) -> Cell:
    """Say how a step ended."""
    tone = Tone.GOOD if taken.ending is Ending.PASSED else Tone.BAD if taken.ending in BAD else Tone.DIM
    return Cell(f"{SIGNS[taken.ending]} {taken.ending.value}", tone)


def verdict(night: Night) -> Cell:
    """Say in a word how a night went."""
    bad = len(night.bad)
    return Cell(f"✗ {count(bad, 'bad step')}", Tone.BAD) if bad else Cell("✓ good", Tone.GOOD)


def _steps(night: Night) -> Table:
    titles = ("step", "of the fork", "ended")
    columns = (*map(Column, titles), Column("seconds", numeric=True), Column("found"), Column("see it again"))
    rows = tuple(
        Line(
            (
                words(one.step.name),
                Cell(SIDES[one.step.side]),
                ended(one),
                number(one.seconds, 1),
                words(one.said, most=400),
                name(one.command),
            )
        )
        for one in night.taken
    )
    took = f"{night.seconds / 60:,.1f} minutes"
    return Table(
        "steps", f"The night that began {words(night.began).text}: {took}, {words(night.machine).text}", columns, rows
    )


def _log(at: int, taken: Taken) -> Fold:
    lines = taken.log.splitlines()
    left = len(lines) - MOST_LOG
    note = f"{count(left, 'line')} before these left out: `{taken.command}`" if left > 0 else ""
    text = Text(
        f"The end of what {words(taken.step.name).text} printed",
        tuple((" ", shown.line(one)) for one in lines[-MOST_LOG:]),
        note,
    )
    return Fold(
        f"log-{at}", words(taken.step.name), words(f"{taken.ending.value}: {taken.said}", most=160).text, (text,)
    )


def _nights(given: Given) -> Table:
    titles = ("began", "verdict", "bad steps", "pin", "head", "tried up to")
    numbers = ("patches", "lines", "behind", "minutes")
    columns = (*map(Column, titles), *(Column(one, numeric=True) for one in numbers))
    rows = tuple(
        Line(
            (
                words(night.began),
                verdict(night),
                words(", ".join(one.step.name for one in night.bad)),
                *(
                    commit(sha, given.pages) if sha else Cell("not known", Tone.DIM)
                    for sha in (night.pin, night.head, night.tried)
                ),
                number(night.patches),
                number(night.lines),
                number(len(night.findings.behind)),
                number(night.seconds / 60, 1),
            )
        )
        for night in given.nights[:MOST_NIGHTS]
    )
    return Table("last-nights", "Newest first", columns, rows)
