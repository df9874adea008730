"""Inputs that once made a parser raise what it must not: kept in tests/trust/crashes/PARSER, replayed for ever."""

import hashlib
import time
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fuzzing.parsers import Parser

FOLDER = Path(__file__).parents[1] / "trust" / "crashes"
PATIENCE = 20.0  # seconds that the shortening of one input may take


@dataclass(frozen=True)
class Escape:
    """What a parser raised, and from which line: two inputs with the same one have the same cause."""

    kind: str
    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.kind} at {self.file}:{self.line}"


def escape(parser: Parser, data: bytes) -> Escape | None:
    """Give what a parser raises beside its own error; None where it holds."""
    try:
        parser.holds(data)
    except Exception as error:  # noqa: BLE001 -- any that is not its own is what is looked for
        frames = traceback.extract_tb(error.__traceback__)
        ours = [frame for frame in frames if "forkkeeper" in frame.filename or "fuzzing" in frame.filename]
        where = (ours or frames)[-1]
        return Escape(type(error).__name__, Path(where.filename).name, where.lineno or 0)
    return None


def shortened(parser: Parser, data: bytes) -> bytes:
    """Take out of an input what its escape does not need, in ever smaller pieces, while there is time."""
    wanted = escape(parser, data)
    ends = time.monotonic() + PATIENCE
    piece = len(data) // 2
    while piece and time.monotonic() < ends:
        at = 0
        while at < len(data) and time.monotonic() < ends:
            less = data[:at] + data[at + piece :]
            if escape(parser, less) == wanted:
                data = less
            else:
                at += piece
        piece //= 2
    return data


def keep(parser: Parser, data: bytes) -> Path:
    """Write an input where the tests replay it, and give the file."""
    folder = FOLDER / parser.name
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / hashlib.sha256(data).hexdigest()[:16]
    file.write_bytes(data)
    return file


def kept() -> Iterator[tuple[str, Path]]:
    """Give every input that is kept, with its parser's name, in order."""
    for file in sorted(path for path in FOLDER.glob("*/*") if path.is_file()):
        yield file.parent.name, file
