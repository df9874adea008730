"""Planted nights, and the outboxes that `nightly` would make of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from world import Fork, environment, git

from forkkeeper.core import alarmnote, alarms, outboxes, pullnote
from forkkeeper.core.history import Carried
from forkkeeper.core.nights import Ending, Fate, Findings, Night, Reach, Side, Speed, Step, Taken
from forkkeeper.core.outboxes import Notice, Pull
from forkkeeper.core.pullnote import Sync
from forkkeeper.stages import outbox as boxes
from forkkeeper.stages.outbox import Texts

PAGES = ("https://github.com/small/upstream",)
WHO = ("-c", "user.name=forkkeeper", "-c", "user.email=forkkeeper@invalid")
NOTHING = Findings()
CULPRIT = "c0ffee" * 6 + "abcd"


def moment(day: int) -> str:
    """When the night of a day begins."""
    return f"2026-10-{day:02}T03:00:00Z"


def night(day: int, *taken: Taken, findings: Findings = NOTHING, pin: str = "a" * 40, tried: str = "") -> Night:
    """Give the night of a day; without steps a good one."""
    steps = taken or (Taken(Step("look", "look", Side.STAND), Ending.PASSED),)
    return Night(
        moment(day), 60.0, "f" * 40, pin, "2026-06-20", "b" * 40, "2026-10-01", tried or "b" * 40, f"d{day}", 3, 40,
        "forkkeeper 0.1.0", "a machine", tuple(steps), findings,
    )  # fmt: skip


def _taken(name: str, kind: str, ending: Ending, said: str = "", document: dict[str, Any] | None = None) -> Taken:
    step = Step(name, kind, Side.TRIAL, tuple(name.split()), variant="cpu" if kind in ("build", "check") else "")
    return Taken(step, ending, f"forkkeeper {name}", 3.0, said, document)


@dataclass(frozen=True)
class Plant:
    """A failure that is planted in a night. says -- what the alarm's body must say of it."""

    taken: Taken
    findings: Findings
    cause: alarms.Cause
    says: tuple[str, ...]

    def night(self, day: int, pin: str = "a" * 40) -> Night:
        """Give the night of a day with it."""
        good = Taken(Step("look", "look", Side.STAND), Ending.PASSED)
        return night(day, good, self.taken, findings=self.findings, pin=pin)


LIMIT = Fate("limit.patch", "clashed", culprit=CULPRIT, culprit_title="core: room", culprit_link="https://x.invalid")
FOLLOWS = Fate("limit-more.patch", "clashed", root="limit.patch")
BUILD = {
    "error": {"found": "src/a.c:3: error\n    the line is of the patch greeting: Say hello", "thing": "variant cpu"}
}
WITNESS = {
    "blocks": [
        "",
        [
            {"variant": "cpu", "patch": "greeting", "verdict": "has lost its effect: its witness passes without it"},
            {"variant": "cpu", "patch": "limit", "verdict": "proves the patch"},
        ],
    ]
}
DELETIONS = {"blocks": [[{"patch": "limit", "written for": "1a2b", "upstream's lines": "undoes upstream"}]]}
PLANTS = {
    "clash": Plant(
        _taken("plan", "plan", Ending.FAILED, "1 patch clashes"),
        Findings(reach=Reach("b" * 40, 3, 7, CULPRIT, "core: room"), fates=(LIMIT, FOLLOWS, Fate("greeting", "kept"))),
        alarms.Cause.CLASH,
        ("`limit`", CULPRIT[:12], "core: room", "forkkeeper plan", "only because of that: 1 more patch"),
    ),
    "broken build": Plant(
        _taken("build cpu", "build", Ending.FAILED, "the build is broken", BUILD),
        Findings(),
        alarms.Cause.BUILD,
        ("`greeting`", "variant `cpu`", "forkkeeper build cpu"),
    ),
    "lost witness": Plant(
        _taken("check witness", "witness", Ending.FAILED, "a witness is lost", WITNESS),
        Findings(),
        alarms.Cause.WITNESS,
        ("`greeting`", "forkkeeper check witness"),
    ),
    "deletions": Plant(
        _taken("check deletions", "check", Ending.FAILED, "a patch undoes upstream", DELETIONS),
        Findings(),
        alarms.Cause.DELETIONS,
        ("`limit`", "forkkeeper check deletions"),
    ),
    "slowdown": Plant(
        _taken("bench throughput", "throughput", Ending.FAILED, "slower by 4 %"),
        Findings(speeds=(Speed(Side.TRIAL, "cpu", "m", "t", "time", (1.0,), (1.1,), 0.1, 0.05, 0.15, "slower"),)),
        alarms.Cause.SLOWDOWN,
        ("forkkeeper bench throughput",),
    ),
    "no upstream": Plant(
        _taken("upstream refresh", "look", Ending.OUTSIDE, "no source can be read"),
        Findings(),
        alarms.Cause.UPSTREAM,
        ("no source can be read", "forkkeeper upstream refresh"),
    ),
}


# outboxes -----------------------------------------------------------------------------------------------------------


def fill(folder: Path, nights: Sequence[Night], sync: Sync | None = None, pull: Pull | None = None) -> Notice:
    """Fill an outbox as `nightly` does after the first of these nights; gives the alarm that it has."""
    newest = nights[0]
    alarm = alarms.decide(nights)
    note = alarmnote.alarm_note(alarm, newest, PAGES)
    notice = outboxes.notice(alarm, note)
    texts = Texts(pullnote.summary(newest, alarm, PAGES), pullnote.body(sync) if sync else "", note.body)
    boxes.fill(folder, pull, notice, texts)
    return notice


def propose(
    fork: Fork, folder: Path, taken: Night, clone: Path, *, plan: str = "", nights: Sequence[Night] = ()
) -> Pull:
    """Fill an outbox with the sync that stands on a branch of a clone, and the alarm of these nights or of none."""
    sync = Sync(taken, "2026-10-01", (Carried("greeting.patch", "kept"),), plan, pages=PAGES)
    pull = outboxes.pull(taken.pin, taken.tried, "main", pullnote.title(sync))
    folder.mkdir(parents=True, exist_ok=True)
    boxes.bundle(folder, clone, pull.branch, git(fork.root, "rev-parse", "main"))
    fill(folder, nights or [taken], sync, pull)
    return pull


def cloned(fork: Fork, pin: str, name: str = "clone") -> Path:
    """Clone a fork beside itself, with the sync's branch checked out."""
    clone = fork.root.parent / name
    git(fork.root.parent, "clone", "--quiet", str(fork.root), str(clone))
    git(clone, "checkout", "--quiet", "-b", f"forkkeeper/sync-from-{pin[:12]}")
    return clone


def commit(clone: Path, files: dict[str, str], message: str = "Sync", who: Sequence[str] = WHO) -> None:
    """Commit files in a clone, as forkkeeper or as somebody."""
    for path, text in files.items():
        (clone / path).parent.mkdir(parents=True, exist_ok=True)
        (clone / path).write_text(text)
    name = dict(word.split("=", 1) for word in who if "=" in word)
    person = {
        f"GIT_{role}_{key}": name[f"user.{key.lower()}"]
        for role in ("AUTHOR", "COMMITTER")
        for key in ("NAME", "EMAIL")
    }
    git(clone, "add", "--all")
    git(clone, "commit", "--quiet", "--message", message, env=environment() | person)
