"""What the history promises: a night that was kept is read as it was, whatever it holds and whatever happens."""

import json
import math
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings, strategies as st
from nightly_values import a_night, any_of

from forkkeeper.core import nightrows
from forkkeeper.core.history import Carried, Record
from forkkeeper.core.nights import Effect, Findings, Night, Side, Step
from forkkeeper.errors import OutsideError, RequestError
from forkkeeper.shell import database
from forkkeeper.stages import history

EVERYTHING = 'SELECT * FROM "{}"'
HERE = Path(__file__).parents[1]
RECORDS = tuple(
    Record(
        f"{at:040x}",
        f"{at + 1:040x}",
        f"2026-0{at + 1}-01",
        (Carried("one", "kept"), Carried("two", "dropped", why="—")),
    )
    for at in range(4)
)


def file_of(root: Path) -> Path:
    """Give the database of a fork's folder."""
    return root / history.FILE


def ask(root: Path, query: str) -> list[tuple[object, ...]]:
    """Ask the database as a person would."""
    connection = sqlite3.connect(file_of(root))
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


# what is kept -------------------------------------------------------------------------------------------------------


@settings(max_examples=150, deadline=None)
@given(kept=st.lists(any_of(Night), min_size=1, max_size=3))
def test_what_is_kept_is_read_again(kept: list[Night]) -> None:
    """Any nights, with any text and any numbers in them, are read as they were, the newest first."""
    with tempfile.TemporaryDirectory() as folder:
        numbers = [history.keep(Path(folder), night) for night in kept]
        assert numbers == list(range(1, len(kept) + 1))
        assert list(reversed(kept)) == list(history.recent(Path(folder), most=10))


def test_numbers_that_are_none_come_back(tmp_path: Path) -> None:
    """A night whose speed could not be computed (NaN) is kept, and has no number again."""
    night = a_night(1)
    speed = msgspec.structs.replace(night.findings.speeds[0], change=math.nan, baseline=(1.0, math.nan))
    night = msgspec.structs.replace(night, findings=Findings(speeds=(speed,)))
    history.keep(tmp_path, night)
    (found,) = history.recent(tmp_path, most=1)[0].findings.speeds
    assert math.isnan(found.change)
    assert found.baseline[0] == 1.0
    assert math.isnan(found.baseline[1])


def test_text_that_is_no_text_is_spelled_out(tmp_path: Path) -> None:
    r"""A file's name that is no UTF-8 is kept as `\udcff`, and stops nothing."""
    night = msgspec.structs.replace(a_night(1), machine="caf\udcff")
    history.keep(tmp_path, night)
    assert history.recent(tmp_path, most=1)[0].machine == r"caf\udcff"


def test_the_newest_come_first_and_no_more_than_asked_for(tmp_path: Path) -> None:
    """Of five nights the last two are given; of none, none, and no file is begun by asking."""
    assert history.recent(tmp_path, most=2) == ()
    assert history.of_digest(tmp_path, "d") is None
    assert not file_of(tmp_path).exists()
    for number in range(5):
        history.keep(tmp_path, a_night(number))
    assert history.recent(tmp_path, most=2) == (a_night(4), a_night(3))


def test_a_night_is_found_by_its_digest(tmp_path: Path) -> None:
    """Of two nights with one digest the newer is given, and of a digest that was never seen none."""
    for number, digest in enumerate(["same", "same", "other"]):
        history.keep(tmp_path, a_night(number, digest=digest))
    assert history.of_digest(tmp_path, "same") == a_night(1, digest="same")
    assert history.of_digest(tmp_path, "never") is None


def test_a_commit_that_is_behind_for_many_nights_is_written_once(tmp_path: Path) -> None:
    """Ten nights behind the same five commits have five rows of commits; another title is another row."""
    for number in range(10):
        history.keep(tmp_path, a_night(number))
    assert ask(tmp_path, "SELECT count(*) FROM upstream_commit") == [(5,)]
    other = Findings(behind=(Effect(f"{3:040x}", "2026-10-01", "another title"),))
    history.keep(tmp_path, msgspec.structs.replace(a_night(11), findings=other))
    assert history.recent(tmp_path, most=2) == (msgspec.structs.replace(a_night(11), findings=other), a_night(9))
    assert ask(tmp_path, "SELECT count(*) FROM upstream_commit") == [(6,)]


def test_every_field_of_a_night_has_a_column(tmp_path: Path) -> None:
    """The tables of the file have the columns that rows are made of: a new field needs a migration."""
    history.keep(tmp_path, a_night(1))
    for table in (nightrows.NIGHT, *nightrows.PARTS, nightrows.BEHIND, nightrows.SYNC, nightrows.SYNC_PATCH):
        columns = [row[1] for row in ask(tmp_path, f"PRAGMA table_info({table.name})")]
        assert columns == list(table.all), table.name
    assert [row[1] for row in ask(tmp_path, "PRAGMA table_info(upstream_commit)")] == [
        "number",
        *nightrows.COMMIT.columns,
    ]


