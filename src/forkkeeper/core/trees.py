"""Git's tree objects as values: change some paths of a tree, compare two trees, with no index and no process.

Format: per entry the mode in octal without leading zeros, a blank, the name, a NUL, the 20 raw bytes of the id; ordered
by name, a folder as if its name ended in "/" (git's fsck calls anything else `treeNotSorted`).
"""

import re
from collections.abc import Callable, ItemsView, Iterable, Iterator, Mapping, Sequence, ValuesView
from functools import cache
from typing import NamedTuple, Protocol

from forkkeeper.core.ids import ObjectId, TreeId
from forkkeeper.core.store import Change, Entries, Entry

FOLDER = "40000"


class Objects(Protocol):
    """Where tree objects are read and written."""

    def items(self, tree: TreeId) -> Mapping[bytes, "Item"]:
        """Give what one tree object names; the empty tree names nothing."""

    def put_items(self, items: Mapping[bytes, "Item"]) -> TreeId:
        """Write a tree object."""

    def compared(self, old: str | None, new: str | None, above: str) -> "Differing":
        """Give what `compared` says of two tree objects (None: nothing is there); each pair is compared once."""


class Paths(Mapping[str, Entry]):
    """Every path of a tree: one is looked up folder by folder, all are read at once when all are asked for.

    So what a queue touches of a tree of 100,000 files is had without the others.
    """

    __slots__ = ("_every", "_objects", "_read", "_tree")

    def __init__(self, objects: Objects, tree: TreeId, read: Callable[[], Entries]) -> None:
        """Stand for a tree. read -- gives all its paths."""
        self._objects, self._tree = objects, tree
        self._read = read
        self._every: Entries | None = None

    def __getitem__(self, path: str) -> Entry:
        found = find(self._objects, self._tree, path) if self._every is None else self._every.get(path)
        if found is None:
            raise KeyError(path)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())

    def items(self) -> ItemsView[str, Entry]:
        """Give paths and what they name."""
        return self._all().items()

    def values(self) -> ValuesView[Entry]:
        """Give what the paths name."""
        return self._all().values()

    def _all(self) -> Entries:
        if self._every is None:
            self._every = self._read()
        return self._every


def find(objects: Objects, tree: TreeId, path: str) -> Entry | None:
    """Give what a tree has at a path: a file, a link or a submodule; None where there is a folder or nothing."""
    return _entry(_item(objects, tree, path))


def is_folder(objects: Objects, tree: TreeId, path: str) -> bool:
    """Whether a tree has a folder at a path."""
    item = _item(objects, tree, path)
    return item is not None and item.is_folder


def _item(objects: Objects, tree: str, path: str) -> "Item | None":
    *above, name = path.encode("utf-8", "surrogateescape").split(b"/")
    for part in above:
        item = objects.items(TreeId(tree)).get(part)
        if item is None or not item.is_folder:
            return None
        tree = item.oid
    return objects.items(TreeId(tree)).get(name)


class Item(NamedTuple):
    """One name in one tree object, of which a carry makes many. mode -- as git spells it now; oid -- 40 hex digits."""

    mode: str
    oid: str

    @property
    def is_folder(self) -> bool:
        """Whether it names another tree."""
        return self.mode == FOLDER


def parse(data: bytes) -> dict[bytes, Item]:
    """Read a tree object, in its own order. Raises ValueError for what is none."""
    found = _ENTRY.findall(data)
    if found and found[-1][3]:
        raise ValueError("not a tree object")
    return {name: Item(_canonical(mode), oid.hex()) for mode, name, oid, _ in found}


# Where no entry begins all that is left is taken at once, so that nothing is looked at again from each byte of it.
_ENTRY = re.compile(rb"([0-7]{1,8}) ([^\0]+)\0(.{20})|(.+)", re.DOTALL)


