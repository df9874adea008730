"""The throw-away repository in which trees are merged and composed."""

import hashlib
import os
import re
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from forkkeeper.core import conflicts, hunks, trees
from forkkeeper.core.conflicts import Said
from forkkeeper.core.ids import EMPTY_TREE, CommitId, ObjectId, TreeId
from forkkeeper.core.lines import Edit
from forkkeeper.core.store import (
    REGULAR,
    SUBMODULE,
    Change,
    Contest,
    Entries,
    Entry,
    Marked,
    Refused,
    Sides,
    Stat,
    Written,
)
from forkkeeper.core.trees import Differing, Item
from forkkeeper.errors import OutsideError
from forkkeeper.shell.git import packing
from forkkeeper.shell.git.door import PARTIAL, SEALED, SEALED_CONFIG, Door, config, decode
from forkkeeper.shell.git.quarantine import Quarantine

_CANONICAL = (
    "--no-color",
    "--no-ext-diff",
    "--no-textconv",
    "--full-index",
    "--binary",
    "--no-renames",
    "--unified=3",
    "--inter-hunk-context=0",
    "--diff-algorithm=myers",
    "--indent-heuristic",
    "--src-prefix=a/",
    "--dst-prefix=b/",
    "--submodule=short",
    "--ignore-submodules=none",
)
_LIKE_MERGES = (
    "--diff-algorithm=histogram",
    "--no-indent-heuristic",  # a merge does not slide its edits to where they read best
    "--inter-hunk-context=0",
    "--src-prefix=a/",
    "--dst-prefix=b/",
)
_THROW_AWAY = b"author forkkeeper <forkkeeper@invalid> 0 +0000\ncommitter forkkeeper <forkkeeper@invalid> 0 +0000\n\n"


AFTER = 3  # lines after a use of a name that are given along
MOST_USAGES = 5  # of a file
PACKED = 16  # objects from which on a pack costs less than a file for each
BLOBS = 64 * 1024 * 1024  # bytes of blobs that are kept in memory


