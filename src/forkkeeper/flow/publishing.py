"""What a night found, shown to the world: one pull request per sync, one alarm (`publish`).

An outbox (`stages/outbox`) is applied to a forge, or to a folder in its place, by the same code through one protocol
(`core/forges`). What is to be done is decided first (`core/publishing`); a dry run does not do it. The pull request and
the alarm are kept apart: where one fails, the other is published all the same.
"""

import contextlib
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from forkkeeper.core import commits, declaration, lock, publishing
from forkkeeper.core.alarmnote import ROOM
from forkkeeper.core.declaration import Declaration, GitSource
from forkkeeper.core.forges import Forge
from forkkeeper.core.harmless import harmless
from forkkeeper.core.ids import CommitId, short
from forkkeeper.core.markdown import MOST
from forkkeeper.core.outboxes import Outbox, Pull
from forkkeeper.core.publishing import AddIssue, AddPull, ChangeIssue, ChangePull, Comment, Decided, Deed
from forkkeeper.core.report import Block, Painted, Report
from forkkeeper.errors import ExitCode, ForkkeeperError, RequestError
from forkkeeper.flow.standing import Setting
from forkkeeper.shell.folder import Folder
from forkkeeper.shell.git import Incoming, Quarantine, Worktree
from forkkeeper.stages import outbox as boxes, project as projects

STEP = "publish"
FOLDER = "folder:"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was asked for. to -- "github", or "folder:DIR"; repository -- "" as declared; outbox -- None: the usual."""

    to: str
    repository: str = ""
    outbox: str | None = None
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class _Desk:
    """Where it is done. base -- the commit that the base branch stands at here; pin -- the upstream commit there."""

    root: Path
    declared: Declaration
    forge: Forge
    folder: Path
    box: Outbox
    base: CommitId
    pin: CommitId
    dry_run: bool

    @property
    def pages(self) -> tuple[str, ...]:
        """The addresses that a link may lead to: upstream's pages and the place's own."""
        upstream = self.declared.upstream
        known = [upstream.web, *(one.location for one in upstream.source if isinstance(one, GitSource))]
        found = [page for one in known if one and (page := commits.link([one], CommitId("")))]
        return (*(page.removesuffix("/") for page in found), *([self.forge.page] if self.forge.page else []))

    def text(self, name: str) -> str:
        """Read a text of the outbox, made harmless and bounded."""
        return harmless(boxes.text(self.folder, name), self.pages, MOST - ROOM)


def publish(setting: Setting, wanted: Wanted) -> Report:
    """Apply an outbox; the same one twice changes nothing the second time."""
    root = projects.find_root(setting.here, step=STEP)
    declared = projects.load_declaration(root)
    folder = setting.here / wanted.outbox if wanted.outbox else root / projects.STATE / boxes.FOLDER
    forge = _forge(setting, declared, wanted)
    base, pin = _base(root, declared.forge.base)
    desk = _Desk(root, declared, forge, folder, boxes.read(folder), base, pin, wanted.dry_run)
    blocks: list[Block] = [f"{forge.name}: {'what would be published' if wanted.dry_run else 'published'}"]
    code = ExitCode.IN_STEP
    for part in (_alarm, _done, _pull):
        try:
            blocks += part(desk)
        except ForkkeeperError as error:
            blocks.append(Painted(str(error), "red"))
            code = max(code, error.code)
    return Report(tuple(blocks), code)


def _forge(setting: Setting, declared: Declaration, wanted: Wanted) -> Forge:
    if wanted.to == "github":
        from forkkeeper.shell import forge as github  # noqa: PLC0415 -- its library is a tenth of the start-up time

        return github.from_environment(wanted.repository or declared.forge.repository)
    place = wanted.to.removeprefix(FOLDER)
    if wanted.to.startswith(FOLDER) and place:
        return Folder(setting.here / place)
    raise RequestError(STEP, f"--to {wanted.to}", "is no place to publish in", "--to github, or --to folder:DIR")


def _base(root: Path, branch: str) -> tuple[CommitId, CommitId]:
    """Give the base branch's commit here, and the pin there; what is checked out where there is no such branch."""
    worktree = Worktree(root)
    names = (f"refs/heads/{branch}", f"refs/remotes/origin/{branch}", "HEAD")
    found = next((commit for name in names if (commit := worktree.revision(name)) is not None), None)
    if found is None:
        raise RequestError(STEP, str(root), "is in no git repository with a commit", "commit the fork first")
    saved = worktree.files_at(found, [lock.FILE])
    if lock.FILE not in saved:
        raise RequestError(STEP, f"{lock.FILE} in {short(found)}", "is missing", projects.LOCK_HINT)
    return found, lock.parse(saved[lock.FILE][1]).pin.sha


# the alarm ----------------------------------------------------------------------------------------------------------


def _alarm(desk: _Desk) -> Sequence[Block]:
    notice, label = desk.box.alarm, desk.declared.forge.label
    if notice is None:
        return ("alarm: the outbox says nothing of it",)
    body = publishing.alarm_body(notice, desk.text(notice.body)) if notice.state == "open" else ""
    comment = harmless(notice.comment, desk.pages, MOST - ROOM) if notice.comment else ""
    issues = desk.forge.issues(label)
    now = publishing.open_alarm(issues)
    comments = desk.forge.comments(now.number) if now is not None else ()
    return _do(desk, "alarm", publishing.decide_alarm(notice, body, comment, issues, comments, label))


