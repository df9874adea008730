"""`requests.toml`: what the fork's users asked for of upstream. People write it, `requests import` adds to it.

Shape (schema 1): see `HEADER`, which stands at the top of a file that `requests import` begins. What stands in the
file is never rewritten: an import changes the `votes` and `closed` lines of the requests that it knows, and appends new
ones.
"""

import difflib
import re
from collections.abc import Sequence

import msgspec
import tomli_w

from forkkeeper.core import commits, ids, markers, reading
from forkkeeper.errors import RequestError

FILE = "requests.toml"
SCHEMA = 1
HEADER = """\
# What this fork's users asked for of upstream; `forkkeeper triage` ranks upstream's commits by it.
# Write it by hand, or let `forkkeeper requests import --file issues.json` add to it. Comments stay.
#
# [[request]]
# title = "Metal: bfloat16 in concat"    # what was asked, in a few words (the only field that is needed)
# link = "https://…/issues/12"           # where; an import knows a request again by it
# votes = 3                              # thumbs up; refreshed by each import
# commit = ["1a2b3c4d5e6f"]              # upstream commits: full ids, or 7 digits at least
# pull = [12345]                         # upstream pull requests, by their numbers
# words = "metal concat"                 # or words that must all stand in the commit's title
# for = "the 27B model is unusable without it"
# backend = "metal"
# model = "…"
# closed = true                          # no longer asked for: it counts nothing, and may be taken out

schema = 1
"""
_LEAST = 7  # digits of an abbreviated commit


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One thing that was asked for.

    commit -- upstream commits, full or abbreviated; pull -- numbers of upstream's pull requests
    words -- words that must all stand in a commit's title; a guess, where the others are certain
    wanted_for -- `for` in the file
    """

    title: str
    link: str = ""
    votes: int = 0
    commit: tuple[str, ...] = ()
    pull: tuple[int, ...] = ()
    words: str = ""
    wanted_for: str = msgspec.field(name="for", default="")
    backend: str = ""
    model: str = ""
    closed: bool = False


class _Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    schema: int = SCHEMA
    request: tuple[Request, ...] = ()


def parse(data: bytes) -> tuple[Request, ...]:
    """Read `requests.toml` (no bytes: nothing was asked for), in its own order.

    Raises RequestError naming the field, what is wrong with it and the nearest known name.
    """
    markers.refuse(data, FILE, step="read", hint="keep the requests of both sides")
    try:
        raw = reading.toml(data)
    except ValueError as error:
        raise RequestError("read", FILE, f"not valid TOML: {error}", f"mend {FILE} at that place") from error
    rows = raw.get("request", [])
    for number, row in enumerate(rows if isinstance(rows, list) else [], 1):
        _check(number, row)
    try:
        document = msgspec.convert(raw, _Document)
    except msgspec.ValidationError as error:
        raise RequestError("read", FILE, *_explain(str(error), ("schema", "request"))) from error
    if document.schema != SCHEMA:
        raise RequestError("read", FILE, f"schema is {document.schema}; this forkkeeper reads {SCHEMA}", "upgrade it")
    return document.request


def _check(number: int, row: object) -> None:
    """Refuse a request that is not sound, by its number and title."""
    title = row.get("title") if isinstance(row, dict) else None
    which = f"request {number}" + (f" ({commits.one_line(title, 40)})" if isinstance(title, str) else "")
    try:
        one = msgspec.convert(row, Request)
    except msgspec.ValidationError as error:
        found, hint = _explain(str(error), [field.encode_name for field in msgspec.structs.fields(Request)])
        raise RequestError("read", FILE, f"{which}: {found}", hint) from error
    if not one.title.strip():
        raise RequestError("read", FILE, f"{which}: title is empty", "say in a few words what was asked for")
    for sha in one.commit:
        if len(sha) < _LEAST or not ids.is_abbreviated(sha):
            what = f"{which}: commit {commits.one_line(sha, 50)!r} is no commit id"
            raise RequestError("read", FILE, what, f"give {_LEAST} to 40 digits of 0-9 and a-f")
    if one.votes < 0 or any(pull < 1 for pull in one.pull):
        raise RequestError("read", FILE, f"{which}: a number is below what it can be", "mend `votes` or `pull` there")


def _explain(message: str, known: Sequence[str]) -> tuple[str, str]:
    """Turn msgspec's words into what was found, and what to type."""
    if unknown := re.search(r"unknown field `([^`]*)`", message):
        near = difflib.get_close_matches(unknown[1], known, n=1, cutoff=0.5)
        hint = f"did you mean `{near[0]}`?" if near else f"known fields: {', '.join(known)}"
        return f"unknown field `{commits.one_line(unknown[1], 40)}`", hint
    place = re.search(r" - at `\$\.?([\w.]*)(?:\[\.\.\.\])?.*`$", message)
    plain = message.split(" - at ", maxsplit=1)[0].replace("Object missing", "missing")
    return (f"{place[1]}: {plain}" if place and place[1] else plain), f"mend it in {FILE}"


