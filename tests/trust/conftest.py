"""What the tests of trust leave behind: figures, counted from what ran."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def figures() -> Callable[..., None]:
    """Give the function that leaves figures: a JSON object a line in the file named by FORKKEEPER_TRUST, if it is set.

    >>> figures("kill points", tried=1000, lost=0)
    """
    named = os.environ.get("FORKKEEPER_TRUST")

    def leave(subject: str, **counted: int | str) -> None:
        if named:
            with Path(named).open("a", encoding="utf-8") as file:
                file.write(json.dumps({"subject": subject, **counted}) + "\n")

    return leave
