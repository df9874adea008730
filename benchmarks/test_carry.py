"""How long carrying a queue takes beside git itself, on the same seeded fork, in the same run; and how that grows.

Read the ratios at the end of the run: machines are noisy, so seconds of one run mean little. No time is asserted.
What git is given: for `git am -3` a checkout of the new side, for `git rebase` one of the queue's tip on the old side.
"""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest
from pytest_benchmark.fixture import BenchmarkFixture
from world import BIN, environment, git

from benchmarks import peak, seeded
from benchmarks.seeded import Seeded, Shape
from forkkeeper.core import planning, queue as queues
from forkkeeper.core.ids import CommitId, TreeId
from forkkeeper.core.planning import Commit
from forkkeeper.shell.git import Scratch

T = TypeVar("T")
PATCHES = 37
RANGE = 1_000  # upstream commits, where the range is not what grows
QUEUE = 40  # patches, where the queue is not what grows
LARGEST = Shape(patches=400, commits=5_000, within=1)  # the same patches are met, however long the range is
CLASHING = Shape(patches=40, commits=2_000, clashing=20)
MOST_MEMORY = 500 * 1024  # KiB
BESIDE_GIT = f"{PATCHES} patches over {RANGE:,} upstream commits, every second one beside an upstream change"


@pytest.fixture(scope="module")
def fork(tmp_path_factory: pytest.TempPathFactory) -> Seeded:
    """Make the fork of which every queue and range is the beginning."""
    return seeded.make(tmp_path_factory.mktemp("seeded"), LARGEST)


@pytest.fixture(scope="module")
def clashing(tmp_path_factory: pytest.TempPathFactory) -> Seeded:
    """Make the fork with clashes spread over the range."""
    return seeded.make(tmp_path_factory.mktemp("clashing"), CLASHING)


def plan_words(fork: Seeded, target: str, document: Path) -> list[str]:
    """Give the whole command."""
    sides = ("--from", fork.pin, "--upto", target)
    return [str(BIN / "forkkeeper"), "plan", "--offline", *sides, "--json", str(document)]


def plan(fork: Seeded, patches: int, target: str, *, code: int = 0) -> list[dict[str, Any]]:
    """Run the whole command, start-up included, and give its rows."""
    folder = fork.fork(patches)
    document = fork.root / "plan.json"
    done = subprocess.run(plan_words(fork, target, document), cwd=folder, capture_output=True, check=False)
    assert done.returncode == code, done.stderr.decode()
    rows: list[dict[str, Any]] = json.loads(document.read_bytes())["patches"]
    return rows


def measure_memory(benchmark: BenchmarkFixture, fork: Seeded, patches: int, target: str) -> None:
    """Run the command once before it is timed, for the peak memory of its largest process, in KiB."""
    file = fork.root / "peak"
    argv = [sys.executable, "-I", "-S", peak.__file__, str(file), *plan_words(fork, target, fork.root / "plan.json")]
    assert subprocess.run(argv, cwd=fork.fork(patches), check=False).returncode in (0, 1)
    benchmark.extra_info["peak_kib"] = int(file.read_text())
    assert benchmark.extra_info["peak_kib"] < MOST_MEMORY


def timed(benchmark: BenchmarkFixture, work: Callable[[], T], *, rounds: int = 5, warm: int = 0, **extra: int) -> T:
    """Time it. warm -- rounds beforehand that do not count; extra -- numbers to say with the time."""
    benchmark.extra_info |= extra
    given: T = benchmark.pedantic(work, rounds=rounds, warmup_rounds=warm)  # type: ignore[no-untyped-call]
    return given


def expect(outcomes: list[str]) -> None:
    """Hold every second patch to be refreshed, the others to be kept."""
    assert outcomes == ["refreshed" if number % 2 == 0 else "kept" for number in range(len(outcomes))]


# beside git ---------------------------------------------------------------------------------------------------------


@pytest.mark.benchmark(group=BESIDE_GIT)
def test_plan_command(benchmark: BenchmarkFixture, fork: Seeded) -> None:
    """The whole command, from the shell and back."""
    target = fork.history[RANGE]
    measure_memory(benchmark, fork, PATCHES, target)
    rows = timed(benchmark, lambda: plan(fork, PATCHES, target), patches=PATCHES)
    expect([row["outcome"] for row in rows])


@pytest.mark.benchmark(group=BESIDE_GIT)
def test_carry_in_process(benchmark: BenchmarkFixture, fork: Seeded) -> None:
    """What the command does when everything is read: compose, carry, judge."""
    mails = dict(list(fork.mails.items())[:PATCHES])
    queue = queues.read("".join(f"{name}\n" for name in mails).encode(), mails)

    def commit(sha: str) -> Commit:
        return Commit(CommitId(sha), TreeId(git(fork.upstream, "rev-parse", f"{sha}^{{tree}}")), 0, "")

    old, new = commit(fork.pin), commit(fork.history[RANGE])

    def carry() -> list[str]:
        with Scratch([fork.upstream / "objects"]) as store:
            made = planning.make(store, old, new, queue, {}, ())
        return [row.outcome.value for row in made.rows]

    expect(timed(benchmark, carry, warm=1, patches=PATCHES))


