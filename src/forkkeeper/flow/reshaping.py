"""The queue put otherwise, with no worktree needed: `patch rename`, `move`, `drop`, `split`, `fold`."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from forkkeeper.core import mail, mailing, restack
from forkkeeper.core.mail import MailError, Patch
from forkkeeper.core.mailing import Letter
from forkkeeper.core.queue import file_name
from forkkeeper.core.report import Report
from forkkeeper.core.restack import Blocked, Piece, Stopped
from forkkeeper.core.store import Change
from forkkeeper.errors import AnswerIsNo, RequestError
from forkkeeper.flow.patching import Working, keep, named, said_of, working
from forkkeeper.flow.standing import Setting, missing
from forkkeeper.flow.unsaved import refuse_unsaved
from forkkeeper.stages import project as projects
from forkkeeper.stages.project import Project

_ONE_EACH = ("Origin", "Upstream-Status", "Witness")  # trailers of which a patch has one


@contextlib.contextmanager
def reshaping(setting: Setting, step: str) -> Iterator[Working]:
    """Open a fork whose files agree, and whose open worktree, if there is one, holds nothing that is not saved."""
    with working(setting, step) as work:
        projects.need_in_step(work.project, step=step)
        if work.opened is not None:
            refuse_unsaved(work.opened, step)
        yield work


def patch_rename(setting: Setting, old: str, new: str) -> Report:
    """Give a patch another name; nothing else changes."""
    step = "patch rename"
    with reshaping(setting, step) as work:
        was = named(work.project, old, step)
        name = free(work.project, new, step, but=was.name)
        pieces = [
            replace(one, patch=replace(one.patch, name=name)) if one.patch.name == was.name else one
            for one in work.pieces
        ]
        return _kept(work, pieces, f"patches: {was.title} is {_title(name)}", renamed={was.name: name})


def patch_move(setting: Setting, name: str, *, before: str | None = None, after: str | None = None) -> Report:
    """Bring a patch to another place in the order; the fork stays the same tree."""
    step = "patch move"
    other = before or after
    if other is None or (before and after):
        raise RequestError(step, name, "wants one place", "add --before OTHER, or --after OTHER")
    with reshaping(setting, step) as work:
        start, there = work.at(name), work.at(other)
        if start == there:
            raise RequestError(step, name, "cannot be placed beside itself", "name another patch")
        end = there + (after is not None) - (start < there)
        pieces = moved(work, work.pieces, start, end)
        return _kept(work, pieces, f"patches: {_title(name)} {'before' if before else 'after'} {_title(other)}")


def moved(work: Working, pieces: Sequence[Piece], start: int, end: int) -> tuple[Piece, ...]:
    """Bring a patch to another place. Raises AnswerIsNo naming the patch that it does not commute with."""
    answer = restack.move(work.store, pieces, start, end)
    if isinstance(answer, Blocked):
        title, other = pieces[start].patch.title, answer.by.title
        raise AnswerIsNo(
            work.step,
            f"{title} and {other}",
            f"do not commute; {answer.stopped.said}",
            f"`forkkeeper diff --patch {other}` shows the other one; fold one into the other, or leave the order",
        )
    return answer


def patch_drop(setting: Setting, name: str, *, why: str) -> Report:
    """Take a patch out of the queue; the later ones are carried without it."""
    step = "patch drop"
    _need("why", why)
    with reshaping(setting, step) as work:
        at = work.at(name)
        rest = [*work.pieces[:at], *work.pieces[at + 1 :]]
        title = work.pieces[at].patch.title
        pieces = restacked(work, rest, f"{title} cannot be dropped: what builds on it", f"drop them first, or {_EDIT}")
        return _kept(work, pieces, f"patches: drop {title}\n\n{why}")


_EDIT = "change them so that they do without it (`forkkeeper patch edit NAME`)"


def restacked(work: Working, wanted: Sequence[Piece], what: str, hint: str) -> tuple[Piece, ...]:
    """Put patches one upon the other. Raises AnswerIsNo naming those that found no place, and where."""
    again = restack.restack(work.store, work.made.baseline.tree, wanted)
    if again.stopped:
        raise AnswerIsNo(work.step, what, _listed(again.stopped), hint)
    return again.pieces


def _listed(stopped: Sequence[Stopped]) -> str:
    return "".join(f"\n    {one.said}" for one in stopped).lstrip() if len(stopped) == 1 else _lines(stopped)


def _lines(stopped: Sequence[Stopped]) -> str:
    return f"{len(stopped)} patches" + "".join(f"\n    {one.said}" for one in stopped)


def patch_split(setting: Setting, name: str, *, into: str, paths: str, why: str, title: str | None = None) -> Report:
    """Make a patch of its own of what a patch does on some paths, right after it."""
    step = "patch split"
    _need("why", why)
    with reshaping(setting, step) as work:
        at = work.at(name)
        old = work.pieces[at]
        new = free(work.project, into, step)
        changes = work.store.changes(old.before, old.after)
        part = _on(changes, paths, old.patch, step)
        left = {change.path: change.new for change in changes if change.path not in part}
        middle = work.store.graft(old.before, left)
        letter = work.mails.read(old.patch.data)
        _, trailers = mailing.parts(letter.message)
        message = mailing.joined(f"{title or words(new)}\n\n{why}", trailers)
        second = written(work, new, replace(letter, message=message), work.store.diffs([(middle, old.after)])[0])
        first = Piece(old.patch, old.before, middle, old.stood)
        both = (first, Piece(second, middle, old.after, (middle, old.after)))
        pieces = (*work.pieces[:at], *both, *work.pieces[at + 1 :])
        return _kept(work, pieces, f"patches: {_title(new)} out of {old.patch.title}\n\n{why}")


def _on(changes: Sequence[Change], paths: str, patch: Patch, step: str) -> frozenset[str]:
    """Give the paths of a patch that were named. Raises RequestError where one names nothing, or all do."""
    found: set[str] = set()
    for path in (one.strip().removeprefix("./") for one in paths.split(",")):
        folder = path.rstrip("/") + "/"
        hit = {change.path for change in changes if change.path == path or change.path.startswith(folder)}
        if not path or not hit:
            raise RequestError(
                step, f"--paths {path}", f"{patch.title} changes nothing there", f"it changes {', '.join(patch.paths)}"
            )
        found |= hit
    if len(found) == len(changes):
        hint = f"it changes {', '.join(patch.paths)}; `forkkeeper patch rename` gives it another name"
        raise RequestError(step, f"--paths {paths}", f"nothing would be left of {patch.title}", hint)
    return frozenset(found)


def patch_fold(setting: Setting, name: str, *, into: str) -> Report:
    """Make one patch of two, at the place of the other; both reasons stay."""
    step = "patch fold"
    with reshaping(setting, step) as work:
        start, there = work.at(name), work.at(into)
        if start == there:
            raise RequestError(step, name, "cannot be folded into itself", "name another patch")
        low = there if start > there else there - 1  # the first of the two, once they stand side by side
        pieces = moved(work, work.pieces, start, low + 1 if start > there else low)
        first, second = pieces[low : low + 2]
        if first.before == second.after:
            raise AnswerIsNo(step, f"{name} and {into}", "undo each other", "`forkkeeper patch drop` both")
        gone, kept = work.project.queue.patches[start], work.project.queue.patches[there]
        patch = written(work, kept.name, _joined(work, kept, gone), kept.diff)
        stood = next(one.stood for one in pieces if one.patch.name == kept.name)
        one = Piece(patch, first.before, second.after, stood)
        return _kept(work, (*pieces[:low], one, *pieces[low + 2 :]), f"patches: fold {gone.title} into {kept.title}")


def _joined(work: Working, kept: Patch, gone: Patch) -> Letter:
    """Give the words of two patches as one's, with a seam that is seen."""
    letter, other = work.mails.read(kept.data), work.mails.read(gone.data)
    (text, trailers), (more, others) = mailing.parts(letter.message), mailing.parts(other.message)
    title, _, reason = more.partition("\n\n")
    own = [
        f"Its {key} was: {value}"
        for key in _ONE_EACH
        if (value := gone.trailer(key)) is not None and value != kept.trailer(key)
    ]
    seam = "\n\n".join(
        part for part in (text, f"Folded in from {gone.title} ({title}):", reason, "\n".join(own)) if part
    )
    add = [
        line
        for line in others.splitlines()
        if line.split(":", 1)[0] not in _ONE_EACH and line not in trailers.splitlines()
    ]
    return replace(letter, message=mailing.joined(seam, "\n".join([trailers, *add])))


