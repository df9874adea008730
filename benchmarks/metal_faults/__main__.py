"""Is every planted fault caught? `nox -s bench_metal_faults`; `-- --fork DIR` names another checkout of the fork.

Each plant is a change of upstream's source, alone in a copy of it. A plant is caught where a case of upstream's test
program fails that passes without it, in either order of SIMD-groups, or where the checks report what they do not report
without it. Ends with 1 where one is missed, with 2 where nothing could be measured.
"""

import argparse
import re
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tabulate import tabulate

from benchmarks.metal_faults.emulation import Emulation, NotMeasuredError, Verdict
from benchmarks.metal_faults.plants import NotPlantedError, plants


def main(argv: Sequence[str] | None = None) -> int:
    """Judge every plant at every fork that was named, print a table of each."""
    options = _parser().parse_args(argv)
    missed = 0
    for fork in options.fork or [Path()]:
        with tempfile.TemporaryDirectory(prefix="metal-faults-") as work:
            try:
                verdicts = _judge(fork / ".forkkeeper/build/cpu", Path(options.work or work), options.only)
            except (NotMeasuredError, NotPlantedError) as reason:
                sys.stderr.write(f"{reason}\n")
                return 2
        _say(f"\n{fork.resolve().name}:\n\n{_table(verdicts)}\n\n{_counts(verdicts)}")
        missed += sum(not each.caught and not each.plant.redundant for each in verdicts)
    return 1 if missed else 0


def _judge(build: Path, work: Path, only: str) -> list[Verdict]:
    emulation = Emulation(build / "src", build / "build", work)
    verdicts = []
    for plant in plants(emulation.tree):
        if re.search(only, plant.name):
            verdicts.append(emulation.judge(plant))
            _say(f"{plant.where} {plant.name}: {_said(verdicts[-1])} ({verdicts[-1].seconds:.0f} s)")
    if not verdicts:
        raise NotMeasuredError(f"no plant's name has {only!r}")
    return verdicts


def _said(verdict: Verdict) -> str:
    if verdict.caught:
        return ", ".join(verdict.caught)
    return f"nothing to catch: {verdict.plant.redundant}" if verdict.plant.redundant else "MISSED"


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _table(verdicts: Sequence[Verdict]) -> str:
    rows = [(each.plant.name, each.plant.where, _said(each), round(each.seconds)) for each in verdicts]
    return tabulate(rows, ("plant", "place", "caught by", "s"))


def _counts(verdicts: Sequence[Verdict]) -> str:
    real = [each for each in verdicts if not each.plant.redundant]
    forward = sum("numbers forward" in each.caught or "assertion" in each.caught for each in real)
    numbers = sum(each.by_numbers for each in real)
    caught = sum(bool(each.caught) for each in real)
    return (
        f"{caught} of {len(real)} caught; numbers in the usual order alone would have caught {forward}, "
        f"numbers in either order {numbers}."
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("bench_metal_faults", description=__doc__)
    parser.add_argument("--fork", type=Path, action="append", help="a checkout whose cpu is built (default: this one)")
    parser.add_argument("--only", default="", help="regular expression of the plants' names")
    parser.add_argument("--work", default="", help="where to build (default: a folder that is removed)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
