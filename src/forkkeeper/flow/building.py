"""Making something of the fork: a directory (`materialise`), builds (`build`), verdicts on builds (`check`)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from forkkeeper.core import (
    checksreport,
    compose,
    declaration,
    ids,
    opsreport,
    overlay,
    planning,
    queue as queues,
    report,
)
from forkkeeper.core.checksreport import ChecksAnswer, ChecksResult
from forkkeeper.core.ids import TreeId
from forkkeeper.core.opsreport import OpsResult
from forkkeeper.core.planning import Commit
from forkkeeper.core.queue import Queue
from forkkeeper.core.report import Cell, Painted, Report, Table
from forkkeeper.errors import AnswerIsNo, ExitCode, OutsideError, RequestError
from forkkeeper.flow.standing import Setting, Stand, compose_at, composed, locked_of, near_hint, open_fork, scratch
from forkkeeper.shell.git import Scratch
from forkkeeper.stages import (
    build as builds,
    check as checks,
    materialise as materialising,
    project as projects,
    upstream as upstreams,
)
from forkkeeper.stages.build import Built, Freshness, Identity
from forkkeeper.stages.project import Project

CHECKS = "native/checks"  # the fork's own checks: the witnesses, and bf16/
BF16 = "bf16"
WITNESS = "witness"


@dataclass(frozen=True, slots=True)
class Verdict:
    """One row of a table of checks: whether it is green, and whether anything ran for it."""

    cells: tuple[Cell, ...]
    green: bool
    ran: bool = True


def materialise(
    setting: Setting, directory: str, *, baseline: bool = False, at: str | None = None, overwrite: bool = False
) -> Report:
    """Write the composed tree, or the baseline, as a plain directory.

    at -- another upstream commit: its baseline, or the fork carried there without the patches that clash
    """
    project, upstream, notes = open_fork(setting, "materialise")
    pin = upstreams.hold(upstream, locked_of(project, "materialise").pin.sha, step="materialise")
    stands = pin
    if at:
        stands = upstreams.hold(upstream, upstreams.find(upstream, at, step="materialise"), step="materialise")
    with scratch(upstream) as store:
        chosen = _chosen(store, project, pin, stands, baseline=baseline)
        done = materialising.materialise(
            store,
            chosen.tree,
            setting.here / directory,
            project.root / projects.STATE / "materialised",
            keep=_own(project),
            overwrite=overwrite,
            on_progress=setting.on_progress,
        )
    left_out = tuple(Painted(f"left out, as it clashes there: {title}", "yellow") for title in chosen.left_out)
    said = f"{chosen.what} {done.tree} of {report.said(stands)} is in {done.directory}"
    counts = f"{report.count(done.written, 'file')} written, {done.left} unchanged, {done.removed} removed"
    return Report((*notes, said, *left_out, counts))


def _own(project: Project) -> tuple[Path, ...]:
    """Give the fork's own files and folders: no tree is ever written over them."""
    names = (*projects.SAVED, declaration.FILE, overlay.FOLDER, ".git", projects.STATE)
    return tuple(project.root / name for name in names)


@dataclass(frozen=True, slots=True)
class _Chosen:
    """The tree to write, what it is, and the patches that it goes without."""

    tree: TreeId
    what: str
    left_out: tuple[str, ...] = ()


def _chosen(store: Scratch, project: Project, pin: Commit, stands: Commit, *, baseline: bool) -> _Chosen:
    rules = project.declaration.path
    if baseline:
        return _Chosen(compose.baseline(store, stands.tree, rules).tree, "baseline")
    if stands.sha == pin.sha:
        return _Chosen(compose_at(store, project, pin, step="materialise").tree, "composed tree")
    made = planning.make(store, pin, stands, project.queue, project.overlay, rules)
    if made.collisions:
        path, found = made.collisions[0].path, made.collisions[0].found
        raise AnswerIsNo("materialise", f"{overlay.FOLDER}/{path}", found, "rename or remove the overlay file")
    laid = compose.lay(store, made.carried.tree, overlay.entries(store, project.overlay))
    return _Chosen(laid, "carried tree", tuple(row.old.title for row in made.clashed))


def build(setting: Setting, variants: Sequence[str]) -> Report:
    """Build variants of the composed fork (none named: all of them) in `.forkkeeper/build/`."""
    project, upstream, notes = open_fork(setting, "build")
    names = _known(project, variants, "build")
    with composed(project, upstream, step="build") as stand:
        built = [_build(setting, project, stand, name, stand.made.tree, project.queue, "build") for name in names]
    return Report(
        (*notes, "", Table(("variant", "tree", "seconds", "compiled", "from ccache"), tuple(map(_built, built))))
    )


def check(setting: Setting, what: str, variants: Sequence[str]) -> Report:
    """Run checks on what was built; red when one fails, or when none ran.

    what -- "bf16", "witness", or a file or folder of checks
    """
    project, upstream, notes = open_fork(setting, "check")
    with composed(project, upstream, step="check") as stand:
        names = _present(project, stand, variants)
        if what == WITNESS:
            headers: tuple[str, ...] = ("variant", "patch", "with it", "without it", "verdict")
            rows = [row for name in names for row in _witnesses(setting, project, stand, name)]
        else:
            headers = ("variant", "check", "passed", "failed", "not supported", "verdict")
            rows = [row for name in names for row in _checks(setting, project, name, what)]
    green = any(row.ran for row in rows) and all(row.green for row in rows)
    table = Table(headers, tuple(row.cells for row in rows))
    return Report((*notes, "", table), ExitCode.IN_STEP if green else ExitCode.ANSWER_IS_NO)


