"""How the verbs grow with files, patches and upstream's commits, and whether the largest fork is within its targets.

A fork of 400 patches on 100,000 files and 50,000 upstream commits; every tenth patch of the others clashes. It is made
in minutes, and kept for the next run in the folder that FORKKEEPER_SCALE names. CPU seconds (of the verb and all that
it starts) stand beside the wall's, since other work on the machine makes the wall's larger and those hardly.
"""

import json
import os
import resource
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture
from world import BIN, git

from benchmarks import peak, seeded
from benchmarks.seeded import Seeded, Shape

LARGEST = Shape(files=100_000, patches=400, commits=50_000, clashing=40, lines=12)
FEWER = 1_000  # commits, where files are what grows
MOST_MEMORY = 1024 * 1024  # KiB
TARGETS = {"status": 1.0, "plan": 60.0}  # CPU seconds
VERBS = {
    "status": ("status",),
    "patch list": ("patch", "list"),
    "diff": ("diff", "--stat"),
    "log": ("log",),
    "plan": ("plan", "--offline", "--upto", "{target}"),
    "triage": ("triage", "--offline", "--upto", "{target}"),
    "report": ("report", "--offline"),
}


@dataclass(frozen=True)
class Cost:
    """What a verb cost. wall, cpu -- seconds; peak -- KiB of its largest process."""

    wall: float
    cpu: float
    peak: int


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folder in which forks are kept."""
    named = os.environ.get("FORKKEEPER_SCALE")
    return Path(named).absolute() if named else tmp_path_factory.mktemp("scale")


@pytest.fixture(scope="session")
def largest(place: Path) -> Seeded:
    """Give the largest fork."""
    return seeded.kept(place / "largest", LARGEST)


def founded(fork: Seeded, patches: int | None = None) -> Path:
    """Make a whole fork of the first so many patches, its log and lock written."""
    names = list(fork.mails)[:patches]
    root = fork.root / f"whole-{len(names)}"
    if not (root / "whole").exists():  # written last
        shutil.rmtree(root, ignore_errors=True)
        root.mkdir()
        git(root, "init", "--quiet", "--template=")
        run(root, "init", "--upstream", "../upstream.git", "--pin", fork.pin)
        for name in names:
            (root / "patches" / name).write_bytes(fork.mails[name])
        with (root / "patches/series").open("a") as series:
            series.write("".join(f"{name}\n" for name in names))
        run(root, "log")
        (root / "whole").touch()
    return root


def run(folder: Path, *words: str) -> Cost:
    """Run a verb in a process of its own; 1 is an answer, too."""
    file = folder / ".forkkeeper-peak"
    argv = [sys.executable, "-I", "-S", peak.__file__, str(file), str(BIN / "forkkeeper"), *words]
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run(argv, cwd=folder, capture_output=True, text=True, check=False)
    wall, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.returncode in (0, 1), done.stderr
    cpu = (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime)
    cost = Cost(wall, cpu, int(file.read_text()))
    file.unlink()
    return cost


def measured(benchmark: BenchmarkFixture, folder: Path, target: str, verb: str, rounds: int = 3) -> Cost:
    """Time a verb; gives its cheapest round, whose CPU seconds and memory stand beside the times."""
    words = [word.format(target=target) for word in VERBS[verb]]
    costs: list[Cost] = []
    benchmark.pedantic(lambda: costs.append(run(folder, *words)), rounds=rounds)  # type: ignore[no-untyped-call]
    cheapest = min(costs, key=lambda cost: cost.cpu)
    benchmark.extra_info |= {"cpu_s": cheapest.cpu, "peak_kib": cheapest.peak}
    assert cheapest.peak < MOST_MEMORY
    return cheapest


def leave(verb: str, cost: Cost) -> None:
    """Leave a verb's figures, beside its target, in the file that FORKKEEPER_TRUST names, if it does."""
    if named := os.environ.get("FORKKEEPER_TRUST"):
        figure = {"verb": verb, "cpu_s": round(cost.cpu, 2), "wall_s": round(cost.wall, 2)}
        figure |= {"peak_mib": cost.peak // 1024, "target_s": TARGETS.get(verb)}
        with Path(named).open("a", encoding="utf-8") as file:
            file.write(json.dumps({"subject": "scale", **figure}) + "\n")


@pytest.mark.benchmark(group=f"{LARGEST.patches} patches, {LARGEST.files:,} files, {LARGEST.commits:,} commits")
@pytest.mark.parametrize("verb", VERBS)
def test_largest(benchmark: BenchmarkFixture, largest: Seeded, verb: str) -> None:
    """Every verb on the largest fork, within a GiB; what has a target is said beside it."""
    leave(verb, measured(benchmark, founded(largest), largest.target, verb, rounds=1 if verb == "plan" else 3))


@pytest.mark.benchmark(group=f"{LARGEST.files:,} files, {FEWER:,} commits, so many patches")
@pytest.mark.parametrize("patches", [1, 100, 400])
@pytest.mark.parametrize("verb", ["status", "plan", "diff"])
def test_patches_grow(benchmark: BenchmarkFixture, largest: Seeded, verb: str, patches: int) -> None:
    """As the queue grows."""
    measured(benchmark, founded(largest, patches), largest.history[FEWER], verb)


@pytest.mark.benchmark(group=f"40 patches, {FEWER:,} commits, so many files")
@pytest.mark.parametrize("files", [1_000, 10_000, 100_000])
@pytest.mark.parametrize("verb", ["status", "plan", "diff", "log"])
def test_files_grow(benchmark: BenchmarkFixture, place: Path, verb: str, files: int) -> None:
    """As upstream's tree grows."""
    fork = seeded.kept(place / f"files-{files}", replace(LARGEST, files=files, patches=40, commits=FEWER, clashing=4))
    measured(benchmark, founded(fork), fork.target, verb)


@pytest.mark.benchmark(group=f"40 patches, {LARGEST.files:,} files, so many commits")
@pytest.mark.parametrize("commits", [500, 5_000, 50_000])
@pytest.mark.parametrize("verb", ["plan", "triage"])
def test_commits_grow(benchmark: BenchmarkFixture, largest: Seeded, verb: str, commits: int) -> None:
    """As upstream's history after the pin grows."""
    measured(benchmark, founded(largest, 40), largest.history[commits], verb, rounds=1)
