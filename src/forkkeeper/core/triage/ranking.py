"""What an upstream commit is worth to a fork, and what it costs: a sum of named terms.

Weights are whole numbers and stand in one place, `WEIGHTS`; docs/triage.md says why they are so. A rank is the sum; of
equal ones the older commit comes first, as it lies nearer to the pin.
"""

import re
from collections.abc import Mapping, Sequence, Set as AbstractSet
from dataclasses import dataclass

from forkkeeper.core import policy
from forkkeeper.core.declaration import Declaration
from forkkeeper.core.declined import Declined
from forkkeeper.core.ids import CommitId
from forkkeeper.core.queue import Queue
from forkkeeper.core.requests import Request, answered
from forkkeeper.core.store import Entries
from forkkeeper.core.triage import classing
from forkkeeper.core.triage.classing import Kind
from forkkeeper.core.triage.effects import Hit
from forkkeeper.core.triage.nearness import Effect
from forkkeeper.core.triage.passed import Passed

WEIGHTS = {
    "asked": 4,  # by one request; each further one adds 1, and so does each doubling of the votes
    "words": 2,  # a request whose words stand in the title, which is a guess
    Kind.FIX: 3,
    Kind.REVERT: 2,
    Kind.FEATURE: 1,
    Kind.REFACTOR: 0,
    Kind.BUILD: 0,
    Kind.OTHER: 0,
    Kind.TEST: -1,
    Kind.DOCS: -2,
    "security": 4,  # words in the title
    "security below": 1,  # words in the message below it
    "built": 2,  # about a backend that the fork builds
    "not built": -4,  # about backends that it does not build, and no other
    Effect.BRINGS: 3,
    Effect.REFRESH: -1,
    Effect.REVIEW: -2,
    Effect.CLASH: -4,
    "new files": -3,  # all that it changes came after the pin, so the fork has nothing of it
    "at the pin": 1,  # all that it changes is as at the pin
    "wide": -1,  # more than MANY paths
    "very wide": -2,  # more than VERY_MANY
}
MANY, VERY_MANY = 20, 100
MOST_NAMED = 2  # patches, requests and words that a term names


@dataclass(frozen=True, slots=True)
class Term:
    """One part of a rank, and the reason for it."""

    points: int
    why: str

    def __str__(self) -> str:
        """Say it with its sign, as "+3 fix"."""
        sign = "+" if self.points > 0 else "−" if self.points < 0 else ""
        return f"{sign}{abs(self.points)} {self.why}"


@dataclass(frozen=True, slots=True)
class Ranked:
    """An upstream commit with all that counts for it and against it.

    paths -- those that it changes and the fork keeps
    requests -- what of it was asked for
    taken -- how the fork has it already: the patch that it was picked as; declined -- why it is not for this fork
    """

    passed: Passed
    kind: Kind
    backends: tuple[str, ...]
    security: tuple[str, ...]
    paths: tuple[str, ...]
    hits: tuple[Hit, ...]
    requests: tuple[Request, ...]
    terms: tuple[Term, ...]
    taken: str | None = None
    declined: str | None = None

    @property
    def score(self) -> int:
        """The sum of the terms."""
        return sum(term.points for term in self.terms)

    @property
    def is_open(self) -> bool:
        """Whether nothing was decided of it."""
        return self.taken is None and self.declined is None

    @property
    def classes(self) -> frozenset[str]:
        """The words by which `--class` chooses it."""
        found = {self.kind.value, *self.backends, *(hit.effect.value for hit in self.hits)}
        named = (("security", self.security), ("patched", self.hits), ("requested", self.requests))
        return frozenset(found | {name for name, is_so in named if is_so} | (set() if self.backends else {"generic"}))


@dataclass(frozen=True, slots=True)
class Fork:
    """What of a fork counts in ranking.

    pin -- the paths that it keeps at the pin
    """

    declared: Declaration
    queue: Queue
    pin: Entries
    requests: tuple[Request, ...] = ()
    declined: tuple[Declined, ...] = ()


