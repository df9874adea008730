"""The door to SQLite.

A database is one file, also while it is copied: it keeps a rollback journal, which is gone when a transaction is, and
no write-ahead log, which would hold the newest rows in a second file. Its schema's version is SQLite's own
`user_version`; each migration is a text of SQL that leads from one version to the next, in a transaction of its own.
"""

import contextlib
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from forkkeeper.errors import OutsideError, RequestError

JOURNAL = "-journal"  # what SQLite puts behind the file's name while a transaction is written
PATIENCE = 60.0  # seconds to wait for another process's transaction
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_OUTSIDE = (
    *(sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR),
    *(sqlite3.SQLITE_PERM, sqlite3.SQLITE_READONLY),
)
# A file that came from elsewhere may be made to harm: see SQLite's page "Defense Against The Dark Arts".
_CAREFUL = ("PRAGMA trusted_schema = OFF", "PRAGMA cell_size_check = ON")
_PAGES = "PRAGMA page_size = 16384"  # of a new file; rows of some kilobytes would waste half of SQLite's usual pages

Values = Sequence[Any]


class DamagedError(Exception):
    """The file is no sound database; the message says what SQLite found."""


@dataclass(frozen=True, slots=True)
class Database:
    """An open database, whose schema is the newest."""

    connection: sqlite3.Connection

    def rows(self, query: str, values: Values = ()) -> list[tuple[Any, ...]]:
        """Ask, and give all rows."""
        return self.connection.execute(query, values).fetchall()

    def insert(self, statement: str, values: Values = ()) -> int:
        """Write one row, and give its number; 0 where nothing was written."""
        done = self.connection.execute(statement, values)
        return (done.lastrowid or 0) if done.rowcount else 0

    def run(self, statement: str, rows: Iterable[Values]) -> None:
        """Change rows: run a statement for each of these values."""
        self.connection.executemany(statement, rows)

    def reading(self) -> contextlib.AbstractContextManager[None]:
        """See one state of the database in several questions, whatever others write meanwhile."""
        return self._within("BEGIN")

    def writing(self) -> contextlib.AbstractContextManager[None]:
        """Hold the one place of a writer: all that is written meanwhile stands at the end, or nothing of it."""
        return self._within("BEGIN IMMEDIATE")

    @contextlib.contextmanager
    def _within(self, begin: str) -> Iterator[None]:
        self.connection.execute(begin)
        try:
            yield
            self.connection.execute("COMMIT")
        except BaseException:
            if self.connection.in_transaction:
                self.connection.execute("ROLLBACK")
            raise


@contextlib.contextmanager
def opened(path: Path, migrations: Sequence[str], *, step: str, looks: bool = False) -> Iterator[Database]:
    """Open a database, or begin one; an older schema is brought to the newest first.

    migrations -- the first makes version 1 of an empty file, the n-th makes version n of version n - 1
    step -- the verb at work, for messages
    looks -- whether to look through the whole file for damage first
    Raises DamagedError where the file is no sound database (also later, while it is used), RequestError where it is of
    a newer forkkeeper or not one of ours, OutsideError where another process holds it too long, or the disk refuses.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with _plainly(path, step):
        connection = sqlite3.connect(path, timeout=PATIENCE, isolation_level=None)
        with contextlib.closing(connection):
            _prepare(connection, looks=looks)
            _migrate(Database(connection), migrations, path, step)
            connection.execute("PRAGMA foreign_keys = ON")  # no migration may run with it: tables are made anew there
            yield Database(connection)


def _prepare(connection: sqlite3.Connection, *, looks: bool) -> None:
    for pragma in (*_CAREFUL, _PAGES, "PRAGMA synchronous = FULL", "PRAGMA journal_mode = DELETE"):
        connection.execute(pragma)
    found = connection.execute("PRAGMA quick_check(1)").fetchone()[0] if looks else "ok"
    if found != "ok":
        raise DamagedError(found)


def _migrate(database: Database, migrations: Sequence[str], path: Path, step: str) -> None:
    with database.reading():  # at once: another process may be about to begin it
        version = _version(database)
        is_empty = not database.rows("SELECT name FROM sqlite_schema")
    if version > len(migrations):
        raise RequestError(
            step,
            _shown(path),
            f"its schema is {version}; this forkkeeper knows up to {len(migrations)}",
            f"upgrade forkkeeper, or `mv {_shown(path)} {_shown(path)}.{version}`: a new one is begun then",
        )
    if version == 0 and not is_empty:
        found = "is a database, and not one of forkkeeper's"
        raise RequestError(step, _shown(path), found, "move it away: a new one is begun then")
    for number in range(version + 1, len(migrations) + 1):
        with database.writing():
            if _version(database) < number:  # else another process was here first
                _apply(database, migrations[number - 1], number)


def _apply(database: Database, script: str, number: int) -> None:
    """Run a migration within the transaction that is open; no row may then refer to one that is not there."""
    for statement in _statements(script):
        database.rows(statement)
    for table, *_ in database.rows("PRAGMA foreign_key_check"):
        raise sqlite3.IntegrityError(f"migration {number} leaves rows in {table} that refer to nothing")
    database.rows(f"PRAGMA user_version = {number:d}")


def _statements(script: str) -> Iterator[str]:
    """Cut a script into its statements: SQLite's own way to run one would end the transaction first."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
    if statement.strip():
        yield statement


def _version(database: Database) -> int:
    return int(database.rows("PRAGMA user_version")[0][0])


@contextlib.contextmanager
def _plainly(path: Path, step: str) -> Iterator[None]:
    """Say in our words what SQLite says; what is no matter of the file or the disk is a bug, and stays as it is."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", None)
        kind = code & 0xFF if code is not None else None  # the rest tells apart kinds of one kind
        if kind in _DAMAGED or (kind is None and "decode to UTF-8" in str(error)):
            raise DamagedError(str(error)) from error
        if kind in _BUSY:
            found = f"another process has been writing to it for {PATIENCE:g} seconds"
            raise OutsideError(step, _shown(path), found, "wait until it has finished, then try again") from error
        if kind in _OUTSIDE:
            raise OutsideError(step, _shown(path), str(error), "check the disk and whose file it is") from error
        raise


def _shown(path: Path) -> str:
    """Give the file's name as messages show it: with its folder."""
    return f"{path.parent.name}/{path.name}"


def set_aside(path: Path, moment: str) -> Path:
    """Move a database out of the way, with its journal, and give its new name: a free one, with the moment in it.

    The journal goes first: alone it would be taken for that of the next database.
    """
    names = (path.with_name(f"{path.stem}-{moment}{more}{path.suffix}") for more in _endings())
    aside = next(name for name in names if not name.exists())
    with contextlib.suppress(FileNotFoundError):
        path.with_name(path.name + JOURNAL).rename(aside.with_name(aside.name + JOURNAL))
    path.rename(aside)
    return aside


def _endings() -> Iterator[str]:
    yield ""
    number = 2
    while True:
        yield f"-{number}"
        number += 1