def _known(project: Project, names: Sequence[str], step: str) -> tuple[str, ...]:
    """Check the names of variants; none given: all of them."""
    known = tuple(project.declaration.variant)
    if not known:
        raise RequestError(step, declaration.FILE, "declares no [variant.NAME]", "add one; see what `init` writes")
    for name in names:
        if name not in known:
            raise RequestError(
                step, f"variant {name}", f"is not in {declaration.FILE}", near_hint(name, known, "variants")
            )
    return tuple(names) or known


def _folder(project: Project, kind: str, name: str) -> Path:
    """Give the folder that holds `src` and `build` of a variant; kind: "build", or "without" for a queue cut short."""
    return project.root / projects.STATE / kind / name


def _build(setting: Setting, project: Project, stand: Stand, name: str, tree: TreeId, queue: Queue, kind: str) -> Built:
    folder = _folder(project, kind, name)
    materialising.materialise(
        stand.store,
        tree,
        folder / "src",
        project.root / projects.STATE / "materialised",
        overwrite=True,
        on_progress=setting.on_progress,
    )
    identity = Identity(tree, stand.pin.sha, queue.digest())
    variant = project.declaration.variant[name]
    return builds.build(name, variant, source=folder / "src", build=folder / "build", identity=identity)


def _built(built: Built) -> tuple[Cell, ...]:
    counts = ("" if n is None else str(n) for n in (built.compiled, built.cached))
    return (built.variant, ids.short(built.tree), f"{built.seconds:.0f}", *counts)


def _present(project: Project, stand: Stand, names: Sequence[str]) -> tuple[str, ...]:
    """Give the variants to check: those named, or all that were built; each for the present tree."""
    asked = _known(project, names, "check")
    identity = Identity(stand.made.tree, stand.pin.sha, project.queue.digest())
    present = []
    for name in asked:
        variant, folder = project.declaration.variant[name], _folder(project, "build", name) / "build"
        hint = f"`nox -s build_{name}`, or `forkkeeper build {name}`"
        match builds.freshness(variant, build=folder, identity=identity):
            case Freshness.PRESENT:
                present.append(name)
            case Freshness.STALE:
                raise RequestError(
                    "check", f"variant {name}", "was built from another tree or with other options", hint
                )
            case Freshness.ABSENT:
                if names:
                    raise RequestError("check", f"variant {name}", "is not built", hint)
    if not present:
        raise RequestError(
            "check", "variants", "none is built", f"`nox -s build_{asked[0]}`, or `forkkeeper build {asked[0]}`"
        )
    return tuple(present)


def _checks(setting: Setting, project: Project, name: str, what: str) -> Iterator[Verdict]:
    """Run one set of checks on one variant: for "bf16" upstream's own cases and ours, else the checks at a path."""
    folder = _folder(project, "build", name)
    path = setting.here / what
    if what == BF16:
        path = project.root / CHECKS / BF16
        ops = checks.run_ops(folder / "build", project.declaration.variant[name].device, BF16)
        said = opsreport.judge(ops)
        numbers = tuple(str(ops.counts[kind]) for kind in (OpsResult.OK, OpsResult.FAIL, OpsResult.NOT_SUPPORTED))
        yield Verdict((name, "upstream's BF16 cases", *numbers, _coloured(said.because, said.passed)), said.passed)
    result = checks.run_checks([path], source=folder / "src", build=folder / "build")
    judged = checksreport.judge(result)
    shown = path.relative_to(project.root).as_posix() if path.is_relative_to(project.root) else what
    cells = (name, shown, str(result.passed), str(len(result.failed)), "", _coloured(judged.because, judged.passed))
    yield Verdict(cells, judged.passed)


def _coloured(text: str, green: bool) -> Painted:
    return Painted(text, "green" if green else "red")


def _witnesses(setting: Setting, project: Project, stand: Stand, name: str) -> Iterator[Verdict]:
    """For each patch: its witness passes on the fork, and fails on the fork made without that patch."""
    for patch in project.queue.patches:
        witness = patch.trailer("Witness") or "none"
        if witness.startswith("none"):
            yield Verdict((name, patch.title, "", "", Painted(witness, "yellow")), green=True, ran=False)
            continue
        with_it = _witness(project, _folder(project, "build", name), witness)
        queue = queues.rebuild(project.queue, [other for other in project.queue.patches if other is not patch])
        try:
            cut = compose_at(stand.store, replace(project, queue=queue), stand.pin, step="check")
            _build(setting, project, stand, name, cut.tree, queue, "without")
        except (AnswerIsNo, OutsideError) as error:  # one patch that others need never stops the verdict on the rest
            said = f"no verdict: the fork without it cannot be made ({error.thing}: {error.found})"
            yield Verdict(
                (name, patch.title, f"{with_it.passed} of {with_it.ran} pass", "", _coloured(said, False)), False
            )
            continue
        without = _witness(project, _folder(project, "without", name), witness)
        yield _judged(name, patch.title, with_it, without)


def _witness(project: Project, folder: Path, witness: str) -> ChecksResult:
    return checks.run_checks([project.root / witness], source=folder / "src", build=folder / "build")


def _judged(name: str, title: str, with_it: ChecksResult, without: ChecksResult) -> Verdict:
    before, after = checksreport.judge(with_it), checksreport.judge(without)
    if not before.passed:
        said, green = f"fails with the patch: {before.because}", False
    elif after.passed:
        said, green = "passes without the patch: it proves nothing, or the patch has lost its effect", False
    elif after.answer is not ChecksAnswer.FAILED or not without.failed:
        said, green = f"no verdict without the patch: {after.because}", False
    else:
        said, green = "proves the patch", True
    cells = (name, title, f"{with_it.passed} of {with_it.ran} pass", f"{len(without.failed)} of {without.ran} fail")
    return Verdict((*cells, _coloured(said, green)), green)
