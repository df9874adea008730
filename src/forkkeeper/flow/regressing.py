"""Does the fork behave as the pristine pin does (`check regression`)? What models say, operations, upstream's tests."""

import itertools
import shutil
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from forkkeeper.core import changes, checksreport, failures, needs, opsreport, outputs, standing, variants
from forkkeeper.core.changes import Change
from forkkeeper.core.checksreport import ChecksResult
from forkkeeper.core.failures import Tried
from forkkeeper.core.needs import Ability
from forkkeeper.core.outputs import Compared, Judged, Likeness, Output
from forkkeeper.core.report import Block, Cell, Painted, Report, Table, count, of_variant
from forkkeeper.core.standing import Standing
from forkkeeper.errors import ExitCode, OutsideError, RequestError
from forkkeeper.flow import emulating
from forkkeeper.flow.building import Kind, Made, folder_of, make_baseline, pristine, with_kits
from forkkeeper.flow.emulating import Said
from forkkeeper.flow.readying import ELSEWHERE, Bench, Extent, device_options, ops_env, ready
from forkkeeper.flow.standing import Setting, Stand
from forkkeeper.shell import disk
from forkkeeper.stages import build as builds, check as checks, materialise as materialising, probe as probes, suite
from forkkeeper.stages.build import Freshness, Identity
from forkkeeper.stages.project import PATCHES, STATE, Project

OUTPUTS = Path("native", "checks", "outputs")  # the fork's check that leaves what models say
KEPT = "outputs"  # below the state folder: VARIANT/baseline and VARIANT/build
SIDES: tuple[Kind, Kind] = ("baseline", "build")
_SIDE: dict[Kind, str] = {"baseline": "the baseline", "build": "the fork"}
MOST_TOLD = 12  # tests listed of one kind

# Operations, and a regular expression over their parameters: the usual extent. All of upstream's cases take
# ten minutes and more of a processor on each side, these one: products of every type with rows of 256 numbers, and what
# stands around them in a model.
SUBSET = (
    (("MUL_MAT", "MUL_MAT_ID"), "n=(1|16|32),k=256"),
    (("ROPE", "SOFT_MAX", "RMS_NORM", "ADD", "MUL", "CONT", "SWIGLU", "GEGLU"), ""),
)
WHOLE: tuple[tuple[tuple[str, ...], str], ...] = (((), ""),)


@dataclass(frozen=True, slots=True)
class _Part:
    """One of the three comparisons of a variant.

    told -- what is to be said of it below the tables
    devices -- what emulated devices said
    """

    what: str
    said: str
    seconds: float
    green: bool
    ran: bool = True
    told: tuple[Painted, ...] = ()
    devices: tuple[Said, ...] = ()


@dataclass(frozen=True, slots=True)
class _Pair:
    """Both builds of one variant."""

    setting: Setting
    project: Project
    baseline: Bench
    fork: Bench

    @property
    def sides(self) -> tuple[Bench, Bench]:
        """Both, the baseline first."""
        return self.baseline, self.fork


@dataclass(frozen=True, slots=True)
class _Case:
    """A row of the table of cases."""

    variant: Cell
    compared: Compared
    judged: Judged

    @property
    def cells(self) -> tuple[Cell, ...]:
        said = Painted(self.judged.said, "green" if self.judged.green else "red")
        figures = self.compared.figures
        if figures is None:
            return (self.variant, self.compared.case, "", "", "", "", "", said)
        numbers = (f"{figures.baseline:.4f}", f"{figures.fork:.4f}", f"{figures.divergence:.1e}", f"{figures.nmse:.1e}")
        return (self.variant, self.compared.case, *numbers, f"{figures.agreement:.1%}", said)


_CASES = ("variant", "case", "perplexity", "of the fork", "KL divergence", "NMSE", "same top token", "outputs")
_PARTS = ("variant", "compared", "found", "seconds", "verdict")


