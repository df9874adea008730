"""What programs print is passed on with its colours, and nothing of it acts, however it comes in pieces."""

import itertools
import re

import pytest
from hypothesis import given, strategies as st

from forkkeeper.core import relayed

PARTS = (
    *("\x1b[31m", "\x1b[0K", "\x1b[1A", "\x1b]0;x\x07", "\x1b", "[", "::", ":", "##[", "##vso[", "#", "\n", "\r", " "),
    *("\u202e", "\u200b", "\u009b", "\ufeff", "\U000e0041", "word", "é", "\0", "\t"),
)
texts = st.lists(st.sampled_from(PARTS), max_size=30).map("".join)
ACTS = re.compile(
    "\x1b(?!\\[[0-9;:]*[mK])|[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f-\x9f\u200b\u202a-\u202e\ufeff\U000e0041]"
)
ORDERS = re.compile(r"(?:\A|[\n\r])[ \t]*::|##(?:vso)?\[")


def in_pieces(pieces: list[bytes]) -> bytes:
    """Pass it on piece by piece."""
    shown, held, starts = b"", b"", True
    for piece in pieces:
        passed = relayed.passed(held + piece, starts=starts)
        shown, held, starts = shown + passed.shown, passed.held, passed.starts
    return shown + relayed.whole(held, starts=starts)


@given(text=texts, cuts=st.lists(st.integers(0, 80), max_size=8))
def test_nothing_acts_and_pieces_are_as_the_whole(text: str, cuts: list[int]) -> None:
    """However it is cut, the same is shown, and in it nothing acts on a terminal or on a runner of CI."""
    data = text.encode()
    at = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    shown = in_pieces([data[one:other] for one, other in itertools.pairwise(at)])
    assert shown == relayed.whole(data, starts=True)
    assert not ACTS.search(shown.decode())
    assert not ORDERS.search(shown.decode())


@given(data=st.binary(max_size=60), cut=st.integers(0, 60))
def test_any_bytes_can_come(data: bytes, cut: int) -> None:
    """Bytes that are no text pass as they are, cut anywhere."""
    assert in_pieces([data[:cut], data[cut:]]) == relayed.whole(data, starts=True)


@pytest.mark.parametrize(
    "text", ["\x1b[1;31merror:\x1b[0m a\tb\r\n", "\r[1/2] cc\x1b[K", "std::string a::b\n", "# title\n", "ναι 日本\n"]
)
def test_what_compilers_and_ninja_print_stays(text: str) -> None:
    """Colours, lines that are drawn anew, and names with colons are passed on byte for byte."""
    assert relayed.whole(text.encode(), starts=True) == text.encode()
