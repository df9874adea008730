"""What a patch says before its diff, in the ways that people write it, as the head of a mail.

Read are mails, the fields of Debian's DEP-3 (dep-team.pages.debian.net/deps/dep3), and plain words, with or without a
`#` before each line. Written are mails, and mails with DEP-3's fields in their head.
"""

import datetime as dt
import email
import email.utils
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from forkkeeper.core.mail import MailError, Patch, decoded

Trailers = tuple[tuple[str, str], ...]

_FIELD = re.compile(r"([A-Za-z][A-Za-z0-9-]*):(?:[ \t](.*)|$)")
_WORDS = (
    "from",
    "author",
    "subject",
    "description",
    "origin",
    "forwarded",
    "last-update",
    "date",
    "bug",
    "applied-upstream",
)
_DROPPED = (
    "from",
    "author",
    "subject",
    "description",
    "date",
    "last-update",
    "forwarded",
    "applied-upstream",
    "origin",
)
_MAILED = (
    "mime-version",
    "content-type",
    "content-transfer-encoding",
    "message-id",
    "in-reply-to",
    "references",
    "to",
    "cc",
)
_ZERO = "From 0000000000000000000000000000000000000000 Mon Sep 17 00:00:00 2001"
NOBODY = "unknown <unknown@invalid>"


@dataclass(frozen=True, slots=True)
class Words:
    """What a patch says of itself. body -- its reason and trailers; known -- trailers that follow from its fields."""

    subject: str = ""
    author: str = ""
    date: str = ""
    body: str = ""
    known: Trailers = ()


def read(head: bytes) -> Words:
    """Read a head of any kind."""
    text = _decoded(head).replace("\r\n", "\n")
    text = re.sub(r"\AFrom [^\n]*\n", "", text.lstrip("\n"))
    text = re.split(r"^---[ \t]*$", text, maxsplit=1, flags=re.MULTILINE)[0]
    if not _begins_with_fields(text):
        return Words(body=_uncommented(text).strip("\n"))
    fields, body = _fields(text)
    said = _described(fields)
    body = "\n\n".join(part for part in (said[1], body.strip("\n")) if part)
    author = fields.get("from") or fields.get("author") or ""
    return Words(said[0], _unfolded(author), _date(fields), body, _known(fields))


def _decoded(head: bytes) -> str:
    """Give text; what is no UTF-8 is taken for Latin-1, as old packages have it."""
    try:
        return head.decode("utf-8")
    except UnicodeDecodeError:
        return head.decode("latin-1")


def _begins_with_fields(text: str) -> bool:
    match = _FIELD.match(text)
    return match is not None and (match[1].lower() in _WORDS or match[1].lower().startswith("bug-"))


def _uncommented(text: str) -> str:
    """Take the marks of comments off."""
    lines = [line for line in text.split("\n") if not line.startswith("#!")]
    return "\n".join(re.sub(r"^#+[ \t]?(DP: ?)?", "", line).rstrip() for line in lines)


def _fields(text: str) -> tuple[dict[str, str], str]:
    """Read the fields before the first blank line, continued lines with them."""
    block, _, body = text.partition("\n\n")
    found: dict[str, list[str]] = {}  # in lines: to add to one text over and over takes the square of its size
    others: list[str] = []
    last = ""
    for line in block.split("\n"):
        match = _FIELD.fullmatch(line)
        if match:
            last = match[1].lower()
            found.setdefault(last, []).append(match[2] or "")
        elif line[:1] in (" ", "\t") and last:
            found[last].append("" if line.strip() == "." else line[1:])
        elif line:
            others.append(line)
    return {name: "\n".join(lines) for name, lines in found.items()}, "\n".join([*reversed(others), body])


def _described(fields: Mapping[str, str]) -> tuple[str, str]:
    """Give title and longer text; DEP-3 writes both into one field."""
    if "subject" in fields:
        return re.sub(r"^\s*(\[[^\]]*\]\s*)+", "", _unfolded(fields["subject"])), fields.get("description", "").strip()
    first, _, rest = fields.get("description", "").strip().partition("\n")
    return first.strip(), rest.strip("\n")


def _unfolded(value: str) -> str:
    return decoded(re.sub(r"\s*\n\s*", " ", value).strip())


def _date(fields: Mapping[str, str]) -> str:
    if fields.get("date"):
        return _unfolded(fields["date"])
    try:
        return email.utils.format_datetime(
            dt.datetime.fromisoformat(fields.get("last-update", "").strip()).replace(tzinfo=dt.UTC)
        )
    except ValueError:
        return ""


def _known(fields: Mapping[str, str]) -> Trailers:
    """Give the trailers that DEP-3's fields stand for."""
    origin = _unfolded(fields.get("origin", ""))
    found = [("Origin", origin)] if origin else []
    status = _status(origin, fields)
    found += [("Upstream-Status", status)] if status else []
    rest = [key for key in fields if key not in (*_DROPPED, *_MAILED)]
    return (*found, *(("-".join(part.capitalize() for part in key.split("-")), _unfolded(fields[key])) for key in rest))