def report(
    setting: Setting,
    project: Project,
    stand: Stand,
    abilities: Sequence[Ability],
    notes: tuple[Block, ...],
    *,
    extent: Extent = Extent.USUAL,
) -> Report:
    """Compare built variants of the fork with the baseline, which is built where it is not there; red on a difference.

    Not green either: a variant of which nothing ran; a session in which every variant was skipped.
    Raises RequestError for a patch whose `Changes-Output:` cannot be read.
    """
    declared = _declared(project)
    bare = pristine(project, stand)
    rows: list[_Case] = []
    parts: list[tuple[Ability, _Part]] = []
    for ability in abilities:
        if not ability.runs:
            why = needs.skipped(ability, ability.lacking_to_run, probes.system())
            parts.append((ability, _Part("all", f"skipped: {why}", 0.0, green=True, ran=False)))
            continue
        _build_baseline(setting, project, stand, bare, ability)
        found, said = _outputs_of(setting, project, ability, declared)
        rows += found
        parts.append((ability, said))
        if extent is not Extent.OUTPUTS:
            tested = _tests_of(setting, project, stand, bare, ability, extent)
            parts += [(ability, part) for part in tested]
    cases = (Table(_CASES, tuple(row.cells for row in rows), prose=("outputs",)), "") if rows else ()
    summary = Table(_PARTS, tuple(_row(ability, part) for ability, part in parts), prose=("found",))
    told = [block for ability, part in parts for block in _told(ability.shown, part)]
    devices = [said for _, part in parts for said in part.devices]
    homeless = _homeless(project, declared)
    green = any(part.ran for _, part in parts) and all(part.green for _, part in parts) and not homeless
    blocks = (*notes, "", *cases, summary, *told, *homeless, *emulating.blocks(devices))
    code = ExitCode.IN_STEP if green else ExitCode.ANSWER_IS_NO
    judged = [{"variant": _name(row), "case": row.compared.case, "as_pin": row.judged.green} for row in rows]
    return Report(blocks, code, more={"cases": judged} | emulating.document(devices))


def _name(row: _Case) -> str:
    return row.variant if isinstance(row.variant, str) else row.variant.text


def _row(ability: Ability, part: _Part) -> tuple[Cell, ...]:
    name = of_variant(ability.name, ability.variant)
    verdict = Painted("as the pin", "green") if part.green else Painted("FAILED", "red")
    return (name, part.what, part.said, f"{part.seconds:.0f}", verdict if part.ran else Painted("skipped", "yellow"))


def _told(name: str, part: _Part) -> list[Painted]:
    return [replace(one, text=f"{name}, {part.what}: {one.text}") for one in part.told]


def _declared(project: Project) -> tuple[Change, ...]:
    """Read what the patches say that they change in outputs."""
    found: list[Change] = []
    for patch in project.queue.patches:
        for trailer in patch.trailer_values(changes.TRAILER):
            try:
                found += changes.parse(patch.title, trailer)
            except ValueError as error:
                where = f"{PATCHES}/{patch.name}"
                raise RequestError("check", where, f"`{changes.TRAILER}:` {error}", "mend the trailer") from error
    return tuple(found)


def _homeless(project: Project, declared: Sequence[Change]) -> list[Painted]:
    """Say which patterns are about a variant that there is not."""
    odd = [one for one in declared if not any(one.holds_of(name) for name in project.declaration.variant)]
    return [Painted(f"{one.patch}: `{changes.TRAILER}: {one}` is about no variant of fork.toml", "red") for one in odd]


def _build_baseline(setting: Setting, project: Project, stand: Stand, bare: Made, ability: Ability) -> None:
    """Build the baseline of a variant, if that of this very pin is not there."""
    identity = Identity(bare.stand.made.tree, bare.stand.pin.sha, bare.project.queue.digest())
    folder = folder_of(project, "baseline", ability.name) / "build"
    if builds.freshness(with_kits(project, ability), build=folder, identity=identity) is not Freshness.PRESENT:
        make_baseline(setting, project, stand, ability.name)