# what they share ----------------------------------------------------------------------------------------------------


def free(project: Project, name: str, step: str, *, but: str | None = None) -> str:
    """Give the file name for a patch that is new. Raises RequestError where it is none, or taken."""
    full = file_name(name)
    if full is None:
        raise RequestError(step, name, "is no plain file name", "use letters, digits and . _ + -")
    taken = [p.name for p in project.queue.patches if p.name.lower() == full.lower() and p.name != but]
    if taken or full == but:
        raise RequestError(step, name, f"is the name of a patch already: {(taken or [full])[0]}", "give another name")
    return full


def words(name: str) -> str:
    """Make a title of a file name."""
    return _title(name).replace("-", " ").replace("_", " ")


def written(work: Working, name: str, letter: Letter, diff: bytes) -> Patch:
    """Write a patch. Raises RequestError where its words are not all that a patch needs."""
    data = work.mails.head(letter, work.pin.date) + diff
    try:
        patch = mail.parse(name, data)
    except MailError as error:
        raise RequestError(work.step, name, str(error), "make the diff with `git diff --binary`") from error
    found = mail.shortcomings(patch)
    if not found and mailing.tidy(work.mails.read(data).message) != letter.message:
        found = ("a line of its words would not survive `git am`: no line `---`, no title in [brackets]",)
    if found:
        raise RequestError(work.step, name, "; ".join(found), "say it otherwise, then run the command again")
    return patch


def _kept(work: Working, pieces: Sequence[Piece], message: str, *, renamed: Mapping[str, str] | None = None) -> Report:
    patches = restack.written(work.store, pieces)
    at = work.opened.chain.at if work.opened else None
    at = (renamed or {}).get(at, at) if at else None
    stands = at if at in {patch.name for patch in patches} else None
    changed = keep(work, pieces, patches, at=stands, renamed=renamed)
    return Report((*work.notes, *said_of(work.project, patches, changed, message, renamed)))


def _need(option: str, given: str) -> None:
    if not given.strip():
        raise missing(f"{option} TEXT")


def _title(name: str) -> str:
    return name.removesuffix(".patch")
