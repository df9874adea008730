"""A night as a person sees it: what it looked at, how each step ended, what changed, and what to type."""

from collections.abc import Sequence

from forkkeeper.core.ids import short
from forkkeeper.core.nights import BAD, Ending, Night, Taken
from forkkeeper.core.report import Block, Painted, Table
from forkkeeper.core.trend import Trend
from forkkeeper.errors import ExitCode

COLOURS = {
    Ending.PASSED: "green",
    Ending.FAILED: "red",
    Ending.WRONG: "red",
    Ending.OUTSIDE: "red",
    Ending.BUG: "red",
    Ending.LATE: "red",
    Ending.BLOCKED: "yellow",
    Ending.SKIPPED: "yellow",
}


def code(taken: Sequence[Taken]) -> ExitCode:
    """Give how the verb ends: as the worst step did; a no is told before what kept a step from an answer."""
    endings = {one.ending for one in taken}
    codes = (
        (ExitCode.ANSWER_IS_NO, {Ending.FAILED}),
        (ExitCode.BUG, {Ending.BUG}),
        (ExitCode.BAD_REQUEST, {Ending.WRONG}),
        (ExitCode.OUTSIDE_FAILED, {Ending.OUTSIDE, Ending.LATE}),
    )
    return next((code for code, of in codes if endings & of), ExitCode.IN_STEP)


def blocks(night: Night, changed: Trend, loose: Sequence[str]) -> tuple[Block, ...]:
    """Show a night. loose -- files of the fork that were edited and not committed."""
    rows = tuple(
        (one.step.name, Painted(one.ending.value, COLOURS[one.ending]), f"{one.seconds:.0f}", one.said)
        for one in night.taken
    )
    head = f"{short(night.head)} of {night.head_date}" if night.head else "not known"
    tried = f"tried {short(night.tried)}" if night.tried else "tried nothing beyond the pin"
    shown: list[Block] = [
        f"pin   {short(night.pin)} of {night.pin_date}",
        f"head  {head}; {tried}",
        "",
        Table(("step", "ending", "seconds", "found"), rows, prose=("found",)),
        "",
    ]
    if loose:
        shown.append(Painted(f"not looked at, as it is not committed: {', '.join(loose)}", "yellow"))
    shown += [Painted(f"worse than the last night: {one}", "red") for one in changed.worse]
    shown += [Painted(f"better than the last night: {one}", "green") for one in changed.better]
    bad = [one for one in night.taken if one.ending in BAD]
    if bad:
        shown.append("next: to see it again:")
        shown += [f"  {one.command}" for one in bad if one.command]
    else:
        shown.append(
            Painted(f"Every step that can be taken here passed, in {night.seconds / 60:.0f} minutes.", "green")
        )
    return tuple(shown)


def more(night: Night) -> dict[str, object]:
    """Give the same for scripts."""
    rows = [
        {"step": one.step.name, "ending": one.ending.value, "seconds": round(one.seconds, 1), "command": one.command}
        for one in night.taken
    ]
    ends = {"pin": night.pin, "head": night.head, "tried": night.tried, "digest": night.digest}
    return {"night": ends | {"began": night.began, "seconds": round(night.seconds, 1), "steps": rows}}
