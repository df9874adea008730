"""How fast the fork is beside the pristine pin (`bench throughput`).

Imported late, by `clocking`.
"""

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import msgspec

from forkkeeper.core import benches, declaration, ids, needs
from forkkeeper.core.benches import BOTH, INSTRUCTIONS, TIME, Asked, Bench, Instructions
from forkkeeper.core.needs import Ability
from forkkeeper.core.report import Block, Cell, Painted, Report, Table, count, said
from forkkeeper.core.speed import Speed
from forkkeeper.errors import ExitCode, OutsideError, RequestError
from forkkeeper.flow import doctoring, measuring
from forkkeeper.flow.building import Made, pristine
from forkkeeper.flow.measuring import Compared, Measured, Rig, Side, Taken
from forkkeeper.flow.standing import Setting, Stand, composed, near_hint, open_fork
from forkkeeper.stages import bench as stage, probe as probes, project as projects, results
from forkkeeper.stages.project import Project

METRICS = (TIME, INSTRUCTIONS, BOTH)
RECORDS = "bench"  # below .forkkeeper/: what every run said, with all that it measured
STORAGE = "benchmarks"  # below .forkkeeper/: the same times as pytest-benchmark keeps them
COLOURS = {Speed.FASTER: "green", Speed.SAME: "green", Speed.SLOWER: "red", Speed.INCONCLUSIVE: "yellow"}
_HEADERS = ("variant", "model", "test", "baseline", "fork", "fork takes", "told apart from", "pairs", "verdict")


@dataclass(frozen=True, slots=True)
class Comparison:
    """The two sides of one variant, ready to be measured."""

    rig: Rig
    baseline: Side
    fork: Side


def bench(setting: Setting, asked: Asked) -> Report:
    """Compare the fork's throughput with the baseline's; see `clocking.bench`."""
    if asked.metric not in METRICS:
        raise RequestError("bench", f"metric {asked.metric}", "is none", near_hint(asked.metric, METRICS, "metrics"))
    project, upstream, notes = open_fork(setting, "bench")
    declared = declared_bench(project, asked)
    blocks: list[Block] = []
    rows: list[tuple[Cell, ...]] = []
    measured: list[dict[str, object]] = []
    slower = 0
    jobs = tuple(_jobs(project, declared, asked))  # all of them are able to, before the first one takes its minutes
    together = sum(what == TIME for what, _ in jobs)
    with composed(project, upstream, step="bench") as stand:
        for what, ability in jobs:
            how = declared.instructions
            comparison = enter(setting, project, stand, ability, declared, together=together or 1)
            if what == TIME:
                found = measuring.by_time(comparison.rig, comparison.baseline, comparison.fork)
            elif how is not None:
                found = measuring.by_instructions(comparison.rig, how, comparison.baseline, comparison.fork)
            rows += [row_of(ability.name, row) for row in found.rows]
            measured += [_measured(ability.name, what, row) for row in found.rows]
            slower += sum(row.judged.speed is Speed.SLOWER for row in found.rows)
            blocks += [*keep(comparison, stand, what, found), *_reasons(ability.name, found)]
    machine = stage.machine(probes.processor())
    heads = (f"baseline {said(stand.pin)} against the fork, tree {ids.short(stand.made.tree)}", said_of(machine))
    table = Table(_HEADERS, tuple(rows), prose=("verdict",))
    code = ExitCode.ANSWER_IS_NO if slower else ExitCode.IN_STEP
    return Report((*notes, *heads, "", table, *blocks), code, more={"measured": measured})


def _measured(variant: str, metric: str, row: Compared) -> dict[str, object]:
    """Give a row with its samples: seconds of each process, or instructions."""
    judged = row.judged
    if row.counted is None:
        sides = [[getattr(pair, side) for pair in row.pairs] for side in ("baseline", "fork")]
    else:
        sides = [[one.first, one.second] for one in row.counted]
    return {
        "variant": variant,
        "metric": metric,
        "model": row.model,
        "test": row.test,
        "baseline": sides[0],
        "fork": sides[1],
        "change": judged.change,
        "low": judged.low,
        "high": judged.high,
        "verdict": judged.speed.value,
    }


def declared_bench(project: Project, asked: Asked) -> Bench:
    """Give what is declared, with what was asked for instead; only the models that were named."""
    found = project.declaration.bench
    known = [model.name for model in found.model]
    for name in asked.models:
        if name not in known:
            raise RequestError("bench", f"model {name}", "is not in fork.toml", near_hint(name, known, "models"))
    changed = msgspec.structs.replace(
        found,
        seconds=found.seconds if asked.seconds is None else asked.seconds,
        effect=found.effect if asked.effect is None else asked.effect / 100,
        model=tuple(model for model in found.model if not asked.models or model.name in asked.models),
    )
    benches.check(changed, frozenset(project.declaration.variant))
    return changed


