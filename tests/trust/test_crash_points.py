"""A verb that is killed at any point leaves the old state or the new one, whole; run again it ends as it should."""

import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from trust.crashing import Crash, Warm
from trust.dying_verbs import VERBS, crash

MEMORY = Path("/dev/shm")  # noqa: S108 -- a folder of our own in it: what is killed by SIGKILL alone needs no real disk
EVERY = int(os.environ.get("FORKKEEPER_CRASH_EVERY", "1"))  # die at each n-th point: for a first look
SAMPLE = {"sync": 10, "sync --continue": 6, "patch save": 7, "undo": 4, "materialise, vendored": 3, "log": 3}
DECIDING = ("shell/disk.py", "shell/swap.py")  # where it is settled whether the old state will stand or the new one
STATEMENTS, WRITING = ("statement", "executed"), ("CREATE", "INSERT", "COMMIT")
CHANGES = ("torn", "rename", "replace", "link", "unlink")
FEWER = 3  # points that a run may have fewer than the one before it: at the last ones nothing dies then
MOMENTS = 20
ALIKE = 3  # deaths among points that differ in the name of an object or of a throw-away file alone


@pytest.fixture
def place() -> Iterator[Path]:
    """Give a folder, in memory where there is one."""
    folder = Path(tempfile.mkdtemp(prefix="forkkeeper-crash-", dir=MEMORY if os.access(MEMORY, os.W_OK) else None))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def warm(place: Path) -> Iterator[Warm]:
    """Give a process that has imported everything."""
    with Warm(place / "warm") as process:
        yield process


def chosen(made: Crash) -> list[int]:
    """Give the numbers of the points to die at: all, but of those that are alike a few."""
    seen: Counter[tuple[str, str]] = Counter()
    found = []
    for at, point in enumerate(made.met):
        is_alike = point.path.startswith("tmp/") or "/objects/" in point.path
        seen[point.kind, point.place] += is_alike
        if not is_alike or seen[point.kind, point.place] <= ALIKE:
            found.append(at)
    return found


def sampled(made: Crash, count: int) -> list[int]:
    """Give points spread over the whole run, and the last of each kind where it is settled which state will stand."""
    last = {
        (point.kind, point.place): at
        for at, point in enumerate(made.met)
        if point.kind in CHANGES and point.place.startswith(DECIDING) and ":only_one:" not in point.place
    }
    return sorted({*last.values(), *(at * (len(made.met) - 1) // (count - 1) for at in range(count))})


def brief(made: Crash, since: str) -> list[int]:
    """Give the last point of each kind of change after the first one of a kind, for a verb that takes long."""
    begins = next(at for at, point in enumerate(made.met) if point.kind == since)
    last = {
        (point.kind, point.place, point.path.split(" ")[0] if point.kind in STATEMENTS else ""): at
        for at, point in enumerate(made.met)
        if at >= begins and (point.kind in CHANGES or (point.kind in STATEMENTS and point.path.startswith(WRITING)))
    }
    return sorted(last.values())


def die(made: Crash, points: list[int]) -> list[str]:
    """Die at each of these points, and give what was lost, with the point."""
    return [f"{at} {made.last}: {wrong}" for at in points for wrong in made.dies(at)]


@pytest.mark.parametrize(("name", "count"), SAMPLE.items(), ids=SAMPLE)
def test_a_verb_killed_at_some_points(place: Path, warm: Warm, name: str, count: int) -> None:
    """At points spread over the run, and at each kind that settles it, nothing is lost; the next command says so."""
    made = crash(name, place / "one", warm)
    points = sampled(made, count)
    assert len(made.met) > len(points) > count
    assert die(made, points) == []
    assert made.said  # else no death left anything that the next command had to speak of
    assert made.deaths >= len(points) - 1  # the last point of one run may be none of the next


@pytest.mark.trust
@pytest.mark.parametrize("name", VERBS)
def test_a_verb_killed_at_every_point(place: Path, warm: Warm, figures: Callable[..., None], name: str) -> None:
    """At every write, rename, fsync, removal, link, folder and call of git, and between them, nothing is lost."""
    made = crash(name, place / "one", warm)
    points = (brief(made, VERBS[name].since) if VERBS[name].since else chosen(made))[::EVERY]
    kinds = {made.met[at].kind for at in points}
    assert kinds >= ({"statement", "executed"} if VERBS[name].since else {"ended"})
    lost = [(made.last, wrong) for at in points if (wrong := made.dies(at))]
    figures("kill points", verb=name, listed=len(made.met), tried=len(points), killed=made.deaths, lost=len(lost))
    assert lost == []
    assert made.deaths >= len(points) - FEWER


@pytest.mark.trust
@pytest.mark.parametrize("name", ["sync", "sync --continue", "patch save", "materialise, vendored", "pick"])
def test_a_verb_killed_at_any_moment_with_its_children(
    place: Path, warm: Warm, figures: Callable[..., None], name: str
) -> None:
    """SIGKILL from outside, at moments spread over the run, git's processes included: nothing is lost."""
    made = crash(name, place / "one", warm)
    takes = made.seconds()
    moments = [takes * step / (MOMENTS + 1) for step in range(1, MOMENTS + 1)]
    lost = [(seconds, wrong) for seconds in moments if (wrong := made.dies(after=seconds))]
    figures("kill moments", verb=name, tried=len(moments), killed=made.deaths, lost=len(lost))
    assert lost == []
    assert made.deaths > MOMENTS / 2  # a machine that is quicker now ends the last ones before they are killed
