"""Keeps what was measured: all of it as JSON, and the times in pytest-benchmark's storage, which other tools read."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import msgspec
from pytest_benchmark.plugin import pytest_benchmark_generate_machine_info
from pytest_benchmark.stats import Stats
from pytest_benchmark.storage.file import FileStorage
from pytest_benchmark.utils import get_machine_id

from forkkeeper.shell import disk


@dataclass(frozen=True, slots=True)
class Series:
    """The times of one side in one test.

    name -- of the test, the same for all sides: that is what tools compare by
    group -- what is shown together
    seconds -- a number for each process
    extra -- more to keep, such as the verdict
    """

    name: str
    group: str
    seconds: tuple[float, ...]
    extra: Mapping[str, Any]


def keep(folder: Path, name: str, record: Mapping[str, Any]) -> Path:
    """Write a record beside those of other runs; its name begins with the time, in UTC."""
    path = folder / f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{name}.json"
    disk.write(path, msgspec.json.format(msgspec.json.encode(record)))
    return path


def store(storage: Path, name: str, series: Sequence[Series], *, commit: str, is_dirty: bool) -> None:
    """Write one side's times as a run of pytest-benchmark's: `pytest-benchmark --storage DIR compare` shows it.

    commit -- the tree or commit that was measured; is_dirty -- whether it is more than that
    """
    FileStorage(storage, logging.getLogger(__name__), get_machine_id()).save(
        {
            "machine_info": pytest_benchmark_generate_machine_info(),
            "commit_info": {"id": commit, "dirty": is_dirty, "project": "", "branch": name, "time": None},
            "benchmarks": [_entry(one) for one in series],
            "datetime": datetime.now(UTC).isoformat(),
            "version": metadata.version("pytest-benchmark"),
        },
        name,
    )


def _entry(one: Series) -> dict[str, Any]:
    """Make the entry of one benchmark, with every field that pytest-benchmark itself writes."""
    stats = Stats()
    for seconds in one.seconds:
        stats.update(seconds)
    return {
        "group": one.group,
        "name": one.name,
        "fullname": f"{one.group}::{one.name}",
        "params": None,
        "param": None,
        "extra_info": dict(one.extra),
        "options": {
            "disable_gc": False,
            "timer": "llama-bench",
            "min_rounds": len(one.seconds),
            "max_time": 0.0,
            "min_time": 0.0,
            "warmup": True,
        },
        "stats": {**stats.as_dict(), "iterations": 1, "data": list(one.seconds)},
    }
