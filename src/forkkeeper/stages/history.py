"""Keeps what nights found and what syncs did in `.forkkeeper/history.sqlite`, for charts and for people's questions.

The file can be deleted at any time: syncs come back from `history.toml`, nights begin anew. It is begun when something
is first kept. One that is damaged is moved aside, never deleted, and a new one is begun; `say` is told of that.
docs/history.md says what is in it.
"""

from collections.abc import Callable, Sequence
from importlib import resources
from pathlib import Path
from typing import TypeVar

from forkkeeper.core import nightrows
from forkkeeper.core.history import Record
from forkkeeper.core.nightrows import BEHIND, COMMIT, NIGHT, PARTS, SYNC, SYNC_PATCH, RowError, Table
from forkkeeper.core.nights import Night
from forkkeeper.errors import RequestError
from forkkeeper.shell import clock, database
from forkkeeper.shell.database import DamagedError, Database

FILE = Path(".forkkeeper", "history.sqlite")
SCHEMA = 1  # the newest; each version has a migration in data/history/
STEP = "history"
Say = Callable[[str], None]
_Answer = TypeVar("_Answer")


def _nobody(_: str) -> None:
    """Tell nobody."""


def keep(root: Path, night: Night, *, say: Say = _nobody) -> int:
    """Keep a night, and give its number: one more than the last one's. Raises RequestError, OutsideError."""

    def write(held: Database) -> int:
        with held.writing():
            return add(held, night)

    return _on(root, write, say, looks=True)


def recent(root: Path, *, most: int, say: Say = _nobody) -> tuple[Night, ...]:
    """Give the nights that were kept last, newest first; none where nothing is kept.

    Raises RequestError where the file is of a newer forkkeeper, OutsideError where it cannot be read.
    """
    chosen = f"SELECT number FROM {NIGHT.name} ORDER BY number DESC LIMIT ?"
    return _on(root, lambda held: _read(held, chosen, most), say) if (root / FILE).exists() else ()


def of_digest(root: Path, digest: str, *, say: Say = _nobody) -> Night | None:
    """Give the newest night of this digest, or None. Raises as `recent`."""
    if not (root / FILE).exists():
        return None
    chosen = f"SELECT number FROM {NIGHT.name} WHERE digest = ? ORDER BY number DESC LIMIT 1"
    return next(iter(_on(root, lambda held: _read(held, chosen, digest), say)), None)


def syncs(root: Path, records: Sequence[Record], *, say: Say = _nobody) -> tuple[Record, ...]:
    """Bring the syncs of `history.toml` into the database, and give them as it holds them, oldest first.

    What is there already is left alone; a record that history.toml does not have any more, after `undo`, leaves.
    Raises as `recent`.
    """

    def bring(held: Database) -> tuple[Record, ...]:
        with held.writing():
            _bring(held, records)
        return _syncs(held)

    return _on(root, bring, say)


def rebuild(root: Path, records: Sequence[Record], *, say: Say = _nobody) -> None:
    """Move the database aside, whatever it holds, and begin a new one from `history.toml`. Raises OutsideError.

    say -- told the old one's new name
    """
    if (root / FILE).exists():
        say(f"the history before is kept as {database.set_aside(root / FILE, _moment()).name}")
    syncs(root, records, say=say)


def migrations() -> tuple[str, ...]:
    """Give the SQL that leads from each version of the schema to the next, the first from an empty file."""
    folder = resources.files("forkkeeper").joinpath("data", "history")
    return tuple(folder.joinpath(f"{number}.sql").read_text(encoding="utf-8") for number in range(1, SCHEMA + 1))


def _on(root: Path, work: Callable[[Database], _Answer], say: Say, *, looks: bool = False) -> _Answer:
    """Do work on the database; where that is damaged, move it aside and do the work on a new one."""
    path = root / FILE
    was = path.stat().st_ino if path.exists() else None
    try:
        return _once(path, work, looks=looks)
    except DamagedError as damage:
        if was is not None and path.exists() and path.stat().st_ino == was:  # else another process has moved it aside
            aside = database.set_aside(path, _moment())
            say(f"{FILE} is damaged ({damage}): it is kept as {aside.name}, and a new one was begun")
        return _once(path, work, looks=False)


