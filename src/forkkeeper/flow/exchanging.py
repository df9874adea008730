"""Queues from and for other tools: `patch.import` and `patch.export`."""

import contextlib
import email.utils
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from forkkeeper.core import compose, overlay, planning, report
from forkkeeper.core.compose import Baseline, NotApplied
from forkkeeper.core.exchange import adopting, forms
from forkkeeper.core.exchange.adopting import Offer, Taken
from forkkeeper.core.exchange.forms import Form, Incoming, Listing
from forkkeeper.core.exchange.heads import Words, message
from forkkeeper.core.ids import CommitId, TreeId, short
from forkkeeper.core.mail import MailError, Patch
from forkkeeper.core.planning import Commit, Plan
from forkkeeper.core.report import Block, Painted, Report, Table
from forkkeeper.core.trials import Stood
from forkkeeper.errors import AnswerIsNo, ExitCode, RequestError
from forkkeeper.flow.recording import saved_files
from forkkeeper.flow.standing import Setting, compose_at, near_hint, noted, open_fork, open_upstream, refuse_faults
from forkkeeper.shell import disk
from forkkeeper.shell.git import Checkout, Made, Repository, Scratch, git_dir_of
from forkkeeper.stages import project as projects, upstream as upstreams
from forkkeeper.stages.project import Project
from forkkeeper.stages.upstream import Upstream

_BASELINE, _QUEUE = "baseline", "queue"  # the branches of a repository that is exported


@dataclass(frozen=True, slots=True)
class Ask:
    """What is to be imported.

    source -- a folder, or a repository; span -- BASE..BRANCH of that
    after -- the patch to put them after (None: at the end); since -- the upstream commit that they were made for
    why -- the reason of those that give none
    """

    form: str
    source: str
    span: str = ""
    after: str | None = None
    since: str | None = None
    why: str | None = None
    accept_reviewed: bool = False


@dataclass(frozen=True, slots=True)
class _Source:
    """Patches as they stand elsewhere, what is wrong, what is left aside; lender -- where their objects are."""

    found: tuple[Incoming, ...]
    faults: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    lender: Path | None = None
    commits: tuple[Made, ...] = ()


def _form(name: str, step: str) -> Form:
    known = [form.value for form in Form]
    if name not in known:
        raise RequestError(step, name, "is no form of a queue", near_hint(name, known, "forms"))
    return Form(name)


# import -------------------------------------------------------------------------------------------------------------


def import_patches(setting: Setting, ask: Ask) -> Report:
    """Take patches from elsewhere into the queue; saves all of them, or nothing."""
    step = "patch.import"
    form = _form(ask.form, step)
    root = projects.find_root(setting.here, step=step)
    source = _from_git(setting, ask, step) if form is Form.GIT else _from_folder(setting, ask, form, step)
    with projects.alone(root, doing="patch import") as done:
        project = projects.load(root, step=step)
        locked = projects.need_in_step(project, step=step)
        refuse_faults(project, step)
        after = _after(project, ask.after, step)
        upstream = open_upstream(setting, root, project.declaration)
        pin = upstreams.hold(upstream, locked.pin.sha, step=step)
        since = None
        if ask.since is not None:
            since = upstreams.hold(
                upstream, upstreams.find(upstream, ask.since, step=step, known=(pin.sha,)), step=step
            )
        lenders = [*upstreams.lenders(upstream), *([source.lender] if source.lender else [])]
        with Scratch(lenders) as store:
            source = _with_diffs(store, source)
            run = _Import(store, project, pin, since, after, ask)
            return _imported(run, source, upstream, noted(done))


@dataclass(frozen=True, slots=True)
class _Import:
    """What an import works on."""

    store: Scratch
    project: Project
    pin: Commit
    since: Commit | None
    after: str | None
    ask: Ask


def _imported(run: _Import, source: _Source, upstream: Upstream, notes: tuple[Block, ...]) -> Report:
    """Adopt what came in, carry it to the pin where that is asked for, and save it; or say all that is wrong."""
    project, store = run.project, run.store
    rules = project.declaration.path
    before, rest = _split(project, run.after)
    held = frozenset(picked for one in source.found if (picked := _upstreams(upstream, one)))
    date = email.utils.formatdate((run.since or run.pin).time)
    base = compose.baseline(store, (run.since or run.pin).tree, rules)
    queue = _stacked(store, compose.baseline(store, run.pin.tree, rules), before)
    own = [patch.name for patch in project.queue.patches]
    offer = Offer(run.ask.why, date, held)
    taken = adopting.take(store, base if run.since else queue, source.found, offer, own)
    faults = (*source.faults, *taken.faults)
    if faults:
        raise _refusal(run.ask, faults)
    patches, carried, stop = tuple(one.patch for one in taken.adopted), None, False
    if run.since is not None:
        carried = _carried(run, run.since, base, taken, queue)
        patches = tuple(row.new for row in carried.rows if row.new is not None)
        stop = bool(carried.clashed or carried.unaccepted((), every=run.ask.accept_reviewed))
    shown = (*notes, *report.plan_blocks(carried)) if carried else notes
    if carried and stop:
        return Report((*shown, "", *_not_carried(carried, run.ask)), ExitCode.ANSWER_IS_NO)
    broken = _broken(store, _stacked(store, queue, patches), rest)
    if broken:
        raise _refusal(run.ask, broken)
    now = replace(project, queue=adopting.inserted(project.queue, patches, run.after))
    _, files = saved_files(store, project, now, run.pin, step="patch.import")
    changed = projects.save(project, files)
    return Report((*shown, *_told(source, taken, patches), f"saved: {', '.join(changed)}", *_next(taken)))


