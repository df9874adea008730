"""Where patches from elsewhere are read: a folder of another tool's, or the commits of a repository."""

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from forkkeeper.core.exchange import forms
from forkkeeper.core.exchange.forms import Form, Incoming, Listing
from forkkeeper.core.exchange.heads import Words
from forkkeeper.core.ids import short
from forkkeeper.core.mail import MailError
from forkkeeper.errors import RequestError
from forkkeeper.flow.standing import Setting, near_hint
from forkkeeper.shell import disk
from forkkeeper.shell.git import Made, Repository, Scratch, git_dir_of


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
class Source:
    """Patches as they stand elsewhere, what is wrong, what is left aside; lender -- where their objects are."""

    found: tuple[Incoming, ...]
    faults: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    lender: Path | None = None
    commits: tuple[Made, ...] = ()


def form_named(name: str, step: str) -> Form:
    """Give the form of this name. Raises RequestError naming the nearest."""
    known = [form.value for form in Form]
    if name not in known:
        raise RequestError(step, name, "is no form of a queue", near_hint(name, known, "forms"))
    return Form(name)


def from_folder(setting: Setting, ask: Ask, form: Form, step: str) -> Source:
    """Read the patches of a folder. Raises RequestError where it is none, or lists none."""
    folder = setting.here / ask.source
    if ask.span:
        raise RequestError(step, ask.span, f"does not go with {form.value}", "`patch import git REPO BASE..BRANCH`")
    if not folder.is_dir():
        raise RequestError(step, ask.source, "is no folder", "give the folder that holds the patches")
    names = sorted(path.name for path in folder.iterdir() if path.is_file())

    def read(name: str) -> bytes | None:
        return disk.read(folder / name) if (folder / name).is_file() else None

    return read_listed(form, forms.listing(form, names, read), read, ask.source, step)


def read_listed(form: Form, listing: Listing, read: Callable[[str], bytes | None], shown: str, step: str) -> Source:
    """Read the files that an order names. read -- gives a file; shown -- what messages call the folder."""
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
    return Source(tuple(found), tuple(faults), listing.notes)


def from_git(setting: Setting, ask: Ask, step: str) -> Source:
    """Find the commits of a repository that are to be patches. Raises RequestError where there are none."""
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
        return Source((), _merges(commits), (), repository.objects, commits)


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


def with_diffs(store: Scratch, source: Source) -> Source:
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
