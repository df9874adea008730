"""What the tests of trust share: a canary."""

from pathlib import Path

import pytest
from hostile import Canary


@pytest.fixture
def canary(tmp_path: Path) -> Canary:
    """Give a canary beside the fork."""
    return Canary.hatch(tmp_path / "canary")
