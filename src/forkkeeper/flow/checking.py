"""Verdicts on builds (`check`): upstream's operation tests, the fork's checks; of patches: `witnessing`, `undoing`."""

import itertools
import shlex
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from forkkeeper.core import checksreport, needs, opsreport, standing
from forkkeeper.core.needs import Ability
from forkkeeper.core.opsreport import OpsCase, OpsResult
from forkkeeper.core.report import Block, Cell, Painted, Report, Table, of_variant
from forkkeeper.core.standing import Standing, Stood
from forkkeeper.core.variants import TESTS, Crash
from forkkeeper.errors import ExitCode, OutsideError, RequestError
from forkkeeper.flow import emulating, undoing, witnessing
from forkkeeper.flow.emulating import Said
from forkkeeper.flow.readying import ELSEWHERE, Bench, Extent, device_options, ops_env, present, ready
from forkkeeper.flow.standing import Setting, Stand, composed, near_hint, open_fork
from forkkeeper.stages import check as checks, probe as probes
from forkkeeper.stages.project import Project

CHECKS = "native/checks"  # the fork's own checks: the witnesses, bf16/ and models/
BF16, OPS, MODELS = "bf16", "ops", "models"
WITNESS, DELETIONS, REGRESSION = "witness", "deletions", "regression"


@dataclass(frozen=True, slots=True)
class Tested:
    """One row of the table of tests: what ran on a variant's device, and how it stands.

    hint -- what to type when it is red, "" where its output was shown
    unsupported -- upstream's cases that the device says it has no code for
    emulated -- what the emulated device said of it, None where none was to say anything
    """

    variant: Cell
    device: str
    check: str
    passed: int
    failed: int
    skipped: int
    seconds: float
    stood: Stood
    hint: str = ""
    emulated: Said | None = None
    unsupported: tuple[OpsCase, ...] = ()

    @property
    def named(self) -> str:
        """The variant and the check, at the head of a sentence."""
        name = self.variant if isinstance(self.variant, str) else self.variant.text
        return f"{name}, {self.check}"

    @property
    def cells(self) -> tuple[Cell, ...]:
        """The row."""
        numbers = (self.passed + self.failed, self.passed, self.skipped)
        said = Painted(self.stood.standing.value, standing.COLOURS[self.stood.standing])
        return (self.variant, self.device, self.check, *map(str, numbers), f"{self.seconds:.1f}", said)


def check(setting: Setting, what: str, variants: Sequence[str], *, strict: bool = False, extent: str = "") -> Report:
    """Run checks on what was built; red when one fails, or when none ran.

    what -- "bf16", "ops", "models" or several of these with commas, "witness", "deletions" (which needs no build),
        "regression", or a file or folder of checks
    variants -- those to check; none: all that were built of the present tree
    extent -- of "regression": one of `Extent`, "" for the usual
    strict -- a device that is known to crash, and a variant that cannot run here, are failures as well
    """
    project, upstream, notes = open_fork(setting, "check")
    with composed(project, upstream, step="check") as stand:
        if what == DELETIONS:
            return _noted(notes, undoing.report(project, upstream, stand))
        abilities, stale = present(project, stand, variants)
        if what == REGRESSION:
            return _regression(setting, project, stand, abilities, (*notes, *_left(stale)), extent=_extent(extent))
        if what == WITNESS:
            return _noted(notes, witnessing.report(setting, project, upstream, stand, abilities))
        tested = [
            row for ability in abilities for row in _tests(setting, project, ability, _wanted(setting.here, what))
        ]
    table = Table(_HEADERS, tuple(row.cells for row in tested), prose=("device", "check", "verdict"))
    green = standing.exits_green([row.stood.standing for row in tested], strict=strict)
    said = tuple(row.emulated for row in tested if row.emulated is not None)
    blocks = (*notes, *_left(stale), "", table, *_reasons(tested), *_unsupported(tested), *emulating.blocks(said))
    code = ExitCode.IN_STEP if green else ExitCode.ANSWER_IS_NO
    return Report(blocks, code, more=emulating.document(said) | _unsupported_by_name(tested))


