"""The backend matrix: each variant, whether it was built, what its tests say, and on what kind of device."""

from collections.abc import Sequence

from forkkeeper.core.nights import BAD, Count, Ending, Night, Side, Taken
from forkkeeper.core.page.given import SIGNS, Given, day_of
from forkkeeper.core.page.shape import (
    Block,
    Cell,
    Column,
    Line,
    Missing,
    Note,
    Section,
    Table,
    Tone,
    name,
    number,
    words,
)
from forkkeeper.core.page.tomorrow import NIGHTLY
from forkkeeper.core.variants import Variant

REAL, EMULATED = "real", "EMULATED"
SIDES = {Side.STAND: "as it stands", Side.TRIAL: "trial sync"}
_GOOD = ("passed", "same", "ok")


def section(given: Given) -> Section:
    """Make the section."""
    about = (
        "Each hardware backend: was it built, do its tests pass, and did they run on a real device or an emulated one."
    )
    return Section("backends", "Backends", about, tuple(_blocks(given)))


def _blocks(given: Given) -> list[Block]:
    night = given.night
    names = list(given.variants)
    if night is None:
        missing = Missing("No night is on record, so nothing was built or tested.", NIGHTLY)
        return [missing, *([_declared(given)] if names else [])]
    counts = night.findings.counts
    seen = dict.fromkeys(
        [one.variant for one in counts] + [one.step.variant for one in night.taken if one.step.variant]
    )
    names += [one for one in seen if one not in given.variants]
    if not names:
        return [Missing("fork.toml declares no variant.", "forkkeeper doctor")]
    checks = tuple(dict.fromkeys(one.check for one in counts))
    titles = ("variant", "device", *(f"built, {said}" for said in SIDES.values()), *checks)
    rows = tuple(Line(_variant(one, night, given, checks)) for one in names)
    blocks: list[Block] = [
        Table("matrix", f"Variants on the night of {day_of(night)}", tuple(map(Column, titles)), rows)
    ]
    if any(one.emulated for one in counts):
        said = "EMULATED: the tests ran on a program that plays the device, which is not the hardware."
        blocks.append(Note(said, Tone.WARN))
    if not counts:
        return [*blocks, Missing("That night ran no test.", "forkkeeper check ops")]
    return [*blocks, _counts(night)]


def _variant(variant: str, night: Night, given: Given, checks: Sequence[str]) -> tuple[Cell, ...]:
    counts = [one for one in night.findings.counts if one.variant == variant]
    taken = [one for one in night.taken if one.step.variant == variant and one.step.kind == "build"]
    built = [_built(next((one for one in taken if one.step.side is side), None)) for side in SIDES]
    tests = [_tests([one for one in counts if one.check == check]) for check in checks]
    return (name(variant), _device(variant, counts, given), *built, *tests)


def _device(variant: str, counts: Sequence[Count], given: Given) -> Cell:
    """Say on what kind of device tests ran; where none did, nothing is claimed."""
    if any(one.emulated for one in counts):
        return Cell(EMULATED, Tone.WARN)
    if counts:
        return Cell(REAL)
    declared = given.variants.get(variant)
    return Cell("no test ran" + _form(declared), Tone.DIM)


def _form(declared: Variant | None) -> str:
    return " (emulated here)" if declared is not None and declared.emulated is not None else ""


def _built(taken: Taken | None) -> Cell:
    if taken is None:
        return Cell("not tried", Tone.DIM)
    tone = Tone.GOOD if taken.ending is Ending.PASSED else Tone.BAD if taken.ending in BAD else Tone.DIM
    return Cell(f"{SIGNS[taken.ending]} {'built' if taken.ending is Ending.PASSED else taken.ending.value}", tone)


def _tests(counts: Sequence[Count]) -> Cell:
    if not counts:
        return Cell("not run", Tone.DIM)
    ran, passed, skipped = (sum(getattr(one, field) for one in counts) for field in ("cases", "passed", "skipped"))
    good = all(one.verdict in _GOOD for one in counts)
    more = f", {skipped:,} skipped" if skipped else ""
    verdicts = ", ".join(dict.fromkeys(one.verdict for one in counts if one.verdict not in _GOOD))
    sign = "✓" if good else "✗" if _tone(verdicts) is Tone.BAD else "–"
    said = f"{sign} {passed:,} of {ran:,}{more}{f': {verdicts}' if verdicts else ''}"
    return words(said, Tone.GOOD if good else _tone(verdicts))


def _tone(verdict: str) -> Tone:
    """Say how a verdict of `check` is meant; what was declared or left out is no failure."""
    return Tone.GOOD if verdict in _GOOD else Tone.BAD if "FAILED" in verdict else Tone.WARN


def _counts(night: Night) -> Table:
    sides = {one.step.name: one.step.side for one in night.taken}
    titles = ("variant", "test", "of the fork", "device", "kind")
    numbers = ("cases", "passed", "skipped", "seconds")
    columns = (*map(Column, titles), *(Column(one, numeric=True) for one in numbers), Column("verdict"))
    rows = tuple(
        Line(
            (
                name(one.variant),
                words(one.check),
                Cell(SIDES[sides[one.step]] if one.step in sides else "not said"),
                words(one.device),
                Cell(EMULATED, Tone.WARN) if one.emulated else Cell(REAL),
                number(one.cases),
                number(one.passed),
                number(one.skipped),
                number(one.seconds, 1),
                words(one.verdict, _tone(one.verdict)),
            )
        )
        for one in night.findings.counts
    )
    return Table("counts", "Cases of each test", columns, rows, folded="Cases of each test")


def _declared(given: Given) -> Table:
    rows = tuple(
        Line((name(key), words(one.about or key), Cell("emulated here" if one.emulated else "needs its device")))
        for key, one in given.variants.items()
    )
    return Table("matrix", "Variants that fork.toml declares", tuple(map(Column, ("variant", "what", "device"))), rows)