def test_the_file_is_whole_and_alone(tmp_path: Path) -> None:
    """Between two commands the history is one file, whose copy holds everything; it was no write-ahead log."""
    history.keep(tmp_path, a_night(1))
    assert [path.name for path in file_of(tmp_path).parent.iterdir()] == [file_of(tmp_path).name]
    copy = tmp_path / "copied"
    file_of(copy).parent.mkdir(parents=True)
    shutil.copy(file_of(tmp_path), file_of(copy))
    assert history.recent(copy, most=1) == (a_night(1),)


def test_a_file_that_was_switched_to_a_log_is_one_file_again(tmp_path: Path) -> None:
    """A write-ahead log that somebody else's program left on is turned off with the next night."""
    history.keep(tmp_path, a_night(1))
    assert ask(tmp_path, "PRAGMA journal_mode = WAL") == [("wal",)]
    history.keep(tmp_path, a_night(2))
    assert ask(tmp_path, "PRAGMA journal_mode") == [("delete",)]
    assert history.recent(tmp_path, most=2) == (a_night(2), a_night(1))


# syncs --------------------------------------------------------------------------------------------------------------


def test_syncs_come_from_history_toml(tmp_path: Path) -> None:
    """Records are brought in once, in their order, beside the nights; a second time changes no byte."""
    history.keep(tmp_path, a_night(1))
    assert history.syncs(tmp_path, RECORDS[:2]) == RECORDS[:2]
    assert history.syncs(tmp_path, RECORDS) == RECORDS
    before = file_of(tmp_path).read_bytes()
    assert history.syncs(tmp_path, RECORDS) == RECORDS
    assert file_of(tmp_path).read_bytes() == before
    assert history.recent(tmp_path, most=1) == (a_night(1),)


@pytest.mark.parametrize("now", [RECORDS[:1], (), (RECORDS[0], RECORDS[3], RECORDS[1]), (RECORDS[0], RECORDS[0])])
def test_syncs_follow_history_toml(tmp_path: Path, now: tuple[Record, ...]) -> None:
    """A sync that was undone, or is another branch's, leaves; one that was made twice stays twice."""
    history.syncs(tmp_path, RECORDS)
    assert history.syncs(tmp_path, now) == now
    assert ask(tmp_path, "SELECT count(*) FROM sync_patch") == [(2 * len(now),)]


def test_a_deleted_database_is_begun_anew(tmp_path: Path) -> None:
    """Without its file the history has the syncs of history.toml again, and takes nights."""
    history.syncs(tmp_path, RECORDS)
    history.keep(tmp_path, a_night(1))
    file_of(tmp_path).unlink()
    assert history.syncs(tmp_path, RECORDS) == RECORDS
    assert history.keep(tmp_path, a_night(2)) == 1


def test_a_rebuilt_history_keeps_the_old_file(tmp_path: Path) -> None:
    """`rebuild` begins a new file with the syncs, and the old one stands beside it, whole."""
    history.keep(tmp_path, a_night(1))
    before = file_of(tmp_path).read_bytes()
    said: list[str] = []
    history.rebuild(tmp_path, RECORDS, say=said.append)
    (aside,) = [path for path in file_of(tmp_path).parent.iterdir() if path != file_of(tmp_path)]
    assert aside.read_bytes() == before
    assert said == [f"the history before is kept as {aside.name}"]
    assert history.syncs(tmp_path, RECORDS) == RECORDS
    assert history.recent(tmp_path, most=1) == ()


# damage, and other people's files -----------------------------------------------------------------------------------


