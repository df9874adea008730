"""What a night tells others: an outbox for `publish`, which needs no forge to be read. No credential is needed here."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from forkkeeper.core import alarms, commits, forges, outboxes, pullnote
from forkkeeper.core.alarmnote import alarm_note
from forkkeeper.core.alarms import State
from forkkeeper.core.declaration import Declaration, GitSource
from forkkeeper.core.ids import CommitId, short
from forkkeeper.core.nights import BAD, Night, Side
from forkkeeper.core.outboxes import Pull
from forkkeeper.core.pullnote import Sync
from forkkeeper.core.report import Block, Painted
from forkkeeper.shell import disk
from forkkeeper.stages import outbox as boxes, project as projects

REPORT = "build/report/index.html"
PLAN = "plan.md"  # beside what the steps of a night said


@dataclass(frozen=True, slots=True)
class Trial:
    """The clone in which the sync was tried. folder -- the fork in it; clone -- its top; date -- of the pin there."""

    folder: Path
    clone: Path
    date: str


def tell(root: Path, declared: Declaration, nights: Sequence[Night], trial: Trial | None, plan: str) -> list[Block]:
    """Fill the outbox with the alarm, the summary, and the pull request of a sync that was tried, if any.

    nights -- newest first, the first being the one that is told of
    trial -- None where nothing was carried, or nothing to be proposed
    plan -- what `plan --markdown` wrote, "" for nothing
    """
    night, pages = nights[0], _pages(declared)
    folder = root / projects.STATE / boxes.FOLDER
    alarm = alarms.decide(nights)
    note = alarm_note(alarm, night, pages, REPORT)
    summary = pullnote.summary(night, alarm, pages, REPORT)
    pull, body = _pull(declared, night, trial, plan, folder)
    texts = boxes.Texts(summary, body, note.body)
    boxes.fill(folder, pull, outboxes.notice(alarm, note), texts)
    said: list[Block] = [_alarmed(alarm)]
    if pull is not None:
        said.append(f"a pull request to {short(pull.to_sha)} lies ready")
    return [*said, f"outbox {folder.relative_to(root)}: `forkkeeper publish --to github`, or `--to folder:DIR`"]


def _pull(declared: Declaration, night: Night, trial: Trial | None, plan: str, folder: Path) -> tuple[Pull | None, str]:
    """Give the pull request of what the trial carried, with its text; its commits are bundled."""
    if trial is None or not night.tried:
        return None, ""
    carried = projects.load(trial.folder, step="nightly").records[-1:]
    sync = Sync(night, trial.date, carried[0].patch if carried else (), plan, REPORT, _pages(declared))
    branch = forges.branch_of(night.pin)
    folder.mkdir(parents=True, exist_ok=True)
    boxes.bundle(folder, trial.clone, branch, night.fork)
    return outboxes.pull(night.pin, night.tried, declared.forge.base, pullnote.title(sync)), pullnote.body(sync)


def _pages(declared: Declaration) -> tuple[str, ...]:
    """Give upstream's addresses, to which links may lead."""
    known = [declared.upstream.web, *(s.location for s in declared.upstream.source if isinstance(s, GitSource))]
    found = [page for one in known if one and (page := commits.link([one], CommitId("")))]
    return tuple(dict.fromkeys(page.removesuffix("/commit/") for page in found))


def _alarmed(alarm: alarms.Alarm) -> Block:
    match alarm.state:
        case State.QUIET:
            return Painted("alarm: none", "green")
        case State.WATCHING:
            return Painted("alarm: none yet; a second bad night in a row raises it", "yellow")
        case State.OPEN:
            return Painted(f"alarm: {alarm.nights} bad nights in a row", "red")
        case State.RECOVERED:
            return Painted("alarm: over", "green")


def plan_of(steps: Path) -> str:
    """Read the plan that a night wrote for a pull request; "" where it wrote none."""
    return (disk.read(steps / PLAN) or b"").decode("utf-8", "replace")


def is_fit(night: Night) -> bool:
    """Whether what was tried can be proposed: it was carried and composed; what its builds say stands beside it."""
    return bool(night.tried) and not any(
        one.ending in BAD for one in night.taken if one.step.side is Side.TRIAL and one.step.kind == "materialise"
    )