# what models say ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Wrote:
    """What one side left.

    bad -- why that is no answer, "" where it is one; excuse -- where fork.toml expects that
    said -- what its emulated device said, None where none was to
    """

    outputs: dict[str, Output]
    bad: str
    excuse: str = ""
    said: Said | None = None


def _outputs_of(
    setting: Setting, project: Project, ability: Ability, declared: Sequence[Change]
) -> tuple[list[_Case], _Part]:
    """Compare what the models say on both sides."""
    started = time.monotonic()
    sides = []
    for number, kind in enumerate(SIDES):
        setting.on_progress(f"{ability.name}: what models say", number, len(SIDES))
        sides.append(_written(project, ability, kind))
    setting.on_progress(f"{ability.name}: what models say", 1, 1)
    baseline, fork = sides
    if baseline.excuse and fork.excuse:
        part = _Part("outputs", baseline.excuse, time.monotonic() - started, green=True, ran=False)
        return [], part
    exact, name, shown = ability.variant.exact, ability.name, of_variant(ability.name, ability.variant)
    rows = []
    for case in sorted({*baseline.outputs, *fork.outputs}):
        compared = outputs.compare(case, baseline.outputs.get(case), fork.outputs.get(case))
        rows.append(_Case(shown, compared, outputs.judge(compared, exact=exact, variant=name, changes=declared)))
    told = [
        Painted(f"{row.compared.case}: {row.compared.because}", "yellow" if row.judged.green else "red")
        for row in rows
        if row.compared.because
    ]
    vain = changes.vain(declared, name, [row.compared.case for row in rows])
    wrong = [f"{one.patch}: `{changes.TRAILER}: {one}` names no case of {name}" for one in vain]
    wrong += [f"{side}: {one.bad}" for side, one in zip(("the baseline", "the fork"), sides, strict=True) if one.bad]
    said = _compared(baseline.said, fork.said)
    wrong += [f"{one.check}: {one.wrong}" for one in said if one.wrong]
    told += [Painted(one, "red") for one in wrong]
    green = bool(rows) and all(row.judged.green for row in rows) and not wrong
    seconds = time.monotonic() - started
    return rows, _Part("outputs", _totals(rows, exact=exact), seconds, green, told=tuple(told), devices=said)


def _compared(baseline: Said | None, fork: Said | None) -> tuple[Said, ...]:
    """Give what the emulated devices of both sides said: of the fork's, only what the baseline's has not is wrong.

    The baseline's complaints are upstream's, but it must have run.
    """
    if baseline is None or fork is None:
        return ()
    known = baseline if baseline.found is None else replace(baseline, wrong="")
    return (known, emulating.beside_baseline(fork, baseline))


def _totals(rows: Sequence[_Case], *, exact: bool) -> str:
    counts = [(one, sum(row.compared.likeness is one for row in rows)) for one in Likeness]
    said = ", ".join(f"{number} {one.value}" for one, number in counts if number)
    unsteady = sum(not row.compared.steady for row in rows)
    noise = f"; {unsteady} differ from run to run" if unsteady else ""
    demand = "bits are demanded" if exact else f"demanded: NMSE of {outputs.NMSE:g} at most"
    return f"{count(len(rows), 'case')}: {said}{noise} ({demand})" if rows else "no case ran on either side"


