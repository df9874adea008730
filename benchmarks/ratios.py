"""What people ask of the benchmarks, one line each, from the fastest rounds of one run; untimed is left out."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tabulate import tabulate


@dataclass(frozen=True, slots=True)
class Timing:
    """One benchmark. seconds -- its fastest round; extra -- its `benchmark.extra_info`."""

    seconds: float
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Growth:
    """How a parser's time grew. largest -- bytes; seconds -- at a quarter, half and all of them."""

    parser: str
    shape: str
    largest: int
    seconds: Sequence[float]

    @property
    def factor(self) -> float:
        """How many times as long the largest takes as a quarter of it."""
        return self.seconds[-1] / max(self.seconds[0], 1e-6)


COMMAND, IN_PROCESS, AM, REBASE = "test_plan_command", "test_carry_in_process", "test_git_am", "test_git_rebase"
BASELINE = "test_baseline_cold"
# test -> what it builds, what is aimed at
BUILDS = {
    BASELINE: ("baseline, empty cache", ""),
    "test_fork_after_baseline": ("fork, after the baseline", "at most 15 % of its CPU s"),
    "test_nothing_changed": ("fork, nothing changed", "under 3 wall s, 0 compiled"),
    "test_one_file_edited": ("fork, one line of a patch edited", "2 compiled: that file, and the queue's name"),
}
ALIGNED = ("left", *("right",) * 5, "left", "right")
FAMILY = "test_family["
QUEUE, RANGE, CLASHES, BISECT = "test_queue_grows", "test_range_grows", "test_plan_of_clashes", "test_bisect_one_clash"


def lines(timings: Mapping[str, Timing]) -> list[str]:
    """Give the lines. timings -- by the name of the test, parameters included."""
    return [
        *_beside_git(timings, IN_PROCESS, "carry of {} patches, in process"),
        *_beside_git(timings, COMMAND, "`forkkeeper plan` of {} patches, start-up included"),
        *_growth(timings, QUEUE, "patches"),
        *_growth(timings, RANGE, "upstream commits"),
        *_clashes(timings),
        *_memory(timings),
        *_builds(timings),
        *_switches(timings),
        *_families(timings),
    ]


def growths(found: Sequence[Growth]) -> list[str]:
    """Draw as a table, for each parser, the shapes that it takes longest for, and that its time grows fastest with."""
    rows = []
    for parser in dict.fromkeys(one.parser for one in found):
        own = [one for one in found if one.parser == parser]
        telling = [one for one in own if one.seconds[-1] > 0.2] or own  # less says nothing about growth
        slow, steep = max(own, key=lambda one: one.seconds[-1]), max(telling, key=lambda one: one.factor)
        for one in dict.fromkeys((slow.shape, steep.shape)):
            (each,) = (growth for growth in own if growth.shape == one)
            took = tuple(seconds(Timing(part)) for part in each.seconds)
            rows.append((parser, one, f"{each.largest / 1e6:.1f}", *took, f"{each.factor:.1f}"))
    headers = ("parser", "shape", "MB", "a quarter", "half", "all", "times a quarter")
    aligned = ("left", "left", *("right",) * 5)
    return tabulate(rows, headers, disable_numparse=True, colalign=aligned).splitlines() if rows else []


def _beside_git(timings: Mapping[str, Timing], name: str, what: str) -> list[str]:
    if name not in timings:
        return []
    ours = timings[name]
    others = ((REBASE, "git rebase"), (AM, "git am -3"))
    ratios = [
        f"{ratio(ours, timings[test])} {words} ({seconds(timings[test])})" for test, words in others if test in timings
    ]
    return [f"{what.format(ours.extra['patches'])}: {', '.join([seconds(ours), *ratios])}"]


def _growth(timings: Mapping[str, Timing], test: str, unit: str) -> list[str]:
    """Say what each size costs, and how often the smallest's time is in the largest's."""
    found = ((re.fullmatch(rf"{test}\[(\d+)\]", name), timing) for name, timing in timings.items())
    sizes = {int(match[1]): timing for match, timing in found if match}
    if not sizes:
        return []
    costs = ", ".join(f"{size:,} in {seconds(sizes[size])}" for size in sorted(sizes))
    least, most = min(sizes), max(sizes)
    grown = f"; {most:,} take {sizes[most].seconds / sizes[least].seconds:.1f} times as long as {least:,}"
    return [f"`forkkeeper plan` by number of {unit}: {costs}{grown if most > least else ''}"]


