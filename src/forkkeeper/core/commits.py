"""Upstream commits as a person is told of them; strangers' words, of which none reaches a screen raw (`shown`)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from forkkeeper.core import shown
from forkkeeper.core.ids import CommitId, TreeId

LATEST = 253_402_214_400  # seconds since 1970: the last day that can be written as YYYY-MM-DD
_DIGITS = 20  # of a time: git keeps it in 64 bits
LONGEST = 100  # characters of a title that are shown
LINES, WIDEST = 30, 200  # lines of a message that are shown, and characters of each
_BLANK = re.compile("[\t\n\r]")
_HOSTED = re.compile(
    r"https://(?:[^/@\s]*@)?((?:[a-z0-9-]+\.)*[a-z0-9-]*(?:github|gitlab)[a-z0-9-]*(?:\.[a-z0-9-]+)+(?::\d+)?)"
    r"((?:/[A-Za-z0-9._~-]+?){2,}?)(?:\.git)?/?"
)


@dataclass(frozen=True, slots=True)
class UpstreamCommit:
    """What a person is told of an upstream commit.

    title -- the first line of its message, made safe to show (`one_line`), as is the author's name
    date -- when it was committed, YYYY-MM-DD
    is_merge -- whether it brought a branch in: what it names is all that came with it
    body -- its message below the title, made safe line by line and cut
    link -- its page, where upstream is kept at a host that has one
    known_as -- upstream's tags, and the newest snapshot that holds it
    """

    sha: CommitId
    title: str
    author: str
    date: str
    is_merge: bool = False
    link: str | None = None
    known_as: tuple[str, ...] = ()
    body: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Candidate:
    """A commit between two pins that a queue can be carried to, in a list of them from the older pin to the newer.

    tree -- upstream's own tree, before the path policy
    follows -- whether it is upstream's next step after the one before it in the list (for the first: after the older
        pin), so that what it does is its own doing; else there may be others in between
    """

    sha: CommitId
    tree: TreeId
    follows: bool


@dataclass(frozen=True, slots=True)
class Stretch:
    """Upstream's commits after one up to and with another, oldest first; not all of them need be held here.

    follows -- for each, whether it is upstream's next step after the one before it; else there are others in between
    """

    shas: tuple[CommitId, ...]
    follows: tuple[bool, ...]

    @property
    def has_history(self) -> bool:
        """Whether these are upstream's own steps, and not only the snapshots that there are."""
        return any(self.follows)


def one_line(text: str, most: int = LONGEST) -> str:
    r"""Give a stranger's text as one line of at most so many characters, with whatever is not seen spelled out.

    >>> print(one_line("fix\tthe \x1b[31mred\u202e one\r\n"))
    fix the \u001b[31mred\u202e one
    """
    line = " ".join(shown.spelled(_BLANK.sub(" ", text)).split())
    return line if len(line) <= most else f"{line[: most - 1]}…"


def some_lines(text: str, most: int = LINES) -> tuple[str, ...]:
    """Give a stranger's text as at most so many lines that are safe to show."""
    lines = [one_line(line, WIDEST) for line in text.splitlines()]
    return (*lines[:most], "…") if len(lines) > most else tuple(lines)


def link(pages: Sequence[str], sha: CommitId) -> str | None:
    """Give a commit's page at the first of upstream's addresses whose host is a GitHub or a GitLab; None for none.

    pages -- addresses of upstream: its page, the urls of its git sources

    >>> link(["https://github.com/some/one.git"], CommitId("1a2b"))
    'https://github.com/some/one/commit/1a2b'
    """
    found = (_HOSTED.fullmatch(page) for page in pages)
    return next((f"https://{match[1]}{match[2]}/commit/{sha}" for match in found if match), None)


def seconds(written: str) -> int:
    """Read a time as a commit has it, in seconds since 1970; past the last day that can be written it is that day.

    >>> seconds("1718000000"), seconds("9" * 30) == LATEST, seconds("")
    (1718000000, True, 0)
    """
    return min(int(written[:_DIGITS]), LATEST) if written.isascii() and written.isdecimal() else 0
