"""The verdict on one patch: what carrying did to it, and what a person should know of that."""

from dataclasses import dataclass
from enum import Enum

from forkkeeper.core.clash import Clash
from forkkeeper.core.ids import CommitId, TreeId
from forkkeeper.core.mail import Patch
from forkkeeper.core.settling import Resolution
from forkkeeper.core.store import Conflict, Entries


class Outcome(Enum):
    """What carrying did to one patch."""

    KEPT = "kept"  # same hunk lines; offsets and blob ids may move
    REFRESHED = "refreshed"  # only context changed
    RESOLVED = "resolved"  # by a named rule
    REPLAYED = "replayed"  # by a recorded resolution
    UPSTREAMED = "upstreamed"  # upstream has the change
    EMPTIED = "emptied"  # the merge left nothing of it
    CLASHED = "clashed"  # a person must look
    PARKED = "parked"  # a person set it aside; kept in patches/parked/
    DROPPED = "dropped"  # a person took it out


GONE = (Outcome.UPSTREAMED, Outcome.EMPTIED)  # the patch leaves the queue, as upstream has it


@dataclass(frozen=True, slots=True)
class Row:
    """The verdict on one patch.

    old -- the patch as it was
    new -- the patch for the new pin; None when it is gone or clashed
    tree -- the whole tree, overlay left out, with this patch on the ones before it that did not clash; the tree
        before it when it is gone; None when it clashed
    paths -- the paths that it touches on the new side; for a clash those that clashed
    rule -- the rule that resolved it
    review -- whether a careful maintainer would want to look, for the reason in `why`
    root -- for a cascade, the name of the patch whose clash it follows from
    places -- where it clashed, line by line, as far as that can be shown
    moved -- (path before, path now) of files that upstream moved under it
    resolutions -- the places that the ladder answered, with the evidence
    proposed -- a clashed patch as `proposal` would have it
    upstream -- of a patch that upstream has: the commit that brought it, where that is known
    clash -- of a clash: what a person needs to settle it
    """

    old: Patch
    outcome: Outcome
    new: Patch | None
    tree: TreeId | None
    paths: tuple[str, ...] = ()
    rule: str | None = None
    review: bool = False
    proposal: TreeId | None = None
    culprit: CommitId | None = None
    root: str | None = None
    why: str | None = None
    places: tuple[Conflict, ...] = ()
    moved: tuple[tuple[str, str], ...] = ()
    resolutions: tuple[Resolution, ...] = ()
    proposed: Patch | None = None
    upstream: CommitId | None = None
    clash: Clash | None = None


@dataclass(frozen=True, slots=True)
class Carried:
    """What became of a queue. tree -- the new base with every patch that did not clash, overlay left out."""

    rows: tuple[Row, ...]
    tree: TreeId
    entries: Entries
