"""CHANGES-LOCAL.md: what was changed, why, where, how far it reaches, its upstream status and its history.

Generated from the queue, the overlay, the lock and the history, and from the two trees that they make; the same
inputs give the same bytes.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from tabulate import tabulate

from forkkeeper.core import hunks
from forkkeeper.core.compose import Applied, Baseline
from forkkeeper.core.history import Record, last_outcome, since
from forkkeeper.core.hunks import FileDiff
from forkkeeper.core.ids import short
from forkkeeper.core.lock import Pin
from forkkeeper.core.mail import Patch
from forkkeeper.core.overlay import FOLDER, Overlay
from forkkeeper.core.policy import Decision

_HEADING = re.compile(rb" [A-Za-z_$]")  # git's own rule for files of no known language, in a line of context
MOVABLE = 12  # lines: a block longer than a hook; shorter ones read best where they are


@dataclass(frozen=True, slots=True)
class LogInput:
    """All that the log is made of.

    diffs -- per applied patch, its canonical diff on the pin, in the queue's order
    """

    name: str
    upstream: str
    pin: Pin
    known_as: tuple[str, ...]
    baseline: Baseline
    steps: tuple[Applied, ...]
    diffs: tuple[tuple[FileDiff, ...], ...]
    overlay: Overlay
    records: tuple[Record, ...]


@dataclass(frozen=True, slots=True)
class Reach:
    """How many paths the fork has, by where they come from."""

    upstream: int
    modified: int
    added: int
    left_out: int


def reach(given: LogInput) -> Reach:
    """Count the fork's paths: as upstream has them, modified, added, left out."""
    touched = {change.path for step in given.steps for change in step.changes}
    modified = {path for path in touched if path in given.baseline.entries}
    added = len(touched - modified) + len(given.overlay)
    return Reach(len(given.baseline.entries) - len(modified), len(modified), added, len(given.baseline.left_out))


def kind(diff: Sequence[FileDiff]) -> str:
    """Say in a word what a patch does to upstream's text: adds, removes, edits, replaces bytes, changes modes."""
    added, removed = sum(f.added for f in diff), sum(f.removed for f in diff)
    if any(f.binary is not None for f in diff):
        return "binary"
    if not added and not removed:
        return "mode"
    if not removed:
        return "adds lines"
    return "removes lines" if not added else "edits lines"


def functions(diff: FileDiff) -> tuple[str, ...]:
    """Give the functions or sections that a file's changed lines stand in, in order, each once.

    Git names the one before the hunk; a line of context that looks like a heading to git is nearer to the change.
    """
    found: list[str] = []
    for hunk in diff.hunks:
        here = hunk.section.strip()
        for line in hunk.lines:
            if _HEADING.match(line):
                here = line[1:].decode("utf-8", "replace").strip()[:80]
            elif line[:1] in (b"+", b"-"):
                found.append(here)
    return tuple(dict.fromkeys(name for name in found if name))


def movable(diff: Sequence[FileDiff]) -> tuple[str, ...]:
    """Say which parts of a patch could live in the overlay: whole new files, and long blocks that only add."""
    found = [f"{f.path}: a new file, {f.added} lines" for f in diff if f.old is None and f.binary is None]
    for f in diff:
        if f.old is None:
            continue
        for number, hunk in enumerate(f.hunks, start=1):
            added = len(hunk.signed(b"+"))
            if added >= MOVABLE and not hunk.signed(b"-"):
                found.append(f"{f.path}, hunk {number}: {added} lines that only add; a hook could call a file of ours")
    return tuple(found)


def format_log(given: LogInput) -> bytes:
    """Write CHANGES-LOCAL.md."""
    parts = [
        _head(given),
        _glance(given),
        _patches(given),
        *(_patch(given, step.patch, diff) for step, diff in zip(given.steps, given.diffs, strict=True)),
        _overlay(given),
        _left_out(given.baseline.left_out),
        _movable(given),
        _syncs(given.records),
    ]
    text = "\n\n".join(part.strip("\n") for part in parts) + "\n"
    return text.encode("utf-8", "replace")


