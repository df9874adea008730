"""Both sides put the same lines into a block of their own: upstream's goes around the patch's, as a guess."""

import pytest
from merging import Case, holds

from forkkeeper.core.ladder import wrapped
from forkkeeper.core.ladder.rung import Trust

ANSWERED = {
    "two conditions": Case(
        "  go();\n",
        "  if (up) {\n    go();\n  }\n",
        "  if (mine) {\n    go();\n  }\n",
        "  if (up) {\n    if (mine) {\n      go();\n    }\n  }\n",
    ),
    "two of the preprocessor's, which move nothing": Case(
        "go();\n",
        "#ifdef UP\ngo();\n#endif\n",
        "#ifdef MINE\ngo();\n#endif\n",
        "#ifdef UP\n#ifdef MINE\ngo();\n#endif\n#endif\n",
    ),
    "by indentation alone, each by another width": Case(
        "f(a)\nf(b)\n",
        "for x in y:\n    f(a)\n    f(b)\n",
        "if x:\n  f(a)\n  f(b)\n",
        "for x in y:\n    if x:\n      f(a)\n      f(b)\n",
    ),
}
SILENT = {
    "lines before and after, and no block": Case("go();\n", "a();\ngo();\nb();\n", "c();\ngo();\nb();\n"),
    "upstream changed the line in its block": Case(
        "  go();\n", "  if (up) {\n    go(1);\n  }\n", "  if (mine) {\n    go();\n  }\n"
    ),
    "only one side has a block": Case("  go();\n", "  if (up) {\n    go();\n  }\n", "  go(1);\n"),
}


@pytest.mark.parametrize("case", ANSWERED.values(), ids=ANSWERED)
def test_the_patchs_block_stands_in_upstreams(case: Case) -> None:
    """Both are whole, and the lines in them are as deep as both sides put them."""
    assert holds(case, wrapped.resolve, "wrapped").trust is Trust.GUESS


@pytest.mark.parametrize("case", SILENT.values(), ids=SILENT)
def test_it_is_silent_without_two_blocks(case: Case) -> None:
    """Lines around others are no block, and lines that changed are for other rules."""
    assert [place for place in case.places if wrapped.resolve(place) is not None] == []
