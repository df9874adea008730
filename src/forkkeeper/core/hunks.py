r"""Git's diff format as values: files, hunks, lines. Bytes stay bytes, so CRLF and missing newlines are exact.

Reads what `git diff` and `git format-patch` write (git-scm.com/docs/diff-format): `diff --git`, extended headers,
`---`/`+++`, hunks with counted lines, `\ No newline at end of file`, binary patches. A hunk whose counts do not match
its lines is an error: a truncated patch can pass `git apply --check`.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from forkkeeper.core.lines import Edit

_HUNK = re.compile(rb"@@ -(\d{1,9})(?:,(\d{1,9}))? \+(\d{1,9})(?:,(\d{1,9}))? @@ ?(.*)")  # git counts lines in 31 bits
_EXTENDED = (
    b"old mode ",
    b"new mode ",
    b"deleted file mode ",
    b"new file mode ",
    b"copy from ",
    b"copy to ",
    b"rename from ",
    b"rename to ",
    b"similarity index ",
    b"dissimilarity index ",
    b"index ",
)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v", "\\": "\\", '"': '"'}


class DiffError(ValueError):
    """The text is not a diff that git could have written; the message says where."""


@dataclass(frozen=True, slots=True)
class Hunk:
    r"""One hunk.

    old_start, new_start -- first line, from 1
    section -- what git shows after the second `@@` (the function it found)
    lines -- each with its sign (` `, `+`, `-`, `\`) and its line end
    """

    old_start: int
    new_start: int
    section: str
    lines: tuple[bytes, ...]

    def signed(self, sign: bytes) -> tuple[bytes, ...]:
        """Give the lines with this sign, the sign taken off."""
        return tuple(line[1:] for line in self.lines if line[:1] == sign)


@dataclass(frozen=True, slots=True)
class FileDiff:
    """What a diff does to one file.

    old, new -- its path before and after; None where it does not exist
    modes -- (before, after) where the diff states both and they differ
    binary -- the body of a binary patch, or None for text
    """

    old: str | None
    new: str | None
    modes: tuple[str, str] | None = None
    hunks: tuple[Hunk, ...] = ()
    binary: bytes | None = None
    created_mode: str | None = None

    @property
    def path(self) -> str:
        """The path after, or before where the file is removed."""
        return self.new or self.old or ""

    @property
    def added(self) -> int:
        """Number of lines added."""
        return sum(len(hunk.signed(b"+")) for hunk in self.hunks)

    @property
    def removed(self) -> int:
        """Number of lines removed."""
        return sum(len(hunk.signed(b"-")) for hunk in self.hunks)


@dataclass(slots=True)
class _Reader:
    """A place in the lines of a diff."""

    lines: list[bytes]
    at: int = 0
    shown: str = field(default="", init=False)

    def peek(self) -> bytes | None:
        return self.lines[self.at] if self.at < len(self.lines) else None

    def take(self) -> bytes:
        self.at += 1
        return self.lines[self.at - 1]


def parse(diff: bytes) -> tuple[FileDiff, ...]:
    """Read a diff, in its own order.

    Raises DiffError for a text that holds no file, a miscounted hunk, or a line that has no place.
    """
    reader = _Reader(diff.splitlines(keepends=True) if b"\r" not in diff else _lines(diff))
    files = list(_files(reader))
    if diff.strip() and not files:
        raise DiffError("no `diff --git` line")
    return tuple(files)


def _lines(diff: bytes) -> list[bytes]:
    """Split at line feeds alone: bytes.splitlines also splits at a lone carriage return."""
    parts = diff.split(b"\n")
    return [part + b"\n" for part in parts[:-1]] + ([parts[-1]] if parts[-1] else [])


def _files(reader: _Reader) -> Iterator[FileDiff]:
    while (line := reader.peek()) is not None:
        if line.startswith(b"diff --git "):
            yield _file(reader)
        elif line.startswith((b"diff --cc ", b"diff --combined ")):
            raise DiffError("a combined diff (of a merge) cannot be carried")
        elif line.startswith((b"@@ ", b"--- ", b"+++ ")):
            raise DiffError(f"line {reader.at + 1}: {_text(line)!r} stands outside a `diff --git` section")
        elif (text := reader.take()).strip():
            said = "a second mail: one file per patch" if text.startswith(b"From ") else "text that is no part of it"
            raise DiffError(f"after the diff stands {said} ({_text(text)[:60]!r})")


def _file(reader: _Reader) -> FileDiff:
    header = reader.take()
    extended: dict[str, str] = {}
    while (line := reader.peek()) is not None and line.startswith(_EXTENDED):
        key = next(key for key in _EXTENDED if line.startswith(key))
        extended[key.decode().strip()] = _text(reader.take()[len(key) :])
    old, new = _paths(header, extended, reader)
    if "new file mode" in extended:
        old = None
    if "deleted file mode" in extended:
        new = None
    modes = (extended["old mode"], extended["new mode"]) if {"old mode", "new mode"} <= extended.keys() else None
    if modes is None and not {"old mode", "new mode"}.isdisjoint(extended):
        raise DiffError(f"{new or old}: one of `old mode` and `new mode` stands without the other")
    binary = _binary(reader)
    hunks = tuple(_hunks(reader, new or old or "?")) if binary is None else ()
    return FileDiff(old, new, modes, hunks, binary, extended.get("new file mode"))


def _paths(header: bytes, extended: dict[str, str], reader: _Reader) -> tuple[str | None, str | None]:
    """Find both paths: from `---`/`+++` where they stand, else from rename lines, else from the header."""
    if (line := reader.peek()) is not None and line.startswith(b"--- "):
        old = _side(reader.take()[4:], "a/")
        following = reader.peek()
        if following is None or not following.startswith(b"+++ "):
            raise DiffError(f"line {reader.at + 1}: `---` without `+++`")
        return old, _side(reader.take()[4:], "b/")
    for word in ("rename", "copy"):
        if f"{word} from" in extended:
            if f"{word} to" not in extended:
                raise DiffError(f"`{word} from` stands without `{word} to`")
            return unquote(extended[f"{word} from"]), unquote(extended[f"{word} to"])
    return _header_paths(_text(header[len(b"diff --git ") :]))


def _header_paths(text: str) -> tuple[str, str]:
    """Split `a/X b/X`; git gives both sides the same path where nothing else in the section names it."""
    if text.startswith('"'):
        end = next((i for i in range(1, len(text)) if text[i] == '"' and not _is_escaped(text, i)), 0)
        if not end:
            raise DiffError(f"cannot tell the paths of `diff --git {text}`")
        return unquote(text[: end + 1])[2:], unquote(text[end + 2 :])[2:]
    middle = (len(text) - 1) // 2
    if len(text) % 2 and text[middle] == " " and text[2:middle] == text[middle + 3 :]:
        return text[2:middle], text[middle + 3 :]
    raise DiffError(f"cannot tell the paths of `diff --git {text}`")


def _is_escaped(text: str, at: int) -> bool:
    backslashes = 0
    while text[at - 1 - backslashes] == "\\":
        backslashes += 1
    return backslashes % 2 == 1


def _side(raw: bytes, prefix: str) -> str | None:
    text = unquote(_text(raw).split("\t")[0])
    if text == "/dev/null":
        return None
    if not text.startswith(prefix):
        raise DiffError(f"path {text!r} lacks the prefix {prefix!r}: write the patch with `git format-patch`")
    return text[len(prefix) :]


def unquote(text: str) -> str:
    r"""Undo git's C-style quoting of a path.

    >>> unquote('"a\\tb"')
    'a\tb'
    """
    if not (text.startswith('"') and text.endswith('"') and len(text) > 1):
        return text
    out = bytearray()
    for octal, escape, plain in re.findall(r"\\([0-7]{3})|\\(.)|([^\\]+)", text[1:-1], re.DOTALL):
        if octal:
            out.append(int(octal, 8) & 0xFF)
        elif escape:
            out += _ESCAPES.get(escape, escape).encode("utf-8", "surrogateescape")
        else:
            out += plain.encode("utf-8", "surrogateescape")
    return out.decode("utf-8", "surrogateescape")


def _binary(reader: _Reader) -> bytes | None:
    line = reader.peek()
    if line is None or not line.startswith((b"GIT binary patch", b"Binary files ")):
        return None
    if line.startswith(b"Binary files "):
        raise DiffError("a binary file without its bytes: write the patch with `git format-patch --binary`")
    body = [reader.take()]
    while (line := reader.peek()) is not None and not line.startswith(b"diff --git "):
        if line.startswith(b"-- "):
            break
        body.append(reader.take())
    return b"".join(body)


def _hunks(reader: _Reader, path: str) -> Iterator[Hunk]:
    number = 0
    while (line := reader.peek()) is not None and (match := _HUNK.match(line)):
        reader.take()
        number += 1
        counts = int(match[2] or 1), int(match[4] or 1)
        lines = _hunk_lines(reader, counts, f"hunk {number} of {path}")
        yield Hunk(int(match[1]), int(match[3]), _text(match[5]), lines)


def _hunk_lines(reader: _Reader, counts: tuple[int, int], place: str) -> tuple[bytes, ...]:
    old, new = counts
    lines: list[bytes] = []
    while old > 0 or new > 0:
        line = reader.peek()
        sign = line[:1] if line else b""
        if sign in (b"\n", b"\r"):  # an editor stripped the blank that stands for an empty context line
            sign = b" "
        if sign not in (b" ", b"+", b"-", b"\\"):
            raise DiffError(f"{place}: its header promises {old} more old and {new} more new lines than it has")
        old -= sign in (b" ", b"-")
        new -= sign in (b" ", b"+")
        lines.append(reader.take())
    if old or new:
        raise DiffError(f"{place}: it has more lines than its header promises")
    if (line := reader.peek()) is not None and line.startswith(b"\\"):
        lines.append(reader.take())
    following = reader.peek()
    if following is not None and following[:1] in (b"+", b"-", b" ") and not following.startswith(b"-- "):
        raise DiffError(f"{place}: it has more lines than its header promises")
    return tuple(lines)


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape").rstrip("\r\n")


def edits(diff: tuple[FileDiff, ...]) -> tuple[Edit, ...]:
    """Give a diff of one file that has no context lines as edits."""
    found = []
    for hunk in (hunk for file in diff for hunk in file.hunks):
        removed = len(hunk.signed(b"-"))
        start = hunk.old_start - 1 if removed else hunk.old_start  # without old lines git names the line before
        found.append(Edit(start, start + removed, _ended(hunk)))
    return tuple(found)


def _ended(hunk: Hunk) -> tuple[bytes, ...]:
    """Give the lines that a hunk adds, the last without its line feed where git says so."""
    added: list[bytes] = []
    last = b""
    for line in hunk.lines:
        if line.startswith(b"+"):
            added.append(line[1:])
        elif line.startswith(b"\\") and last == b"+":
            added[-1] = added[-1].removesuffix(b"\n")
        last = line[:1]
    return tuple(added)


def same_hunks(one: tuple[FileDiff, ...], other: tuple[FileDiff, ...]) -> bool:
    """Whether two diffs have the same files and hunk lines; offsets and blob ids may differ."""
    return _outline(one) == _outline(other)


def _outline(diff: tuple[FileDiff, ...]) -> list[object]:
    return [(f.old, f.new, f.modes, f.created_mode, f.binary, [h.lines for h in f.hunks]) for f in diff]


def same_changes(one: tuple[FileDiff, ...], other: tuple[FileDiff, ...]) -> bool:
    """Whether two diffs add and remove the same lines, wherever they stand; context may differ."""
    return _changed(one) == _changed(other)


def _changed(diff: tuple[FileDiff, ...]) -> Counter[tuple[bytes, bytes]]:
    lines = Counter((line[:1], line[1:]) for f in diff for h in f.hunks for line in h.lines if line[:1] in (b"+", b"-"))
    lines.update((b"b", f.binary) for f in diff if f.binary is not None)
    lines.update((b"m", "→".join(f.modes).encode()) for f in diff if f.modes)
    return lines
