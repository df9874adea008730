"""A patch undoes upstream when it deletes lines that came after it was written; nothing that looks alike counts."""

from dataclasses import dataclass

import pytest
from hypothesis import given, strategies as st

from forkkeeper.core import lines, undoing
from forkkeeper.core.ids import ObjectId
from forkkeeper.core.store import REGULAR, SYMLINK, Change, Entry
from forkkeeper.core.undoing import Deleting, Line, Written

OLD = "int first(void);\nint middle(int a);\nint last(void);\n"


@dataclass(frozen=True)
class Case:
    """One file: when the patch was written, at the pin, and after the patch; before it, where earlier patches are."""

    written: str
    pin: str
    after: str
    before: str | None = None

    @property
    def undone(self) -> list[str]:
        """Give the lines that the patch undoes."""
        written, pin, after = (lines.split(text.encode()) for text in (self.written, self.pin, self.after))
        before = pin if self.before is None else lines.split(self.before.encode())
        file = Deleting("a.c", pin, before, lines.edits_between(pin, before), lines.edits_between(before, after))
        (gone,) = undoing.deleted([file])
        found = undoing.undone(file, gone, Written(written, lines.edits_between(written, pin)))
        assert all(pin[line.number - 1] == line.text for line in found)
        return [line.text.decode().strip() for line in found]


NEW = "int added(void);\n"
LONG = "    assert(is_contiguous(src));\n"
UNDONE = {
    "a line that upstream added": (Case(OLD, OLD + NEW, OLD), ["int added(void);"]),
    "one in a file that was not there": (Case("", NEW, "other\n"), ["int added(void);"]),
    "all of a file, when part of it is new": (Case(OLD, OLD + NEW, ""), ["int added(void);"]),
    "a line beside what the patch is for": (
        Case(OLD, OLD + NEW, OLD.replace("int a", "long a")),
        ["int added(void);"],
    ),
    "the patch's own line in the place of a new one": (Case(OLD, OLD + NEW, OLD + "int mine(int x);\n"), [NEW.strip()]),
    "a word that upstream added to a line": (
        Case(OLD, OLD.replace("int a", "int a, int b"), OLD.replace("int middle(int a)", "long middle(int a)")),
        ["int middle(int a, int b);"],
    ),
    "a reworded line that goes altogether": (
        Case(OLD, OLD.replace("int a", "int"), OLD.replace("int middle(int a);\n", "")),
        ["int middle(int);"],
    ),
    "one more copy of a long line": (
        Case(f"a\n{LONG}b\n", f"a\n{LONG}b\nc\n{LONG}d\n", f"a\n{LONG}b\nc\nd\n"),
        [LONG.strip()],
    ),
    "the older line put back": (
        Case(OLD, OLD.replace("int a", "int"), OLD),
        ["int middle(int);"],
    ),
    "a number put back": (Case("N = 512\n", "N = 1024\n", "N = 512\n"), ["N = 1024"]),
    "under an earlier patch's lines": (
        Case(OLD, OLD + NEW, "mine, on top\n" + OLD, before="mine, on top\n" + OLD + NEW),
        ["int added(void);"],
    ),
}
SILENT = {
    "upstream brought nothing": Case(OLD, OLD, "int first(void);\n"),
    "what it deletes is old": Case(OLD, NEW + OLD, NEW + "int first(void);\nint last(void);\n"),
    "brackets and blank lines": Case(OLD, OLD + "{\n}\n\n", OLD),
    "a copy that may be the older one": Case(LONG, LONG * 2, LONG),
    "a copy while an older one goes": Case(f"a\n{LONG}b\n", f"a\n{LONG}b\nc\n{LONG}d\n", f"a\nb\nc\n{LONG}d\n"),
    "one more copy of a short line": Case("a\nfree(ctx);\n", "a\nfree(ctx);\nb\nfree(ctx);\n", "a\nfree(ctx);\nb\n"),
    "upstream moved the line": Case(OLD + NEW, NEW + OLD, OLD),
    "upstream indented it": Case(OLD + NEW, OLD + "    " + NEW, OLD),
    "the patch moves the new line": Case(OLD, OLD + NEW, NEW + OLD),
    "the patch indents the new line": Case(OLD, OLD + NEW, OLD + "    " + NEW),
    "the new word is carried": Case(
        OLD, OLD.replace("int a", "int a, int b"), OLD.replace("int middle(int a)", "long middle(int a, int b)")
    ),
    "the new word is carried over two lines": Case(
        OLD,
        OLD.replace("int a", "int a, int b"),
        OLD.replace("int middle(int a)", "long middle(\n    int a,\n    int b)"),
    ),
    "a count that both raise": Case("assert(N == 80);\n", "assert(N == 81);\n", "assert(N == 82);\n"),
    "an earlier patch's line": Case(OLD, OLD, OLD, before=OLD + NEW),
    "it only adds": Case(OLD, OLD + NEW, NEW + OLD + NEW),
}


@pytest.mark.parametrize("case", UNDONE.values(), ids=UNDONE)
def test_newer_lines_that_go_are_undone(case: tuple[Case, list[str]]) -> None:
    """Each is told with its place at the pin."""
    assert case[0].undone == case[1]


