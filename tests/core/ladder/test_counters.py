"""A number that both sides count on: the base plus both differences; and counts that a merge would take once."""

import pytest
from merging import Case, holds

from forkkeeper.core import hunks
from forkkeeper.core.ladder import counters

ANSWERED = {
    "an assertion on the number of entries": Case(
        'static_assert(OP_COUNT == 80, "update the names");\n',
        'static_assert(OP_COUNT == 83, "update the names");\n',
        'static_assert(OP_COUNT == 81, "update the names");\n',
        'static_assert(OP_COUNT == 84, "update the names");\n',
    ),
    "a size": Case(
        "const char *NAMES[12] = {\n",
        "const char *NAMES[14] = {\n",
        "const char *NAMES[13] = {\n",
        "const char *NAMES[15] = {\n",
    ),
    "one side takes an entry away": Case(
        "assert len(table) == 9\n", "assert len(table) == 8\n", "assert len(table) == 11\n", "assert len(table) == 10\n"
    ),
    "a count by its name": Case(
        "#define OP_COUNT 7\n", "#define OP_COUNT 8\n", "#define OP_COUNT 9\n", "#define OP_COUNT 10\n"
    ),
    "two counts on neighbouring lines, with a number that one side alone changed": Case(
        "int a[3];\nint b[4]; // see 1\n",
        "int a[4];\nint b[5]; // see 1\n",
        "int a[5];\nint b[6]; // see 2\n",
        "int a[6];\nint b[7]; // see 2\n",
    ),
}
SILENT = {
    "a number that is merely set": Case("timeout = 30\n", "timeout = 31\n", "timeout = 32\n"),
    "a version": Case("version = 1.2\n", "version = 1.3\n", "version = 1.4\n"),
    "a large step": Case("assert n == 4096\n", "assert n == 8192\n", "assert n == 4100\n"),
    "the line has other words, too": Case("int a[3];\n", "long a[4];\n", "int b[5];\n"),
    "a number of another base": Case("assert n == 0x10\n", "assert n == 0x11\n", "assert n == 0x12\n"),
    "a number of thousands of digits": Case(
        f"assert n == {'9' * 5000}\n", f"assert n == {'9' * 4999}8\n", f"assert n == {'9' * 4999}7\n"
    ),
    "leading zeros": Case("assert n == 07\n", "assert n == 08\n", "assert n == 09\n"),
    "a sum below zero": Case("assert n == 3\n", "assert n == 1\n", "assert n == 0\n"),
    "a line was added": Case("int a[3];\n", "int a[4];\n", "int a[5];\nint b;\n"),
}


@pytest.mark.parametrize("case", ANSWERED.values(), ids=ANSWERED)
def test_both_differences_are_added(case: Case) -> None:
    """Each side added or removed its own entries, so the count is the base plus both, and the reason shows the sum."""
    answer = holds(case, counters.resolve, "counters")
    assert "both sides count on: " in answer.why


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


def test_a_count_that_both_changed_alike_is_found() -> None:
    """The line is given as both have it, and with both changes made."""
    old, new = (b'static_assert(OP_COUNT == %d, "names");' % n for n in (1, 2))
    ours = BASE.replace(b"== 1", b"== 2").replace(b"OP_A,", b"OP_A,\n    OP_B,")
    assert counted(old, new, ours) == ((new, b'static_assert(OP_COUNT == 3, "names");'),)


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
