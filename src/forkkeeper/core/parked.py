"""Patches that a person set aside in a sync: kept whole in `patches/parked/`, with why, until they are dealt with.

Where it stood and why it was set aside stands in the file itself, in a line below `---`, which `git am` passes over.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from forkkeeper.core.ids import CommitId
from forkkeeper.core.mail import Patch

FOLDER = "parked"
_RULE = b"--- \n"  # what ends a message, for `git am`, too; ours has a blank, so that it can be taken out again
_LINE = re.compile(rb"^(?:--- \n)?Parked: ([0-9-]+), from ([0-9a-f]{40}) to ([0-9a-f]{40}): ([^\n]*)\n", re.MULTILINE)
_DIFF = re.compile(rb"^diff --git ", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Parked:
    """A patch that was set aside.

    name -- its file name
    date -- when, as YYYY-MM-DD
    stood_on -- the upstream commit that it fits; clashed_at -- the one to which it was not carried
    why -- the reason, in one line
    data -- the patch as it was
    """

    name: str
    date: str
    stood_on: CommitId
    clashed_at: CommitId
    why: str
    data: bytes


def park(patch: Patch, date: str, stood_on: CommitId, clashed_at: CommitId, why: str) -> bytes:
    """Write the file of a patch that is set aside."""
    said = " ".join(why.split())
    line = f"Parked: {date}, from {stood_on} to {clashed_at}: {said}\n".encode("utf-8", "surrogateescape")
    rule = b"" if b"\n---\n" in patch.head else _RULE
    return patch.head + rule + line + patch.diff  # the last of the head: a patch may have such a line of its own


def read(name: str, data: bytes) -> Parked | None:
    """Read a parked patch; None for a file that forkkeeper did not park."""
    diff = _DIFF.search(data)
    lines = list(_LINE.finditer(data, 0, diff.start() if diff else len(data)))
    if not lines:
        return None
    start, end = lines[-1].span()
    date, stood_on, clashed_at, why = (part.decode("utf-8", "replace") for part in lines[-1].groups())
    return Parked(name, date, CommitId(stood_on), CommitId(clashed_at), why, data[:start] + data[end:])


def summary(parked: Sequence[Parked]) -> tuple[str, ...]:
    """Say, a line each, what is parked and why."""
    return tuple(f"{one.name}: parked on {one.date}: {one.why}" for one in parked)