def _written(project: Project, ability: Ability, kind: Kind) -> _Wrote:
    """Have the models of one side say what they say; a server that does not start is its answer."""
    folder = project.root / STATE / KEPT / ability.name / kind
    shutil.rmtree(folder, ignore_errors=True)
    try:
        with ready(project, ability, kind) as bench:
            before = bench.clients
            options = (*device_options(project, bench), f"--outputs={folder}")
            where = [project.root / OUTPUTS]
            done = checks.run_checks(where, source=bench.source, build=bench.build, options=options, env=bench.env)
            said = emulating.of_test(bench, f"outputs of {_SIDE[kind]}", 0, passed=done.passed)
            bad, excuse = _stood(bench, done)
            if not bad and bench.went_elsewhere(before):
                bad = ELSEWHERE
    except OutsideError as error:
        return _Wrote({}, f"{error.thing}: {error.found}")
    files = {name: data for name in disk.names_below(folder) if (data := disk.read(folder / name)) is not None}
    try:
        return _Wrote(outputs.read(files), bad, excuse, said)
    except ValueError as error:
        return _Wrote({}, f"{folder}: {error}")


def _stood(bench: Bench, done: ChecksResult) -> tuple[str, str]:
    """Say why a run is no answer, and whether fork.toml excuses that."""
    none = bench.variant.expected("models").none
    stood = standing.of_checks(done, checksreport.judge(done), none=none, crash=bench.crash)
    match stood.standing:
        case Standing.PASSED:
            return "", ""
        case Standing.NONE_DECLARED | Standing.DEVICE_CRASHES:
            return stood.because, f"{stood.standing.value}: {stood.because}"
        case Standing.FAILED | Standing.SKIPPED:
            return stood.because, ""


# upstream's tests ---------------------------------------------------------------------------------------------------


def _tests_of(
    setting: Setting, project: Project, stand: Stand, bare: Made, ability: Ability, extent: Extent
) -> list[_Part]:
    """Run upstream's own tests on both sides."""
    with ExitStack() as stack:
        try:
            baseline, fork = (stack.enter_context(ready(project, ability, kind)) for kind in SIDES)
        except OutsideError as error:
            return [_Part("operations", f"{error.thing}: {error.found}", 0.0, green=False)]
        pair = _Pair(setting, project, baseline, fork)
        return [_operations(pair, WHOLE if extent is Extent.WHOLE else SUBSET), _suite(pair, stand, bare)]


def _operations(pair: _Pair, wanted: Sequence[tuple[tuple[str, ...], str]]) -> _Part:
    """Compare the operations, case by case."""
    started = time.monotonic()
    baseline, fork = (_ran_operations(pair, bench, wanted) for bench in pair.sides)
    tests = failures.compare(baseline.results, fork.results)
    idle = not any(failures.of(tests, one) for one in (failures.Change.PASSES, failures.Change.NEW))
    devices = _compared(baseline.said, fork.said)
    wrong = [Painted(f"{one.check}: {one.wrong}", "red") for one in devices if one.wrong]
    seconds = time.monotonic() - started
    none = pair.fork.variant.expected("ops").none
    if (none or pair.fork.crash) and idle and not wrong:  # it excuses no case that only the baseline passes
        said = f"not supported (declared): {none}" if none else f"device crashes: {fork.ended}"
        return _Part("operations", said, seconds, green=True, ran=False)
    told = _lists(tests)
    if fork.ended:
        known = f"; so does the baseline: {baseline.ended}" if baseline.ended else ""
        told.append(Painted(f"the fork: {fork.ended}{known}", "yellow" if known else "red"))
    green = failures.is_green(tests) and (not fork.ended or bool(baseline.ended)) and not wrong
    return _Part("operations", failures.totals(tests, "case"), seconds, green, told=(*told, *wrong), devices=devices)


@dataclass(frozen=True, slots=True)
class _Operations:
    """The cases of one side.

    ended -- what kept the program from running all, "" for nothing
    said -- what its emulated device said, None where none was to
    """

    results: dict[str, failures.Result]
    ended: str
    said: Said | None


