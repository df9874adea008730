"""The patch stack: the patches on the files that they touch, their age, what became of them, the queue's size."""

from collections.abc import Sequence

from forkkeeper.core.history import Record
from forkkeeper.core.page import specs
from forkkeeper.core.page.given import Change, Given, day_of
from forkkeeper.core.page.shape import (
    Block,
    Cell,
    Chart,
    Column,
    Heading,
    Line,
    Matrix,
    Missing,
    Note,
    Section,
    Table,
    Tone,
    commit,
    name,
    number,
    words,
)
from forkkeeper.core.page.tomorrow import NIGHTLY, TONES
from forkkeeper.core.report import count
from forkkeeper.core.verdict import Outcome

MOST_FILES = 400  # rows of the matrix
MOST_SYNCS = 24  # columns of what the syncs did, the newest
SIGNS = {
    Outcome.KEPT.value: "=",
    Outcome.REFRESHED.value: "~",
    Outcome.RESOLVED.value: "r",
    Outcome.REPLAYED.value: "p",
    Outcome.UPSTREAMED.value: "↑",
    Outcome.EMPTIED.value: "0",
    Outcome.CLASHED.value: "×",
    Outcome.PARKED.value: "…",
    Outcome.DROPPED.value: "–",
}
_CHURN = frozenset({Outcome.KEPT.value})  # all other outcomes changed the patch
_LEAVES = frozenset({Outcome.UPSTREAMED.value, Outcome.EMPTIED.value, Outcome.PARKED.value, Outcome.DROPPED.value})


def section(given: Given) -> Section:
    """Make the section."""
    about = "The patches in their order, the files that each touches, and what became of them over time."
    blocks: list[Block] = [*_patches(given), *_files(given), *_syncs(given), *_sizes(given)]
    return Section("stack", "The patch stack", about, tuple(blocks))


def _patches(given: Given) -> list[Block]:
    if not given.queue:
        return [Missing("The queue is empty.", "forkkeeper patch open")]
    columns = (
        Column("", numeric=True),
        Column("patch"),
        Column("what"),
        Column("upstream status"),
        Column("files", numeric=True),
        Column("+", numeric=True),
        Column("−", numeric=True),
        Column("since upstream"),
        Column("syncs", numeric=True),
        Column("changed by", numeric=True),
        Column("last sync"),
    )
    rows = tuple(Line(_patch(at, change, given)) for at, change in enumerate(given.queue, 1))
    return [Table("patches", "Patches, in the order in which they apply", columns, rows)]


def _patch(at: int, change: Change, given: Given) -> tuple[Cell, ...]:
    patch = change.patch
    outcomes = [row.outcome for record in given.records for row in record.patch if row.name == patch.name]
    churned = sum(one not in _CHURN for one in outcomes)
    last = outcomes[-1] if outcomes else ""
    return (
        number(at),
        name(patch.title, f"#p-{at}"),
        words(patch.subject),
        words((patch.trailer("Upstream-Status") or "not said").split(" ", 1)[0]),
        number(len(change.files)),
        number(sum(file.added for file in change.files)),
        number(sum(file.removed for file in change.files)),
        commit(change.since, given.pages),
        number(len(outcomes)),
        number(churned, tone=Tone.WARN if churned else Tone.PLAIN),
        Cell(last or "none yet", TONES.get(last, Tone.DIM)),
    )


def _files(given: Given) -> list[Block]:
    if not given.queue:
        return []
    touched = [{file.path: (file.added, file.removed) for file in change.files} for change in given.queue]
    paths = sorted({path for files in touched for path in files})
    most = max((sum(lines) for files in touched for lines in files.values()), default=1) or 1
    rows = []
    for path in paths[:MOST_FILES]:
        cells = tuple(_lines(files.get(path), most) for files in touched)
        rows.append((name(path), cells))
    columns = tuple(name(change.patch.title, f"#p-{at}") for at, change in enumerate(given.queue, 1))
    caption = "Lines that each patch adds and removes, by file"
    blocks: list[Block] = [Heading("On the files"), Matrix("on-files", caption, "file", columns, tuple(rows))]
    left = len(paths) - MOST_FILES
    return [*blocks, Note(f"{count(left, 'more file')} not shown.")] if left > 0 else blocks


def _lines(lines: tuple[int, int] | None, most: int) -> Cell | None:
    """Give a cell that is darker the more lines there are, by the root of their share."""
    if lines is None:
        return None
    added, removed = lines
    said = " ".join([*([f"+{added}"] if added else []), *([f"−{removed}"] if removed else [])]) or "mode"
    return Cell(said, number=round(((added + removed) / most) ** 0.5, 2))


def _syncs(given: Given) -> list[Block]:
    heading = Heading("What the syncs did to them")
    if not given.records:
        return [heading, Missing("No sync is on record yet.", "forkkeeper sync --upto HEAD")]
    shown = given.records[-MOST_SYNCS:]
    known = [change.patch.name for change in given.queue]
    gone = sorted({row.name for record in shown for row in record.patch} - set(known))
    done = [{row.name: row.outcome for row in record.patch} for record in shown]
    rows = []
    for patch in (*known, *gone):
        cells = tuple(_outcome(outcomes.get(patch, "")) for outcomes in done)
        rows.append((name(patch.removesuffix(".patch"), given.place(patch)), cells))
    columns = tuple(Cell(record.date) for record in shown)
    signs = ", ".join(f"{sign} {outcome}" for outcome, sign in SIGNS.items())
    return [
        heading,
        Matrix("outcomes", "Outcome of each patch, by sync", "patch", columns, tuple(rows)),
        Note(f"{signs}.", Tone.DIM),
    ]


def _outcome(outcome: str) -> Cell | None:
    return Cell(f"{SIGNS.get(outcome, '')} {outcome}".strip(), TONES.get(outcome, Tone.PLAIN)) if outcome else None


def _sizes(given: Given) -> list[Block]:
    heading = Heading("The queue's size")
    points = [(record.date, "syncs", _left(record)) for record in given.records]
    points += [(day_of(night), "nights", night.patches) for night in reversed(given.nights)]
    lines = [(day_of(night), "lines", night.lines) for night in reversed(given.nights)]
    if not points:
        return [heading, Missing("Neither a sync nor a night is on record.", NIGHTLY)]
    return [
        heading,
        *_chart("queue-patches", "Patches in the queue", "patches", points),
        *_chart("queue-lines", "Lines that the queue adds or removes", "lines", lines),
    ]


def _chart(key: str, title: str, unit: str, points: Sequence[tuple[str, str, int]]) -> list[Block]:
    if not points:
        return []
    rows = [{"day": day, "series": series, "value": value} for day, series, value in points]
    columns = (Column("day"), Column("seen by"), Column(unit, numeric=True))
    table = Table(
        f"{key}-table",
        title,
        columns,
        tuple(Line((Cell(day), Cell(series), number(value))) for day, series, value in points),
        folded=f"{title} as a table",
    )
    about = f"{title}: {points[0][2]:,} on {points[0][0]}, {points[-1][2]:,} on {points[-1][0]}."
    return [Chart(key, title, about, specs.over_time(rows, unit), table)]


def _left(record: Record) -> int:
    return sum(row.outcome not in _LEAVES for row in record.patch)
