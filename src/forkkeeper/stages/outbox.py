"""The outbox: what a night has for the world to see, as files that another job can carry to a forge.

`nightly` fills it, `publish` empties it there. Between them lies the border of trust: what fills it has run upstream's
code, so all that is read from it is held to its form, and a branch out of it to what a sync may change.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from forkkeeper.core import outboxes
from forkkeeper.core.commits import one_line
from forkkeeper.core.ids import CommitId, short
from forkkeeper.core.outboxes import ALARM, BUNDLE, PULL, SUMMARY, Notice, Outbox, Pull
from forkkeeper.errors import AnswerIsNo
from forkkeeper.shell import disk, parcel
from forkkeeper.shell.git import CommitInfo, Incoming, write_bundle

STEP = "publish"
FOLDER = "nightly/outbox"  # in the fork's state folder
MOST_JSON, MOST_TEXT, MOST_BUNDLE = 2**20, 2**20, 2**26  # bytes
MOST_COMMITS = 50  # of a sync's branch
MOST_NAMED = 10  # paths in a message


@dataclass(frozen=True, slots=True)
class Texts:
    """The Markdown of an outbox; "" for a part that it does not have."""

    summary: str
    pull: str = ""
    alarm: str = ""


def fill(folder: Path, pull: Pull | None, alarm: Notice | None, texts: Texts) -> None:
    """Write an outbox in the place of the one before; the bundle of a pull request must be there already (`bundle`).

    Raises RequestError for what `publish` would not take: a date or moment of another form, say.
    """
    data = outboxes.to_json(Outbox(pull=pull, alarm=alarm))
    outboxes.parse(data, shown=outboxes.FILE)
    if pull is None:
        (folder / BUNDLE).unlink(missing_ok=True)
    for name, text in ((PULL, texts.pull), (ALARM, texts.alarm), (SUMMARY, texts.summary)):
        if text:
            disk.write(folder / name, text.encode("utf-8", "replace"))
        else:
            (folder / name).unlink(missing_ok=True)
    disk.write(folder / outboxes.FILE, data)  # last: now it is whole


def bundle(folder: Path, clone: Path, branch: str, base: str) -> None:
    """Write the commits of a branch of a clone as the outbox's bundle.

    base -- the commit of the fork's own repository on which the branch stands
    The commits' author and committer must be `shell.git.outgoing.COMMITTER`, and what they say plain words: `publish`
    refuses others. Raises OutsideError.
    """
    write_bundle(clone, branch, base, folder / BUNDLE)


def read(folder: Path) -> Outbox:
    """Read `outbox.json`. Raises RequestError."""
    data = parcel.read(folder, outboxes.FILE, MOST_JSON)
    return outboxes.parse(data, shown=f"{folder}/{outboxes.FILE}")


def text(folder: Path, name: str) -> str:
    """Read one of its texts. Raises RequestError."""
    return parcel.read(folder, name, MOST_TEXT).decode("utf-8", "replace")


def bundled(folder: Path, name: str) -> bytes:
    """Read its bundle. Raises RequestError."""
    return parcel.read(folder, name, MOST_BUNDLE)


# the branch ---------------------------------------------------------------------------------------------------------


def take(incoming: Incoming, bundle: Path, branch: str, saved: Sequence[str]) -> CommitId:
    """Take a sync's branch out of a bundle, and hold it to what it may be; gives its tip.

    saved -- the fork's own files and folders that a sync writes, by path from the fork's folder
    Raises AnswerIsNo saying what it holds that no sync makes.
    """
    wrong = incoming.take(bundle, branch)
    if wrong is not None:
        lacks = "does not start at a commit that this repository has" if "prerequisite" in wrong else "cannot be taken"
        raise AnswerIsNo(STEP, BUNDLE, f"{lacks}: {one_line(wrong, 300)}", _BASE_HINT)
    added = incoming.added(incoming.tip)
    if not added or len(added) > MOST_COMMITS or any(len(one.parents) != 1 for one in added):
        found = f"has {len(added)} commits, or merges, where a few in a row are due that stand on the base"
        raise AnswerIsNo(STEP, f"branch {branch}", found, _BASE_HINT)
    for one in added:
        _check(incoming, one, tuple(f"{incoming.prefix}{path}" for path in saved))
    return incoming.tip


_BASE_HINT = "check the base out with its whole history (fetch-depth: 0), or run the night again on it"
_TAINTED = re.compile(r"[@#<>\x00-\x09\x0b-\x1f\x7f]|GH-\d|://")  # what a host would act on when it is merged


def _check(incoming: Incoming, one: CommitInfo, saved: Sequence[str]) -> None:
    """Raise AnswerIsNo where a commit is not one that a sync makes."""
    thing, hint = f"commit {short(one.sha)}", "look at what made it; nothing of it was pushed"
    odd = outboxes.strangers(incoming.changed(one.sha), saved)
    if odd:
        more = f" and {len(odd) - MOST_NAMED} more" if len(odd) > MOST_NAMED else ""
        named = ", ".join(one_line(path) for path in odd[:MOST_NAMED])
        raise AnswerIsNo(STEP, thing, f"changes what no sync changes: {named}{more}", hint)
    if not incoming.is_made_here(one.sha):
        raise AnswerIsNo(STEP, thing, "was not made by forkkeeper: it has another author or committer", hint)
    if _TAINTED.search(f"{one.title}\n{one.body}"):
        raise AnswerIsNo(STEP, thing, "says more than plain words: it may name people or issues", hint)


@dataclass(frozen=True, slots=True)
class Pushed:
    """What became of a branch. moved -- whether it was pushed; why -- where it was left although it is another."""

    moved: bool
    why: str = ""


def look(
    incoming: Incoming, url: str, branch: str, tip: CommitId, secret: str
) -> tuple[Pushed | None, CommitId | None]:
    """Say what is not to be pushed: the branch stands there as it should, or somebody's commits are on it.

    Gives None where it is to be pushed, and where it stands there.
    """
    was = incoming.there(url, branch, secret)
    if was is None:
        return None, None
    if was == tip or incoming.same(was, tip):
        return Pushed(moved=False), was
    others = [one for one in incoming.added(was) if not incoming.is_made_here(one.sha)]
    if others:
        cut = "; the history here is cut off (fetch-depth: 0 has all of it)" if incoming.is_shallow else ""
        title = f'"{one_line(others[0].title)}" by {one_line(others[0].author)}'
        why = f"branch {branch} has a commit of somebody's, {short(others[0].sha)} {title}: it was left alone{cut}"
        return Pushed(moved=False, why=why), was
    return None, was
