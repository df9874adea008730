"""A plan as Markdown, for a pull request: what a maintainer must know, in what a git host takes.

Names, titles, paths and lines of code are strangers' text. They stand in code spans and code blocks alone, where
nothing is live: no markup, no HTML, no @mention, no #reference, no link (github.github.com/gfm/#code-spans). A sentence
of ours that may quote such text stands there, too, unless it is made of plain words. Links are built from ids and
upstream's own page, never taken from a text. A host refuses what is too long: the ends of lists are left out first, and
a sentence says so.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from forkkeeper.core import buildfiles, commits, delta, planning
from forkkeeper.core.commits import UpstreamCommit, one_line
from forkkeeper.core.culprits import Culprit
from forkkeeper.core.ids import short
from forkkeeper.core.mail import Patch
from forkkeeper.core.planning import Commit, Plan
from forkkeeper.core.report import MOST_FILES, MOST_LINES, MOST_PLACES, MOST_PROPOSED, MOST_REVIEWED, count
from forkkeeper.core.shown import spelled
from forkkeeper.core.verdict import GONE, Outcome, Row

MOST = 65_536  # bytes; GitHub counts characters, which are no more
LONGEST_NAME = 200  # characters of a name, path or sentence
LONGEST_LINE = 300  # characters of a line of code
_PLAIN = re.compile(r"[A-Za-z][A-Za-z ,.;:'()%-]*")  # no digit: a number after a word may be a reference
_LIVE = re.compile(r"[a-z]\.[a-z]|GH-|:\w+:|[0-9a-f]{7}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of the document: lines that open it, lines that may be left out from the end, lines that close it."""

    opens: tuple[str, ...]
    lines: tuple[str, ...] = ()
    closes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a plan comes from. fork -- its name; pages -- upstream's addresses; again -- the command that makes it."""

    fork: str
    pages: tuple[str, ...]
    again: str


def plan_markdown(plan: Plan, origin: Origin, steps: Sequence[str]) -> str:
    """Write a plan as Markdown of at most `MOST` bytes. steps -- what is to be typed next, as a sync says it."""
    commands = (f"{origin.again}     # this plan", *(_command(step) for step in steps))
    parts = [
        _head(plan, origin),
        _table(plan),
        *(part for row in plan.clashed for part in _clash(row, plan.culprits.get(row.old.name))),
        *(part for row in plan.rows if _is_shown(row) for part in _review(row, plan.culprits.get(row.old.name))),
        *_remarks(plan),
        *_touched(plan),
    ]
    return _plan_bounded(parts, Part(("", "### Commands", "", *fenced(commands, "sh", MOST))), origin.again)


def _command(step: str) -> str:
    """Tell what is typed from what is said: commands are indented in a report."""
    return step.removeprefix("  ") if step.startswith("  ") or not step else f"# {step}"


# what strangers wrote ----------------------------------------------------------------------------------------------


def code(text: str) -> str:
    """Give a text as a code span.

    >>> print(code("a `b` @c #1 <i>"))
    `` a `b` @c #1 <i> ``
    """
    line = one_line(text.encode("utf-8", "surrogateescape").decode("utf-8", "replace"), LONGEST_NAME)
    if not line:
        return ""
    fence = "`" * (max((len(run) for run in re.findall("`+", line)), default=0) + 1)
    pad = " " if len(fence) > 1 else ""
    return f"{fence}{pad}{line}{pad}{fence}"


def cell(text: str) -> str:
    r"""Give a text as a code span in a table, where a bar ends a cell and a backslash before one would free it.

    >>> print(cell("a|b"))
    `a\|b`
    """
    return re.sub(r"\\(?=\|)", r"\\ ", code(text)).replace("|", r"\|")


def prose(text: str) -> str:
    """Give a sentence as it is where it is plain words, else as code; in a table, too."""
    return text if _PLAIN.fullmatch(text) and not _LIVE.search(text) else cell(text)


def escaped(text: str) -> str:
    """Keep a person's or upstream's words from being read as Markdown's or HTML's structure."""
    safe = re.sub(r"([\\*<>\[\]#]|(?<![^\W_])_|_(?![^\W_]))", r"\\\1", text.replace("`", "'").replace("\r\n", "\n"))
    return spelled(safe, but="\t\n")


def fenced(lines: Iterable[str], language: str = "", longest: int = LONGEST_LINE) -> tuple[str, ...]:
    """Give lines as a code block that nothing in them can end."""
    shown = [_cut(spelled(line, but="\t"), longest) for line in lines]
    fence = "`" * max(3, 1 + max((len(run) for line in shown for run in re.findall("`+", line)), default=0))
    return (f"{fence}{language}", *shown, fence)


