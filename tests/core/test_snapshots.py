"""The snapshot table: format, errors, look-ups; and the table that is shipped."""

from datetime import date
from importlib import resources

import pytest
from hypothesis import given, strategies as st

from forkkeeper.core import snapshots
from forkkeeper.core.ids import CommitId, TreeId
from forkkeeper.core.snapshots import Neighbours, Snapshot
from forkkeeper.errors import RequestError

SHIPPED = resources.files("forkkeeper").joinpath("data", snapshots.FILE).read_text(encoding="utf-8")
HEADER = ",".join(snapshots.COLUMNS)
OID = "0123456789abcdef0123456789abcdef01234567"


def row(version: str, digit: str, **known: object) -> Snapshot:
    """Give a snapshot whose commit id is one digit, forty times."""
    return Snapshot("llama-cpp-python", version, CommitId(digit * 40), **known)  # type: ignore[arg-type]


ids = st.text("0123456789abcdef", min_size=40, max_size=40)
rows = st.builds(
    Snapshot,
    package=st.from_regex(r"[a-z0-9]{1,4}(-[a-z0-9]{1,4})?", fullmatch=True),
    version=st.from_regex(r"[0-9]{1,2}(\.[0-9]{1,3}){0,2}(rc[0-9])?", fullmatch=True),
    commit=ids.map(CommitId),
    committed=st.none() | st.dates(),
    released=st.none() | st.dates(),
    tag=st.none() | st.from_regex(snapshots.TAG, fullmatch=True),
    tree=st.none() | ids.map(TreeId),
    count=st.none() | st.integers(1, 9_999_999_999),
)
tables = st.lists(rows, unique_by=snapshots._key)


@given(tables)
def test_every_table_comes_back_as_it_was_written(table: list[Snapshot]) -> None:
    """Writing rows and reading them gives the same rows in the table's order, and writing those the same bytes."""
    text = snapshots.format_table(table)
    read = snapshots.parse(text)
    assert set(read) == set(table)
    assert read == tuple(sorted(table, key=snapshots._order))
    assert snapshots.format_table(reversed(read)) == text


@given(tables)
def test_merging_a_table_with_itself_changes_nothing(table: list[Snapshot]) -> None:
    """A refresh that found nothing new leaves the shipped table as it is."""
    assert snapshots.merge(table, table) == snapshots.parse(snapshots.format_table(table))


@pytest.mark.parametrize(
    ("line", "column", "word"),
    [
        ("Llama_Cpp,1.0,,{0},,,,", "package", "'Llama_Cpp'"),
        (",1.0,,{0},,,,", "package", "''"),
        ("x,one,,{0},,,,", "version", "'one'"),
        ("x, 1.0,,{0},,,,", "version", "spaces"),
        ("x,1.0,2024-1-1,{0},,,,", "released", "'2024-1-1'"),
        ("x,1.0,20240101,{0},,,,", "released", "'20240101'"),
        ("x,1.0,,{0},2024-02-30,,,", "committed", "'2024-02-30'"),
        ("x,1.0,,abc,,,,", "commit", "'abc'"),
        ("x,1.0,,,,,,", "commit", "''"),
        ("x,1.0,,{0},,b 1,,", "tag", "'b 1'"),
        ("x,1.0,,{0},,,abc,", "tree", "'abc'"),
        ("x,1.0,,{0},,,,-3", "count", "'-3'"),
        ("x,1.0,,{0},,,", "count", "7 fields"),
        ("x,1.0,,{0},,,,,", "count", "9 fields"),
        ("a,1.0.0,,{0},,,,", "version", "a second time"),
        ('x,"1.0,,{0},,,,', "quotes", "unexpected end"),
    ],
)
def test_a_wrong_field_is_named_by_line_and_column(line: str, column: str, word: str) -> None:
    """The message says which line and column are wrong, and what stands there."""
    text = f"{HEADER}\na,1.0,,{OID},,,,\n{line.format(OID)}\n"
    with pytest.raises(RequestError, match=f"line 3, column {column}: ") as caught:
        snapshots.parse(text)
    assert word in caught.value.found
    assert caught.value.hint


@pytest.mark.parametrize("text", ["", "\n", "package,version\n", f"a,1.0,,{OID},,,,\n"])
def test_a_table_without_its_header_is_refused(text: str) -> None:
    """A file of another shape is not read as a table."""
    with pytest.raises(RequestError, match="line 1, column header"):
        snapshots.parse(text)


def test_a_refreshed_row_wins_and_keeps_what_only_the_shipped_one_knows() -> None:
    """Facts of the same commit add up; facts of another commit are not carried over, only the release's day is."""
    shipped = [
        row("1.0", "a", tag="b1", released=date(2024, 1, 1)),
        row("1.1", "b", tag="b2", released=date(2024, 1, 2)),
    ]
    refreshed = [row("1.0", "a", count=1), row("1.1", "c"), row("1.2", "d")]
    assert snapshots.merge(shipped, refreshed) == (
        row("1.0", "a", tag="b1", released=date(2024, 1, 1), count=1),
        row("1.1", "c", released=date(2024, 1, 2)),
        row("1.2", "d"),
    )


def test_a_name_is_found_however_it_is_spelled() -> None:
    """Package and version are compared as pip compares them; a bare version is looked for in every package."""
    table = [row("0.3.5", "a"), row("0.3.36", "b"), Snapshot("other", "0.3.5", CommitId("c" * 40))]
    assert snapshots.by_name(table, "llama-cpp-python==0.3.36") == (table[1],)
    assert snapshots.by_name(table, "Llama_Cpp.Python == 0.3.36.0") == (table[1],)
    assert snapshots.by_name(table, "0.3.5") == (table[0], table[2])
    assert snapshots.by_name(table, "other==9") == ()
    assert snapshots.by_name(table, "b4295") == ()
    assert table[1].name == "llama-cpp-python==0.3.36"


