"""Lines are paired with what they were: the same but for white space, or with most of their words."""

from itertools import pairwise

import pytest
from hypothesis import given, strategies as st

from forkkeeper.core import lines
from forkkeeper.core.ladder import alike
from forkkeeper.core.lines import Edit

LINE = st.sampled_from(
    [b"int a = 1;\n", b"  int a = 1;\n", b"int b = 1;\n", b"call(a, b, c);\n", b"call(a, b, d);\n", b"}\n", b"\n"]
)
SOME = st.lists(LINE, max_size=8).map(tuple)


@pytest.mark.parametrize(
    ("one", "other", "share"),
    [
        (b"int a = 1;", b"int a = 1;", 1.0),
        (b"int a = 1;", b"  int a=1 ;", 1.0),
        (b"int a = 1;", b"int b = 1;", 2 / 3),
        (b"int a = 1;", b"call(x, y);", 0.0),
        (b"}", b" }", 1.0),
        (b"}", b"{", 0.0),
    ],
)
def test_the_share_of_words(one: bytes, other: bytes, share: float) -> None:
    """Names and numbers count, signs and white space do not; lines of signs alone are the same or not at all."""
    assert alike.share(one, other) == pytest.approx(share)
    assert alike.share(other, one) == pytest.approx(share)


@given(SOME, SOME)
def test_the_edits_make_the_other_version(base: lines.Lines, other: lines.Lines) -> None:
    """Made in the base they give the other version, byte for byte; they are in order and none meets the next."""
    found = alike.edits(base, other)
    assert found is not None
    assert lines.apply(base, found) == other
    assert all(one.end <= two.start for one, two in pairwise(found))


def test_each_changed_line_stands_beside_what_it_was() -> None:
    """A line that was put before a changed one is an insertion of its own."""
    base = (b"a();\n", b"call(first, second, third);\n", b"z();\n")
    other = (b"a();\n", b"begin();\n", b"call(first, second, fourth);\n", b"z();\n")
    assert alike.edits(base, other) == (Edit(1, 1, (b"begin();\n",)), Edit(1, 2, (b"call(first, second, fourth);\n",)))
    assert alike.edits((b"a\n",), (b"  a\n",)) == (Edit(0, 1, (b"  a\n",)),)


def test_a_large_place_is_not_looked_at_line_by_line() -> None:
    """Beyond a few thousand lines there is no answer."""
    assert alike.edits((b"a\n",) * (alike.MOST_LINES + 1), (b"a\n",)) is None
