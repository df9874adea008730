"""The strategy "branch": the fork as commits on a branch, and the submodule that points there."""

from forkkeeper.core import report
from forkkeeper.core.ids import CommitId, short
from forkkeeper.core.report import Block, Cell, Painted, Report, Table
from forkkeeper.errors import ExitCode
from forkkeeper.flow.standing import Setting, Stand, compose_at, locked_of, scratch
from forkkeeper.shell.git import Mails, Outgoing
from forkkeeper.stages import branch as branches, project as projects, upstream as upstreams
from forkkeeper.stages.project import Project
from forkkeeper.stages.upstream import Upstream


def outgoing(project: Project, upstream: Upstream, pin: CommitId) -> Outgoing:
    """Open the repository in which the commits are written."""
    return branches.open_outgoing(project.root / projects.STATE, upstreams.lenders(upstream), pin)


def commits(out: Outgoing, project: Project, stand: Stand) -> tuple[CommitId, ...]:
    """Write the fork as commits. `stand` must have been composed into the repository's objects."""
    stand.store.flush()
    mails = Mails(stand.store)
    return branches.write(out, mails, stand.pin, stand.made, project.declaration.path, len(project.overlay))


def branch_materialise(
    project: Project, upstream: Upstream, out: Outgoing, stand: Stand, *, overwrite: bool
) -> tuple[Block, ...]:
    """Write the commits, push them, and point the submodule there."""
    declared = project.declaration.materialise
    location = branches.location_of(project.root, declared)
    module = branches.submodule_of(project.root, declared)
    made = commits(out, project, stand)
    tip = made[-1] if made else stand.pin.sha
    was = out.tip_of(location, declared.branch)
    known = was is not None and upstreams.held(upstream, was) is not None
    done = branches.push(out, location, declared, tip, is_upstreams=known, overwrite=overwrite)
    where = f"branch {declared.branch} of {declared.repository}"
    moved = f"{where} moved from {short(done.was)} to {short(tip)}" if done.was else f"{where} begins at {short(tip)}"
    said: list[Block] = [
        f"composed tree {stand.made.tree} of {report.said(stand.pin)}",
        f"is commit {tip}: {report.count(len(made), 'commit')} on the pin",
        Painted(moved, "green") if done.moved else f"{where} stands there already",
    ]
    if module is not None:
        said += branches.point(module, declared, location, tip)
        said.append("next: look at it with `git diff --cached`, then `git commit`")
    return tuple(said)


def branch_verify(setting: Setting, project: Project, upstream: Upstream, notes: tuple[Block, ...]) -> Report:
    """Compare the branch and the submodule's pointer with the commits that the fork's files make."""
    step = "verify"
    declared = project.declaration.materialise
    pin = upstreams.hold(upstream, locked_of(project, step).pin.sha, step=step)
    out = outgoing(project, upstream, pin.sha)
    with scratch(upstream, out.objects) as store:
        stand = Stand(store, pin, compose_at(store, project, pin, step=step))
        made = commits(out, project, stand)
    tip = made[-1] if made else pin.sha
    module = branches.submodule_of(project.root, declared)
    rows: list[tuple[Cell, ...]] = []
    if setting.offline:
        notes = (*notes, Painted("--offline: the branch itself was not asked for", "yellow"))
    else:
        is_at = out.tip_of(branches.location_of(project.root, declared), declared.branch)
        rows.append(_row(f"branch {declared.branch}", is_at, tip))
    if module is not None:
        rows.append(_row(f"submodule {declared.submodule}", module.recorded(), tip))
        if module.is_checked_out:
            rows.append(_row("its checkout", module.head(), tip))
            if not module.is_clean():
                rows.append(("its checkout", "holds edits", "clean", Painted("edited by hand", "red")))
    table = Table(("what", "stands at", "is to stand at", "verdict"), tuple(rows))
    if all(isinstance(row[3], str) for row in rows):
        return Report((*notes, table, Painted(f"all stand at {tip}, tree {stand.made.tree}", "green")))
    hint = "next: `forkkeeper materialise` brings them there; it refuses to take a branch from somebody's commit"
    return Report((*notes, table, hint), ExitCode.ANSWER_IS_NO)


def _row(what: str, is_at: CommitId | None, tip: CommitId) -> tuple[Cell, ...]:
    verdict: Cell = "as it is to be" if is_at == tip else Painted("differs" if is_at else "is not there", "red")
    return (what, short(is_at) if is_at else "", short(tip), verdict)
