"""`patch.import`: patches from elsewhere taken into the queue, all of them or none."""

import email.utils
from collections.abc import Sequence
from dataclasses import dataclass, replace

from forkkeeper.core import compose, planning, report
from forkkeeper.core.compose import Baseline, NotApplied
from forkkeeper.core.exchange import adopting
from forkkeeper.core.exchange.adopting import Offer, Taken
from forkkeeper.core.exchange.forms import Form, Incoming
from forkkeeper.core.ids import CommitId
from forkkeeper.core.mail import Patch
from forkkeeper.core.planning import Commit, Plan
from forkkeeper.core.report import Block, Painted, Report, Table
from forkkeeper.core.shown import spelled
from forkkeeper.core.trials import Stood
from forkkeeper.errors import AnswerIsNo, ExitCode, RequestError
from forkkeeper.flow.foreign import Ask, Source, form_named, from_folder, from_git, with_diffs
from forkkeeper.flow.recording import saved_files
from forkkeeper.flow.standing import Setting, near_hint, noted, open_upstream, refuse_faults
from forkkeeper.shell.git import Scratch
from forkkeeper.stages import project as projects, upstream as upstreams
from forkkeeper.stages.project import Project
from forkkeeper.stages.upstream import Upstream


def import_patches(setting: Setting, ask: Ask) -> Report:
    """Take patches from elsewhere into the queue; saves all of them, or nothing."""
    step = "patch.import"
    form = form_named(ask.form, step)
    root = projects.find_root(setting.here, step=step)
    source = from_git(setting, ask, step) if form is Form.GIT else from_folder(setting, ask, form, step)
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
            source = with_diffs(store, source)
            run = _Import(store, project, pin, since, after, ask, setting.typed)
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
    typed: tuple[str, ...]


def _imported(run: _Import, source: Source, upstream: Upstream, notes: tuple[Block, ...]) -> Report:
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
    changed = projects.save(project, files, typed=run.typed)
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
    lines += [spelled(f"  clashed: {row.old.title} in {', '.join(row.paths)}") for row in made.clashed]
    lines += [
        spelled(f"  to review: {row.old.title}: {row.why}") for row in made.unaccepted((), every=ask.accept_reviewed)
    ]
    if made.clashed:
        return (
            *lines,
            "next: make those fit by hand at the pin, and import the rest",
        )
    return (*lines, "next: look at them, then give --accept-reviewed")


def _told(source: Source, taken: Taken, patches: Sequence[Patch]) -> tuple[Block, ...]:
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
        *report.build_blocks(patches),
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
