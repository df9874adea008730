"""Upstream's commits that are not for this fork: taken back by a patch, or remembered until they come (`decline`)."""

import email.utils
from collections.abc import Sequence

from forkkeeper.core import declined as declines, picking, restack
from forkkeeper.core.commits import one_line
from forkkeeper.core.declined import Declined
from forkkeeper.core.ids import CommitId, short
from forkkeeper.core.mailing import Letter
from forkkeeper.core.report import Block, Painted, Report, Table
from forkkeeper.core.verdict import Outcome
from forkkeeper.errors import AnswerIsNo, ExitCode, RequestError
from forkkeeper.flow import bringing, committing
from forkkeeper.flow.bringing import Brought, Seen
from forkkeeper.flow.patching import Working, keep, said_of
from forkkeeper.flow.reshaping import reshaping, restacked
from forkkeeper.flow.standing import Setting, locked_of, missing, open_fork
from forkkeeper.shell import clock
from forkkeeper.shell.git import Worktree
from forkkeeper.stages import upstream as upstreams
from forkkeeper.stages.upstream import Upstream

_STEP = "decline"


def decline(setting: Setting, sha: str, *, why: str | None = None, accept: bool = False) -> Report:
    """Do without an upstream commit: take it back by a patch where the pin has it; in any case remember that.

    why -- the reason; not needed where the commit was declined before
    """
    project, upstream, _ = open_fork(setting, _STEP)
    pin = locked_of(project, _STEP).pin.sha
    upstreams.hold(upstream, pin, step=_STEP)
    found = upstreams.find(upstream, sha, step=_STEP, known=(pin,))
    known = declines.of(project.declined, found)
    reason = " ".join((why or (known.why if known else "")).split())
    if not reason:
        raise missing("why TEXT")
    is_in = upstreams.contains(upstream, found, pin)
    seen = bringing.see(upstream, found, (), step=_STEP) if is_in else None
    title = one_line(seen.made.title if seen else _title(upstream, found))
    entry = Declined(found, title, reason, known.date if known else clock.today().isoformat())
    with reshaping(setting, _STEP) as work:
        entries = (*(one for one in work.project.declined if one.sha != found), entry)
        if seen is None:
            return _remembered(work, entry, entries, known)
        return _taken_back(work, seen, entry, entries, accept=accept)


def _title(upstream: Upstream, sha: CommitId) -> str:
    """Give the title of a commit that is not in the pin."""
    commit = upstreams.hold(upstream, sha, step=_STEP)
    made = upstreams.made(upstream, commit.sha)
    return made.title if made else short(sha)


def _remembered(work: Working, entry: Declined, entries: Sequence[Declined], known: Declined | None) -> Report:
    said = f'{short(entry.sha)} "{entry.title}"'
    if known == entry:
        return Report((*work.notes, Painted(f"{said} is declined already: {entry.why}", "green")))
    changed = keep(work, work.pieces, work.project.queue.patches, declined=_ordered(entries))
    return Report(
        (
            *work.notes,
            Painted(f"declined: {said}, which is ahead of the pin; a sync that brings it will say so", "green"),
            Painted(f"saved: {', '.join(changed)}", "green"),
            "next: commit it:",
            f"  {committing.command(work.project.root, changed, f'decline {short(entry.sha)}')}",
        )
    )


def _ordered(entries: Sequence[Declined]) -> tuple[Declined, ...]:
    return tuple(sorted(entries, key=lambda one: one.sha))


