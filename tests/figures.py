"""Prints what the tests of trust counted: run as a script, by `nox -s trust`.

    python figures.py FILE [--whole]

FILE holds a JSON object a line, as `figures` of tests/conftest.py, `laws`, `attacks`, `fuzzing` and
benchmarks/test_scale.py leave them. Numbers of one subject are added up; words that name a part of it (a verb, a
parser, a law) are counted. What was measured stands beside its target. Exits 1 where nothing was counted, something was
lost, let in, or different, or a target was missed; with --whole also where less was tried than a whole run tries.
"""

import json
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tabulate import tabulate

BAD = frozenset({"lost", "let through", "escapes", "broken", "differences", "faults"})  # numbers that are to be 0
SCALE = "scale"
# What a whole run tries at least: a subject that is not there, or has become next to nothing, is seen. Set well below
# what there is, as that grows and shrinks a little with git's version and the machine.
LEAST = {
    ("growth", "shapes"): 100,
    ("kill points", "tried"): 1_000,
    ("kill moments", "tried"): 40,
    ("attacks", "tried"): 200,
    ("bugs planted", "tried"): 20,
    ("fuzz executions", "tried"): 100_000,
    ("laws", "examples"): 1_500,
    ("promises", "tried"): 300,
    ("reproducibility", "rows"): 5,
    ("spoiled inputs", "tried"): 1_000,
}
Row = dict[str, Any]


def table(rows: Sequence[Row]) -> list[tuple[str, str, str]]:
    """Give a row for each subject: its name, how many parts it has, and its numbers.

    >>> table([{"subject": "laws", "law": "a", "broken": 0, "examples": 2}, {"subject": "laws", "examples": 1300}])
    [('laws', '2', 'broken 0, examples 1,302')]
    """
    parts: Counter[str] = Counter()
    sums: dict[str, Counter[str]] = {}
    for row in rows:
        subject = str(row["subject"])
        parts[subject] += 1
        counted = sums.setdefault(subject, Counter())
        counted.update({name: value for name, value in row.items() if isinstance(value, int)})
    said = {name: ", ".join(f"{what} {number:,}" for what, number in counted.items()) for name, counted in sums.items()}
    return [(name, f"{parts[name]:,}", said[name]) for name in sorted(sums)]


def scale(rows: Sequence[Row]) -> list[tuple[str, str, str, str, str]]:
    """Give what verbs cost on the largest fork, beside their targets.

    >>> scale([{"verb": "plan", "cpu_s": 40.5, "wall_s": 41.0, "peak_mib": 300, "target_s": 60.0}])
    [('plan', '40.50', '41.00', '300', 'under 60 s: met')]
    """
    return [
        (row["verb"], f"{row['cpu_s']:.2f}", f"{row['wall_s']:.2f}", str(row["peak_mib"]), _held(row)) for row in rows
    ]


def _held(row: Row) -> str:
    if row["target_s"] is None:
        return ""
    return f"under {row['target_s']:g} s: {'met' if row['cpu_s'] < row['target_s'] else 'MISSED'}"


def bad(rows: Sequence[Row]) -> int:
    """Count what is to be 0.

    >>> bad([{"subject": "laws", "broken": 1}, {"subject": "kill points", "lost": 0, "tried": 9}])
    1
    """
    return sum(value for row in rows for name, value in row.items() if name in BAD)


def missed(rows: Sequence[Row]) -> list[str]:
    """Name what was measured and did not keep its target.

    >>> missed([{"subject": "scale", "verb": "plan", "cpu_s": 61.0, "target_s": 60.0}])
    ['plan: 61 s of CPU, and 60 are its target']
    """
    timed = [row for row in rows if row.get("target_s") is not None and row["cpu_s"] >= row["target_s"]]
    return [f"{row['verb']}: {row['cpu_s']:g} s of CPU, and {row['target_s']:g} are its target" for row in timed]


def lacking(rows: Sequence[Row]) -> list[str]:
    """Name what a whole run tries more of.

    >>> lacking([{"subject": "attacks", "tried": 3}])[1:3]
    ['kill moments: 0 tried, at least 40 are due', 'attacks: 3 tried, at least 200 are due']
    """
    found = Counter({key: sum(row.get(key[1], 0) for row in rows if row["subject"] == key[0]) for key in LEAST})
    said = [
        f"{what}: {found[what, unit]:,} {unit}, at least {least:,} are due"
        for (what, unit), least in LEAST.items()
        if found[what, unit] < least
    ]
    return said if any(row["subject"] == SCALE for row in rows) else [*said, "scale: nothing was measured"]


def main(path: Path, *, is_whole: bool) -> int:
    """Print the tables, and what is wrong with them; gives the exit status."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.is_file() else []
    counted = [row for row in rows if row["subject"] != SCALE]
    measured = [row for row in rows if row["subject"] == SCALE]
    shown = [tabulate(table(counted), headers=("subject", "parts", "figures"), disable_numparse=True)]
    if measured:
        headers = ("verb, on 400 patches", "CPU s", "wall s", "MiB", "target (CPU)")
        shown.append(tabulate(scale(measured), headers=headers, disable_numparse=True))
    wrong = [*missed(rows), *(lacking(rows) if is_whole else [])]
    print("\n\n".join([*shown, *wrong]))  # noqa: T201 -- it is what the script is for
    return 1 if bad(rows) or wrong or not rows else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), is_whole="--whole" in sys.argv[2:]))
