"""What git says of a merge that it could not finish: which paths, which kind of conflict, which lines."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from forkkeeper.core.store import Conflict

# What `git merge-tree -z --messages` calls the kinds (git-scm.com/docs/git-merge-tree), in words for our two sides:
# "ours" is upstream with the patches before, "theirs" is the patch.
_KINDS = {
    "contents": "upstream and the patch changed the same lines of {path}",
    "add/add": "upstream added {path} too, with other content",
    "binary": "upstream and the patch both changed {path}, which is binary",
    "file/directory": "upstream has a folder where the patch has a file, or the reverse: {path}",
    "distinct modes": "upstream and the patch made {path} into different kinds of file",
    "submodule": "upstream and the patch moved the submodule {path}",
    "rename/rename": "upstream and the patch renamed {path} differently",
    "file location": "upstream moved the folder that the patch puts {path} into",
    "directory rename suggested": "upstream moved the folder that the patch puts {path} into",
    "rename/delete": "{path} was renamed on one side and removed on the other",
    "rename involved in collision": "one side renamed a file to {path}, which the other adds; both changed it",
    "directory rename unclear split": "upstream moved {path} to several folders, and the patch puts a file there",
    "directory rename collision": "upstream moved folders into one, in which files of the patch get one name: {path}",
    "file in way of directory rename": "upstream moved the folder that the patch puts a file into, and has {path}",
}

_COUNT = re.compile(r"[0-9]{1,9}")  # a number of paths


@dataclass(frozen=True, slots=True)
class Said:
    """One message of merge-tree: its kind, e.g. "contents", the paths it is about, and git's own words."""

    kind: str
    paths: tuple[str, ...]
    message: str


def parse_messages(fields: Sequence[str]) -> Iterator[Said]:
    """Read the messages: per message a number of paths, the paths, the kind, the text. Only conflicts are given."""
    at = 0
    while at < len(fields) and _COUNT.fullmatch(fields[at]):
        count = int(fields[at])
        if at + count + 2 >= len(fields):
            return  # cut off
        paths, kind, message = fields[at + 1 : at + 1 + count], fields[at + count + 1], fields[at + count + 2]
        if kind.startswith("CONFLICT"):
            said = kind.removeprefix("CONFLICT").strip(" ()")  # git writes some kinds without the blank
            yield Said("submodule" if said.startswith("submodule") else said, tuple(paths), message.strip())
        at += count + 3


def nested(said: Sequence[Said]) -> frozenset[str]:
    """Give the paths of which a side is itself the outcome of a merge that stopped, markers and all."""
    return frozenset(path for one in said if one.kind == "rename involved in collision" for path in one.paths)


def explain(said: Sequence[Said], stages: Mapping[str, set[int]]) -> str:
    """Say in plain words why a merge stopped.

    stages -- per path, which of base (1), upstream's side (2) and the patch's side (3) have it
    """
    modules = {path for one in said if one.kind == "submodule" for path in one.paths}
    found = [_explain(one, stages) for one in said if one.kind != "contents" or modules.isdisjoint(one.paths)]
    return "; ".join(dict.fromkeys(found)) or "git cannot merge it"


def _explain(said: Said, stages: Mapping[str, set[int]]) -> str:
    path = said.paths[0] if said.paths else "a file"
    if said.kind == "modify/delete":
        if 2 in stages.get(path, set()):
            return f"the patch removes {path}, which upstream changed"
        return f"upstream removed {path}, which the patch changes"
    words = _KINDS.get(said.kind)
    return words.format(path=path) if words else f"{said.kind}: {', '.join(said.paths)}"


def of_file(path: str, kind: str) -> str:
    """Say in plain words why the merge of one file, which all sides have, stopped."""
    return _explain(Said(kind, (path,), ""), {path: {1, 2, 3}})


def places(path: str, data: bytes) -> Iterator[Conflict]:
    """Find the conflicts in a file with markers in git's zdiff3 style; lines are counted as in our side's file.

    Nothing in a file that is no text.
    """
    if b"\0" in data:
        return
    text = data.decode("utf-8", "replace")
    sides: dict[str, list[str]] = {}
    side, line, began = "", 0, 0
    for row in text.split("\n"):
        marker = row[:7]
        if marker == "<<<<<<<" and not side:
            side, sides, began = "ours", {"ours": [], "base": [], "theirs": []}, line + 1
        elif marker == "|||||||" and side == "ours":
            side = "base"
        elif row == "=======" and side in ("ours", "base"):
            side = "theirs"
        elif marker == ">>>>>>>" and side == "theirs":
            yield Conflict(path, began, tuple(sides["base"]), tuple(sides["ours"]), tuple(sides["theirs"]))
            side = ""
        elif side:
            sides[side].append(row.rstrip("\r"))
            line += side == "ours"
        else:
            line += 1
