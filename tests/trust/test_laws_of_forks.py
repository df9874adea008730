"""Laws of whole forks, from small ones to 400 patches on 5,000 files: what must hold whatever the patches are.

tests/test_laws.py holds the laws of one carry on generated texts; here stand those of queues, of orders, and of verbs.
Each law is a function of a fork that raises where it is broken, and says whether there was anything to hold: a fork
with no clash is no example of a law about clashes. The figures count those in which there was.
"""

import contextlib
import itertools
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from benchmarks import seeded
from benchmarks.seeded import Seeded, Shape
from holding import composed, declare, tree_of, vendored
from hypothesis import HealthCheck, given, settings, strategies as st
from laws import MORE
from world import Fork, Upstream, am_trees, checkout, environment, git

from forkkeeper.core import compose, mail, parked, planning, queue
from forkkeeper.core.compose import Composed
from forkkeeper.core.ids import CommitId
from forkkeeper.core.planning import Commit, Plan
from forkkeeper.core.queue import Queue
from forkkeeper.core.verdict import Outcome, Row
from forkkeeper.shell.git import Repository, Scratch

Figures = Callable[..., None]
SURE = {Outcome.KEPT, Outcome.REFRESHED}
SMALL = st.builds(
    Shape,
    files=st.integers(1, 30),
    patches=st.integers(1, 12),
    commits=st.integers(2, 30),
    clashing=st.integers(0, 3),
    seed=st.integers(0, 2**32),
)
LARGE = (
    Shape(files=5_000, patches=400, commits=400, seed=1),
    Shape(files=5_000, patches=400, commits=200, clashing=20, seed=2),
    Shape(files=2_000, patches=200, commits=1_000, clashing=5, within=50, seed=3),
)


