"""`outbox.json`: what a night has for the world to see, in a form that another job can apply.

The job that fills an outbox has run upstream's code; the one that applies it holds the credential. So what is read here
is from outside: every field is bounded and matched, a file is named without a folder, and what is said in the texts is
made harmless again (`harmless`). Schema 1.
"""

import hashlib
import re
from collections.abc import Sequence
from typing import Annotated, Literal

import msgspec

from forkkeeper.core import forges
from forkkeeper.core.alarmnote import Note
from forkkeeper.core.alarms import Alarm
from forkkeeper.errors import RequestError

FILE = "outbox.json"
SCHEMA = 1
PULL, ALARM, SUMMARY, BUNDLE = "pull.md", "alarm.md", "summary.md", "sync.bundle"

_Sha = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{40}\Z")]
_Name = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9-]*\.(md|bundle)\Z", max_length=60)]
_DAY = r"\d{4}-\d\d-\d\d"  # a title becomes a commit's message when a request is squashed, so it is ours alone
_PullTitle = Annotated[
    str, msgspec.Meta(pattern=rf"^Sync to [0-9a-f]{{12}} of {_DAY} \(from [0-9a-f]{{12}} of {_DAY}\)\Z")
]
_AlarmTitle = Annotated[str, msgspec.Meta(pattern=r"^Nightly: [a-z ;]+\Z", max_length=200)]
_Moment = Annotated[str, msgspec.Meta(pattern=rf"^({_DAY}T\d\d:\d\d:\d\dZ)?\Z")]
_Digest = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{12}\Z")]


class Pull(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A pull request that is to be there. from_sha, to_sha -- upstream commits; body, bundle -- files beside."""

    branch: Annotated[str, msgspec.Meta(pattern=r"^forkkeeper/sync-from-[0-9a-f]{12}\Z")]
    base: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    from_sha: _Sha = msgspec.field(name="from")
    to_sha: _Sha = msgspec.field(name="to")
    title: _PullTitle
    body: _Name = PULL
    bundle: _Name = BUNDLE


class Notice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The alarm as it is to stand.

    body -- a file beside this one; comment -- what is said beside it, "" for nothing
    night, since -- when the newest night began, and the outage's first
    causes -- digest of what failed: another one is news
    """

    state: Literal["quiet", "watching", "open", "recovered"]
    title: _AlarmTitle
    body: _Name = ALARM
    comment: Annotated[str, msgspec.Meta(max_length=65_536)] = ""
    night: _Moment = ""
    since: _Moment = ""
    causes: _Digest = "0" * 12


class Outbox(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole of `outbox.json`. pull, alarm -- None: nothing is said of it, and what is there stays."""

    schema: int = SCHEMA
    pull: Pull | None = None
    alarm: Notice | None = None
    summary: _Name = SUMMARY


def pull(pin: str, tried: str, base: str, title: str) -> Pull:
    """Give the pull request of the sync from a pin. pin, tried -- full ids of upstream commits."""
    return Pull(forges.branch_of(pin), base, pin, tried, title)


def notice(alarm: Alarm, note: Note) -> Notice:
    """Give the alarm as it is to stand."""
    digest = hashlib.sha256("\n".join(alarm.causes).encode("utf-8", "surrogateescape")).hexdigest()[:12]
    return Notice(alarm.state.value, note.title, ALARM, note.comment, alarm.night, alarm.since, digest)


def parse(data: bytes, *, shown: str) -> Outbox:
    """Read `outbox.json`. Raises RequestError naming what is wrong. shown -- its name in messages."""
    hint = "`forkkeeper nightly` writes a new one"
    try:
        found = msgspec.json.decode(data, type=Outbox)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RequestError("publish", shown, f"cannot be read: {error}", hint) from error
    if found.schema != SCHEMA:
        raise RequestError("publish", shown, f"schema is {found.schema}; this forkkeeper reads {SCHEMA}", hint)
    if found.pull is not None and found.pull.branch != forges.branch_of(found.pull.from_sha):
        wrong = f"names the branch {found.pull.branch}, which is not that of the pin {found.pull.from_sha[:12]}"
        raise RequestError("publish", shown, wrong, hint)
    return found


def to_json(outbox: Outbox) -> bytes:
    """Write `outbox.json`; the same outbox gives the same bytes."""
    return msgspec.json.format(msgspec.json.encode(outbox), indent=1) + b"\n"


# what a sync's branch may change ------------------------------------------------------------------------------------


def strangers(paths: Sequence[tuple[str, str]], saved: Sequence[str]) -> tuple[str, ...]:
    """Give the paths, each with its new mode, that a sync has no business to change; the reason beside each.

    saved -- the fork's own files and folders that a sync writes

    >>> strangers([("100644", "patches/a.patch"), ("120000", "patches/b"), ("100644", "x.yml")], ["patches"])
    ('patches/b (not a plain file)', 'x.yml')
    """
    found = []
    for mode, path in paths:
        if not any(path == own or path.startswith(f"{own}/") for own in saved) or _odd(path):
            found.append(path)
        elif mode not in ("100644", "000000"):
            found.append(f"{path} (not a plain file)")
    return tuple(found)


def _odd(path: str) -> bool:
    """Whether a path has a part that means something to git or to a file system, and to no fork."""
    return re.search(r"(^|/)\.|[\\\x00-\x1f]", path) is not None
