"""`history.toml`: one record per saved sync, appended. With queue, lock and overlay it is all that the log reads."""

from collections.abc import Sequence

import msgspec
import tomli_w

from forkkeeper.core import markers, reading
from forkkeeper.core.verdict import Outcome, Row
from forkkeeper.errors import RequestError

FILE = "history.toml"
HEADER = "# One record per saved sync, appended by forkkeeper; the log is made from it.\n"


class Carried(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a sync did to one patch.

    accepted -- whether a person accepted what a rule made of it
    why -- of a patch that a person took out: the reason that they gave
    """

    name: str
    outcome: str
    rule: str = ""
    accepted: bool = False
    why: str = ""


class Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One saved sync. from_sha, to_sha -- upstream commits; date -- the day it was saved (UTC)."""

    from_sha: str = msgspec.field(name="from")
    to_sha: str = msgspec.field(name="to")
    date: str
    patch: tuple[Carried, ...] = ()


class _Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    sync: tuple[Record, ...] = ()


def parse(data: bytes) -> tuple[Record, ...]:
    """Read `history.toml`, oldest first. Raises RequestError."""
    markers.refuse(data, FILE, step="read", hint="keep the records of both sides, oldest first, then `forkkeeper log`")
    try:
        return msgspec.convert(reading.toml(data), _Document).sync
    except ValueError as error:  # msgspec's are ValueErrors
        raise RequestError("read", FILE, f"damaged: {error}", f"`git restore {FILE}`") from error


def append(data: bytes, record: Record) -> bytes:
    """Give the file with one more record; what stands there is not touched."""
    text = data or HEADER.encode()
    return text + b"\n" + tomli_w.dumps({"sync": [msgspec.to_builtins(record)]}).encode()


def record(from_sha: str, to_sha: str, date: str, rows: Sequence[Row]) -> Record:
    """Make the record of a sync from its rows; a reviewed row is there only when it was accepted."""
    carried = tuple(Carried(r.old.name, r.outcome.value, r.rule or "", r.review, _reason(r)) for r in rows)
    return Record(from_sha, to_sha, date, carried)


def _reason(row: Row) -> str:
    return row.why or "" if row.outcome in (Outcome.PARKED, Outcome.DROPPED) else ""


def last_outcome(records: Sequence[Record], name: str) -> Carried | None:
    """Find what the last sync did to a patch, or None when it was not in it."""
    rows = records[-1].patch if records else ()
    return next((row for row in rows if row.name == name), None)


def since(records: Sequence[Record], name: str, pin: str) -> str:
    """Give the upstream commit on which a patch first stood: that of the first sync that carried it, or the pin."""
    return next((r.from_sha for r in records if any(row.name == name for row in r.patch)), pin)
