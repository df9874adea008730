"""How far can each verdict be trusted? `nox -s bench_calibrate`; `-- --help` says how to shorten it.

Everything is measured on this machine, and kept in `.forkkeeper/calibrate/`: a second call goes on where the first was
ended, and only prints where nothing is left to do. Runs of another pin, processor or [bench] are not counted.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tabulate import tabulate

from benchmarks.calibrate import accidents
from benchmarks.calibrate.copies import NOT_MEASURED
from benchmarks.calibrate.live import COPIES, PLANTED, Kind, Live, Place, Row, swapped
from benchmarks.calibrate.rules import JUDGES, Judge
from forkkeeper.core.speed import Speed
from forkkeeper.flow import Setting
from forkkeeper.shell import terminal

RELABELINGS = 2000
UPTO = "llama-cpp-python==0.3.36"
FALSE = frozenset({Speed.SLOWER, Speed.FASTER})
WANTED: dict[Kind, int] = {"count-same": 5, "count-slower": 10, "time-long": 1, "time-same": 20, "time-slower": 10}
ABOUT: dict[Kind, str] = {
    "count-same": "the same code, built in another place: instructions",
    "count-slower": "one part in 200 of all products of matrices done twice: instructions",
    "time-long": f"the same code, {COPIES} copies a side or more: time",
    "time-same": "the same code, built in another place: time",
    "time-slower": "one part in 20 of all products of matrices done twice: time",
}


@dataclass(frozen=True)
class Line:
    """One demand: what was asked for, what was found, and whether that is met; None where it was not all measured."""

    demand: str
    found: str
    met: bool | None


def main(argv: Sequence[str] | None = None) -> int:
    """Measure what is wanting, print everything; 0 where every demand that was measured in full is met, 2 for none."""
    options = _parser().parse_args(argv)
    wanted = {kind: min(number, options.runs or number) for kind, number in WANTED.items()}
    asked = frozenset(options.only or (*WANTED, *accidents.ABOUT))
    with terminal.progress() as on_progress:
        place = Place(Path.cwd(), options.kept, Setting(Path.cwd(), False, on_progress), options.seconds)
        if not options.print:
            for name in accidents.ABOUT:
                if name in asked and accidents.came(place.kept, name) is None:
                    accidents.plant(place.root, place.kept, name, options.upto)
            for kind in WANTED:
                for live in place.make(kind, wanted[kind]) if kind in asked else ():
                    _say(f"{ABOUT[kind]}: {_row_said(live)} ({live.seconds:.0f} s, load {live.load:.1f})")
    lines = (*_caught(place), *_counted(place), *_timed(place), *_relabeled(place, options.relabelings))
    _say("\n" + tabulate([(one.demand, one.found, _met(one)) for one in lines], ("demand", "found", "")))
    _say("\nThe same times, judged by others' rules:\n\n" + _beside(place, options.relabelings))
    measured = [one for one in lines if one.met is not None]
    if not measured and not options.print:
        return NOT_MEASURED
    return int(any(one.met is False for one in measured))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("bench_calibrate", description=__doc__)
    parser.add_argument("--only", action="append", choices=(*WANTED, *accidents.ABOUT), help="only this, repeatable")
    parser.add_argument("--runs", type=int, help="at most so many of each kind")
    parser.add_argument("--seconds", type=int, help="that one live run may take (default: bench.seconds of fork.toml)")
    parser.add_argument(
        "--relabelings", type=int, default=RELABELINGS, help="of recorded samples (default: %(default)s)"
    )
    parser.add_argument("--upto", default=UPTO, help="where a copy is synced to, for deletions (default: %(default)s)")
    parser.add_argument("--kept", type=Path, default=Path(".forkkeeper/calibrate"), help="where runs are kept")
    parser.add_argument("--print", action="store_true", help="measure nothing")
    return parser


def _row_said(live: Live) -> str:
    return "; ".join(f"{row.test} of {row.model}: {row.speed.value}, {row.change:+.2%}" for row in live.rows)


def _caught(place: Place) -> tuple[Line, ...]:
    return tuple(
        Line(f"planted: {about}", "not measured" if came is None else "missed" if came.status else "caught", met)
        for name, about in accidents.ABOUT.items()
        for came in [accidents.came(place.kept, name)]
        for met in [None if came is None else not came.status]
    )


def _counted(place: Place) -> tuple[Line, ...]:
    same, slower = place.runs("count-same"), place.runs("count-slower")
    alarms = _number(same, lambda live: bool(live.said & FALSE))
    found = _number(slower, lambda live: Speed.SLOWER in live.said and Speed.FASTER not in live.said)
    apart = max((abs(row.change) for live in same for row in live.rows), default=0.0)
    share = f"one part in {PLANTED['count-slower']} of all products"
    return (
        Line(
            "A/A, instructions: never slower or faster",
            f"{alarms}; largest {apart:.5%}",
            _is(same, WANTED["count-same"], alarms, 0),
        ),
        Line(
            f"planted 0.5 % ({share}), instructions: 10 of 10",
            f"{found}; {_changes(slower)}",
            _is(slower, WANTED["count-slower"], found, len(slower)),
        ),
    )


def _timed(place: Place) -> tuple[Line, ...]:
    same, slower = place.runs("time-same"), place.runs("time-slower")
    alarms = _number(same, lambda live: bool(live.said & FALSE))
    found = _number(slower, lambda live: Speed.SLOWER in live.said and Speed.FASTER not in live.said)
    longest = max((live.seconds for live in slower), default=0.0)
    met = None if len(slower) < 10 else found.count >= 0.9 * len(slower) and longest <= 180
    said = f"{found}; {_changes(slower)}; longest {longest:.0f} s"
    return (
        Line(
            "A/A, time: none of 20 live runs says slower or faster",
            str(alarms),
            _is(same, WANTED["time-same"], alarms, 0),
        ),
        Line("planted 5 %, time: 9 of 10 live runs, 180 s each", said, met),
    )


def _relabeled(place: Place, times: int) -> tuple[Line, ...]:
    runs = place.runs("time-long")
    if not runs:
        return (Line("A/A, time: 1 % of 2,000 relabelings at most", "not measured", None),)
    alarms = _alarms(runs[0].rows, JUDGES[0], times)
    copies = min(len(row.pairs) for row in runs[0].rows)
    found = f"{alarms} of {times} ({alarms / times:.2%}), {copies} copies a side"
    met = alarms <= 0.01 * times if times >= RELABELINGS and copies >= COPIES else None
    return (Line("A/A, time: 1 % of 2,000 relabelings at most", found, met),)


def _beside(place: Place, times: int) -> str:
    """Judge every recorded run by every rule; a run says what any of its comparisons does."""
    same, slower, long = place.runs("time-same"), place.runs("time-slower"), place.runs("time-long")
    rows = []
    for judge in JUDGES:
        relabeled = f"{_alarms(long[0].rows, judge, times) / times:.2%}" if long else ""
        alarms = _Number(sum(bool(_says(live.rows, judge) & FALSE) for live in same), len(same))
        missed = _Number(sum(Speed.SLOWER not in _says(live.rows, judge) for live in slower), len(slower))
        each = [judge.says(row.as_pairs(), len(live.rows)) for live in slower for row in live.rows]
        said = _Number(sum(one is not Speed.SLOWER for one in each), len(each))
        rows.append((judge.name, relabeled, str(alarms), str(missed), str(said)))
    alarm = f"false alarms,\n{times:,} relabelings"
    heads = ("rule", alarm, "false alarms,\nlive runs", "misses of 5 %,\nlive runs", "misses of 5 %,\ncomparisons")
    return tabulate(rows, heads)


def _says(rows: Sequence[Row], judge: Judge) -> frozenset[Speed]:
    return frozenset(judge.says(row.as_pairs(), len(rows)) for row in rows)


def _alarms(rows: tuple[Row, ...], judge: Judge, times: int) -> int:
    """Count the relabelings of a run of the same code of which a rule says slower or faster."""
    chance = np.random.default_rng(1)
    lengths = {row.model: len(row.pairs) for row in rows}
    drawn = (
        {model: [bool(one) for one in chance.integers(0, 2, length)] for model, length in lengths.items()}
        for _ in range(times)
    )
    return sum(bool(_says(swapped(rows, flips), judge) & FALSE) for flips in drawn)


@dataclass(frozen=True)
class _Number:
    count: int
    of: int

    def __str__(self) -> str:
        return f"{self.count} of {self.of}"


def _number(runs: Sequence[Live], holds: Callable[[Live], bool]) -> _Number:
    return _Number(sum(holds(live) for live in runs), len(runs))


def _is(runs: Sequence[Live], enough: int, found: _Number, wanted: int) -> bool | None:
    return None if len(runs) < enough else found.count == wanted


def _changes(runs: Sequence[Live]) -> str:
    changes = [row.change for live in runs for row in live.rows]
    return f"{min(changes):+.2%} to {max(changes):+.2%}" if changes else "not measured"


def _met(line: Line) -> str:
    return {True: "met", False: "NOT MET", None: "not measured in full"}[line.met]


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