# the pull request ---------------------------------------------------------------------------------------------------


def _done(desk: _Desk) -> Sequence[Block]:
    """Close the pull requests of syncs that are done."""
    decided = publishing.decide_done(desk.forge.pulls(), desk.declared.forge.base, desk.pin)
    deeds = [one for one in decided.deeds if not isinstance(one, Comment) or not _is_said(desk, one)]
    return _do(desk, "pull request", Decided(tuple(deeds), decided.said))


def _is_said(desk: _Desk, comment: Comment) -> bool:
    return any(text.strip() == comment.text.strip() for text in desk.forge.comments(comment.number))


def _pull(desk: _Desk) -> Sequence[Block]:
    pull = desk.box.pull
    if pull is None:
        return ("pull request: the outbox proposes no sync",)
    if pull.from_sha != desk.pin:
        left, stands = short(pull.from_sha), short(desk.pin)
        return (f"pull request: the outbox proposes a sync from {left}, and the fork stands on {stands}: passed over",)
    if pull.base != desk.declared.forge.base:
        found = f"is for the branch {pull.base}, and {declaration.FILE} declares {desk.declared.forge.base}"
        raise RequestError(STEP, "the outbox's pull request", found, "run the night again, or mend [forge]")
    pulls = desk.forge.pulls(pull.branch)
    held = publishing.is_held(pulls)
    if held:
        return (f"pull request: {held}",)
    said, is_left = _branch(desk, pull)
    if is_left:
        return said
    body = publishing.pull_body(pull, desk.text(pull.body))
    return (*said, *_do(desk, "pull request", publishing.decide_pull(pull, body, pulls)))


def _branch(desk: _Desk, pull: Pull) -> tuple[Sequence[Block], bool]:
    """Bring the sync's branch to its place; gives what is to be said, and whether it was left to somebody."""
    data = boxes.bundled(desk.folder, pull.bundle)
    with _incoming(desk) as (incoming, place):
        bundle = place / "taken.bundle"
        bundle.write_bytes(data)
        tip = boxes.take(incoming, bundle, pull.branch, projects.SAVED)
        if not desk.forge.git:
            moved = desk.dry_run or desk.forge.keep(pull.branch, data)
            where = shlex.join(
                ["git", "fetch", f"{desk.forge.name}/sync-from-{short(pull.from_sha)}.bundle", pull.branch]
            )
            return (
                (_said(desk, f"branch {pull.branch}: kept as a bundle; `{where}` takes it in"),) if moved else ()
            ), False
        url, secret = desk.forge.git, desk.forge.secret
        left, was = boxes.look(incoming, url, pull.branch, tip, secret)
        if left is not None and left.why:
            return (Painted(f"pull request: {left.why}", "yellow"),), True
        if left is not None:
            return (f"branch {pull.branch}: stands there already",), False
        if not desk.dry_run:
            incoming.push(url, pull.branch, tip, was, secret)
        return (_said(desk, f"branch {pull.branch}: pushed, {short(tip)}"),), False


@contextlib.contextmanager
def _incoming(desk: _Desk) -> Iterator[tuple[Incoming, Path]]:
    with Quarantine() as place:
        yield Incoming(place / "incoming.git", desk.root, desk.base), place


# doing --------------------------------------------------------------------------------------------------------------


def _do(desk: _Desk, what: str, decided: Decided) -> Sequence[Block]:
    """Do what was decided, in order; say it alone in a dry run."""
    said = [f"{what}: {text}" for text in decided.said]
    for deed in decided.deeds:
        done = _planned(deed) if desk.dry_run else _deed(desk.forge, deed)
        said += [_said(desk, f"{what}: {done}")]
    return said


def _said(desk: _Desk, text: str) -> str:
    return f"would: {text}" if desk.dry_run else text


def _deed(forge: Forge, deed: Deed) -> str:
    match deed:
        case AddPull(title=title, body=body, branch=branch, base=base):
            made = forge.add_pull(title, body, branch, base)
            return f"{made.number} opened: {commits.one_line(made.url)}"
        case ChangePull(number=number, title=title, body=body, is_open=is_open):
            forge.change_pull(number, title=title, body=body, is_open=is_open)
        case AddIssue(title=title, body=body, label=label):
            issue = forge.add_issue(title, body, label)
            return f"{issue.number} opened: {commits.one_line(issue.url)}"
        case ChangeIssue(number=number, title=title, body=body, is_open=is_open):
            forge.change_issue(number, title=title, body=body, is_open=is_open)
        case Comment(number=number, text=text):
            forge.comment(number, text)
    return _planned(deed)


def _planned(deed: Deed) -> str:
    match deed:
        case AddPull(title=title) | AddIssue(title=title):
            return f"a new one, {title}"
        case ChangePull(number=number, why=why) | ChangeIssue(number=number, why=why):
            return f"{number} {why}"
        case Comment(number=number):
            return f"{number} commented"
