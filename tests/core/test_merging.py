"""Merging the series, the history and the generated files, as text in and text out."""

import itertools

import pytest
from hypothesis import given, strategies as st

from forkkeeper.core import history, merging
from forkkeeper.core.merging import Merged, Sides

HEADER = "# The local changes, in order.\n"


def listed(*names: str, header: str = HEADER) -> str:
    """Write a series."""
    return header + "".join(f"{name}\n" for name in names)


def merged(base: str, ours: str, theirs: str) -> Merged:
    """Merge a series."""
    return merging.series(Sides(base.encode(), ours.encode(), theirs.encode()))


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "made"),
    [
        ("a b", "a b x", "a b y", "a b x y"),
        ("", "x", "y", "x y"),
        ("a b", "a b x", "a b x y", "a b x y"),
        ("a b", "a b x y", "a b y", "a b x y"),
        ("a b c", "a c x", "a b c y", "a c x y"),
        ("a b c", "a b", "b c", "b"),
        ("a b", "x a b", "a y b", "x a y b"),
        ("a b c", "c a b", "a b c x", "c x a b"),
        ("a b c", "a b c x", "b c a", "b c x a"),
        ("a b c", "c a b", "c a b", "c a b"),
        ("a b c d", "a b c d", "a c d", "a c d"),
        ("a b c d", "d a b c", "a c d", "d a c"),
        ("a b c", "", "a b c x", "x"),
    ],
)
def test_two_lists_become_one(base: str, ours: str, theirs: str, made: str) -> None:
    """What either side added is there once, what either removed is gone, and the order is that of who moved."""
    sides = (listed(*names.split()) for names in (base, ours, theirs))
    assert merged(*sides) == Merged(listed(*made.split()).encode())


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "said"),
    [
        ("a b c", "c a b", "b a c", "another order"),
        ("a b c", "c a b", "a b", "c: removed on one side, moved on the other"),
        ("a b", "a", "b a", "b: removed on one side, moved on the other"),
        ("", "x y", "y x", "another order"),
    ],
)
def test_what_a_person_must_settle_stands_between_markers(base: str, ours: str, theirs: str, said: str) -> None:
    """A move against another move, or against a removal, leaves both sides between markers and says why."""
    made = merged(*(listed(*names.split()) for names in (base, ours, theirs)))
    assert any(said in clash for clash in made.clashes), made
    text = made.data.decode()
    assert text.count("<<<<<<< ours\n") == text.count("=======\n") == text.count(">>>>>>> theirs\n") == 1
    both = [line for line in text.splitlines() if not line.startswith(("<", "=", ">"))]
    assert set(both) == {*HEADER.splitlines(), *ours.split(), *theirs.split()}


def test_a_line_written_anew_on_one_side_and_removed_on_the_other_clashes() -> None:
    """An option or a remark that one side wrote is not thrown away with a removal of the other's."""
    made = merged(listed("a", "b"), listed("a", "b # why"), listed("a"))
    assert made.clashes == ("b: removed on one side, its line changed on the other (ours)",)
    assert b"b # why" in made.data


def test_comments_of_both_sides_stay_where_they_stood() -> None:
    """Comments go with the patch below them, both sides' are kept, and one that both wrote stands once."""
    base = listed("a", "b", "c")
    ours = HEADER + "# start\na\nb\n# both\n\n# ours\nx\nc\n# the end\n"
    theirs = HEADER + "a\n# second\nb\n# both\n\n# theirs\ny\nc\n# the very end\n"
    made = merged(base, ours, theirs)
    assert made.clashes == ()
    assert made.data.decode() == (
        HEADER + "# start\na\n# second\nb\n# both\n\n# ours\nx\n\n# theirs\ny\nc\n# the end\n# the very end\n"
    )


def test_a_series_with_no_last_line_feed_merges() -> None:
    """A last line without its end is a line like any other."""
    assert merged("a", "a\nx", "a\ny").data == b"a\nx\ny\n"


NAMES = st.lists(st.sampled_from("abcdefgh"), unique=True, max_size=8)


@given(NAMES, NAMES, NAMES)
def test_nothing_is_lost_or_doubled(base: list[str], ours: list[str], theirs: list[str]) -> None:
    """Of any three lists, the merge has each wanted name once in an order of one side's, or says that it has not."""
    made = merged(*(listed(*names) for names in (base, ours, theirs)))
    turned = merged(*(listed(*names) for names in (base, theirs, ours)))
    assert bool(made.clashes) == bool(turned.clashes)
    if made.clashes:
        return
    names = made.data.decode().split("\n")[1:-1]
    removed = {name for name in base if name not in ours or name not in theirs}
    assert sorted(names) == sorted({*ours, *theirs} - removed)
    if ours == base:
        assert names == theirs
    if theirs == base:
        assert names == ours
    kept = [name for name in names if name in base]
    orders = [[name for name in side if name in kept] for side in (ours, theirs)]
    assert kept in orders


def records(*dates: str) -> bytes:
    """Write a history with a record for each date."""
    data = b""
    for date in dates:
        one = history.Record("1" * 40, "2" * 40, date, (history.Carried(f"of-{date}.patch", "kept"),))
        data = history.append(data, one)
    return data


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "made"),
    [
        ([1], [1, 2], [1, 3], [1, 2, 3]),
        ([1], [1, 3], [1, 2], [1, 2, 3]),
        ([1], [1, 2, 4], [1, 2, 3], [1, 2, 3, 4]),
        ([], [1], [2], [1, 2]),
    ],
)
def test_histories_become_one(base: list[int], ours: list[int], theirs: list[int], made: list[int]) -> None:
    """The records of both sides stand oldest first, equal ones once, in the very bytes of a history never parted."""
    wanted = [records(*(f"2025-01-0{day}" for day in days)) for days in (base, ours, theirs, made)]
    assert merging.records(Sides(*wanted[:3])) == Merged(wanted[3])


def test_a_history_that_was_rewritten_clashes() -> None:
    """Where a side did more than add, a person must look, and both sides' words are there."""
    base, other = records("2025-01-01"), records("2025-01-02")
    made = merging.records(Sides(base, base + b"\n", other))
    assert made.clashes
    assert b"2025-01-01" in made.data
    assert b"2025-01-02" in made.data


def test_only_the_forks_own_files_are_merged() -> None:
    """A path that is no file of the driver's is refused, one of a fork in a subfolder is not."""
    sides = Sides(b"a\n", b"a\nx\n", b"a\ny\n")
    assert merging.merge("README.md", sides) is None
    for path in ("patches/series", "some/fork/patches/series"):
        made = merging.merge(path, sides)
        assert made is not None
        assert made.data == b"a\nx\ny\n"


def test_attributes_are_added_once() -> None:
    """What `.gitattributes` lacks is added at its end, and nothing when it lacks nothing."""
    first = merging.with_lines(b"*.o binary")
    assert first.decode().splitlines() == ["*.o binary", *merging.LINES]
    assert merging.with_lines(first) == first
    for count in itertools.takewhile(lambda n: n <= 4, itertools.count()):
        partly = "\n".join(merging.LINES[:count]).encode()
        assert sorted(merging.with_lines(partly).decode().splitlines()) == sorted(merging.LINES)