@pytest.mark.parametrize("case", SILENT.values(), ids=SILENT)
def test_what_is_old_or_carried_is_not_undone(case: Case) -> None:
    """Each case is close to one that is."""
    assert case.undone == []


def test_a_line_that_goes_to_another_file_is_not_deleted() -> None:
    """The patch moves it."""
    data = lines.split(NEW.encode())
    whole = lines.Edit(0, 1, ())
    here, there = Deleting("a.c", data, data, (), (whole,)), Deleting("b.c", (), (), (), (lines.Edit(0, 0, data),))
    assert undoing.deleted([here]) == ((Line("a.c", 1, data[0]),),)
    assert undoing.deleted([here, there]) == ((), ())


def blob(name: str) -> Entry:
    """Give a file's entry."""
    return Entry(REGULAR, ObjectId(name))


def test_a_line_that_came_with_a_block_from_another_file_is_as_old_as_it_was_there() -> None:
    """Where that file still has it, or a single line came from there, it was not moved."""
    block = [b"int part%d(void);\n" % number for number in range(6)]
    blobs = {ObjectId("full"): OLD.encode() + b"".join(block), ObjectId("bare"): OLD.encode()}
    line = Line("a.c", 4, b"    " + block[0])
    moved = Change("b.c", blob("full"), blob("bare"))
    here = Deleting("a.c", (*block, b"}\n"), (), (), ())
    came = undoing.brought(here, Written((), ()))
    assert undoing.but_moved([line], came, [moved], blobs.__getitem__) == ()
    stays = Change("b.c", blob("full"), blob("full"))
    assert undoing.but_moved([line], came, [stays], blobs.__getitem__) == (line,)
    itself = Change("a.c", blob("full"), blob("bare"))
    assert undoing.but_moved([line], came, [itself], blobs.__getitem__) == (line,)
    alone = undoing.brought(Deleting("a.c", (block[0],), (), (), ()), Written((), ()))
    assert undoing.but_moved([line], alone, [moved], blobs.__getitem__) == (line,)


def test_what_is_no_text_is_one_line() -> None:
    """A binary file and a link are told by their objects, so that another object is another line."""
    blobs = {ObjectId("one"): b"\0", ObjectId("text"): b"a\n"}
    assert undoing.text(blob("one"), blobs.__getitem__) == b"(no text: one)\n"
    assert undoing.text(Entry(SYMLINK, ObjectId("text")), blobs.__getitem__) == b"(no text: text)\n"
    assert undoing.text(blob("text"), blobs.__getitem__) == b"a\n"
    assert undoing.text(None, blobs.__getitem__) == b""


# laws ---------------------------------------------------------------------------------------------------------------

WORDS = ("alpha(x);", "beta(x, y);", "gamma();", "{", "}", "", "  return delta;", "count = 81;", "count = 82;")
TEXTS = st.lists(st.sampled_from(WORDS), max_size=8).map(lambda found: "".join(f"{line}\n" for line in found))


@given(TEXTS, TEXTS)
def test_where_upstream_brought_nothing_nothing_is_undone(pin: str, after: str) -> None:
    """Whatever a patch does to the file for which it was written."""
    assert Case(pin, pin, after).undone == []


@given(TEXTS, TEXTS)
def test_a_patch_that_changes_nothing_undoes_nothing(written: str, pin: str) -> None:
    """Whatever upstream did."""
    assert Case(written, pin, pin).undone == []


@given(TEXTS, TEXTS, st.lists(st.tuples(st.integers(0, 8), st.sampled_from(WORDS)), max_size=4))
def test_a_patch_that_only_adds_undoes_nothing(written: str, pin: str, more: list[tuple[int, str]]) -> None:
    """Wherever it puts its lines."""
    after = pin.splitlines(keepends=True)
    for at, line in more:
        after.insert(min(at, len(after)), f"{line}\n")
    assert Case(written, pin, "".join(after)).undone == []


@given(TEXTS, TEXTS, TEXTS)
def test_what_is_undone_is_new_and_gone(written: str, pin: str, after: str) -> None:
    """It was nowhere in the older file, it says something, and the patch leaves fewer of it."""
    for line in Case(written, pin, after).undone:
        assert line not in [old.strip() for old in written.splitlines()]
        assert lines.says_something(line.encode())
        assert [one.strip() for one in after.splitlines()].count(line) < [
            one.strip() for one in pin.splitlines()
        ].count(line)


NAMED = st.lists(st.sampled_from(WORDS[:7]), max_size=8).map(lambda found: "".join(f"{line}\n" for line in found))


@given(NAMED, NAMED)
def test_a_file_made_anew_from_a_stale_one_undoes_all_that_came(written: str, pin: str) -> None:
    """The accident itself: the patch gives the file for which it was written, and each line with a new name goes."""
    old = {lines.squeeze(line.encode()) for line in written.splitlines()}
    new = {line.strip() for line in pin.splitlines() if lines.says_something(line.encode())}
    undone = Case(written, pin, written).undone
    assert set(undone) == {line for line in new if lines.squeeze(line.encode()) not in old}
