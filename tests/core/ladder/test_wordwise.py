"""One line, changed by both in different words: each word is merged by itself."""

import pytest
from merging import Case, holds

from forkkeeper.core.ladder import wordwise
from forkkeeper.core.ladder.rung import Trust

LIKELY = {
    "a type by upstream, an argument by the patch": Case(
        "int load(const char *path, int flags);\n",
        "long load(const char *path, int flags);\n",
        "int load(const char *path, unsigned flags);\n",
        "long load(const char *path, unsigned flags);\n",
    ),
    "words of two lines": Case(
        "if (ready && done)\n    stop(now);\n",
        "if (ready() && done)\n    stop(now);\n",
        "if (ready && done)\n    stop(later);\n",
        "if (ready() && done)\n    stop(later);\n",
    ),
    "white space of the side that changed it": Case(
        "set(NAME  value other)\n",
        "set(NAME value other)\n",
        "set(NAME  value another)\n",
        "set(NAME value another)\n",
    ),
    "a word that one side takes away": Case(
        "static inline int twice(int a) { return a + a; }\n",
        "inline int twice(int a) { return a + a; }\n",
        "static inline int twice(int a) { return 2 * a; }\n",
        "inline int twice(int a) { return 2 * a; }\n",
    ),
    "names of other alphabets": Case(
        "grüße = ähnlich + 1 + x\n",
        "grüße = ähnlicher + 1 + x\n",
        "grüße = ähnlich + 1 + ü\n",
        "grüße = ähnlicher + 1 + ü\n",
    ),
}
SILENT = {
    "both change one word": Case("x = 1\n", "x = 2\n", "x = 3\n"),
    "both insert at one spot": Case("f(a)\n", "f(a, b)\n", "f(a, c)\n"),
    "their words touch": Case("int f(a, b)\n", "int g(a, b)\n", "int f[a, b)\n"),
}


@pytest.mark.parametrize("case", LIKELY.values(), ids=LIKELY)
def test_each_word_is_merged_by_itself(case: Case) -> None:
    """Words that only one side changed are that side's."""
    assert holds(case, wordwise.resolve, "words").trust is Trust.LIKELY


def test_what_upstream_wrote_anew_is_a_guess() -> None:
    """Where less than half of the words are still upstream's, their fitting together proves little."""
    case = Case(
        "value = old_name(first, second, third) + tail\n",
        "result = [make{9} for x in y] + tail\n",
        "value = old_name(first, second, third) + other\n",
        "result = [make{9} for x in y] + other\n",
    )
    assert holds(case, wordwise.resolve, "words").trust is Trust.GUESS


def test_what_upstream_has_twice_by_now_is_a_guess() -> None:
    """Where one line became two, nobody knows which of them the patch's word is for."""
    case = Case(
        "run(path, MODE_READ, size);\n",
        "first(path, MODE_READ, size);\nsecond(path, MODE_READ, size);\n",
        "run(path, MODE_WRITE, size);\n",
        "first(path, MODE_READ, size);\nsecond(path, MODE_WRITE, size);\n",
    )
    answer = holds(case, wordwise.resolve, "words")
    assert answer.trust is Trust.GUESS
    assert "MODE_READ" in answer.why


def test_white_space_that_both_changed_is_said() -> None:
    """Within a line upstream's stays, and the reason says so; where a line begins it is a guess."""
    within = Case("a  = b + c + 1;\n", "a = b + c + 2;\n", "a   = d + c + 1;\n", "a = d + c + 2;\n")
    answer = holds(within, wordwise.resolve, "words")
    assert (answer.trust, "white space" in answer.why) == (Trust.LIKELY, True)
    at_the_start = Case("  a = b + c + 1\n", "a = b + c + 2\n", "    a = d + c + 1\n", "a = d + c + 2\n")
    assert holds(at_the_start, wordwise.resolve, "words").trust is Trust.GUESS


def test_white_space_alone_on_both_sides_is_a_guess_where_it_is_the_same() -> None:
    """Of two ways to write one gap upstream's stays, and the patch's is not said to be words."""
    case = Case("a  = b\n", "a = b\n", "a   = b\n", "a = b\n")
    answer = holds(case, wordwise.resolve, "words")
    assert answer.trust is Trust.GUESS
    assert "different words" not in answer.why


@pytest.mark.parametrize("case", SILENT.values(), ids=SILENT)
def test_it_is_silent_where_words_meet(case: Case) -> None:
    """A word that both changed, or two insertions at one spot, has no answer here."""
    assert case.result(wordwise.resolve) is None


def test_a_place_too_large_is_left_alone() -> None:
    """Thousands of words are no matter of words."""
    for lines, is_answered in ((100, True), (2500, False)):
        body = "x = y + z;\n" * lines
        case = Case(body, body.replace("x", "u"), body.replace("z", "w"))
        assert (case.result(wordwise.resolve) is not None) == is_answered