def _unsupported(tested: Sequence[Tested]) -> tuple[Block, ...]:
    """Count what devices have no code for, by operation; --json names each case."""
    rows = tuple(
        (row.variant, row.check, op, f"{count:,}")
        for row in tested
        for op, count in sorted(Counter(case.op for case in row.unsupported).items())
    )
    return ("", Table(("variant", "check", "not supported", "cases"), rows, prose=("check",))) if rows else ()


def _unsupported_by_name(tested: Sequence[Tested]) -> dict[str, object]:
    """Give the same for scripts."""
    found = [row for row in tested if row.unsupported]
    listed = [{"check": row.named, "cases": [str(case) for case in row.unsupported]} for row in found]
    return {"not_supported": listed} if listed else {}


def _regression(
    setting: Setting,
    project: Project,
    stand: Stand,
    abilities: Sequence[Ability],
    notes: tuple[Block, ...],
    *,
    extent: Extent,
) -> Report:
    """Compare the fork with the baseline. Raises OutsideError where numpy is not installed."""
    checks.demand("numpy")
    from forkkeeper.flow import regressing  # noqa: PLC0415 -- numpy takes its time, and no other verb needs it

    return regressing.report(setting, project, stand, abilities, notes, extent=extent)


def _extent(typed: str) -> Extent:
    """Read how much is to run. Raises RequestError for another word."""
    words = {one.value: one for one in Extent}
    if typed and typed not in words:
        raise RequestError("check", f"--extent {typed}", "is none", near_hint(typed, tuple(words), "extents"))
    return words.get(typed, Extent.USUAL)


def _left(stale: Sequence[str]) -> tuple[Block, ...]:
    """Say what was left out."""
    said = "left out, as it was built from another tree or with other options"
    return tuple(Painted(f"{name}: {said}", "dim") for name in stale)


def _noted(notes: Sequence[Block], report: Report) -> Report:
    return replace(report, blocks=(*notes, *report.blocks))


_HEADERS = ("variant", "device", "check", "cases", "passed", "skipped", "seconds", "verdict")


_TO_SEE = frozenset({Standing.FAILED, Standing.DEVICE_CRASHES})


def _reasons(tested: Sequence[Tested]) -> tuple[Block, ...]:
    """Say why of every row that did not pass."""
    rows = [row for row in tested if row.stood.standing is not Standing.PASSED]
    return tuple(
        Painted(
            f"{row.named}: {row.stood.because}"
            + (f"\n  next: {row.hint}" if row.hint and row.stood.standing in _TO_SEE else ""),
            standing.COLOURS[row.stood.standing],
        )
        for row in rows
    )


def _wanted(here: Path, what: str) -> tuple[str, ...]:
    """Give the tests that were asked for: several of those with names, or the one that is a path.

    Raises RequestError for a name that is neither.
    """
    parts = tuple(dict.fromkeys(what.split(",")))
    if set(parts) <= set(TESTS):
        return parts
    if not (here / what).exists():
        odd = next(part for part in parts if part not in TESTS)
        hint = near_hint(odd, (*TESTS, WITNESS, DELETIONS, REGRESSION), "or a path; tests")
        raise RequestError("check", odd, "no such check, and no file or folder of checks", hint)
    return (what,)


def _tests(setting: Setting, project: Project, ability: Ability, wanted: Sequence[str]) -> Iterator[Tested]:
    """Run tests on one variant, its server up meanwhile; what keeps one from running never stops other variants."""
    name, device = of_variant(ability.name, ability.variant), ability.variant.device
    if not ability.runs:
        why = needs.skipped(ability, ability.lacking_to_run, probes.system())
        yield from (Tested(name, device, what, 0, 0, 0, 0.0, Stood(Standing.SKIPPED, why)) for what in wanted)
        return
    try:
        yield from _served(setting, project, ability, wanted)
    except OutsideError as error:
        said = f"{error.thing}: {error.found}"
        yield Tested(name, device, ", ".join(wanted), 0, 0, 0, 0.0, Stood(Standing.FAILED, said), error.hint)