class Scratch:
    """A throw-away bare repository: where trees are merged and composed. Implements `core.store.Store`.

    It borrows the objects of the repositories it is given, and its own go into a quarantine that vanishes with it,
    or into a folder that the caller names. Nothing of the lenders changes.
    """

    def __init__(self, lenders: Sequence[Path], *, objects: Path | None = None) -> None:
        """Open it.

        lenders -- git object directories to read from
        objects -- the git object directory to write to, instead of the quarantine
        """
        self._folder = Quarantine()
        root = self._folder.path
        for name in ("objects", "refs"):
            (root / name).mkdir()
        (root / "HEAD").write_text("ref: refs/heads/none\n")
        (root / "config").write_text("[core]\n\trepositoryformatversion = 0\n\tbare = true\n")
        self._pending: dict[str, tuple[str, bytes]] = {}
        self._written: set[str] = set()
        self._is_kept = objects is not None
        self.objects = (objects or root / "objects").absolute()
        self.objects.mkdir(parents=True, exist_ok=True)
        self.lenders = tuple(path.absolute() for path in lenders)
        self._door = Door(root, self.environment() | SEALED | config(SEALED_CONFIG))
        self._index = {"GIT_INDEX_FILE": str(root / "index")}
        self._index_holds: TreeId | None = None
        self._files: dict[Sides, ObjectId | Marked] = {}
        self._aligned: dict[tuple[ObjectId, ObjectId], tuple[Edit, ...]] = {}
        self._items: dict[TreeId, Mapping[bytes, Item]] = {}
        self._compared: dict[tuple[str | None, str | None, str], Differing] = {}
        self._blobs: dict[ObjectId, bytes] = {}
        self._room = BLOBS
        self._commits: dict[tuple[TreeId, tuple[CommitId, ...]], CommitId] = {}
        self._merges: dict[tuple[TreeId, TreeId, TreeId], Written | Refused] = {}

    def environment(self) -> dict[str, str]:
        """Give the variables with which any git finds this repository and its objects."""
        self._flush()
        return {
            "GIT_DIR": str(self._folder.path),
            "GIT_OBJECT_DIRECTORY": str(self.objects),
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": os.pathsep.join(_quoted(str(path)) for path in self.lenders),
        }

    def flush(self) -> None:
        """Write to disk what was taken in, so that another git finds it."""
        self._flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            if self._is_kept:
                self._flush()
        finally:
            self._door.close()
            self._folder.close()

    # objects ----------------------------------------------------------------------------------------------------

    def blob(self, oid: ObjectId) -> bytes:
        """Give a blob's bytes. A carry asks for the same ones several times: so many bytes of them are kept."""
        if oid in self._blobs:
            return self._blobs[oid]
        data = self._object(oid)
        if len(data) <= self._room:
            self._room -= len(data)
            self._blobs[oid] = data
        return data

    def put(self, data: bytes) -> ObjectId:
        """Write a blob."""
        return ObjectId(self._write("blob", data))

    def tree_of(self, commit: CommitId) -> TreeId:
        """Give the tree of a commit that a lender holds."""
        return TreeId(self._git.line("rev-parse", "--verify", f"{commit}^{{tree}}"))

    def commit(self, tree: TreeId, parents: Sequence[CommitId] = ()) -> CommitId:
        """Wrap a tree in a throw-away commit; the same tree and parents give the same commit."""
        wanted = (tree, tuple(parents))
        if wanted not in self._commits:
            lines = [f"tree {tree}\n", *(f"parent {parent}\n" for parent in parents)]
            self._commits[wanted] = CommitId(self._write("commit", "".join(lines).encode() + _THROW_AWAY))
        return self._commits[wanted]

    def _write(self, kind: str, data: bytes) -> str:
        """Take an object in; it is written to disk when a process of git's may ask for it."""
        oid = hashlib.sha1(b"%s %d\0%s" % (kind.encode(), len(data), data), usedforsecurity=False).hexdigest()
        if oid not in self._written:
            self._pending[oid] = (kind, data)
            self._written.add(oid)
        return oid

    def _flush(self) -> None:
        """Write what was taken in: many objects as one pack, a few as a file each, lest packs become many."""
        if len(self._pending) >= PACKED:
            made = packing.pack(self._pending)
            folder = self.objects / "pack"
            folder.mkdir(exist_ok=True)
            _put(folder / f"pack-{made.name}.pack", made.data)
            _put(folder / f"pack-{made.name}.idx", made.index)  # last: it is by this that git finds the pack
        else:
            for oid, (kind, data) in self._pending.items():
                place = self.objects / oid[:2] / oid[2:]
                place.parent.mkdir(exist_ok=True)
                _put(place, zlib.compress(b"%s %d\0%s" % (kind.encode(), len(data), data), zlib.Z_BEST_SPEED))
        self._pending.clear()

    @property
    def _git(self) -> Door:
        """Git, which finds every object that was taken in."""
        if self._pending:
            self._flush()
        return self._door

    def _object(self, oid: str) -> bytes:
        """Read an object that may not be on disk yet."""
        return self._pending[oid][1] if oid in self._pending else self._door.object_bytes(oid)[1]

    # trees ------------------------------------------------------------------------------------------------------

    def paths(self, tree: TreeId) -> Entries:
        """Give every path of a tree, read as they are asked for; only as long as this is open."""
        return trees.Paths(self, tree, lambda: self.entries(tree))

    def entries(self, tree: TreeId) -> dict[str, Entry]:
        """Give every path of a tree."""
        if tree == EMPTY_TREE:
            return {}
        found = trees.some(self, tree, [""])  # not by `ls-tree`, which takes a lender's word for what a tree holds
        return {path: found[path] for path in sorted(found, key=lambda path: path.encode("utf-8", "surrogateescape"))}

    def is_folder(self, tree: TreeId, path: str) -> bool:
        """Whether a tree has a folder at a path."""
        return trees.is_folder(self, tree, path)

    def some(self, tree: TreeId, paths: Iterable[str]) -> dict[str, Entry]:
        """Give what a tree has at these paths, below them, and as a file or link in place of a folder above them."""
        return trees.some(self, tree, paths)

    def changes(self, old: TreeId, new: TreeId) -> tuple[Change, ...]:
        """Give the paths that differ, ordered by path."""
        return trees.changes(self, old, new)

    def graft(self, tree: TreeId, entries: Mapping[str, Entry | None]) -> TreeId:
        """Give the tree with these paths replaced (None: removed)."""
        return trees.graft(self, tree, entries) if entries else tree

    def items(self, tree: TreeId) -> Mapping[bytes, Item]:
        """Give what one tree object names; each is read once. Raises OutsideError for a damaged one."""
        if tree not in self._items:
            try:
                self._items[tree] = {} if tree == EMPTY_TREE else trees.parse(self._object(tree))
            except ValueError as error:
                hint = "name another [[upstream.source]] in fork.toml, or another commit"
                raise OutsideError("read", tree, f"{error}: git could not have made it", hint) from error
        return self._items[tree]

    def compared(self, old: str | None, new: str | None, above: str) -> Differing:
        """Compare two tree objects, not those below; a carry compares almost the same trees for each patch."""
        asked = (old, new, above)
        if asked not in self._compared:
            self._compared[asked] = trees.compared(self, old, new, above)
        return self._compared[asked]

    def put_items(self, items: Mapping[bytes, Item]) -> TreeId:
        """Write a tree object."""
        tree = TreeId(self._write("tree", trees.format_tree(items)))
        self._items.setdefault(tree, items)
        return tree

    def _read_tree(self, tree: TreeId) -> None:
        if self._index_holds != tree:
            self._index_holds = None
            self._git.get("read-tree", tree, env=self._index)
            self._index_holds = tree

    def _write_tree(self) -> TreeId:
        self._index_holds = TreeId(self._git.line("write-tree", env=self._index))
        return self._index_holds

    # patches ----------------------------------------------------------------------------------------------------

    def apply(self, tree: TreeId, patch: bytes) -> Written | Refused:
        """Apply a diff at its own lines or at an offset, never with fuzz."""
        self._read_tree(tree)
        answer = self._git.ask("apply", "--cached", "--whitespace=nowarn", "-", stdin=patch, env=self._index)
        if answer.code == 0:
            self._index_holds = None
            return Written(self._write_tree())
        if "failed to read" in answer.err or "unable to read" in answer.err:
            raise OutsideError(
                "apply",
                "git objects",
                f"an object is missing: {answer.err.strip()[:200]}",
                PARTIAL,
            )
        lines = [line.removeprefix("error: ") for line in answer.err.splitlines() if line.startswith("error: ")]
        paths = {m[1] for line in lines if (m := re.match(r"patch failed: (.*):\d+$", line))}
        why = next((line for line in lines if not line.startswith("patch failed")), answer.err.strip())
        return Refused(tuple(sorted(paths)), why)

    def undoes(self, tree: TreeId, patch: bytes) -> bool:
        """Whether the diff applies in reverse."""
        self._read_tree(tree)
        args = ("apply", "--cached", "--check", "--reverse", "--whitespace=nowarn", "-")
        return self._git.ask(*args, stdin=patch, env=self._index).code == 0

    def merge(self, base: TreeId, ours: TreeId, theirs: TreeId) -> Written | Refused:
        """Merge three ways, following renames; Refused when any path conflicts. The same trees are merged once."""
        if theirs in (base, ours):
            return Written(ours)
        if base == ours:
            return Written(theirs)
        asked = (base, ours, theirs)
        if asked not in self._merges:
            self._merges[asked] = self._merge(base, ours, theirs)
        return self._merges[asked]

    def merge_files(self, sides: Sequence[Sides]) -> tuple[ObjectId | Marked, ...]:
        """Merge files three ways, each by itself, all in one process; the same sides are merged once.

        They are put side by side into three small trees, each file under a name of its own on all three: so git pairs
        none of them with another.
        """
        unknown = [one for one in dict.fromkeys(sides) if one not in self._files]
        if unknown:
            self._files |= zip(unknown, self._merge_files(unknown), strict=True)
        return tuple(self._files[one] for one in sides)

    def _merge_files(self, sides: Sequence[Sides]) -> list[ObjectId | Marked]:
        columns = [[(one.base, one.ours, one.theirs)[side] for one in sides] for side in range(3)]
        base, ours, theirs = (
            self.graft(EMPTY_TREE, {str(number): Entry(REGULAR, oid) for number, oid in enumerate(column)})
            for column in columns
        )
        answer = self._ask_merge(base, ours, theirs)
        kinds = {path: one.kind for one in answer.said for path in one.paths}
        merged = {name.decode(): ObjectId(item.oid) for name, item in self.items(answer.tree).items()}
        names = [str(number) for number in range(len(sides))]
        return [Marked(merged[name], kinds[name]) if name in kinds else merged[name] for name in names]

    def _merge(self, base: TreeId, ours: TreeId, theirs: TreeId) -> Written | Refused:
        answer = self._ask_merge(base, ours, theirs)
        return Written(answer.tree) if answer.is_clean else self._refused(answer)

    def _ask_merge(self, base: TreeId, ours: TreeId, theirs: TreeId) -> "_Answer":
        """Ask git.

        merge-tree's -z form: the tree; `mode id stage TAB path` rows, an empty field, messages. There are conflicts
        without rows, such as a folder that was split: so the exit status counts, not the rows.
        """
        root = self.commit(base)
        sides = [self.commit(tree, (root,)) for tree in (ours, theirs)]
        answer = self._git.ask("merge-tree", "--write-tree", "-z", "--messages", *sides)
        if answer.code not in (0, 1):
            raise OutsideError("merge", "git merge-tree", f"ended with status {answer.code}: {answer.err.strip()}")
        merged, _, rest = answer.out.partition(b"\0")
        if answer.code == 0:
            return _Answer(TreeId(merged.decode()), is_clean=True)
        listed, _, messages = (b"\0" + rest).partition(b"\0\0")
        stages: dict[str, dict[int, Entry]] = {}
        for row in listed.split(b"\0"):
            meta, tab, path = row.partition(b"\t")
            if tab:
                path = re.sub(rb"~[0-9a-f]{40}$", b"", path)  # git's own name for one side of a file/folder clash
                mode, oid, stage = meta.decode().split()
                stages.setdefault(decode(path), {})[int(stage)] = Entry(mode, ObjectId(oid))
        said = list(conflicts.parse_messages([decode(field) for field in messages.split(b"\0")]))
        return _Answer(TreeId(merged.decode()), stages=stages, said=said)

    def _refused(self, answer: "_Answer") -> Refused:
        """Say where and why a merge stopped."""
        stages = answer.stages
        there = self.some(answer.tree, stages)
        both = sorted(path for path, found in stages.items() if set(found) == {1, 2, 3})
        texts = ((path, self.blob(there[path].oid)) for path in both if path in there and there[path].mode != SUBMODULE)
        places = tuple(place for path, text in texts for place in conflicts.places(path, text))
        nested = conflicts.nested(answer.said)
        contests = tuple(
            Contest(path, found.get(1), found.get(2), found.get(3), is_nested=path in nested)
            for path, found in sorted(stages.items())
        )
        why = conflicts.explain(answer.said, {path: set(found) for path, found in stages.items()})
        unplaced = [one for one in answer.said if stages.keys().isdisjoint(one.paths)]
        paths = {*stages, *(path for one in unplaced for path in one.paths)}
        notes = tuple((one.paths[0], conflicts.explain([one], {})) for one in unplaced if one.paths)
        return Refused(tuple(sorted(paths)), why, places, contests, answer.tree, notes)

    def diffs(self, pairs: Sequence[tuple[TreeId, TreeId]]) -> tuple[bytes, ...]:
        """Give the canonical diff of each pair, all from one process.

        Before each diff git repeats the pair on a line of its own; no line of a diff can look so.
        """
        if not pairs:
            return ()
        asked = "".join(f"{old} {new}\n" for old, new in pairs).encode()
        rest = self._git.get("diff-tree", "--stdin", "-r", "-p", *_CANONICAL, stdin=asked)
        found = re.split(rb"(?m)^[0-9a-f]{40} [0-9a-f]{40}\n", rest)
        if len(found) != len(pairs) + 1 or found[0]:
            raise OutsideError("git", "diff-tree", f"gave {len(found) - 1} diffs where {len(pairs)} were asked for")
        return tuple(found[1:])

    def mentions(self, tree: TreeId, names: Sequence[str]) -> frozenset[str]:
        """Give those names that stand as whole words anywhere in a tree's text files."""
        if not names:
            return frozenset()
        answer = self._git.ask(
            "grep", "-h", "-o", "-w", "-E", "-I", "--no-color", "-f", "-", tree, stdin=_any_of(names)
        )
        return frozenset(names) & frozenset(answer.out.decode("utf-8", "replace").split("\n"))

    def usages(self, tree: TreeId, names: Sequence[str]) -> bytes:
        """Give the lines of a tree's text files in which names stand as whole words, each with a few lines after it."""
        if not names:
            return b""
        how = ("-h", "-w", "-E", "-I", "--no-color", "-A", str(AFTER), "--max-count", str(MOST_USAGES))
        return self._git.ask("grep", *how, "-f", "-", tree, stdin=_any_of(names)).out

    def alignments(self, pairs: Sequence[tuple[ObjectId, ObjectId]]) -> tuple[tuple[Edit, ...], ...]:
        """Find how the lines of each pair of blobs differ, as git's merge sees it; the same pair is compared once."""
        unknown = [pair for pair in dict.fromkeys(pairs) if pair not in self._aligned]
        if unknown:
            self._aligned |= zip(unknown, self._align(unknown), strict=True)
        return tuple(self._aligned[pair] for pair in pairs)

    def _align(self, pairs: Sequence[tuple[ObjectId, ObjectId]]) -> list[tuple[Edit, ...]]:
        """Compare blobs, all in one process."""
        asked = [tuple(self.graft(EMPTY_TREE, {"f": Entry(REGULAR, oid)}) for oid in pair) for pair in pairs]
        lines = "".join(f"{old} {new}\n" for old, new in asked).encode()
        how = ("--no-color", "--no-ext-diff", "--no-textconv", "--text", "--unified=0", "--full-index", *_LIKE_MERGES)
        out = self._git.get("diff-tree", "--stdin", "-p", *how, stdin=lines)
        found = re.split(rb"(?m)^[0-9a-f]{40} [0-9a-f]{40}\n", out)
        if len(found) != len(pairs) + 1 or found[0]:
            raise OutsideError("git", "diff-tree", f"gave {len(found) - 1} diffs where {len(pairs)} were asked for")
        return [hunks.edits(hunks.parse(diff)) for diff in found[1:]]

    def line_counts(self, pairs: Sequence[tuple[ObjectId, ObjectId]]) -> tuple[tuple[int, int], ...]:
        """Count the lines added and removed from one blob to another, as few as can be, all in one process.

        A carriage return at a line's end makes no difference.
        """
        if not pairs:
            return ()
        trees = [tuple(self.graft(EMPTY_TREE, {"f": Entry(REGULAR, oid)}) for oid in pair) for pair in pairs]
        asked = "".join(f"{old} {new}\n" for old, new in trees).encode()
        how = ("--numstat", "--minimal", "--ignore-cr-at-eol", "--text", "--no-ext-diff", "--no-textconv")
        out = self._git.get("diff-tree", "--stdin", *how, stdin=asked)
        found = re.split(rb"(?m)^[0-9a-f]{40} [0-9a-f]{40}\n", out)
        if len(found) != len(pairs) + 1 or found[0]:
            raise OutsideError("git", "diff-tree", f"gave {len(found) - 1} counts where {len(pairs)} were asked for")
        return tuple(_count(row) for row in found[1:])

    def stats(self, old: TreeId, new: TreeId, paths: Sequence[str] = ()) -> tuple[Stat, ...]:
        """Count the lines changed per path, ordered by path."""
        out = self._git.get("diff-tree", "-r", "-z", "--numstat", "--no-renames", old, new, "--", *paths)
        found = []
        for row in out.split(b"\0")[:-1]:
            added, removed, path = row.split(b"\t", 2)
            binary = added == b"-"
            found.append(Stat(decode(path), None if binary else int(added), None if binary else int(removed)))
        return tuple(sorted(found, key=lambda stat: stat.path))

    def renames(self, old: TreeId, new: TreeId, alike: int = 50) -> dict[str, str]:
        """Find where files went: path before → path after. alike -- per cent of a file that must be the same."""
        out = self._git.get("diff-tree", "-r", "-z", "--name-status", f"-M{alike}%", "--diff-filter=R", old, new).split(
            b"\0"
        )
        return {decode(a): decode(b) for a, b in zip(out[1::3], out[2::3], strict=False)}


