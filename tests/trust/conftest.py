"""What the tests of trust share: the figures that they leave, and a canary."""

from collections.abc import Callable
from pathlib import Path

import pytest
from attacks import leave
from hostile import Canary


@pytest.fixture(scope="session")
def figures() -> Callable[..., None]:
    """Give what leaves a figure of what really ran: `figures("kill points", tried=…, lost=…)`."""

    def figure(name: str, **counts: object) -> None:
        leave({"figure": name, **counts})

    return figure


@pytest.fixture
def canary(tmp_path: Path) -> Canary:
    """Give a canary beside the fork."""
    return Canary.hatch(tmp_path / "canary")
