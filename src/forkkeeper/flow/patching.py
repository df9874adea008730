"""The queue as commits: a worktree to work in with git (`patch open`), and back to files (`patch save`)."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from forkkeeper.core import (
    compose,
    declined as declines,
    lock,
    mail,
    mailing,
    overlay,
    patchcommits,
    queue as queues,
    report,
    restack,
)
from forkkeeper.core.compose import Applied, Composed
from forkkeeper.core.declined import Declined
from forkkeeper.core.ids import CommitId, TreeId
from forkkeeper.core.mail import MailError, Patch
from forkkeeper.core.mailing import Made
from forkkeeper.core.overlay import Overlay
from forkkeeper.core.parked import Parked
from forkkeeper.core.patchcommits import Taken, Wrong
from forkkeeper.core.planning import Commit
from forkkeeper.core.report import Block, Painted, Report, Table
from forkkeeper.core.restack import Piece
from forkkeeper.errors import AnswerIsNo, RequestError
from forkkeeper.flow import committing, strays, unsaved
from forkkeeper.flow.recording import saved_files
from forkkeeper.flow.standing import Setting, compose_at, held_hint, locked_of, near_hint, noted, open_upstream, scratch
from forkkeeper.shell import disk
from forkkeeper.shell.git import Mails, Scratch
from forkkeeper.stages import opened as openeds, project as projects, upstream as upstreams
from forkkeeper.stages.opened import FOLDER, Opened, Origin
from forkkeeper.stages.project import Project
from forkkeeper.stages.upstream import Upstream

Files = Mapping[str, bytes | None]


@dataclass(frozen=True, slots=True)
class Working:
    """A composed fork whose queue a verb changes, alone.

    step -- the verb; typed -- its words, as they were typed
    opened -- the worktree in which the queue stands as commits, where one is open; `store` writes into it
    """

    step: str
    project: Project
    upstream: Upstream
    store: Scratch
    mails: Mails
    pin: Commit
    made: Composed
    opened: Opened | None
    notes: tuple[Block, ...]
    typed: tuple[str, ...]

    @property
    def pieces(self) -> tuple[Piece, ...]:
        """The queue as pieces."""
        return restack.pieces(self.made.steps)

    @property
    def tip(self) -> TreeId:
        """The tree with the whole queue, without overlay."""
        return compose.tip(self.made.baseline, self.made.steps)

    def at(self, name: str) -> int:
        """Find a patch's place in the queue. Raises RequestError for an unknown one."""
        patch = named(self.project, name, self.step)
        return self.project.queue.patches.index(patch)


@contextlib.contextmanager
def working(setting: Setting, step: str, *, making: bool = False) -> Iterator[Working]:
    """Open and compose a fork whose queue is to be changed, alone. making -- make a worktree where none is open."""
    root = projects.find_root(setting.here, step=step)
    with contextlib.ExitStack() as stack:
        notes = noted(stack.enter_context(projects.alone(root, doing=step)))
        project = projects.load(root, step=step)
        locked = locked_of(project, step)
        opened = openeds.find(root, project.queue.digest(), step=step)
        upstream = open_upstream(setting, root, project.declaration)
        pin = upstreams.hold(upstream, locked.pin.sha, step=step)
        objects = opened.checkout.objects if opened else None
        if opened is None and making:
            objects = openeds.make(root, upstreams.lenders(upstream)).objects
        store = stack.enter_context(scratch(upstream, objects))
        made = compose_at(store, project, pin, step=step)
        yield Working(step, project, upstream, store, Mails(store), pin, made, opened, notes, setting.typed)


def origin(work: Working, project: Project) -> Origin:
    """Give what the queue's commits are made of. project -- the fork as it is or is to be."""
    declared = project.declaration
    policy = lock.policy_digest(declared.path)
    return Origin(declared.upstream.name, work.pin, work.made.baseline.tree, project.queue.digest(), policy)


def named(project: Project, name: str, step: str) -> Patch:
    """Find a patch by its name, with or without `.patch`. Raises RequestError, with the nearest known name."""
    patch = project.queue.named(name)
    if patch is None:
        titles = [one.title for one in project.queue.patches]
        raise RequestError(step, name, "is no patch of the queue", near_hint(name, titles, "patches"))
    return patch