def _status(origin: str, fields: Mapping[str, str]) -> str:
    """Give `Upstream-Status:` for `Origin:`, `Applied-Upstream:`, `Forwarded:` and `Bug:`."""
    kind, _, where = origin.partition(",")
    forwarded = _unfolded(fields.get("forwarded", ""))
    if applied := _unfolded(fields.get("applied-upstream", "")):
        return f"Backport [{applied}]"
    if kind.strip() in ("upstream", "backport"):
        return f"Backport [{where.strip() or 'said so by its Origin'}]"
    if forwarded.startswith("not-needed"):
        return f"Inappropriate [{forwarded.partition(' ')[2].strip('() ') or 'not needed upstream'}]"
    if forwarded in ("", "no"):
        return "Pending" if forwarded else ""
    link = _unfolded(fields.get("bug", "")) if forwarded == "yes" else forwarded
    return f"Submitted [{link or 'no link was given'}]"


# writing ------------------------------------------------------------------------------------------------------------


def mail(words: Words) -> bytes:
    """Write the head of a mail."""
    head = [_ZERO, f"From: {words.author or NOBODY}", f"Date: {words.date}", f"Subject: [PATCH] {words.subject}"]
    return _written(head, words)


def _written(head: Sequence[str], words: Words) -> bytes:
    text = "\n".join([*head, *_encoding((*head, words.body))])
    return f"{text}\n\n{words.body}\n---\n\n".encode("utf-8", "surrogateescape")


def _encoding(lines: Sequence[str]) -> list[str]:
    if all(line.isascii() for line in lines):
        return []
    return ["MIME-Version: 1.0", "Content-Type: text/plain; charset=UTF-8", "Content-Transfer-Encoding: 8bit"]


def of(patch: Patch) -> Words:
    """Give a patch's words, with the message up to `---` as its body."""
    text = patch.head.decode("utf-8", "surrogateescape").replace("\r\n", "\n")
    body = re.split(r"^---[ \t]*$", text.partition("\n\n")[2], maxsplit=1, flags=re.MULTILINE)[0]
    return Words(patch.subject, patch.author, patch.date, body.strip("\n"))


def message(patch: Patch) -> str:
    """Give a patch's commit message: title, a blank line, reason and trailers."""
    words = of(patch)
    return f"{words.subject}\n\n{words.body}\n"


def dep3(patch: Patch) -> bytes:
    """Write a mail's head with DEP-3's fields; mail programs and `git am` read it, too."""
    words = of(patch)
    status, _, told = (patch.trailer("Upstream-Status") or "Pending").partition(" ")
    about = told.strip().removeprefix("[").removesuffix("]")
    origin = patch.trailer("Origin") or "local"
    forwarded = {"Inappropriate": "not-needed", "Submitted": about if "://" in about else "yes", "Denied": "yes"}.get(
        status, "no"
    )
    stands = f"backport, {about}" if status == "Backport" else "vendor" if origin == "local" else f"other, {origin}"
    head = [f"From: {words.author}", f"Date: {words.date}", f"Subject: {words.subject}", f"Origin: {stands}"]
    head += [] if status == "Backport" else [f"Forwarded: {forwarded}"]
    head += [f"{key}: {value}" for key, value in patch.trailers if key.lower().startswith("bug")]
    day = email.utils.parsedate(words.date)
    head += [f"Last-Update: {day[0]:04}-{day[1]:02}-{day[2]:02}"] if day else []
    return _written(head, words)


def filled(patch: Patch, lacking: Trailers, why: str | None) -> bytes:
    """Give a patch's head with the trailers that it lacks, and with a reason where it has none; the rest stays."""
    block, _, rest = patch.head.partition(b"\n\n")
    found = re.search(rb"^---[ \t]*$", rest, re.MULTILINE)
    body, notes = (rest[: found.start()], rest[found.start() :]) if found else (rest, b"---\n\n")
    body = body.strip(b"\n")
    if why and not patch.reason:
        body = why.strip().encode() + (b"\n\n" + body if body else b"")
    lines = "".join(f"\n{key}: {value}" for key, value in lacking).encode("utf-8", "surrogateescape")
    body += lines if not lines or patch.trailers else b"\n" + lines
    return block + b"\n\n" + body.strip(b"\n") + b"\n" + notes


def untransferred(data: bytes) -> bytes:
    """Undo what mail programs do to a patch on its way: quoted-printable, base64, CRLF at every line.

    Raises MailError for a mail of several parts.
    """
    if data.count(b"\n") == data.count(b"\r\n") and re.search(rb"^(---|diff --git) [^\n]*\r$", data, re.MULTILINE):
        data = data.replace(b"\r\n", b"\n")
    head = data.partition(b"\n\n")[0]
    if not re.search(
        rb"^content-(transfer-encoding: *(quoted|base64)|type: *multipart)", head, re.MULTILINE | re.IGNORECASE
    ):
        return data
    start = re.match(rb"From [^\n]*\n", data)
    message = email.message_from_bytes(data[start.end() :] if start else data)
    if message.is_multipart():
        raise MailError("it is a mail of several parts: save the patch alone, or make it with `git format-patch`")
    body = message.get_payload(decode=True)
    kept = re.sub(rb"(?im)^(content-transfer-encoding:) *\S+", rb"\1 8bit", head)
    return kept + b"\n\n" + (body.replace(b"\r\n", b"\n") if isinstance(body, bytes) else b"")
