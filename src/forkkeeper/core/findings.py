"""What the steps of a night found, read from the JSON documents that they wrote ([docs/json.md](docs/json.md))."""

import contextlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from forkkeeper.core.ids import short
from forkkeeper.core.nights import Count, Effect, Fate, Findings, Reach, Side, Speed, Step, Taken
from forkkeeper.core.report import count
from forkkeeper.core.shown import spelled

Document = Mapping[str, Any]
MOST_RANKED = 50  # rows of a triage that are kept of a night
_CASES = re.compile(r"[0-9][0-9,]{0,17}$")
_LONGEST = 300  # characters of what is said about a document of another form


def found(taken: Sequence[Taken]) -> Findings:
    """Read all of them. A step that wrote no document, ended in an error, or wrote one of another form gives nothing.

    What one is of another form for is said by `said`.
    """
    by_kind: dict[str, list[Findings]] = {}
    for one in taken:
        if one.document is not None and "error" not in one.document:
            with contextlib.suppress(_OddError):
                by_kind.setdefault(one.step.kind, []).append(_sound(one.step, one.document))
    plans, reaches, lines = ((by_kind.get(kind) or [Findings()])[0] for kind in ("plan", "reach", "triage"))
    tests = [one for kind in ("check", "regression", "witness") for one in by_kind.get(kind, [])]
    return Findings(
        reach=reaches.reach,
        fates=plans.fates,
        behind=lines.behind,
        has_history=lines.has_history,
        counts=tuple(count for one in tests for count in one.counts),
        speeds=tuple(speed for one in by_kind.get("throughput", []) for speed in one.speeds),
    )


def kept(taken: Taken) -> Taken:
    """Give a step as it is kept: of a triage, whose document grows with the distance, the rows that matter most."""
    document = taken.document
    if taken.step.kind != "triage" or document is None or not isinstance(document.get("rows"), list):
        return taken
    slim = document | {"rows": document["rows"][:MOST_RANKED], "line": []}
    return msgspec.structs.replace(taken, document=slim)


class _OddError(ValueError):
    """A document is not of the form that its step writes; the message says why."""


def _sound(step: Step, document: Document) -> Findings:
    """Read one step's document. Raises _OddError where it lacks something, or has it in another form."""
    try:
        found = _read(step, document)
        return msgspec.convert(msgspec.to_builtins(found), Findings)  # values that are not of their types end here
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError) as error:
        raise _OddError(f"{type(error).__name__}: {error}") from error


def _read(step: Step, document: Document) -> Findings:
    match step.kind:
        case "plan":
            return Findings(fates=tuple(map(_fate, document["patches"])))
        case "reach":
            return Findings(reach=_reach(document))
        case "triage":
            return Findings(behind=tuple(_behind(document)), has_history=bool(document["history"]))
        case "throughput":
            return Findings(speeds=tuple(_speed(step.side, row) for row in document.get("measured", ())))
        case "check" | "regression" | "witness":
            return Findings(counts=tuple(_counts(step, document)))
        case _:
            return Findings()


def _reach(document: Document) -> Reach:
    free, blocker = document["free"] or {}, document["blocker"] or {}
    return Reach(
        free.get("sha", ""),
        document["commits"],
        document["of"],
        blocker.get("sha", ""),
        blocker.get("title") or "",
        blocker.get("link") or "",
    )


def _fate(row: Document) -> Fate:
    blamed = row.get("blamed") or {}
    return Fate(
        row["name"],
        row["outcome"],
        row["rule"] or "",
        row["review"],
        row["root"] or "",
        row["why"] or "",
        tuple(row["paths"]),
        blamed.get("sha") or row["culprit"] or "",
        blamed.get("title") or "",
        blamed.get("link") or "",
    )


