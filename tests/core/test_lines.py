"""A file as lines: splitting, comparing and editing lose nothing."""

import pytest
from hypothesis import given, strategies as st

from forkkeeper.core import lines
from forkkeeper.core.lines import Edit

DATA = st.lists(st.sampled_from([b"a", b"b ", b"\n", b"\r\n", b"\r", b"\x0c", b"\xff"]), max_size=12).map(b"".join)


@given(DATA)
def test_lines_are_split_at_line_feeds_alone(data: bytes) -> None:
    """Joined they are the file again; only the last may lack its end."""
    found = lines.split(data)
    assert b"".join(found) == data
    assert all(line.count(b"\n") == 1 and line.endswith(b"\n") for line in found[:-1])


@given(DATA, DATA)
def test_edits_make_the_newer_version(old: bytes, new: bytes) -> None:
    """Made in the older version they give the newer one, byte for byte; where white space is nothing, up to that."""
    before, after = lines.split(old), lines.split(new)
    assert lines.apply(before, lines.edits_between(before, after)) == after
    loose = lines.apply(before, lines.edits_between(before, after, blank_counts=False))
    assert [lines.squeeze(line) for line in loose] == [lines.squeeze(line) for line in after]


def test_an_edit_is_counted_in_the_older_version() -> None:
    """A replacement, an insertion and a removal, in order."""
    edits = lines.edits_between((b"a", b"b", b"c", b"d"), (b"A", b"b", b"x", b"c"))
    assert edits == (Edit(0, 1, (b"A",)), Edit(2, 2, (b"x",)), Edit(3, 4, ()))


@pytest.mark.parametrize(
    ("line", "squeezed", "indent", "tells"),
    [
        (b"    int a = 1;\n", b"inta=1;", b"    ", True),
        (b"\tend\n", b"end", b"\t", False),
        (b"  } else {\r\n", b"}else{", b"  ", True),
        (b"   \n", b"", b"", False),
        (b"}", b"}", b"", False),
    ],
)
def test_what_a_line_is_made_of(line: bytes, squeezed: bytes, indent: bytes, tells: bool) -> None:
    """White space, indentation, and whether it holds enough to say something."""
    assert (lines.squeeze(line), lines.indent(line), lines.says_something(line)) == (squeezed, indent, tells)
