"""The manifest of a vendored directory: every path with its blob and whose it is, and what the whole was made of.

It stands beside the directory, so that the directory's own tree is the composed tree and nothing else. One line per
path, ordered: a file that changes is a line that changes. Schema 1.
"""

import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from forkkeeper.core import markers
from forkkeeper.core.compose import Composed
from forkkeeper.core.hunks import unquote
from forkkeeper.core.ids import CommitId, ObjectId, TreeId
from forkkeeper.core.paths import fault
from forkkeeper.core.store import Change, Entries, Entry
from forkkeeper.errors import RequestError

SUFFIX = ".manifest"
UPSTREAM, OVERLAY = "upstream", "overlay"
_SCHEMA = "1"
_ABOUT = (
    "# What forkkeeper put into the directory beside this file, and whose each file is. Not for editing; commit it.\n"
)
_HEAD = re.compile(r"(schema|tree|pin|queue): (\S+)")
_ROW = re.compile(r"(100644|100755|120000|160000) ([0-9a-f]{40}) (\S+)\t(.+)")


@dataclass(frozen=True, slots=True)
class Held:
    """One path: git's mode and object, and its owners in the order in which they had it.

    owners -- "upstream", "overlay", and names of patches
    """

    mode: str
    oid: ObjectId
    owners: tuple[str, ...]

    @property
    def entry(self) -> Entry:
        """What a tree has there."""
        return Entry(self.mode, self.oid)

    @property
    def owner(self) -> str:
        """The owners, for tables."""
        return ", ".join(name.removesuffix(".patch") for name in self.owners)


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a vendored directory holds.

    tree -- the tree of all paths; queue -- the digest of the queue that it was made of
    """

    tree: TreeId
    pin: CommitId
    queue: str
    paths: Mapping[str, Held]

    @property
    def entries(self) -> Entries:
        """Every path, as a tree has it."""
        return {path: held.entry for path, held in self.paths.items()}


def of(made: Composed, entries: Entries, overlay: Iterable[str], pin: CommitId, queue: str) -> Manifest:
    """Make the manifest of a composed fork. entries -- those of its tree; queue -- the digest of the queue."""
    steps = [(step.patch.name, step.changes) for step in made.steps]
    owners = owners_of(made.baseline.entries, steps, overlay)
    return Manifest(made.tree, pin, queue, {p: Held(e.mode, e.oid, owners[p]) for p, e in sorted(entries.items())})


def owners_of(
    baseline: Iterable[str], steps: Sequence[tuple[str, Sequence[Change]]], overlay: Iterable[str]
) -> dict[str, tuple[str, ...]]:
    """Say whose each path is. steps -- each patch with what it changes, in order."""
    found: dict[str, tuple[str, ...]] = dict.fromkeys(baseline, (UPSTREAM,))
    for name, changes in steps:
        for change in changes:
            if change.new is None:
                found.pop(change.path, None)
            else:
                before = found.get(change.path, ()) if change.old is not None else ()
                found[change.path] = (*before, name)
    return found | dict.fromkeys(overlay, (OVERLAY,))


def write(manifest: Manifest) -> bytes:
    """Give the file's bytes; the same fork gives the same ones."""
    head = f"{_ABOUT}schema: {_SCHEMA}\ntree: {manifest.tree}\npin: {manifest.pin}\nqueue: {manifest.queue}\n\n"
    rows = (
        f"{held.mode} {held.oid} {','.join(held.owners)}\t{quoted(path)}\n"
        for path, held in sorted(manifest.paths.items())
    )
    return (head + "".join(rows)).encode("utf-8", "surrogateescape")


def read(data: bytes, shown: str) -> Manifest:
    """Read a manifest. shown -- its name in messages. Raises RequestError where it is damaged."""
    markers.refuse(
        data, shown, step="read", hint=f"`git checkout --ours {shlex.quote(shown)}`, then `forkkeeper materialise`"
    )
    hint = f"`git restore {shlex.quote(shown)}`, or move it away and `forkkeeper materialise`"
    head: dict[str, str] = {}
    paths: dict[str, Held] = {}
    for number, line in enumerate(data.decode("utf-8", "surrogateescape").split("\n"), start=1):
        if found := _ROW.fullmatch(line):
            path = unquote(found[4])
            if wrong := fault(path):
                raise RequestError("read", shown, f"line {number}: path {path!r} {wrong}", hint)
            paths[path] = Held(found[1], ObjectId(found[2]), tuple(found[3].split(",")))
        elif known := _HEAD.fullmatch(line):
            head[known[1]] = known[2]
        elif line and not line.startswith("#"):
            raise RequestError("read", shown, f"line {number} is damaged", hint)
    if missing := [name for name in ("schema", "tree", "pin", "queue") if name not in head]:
        raise RequestError("read", shown, f"has no line `{missing[0]}: …`", hint)
    if head["schema"] != _SCHEMA:
        found_schema = f"schema is {head['schema']}; this forkkeeper reads {_SCHEMA}"
        raise RequestError("read", shown, found_schema, "upgrade forkkeeper")
    return Manifest(TreeId(head["tree"]), CommitId(head["pin"]), head["queue"], paths)


def quoted(path: str) -> str:
    r"""Write a path as git does where it holds what a line cannot.

    >>> quoted("src/a b.c"), quoted('a"b'), quoted("a\nb")
    ('src/a b.c', '"a\\"b"', '"a\\012b"')
    """
    if path.isprintable() and not re.search(r'["\\]', path):
        return path
    raw = path.encode("utf-8", "surrogateescape")
    escaped = (
        chr(byte)
        if 0x20 <= byte < 0x7F and byte not in b'"\\'
        else f"\\{chr(byte)}"
        if byte in b'"\\'
        else f"\\{byte:03o}"
        for byte in raw
    )
    return f'"{"".join(escaped)}"'


# what stands in the directory against what should ------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Edit:
    """A path that is not as forkkeeper wrote it.

    what -- "edited", "mode", "added" or "removed"
    was, now -- None where there is nothing
    owner -- whose the file is; empty for an added one
    """

    path: str
    what: str
    was: Entry | None
    now: Entry | None
    owner: str


def edits(manifest: Manifest, standing: Entries) -> tuple[Edit, ...]:
    """Compare a directory with its manifest, ordered by path. A submodule of upstream's is not on disk."""
    found = []
    for path in sorted({*manifest.paths, *standing}):
        held, now = manifest.paths.get(path), standing.get(path)
        was = held.entry if held is not None else None
        if was == now or (was is not None and was.mode == "160000" and now is None):
            continue
        found.append(Edit(path, _what(was, now), was, now, held.owner if held is not None else ""))
    return tuple(found)


def _what(was: Entry | None, now: Entry | None) -> str:
    if was is None or now is None:
        return "added" if was is None else "removed"
    return "mode" if was.oid == now.oid else "edited"
