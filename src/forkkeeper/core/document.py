"""What a verb says, as JSON for scripts: made of the report that a person sees, so that no verb writes it twice."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from forkkeeper.core import reading
from forkkeeper.core.planning import printable
from forkkeeper.core.report import Block, Cell, Emulated, Painted, Report, Table
from forkkeeper.errors import ExitCode, ForkkeeperError

SCHEMA = 1


def of_report(verb: str, report: Report) -> str:
    """Write a report as JSON, schema 1 (stable).

    verb -- its name as it is typed, e.g. "upstream.refresh"
    blocks -- what was said, in order: a sentence as text, a table as a list of rows, each row an object that has the
        table's headers as keys; colours and blank lines are left out. A row about a variant that is emulated on this
        machine has "emulated": true as well
    """
    blocks = [_block(block) for block in report.blocks]
    return _written(verb, report.code, {"blocks": [block for block in blocks if block != ""], **report.more})


def of_error(verb: str, error: ForkkeeperError, code: ExitCode) -> str:
    """Write as JSON, schema 1 (stable), what ended a verb: step, thing, found, and what to type next."""
    parts = {"step": error.step, "thing": error.thing, "found": error.found, "next": error.hint}
    return _written(verb, code, {"error": {name: printable(text) for name, text in parts.items()}})


def read(data: bytes) -> dict[str, Any] | None:
    """Read a document that a verb wrote; None for what is none, such as one that was cut off."""
    try:
        found = reading.json(data)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _written(verb: str, code: ExitCode, rest: Mapping[str, object]) -> str:
    return json.dumps({"schema": SCHEMA, "verb": verb, "exit": int(code), **rest}, indent=1) + "\n"


def _block(block: Block) -> str | list[dict[str, str | bool]]:
    match block:
        case str() | Painted():
            return _text(block)
        case Table(headers=headers, rows=rows):
            return [_row(headers, row) for row in rows]


def _row(headers: Sequence[str], row: Sequence[Cell]) -> dict[str, str | bool]:
    said: dict[str, str | bool] = {header: _text(cell) for header, cell in zip(headers, row, strict=True)}
    return said | ({"emulated": True} if any(isinstance(cell, Emulated) for cell in row) else {})


def _text(cell: Cell) -> str:
    match cell:
        case Painted(text=text) | Emulated(text=text):
            return printable(text)
        case str():
            return printable(cell)