# open and close -----------------------------------------------------------------------------------------------------


def patch_open(setting: Setting, *, at: str | None = None, step: str = "patch open") -> Report:
    """Make the worktree in which the queue is one commit per patch. at -- the patch to stand at; None: the last."""
    with working(setting, step, making=True) as work:
        stands = named(work.project, at, step).name if at is not None else None
        if work.opened is not None:
            unsaved.refuse_unsaved(work.opened, step)
        checkout = work.opened.checkout if work.opened else openeds.making(work.project.root)
        checkout.borrow(upstreams.lenders(work.upstream))
        work.store.flush()
        chain = openeds.chain(checkout, work.mails, origin(work, work.project), work.pieces, stands)
        if work.opened:
            openeds.stand(checkout, chain)
        else:
            openeds.enter(work.project.root, checkout, chain)
    number = report.count(len(chain.commits), "patch")
    if stands is not None:
        title = stands.removesuffix(".patch")
        said = Painted(f"{FOLDER} stands at {title}", "green")
        return Report(
            (*work.notes, said, f"next: edit files there, then `forkkeeper patch refresh` takes them into {title}")
        )
    return Report(
        (
            *work.notes,
            Painted(f"{FOLDER} holds {number} as commits on branch {openeds.BRANCH}, on the tag base", "green"),
            f"next: work there with git (`cd {FOLDER}`; `git rebase -i base`, `git commit --amend`, new commits),"
            " then `forkkeeper patch save`",
        )
    )


def patch_close(setting: Setting, *, discard: bool = False) -> Report:
    """Remove the worktree; what is in no file of the fork only when that is said."""
    step = "patch close"
    root = projects.find_root(setting.here, step=step)
    with projects.alone(root, doing=step) as done:
        project = projects.load(root, step=step)
        opened = openeds.find(root, project.queue.digest(), step=step)
        if opened is None:
            raise not_open(step)
        if not discard:
            unsaved.refuse_close(opened, step)  # first: what the other says of --discard holds only where all is saved
            strays.refuse_close(opened, step)
        lost = openeds.losses(opened)
        opened.checkout.remove()
    said = tuple(Painted(f"lost: {what}", "yellow") for what in lost)
    return Report((*noted(done), *said, Painted(f"removed {FOLDER}", "green")))


def not_open(step: str) -> RequestError:
    """Make the error for a worktree that is not there."""
    return RequestError(step, FOLDER, "is not open", "`forkkeeper patch open`, or `forkkeeper patch edit NAME`")


def refuse_stale(work: Working, opened: Opened) -> None:
    """Raise RequestError where the fork's files are not those that the worktree was opened with."""
    if not openeds.is_stale(opened, origin(work, work.project)):
        return
    if not openeds.unsaved(opened):
        hint = "`forkkeeper patch open` (or `patch edit NAME`) brings it up to date: nothing in it is unsaved"
        raise RequestError(work.step, FOLDER, "the fork's files were changed since it was opened", hint)
    found = f"the fork's files were changed since {FOLDER} was opened"
    raise RequestError(work.step, projects.PATCHES, found, unsaved.stale(opened, work.project))


# save ---------------------------------------------------------------------------------------------------------------


def patch_save(setting: Setting, *, drop: Sequence[str] = ()) -> Report:
    """Bring the commits of the open worktree back to files. drop -- patches that are meant to be gone."""
    step = "patch save"
    with working(setting, step) as work:
        projects.need_in_step(work.project, step=step)
        opened = work.opened
        if opened is None:
            raise not_open(step)
        _refuse_unready(work, opened)
        base = CommitId(opened.chain.base)
        known = [patch.name for patch in work.project.queue.patches]
        found = patchcommits.take(base, work.made.baseline.tree, opened.checkout.since(base), known)
        if isinstance(found, Wrong):
            raise _refusal(step, found)
        _refuse_vanished(work, found, [named(work.project, name, step).name for name in drop])
        pieces = _pieces(work, opened, found)
        patches = restack.written(work.store, pieces)
        changed = keep(work, pieces, patches)
    return Report((*work.notes, *said_of(work.project, patches, changed)))


