"""Two arguments added at one spot of a signature or a call: both stay."""

import pytest
from merging import Case, holds

from forkkeeper.core.ladder import signature

ANSWERED = {
    "at the end of a declaration": Case(
        "int draw(int x, int y);\n",
        "int draw(int x, int y, int depth);\n",
        "int draw(int x, int y, bool is_mine);\n",
        "int draw(int x, int y, int depth, bool is_mine);\n",
    ),
    "at the beginning": Case(
        "draw(x, y);\n", "draw(screen, x, y);\n", "draw(mine, x, y);\n", "draw(screen, mine, x, y);\n"
    ),
    "the first arguments of all": Case("run()\n", "run(fast=True)\n", "run(mine=1)\n", "run(fast=True, mine=1)\n"),
    "calls within the arguments": Case("f(a);\n", "f(a, g(1, 2));\n", "f(a, h[3]);\n", "f(a, g(1, 2), h[3]);\n"),
    "and another word changed elsewhere": Case(
        "int draw(int x);\n",
        "long draw(int x, int y);\n",
        "int draw(int x, int z);\n",
        "long draw(int x, int y, int z);\n",
    ),
    "a template's list": Case("map<K>\n", "map<K, V>\n", "map<K, Mine>\n", "map<K, V, Mine>\n"),
}
SILENT = {
    "both change a word": Case("f(a)\n", "f(b)\n", "f(c)\n"),
    "one inserts no argument": Case("f(a)\n", "f(a + 1)\n", "f(a, c)\n"),
    "a statement is no argument": Case("f(a)\n", "f(a, b); g(c)\n", "f(a, d)\n"),
    "a bracket is closed that was not opened": Case("f(a)\n", "f(a, b), g(c)\n", "f(a, d)\n"),
    "nothing is added twice": Case("f(a, b)\n", "g(a, b)\n", "f(a, c)\n"),
}


@pytest.mark.parametrize("case", ANSWERED.values(), ids=ANSWERED)
def test_both_arguments_stay(case: Case) -> None:
    """Upstream's comes first, as its callers already count on it."""
    holds(case, signature.resolve, "signature")


@pytest.mark.parametrize("case", SILENT.values(), ids=SILENT)
def test_it_is_silent_where_no_whole_argument_is_added(case: Case) -> None:
    """Only insertions of whole arguments between brackets are joined."""
    assert case.result(signature.resolve) is None
