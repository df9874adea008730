"""A sync that a person is in the middle of: what was asked, what was decided so far, and what lies before them.

Only decisions are kept; everything else follows from them and the fork's files, and is made anew at each step. So there
is nothing that can be half right after a crash.
"""

import hashlib

import msgspec

from forkkeeper.core import reading
from forkkeeper.core.ids import CommitId, TreeId
from forkkeeper.core.mail import Patch
from forkkeeper.core.verdict import Row
from forkkeeper.errors import RequestError

SCHEMA = 1


class Decision(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a person decided of one patch.

    kind -- "made" (they made it fit), "parked" or "dropped"
    of -- SHA-256 of the patch that it was decided of
    key -- of a patch made to fit: what was merged (`resolutions.key`), "" where nothing was
    """

    kind: str
    of: str
    why: str = ""
    key: str = ""


class Before(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The clash that lies before the person.

    patch -- its file name
    head -- the commit that the worktree stands on; laid -- the tree that was put into it
    """

    patch: str
    head: CommitId
    laid: TreeId


class Session(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A sync in progress.

    upto -- the upstream commit as it was typed; target -- what that is; pin -- where the fork stood
    accepted -- by file name, the patches of which what a rule made was accepted, and what that was (`shape`); "" for
        one whose result is not seen yet
    """

    schema: int
    upto: str
    target: CommitId
    pin: CommitId
    accepted: dict[str, str] = {}
    commit: bool = False
    decisions: dict[str, Decision] = {}
    before: Before | None = None

    def counts(self, patch: Patch) -> Decision | None:
        """Give what was decided of a patch, where that is the patch that it was decided of."""
        found = self.decisions.get(patch.name)
        return found if found is not None and found.of == fingerprint(patch) else None


def fingerprint(patch: Patch) -> str:
    """SHA-256 of a patch's file."""
    return hashlib.sha256(patch.data).hexdigest()


def shape(row: Row) -> str:
    """Say in a digest what a person accepts of a row: its outcome, and the patch as it is to be."""
    said = row.outcome.value.encode() + b"\0" + (row.new.diff if row.new is not None else b"")
    return hashlib.sha256(said).hexdigest()


def decided(session: Session, patch: Patch, kind: str, *, why: str = "", key: str = "") -> Session:
    """Give the session with one decision more."""
    decision = Decision(kind, fingerprint(patch), why, key)
    return msgspec.structs.replace(session, decisions={**session.decisions, patch.name: decision})


def format_session(session: Session) -> bytes:
    """Write the state of a sync in progress."""
    return msgspec.json.format(msgspec.json.encode(session), indent=1) + b"\n"


def parse(data: bytes, shown: str) -> Session:
    """Read the state of a sync in progress. Raises RequestError."""
    try:
        found = reading.struct(data, Session)
    except ValueError as error:
        raise RequestError("sync", shown, f"is damaged: {error}", "`forkkeeper sync --abort` begins anew") from error
    if found.schema != SCHEMA:
        raise RequestError("sync", shown, f"schema is {found.schema}; this forkkeeper reads {SCHEMA}", "upgrade it")
    return found
