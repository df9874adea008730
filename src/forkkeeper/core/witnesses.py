"""What a patch's witness proves: it must pass on the fork, and fail on the fork made without that patch."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from forkkeeper.core import checksreport
from forkkeeper.core.checksreport import TESTS_FAILED, ChecksAnswer, ChecksResult

NONE = "none"  # how a `Witness:` trailer begins that declares that there is none


class Effect(Enum):
    """What is known of a patch's effect; the values are a report's words."""

    PROVED = "proves the patch"
    LOST = "has lost its effect"  # its witness passes without it, too
    FAILS = "fails with the patch"
    NOT_JUDGED = "no verdict"  # without the patch nothing was made, built or run that could fail
    NONE_DECLARED = "none"  # the trailer says so, and why


COLOURS = {
    Effect.PROVED: "green",
    Effect.LOST: "red",
    Effect.FAILS: "red",
    Effect.NOT_JUDGED: "red",
    Effect.NONE_DECLARED: "yellow",
}
RED = frozenset(effect for effect, colour in COLOURS.items() if colour == "red")


@dataclass(frozen=True, slots=True)
class Judged:
    """What is known of a patch's effect, and why where the word alone does not say it."""

    effect: Effect
    because: str = ""

    def __str__(self) -> str:
        """Say it in a table's cell."""
        if self.effect is Effect.NONE_DECLARED:
            return self.because  # the trailer begins with the word itself
        word = str(self.effect.value)
        return f"{word}: {self.because}" if self.because else word


def named(trailer: str | None) -> str | None:
    """Give the check that a `Witness:` trailer names; None where it declares that there is none."""
    return None if trailer is None or trailer.startswith(NONE) else trailer


def undeclared(trailer: str | None) -> Judged:
    """Judge a patch that names no check."""
    return Judged(Effect.NONE_DECLARED, trailer or NONE)


def judge(with_it: ChecksResult, without: ChecksResult) -> Judged:
    """Judge a witness by how it ran on the fork, and on the fork without its patch.

    Only a test that ran and failed proves anything: where a fixture failed, pytest could not even read the check, or
    was killed, it may be for want of something else.
    """
    before, after = checksreport.judge(with_it), checksreport.judge(without)
    if not before.passed:
        return Judged(Effect.FAILS, before.because)
    if after.passed:
        return Judged(Effect.LOST, "its witness passes without it")
    if after.answer is not ChecksAnswer.FAILED or not without.failed or without.exit_status != TESTS_FAILED:
        return Judged(Effect.NOT_JUDGED, f"without the patch {after.because}")
    if len(without.errors) == len(
        without.failed
    ):  # by number: a test that fails, and its fixture after it, is in `failed` twice
        said = f"no test failed, but fixtures of {len(without.errors)} did, first {without.errors[0]}"
        return Judged(Effect.NOT_JUDGED, f"without the patch {said}")
    return Judged(Effect.PROVED)


def not_made(why: str) -> Judged:
    """Judge a patch without which the fork cannot be made or built."""
    return Judged(Effect.NOT_JUDGED, f"the fork without it cannot be made ({why})")


def exits_green(effects: Sequence[Effect]) -> bool:
    """Whether a session is green: none is red, and at least one witness proves its patch."""
    return Effect.PROVED in effects and not RED & set(effects)
