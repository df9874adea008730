"""The worktree in which the queue stands as commits: made in one step, recorded, brought up to date after each save.

The record lies inside the worktree's own git directory, so one is never there without the other. A change of the queue
is announced in it first (`coming`), then the fork's files are saved, then the worktree is brought there: whichever of
the three a killed process did not reach, the next command can tell.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from forkkeeper.core import mailing, reading
from forkkeeper.core.ids import CommitId, TreeId
from forkkeeper.core.planning import Commit
from forkkeeper.core.restack import Piece
from forkkeeper.errors import RequestError
from forkkeeper.shell import disk
from forkkeeper.shell.git import Checkout, Mails

FOLDER = ".forkkeeper/patches"
BRANCH = "queue"
_BASE_TAG = "base"
_OPENED = "refs/forkkeeper/opened"
_TAKEN = "refs/forkkeeper/taken"  # below it, a ref for each commit that a save took in or that forkkeeper replaced
_RECORD = "forkkeeper.json"


class Chain(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A queue as commits.

    pin, queue, policy -- what it was made of: upstream's commit and two digests
    base -- the commit of upstream's files
    commits -- (commit, name of the patch), in order
    at -- the name of the patch at which the worktree stands; None: at the end
    """

    pin: str
    queue: str
    policy: str
    base: str
    commits: tuple[tuple[str, str], ...]
    at: str | None = None

    @property
    def tip(self) -> CommitId:
        """The last commit."""
        return CommitId(self.commits[-1][0] if self.commits else self.base)

    @property
    def stands(self) -> CommitId:
        """The commit at which the worktree stands."""
        return next((CommitId(sha) for sha, name in self.commits if name == self.at), self.tip)


class Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the worktree was opened with. coming, head -- a save underway: what it leads to, what was checked out."""

    chain: Chain
    coming: Chain | None = None
    head: str | None = None


@dataclass(frozen=True, slots=True)
class Opened:
    """The open worktree and its record."""

    checkout: Checkout
    chain: Chain

    @property
    def is_at_patch(self) -> bool:
        """Whether it was opened at a patch, and still stands on no branch."""
        return self.chain.at is not None and self.checkout.branch() is None

    @property
    def stood(self) -> CommitId:
        """The commit on which a person's own ones are made."""
        return self.chain.stands if self.is_at_patch else self.chain.tip


@dataclass(frozen=True, slots=True)
class Origin:
    """What a queue's commits are made of.

    tree -- that of the pin with the path policy applied
    queue, policy -- digests
    """

    upstream: str
    pin: Commit
    tree: TreeId
    queue: str
    policy: str


def find(root: Path, queue: str, *, step: str) -> Opened | None:
    """Give the open worktree of a fork, after finishing what a killed process left; None where there is none.

    queue -- the digest of the queue as its files are now
    """
    checkout = Checkout(root / FOLDER)
    data = disk.read(checkout.folder / ".git" / _RECORD)
    if data is None or not checkout.exists:
        if checkout.folder.exists():
            raise RequestError(
                step, FOLDER, "is damaged: it is no worktree that `patch open` made", "look at it, and move it away"
            )
        return None
    try:
        record = reading.struct(data, Record)
    except ValueError as error:
        raise RequestError(step, f"{FOLDER}/.git/{_RECORD}", f"is damaged: {error}", f"move {FOLDER} away") from error
    if record.coming is None:
        return Opened(checkout, record.chain)
    if queue != record.coming.queue:  # the fork was not saved
        _write(checkout, Record(record.chain))
        return Opened(checkout, record.chain)
    if not _is_safe(checkout, record, record.coming):
        raise RequestError(
            step,
            FOLDER,
            "a save was interrupted after it had written the fork's files, and something was edited here since",
            f"in {FOLDER}: `git stash`, then run the command again, and `git stash pop` there",
        )
    return stand(checkout, record.coming)


def _is_safe(checkout: Checkout, record: Record, coming: Chain) -> bool:
    """Whether standing at the coming commit loses nothing."""
    if checkout.underway() or checkout.head() not in (record.head, coming.stands, coming.tip):
        return False
    return not checkout.loose() or checkout.tree() == checkout.tree_of(coming.stands)


