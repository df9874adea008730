"""Git's tree objects as values: change some paths of a tree, compare two trees, with no index and no process.

Format: per entry the mode in octal without leading zeros, a blank, the name, a NUL, the 20 raw bytes of the id; ordered
by name, a folder as if its name ended in "/" (git's fsck calls anything else `treeNotSorted`).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from forkkeeper.core.ids import ObjectId, TreeId
from forkkeeper.core.store import Change, Entry

FOLDER = "40000"


class Objects(Protocol):
    """Where tree objects are read and written."""

    def tree(self, tree: TreeId) -> bytes:
        """Give a tree object's bytes; those of the empty tree are empty."""

    def put_tree(self, data: bytes) -> TreeId:
        """Write a tree object."""


@dataclass(frozen=True, slots=True)
class Item:
    """One name in one tree object. mode -- as the object spells it; oid -- 40 hex digits."""

    mode: str
    oid: str

    @property
    def is_folder(self) -> bool:
        """Whether it names another tree."""
        return self.mode == FOLDER


def parse(data: bytes) -> dict[bytes, Item]:
    """Read a tree object, in its own order."""
    items: dict[bytes, Item] = {}
    at = 0
    while at < len(data):
        blank, end = data.index(b" ", at), data.index(b"\0", at)
        items[data[blank + 1 : end]] = Item(_canonical(int(data[at:blank], 8)), data[end + 1 : end + 21].hex())
        at = end + 21
    return items


def _canonical(mode: int) -> str:
    """Spell a mode as git does when it writes a tree anew; old tools wrote `040000` and `100664`."""
    kind = mode & 0o170000
    if kind == 0o100000:
        return "100755" if mode & 0o100 else "100644"
    return {0o120000: "120000", 0o040000: FOLDER}.get(kind, "160000")


def format_tree(items: Mapping[bytes, Item]) -> bytes:
    """Write a tree object."""
    names = sorted(items, key=lambda name: name + b"/" if items[name].is_folder else name)
    return b"".join(items[name].mode.encode() + b" " + name + b"\0" + bytes.fromhex(items[name].oid) for name in names)


def graft(objects: Objects, tree: TreeId, entries: Mapping[str, Entry | None]) -> TreeId:
    """Give the tree with these paths replaced (None: removed); folders that this empties are gone.

    A file takes the place of a folder of its name, and the reverse, as `git update-index --replace` does.
    """
    changes = {path.encode("utf-8", "surrogateescape"): entry for path, entry in entries.items()}
    return TreeId(_graft(objects, tree, changes) or objects.put_tree(b""))


def _graft(objects: Objects, tree: TreeId | None, changes: Mapping[bytes, Entry | None]) -> str | None:
    """Give the changed tree's id; None for one that has become empty."""
    items = parse(objects.tree(tree)) if tree is not None else {}
    below: dict[bytes, dict[bytes, Entry | None]] = {}
    here: dict[bytes, Entry] = {}
    for path, entry in changes.items():
        name, slash, rest = path.partition(b"/")
        if slash:
            below.setdefault(name, {})[rest] = entry
        elif entry is not None:
            here[name] = entry
        elif name in items and not items[name].is_folder:
            del items[name]
    for name, inner in below.items():
        item = items.get(name)
        if item is not None and not item.is_folder and all(entry is None for entry in inner.values()):
            continue  # nothing of that folder is there to be removed
        made = _graft(objects, TreeId(item.oid) if item is not None and item.is_folder else None, inner)
        items.pop(name, None)
        if made is not None:
            items[name] = Item(FOLDER, made)
    items.update({name: Item(entry.mode, entry.oid) for name, entry in here.items()})
    return objects.put_tree(format_tree(items)) if items else None


def some(objects: Objects, tree: TreeId, paths: Iterable[str]) -> dict[str, Entry]:
    """Give what a tree has at these paths, below them, and as a file or link in place of a folder above them."""
    return dict(_some(objects, tree, [path.encode("utf-8", "surrogateescape") for path in paths], ""))


def _some(objects: Objects, tree: str, paths: Sequence[bytes], above: str) -> Iterator[tuple[str, Entry]]:
    items = parse(objects.tree(TreeId(tree)))
    below: dict[bytes, list[bytes]] = {}
    whole: dict[bytes, None] = {}
    for path in paths:
        name, slash, rest = path.partition(b"/")
        if slash and rest:
            below.setdefault(name, []).append(rest)
        elif name:
            whole[name] = None
        else:  # all that is here
            whole |= dict.fromkeys(items)
    for name in {**whole, **below}:
        item = items.get(name)
        stands = above + name.decode("utf-8", "surrogateescape")
        if item is not None and item.is_folder:
            yield from _some(objects, item.oid, [b""] if name in whole else below[name], f"{stands}/")
        elif item is not None:
            yield stands, Entry(item.mode, ObjectId(item.oid))


def changes(objects: Objects, old: TreeId, new: TreeId) -> tuple[Change, ...]:
    """Give the paths that differ, ordered by path; a rename is a removal and an addition."""
    return tuple(sorted(_changes(objects, old, new, ""), key=lambda change: change.path))


def _changes(objects: Objects, old: str | None, new: str | None, above: str) -> Iterator[Change]:
    if old == new:
        return
    before, after = (parse(objects.tree(TreeId(tree))) if tree is not None else {} for tree in (old, new))
    for name in sorted(before.keys() | after.keys()):
        one, other = before.get(name), after.get(name)
        if one == other:
            continue
        path = above + name.decode("utf-8", "surrogateescape")
        folders = [item.oid if item is not None and item.is_folder else None for item in (one, other)]
        if any(folders):
            yield from _changes(objects, folders[0], folders[1], f"{path}/")
        was, now = _entry(one), _entry(other)
        if was != now:
            yield Change(path, was, now)


def _entry(item: Item | None) -> Entry | None:
    return Entry(item.mode, ObjectId(item.oid)) if item is not None and not item.is_folder else None
