"""The patch takes lines away in which upstream changed a few words: they go."""

import pytest
from merging import Case, holds

from forkkeeper.core.ladder import removed

ANSWERED = {
    "one line": Case("a\nlog_message(level, text);\nz\n", "a\nlog_message(level, text, now);\nz\n", "a\nz\n", "a\nz\n"),
    "two lines, one of them changed by upstream": Case(
        "a\nint first = 1;\nint second = 2;\nz\n", "a\nint first = 1;\nlong second = 2;\nz\n", "a\nz\n", "a\nz\n"
    ),
}
SILENT = {
    "upstream wrote something else there": Case("a\nlog_message(level);\nz\n", "a\nreturn finish(now);\nz\n", "a\nz\n"),
    "upstream added a line to them": Case(
        "a\nlog_message(level);\nz\n", "a\nlog_message(level, now);\nflush(log);\nz\n", "a\nz\n"
    ),
    "the patch puts something in their place": Case(
        "a\nlog_message(level);\nz\n", "a\nlog_message(level, now);\nz\n", "a\nquiet();\nz\n"
    ),
    "the patch only inserts": Case("a\nz\n", "a\nb\nz\n", "a\nc\nz\n"),
}


@pytest.mark.parametrize("case", ANSWERED.values(), ids=ANSWERED)
def test_the_lines_go(case: Case) -> None:
    """A version of a line that the patch removes is removed, too."""
    assert "only words" in holds(case, removed.resolve, "removal").why


@pytest.mark.parametrize("case", SILENT.values(), ids=SILENT)
def test_it_is_silent_where_something_new_would_go(case: Case) -> None:
    """Lines that are not the removed ones stay for a person to see."""
    assert case.result(removed.resolve) is None
