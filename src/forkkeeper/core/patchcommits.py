"""Commits that a person made, taken back as patches: which file each one is, and what keeps it from being one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from forkkeeper.core import mailing
from forkkeeper.core.ids import CommitId, TreeId, short
from forkkeeper.core.mail import Patch, shortcomings
from forkkeeper.core.mailing import Letter, Made

AUTOSQUASH = ("fixup! ", "squash! ", "amend! ")


@dataclass(frozen=True, slots=True)
class Taken:
    """A commit that is to be a patch.

    name -- the patch's file name
    before -- the tree that it stands on
    letter -- its words, without the name
    folded -- other names that its message holds: their commits were made one with it
    """

    name: str
    commit: Made
    before: TreeId
    letter: Letter
    folded: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Wrong:
    """A commit that cannot be a patch, what is wrong with it, and what to do."""

    commit: Made
    found: str
    hint: str

    @property
    def said(self) -> str:
        """The commit, as a person knows it."""
        return f"commit {short(self.commit.sha)} ({self.commit.title})"


def take(base: CommitId, tree: TreeId, commits: Sequence[Made], known: Sequence[str]) -> tuple[Taken, ...] | Wrong:
    """Find for each commit the patch that it is, in order.

    base, tree -- what the first one stands on; known -- the names in the queue
    """
    stands, before = base, tree
    used: dict[str, Made] = {}
    taken = frozenset((*known, *(name for made in commits for name in mailing.names(made.message))))
    found: list[Taken] = []
    for made in commits:
        if wrong := _wrong(made, stands, before, used):
            return wrong
        said = mailing.names(made.message)
        name = said[0] if said else mailing.slug(made.title, taken)
        taken |= {name}
        used[name.lower()] = made
        letter = Letter(made.author, made.date, mailing.nameless(made.message))
        found.append(Taken(name, made, before, letter, said[1:]))
        stands, before = made.sha, made.tree
    return tuple(found)


def _wrong(made: Made, stands: CommitId, before: TreeId, used: Mapping[str, Made]) -> Wrong | None:
    if made.parents != (stands,):
        return Wrong(made, "is a merge, or stands beside the others", "make one line of it: `git rebase base`")
    if made.tree == before:
        return Wrong(made, "changes nothing", "`git rebase -i base`, and drop it there")
    if made.title.startswith(AUTOSQUASH):
        return Wrong(made, "waits to be made one with another", "`git rebase -i --autosquash base`")
    if not mailing.nameless(made.message).strip():
        return Wrong(made, "has no message", "`git rebase -i base`, and reword it there")
    said = mailing.names(made.message)
    if said and (other := used.get(said[0].lower())):
        what = f"says `{mailing.NAME}: {said[0]}`, as commit {short(other.sha)} ({other.title}) does"
        return Wrong(made, what, "take that line out of the new one's message: its title gives it a name")
    return None


def lacks(made: Made, patch: Patch) -> Wrong | None:
    """Say what a commit's message lacks to be a patch's: its reason, its trailers; with lines to copy."""
    found = shortcomings(patch)
    if not found:
        return None
    hint = "amend its message (`git rebase -i base`, reword)"
    if any("trailer" in what for what in found):
        lines = [line for line in mailing.WANTED.splitlines() if not patch.trailer(line.split(":", 1)[0])]
        hint += "; as a last paragraph, e.g.:\n\n" + "".join(f"{line}\n" for line in lines).rstrip()
    return Wrong(made, "; ".join(found), hint)


def misread(made: Made, letter: Letter, read: Letter) -> Wrong | None:
    """Say where `git am` would read a commit's message otherwise."""
    if letter.message == mailing.tidy(read.message):
        return None
    own, other = letter.message.splitlines(), read.message.splitlines()
    at = next((n for n, pair in enumerate(zip(own, other, strict=False)) if pair[0] != pair[1]), len(other))
    line = own[at] if at < len(own) else ""
    found = f"line {at + 1} of its message would not survive `git am`: {line!r}"
    hint = "give it a title of one line without [brackets], a blank line, and no line `---` or `diff -…` in its body"
    return Wrong(made, found, hint)
