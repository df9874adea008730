"""Upstream's commits taken into the queue ahead of a sync (`pick`)."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache

from forkkeeper.core import picking, restack
from forkkeeper.core.commits import one_line
from forkkeeper.core.ids import CommitId, TreeId, short
from forkkeeper.core.mailing import Letter
from forkkeeper.core.picking import Origin
from forkkeeper.core.planning import Commit
from forkkeeper.core.report import Block, Painted, Report, Table
from forkkeeper.core.verdict import GONE, Outcome
from forkkeeper.errors import AnswerIsNo, ExitCode, RequestError
from forkkeeper.flow import bringing, needing
from forkkeeper.flow.bringing import Brought, Seen, Wanted
from forkkeeper.flow.patching import Working, keep, said_of
from forkkeeper.flow.reshaping import free, reshaping
from forkkeeper.flow.standing import Setting, locked_of, missing, not_with, only_with, open_fork
from forkkeeper.stages import upstream as upstreams
from forkkeeper.stages.upstream import Upstream

_STEP = "pick"
MOST_NAMED = 5  # commits that a clash is said to need


@dataclass(frozen=True, slots=True)
class Choice:
    """What a person wants of upstream.

    shas -- commits; or upto, since -- the difference of two commits, of which `paths` are taken (since None: the pin)
    touching -- a regular expression: only hunks that change a line with it; case is not regarded
    with_needed -- take the earlier commits that they need, too; yes -- having seen what those cost
    show -- say what would be done, and save nothing
    """

    shas: tuple[str, ...] = ()
    upto: str | None = None
    since: str | None = None
    paths: tuple[str, ...] = ()
    touching: str | None = None
    name: str | None = None
    title: str | None = None
    why: str | None = None
    witness: str | None = None
    accept: bool = False
    with_needed: bool = False
    yes: bool = False
    show: bool = False


def pick(setting: Setting, choice: Choice) -> Report:
    """Bring upstream commits that are ahead of the pin into the queue, at its end; saves all of them, or nothing."""
    _check(choice)
    touching = _expression(choice.touching)
    project, upstream, _ = open_fork(setting, _STEP)
    pin = locked_of(project, _STEP).pin.sha
    upstreams.hold(upstream, pin, step=_STEP)
    if choice.upto is not None:
        ends = _ends(upstream, choice, pin)
        with reshaping(setting, _STEP) as work:
            return _between(work, choice, ends, touching)
    every = [bringing.see(upstream, sha, (pin,), step=_STEP) for sha in choice.shas]
    seen = [next(one for one in every if one.sha == sha) for sha in _in_order(upstream, [s.sha for s in every], pin)]
    for one in seen:
        if upstreams.contains(upstream, one.sha, pin):
            raise RequestError(_STEP, one.said, "the pin has it", "nothing to do; `forkkeeper status` shows the pin")
    with reshaping(setting, _STEP) as work:
        return _commits(work, choice, seen, touching)


def _check(choice: Choice) -> None:
    """Refuse options that do not go together."""
    if choice.yes and not choice.with_needed:
        raise only_with("--yes", "--with-needed")
    if choice.upto is None:
        _check_commits(choice)
        return
    if choice.shas:
        raise not_with("--sha", "--upto")
    if choice.with_needed:
        raise not_with("--with-needed", "--upto")
    wanted = (("paths PATTERN", "".join(choice.paths)), ("title TEXT", choice.title), ("why TEXT", choice.why))
    for option, value in wanted:
        if not (value or "").strip():
            raise missing(option)


def _check_commits(choice: Choice) -> None:
    if not choice.shas:
        raise missing("sha SHA")
    for option, given in (("--from", choice.since), ("--title", choice.title)):
        if given is not None:
            raise only_with(option, "--upto")
    if choice.name is not None and len(choice.shas) > 1:
        raise RequestError(_STEP, "--name", "names one patch, and several commits are given", "leave it out")


def _expression(text: str | None) -> re.Pattern[str] | None:
    try:
        return re.compile(text, re.IGNORECASE) if text is not None else None
    except re.error as error:
        hint = "give a regular expression, or a plain word"
        raise RequestError(_STEP, f"--touching {text}", f"is none: {error}", hint) from error


def _in_order(upstream: Upstream, shas: Sequence[CommitId], pin: CommitId) -> Sequence[CommitId]:
    """Put commits into upstream's order, each once; where that cannot be seen they stay as they were given."""
    once = list(dict.fromkeys(shas))
    repository = next((one for one in upstreams.repositories(upstream) if all(one.info(s) for s in (pin, *once))), None)
    known = repository.in_order(once, pin) if repository and len(once) > 1 else ()
    return known if set(known) == set(once) else once


