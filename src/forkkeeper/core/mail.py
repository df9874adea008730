"""One patch file: mail headers, the reason, git trailers, the diff. Its head is kept byte for byte.

Format: what `git format-patch` writes and `git am` reads. Trailers are git's (git-scm.com/docs/git-interpret-trailers),
with packagers' words: `Upstream-Status:` as Yocto has it, `Origin:`, `Bug:` as Debian's DEP-3 has them.
"""

import email.errors
import email.header
import email.parser
import email.policy
import re
from dataclasses import dataclass

from forkkeeper.core import changes, hunks
from forkkeeper.core.hunks import FileDiff
from forkkeeper.core.paths import fault

WRITTEN_FOR = "Written-For"  # the trailer that says for which upstream commit a patch's deletions were last looked at
STATUS = "Upstream-Status"
STATUSES = ("Pending", "Submitted", "Backport", "Denied", "Inappropriate")
REASON = "reason"
TAKEN_FOR_DIFF = re.compile(rb"^(Index: |diff -)", re.MULTILINE)  # by `git am`, which cuts the mail there
_COMMIT = re.compile(r"[0-9a-fA-F]{12,40}")
_TRAILER = re.compile(r"([A-Za-z][A-Za-z0-9-]*): ?(.*)")
_STAT = re.compile(
    rb"^ (?:.* \| +(?:\d+ ?[+-]*|Bin\b.*)|\d+ files? changed.*|(?:create|delete) mode \d+ .*|mode change \d+ .*"
    rb"|(?:rename|copy|rewrite) .*\(\d+%\))\n",
    re.MULTILINE,
)
_LONGEST = 10_000  # characters of a header that is decoded: the time that `email` takes grows with their square
_PREFIX = re.compile(r"^\s*(\[[^\]]*\]\s*)+")


class MailError(ValueError):
    """The file is not a mail-format patch; the message says why."""


@dataclass(frozen=True, slots=True)
class Patch:
    """One local change.

    name -- its file name in the queue, e.g. "lazy-mmap.patch"
    head -- everything before the diff, as it stands in the file
    diff -- the diff, as it stands in the file
    subject -- the title, without `[PATCH]`
    reason -- why it is carried: the body without its trailers
    trailers -- (key, value) in order
    files -- the diff as values
    """

    name: str
    head: bytes
    diff: bytes
    subject: str
    author: str
    date: str
    reason: str
    trailers: tuple[tuple[str, str], ...]
    files: tuple[FileDiff, ...]

    @property
    def data(self) -> bytes:
        """The whole file."""
        return self.head + self.diff

    @property
    def paths(self) -> tuple[str, ...]:
        """Every path it touches, ordered."""
        return tuple(sorted({path for f in self.files for path in (f.old, f.new) if path}))

    @property
    def title(self) -> str:
        """The name without its suffix, for tables."""
        return self.name.removesuffix(".patch")

    def trailer(self, key: str) -> str | None:
        """Give the last value of a trailer, or None."""
        values = self.trailer_values(key)
        return values[-1] if values else None

    def trailer_values(self, key: str) -> tuple[str, ...]:
        """Give all values of a trailer, in order."""
        return tuple(value for name, value in self.trailers if name.lower() == key.lower())

    def with_diff(self, diff: bytes) -> "Patch":
        """Give the same patch with another diff; a diffstat in its head goes where it would no longer be true."""
        files = hunks.parse(diff)
        head = self.head if _sizes(files) == _sizes(self.files) else statless(self.head)
        return Patch(self.name, head, diff, self.subject, self.author, self.date, self.reason, self.trailers, files)


