"""Both sides insert at one place: both stay, and separators are set right."""

import pytest
from merging import Case, holds

from forkkeeper.core.ladder import union
from forkkeeper.core.ladder.rung import Trust

ANSWERED = {
    "an enum, each entry with its comma": Case(
        "enum op {\n    OP_ADD,\n    OP_COUNT,\n};\n",
        "enum op {\n    OP_ADD,\n    OP_SUB,\n    OP_COUNT,\n};\n",
        "enum op {\n    OP_ADD,\n    OP_MINE,\n    OP_COUNT,\n};\n",
        "enum op {\n    OP_ADD,\n    OP_SUB,\n    OP_MINE,\n    OP_COUNT,\n};\n",
    ),
    "a switch, several lines a case": Case(
        "switch (op) {\n    case ADD: return a + b;\n    default: return 0;\n}\n",
        "switch (op) {\n    case ADD: return a + b;\n    case SUB:\n        return a - b;\n    default: return 0;\n}\n",
        "switch (op) {\n    case ADD: return a + b;\n    case MUL:\n        return a * b;\n    default: return 0;\n}\n",
        "switch (op) {\n    case ADD: return a + b;\n    case SUB:\n        return a - b;\n"
        "    case MUL:\n        return a * b;\n    default: return 0;\n}\n",
    ),
    "upstream's last entry has no comma, the patch's is last now": Case(
        "x = [\n    1,\n]\n",
        "x = [\n    1,\n    'two',\n    'three'\n]\n",
        "x = [\n    1,\n    'four'\n]\n",
        "x = [\n    1,\n    'two',\n    'three',\n    'four'\n]\n",
    ),
    "the line before got the same comma on both sides": Case(
        '{\n  "a": 1\n}\n',
        '{\n  "a": 1,\n  "b": 2\n}\n',
        '{\n  "a": 1,\n  "mine": 3\n}\n',
        '{\n  "a": 1,\n  "b": 2,\n  "mine": 3\n}\n',
    ),
    "a list of sources that a backslash continues": Case(
        "SOURCES = \\\n\tmain.c\nall:\n",
        "SOURCES = \\\n\tmain.c \\\n\tdraw.c\nall:\n",
        "SOURCES = \\\n\tmain.c \\\n\tmine.c\nall:\n",
        "SOURCES = \\\n\tmain.c \\\n\tdraw.c \\\n\tmine.c\nall:\n",
    ),
    "includes at the very beginning: the patch's go first": Case(
        "int a;\n",
        "#include <new.h>\nint a;\n",
        "#include <mine.h>\nint a;\n",
        "#include <mine.h>\n#include <new.h>\nint a;\n",
    ),
    "the patch opens a condition around what follows": Case(
        "a();\nb();\n",
        "a();\nmore();\nb();\n",
        "a();\nif (on) {\nb();\n",
        "a();\nif (on) {\nmore();\nb();\n",
    ),
    "a preprocessor condition, too": Case(
        "a();\nb();\n",
        "a();\nmore();\nb();\n",
        "a();\n#if MINE\nb();\n",
        "a();\n#if MINE\nmore();\nb();\n",
    ),
    "upstream begins a block by indentation: the patch's line stays out of it": Case(
        "    case A:\n        return 1;\n",
        "    case A:\n    case B:\n        return 1;\n",
        "    case A:\n    case MINE:\n        return 1;\n",
        "    case A:\n    case MINE:\n    case B:\n        return 1;\n",
    ),
    "one entry each, with the comma of the line before": Case(
        "x = [\n    1,\n]\n",
        "x = [\n    1,\n    2\n]\n",
        "x = [\n    1,\n    3\n]\n",
        "x = [\n    1,\n    2,\n    3\n]\n",
    ),
    "upstream ends its list without a comma, the patch with one": Case(
        "x = [\n    1,\n]\n",
        "x = [\n    1,\n    2\n]\n",
        "x = [\n    1,\n    3,\n]\n",
        "x = [\n    1,\n    2,\n    3,\n]\n",
    ),
    "statements need no separator": Case(
        "begin(a,\n      b);\nend();\n",
        "begin(a,\n      b);\nmore(a);\nend();\n",
        "begin(a,\n      b);\nmine(a);\nend();\n",
        "begin(a,\n      b);\nmore(a);\nmine(a);\nend();\n",
    ),
    "a row of a table that both have stands there twice": Case(
        "t = {\n    5,\n};\n",
        "t = {\n    5,\n    7,\n    0,\n};\n",
        "t = {\n    5,\n    0,\n    9,\n};\n",
        "t = {\n    5,\n    7,\n    0,\n    0,\n    9,\n};\n",
    ),
    "the separator goes before a comment": Case(
        "enum {\n    A, // first\n};\n",
        "enum {\n    A, // first\n    B // note\n};\n",
        "enum {\n    A, // first\n    C, // mine\n};\n",
        "enum {\n    A, // first\n    B, // note\n    C, // mine\n};\n",
    ),
    "and before a comment below the entry, whatever its sign": Case(
        'x = [\n    "http://a",\n]\n',
        'x = [\n    "http://a",\n    "#b"  # why\n    # no more\n]\n',
        'x = [\n    "http://a",\n    "c",\n]\n',
        'x = [\n    "http://a",\n    "#b",  # why\n    # no more\n    "c",\n]\n',
    ),
}


