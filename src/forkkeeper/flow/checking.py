"""Verdicts on builds (`check`): upstream's operation tests, the fork's checks; of patches: `witnessing`, `undoing`."""

import itertools
import os
import shlex
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from forkkeeper.core import checksreport, needs, opsreport, standing
from forkkeeper.core.needs import Ability
from forkkeeper.core.opsreport import OpsResult
from forkkeeper.core.report import Block, Cell, Painted, Report, Table
from forkkeeper.core.standing import Standing, Stood
from forkkeeper.core.variants import TESTS, Crash, Variant
from forkkeeper.errors import ExitCode, OutsideError, RequestError
from forkkeeper.flow import doctoring, undoing, witnessing
from forkkeeper.flow.building import folder_of, with_kits
from forkkeeper.flow.standing import Setting, Stand, composed, near_hint, open_fork
from forkkeeper.stages import build as builds, check as checks, kit as kits, probe as probes, serving as servers
from forkkeeper.stages.build import Freshness, Identity
from forkkeeper.stages.project import Project
from forkkeeper.stages.serving import Serving

CHECKS = "native/checks"  # the fork's own checks: the witnesses, bf16/ and models/
BF16, OPS, MODELS, WITNESS, DELETIONS = "bf16", "ops", "models", "witness", "deletions"


@dataclass(frozen=True, slots=True)
class Tested:
    """One row of the table of tests: what ran on a variant's device, and how it stands.

    hint -- what to type when it is red, "" where its output was shown
    """

    variant: str
    device: str
    check: str
    passed: int
    failed: int
    skipped: int
    seconds: float
    stood: Stood
    hint: str = ""

    @property
    def cells(self) -> tuple[Cell, ...]:
        """The row."""
        numbers = (self.passed + self.failed, self.passed, self.skipped)
        said = Painted(self.stood.standing.value, standing.COLOURS[self.stood.standing])
        return (self.variant, self.device, self.check, *map(str, numbers), f"{self.seconds:.1f}", said)


@dataclass(frozen=True, slots=True)
class _Bench:
    """A built variant made ready to be tested.

    declared -- what it and its kits put into the environment of the build's programs
    serving -- its server, None for a variant without one
    """

    name: str
    variant: Variant
    ability: Ability
    folder: Path
    declared: Mapping[str, str]
    serving: Serving | None

    @property
    def env(self) -> Mapping[str, str]:
        return {**os.environ, **self.declared}

    @property
    def build(self) -> Path:
        return self.folder / "build"

    @property
    def device(self) -> str:
        found = doctoring.device_of(self.ability)
        return f"{self.variant.device}: {found}" if found else self.variant.device

    @property
    def crash(self) -> Crash | None:
        """The declared crash that holds of this device and its driver."""
        if self.ability.device is None:
            return None
        found = self.ability.device
        return standing.known_crash(self.variant.crash, found.device, found.used.version)


def check(setting: Setting, what: str, variants: Sequence[str], *, strict: bool = False) -> Report:
    """Run checks on what was built; red when one fails, or when none ran.

    what -- "bf16", "ops", "models" or several of these with commas, "witness", "deletions" (which needs no build), or a
        file or folder of checks
    variants -- those to check; none: all that were built of the present tree
    strict -- a device that is known to crash, and a variant that cannot run here, are failures as well
    """
    project, upstream, notes = open_fork(setting, "check")
    with composed(project, upstream, step="check") as stand:
        if what == DELETIONS:
            return _noted(notes, undoing.report(project, upstream, stand))
        abilities, stale = _present(project, stand, variants)
        if what == WITNESS:
            names = [one.name for one in abilities]
            return _noted(notes, witnessing.report(setting, project, upstream, stand, names))
        tested = [
            row for ability in abilities for row in _tests(setting, project, ability, _wanted(setting.here, what))
        ]
    left = tuple(
        Painted(f"{name}: left out, as it was built from another tree or with other options", "dim") for name in stale
    )
    table = Table(_HEADERS, tuple(row.cells for row in tested), prose=("device", "check", "verdict"))
    green = standing.exits_green([row.stood.standing for row in tested], strict=strict)
    return Report((*notes, *left, "", table, *_reasons(tested)), ExitCode.IN_STEP if green else ExitCode.ANSWER_IS_NO)


