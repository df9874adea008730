"""How long eight years of nights take in the history: to keep one more, to read the last 400. No time is asserted.

Each night has forty steps, 1,500 upstream commits behind it, and 60 samples. SQLite's file is on this machine's disk:
keeping a night waits for it (fsync).
"""

import itertools
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from nightly_values import a_night
from pytest_benchmark.fixture import BenchmarkFixture

from forkkeeper.core.nights import Effect, Findings, Night, Side, Speed
from forkkeeper.shell import database
from forkkeeper.stages import history

NIGHTS, STEPS, WORDS = 3_000, 40, 150  # a kilobyte of document and one of log for each step
COMMITS, PATCHES, RECENT = 1_500, 7, 400
SAMPLES = tuple(0.1 + at / 1000 for at in range(15))


def nights() -> Iterator[Night]:
    """Make night after night; each has one more commit behind it than the one before, until there was a sync."""
    effects = [
        Effect(f"{at:040x}", "2026-10-01", f"change {at} of something", "", {"one": "refresh"} if at % 50 == 0 else {})
        for at in range(NIGHTS + COMMITS)
    ]
    speeds = tuple(
        Speed(side, "cpu", "dense", "pp32", "time", SAMPLES, SAMPLES, 0.0, -0.01, 0.01, "same") for side in Side
    )
    for number in itertools.count(1):
        night = a_night(number, steps=STEPS, weight=WORDS)
        begin = number // 90 * 30
        found = Findings(night.findings.reach, night.findings.fates, tuple(effects[begin : begin + COMMITS]))
        yield msgspec.structs.replace(night, findings=msgspec.structs.replace(found, speeds=speeds))


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Keep all nights but those that are measured."""
    root = tmp_path_factory.mktemp("history")
    with database.opened(root / history.FILE, history.migrations(), step="bench") as held, held.writing():
        for night in itertools.islice(nights(), NIGHTS):
            history.add(held, night)
    return root


def test_keep_a_night(full: Path, benchmark: BenchmarkFixture) -> None:
    """The file, with all nights in it, is looked through, and takes one more."""
    benchmark.extra_info["megabytes"] = (full / history.FILE).stat().st_size // 10**6
    more = nights()
    benchmark(lambda: history.keep(full, next(more)))


def test_read_the_last_nights(full: Path, benchmark: BenchmarkFixture) -> None:
    """The last nights are read whole."""
    found = benchmark(lambda: history.recent(full, most=RECENT))
    assert len(found) == RECENT
    assert len(found[0].taken) == STEPS


def test_find_a_digest(full: Path, benchmark: BenchmarkFixture) -> None:
    """A night is found by its digest among all."""
    wanted = history.recent(full, most=RECENT)[-1].digest
    assert benchmark(lambda: history.of_digest(full, wanted)) is not None