@dataclass(frozen=True, slots=True)
class _Answer:
    """What merge-tree answers: the merged tree, what each side has where it conflicts (by path and stage), messages."""

    tree: TreeId
    is_clean: bool = False
    stages: Mapping[str, Mapping[int, Entry]] = field(default_factory=dict)
    said: Sequence[Said] = ()


def _count(row: bytes) -> tuple[int, int]:
    """Read one row of --numstat; there is none where only carriage returns differ."""
    added, removed, *_ = row.split(b"\t") if row else (b"0", b"0")
    return int(added), int(removed)


def _put(place: Path, data: bytes) -> None:
    """Write a file that is there whole or not at all."""
    beside = place.with_name(f"{place.name}.{os.getpid()}")
    beside.write_bytes(data)
    beside.replace(place)


def _any_of(names: Sequence[str]) -> bytes:
    """Write names as one extended regular expression, for standard input: no command line holds a very long one.

    One expression of alternatives is some hundred times faster in `git grep -w` than as many fixed strings.
    """
    escaped = (re.sub(r"[][\\^$.|?*+(){}]", r"\\\g<0>", name) for name in names)
    return f"({'|'.join(escaped)})\n".encode()


def _quoted(path: str) -> str:
    """Quote a path for GIT_ALTERNATE_OBJECT_DIRECTORIES where it holds the separator."""
    if os.pathsep not in path and not path.startswith('"'):
        return path
    return '"' + path.replace("\\", "\\\\").replace('"', '\\"') + '"'