def summary(given: LogInput) -> tuple[str, ...]:
    """Say the log in a few sentences, for the terminal."""
    r = reach(given)
    added, removed = _lines(given)
    return (
        f"{len(given.steps)} patches (+{added} -{removed} lines) and {len(given.overlay)} overlay files "
        f"({sum(f.lines for f in given.overlay.values())} lines) on {short(given.pin.sha)} of {given.pin.date}.",
        f"paths: {r.upstream:,} as upstream has them, {r.modified} modified, {r.added} added, {r.left_out} left out.",
    )


def _lines(given: LogInput) -> tuple[int, int]:
    files = [f for diff in given.diffs for f in diff]
    return sum(f.added for f in files), sum(f.removed for f in files)


def _head(given: LogInput) -> str:
    known = f" ({', '.join(given.known_as)})" if given.known_as else ""
    return (
        f"# Local changes of {_md(given.name)}\n\n"
        "<!-- Generated by `invoke log`; `invoke log --check` fails when it is stale. "
        "Edit the patches, not this. -->\n\n"
        f"Everything that this fork changes in {_md(given.upstream)}, and why. It stands on upstream commit "
        f"`{given.pin.sha}`{known} of {given.pin.date}; each change is one patch of `patches/series`, "
        f"whole files are in `{FOLDER}/`."
    )


def _glance(given: LogInput) -> str:
    r = reach(given)
    added, removed = _lines(given)
    rows = [
        ("patches", str(len(given.steps)), f"+{added} −{removed} lines"),
        ("upstream files modified", str(r.modified), "by the patches"),
        ("files added", str(r.added), f"{len(given.overlay)} of them in the overlay"),
        ("upstream files as they are", f"{r.upstream}", ""),
        ("upstream files left out", str(r.left_out), "by the path policy in fork.toml"),
    ]
    return "## At a glance\n\n" + _table(rows, ("what", "number", ""))


def _patches(given: LogInput) -> str:
    rows = []
    for step, diff in zip(given.steps, given.diffs, strict=True):
        p = step.patch
        last = last_outcome(given.records, p.name)
        rows.append(
            (
                f"[{_md(p.title)}](#{_anchor(p.title)})",
                _md(p.subject),
                _md((p.trailer("Upstream-Status") or "").split(" ", 1)[0]),
                str(len(diff)),
                f"+{sum(f.added for f in diff)} −{sum(f.removed for f in diff)}",
                f"`{short(since(given.records, p.name, given.pin.sha))}`",
                last.outcome if last else "–",
            )
        )
    headers = ("patch", "what", "upstream status", "files", "lines", "since pin", "last sync")
    return "## Patches\n\n" + (_table(rows, headers) if rows else "None.")


def _patch(given: LogInput, patch: Patch, diff: tuple[FileDiff, ...]) -> str:
    last = last_outcome(given.records, patch.name)
    outcome = (last.outcome + (f", rule {last.rule}" if last.rule else "")) if last else "not carried yet"
    rows = [(f"`{_code(f.path)}`", _places(f), f"+{f.added} −{f.removed}") for f in diff]
    facts = [
        f"- kind: {kind(diff)}",
        f"- origin: {_md(patch.trailer('Origin') or 'not said')}",
        f"- upstream status: {_md(patch.trailer('Upstream-Status') or 'not said')}",
        f"- witness: {_witness(patch.trailer('Witness'))}",
        *([f"- bug: {_md(bug)}"] if (bug := patch.trailer("Bug")) else []),
        f"- file: `patches/{patch.name}`",
        f"- since pin: `{since(given.records, patch.name, given.pin.sha)}`; last sync: {_md(outcome)}",
        *([f"- hooks into: {', '.join(f'`{_code(path)}`' for path in used)}"] if (used := _uses(patch, given)) else []),
    ]
    return (
        f"### {_md(patch.title)}\n\n**{_md(patch.subject)}**\n\n{_md(patch.reason)}\n\n"
        + "\n".join(facts)
        + "\n\n"
        + _table(rows, ("file", "functions and sections", "lines"))
    )


