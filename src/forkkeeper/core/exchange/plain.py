"""Unified diffs of other tools in git's form: `diff -u`, quilt, Subversion and CVS (`Index:`), git with other prefixes.

A plain diff cannot say everything. What it leaves open is taken from the tree (is the file there?), as GNU patch and
`git apply` do; what it hides (binary files, empty files, files on one side only) is an error, never left out.
"""

import re
from collections.abc import Container

from forkkeeper.core.hunks import DiffError, unquote
from forkkeeper.core.lines import split

_HUNK = re.compile(rb"@@ -(\d{1,9})(?:,(\d{1,9}))? \+(\d{1,9})(?:,(\d{1,9}))? @@")  # as core.hunks
_STAMP = re.compile(r"(?:\t| +(?=\d{4}-\d\d-\d\d \d\d:\d\d)).*")
_EPOCH = re.compile(r"[\t ](1970-01-01 |1969-12-31 |Thu,? 0?1 Jan 1970|Thu Jan  1 .*1970|Wed Dec 31 .*1969)")
_MOVES = (b"rename from ", b"rename to ", b"copy from ", b"copy to ")
_MODES = (
    b"old mode ",
    b"new mode ",
    b"deleted file mode ",
    b"new file mode ",
    b"similarity ",
    b"dissimilarity ",
    b"index ",
)
_NOISE = (b"Index: ", b"=====", b"diff ", b"retrieving revision ", b"RCS file: ", b"revision ")
_LONGEST = 8_192  # characters of two paths; systems take 4,096 of one
_SHOWN = 200
_BINARY = re.compile(rb"(Binary )?[Ff]iles .* differ")


def starts(lines: tuple[bytes, ...], at: int) -> bool:
    """Whether a diff begins at a line."""
    line, following = lines[at], lines[at + 1] if at + 1 < len(lines) else b""
    return line.startswith(b"diff --git ") or (line.startswith(b"--- ") and following.startswith(b"+++ "))


def cut(data: bytes) -> tuple[bytes, bytes]:
    """Cut a file before its diff: what is said first, and the diff (empty where there is none)."""
    lines = split(data)
    at = next((at for at in range(len(lines)) if starts(lines, at) or _BINARY.match(lines[at])), len(lines))
    while 0 < at < len(lines) and lines[at - 1].startswith(_NOISE):
        at -= 1
    return b"".join(lines[:at]), b"".join(lines[at:])


def as_git(diff: bytes, there: Container[str], strip: int = 1) -> bytes:
    """Give a diff in git's form, with the prefixes a/ and b/; one that has it already comes back as it is.

    there -- the paths of the tree that it is for; strip -- how many folders its paths begin with (`-p`)
    Raises DiffError for what cannot be told, or is no part of a diff.
    """
    lines, out, at = split(diff), list[bytes](), 0
    while at < len(lines):
        line = lines[at]
        if starts(lines, at):
            reader = _git if line.startswith(b"diff --git ") else _plain
            at = reader(lines, at, out, there, strip)
        elif _BINARY.match(line):
            raise DiffError("a binary file without its bytes: write the patch with `git format-patch --binary`")
        elif line.startswith(b"Only in "):
            raise DiffError(f"{_text(line)!r}: a file that the diff leaves out: write it with `diff -N`")
        elif line.startswith(b"diff ") and not _leads(lines, at):
            raise DiffError(f"{_text(line)!r} has no lines: an empty file can only be told by `git diff`")
        elif line.startswith(_NOISE) or not line.strip():
            at += 1
        elif re.fullmatch(rb"-- ?\r?\n", line) and sum(bool(rest.strip()) for rest in lines[at + 1 :]) <= 1:
            break  # a mail's signature
        else:
            raise DiffError(f"line {at + 1} of the diff is no part of it ({_text(line)[:60]!r})")
    return b"".join(out)


