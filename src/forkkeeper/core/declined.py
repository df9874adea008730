"""`declined.toml`: upstream's commits that are not for this fork, each with the reason; the one record of that.

Ordered by the commits' full ids, so that the same decisions give the same bytes whichever was made first.
"""

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


def format(declined: Iterable[Declined]) -> bytes:  # noqa: A001 -- `declined.format` is the name it is called by
    """Write `declined.toml`: the same entries give the same bytes, and `parse` gives them back."""
    rows = [msgspec.to_builtins(one) for one in sorted(declined, key=lambda one: one.sha)]
    return (HEADER + "".join("\n" + tomli_w.dumps({"declined": [row]}) for row in rows)).encode()


def of(declined: Sequence[Declined], sha: str) -> Declined | None:
    """Find the entry of a commit; None where it was not declined."""
    return next((one for one in declined if one.sha == sha), None)