def _after(project: Project, name: str | None, step: str) -> str | None:
    if name is None:
        return None
    patch = project.queue.named(name)
    if patch is None:
        titles = [one.title for one in project.queue.patches]
        raise RequestError(step, f"--after {name}", "is no patch of the queue", near_hint(name, titles, "patches"))
    return patch.name


def _split(project: Project, after: str | None) -> tuple[tuple[Patch, ...], tuple[Patch, ...]]:
    patches = project.queue.patches
    at = next((number + 1 for number, patch in enumerate(patches) if patch.name == after), len(patches))
    return patches[:at], patches[at:]


def _stacked(store: Scratch, base: Baseline, patches: Sequence[Patch]) -> Baseline:
    """Give the tree with patches on it, as what others are put on."""
    steps = compose.stack(store, base, patches)
    tree = compose.tip(base, steps)
    return Baseline(tree, store.entries(tree) if steps else base.entries, base.left_out)


def _broken(store: Scratch, tip: Baseline, rest: Sequence[Patch]) -> tuple[str, ...]:
    """Say which later patches of the queue do not apply on what came in before them."""
    steps = compose.stack(store, tip, rest)
    said = "of the queue, does not apply after what came in"
    return tuple(f"{step.patch.name}: {said}: {step.why}" for step in steps if isinstance(step, NotApplied))


def _carried(run: _Import, since: Commit, base: Baseline, taken: Taken, onto: Baseline) -> Plan:
    """Carry what was made for another upstream commit to the pin, on the queue that is there."""
    store, patches = run.store, tuple(one.patch for one in taken.adopted)
    stood = Stood(base, taken.steps, ())  # the path policy has been applied to both sides
    target = replace(run.pin, tree=onto.tree)
    return planning.carry_on(
        store, since, stood, target, replace(run.project.queue, patches=patches), run.project.overlay
    )


def _refusal(ask: Ask, faults: Sequence[str]) -> AnswerIsNo | RequestError:
    first, *rest = faults
    place, _, found = first.partition(": ")
    more = "".join(f"\n    {text}" for text in rest)
    whys = sum("it gives no reason" in fault for fault in faults)
    hint = "mend them where they stand, or leave them out; nothing was saved"
    if whys:
        hint = f'give --why "TEXT" for {report.count(whys, "patch")} that gives no reason; nothing was saved'
    elif ask.since is None and any("does not apply" in fault for fault in faults):
        hint = "where they were made for another upstream commit: --from-pin SHA; nothing was saved"
    return RequestError("patch.import", place, f"{found}{more}", hint)


def _not_carried(made: Plan, ask: Ask) -> tuple[Block, ...]:
    lines: list[Block] = [Painted("Nothing was saved: what is imported must carry to the pin.", "bold")]
    lines += [f"  clashed: {row.old.title} in {', '.join(row.paths)}" for row in made.clashed]
    lines += [f"  to review: {row.old.title}: {row.why}" for row in made.unaccepted((), every=ask.accept_reviewed)]
    if made.clashed:
        return (
            *lines,
            "next: make those fit by hand at the pin, and import the rest",
        )
    return (*lines, "next: look at them, then give --accept-reviewed")


def _told(source: _Source, taken: Taken, patches: Sequence[Patch]) -> tuple[Block, ...]:
    """Say what came in, under which name, and what was filled in."""
    names = {patch.name for patch in patches}
    rows = tuple(
        (
            one.place,
            one.patch.name if one.patch.name in names else Painted("upstream has it", "yellow"),
            "\n".join(one.added),
        )
        for one in taken.adopted
    )
    notes = tuple(Painted(note, "yellow") for note in source.notes)
    return (
        *notes,
        Table(("from", "patch", "filled in"), rows),
        "",
        Painted(report.count(len(patches), "patch") + " imported", "green"),
    )


def _next(taken: Taken) -> tuple[Block, ...]:
    if any(adopting.WITNESS in text for one in taken.adopted for text in one.added):
        return ("next: write a witness for each, and check `Upstream-Status:`; then `forkkeeper log`, and commit",)
    return ("next: commit",)