def _jobs(project: Project, declared: Bench, asked: Asked) -> Iterator[tuple[str, Ability]]:
    """Give what is measured on which variant, each of them able to."""
    how = declared.instructions
    if asked.metric == INSTRUCTIONS and how is None:
        raise RequestError("bench", declaration.FILE, "declares no [bench.instructions]", "add it, or measure time")
    if asked.metric == INSTRUCTIONS and asked.variants and how is not None and set(asked.variants) != {how.variant}:
        found, hint = f"instructions are counted on {how.variant} alone", "leave the variant out, or --metric time"
        raise RequestError("bench", f"variant {', '.join(asked.variants)}", found, hint)
    if asked.metric != TIME and how is not None:
        stage.valgrind()
    wanted: list[tuple[str, str]] = []
    if asked.metric != INSTRUCTIONS:
        wanted += [(TIME, name) for name in asked.variants or usual(project)]
    if asked.metric != TIME and how is not None:
        wanted += [(INSTRUCTIONS, how.variant)]
    names = doctoring.known(project.declaration, [name for _, name in wanted], "bench")
    abilities = {one.name: one for one in doctoring.examine(project.root, project.declaration, names)}
    for what, name in wanted:
        yield what, able(abilities[name])


def usual(project: Project) -> tuple[str, ...]:
    """Give the variant whose time is measured where none was named."""
    declared = tuple(project.declaration.variant)
    return ("cpu",) if "cpu" in declared else declared[:1]


def able(ability: Ability) -> Ability:
    """Raise OutsideError for a variant that cannot be built or run on this machine, RequestError for an emulation."""
    if ability.is_emulated:
        found = "its device is emulated on this machine, and emulation says nothing of speed"
        hint = f"measure it where the device is real, or another variant: `forkkeeper doctor {ability.name}`"
        raise RequestError("bench", f"variant {ability.shown}", found, hint)
    if not (ability.builds and ability.runs):
        lacking = (*ability.lacking, *ability.lacking_to_run)
        found = needs.skipped(ability, lacking, probes.system())
        raise OutsideError("bench", f"variant {ability.name}", found, f"`forkkeeper doctor {ability.name}`")
    return ability


def enter(
    setting: Setting, project: Project, stand: Stand, ability: Ability, declared: Bench, *, together: int = 1
) -> Comparison:
    """Build both sides of a variant, where they are not here. together -- how many variants are judged in this call."""
    rig = measuring.rig(setting, project, ability, declared, together=together)
    baseline = measuring.side(rig, pristine(project, stand), "baseline")
    return Comparison(rig, baseline, measuring.side(rig, Made(project, stand), "fork"))


def row_of(variant: str, row: Compared) -> tuple[Cell, ...]:
    """Make a row of the table."""
    judged = row.judged
    if row.counted is None:
        sides = [median(getattr(pair, side) for pair in row.pairs) for side in ("baseline", "fork")]
        numbers = [f"{row.tokens / seconds:.1f} t/s" for seconds in sides]
        places, pairs = 1, str(judged.pairs)
    else:
        numbers = [f"{min(one.first, one.second):,}" for one in row.counted]
        places, pairs = 3, "counted"
    takes = f"{judged.change:+.{places}%} ({judged.low:+.{places}%} … {judged.high:+.{places}%})"
    verdict = Painted(judged.speed.value, COLOURS[judged.speed])
    return (variant, row.model, row.test, *numbers, takes, f"{judged.floor:.{places}%}", pairs, verdict)


def _reasons(variant: str, found: Measured) -> Iterator[Block]:
    for row in found.rows:
        if row.judged.speed in {Speed.SLOWER, Speed.INCONCLUSIVE}:
            text = f"{variant}, {row.model}, {row.test}: {row.judged.speed.value}: {row.judged.because}"
            yield Painted(text, COLOURS[row.judged.speed])


def said_of(machine: stage.Machine) -> str:
    """Say what a measurement was made on."""
    governor = f", governor {machine.governor}" if machine.governor else ""
    return f"on {machine.processor}, {count(machine.cores, 'core')}, {machine.system}{governor}"


def keep(comparison: Comparison, stand: Stand, what: str, found: Measured) -> Iterator[Block]:
    """Keep what was measured, and say where."""
    state, name = comparison.rig.project.root / projects.STATE, comparison.rig.ability.name
    record = record_of(
        comparison.rig,
        what,
        comparison.rig.bench.instructions if what == INSTRUCTIONS else None,
        found.taken,
        pin=stand.pin.sha,
        baseline=comparison.baseline.tree,
        fork=comparison.fork.tree,
        seconds=found.seconds,
        rows=found.rows,
    )
    path = results.keep(state / RECORDS, f"{name}-{what}", record)
    kept = path.relative_to(comparison.rig.project.root)
    yield f"{name}: {what}: {found.seconds:.0f} s; all that was measured is in {kept}"
    if what == TIME:
        for side, commit in (("baseline", stand.pin.sha), ("fork", stand.made.tree)):
            series = [
                results.Series(
                    f"{row.model}, {row.test}",
                    name,
                    tuple(getattr(pair, side) for pair in row.pairs),
                    {"verdict": row.judged.speed.value, "tokens": row.tokens},
                )
                for row in found.rows
            ]
            results.store(state / STORAGE, f"{name}-{side}", series, commit=commit, is_dirty=side == "fork")
        shown = shlex.join(["pytest-benchmark", "--storage", f".forkkeeper/{STORAGE}", "compare"])
        yield f"  to see the times side by side: {shown} --group-by=name"


def record_of(rig: Rig, what: str, how: Instructions | None, runs: Sequence[Taken], **found: Any) -> dict[str, Any]:
    """Give all of a measurement as it is kept. found -- what is to be kept beside how and on what it was made."""
    return {
        "schema": 1,
        "variant": rig.ability.name,
        "metric": what,
        "machine": stage.machine(probes.processor()),
        "device": doctoring.device_of(rig.ability),
        "bench": rig.bench,
        "instructions": how,
        **found,
        "runs": runs,
    }
