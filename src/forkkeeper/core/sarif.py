"""SARIF 2.1.0: what is at fault, for code scanning and editors. The same findings give the same bytes.

Written as msgspec structs: of the libraries that write it, one has no types and had its last release in 2019, the other
would bring a second library for records into the tool. A test reads what is written with the latter.
Format: docs.oasis-open.org/sarif/sarif/v2.1.0; numbers in brackets are its sections.
"""

import hashlib
from collections import Counter
from collections.abc import Sequence
from typing import Literal
from urllib.parse import quote

import msgspec

from forkkeeper.core.annotations import Annotation, Rule

VERSION = "2.1.0"
SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
Level = Literal["error", "warning", "note"]

# level, title, help: what it means and what to type
RULES: dict[Rule, tuple[Level, str, str]] = {
    Rule.CLASH: (
        "error",
        "The patch clashes with upstream",
        "Upstream changed the lines that this hunk changes. `forkkeeper plan --upto SHA` shows all three sides; "
        "`forkkeeper sync --upto SHA` opens a worktree in which the patch can be made to fit.",
    ),
    Rule.CASCADE: (
        "note",
        "The patch follows another one that clashes",
        "It stands on a patch that clashes, and may well fit once that one does: settle that one first.",
    ),
    Rule.REVIEW: (
        "warning",
        "The patch was carried by a rule, and is to be looked at",
        "`forkkeeper plan --upto SHA` shows what became of its lines; "
        "`forkkeeper sync --upto SHA --accept NAME` takes it.",
    ),
    Rule.COLLISION: (
        "error",
        "Upstream brings a path of the overlay",
        "Move or drop the file in native/overlay/, or turn it into a patch of upstream's.",
    ),
    Rule.REASON: (
        "error",
        "The patch gives no reason, or one that ends a mail early",
        "Say in the patch's body why the fork carries it; `forkkeeper lint` reads it again.",
    ),
    Rule.HEADER: ("error", "The patch lacks a header", "Give its mail a `Subject:`; `forkkeeper lint` reads it again."),
    Rule.TRAILER: (
        "error",
        "A trailer is missing, or says what it cannot",
        "Mend the patch's trailers: Origin, Upstream-Status, Witness; `forkkeeper lint` reads them again.",
    ),
    Rule.WITNESS: (
        "error",
        "The patch's witness does not exist",
        "Write the check that fails without the patch, or mend the path in its `Witness:` trailer.",
    ),
}


class _Struct(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """A part of a log; what is not given is not written."""


class Message(_Struct, frozen=True):
    """[3.11]."""

    text: str


class ArtifactLocation(_Struct, frozen=True):
    """[3.4] uri -- relative to the fork's folder, percent-encoded."""

    uri: str


class Region(_Struct, frozen=True):
    """[3.30] start_line -- from 1."""

    start_line: int


class PhysicalLocation(_Struct, frozen=True):
    """[3.29]."""

    artifact_location: ArtifactLocation
    region: Region


class Location(_Struct, frozen=True):
    """[3.28]."""

    physical_location: PhysicalLocation


class Configuration(_Struct, frozen=True):
    """[3.50]."""

    level: Level


class Descriptor(_Struct, frozen=True):
    """[3.49] A rule."""

    id: str
    short_description: Message
    help: Message
    default_configuration: Configuration


class Driver(_Struct, frozen=True):
    """[3.19]."""

    name: str
    version: str
    rules: tuple[Descriptor, ...]


class Tool(_Struct, frozen=True):
    """[3.18]."""

    driver: Driver


class Result(_Struct, frozen=True):
    """[3.27] partial_fingerprints -- stay while the finding is the same, wherever its line moves."""

    rule_id: str
    rule_index: int
    level: Level
    message: Message
    locations: tuple[Location, ...]
    partial_fingerprints: dict[str, str]


class Automation(_Struct, frozen=True):
    """[3.17] id -- the kind of run: a later one of the same kind takes its place."""

    id: str


class Run(_Struct, frozen=True):
    """[3.14]."""

    tool: Tool
    automation_details: Automation
    results: tuple[Result, ...]
    column_kind: str | None = None


class Log(msgspec.Struct, frozen=True):
    """[3.13]."""

    schema: str = msgspec.field(name="$schema")
    version: str
    runs: tuple[Run, ...]


def write(verb: str, version: str, found: Sequence[Annotation]) -> str:
    """Write a log of one run. verb -- whose findings they are: "plan" or "lint"; version -- forkkeeper's own.

    All rules are listed, also where nothing was found: a run with no result closes what an earlier one opened.
    """
    order = {rule: at for at, rule in enumerate(RULES)}
    driver = Driver("forkkeeper", version, tuple(_descriptor(rule) for rule in RULES))
    seen: Counter[str] = Counter()
    results = tuple(_result(one, order[one.rule], seen) for one in found)
    log = Log(SCHEMA, VERSION, (Run(Tool(driver), Automation(f"forkkeeper/{verb}/"), results),))
    return msgspec.json.format(msgspec.json.encode(log), indent=1).decode() + "\n"


def _descriptor(rule: Rule) -> Descriptor:
    level, title, help_ = RULES[rule]
    return Descriptor(rule.value, Message(title), Message(help_), Configuration(level))


def _result(one: Annotation, at: int, seen: Counter[str]) -> Result:
    """Give one result. seen -- how often each fingerprint was given, so that two places of a file are two."""
    where = PhysicalLocation(ArtifactLocation(quote(one.file, errors="surrogateescape")), Region(one.line))
    parts = f"{one.rule.value}\0{one.file}\0{one.about}"
    stays = hashlib.sha256(parts.encode("utf-8", "surrogateescape")).hexdigest()
    seen[stays] += 1
    return Result(
        rule_id=one.rule.value,
        rule_index=at,
        level=RULES[one.rule][0],
        message=Message(_plain(one.text)),
        locations=(Location(where),),
        partial_fingerprints={"forkkeeper/v1": f"{stays}:{seen[stays]}"},
    )


def _plain(text: str) -> str:
    r"""Keep a stranger's words from becoming a link: brackets are escaped [3.11.6].

    >>> _plain("[click](https://example.org)")
    '\\[click\\](https://example.org)'
    """
    return text.replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]")