def _served(setting: Setting, project: Project, ability: Ability, wanted: Sequence[str]) -> Iterator[Tested]:
    with ready(project, ability) as bench:
        for what in wanted:
            yield from _run(setting, project, bench, what)


def _run(setting: Setting, project: Project, bench: Bench, what: str) -> Iterator[Tested]:
    match what:
        case "bf16":
            yield from _ops(setting, project, bench, what, BF16)
            own = project.root / CHECKS / BF16
            if own.exists():  # a fork need not have one of its own
                yield _checks(project, bench, own, what)
        case "ops":
            yield from _ops(setting, project, bench, what, "")
        case "models":
            yield _checks(project, bench, project.root / CHECKS / MODELS, what)
        case _:
            yield _checks(project, bench, setting.here / what, what)


def _ops(setting: Setting, project: Project, bench: Bench, what: str, pattern: str) -> Iterator[Tested]:
    """Run upstream's operation tests; operations that are known to crash this device each by themselves."""
    crash = bench.crash
    alone = crash.operations if crash else ()
    rest = tuple(one for one in checks.operations(bench.build) if one not in alone) if alone else ()
    for chosen, known in ((rest, None), *(((one,), crash) for one in alone)):
        yield _op(setting, project, bench, what, pattern, chosen, known)


def _op(
    setting: Setting,
    project: Project,
    bench: Bench,
    what: str,
    pattern: str,
    chosen: tuple[str, ...],
    known: Crash | None,
) -> Tested:
    started, before, reported = time.monotonic(), bench.clients, len(bench.lines)
    shown = "upstream's cases" + (f" of {chosen[0]}" if known else "")
    lines = itertools.count(1)
    report = checks.run_ops(
        bench.build,
        bench.variant.device,
        pattern,
        operations=chosen,
        env=ops_env(project, bench),
        on_case=lambda: setting.on_progress(f"{bench.name}: {shown}", next(lines), 0),
    )
    setting.on_progress(f"{bench.name}: {shown}", 1, 1)
    expected = bench.variant.expected(what).none
    stood = standing.of_ops(report, opsreport.judge(report), none=expected, crash=known)
    counts = report.counts
    said = emulating.of_test(bench, shown, reported, passed=counts[OpsResult.OK])
    return Tested(
        of_variant(bench.name, bench.variant),
        bench.device,
        shown,
        counts[OpsResult.OK],
        counts[OpsResult.FAIL],
        counts[OpsResult.NOT_SUPPORTED],
        time.monotonic() - started,
        emulating.judged(_through(stood, bench, before), said),
        "to see it again: " + shlex.join(checks.ops_argv(bench.build, bench.variant.device, pattern, chosen)),
        said,
        tuple(case for case in report.cases if case.result is OpsResult.NOT_SUPPORTED),
    )


def _through(stood: Stood, bench: Bench, before: int) -> Stood:
    """Take back a pass that never went through the server."""
    if stood.standing is Standing.PASSED and bench.went_elsewhere(before):
        return Stood(Standing.FAILED, ELSEWHERE)
    return stood


def _checks(project: Project, bench: Bench, path: Path, what: str) -> Tested:
    """Run the fork's checks at a path."""
    started, before, reported = time.monotonic(), bench.clients, len(bench.lines)
    options = device_options(project, bench) if what == MODELS else ()
    result = checks.run_checks([path], source=bench.source, build=bench.build, options=options, env=bench.env)
    judged = checksreport.judge(result)
    shown = path.relative_to(project.root).as_posix() if path.is_relative_to(project.root) else what
    said = emulating.of_test(bench, shown, reported, passed=result.passed) if what == MODELS else None
    if what == MODELS:
        none = bench.variant.expected(what).none
        stood = _through(standing.of_checks(result, judged, none=none, crash=bench.crash), bench, before)
    else:
        stood = Stood(Standing.PASSED if judged.passed else Standing.FAILED, judged.because)
    device = bench.device if what == MODELS else probes.processor()
    seconds = time.monotonic() - started
    counts = (result.passed, len(result.failed), result.skipped)
    name, stood = of_variant(bench.name, bench.variant), emulating.judged(stood, said)
    return Tested(name, device, shown, *counts, seconds, stood, emulated=said)
