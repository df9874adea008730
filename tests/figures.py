"""Prints what the tests of trust counted: run as a script, by `nox -s trust`.

    python figures.py FILE

FILE holds a JSON object a line, as `figures` of tests/conftest.py, `laws`, `attacks`, `fuzzing` and
benchmarks/test_scale.py leave them. Numbers of one subject are added up; words that name a part of it (a verb, a
parser, a law) are counted. What was measured stands beside its target. Exits 1 where nothing was counted, or something
was lost, let in, or different.
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


def main(path: Path) -> int:
    """Print the tables; gives the exit status."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.is_file() else []
    counted = [row for row in rows if row["subject"] != SCALE]
    measured = [row for row in rows if row["subject"] == SCALE]
    shown = [tabulate(table(counted), headers=("subject", "parts", "figures"), disable_numparse=True)]
    if measured:
        headers = ("verb, on 400 patches", "CPU s", "wall s", "MiB", "target (CPU)")
        shown.append(tabulate(scale(measured), headers=headers, disable_numparse=True))
    print("\n\n".join(shown))  # noqa: T201 -- it is what the script is for
    return 1 if bad(rows) or not rows else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