def _upstreams(upstream: Upstream, one: Incoming) -> CommitId | None:
    """Give the commit that a patch was cherry-picked from, where it is upstream's."""
    said = one.head or (one.words.body.encode("utf-8", "surrogateescape") if one.words else b"")
    picked = adopting.cherry_picked(said)
    if picked is None or len(picked) != len("0" * 40):
        return None
    return CommitId(picked) if upstreams.held(upstream, CommitId(picked)) is not None else None


# where patches come from --------------------------------------------------------------------------------------------


def _from_folder(setting: Setting, ask: Ask, form: Form, step: str) -> _Source:
    folder = setting.here / ask.source
    if ask.span:
        raise RequestError(step, ask.span, f"does not go with {form.value}", "`patch import git REPO BASE..BRANCH`")
    if not folder.is_dir():
        raise RequestError(step, ask.source, "is no folder", "give the folder that holds the patches")
    names = sorted(path.name for path in folder.iterdir() if path.is_file())

    def read(name: str) -> bytes | None:
        return disk.read(folder / name) if (folder / name).is_file() else None

    return _read(form, forms.listing(form, names, read), read, ask.source, step)


def _read(form: Form, listing: Listing, read: Callable[[str], bytes | None], shown: str, step: str) -> _Source:
    found: list[Incoming] = []
    faults = list(listing.faults)
    if not listing.files:
        raise RequestError(
            step, shown, "; ".join(faults) or "it lists no patch", "see `forkkeeper --help patch.import`"
        )
    for one in listing.files:
        try:
            found.append(forms.incoming(form, one, read(one.path) or b""))
        except MailError as error:
            faults.append(f"{one.path}: {error}")
    return _Source(tuple(found), tuple(faults), listing.notes)


def _from_git(setting: Setting, ask: Ask, step: str) -> _Source:
    git_dir = git_dir_of((setting.here / ask.source).resolve())
    if git_dir is None:
        raise RequestError(step, ask.source, "is no git repository", "give the folder of a repository")
    first, dots, last = ask.span.partition("..")
    if not dots or not first or last.startswith("."):
        raise RequestError(step, ask.span or "git", "names no commits", "`patch import git REPO BASE..BRANCH`")
    with contextlib.closing(Repository(git_dir)) as repository:
        ends = [repository.commit_named(name or "HEAD") for name in (first, last)]
        for name, end in zip((first, last), ends, strict=True):
            if end is None:
                raise RequestError(step, name, f"is no commit of {ask.source}", "`git log` there shows them")
        base, tip = (end for end in ends if end is not None)
        commits = repository.between(base, tip)
        if not commits:
            raise RequestError(step, ask.span, "holds no commit", "is it the other way around?")
        return _Source((), _merges(commits), (), repository.objects, commits)


def _merges(commits: Sequence[Made]) -> tuple[str, ...]:
    """Name the commits that cannot be one patch."""
    found = []
    for made in commits:
        if len(made.parents) != 1:
            said = "is a merge" if made.parents else "has no parent"
            found.append(f"{_said(made)}: {said}: make one line of the branch with `git rebase`")
        elif "\n---\n" in made.message:
            found.append(f"{_said(made)}: a line `---` in its message, where `git am` takes the message to end")
    return tuple(found)


def _said(made: Made) -> str:
    return f"commit {short(made.sha)} ({_title(made)})"


def _title(made: Made) -> str:
    return " ".join(made.message.strip().split("\n\n", 1)[0].split("\n"))


def _with_diffs(store: Scratch, source: _Source) -> _Source:
    """Read commits as patches, now that their objects are at hand."""
    if not source.commits or source.faults:
        return source
    trees = {made.sha: made.tree for made in source.commits}
    first = source.commits[0].parents[0]
    before = [trees.get(made.parents[0]) or store.tree_of(first) for made in source.commits]
    diffs = store.diffs([(old, made.tree) for old, made in zip(before, source.commits, strict=True)])
    empty = tuple(f"{_said(m)}: it changes nothing" for m, diff in zip(source.commits, diffs, strict=True) if not diff)
    found = tuple(_incoming(made, diff) for made, diff in zip(source.commits, diffs, strict=True) if diff)
    return replace(source, found=found, faults=empty)


def _incoming(made: Made, diff: bytes) -> Incoming:
    _, _, body = made.message.strip().partition("\n\n")
    words = Words(_title(made), made.author, made.date, body.strip("\n"))
    return Incoming(_said(made), _title(made), f"imported [commit {made.sha}]", diff, words=words)


# export -------------------------------------------------------------------------------------------------------------


def export_patches(setting: Setting, *, to: str, directory: str) -> Report:
    """Write the queue in the form of another tool, into a folder that is empty or not there."""
    step = "patch.export"
    form = _form(to, step)
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
    source = _read(form, listing, files.get, form.value, "patch.export")
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
