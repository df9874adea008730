"""The door to the person: tables, progress, messages, the pager. The only place that prints."""

import io
import os
import pydoc
import re
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from tabulate import tabulate
from tqdm import tqdm

from forkkeeper.core.report import Block, Cell, Painted, Table
from forkkeeper.core.shown import spelled

NARROWEST = 10  # columns of a table are not made narrower than this
_COLOURS = {"green": "32", "yellow": "33", "red": "31", "dim": "2", "bold": "1"}


def printable(text: str) -> str:
    """Spell out what a terminal would act upon instead of showing, in one line."""
    return spelled(text, but="\t")


def colourful() -> bool:
    """Whether to colour: on a terminal, unless NO_COLOR (no-color.org) or a dumb terminal says otherwise."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def paint(text: str, colour: str) -> str:
    """Colour a text where colours are shown."""
    return f"\x1b[{_COLOURS[colour]}m{text}\x1b[0m" if colourful() else text


def say(text: str = "") -> None:
    """Print lines, with whatever a terminal would act upon spelled out."""
    _out("\n".join(printable(line) for line in text.split("\n")))


def _out(text: str) -> None:
    """Print lines that hold no control characters but our own colours."""
    print(text)  # noqa: T201


def complain(text: str) -> None:
    """Print a message to standard error."""
    print("\n".join(printable(line) for line in text.split("\n")), file=sys.stderr)  # noqa: T201


def emit(text: str) -> None:
    """Print a document as it is (JSON)."""
    sys.stdout.write(text)
    sys.stdout.flush()


def show(blocks: Sequence[Block]) -> None:
    """Print a report."""
    for block in blocks:
        match block:
            case str():
                say(block)
            case Painted(text=text, colour=colour):
                _out(paint(printable(text), colour))
            case Table(headers=headers, rows=rows):
                _out(table(rows, headers))


def table(rows: Sequence[Sequence[Cell]], headers: Sequence[str]) -> str:
    """Lay rows out as a table: without columns that are empty, and on a terminal no wider than that."""
    cells = [[_cell(cell) for cell in row] for row in rows]
    shown = [at for at in range(len(headers)) if not cells or any(row[at] for row in cells)]
    cells, named = [[row[at] for at in shown] for row in cells], [headers[at] for at in shown]
    widths = _fitting(cells, named) if sys.stdout.isatty() else None
    return tabulate(cells, headers=named, tablefmt="simple", disable_numparse=True, maxcolwidths=widths)


def _fitting(cells: Sequence[Sequence[str]], headers: Sequence[str]) -> list[int] | None:
    """Give widths with which a table fits the terminal: the widest columns are wrapped; None where all fit."""
    room = shutil.get_terminal_size().columns - 2 * (len(headers) - 1)
    columns = list(zip(headers, *cells, strict=True))
    widths = [max(len(line) for cell in column for line in _plain(cell).split("\n")) for column in columns]
    if sum(widths) <= room:
        return None
    while sum(widths) > room and max(widths) > NARROWEST:
        widths[widths.index(max(widths))] -= 1
    return widths


def _plain(text: str) -> str:
    """Take the colour codes out."""
    return re.sub("\x1b\\[[0-9;]*m", "", text)


def _cell(cell: Cell) -> str:
    match cell:
        case Painted(text=text, colour=colour):
            return paint(printable(text), colour)
        case str():
            return "\n".join(printable(line) for line in cell.split("\n"))


def write(path: Path, text: str) -> None:
    """Write a document that the person asked for to a file."""
    path.write_text(text, encoding="utf-8")


def leave(folder: Path, text: str) -> Path:
    """Leave a report file of a bug in a folder, and give its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"bug-{len(list(folder.iterdir())) + 1}.txt"
    path.write_text(text, encoding="utf-8")
    return path


def write_anything() -> None:
    """Spell out what the terminal's encoding has no character for, rather than fail on it."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def close_output() -> None:
    """Stop writing to an output that nobody reads any more (docs.python.org/3/library/signal.html#note-on-sigpipe)."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def page(data: bytes, pager: str) -> None:
    """Show bytes through a pager on a terminal, else as they are."""
    if sys.stdout.isatty() and pager not in ("", "cat"):
        os.environ.setdefault("LESS", "FRX")  # git's own defaults for its pager
        pydoc.pipepager(data.decode("utf-8", "replace"), pager)
        return
    sys.stdout.flush()
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


Progress = Callable[[str, float, float], None]


@contextmanager
def progress() -> Iterator[Progress]:
    """Give a callback (what, done, of) that draws one bar per `what`, on a terminal's standard error.

    Counts of a million and more are shown as bytes. Without a terminal one line per step is written.
    """
    bars: dict[str, tqdm[NoReturn]] = {}
    shown = sys.stderr.isatty()

    def on_progress(what: str, done: float, of: float) -> None:
        if what not in bars:
            for bar in bars.values():
                bar.close()
            if not shown:
                complain(f"{what} …")
            in_bytes = of >= 1_000_000
            bars[what] = tqdm(
                total=of or None,
                desc=printable(what),
                unit="B" if in_bytes else "",
                unit_scale=in_bytes,
                unit_divisor=1000,
                disable=not shown,
                leave=False,
                file=sys.stderr,
                bar_format=None if of else "{desc} … {elapsed}",
            )
        bar = bars[what]
        bar.total = of or None
        bar.update(done - bar.n)

    try:
        yield on_progress
    finally:
        for bar in bars.values():
            bar.close()