def _cut(line: str, longest: int) -> str:
    return line if len(line) <= longest else f"{line[: longest - 1]}…"


# the parts ----------------------------------------------------------------------------------------------------------


def _head(plan: Plan, origin: Origin) -> Part:
    verdict = (
        "Every patch is carried with no human."
        if plan.is_sure
        else "**A person must look**: see what clashes or is for review below."
    )
    return Part(
        (
            f"## {code(origin.fork)}: carried to {code(short(plan.new.sha))}, {planning.totals(plan.rows)}",
            "",
            f"- from {_commit(plan.old, origin)}",
            f"- to {_commit(plan.new, origin)}",
            f"- upstream changed {count(plan.changed, 'path')} that this fork has",
            "",
            verdict,
        )
    )


def _commit(commit: Commit, origin: Origin) -> str:
    """Name a commit, with its page where upstream has one."""
    page = commits.link(origin.pages, commit.sha)
    name = f"[{code(short(commit.sha))}]({page})" if page else code(short(commit.sha))
    known = f" ({', '.join(code(name) for name in commit.known_as)})" if commit.known_as else ""
    return f"{name}{known} of {commit.date}"


def _told(one: UpstreamCommit) -> str:
    name = f"[{code(short(one.sha))}]({one.link})" if one.link else code(short(one.sha))
    kind = "upstream merge" if one.is_merge else "upstream commit"
    return f"{kind} {name} of {one.date} by {code(one.author)}: {code(one.title)}"


def _culprit(culprit: Culprit) -> str:
    if culprit.since is None:
        return _told(culprit.commit)
    return f"a commit after {code(short(culprit.since.sha))}, at the latest the {_told(culprit.commit)}"


def _table(plan: Plan) -> Part:
    rows = tuple(
        f"| {cell(row.old.title)} | {_verdict(row)} | {'yes' if row.review else ''} | {_how(row)} | {_files(row)} |"
        for row in plan.rows
    )
    return Part(("", "| patch | outcome | review | how | files |", "|---|---|---|---|---|"), rows) if rows else Part(())


def _verdict(row: Row) -> str:
    return f"**{row.outcome.value}**" if row.outcome is Outcome.CLASHED else row.outcome.value


def _how(row: Row) -> str:
    why = [prose(row.why)] if row.why else []
    root = [f"follows {cell(row.root.removesuffix('.patch'))}"] if row.root else []
    rule = [f"by {cell(row.rule)}"] if row.rule else []
    return "; ".join([*rule, *root, *why])


def _files(row: Row) -> str:
    more = [f"and {len(row.paths) - MOST_FILES} more"] if len(row.paths) > MOST_FILES else []
    return ", ".join([*(cell(path) for path in row.paths[:MOST_FILES]), *more])


def _clash(row: Row, culprit: Culprit | None) -> list[Part]:
    """Tell of a clash: since which commit, and what each side has there."""
    title = code(row.old.title)
    since = [f"Since {_culprit(culprit)}"] if culprit is not None else []
    opens = ("", f"### {title} clashes", *(("", *since) if since else ()))
    parts = [Part(opens)] if since or row.places or row.proposed else []
    for place in row.places[:MOST_PLACES]:
        sides = (("was", place.base), ("upstream", place.ours), ("patch", place.theirs))
        lines = [line for said, text in sides for line in _side(said, text)]
        parts.append(Part(("", f"{code(place.path)}, near line {place.line} of the new upstream:", "", *fenced(lines))))
    if len(row.places) > MOST_PLACES:
        parts.append(Part(("", f"… and {len(row.places) - MOST_PLACES} more places")))
    if row.proposed is not None:
        diff = [_decoded(line) for line in row.proposed.diff.split(b"\n")]
        parts.append(
            _folded("A proposal, which is not certain: the patch would be", _first(diff, MOST_PROPOSED), "diff")
        )
    return parts


def _side(said: str, lines: Sequence[str]) -> list[str]:
    more = [f"… {len(lines) - MOST_LINES} more"] if len(lines) > MOST_LINES else []
    shown = [*lines[:MOST_LINES], *more] or ["(nothing)"]
    return [f"{said if number == 0 else '':<9} | {line}" for number, line in enumerate(shown)]


def _is_shown(row: Row) -> bool:
    return row.review or row.outcome in GONE or row.rule == "hand"


