"""How long carrying a queue takes beside `git am -3`, on the same queue, in the same run.

Read the ratio that pytest-benchmark prints behind each time: machines are noisy, so seconds of one run mean little.
"""

import random
import shutil
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture
from world import Local, Upstream, checkout, environment, git, patches

from forkkeeper.core import planning, queue as queues
from forkkeeper.core.ids import CommitId, TreeId
from forkkeeper.core.planning import Commit
from forkkeeper.shell.git import Scratch

PATCHES = 40
FILES = 400
SEED = 20260620


class Seeded:
    """An upstream of 400 files that moved on, and a queue of 40 patches on them: every second one meets upstream."""

    def __init__(self, place: Path) -> None:
        """Make it, the same for the same seed."""
        dice = random.Random(SEED)  # noqa: S311 -- repeatable, not secret
        self.upstream = Upstream.make(place / "upstream.git")
        texts = {f"src/d{n % 20}/f{n}.c": [f"line {n}.{i} {dice.random()}" for i in range(200)] for n in range(FILES)}
        self.pin = self.upstream.commit({path: _text(lines) for path, lines in texts.items()}, tag="v1")
        names = sorted(texts)[:PATCHES]
        local = [
            Local(f"change-{n}", {path: _text([*texts[path][:50], f"ours {n}", *texts[path][51:]])})
            for n, path in enumerate(names)
        ]
        moved = {path: _text([*texts[path][:53], "theirs", *texts[path][54:]]) for path in names[::2]}
        self.target = self.upstream.commit(moved, tag="v2")
        self.mails = patches(self.upstream, self.pin, local)
        self.queue = queues.read("".join(f"{name}\n" for name in self.mails).encode(), self.mails)

    def commit(self, sha: str) -> Commit:
        """Give a commit as the plan wants it."""
        return Commit(CommitId(sha), TreeId(self.upstream.tree(sha)), 0, "")


def _text(lines: list[str]) -> str:
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Seeded:
    """Make the fork once."""
    return Seeded(tmp_path_factory.mktemp("seeded"))


@pytest.mark.benchmark(group="carry 40 patches, half of them beside an upstream change")
def test_forkkeeper(benchmark: BenchmarkFixture, seeded: Seeded) -> None:
    """Every patch is carried, half of them refreshed."""

    def carry() -> tuple[str, ...]:
        with Scratch([seeded.upstream.path / "objects"]) as store:
            made = planning.make(store, seeded.commit(seeded.pin), seeded.commit(seeded.target), seeded.queue, {}, ())
        return tuple(row.outcome.value for row in made.rows)

    outcomes = benchmark.pedantic(carry, rounds=5, warmup_rounds=1)  # type: ignore[no-untyped-call]
    assert sorted(outcomes) == ["kept"] * (PATCHES // 2) + ["refreshed"] * (PATCHES // 2)


@pytest.mark.benchmark(group="carry 40 patches, half of them beside an upstream change")
def test_git_am(benchmark: BenchmarkFixture, seeded: Seeded, tmp_path: Path) -> None:
    """`git am -3` applies every patch in a checkout."""
    work = tmp_path / "am"
    mails = b"".join(seeded.mails.values())

    def prepare() -> None:
        shutil.rmtree(work, ignore_errors=True)
        checkout(seeded.upstream.path, seeded.upstream.tree(seeded.target), work)

    def apply() -> None:
        git(work, "am", "--quiet", "-3", "--keep-cr", stdin=mails, env=environment())

    benchmark.pedantic(apply, setup=prepare, rounds=5)  # type: ignore[no-untyped-call]
    assert git(work, "rev-list", "--count", "HEAD") == str(PATCHES + 1)