def _write(checkout: Checkout, record: Record) -> None:
    disk.write(checkout.folder / ".git" / _RECORD, msgspec.json.encode(record))


def make(root: Path, lenders: Sequence[Path]) -> Checkout:
    """Make an empty worktree in a place of its own, in which commits can be written."""
    checkout = making(root)
    checkout.make(lenders)
    return checkout


def making(root: Path) -> Checkout:
    """Give the worktree that is being made."""
    return Checkout(root / f"{FOLDER}-making")


def enter(root: Path, checkout: Checkout, chain: Chain) -> Opened:
    """Bring a worktree that was made to its place, whole or not at all."""
    made = stand(checkout, chain)
    target = root / FOLDER
    made.checkout.folder.rename(target)
    disk.flush_folder(target.parent)
    return Opened(Checkout(target), chain)


def stand(checkout: Checkout, chain: Chain) -> Opened:
    """Check out where a chain stands, and write it down. What is left for it has been saved, or is not a person's."""
    for spent in filter(None, (checkout.head(), checkout.commit_at(_OPENED))):
        checkout.point(f"{_TAKEN}/{spent}", spent)
    checkout.point(f"refs/tags/{_BASE_TAG}", CommitId(chain.base))
    checkout.point(_OPENED, chain.tip)  # so that `git gc` leaves alone what a save compares with
    if chain.at is None:
        checkout.stand(chain.tip, BRANCH)
    else:
        checkout.stand(chain.stands)
        checkout.point(f"refs/heads/{BRANCH}", chain.tip)
    _write(checkout, Record(chain))
    return Opened(checkout, chain)


def announce(opened: Opened, coming: Chain) -> None:
    """Write down that the fork is about to be saved with another queue."""
    head = opened.checkout.head()
    _write(opened.checkout, Record(opened.chain, coming, head))


def chain(checkout: Checkout, mails: Mails, of: Origin, pieces: Sequence[Piece], at: str | None = None) -> Chain:
    """Write a queue as commits, of which nothing is checked out yet; the same queue gives the same ones.

    The trees must be in the worktree's objects, or in those that it borrows.
    """
    day = of.pin.date
    said, who = f"{of.upstream} {of.pin.sha}\n", "upstream <upstream@invalid>"
    base = checkout.commit(of.tree, (), said, author=who, date=mailing.moment("", day))
    stands, found = base, []
    for piece in pieces:
        letter = mails.read(piece.patch.data)
        stands = checkout.commit(
            piece.after,
            (stands,),
            mailing.named(letter.message, piece.patch.name),
            author=letter.author,
            date=mailing.moment(letter.date, day),
        )
        found.append((str(stands), piece.patch.name))
    return Chain(str(of.pin.sha), of.queue, of.policy, base, tuple(found), at)


def unsaved(opened: Opened) -> tuple[str, ...]:
    """Say what the worktree holds that is in no file of the fork."""
    checkout = opened.checkout
    found = [f"a {doing} is underway" for doing in [checkout.underway()] if doing]
    loose = checkout.loose()
    found += [f"uncommitted edits: {some(loose)}"] if loose else []
    beside = checkout.beside([opened.chain.tip, CommitId(opened.chain.base)], _TAKEN)
    return (*found, f"commits: {some(beside)}") if beside else tuple(found)


def left(opened: Opened) -> tuple[str, ...]:
    """Name the commits that a person made, went away from, and that no branch has and no save took in; newest first."""
    return opened.checkout.left([opened.chain.tip, CommitId(opened.chain.base)])


def losses(opened: Opened) -> tuple[str, ...]:
    """Say what would be lost with the worktree: what is unsaved, and what was left behind."""
    behind = left(opened)
    return (*unsaved(opened), *([f"commits left behind, on no branch: {some(behind)}"] if behind else []))


def some(things: Sequence[str], most: int = 5) -> str:
    """List a few things, and count the rest."""
    more = f" and {len(things) - most} more" if len(things) > most else ""
    return ", ".join(things[:most]) + more


def is_stale(opened: Opened, origin: Origin) -> bool:
    """Whether the fork's files are not those that the worktree was opened with."""
    was = opened.chain
    return (was.pin, was.queue, was.policy) != (origin.pin.sha, origin.queue, origin.policy)
