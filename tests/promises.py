"""Finds the tests that docs/threat-model.md names beside its promises: each gets the marker `promised`.

So `nox -s trust` runs what the page says that it runs, wherever it stands. What ran, and what this machine could not
run, goes into the file named by FORKKEEPER_TRUST, as that of `attacks`: a test that is left out is seen.
"""

import re
from collections import Counter
from pathlib import Path

import pytest
from attacks import leave

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs/threat-model.md"
_NAMED = re.compile(r"`([\w/.]+\.py)::(\w+)`")
_seen: Counter[str] = Counter()


def named() -> tuple[tuple[Path, str], ...]:
    """Give the file and the name of each test on the page, in its order; a name without a folder is of tests/trust."""
    found = _NAMED.findall(PAGE.read_text(encoding="utf-8"))
    return tuple((ROOT / ("" if "/" in file else "tests/trust") / file, test) for file, test in found)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark them, before any is deselected by its markers."""
    wanted = set(named())
    for item in items:
        if (item.path, getattr(item, "originalname", "")) in wanted:
            item.add_marker("promised")


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Count each case once: it ran, or was left out; and whether it failed."""
    if "promised" in report.keywords:
        _seen["tried"] += report.when == "call" and not report.skipped
        _seen["left out"] += report.skipped
        _seen["faults"] += report.failed


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Leave the figures; of several processes the one that hears of all tests does."""
    if not hasattr(session.config, "workerinput") and _seen["tried"]:
        leave({"subject": "promises", **{name: _seen[name] for name in ("tried", "left out", "faults")}})