# what an import makes of the file -----------------------------------------------------------------------------------


def merge(data: bytes, found: Sequence[Request]) -> tuple[bytes, tuple[Request, ...], tuple[Request, ...]]:
    """Give the file with what an import found, the requests that are new, and those that changed.

    A request is known again by its link. Of a known one only `votes` and `closed` change, in place; new ones are
    appended in the order given, closed ones left out. Everything else stays byte for byte.
    Raises RequestError where a line cannot be changed safely.
    """
    known = parse(data)
    places = {one.link: number for number, one in enumerate(known) if one.link}
    text = data.decode("utf-8") if data else HEADER
    added: dict[str, Request] = {}
    changed: list[Request] = []
    wanted = list(known)
    for one in found:
        at = places.get(one.link)
        if at is None:
            added |= {} if one.closed else {one.link: one}
            continue
        new = msgspec.structs.replace(known[at], votes=one.votes, closed=one.closed)
        if new != known[at]:
            text = _edited(text, at, new)
            changed.append(new)
            wanted[at] = new
    for one in added.values():
        text += ("" if text.endswith("\n") else "\n") + "\n" + tomli_w.dumps({"request": [_built(one)]})
    if not added and not changed:
        return data, (), ()
    made = text.encode()
    if parse(made) != (*wanted, *added.values()):
        what = "is written in a form that an import cannot change safely; nothing was saved"
        raise RequestError("requests import", FILE, what, "write each request as a [[request]] table of its own")
    return made, tuple(added.values()), tuple(changed)


def _built(one: Request) -> dict[str, object]:
    """Give a request's fields, those that say nothing left out."""
    built: dict[str, object] = msgspec.to_builtins(one)
    return {name: list(value) if isinstance(value, tuple) else value for name, value in built.items()}


_TABLE = re.compile(r"^[ \t]*\[", re.MULTILINE)
_REQUEST = re.compile(r"^[ \t]*\[\[[ \t]*request[ \t]*\]\][^\n]*\n?", re.MULTILINE)


def _edited(text: str, at: int, one: Request) -> str:
    """Set `votes` and `closed` of the request at a place in the file; what else stands on their lines stays."""
    heads = list(_REQUEST.finditer(text))
    if at >= len(heads):
        return text  # in another form; `merge` sees that nothing came of it
    begin = heads[at].end()
    after = _TABLE.search(text, begin)
    end = after.start() if after else len(text)
    block = text[begin:end]
    for name, value in (("closed", "true" if one.closed else "false"), ("votes", str(one.votes))):
        line = re.compile(rf"^([ \t]*{name}[ \t]*=[ \t]*)([\w+-]+)", re.MULTILINE)
        if line.search(block):
            block = line.sub(lambda match, value=value: match[1] + value, block, count=1)  # type: ignore[misc]
        elif value not in ("false", "0"):
            block = f"{name} = {value}\n{block}"
    head = heads[at][0]
    return text[: heads[at].start()] + (head if head.endswith("\n") else f"{head}\n") + block + text[end:]


# what a commit answers ----------------------------------------------------------------------------------------------


def answered(one: Request, sha: str, pull: int | None, title: str) -> str | None:
    """Say by what a commit is what was asked for: "commit", "pull" or "words"; None where it is not.

    >>> answered(Request("x", pull=(12,)), "1a2b3c4d", 12, "metal : concat")
    'pull'
    """
    if any(sha.startswith(named) for named in one.commit):
        return "commit"
    if pull is not None and pull in one.pull:
        return "pull"
    words = set(re.findall(r"\w+", one.words.lower()))
    return "words" if words and words <= set(re.findall(r"\w+", title.lower())) else None
