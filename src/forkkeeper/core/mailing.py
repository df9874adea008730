"""A patch's words as a commit has them: author, date, message; and the trailer by which a commit keeps its file's name.

A message here is what `git am` makes of the mail. While the queue stands as commits, each message ends with
`Patch: NAME.patch`, so that the name outlives amending and rebasing; no patch file ever has that line.
"""

import datetime as dt
import email.utils
import re
from dataclasses import dataclass

from forkkeeper.core.ids import CommitId, TreeId

NAME = "Patch"
WANTED = "Origin: local\nUpstream-Status: Pending\nWitness: none [why there is none yet]"
MOST_SLUG = 50  # characters of a name made of a title
_NAMED = re.compile(rf"^{NAME}: +([A-Za-z0-9][A-Za-z0-9._+-]*\.(?:patch|diff))[ \t]*$", re.MULTILINE)
_NAMED_LINE = re.compile(_NAMED.pattern + r"\n?", re.MULTILINE)
_TRAILER = re.compile(r"[A-Za-z][A-Za-z0-9-]*: ?.*|\(cherry picked from commit .*|[ \t].*")


@dataclass(frozen=True, slots=True)
class Letter:
    """What a mail says beside its diff.

    author -- "Name <mail>"; date -- when it was written, as mails say it
    message -- title, a blank line, the body; as `git am` makes it, with a line feed at the end
    """

    author: str
    date: str
    message: str


@dataclass(frozen=True, slots=True)
class Made:
    """A commit that a person may have made.

    author -- "Name <mail>"; date -- when it was written, as mails say it
    message -- the whole message, as it stands in the commit
    """

    sha: CommitId
    parents: tuple[CommitId, ...]
    tree: TreeId
    author: str
    date: str
    message: str

    @property
    def title(self) -> str:
        """The first line of the message."""
        return self.message.lstrip("\n").split("\n", 1)[0]


def tidy(message: str) -> str:
    r"""Take blanks at line ends and superfluous blank lines out, as `git am` does.

    >>> tidy("one  \n\n\n two")
    'one\n\n two\n'
    """
    lines = "\n".join(line.rstrip() for line in message.split("\n"))
    return re.sub(r"\n{3,}", "\n\n", lines).strip("\n") + "\n"


def parts(message: str) -> tuple[str, str]:
    """Split a message into its text and its last paragraph, where that is made of trailers alone."""
    before, _, last = tidy(message).rstrip("\n").rpartition("\n\n")
    lines = last.split("\n")
    is_block = before and not lines[0].startswith((" ", "\t")) and all(_TRAILER.fullmatch(line) for line in lines)
    return (before, last) if is_block else (tidy(message).rstrip("\n"), "")


def joined(text: str, trailers: str) -> str:
    """Make a message of its text and its trailers."""
    return tidy(f"{text}\n\n{trailers}")


def named(message: str, name: str) -> str:
    """Add the name of the patch's file to a message."""
    text, trailers = parts(message)
    return joined(text, f"{trailers}\n{NAME}: {name}" if trailers else f"{NAME}: {name}")


def names(message: str) -> tuple[str, ...]:
    """Give the names of files that a message holds, in order: several where commits were made one."""
    return tuple(dict.fromkeys(_NAMED.findall(message)))


def nameless(message: str) -> str:
    """Take the names of files out of a message."""
    return tidy(_NAMED_LINE.sub("", message))


def slug(title: str, taken: frozenset[str]) -> str:
    """Make a file name of a title that no other patch has, whatever the case of its letters.

    >>> slug("mmap: map weights", frozenset({"mmap-map-weights.patch"}))
    'mmap-map-weights-2.patch'
    """
    words = re.findall(r"[a-z0-9]+", title.lower())
    while len("-".join(words)) > MOST_SLUG and len(words) > 1:
        words.pop()
    stem = "-".join(words)[:MOST_SLUG] or "patch"
    others = {name.lower() for name in taken}
    number, name = 1, f"{stem}.patch"
    while name in others:
        number += 1
        name = f"{stem}-{number}.patch"
    return name


def moment(date: str, otherwise: str) -> str:
    """Give a mail's date in a form that git takes whatever its length. otherwise -- YYYY-MM-DD, where it is none."""
    aware = _aware(_read(date) or dt.datetime.fromisoformat(otherwise))
    if aware.timestamp() < 0:
        aware = _aware(dt.datetime.fromisoformat(otherwise))
    return f"@{int(aware.timestamp())} {aware.strftime('%z')[:5]}"


def _aware(stamp: dt.datetime) -> dt.datetime:
    return stamp if stamp.tzinfo is not None else stamp.replace(tzinfo=dt.UTC)


def _read(date: str) -> dt.datetime | None:
    for reading in (email.utils.parsedate_to_datetime, dt.datetime.fromisoformat):
        try:
            return reading(date)
        except (TypeError, ValueError, IndexError, OverflowError):
            continue
    return None
