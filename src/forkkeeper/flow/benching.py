"""How fast the fork is beside the pristine pin (`bench throughput`)."""

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

import msgspec

from forkkeeper.core import benches, declaration, ids, needs
from forkkeeper.core.benches import Bench, Instructions
from forkkeeper.core.needs import Ability
from forkkeeper.core.report import Block, Cell, Painted, Report, Table, count, said
from forkkeeper.errors import ExitCode, OutsideError, RequestError
from forkkeeper.flow import doctoring
from forkkeeper.flow.building import Made, pristine
from forkkeeper.flow.standing import Setting, Stand, composed, near_hint, open_fork
from forkkeeper.stages import bench as stage, probe as probes, project as projects
from forkkeeper.stages.project import Project

if TYPE_CHECKING:
    from types import ModuleType

    from forkkeeper.flow.measuring import Compared, Measured, Rig, Side

TIME, INSTRUCTIONS, BOTH = "time", "instructions", "both"
METRICS = (TIME, INSTRUCTIONS, BOTH)
RECORDS = "bench"  # below .forkkeeper/: what every run said, with all that it measured
STORAGE = "benchmarks"  # below .forkkeeper/: the same times as pytest-benchmark keeps them
COLOURS = {"faster": "green", "same": "green", "slower": "red", "inconclusive": "yellow"}
_HEADERS = ("variant", "model", "test", "baseline", "fork", "fork takes", "told apart from", "pairs", "verdict")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a bench was asked for.

    variants -- whose time is measured; none: `cpu` where there is one, else the first that is declared
    metric -- "time", "instructions" or "both"
    models -- names of [[bench.model]]; none: all
    seconds -- for the times of a variant, None for what is declared
    effect -- percent, the difference that is looked for; None for what is declared
    """

    variants: tuple[str, ...] = ()
    metric: str = BOTH
    models: tuple[str, ...] = ()
    seconds: int | None = None
    effect: float | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """The two sides of one variant, ready to be measured."""

    rig: "Rig"
    baseline: "Side"
    fork: "Side"


def percent(text: str | None, option: str = "effect") -> float | None:
    """Read a difference in percent. Raises RequestError for what is none."""
    if text is None:
        return None
    try:
        found = float(text.removesuffix("%"))
    except ValueError:
        found = 0.0
    if not 0 < found < 100:
        raise RequestError("call", f"--{option} {text}", "is no percentage", f"give one, e.g. --{option} 3")
    return found


def measuring() -> "ModuleType":
    """Import what measures: it needs numpy and scipy, which take longer to import than most verbs take to run.

    Raises OutsideError where one of its packages is not installed.
    """
    try:
        from forkkeeper.flow import measuring as found  # noqa: PLC0415 -- see above
    except ModuleNotFoundError as error:
        hint = "python -m pip install numpy scipy pytest-benchmark"
        raise OutsideError("bench", str(error.name), "not installed", hint) from error
    return found


def bench(setting: Setting, asked: Asked) -> Report:
    """Compare the fork's throughput with the baseline's; exit 1 for *slower* alone.

    Raises RequestError for an unknown metric, model or variant, OutsideError for what cannot be built or run.
    """
    if asked.metric not in METRICS:
        raise RequestError("bench", f"metric {asked.metric}", "is none", near_hint(asked.metric, METRICS, "metrics"))
    project, upstream, notes = open_fork(setting, "bench")
    declared = declared_bench(project, asked)
    blocks: list[Block] = []
    rows: list[tuple[Cell, ...]] = []
    slower = 0
    jobs = tuple(_jobs(project, declared, asked))  # all of them are able to, before the first one takes its minutes
    together = sum(what == TIME for what, _ in jobs)
    with composed(project, upstream, step="bench") as stand:
        for what, ability in jobs:
            how = declared.instructions
            comparison = enter(setting, project, stand, ability, declared, together=max(1, together))
            if what == TIME:
                found = measuring().by_time(comparison.rig, comparison.baseline, comparison.fork)
            elif how is not None:
                found = measuring().by_instructions(comparison.rig, how, comparison.baseline, comparison.fork)
            rows += [row_of(ability.name, row) for row in found.rows]
            slower += sum(row.judged.speed.value == "slower" for row in found.rows)
            blocks += [*keep(comparison, stand, what, found), *_reasons(ability.name, found)]
    machine = stage.machine(probes.processor())
    heads = (f"baseline {said(stand.pin)} against the fork, tree {ids.short(stand.made.tree)}", said_of(machine))
    table = Table(_HEADERS, tuple(rows), prose=("verdict",))
    return Report((*notes, *heads, "", table, *blocks), ExitCode.ANSWER_IS_NO if slower else ExitCode.IN_STEP)


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
    """Raise OutsideError for a variant that cannot be built or run on this machine."""
    if not (ability.builds and ability.runs):
        lacking = (*ability.lacking, *ability.lacking_to_run)
        found = needs.skipped(ability, lacking, probes.system())
        raise OutsideError("bench", f"variant {ability.name}", found, f"`forkkeeper doctor {ability.name}`")
    return ability


def enter(
    setting: Setting, project: Project, stand: Stand, ability: Ability, declared: Bench, *, together: int = 1
) -> Comparison:
    """Build both sides of a variant, where they are not here. together -- how many variants are judged in this call."""
    found = measuring()
    rig = found.rig(setting, project, ability, declared, together=together)
    baseline = found.side(rig, pristine(project, stand), "baseline")
    return Comparison(rig, baseline, found.side(rig, Made(project, stand), "fork"))


def row_of(variant: str, row: "Compared") -> tuple[Cell, ...]:
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
    verdict = Painted(judged.speed.value, COLOURS[judged.speed.value])
    return (variant, row.model, row.test, *numbers, takes, f"{judged.floor:.{places}%}", pairs, verdict)


def _reasons(variant: str, found: "Measured") -> Iterator[Block]:
    for row in found.rows:
        if row.judged.speed.value in {"slower", "inconclusive"}:
            text = f"{variant}, {row.model}, {row.test}: {row.judged.speed.value}: {row.judged.because}"
            yield Painted(text, COLOURS[row.judged.speed.value])


def said_of(machine: stage.Machine) -> str:
    """Say what a measurement was made on."""
    governor = f", governor {machine.governor}" if machine.governor else ""
    return f"on {machine.processor}, {count(machine.cores, 'core')}, {machine.system}{governor}"


def keep(comparison: Comparison, stand: Stand, what: str, found: "Measured") -> Iterator[Block]:
    """Keep what was measured, and say where."""
    from forkkeeper.stages import results  # noqa: PLC0415 -- as `measuring`

    state, name = comparison.rig.project.root / projects.STATE, comparison.rig.ability.name
    record = record_of(comparison, stand, what, found)
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


def record_of(comparison: Comparison, stand: Stand, what: str, found: "Measured") -> dict[str, Any]:
    """Give all of a measurement as it is kept."""
    how: Instructions | None = comparison.rig.bench.instructions if what == INSTRUCTIONS else None
    return {
        "schema": 1,
        "variant": comparison.rig.ability.name,
        "metric": what,
        "machine": stage.machine(probes.processor()),
        "device": doctoring.device_of(comparison.rig.ability),
        "pin": stand.pin.sha,
        "baseline": comparison.baseline.tree,
        "fork": comparison.fork.tree,
        "bench": comparison.rig.bench,
        "instructions": how,
        "seconds": found.seconds,
        "rows": [
            msgspec.to_builtins(row, builtin_types=(float,), enc_hook=lambda one: one.value) for row in found.rows
        ],
        "runs": found.taken,
    }
