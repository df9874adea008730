"""Nights as values, made up but whole: for what is made of them, without an hour's work each."""

import datetime as dt
import hashlib
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from forkkeeper.core.nights import (
    Count,
    Effect,
    Ending,
    Fate,
    Findings,
    Night,
    Reach,
    Side,
    Speed,
    Step,
    Taken,
)

FIRST = dt.date(2025, 6, 20)
MACHINE = "Some CPU, 2 cores, Linux 6.1"
VERSION = "1.0"
HITS = ("refresh", "review", "clash", "upstreamed")


def sha(text: str) -> str:
    """Give an id that a text stands for."""
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


def behind(count: int, hits: Mapping[int, Mapping[str, str]], titles: Mapping[int, str] | None = None) -> list[Effect]:
    """Give so many upstream commits, twelve a day; some of them touch patches, by their numbers from 0."""
    named = titles or {}
    return [
        Effect(
            sha(f"upstream {at}"),
            (FIRST + dt.timedelta(days=at // 12)).isoformat(),
            named.get(at, f"part {at % 37}: change {at} of many (#{20_000 + at})"),
            f"https://github.com/some/one/commit/{sha(f'upstream {at}')}",
            dict(hits.get(at, {})),
        )
        for at in range(count)
    ]


def speed(
    side: Side, metric: str, change: float, *, variant: str = "cpu", test: str = "prompt 32", seed: int = 0
) -> Speed:
    """Give a comparison whose samples spread a little around a change; a count of instructions does not spread."""
    chance = random.Random(f"{side}{metric}{variant}{test}{seed}")  # noqa: S311 -- samples, and the same each time
    if metric == "instructions":
        base = 43_871_237
        verdict = "slower" if change > 0.001 else "faster" if change < -0.001 else "same"
        pair = (float(base),), (float(round(base * (1 + change))),)
        return Speed(side, variant, "dense-bf16", test, metric, *pair, change, change, change, verdict)
    times = [[1.25 * factor * (1 + chance.gauss(0, 0.006)) for _ in range(15)] for factor in (1, 1 + change)]
    verdict = "slower" if change > 0.02 else "same" if abs(change) < 0.01 else "inconclusive"
    rest = change, change - 0.009, change + 0.009, verdict
    return Speed(side, variant, "dense-bf16", test, metric, tuple(times[0]), tuple(times[1]), *rest)


def count(variant: str, check: str, cases: int, *, emulated: bool = False, failed: int = 0, skipped: int = 0) -> Count:
    """Give the cases of one test."""
    device = "Emulated GPU" if emulated else "CPU"
    verdict = "FAILED" if failed else "passed"
    return Count(
        f"check {check} {variant}",
        variant,
        device,
        emulated,
        check,
        cases,
        cases - failed,
        skipped,
        cases / 40,
        verdict,
    )


def taken(
    step: str, kind: str, ending: Ending = Ending.PASSED, *, side: Side = Side.STAND, variant: str = "", **more: Any
) -> Taken:
    """Give a step that was taken. more -- what came of it."""
    plain = Taken(Step(step, kind, side, variant=variant), ending, f"forkkeeper {step}", 12.5, "as it should be")
    return msgspec.structs.replace(plain, **more)


@dataclass(frozen=True)
class Ahead:
    """What a night knows of the fork that it is of: both ends, the queue, and the commits in between."""

    pin: str
    head: str
    patches: tuple[str, ...]
    behind: Sequence[Effect] = ()
    has_history: bool = True


def fates(patches: Sequence[str], culprit: Effect | None = None) -> tuple[Fate, ...]:
    """Let the first patch clash, the second follow it, the third be for review, and the others be kept."""
    said = (culprit.sha, culprit.title, culprit.link) if culprit else ("", "", "")
    kinds = [
        Fate("", "clashed", paths=("include/core.h",), culprit=said[0], culprit_title=said[1], culprit_link=said[2]),
        Fate("", "clashed", root=next(iter(patches), ""), paths=("include/core.h",)),
        Fate(
            "", "resolved", rule="moved", review=True, why="its lines moved to another function", paths=("src/main.c",)
        ),
        Fate("", "refreshed", paths=("src/load.c",)),
    ]
    plain = Fate("", "kept")
    return tuple(
        msgspec.structs.replace(kinds[at] if at < len(kinds) else plain, patch=patch)
        for at, patch in enumerate(patches)
    )


def night(number: int, ahead: Ahead, *, bad: bool = False, slower: float = 0.0, machine: str = MACHINE) -> Night:
    """Give a night. number -- from 0, the first; bad -- a build fails; slower -- what the fork lost since, a share."""
    began = dt.datetime.combine(FIRST + dt.timedelta(days=100 + number), dt.time(2, 0), tzinfo=dt.UTC)
    culprit = next((one for one in ahead.behind if "clash" in one.effects.values()), None)
    stop = next(
        (at for at, one in enumerate(ahead.behind) if {"clash", "review"} & set(one.effects.values())),
        len(ahead.behind),
    )
    blocker = ahead.behind[stop] if stop < len(ahead.behind) else None
    free = ahead.behind[stop - 1].sha if stop else ""
    reach = Reach(
        free, stop, len(ahead.behind), *((blocker.sha, blocker.title, blocker.link) if blocker else ("", "", ""))
    )
    speeds = tuple(
        speed(side, metric, change + slower, test=test, seed=number)
        for side, change in ((Side.STAND, -0.00028), (Side.TRIAL, 0.00012))
        for metric in ("instructions", "time")
        for test in ("prompt 32", "generation 4")
    )
    counts = (
        count("cpu", "bf16", 412),
        count("cpu", "ops", 8_214, skipped=31),
        count("metal", "bf16", 96, emulated=True),
    )
    findings = Findings(reach, fates(ahead.patches, culprit), tuple(ahead.behind), ahead.has_history, counts, speeds)
    triage = {"schema": 1, "rows": [ranked(at, one) for at, one in enumerate(reversed(ahead.behind[-30:]))]}
    broken = Ending.FAILED if bad else Ending.PASSED
    log = "cc: error: a word that is no option\n" * 3 if bad else ""
    steps = (
        taken("look", "look", seconds=1.2, said="upstream moved"),
        taken(
            "plan",
            "plan",
            Ending.FAILED if culprit else Ending.PASSED,
            said="a person must look",
            document={"schema": 1},
        ),
        taken("triage", "triage", document=triage, said="20 commits shown"),
        taken("build cpu", "build", variant="cpu", seconds=312.0),
        taken(
            "build metal",
            "build",
            broken,
            variant="metal",
            seconds=401.0,
            log=log,
            said="does not compile" if bad else "built",
        ),
        taken("try build cpu", "build", variant="cpu", side=Side.TRIAL, seconds=220.0),
        taken("check bf16 cpu", "check", variant="cpu"),
        taken("check ops cpu", "check", variant="cpu", side=Side.TRIAL),
        taken("check bf16 cuda", "check", Ending.SKIPPED, variant="cuda", said="needs nvcc", seconds=0.0),
        taken("throughput", "throughput", Ending.BLOCKED if bad else Ending.PASSED),
    )
    return Night(
        began=began.isoformat().replace("+00:00", "Z"),
        seconds=1_800.0 + 7 * number,
        fork=sha(f"fork {number // 3}"),
        pin=ahead.pin,
        pin_date="2025-06-16",
        head=ahead.head,
        head_date="2025-09-30",
        tried=free,
        digest=sha(f"digest {number}"),
        patches=len(ahead.patches) + (number < 4),
        lines=120 + 3 * number,
        tool=VERSION,
        machine=machine,
        taken=steps,
        findings=findings,
    )


def ranked(at: int, one: Effect) -> dict[str, object]:
    """Give a row of a triage document."""
    return {
        "sha": one.sha,
        "date": one.date,
        "title": one.title,
        "link": one.link,
        "score": 30 - at,
        "terms": [{"points": 20, "why": "a fix"}, {"points": 10 - at, "why": "near patch limit"}],
        "effects": [{"patch": patch, "effect": effect} for patch, effect in one.effects.items()],
    }


def nights(ahead: Ahead, many: int, step_at: int = 0) -> tuple[Night, ...]:
    """Give so many nights, newest first: one bad one, and from a night on the fork is slower by 2.5 percent."""
    return tuple(
        night(at, ahead, bad=at == many - 2, slower=0.025 if step_at and at >= step_at else 0.0)
        for at in reversed(range(many))
    )
