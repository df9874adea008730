"""The seeded forks of the benchmarks, and the lines that are drawn from the times."""

import json
import re
from pathlib import Path

import pytest
from benchmarks import ratios, seeded
from benchmarks.ratios import Timing
from benchmarks.seeded import Seeded, Shape
from world import am_trees, git, run

SMALL = Shape(files=12, patches=8, commits=9, clashing=2)


@pytest.fixture(scope="module")
def fork(tmp_path_factory: pytest.TempPathFactory) -> Seeded:
    """Give a small fork with two clashes."""
    return seeded.make(tmp_path_factory.mktemp("seeded"), SMALL)


def outcomes(fork: Seeded, target: str, patches: int | None = None) -> list[str]:
    """Plan to a target, and give the outcomes."""
    words = ("plan", "--offline", "--from", fork.pin, "--upto", target, "--json", "-")
    return [row["outcome"] for row in json.loads(run(fork.fork(patches), *words).out)["patches"]]


def test_the_same_shape_is_the_same_fork(fork: Seeded, tmp_path: Path) -> None:
    """Made twice, every commit and patch is the same; another seed gives another fork."""
    (tmp_path / "again").mkdir()
    again = seeded.make(tmp_path / "again", SMALL)
    assert (again.history, again.stack, again.mails) == (fork.history, fork.stack, fork.mails)
    (tmp_path / "other").mkdir()
    assert seeded.make(tmp_path / "other", Shape(12, 8, 9, clashing=2, seed=1)).history != fork.history


def test_the_fork_has_its_shape(fork: Seeded) -> None:
    """There are as many files, patches and commits as asked for, in one line of history."""
    assert (len(fork.history), len(fork.stack), len(fork.mails)) == (10, 9, 8)
    assert git(fork.upstream, "rev-list", "--reverse", fork.target).split() == list(fork.history)
    assert len(git(fork.upstream, "ls-tree", "-r", fork.pin).splitlines()) == 12 + 8 + 1
    assert b"src/shared/s0.c" in fork.mails["change-003.patch"]


def test_every_patch_fares_as_promised(fork: Seeded) -> None:
    """Every second patch is refreshed, the first ones of the others clash, the rest is kept."""
    assert outcomes(fork, fork.target) == ["refreshed", "clashed"] * 2 + ["refreshed", "kept"] * 2


def test_the_culprits_are_those_commits(fork: Seeded) -> None:
    """Carried to the commit before its culprit a patch is kept, and on the culprit it clashes."""
    for name, culprit in fork.culprits.items():
        number = list(fork.mails).index(name)
        at = fork.history.index(culprit)
        assert outcomes(fork, fork.history[at - 1])[number] == "kept"
        assert outcomes(fork, culprit)[number] == "clashed"


def test_the_beginning_of_a_queue_is_a_queue(fork: Seeded, tmp_path: Path) -> None:
    """The patch files, applied in order with `git am`, give the stack's trees, so a shorter queue stands by itself."""
    pin = git(fork.upstream, "rev-parse", f"{fork.pin}^{{tree}}")
    trees = am_trees(fork.upstream, pin, list(fork.mails.values()), tmp_path / "am")
    assert trees == [git(fork.upstream, "rev-parse", f"{commit}^{{tree}}") for commit in fork.stack[1:]]
    assert outcomes(fork, fork.target, 3) == ["refreshed", "clashed", "refreshed"]


def test_meetings_may_come_first(tmp_path: Path) -> None:
    """With `within` all of them lie in the first commits, so a longer range meets the same patches."""
    early = seeded.make(tmp_path, Shape(files=12, patches=8, commits=9, within=1))
    assert outcomes(early, early.history[1]) == outcomes(early, early.target) == ["refreshed", "kept"] * 4


TIMINGS = {
    "test_carry_in_process": Timing(0.5, {"patches": 37}),
    "test_plan_command": Timing(1.0, {"patches": 37, "peak_kib": 51_200}),
    "test_git_am": Timing(0.4),
    "test_git_rebase": Timing(2.0),
    "test_queue_grows[1]": Timing(0.5, {"peak_kib": 40_960}),
    "test_queue_grows[400]": Timing(8.0, {"peak_kib": 61_440}),
    "test_plan_of_clashes": Timing(5.0, {"patches": 40, "clashes": 20, "commits": 2000, "named": 20}),
    "test_bisect_one_clash": Timing(2.5),
}


def test_the_lines_say_the_ratios() -> None:
    """Each line has the time and how many times faster or slower it is; the bisect says that it was multiplied."""
    assert ratios.lines(TIMINGS) == [
        "carry of 37 patches, in process: 500 ms, 4.0 times faster than git rebase (2.0 s), "
        "1.2 times slower than git am -3 (400 ms)",
        "`forkkeeper plan` of 37 patches, start-up included: 1.0 s, 2.0 times faster than git rebase (2.0 s), "
        "2.5 times slower than git am -3 (400 ms)",
        "`forkkeeper plan` by number of patches: 1 in 500 ms, 400 in 8.0 s; 400 take 16.0 times as long as 1",
        "`forkkeeper plan` with 20 of 40 patches clashing over 2,000 upstream commits: 5.0 s; culprits named: 20",
        "`git bisect` with `git am -3`: 2.5 s for the culprit of ONE clash; times 20 clashes, multiplied and not run, "
        "50.0 s: the plan is 10.0 times faster than that",
        "peak memory of `forkkeeper plan`, the largest of these: 60 MiB",
    ]


def test_the_builds_are_a_table() -> None:
    """Each build has its CPU seconds and, beside the cold baseline, their part of it; without one it has none."""
    cold = Timing(500.0, {"cpu_seconds": 400.0, "compiled": 225, "cached": 0, "load": 2.0})
    fork = Timing(40.0, {"cpu_seconds": 30.0, "compiled": 5, "cached": 220, "load": 2.5})
    said = ratios.lines({"test_baseline_cold": cold, "test_fork_after_baseline": fork})
    assert [re.sub(" +", " ", line).strip() for line in said[2:]] == [
        "baseline, empty cache 225 0 400.0 500.0 2.0",
        "fork, after the baseline 5 220 30.0 7.5 % 40.0 at most 15 % of its CPU s 2.5",
    ]
    assert "7.5 %" not in "".join(ratios.lines({"test_fork_after_baseline": fork}))


def test_a_plan_that_names_no_culprit_is_not_compared() -> None:
    """While culprits are missing, the lines say so instead of a ratio."""
    silent = Timing(5.0, {"patches": 40, "clashes": 20, "commits": 2000, "named": 0})
    said = ratios.lines(TIMINGS | {"test_plan_of_clashes": silent})
    assert "culprits named: 0" in said[3]
    assert said[4].endswith("50.0 s: not to be compared with the plan, which did not name them all")


@pytest.mark.parametrize("names", [[], ["test_git_am"], ["test_bisect_one_clash"]])
def test_what_was_not_timed_has_no_line(names: list[str]) -> None:
    """Times with nothing to compare them with give no line."""
    assert ratios.lines({name: TIMINGS[name] for name in names}) == []
