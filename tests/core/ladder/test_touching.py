"""Neighbouring lines changed, none of them the same: both changes are made."""

import pytest
from merging import Case, holds

from forkkeeper.core.ladder import touching
from forkkeeper.core.ladder.rung import Trust

LIKELY = {
    "two lines of one block": Case(
        "a = 1\nb = 2\nc = 3\n",
        "a = 1\nb = 20\nc = 3\n",
        "a = 1\nb = 2\nc = 30\n",
        "a = 1\nb = 20\nc = 30\n",
    ),
    "an insertion after a line that upstream changed": Case(
        "int f(void)\n{\n    return 1;\n",
        "int f(int a)\n{\n    return 1;\n",
        "int f(void)\n/* ours */\n{\n    return 1;\n",
        "int f(int a)\n/* ours */\n{\n    return 1;\n",
    ),
    "the patch removes the line below": Case(
        "a();\nb();\nc();\n", "a(1);\nb();\nc();\n", "a();\nc();\n", "a(1);\nc();\n"
    ),
    "upstream takes lines away beside one that the patch changes": Case(
        "a();\nb();\nc();\n", "b();\nc();\n", "a();\nb(1);\nc();\n", "b(1);\nc();\n"
    ),
    "upstream writes four lines as two beside an insertion": Case(
        "a\nb\nc\nd\nz\n", "one\ntwo\nz\n", "a\nb\nc\nd\nmine\nz\n", "one\ntwo\nmine\nz\n"
    ),
}
GUESSES = {
    "upstream took away the line before an insertion": Case(
        "a();\nb();\nc();\n", "a();\nc();\n", "a();\nb();\nmine();\nc();\n", "a();\nmine();\nc();\n"
    ),
    "upstream took away the line after an insertion": Case(
        "a();\nb();\nc();\n", "a();\nc();\n", "a();\nmine();\nb();\nc();\n", "a();\nmine();\nc();\n"
    ),
    "upstream wrote four lines as one beside an insertion": Case(
        "a\nb\nc\nd\nz\n", "one\nz\n", "a\nb\nc\nd\nmine\nz\n", "one\nmine\nz\n"
    ),
}
SILENT = {
    "both change one line": Case("x = 1\nz\n", "x = 2\nz\n", "x = 3\nz\n"),
    "both insert at one spot": Case("a\nz\n", "a\nnew\nz\n", "a\nmine\nz\n"),
    "upstream rewrites the block into which the patch inserts": Case("a\nb\nz\n", "A\nB\nz\n", "a\nmine\nb\nz\n"),
    "one edit of several meets another": Case("a\nb\nc\nz\n", "A\nB\nc\nz\n", "a\nbb\ncc\nz\n"),
}


@pytest.mark.parametrize("case", LIKELY.values(), ids=LIKELY)
def test_both_changes_are_made(case: Case) -> None:
    """Lines that only one side changed are that side's."""
    assert holds(case, touching.resolve, "touching").trust is Trust.LIKELY


@pytest.mark.parametrize("case", GUESSES.values(), ids=GUESSES)
def test_beside_lines_that_are_gone_it_is_a_guess(case: Case) -> None:
    """What was added to lines that upstream took away may have lost its sense, and the reason says so."""
    answer = holds(case, touching.resolve, "touching")
    assert answer.trust is Trust.GUESS
    assert "took away" in answer.why


@pytest.mark.parametrize("case", SILENT.values(), ids=SILENT)
def test_it_is_silent_where_edits_meet(case: Case) -> None:
    """One line changed by both, or two insertions at one spot, are no neighbours."""
    assert case.result(touching.resolve) is None
