"""What a person may write for an upstream commit: a full or short sha, a tag, or a snapshot's name."""

import re
from dataclasses import dataclass

from forkkeeper.core import ids
from forkkeeper.core.ids import CommitId
from forkkeeper.errors import RequestError

SYNTAX = "a full or short sha, a tag or a branch"


@dataclass(frozen=True, slots=True)
class FullSha:
    """All 40 digits."""

    sha: CommitId


@dataclass(frozen=True, slots=True)
class ShortSha:
    """4 to 39 digits; may also be a tag's name."""

    prefix: str


@dataclass(frozen=True, slots=True)
class SnapshotName:
    """package==version."""

    package: str
    version: str


@dataclass(frozen=True, slots=True)
class TagName:
    """Anything else that git accepts as a ref's name."""

    name: str


Revision = FullSha | ShortSha | SnapshotName | TagName


def parse(text: str, *, step: str) -> Revision:
    """Read what was typed after `--upto` or `--from`. Raises RequestError.

    >>> parse("b9733", step="plan")
    ShortSha(prefix='b9733')
    >>> parse("llama-cpp-python==0.3.36", step="plan").version
    '0.3.36'
    """
    text = text.strip()
    lowered = text.lower()
    if ids.is_full(lowered):
        return FullSha(CommitId(lowered))
    if ids.is_abbreviated(lowered):
        return ShortSha(lowered)
    if match := re.fullmatch(r"([A-Za-z0-9][A-Za-z0-9._-]*)\s*==\s*([A-Za-z0-9][A-Za-z0-9.!+_-]*)", text):
        return SnapshotName(match[1], match[2])
    # git check-ref-format, and nothing that git could take for an option
    if (
        re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._/+-]*", text)
        and ".." not in text
        and not text.endswith((".lock", "/", "."))
    ):
        return TagName(text)
    raise RequestError(step, repr(text), "is not something that names an upstream commit", f"give {SYNTAX}")
