"""What an exit status says."""

import pytest

from forkkeeper.core.exitstatus import describe


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (0, "exit status 0"),
        (1, "exit status 1"),
        (127, "exit status 127"),
        (-6, "crashed by SIGABRT"),
        (-9, "crashed by SIGKILL"),  # what an out-of-memory killer sends
        (-40, "crashed by signal 40"),  # a real-time signal: it has no name
        (139, "exit status 139 (crashed by SIGSEGV, says a shell)"),
        (255, "exit status 255"),  # 255 - 128 is no signal
    ],
)
def test_describes_the_end_of_a_program(status: int, words: str) -> None:
    """A signal is named, directly or through a shell; any other status is a number."""
    assert words == describe(status)
