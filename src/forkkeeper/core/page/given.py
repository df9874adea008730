"""All that the page is made from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from forkkeeper.core.history import Record
from forkkeeper.core.hunks import FileDiff
from forkkeeper.core.ids import CommitId
from forkkeeper.core.mail import Patch
from forkkeeper.core.nights import Ending, Night, Taken
from forkkeeper.core.overlay import Overlay
from forkkeeper.core.requests import Request
from forkkeeper.core.variants import Variant


@dataclass(frozen=True, slots=True)
class Change:
    """A patch of the queue, and what it changes on the pin. since -- the upstream commit on which it first stood."""

    patch: Patch
    files: tuple[FileDiff, ...]
    since: str


@dataclass(frozen=True, slots=True)
class Sized:
    """A library's sections in bytes, by kind of section; none where it was not measured.

    of -- "fork" or "upstream"; it, `variant` and `tree` are "" where that was not kept
    """

    variant: str
    of: str
    tree: str
    kinds: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Given:
    """The fork as it stands, and its nights.

    day -- of which the page speaks, YYYY-MM-DD; "" where neither SOURCE_DATE_EPOCH nor a night says it
    pages -- addresses at which upstream may have a page for each commit
    sources -- of each source of upstream: its name, the newest that it knows, how far the pin is behind that
    drifted -- what of the fork's files differs from its lock
    files -- the whole difference of the composed fork from the baseline, the overlay left out
    nights -- newest first
    """

    fork: str
    upstream: str
    day: str
    pages: tuple[str, ...]
    pin: CommitId
    pin_date: str
    known_as: tuple[str, ...]
    sources: tuple[tuple[str, str, str], ...]
    drifted: tuple[str, ...]
    queue: tuple[Change, ...]
    files: tuple[FileDiff, ...]
    overlay: Overlay
    left_out: int
    records: tuple[Record, ...]
    variants: Mapping[str, Variant]
    sizes: tuple[Sized, ...]
    requests: tuple[Request, ...]
    nights: tuple[Night, ...]

    @property
    def night(self) -> Night | None:
        """The last night."""
        return self.nights[0] if self.nights else None

    def place(self, patch: str) -> str:
        """Give the link to what a patch changes, "" for one that is not in the queue."""
        title = patch.removesuffix(".patch")
        at = next((n for n, change in enumerate(self.queue, 1) if change.patch.title == title), 0)
        return f"#p-{at}" if at else ""

    def among_hits(self, sha: str) -> str:
        """Give the link to an upstream commit among those that touch the queue, "" where it is none of them."""
        behind = self.night.findings.behind if self.night else ()
        at = next((n for n, one in enumerate(behind, 1) if one.sha == sha and one.effects), 0)
        return f"#{hit(at)}" if at else ""


def hit(number: int) -> str:
    """Give the id that a commit which touches the queue has on the page, by its number on the way, from 1."""
    return f"e-{number}"


def documents(night: Night, kind: str) -> Sequence[Taken]:
    """Give the steps of a kind that wrote a document."""
    return [one for one in night.taken if one.step.kind == kind and one.document]


def day_of(night: Night) -> str:
    """Give the day on which a night began, YYYY-MM-DD."""
    return night.began[:10]


SIGNS = {
    Ending.PASSED: "✓",
    Ending.FAILED: "✗",
    Ending.WRONG: "✗",
    Ending.OUTSIDE: "✗",
    Ending.BUG: "✗",
    Ending.LATE: "✗",
    Ending.BLOCKED: "–",
    Ending.SKIPPED: "–",
}