def _witness(witness: str | None) -> str:
    if witness is None:
        return "**missing**"
    return _md(witness) if witness.startswith("none") else f"`{_code(witness)}`"


def _places(diff: FileDiff) -> str:
    if diff.old is None:
        return "new file"
    if diff.new is None:
        return "removed"
    return "<br>".join(f"`{_code(name)}`" for name in functions(diff)) or "top of the file"


def _uses(patch: Patch, given: LogInput) -> tuple[str, ...]:
    """Find the overlay files that a patch's added lines name."""
    added = b"".join(line for f in patch.files for hunk in f.hunks for line in hunk.signed(b"+"))
    return tuple(path for path in sorted(given.overlay) if path.rsplit("/", 1)[-1].encode() in added)


def _overlay(given: LogInput) -> str:
    used = {path: [s.patch.title for s in given.steps if path in _uses(s.patch, given)] for path in given.overlay}
    rows = [
        (f"`{_code(path)}`", str(given.overlay[path].lines), ", ".join(_md(name) for name in used[path]) or "–")
        for path in sorted(given.overlay)
    ]
    body = _table(rows, ("file", "lines", "hooked in by")) if rows else "None."
    return f"## Overlay\n\nWhole files that the fork adds, from `{FOLDER}/`.\n\n{body}"


def _left_out(left_out: Sequence[Decision]) -> str:
    if not left_out:
        return "## Left out of upstream\n\nNothing: every upstream path is part of the fork."
    parts = ["## Left out of upstream"]
    for rule in dict.fromkeys(decision.rule for decision in left_out):
        paths = sorted(decision.path for decision in left_out if decision.rule == rule)
        why, pattern = (rule.why, rule.pattern) if rule else ("", "")
        listed = "\n".join(f"- `{_code(path)}`" for path in paths)
        parts.append(
            f"`{_code(pattern)}`: {_md(why)}\n\n"
            f"<details><summary>{len(paths)} paths</summary>\n\n{listed}\n\n</details>"
        )
    return "\n\n".join(parts)


def _movable(given: LogInput) -> str:
    found = [
        f"- {_md(step.patch.title)}: {_md(what)}"
        for step, diff in zip(given.steps, given.diffs, strict=True)
        for what in movable(diff)
    ]
    said = "\n".join(found) or f"None: no patch creates a file or adds a block of {MOVABLE} lines or more."
    return "## What could move to the overlay\n\n" + said


def _syncs(records: Sequence[Record]) -> str:
    rows = []
    for record in records:
        outcomes = [row.outcome for row in record.patch]
        said = ", ".join(f"{outcomes.count(name)} {name}" for name in dict.fromkeys(outcomes))
        accepted = ", ".join(
            f"{row.name.removesuffix('.patch')} ({row.rule or row.outcome})" for row in record.patch if row.accepted
        )
        rows.append(
            (record.date, f"`{short(record.from_sha)}`", f"`{short(record.to_sha)}`", said, _md(accepted) or "–")
        )
    return "## History of syncs\n\n" + (
        _table(rows, ("date", "from", "to", "outcomes", "accepted")) if rows else "None yet."
    )


def _table(rows: Sequence[Sequence[str]], headers: Sequence[str]) -> str:
    return tabulate(
        [[cell.replace("|", "\\|") for cell in row] for row in rows],
        headers=headers,
        tablefmt="github",
        disable_numparse=True,
    )


def _md(text: str) -> str:
    """Keep a person's or upstream's words from being read as Markdown's or HTML's structure."""
    safe = re.sub(r"([\\*<>\[\]#]|(?<![^\W_])_|_(?![^\W_]))", r"\\\1", text.replace("`", "'"))
    return re.sub("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", "", safe)


def _code(text: str) -> str:
    safe = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace").replace("`", "'")
    return re.sub("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", "?", safe)


def _anchor(title: str) -> str:
    """Give the anchor that renderers make of a heading."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def parse_diffs(diffs: Sequence[bytes]) -> tuple[tuple[FileDiff, ...], ...]:
    """Read the canonical diffs."""
    return tuple(hunks.parse(diff) for diff in diffs)
