"""One side moved lines to the side: the other side's words, moved as far."""

import pytest
from merging import Case, holds

from forkkeeper.core.ladder import spacing
from forkkeeper.core.ladder.rung import Trust

ANSWERED = {
    "upstream put the lines into a block": Case(
        "a = 1\nb = 2\n", "    a = 1\n    b = 2\n", "a = 1\nb = 20\nc = 3\n", "    a = 1\n    b = 20\n    c = 3\n"
    ),
    "the patch took them out of one": Case(
        "    a = 1\n    b = 2\n", "    a = 10\n    b = 2\n", "a = 1\nb = 2\n", "a = 10\nb = 2\n"
    ),
    "tabs for blanks, what is deeper stays deeper": Case(
        "    if a:\n        go(1)\n", "\tif a:\n\t    go(1)\n", "    if a:\n        go(2)\n", "\tif a:\n\t    go(2)\n"
    ),
    "blank lines stay blank": Case(
        "a = 1\n\nb = 2\n", "  a = 1\n\n  b = 2\n", "a = 1\n\nb = 3\n", "  a = 1\n\n  b = 3\n"
    ),
}
SILENT = {
    "both change words": Case("a = 1\n", "  a = 2\n", "a = 3\n"),
    "white space within lines": Case("int  a = 1;\n", "int a = 1;\n", "int  a = 2;\n"),
    "each line moved by another width": Case("a = 1\nb = 2\n", "  a = 1\n    b = 2\n", "a = 1\nb = 3\n"),
    "both only insert": Case("a\nz\n", "a\nb\nz\n", "a\nc\nz\n"),
}


@pytest.mark.parametrize("case", ANSWERED.values(), ids=ANSWERED)
def test_the_words_are_moved_to_the_side(case: Case) -> None:
    """The side that changed words gives them, the side that changed white space says how far they move."""
    assert "only white space" in holds(case, spacing.resolve, "spacing").why


GUESSES = {
    "both moved it, each by another width": Case("  b(x)\n", "b(x)\n", "    b(x)\n", "b(x)\n"),
    "the patch changed words and moved the line, too": Case(
        "  a(1)\n  b(2)\n", "    a(1)\n    b(2)\n", "a(1)\nb(3)\n", "a(1)\nb(3)\n"
    ),
}


@pytest.mark.parametrize("case", GUESSES.values(), ids=GUESSES)
def test_lines_that_both_moved_are_a_guess(case: Case) -> None:
    """How deep they belong is for a person to say."""
    answer = holds(case, spacing.resolve, "spacing")
    assert answer.trust is Trust.GUESS
    assert "too" in answer.why


@pytest.mark.parametrize("case", SILENT.values(), ids=SILENT)
def test_it_is_silent_where_more_than_indentation_changed(case: Case) -> None:
    """One side must be the base, moved to the side as a whole."""
    assert case.result(spacing.resolve) is None