def parse(name: str, data: bytes) -> Patch:
    """Read a patch file.

    Raises MailError when it is not mail format, or its diff is damaged or touches a path outside the tree.
    """
    head, diff = split(data)
    headers, body = _headers(head)
    message, trailers = _trailers(body)
    try:
        files = hunks.parse(diff)
    except hunks.DiffError as error:
        raise MailError(str(error)) from error
    if not files:
        raise MailError("it holds no diff")
    for path in sorted({path for f in files for path in (f.old, f.new) if path}):
        if wrong := fault(path):
            raise MailError(f"path {path!r} {wrong}")
    subject = _PREFIX.sub("", headers.get("subject", ""))
    return Patch(name, head, diff, subject, headers["from"], headers.get("date", ""), message, trailers, files)


def split(data: bytes) -> tuple[bytes, bytes]:
    """Cut before the first `diff --git` line, and drop a mail signature (`-- ` and git's version) at the end.

    A hunk may end so too, by removing the line "- "; what follows in a hunk has a sign, and a signature none.
    """
    match = re.search(rb"^diff --git ", data, re.MULTILINE)
    if match is None:
        raise MailError("it holds no `diff --git` line")
    head, diff = data[: match.start()], data[match.start() :]
    return head, re.sub(rb"\n-- \n(?![-+ \\@])[^\n]+\n*\Z", b"\n", diff)


def _sizes(files: tuple[FileDiff, ...]) -> list[tuple[str, int, int]]:
    return [(file.path, file.added, file.removed) for file in files]


def statless(head: bytes) -> bytes:
    """Take the diffstat out of a patch's head: it is of a diff that is not there any more. Notes stay."""
    begin = re.search(rb"^---[ \t]*\n", head, re.MULTILINE)
    if begin is None or not _STAT.search(head, begin.end()):
        return head
    return head[: begin.end()] + _STAT.sub(b"", head[begin.end() :])


def _headers(head: bytes) -> tuple[dict[str, str], str]:
    text = head.decode("utf-8", "surrogateescape").replace("\r\n", "\n")
    text = re.sub(r"\AFrom [^\n]*\n", "", text)
    block, blank, body = text.partition("\n\n")
    if not re.match(r"[A-Za-z-]+: ", block) or not blank:
        raise MailError("it has no mail headers: write it with `git format-patch`")
    shown = block.encode("utf-8", "surrogateescape").decode("utf-8", "replace")  # `email` fails of mixed encodings
    message = email.parser.HeaderParser(policy=email.policy.compat32).parsestr(shown + "\n\n")
    found = {key.lower(): decoded(str(value)) for key, value in message.items()}
    for key in ("from", "subject"):
        if key not in found:
            raise MailError(f"it has no `{key.title()}:` header: write it with `git format-patch`")
    if found.get("content-transfer-encoding", "8bit").lower() not in ("8bit", "7bit", "binary"):
        raise MailError("its text is transfer-encoded: write it again with `git format-patch`")
    return found, body


def decoded(value: str) -> str:
    """Give a header's text in one line, encoded words read; one that cannot be read stays as it stands there."""
    joined = re.sub(r"\r?\n[ \t]+", " ", value)
    try:
        is_short = len(joined) <= _LONGEST
        text = str(email.header.make_header(email.header.decode_header(joined))) if is_short else joined
    except (LookupError, ValueError, email.errors.MessageError):  # an unknown charset, damaged base64
        text = joined
    return re.sub(r"[\r\n]+", " ", text)  # an encoded word may hold line ends, and these would begin another header


