"""What the door to SQLite promises of schemas: the ladder is climbed whole or not at all."""

import sqlite3
from pathlib import Path

import pytest

from forkkeeper.errors import OutsideError, RequestError
from forkkeeper.shell import database
from forkkeeper.shell.database import DamagedError, Database

FIRST = """
CREATE TABLE owner (number INTEGER PRIMARY KEY, name TEXT NOT NULL); -- a comment; with a semicolon
CREATE TABLE pet (owner INTEGER NOT NULL REFERENCES owner (number), name TEXT NOT NULL);
INSERT INTO owner VALUES (1, 'Ann; or not');
"""
SECOND = "ALTER TABLE owner ADD COLUMN town TEXT NOT NULL DEFAULT '';\nUPDATE owner SET town = 'X'"


def version(path: Path) -> int:
    """Ask for a file's version."""
    connection = sqlite3.connect(path)
    found = int(connection.execute("PRAGMA user_version").fetchone()[0])
    connection.close()
    return found


def test_an_empty_file_climbs_the_whole_ladder(tmp_path: Path) -> None:
    """A file that is new, or empty, has the newest schema, with statements that hold semicolons."""
    (tmp_path / "empty").touch()
    for name in ("new", "empty"):
        with database.opened(tmp_path / name, [FIRST, SECOND], step="look") as held:
            assert held.rows("SELECT * FROM owner") == [(1, "Ann; or not", "X")]
        assert version(tmp_path / name) == 2


def test_only_what_is_missing_is_climbed(tmp_path: Path) -> None:
    """A file of version 1 gets the second migration alone, and keeps its rows."""
    path = tmp_path / "file"
    with database.opened(path, [FIRST], step="look") as held, held.writing():
        held.insert("INSERT INTO owner VALUES (2, 'Bob')")
    with database.opened(path, [FIRST, SECOND], step="look") as held:
        assert held.rows("SELECT number, name FROM owner") == [(1, "Ann; or not"), (2, "Bob")]


BROKEN = {
    "no SQL": ("ALTER TABLE owner ADD COLUMN town TEXT;\nCREATE TABBLE x (y);\n", sqlite3.OperationalError),
    "an orphan": ("INSERT INTO pet VALUES (7, 'Rex');\n", sqlite3.IntegrityError),
}


@pytest.mark.parametrize("how", BROKEN)
def test_a_broken_migration_changes_nothing(tmp_path: Path, how: str) -> None:
    """Where a step fails, or leaves a row that refers to nothing, the file is byte for byte of the schema before."""
    path = tmp_path / "file"
    with database.opened(path, [FIRST], step="look"):
        pass
    before = path.read_bytes()
    script, wrong = BROKEN[how]
    with pytest.raises(wrong), database.opened(path, [FIRST, script], step="look"):
        pass
    assert path.read_bytes() == before
    with pytest.raises(wrong), database.opened(path, [FIRST, SECOND, script], step="look"):
        pass
    assert version(path) == 2  # the step before is one of its own


def test_keys_are_held_to(tmp_path: Path) -> None:
    """A row that refers to none is refused, and with it all that was written together with it."""
    path = tmp_path / "file"
    with database.opened(path, [FIRST], step="look") as held:
        with pytest.raises(sqlite3.IntegrityError), held.writing():  # noqa: PT012 -- the second one is refused
            held.insert("INSERT INTO owner VALUES (2, 'Bob')")
            held.insert("INSERT INTO pet VALUES (7, 'Rex')")
        assert held.rows("SELECT number FROM owner") == [(1,)]


def test_an_older_forkkeeper_leaves_a_newer_file_alone(tmp_path: Path) -> None:
    """A version that nobody here knows is refused, with the numbers of both."""
    path = tmp_path / "file"
    with database.opened(path, [FIRST, SECOND], step="look"):
        pass
    with pytest.raises(RequestError, match="its schema is 2; this forkkeeper knows up to 1"):  # noqa: SIM117
        with database.opened(path, [FIRST], step="look"):
            pass


def test_a_disk_that_is_full_is_an_outside_failure(tmp_path: Path) -> None:
    """Where the file may not grow, it is said that it is full, and what stood stands."""
    path = tmp_path / "file"
    with pytest.raises(OutsideError, match="full"), database.opened(path, [FIRST], step="look") as held:  # noqa: PT012 -- the last
        held.rows("PRAGMA max_page_count = 4")
        with held.writing():
            held.insert("INSERT INTO owner VALUES (2, ?)", ("x" * 100_000,))
    with database.opened(path, [FIRST], step="look") as held:
        assert held.rows("SELECT number FROM owner") == [(1,)]


def test_text_that_is_no_text_is_damage(tmp_path: Path) -> None:
    """Bytes in a text's place that are no UTF-8 are damage like any other."""
    path = tmp_path / "file"
    with database.opened(path, [FIRST], step="look") as held:
        held.rows("UPDATE owner SET name = CAST(x'ff' AS TEXT)")
    with pytest.raises(DamagedError), database.opened(path, [FIRST], step="look") as held:
        held.rows("SELECT name FROM owner")


def test_several_questions_see_one_moment(tmp_path: Path) -> None:
    """What is written between two questions of a reader is seen by neither, or waits for it."""
    path = tmp_path / "file"
    with database.opened(path, [FIRST], step="look") as held, held.reading():
        assert held.rows("SELECT count(*) FROM owner") == [(1,)]
        other = Database(sqlite3.connect(path, timeout=0.1, isolation_level=None))
        with pytest.raises(sqlite3.OperationalError, match="locked"), other.writing():
            other.insert("INSERT INTO owner VALUES (2, 'Bob')")
        assert held.rows("SELECT count(*) FROM owner") == [(1,)]
        other.connection.close()


def test_a_database_that_is_put_aside_takes_its_journal_along(tmp_path: Path) -> None:
    """Nothing of it is left under its name, and no file that stands is written over."""
    for text in ("one", "two", "three"):
        (tmp_path / "a.sqlite").write_text(text)
        (tmp_path / "a.sqlite-journal").write_text(f"journal of {text}")
        database.set_aside(tmp_path / "a.sqlite", "then")
    found = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert found == {
        "a-then.sqlite": "one",
        "a-then.sqlite-journal": "journal of one",
        "a-then-2.sqlite": "two",
        "a-then-2.sqlite-journal": "journal of two",
        "a-then-3.sqlite": "three",
        "a-then-3.sqlite-journal": "journal of three",
    }
