"""The search for a culprit halves what is left, and what strangers wrote is shown without harm."""

import math
import unicodedata
from collections.abc import Sequence

import pytest
from hypothesis import given, strategies as st

from forkkeeper.core.commits import LONGEST, link, one_line
from forkkeeper.core.culprits import transition
from forkkeeper.core.ids import CommitId

SHA = CommitId("1a2b3c4d5e6f1a2b3c4d5e6f1a2b3c4d5e6f1a2b")


def asked(verdicts: Sequence[bool]) -> tuple[int | None, list[int]]:
    """Search a list of verdicts; gives what was found, and which of them were looked at."""
    looked: list[int] = []

    def clashes(number: int) -> bool:
        looked.append(number)
        return verdicts[number]

    return transition(len(verdicts), clashes), looked


@given(count=st.integers(1, 5000), data=st.data())
def test_the_first_clash_is_found_with_few_looks(count: int, data: st.DataObject) -> None:
    """With verdicts that turn once, the first clash is found with at most log2(n) + 1 looks, none of them twice."""
    first = data.draw(st.integers(0, count - 1))
    found, looked = asked([number >= first for number in range(count)])
    assert found == first
    assert len(looked) <= math.ceil(math.log2(count)) + 1
    assert len(set(looked)) == len(looked)


@given(verdicts=st.lists(st.booleans(), max_size=60))
def test_a_turn_is_found_whatever_the_verdicts(verdicts: list[bool]) -> None:
    """With any verdicts what is found clashes and the one before does not; a clean end finds none."""
    found, _ = asked(verdicts)
    if not verdicts or not verdicts[-1]:
        assert found is None
        return
    assert found is not None
    assert verdicts[found]
    assert found == 0 or not verdicts[found - 1]


@given(text=st.text(max_size=300))
def test_a_strangers_title_is_one_harmless_line(text: str) -> None:
    """No control, format, private or unassigned character is left but the joiners of words, and no second line."""
    shown = one_line(text)
    assert len(shown) <= LONGEST
    assert len(shown.splitlines()) <= 1
    for char in shown:
        assert char in "\u200c\u200d" or unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")


def test_what_is_hidden_in_a_title_is_spelled_out() -> None:
    """Escape sequences and characters that turn text around are shown by their number; plain words stay as they are."""
    assert one_line("ggml : fix Größe – ok 👍") == "ggml : fix Größe – ok 👍"
    assert one_line("a\x1b]0;x\x07b\u202ec\u2066d\u200be") == "a\\u001b]0;x\\u0007b\\u202ec\\u2066d\\u200be"
    assert one_line("a\tb\r\nc") == "a b c"


@pytest.mark.parametrize(
    ("pages", "expected"),
    [
        (["https://github.com/some/one"], "https://github.com/some/one"),
        (["https://github.com/some/one.git"], "https://github.com/some/one"),
        (["https://me:secret@github.com/some/one.git/"], "https://github.com/some/one"),
        (["https://gitlab.com/group/below/one.git"], "https://gitlab.com/group/below/one"),
        (["https://gitlab.example.org:8443/some/one"], "https://gitlab.example.org:8443/some/one"),
        (["", "../upstream.git", "https://github.com/some/one.git"], "https://github.com/some/one"),
        (["https://github.com/some/one.github"], "https://github.com/some/one.github"),
    ],
)
def test_a_commit_has_a_page_where_its_host_has_one(pages: list[str], expected: str) -> None:
    """The page is that of the first address at a GitHub or GitLab, without credentials and `.git`."""
    assert link(pages, SHA) == f"{expected}/commit/{SHA}"


@pytest.mark.parametrize(
    "page",
    [
        "",
        "/srv/github/some/one.git",
        "http://github.com/some/one",
        "git@github.com:some/one.git",
        "ssh://git@github.com/some/one.git",
        "https://example.org/github.com/one.git",
        "https://github.com/some",
        "https://github.com/some/one\x1b[31m",
        "https://github.com/some/one?x=1",
    ],
)
def test_no_page_is_made_up(page: str) -> None:
    """An address of another form, or at a host whose pages are not known, gives none."""
    assert link([page], SHA) is None
