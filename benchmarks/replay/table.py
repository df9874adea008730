"""The verdicts as a table: tools as columns, verdicts as rows. Nothing here runs a program or reads a file."""

import json
import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from tabulate import tabulate

from benchmarks.replay.answers import DROPPED, IN_ORDER, RIGHT, WRONG, Verdict
from benchmarks.replay.questions import Question

ABSENT = "not installed"
SHOWN = 100  # characters of what a tool said, in the list


@dataclass(frozen=True, slots=True)
class Row:
    """One tool's answer to one question, judged. said -- what the tool said of it, in a line; seconds -- wall time."""

    question: Question
    tool: str
    verdict: Verdict
    said: str
    seconds: float


def table(rows: Sequence[Row], tools: Sequence[str], absent: Sequence[str] = ()) -> str:
    """Draw the counts, the totals and the median time of each tool. absent -- those of them that are not installed."""
    counts = {tool: Counter(row.verdict for row in rows if row.tool == tool) for tool in tools}

    def line(name: str, cell: dict[str, str]) -> list[str]:
        return [name, *(ABSENT if tool in absent else cell[tool] for tool in tools)]

    drawn = [line(verdict.value, {tool: str(counts[tool][verdict]) for tool in tools}) for verdict in Verdict]
    totals = {tool: _totals([row for row in rows if row.tool == tool]) for tool in tools}
    names = list(_totals([]))
    drawn += [line(name, {tool: totals[tool][name] for tool in tools}) for name in names]
    return tabulate(drawn, ("verdict", *tools), tablefmt="simple", disable_numparse=True, stralign="right")


def _totals(rows: Sequence[Row]) -> dict[str, str]:
    """Sum up one tool's rows. A kept patch is right, wrong, or left to a person; what failed counts to what it was."""
    kept = [row.verdict for row in rows if row.question.want is not None]
    dropped = [row.verdict for row in rows if row.question.want is None]
    right = sum(verdict in RIGHT for verdict in kept)
    times = [row.seconds for row in rows]
    return {
        "KEPT, right (silent + reviewed)": f"{right} of {len(kept)}",
        "of them up to order or space": str(sum(verdict in IN_ORDER for verdict in kept)),
        "KEPT, wrong or called gone": f"{sum(verdict in WRONG for verdict in kept)} of {len(kept)}",
        "DROPPED, recognised": f"{sum(verdict is DROPPED[0] for verdict in dropped)} of {len(dropped)}",
        "median seconds per patch": f"{statistics.median(times):.3f}" if times else "-",
    }


def not_right(rows: Sequence[Row]) -> str:
    """List the rows that are not right, with what the tool said."""
    fine = (*RIGHT, Verdict.DROPPED_RECOGNISED)
    shown = [
        (row.tool, row.question.sync, row.question.patch, row.question.human, row.verdict.value, row.said[:SHOWN])
        for row in rows
        if row.verdict not in fine
    ]
    return tabulate(shown, ("tool", "sync", "patch", "maintainers", "verdict", "the tool said"), tablefmt="simple")


def to_json(rows: Sequence[Row]) -> str:
    """Write one object per row, one row a line."""
    lines = [
        json.dumps(
            {
                "sync": row.question.sync,
                "patch": row.question.patch,
                "human": row.question.human,
                "tool": row.tool,
                "verdict": row.verdict.value,
                "said": row.said,
                "seconds": round(row.seconds, 3),
            }
        )
        for row in rows
    ]
    return "[\n" + ",\n".join(lines) + "\n]\n"
