"""How long it takes to find the base of every file of a tree in an upstream history. No time is asserted."""

import random
from pathlib import Path

import pytest
from adopting import joined, text
from pytest_benchmark.fixture import BenchmarkFixture
from world import Upstream, run

COMMITS = 300
FILES = 80
LINES = 300


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make an upstream whose files change often, and a tree of edited files of different ages."""
    folder = tmp_path_factory.mktemp("adopt")
    chance = random.Random(20260620)  # noqa: S311 -- no secret
    upstream = Upstream.make(folder / "upstream.git")
    now = {f"src/file{number}.c": text(chance, f"file{number}", LINES) for number in range(FILES)}
    upstream.commit({path: joined(lines) for path, lines in now.items()})
    taken: dict[str, list[str]] = {}
    for step in range(COMMITS):
        changed = {path: list(now[path]) for path in chance.sample(sorted(now), k=6)}
        for lines in changed.values():
            lines[chance.randrange(len(lines))] = f"    step_{step}_{chance.randrange(10**6)}(x);"
        upstream.commit({path: joined(lines) for path, lines in changed.items()})
        now |= changed
        path = f"src/file{step % FILES}.c"
        taken[path] = ["    ours(first);", *now[path][:-3], "    ours(last);"]
    for path, lines in taken.items():
        file = folder / "tree" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(joined(lines))
    return folder


def test_adopt(benchmark: BenchmarkFixture, place: Path) -> None:
    """Find the bases of 80 files over 300 commits and some 1,900 versions."""
    ran = benchmark(run, place, "adopt", "--tree", "tree", "--upstream", "upstream.git")
    assert f"{FILES} files: {FILES} with upstream history" in ran.out, ran.said