def _taken_back(work: Working, seen: Seen, entry: Declined, entries: Sequence[Declined], *, accept: bool) -> Report:
    """Carry the reverse of a commit onto the fork, as a patch at the queue's end."""
    there = next((p for p in work.project.queue.patches if picking.declined(p) == seen.sha), None)
    if there is not None:
        hint = f"`forkkeeper patch show {there.title}`; `forkkeeper decline {seen.sha} --reopen` takes that back"
        raise RequestError(_STEP, seen.said, f"is declined already, by {there.title}", hint)
    before, part = bringing.part(work, (seen.after, seen.before), (), None, seen.said)
    text = picking.declining(seen.made.title, entry.why, seen.sha)
    author, now = Worktree(work.project.root).author(), email.utils.format_datetime(clock.moment())
    name = bringing.slug(work, text.partition("\n")[0], ())
    wanted = bringing.want(work, name, Letter(author, now, text), before, part)
    one = bringing.bring(work, wanted, work.tip, trusted=accept)
    blocks: list[Block] = [*work.notes, _table(seen, one), "", *bringing.left_out(seen, wanted, work)]
    blocks += bringing.shown(one)
    bringing.refuse_gone(work, one, seen.said, "the fork has nothing of it; nothing was saved")
    if one.row.outcome is Outcome.CLASHED:
        return Report((*blocks, *_clashed(seen, one, entry)), ExitCode.ANSWER_IS_NO)
    if one.row.review and not accept:
        said = Painted(f"{one.wanted.patch.title}: for review: {one.row.why}", "yellow")
        return Report(
            (*blocks, said, "next: where that is right, add --accept; nothing was saved"), ExitCode.ANSWER_IS_NO
        )
    pieces = (*work.pieces, one.piece)
    patches = restack.written(work.store, pieces)
    changed = keep(work, pieces, patches, declined=_ordered(entries))
    message = f"patches: decline {seen.said}\n\n{entry.why}"
    return Report((*blocks, *said_of(work.project, patches, changed, message)))


def _table(seen: Seen, one: Brought) -> Table:
    how = one.row.outcome.value + (", review" if one.row.review else "")
    row = (short(seen.sha), one.wanted.patch.title, how, *bringing.size(one))
    return Table(("declined", "patch", "outcome", "files", "lines"), (row,))


def _clashed(seen: Seen, one: Brought, entry: Declined) -> tuple[Block, ...]:
    said = f"Nothing was saved: what {seen.said} did cannot be taken back as it was: {one.row.why}"
    again = f"`forkkeeper decline {seen.sha} --accept`"
    hand = (
        "next: take it back by hand: `forkkeeper patch open`, edit, `forkkeeper patch new NAME --why …`; then add the "
        f"trailer `{picking.DECLINED}: {entry.sha}` to the patch, and `forkkeeper log`"
    )
    return ("", Painted(said, "bold"), f"next: where the proposal is right: {again}" if one.row.proposed else hand)


def reopen(setting: Setting, sha: str) -> Report:
    """Take a decision back: forget it, and take the patch that takes the commit back out of the queue."""
    project, upstream, _ = open_fork(setting, _STEP)
    prefix = sha.strip().lower()
    carried = {picking.declined(patch) for patch in project.queue.patches}
    shas = {*(one.sha for one in project.declined), *(str(one) for one in carried if one)}
    like = sorted(one for one in shas if one.startswith(prefix)) if prefix else []
    found = like[0] if len(like) == 1 else upstreams.find(upstream, sha, step=_STEP)
    if found not in shas:
        listed = ", ".join(short(one) for one in sorted(shas)) or "nothing"
        raise RequestError(_STEP, f"{sha} --reopen", "is not declined", f"declined: {listed}")
    upstreams.hold(upstream, locked_of(project, _STEP).pin.sha, step=_STEP)
    with reshaping(setting, _STEP) as work:
        rest = [one for one in work.pieces if picking.declined(one.patch) != found]
        pieces = restacked(
            work,
            rest,
            f"{short(found)} cannot be wanted again: what builds on its patch",
            "drop those first, or change them (`forkkeeper patch edit NAME`); nothing was saved",
        )
        patches = restack.written(work.store, pieces)
        left = tuple(one for one in work.project.declined if one.sha != found)
        changed = keep(work, pieces, patches, declined=left)
        if not changed:
            raise AnswerIsNo(_STEP, sha, "nothing changed", "`forkkeeper status`")
        said = said_of(work.project, patches, changed, f"decline: {short(found)} is wanted after all")
        return Report((*work.notes, Painted(f"{short(found)} is not declined any more", "green"), *said))
