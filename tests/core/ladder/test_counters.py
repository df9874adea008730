"""A number that both sides count on: the base plus both differences; and counts that a merge would take once."""

import difflib

import pytest
from merging import Case, holds

from forkkeeper.core import hunks
from forkkeeper.core.ladder import counters
from forkkeeper.core.ladder.rung import Trust

ANSWERED = {
    "an assertion on the number of entries": Case(
        'static_assert(OP_COUNT == 80, "update the names");\n',
        'static_assert(OP_COUNT == 83, "update the names");\n',
        'static_assert(OP_COUNT == 81, "update the names");\n',
        'static_assert(OP_COUNT == 84, "update the names");\n',
    ),
    "the size of a list that it opens": Case(
        "const char *NAMES[12] = {\n",
        "const char *NAMES[14] = {\n",
        "const char *NAMES[13] = {\n",
        "const char *NAMES[15] = {\n",
    ),
    "one side takes an entry away": Case(
        "assert len(table) == 9\n", "assert len(table) == 8\n", "assert len(table) == 11\n", "assert len(table) == 10\n"
    ),
    "two counts on neighbouring lines, with a number that one side alone changed": Case(
        "assert(len(a) == 3);\nassert(len(b) == 4); // see 1\n",
        "assert(len(a) == 4);\nassert(len(b) == 5); // see 1\n",
        "assert(len(a) == 5);\nassert(len(b) == 6); // see 2\n",
        "assert(len(a) == 6);\nassert(len(b) == 7); // see 2\n",
    ),
}
GUESSES = {
    "a constant by its name": Case(
        "#define OP_COUNT 7\n", "#define OP_COUNT 8\n", "#define OP_COUNT 9\n", "#define OP_COUNT 10\n"
    ),
    "the last entry of an enumeration": Case(
        "    NUM_OPS = 7,\n", "    NUM_OPS = 8,\n", "    NUM_OPS = 9,\n", "    NUM_OPS = 10,\n"
    ),
}
SILENT = {
    "a number that is merely set": Case("timeout = 30\n", "timeout = 31\n", "timeout = 32\n"),
    "a version with a dot": Case("version = 1.2\n", "version = 1.3\n", "version = 1.4\n"),
    "a large step": Case("assert n == 4096\n", "assert n == 8192\n", "assert n == 4100\n"),
    "the line has other words, too": Case("int a[3];\n", "long a[4];\n", "int b[5];\n"),
    "a number of another base": Case("assert n == 0x10\n", "assert n == 0x11\n", "assert n == 0x12\n"),
    "a number of thousands of digits": Case(
        f"assert n == {'9' * 5000}\n", f"assert n == {'9' * 4999}8\n", f"assert n == {'9' * 4999}7\n"
    ),
    "leading zeros": Case("assert n == 07\n", "assert n == 08\n", "assert n == 09\n"),
    "a sum below zero": Case("assert n == 3\n", "assert n == 1\n", "assert n == 0\n"),
    "a line was added": Case("assert(len(a) == 3);\n", "assert(len(a) == 4);\n", "assert(len(a) == 5);\nint b;\n"),
    "an index": Case("name = parts[1]\n", "name = parts[2]\n", "name = parts[3]\n"),
    "a version": Case("if (api_version >= 2)\n", "if (api_version >= 3)\n", "if (api_version >= 4)\n"),
    "an asserted version": Case(
        "assert(VERSION_NUM == 2)\n", "assert(VERSION_NUM == 3)\n", "assert(VERSION_NUM == 4)\n"
    ),
    "a buffer": Case("char buf[16];\n", "char buf[32];\n", "char buf[24];\n"),
    "a limit": Case("#define MAX_COUNT 16\n", "#define MAX_COUNT 32\n", "#define MAX_COUNT 24\n"),
    "a line of a megabyte": Case(*("A" * 1_000_000 + f" count {n}\n" for n in (1, 2, 3))),
    "a number of hundreds of digits": Case(*(f"assert(count == {'9' * 5000}{n})\n" for n in (1, 2, 3))),
}


@pytest.mark.parametrize("case", ANSWERED.values(), ids=ANSWERED)
def test_both_differences_are_added(case: Case) -> None:
    """Each side added or removed its own entries, so the count is the base plus both, and the reason shows the sum."""
    answer = holds(case, counters.resolve, "counters")
    assert "both sides count on: " in answer.why


@pytest.mark.parametrize("case", GUESSES.values(), ids=GUESSES)
def test_a_constant_is_a_guess(case: Case) -> None:
    """A constant may be set by hand, and nothing but its name speaks for a count."""
    assert holds(case, counters.resolve, "counters").trust is Trust.GUESS


def test_the_sum_is_shown() -> None:
    """The reason has the base, both differences and the result."""
    answer = holds(ANSWERED["an assertion on the number of entries"], counters.resolve, "counters")
    assert "80 +3 +1 = 84" in answer.why


@pytest.mark.parametrize("case", SILENT.values(), ids=SILENT)
def test_it_is_silent_where_nothing_is_counted(case: Case) -> None:
    """Only small steps of whole numbers in lines that compare or size something are counts."""
    assert case.result(counters.resolve) is None


# counts that both sides changed alike -------------------------------------------------------------------------------

BASE = b'enum {\n    OP_A,\n    OP_COUNT,\n};\nstatic_assert(OP_COUNT == 1, "names");\nint limit = 1;\n'
DIFF = b"""\
diff --git a/ops.h b/ops.h
--- a/ops.h
+++ b/ops.h
@@ -4,3 +4,3 @@
 };
-%s
+%s
 int limit = 1;
"""


