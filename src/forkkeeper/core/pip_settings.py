"""Where pip would look for packages, and how: read from what pip says of itself.

forkkeeper has no settings of its own for this, so a company's mirror, proxy or certificate that works for pip works
here. `python -m pip config list` prints pip's global, user and site files merged already, one `section.option='value'`
a line; pip then lets the section of a command win over `global`, and a PIP_* variable over every file.
"""

import ast
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from forkkeeper.errors import RequestError

ROW = re.compile(r"(?P<section>:env:|[\w-]+)\.(?P<option>[\w-]+)=(?P<value>.*)")
SECTIONS = ("global", "install", "download", ":env:")  # a later one wins
OTHER_NAMES = {"pypi-url": "index-url", "default-timeout": "timeout"}  # pip takes both spellings
TRUE = frozenset({"1", "on", "t", "true", "y", "yes"})  # pip's own words
FALSE = frozenset({"0", "off", "f", "false", "n", "no"})


@dataclass(frozen=True, slots=True)
class PipSettings:
    """What pip would use. Addresses may hold passwords, so they are kept out of the record's repr.

    index_url -- None: pip's default, which the shell asks its library for; no registry is spelled in this project
    find_links -- pages, folders or files that offer packages beside the indexes
    cert, client_cert -- files of certificates: those to trust, and our own
    timeout -- seconds without a byte; None: the shell's default
    no_index -- only find_links are looked at
    """

    index_url: str | None = field(default=None, repr=False)
    extra_index_urls: tuple[str, ...] = field(default=(), repr=False)
    find_links: tuple[str, ...] = field(default=(), repr=False)
    trusted_hosts: tuple[str, ...] = ()
    cert: str | None = None
    client_cert: str | None = None
    proxy: str | None = field(default=None, repr=False)
    timeout: float | None = None
    no_index: bool = False


def parse_pip_config(lines: str, environ: Mapping[str, str]) -> PipSettings:
    """Work out pip's settings.

    lines -- what `python -m pip config list` prints; "" where there is no pip
    environ -- environment variables; the PIP_* ones count
    Raises RequestError for a timeout or a no-index that pip would refuse too.
    """
    options = _options(lines, environ)
    return PipSettings(
        index_url=options.get("index-url"),
        extra_index_urls=_list(options, "extra-index-url"),
        find_links=_list(options, "find-links"),
        trusted_hosts=_list(options, "trusted-host"),
        cert=options.get("cert"),
        client_cert=options.get("client-cert"),
        proxy=options.get("proxy"),
        timeout=_seconds(options.get("timeout")),
        no_index=_flag(options.get("no-index")),
    )


def _options(lines: str, environ: Mapping[str, str]) -> dict[str, str]:
    """Give the value that wins for each option. An empty value is no value, as in pip."""
    rows = [*_rows(lines), *_variables(environ)]
    ordered = sorted(rows, key=lambda row: SECTIONS.index(row[0]))  # stable: the environment stays behind `:env:`
    return {OTHER_NAMES.get(option, option): value.strip() for _, option, value in ordered if value.strip()}


def _rows(lines: str) -> Iterator[tuple[str, str, str]]:
    """Read pip's listing; other sections, and lines that are no settings (a notice of pip), are passed over."""
    for line in lines.splitlines():
        row = ROW.fullmatch(line.strip())
        if row and row["section"] in SECTIONS:
            yield row["section"], row["option"].lower().replace("_", "-"), _literal(row["value"])


def _variables(environ: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    for name in sorted(environ):
        if name.startswith("PIP_"):
            yield ":env:", name.removeprefix("PIP_").lower().replace("_", "-"), environ[name]


def _literal(text: str) -> str:
    """Undo pip's repr of a value."""
    try:
        return str(ast.literal_eval(text))
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):  # a pip that prints the bare value
        return text


def _list(options: Mapping[str, str], option: str) -> tuple[str, ...]:
    return tuple(options.get(option, "").split())


def _seconds(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not (math.isfinite(seconds) and seconds > 0):
        raise _refused("timeout", text, "a number of seconds above 0")
    return seconds


def _flag(text: str | None) -> bool:
    word = (text or "no").lower()
    if word not in TRUE | FALSE:
        raise _refused("no-index", word, "yes or no")
    return word in TRUE


def _refused(option: str, value: str, wanted: str) -> RequestError:
    return RequestError(
        "read",
        "pip's settings",
        f"{option} is {value!r}, not {wanted}",
        "python -m pip config debug   (says where it is set)",
    )