def rank(fork: Fork, line: Sequence[Passed], hits: Mapping[str, tuple[Hit, ...]]) -> tuple[Ranked, ...]:
    """Rank the commits that change a path that the fork keeps, the highest first.

    line -- the commits after the pin, oldest first; hits -- what each does to the patches, by its sha
    """
    table, built = classing.table(fork.declared.variant), classing.built(fork.declared.variant)
    taken = picked(fork.queue)
    open_ = [one for one in fork.requests if not one.closed]
    touched: set[str] = set()  # by the commits so far
    known = set(fork.pin)  # and what those files are called by now
    rows: list[Ranked] = []
    kept = _kept(fork, line)
    for one in line:
        paths = tuple(change.path for change in one.changes if change.path in kept)
        if paths:
            # the words of a snapshot's last commit say nothing of all that came with it
            title, message = (one.title, one.message.strip().partition("\n")[2]) if one.is_one else ("", "")
            kind = classing.kind(title, paths) if one.is_one else Kind.OTHER
            backends = classing.backends(table, title, paths) if one.is_one else ()
            head, below = classing.security(title), classing.security(message)
            asked = [(request, answered(request, one.told.sha, one.pull, title)) for request in open_]
            sure = [request for request, how in asked if how in ("commit", "pull")]
            guessed = [request for request, how in asked if how == "words"]
            mine = hits.get(one.told.sha, ())
            known |= {after for before, after in one.moves if before in known}
            terms = (
                *_asked(sure, guessed),
                *([Term(WEIGHTS[kind], kind.value)] if one.is_one else []),
                *_security(head, below),
                *_backends(backends, built),
                *_effects(mine),
                *_standing(one, paths, known, touched),
            )
            rows.append(
                Ranked(
                    one,
                    kind,
                    backends,
                    tuple(dict.fromkeys((*head, *below))),
                    paths,
                    mine,
                    (*sure, *guessed),
                    tuple(term for term in terms if term.points or term.why in _ALWAYS),
                    taken.get(one.told.sha),
                    next((entry.why for entry in fork.declined if entry.sha == one.told.sha), None),
                )
            )
        touched |= set(paths)
    order = {row.passed.told.sha: number for number, row in enumerate(rows)}
    return tuple(sorted(rows, key=lambda row: (-row.score, order[row.passed.told.sha])))


_ALWAYS = {kind.value for kind in Kind}  # said even where it counts nothing


def _kept(fork: Fork, line: Sequence[Passed]) -> set[str]:
    """Give the changed paths that the policy keeps; each is asked once."""
    paths = sorted({change.path for one in line for change in one.changes})
    return {decision.path for decision in policy.decide(fork.declared.path, paths) if decision.keep}


def picked(queue: Queue) -> dict[str, str]:
    """Give the upstream commits that are in the queue as patches already: sha → the patch's title."""
    return {
        CommitId(word): patch.title
        for patch in queue.patches
        for word in re.findall(r"[0-9a-f]{40}", patch.trailer("Origin") or "")
    }


def _asked(sure: Sequence[Request], guessed: Sequence[Request]) -> list[Term]:
    found = []
    if sure:
        votes = sum(one.votes for one in sure)
        points = WEIGHTS["asked"] + len(sure) - 1 + (votes + 1).bit_length() - 1
        found.append(Term(points, f"asked for by {_many(len(sure), 'request')}{_votes(votes)}"))
    if guessed:
        votes = sum(one.votes for one in guessed)
        points = WEIGHTS["words"] + ((votes + 1).bit_length() - 1) // 2
        found.append(Term(points, f"has the words of {_many(len(guessed), 'request')}{_votes(votes)}"))
    return found


def _votes(votes: int) -> str:
    return f" ({_many(votes, 'vote')})" if votes else ""


def _many(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _security(head: Sequence[str], below: Sequence[str]) -> list[Term]:
    if head:
        return [Term(WEIGHTS["security"], f"says {_quoted(head)}")]
    return [Term(WEIGHTS["security below"], f"its message says {_quoted(below)}")] if below else []


def _quoted(words: Sequence[str]) -> str:
    return ", ".join(f'"{word}"' for word in words[:MOST_NAMED])


def _backends(backends: Sequence[str], built: frozenset[str]) -> list[Term]:
    """Weigh the backends; where the fork declares no variant nothing is known of what it builds."""
    ours = [name for name in backends if name in built]
    if ours:
        return [Term(WEIGHTS["built"], f"{', '.join(ours)}, which we build")]
    if backends and built:
        return [Term(WEIGHTS["not built"], f"{', '.join(backends)} only, which we do not build")]
    return []


_SAID = {
    Effect.BRINGS: "brings what {} does",
    Effect.CLASH: "would clash with {}",
    Effect.REVIEW: "would send {} to review",
    Effect.REFRESH: "changes lines beside {}",
}


def _effects(hits: Sequence[Hit]) -> list[Term]:
    """Weigh what happens to the patches: each clash counts, up to two; of the others one."""
    found = []
    for effect, said in _SAID.items():
        patches = [hit.patch for hit in hits if hit.effect is effect]
        if patches:
            times = min(len(patches), 2) if effect in (Effect.CLASH, Effect.BRINGS) else 1
            more = f" and {len(patches) - MOST_NAMED} more" if len(patches) > MOST_NAMED else ""
            found.append(Term(WEIGHTS[effect] * times, said.format(", ".join(patches[:MOST_NAMED]) + more)))
    return found


def _standing(one: Passed, paths: Sequence[str], known: AbstractSet[str], touched: AbstractSet[str]) -> list[Term]:
    """Weigh how near the commit is to what the fork has."""
    found = []
    changed = [change.path for change in one.changes if change.old is not None and change.path in paths]
    if changed and known.isdisjoint(changed):
        found.append(Term(WEIGHTS["new files"], "changes only files that came after the pin"))
    elif one.is_one and touched.isdisjoint(paths):
        found.append(Term(WEIGHTS["at the pin"], "its files are as at the pin"))
    if len(paths) > MANY:
        weight = WEIGHTS["very wide" if len(paths) > VERY_MANY else "wide"]
        found.append(Term(weight, f"changes {len(paths)} files"))
    return found
