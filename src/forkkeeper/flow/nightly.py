"""A night (`nightly`): where upstream is, what a sync to it costs, what the fork is worth there, and what changed.

Each step is a verb of forkkeeper, run as a process of its own in a scratch clone, so that nothing that a step does or
suffers reaches another one, or the fork. What a step needs and does not get stops it, and nothing else does.
"""

import hashlib
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path

from forkkeeper.core import findings, needs, nightreport, report, steps, trend, witnesses
from forkkeeper.core.ids import CommitId
from forkkeeper.core.nights import BAD, Ending, Night, Side, Step, Taken
from forkkeeper.core.planning import Commit
from forkkeeper.core.report import Block, Painted, Report, count
from forkkeeper.core.steps import Buildable, Judging
from forkkeeper.errors import ForkkeeperError, RequestError
from forkkeeper.flow import doctoring, telling
from forkkeeper.flow.checking import BF16
from forkkeeper.flow.standing import Setting, locked_of, near_hint, noted, open_upstream
from forkkeeper.flow.telling import Trial
from forkkeeper.shell import clock
from forkkeeper.stages import (
    bench as machines,
    history,
    night as stage,
    probe as probes,
    project as projects,
    upstream as upstreams,
)
from forkkeeper.stages.project import Project
from forkkeeper.stages.upstream import Upstream