@pytest.mark.parametrize("case", ANSWERED.values(), ids=ANSWERED)
def test_both_insertions_stay(case: Case) -> None:
    """Upstream's lines come first, or the patch's where they open what follows; the separators fit."""
    assert holds(case, union.resolve, "union").trust is Trust.LIKELY


SILENT = {
    "upstream removes what stood there": Case("a\nold\nz\n", "a\nnew\nz\n", "a\nold\nmine\nz\n"),
    "the patch changes what stood there": Case("a\nold\nz\n", "a\nold\nnew\nz\n", "a\nmine\nz\n"),
    "both change one line": Case("a\nx = 1\nz\n", "a\nx = 2\nz\n", "a\nx = 3\nz\n"),
    "the line before became another on both sides, by more than a separator": Case(
        "a\nlast(1)\n}\n", "a\nlast(1, 2)\nmore()\n}\n", "a\nlast(1, 2)\nmine()\n}\n"
    ),
    "only one side sets the separator": Case('[\n"a"\n]\n', '[\n"a",\n"b"\n]\n', '[\n"a" ,\n"mine"\n]\n'),
}


@pytest.mark.parametrize("case", SILENT.values(), ids=SILENT)
def test_it_is_silent_where_a_line_goes(case: Case) -> None:
    """A side that removes or rewrites a line there does not merely insert."""
    assert case.result(union.resolve) is None


GUESSES = {
    "a call that the one ends with and the other begins with": Case(
        "a\nz\n",
        "a\nfirst()\nshared()\nz\n",
        "a\nshared()\nlast()\nz\n",
        "a\nfirst()\nshared()\nshared()\nlast()\nz\n",
    ),
    "a line that both insert further down": Case(
        "a\n" + "b\n" * 20 + "z\n",
        "a\nlock(up)\n" + "b\n" * 20 + "unlock()\nz\n",
        "a\nlock(mine)\n" + "b\n" * 20 + "unlock()\nz\n",
        "a\nlock(up)\nlock(mine)\n" + "b\n" * 20 + "unlock()\nz\n",
    ),
}


@pytest.mark.parametrize("case", GUESSES.values(), ids=GUESSES)
def test_a_line_that_both_insert_is_a_guess(case: Case) -> None:
    """Whether it stands there once or twice, each may need its own, and the reason shows it."""
    answer = holds(case, union.resolve, "union")
    assert answer.trust is Trust.GUESS
    assert "both insert `" in answer.why


BLOCKS = {
    "both open a condition around what follows": Case(
        "a\n" + "b\n" * 20 + "z\n",
        "a\n#ifdef UP\n" + "b\n" * 20 + "#endif\nz\n",
        "a\n#ifdef MINE\n" + "b\n" * 20 + "#endif\nz\n",
    ),
    "both put a header above one body": Case(
        "def f():\n        body()\n",
        "def f():\n    if up:\n        body()\n",
        "def f():\n    if mine:\n        body()\n",
    ),
}


@pytest.mark.parametrize("case", BLOCKS.values(), ids=BLOCKS)
def test_it_is_silent_where_both_begin_a_block(case: Case) -> None:
    """What follows can be the body of one of them alone, or of both, one in the other."""
    assert case.result(union.resolve) is None


def test_nothing_is_opened_by_brackets_that_are_closed() -> None:
    """Only what stays open at the end of lines counts, be it a bracket or a preprocessor condition."""
    assert union.opens((b"if (a) {\n", b"}\n")) == 0
    assert union.opens((b"if (a) {\n", b"#if B\n", b"{\n")) == 3
    assert union.opens((b"} else {\n", b"#endif\n")) == -1