def _noted(notes: Sequence[Block], report: Report) -> Report:
    return replace(report, blocks=(*notes, *report.blocks))


_HEADERS = ("variant", "device", "check", "cases", "passed", "skipped", "seconds", "verdict")


_TO_SEE = frozenset({Standing.FAILED, Standing.DEVICE_CRASHES})


def _reasons(tested: Sequence[Tested]) -> tuple[Block, ...]:
    """Say why of every row that did not pass."""
    rows = [row for row in tested if row.stood.standing is not Standing.PASSED]
    return tuple(
        Painted(
            f"{row.variant}, {row.check}: {row.stood.because}"
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
        hint = near_hint(odd, (*TESTS, WITNESS, DELETIONS), "or a path; tests")
        raise RequestError("check", odd, "no such check, and no file or folder of checks", hint)
    return (what,)


def _tests(setting: Setting, project: Project, ability: Ability, wanted: Sequence[str]) -> Iterator[Tested]:
    """Run tests on one variant, its server up meanwhile; what keeps one from running never stops other variants."""
    name, device = ability.name, ability.variant.device
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
    variant, folder = ability.variant, folder_of(project, "build", ability.name)
    declared = dict(variant.environment)
    for kit in ability.beside:
        declared |= kits.environment(project.root, kit, project.declaration.kit[kit])
    bench = _Bench(ability.name, variant, ability, folder, declared, None)
    with ExitStack() as stack:
        if variant.server is not None:
            serving = stack.enter_context(servers.serving(variant.server, bench.build, bench.env))
            bench = replace(bench, serving=serving)
        for what in wanted:
            yield from _run(setting, project, bench, what)


def _run(setting: Setting, project: Project, bench: _Bench, what: str) -> Iterator[Tested]:
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


def _ops(setting: Setting, project: Project, bench: _Bench, what: str, pattern: str) -> Iterator[Tested]:
    """Run upstream's operation tests; operations that are known to crash this device each by themselves."""
    crash = bench.crash
    alone = crash.operations if crash else ()
    rest = tuple(one for one in checks.operations(bench.build) if one not in alone) if alone else ()
    for chosen, known in ((rest, None), *(((one,), crash) for one in alone)):
        yield _op(setting, project, bench, what, pattern, chosen, known)


def _op(
    setting: Setting,
    project: Project,
    bench: _Bench,
    what: str,
    pattern: str,
    chosen: tuple[str, ...],
    known: Crash | None,
) -> Tested:
    started, before = time.monotonic(), bench.serving.clients if bench.serving else 0
    shown = "upstream's cases" + (f" of {chosen[0]}" if known else "")
    lines = itertools.count(1)
    report = checks.run_ops(
        bench.build,
        bench.variant.device,
        pattern,
        operations=chosen,
        env=_ops_env(project, bench),
        on_case=lambda: setting.on_progress(f"{bench.name}: {shown}", next(lines), 0),
    )
    setting.on_progress(f"{bench.name}: {shown}", 1, 1)
    expected = bench.variant.expected(what).none
    stood = standing.of_ops(report, opsreport.judge(report), none=expected, crash=known)
    counts = report.counts
    return Tested(
        bench.name,
        bench.device,
        shown,
        counts[OpsResult.OK],
        counts[OpsResult.FAIL],
        counts[OpsResult.NOT_SUPPORTED],
        time.monotonic() - started,
        _through(stood, bench, before),
        "to see it again: " + shlex.join(checks.ops_argv(bench.build, bench.variant.device, pattern, chosen)),
    )


def _ops_env(project: Project, bench: _Bench) -> Mapping[str, str]:
    """Give the environment of upstream's test program: with a server, what makes the program know of it."""
    server = bench.variant.server
    if server is None or bench.serving is None:
        return bench.env
    env = {name: text.replace("{server}", bench.serving.address) for name, text in server.environment.items()}
    if server.preload:
        made = servers.preload(project.root / server.preload, tree=bench.folder / "src", build=bench.build)
        env["LD_PRELOAD"] = str(made)
    return {**bench.env, **env}


def _through(stood: Stood, bench: _Bench, before: int) -> Stood:
    """Take back a pass that never went through the server."""
    if stood.standing is Standing.PASSED and bench.serving is not None and bench.serving.clients <= before:
        return Stood(Standing.FAILED, "did not go through the server: it logged no client")
    return stood


def _checks(project: Project, bench: _Bench, path: Path, what: str) -> Tested:
    """Run the fork's checks at a path."""
    started, before = time.monotonic(), bench.serving.clients if bench.serving else 0
    options = _device_options(project, bench) if what == MODELS else ()
    result = checks.run_checks([path], source=bench.folder / "src", build=bench.build, options=options, env=bench.env)
    judged = checksreport.judge(result)
    shown = path.relative_to(project.root).as_posix() if path.is_relative_to(project.root) else what
    if what == MODELS:
        none = bench.variant.expected(what).none
        stood = _through(standing.of_checks(result, judged, none=none, crash=bench.crash), bench, before)
    else:
        stood = Stood(Standing.PASSED if judged.passed else Standing.FAILED, judged.because)
    device = bench.device if what == MODELS else probes.processor()
    seconds = time.monotonic() - started
    return Tested(bench.name, device, shown, result.passed, len(result.failed), result.skipped, seconds, stood)


def _device_options(project: Project, bench: _Bench) -> tuple[str, ...]:
    """Give what the checks that run models are told of the device.

    The environment is given as options: the checks keep what steers llama.cpp's tools from being inherited.
    """
    address = bench.serving.address if bench.serving else ""
    words = shlex.join(one.replace("{server}", address) for one in bench.variant.options)
    store = project.root / ".forkkeeper" / "models"
    env = (f"--tool-env={name}={text}" for name, text in bench.declared.items())
    return (f"--tool-options={words}", f"--proof={bench.variant.proof}", f"--models={store}", *env)


def _present(project: Project, stand: Stand, names: Sequence[str]) -> tuple[tuple[Ability, ...], tuple[str, ...]]:
    """Give the variants to check, those named or all built of the present tree; and those left out as stale."""
    asked = doctoring.known(project.declaration, names, "check")
    identity = Identity(stand.made.tree, stand.pin.sha, project.queue.digest())
    present, stale = [], []
    for ability in doctoring.examine(project.root, project.declaration, asked):
        name, variant = ability.name, with_kits(project, ability)
        folder = folder_of(project, "build", name) / "build"
        hint = f"`nox -s build_{name}`, or `forkkeeper build {name}`"
        match builds.freshness(variant, build=folder, identity=identity):
            case Freshness.PRESENT:
                present.append(ability)
            case Freshness.STALE:
                if names:
                    found = "was built from another tree or with other options"
                    raise RequestError("check", f"variant {name}", found, hint)
                stale.append(name)
            case Freshness.ABSENT:
                if names:
                    raise RequestError("check", f"variant {name}", "is not built", hint)
    if not present:
        first = (stale or asked)[0]
        thing = f"variant {', '.join(stale)}" if stale else "variants"
        found = "was built from another tree or with other options, and no other is built" if stale else "none is built"
        raise RequestError("check", thing, found, f"`nox -s build_{first}`, or `forkkeeper build {first}`")
    return tuple(present), tuple(stale)