STEP = "nightly"
OUTPUTS = "native/checks/outputs"  # what writes models' outputs down; flow/regressing needs numpy
STEPS = "steps"  # where they leave what they say
MOST_NIGHTS = 400  # that an alarm looks back


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of a night.

    head -- the upstream commit to look at, None for the newest
    variants -- those to build, none: those that fork.toml declares
    only -- names of steps: these and what they need are taken, and nothing is kept
    anew -- take every step, also where nothing changed since the last night
    """

    head: str | None = None
    variants: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    anew: bool = False


@dataclass(slots=True)
class _Course:
    """A night as it goes on."""

    setting: Setting
    project: Project
    upstream: Upstream
    asked: Asked
    commit: CommitId
    pin: Commit
    variants: tuple[Buildable, ...]
    head: Commit | None = None
    tried: str = ""
    taken: list[Taken] = field(default_factory=list)
    folders: dict[Side, Path] = field(default_factory=dict)
    notes: list[Block] = field(default_factory=list)
    total: int = 1

    @property
    def state(self) -> Path:
        return self.project.root / projects.STATE

    def ended(self, name: str) -> Taken | None:
        """Give a step that was taken."""
        return next((one for one in self.taken if one.step.name == name), None)


def nightly(setting: Setting, asked: Asked) -> Report:
    """Take all steps of a night, keep what they found, and say it.

    Exits 1 when a step's answer is no, else as the worst step ended; 0 where all is well, or nothing is new.
    Raises RequestError where the fork is not in a git repository, or what was asked for is unknown.
    """
    began, clocked = clock.now(), time.monotonic()
    root = projects.find_root(setting.here, step=STEP)
    with projects.alone(root, doing=STEP) as done:
        project = projects.load(root, step=STEP)
    course = _begin(setting, project, asked)
    _know(course)
    with stage.alone(course.state):
        return _watch(course, began, clocked, noted(done))


def _watch(course: _Course, began: str, clocked: float, notes: tuple[Block, ...]) -> Report:
    asked, root = course.asked, course.project.root
    _look(course)
    digest = _digest(course)
    last = next(iter(history.recent(root, most=1, say=course.notes.append)), None)
    same = history.of_digest(root, digest)
    is_same = (
        same is not None
        and last is not None
        and same.began == last.began
        and not stage.is_untold(root / projects.STATE)
    )
    if is_same and same is not None and not asked.anew and not asked.only and _is_settled(same, course):
        return Report((*notes, *course.notes, *_nothing_new(same, course)))
    _ahead(course)
    _matrix(course, same if is_same and not asked.anew else None)
    night = _night(course, began, time.monotonic() - clocked, digest)
    changed = trend.compare(last, night)
    loose = projects.uncommitted(root)
    told, after = ((), ()) if asked.only else _tell(course, night)
    blocks = (*notes, *course.notes, *nightreport.blocks(night, changed, loose), *told)
    return Report(blocks, nightreport.code((*night.taken, *after)), more=nightreport.more(night))


# the steps ------------------------------------------------------------------------------------------------------------


def _begin(setting: Setting, project: Project, asked: Asked) -> _Course:
    """Find out what this night is about, on this machine."""
    root, declared = project.root, project.declaration
    commit = stage.committed(root)
    upstream = open_upstream(setting, root, declared)
    pin = upstreams.hold(upstream, locked_of(project, STEP).pin.sha, step=STEP)
    wanted = asked.variants or declared.nightly.variants
    light = tuple(name for name, one in declared.variant.items() if one.cost != "heavy")
    names = doctoring.known(declared, wanted or light, STEP) if declared.variant else ()
    system = probes.system()
    variants = tuple(
        Buildable(
            one.name,
            BF16 in one.variant.tests,
            "" if one.builds else needs.skipped(one, one.lacking, system),
            "" if one.runs else needs.skipped(one, one.lacking_to_run, system),
        )
        for one in doctoring.examine(root, declared, names)
    )
    return _Course(setting, project, upstream, asked, commit, pin, variants)


def _look(course: _Course) -> None:
    """Ask the sources for news, and find the commit that is looked at."""
    if not course.setting.offline and (not course.asked.only or "look" in course.asked.only):
        _take(course, steps.LOOK, course.project.root)
        course.upstream = open_upstream(course.setting, course.project.root, course.project.declaration)
    try:
        course.head = _head(course)
        course.taken.append(Taken(steps.HEAD, Ending.PASSED, said=_said_of(course.head)))
    except ForkkeeperError as error:
        again = steps.command(steps.HEAD, course.asked.head or "")
        course.taken.append(
            Taken(steps.HEAD, steps.ending_of(int(error.code)), again, said=f"{error.thing}: {error.found}")
        )


def _head(course: _Course) -> Commit:
    """Give the newest upstream commit that can be had, or the one that was asked for. Raises ForkkeeperError."""
    upstream, pin = course.upstream, course.pin
    if course.asked.head is not None:
        sha = upstreams.find(upstream, course.asked.head, step=STEP, known=(pin.sha,))
        return upstreams.hold(upstream, sha, step=STEP)
    newest = upstreams.newest(upstream)
    if newest is not None and not course.setting.offline:
        upstreams.hold(upstream, upstreams.find(upstream, newest, step=STEP, known=(pin.sha,)), step=STEP)
    ahead = upstreams.ahead(upstream, pin)
    return upstreams.hold(upstream, ahead, step=STEP) if ahead is not None else pin


def _said_of(head: Commit) -> str:
    return report.said(head)


def _ahead(course: _Course) -> None:
    """See what lies ahead, and carry a clone of the fork as far as that needs no human."""
    course.folders[Side.STAND] = _clone(course, Side.STAND)
    head = course.head.sha if course.head is not None else ""
    planned = steps.ahead(course.pin.sha, head)
    only = course.asked.only
    tried = not only or _names_of_trial(course) & set(only)
    for step in planned:
        if not only or step.name in only or (tried and step.name in {"plan", "reach"}):
            _take(course, step, course.folders[Side.STAND])
    free = _free(course, head)
    if not planned or not tried:
        return
    step = steps.trying(free or head)
    if not free:
        why = "nothing between the pin and the head carries with no human: see the plan"
        course.taken.append(Taken(step, Ending.BLOCKED, steps.command(step, head), said=why))
        return
    branch = f"forkkeeper/sync-from-{course.pin.sha[:12]}"
    folder = _clone(course, Side.TRIAL, branch)
    if _take(course, step, folder).ending is Ending.PASSED:
        course.folders[Side.TRIAL] = folder
        course.tried = free


def _clone(course: _Course, side: Side, branch: str | None = None) -> Path:
    root = course.project.root
    return stage.clone(root, course.state, side, course.commit, home=projects.HOME, branch=branch)


def _free(course: _Course, head: str) -> str:
    """Give the last commit that needs no human: the head where the plan needs none, else how far it was found to go."""
    plan, reach = course.ended("plan"), course.ended("reach")
    if plan is not None and plan.ending is Ending.PASSED:
        return head
    if reach is not None and reach.document is not None:
        found = (reach.document.get("free") or {}).get("sha", "")
        return str(found)
    return ""


def _names_of_trial(course: _Course) -> set[str]:
    """Name the steps that may be about the trial."""
    return {"try", *(step.name for step in _steps_of_matrix(course, Side.TRIAL, (Side.STAND, Side.TRIAL)))}


def _steps_of_matrix(course: _Course, side: Side, sides: Sequence[Side]) -> tuple[Step, ...]:
    declared = course.project.declaration
    judging = Judging(
        tuple(sides) if declared.bench.instructions is not None and declared.bench.model else (),
        (course.project.root / OUTPUTS).exists(),
        any(witnesses.named(patch.trailer("Witness")) for patch in course.project.queue.patches),
    )
    tree = (course.state / stage.FOLDER / "tree").absolute()
    return steps.matrix(declared.nightly, course.variants, side, judging, tree=str(tree))


def _matrix(course: _Course, same: Night | None) -> None:
    """Build and judge the trial, or the fork as it stands where there is none.

    same -- the last night, where it was about the very same: what passed then is not done again
    """
    side = Side.TRIAL if Side.TRIAL in course.folders else Side.STAND
    todo = _steps_of_matrix(course, side, tuple(course.folders))
    if course.asked.only:
        todo = steps.with_needs(todo, course.asked.only)
    repeated = steps.again(same.taken) if same is not None else frozenset()
    passed = {one.step.name: one for one in same.taken if one.step in todo} if same is not None else {}
    course.total = len(course.taken) + len(todo)
    for step in todo:
        if step.name in passed and step.name not in repeated and not set(step.needs) & repeated:
            course.taken.append(passed[step.name])
        else:
            _take(course, step, course.folders[step.side])


def _know(course: _Course) -> None:
    """Refuse the name of a step that there is not."""
    known = ["look", "head", "plan", "reach", "triage", "try"]
    known += [step.name for step in _steps_of_matrix(course, Side.TRIAL, tuple(Side))]
    for name in course.asked.only:
        if name not in known:
            raise RequestError(STEP, f"--only {name}", "is no step of a night", near_hint(name, known, "steps"))


def _take(course: _Course, step: Step, folder: Path) -> Taken:
    """Take a step, unless something that it needs is not there; whatever happens to it ends as a value."""
    course.setting.on_progress(f"night: {step.name}", len(course.taken), max(course.total, len(course.taken) + 1))
    again = steps.command(step, course.head.sha if course.head is not None else "")
    blocked = steps.blocked_by(step, course.taken)
    lacking = steps.lacks(step, course.variants)
    if lacking:
        done = Taken(step, Ending.SKIPPED, again, said=lacking)
    elif blocked:
        first = blocked[0]
        skipped = first.ending is Ending.SKIPPED
        why = first.said if skipped else f"{first.step.name} {first.ending.value}"
        done = Taken(step, Ending.SKIPPED if skipped else Ending.BLOCKED, again, said=why)
    else:
        done = _run(course, step, folder, again)
    course.taken.append(done)
    return done


def _run(course: _Course, step: Step, folder: Path, again: str) -> Taken:
    logs = course.state / stage.FOLDER / STEPS
    words = step.words
    if step.kind == "plan":
        (logs / telling.PLAN).unlink(missing_ok=True)  # that of another night
        words = (*words, "--markdown", str(logs / telling.PLAN))
    if course.setting.offline and step.kind in {"plan", "reach", "triage"}:
        words = (*words, "--offline")
    try:
        ran = stage.verb(words, folder=folder, logs=logs, name=step.name, seconds=step.seconds)
    except OSError as error:
        return Taken(step, Ending.OUTSIDE, again, said=f"{error.filename}: {error.strerror}")
    if ran.code is None:
        said = f"took longer than {count(step.seconds // 60, 'minute')}, and was ended"
        return Taken(step, Ending.LATE, again, ran.seconds, said, ran.document, ran.log)
    ending = steps.ending_of(ran.code)
    if step.kind == "reach" and ending is Ending.FAILED:
        ending = Ending.PASSED  # how far it goes is an answer; that it does not go all the way is the plan's failure
    said = findings.said(step, ran.document, log=ran.log)
    return Taken(step, ending, again, ran.seconds, said, ran.document, "" if ending is Ending.PASSED else ran.log)


def _tell(course: _Course, night: Night) -> tuple[tuple[Block, ...], tuple[Taken, ...]]:
    """Keep a night, fill the outbox, draw the page and write the bill of materials; gives what is said, and done."""
    root, said = course.project.root, list[Block]()
    history.syncs(root, course.project.records, say=said.append)
    stage.begin_telling(course.state)
    number = history.keep(root, night, say=said.append)
    kept = f"kept as night {number} in {history.FILE}"
    trial = None
    if Side.TRIAL in course.folders and telling.is_fit(night):
        clone = course.state / stage.FOLDER / Side.TRIAL.value
        trial = Trial(course.folders[Side.TRIAL], clone, _date_of(course, night.tried))
    nights_known = history.recent(root, most=MOST_NIGHTS)
    plan = telling.plan_of(course.state / stage.FOLDER / STEPS)
    told = telling.tell(root, course.project.declaration, nights_known, trial, plan)
    after = tuple(_run(course, step, root, "forkkeeper " + " ".join(step.words)) for step in steps.AFTER)
    written = [
        Painted(f"{one.step.name}: {one.ending.value}: {one.said}", nightreport.COLOURS[one.ending])
        for one in after
        if one.ending is not Ending.PASSED
    ]
    stage.end_telling(course.state)
    pages = [f"page  {telling.REPORT}"] if after[0].ending is Ending.PASSED else []
    return (*said, kept, *told, *written, *pages), after


def _date_of(course: _Course, tried: str) -> str:
    """Give the date of the upstream commit that was tried."""
    held = upstreams.held(course.upstream, CommitId(tried))
    return held.date if held is not None else ""


# what is kept and said ------------------------------------------------------------------------------------------------


def _digest(course: _Course) -> str:
    """Digest all that a night's result follows from: the fork, the head, the tool, the machine and what it has."""
    names = [one.variant for one in course.variants]
    looked = json.loads(doctoring.doctor(course.setting, names).document or "{}") if names else {}
    for variant in looked.get("variants", ()):
        for need in variant["needs"]:
            del need["where"]  # the same program elsewhere changes nothing
    parts = [
        str(course.commit),
        course.head.sha if course.head is not None else "",
        metadata.version("forkkeeper"),
        looked,
        _machine(),
    ]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _machine() -> str:
    found = machines.machine(probes.processor())
    return f"{found.processor}, {count(found.cores, 'core')}, {found.system}"


def _is_settled(same: Night, course: _Course) -> bool:
    """Whether nothing of a night about the very same is left to do: a bad or blocked step is tried again."""
    return not steps.again(same.taken) and not any(one.ending in BAD for one in course.taken)


def _night(course: _Course, began: str, seconds: float, digest: str) -> Night:
    patches = course.project.queue.patches
    head = course.head
    return Night(
        began,
        seconds,
        str(course.commit),
        course.pin.sha,
        course.pin.date,
        head.sha if head is not None else "",
        head.date if head is not None else "",
        course.tried,
        digest,
        len(patches),
        sum(file.added + file.removed for patch in patches for file in patch.files),
        metadata.version("forkkeeper"),
        _machine(),
        tuple(map(findings.kept, course.taken)),
        findings.found(course.taken),
    )


def _nothing_new(same: Night, course: _Course) -> tuple[Block, ...]:
    head = report.said(course.head) if course.head is not None else "unknown"
    return (
        Painted(f"Nothing is new since the night of {same.began}, in which every step passed.", "green"),
        f"head  {head}",
        "`forkkeeper nightly --anew` takes every step again",
    )