def _refuse_picked(work: Working, of: Origin, said: str) -> None:
    there = next((patch for patch in work.project.queue.patches if picking.origin(patch) == of), None)
    if there is not None and of.old is None:
        hint = f"`forkkeeper patch show {there.title}`"
        raise RequestError(_STEP, said, f"is in the queue already, as {there.title}", hint)


# commits ------------------------------------------------------------------------------------------------------------


class _Carrying:
    """Commits as patches on the fork, one upon the other; what was done once is known."""

    def __init__(self, work: Working, choice: Choice, seen: Sequence[Seen], touching: re.Pattern[str] | None) -> None:
        self.work, self.choice = work, choice
        self.named = {one.sha: one for one in seen}
        self._touching = touching
        self._wanted: dict[CommitId, Wanted] = {}
        self._done: dict[tuple[CommitId, ...], Brought] = {}

    @property
    def pin(self) -> CommitId:
        """The commit that the fork stands on."""
        return self.work.pin.sha

    def see(self, sha: CommitId) -> Seen:
        """Give a commit; one that is needed is taken whole."""
        if sha not in self.named:
            self.named[sha] = bringing.see(self.work.upstream, sha, (), step=_STEP)
        return self.named[sha]

    def wanted(self, sha: CommitId, *, whole: bool = False) -> Wanted:
        """Give a commit as a patch where it was made."""
        if sha not in self._wanted:
            seen, choice = self.see(sha), self.choice
            paths, touching = ((), None) if whole else (choice.paths, self._touching)
            before, part = bringing.part(self.work, (seen.before, seen.after), paths, touching, seen.said)
            of, made = Origin(None, sha), seen.made
            title, _, body = made.message.strip("\n").partition("\n")
            own = not whole
            text = picking.message(title, body, choice.why if own else None, of, choice.witness if own else None)
            name = free(self.work.project, choice.name, _STEP) if choice.name and own else self._name(text)
            self._wanted[sha] = bringing.want(self.work, name, Letter(made.author, made.date, text), before, part)
        return self._wanted[sha]

    def _name(self, text: str) -> str:
        taken = [one.patch.name for one in self._wanted.values()]
        return bringing.slug(self.work, text.partition("\n")[0], taken)

    def lines(self, sha: CommitId) -> int:
        """Count the lines that a needed commit changes; none for one of which the fork has no file."""
        try:
            files = self.wanted(sha, whole=True).patch.files
        except AnswerIsNo:
            return 0
        return sum(file.added + file.removed for file in files)

    def carry(self, shas: Sequence[CommitId], own: Sequence[CommitId]) -> list[Brought]:
        """Carry commits one upon the other, up to the first that does not fit. own -- those that were asked for."""
        found: list[Brought] = []
        tip = self.work.tip
        trusted = self.choice.accept and not self.choice.with_needed  # what is needed is better than a guess
        for at, sha in enumerate(shas, start=1):
            key = tuple(shas[:at])
            if key not in self._done:
                wanted = self.wanted(sha, whole=sha not in own)
                self._done[key] = bringing.bring(self.work, wanted, tip, trusted=trusted)
            one = self._done[key]
            found.append(one)
            if one.row.outcome is Outcome.CLASHED or (one.lacks and self.choice.with_needed):
                break
            tip = one.row.tree or tip
        return found


