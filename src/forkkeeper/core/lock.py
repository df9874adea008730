"""`fork.lock`: the pin, the trees that follow from it, and digests of everything they were made of.

Written last, by a finished verb; the same inputs give the same bytes. Schema 1.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import tomli_w

from forkkeeper.core import markers, reading
from forkkeeper.core.declaration import PathRule
from forkkeeper.core.ids import CommitId, TreeId
from forkkeeper.errors import RequestError

FILE = "fork.lock"
SCHEMA = 1
HEADER = "# Written by forkkeeper; not for editing. `status` compares it with the fork's files.\n"


class Pin(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The upstream commit that the fork stands on.

    date -- its commit date as YYYY-MM-DD, in the committer's time zone
    tree -- upstream's own tree, before the path policy
    """

    sha: CommitId
    date: str
    tree: TreeId


class Trees(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the fork is made into: the baseline, and the composed tree (queue and overlay on it)."""

    baseline: TreeId
    composed: TreeId


class Digests(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """SHA-256 of each input and of the log, as "sha256:" and 64 hex digits."""

    queue: str
    overlay: str
    policy: str
    history: str
    log: str


class Lock(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole of `fork.lock`."""

    schema: int
    pin: Pin
    trees: Trees
    digests: Digests


@dataclass(frozen=True, slots=True)
class Drift:
    """One thing that differs from what the lock holds."""

    thing: str
    locked: str
    found: str


def parse(data: bytes) -> Lock:
    """Read `fork.lock`. Raises RequestError."""
    sides = (
        f"where both sides have the same pin: `git checkout --ours {FILE}`, settle the other files, `forkkeeper log`"
    )
    markers.refuse(data, FILE, step="read", hint=sides)
    hint = f"`git restore {FILE}`, or remove it and `forkkeeper init --pin SHA`"
    try:
        lock = msgspec.convert(reading.toml(data), Lock)
    except ValueError as error:  # msgspec's are ValueErrors
        raise RequestError("read", FILE, f"damaged: {error}", hint) from error
    if lock.schema != SCHEMA:
        raise RequestError(
            "read", FILE, f"schema is {lock.schema}; this forkkeeper reads {SCHEMA}", "upgrade forkkeeper"
        )
    return lock


def format_lock(lock: Lock) -> bytes:
    """Write `fork.lock`."""
    return (HEADER + tomli_w.dumps(msgspec.to_builtins(lock))).encode()


def digest(data: bytes) -> str:
    """SHA-256 of bytes, in the lock's form."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def policy_digest(rules: Sequence[PathRule]) -> str:
    """SHA-256 of the path policy's meaning: rules and patterns in order; a reworded reason is no other policy."""
    return digest("".join(f"{r.rule}\0{r.pattern}\0" for r in rules).encode())


_THINGS = {
    "queue": "patches/",
    "overlay": "native/overlay/",
    "policy": "fork.toml ([[path]] rules)",
    "history": "history.toml",
    "log": "CHANGES-LOCAL.md",
}


def drift(locked: Digests, found: Digests) -> tuple[Drift, ...]:
    """Compare the digests of the lock with those of the files, in a fixed order."""
    pairs = ((field, getattr(locked, field), getattr(found, field)) for field in Digests.__struct_fields__)
    return tuple(Drift(_THINGS[field], old, new) for field, old, new in pairs if old != new)