def _refuse_unready(work: Working, opened: Opened) -> None:
    """Raise RequestError where the worktree is not in a state that can be saved."""
    checkout, step = opened.checkout, work.step
    if doing := checkout.underway():
        hint = f"in {FOLDER}: `git {doing} --continue`, or `git {doing} --abort`"
        raise RequestError(step, FOLDER, f"a {doing} is underway", hint)
    loose = checkout.loose()
    if opened.chain.at and opened.is_at_patch:
        made = unsaved.own(opened)
        on_it = f", with {report.count(len(made), 'commit')} of yours on it" if made else ""
        leaves = "" if openeds.unsaved(opened) else f"; `git -C {FOLDER} checkout {openeds.BRANCH}` leaves it"
        found = f"stands at the patch {opened.chain.at.removesuffix('.patch')}{on_it}"
        raise RequestError(step, FOLDER, found, f"{unsaved.ways(opened)}{leaves}")
    if loose:
        hint = f"in {FOLDER}: commit them, amend a commit with them, or `git stash -u`; then save again"
        raise RequestError(step, FOLDER, f"uncommitted edits: {openeds.some(loose)}", hint)
    head = checkout.head()
    if head is None or not checkout.holds(CommitId(opened.chain.base), head):
        hint = f"in {FOLDER}: `git rebase --onto base UPSTREAM`, so that the commits stand on the tag base again"
        raise RequestError(step, FOLDER, "the base has moved: its commits no longer stand on upstream's", hint)
    refuse_stale(work, opened)


def _refusal(step: str, wrong: Wrong) -> RequestError:
    return RequestError(step, wrong.said, wrong.found, f"in {FOLDER}: {wrong.hint}")


def _refuse_vanished(work: Working, found: Sequence[Taken], drop: Sequence[str]) -> None:
    """Raise RequestError where a patch has no commit any more and nobody said so, or has one and is to be dropped."""
    there = {one.name for one in found}
    folded = {name for one in found for name in one.folded}
    gone = [p.title for p in work.project.queue.patches if p.name not in there | folded | {*drop}]
    if gone:
        options = " ".join(f"--drop {title}" for title in gone)
        raise RequestError(
            work.step,
            ", ".join(gone),
            "has no commit any more",
            f"`forkkeeper patch save {options}` if that is meant; else bring it back with its line"
            f" `{mailing.NAME}: …`: `git cherry-pick` what `git log refs/forkkeeper/opened` shows",
        )
    for name in drop:
        if name in there:
            hint = f"leave --drop out, or drop the commit in {FOLDER}: `git rebase -i base`"
            raise RequestError(work.step, f"--drop {name.removesuffix('.patch')}", "is still a commit", hint)


def _pieces(work: Working, opened: Opened, found: Sequence[Taken]) -> tuple[Piece, ...]:
    """Give what the commits are to be in the queue. Raises RequestError naming the commit that cannot be a patch."""
    names = [name for _, name in opened.chain.commits]
    was = opened.checkout.since(CommitId(opened.chain.base), opened.chain.tip)
    known = {name: (step, made) for name, step, made in zip(names, work.made.steps, was, strict=True)}
    return tuple(piece_of(work, one, *known.get(one.name, (None, None))) for one in found)


def piece_of(work: Working, one: Taken, step: Applied | None, was: Made | None) -> Piece:
    """Give what a commit is to be in the queue. step, was -- the patch of its name, and the commit made of that."""
    made = one.commit
    if step is not None and was is not None and _words(made) == _words(was):
        return Piece(step.patch, one.before, made.tree, (step.before, step.after))
    stood = (step.before, step.after) if step is not None else (one.before, made.tree)
    diff = step.patch.diff if step is not None else work.store.diffs([stood])[0]
    data = work.mails.head(one.letter, work.pin.date) + diff
    try:
        patch = mail.parse(one.name, data)
    except MailError as error:
        raise _refusal(work.step, Wrong(made, str(error), "amend it")) from error
    wrong = patchcommits.lacks(made, patch) or patchcommits.misread(made, one.letter, work.mails.read(data))
    if wrong is not None:
        raise _refusal(work.step, wrong)
    return Piece(patch, one.before, made.tree, stood)


def _words(made: Made) -> tuple[str, str, str]:
    return made.author, made.date, mailing.nameless(made.message)