@cache
def _canonical(spelled: bytes) -> str:
    """Spell a mode as git does when it writes a tree anew; old tools wrote `040000` and `100664`."""
    mode = int(spelled, 8)
    kind = mode & 0o170000
    if kind == 0o100000:
        return "100755" if mode & 0o100 else "100644"
    return {0o120000: "120000", 0o040000: FOLDER}.get(kind, "160000")


def format_tree(items: Mapping[bytes, Item]) -> bytes:
    """Write a tree object."""
    ordered = sorted((name + b"/" if mode == FOLDER else name, name, mode, oid) for name, (mode, oid) in items.items())
    parts: list[bytes] = []
    for _, name, mode, oid in ordered:  # by far the most of what composing costs: hence no call that can be spared
        parts += (_spelled(mode), name, b"\0", bytes.fromhex(oid))
    return b"".join(parts)


@cache
def _spelled(mode: str) -> bytes:
    return mode.encode() + b" "


def graft(objects: Objects, tree: TreeId, entries: Mapping[str, Entry | None]) -> TreeId:
    """Give the tree with these paths replaced (None: removed); folders that this empties are gone.

    A file takes the place of a folder of its name, and the reverse, as `git update-index --replace` does.
    """
    changes = {path.encode("utf-8", "surrogateescape"): entry for path, entry in entries.items()}
    return TreeId(_graft(objects, tree, changes) or objects.put_items({}))


def _graft(objects: Objects, tree: TreeId | None, changes: Mapping[bytes, Entry | None]) -> str | None:
    """Give the changed tree's id; None for one that has become empty."""
    items = dict(objects.items(tree)) if tree is not None else {}
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
    return objects.put_items(items) if items else None


def some(objects: Objects, tree: TreeId, paths: Iterable[str]) -> dict[str, Entry]:
    """Give what a tree has at these paths, below them, and as a file or link in place of a folder above them."""
    return dict(_some(objects, tree, [path.encode("utf-8", "surrogateescape") for path in paths], ""))


def _some(objects: Objects, tree: str, paths: Sequence[bytes], above: str) -> Iterator[tuple[str, Entry]]:
    items = objects.items(TreeId(tree))
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
    return tuple(sorted(_changes(objects, old, new, ""), key=_path))


def _changes(objects: Objects, old: str | None, new: str | None, above: str) -> Iterator[Change]:
    if old == new:
        return
    differing = objects.compared(old, new, above)
    yield from differing.files
    for one, other, path in differing.folders:
        yield from _changes(objects, one, other, path)


class Differing(NamedTuple):
    """What differs right in one folder. folders -- the trees before and after, and their path with a `/` behind it."""

    files: tuple[Change, ...]
    folders: tuple[tuple[str | None, str | None, str], ...]


def compared(objects: Objects, old: str | None, new: str | None, above: str) -> Differing:
    """Compare two tree objects, not those below them. above -- the folder's path with a `/` behind it, "" for none."""
    before, after = (objects.items(TreeId(tree)) if tree is not None else {} for tree in (old, new))
    files: list[Change] = []
    folders: list[tuple[str | None, str | None, str]] = []
    for name in before.keys() | after.keys():
        one, other = before.get(name), after.get(name)
        if one == other:
            continue
        path = above + name.decode("utf-8", "surrogateescape")
        inner = [item.oid if item is not None and item.is_folder else None for item in (one, other)]
        if any(inner):
            folders.append((inner[0], inner[1], f"{path}/"))
        was, now = _entry(one), _entry(other)
        if was != now:
            files.append(Change(path, was, now))
    return Differing(tuple(sorted(files, key=_path)), tuple(sorted(folders, key=_place)))


def _path(change: Change) -> str:
    return change.path


def _place(folder: tuple[str | None, str | None, str]) -> str:
    return folder[2]


def _entry(item: Item | None) -> Entry | None:
    return Entry(item.mode, ObjectId(item.oid)) if item is not None and not item.is_folder else None
