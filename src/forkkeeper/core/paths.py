"""Which paths may be written. Upstream's trees, patches and overlays are input from outside."""

import re
import unicodedata
from collections.abc import Iterable

# What file systems fold onto ".git": letter case (macOS, Windows), NTFS short names and streams, trailing dots and
# spaces, and the zero-width characters that HFS+ ignores.
_GIT_DIR = re.compile(r"(\.git|git~[0-9]+)[ .]*(:.*)?", re.IGNORECASE)
_IGNORED_BY_HFS = dict.fromkeys([*range(0x200C, 0x2010), *range(0x202A, 0x202F), *range(0x206A, 0x2070), 0xFEFF], None)


def fault(path: str) -> str | None:  # noqa: PLR0911 -- one return for each way to be wrong
    """Say what is wrong with a path that is to be written below a root, or None.

    >>> fault("src/llama.cpp")
    >>> fault("../outside")
    'leaves the tree (`..`)'
    """
    if path == "":
        return "is empty"
    if path.startswith(("/", "\\")) or re.match(r"[A-Za-z]:", path):
        return "is absolute"
    if "\0" in path:
        return "holds a NUL byte"
    for part in re.split(r"[/\\]", path):
        if part == "..":
            return "leaves the tree (`..`)"
        if part in ("", "."):
            return "has an empty or `.` part"
        if not part.strip(". "):  # Windows drops dots and blanks at an end, so `.. ` is `..` there
            return "has a part of dots and blanks alone"
        if _GIT_DIR.fullmatch(unicodedata.normalize("NFC", part).translate(_IGNORED_BY_HFS)):
            return "goes into `.git`"
    return None


def parents(path: str) -> tuple[str, ...]:
    """Give the folders above a path, outermost first.

    >>> parents("a/b/c")
    ('a', 'a/b')
    """
    parts = path.split("/")[:-1]
    return tuple("/".join(parts[: i + 1]) for i in range(len(parts)))


def alike(paths: Iterable[str]) -> tuple[str, str] | None:
    """Give two paths that differ in case alone, of files or of the folders that they are in; None where none do."""
    seen: dict[str, str] = {}
    for path in paths:
        for name in (*parents(path), path):
            if (other := seen.setdefault(name.casefold(), name)) != name:
                return other, name
    return None
