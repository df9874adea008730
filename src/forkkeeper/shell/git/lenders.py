"""The object directories that a repository borrows from: its file of alternates, for paths of any name.

A path stands on a line as it is, or quoted as in C where it would not be one line (gitrepository-layout(5), and
`unquote_c_style` in git's quote.c).
"""

import os
import re
from collections.abc import Sequence
from pathlib import Path

_ESCAPED = {b"\n": b"\\n", b'"': b'\\"', b"\\": b"\\\\"}
_PLAIN = {escape: plain for plain, escape in _ESCAPED.items()}


def write(objects: Path, lenders: Sequence[Path]) -> None:
    """Say in an object directory from which others it borrows from now on, and from no others."""
    (objects / "info").mkdir(exist_ok=True)
    lines = [_quoted(os.fsencode(path.absolute())) for path in lenders]
    (objects / "info" / "alternates").write_bytes(b"".join(line + b"\n" for line in lines))


def read(objects: Path) -> tuple[Path, ...]:
    """Give the object directories that an object directory borrows from. Raises OSError where it does not say so."""
    lines = (objects / "info" / "alternates").read_bytes().split(b"\n")
    return tuple(Path(os.fsdecode(_unquoted(line))) for line in lines if line)


def _quoted(path: bytes) -> bytes:
    if b"\n" not in path:
        return path
    return b'"' + re.sub(rb'[\n"\\]', lambda found: _ESCAPED[found[0]], path) + b'"'


def _unquoted(line: bytes) -> bytes:
    if not line.startswith(b'"'):
        return line
    return re.sub(rb'\\[n"\\]', lambda found: _PLAIN[found[0]], line[1:-1])
