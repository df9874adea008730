"""Whose an edit is: the commits of the fork's own history, and which of them brought or took away which line."""

import posixpath
import re
from collections import Counter
from collections.abc import Sequence, Set as AbstractSet
from dataclasses import dataclass

from forkkeeper.core.lines import says_something

_COMMIT = re.compile(rb"([0-9a-f]{40})\x02([^\0]*?)\x02([^\0]*?)\x02([^\0]*)\0", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit of the fork's. author -- "Name <mail>"; date -- as mails say it; message -- the whole of it."""

    sha: str
    author: str
    date: str
    message: str

    @property
    def title(self) -> str:
        """The first line of the message."""
        return self.message.strip().split("\n", 1)[0]


_Where = list[tuple[int, str]]  # commits, by their place from the newest, and the file's name there


@dataclass(frozen=True, slots=True)
class Authors:
    """The fork's history, of the lines that are asked for. commits -- oldest first."""

    commits: tuple[Commit, ...]
    added: dict[bytes, _Where]
    removed: dict[bytes, _Where]

    def of(self, path: str, removed: Sequence[bytes], added: Sequence[bytes]) -> int | None:
        """Give the place of the commit that most telling lines of an edit are from, the newest of equals."""
        name = posixpath.basename(path)
        votes: Counter[int] = Counter()
        for lines, known in ((added, self.added), (removed, self.removed)):
            for line in lines:
                found = known.get(_bare(line))
                if found:
                    at = next((at for at, where in found if where == name), None)
                    votes[found[0][0] if at is None else at] += 1
        if not votes:
            return None
        newest = min(votes, key=lambda at: (-votes[at], at))
        return len(self.commits) - 1 - newest


def _bare(line: bytes) -> bytes:
    return line.rstrip(b"\r\n")


def telling(lines: Sequence[bytes]) -> set[bytes]:
    """Give those of an edit's lines that are looked for, without their ends."""
    return {_bare(line) for line in lines if says_something(line)}


def parse(log: bytes, added: AbstractSet[bytes], removed: AbstractSet[bytes]) -> Authors:
    r"""Read a log with patches, newest first, in which each commit begins with \0\x01 and its words.

    added, removed -- the lines that are looked for; all others are passed over
    """
    commits: list[Commit] = []
    known = Authors((), {}, {})
    for part in log.split(b"\0\x01"):
        head = _COMMIT.match(part)
        if head is not None:
            sha, author, date, message = (one.decode("utf-8", "replace") for one in head.groups())
            commits.append(Commit(sha, author, date, message))
        if commits:
            diff = part[head.end() :] if head is not None else part
            _take(known, diff, len(commits) - 1, added, removed)
    return Authors(tuple(reversed(commits)), known.added, known.removed)


def _take(known: Authors, diff: bytes, commit: int, added: AbstractSet[bytes], removed: AbstractSet[bytes]) -> None:
    name = ""
    for line in diff.split(b"\n"):
        if line.startswith((b"+++ b/", b"--- a/")):
            name = posixpath.basename(line[6:].rstrip(b"\t").decode("utf-8", "surrogateescape"))
        elif line[:1] == b"+" and (bare := _bare(line[1:])) in added:
            known.added.setdefault(bare, []).append((commit, name))
        elif line[:1] == b"-" and (bare := _bare(line[1:])) in removed:
            known.removed.setdefault(bare, []).append((commit, name))