@pytest.mark.benchmark(group=BESIDE_GIT)
def test_git_am(benchmark: BenchmarkFixture, fork: Seeded, tmp_path: Path) -> None:
    """`git am -3` applies every patch in a checkout of the new side."""
    mails = b"".join(list(fork.mails.values())[:PATCHES])
    work = standing(fork, fork.history[RANGE], tmp_path / "am")

    def prepare() -> None:
        git(work, "reset", "--quiet", "--hard", fork.history[RANGE])

    def apply() -> None:
        git(work, "am", "--quiet", "-3", "--keep-cr", stdin=mails, env=environment())

    benchmark.pedantic(apply, setup=prepare, rounds=5)  # type: ignore[no-untyped-call]
    assert git(work, "rev-list", "--count", f"{fork.history[RANGE]}..HEAD") == str(PATCHES)


@pytest.mark.benchmark(group=BESIDE_GIT)
def test_git_rebase(benchmark: BenchmarkFixture, fork: Seeded, tmp_path: Path) -> None:
    """`git rebase --onto` moves the queue's commits, and the checkout with them."""
    work = standing(fork, fork.stack[PATCHES], tmp_path / "rebase")

    def prepare() -> None:
        git(work, "reset", "--quiet", "--hard", fork.stack[PATCHES])

    def rebase() -> None:
        git(work, "rebase", "--quiet", "--onto", fork.history[RANGE], fork.pin)

    benchmark.pedantic(rebase, setup=prepare, rounds=5)  # type: ignore[no-untyped-call]
    assert git(work, "rev-list", "--count", f"{fork.history[RANGE]}..HEAD") == str(PATCHES)


def standing(fork: Seeded, commit: str, work: Path) -> Path:
    """Make a checkout that stands on a commit of the fork's upstream."""
    work.mkdir()
    git(work, "init", "--quiet", "--template=")
    (work / ".git/objects/info/alternates").write_text(f"{fork.upstream / 'objects'}\n")
    git(work, "checkout", "--quiet", "--detach", commit)
    return work


# how it grows -------------------------------------------------------------------------------------------------------


@pytest.mark.benchmark(group=f"`forkkeeper plan` of so many patches over {RANGE:,} upstream commits")
@pytest.mark.parametrize("patches", [1, 10, 40, 100, 400])
def test_queue_grows(benchmark: BenchmarkFixture, fork: Seeded, patches: int) -> None:
    """The whole command, as the queue grows."""
    target = fork.history[RANGE]
    measure_memory(benchmark, fork, patches, target)
    rows = timed(benchmark, lambda: plan(fork, patches, target), rounds=3, patches=patches)
    expect([row["outcome"] for row in rows])


@pytest.mark.benchmark(group=f"`forkkeeper plan` of {QUEUE} patches over so many upstream commits")
@pytest.mark.parametrize("commits", [1, 100, 1_000, 5_000])
def test_range_grows(benchmark: BenchmarkFixture, fork: Seeded, commits: int) -> None:
    """The whole command, as the upstream range grows; the same patches are met each time."""
    target = fork.history[commits]
    measure_memory(benchmark, fork, QUEUE, target)
    rows = timed(benchmark, lambda: plan(fork, QUEUE, target), rounds=3, commits=commits)
    expect([row["outcome"] for row in rows])


# clashes and the commits that make them -----------------------------------------------------------------------------

FINDING = f"{CLASHING.clashing} of {CLASHING.patches} patches clash over {CLASHING.commits:,} upstream commits"
TRY = """\
here=$(git rev-parse HEAD)
git am --quiet -3 --keep-cr "$1" >/dev/null 2>&1
applied=$?
test $applied -eq 0 || git am --abort >/dev/null 2>&1
git reset --quiet --hard "$here"
test $applied -eq 0
"""


@pytest.mark.benchmark(group=FINDING)
def test_plan_of_clashes(benchmark: BenchmarkFixture, clashing: Seeded) -> None:
    """The whole command, all clashes at once; a culprit that it names is the commit that made the clash."""
    measure_memory(benchmark, clashing, CLASHING.patches, clashing.target)
    rows = timed(
        benchmark,
        lambda: plan(clashing, CLASHING.patches, clashing.target, code=1),
        rounds=3,
        patches=CLASHING.patches,
        clashes=CLASHING.clashing,
        commits=CLASHING.commits,
    )
    assert [row["name"] for row in rows if row["outcome"] == "clashed"] == list(clashing.culprits)
    named = {row["name"]: row["culprit"] for row in rows if row["culprit"]}
    assert named.items() <= clashing.culprits.items()
    benchmark.extra_info["named"] = len(named)


@pytest.mark.benchmark(group=FINDING)
def test_bisect_one_clash(benchmark: BenchmarkFixture, clashing: Seeded, tmp_path: Path) -> None:
    """`git bisect` with `git am -3` at each step finds the culprit of ONE clash; the others would each cost as much."""
    name = list(clashing.culprits)[len(clashing.culprits) // 2]
    patch, script = tmp_path / name, tmp_path / "try.sh"
    patch.write_bytes(clashing.mails[name])
    script.write_text(TRY)
    work = standing(clashing, clashing.target, tmp_path / "bisect")

    def prepare() -> None:
        git(work, "bisect", "reset")
        git(work, "checkout", "--quiet", "--detach", clashing.target)

    def bisect() -> str:
        git(work, "bisect", "start", clashing.target, clashing.pin)
        git(work, "bisect", "run", "sh", str(script), str(patch))
        return git(work, "rev-parse", "refs/bisect/bad")

    found = benchmark.pedantic(bisect, setup=prepare, rounds=3)  # type: ignore[no-untyped-call]
    assert found == clashing.culprits[name]
