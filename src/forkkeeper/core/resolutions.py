"""Recorded resolutions: how a person made a patch fit where it clashed, to be replayed where the same things meet.

One text file each in `resolutions/`, in the form of mail headers and a diff. The key says what was merged: the lines
that the patch changes and, for each path that the merge could not settle, the lines of the conflict (or, for what is no
text, the objects). A resolution is replayed only where the key is the same and its diff applies with its context; where
the files are not the same in all other lines, too, a person is asked to look.
"""

import hashlib
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from forkkeeper.core import mail
from forkkeeper.core.hunks import FileDiff
from forkkeeper.core.mail import MailError, Patch
from forkkeeper.core.store import EXECUTABLE, REGULAR, Conflict, Contest, Entry
from forkkeeper.errors import RequestError

FOLDER = "resolutions"
SUFFIX = ".resolution"
_SHOWN = 12  # digits of the key in a file's name
_NOTE = "# How a person made this patch fit. forkkeeper replays it only where the very same lines meet again.\n"
_FORMS = {
    "Resolution-Of": re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*"),  # as the queue's names
    "Key": re.compile(r"[0-9a-f]{64}"),
    "From": re.compile(r"[0-9a-f]{40}"),
    "To": re.compile(r"[0-9a-f]{40}"),
}
_SIDE = re.compile(r"([0-7]{6} [0-9a-f]{40}) (.+)")
_HEADER = re.compile(r"(Resolution-Of|Key|From|To|Side|Why): (.*)")


@dataclass(frozen=True, slots=True)
class Recorded:
    """One resolution.

    patch -- the file name of the patch that it is for
    key -- what was merged
    made_from, made_to -- the upstream commits between which it was made
    sides -- (path, "mode id") of what upstream's side had, for each path that clashed
    why -- why the patch clashed
    diff -- the patch's diff as the person made it, on upstream's side
    """

    patch: str
    key: str
    made_from: str
    made_to: str
    sides: tuple[tuple[str, str], ...]
    why: str
    diff: bytes

    @property
    def name(self) -> str:
        """Its file's name, from the patch and what was merged."""
        return f"{self.patch.removesuffix('.patch')}.{self.key[:_SHOWN]}{SUFFIX}"

    def fits_exactly(self, contests: Sequence[Contest]) -> bool:
        """Whether upstream's side has the very files that it was made on."""
        return self.sides == sides(contests)


def sides(contests: Sequence[Contest]) -> tuple[tuple[str, str], ...]:
    """Give what upstream's side has at each path that clashed."""
    return tuple((contest.path, _object(contest.ours)) for contest in contests)


def _object(entry: Entry | None) -> str:
    return f"{entry.mode} {entry.oid}" if entry else "nothing"


def key(patch: Patch, contests: Sequence[Contest], places: Sequence[Conflict]) -> str:
    """Say in a digest what was merged: SHA-256, as hexadecimal digits."""
    total = hashlib.sha256()
    for file in patch.files:
        _add(total, "file", *(str(part) for part in (file.old, file.new, file.modes, file.created_mode)))
        for line in _changed(file):
            total.update(b"%d\0" % len(line) + line)
    for contest in contests:
        own = [place for place in places if place.path == contest.path]
        _add(total, "path", contest.path)
        if own and _is_text(contest):
            for place in own:
                for side in (place.base, place.ours, place.theirs):
                    _add(total, "lines", *side)
        else:
            _add(total, "objects", *(_object(one) for one in (contest.base, contest.ours, contest.theirs)))
    return total.hexdigest()


def _changed(file: FileDiff) -> list[bytes]:
    changed = [line for hunk in file.hunks for line in (*hunk.lines, b"@") if line[:1] != b" "]
    return [*changed, *([file.binary] if file.binary is not None else [])]


def _is_text(contest: Contest) -> bool:
    """Whether all sides are plain files of one mode, so that their lines say everything."""
    entries = [entry for entry in (contest.base, contest.ours, contest.theirs) if entry is not None]
    return len(entries) == 3 and entries[0].mode in (REGULAR, EXECUTABLE) and len({one.mode for one in entries}) == 1


def _add(total: "hashlib._Hash", *parts: str) -> None:
    for part in parts:
        data = part.encode("utf-8", "surrogateescape")
        total.update(b"%d\0" % len(data) + data)


def format_resolution(one: Recorded) -> bytes:
    """Write a resolution's file."""
    quoted = [(path.encode("utf-8", "surrogateescape"), oid.encode()) for path, oid in one.sides]
    head = [
        _NOTE.encode(),
        f"Resolution-Of: {one.patch}\nKey: {one.key}\nFrom: {one.made_from}\nTo: {one.made_to}\n".encode(),
        *(b"Side: %s %s\n" % (oid, path.replace(b"\n", b"?")) for path, oid in quoted),
        f"Why: {' '.join(one.why.split())}\n\n".encode("utf-8", "surrogateescape"),
    ]
    return b"".join(head) + one.diff


def parse(name: str, data: bytes) -> Recorded:
    """Read a resolution's file. Raises RequestError saying what is wrong with it."""
    try:
        return _parse(data)
    except (ValueError, KeyError) as error:
        said = str(error) if isinstance(error, ValueError) else f"it has no `{error.args[0]}:` line"
        hint = f"`git restore {shlex.quote(f'{FOLDER}/{name}')}`, or `git rm` it: it is then not replayed"
        raise RequestError("read", f"{FOLDER}/{name}", f"is damaged: {said}", hint) from error


def _parse(data: bytes) -> Recorded:
    head, diff = mail.split(data)
    lines = head.decode("utf-8", "surrogateescape").replace("\r\n", "\n").split("\n")
    rows = [match.groups() for line in lines if (match := _HEADER.fullmatch(line))]
    found = {key: value for key, value in rows if key != "Side"}
    for key, form in _FORMS.items():  # a file is named after the first two
        if not form.fullmatch(found[key]):
            raise ValueError(f"its `{key}:` is {found[key]!r}")
    kept = tuple(_side(value) for key, value in rows if key == "Side")
    why = " ".join(found.get("Why", "").split())
    one = Recorded(found["Resolution-Of"], found["Key"], found["From"], found["To"], kept, why, diff)
    try:
        mail.with_head(one.patch, diff)
    except MailError as error:
        raise ValueError(str(error)) from error
    return one


def _side(value: str) -> tuple[str, str]:
    if value.startswith("nothing "):
        return value.removeprefix("nothing "), "nothing"
    match = _SIDE.fullmatch(value)
    if match is None:
        raise ValueError(f"its `Side:` is {value!r}")
    return match[2], match[1]


def by_key(found: Sequence[Recorded]) -> Mapping[str, Recorded]:
    """Put resolutions in order to be found; of two for one key the later one counts."""
    return {one.key: one for one in found}
