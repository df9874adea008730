"""A night: the steps that `nightly` takes, how each ended, and what each found, as values that can be kept.

A step is a verb of forkkeeper with its options, run as a process of its own, so that the command that a report shows is
the command that ran. What it found is read from its JSON document (`core/findings.py`).
"""

from enum import Enum
from typing import Any

import msgspec


class Ending(Enum):
    """How a step ended."""

    PASSED = "passed"
    FAILED = "failed"  # the answer is no: drift, clash, regression
    WRONG = "wrong"  # the request or the declaration is
    OUTSIDE = "outside"  # an outside tool or the network failed
    BUG = "bug"  # of forkkeeper's own
    LATE = "late"  # it took longer than it may, and was ended
    BLOCKED = "blocked"  # a step that it stands on did not give what it needs
    SKIPPED = "skipped"  # this machine lacks what it needs


BAD = frozenset({Ending.FAILED, Ending.WRONG, Ending.OUTSIDE, Ending.BUG, Ending.LATE})


class Side(Enum):
    """Which fork a step is about."""

    STAND = "stand"  # the fork as it is committed, on its pin
    TRIAL = "trial"  # the same, carried as far as it goes with no human


class Step(msgspec.Struct, frozen=True):
    """A step that is to be taken.

    name -- unique in a night, e.g. "build cpu"
    kind -- what it does: "look", "plan", "reach", "triage", "try", "materialise", "build", "check", "regression",
        "witness", "throughput"
    words -- behind `forkkeeper`; empty for what `nightly` does itself
    needs -- names of steps that must have passed before
    seconds -- that it may take
    """

    name: str
    kind: str
    side: Side
    words: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    variant: str = ""
    seconds: int = 1800


class Taken(msgspec.Struct, frozen=True):
    """A step that was taken, or was not.

    command -- what to type to see it again, in the fork's folder
    seconds -- that it took
    said -- one sentence on what was found; strangers' text in it was made safe to show
    document -- what its `--json` wrote, None for nothing
    log -- the end of what it printed
    """

    step: Step
    ending: Ending
    command: str = ""
    seconds: float = 0.0
    said: str = ""
    document: dict[str, Any] | None = None
    log: str = ""


class Fate(msgspec.Struct, frozen=True):
    """What a plan to the night's head makes of one patch.

    outcome -- a word of core.verdict.Outcome
    root -- the patch that it only follows in clashing, "" for none
    culprit -- the upstream commit that first makes it clash, with title and page; "" where it is not known
    """

    patch: str
    outcome: str
    rule: str = ""
    review: bool = False
    root: str = ""
    why: str = ""
    paths: tuple[str, ...] = ()
    culprit: str = ""
    culprit_title: str = ""
    culprit_link: str = ""


class Count(msgspec.Struct, frozen=True):
    """The cases of one test of one variant. check -- as the table of `check` names it; verdict -- its last column."""

    step: str
    variant: str
    device: str
    emulated: bool
    check: str
    cases: int
    passed: int
    skipped: int
    seconds: float
    verdict: str


class Speed(msgspec.Struct, frozen=True):
    """One comparison of the fork with the pristine pin.

    side -- whose fork and pin
    metric -- "instructions" or "time"
    baseline, fork -- the samples: instructions, or seconds of each process
    change, low, high -- of the fork against the baseline, as a fraction: 0.01 is one percent more
    verdict -- faster, same, slower, inconclusive
    """

    side: Side
    variant: str
    model: str
    test: str
    metric: str
    baseline: tuple[float, ...]
    fork: tuple[float, ...]
    change: float
    low: float
    high: float
    verdict: str


class Effect(msgspec.Struct, frozen=True):
    """An upstream commit (or snapshot) after the pin. effects -- patch → refresh, review, clash or upstreamed."""

    sha: str
    date: str
    title: str
    link: str = ""
    effects: dict[str, str] = {}


class Reach(msgspec.Struct, frozen=True):
    """How far the queue goes with no human.

    free -- the newest such commit, "" for none
    commits, of -- how many of the known commits lead to it, and how many there are
    blocker -- the commit that stops it, "" for none
    """

    free: str
    commits: int
    of: int
    blocker: str = ""
    blocker_title: str = ""
    blocker_link: str = ""


class Findings(msgspec.Struct, frozen=True):
    """What a night found, read from its steps' documents; each part is empty where its step gave nothing.

    behind -- the upstream commits (or snapshots) between pin and head, oldest first
    has_history -- whether those are upstream's own commits; False for snapshots
    """

    reach: Reach | None = None
    fates: tuple[Fate, ...] = ()
    behind: tuple[Effect, ...] = ()
    has_history: bool = False
    counts: tuple[Count, ...] = ()
    speeds: tuple[Speed, ...] = ()


class Night(msgspec.Struct, frozen=True):
    """One night.

    began -- ISO 8601, UTC, to the second
    fork -- the commit of the fork's own repository that was looked at
    pin, head, tried -- upstream commits: where the fork stands, how far upstream is, how far the trial got; "" unknown
    digest -- of all that a night's result follows from; two nights with the same one find the same
    patches, lines -- the size of the queue: patches, and lines that they add or remove
    machine -- processor, cores and system
    """

    began: str
    seconds: float
    fork: str
    pin: str
    pin_date: str
    head: str
    head_date: str
    tried: str
    digest: str
    patches: int
    lines: int
    tool: str
    machine: str
    taken: tuple[Taken, ...] = ()
    findings: Findings = Findings()

    @property
    def bad(self) -> tuple[Taken, ...]:
        """The steps that ended badly, in order."""
        return tuple(one for one in self.taken if one.ending in BAD)