def _behind(document: Document) -> Iterator[Effect]:
    """Give every step of upstream's between the pin and the head, with what it does to patches."""
    effects = {
        row["sha"]: {hit["patch"]: hit["effect"] for hit in row["effects"]}
        for row in document["rows"]
        if row["effects"]
    }
    for one in document.get("line", ()):
        yield Effect(one["sha"], one["date"], one["title"], one["link"] or "", effects.get(one["sha"], {}))


def tables(document: Document) -> Iterator[Sequence[Mapping[str, Any]]]:
    """Give the tables of a document, in order: each a list of rows by header."""
    for block in document.get("blocks", ()):
        if isinstance(block, list):
            yield block


def _counts(step: Step, document: Document) -> Iterator[Count]:
    """Read the rows of tests; a table of other columns is no such table."""
    rows = [row for table in tables(document) for row in table]
    yield from (_test(step, row) for row in rows if {"cases", "passed", "verdict"} <= row.keys())
    yield from (_compared(step, row, document.get("cases", ())) for row in rows if "compared" in row)
    witnesses = [row for row in rows if "with it" in row]
    if witnesses:
        yield _witnesses(step, witnesses)


def _test(step: Step, row: Document) -> Count:
    cases, passed, skipped = (_number(row[name]) for name in ("cases", "passed", "skipped"))
    return Count(
        step.name,
        step.variant,
        row["device"],
        bool(row.get("emulated")),
        row["check"],
        cases,
        passed,
        skipped,
        float(row["seconds"]),
        row["verdict"],
    )


def _compared(step: Step, row: Document, cases: Sequence[Document]) -> Count:
    """Read a part of a comparison with the pin; of what models say the cases are known."""
    known = [one for one in cases if one["variant"] == row["variant"]] if row["compared"] == "outputs" else []
    counts = (len(known), sum(one["as_pin"] for one in known), 0)
    emulated, seconds = bool(row.get("emulated")), float(row["seconds"] or 0)
    return Count(step.name, step.variant, "", emulated, row["compared"], *counts, seconds, row["verdict"])


def _witnesses(step: Step, rows: Sequence[Document]) -> Count:
    """Read the table of witnesses: one patch is a case, skipped where it declares that it has no witness."""
    proved = sum(row["verdict"].startswith(_PROVED) for row in rows)
    none = sum(row["verdict"].startswith(_NONE) for row in rows)
    verdict = "passed" if proved + none == len(rows) else "FAILED"
    emulated = any(row.get("emulated") for row in rows)
    return Count(step.name, step.variant, "", emulated, "witnesses", len(rows) - none, proved, none, 0.0, verdict)


def _number(text: str) -> int:
    return int(text.replace(",", "")) if _CASES.fullmatch(text) else 0


def _speed(side: Side, row: Document) -> Speed:
    return Speed(
        side,
        row["variant"],
        row["model"],
        row["test"],
        row["metric"],
        tuple(map(float, row["baseline"])),
        tuple(map(float, row["fork"])),
        row["change"],
        row["low"],
        row["high"],
        row["verdict"],
    )


# one sentence ---------------------------------------------------------------------------------------------------------


def said(step: Step, document: Document | None, *, log: str = "") -> str:
    """Say in one sentence what a step found. log -- the end of what it printed, for one that wrote no document."""
    if document is None:
        lines = [line for line in log.splitlines() if line.strip()]
        return spelled(lines[-1].strip()) if lines else "it said nothing"
    try:
        if "error" not in document:
            _sound(step, document)
        return _sentence(step, document)
    except _OddError as error:
        wrong = str(error)
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError) as error:
        wrong = f"{type(error).__name__}: {error}"
    return spelled(f"its document is of another form ({wrong})"[:_LONGEST])


def _sentence(step: Step, document: Document) -> str:
    if "error" in document:
        wrong = document["error"]
        return spelled(": ".join(part for part in (wrong["thing"], " ".join(wrong["found"].split())) if part))
    says = _SAYS.get(step.kind)
    if says is not None:
        return says(document)
    if step.kind in _QUIET:
        return "; ".join(_loud(step, document)) or _totals(document)
    texts = [block for block in document.get("blocks", ()) if isinstance(block, str)]
    return spelled(texts[-1]) if texts else ""


