"""Whether the nights raise an alarm: one opens on the second bad night in a row, and closes with the first good one.

A night is bad when one of its steps ended badly, whichever: a cause that changes from night to night is still an
outage. The state follows from the nights alone, so that a lost database makes it forget, and nothing contradict.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import takewhile

from forkkeeper.core import undoing, witnesses
from forkkeeper.core.nights import Ending, Fate, Night, Side, Taken
from forkkeeper.core.verdict import Outcome

ENOUGH = 2  # bad nights in a row that raise the alarm: the first may be a host that is down


class State(Enum):
    """Where the alarm stands."""

    QUIET = "quiet"
    WATCHING = "watching"  # one bad night
    OPEN = "open"  # the second, and each after it
    RECOVERED = "recovered"  # the first good night after those


class Cause(Enum):
    """What kind of thing failed; the values are a report's words."""

    CLASH = "a patch clashes"
    REVIEW = "a carried patch is for review"
    STUCK = "nothing carries"
    BUILD = "a build is broken"
    CHECK = "a check fails"
    WITNESS = "a witness is lost"
    DELETIONS = "a patch undoes upstream"
    SLOWDOWN = "the fork became slower"
    UPSTREAM = "upstream cannot be read"
    REQUEST = "a file or request is wrong"
    OUTSIDE = "an outside tool failed"
    BUG = "forkkeeper has a bug"
    LATE = "a step took too long"


@dataclass(frozen=True, slots=True)
class Hit:
    """A patch that something failed in.

    since -- the first night in a row, up to the newest, on which this cause was there in this patch
    culprit -- the upstream commit that made it so, with title and page; "" where it is not known
    """

    patch: str
    since: str
    culprit: str = ""
    title: str = ""
    link: str = ""


@dataclass(frozen=True, slots=True)
class Trouble:
    """A step that ended badly.

    since -- the first night in a row, up to the newest, on which it failed by this cause
    hits -- the patches that are to blame, where that is known
    followers -- how many patches clash only because one of those does
    blocker -- of a queue that stops short: the upstream commit that stops it, with title and page
    """

    cause: Cause
    step: str
    side: Side
    said: str
    command: str
    since: str
    variant: str = ""
    hits: tuple[Hit, ...] = ()
    followers: int = 0
    blocker: Hit | None = None


@dataclass(frozen=True, slots=True)
class Alarm:
    """The alarm's state after the newest night.

    night -- when that night began, "" where there was none
    since, nights -- when the outage's first night began, and how many there were in a row; of the one that is over
        where it recovered
    troubles -- of the newest night; where it recovered, those of the last bad one
    changed -- whether the causes are others than those of the night before
    """

    state: State
    night: str = ""
    since: str = ""
    nights: int = 0
    troubles: tuple[Trouble, ...] = ()
    changed: bool = False

    @property
    def causes(self) -> tuple[str, ...]:
        """What the alarm is about, in a fixed order: a change of these is news."""
        return causes_of(self.troubles)


def decide(nights: Sequence[Night]) -> Alarm:
    """Decide the alarm's state. nights -- newest first."""
    if not nights:
        return Alarm(State.QUIET)
    newest = nights[0]
    if newest.bad:
        outage = outage_of(nights)
        state = State.OPEN if len(outage) >= ENOUGH else State.WATCHING
        found = troubles(outage)
        before = causes_of(troubles(outage[1:]))
        is_news = len(outage) > ENOUGH and causes_of(found) != before  # the opening tells of the first ones
        return Alarm(state, newest.began, outage[-1].began, len(outage), found, is_news)
    over = outage_of(nights[1:])
    if len(over) < ENOUGH:
        return Alarm(State.QUIET, newest.began)
    return Alarm(State.RECOVERED, newest.began, over[-1].began, len(over), troubles(over))


def outage_of(nights: Sequence[Night]) -> tuple[Night, ...]:
    """Give the bad nights in a row that the newest one ends. nights -- newest first, as the answer is."""
    return tuple(takewhile(lambda night: night.bad, nights))


def causes_of(found: Sequence[Trouble]) -> tuple[str, ...]:
    """Name what failed, by cause, step and patches, ordered."""
    named = (f"{one.cause.name} {one.step} {' '.join(sorted(hit.patch for hit in one.hits))}".strip() for one in found)
    return tuple(sorted(named))


def troubles(outage: Sequence[Night]) -> tuple[Trouble, ...]:
    """Give what failed on the first of these nights, which are newest first and all bad."""
    return tuple(_trouble(taken, outage) for taken in outage[0].bad) if outage else ()


def _trouble(taken: Taken, outage: Sequence[Night]) -> Trouble:
    newest = outage[0]
    cause = cause_of(taken, newest)
    fates = {fate.patch.removesuffix(".patch"): fate for fate in newest.findings.fates}
    hits = []
    for patch in patches_of(taken, newest):
        since = _since(outage, cause, taken.step.name, patch)
        fate = fates.get(patch, Fate(patch, ""))
        hits.append(Hit(patch, since, fate.culprit, fate.culprit_title, fate.culprit_link))
    is_clash = cause in (Cause.CLASH, Cause.STUCK)
    return Trouble(
        cause,
        taken.step.name,
        taken.step.side,
        taken.said,
        taken.command,
        _since(outage, cause, taken.step.name),
        taken.step.variant,
        tuple(hits),
        sum(bool(fate.root) for fate in fates.values() if fate.outcome == _CLASHED) if is_clash else 0,
        _blocker(newest) if is_clash else None,
    )


