"""What is known of each patch of an adopted fork, and its file: the facts that were found, and no guess."""

import email.utils
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from forkkeeper.core.adopt.authors import Commit
from forkkeeper.core.adopt.timeline import Moment, Version
from forkkeeper.core.exchange import heads
from forkkeeper.core.exchange.heads import Words
from forkkeeper.core.ids import short
from forkkeeper.core.shown import line as shown, wrapped

WIDTH = 76
MOST = 8  # facts of a kind that are told
MOST_CHARACTERS = 160  # of a line that is quoted
UNKNOWN = "Adopted; the reason is not known. What was found:"
_TRAILERS = "Origin: {origin}\nUpstream-Status: {status}\nWitness: none [adopted]"
_NOTES = re.compile(
    r"(?:readme|notes?|changes|changelog|patches|vendor(?:ing)?|upstream|modifications)\b", re.IGNORECASE
)
_SHA = re.compile(r"\b[0-9a-f]{12,40}\b")


@dataclass(frozen=True, slots=True)
class Told:
    """What a patch says before its diff. name -- what its file's name is made of."""

    name: str
    subject: str
    body: str
    author: str = ""
    date: str = ""
    origin: str = "local"
    status: str = "Pending"

    def head(self, date: str) -> bytes:
        """Write it as the head of a mail. date -- for a patch that has none, as mails say it."""
        trailers = _TRAILERS.format(origin=self.origin, status=self.status)
        subject = " ".join(shown(self.subject).split()) or "adopted"
        return heads.mail(Words(subject, self.author, self.date or date, f"{self.body}\n\n{trailers}"))


def date(moment: Moment) -> str:
    """Give a commit's date as mails say it."""
    return email.utils.formatdate(moment.time)


def layout(moves: Mapping[str, str]) -> Told:
    """Tell of the files that stand elsewhere than upstream has them."""
    found = [f"{old} -> {new}" for old, new in sorted(moves.items())]
    body = [*wrapped("The fork keeps these upstream files at other paths; nothing in them is changed here.", WIDTH), ""]
    return Told(
        "layout", f"layout: {len(moves)} files stand elsewhere", "\n".join([*body, *_listed(found, len(found))])
    )


def held(path: str, version: Version, began: Moment, ended: Moment, pin: Moment, source: str) -> Told:
    """Tell of a file that is kept at another version than the pin's."""
    side = "older" if began.time <= pin.time else "newer"
    text = (
        f"Holds {path} at upstream {short(began.sha)} of {began.date}, where {version.path} stood so until "
        f"{short(ended.sha)} of {ended.date}: an {side} version than the pin's {source}."
        if side == "older"
        else f"Holds {path} at upstream {short(began.sha)} of {began.date} ({version.path}): a newer version than the "
        f"pin's {source}."
    )
    then = "Dropping this patch brings the file up to the pin, and carries the fork's edits on."
    subject = f"held: {path} at upstream {short(began.sha)} of {began.date}"
    return _of_upstream(f"held-{path}", subject, [*wrapped(text, WIDTH), "", *wrapped(then, WIDTH)], began, "held back")


def brought(path: str, version: Version, began: Moment, *, others: Sequence[str]) -> Told:
    """Tell of a file of upstream's that the pin has not, or has for another file of the fork. others -- those files."""
    why = f"The pin has it for {', '.join(others)}." if others else "The pin has no such file any more."
    text = f"Brings {path}, upstream's {version.path} as it stood at {short(began.sha)} of {began.date}. {why}"
    subject = f"brought: {path} of upstream {short(began.sha)} of {began.date}"
    return _of_upstream(f"brought-{path}", subject, wrapped(text, WIDTH), began, "not at the pin")


def _of_upstream(name: str, subject: str, lines: Sequence[str], began: Moment, what: str) -> Told:
    body = "\n".join(lines)
    return Told(name, subject, body, origin=f"upstream, commit {began.sha}", status=f"Inappropriate [{what}]")


def of_line_ends(paths: Sequence[str]) -> Told:
    """Tell of files that have other line ends than upstream's."""
    body = ["The fork has these files with other line ends; nothing else in them is changed here.", ""]
    return Told("line-ends", f"line ends of {len(paths)} files", "\n".join([*body, *_listed(list(paths), MOST)]))


def of_commit(commit: Commit) -> Told:
    """Tell of edits that a commit of the fork's brought."""
    _, _, rest = commit.message.strip().partition("\n")
    body = "\n".join(_safe(one) for one in rest.strip().splitlines()) or f"The commit says no more than: {commit.title}"
    said = f"{body}\n\nAdopted from the fork's commit {commit.sha}."
    return Told(commit.title, commit.title, said, commit.author, commit.date)


def of_edits(name: str, subject: str, facts: Mapping[str, Sequence[str]]) -> Told:
    """Tell of edits of which nobody wrote why. facts -- what was found, by what it is; empty ones are left out."""
    known = {what: some for what, some in facts.items() if some}
    body = [UNKNOWN] if not any(what.startswith("said") for what in known) else ["Adopted. What the fork says of it:"]
    for what, some in known.items():
        body += ["", f"{what}:", *_listed(list(some), MOST)]
    return Told(name, subject, "\n".join(body))


def _listed(some: Sequence[str], most: int) -> list[str]:
    more = [f"    … and {len(some) - most} more"] if len(some) > most else []
    return [*(f"    {_safe(one)}" for one in some[:most]), *more]


def _safe(text: str) -> str:
    """Give a line of somebody's that no reader of mails takes for a part of the form."""
    plain = shown(text.rstrip())
    return f" {plain}" if re.match(r"(---|diff -|Index: |From )", plain) else plain


# what the tree says of itself ---------------------------------------------------------------------------------------


def is_note(path: str) -> bool:
    """Whether a file's name says that it tells of the tree: README, NOTES, CHANGES, …, at most one folder down."""
    return path.count("/") <= 1 and _NOTES.match(path.rpartition("/")[2]) is not None


def naming(path: str, notes: Mapping[str, bytes]) -> tuple[str, ...]:
    """Give the lines of notes that name a file, by its whole name."""
    name = path.rpartition("/")[2]
    pattern = re.compile(rb"(?<![\w./-])" + re.escape(name.encode("utf-8", "surrogateescape")) + rb"(?![\w-])")
    return tuple(
        f"{note}: {found.decode('utf-8', 'replace').strip()[:MOST_CHARACTERS]}"
        for note, text in notes.items()
        if note != path
        for found in text.splitlines()
        if pattern.search(found)
    )


def claimed(notes: Iterable[bytes]) -> tuple[str, ...]:
    """Give what looks like a commit id in notes, in their order."""
    return tuple(dict.fromkeys(sha for text in notes for sha in _SHA.findall(text.decode("utf-8", "replace"))))


def annotated(lines: Iterable[bytes], name: str) -> tuple[str, ...]:
    """Give the lines with an annotation, each once."""
    mark = f"[{name}]".encode()
    return tuple(dict.fromkeys(one.decode("utf-8", "replace").strip() for one in lines if mark in one))