def _review(row: Row, upstream: Culprit | None) -> list[Part]:
    """Tell what is to be accepted: where a rule stepped in, and what becomes of the patch's lines."""
    title = code(row.old.title)
    what = "is for review" if row.review else f"is {row.outcome.value}"
    why = ("", prose(row.why)) if row.why else ()
    since = ("", f"Needless since {_culprit(upstream)}") if row.outcome in GONE and upstream is not None else ()
    parts = [Part(("", f"### {title} {what}", *why, *since))]
    for one in row.resolutions[:MOST_PLACES]:
        sides = (("was", one.base), ("upstream", one.ours), ("patch", one.theirs), ("now", one.answer.lines))
        lines = [line for said, text in sides for line in _side(said, [_decoded(raw) for raw in text])]
        where = f"{code(one.path)}, near line {one.line} of the new upstream, by {code(one.answer.rule)}:"
        parts.append(Part(("", where, "", *fenced(lines))))
    return [*parts, *_delta(row.old, row.new)]


def _delta(before: Patch, now: Patch | None) -> list[Part]:
    lines = [f"{line.mark.value} {line.text}".rstrip() for line in delta.compare(before, now)]
    if not lines:
        return []
    said = "Its lines" if now is None else "Its lines against what they were (- before, + now)"
    return [_folded(said, _first(lines, MOST_REVIEWED), "diff")]


def _first(lines: Sequence[str], most: int) -> list[str]:
    return [*lines[:most], *([f"… {len(lines) - most} more lines"] if len(lines) > most else [])]


def _folded(said: str, lines: Sequence[str], language: str) -> Part:
    """Give lines that are seen after a click; blank lines let Markdown begin again inside of HTML."""
    return Part(("", "<details>", f"<summary>{said}</summary>", "", *fenced(lines, language), "", "</details>"))


def _remarks(plan: Plan) -> list[Part]:
    found = [f"- overlay: {code(c.path)}: {prose(c.found)}" for c in plan.collisions]
    found += [f"- warning: {code(text)}" for text in plan.warnings]
    kept = [row.new or row.old for row in plan.rows if row.outcome not in GONE]
    found += [f"- {code(text)}" for text in buildfiles.said(kept)]
    return [Part(("",), tuple(found))] if found else []


def _touched(plan: Plan) -> list[Part]:
    """List what upstream did to the files that the queue touches, behind a click."""
    rows = tuple(
        f"| {cell(t.path)} | {prose(t.status)} | {_number(t.added)} | {_number(t.removed)} | {_names(t.patches)} |"
        for t in plan.touched
    )
    opens = (
        "",
        "<details>",
        "<summary>What upstream did to the files that the queue touches</summary>",
        "",
        "| file | upstream | + | - | patches |",
        "|---|---|---|---|---|",
    )
    return [Part(opens, rows, ("", "</details>"))] if rows else []


def _names(names: Sequence[str]) -> str:
    more = [f"and {len(names) - MOST_FILES} more"] if len(names) > MOST_FILES else []
    return ", ".join([*(cell(name) for name in names[:MOST_FILES]), *more])


def _number(lines: int | None) -> str:
    return "" if lines is None else str(lines)


def _decoded(line: bytes) -> str:
    return line.decode("utf-8", "replace").rstrip("\r\n")


# the bound ----------------------------------------------------------------------------------------------------------


def bounded(parts: Sequence[Part], last: Part, cut: str, most: int = MOST) -> str:
    """Put parts together; where that is too long, leave out the ends of lists, then whole parts, and say so.

    last -- what stands at the end in any case
    cut -- the sentence that says what was left out
    most -- bytes
    """
    said = ("", cut)
    room = most - _size(last.opens) - _size(said)
    lines: list[str] = []
    for part in parts:
        room -= _size((*part.opens, *part.closes))
        if room < 0:
            return _text((*lines, *said, *last.opens))
        lines += part.opens
        for line in part.lines:
            room -= _size((line,))
            if room < 0:
                return _text((*lines, *part.closes, *said, *last.opens))
            lines.append(line)
        lines += part.closes
    return _text((*lines, *last.opens))


def _plan_bounded(parts: Sequence[Part], last: Part, again: str) -> str:
    cut = f"**Cut here: a pull request takes no more.** The whole of it: {code(again)}"
    if _size(last.opens) + _size(("", cut)) > MOST:  # commands with hundreds of names
        last = Part(("", "### Commands", "", *fenced((again,), "sh", MOST)))
    return bounded(parts, last, cut)


def _size(lines: Sequence[str]) -> int:
    return sum(len(line.encode("utf-8", "replace")) + 1 for line in lines)


def _text(lines: Sequence[str]) -> str:
    return "\n".join(lines) + "\n"
