"""Compares two builds of a variant: by the time that they take, and by the instructions.

Imported late by what uses it: numpy and scipy take longer to import than most verbs take to run.
"""

import contextlib
import hashlib
import itertools
import shutil
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import msgspec

from forkkeeper.core import counts, speed
from forkkeeper.core.benches import Bench, Instructions, Test
from forkkeeper.core.counts import Counted
from forkkeeper.core.ids import TreeId
from forkkeeper.core.needs import Ability
from forkkeeper.core.speed import Judged, Pair, Rule
from forkkeeper.core.variants import Variant
from forkkeeper.errors import RequestError
from forkkeeper.flow.building import Made, fetch, folder_of, make, with_kits
from forkkeeper.flow.standing import Setting
from forkkeeper.stages import bench as benches, build as builds, kit as kits, project as projects, serving as servers
from forkkeeper.stages.bench import Run, Task
from forkkeeper.stages.build import Freshness, Identity
from forkkeeper.stages.project import Project

SIDES: Literal["sides"] = "sides"
COPIES, MODELS = "copies", "models"
KEPT_SIDES = 24  # builds of a variant: a queue's prefixes and what it is without each patch
SideName = Literal["baseline", "fork"]
ORDERS: tuple[tuple[SideName, SideName], ...] = (("baseline", "fork"), ("fork", "baseline"))


@dataclass(frozen=True, slots=True)
class Side:
    """A build that is measured.

    seconds -- that it took to make, 0 where it was there
    names -- of its folder and of what it was made of: a build may repeat them in its files
    """

    name: str
    tree: TreeId
    build: Path
    seconds: float
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rig:
    """What is measured: a variant's bench on this machine, with its models made.

    models -- by their names, in the declared order
    together -- how many variants are judged in the same call, each like this one
    began -- in seconds since 1970: what was built or measured since then is kept until the end
    """

    setting: Setting
    project: Project
    ability: Ability
    bench: Bench
    models: dict[str, Path]
    together: int = 1
    began: float = field(default_factory=time.time)

    @property
    def variant(self) -> Variant:
        """The variant as this machine builds it for a bench: the programs that are run, and no others."""
        return msgspec.structs.replace(with_kits(self.project, self.ability), targets=self.programs)

    @property
    def programs(self) -> tuple[str, ...]:
        """The programs of a build that are run: the one that measures, and the variant's server."""
        server = self.ability.variant.server
        return (self.bench.program, *((server.program,) if server else ()))


@dataclass(frozen=True, slots=True)
class Taken:
    """One process as it was run. warm -- whether it only warmed the machine up, and counts for nothing."""

    model: str
    side: SideName
    run: Run
    warm: bool


@dataclass(frozen=True, slots=True)
class Compared:
    """The verdict on one test of one model. pairs -- what it rests on, in seconds, in the order of the runs."""

    model: str
    test: str
    tokens: int
    judged: Judged
    pairs: tuple[Pair, ...] = ()
    counted: tuple[Counted, Counted] | None = None


@dataclass(frozen=True, slots=True)
class Measured:
    """What was compared, and every process that was run for it."""

    rows: tuple[Compared, ...]
    taken: tuple[Taken, ...] = ()
    seconds: float = 0.0


def rig(setting: Setting, project: Project, ability: Ability, bench: Bench, *, together: int = 1) -> Rig:
    """Make ready to measure a variant: its models are made where they are not here.

    together -- how many variants the same call judges
    Raises RequestError where the declaration names no model.
    """
    if not bench.model:
        raise RequestError("bench", "fork.toml", "declares no [[bench.model]]", "add one: a `name`, and a `path`")
    store = project.root / projects.STATE / MODELS
    made = {model.name: benches.make_model(project.root, model, store) for model in bench.model}
    return Rig(setting, project, ability, bench, made, together)


def side(rig: Rig, made: Made, name: str, *, salt: str = "") -> Side:
    """Build a side where it is not here.

    Sides have folders of the same length, named by what is in them, so that no path makes one faster than the other.

    name -- as tables say it
    salt -- makes a second build of the same tree in another place
    """
    tree, variant = made.stand.made.tree, rig.variant
    identity = Identity(tree, made.stand.pin.sha, made.project.queue.digest())
    address = hashlib.sha256(f"{tree} {identity.pin} {identity.queue} {salt}".encode()).hexdigest()[:12]
    folder = folder_of(rig.project, SIDES, f"{rig.ability.name}/{address}")
    names = (address, identity.pin, identity.queue)
    if builds.freshness(variant, build=folder / "build", identity=identity) is Freshness.PRESENT:
        (folder / "build").touch()
        return Side(name, tree, folder / "build", 0.0, names)
    fetch(rig.setting, made.project, made.stand, rig.ability)
    label = f"{rig.ability.name}/{address}"
    built = make(rig.setting, made.project, made.stand, rig.ability.name, SIDES, variant=variant, folder=label)
    _prune(folder.parent, rig.began)
    return Side(name, tree, built.build, built.seconds, names)


def _prune(folder: Path, began: float) -> None:
    """Remove the builds that were not used for longest; of those used since then none, however many there are."""
    found = sorted(folder.iterdir(), key=_used, reverse=True)
    for old in found[KEPT_SIDES:]:
        if _used(old) < began:
            shutil.rmtree(old, ignore_errors=True)


def _used(folder: Path) -> float:
    with contextlib.suppress(OSError):
        return (folder / "build").stat().st_mtime
    return 0.0


