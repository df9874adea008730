"""Which steps a night takes, in which order, and which of them stand on which.

A step that ends badly stops those that need what it makes, and no other.
"""

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from forkkeeper.core.declaration import Nightly
from forkkeeper.core.ids import short
from forkkeeper.core.nights import BAD, Ending, Side, Step, Taken

MINUTE = 60
LOOK = Step("look", "look", Side.STAND, ("upstream", "refresh"), seconds=10 * MINUTE)
# what is made of a night, when it is kept
AFTER = (Step("report", "report", Side.STAND, ("report",)), Step("sbom", "sbom", Side.STAND, ("sbom",)))
HEAD = Step("head", "head", Side.STAND)
EVERY = "1000000"  # rows of triage: all of them

# how a process of ours ends, as an ending: see errors.ExitCode
_ENDINGS = {0: Ending.PASSED, 1: Ending.FAILED, 2: Ending.WRONG, 3: Ending.OUTSIDE}


def ending_of(code: int) -> Ending:
    """Read the exit status of a forkkeeper process; what is none of ours is our bug as well.

    >>> ending_of(1), ending_of(-9)
    (<Ending.FAILED: 'failed'>, <Ending.BUG: 'bug'>)
    """
    return _ENDINGS.get(code, Ending.BUG)


def ahead(pin: str, head: str) -> tuple[Step, ...]:
    """Give the steps that look at what lies between the pin and upstream's head; none where that is the same."""
    if not head or head == pin:
        return ()
    to = ("--upto", head)
    return (
        Step("plan", "plan", Side.STAND, ("plan", *to)),
        Step("reach", "reach", Side.STAND, ("plan", *to, "--as-far-as-free")),
        Step("triage", "triage", Side.STAND, ("triage", *to, "--all", "--limit", EVERY)),
    )


def trying(free: str) -> Step:
    """Give the step that carries the fork, for a trial, to the last commit that needs no human."""
    return Step("try", "try", Side.TRIAL, ("sync", "--upto", free, "--commit"))


@dataclass(frozen=True, slots=True)
class Buildable:
    """A variant of a night.

    has_bf16 -- whether BF16 is among its tests
    no_build, no_run -- why it cannot be built, or cannot run, on this machine: "" where it can
    """

    variant: str
    has_bf16: bool = True
    no_build: str = ""
    no_run: str = ""


@dataclass(frozen=True, slots=True)
class Judging:
    """What there is to judge a fork by.

    measured -- the sides whose speed is compared with their pin's; none where no instructions are declared
    has_outputs -- whether the fork has a check that writes down what models say
    has_witness -- whether a patch names a witness
    """

    measured: tuple[Side, ...] = ()
    has_outputs: bool = True
    has_witness: bool = True


def matrix(
    declared: Nightly, variants: Sequence[Buildable], side: Side, judging: Judging, *, tree: str
) -> tuple[Step, ...]:
    """Give the steps that build and judge one side. tree -- the folder that the composed tree is written to."""
    judge, named = declared.judge, [one.variant for one in variants]
    steps = [Step("materialise", "materialise", side, ("materialise", tree, "--overwrite"))]
    for one in variants:
        steps.append(Step(f"build {one.variant}", "build", side, ("build", one.variant), variant=one.variant))
        if not one.has_bf16:
            continue
        steps.append(
            Step(
                f"bf16 {one.variant}",
                "check",
                side,
                ("check", "bf16", one.variant, "--strict"),
                (f"build {one.variant}",),
                one.variant,
            )
        )
    built = (f"build {judge}",)
    if judge in named and judging.has_outputs:
        words = ("check", "regression", judge, "--extent", declared.extent)
        steps.append(Step("regression", "regression", side, words, built, judge, 60 * MINUTE))
    if judge in named and judging.has_witness:
        steps.append(Step("witness", "witness", side, ("check", "witness", judge), built, judge))
    counting = ("bench", "throughput", "--metric", "instructions")
    steps += [Step(f"throughput of the {one.value}", "throughput", one, counting) for one in judging.measured]
    return tuple(steps)


def lacks(step: Step, variants: Sequence[Buildable]) -> str:
    """Say why a step cannot be taken on this machine; "" where it can."""
    found = next((one for one in variants if one.variant == step.variant), None)
    if found is None or step.kind not in {"build", "check", "regression", "witness"}:
        return ""
    return found.no_build or ("" if step.kind == "build" else found.no_run)


def blocked_by(step: Step, taken: Sequence[Taken]) -> tuple[Taken, ...]:
    """Give the steps that this one needs and that did not give what it needs."""
    done = {one.step.name: one for one in taken}
    return tuple(done[name] for name in step.needs if name in done and done[name].ending is not Ending.PASSED)


def with_needs(steps: Sequence[Step], names: Sequence[str]) -> tuple[Step, ...]:
    """Give those of these names, and what they need, in order."""
    by_name = {step.name: step for step in steps}

    def needed(name: str) -> Iterator[str]:
        yield name
        for other in by_name[name].needs:
            yield from needed(other)

    wanted = {one for name in names if name in by_name for one in needed(name)}
    return tuple(step for step in steps if step.name in wanted)


def command(step: Step, head: str) -> str:
    """Give what to type in the fork's folder to see a step again."""
    if step.side is Side.STAND and step.kind in {"look", "plan", "reach", "triage"}:
        words = step.words[: step.words.index("--all")] if step.kind == "triage" else step.words
        return shlex.join(["forkkeeper", *(short(word) if word == head else word for word in words)])
    upto = ["--head", short(head)] if head else []
    return shlex.join(["forkkeeper", "nightly", *upto, "--only", step.name])


def again(taken: Sequence[Taken]) -> frozenset[str]:
    """Give the names of steps that a night which repeats another one takes again: those that gave no answer, or no."""
    return frozenset(one.step.name for one in taken if one.ending in BAD or one.ending is Ending.BLOCKED)
