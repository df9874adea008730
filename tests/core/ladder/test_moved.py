"""Code that stands elsewhere now is followed to the one place where it stands; a twin is left alone."""

from collections import Counter

from hypothesis import given, strategies as st
from merging import split

from forkkeeper.core import lines
from forkkeeper.core.ladder import moved
from forkkeeper.core.ladder.moved import Placement, Site, Window
from forkkeeper.core.lines import Edit, Lines

FUNCTION = (
    b"int measure_text(const char *text)\n",
    b"{\n",
    b"    int length = 0;\n",
    b"    while (text[length])\n",
    b"        length = length + 1;\n",
    b"    return length;\n",
    b"}\n",
)
OTHER = tuple(b"static int helper_%d(int value) { return value + %d; }\n" % (n, n) for n in range(12))
BASE = (*OTHER[:4], *FUNCTION, *OTHER[4:8])
EDIT = Edit(9, 10, (b"    return length + 1;\n",))
INSERTION = Edit(6, 6, (b"    if (!text)\n", b"        return 0;\n"))


def site(now: Lines, was: Lines = (), *, is_own: bool = False) -> Site:
    """Make a file that may hold moved code."""
    return Site(moved.read(now), moved.read(was), is_own)


def follow(edit: Edit, sites: dict[str, Site], base: Lines = BASE) -> Lines | None:
    """Give the whole file with an edit where its lines stand now."""
    found = moved.find(base, edit, sites)
    return lines.apply(sites[found.path].now.lines, [found.edit]) if found else None


def test_it_follows_into_the_one_file_that_has_the_lines() -> None:
    """The edit's old lines and those around it stand in one new file, and there it is made."""
    now = (*OTHER[8:], *FUNCTION)
    made = follow(EDIT, {"new.c": site(now), "own.c": site(OTHER[:8], BASE, is_own=True)})
    assert made == tuple(EDIT.lines[0] if line == b"    return length;\n" else line for line in now)
    assert moved.find(BASE, EDIT, {"new.c": site(now)}) == Placement("new.c", Edit(9, 10, EDIT.lines))


def test_it_follows_within_the_file() -> None:
    """A function that stands further down in its own file is no twin of itself."""
    now = (*OTHER, *FUNCTION)
    found = moved.find(BASE, EDIT, {"own.c": site(now, BASE, is_own=True)})
    assert found == Placement("own.c", Edit(17, 18, EDIT.lines))


def test_a_twin_is_left_alone() -> None:
    """Lines that stood in the other file before are no place where anything has moved to."""
    twin = (*OTHER[8:], *FUNCTION)
    assert follow(EDIT, {"twin.c": site(twin, twin)}) is None
    assert follow(EDIT, {"own.c": site((*FUNCTION, *OTHER), (*FUNCTION, *BASE), is_own=True)}) is None


def test_two_places_are_none() -> None:
    """Where two files have the lines nobody knows which is meant, and neither where one file has them twice."""
    now = (*OTHER[8:], *FUNCTION)
    assert follow(EDIT, {"one.c": site(now), "two.c": site(now)}) is None
    assert follow(EDIT, {"one.c": site((*now, *FUNCTION))}) is None


def test_lines_that_are_gone_have_no_place() -> None:
    """Where the old lines stand nowhere there is no answer, and neither where they say nothing."""
    assert follow(EDIT, {"own.c": site(OTHER, BASE, is_own=True)}) is None
    brackets = (b"{\n", b"}\n", b"\n", b"{\n", b"}\n")
    assert follow(Edit(2, 2, (b"x\n",)), {"new.c": site((*brackets, *OTHER))}, brackets) is None


def test_its_lines_take_the_new_indentation() -> None:
    """What was put into a class is indented there, and so are the patch's lines."""
    deeper = tuple(b"    " + line for line in FUNCTION)
    made = follow(INSERTION, {"new.c": site((b"struct text {\n", *deeper, b"};\n"))})
    assert made is not None
    assert made[3:6] == (b"        if (!text)\n", b"            return 0;\n", b"        int length = 0;\n")


