"""`declined.toml`: upstream's commits that are not for this fork, each with the reason; the one record of that.

Ordered by the commits' full ids, so that the same decisions give the same bytes whichever was made first.
"""

import contextlib
import itertools
import re
from collections.abc import Iterable, Sequence

import msgspec
import tomli_w

from forkkeeper.core import markers, reading
from forkkeeper.core.ids import is_full
from forkkeeper.errors import RequestError

FILE = "declined.toml"
HEADER = "# Upstream commits that are not for this fork, and why; written by `forkkeeper decline`.\n"
_DATE = re.compile(r"\d{4}-\d\d-\d\d")


class Declined(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An upstream commit that the fork does not want.

    sha -- its full id; title -- the first line of its message, made safe to show
    why -- the reason that a person gave
    date -- the day that it was declined (UTC), as YYYY-MM-DD
    """

    sha: str
    title: str
    why: str
    date: str


class _Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    declined: tuple[Declined, ...] = ()


def parse(data: bytes) -> tuple[Declined, ...]:
    """Read `declined.toml` (no bytes: nothing was declined), ordered by sha. Raises RequestError."""
    markers.refuse(data, FILE, step="read", hint="keep the entries of both sides; a commit stands there once")
    hint = f"mend it, or `git restore {FILE}`"
    try:
        found = msgspec.convert(reading.toml(data), _Document).declined
    except ValueError as error:  # msgspec's are ValueErrors
        raise RequestError("read", FILE, f"damaged: {error}", hint) from error
    seen: set[str] = set()
    for one in found:
        if wrong := _fault(one, seen):
            raise RequestError("read", FILE, f"{one.sha}: {wrong}", hint)
        seen.add(one.sha)
    return tuple(sorted(found, key=lambda one: one.sha))


def _fault(one: Declined, seen: set[str]) -> str | None:
    """Say what is wrong with an entry."""
    if not is_full(one.sha):
        return "sha is not a full commit id of 40 hex digits"
    if one.sha in seen:
        return "is declined twice"
    if not one.why.strip():
        return "gives no reason: fill in `why`"
    return None if _DATE.fullmatch(one.date) else f"date {one.date!r} is not of the form YYYY-MM-DD"


def format(declined: Iterable[Declined], *was: bytes) -> bytes:  # noqa: A001 -- it is called as `declined.format`
    """Write `declined.toml`: the same entries give the same bytes, and `parse` gives them back.

    was -- the file as it is (of a merge: each side's): an entry that stays keeps its text, and no comment is lost
    Raises RequestError where comments stand in a file of another form, in which they cannot be told apart.
    """
    wanted = sorted(declined, key=lambda one: one.sha)
    texts: dict[Declined, str] = {}
    comments: list[str] = []
    for data in was:
        head, found = _texts(data)
        comments += [*head.split("\n\n"), *(_comments(text) for one, text in found.items() if one not in wanted)]
        texts = found | texts
    said = "\n\n".join(one for one in dict.fromkeys(comments) if one)
    rows = [texts.get(one) or tomli_w.dumps({"declined": [msgspec.to_builtins(one)]}) for one in wanted]
    return (HEADER + (f"{said}\n" if said else "") + "".join(f"\n{row}" for row in rows)).encode()


def written(declined: Iterable[Declined], was: bytes) -> bytes | None:
    """Give what is to stand in the file, None where neither an entry nor a comment is left. Raises as `format`."""
    data = format(declined, was)
    return data if data != HEADER.encode() else None


def _texts(data: bytes) -> tuple[str, dict[Declined, str]]:
    """Take the file apart: the comments at its head, and each entry's text with the comments right above it."""
    text = data.decode("utf-8", "surrogateescape").replace("\r\n", "\n").removeprefix(HEADER)
    lines = text.splitlines(keepends=True)
    starts = [at for at, line in enumerate(lines) if line.startswith("[[declined]]")]
    starts = [_above(lines, at) for at in starts]
    head = "".join(lines[: starts[0] if starts else len(lines)])
    parts = ["".join(lines[at:end]) for at, end in itertools.pairwise([*starts, len(lines)])]
    with contextlib.suppress(RequestError, ValueError):  # of another form, which `parse` reads as a whole
        found = {one: f"{part.strip()}\n" for part in parts for one in parse(part.encode())}
        if len(found) == len(parts) and {*found} == {*parse(data)} and not parse(head.encode()):
            return head.strip(), found
    if "#" not in re.sub(r'"[^"\n]*"', "", text):
        return "", {}
    hint = "write each entry as `[[declined]]`, `sha = …` and so on, a line each; or take the comments out"
    raise RequestError("write", FILE, "has comments, and is of a form in which they cannot be kept", hint)


def _above(lines: Sequence[str], at: int) -> int:
    """Give where the comments right above a line begin."""
    return next((above + 1 for above in range(at - 1, -1, -1) if not lines[above].startswith("#")), 0)


def _comments(text: str) -> str:
    """Give the comments of an entry that goes."""
    return "\n".join(line for line in text.splitlines() if line.startswith("#"))


def of(declined: Sequence[Declined], sha: str) -> Declined | None:
    """Find the entry of a commit; None where it was not declined."""
    return next((one for one in declined if one.sha == sha), None)