def _ran_operations(pair: _Pair, bench: Bench, wanted: Sequence[tuple[tuple[str, ...], str]]) -> _Operations:
    """Run operation tests of one side, without those that are known to crash its device."""
    env, known = ops_env(pair.project, bench), bench.crash.operations if bench.crash else ()
    there = [one for one in checks.operations(bench.build) if one not in known]
    results: dict[str, failures.Result] = {}
    ended, passed, before = [], 0, len(bench.lines)
    lines = itertools.count(1)
    shown = f"operations of {'the fork' if bench is pair.fork else 'the baseline'}"
    side = f"{bench.name}: {shown}"
    for names, pattern in wanted:
        asked = tuple(one for one in names if one in there) if names else tuple(there) if known else ()
        ran = checks.run_ops(
            bench.build,
            bench.variant.device,
            pattern,
            operations=asked,
            env=env,
            on_case=lambda: pair.setting.on_progress(side, next(lines), 0),
        )
        results |= opsreport.results(ran)
        passed += ran.counts[opsreport.OpsResult.OK]
        verdict = opsreport.judge(ran)
        if verdict.answer not in _SOUND:
            ended.append(verdict.because)
    pair.setting.on_progress(side, 1, 1)
    return _Operations(results, "; ".join(ended), emulating.of_test(bench, shown, before, passed=passed))


# The program came to its end; that cases failed, or that there were none, is seen in the cases.
_SOUND = {opsreport.OpsAnswer.PASSED, opsreport.OpsAnswer.FAILED, opsreport.OpsAnswer.NOTHING_RAN}


def _suite(pair: _Pair, stand: Stand, bare: Made) -> _Part:
    """Compare upstream's CTest suite, as far as it builds; operations are compared by themselves."""
    started = time.monotonic()
    results = []
    for bench, made in zip(pair.sides, (bare.stand, stand), strict=True):
        listing = suite.tests(bench.build)
        targets = suite.targets(listing, bench.source)
        if targets:
            variant = with_kits(pair.project, bench.ability)
            if variant.targets:  # without any all was built, of this very tree
                suite.clear(
                    listing, bench.build, but=[one for name in variant.targets for one in variants.names_of(name)]
                )
            builds.build_more(variant, source=bench.source, build=bench.build, targets=targets)
        try:
            results.append(
                suite.run(bench.build, but=[checks.OPS_PROGRAM.name], env=bench.env) if listing.names else {}
            )
        finally:
            _restore(pair, bench, made)
    tests = failures.compare(*results)
    doubtful = [test.name for test in failures.of(tests, failures.Change.NEW)]
    if doubtful:
        again = failures.compare(*(suite.run(bench.build, only=doubtful, env=bench.env) for bench in pair.sides))
        for bench, made in zip(pair.sides, (bare.stand, stand), strict=True):
            _restore(pair, bench, made)
        tests = failures.confirmed(tests, again)
    said = failures.totals(tests, "test")
    return _Part(
        "upstream's tests", said, time.monotonic() - started, failures.is_green(tests), told=tuple(_lists(tests))
    )


def _restore(pair: _Pair, bench: Bench, made: Stand) -> None:
    """Take away what tests wrote into the tree that was built."""
    records = pair.project.root / STATE / "materialised"
    materialising.materialise(
        made.store,
        made.made.tree,
        bench.source,
        records,
        overwrite=True,
        on_progress=pair.setting.on_progress,
    )


_TOLD = {
    failures.Change.NEW: "red",
    failures.Change.UNSTEADY: "yellow",
    failures.Change.FIXED: "green",
    failures.Change.KNOWN: "dim",
}


def _lists(tests: tuple[Tried, ...]) -> list[Painted]:
    """List what did not simply pass on both sides."""
    told: list[Painted] = []
    for change, colour in _TOLD.items():
        found = failures.of(tests, change)
        told += [Painted(f"{change.value}: {one.name}: {one.why}", colour) for one in found[:MOST_TOLD]]
        if len(found) > MOST_TOLD:
            told.append(Painted(f"{change.value}: … and {len(found) - MOST_TOLD} more", colour))
    return told