def _trailers(body: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    """Split the body at `---` and its last paragraph, where that is made of trailers alone."""
    message = re.split(r"^---\s*$", body, maxsplit=1, flags=re.MULTILINE)[0].strip("\n")
    before, _, last = message.rpartition("\n\n")
    found: list[tuple[str, str]] = []
    for line in last.splitlines():
        match = _TRAILER.fullmatch(line)
        if match:
            found.append((match[1], match[2].strip()))
        elif found and line[:1] in (" ", "\t"):
            found[-1] = (found[-1][0], f"{found[-1][1]} {line.strip()}")
        elif not line.startswith("(cherry picked from commit "):
            return message.strip(), ()
    return (before.strip(), tuple(found)) if found else (message.strip(), ())


def with_head(name: str, diff: bytes) -> tuple[FileDiff, ...]:
    """Read a diff that has lost its mail. Raises MailError when it is damaged or touches a path outside the tree."""
    return parse(name, b"From: nobody\nSubject: none\n\n---\n\n" + diff).files


def replacement(old: Patch, data: bytes) -> Patch:
    """Give a patch's new form: its name, and the diff in a file that a person made.

    A file that is a whole patch with reason and trailers brings its own words; any other keeps the old ones.
    Raises MailError when the file holds no sound diff.
    """
    try:
        whole = parse(old.name, data)
    except MailError:
        whole = None
    if whole is not None and not shortcomings(whole):
        return whole
    return parse(old.name, old.head + split(data)[1])


def holds(data: bytes | None, patch: Patch) -> bool:
    """Whether a file's bytes hold this very patch; a mail signature at the end makes no difference."""
    try:
        return data is not None and parse(patch.name, data).data == patch.data
    except MailError:
        return False


@dataclass(frozen=True, slots=True)
class Lack:
    """What a patch lacks to be kept. about -- the trailer or header that it is about, "reason" for its body's text."""

    about: str
    what: str


def shortcomings(patch: Patch) -> tuple[str, ...]:
    """Say what a patch lacks to be kept: its reason, or a trailer with a known word."""
    return tuple(one.what for one in lacks(patch))


def lacks(patch: Patch) -> tuple[Lack, ...]:
    """Say the same, with what each is about."""
    return (*_of_text(patch), *_of_status(patch), *_of_trailers(patch))


def _of_text(patch: Patch) -> list[Lack]:
    found = [] if patch.reason else [Lack(REASON, "it gives no reason: say in its body why the fork carries it")]
    if not patch.subject:
        found.append(Lack("Subject", "its `Subject:` is empty"))
    if TAKEN_FOR_DIFF.search(patch.reason.encode("utf-8", "surrogateescape")):
        what = "a line of its reason begins with `Index: ` or `diff -`, where `git am` takes the diff to begin"
        found.append(Lack(REASON, what))
    return found


def _of_status(patch: Patch) -> list[Lack]:
    status = patch.trailer(STATUS)
    word = (status or "").split(" ", 1)[0]
    if status is None:
        return [Lack(STATUS, f"it has no `{STATUS}:` trailer ({', '.join(STATUSES)})")]
    if word not in STATUSES:
        return [Lack(STATUS, f"its `{STATUS}:` is {word!r}; known are {', '.join(STATUSES)}")]
    if word in ("Backport", "Inappropriate", "Submitted") and not re.search(r"\[.+\]", status):
        return [Lack(STATUS, f"its `{STATUS}: {word}` needs its [reason, link or commit] in brackets")]
    return []


def _of_trailers(patch: Patch) -> list[Lack]:
    found = []
    if not patch.trailer("Origin"):
        found.append(Lack("Origin", "it has no `Origin:` trailer (local, or where it was taken from)"))
    if not patch.trailer("Witness"):
        what = "it has no `Witness:` trailer (the check that fails without it, or none [reason])"
        found.append(Lack("Witness", what))
    if patch.trailer("Witness") == "none":
        found.append(Lack("Witness", "its `Witness: none` needs a [reason] in brackets"))
    written = patch.trailer(WRITTEN_FOR)
    if written is not None and not _COMMIT.fullmatch(written):
        what = f"its `{WRITTEN_FOR}:` is {written!r}; it takes an upstream commit's id, of 12 to 40 digits"
        found.append(Lack(WRITTEN_FOR, what))
    faults = [changes.fault(trailer) for trailer in patch.trailer_values(changes.TRAILER)]
    return [*found, *(Lack(changes.TRAILER, f"its `{changes.TRAILER}:` {wrong}") for wrong in faults if wrong)]
