"""How large the device code is; what users asked for of upstream; what upstream offers."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from forkkeeper.core import sections
from forkkeeper.core.ids import short
from forkkeeper.core.page import specs
from forkkeeper.core.page.given import Given, Sized, day_of, documents
from forkkeeper.core.page.shape import (
    Block,
    Cell,
    Chart,
    Column,
    Commands,
    Heading,
    Line,
    Missing,
    Note,
    Section,
    Table,
    Tone,
    commit,
    name,
    number,
    percent,
    words,
)
from forkkeeper.core.page.tomorrow import NIGHTLY
from forkkeeper.core.report import count
from forkkeeper.core.requests import Request

MEGABYTE = 1e6  # bytes
TOP = 20  # ranks that are shown
_ISSUE = re.compile(r"https?://([A-Za-z0-9.-]+)/([A-Za-z0-9._/-]+?)/(issues|pull|merge_requests|discussions)/(\d+)/?")


def sizes(given: Given) -> Section:
    """Make the section on code size."""
    about = "How large the device code of a build is beside upstream's, section by section, before compression."
    return Section("sizes", "Code size", about, tuple(_measured(given)))


def _measured(given: Given) -> list[Block]:
    if not given.sizes:
        return [Missing("No variant of fork.toml declares a [variant.NAME.size].", "forkkeeper size")]
    named = [one for one in given.sizes if one.variant]
    measured = [one for one in named if one.kinds]
    lacking = [one for one in named if not one.kinds]
    nameless = sum(not one.variant for one in given.sizes)
    names = " ".join(dict.fromkeys(one.variant for one in lacking))
    blocks: list[Block] = [_sizes(measured)] if measured else []
    if lacking:
        said = f"Not measured of the fork as it is now: {', '.join(_built(one) for one in lacking)}."
        blocks.append(Missing(said, f"forkkeeper size {names}"))
    if nameless:
        verb = "is of another state, kept" if nameless == 1 else "are of another state, kept"
        blocks.append(Note(f"{count(nameless, 'kept measurement')} {verb} without a name, and not shown.", Tone.DIM))
    return blocks


def _built(one: Sized) -> str:
    return f"{one.variant} ({one.of})"


def _sizes(measured: Sequence[Sized]) -> Chart:
    """Draw all that has a name; of several trees of one build each is named by its tree."""
    several = {_built(one) for one in measured if sum(_built(other) == _built(one) for other in measured) > 1}
    labels = [_built(one) + (f", {short(one.tree)}" if _built(one) in several else "") for one in measured]
    parts = [kind for kind in dict.fromkeys(kind for one in measured for kind in one.kinds) if kind != sections.TOTAL]
    rows = [
        {"name": label, "part": part, "value": one.kinds.get(part, 0) / MEGABYTE, "at": at}
        for label, one in zip(labels, measured, strict=True)
        for at, part in enumerate(parts)
    ]
    columns = (
        *map(Column, ("variant", "of", "tree")),
        *(Column(f"{part}, MB", numeric=True) for part in (*parts, "total")),
        Column("beside upstream", numeric=True),
    )
    totals: dict[str, int] = {}
    for one in measured:
        if one.of == "upstream":
            totals.setdefault(one.variant, one.kinds[sections.TOTAL])
    beside = next(iter(totals.values()), 0)
    lines = []
    for one in measured:
        share = one.kinds[sections.TOTAL] / (totals.get(one.variant, beside) or 1) - 1
        less = Tone.GOOD if share < 0 else Tone.WARN if share > 0 else Tone.PLAIN
        megabytes = [number(one.kinds.get(part, 0) / MEGABYTE, 1) for part in (*parts, sections.TOTAL)]
        beside_it = percent(share, less, 1) if totals and one.of != "upstream" else Cell("", number=0.0)
        lines.append(Line((name(one.variant), Cell(one.of), name(short(one.tree)), *megabytes, beside_it)))
    title = "Code by kind of section, MB"
    table = Table("sizes-table", title, columns, tuple(lines))
    totalled = zip(labels, measured, strict=True)
    said = ", ".join(f"{label} {one.kinds[sections.TOTAL] / MEGABYTE:,.1f} MB" for label, one in totalled)
    return Chart("sizes-chart", title, f"{title}: {said}.", specs.sizes(rows, "MB"), table)


def asked(given: Given) -> Section:
    """Make the section on requests and triage."""
    about = "What the fork's users asked for of upstream, and the upstream commits that are worth most to it."
    blocks: list[Block] = [Heading("Requests"), *_requests(given), Heading("What upstream offers"), *_triage(given)]
    return Section("offers", "Requests and offers", about, tuple(blocks))


def _requests(given: Given) -> list[Block]:
    if not given.requests:
        return [Missing("Nothing was asked for.", "forkkeeper requests import --file issues.json")]
    order = sorted(given.requests, key=lambda one: (one.closed, -one.votes))
    columns = (Column("votes", numeric=True), *map(Column, ("asked for", "upstream", "for", "state")))
    rows = tuple(
        Line(
            (
                number(one.votes),
                Cell(words(one.title).text, link=issue(one.link)),
                words(_upstream(one)),
                words(one.wanted_for),
                Cell("closed", Tone.DIM) if one.closed else Cell("open"),
            )
        )
        for one in order
    )
    open_ = sum(not one.closed for one in given.requests)
    return [Table("requests", f"{count(len(order), 'request')}, {open_} of them open, most votes first", columns, rows)]


def _upstream(one: Request) -> str:
    return ", ".join([*(short(sha) for sha in one.commit), *(f"#{pull}" for pull in one.pull)]) or one.words


def issue(text: str) -> str:
    """Make the link to an issue anew out of its host, repository and number; "" where it is none.

    >>> issue("https://github.com/me/fork/issues/12"), issue("javascript:alert(1)")
    ('https://github.com/me/fork/issues/12', '')
    """
    found = _ISSUE.fullmatch(text)
    return f"https://{found[1]}/{found[2]}/{found[3]}/{found[4]}" if found and ".." not in found[2] else ""


def _triage(given: Given) -> list[Block]:
    night = next((one for one in given.nights if documents(one, "triage")), None)
    if night is None:
        known = "No night has ranked upstream's commits." if given.nights else "No night is on record."
        return [Missing(known, "forkkeeper triage" if given.nights else NIGHTLY)]
    document = documents(night, "triage")[0].document or {}
    rows = [row for row in _list(document, "rows") if isinstance(row, dict)]
    if not rows:
        return [Note("The last triage found nothing of worth to this fork.", Tone.GOOD)]
    columns = (Column("score", numeric=True), *map(Column, ("upstream", "date", "title", "what it does", "why")))
    lines = tuple(Line(_ranked(row, given)) for row in rows[:TOP])
    caption = f"The highest ranks on the night of {day_of(night)}"
    blocks: list[Block] = [Table("triage", caption, columns, lines)]
    more = Commands(((f"forkkeeper triage --limit {len(rows)}", f"the other {len(rows) - TOP:,}, too"),))
    return [*blocks, more] if len(rows) > TOP else blocks


def _ranked(row: Mapping[str, Any], given: Given) -> tuple[Cell, ...]:
    score = row.get("score")
    terms = [f"{one.get('points', ''):+} {one.get('why', '')}" for one in _list(row, "terms") if _is_term(one)]
    effects = [
        f"{one.get('effect', '')} {one.get('patch', '')}" for one in _list(row, "effects") if isinstance(one, dict)
    ]
    return (
        number(score) if isinstance(score, int) else Cell(""),
        commit(str(row.get("sha", "")), given.pages),
        words(str(row.get("date", ""))),
        words(str(row.get("title", ""))),
        words(", ".join(effects), Tone.BAD if any(one.startswith("clash") for one in effects) else Tone.PLAIN),
        words("; ".join(terms)),
    )


def _is_term(one: object) -> bool:
    return isinstance(one, dict) and isinstance(one.get("points"), int)


def _list(document: Mapping[str, Any], field: str) -> list[Any]:
    found = document.get(field)
    return found if isinstance(found, list) else []
