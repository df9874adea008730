"""TOML and JSON out of bytes that anybody may have written: sound values or ValueError, in a time that grows with them.

What the libraries do beside that is settled here, once: they raise RecursionError for what is nested too deep, a number
of thousands of digits is no error of theirs, and tomllib takes a time that grows with the square of a key's parts.
"""

import json as _json
import re
import tomllib
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")
_PARTS = 100  # of a dotted key; nobody writes four
_ENDLESS = re.compile(rf"(?<![\w.-])(?:(?:[\w-]++|\"[^\"\n]*+\"|'[^'\n]*+')[ \t]*+\.[ \t]*+){{{_PARTS}}}")
DEEP = "is nested too deep"


def toml(data: bytes) -> dict[str, Any]:
    """Read TOML. Raises ValueError saying what is wrong, and where as far as that is known."""
    text = data.decode("utf-8")
    if found := _ENDLESS.search(text):
        raise ValueError(f"a key of {_PARTS} parts or more (at line {text.count(chr(10), 0, found.start()) + 1})")
    try:
        return tomllib.loads(text)
    except RecursionError as error:
        raise ValueError(DEEP) from error


def json(data: bytes) -> object:
    """Read JSON of any form, whose texts can be written again. Raises ValueError saying what is wrong."""
    try:
        found: object = _json.loads(data.decode("utf-8"))
        if b"\\u" in data:
            _json.dumps(found, ensure_ascii=False).encode("utf-8")  # half a surrogate pair can stand nowhere else
    except RecursionError as error:
        raise ValueError(DEEP) from error
    return found


def struct(data: bytes | str, form: type[T]) -> T:
    """Read JSON of a known form. Raises ValueError saying what is wrong, and in which field."""
    try:
        return msgspec.json.decode(data, type=form)
    except RecursionError as error:
        raise ValueError(DEEP) from error
