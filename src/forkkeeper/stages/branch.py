"""The fork as commits on its pin, the same ids on any machine; brought to a branch of a repository of upstream's.

A branch is only ever taken from where nobody's work is lost: from a commit of forkkeeper's own, which it makes anew, or
from one of upstream's. Which it is, its tip says: forkkeeper is the committer of what it makes, and whoever amends,
rebases or adds a commit is the committer of that.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from forkkeeper.core import mailing
from forkkeeper.core.compose import Composed
from forkkeeper.core.declaration import Materialise, PathRule
from forkkeeper.core.ids import CommitId, TreeId, short
from forkkeeper.core.planning import Commit
from forkkeeper.core.report import count
from forkkeeper.core.shown import spelled
from forkkeeper.errors import AnswerIsNo, OutsideError, RequestError
from forkkeeper.shell.git import Mails, Outgoing, Submodule, Worktree
from forkkeeper.shell.git.outgoing import COMMITTER

STEP = "materialise"
FOLDER = "branch.git"  # in the fork's state folder
STATE = ".forkkeeper"


def open_outgoing(state: Path, lenders: Sequence[Path], pin: CommitId) -> Outgoing:
    """Make the repository in which the commits are written."""
    out = Outgoing(state / FOLDER)
    out.make(lenders, pin)
    return out


def write(
    out: Outgoing, mails: Mails, pin: Commit, made: Composed, rules: Sequence[PathRule], overlay: int
) -> tuple[CommitId, ...]:
    """Write the commits that stand on the pin, in order. overlay -- how many files it has.

    The trees must be on disk, in the repository's objects or in those that it borrows.
    """
    day = mailing.moment("", pin.date)
    found: list[CommitId] = []

    def add(tree: TreeId, message: str, author: str = COMMITTER, date: str = day) -> None:
        found.append(out.commit(tree, found[-1] if found else pin.sha, message, author=author, date=date))

    if made.baseline.left_out:
        listed = "".join(f"{rule.rule} {rule.pattern}\n" for rule in rules)
        about = f"{len(made.baseline.left_out)} files of upstream, by the path policy of fork.toml:"
        add(made.baseline.tree, f"Leave out what the fork does not keep\n\n{about}\n\n{listed}")
    for step in made.steps:
        letter = mails.read(step.patch.data)
        message = mailing.named(letter.message, step.patch.name)
        add(step.after, message, letter.author, mailing.moment(letter.date, pin.date))
    if overlay:
        number = "one file" if overlay == 1 else f"{overlay} files"
        add(made.tree, f"Add the fork's own files\n\n{number} of native/overlay/, at their final paths.\n")
    if found:
        out.keep(found[-1])
    return tuple(found)


# the branch ---------------------------------------------------------------------------------------------------------


def location_of(root: Path, declared: Materialise) -> str:
    """Give the repository as git is to be told of it. Raises RequestError for a path where there is none."""
    given = declared.repository
    if "://" in given or (":" in given and "/" not in given.split(":", 1)[0]):
        return given
    path = (root / Path(given).expanduser()).resolve()
    if not path.is_dir():
        hint = f"`git clone --bare UPSTREAM {given}` makes one, or mend materialise.repository in fork.toml"
        raise RequestError(STEP, given, "there is no such repository", hint)
    return str(path)


@dataclass(frozen=True, slots=True)
class Pushed:
    """What became of the branch: where it stood, and whether it moved."""

    was: CommitId | None
    moved: bool


def push(
    out: Outgoing, location: str, declared: Materialise, tip: CommitId, *, is_upstreams: bool, overwrite: bool
) -> Pushed:
    """Bring the branch to a commit, where that loses nobody's work.

    is_upstreams -- whether the branch stands at a commit that upstream has
    Raises AnswerIsNo where somebody's commit is on it, OutsideError where git refuses.
    """
    was = out.tip_of(location, declared.branch)
    if was == tip:
        return Pushed(was, moved=False)
    if was is not None and not is_upstreams and not overwrite:
        _refuse_others(out, location, declared, was)
    wrong = out.push(location, declared.branch, tip, was)
    if wrong is not None:
        raise _not_pushed(out, declared, wrong)
    return Pushed(was, moved=True)


def _refuse_others(out: Outgoing, location: str, declared: Materialise, was: CommitId) -> None:
    """Raise AnswerIsNo where the branch's tip is somebody's commit."""
    seen = out.look_at(location, declared.branch, was)
    if seen is not None and seen.committer == COMMITTER:
        return
    title = f'"{spelled(seen.info.title)}", committed by {spelled(seen.committer)}' if seen else "which cannot be read"
    more = f", nor {count(seen.number - 1, 'more commit')} below" if seen and seen.number > 1 else ""
    base = short(seen.base) if seen and seen.base else "BASE"
    here = out.read(was) is not None
    place, where = (f"{STATE}/{FOLDER}", "") if here else ("REPOSITORY", " in a clone of it")
    takes = "that commit" if seen and seen.number == 1 else f"those {seen.number} commits" if seen else "them"
    raise AnswerIsNo(
        STEP,
        f"branch {declared.branch} of {declared.repository}",
        f"stands at {short(was)}, {title}: forkkeeper did not make it{more}",
        f"`forkkeeper patch import git {place} {base}..{short(was)} --why TEXT`{where} takes {takes} into the queue;"
        " then add --overwrite, which takes the branch from exactly that commit",
    )


def _not_pushed(out: Outgoing, declared: Materialise, wrong: str) -> OutsideError:
    thing = f"branch {declared.branch} of {declared.repository}"
    if "stale info" in wrong:
        return OutsideError(STEP, thing, "was moved by somebody while this ran", "run the command again")
    if "shallow" in wrong and out.is_shallow:
        return OutsideError(
            STEP,
            thing,
            "lacks the pin, and upstream's history before the pin is not here to be pushed: it came out of snapshots",
            "make the repository a fork of upstream that has the pin (push or sync upstream's own branch there), or"
            " name a git source with upstream's history in fork.toml",
        )
    return OutsideError(STEP, thing, f"could not be pushed: {wrong[:500]}", "see the message of git")


# the submodule ------------------------------------------------------------------------------------------------------


def submodule_of(root: Path, declared: Materialise) -> Submodule | None:
    """Give the submodule that is declared. Raises RequestError where the index has files in its place."""
    if not declared.submodule:
        return None
    if not Worktree(root).exists:
        found, hint = "the fork is in no git repository", '`git init`, or submodule = "" in fork.toml'
        raise RequestError(STEP, declared.submodule, found, hint)
    found_at = Submodule(root, declared.submodule)
    files = found_at.files()
    if files:
        raise RequestError(
            STEP,
            declared.submodule,
            f"is to be a submodule, and git has files there: {files[0]} and {len(files) - 1} more",
            f"`git rm -r --cached -q {declared.submodule}` and move the folder away, then run this again",
        )
    return found_at


def point(module: Submodule, declared: Materialise, location: str, tip: CommitId) -> tuple[str, ...]:
    """Record a commit for the submodule, and bring a clean checkout there; gives what is to be said of it."""
    before = module.recorded()
    changed = [module.describe(_url(declared.repository), declared.branch), module.record(tip)]
    where = f"submodule {declared.submodule}"
    said = [f"{where} points to {short(tip)} in the index" if any(changed) else f"{where} points there already"]
    if not module.is_checked_out:
        return (
            (*said, f"next: `git submodule update --init {declared.submodule}` checks it out")
            if any(changed)
            else (*said,)
        )
    head = module.head()
    if head == tip:
        return (*said,)
    if head != before or not module.is_clean():
        why = "stands at a commit of its own" if head != before else "holds edits"
        return (
            *said,
            f"its checkout {why} and was left alone: `git submodule update {declared.submodule}` when it is free",
        )
    wrong = module.check_out(tip, location, declared.branch)
    return (*said, f"its checkout could not be brought there: {wrong}" if wrong else "its checkout stands there")


def _url(repository: str) -> str:
    """Give the url for `.gitmodules`, where a relative one begins with a dot."""
    is_plain = not repository.startswith(("/", ".", "~")) and ":" not in repository
    return f"./{repository}" if is_plain else repository