@dataclass(frozen=True)
class Case:
    """A seeded fork with its queue read, in a store that can carry it."""

    fork: Seeded
    queue: Queue
    store: Scratch
    dice: random.Random

    def commit(self, sha: str) -> Commit:
        """Read an upstream commit."""
        info = Repository(self.fork.upstream).info(CommitId(sha))
        assert info is not None
        return Commit(info.sha, info.tree, info.time, "2025-06-15")

    def plan(self, patches: Queue, old: str, new: str) -> Plan:
        """Carry a queue between two upstream commits."""
        return planning.make(self.store, self.commit(old), self.commit(new), patches, {}, ())

    @property
    def middle(self) -> str:
        """An upstream commit on the way."""
        return self.fork.history[len(self.fork.history) // 2]


def series(patches: Sequence[mail.Patch]) -> Queue:
    """Make a queue of patches in an order."""
    return Queue("".join(f"{patch.name}\n" for patch in patches).encode(), tuple(patches))


def is_sure(row: Row) -> bool:
    """Whether a patch was carried with nothing to look at."""
    return row.outcome in SURE and not row.review


def is_clean(plan: Plan) -> bool:
    """Whether every patch was."""
    return all(is_sure(row) for row in plan.rows)


def saved(carried: Queue, plan: Plan) -> Queue:
    """Give the queue that a plan saves."""
    return queue.rebuild(carried, [row.new for row in plan.rows if row.new is not None])


# the laws -----------------------------------------------------------------------------------------------------------


def same_inputs_make_the_same_tree(case: Case) -> bool:
    """Planned twice, in two stores, everything is the same."""
    one = case.plan(case.queue, case.fork.pin, case.fork.target)
    with Scratch([case.fork.upstream / "objects"]) as store:
        other = planning.make(store, one.old, one.new, case.queue, {}, ())
    assert [(row.outcome, row.tree, row.new) for row in one.rows] == [
        (row.outcome, row.tree, row.new) for row in other.rows
    ]
    assert one.tree == other.tree
    return True


def carrying_to_the_same_pin_changes_nothing(case: Case) -> bool:
    """Every patch is kept, byte for byte."""
    plan = case.plan(case.queue, case.fork.pin, case.fork.pin)
    assert [row.new for row in plan.rows] == list(case.queue.patches)
    assert {row.outcome for row in plan.rows} == {Outcome.KEPT}
    return True


def carrying_in_two_steps_is_carrying_in_one(case: Case) -> bool:
    """From A over B to C gives the tree and the patches of A to C, for those patches that are carried cleanly."""
    ends = (case.middle, case.fork.target)
    sure = [{row.old.name for row in case.plan(case.queue, case.fork.pin, end).rows if is_sure(row)} for end in ends]
    clean = series([patch for patch in case.queue.patches if patch.name in sure[0] & sure[1]])
    there, straight = (case.plan(clean, case.fork.pin, end) for end in ends)
    if not (clean.patches and is_clean(there) and is_clean(straight)):
        return False
    onward = case.plan(saved(clean, there), case.middle, case.fork.target)
    assert is_clean(onward)
    assert onward.tree == straight.tree
    assert [row.new for row in onward.rows] == [row.new for row in straight.rows]
    return True


def every_carried_patch_is_what_git_makes_of_it(case: Case) -> bool:
    """Of all that was kept or refreshed `git am -3` makes the same trees, one by one; the new ones apply plainly."""
    plan = case.plan(case.queue, case.fork.pin, case.fork.target)
    rows = [row for row in plan.rows if is_sure(row)]
    work = case.fork.root / f"am-{case.dice.random()}"
    checkout(case.fork.upstream, plan.new.tree, work)
    for number, row in enumerate(rows):
        git(work, "am", "--quiet", "-3", "--keep-cr", stdin=row.old.data, env=environment(1_800_000_000 + number))
    told = git(work, "log", "--reverse", "--format=%T").splitlines()[1:]
    if len(rows) == len(plan.rows):
        assert told == [row.tree for row in rows]
    new = [row.new.data for row in rows if row.new is not None]
    assert am_trees(case.fork.upstream, plan.new.tree, new, case.fork.root / f"new-{case.dice.random()}") == told
    return bool(rows)


def patches_on_different_files_commute(case: Case) -> bool:
    """In any order of patches that share no path, each has the same outcome, and the tree is the same."""
    seen: set[str] = set()
    apart = []
    for patch in case.queue.patches:
        if seen.isdisjoint(patch.paths):
            apart.append(patch)
        seen |= set(patch.paths)
    turned = list(apart)
    case.dice.shuffle(turned)
    one, other = (case.plan(series(patches), case.fork.pin, case.fork.target) for patches in (apart, turned))
    assert {row.old.name: row.outcome for row in one.rows} == {row.old.name: row.outcome for row in other.rows}
    assert one.tree == other.tree
    assert one.carried.tree == other.carried.tree
    return turned != apart


def a_clash_changes_no_verdict_on_others(case: Case) -> bool:
    """Without the patches that clash, all that share no path with them have the same outcomes and new forms."""
    whole = case.plan(case.queue, case.fork.pin, case.fork.target)
    clashed = {row.old.name for row in whole.rows if row.outcome is Outcome.CLASHED}
    theirs = {path for row in whole.rows if row.old.name in clashed for path in row.old.paths}
    left = [patch for patch in case.queue.patches if patch.name not in clashed and theirs.isdisjoint(patch.paths)]
    alone = case.plan(series(left), case.fork.pin, case.fork.target)
    before = {row.old.name: (row.outcome, row.new) for row in whole.rows}
    assert {row.old.name: (row.outcome, row.new) for row in alone.rows} == {p.name: before[p.name] for p in left}
    assert {row.old.name for row in whole.rows if row.outcome is Outcome.CLASHED} == set(case.fork.culprits)
    return bool(clashed and left)


def the_saved_queue_composes_to_the_planned_tree(case: Case) -> bool:
    """Read again after it was saved, the queue makes the planned tree on the new pin; carried on, it stays the same."""
    plan = case.plan(case.queue, case.fork.pin, case.fork.target)
    written = saved(case.queue, plan)
    again = queue.read(written.series, {patch.name: patch.data for patch in written.patches})
    assert again == written
    made = compose.compose(case.store, plan.new.tree, (), again.patches, {})
    assert isinstance(made, Composed)
    assert made.tree == plan.carried.tree
    stays = case.plan(again, case.fork.target, case.fork.target)
    assert [row.new for row in stays.rows] == list(again.patches)
    return bool(again.patches)


def parking_and_taking_back_is_the_identity(case: Case) -> bool:
    """Patches that are set aside and read again are the same, byte for byte."""
    pin, target = CommitId(case.fork.pin), CommitId(case.fork.target)
    for patch in case.queue.patches:
        found = parked.read(patch.name, parked.park(patch, "2026-06-20", pin, target, "it clashed"))
        assert found is not None
        assert (found.data, found.stood_on, found.clashed_at) == (patch.data, pin, target)
    return True


def arranging_loses_nothing(case: Case) -> bool:
    """Patches in another order, and back, are the same queue; a patch taken out and put back stands where it stood."""
    patches = list(case.queue.patches)
    turned = list(patches)
    case.dice.shuffle(turned)
    assert [p.name for p in _again(queue.arrange(case.queue, turned)).patches] == [p.name for p in turned]
    assert queue.arrange(queue.arrange(case.queue, turned), patches) == case.queue
    at = case.dice.randrange(len(patches))
    without = queue.arrange(case.queue, patches[:at] + patches[at + 1 :])
    assert queue.arrange(without, patches) == case.queue
    return True


def _again(given: Queue) -> Queue:
    return queue.read(given.series, {patch.name: patch.data for patch in given.patches})


LAWS = (
    same_inputs_make_the_same_tree,
    carrying_to_the_same_pin_changes_nothing,
    carrying_in_two_steps_is_carrying_in_one,
    every_carried_patch_is_what_git_makes_of_it,
    patches_on_different_files_commute,
    a_clash_changes_no_verdict_on_others,
    the_saved_queue_composes_to_the_planned_tree,
    parking_and_taking_back_is_the_identity,
    arranging_loses_nothing,
)


Law = Callable[[Case], bool]
# On the large forks: a law about clashes has nothing to hold where nothing clashes.
LARGE_CASES = [
    (law, shape) for law in LAWS for shape in LARGE if shape.clashing or law is not a_clash_changes_no_verdict_on_others
]


def hold(law: Law, shape: Shape, folder: Path) -> bool:
    """Make a fork of a shape, and hold it to a law; whether there was anything to hold."""
    folder.mkdir(parents=True)
    fork = seeded.make(folder, shape)
    given_series = "".join(f"{name}\n" for name in fork.mails).encode()
    with Scratch([fork.upstream / "objects"]) as store:
        return law(Case(fork, queue.read(given_series, fork.mails), store, random.Random(shape.seed)))  # noqa: S311


@contextlib.contextmanager
def counted(figures: Figures, law: str) -> Iterator[Callable[[], None]]:
    """Leave the figures of a law, whatever comes of it; one that held of nothing is no law.

    Gives what is to be called when an example held.
    """
    held: list[None] = []
    broken = 0
    try:
        yield lambda: held.append(None)
        assert held, "there was nothing to hold in any example"
    except BaseException:
        broken = 1
        raise
    finally:
        figures("laws", law=law, examples=len(held) + broken, broken=broken)


@pytest.mark.law
@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
def test_a_law_holds_on_small_forks(law: Law, tmp_path: Path, figures: Figures) -> None:
    """Each law holds on forks of up to 12 patches, whatever the seed."""
    numbers = itertools.count()

    @settings(
        max_examples=6 * MORE, deadline=None, suppress_health_check=list(HealthCheck), database=None, derandomize=True
    )
    @given(shape=SMALL)
    def examples(shape: Shape) -> None:
        if hold(law, shape, tmp_path / str(next(numbers))):
            one_held()

    with counted(figures, law.__name__) as one_held:
        examples()


@pytest.mark.trust
@pytest.mark.parametrize(
    ("law", "shape"), LARGE_CASES, ids=lambda one: one.__name__ if callable(one) else f"{one.patches} on {one.files}"
)
def test_a_law_holds_on_large_forks(law: Law, shape: Shape, tmp_path: Path, figures: Figures) -> None:
    """Each law holds on 400 patches and 5,000 files, with clashes and without."""
    with counted(figures, law.__name__) as one_held:
        assert hold(law, shape, tmp_path / "fork")
        one_held()


# verbs --------------------------------------------------------------------------------------------------------------


@pytest.mark.law
def test_undoing_is_the_identity(fork_behind: Fork, figures: Figures) -> None:
    """After any of these verbs `undo` gives every file back as it was, and `redo` as it was after."""
    verbs = (
        ["sync", "--upto", "v1.1"],
        ["patch", "move", "greeting", "--after", "null-check"],
        ["patch", "drop", "null-check", "--why", "it is not needed"],
    )
    with counted(figures, "undo of a verb is the identity") as one_held:
        for words in verbs:
            before = fork_behind.state()
            ran = fork_behind.run(*words)
            assert ran.code == 0, ran.said
            after = fork_behind.state()
            fork_behind.ok("undo")
            assert fork_behind.state() == before
            fork_behind.ok("redo")
            assert fork_behind.state() == after
            fork_behind.ok("undo")
            one_held()


@pytest.mark.law
def test_three_ways_to_hold_the_fork_are_one_tree(fork_in_step: Fork, tmp_path: Path, figures: Figures) -> None:
    """A build directory, a vendored directory and a branch have the very same tree: that of the lock."""
    wanted = composed(fork_in_step)
    fork_in_step.ok("materialise", str(tmp_path / "built"))
    trees = [tree_of(tmp_path / "built", tmp_path), tree_of(vendored(fork_in_step), tmp_path)]
    bare = Upstream.make(tmp_path / "branch.git").path
    declare(fork_in_step, "branch", repository=str(bare), branch="fork")
    fork_in_step.ok("materialise")
    trees.append(git(bare, "rev-parse", "fork^{tree}"))
    with counted(figures, "three ways to hold the fork are one tree") as one_held:
        assert trees == [wanted] * 3
        one_held()
