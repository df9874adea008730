"""What a page is made of: sections of blocks, each a frozen value that the template draws.

Texts stand here as they are shown, strangers' made safe; a link is `#` and an id of the page, or made of ids by `web`.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, ClassVar

from forkkeeper.core import commits, ids
from forkkeeper.core.ids import CommitId, short
from forkkeeper.core.shown import line

Spec = Mapping[str, Any]  # a chart as Vega-Lite has it: vega.github.io/vega-lite/docs/spec.html


class Tone(Enum):
    """How a text is meant; drawn as a colour beside a word or a sign, never alone."""

    PLAIN = ""
    GOOD = "good"
    WARN = "warn"
    BAD = "bad"
    DIM = "dim"


@dataclass(frozen=True, slots=True)
class Cell:
    """A text in a table or a list.

    number -- what a column is sorted by where that is no text
    code -- whether it is a name, a path or something to type
    """

    text: str
    tone: Tone = Tone.PLAIN
    link: str = ""
    number: float | None = None
    code: bool = False


@dataclass(frozen=True, slots=True)
class Column:
    """A column's title, and whether it holds numbers."""

    title: str
    numeric: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """A row of a table. id -- by which a link finds it, "" for none."""

    cells: tuple[Cell, ...]
    id: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under titles. folded -- what opens it, "" where it is open from the beginning."""

    kind: ClassVar[str] = "table"
    id: str
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[Line, ...]
    folded: str = ""


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawing, what it shows in a sentence, and the table behind it."""

    kind: ClassVar[str] = "chart"
    id: str
    title: str
    about: str
    spec: Spec
    table: Table


@dataclass(frozen=True, slots=True)
class Note:
    """A sentence. links -- to go on from it, each a text and a link."""

    kind: ClassVar[str] = "note"
    text: str
    tone: Tone = Tone.PLAIN
    links: tuple[Cell, ...] = ()


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a thing, by name."""

    kind: ClassVar[str] = "facts"
    rows: tuple[tuple[str, tuple[Cell, ...]], ...]


@dataclass(frozen=True, slots=True)
class Commands:
    """What to type, each with what it is for."""

    kind: ClassVar[str] = "commands"
    lines: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Missing:
    """There is nothing to show: why, and what to type to have it."""

    kind: ClassVar[str] = "missing"
    found: str
    command: str


@dataclass(frozen=True, slots=True)
class Square:
    """One upstream commit on the strip. effect -- the worst that it does to a patch, "" for nothing."""

    effect: str = ""
    title: str = ""
    link: str = ""


@dataclass(frozen=True, slots=True)
class Strip:
    """Upstream's commits, oldest first, in stretches of time. rows -- id of the table with a row for each of them."""

    kind: ClassVar[str] = "strip"
    stretches: tuple[tuple[str, tuple[Square, ...]], ...]
    legend: tuple[tuple[str, str, int], ...]  # effect, what it means, how many
    rows: str


@dataclass(frozen=True, slots=True)
class Matrix:
    """Rows by columns; a cell's number is how dark it is drawn, from 0 to 1."""

    kind: ClassVar[str] = "matrix"
    id: str
    caption: str
    corner: str
    columns: tuple[Cell, ...]
    rows: tuple[tuple[Cell, tuple[Cell | None, ...]], ...]


@dataclass(frozen=True, slots=True)
class Text:
    """Lines as they are, each with a sign: "+", "-", "@", " "."""

    kind: ClassVar[str] = "text"
    label: str
    lines: tuple[tuple[str, str], ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Fold:
    """What is opened by a click. level -- of the heading in it, 0 for none."""

    kind: ClassVar[str] = "fold"
    id: str
    title: Cell
    beside: str
    blocks: "tuple[Block, ...]"


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading below that of a section."""

    kind: ClassVar[str] = "heading"
    text: str
    id: str = ""


Block = Table | Chart | Note | Facts | Commands | Missing | Strip | Matrix | Text | Fold | Heading


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the page. about -- one sentence that says what it shows."""

    id: str
    title: str
    about: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """What tomorrow's sync would cost, in a sentence, and why, in a few. more -- where the rest stands."""

    says: str
    tone: Tone
    because: tuple[tuple[Cell, ...], ...]
    more: Cell


@dataclass(frozen=True, slots=True)
class Page:
    """The whole page. day -- of which it speaks, "" where nothing says so."""

    fork: str
    upstream: str
    day: str
    answer: Answer
    sections: tuple[Section, ...]


def charts(blocks: Sequence[Block]) -> tuple[Chart, ...]:
    """Give the charts among blocks, those inside others too."""
    found: list[Chart] = []
    for block in blocks:
        if isinstance(block, Chart):
            found.append(block)
        elif isinstance(block, Fold):
            found += charts(block.blocks)
    return tuple(found)


# cells ----------------------------------------------------------------------------------------------------------------

LONGEST = 300  # characters of a text in a cell


def words(text: str, tone: Tone = Tone.PLAIN, most: int = LONGEST) -> Cell:
    """Give somebody's text as a cell, made safe and cut."""
    return Cell(line(" ".join(text.split()), most), tone)


def name(text: str, link: str = "", tone: Tone = Tone.PLAIN) -> Cell:
    """Give a name, a path or an id as a cell."""
    return Cell(line(text, LONGEST), tone, link, code=True)


def number(value: float, digits: int = 0, tone: Tone = Tone.PLAIN) -> Cell:
    """Give a number as a cell that is sorted by it.

    >>> number(12345.6, 1).text
    '12,345.6'
    """
    return Cell(f"{value:,.{digits}f}", tone, number=value)


def percent(value: float, tone: Tone = Tone.PLAIN, digits: int = 2) -> Cell:
    """Give a share as percent, with its sign.

    >>> percent(0.0123).text, percent(-0.5).text
    ('+1.23 %', '−50.00 %')
    """
    return Cell(f"{value * 100:+.{digits}f} %".replace("-", "−"), tone, number=value)


def commit(sha: str, pages: Sequence[str], to: str = "") -> Cell:
    """Name an upstream commit, with a link to a place on this page, else to its own page where there is one."""
    if not ids.is_abbreviated(sha):
        return words(sha, most=40)
    return Cell(short(CommitId(sha)), link=to or web(sha, pages), code=True)


def web(sha: str, pages: Sequence[str]) -> str:
    """Give a commit's own page, made of its id and upstream's address; "" for none."""
    return commits.link(pages, CommitId(sha)) or "" if re.fullmatch("[0-9a-f]{40}", sha) else ""