SIZE = 16384  # bytes; the first one has the schema
SPOILT: dict[str, Callable[[bytes], bytes]] = {
    "text": lambda _: b"this is no database\n" * 400,
    "cut": lambda data: data[: len(data) // 2],
    "a page": lambda data: data[:SIZE] + b"\xa5" * SIZE + data[2 * SIZE :],
}


@pytest.mark.parametrize("how", SPOILT)
def test_a_damaged_file_is_put_aside(tmp_path: Path, how: str) -> None:
    """A night is kept although the file is damaged; the damaged one stands beside, byte for byte, and it is said."""
    history.keep(tmp_path, a_night(1))
    damaged = SPOILT[how](file_of(tmp_path).read_bytes())
    file_of(tmp_path).write_bytes(damaged)
    said: list[str] = []
    assert history.keep(tmp_path, a_night(2), say=said.append) == 1
    aside = file_of(tmp_path).with_name("history-20251009T085320Z.sqlite")
    assert aside.read_bytes() == damaged
    (sentence,) = said
    assert sentence.startswith(f"{history.FILE} is damaged (")
    assert sentence.endswith(f"): it is kept as {aside.name}, and a new one was begun")
    assert history.recent(tmp_path, most=9) == (a_night(2),)


def test_two_damaged_files_in_a_second_are_both_kept(tmp_path: Path) -> None:
    """The second one gets a name of its own; reading finds the damage, too."""
    for text in (b"first " * 500, b"second " * 500):
        file_of(tmp_path).parent.mkdir(exist_ok=True)
        file_of(tmp_path).write_bytes(text)
        assert history.recent(tmp_path, most=1) == ()
    names = sorted(path.name for path in file_of(tmp_path).parent.iterdir())
    assert names == ["history-20251009T085320Z-2.sqlite", "history-20251009T085320Z.sqlite", "history.sqlite"]


def test_a_newer_file_is_refused(tmp_path: Path) -> None:
    """A file of a newer forkkeeper is left as it is, and the message says what to type."""
    history.keep(tmp_path, a_night(1))
    ask(tmp_path, "PRAGMA user_version = 99")
    before = file_of(tmp_path).read_bytes()
    with pytest.raises(RequestError) as caught:
        history.recent(tmp_path, most=1)
    assert caught.value.found == f"its schema is 99; this forkkeeper knows up to {history.SCHEMA}"
    assert "mv .forkkeeper/history.sqlite .forkkeeper/history.sqlite.99" in caught.value.hint
    assert file_of(tmp_path).read_bytes() == before


def test_somebody_else_s_database_is_refused(tmp_path: Path) -> None:
    """A database that is not ours is not written to."""
    file_of(tmp_path).parent.mkdir()
    ask(tmp_path, "CREATE TABLE recipes (name TEXT)")
    with pytest.raises(RequestError, match=r"is a database, and not one of forkkeeper's"):
        history.keep(tmp_path, a_night(1))
    assert ask(tmp_path, "SELECT name FROM sqlite_schema") == [("recipes",)]


def test_a_word_that_is_not_known_is_said(tmp_path: Path) -> None:
    """A night with an ending that this forkkeeper does not know is an error with a hint, not a lost file."""
    history.keep(tmp_path, a_night(1))
    connection = sqlite3.connect(file_of(tmp_path))
    connection.execute("UPDATE step SET ending = 'postponed'")
    connection.commit()
    connection.close()
    with pytest.raises(RequestError, match=r"holds what this forkkeeper does not know: .*'postponed'"):
        history.recent(tmp_path, most=1)
    assert ask(tmp_path, "SELECT count(*) FROM night") == [(1,)]


def test_a_file_that_cannot_be_opened_is_said(tmp_path: Path) -> None:
    """A folder of that name is an outside failure, with the file's name."""
    file_of(tmp_path).mkdir(parents=True)
    with pytest.raises(OutsideError) as caught:
        history.keep(tmp_path, a_night(1))
    assert caught.value.thing == ".forkkeeper/history.sqlite"


def test_another_writer_is_waited_for_and_then_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While another process writes, a night waits; after that it is an outside failure, and nothing is written."""
    history.keep(tmp_path, a_night(1))
    monkeypatch.setattr(database, "PATIENCE", 0.2)
    other = sqlite3.connect(file_of(tmp_path), isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(OutsideError, match="another process has been writing to it"):
        history.keep(tmp_path, a_night(2))
    other.execute("ROLLBACK")
    other.close()
    assert history.keep(tmp_path, a_night(2)) == 2


# schemas ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", range(1, history.SCHEMA + 1))
def test_a_file_of_every_schema_is_read(tmp_path: Path, version: int) -> None:
    """A file that some forkkeeper wrote, whatever its schema, gives its night and its syncs, and takes more."""
    written(tmp_path, version)
    assert history.recent(tmp_path, most=9) == (a_night(1),)
    assert history.syncs(tmp_path, RECORDS[:2]) == RECORDS[:2]
    assert history.keep(tmp_path, a_night(2)) == 2
    assert ask(tmp_path, "PRAGMA user_version") == [(history.SCHEMA,)]


def test_the_schema_after_the_newest_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A migration that makes a table anew, as one day it must, keeps every row, and those that refer to it."""
    written(tmp_path, history.SCHEMA)
    before = {table: ask(tmp_path, EVERYTHING.format(table)) for table in tables(tmp_path)}
    planted = (
        "CREATE TABLE new_night AS SELECT * FROM night; -- without its key: it is given one below",
        *("DROP TABLE night;", "CREATE TABLE night (number INTEGER PRIMARY KEY, mood TEXT NOT NULL, "),
    )
    columns = ", ".join(f'"{name}" ANY' for name in nightrows.NIGHT.columns)
    script = "\n".join(planted) + f"{columns}) STRICT;\nINSERT INTO night SELECT number, 'calm; mild', "
    script += ", ".join(f'"{name}"' for name in nightrows.NIGHT.columns) + " FROM new_night;\nDROP TABLE new_night;\n"
    scripts = (*history.migrations(), script)
    monkeypatch.setattr(history, "migrations", lambda: scripts)
    assert history.recent(tmp_path, most=9) == (a_night(1),)
    assert ask(tmp_path, "PRAGMA user_version") == [(history.SCHEMA + 1,)]
    assert ask(tmp_path, "SELECT mood FROM night") == [("calm; mild",)]
    others = {table: rows for table, rows in before.items() if table != "night"}
    assert {table: ask(tmp_path, EVERYTHING.format(table)) for table in others} == others


def tables(root: Path) -> list[str]:
    """Name the tables of a history."""
    return [str(name) for (name,) in ask(root, "SELECT name FROM sqlite_schema WHERE type = 'table'")]


def written(root: Path, version: int) -> None:
    """Write a history of a schema, by the SQL that was once taken from such a file."""
    file_of(root).parent.mkdir(parents=True)
    connection = sqlite3.connect(file_of(root))
    connection.executescript((HERE / "stages" / "histories" / f"{version}.sql").read_text(encoding="utf-8"))
    connection.close()


# several processes, and death ---------------------------------------------------------------------------------------

TWO = """
import sys
from pathlib import Path
from nightly_values import a_night
from forkkeeper.stages import history
for at in range(int(sys.argv[2]), int(sys.argv[2]) + 8):
    history.keep(Path(sys.argv[1]), a_night(at))
"""


def test_two_processes_keep_at_once(tmp_path: Path) -> None:
    """Three processes that begin the file and write to it at once lose no night, and mix none."""
    argv = [sys.executable, "-c", TWO, str(tmp_path)]
    running = [subprocess.Popen([*argv, str(100 * one)], cwd=HERE, stderr=subprocess.PIPE) for one in range(3)]
    for one in running:
        _, err = one.communicate(timeout=120)
        assert one.returncode == 0, err.decode()
    found = history.recent(tmp_path, most=99)
    wanted = [a_night(100 * one + at) for one in range(3) for at in range(8)]
    assert sorted(night.digest for night in found) == sorted(night.digest for night in wanted)
    assert all(night in wanted for night in found)


def test_a_killed_keeper_leaves_the_old_or_the_new(tmp_path: Path) -> None:
    """Killed before each statement, and at thirty moments of large nights: what was kept is there, and nothing half."""
    done = subprocess.run(
        [sys.executable, str(HERE / "keeping.py"), str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    deaths = json.loads(done.stdout)
    assert sum(death["within"] for death in deaths) > 20  # else too few died in the middle
    assert [death for death in deaths if not death["whole"] or death["said"]] == []
    assert [death for death in deaths if death["there"] - death["kept"] not in (0, 1)] == []


# what is written of it ----------------------------------------------------------------------------------------------

PAGE = (HERE.parent / "docs" / "history.md").read_text(encoding="utf-8")
QUESTIONS = [*re.findall(r"```sql\n(.*?)```", PAGE, re.DOTALL), *re.findall(r'history\.sqlite "(.*?)"\n', PAGE)]


@pytest.mark.parametrize("question", QUESTIONS)
def test_every_question_of_the_page_has_an_answer(tmp_path: Path, question: str) -> None:
    """Each query that docs/history.md shows runs on a history, and finds rows where there are some."""
    for number in range(2):
        history.keep(tmp_path, a_night(number))
    counts = (msgspec.structs.replace(a_night(2).findings.counts[0], cases=3),)
    plan = msgspec.structs.replace(a_night(2).taken[0], step=Step("plan", "plan", Side.STAND))
    fewer = msgspec.structs.replace(a_night(2).findings, counts=counts)
    history.keep(tmp_path, msgspec.structs.replace(a_night(2), findings=fewer, taken=(plan, *a_night(0).taken)))
    history.syncs(tmp_path, [Record("a", "b", "2026-01-01", (Carried("lazy-mmap.patch", "kept"),))])
    assert ask(tmp_path, question)


def test_the_page_names_every_column(tmp_path: Path) -> None:
    """Each table and each column of the file is on the page."""
    history.keep(tmp_path, a_night(1))
    named = set(re.findall(r"`(?:[a-z_]+\.)?\"?([a-z_]+)\"?`", PAGE))
    for table in tables(tmp_path):
        columns = {str(row[1]) for row in ask(tmp_path, f"PRAGMA table_info({table})")}
        assert {table, *columns} - named == set(), table
