"""An upstream commit that a fork has not taken yet, with what it changed."""

import re
from dataclasses import dataclass

from forkkeeper.core.commits import UpstreamCommit
from forkkeeper.core.ids import TreeId
from forkkeeper.core.store import Change

_PULL = re.compile(r"\(#(\d+)\)\s*$|^Merge pull request #(\d+) ", re.MULTILINE)
_MERGE = re.compile(r"Merge pull request #\d+ from \S+$")


@dataclass(frozen=True, slots=True)
class Passed:
    """One step on the way from the pin to upstream's head.

    told -- what a person is told of it
    message -- its raw message; read by rules, never shown
    before, tree -- upstream's whole trees before and after it
    changes -- the paths that it changed, ordered; those that the fork does not keep, too
    is_one -- whether it is upstream's own next step, so that its words speak of all that it changes
    moves -- (path before, path after) of files that it moved; each is two of the changes
    """

    told: UpstreamCommit
    message: str
    before: TreeId
    tree: TreeId
    changes: tuple[Change, ...]
    is_one: bool = True
    moves: tuple[tuple[str, str], ...] = ()

    @property
    def title(self) -> str:
        """The raw title; of a pull request that was merged, that of the pull request."""
        first, _, rest = self.message.strip().partition("\n")
        return next(iter(rest.strip().splitlines()), first) if _MERGE.match(first) else first

    @property
    def pull(self) -> int | None:
        """The number of the pull request that it came from, where its title says so."""
        found = _PULL.search(self.message.strip().partition("\n")[0])
        return int(found[1] or found[2]) if found else None
