"""The patch changes words that stand in other lines upstream now: they are changed there."""

import pytest
from hypothesis import given, strategies as st
from merging import split

from forkkeeper.core import lines
from forkkeeper.core.ladder import elsewhere
from forkkeeper.core.lines import Edit


def followed(base: str, theirs: str, ours: str) -> str | None:
    """Change the words in another text; None where they are not found there."""
    before = split(base)
    (edit,) = lines.edits_between(before, split(theirs))
    made = elsewhere.make(elsewhere.changes(before, edit), split(ours))
    return b"".join(lines.apply(split(ours), made)).decode() if made else None


FOUND = {
    "one call became two": (
        "run(path, MODE_READ, size);\n",
        "run(path, MODE_WRITE, size);\n",
        "first(path, MODE_READ, size);\nother();\nsecond(path, MODE_READ, size);\n",
        "first(path, MODE_WRITE, size);\nother();\nsecond(path, MODE_WRITE, size);\n",
    ),
    "a word within another statement": (
        "add_library(core SHARED main.c util.c)\n",
        "add_library(core STATIC main.c util.c)\n",
        "if(X)\n  add_library(core SHARED main.c util.c draw.c)\nendif()\n",
        "if(X)\n  add_library(core STATIC main.c util.c draw.c)\nendif()\n",
    ),
}


@pytest.mark.parametrize("case", FOUND.values(), ids=FOUND)
def test_words_are_changed_wherever_they_stand(case: tuple[str, str, str, str]) -> None:
    """The changed words are found with the words beside them, in every line that has them."""
    assert followed(*case[:3]) == case[3]


NOT_FOUND = {
    "upstream has them nowhere": ("call(first, second);\n", "call(first, other);\n", "nothing(here);\n"),
    "one of two is missing": (
        "call(first, second, third, fourth, fifth, sixth);\n",
        "call(FIRST, second, third, fourth, fifth, SIXTH);\n",
        "call(first, second, other);\n",
    ),
    "the patch writes another line": ("call(first, second);\n", "if (a) b = c;\n", "call(first, second);\n"),
    "the patch adds a line": ("call(first, second);\n", "call(first, other);\nmore();\n", "call(first, second);\n"),
    "too little to look for": ("x = 1;\n", "x = 2;\n", "x = 1;\n"),
}


@pytest.mark.parametrize("case", NOT_FOUND.values(), ids=NOT_FOUND)
def test_it_is_silent_where_words_prove_nothing(case: tuple[str, str, str]) -> None:
    """Words with no name beside them, found only in part, or changed into another line, are not followed."""
    assert followed(*case) is None


def test_a_long_edit_is_no_matter_of_words() -> None:
    """An edit of many lines is not looked at, and neither is an insertion."""
    base = tuple(b"call(first, name_%d);\n" % n for n in range(9))
    theirs = tuple(line.replace(b"first", b"second") for line in base)
    assert elsewhere.changes(base, Edit(0, 9, theirs)) == ()
    assert elsewhere.changes(base, Edit(2, 2, (b"new();\n",))) == ()
    assert elsewhere.changes(base, Edit(0, 6, theirs[:6])) != ()


def test_a_very_long_line_is_no_matter_of_words() -> None:
    """A table in one line, or one with very many equal signs, is not compared word by word."""
    row = b",".join(b"name_%d" % (number % 97) for number in range(3000)) + b"\n"
    for base in (row * 1, row[:-1] * 9 + b"\n", b"call(first, " + b"+" * 5000 + b");\n"):
        assert elsewhere.changes((base,), Edit(0, 1, (base.replace(b"name_5,", b"mine,", 1)[:-1] + b"x\n",))) == ()


WORDS = st.lists(st.sampled_from(["path", "size", "MODE_READ", "flags", "x"]), min_size=2, max_size=6)


@given(WORDS, WORDS, st.integers(0, 5))
def test_only_the_words_of_the_patch_change(was: list[str], now: list[str], at: int) -> None:
    """Where it is followed the patch's new word stands there, and the text is the old one but for that word."""
    theirs = [*was]
    theirs[at % len(was)] = "MINE"
    base, patched, ours = (f"run({', '.join(one)});\n" for one in (was, theirs, now))
    made = followed(base, patched, f"first();\n{ours}")
    if made is not None:
        assert "MINE" in made
        assert made.replace("MINE", was[at % len(was)]) == f"first();\n{ours}"