def _leads(lines: tuple[bytes, ...], at: int) -> bool:
    """Whether a `diff` line stands above a diff, with nothing but noise between."""
    after = next((n for n in range(at + 1, len(lines)) if not lines[n].startswith(_NOISE[:2])), len(lines))
    return after < len(lines) and (starts(lines, after) or bool(_BINARY.match(lines[after])))


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape").rstrip("\r\n")


# git's form with other prefixes -------------------------------------------------------------------------------------


def _git(lines: tuple[bytes, ...], at: int, out: list[bytes], _: Container[str], strip: int) -> int:
    head = [lines[at]]
    at += 1
    while at < len(lines) and lines[at].startswith((*_MOVES, *_MODES)):
        head.append(lines[at])
        at += 1
    names: list[str] = []
    if at + 1 < len(lines) and lines[at].startswith(b"--- ") and lines[at + 1].startswith(b"+++ "):
        names = [_STAMP.sub("", _text(line)[4:]) for line in lines[at : at + 2]]
        at += 2
    sides = _sides(head, names, strip)
    if strip == 1 and _is_ours(head[0], names):
        out += [*head, *lines[at - 2 : at]] if names else head
    else:
        out.append(
            f"diff --git {_quoted('a/', sides[0])} {_quoted('b/', sides[1])}\n".encode("utf-8", "surrogateescape")
        )
        out += [_moved(line, strip) for line in head[1:]]
        out += _named(*(None if name == "/dev/null" else side for name, side in zip(names, sides, strict=False)))
    if at < len(lines) and _BINARY.match(lines[at]):
        raise DiffError("a binary file without its bytes: write the patch with `git format-patch --binary`")
    return (
        _binary(lines, at, out) if at < len(lines) and lines[at].startswith(b"GIT binary") else _hunks(lines, at, out)
    )


def _is_ours(header: bytes, names: list[str]) -> bool:
    """Whether paths have git's own prefixes."""
    fine = all(
        unquote(name).startswith(prefix) or name == "/dev/null"
        for name, prefix in zip(names, ("a/", "b/"), strict=False)
    )
    return fine and re.match(rb'diff --git "?a/.* "?b/', header) is not None


def _sides(head: list[bytes], names: list[str], strip: int) -> tuple[str, str]:
    """Give both paths, without what is stripped; a side that is not there has the path of the other."""
    found = [None if name == "/dev/null" else _stripped(unquote(name), strip) for name in names]
    if any(found):
        return found[0] or found[1] or "", found[1] or found[0] or ""
    moves = [
        _stripped(unquote(_text(line).split(" ", 2)[2]), max(strip - 1, 0)) for line in head if line.startswith(_MOVES)
    ]
    if len(moves) == 2:
        return moves[0], moves[1]
    text = _text(head[0]).removeprefix("diff --git ")
    tail = text.rpartition("/")[2]  # both sides end so
    if not tail or len(text) > _LONGEST:
        raise DiffError(f"cannot tell the paths of `diff --git {text[:_SHOWN]}`")
    quoted = re.fullmatch(r'("(?:[^"\\]|\\.)*"|\S+) ("(?:[^"\\]|\\.)*"|\S+)', text)
    halves = (
        iter([quoted.groups()])
        if quoted
        else ((text[:n], text[n + 1 :]) for n, char in enumerate(text) if char == " " and text.endswith(tail, 0, n))
    )
    for one, other in halves:
        first, second = (_stripped(unquote(side), strip) for side in (one, other))
        if first == second:
            return first, second
    raise DiffError(f"cannot tell the paths of `diff --git {text}`")


def _moved(line: bytes, strip: int) -> bytes:
    if strip < 2 or not line.startswith(_MOVES):
        return line
    words = _text(line).split(" ", 2)
    path = _quoted("", _stripped(unquote(words[2]), strip - 1))
    return f"{words[0]} {words[1]} {path}\n".encode("utf-8", "surrogateescape")


def _binary(lines: tuple[bytes, ...], at: int, out: list[bytes]) -> int:
    while at < len(lines) and not starts(lines, at) and not lines[at].startswith(b"-- "):
        out.append(lines[at])
        at += 1
    return at


