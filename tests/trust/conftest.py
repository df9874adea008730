"""What the tests of trust share: the figures that they leave, counted from what ran, and a canary."""

from collections.abc import Callable
from pathlib import Path

import pytest
from attacks import leave
from hostile import Canary


@pytest.fixture(scope="session")
def figures() -> Callable[..., None]:
    """Give the function that leaves figures: a JSON object a line in the file named by FORKKEEPER_TRUST, if it is set.

    >>> figures("kill points", tried=1000, lost=0)
    """

    def figure(subject: str, **counted: int | str) -> None:
        leave({"subject": subject, **counted})

    return figure


@pytest.fixture
def canary(tmp_path: Path) -> Canary:
    """Give a canary beside the fork."""
    return Canary.hatch(tmp_path / "canary")
