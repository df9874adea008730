"""Ranked upstream commits as a person sees them, and as JSON."""

import json
from dataclasses import dataclass

from forkkeeper.core import report
from forkkeeper.core.commits import UpstreamCommit, one_line
from forkkeeper.core.ids import short
from forkkeeper.core.planning import Commit, printable
from forkkeeper.core.report import Block, Painted, Table
from forkkeeper.core.requests import FILE as REQUESTS, Request
from forkkeeper.core.triage.nearness import Effect
from forkkeeper.core.triage.ranking import Ranked

SCHEMA = 1
MOST_FOLDERS = 4  # of a snapshot's changed folders that are named


@dataclass(frozen=True, slots=True)
class Listed:
    """What `triage` has to say.

    rows -- those that are shown, the highest first; of -- how many there were to choose from
    has_history -- whether rows are upstream's own commits; else snapshots
    passed -- all steps on the way; left_out -- those that change nothing that the fork keeps
    picked, declined -- how many were decided on, and so are not shown
    unanswered -- requests that no step on the way answers
    line -- all steps on the way, oldest first
    """

    old: Commit
    new: Commit
    rows: tuple[Ranked, ...]
    of: int
    has_history: bool
    passed: int
    left_out: int
    picked: int
    declined: int
    unanswered: tuple[Request, ...]
    line: tuple[UpstreamCommit, ...] = ()

    @property
    def noun(self) -> str:
        """What a row is."""
        return "commit" if self.has_history else "snapshot"


def blocks(listed: Listed) -> tuple[Block, ...]:
    """Show the rows, what is not among them, and what to type next."""
    found: list[Block] = [
        f"from  {report.said(listed.old)}",
        f"to    {report.said(listed.new)}",
        *_without_history(listed),
        "",
    ]
    if listed.rows:
        found += [_table(listed), ""]
    shown = f"{report.count(len(listed.rows), listed.noun)} of {listed.of:,} shown"
    more = f"; `--limit {listed.of}` shows all" if listed.of > len(listed.rows) else ""
    found.append(f"{shown}{more}." if listed.of else f"No {listed.noun} to show.")
    found += [f"not shown: {text}" for text in _not_shown(listed)]
    for request in listed.unanswered:
        link = f" {one_line(request.link)}" if request.link else ""
        found.append(Painted(f"asked for, and not on this way: {one_line(request.title, 60)}{link}", "yellow"))
    return (*found, *_next(listed))


def _without_history(listed: Listed) -> list[Block]:
    if listed.has_history or not listed.passed:
        return []
    said = ("No single commits between these two are to be had from the sources held here:", "each row is a snapshot.")
    how = ('An [[upstream.source]] of kind = "git" in fork.toml brings them, after', "`forkkeeper upstream refresh`.")
    return ["", *(Painted(line, "yellow") for line in said), *how]


def _table(listed: Listed) -> Table:
    headers = ("", listed.noun, "what", "why")
    return Table(headers, tuple(_row(listed, row) for row in listed.rows), prose=("what", "why"))


def _row(listed: Listed, row: Ranked) -> tuple[str | Painted, ...]:
    told = row.passed.told
    sign = "+" if row.score > 0 else "−" if row.score < 0 else ""
    score = Painted(f"{sign}{abs(row.score)}", "green" if row.score > 0 else "dim")
    what = one_line(row.passed.title) if listed.has_history else _of_snapshot(row)
    clash = any(hit.effect is Effect.CLASH for hit in row.hits)
    why = "; ".join(str(term) for term in row.terms)
    decided = [f"is in the queue as {row.taken}"] if row.taken else []
    decided += [f"declined: {one_line(row.declined)}"] if row.declined else []
    said = "; ".join([*decided, why])
    return score, f"{short(told.sha)}\n{told.date}", what, Painted(said, "yellow") if clash else said


def _of_snapshot(row: Ranked) -> str:
    """Say where a snapshot changes what the fork keeps: the folders, those with the most files first."""
    folders: dict[str, int] = {}
    for path in row.paths:
        folder = "/".join(path.split("/")[:2][: path.count("/")]) or "."
        folders[folder] = folders.get(folder, 0) + 1
    order = sorted(folders, key=lambda folder: (-folders[folder], folder))
    said = ", ".join(f"{one_line(folder, 40)} {folders[folder]}" for folder in order[:MOST_FOLDERS])
    more = f", {len(order) - MOST_FOLDERS} more folders" if len(order) > MOST_FOLDERS else ""
    known = f"{row.passed.told.known_as[0]}: " if row.passed.told.known_as else ""
    return f"{known}{report.count(len(row.paths), 'file')}: {said}{more}"


def _not_shown(listed: Listed) -> list[str]:
    one = listed.noun
    return [
        *([f"{report.count(listed.left_out, one)} of paths that the fork does not keep"] if listed.left_out else []),
        *([f"{report.count(listed.picked, one)} in the queue already; `--all` shows them"] if listed.picked else []),
        *([f"{report.count(listed.declined, one)} declined; `--all` shows them"] if listed.declined else []),
    ]


def _next(listed: Listed) -> tuple[Block, ...]:
    first = next((row for row in listed.rows if row.is_open), None)
    if first is None:
        return ()
    sha = short(first.passed.told.sha)
    refuse = 'forkkeeper decline SHA --why "…"'
    if not listed.has_history:
        return (f"next: `forkkeeper plan --upto {sha}` shows what a sync to the first would do",)
    if first.score <= 0:
        return (f"next: none of them is worth more than it costs; `{refuse}` for those not for this fork",)
    return f"next: `forkkeeper pick {sha}` takes the first one", f"      `{refuse}` for one that is not for this fork"


def to_json(listed: Listed) -> str:
    """Write it as JSON, schema 1 (stable), a document of its own; docs/json.md tells its fields."""
    document = {
        "schema": SCHEMA,
        "from": listed.old.sha,
        "to": listed.new.sha,
        "history": listed.has_history,
        "passed": listed.passed,
        "of": listed.of,
        "left_out": listed.left_out,
        "picked": listed.picked,
        "declined": listed.declined,
        "rows": [_json(row) for row in listed.rows],
        "unanswered": [_request(one) for one in listed.unanswered],
        "line": [{"sha": o.sha, "date": o.date, "title": o.title, "link": o.link} for o in listed.line],
    }
    return json.dumps(document, indent=1) + "\n"


def _json(row: Ranked) -> dict[str, object]:
    told = row.passed.told
    return {
        "sha": told.sha,
        "date": told.date,
        "author": told.author,
        "title": one_line(row.passed.title),
        "link": told.link,
        "pull": row.passed.pull,
        "score": row.score,
        "terms": [{"points": term.points, "why": term.why} for term in row.terms],
        "kind": row.kind.value,
        "backends": list(row.backends),
        "security": [one_line(word) for word in row.security],
        "paths": [printable(path) for path in row.paths],
        "effects": [{"patch": hit.patch, "effect": hit.effect.value} for hit in row.hits],
        "requests": [_request(one) for one in row.requests],
        "picked": row.taken,
        "declined": one_line(row.declined) if row.declined is not None else None,
    }


def _request(one: Request) -> dict[str, object]:
    return {"title": one_line(one.title), "link": one_line(one.link), "votes": one.votes, "file": REQUESTS}