@dataclass
class _Score:
    """The pairs of one model's tests, as they grow."""

    tokens: dict[str, int] = field(default_factory=dict)
    pairs: dict[str, list[Pair]] = field(default_factory=dict)

    def add(self, runs: dict[SideName, Run]) -> None:
        fork = {timed.test: timed for timed in runs["fork"].timed}
        for timed in runs["baseline"].timed:
            self.tokens[timed.test] = timed.tokens
            pair = Pair(timed.seconds, fork[timed.test].seconds)
            self.pairs.setdefault(timed.test, []).append(pair)

    @property
    def count(self) -> int:
        """How many pairs there are; a process times all tests."""
        return min((len(pairs) for pairs in self.pairs.values()), default=0)

    def lacks(self, rule: Rule) -> int:
        """How many pairs are still needed: by the test whose times spread most."""
        return max((speed.pairs_needed(pairs, rule) for pairs in self.pairs.values()), default=0) - self.count


def rule_of(rig: Rig) -> Rule:
    """Give the rule of a run: what is looked for, over all comparisons of all variants."""
    comparisons = rig.together * len(rig.models) * len(rig.bench.tests)
    return Rule(rig.bench.effect, rig.bench.power, comparisons=comparisons)


def refuse_other_compilers(rig: Rig, baseline: Side, fork: Side) -> None:
    """Raise RequestError where the sides were compiled differently: the verdict would be on the compilers.

    A side is kept as long as its tree stays, and the compiler may have been upgraded since.
    """
    one, other = (builds.compilers_of(side.build) for side in (baseline, fork))
    if one != other:
        found = f"{baseline.name} was compiled with {one}; {fork.name} with {other}"
        hint = f"`rm -r {folder_of(rig.project, SIDES, rig.ability.name)}`, then again: both are built anew"
        raise RequestError("bench", f"variant {rig.ability.name}", found, hint)


def by_time(rig: Rig, baseline: Side, fork: Side, *, least: int = 0) -> Measured:
    """Run both sides in pairs until there are enough, or the declared seconds are over; then judge.

    least -- pairs of each model, also where fewer would do
    """
    refuse_other_compilers(rig, baseline, fork)
    rule, numbers = rule_of(rig), itertools.cycle(range(1, 10_000))
    sides: dict[SideName, Side] = {"baseline": baseline, "fork": fork}
    started = time.monotonic()
    taken: list[Taken] = []
    scores = {model: _Score() for model in rig.models}
    for model in scores:
        taken += [Taken(model, name, _timed(rig, sides[name], model, next(numbers)), True) for name in ORDERS[0]]
    active, quartet = list(scores), 0.0
    while active and (not quartet or time.monotonic() - started + quartet < rig.bench.seconds):
        began = time.monotonic()
        for model, order in itertools.product(active, ORDERS):
            runs = {name: _timed(rig, sides[name], model, next(numbers)) for name in order}
            taken += [Taken(model, name, runs[name], False) for name in order]
            scores[model].add(runs)
        quartet = time.monotonic() - began
        active = [one for one in active if scores[one].lacks(rule) > 0 or scores[one].count < least]
        _tell(rig, scores, rule)
    rows = (
        Compared(model, test, score.tokens[test], speed.judge(pairs, rule), tuple(pairs))
        for model, score in scores.items()
        for test, pairs in score.pairs.items()
    )
    rig.setting.on_progress(f"{rig.ability.name}: pairs", 1, 1)
    return Measured(tuple(rows), tuple(taken), time.monotonic() - started)


def _tell(rig: Rig, scores: dict[str, _Score], rule: Rule) -> None:
    done = sum(score.count for score in scores.values())
    rig.setting.on_progress(
        f"{rig.ability.name}: pairs", done, done + sum(max(0, score.lacks(rule)) for score in scores.values())
    )


def _timed(rig: Rig, side: Side, model: str, number: int) -> Run:
    task, variant = _task(rig), rig.ability.variant
    with contextlib.ExitStack() as stack:
        copy = stack.enter_context(benches.copied(side.build, task, number, rig.programs))
        address = ""
        if variant.server is not None:
            env = benches.environment(copy, task)
            address = stack.enter_context(servers.serving(variant.server, copy, env)).address
        options = [option.replace("{server}", address) for option in variant.options]
        return benches.time_run(copy, rig.models[model], task, options)


def _task(rig: Rig) -> Task:
    variant, root = rig.ability.variant, rig.project.root
    declared = dict(variant.environment)
    for kit in rig.ability.beside:
        declared |= kits.environment(root, kit, rig.project.declaration.kit[kit])
    return Task(rig.bench, benches.place(root / projects.STATE / COPIES), variant.options, declared)


def by_instructions(rig: Rig, how: Instructions, baseline: Side, fork: Side) -> Measured:
    """Count the instructions of both sides, twice each, for every model's tests; then judge."""
    refuse_other_compilers(rig, baseline, fork)
    started, rows = time.monotonic(), []
    wanted = list(itertools.product(rig.models, how.tests))
    for done, (model, test) in enumerate(wanted):
        found = []
        for number, one in enumerate((baseline, fork)):
            rig.setting.on_progress(f"{rig.ability.name}: counts", 2 * done + number, 2 * len(wanted))
            found.append(count(rig, how, one, model, test))
        judged = counts.judge(found[0], found[1], how.threshold)
        rows.append(Compared(model, test.name, test.tokens, judged, counted=(found[0], found[1])))
    rig.setting.on_progress(f"{rig.ability.name}: counts", 1, 1)
    return Measured(tuple(rows), seconds=time.monotonic() - started)


def count(rig: Rig, how: Instructions, side: Side, model: str, test: Test) -> Counted:
    """Count the instructions of one test of a side, twice."""
    task = _task(rig)
    with benches.copied(side.build, task, 1, (rig.bench.program,)) as copy:
        first, second = (benches.count_run(copy, rig.models[model], task, how, test) for _ in range(2))
    return Counted(first, second)
