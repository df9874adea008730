"""Conflict markers that a merge of the fork's own repository left in one of its files."""

import re

from forkkeeper.errors import RequestError

_MARKER = re.compile(rb"^(<{7}|>{7}) ", re.MULTILINE)


def refuse(data: bytes, file: str, *, step: str, hint: str) -> None:
    """Raise RequestError when a file holds conflict markers, before a parser says something less plain of it."""
    if _MARKER.search(data):
        raise RequestError(step, file, "holds the conflict markers of a merge", hint)
