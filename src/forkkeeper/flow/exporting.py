"""`patch.export`: the queue in the form of another tool, read back before it is written."""

from pathlib import Path

from forkkeeper.core import compose, overlay, report
from forkkeeper.core.compose import Baseline
from forkkeeper.core.exchange import adopting, forms
from forkkeeper.core.exchange.adopting import Offer
from forkkeeper.core.exchange.forms import Form
from forkkeeper.core.exchange.heads import message
from forkkeeper.core.ids import TreeId, short
from forkkeeper.core.planning import Commit
from forkkeeper.core.report import Painted, Report
from forkkeeper.errors import AnswerIsNo, RequestError
from forkkeeper.flow.foreign import form_named, read_listed
from forkkeeper.flow.standing import Setting, compose_at, open_fork, refuse_faults
from forkkeeper.shell import disk
from forkkeeper.shell.git import Checkout, Scratch
from forkkeeper.stages import project as projects, upstream as upstreams
from forkkeeper.stages.project import Project
from forkkeeper.stages.upstream import Upstream

_BASELINE, _QUEUE = "baseline", "queue"  # the branches of a repository that is exported


def export_patches(setting: Setting, *, to: str, directory: str) -> Report:
    """Write the queue in the form of another tool, into a folder that is empty or not there."""
    step = "patch.export"
    form = form_named(to, step)
    folder = setting.here / directory
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise RequestError(step, directory, "is there already, and not empty", "give a folder that is new or empty")
    project, upstream, notes = open_fork(setting, step)
    locked = projects.need_in_step(project, step=step)
    refuse_faults(project, step)
    patches = project.queue.patches
    if not patches:
        raise AnswerIsNo(step, projects.PATCHES, "holds no patch: there is nothing to export", "")
    lost = [f"{patch.name}: {why}" for patch in patches if (why := forms.cannot_hold(form, patch))]
    if lost:
        raise AnswerIsNo(
            step, form.value, "cannot hold this queue\n    " + "\n    ".join(lost), "take --to stgit or mail"
        )
    pin = upstreams.hold(upstream, locked.pin.sha, step=step)
    if form is Form.GIT:
        said = _to_git(upstream, project, pin, folder)
    else:
        with Scratch(upstreams.lenders(upstream)) as store:
            said = _to_folder(store, project, pin, form, folder)
    left = (Painted(f"left out: {overlay.FOLDER} ({report.count(len(project.overlay), 'file')})", "yellow"),)
    return Report(
        (
            *notes,
            Painted(f"{report.count(len(patches), 'patch')} written to {directory}", "green"),
            said,
            *(left if project.overlay else ()),
        )
    )


def _to_folder(store: Scratch, project: Project, pin: Commit, form: Form, folder: Path) -> str:
    made = compose_at(store, project, pin, step="patch.export")
    patched = compose.tip(made.baseline, made.steps)
    whole = store.diffs([(made.baseline.tree, patched)])[0]
    files = dict(forms.written(form, project.queue.patches, whole))
    _prove(store, form, files, made.baseline, patched)
    for name in sorted(files):
        disk.write(folder / name, files[name])
    return {
        Form.MAIL: "next: `git am --keep-cr` takes them in order",
        Form.QUILT: "next: `quilt push -a` or `stg import --series` takes them",
        Form.STGIT: "next: `stg import --series` takes them",
        Form.FOLDER: "next: `git apply` takes them in any order; reasons stand above the diffs",
        Form.ELECTRON: "next: `git am --keep-cr` takes them in the order of .patches",
    }[form]


def _prove(store: Scratch, form: Form, files: dict[str, bytes], baseline: Baseline, patched: TreeId) -> None:
    """Read what is to be written, and demand the tree that the queue makes."""
    listing = forms.listing(form, sorted(files), files.get)
    source = read_listed(form, listing, files.get, form.value, "patch.export")
    taken = adopting.take(store, baseline, source.found, Offer("it is in the queue", ""), ())
    faults = (*source.faults, *taken.faults)
    tree = compose.tip(baseline, taken.steps)
    if faults or tree != patched:
        found = "; ".join(faults) or f"its files make tree {short(tree)}, the queue {short(patched)}"
        raise AnswerIsNo("patch.export", form.value, f"cannot hold this queue: {found}", "take --to mail or git")


def _to_git(upstream: Upstream, project: Project, pin: Commit, folder: Path) -> str:
    """Make a repository with one commit per patch."""
    checkout, lenders = Checkout(folder), upstreams.lenders(upstream)
    checkout.make(lenders)
    when = f"@{pin.time} +0000"
    with Scratch(lenders, objects=checkout.objects) as store:
        made = compose_at(store, project, pin, step="patch.export")
    text = f"{project.declaration.upstream.name} at {pin.sha}\n"
    who = "forkkeeper <forkkeeper@invalid>"
    base = tip = checkout.commit(made.baseline.tree, (), text, author=who, date=when)
    for step in made.steps:
        patch = step.patch
        tip = checkout.commit(step.after, (tip,), message(patch), author=patch.author, date=patch.date or when)
    checkout.stand(base, _BASELINE)
    checkout.stand(tip, _QUEUE)
    checkout.own_all()
    return f"next: `git log {_BASELINE}..{_QUEUE}` there shows one commit per patch"
