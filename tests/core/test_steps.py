"""Which steps a night takes, and what stops them."""

import pytest
from hypothesis import given, strategies as st

from forkkeeper.core import steps
from forkkeeper.core.declaration import Nightly
from forkkeeper.core.nights import Ending, Side, Step, Taken
from forkkeeper.core.steps import Buildable, Judging

NAMES = ("cpu", "vulkan", "metal")
VARIANTS = tuple(Buildable(name) for name in NAMES)
ALL = steps.matrix(Nightly(), VARIANTS, Side.TRIAL, Judging(tuple(Side)), tree="tree")


def test_every_step_comes_after_what_it_needs() -> None:
    """In the order in which they are taken, and each name once."""
    names = [step.name for step in ALL]
    assert len(names) == len(set(names))
    for at, step in enumerate(ALL):
        assert set(step.needs) <= set(names[:at])


def test_what_a_fork_has_not_is_no_step() -> None:
    """Without a check of outputs, witnesses, BF16 or counted instructions there is nothing to take for them."""
    bare = Judging((), has_outputs=False, has_witness=False)
    made = steps.matrix(Nightly(), (Buildable("cpu", has_bf16=False),), Side.STAND, bare, tree="tree")
    assert [step.name for step in made] == ["materialise", "build cpu"]


def test_nothing_lies_ahead_where_the_pin_is_the_head_or_the_head_is_unknown() -> None:
    """No plan is made to where the fork stands, or to nowhere."""
    assert steps.ahead("a" * 40, "a" * 40) == ()
    assert steps.ahead("a" * 40, "") == ()
    assert [step.name for step in steps.ahead("a" * 40, "b" * 40)] == ["plan", "reach", "triage"]


@given(st.lists(st.sampled_from(list(Ending)), min_size=len(ALL), max_size=len(ALL)))
def test_a_bad_step_stops_only_what_needs_it(endings: list[Ending]) -> None:
    """Whatever the others end as, a step is blocked exactly by those of its needs that did not pass."""
    taken = [Taken(step, ending) for step, ending in zip(ALL, endings, strict=True)]
    for step in ALL:
        bad = {one.step.name for one in steps.blocked_by(step, taken)}
        assert bad == {
            one.step.name for one in taken if one.step.name in step.needs and one.ending is not Ending.PASSED
        }


@given(st.sets(st.sampled_from([step.name for step in ALL])))
def test_only_some_steps_bring_what_they_need(names: set[str]) -> None:
    """The chosen ones, closed under what they need, in order, and nothing else."""
    chosen = steps.with_needs(ALL, sorted(names))
    there = {step.name for step in chosen}
    assert names <= there
    assert all(set(step.needs) <= there for step in chosen)
    assert there == names | {need for step in chosen for need in step.needs}
    assert list(chosen) == [step for step in ALL if step.name in there]


@pytest.mark.parametrize(
    ("code", "ending"),
    [
        (0, Ending.PASSED),
        (1, Ending.FAILED),
        (2, Ending.WRONG),
        (3, Ending.OUTSIDE),
        (4, Ending.BUG),
        (-11, Ending.BUG),
    ],
)
def test_an_exit_status_is_an_ending(code: int, ending: Ending) -> None:
    """Those of the design, and whatever is none of them is a bug of ours."""
    assert steps.ending_of(code) is ending


def test_what_a_machine_lacks_is_no_failure() -> None:
    """A variant that cannot run is built; one that cannot be built is neither built nor checked; the rest is taken."""
    variants = (
        Buildable("cpu"),
        Buildable("vulkan", no_run="needs a device"),
        Buildable("metal", no_build="needs clang"),
    )
    lacking = {step.name: steps.lacks(step, variants) for step in ALL}
    assert {name for name, why in lacking.items() if why} == {"bf16 vulkan", "build metal", "bf16 metal"}


def test_the_command_of_a_step_is_what_a_person_types_in_the_fork() -> None:
    """A plan is a plan; what ran in the trial is seen again through `nightly --only`."""
    plan, *_ = steps.ahead("a" * 40, "b" * 40)
    assert steps.command(plan, "b" * 40) == f"forkkeeper plan --upto {'b' * 12}"
    built = Step("build cpu", "build", Side.TRIAL, ("build", "cpu"))
    assert steps.command(built, "b" * 40) == f"forkkeeper nightly --head {'b' * 12} --only 'build cpu'"
