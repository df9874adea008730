"""What an upstream commit needs before it fits: the earlier commits that touch its lines, or bring names that it uses.

What is needed is found by carrying, not by guessing: commits are added until the wanted one fits or nothing more is to
be had, and then each is left out again where it fits without. So no commit that is named can be left out alone.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from forkkeeper.core import picking
from forkkeeper.core.ids import CommitId
from forkkeeper.core.verdict import GONE
from forkkeeper.flow.bringing import Brought, Seen
from forkkeeper.shell.git import Repository

MOST = 12  # commits that are tried with the wanted one: whoever needs more is better served by a sync
MOST_LINES = 3000  # that these change together: a large commit that clashes takes minutes, and is nobody's pick
MOST_NAMES = 8  # names of one commit whose origin is looked for

Try = Callable[[Sequence[CommitId]], Sequence[Brought]]


@dataclass(frozen=True, slots=True)
class Needs:
    """What a commit needs. reasons -- why, by the id of each earlier one; complete -- whether it fits with them."""

    reasons: Mapping[CommitId, str]
    complete: bool


def of(repository: Repository, seen: Seen, brought: Brought, pin: CommitId) -> Mapping[CommitId, str]:
    """Find the commits after the pin that a change which does not fit may need, each with the reason."""
    parent = seen.parent
    if parent is None:
        return {}
    found: dict[CommitId, str] = {}
    for name in brought.lacks[:MOST_NAMES]:
        if sha := repository.bringing(pin, parent, name):
            found.setdefault(sha, f"brings {name}")
    spans = picking.spans(brought.wanted.patch.files)
    at_fault = [path for path in spans if path in brought.row.paths] or list(spans)
    for path in at_fault if not brought.lacks else ():
        made = repository.blamed(pin, parent, path, spans[path])
        for sha in made or repository.along(pin, parent, path, spans[path]):
            found.setdefault(sha, f"made lines of {path} that it stands on")
    return {sha: why for sha, why in found.items() if sha != seen.sha}


def along(repository: Repository, seen: Seen, brought: Brought, pin: CommitId) -> Mapping[CommitId, str]:
    """Find, more widely, every commit after the pin that changed what are its lines there; also what was removed."""
    if seen.parent is None:
        return {}
    spans = picking.spans(brought.wanted.patch.files)
    rows = ((path, sha) for path in spans for sha in repository.along(pin, seen.parent, path, spans[path]))
    return {sha: f"changed lines of {path} that it stands on" for path, sha in rows if sha != seen.sha}


def find(
    repository: Repository,
    pin: CommitId,
    wanted: CommitId,
    see: Callable[[CommitId], Seen],
    lines: Callable[[CommitId], int],
    attempt: Try,
) -> Needs:
    """Find a small set of earlier commits with which one fits.

    lines -- tells how many lines a commit changes
    attempt -- carries commits, ordered, the wanted one last; gives those that it came to, up to the first that stops
    """
    reasons: dict[CommitId, str] = {}
    tried = _ordered(repository, pin, reasons, wanted)
    while (last := attempt(tried)[-1]).stops:
        stopped = see(tried[len(attempt(tried)) - 1])
        more = {sha: why for sha, why in of(repository, stopped, last, pin).items() if sha not in tried}
        more = more or {sha: why for sha, why in along(repository, stopped, last, pin).items() if sha not in tried}
        more = {sha: why for sha, why in more.items() if lines(sha)}  # one of files that the fork leaves out is no help
        every = {*reasons, *more}
        if not more or len(every) > MOST or sum(map(lines, every)) > MOST_LINES:
            return Needs(reasons, complete=False)
        for sha, why in more.items():
            reasons.setdefault(sha, why if stopped.sha == wanted else f"{why} ({stopped.sha[:12]})")
        tried = _ordered(repository, pin, reasons, wanted)
    for sha in reversed(tried[:-1]):
        without = [one for one in tried if one != sha]
        if not attempt(without)[-1].stops:
            tried = without
    gone = {sha for sha, one in zip(tried, attempt(tried), strict=True) if one.row.outcome in GONE}
    return Needs({sha: reasons[sha] for sha in tried[:-1] if sha not in gone}, complete=True)


def _ordered(
    repository: Repository, pin: CommitId, reasons: Mapping[CommitId, str], wanted: CommitId
) -> list[CommitId]:
    return [*(sha for sha in repository.in_order([*reasons], pin) if sha != wanted), wanted] if reasons else [wanted]