_CLASHED = Outcome.CLASHED.value


def _blocker(night: Night) -> Hit | None:
    reach = night.findings.reach
    if reach is None or not reach.blocker:
        return None
    return Hit("", "", reach.blocker, reach.blocker_title, reach.blocker_link)


def _since(outage: Sequence[Night], cause: Cause, step: str, patch: str = "") -> str:
    """Give the first of the nights in a row on which a step failed by a cause, and in a patch where one is named."""

    def has(night: Night) -> bool:
        for taken in night.bad:
            if taken.step.name == step and cause_of(taken, night) is cause:
                return not patch or patch in patches_of(taken, night)
        return False

    return tuple(takewhile(has, outage))[-1].began


def cause_of(taken: Taken, night: Night) -> Cause:
    """Say by what a step failed."""
    match taken.ending:
        case Ending.BUG:
            return Cause.BUG
        case Ending.LATE:
            return Cause.LATE
        case Ending.WRONG:
            return Cause.REQUEST
        case Ending.OUTSIDE:
            is_known = taken.step.kind in ("look", "head", "build")
            return _KINDS[taken.step.kind] if is_known else Cause.OUTSIDE
        case Ending.FAILED | Ending.PASSED | Ending.BLOCKED | Ending.SKIPPED:
            return _of_kind(taken, night)


_KINDS = {
    "look": Cause.UPSTREAM,
    "head": Cause.UPSTREAM,
    "materialise": Cause.BUILD,
    "build": Cause.BUILD,
    "check": Cause.CHECK,
    "regression": Cause.CHECK,
    "throughput": Cause.SLOWDOWN,
}


def _of_kind(taken: Taken, night: Night) -> Cause:
    """Say by what a step failed whose answer is no."""
    kind = taken.step.kind
    if kind == "witness" or "deletions" in taken.step.words:
        lost = any(column == "verdict" for column, _ in _red_rows(taken))
        undone = any(column != "verdict" for column, _ in _red_rows(taken)) or "deletions" in taken.step.words
        return Cause.DELETIONS if undone and not lost else Cause.WITNESS
    if kind in ("plan", "reach", "triage", "try"):
        reach = night.findings.reach
        if kind in ("reach", "try") and reach is not None and not reach.free:
            return Cause.STUCK
        if night.findings.fates and all(fate.outcome != _CLASHED for fate in night.findings.fates):
            return Cause.REVIEW
        return Cause.CLASH
    return _KINDS.get(kind, Cause.CHECK)


# in which patch -----------------------------------------------------------------------------------------------------

_RED = {
    "verdict": tuple(effect.value for effect in witnesses.RED),
    "upstream's lines": tuple(answer.value for answer in undoing.RED),
}  # the column of a table of `check witness` or `check deletions`, and how a cell in it begins that is a fault


def patches_of(taken: Taken, night: Night) -> tuple[str, ...]:
    """Name the patches that a step failed in, in the queue's order as far as that is known."""
    fates = night.findings.fates
    match cause_of(taken, night):
        case Cause.CLASH | Cause.STUCK:
            return tuple(_title(fate) for fate in fates if fate.outcome == _CLASHED and not fate.root)
        case Cause.REVIEW:
            return tuple(_title(fate) for fate in fates if fate.review)
        case Cause.WITNESS | Cause.DELETIONS:
            return tuple(dict.fromkeys(patch for _, patch in _red_rows(taken)))
        case Cause.BUILD | Cause.CHECK:
            return _named_in(taken, [_title(fate) for fate in fates])
        case Cause.SLOWDOWN | Cause.UPSTREAM | Cause.REQUEST | Cause.OUTSIDE | Cause.BUG | Cause.LATE:
            return ()


def _title(fate: Fate) -> str:
    return fate.patch.removesuffix(".patch")


def _red_rows(taken: Taken) -> tuple[tuple[str, str], ...]:
    """Give the column and the patch of each row of a document that says a fault."""
    found = []
    for row in _rows(taken):
        for column, words in _RED.items():
            if str(row.get(column, "")).startswith(words):
                found.append((column, str(row.get("patch", ""))))
    return tuple(found)


def _rows(taken: Taken) -> Iterator[Mapping[str, object]]:
    """Give the rows of a document's tables (docs/json.md)."""
    blocks = (taken.document or {}).get("blocks")
    for block in blocks if isinstance(blocks, list) else []:
        yield from (row for row in block if isinstance(row, dict)) if isinstance(block, list) else ()


_NAMING = re.compile(r"of the patch ([\w.+-]+):|patches that change [a-z ]+: ([\w.+, -]+)")


def _named_in(taken: Taken, titles: Sequence[str]) -> tuple[str, ...]:
    """Give the patches that a failed build's message names as those at fault (`flow/failing`)."""
    error = (taken.document or {}).get("error")
    said = str(error.get("found", "")) if isinstance(error, dict) else ""
    words = {name for match in _NAMING.findall(said) for name in re.split(r",\s*", match[0] or match[1])}
    known = [title for title in titles if title in words]
    return tuple(known or sorted(word for word in words if " " not in word and word))
