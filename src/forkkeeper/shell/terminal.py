"""The door to the person: tables, progress, messages, the pager. The only place that prints."""

import io
import os
import pydoc
import re
import shutil
import sys
import textwrap
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from tabulate import MIN_PADDING, tabulate
from tqdm import tqdm

from forkkeeper.core.report import Block, Cell, Emulated, Painted, Table
from forkkeeper.core.shown import disarmed, spelled

# What can make a terminal or a reader show what is not there, in a diff that git has coloured: its colours (and "erase
# to the end of the line") may act, and a line may end in CR.
_UNSAFE = "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
_ACTING = re.compile(r"(?!\x1b\[[0-9;]*[mK])(?!\r\n)(?!\r\x1b)" + _UNSAFE)
READABLE = 100  # characters of a line of text
SENTENCE = 46  # characters of a sentence in a table, before it is broken
STDOUT, STDERR = 1, 2  # descriptors, as other programs inherit them
NARROWEST = 10  # columns of a table are not made narrower than this
_COLOURS = {"green": "32", "yellow": "33", "red": "31", "dim": "2", "bold": "1"}


def printable(text: str) -> str:
    """Spell out what a terminal would act upon instead of showing, in one line."""
    return spelled(text, but="\t")


def _spelled(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"


def colourful() -> bool:
    """Whether to colour: on a terminal that can, or where CLICOLOR_FORCE is set; NO_COLOR (no-color.org) ends it."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("CLICOLOR_FORCE", "0") != "0":  # bixense.com/clicolors
        return True
    return sys.stdout.isatty() and not is_dumb()


def is_dumb() -> bool:
    """Whether the terminal says that it can do nothing but print."""
    return os.environ.get("TERM") == "dumb"


def paint(text: str, colour: str) -> str:
    """Colour a text where colours are shown."""
    return f"\x1b[{_COLOURS[colour]}m{text}\x1b[0m" if colourful() else text


def _out(text: str) -> None:
    """Print lines that hold no control characters but our own colours."""
    print(disarmed(text))  # noqa: T201


def say(text: str = "") -> None:
    """Print lines, with whatever a terminal would act upon spelled out."""
    _out(_cell(text))


def paragraph(text: str) -> None:
    """Print a paragraph, broken at blanks to the terminal's width."""
    for line in _broken(text, room() - 2):
        say(f"  {line}")


def columns(title: str, rows: Sequence[tuple[str, str]], width: int = 0) -> None:
    """Print names and what each is under a title, broken at blanks to the terminal's width.

    width -- of the names' column, at least
    """
    wide = max([width, *(len(name) for name, _ in rows)])
    show([Painted(title, "bold")])
    for name, text in rows:
        first, *more = _broken(text, room() - wide - 4)
        say(f"  {name:<{wide}}  {first}".rstrip())
        for line in more:
            say(f"{'':<{wide + 4}}{line}")
    say()


def room() -> int:
    """Give how many characters a line of text may have: the terminal's width, and no more than is read with ease."""
    return min(shutil.get_terminal_size().columns, READABLE)


def _broken(text: str, width: int) -> list[str]:
    wide = max(width, NARROWEST)
    return textwrap.wrap(text, wide, break_long_words=False, break_on_hyphens=False) or [""]


def complain(text: str) -> None:
    """Print a message to standard error."""
    print(disarmed("\n".join(printable(line) for line in text.split("\n"))), file=sys.stderr)  # noqa: T201


def emit(text: str) -> None:
    """Print a text of ours as it is."""
    sys.stdout.write(text)
    sys.stdout.flush()


def emit_json(text: str) -> None:
    r"""Print a document of JSON. What a CI runner would obey in a string is spelled as JSON has it, `\u0023`."""
    emit(disarmed(text))


def show(blocks: Sequence[Block]) -> None:
    """Print a report, to its end: what is left for the interpreter's last moment can fail there, past all handling."""
    for block in blocks:
        _out(_drawn(block))
    flush()


def flush() -> None:
    """Hand on what was printed. Raises BrokenPipeError when nobody reads it any more, OSError for a full disk."""
    sys.stdout.flush()


def drawn(blocks: Sequence[Block]) -> str:
    """Give a report as it is printed."""
    return "".join(f"{_drawn(block)}\n" for block in blocks)


def _drawn(block: Block) -> str:
    match block:
        case str() | Painted():
            return _cell(block)
        case Table(headers=headers, rows=rows, prose=prose):
            return table(rows, headers, prose)


def table(rows: Sequence[Sequence[Cell]], headers: Sequence[str], prose: Sequence[str] = ()) -> str:
    """Lay rows out as a table: without columns that are empty, and on a terminal no wider than that.

    prose -- the headers of columns that hold sentences: those are broken at blanks
    """
    cells = [[_cell(cell) for cell in row] for row in rows]
    shown = [at for at in range(len(headers)) if not cells or any(row[at] for row in cells)]
    cells, named = [[row[at] for at in shown] for row in cells], [headers[at] for at in shown]
    most = [SENTENCE if header in prose else None for header in named]
    widths = _fitting(cells, named, most) if sys.stdout.isatty() else None
    broken = [width if most[at] else None for at, width in enumerate(widths)] if widths else most
    cells = [[_wrapped(cell, width) for cell, width in zip(row, broken, strict=True)] for row in cells]
    return tabulate(cells, headers=named, tablefmt="simple", disable_numparse=True, maxcolwidths=widths)


def _wrapped(cell: str, width: int | None) -> str:
    """Break a sentence at blanks."""
    if width is None:
        return cell
    return "\n".join(textwrap.wrap(cell, width, break_long_words=False, break_on_hyphens=False))


def _fitting(cells: Sequence[Sequence[str]], headers: Sequence[str], most: Sequence[int | None]) -> list[int] | None:
    """Give widths with which a table fits the terminal: the widest columns are wrapped; None where all fit.

    most -- how wide a column is at most, anyway
    """
    space = shutil.get_terminal_size().columns - 2 * (len(headers) - 1)
    columns = list(zip(headers, *cells, strict=True))
    least = [len(header) + MIN_PADDING for header in headers]  # tabulate makes no column narrower
    needed = [max(len(line) for cell in column for line in _plain(cell).split("\n")) for column in columns]
    limited = [min(width, limit or width) for width, limit in zip(needed, most, strict=True)]
    widths = [max(pair) for pair in zip(limited, least, strict=True)]
    if sum(widths) <= space:
        return None
    while sum(widths) > space:
        wide = [width if width > max(low, NARROWEST) else 0 for width, low in zip(widths, least, strict=True)]
        if not any(wide):
            break
        widths[wide.index(max(wide))] -= 1
    return widths


def _plain(text: str) -> str:
    """Take the colour codes out."""
    return re.sub("\x1b\\[[0-9;]*m", "", text)


def _cell(cell: Cell) -> str:
    match cell:
        case Painted(text=text, colour=colour):
            return paint("\n".join(printable(line) for line in text.split("\n")), colour)
        case Emulated(text=text):
            return printable(text)
        case str():
            return "\n".join(printable(line) for line in cell.split("\n"))


def write(path: Path, text: str) -> None:
    """Write a document that the person asked for to a file."""
    path.write_text(text, encoding="utf-8")


def write_anything() -> None:
    """Spell out what the terminal's encoding has no character for, rather than fail on it."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


@contextmanager
def others_aside() -> Iterator[None]:
    """Have what other programs write to standard output go to standard error: a document shall stand there alone."""
    sys.stdout.flush()
    kept = os.dup(STDOUT)
    os.dup2(STDERR, STDOUT)
    try:
        yield
    finally:
        os.dup2(kept, STDOUT)
        os.close(kept)


def close_output() -> None:
    """Stop writing to an output that nobody reads any more (docs.python.org/3/library/signal.html#note-on-sigpipe)."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def release() -> None:
    """Give up what cannot be handed on: the interpreter would try once more as it ends, and end with 120."""
    try:
        flush()
    except OSError:
        close_output()


def page(data: bytes, pager: str) -> None:
    """Show a diff on a terminal, through a pager where it can have one; anywhere else give the bytes as they are.

    On a terminal nothing acts but colours: control characters that the files hold are spelled out.
    """
    if not sys.stdout.isatty():
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return
    text = _ACTING.sub(_spelled, data.decode("utf-8", "replace"))
    if pager in ("", "cat") or is_dumb():  # on a dumb terminal `less` asks to go on before it shows anything
        sys.stdout.write(text)
        sys.stdout.flush()
        return
    os.environ.setdefault("LESS", "FRX")  # git's own defaults for its pager
    pydoc.pipepager(text, pager)


Progress = Callable[[str, float, float], None]


@contextmanager
def progress() -> Iterator[Progress]:
    """Give a callback (what, done, of) that draws one bar per `what`, on a terminal's standard error.

    Counts of a million and more are shown as bytes. Without a terminal one line per step is written.
    """
    bars: dict[str, tqdm[NoReturn]] = {}
    shown = sys.stderr.isatty() and not is_dumb()

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
        if of and done >= of:
            bars.pop(what).close()  # what other programs write next shall not stand behind it

    try:
        yield on_progress
    finally:
        for bar in bars.values():
            bar.close()
