"""Git's object ids, one type per kind, so that a function that wants a tree cannot be given a commit."""

import re
from typing import NewType

CommitId = NewType("CommitId", str)
TreeId = NewType("TreeId", str)
ObjectId = NewType("ObjectId", str)  # a tree's entry: a blob, or a submodule's commit

FULL = re.compile(r"[0-9a-f]{40}")
ABBREVIATED = re.compile(r"[0-9a-f]{4,40}")  # git's shortest abbreviation is 4

EMPTY_TREE = TreeId("4b825dc642cb6eb9a060e54bf8d69288fbee4904")  # `git hash-object -t tree /dev/null`


def is_full(text: str) -> bool:
    """Whether the text is a full lower-case SHA-1 id."""
    return FULL.fullmatch(text) is not None


def is_abbreviated(text: str) -> bool:
    """Whether the text can be a full or an abbreviated id."""
    return ABBREVIATED.fullmatch(text) is not None


def short(oid: str) -> str:
    """Give the first 12 digits, unique in any repository of this size."""
    return oid[:12]