def test_several_versions_of_one_commit_are_one_answer() -> None:
    """A commit that several versions hold is given once, in its newest version, by number and not by letters."""
    table = [row("0.3.9", "a", tag="b1"), row("0.3.10", "a", tag="b1"), row("0.4", "c")]
    assert snapshots.by_commit_prefix(table, "AAAA") == (table[1],)
    assert snapshots.by_tag(table, "b1") == (table[1],)


def test_an_ambiguous_or_too_short_prefix_is_not_decided() -> None:
    """Two commits with the same beginning are both given; fewer than four digits, or other letters, give none."""
    one, two = Snapshot("p", "1", CommitId("abcd" + "0" * 36)), Snapshot("p", "2", CommitId("abcd" + "1" * 36))
    assert snapshots.by_commit_prefix([two, one], "abcd") == (one, two)
    assert snapshots.by_commit_prefix([two, one], "abcd1") == (two,)
    assert snapshots.by_commit_prefix([two, one], "abc") == ()
    assert snapshots.by_commit_prefix([two, one], "wxyz") == ()


def test_a_tag_is_compared_exactly() -> None:
    """Tags differ by case; a row whose tag is not known is never taken for one."""
    table = [row("1", "a", tag="b1"), row("2", "b")]
    assert snapshots.by_tag(table, "B1") == ()
    assert snapshots.by_tag(table, "") == ()


def test_the_newest_come_first() -> None:
    """Versions are ordered as versions, newest first, as many as asked for."""
    table = [row("0.3.9", "a"), row("0.3.10", "b"), row("0.3.1", "c")]
    assert snapshots.newest(table, 2) == (table[1], table[0])
    assert snapshots.newest(table, 9) == (table[1], table[0], table[2])
    assert snapshots.newest(table, 0) == ()


def test_neighbours_of_a_day() -> None:
    """The day itself belongs to the older side; rows without a day, and sides without a row, are left out."""
    table = [
        row("1", "a", committed=date(2024, 1, 10)),
        row("2", "b", released=date(2024, 1, 20)),
        row("3", "b", released=date(2024, 1, 25)),
        row("4", "c"),
    ]
    assert snapshots.neighbours(table, date(2024, 1, 9)) == (None, table[0])
    assert snapshots.neighbours(table, date(2024, 1, 10)) == (table[0], table[2])
    assert snapshots.neighbours(table, date(2024, 1, 20)) == (table[2], None)
    assert table[2].day == date(2024, 1, 25)
    assert table[3].day is None


def test_neighbours_of_a_numbered_tag() -> None:
    """A number is placed among tags with the same letters; counts help only where the table shows that they agree."""
    table = [row("1", "a", tag="b10", count=10), row("2", "b", count=20), row("3", "c"), row("4", "d", tag="b30")]
    assert snapshots.neighbours_by_tag(table, "b15") == (table[0], table[1])
    assert snapshots.neighbours_by_tag(table, "b20") == (table[1], table[3])
    assert snapshots.neighbours_by_tag(table, "v15") == (None, None)
    assert snapshots.neighbours_by_tag(table, "master-abc") == (None, None)
    without_count = [table[1], table[3]]
    assert snapshots.neighbours_by_tag(without_count, "b25") == (None, table[3])


def test_what_cannot_be_placed_is_given_beside_the_neighbours() -> None:
    """Snapshots between two neighbours by version, whose number nobody knows, may be nearer and are named."""
    table = [row("1", "a", tag="b10"), row("2", "b"), row("3", "b"), row("4", "d", tag="b30"), row("5", "e")]
    assert snapshots.between(table, Neighbours(table[0], table[3])) == (table[2],)
    assert snapshots.between(table, Neighbours(table[3], None)) == (table[4],)
    assert snapshots.between(table, Neighbours(None, table[0])) == ()


def test_the_shipped_table_is_in_its_canonical_form() -> None:
    """The shipped table is read, and writing it gives the shipped bytes."""
    table = snapshots.parse(SHIPPED)
    assert snapshots.format_table(table) == SHIPPED
    assert len(table) == 184


def test_the_shipped_table_knows_real_snapshots() -> None:
    """Known versions, commits, tags, days and numbers of llama.cpp lead to the right snapshot."""
    table = snapshots.parse(SHIPPED)
    assert snapshots.newest(table, 1)[0].commit == "0c1e57098bba43ac29e6e3b677cdceebdd22334f"
    assert snapshots.by_name(table, "0.3.5") == snapshots.by_commit_prefix(table, "26a8406b")
    assert snapshots.by_tag(table, "b4295")[0].version == "0.3.5"
    older, newer = snapshots.neighbours(table, date(2026, 6, 18))
    assert (older and older.version, newer and newer.version) == ("0.3.30", "0.3.31")
    around = snapshots.neighbours_by_tag(table, "b8700")
    assert [end and end.version for end in around] == ["0.3.7", "0.3.31"]
    assert "0.3.22" in {nearer.version for nearer in snapshots.between(table, around)}
    counted = snapshots.neighbours_by_tag(table, "b3700")
    assert [end and end.version for end in counted] == ["0.2.90", "0.3.0"]  # neither has a tag, both a count