def _commits(work: Working, choice: Choice, seen: Sequence[Seen], touching: re.Pattern[str] | None) -> Report:
    for each in seen:
        _refuse_picked(work, Origin(None, each.sha), each.said)
    carrying = _Carrying(work, choice, seen, touching)
    own = [each.sha for each in seen]
    order, reasons = _with_needed(carrying, own) if choice.with_needed else (own, dict[CommitId, str]())
    brought = carrying.carry(order, own)
    blocks: list[Block] = [*work.notes, _table(carrying, order, brought, reasons), ""]
    for sha, one in zip(order, brought, strict=False):
        blocks += bringing.left_out(carrying.see(sha), one.wanted, work)
        blocks += bringing.shown(one)
    stopped = next((n for n, one in enumerate(brought) if one.row.outcome is Outcome.CLASHED), None)
    if stopped is not None:
        blocks += _clashed(carrying, carrying.see(order[stopped]), brought[stopped])
        return Report(tuple(blocks), ExitCode.ANSWER_IS_NO)
    for sha, one in zip(order, brought, strict=True):
        if sha in own:
            bringing.refuse_gone(work, one, carrying.see(sha).said, "leave it out; nothing was saved")
    taken = [one for one in brought if one.row.outcome not in GONE]
    if choice.with_needed and reasons and not choice.yes and not choice.show:
        said = f"nothing was saved: it takes {len(reasons)} more of upstream's commits"
        again = f"next: where that is right: `forkkeeper pick {' '.join(own)} --with-needed --yes`"
        return Report((*blocks, Painted(said, "yellow"), again), ExitCode.ANSWER_IS_NO)
    return _saved(work, choice, taken, blocks)


def _with_needed(carrying: _Carrying, own: Sequence[CommitId]) -> tuple[list[CommitId], dict[CommitId, str]]:
    """Find what each of the commits needs. Gives all of them in upstream's order, and why each needed one is."""
    work = carrying.work
    order: list[CommitId] = []
    reasons: dict[CommitId, str] = {}
    for sha in own:
        repository = upstreams.with_history(work.upstream, carrying.pin, sha)
        before = list(order)
        if repository is None or not carrying.carry([*before, sha], own)[-1].stops:
            order.append(sha)
            continue
        attempt = cache_of(carrying, before, own)
        found = needing.find(repository, carrying.pin, sha, carrying.see, carrying.lines, attempt)
        if not found.complete:
            order.append(sha)
            continue
        reasons |= {one: why for one, why in found.reasons.items() if one not in order}
        order = [*before, *(one for one in found.reasons if one not in before), sha]
    return _sorted(carrying, order), reasons


def _sorted(carrying: _Carrying, order: Sequence[CommitId]) -> list[CommitId]:
    return list(_in_order(carrying.work.upstream, order, carrying.pin))


def cache_of(carrying: _Carrying, before: Sequence[CommitId], own: Sequence[CommitId]) -> needing.Try:
    """Give what tries commits on those that are taken already; the same ones are tried once."""

    @cache
    def tried(shas: tuple[CommitId, ...]) -> Sequence[Brought]:
        fresh = [sha for sha in shas if sha not in before]
        return carrying.carry([*before, *fresh], own)[len(before) :]

    return lambda shas: tried(tuple(shas))


def _clashed(carrying: _Carrying, seen: Seen, one: Brought) -> Iterator[Block]:
    """Say that nothing was saved, what the commit builds on, and what to type."""
    yield ""
    yield Painted(f"Nothing was saved: {seen.said} does not fit on the fork: {one.row.why}", "bold")
    repository = upstreams.with_history(carrying.work.upstream, carrying.pin, seen.sha)
    needs = {} if carrying.choice.with_needed or repository is None else needing.of(repository, seen, one, carrying.pin)
    for sha, why in list(needs.items())[:MOST_NAMED]:
        yield f"  it needs {carrying.see(sha).said}, which {why}"
    if len(needs) > MOST_NAMED:
        yield f"  … and {len(needs) - MOST_NAMED} more"
    again = f"forkkeeper pick {seen.sha}"
    if one.row.proposed is not None:
        yield f"next: where the proposal is right: `{again} --accept`"
    if carrying.choice.with_needed:
        limit = f"up to {needing.MOST} earlier commits with up to {needing.MOST_LINES:,} lines"
        yield f"  {limit} are tried with it, and it fits with none: a sync costs less"
    elif needs:
        yield f"next: `{again} --with-needed` shows what it takes to bring them, too"
    if one.row.proposed is None and (carrying.choice.with_needed or not needs):
        yield (
            "next: make it by hand: `forkkeeper patch open`, edit, "
            f'`forkkeeper patch new NAME --origin "upstream {seen.sha}" --status "Backport [{seen.sha}]" --why …`'
        )