def test_an_insertion_by_one_side_alone_is_not_sure() -> None:
    """The lines before it stand there and those after it do not: placed, and marked as a guess."""
    before = (*OTHER[2:4], *FUNCTION[:2])
    found = moved.find(BASE, INSERTION, {"new.c": site((*before, *OTHER[8:]))})
    assert found == Placement("new.c", Edit(4, 4, INSERTION.lines), is_sure=False)


def test_both_sides_count_more_than_many_lines_on_one() -> None:
    """A place that has the lines right before and after is sure, though not all those further off came along."""
    now = (*FUNCTION, *OTHER[4:8], *OTHER[8:])
    found = moved.find(BASE, Edit(7, 7, INSERTION.lines), {"new.c": site(now)})
    assert found == Placement("new.c", Edit(3, 3, INSERTION.lines))


def test_edits_of_one_file_are_made_in_order_and_never_over_each_other() -> None:
    """Edits of another file stay out; two that meet give none at all."""
    one, two = Edit(1, 2, (b"a\n",)), Edit(4, 4, (b"b\n",))
    found = [Placement("f", two), Placement("g", one), Placement("f", one), Placement("f", one)]
    assert moved.together(found, "f") == (one, two)
    assert moved.together([*found, Placement("f", Edit(1, 3, ()))], "f") is None
    assert moved.together([Placement("f", Edit(4, 4, (b"c\n",))), Placement("f", two)], "f") is None


@given(
    st.integers(0, len(BASE)),
    st.integers(0, 2),
    st.lists(st.sampled_from([b"mine();\n", b"  more();\n"]), max_size=3),
    st.permutations(OTHER),
)
def test_what_is_followed_loses_nothing(start: int, size: int, new: list[bytes], others: list[bytes]) -> None:
    """All added lines stand in the file then, none goes but those that the edit removes, and those do."""
    edit = Edit(start, min(start + size, len(BASE)), tuple(new))
    now = (*others[:6], *(b"  " + line for line in FUNCTION), *others[6:])
    made = follow(edit, {"new.c": site(now)})
    if made is not None:
        wanted = Counter(map(lines.squeeze, now)) + Counter(map(lines.squeeze, new))
        wanted.subtract(map(lines.squeeze, BASE[edit.start : edit.end]))
        assert Counter(map(lines.squeeze, made)) == +wanted


def near(now: Lines, was: Lines = (), *, is_own: bool = False) -> Window | None:
    """Find where the surroundings of an edit stand by now."""
    return moved.near(BASE, INSERTION, {"new.c": site(now, was, is_own=is_own)})


CHANGED = tuple(line.replace(b"int length", b"size_t length") for line in FUNCTION)


def test_code_that_changed_on_the_way_is_found_by_vote() -> None:
    """Most lines around the edit stand together: the window begins and ends with lines that both versions have."""
    found = near((*OTHER[8:], *OTHER[:4], *CHANGED, *OTHER[4:8]))
    assert found is not None
    assert found.base[0] == found.ours[0] == found.theirs[0] == OTHER[0]
    assert found.base[-1] == found.ours[-1] == found.theirs[-1] == OTHER[7]
    assert b"    size_t length = 0;\n" in found.ours
    assert b"    if (!text)\n" in found.theirs
    assert found.agree > 0.9


def test_too_few_votes_find_nothing() -> None:
    """A few lines alike, or two places with nearly as many, are no answer; nor is what stood there before."""
    there = (*OTHER[8:], *OTHER[:4], *CHANGED, *OTHER[4:8])
    assert near((*OTHER[8:], *OTHER[:2])) is None
    assert near((*there, *OTHER[8:], *OTHER[8:], *there)) is None
    assert near(there, there) is None
    assert near(split("nothing\nof it\n")) is None
    assert near(there, there, is_own=True) is not None
