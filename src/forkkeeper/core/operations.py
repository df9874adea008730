"""Operation records: what each verb that saves has changed, and what `undo` and `redo` take next.

The log is append-only: an undo is an operation, too. Where one stands is written down nowhere, it follows from the log.
A record is a folder: `operation.json` (schema 1), and each file's contents in `before/` and `after/`, by its number.
"""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import msgspec

from forkkeeper.core import ids, lock, reading
from forkkeeper.core.paths import fault
from forkkeeper.errors import RequestError

FILE = "operation.json"
SCHEMA = 1
KEPT = 1_000  # records; what can be undone or redone is counted by itself


class Kind(Enum):
    """What an operation is to the log."""

    DO = "do"
    UNDO = "undo"
    REDO = "redo"


class Changed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file of an operation. before, after -- its digest, or None where there was no file."""

    name: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class Deed:
    """Why files are saved.

    words -- the verb as typed, e.g. ("sync", "--upto", "v1.1")
    time -- UTC, as YYYY-MM-DDTHH:MM:SSZ
    of -- the number of the operation that is undone or redone
    """

    words: tuple[str, ...]
    time: str
    kind: Kind = Kind.DO
    of: int | None = None


class Operation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One record of the log: a deed, its number, and the files in the order in which they were put in place."""

    schema: int
    number: int
    kind: Kind
    of: int | None
    words: tuple[str, ...]
    time: str
    files: tuple[Changed, ...]

    @property
    def said(self) -> str:
        """The verb as it can be typed again."""
        return shlex.join(self.words)


def digest(data: bytes | None) -> str | None:
    """SHA-256 of a file, in the lock's form; None for no file."""
    return None if data is None else lock.digest(data)


def record(deed: Deed, number: int, files: Sequence[Changed]) -> Operation:
    """Make the record of a deed."""
    return Operation(SCHEMA, number, deed.kind, deed.of, deed.words, deed.time, tuple(files))


def folder(number: int) -> str:
    """Name the folder of a record.

    >>> folder(7)
    '000007'
    """
    return f"{number:06}"


def format_operation(operation: Operation) -> bytes:
    """Write a record."""
    return msgspec.json.format(msgspec.json.encode(operation), indent=2) + b"\n"


def parse(data: bytes, place: str) -> Operation:
    """Read a record. Raises RequestError naming the place."""
    hint = f"remove that folder: its operation is then forgotten, the fork's files stay as they are ({place})"
    try:
        found = reading.struct(data, Operation)
    except ValueError as error:
        raise RequestError("read", f"{place}/{FILE}", f"damaged: {error}", hint) from error
    if found.schema != SCHEMA:
        what = f"schema is {found.schema}; this forkkeeper reads {SCHEMA}"
        raise RequestError("read", f"{place}/{FILE}", what, "upgrade forkkeeper")
    for changed in found.files:
        if wrong := fault(changed.name):
            raise RequestError("read", f"{place}/{FILE}", f"damaged: the path {changed.name!r} {wrong}", hint)
    return found


# where one stands ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Position:
    """Where one stands in the log: two stacks of operation numbers, the last of each is taken next.

    done -- what `undo` takes back
    undone -- what `redo` brings back
    """

    done: tuple[int, ...]
    undone: tuple[int, ...]


def position(log: Sequence[Operation]) -> Position:
    """Find where one stands.

    A do is pushed, an undo pops it, a redo pushes it back; a new do leaves nothing to be redone. Since numbers only
    grow, that is the same as asking for the last word on each do, and so it holds for what is left of a trimmed log.
    log -- ordered by number
    """
    dos = [operation.number for operation in log if operation.kind is Kind.DO]
    last = {operation.of: operation for operation in log if operation.of is not None}
    undone = [number for number in dos if number in last and last[number].kind is Kind.UNDO]
    newest = max(dos, default=0)
    return Position(
        done=tuple(number for number in dos if number not in undone),
        undone=tuple(number for number in reversed(undone) if last[number].number > newest),
    )


def superfluous(log: Sequence[Operation], kept: int) -> tuple[int, ...]:
    """Give the records to remove, oldest first.

    What stays: the newest `kept`, as many that can be undone, and all that can be redone with the undo of each.
    """
    stands = position(log)
    last = {operation.of: operation.number for operation in log if operation.of is not None}
    wanted = {operation.number for operation in log[-kept:]} | {*stands.done[-kept:], *stands.undone}
    wanted |= {last[number] for number in stands.undone}
    return tuple(operation.number for operation in log if operation.number not in wanted)


def swapped(files: Sequence[Changed]) -> tuple[Changed, ...]:
    """Give the changes the other way round."""
    return tuple(Changed(each.name, each.after, each.before) for each in files)


# what a person is told ----------------------------------------------------------------------------------------------


def told(files: Sequence[Changed], pins: tuple[str | None, str | None], patches: str) -> tuple[str, ...]:
    """Say what changes: the pin, then patches by their titles, then the other files.

    pins -- the pin before and after, where known
    patches -- the queue's folder
    """
    old, new = (ids.short(pin) if pin else "none" for pin in pins)
    lines = [f"pin {old} → {new}"] if old != new else []
    kinds: dict[str, list[str]] = {}
    for is_patch in (True, False):
        for each in sorted(files, key=lambda each: each.name):
            title = _title(each.name, patches)
            if (title is not None) is is_patch:
                word = "added" if each.before is None else "removed" if each.after is None else "changed"
                kinds.setdefault(f"{'patches' if is_patch else 'files'} {word}", []).append(title or each.name)
    return (*lines, *(f"{what}: {', '.join(names)}" for what, names in kinds.items()))


def _title(name: str, patches: str) -> str | None:
    """Give the title of a patch of the queue; None for any other file."""
    parts = name.split("/")
    return parts[1].removesuffix(".patch") if len(parts) == 2 and parts[0] == patches and "." in parts[1] else None