def counted(old: bytes, new: bytes, ours: bytes, base: bytes = BASE) -> tuple[tuple[bytes, bytes], ...]:
    """Find the counts of a patch that changes one line."""
    return counters.counted_once(hunks.parse(DIFF % (old, new)), base, ours)


def listed(*names: str, count: int) -> bytes:
    """Make a file of a list, with an assertion on its size below it."""
    entries = "".join(f"    OP_{name},\n" for name in names)
    return f"int before;\nops = {{\n{entries}}};\n\nassert(OP_COUNT == {count}); // {count} ops\nint behind;\n".encode()


def patched(base: bytes, theirs: bytes) -> tuple[hunks.FileDiff, ...]:
    """Give the diff of a patch, with the whole file around it."""
    lines = difflib.unified_diff(base.decode().splitlines(True), theirs.decode().splitlines(True), "a/f", "b/f", n=99)
    return hunks.parse(b"diff --git a/f b/f\n" + "".join(lines).encode())


def test_a_list_that_both_made_longer_is_counted_on() -> None:
    """Each side has an entry of its own, so the count that both wrote alike is one too low."""
    base, ours, theirs = listed("A", count=1), listed("A", "UP", count=2), listed("A", "MINE", count=2)
    was, made = (b"assert(OP_COUNT == %d); // %d ops" % (n, n) for n in (2, 3))
    assert counters.counted_once(patched(base, theirs), base, ours) == ((was, made),)


DOUBTFUL = {
    "both added the same entry": (listed("A", "UP", count=2), listed("A", "UP", count=2)),
    "upstream added nothing": (listed("A", count=2), listed("A", "MINE", count=2)),
    "upstream counts by another step": (listed("A", "B", "C", count=2), listed("A", "MINE", count=2)),
}


@pytest.mark.parametrize(("ours", "theirs"), DOUBTFUL.values(), ids=DOUBTFUL)
def test_a_count_without_entries_of_both_is_only_shown(ours: bytes, theirs: bytes) -> None:
    """What git made of it stays, and a person is to see the line."""
    base = listed("A", count=1)
    line = b"assert(OP_COUNT == 2); // 2 ops"
    assert counters.counted_once(patched(base, theirs), base, ours) == ((line, line),)


def test_an_enumeration_counts_its_entries() -> None:
    """The last entry of a list counts those before it, and the size of a list those after it."""
    for form in ("enum {{\n{entries}    OP_COUNT = {count}\n}};\n", "int ops[{count}] = {{\n{entries}}};\n"):
        base, ours, theirs = (
            form.format(entries="".join(f"    OP_{name},\n" for name in names), count=len(names)).encode()
            for names in ("A", ("A", "UP"), ("A", "MINE"))
        )
        ((was, made),) = counters.counted_once(patched(base, theirs), base, ours)
        assert (b"2" in was, b"3" in made) == (True, True)


def test_one_of_two_equal_lines_is_left() -> None:
    """Where the patch changed one of two equal counts and upstream both, nobody knows which of them is meant."""
    base = listed("A", count=1) * 2
    ours = listed("A", "UP", count=2) * 2
    theirs = listed("A", "MINE", count=2) + listed("A", count=1)
    assert counters.counted_once(patched(base, theirs), base, ours) == ()


NO_COUNTS = {
    "an index": b"name = parts[%d];\n",
    "a version": b"if (api_version >= %d) use();\n",
    "a buffer": b"char buf[1%d];\n",
}


@pytest.mark.parametrize("line", NO_COUNTS.values(), ids=NO_COUNTS)
def test_what_is_no_count_is_left_to_git(line: bytes) -> None:
    """Both sides agree, and nothing is counted there."""
    base, ours = line % 1 + b"z\n", line % 2 + b"z\n"
    assert counters.counted_once(patched(base, ours + b"mine\n"), base, ours) == ()


@pytest.mark.parametrize(
    ("old", "new", "ours"),
    [
        (b'== 1, "names"', b'== 2, "names"', BASE),
        (b'== 1, "names"', b'== 2, "names"', BASE.replace(b"== 1", b"== 3")),
        (b'== 1, "names"', b'== 2, "labels"', BASE.replace(b'== 1, "names"', b'== 2, "labels"')),
        (b'== 1, "names"', b'== 200, "names"', BASE.replace(b"== 1", b"== 200")),
    ],
    ids=["upstream did not change it", "upstream counted further", "a word changed, too", "a large step"],
)
def test_what_is_not_counted_alike_is_left(old: bytes, new: bytes, ours: bytes) -> None:
    """A line that upstream has otherwise, or that changed by more than a small number, is not summed."""
    line = b"static_assert(OP_COUNT %s);"
    assert counted(line % old, line % new, ours) == ()


def test_a_number_that_both_set_is_no_count() -> None:
    """The same new limit on both sides is one change, made twice."""
    base, ours = b"int limit = 1;\n", b"int limit = 2;\n"
    diff = b"diff --git a/ops.h b/ops.h\n--- a/ops.h\n+++ b/ops.h\n@@ -1 +1 @@\n-%s+%s"
    assert counters.counted_once(hunks.parse(diff % (base, ours)), base, ours) == ()


def test_a_count_that_stands_there_twice_by_now_is_left() -> None:
    """Where upstream has another number of such lines than before, nobody knows which of them counts."""
    old, new = (b'static_assert(OP_COUNT == %d, "names");' % n for n in (1, 2))
    assert counted(old, new, BASE.replace(old, new + b"\n" + new)) in ((), ((new, new.replace(b"2", b"3")),))