def _table(
    carrying: _Carrying, order: Sequence[CommitId], brought: Sequence[Brought], reasons: dict[CommitId, str]
) -> Table:
    """Show each commit with its outcome and what it costs, in the order in which they come in."""
    rows = []
    for number, sha in enumerate(order):
        seen = carrying.see(sha)
        one = brought[number] if number < len(brought) else None
        how = (one.row.outcome.value + (", review" if one.row.review else "")) if one else "not tried"
        files, lines = bringing.size(one) if one else ("", "")
        title = one_line(seen.made.title)
        rows.append((short(sha), title, *((reasons.get(sha, "asked for"),) if reasons else ()), how, files, lines))
    why = ("needed, as it",) if reasons else ()
    return Table(("commit", "title", *why, "outcome", "files", "lines"), tuple(rows), prose=("title", *why))


def _saved(work: Working, choice: Choice, taken: Sequence[Brought], blocks: Sequence[Block]) -> Report:
    """Save what was brought, where a person need not look at it first."""
    review = [one for one in taken if one.row.review]
    if review and not choice.accept:
        said = [Painted(f"{one.wanted.patch.title}: for review: {one.row.why}", "yellow") for one in review]
        hint = "next: where that is right, add --accept; nothing was saved"
        return Report((*blocks, *said, hint), ExitCode.ANSWER_IS_NO)
    if choice.show:
        return Report((*blocks, Painted("it fits; nothing was saved, as --show was given", "green")))
    pieces = (*work.pieces, *(one.piece for one in taken))
    patches = restack.written(work.store, pieces)
    changed = keep(work, pieces, patches)
    titles = ", ".join(one.wanted.patch.title for one in taken)
    return Report((*blocks, *said_of(work.project, patches, changed, f"patches: pick {titles}")))


# the difference of two commits --------------------------------------------------------------------------------------


def _ends(upstream: Upstream, choice: Choice, pin: CommitId) -> tuple[Commit, Commit]:
    """Find and bring both ends. Raises RequestError where there is nothing between them that the pin has not."""
    old, new = (
        upstreams.hold(upstream, upstreams.find(upstream, text, step=_STEP, known=(pin,)), step=_STEP)
        for text in (choice.since or pin, choice.upto or "")
    )
    if upstreams.contains(upstream, new.sha, pin):
        raise RequestError(_STEP, f"--upto {choice.upto}", "the pin has it", "give a newer one")
    if upstreams.contains(upstream, new.sha, old.sha):
        raise RequestError(_STEP, f"--from {choice.since}", "is not older than --upto", "give them the other way round")
    return old, new


def _between(work: Working, choice: Choice, ends: tuple[Commit, Commit], touching: re.Pattern[str] | None) -> Report:
    old, new = ends
    of = Origin(old.sha, new.sha)
    said = f"{short(old.sha)}..{short(new.sha)}"
    trees: tuple[TreeId, TreeId] = (old.tree, new.tree)
    before, part = bringing.part(work, trees, choice.paths, touching, said)
    # paths that were not chosen are the rest of upstream: what counts is what is left out of the files that were
    part = replace(part, left=())
    text = picking.message(choice.title or "", "", choice.why, of, choice.witness)
    name = free(work.project, choice.name, _STEP) if choice.name else bringing.slug(work, text.partition("\n")[0], ())
    made = upstreams.made(work.upstream, new.sha)
    letter = Letter(f"{work.project.declaration.upstream.name} <upstream@invalid>", made.date if made else "", text)
    one = bringing.bring(work, bringing.want(work, name, letter, before, part), work.tip, trusted=choice.accept)
    files, lines = bringing.size(one)
    how = one.row.outcome.value + (", review" if one.row.review else "")
    row = (said, one.wanted.patch.title, how, files, lines)
    blocks: list[Block] = [*work.notes, Table(("upstream", "patch", "outcome", "files", "lines"), (row,)), ""]
    blocks += [*bringing.parts_left(one.wanted), *bringing.shown(one)]
    if one.row.outcome is Outcome.CLASHED:
        blocks += ["", Painted(f"Nothing was saved: it does not fit on the fork: {one.row.why}", "bold")]
        proposal = "where the proposal is right, add --accept; else " if one.row.proposed is not None else ""
        blocks.append(f"next: {proposal}choose less by --paths and --touching, or make it by hand")
        return Report(tuple(blocks), ExitCode.ANSWER_IS_NO)
    bringing.refuse_gone(work, one, said, "nothing was saved")
    return _saved(work, choice, [one], blocks)
