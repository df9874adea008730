"""What upstream said later of a commit that was picked: that it was reverted, brought back, or fixed.

Only what a message plainly says counts: git's own "This reverts commit …", `Revert "title"`, `Reapply "title"`, a
`Fixes:` trailer, and a line that speaks of a fix and names the commit or its request's number.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from forkkeeper.core.ids import CommitId
from forkkeeper.core.upstreamed import title_key

_SHORTEST = 7  # digits of an id that nobody writes by accident
_LONGEST = 60  # characters of a title that are looked for
_NUMBER = re.compile(r"\((#|!)(\d+)\)\s*$")
_FIX = re.compile(
    r"\b(fix(es|ed|ing|up)?|bug-?fix|regress(ion|ed|es)?|broke(n)?|follow-?up|correct(s|ed|ion)?)\b", re.IGNORECASE
)


class Became(Enum):
    """What a later commit did to an earlier one."""

    REVERTED = "reverted"
    FIXED = "fixed"


@dataclass(frozen=True, slots=True)
class FollowUp:
    """A later commit of upstream's, and what it did."""

    sha: CommitId
    title: str
    became: Became


def words(sha: CommitId, title: str) -> tuple[str, ...]:
    """Give the texts of which a message that speaks of a commit holds at least one."""
    number = _NUMBER.search(title)
    bare = _NUMBER.sub("", title).strip()[:_LONGEST]
    return (sha[:_SHORTEST], *([f"{number[1]}{number[2]}"] if number else []), *([f'"{bare}'] if bare else []))


def read(sha: CommitId, title: str, later: Sequence[tuple[CommitId, str]]) -> tuple[FollowUp, ...]:
    """Read what later messages say of a commit, oldest first; a revert that was taken back is none.

    later -- id and message of each, oldest first
    """
    found: list[FollowUp] = []
    key = title_key(title)
    for one, message in later:
        head = message.strip().partition("\n")[0].strip()
        quoted = re.fullmatch(r'(Revert|Reapply) "(.*)"', _NUMBER.sub("", head).strip())
        if (
            quoted
            and title_key(_again(quoted[2])) == key
            and (quoted[1] == "Reapply" or quoted[2] != _again(quoted[2]))
        ):
            found = [other for other in found if other.became is not Became.REVERTED]
        elif _names(r"This reverts commit ", sha, message) or (quoted and title_key(quoted[2]) == key):
            found.append(FollowUp(one, head, Became.REVERTED))
        elif _fixes(sha, title, message):
            found.append(FollowUp(one, head, Became.FIXED))
    return tuple(found)


def _again(quoted: str) -> str:
    """Give the title within `Revert "…"`, where a title is such a one."""
    inner = re.fullmatch(r'Revert "(.*)"', quoted)
    return inner[1] if inner else quoted


def _names(before: str, sha: CommitId, text: str) -> bool:
    return any(sha.startswith(found.lower()) for found in re.findall(before + r"([0-9a-fA-F]{7,40})\b", text))


def _fixes(sha: CommitId, title: str, message: str) -> bool:
    number = _NUMBER.search(title)
    for at, line in enumerate(message.strip().splitlines()):
        text = _NUMBER.sub("", line) if at == 0 else line  # a title's own number is that of its own request
        named = _names(r"\b", sha, text)
        asked = number is not None and re.search(rf"{number[1]}{number[2]}\b", text) is not None
        if (named or asked) and _FIX.search(text):
            return True
    return False