def _outcomes(patches: Sequence[Document]) -> str:
    counts: dict[str, int] = {}
    for row in patches:
        counts[row["outcome"]] = counts.get(row["outcome"], 0) + 1
    review = sum(row["review"] for row in patches)
    told = ", ".join(f"{number} {outcome}" for outcome, number in counts.items()) or "the queue is empty"
    return f"{count(len(patches), 'patch')}: {told}" + (f"; {review} to review" if review else "")


def _free(document: Document) -> str:
    way = f"{document['commits']} of {document['of']} on the way"
    blocker = document["blocker"]
    if blocker is None:
        return f"free all the way: {way}"
    stops = f"stopped by {short(blocker['sha'])} {blocker['title']}"
    return f"free over {way}, {stops}" if document["free"] else f"not one step is free: {stops}"


_PROVED, _NONE = "proves the patch", "none"

# words of verdicts that need no word more: core.standing.Standing, core.witnesses.Effect, flow.regressing
_QUIET = {
    "check": ("passed", "not supported (declared)"),
    "regression": ("as the pin", "skipped"),
    "witness": (_PROVED, _NONE),
}


def _loud(step: Step, document: Document) -> Iterator[str]:
    """Give the rows of tests whose verdict is not a quiet one, each in a few words."""
    for row in (row for table in tables(document) for row in table):
        verdict = " ".join(str(row.get("verdict", "")).split())
        if verdict and not verdict.startswith(_QUIET[step.kind]):
            names = [row[name] for name in ("variant", "patch", "check", "compared") if row.get(name)]
            yield spelled(f"{', '.join(names)}: {verdict}")
        undone = row.get("upstream's lines", "")
        if undone and not undone.startswith("deletes"):
            yield spelled(f"{row['patch']}: {undone}")


def _ranked(document: Document) -> str:
    noun = "commit" if document["history"] else "snapshot"
    return f"{count(len(document.get('line', ())), noun)} after the pin, {document['of']} of them matter"


def _built(document: Document) -> str:
    return "; ".join(_builds(document))


def _builds(document: Document) -> Iterator[str]:
    for row in (row for table in tables(document) for row in table):
        if row.get("seconds"):
            cached = f", {row['compiled']} compiled, {row['from ccache']} from ccache" if row["from ccache"] else ""
            yield f"built in {row['seconds']} s{cached}"


def _totals(document: Document) -> str:
    rows = [row for table in tables(document) for row in table]
    tests = [row for row in rows if "cases" in row and "passed" in row]
    if tests:
        passed, cases = (sum(_number(row[name]) for row in tests) for name in ("passed", "cases"))
        emulated = ", emulated" if any(row.get("emulated") for row in tests) else ""
        return f"{passed:,} of {cases:,} cases pass{emulated}"
    witnesses = [row for row in rows if "with it" in row]
    if witnesses:
        proved = sum(row["verdict"].startswith(_PROVED) for row in witnesses)
        return f"{proved} of {count(len(witnesses), 'patch')} proved by their witnesses"
    return "; ".join(" ".join(str(row["verdict"]).split()) for row in rows if "verdict" in row)


def _speeds(document: Document) -> str:
    rows = document.get("measured", ())
    slower = [f"{row['model']}, {row['test']}: {row['change']:+.2%}" for row in rows if row["verdict"] == "slower"]
    if slower:
        return spelled(f"slower than the pin: {'; '.join(slower)}")
    verdicts = ", ".join(dict.fromkeys(row["verdict"] for row in rows))
    return f"{count(len(rows), 'test')}: {verdicts}" if rows else "nothing was measured"


_SAYS: Mapping[str, Callable[[Document], str]] = {
    "plan": lambda document: _outcomes(document["patches"]),
    "reach": _free,
    "triage": _ranked,
    "build": _built,
    "throughput": _speeds,
}