def _clashes(timings: Mapping[str, Timing]) -> list[str]:
    if CLASHES not in timings:
        return []
    plan, extra = timings[CLASHES], timings[CLASHES].extra
    clashes = extra["clashes"]
    told = [
        f"`forkkeeper plan` with {clashes} of {extra['patches']} patches clashing over {extra['commits']:,} upstream "
        f"commits: {seconds(plan)}; culprits named: {extra['named']}"
    ]
    if BISECT in timings:
        every = Timing(timings[BISECT].seconds * clashes)
        beside = f"the plan is {ratio(plan, every)} that"
        if extra["named"] < clashes:
            beside = "not to be compared with the plan, which did not name them all"
        told.append(
            f"`git bisect` with `git am -3`: {seconds(timings[BISECT])} for the culprit of ONE clash; times {clashes} "
            f"clashes, multiplied and not run, {seconds(every)}: {beside}"
        )
    return told


def _memory(timings: Mapping[str, Timing]) -> list[str]:
    peaks = [timing.extra["peak_kib"] for timing in timings.values() if "peak_kib" in timing.extra]
    return [f"peak memory of `forkkeeper plan`, the largest of these: {max(peaks) / 1024:,.0f} MiB"] if peaks else []


def _builds(timings: Mapping[str, Timing]) -> list[str]:
    """Draw the builds as a table: CPU seconds, their part of the cold baseline's, and what is aimed at."""
    cold = timings[BASELINE].extra["cpu_seconds"] if BASELINE in timings else None
    rows = []
    for name, (what, target) in BUILDS.items():
        if name in timings:
            extra = timings[name].extra
            part = f"{100 * extra['cpu_seconds'] / cold:.1f} %" if cold and name != BASELINE else ""
            took = (f"{extra['cpu_seconds']:.1f}", part, f"{timings[name].seconds:.1f}")
            rows.append((what, extra["compiled"], extra["cached"], *took, target, f"{extra['load']:.1f}"))
    headers = ("build", "compiled", "from ccache", "CPU s", "of baseline", "wall s", "target", "load")
    return tabulate(rows, headers, disable_numparse=True, colalign=ALIGNED).splitlines() if rows else []


def _switches(timings: Mapping[str, Timing]) -> list[str]:
    """Say what a switch between two threads of an emulated kernel costs: two in each round, beside the same work."""
    work, turns = (timings.get(f"test_switch[{kernel}]") for kernel in ("work", "take_turns"))
    if not work or not turns:
        return []
    each = (turns.seconds - work.seconds) / (2 * turns.extra["rounds"])
    return [f"emulated Metal, a switch from one thread of a kernel to another: {1e9 * each:.0f} ns"]


def _families(timings: Mapping[str, Timing]) -> list[str]:
    """Draw the families of operations as a table, the dearest first: what each takes of all, and a case of it."""
    found = {name[len(FAMILY) : -1]: each for name, each in timings.items() if name.startswith(FAMILY)}
    ran = {name: each for name, each in found.items() if each.extra["cases"]}
    whole = sum(each.seconds for each in ran.values())
    rows = [
        (name, each.extra["cases"], f"{each.seconds:.1f}", f"{100 * each.seconds / whole:.1f} %", _per_case(each))
        for name, each in sorted(ran.items(), key=lambda one: -one[1].seconds)
    ]
    headers = ("emulated Metal", "cases", "wall s", "of all", "ms a case")
    aligned = ("left", *("right",) * 4)
    drawn = tabulate(rows, headers, disable_numparse=True, colalign=aligned).splitlines() if rows else []
    left = len(found) - len(ran)
    return drawn + [f"{left} families have no case that the device supports"] * bool(left)


def _per_case(timing: Timing) -> str:
    return f"{1000 * timing.seconds / timing.extra['cases']:.0f}"


def seconds(timing: Timing) -> str:
    """Write a time.

    >>> seconds(Timing(0.0123)), seconds(Timing(12.3))
    ('12 ms', '12.3 s')
    """
    return f"{1000 * timing.seconds:.0f} ms" if timing.seconds < 1 else f"{timing.seconds:.1f} s"


def ratio(ours: Timing, theirs: Timing) -> str:
    """Say how many times faster or slower, never with a number below one.

    >>> ratio(Timing(1), Timing(4)), ratio(Timing(3), Timing(2))
    ('4.0 times faster than', '1.5 times slower than')
    """
    faster = theirs.seconds >= ours.seconds
    times = theirs.seconds / ours.seconds if faster else ours.seconds / theirs.seconds
    return f"{times:.1f} times {'faster' if faster else 'slower'} than"