def _once(path: Path, work: Callable[[Database], _Answer], *, looks: bool) -> _Answer:
    with database.opened(path, migrations(), step=STEP, looks=looks) as held:
        try:
            return work(held)
        except RowError as error:
            found = f"holds what this forkkeeper does not know: {error}"
            hint = f"upgrade forkkeeper, or `mv {FILE} {FILE}.other`: a new one is begun then"
            raise RequestError(STEP, str(FILE), found, hint) from error


def _moment() -> str:
    return f"{clock.moment():%Y%m%dT%H%M%SZ}"


# nights -------------------------------------------------------------------------------------------------------------


def add(held: Database, night: Night) -> int:
    """Write a night within a transaction that is open, and give its number."""
    number = held.insert(_insert(NIGHT, NIGHT.columns), nightrows.of_night(night))
    behind = [(number, at, _commit(held, row)) for at, row in enumerate(nightrows.of_commits(night))]
    held.run(_insert(BEHIND, BEHIND.all), behind)
    parts = nightrows.of_parts(night, number)
    for table in PARTS:
        held.run(_insert(table, table.all), parts[table.name])
    return number


def _commit(held: Database, row: nightrows.Row) -> int:
    """Give the number of an upstream commit, which is written when it is first seen."""
    where = " AND ".join(f'"{column}" = ?' for column in COMMIT.columns)
    found = held.rows(f"SELECT number FROM {COMMIT.name} WHERE {where}", row)
    return int(found[0][0]) if found else held.insert(_insert(COMMIT, COMMIT.columns), row)


def _read(held: Database, chosen: str, value: str | int) -> tuple[Night, ...]:
    """Give the nights whose numbers a query gives, newest first, as they stand at one moment."""
    with held.reading():
        heads = held.rows(
            f"SELECT {_named(NIGHT)} FROM {NIGHT.name} WHERE number IN ({chosen}) ORDER BY 1 DESC", (value,)
        )
        numbers = f"SELECT upstream_commit FROM {BEHIND.name} WHERE night IN ({chosen})"
        columns = ", ".join(f'"{column}"' for column in ("number", *COMMIT.columns))
        commits = held.rows(f"SELECT {columns} FROM {COMMIT.name} WHERE number IN ({numbers})", (value,))
        parts = {
            table.name: held.rows(
                f"SELECT {_named(table)} FROM {table.name} WHERE night IN ({chosen}) ORDER BY {', '.join(table.key)}",
                (value,),
            )
            for table in (BEHIND, *PARTS)
        }
    return nightrows.nights(heads, commits, parts)


# syncs --------------------------------------------------------------------------------------------------------------


def _bring(held: Database, records: Sequence[Record]) -> None:
    """Write what is new behind what is there; from the first record that differs on everything is written anew."""
    there = _syncs(held)
    same = next((at for at, pair in enumerate(zip(there, records, strict=False)) if pair[0] != pair[1]), None)
    begin = min(len(there), len(records)) if same is None else same
    held.run(f"DELETE FROM {SYNC.name} WHERE position >= ?", [(begin,)])
    rows, patches = nightrows.of_syncs(records[begin:], begin)
    held.run(_insert(SYNC, SYNC.all), rows)
    held.run(_insert(SYNC_PATCH, SYNC_PATCH.all), patches)


def _syncs(held: Database) -> tuple[Record, ...]:
    rows = [
        held.rows(f"SELECT {_named(one)} FROM {one.name} ORDER BY {', '.join(one.key)}") for one in (SYNC, SYNC_PATCH)
    ]
    return nightrows.records(*rows)


def _insert(table: Table, columns: Sequence[str]) -> str:
    names, places = ", ".join(f'"{column}"' for column in columns), ", ".join("?" * len(columns))
    return f"INSERT INTO {table.name} ({names}) VALUES ({places})"


def _named(table: Table) -> str:
    return ", ".join(f'"{column}"' for column in table.all)