# plain diffs --------------------------------------------------------------------------------------------------------


def _plain(lines: tuple[bytes, ...], at: int, out: list[bytes], there: Container[str], strip: int) -> int:
    raw = [_text(line)[4:] for line in lines[at : at + 2]]
    names = [unquote(_STAMP.sub("", text)) for text in raw]
    hunks: list[bytes] = []
    end = _hunks(lines, at + 2, hunks)
    first = _HUNK.match(hunks[0]) if hunks else None
    if first is None:
        raise DiffError(f"line {at + 1} of the diff: `---` and `+++` with no hunk after them")
    paths = [None if name == "/dev/null" else _stripped(name, strip) for name in names]
    path = next((one for one in reversed(paths) if one is not None and one in there), None)
    path = path or paths[1] or paths[0] or ""
    is_new = first[1] == b"0" and first[2] == b"0" and (path not in there or paths[0] is None)
    gone = first[3] == b"0" and first[4] == b"0" and (paths[1] is None or bool(_EPOCH.search(raw[1])))
    if paths[0] is None and not is_new:
        raise DiffError(f"{path}: made of /dev/null, and its first hunk has old lines")
    if paths[1] is None and not gone:
        raise DiffError(f"{path}: removed, and lines of it are left")
    out.append(f"diff --git {_quoted('a/', path)} {_quoted('b/', path)}\n".encode("utf-8", "surrogateescape"))
    out += [b"new file mode 100644\n"] if is_new else [b"deleted file mode 100644\n"] if gone else []
    out += [*_named(None if is_new else path, None if gone else path), *hunks]
    return end


def _hunks(lines: tuple[bytes, ...], at: int, out: list[bytes]) -> int:
    """Take hunks of counted lines; a blank that an editor took away is put back."""
    while at < len(lines) and (match := _HUNK.match(lines[at])):
        number = at + 1
        out.append(lines[at])
        old, new = int(match[2] or 1), int(match[4] or 1)
        at += 1
        while old > 0 or new > 0 or (at < len(lines) and lines[at].startswith(b"\\")):
            line = lines[at] if at < len(lines) else b""
            sign = b" " if line in (b"\n", b"\r\n") else line[:1]
            if sign not in (b" ", b"+", b"-", b"\\"):
                raise DiffError(f"line {number} of the diff: a hunk promises {old} more old and {new} more new lines")
            old, new = old - (sign in (b" ", b"-")), new - (sign in (b" ", b"+"))
            out.append(line if line[:1] == sign else b" " + line)
            at += 1
        if old or new:
            raise DiffError(f"line {number} of the diff: a hunk has more lines than its header promises")
    if out and not out[-1].endswith(b"\n"):
        out[-1] += b"\n"
    return at


def _named(*paths: str | None) -> list[bytes]:
    """Write the `---` and `+++` lines; git ends a path that holds a blank with a tab."""
    found = []
    for sign, prefix, path in zip(("---", "+++"), ("a/", "b/"), paths, strict=False):
        named = "/dev/null" if path is None else _quoted(prefix, path)
        found.append(f"{sign} {named}{'	' if ' ' in named else ''}\n".encode("utf-8", "surrogateescape"))
    return found


def _stripped(name: str, strip: int) -> str:
    parts = re.split(r"/+", name)
    if len(parts) <= strip:
        raise DiffError(f"path {name!r} has no {strip} folders to take off (`-p{strip}`)")
    return "/".join(part for part in parts[strip:] if part != ".")


def _quoted(prefix: str, path: str) -> str:
    """Quote a path as git does where it holds what would be misread."""
    raw = (prefix + path).encode("utf-8", "surrogateescape")
    if not re.search(rb'[\x00-\x1f"\\\x7f-\xff]', raw):
        return prefix + path
    escaped = "".join(chr(b) if 0x20 <= b < 0x7F and b not in b'"\\' else f"\\{b:03o}" for b in raw)
    return f'"{escaped}"'