# what every verb that changes the queue ends with -------------------------------------------------------------------


def keep(
    work: Working,
    pieces: Sequence[Piece],
    patches: Sequence[Patch],
    *,
    at: str | None = None,
    renamed: Mapping[str, str] | None = None,
    parked: tuple[Parked, ...] | None = None,
    declined: tuple[Declined, ...] | None = None,
    also: Mapping[str, bytes | None] | None = None,
    laid: Overlay | None = None,
) -> tuple[str, ...]:
    """Save another queue as one transaction, and bring an open worktree up to date; gives the files that changed.

    pieces, patches -- the new queue, as trees and as files
    at -- the patch at which the open worktree is to stand; renamed -- names that became others
    laid -- the overlay, where that changes; its files are among `also`
    parked, declined -- what is set aside and declined now, where that changes
    also -- further files of the fork (None: removed)
    """
    project = work.project
    queue = queues.arrange(project.queue, patches, renamed=renamed)
    now = replace(project, queue=queue, parked=project.parked if parked is None else parked)
    now = replace(now, overlay=project.overlay if laid is None else laid)
    now = now if declined is None else replace(now, declined=declined)
    tree, files = saved_files(work.store, project, now, work.pin, step=work.step)
    tip = pieces[-1].after if pieces else work.made.baseline.tree
    wanted = compose.lay(work.store, tip, overlay.entries(work.store, now.overlay))
    if tree != wanted:  # the saved files must give the very tree that stands in memory
        raise AnswerIsNo(work.step, tree, f"the new patches compose to it instead of {wanted}", "report this")
    there = {patch.name for patch in patches} | {*(renamed or {})}
    gone = [patch for patch in project.queue.patches if patch.name not in there]
    files |= projects.last_copies(project, gone)
    files |= also or {}
    if declined is not None:
        files[declines.FILE] = declines.written(declined, disk.read(project.root / declines.FILE) or b"")
    standing = tuple(replace(piece, patch=patch) for piece, patch in zip(pieces, patches, strict=True))
    if work.opened is None:
        return projects.save(project, files, typed=work.typed)
    work.store.flush()
    coming = openeds.chain(work.opened.checkout, work.mails, origin(work, now), standing, at)
    openeds.announce(work.opened, coming)
    changed = projects.save(project, files, typed=work.typed)
    openeds.stand(work.opened.checkout, coming)
    return changed


def said_of(
    project: Project,
    patches: Sequence[Patch],
    changed: Sequence[str],
    message: str = "",
    renamed: Mapping[str, str] | None = None,
    *,
    held: bool = False,
) -> tuple[Block, ...]:
    """Say what became of the queue, and what to type next. message -- what a commit may say of it.

    held -- the vendored directory is what the fork's files make already
    """
    if not changed:
        return (Painted("nothing to save: the files say the same", "green"),)
    now = renamed or {}
    was = {now.get(patch.name, patch.name): patch for patch in project.queue.patches}
    rows = [(old.removesuffix(".patch"), f"is {new.removesuffix('.patch')} now") for old, new in now.items()]
    for patch in patches:
        old = was.get(patch.name)
        if old is None:
            rows.append((patch.title, "new"))
        elif old.data != patch.data:
            words, diff = old.head != patch.head, old.diff != patch.diff
            rows.append(
                (patch.title, "its words and its diff" if words and diff else "its words" if words else "its diff")
            )
    rows += [(patch.title, "left the queue") for name, patch in was.items() if name not in {p.name for p in patches}]
    order = [name for name in was if name in {patch.name for patch in patches}]
    if order != [patch.name for patch in patches if patch.name in was]:
        rows.append(("(series)", "the order"))
    kept = [name for name in changed if "/dropped/" in name]
    copies = (Painted(f"its last text is in no commit, and is kept in {', '.join(kept)}", "yellow"),) if kept else ()
    names = sorted({name.split("/", 1)[0] for name in changed})
    return (
        Table(("patch", "what changed"), tuple(rows)),
        "",
        Painted(f"saved: {', '.join(changed)}", "green"),
        *copies,
        *(() if held else held_hint(project)),
        "next: look at it with `git diff`, then commit it:",
        f"  {committing.command(project.root, names, message)}",
    )
