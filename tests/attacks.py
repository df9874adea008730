"""Counts attacks: tests with the marker `attack`, wherever they stand. One that fails has let something through.

The figures go, as one JSON object a line, into the file named by FORKKEEPER_TRUST; nothing is written where it is not
set. A test that was skipped tried nothing.
"""

import json
import os
from collections import Counter
from pathlib import Path

import pytest

_seen: Counter[str] = Counter()


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Count what really ran: each attack once, and whether it was let through."""
    if "attack" in report.keywords:
        _seen["tried"] += report.when == "call" and not report.skipped
        _seen["let through"] += report.failed


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Leave the figures; of several processes the one that hears of all tests does."""
    if not hasattr(session.config, "workerinput") and _seen["tried"]:
        leave({"subject": "attacks", "tried": _seen["tried"], "let through": _seen["let through"]})


def leave(row: dict[str, object]) -> None:
    """Append a row to the file of figures, where one was asked for."""
    if path := os.environ.get("FORKKEEPER_TRUST"):
        with Path(path).open("a") as file:
            file.write(json.dumps(row) + "\n")
