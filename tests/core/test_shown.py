"""Text from outside is spelled out where it is not seen, and left alone where it is."""

import unicodedata

import pytest
from hypothesis import given, strategies as st

from forkkeeper.core import shown

SPELLED = {
    "a": "a",
    "naïve 漢字 🎉": "naïve 漢字 🎉",
    "a\u00a0b": "a\u00a0b",
    "\x1b[31m": "\\u001b[31m",
    "a\nb\tc\r": "a\\u000ab\\u0009c\\u000d",
    "\u202e\u2066\u200e\u2028\u200b\ufeff\u00ad": "\\u202e\\u2066\\u200e\\u2028\\u200b\\ufeff\\u00ad",
    "\U000e0041": "\\U000e0041",
    "\udcff": "\\udcff",
    "👨\u200d👩": "👨\u200d👩",
}


@pytest.mark.parametrize("text", SPELLED, ids=SPELLED.values())
def test_what_is_not_seen_is_spelled_out(text: str) -> None:
    """Controls, formats, separators, tags and broken bytes are spelled out; letters, blanks and joined signs stay."""
    assert shown.spelled(text) == SPELLED[text]


@given(st.text())
def test_nothing_hidden_is_ever_left(text: str) -> None:
    """Whatever the text, each character of what is shown is seen, and showing it again changes nothing."""
    safe = shown.spelled(text)
    hidden = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
    assert all(char in "\u200c\u200d" or unicodedata.category(char) not in hidden for char in safe)
    assert shown.spelled(safe) == safe


def test_a_long_line_is_cut() -> None:
    """What is left out is counted; tabs stay."""
    assert shown.line("\tx" * 3, most=4) == "\tx\tx … 2 more characters"
    assert shown.of_bytes(b"\tgo\x07\xff\r\n") == "\tgo\\u0007\ufffd"
