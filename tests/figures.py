"""Prints what the tests of trust counted: run as a script, by `nox -s trust`.

    python figures.py FILE

FILE holds a JSON object a line, as `figures` of tests/trust/conftest.py leaves them. Numbers of one subject are added
up; words that name a part of it (a verb, a parser, a law) are counted. Exits 1 where nothing was counted.
"""

import json
import sys
from collections import Counter
from pathlib import Path

from tabulate import tabulate


def table(lines: list[str]) -> list[tuple[str, str]]:
    """Give a row for each subject: its name, and its numbers.

    >>> table(['{"subject": "laws", "law": "a", "broken": 0, "examples": 2}', '{"subject": "laws", "examples": 3}'])
    [('laws', '2 parts, broken 0, examples 5')]
    """
    parts: Counter[str] = Counter()
    sums: dict[str, Counter[str]] = {}
    for line in lines:
        row = json.loads(line)
        subject = str(row.pop("subject"))
        parts[subject] += 1
        counted = sums.setdefault(subject, Counter())
        for name, value in row.items():
            if isinstance(value, int):
                counted[name] += value
    said = {name: ", ".join(f"{what} {number:,}" for what, number in counted.items()) for name, counted in sums.items()}
    return [(name, f"{parts[name]} parts, {said[name]}" if parts[name] > 1 else said[name]) for name in sums]


def main(path: Path) -> int:
    """Print the table; gives the exit status."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    print(tabulate(table(lines), headers=("subject", "figures")))  # noqa: T201 -- it is what the script is for
    return 0 if lines else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
