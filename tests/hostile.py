"""What the tests of attacks stand on: a canary that sings when it is run, and a look at everything around a fork."""

import contextlib
import json
import os
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from world import SYMLINK, Fork, Upstream, environment, git, git_bytes, snapshot

from forkkeeper.core.operations import digest

FOLDER = "040000"


@dataclass(frozen=True)
class Canary:
    """A program that leaves a mark when it is run. Attacks name it; nothing may ever run it."""

    place: Path

    @staticmethod
    def hatch(place: Path) -> "Canary":
        """Make one in a folder of its own."""
        place.mkdir()
        canary = Canary(place)
        canary.program.write_text(f"#!/bin/sh\ntouch {shlex.quote(str(canary.mark))}\n")
        canary.program.chmod(0o755)
        return canary

    @property
    def program(self) -> Path:
        """What is named by an attack."""
        return self.place / "canary"

    @property
    def mark(self) -> Path:
        """What it leaves."""
        return self.place / "sang"

    @property
    def sang(self) -> bool:
        """Whether it was run."""
        return self.mark.exists()

    @property
    def python(self) -> str:
        """Give a line of Python that does as it does."""
        return f"open({str(self.mark)!r}, 'w').close()\n"

    def hush(self) -> None:
        """Take its mark away, after plain git was shown to run it."""
        self.mark.unlink()


@contextlib.contextmanager
def unharmed(fork: Fork, canary: Canary) -> Iterator[None]:
    """Hold what is done to it: nothing runs the canary, nothing around the fork or at home changes."""
    before = around(fork)
    yield
    assert not canary.sang, "the canary was run"
    assert around(fork) == before


def around(fork: Fork) -> dict[str, tuple[int, int, bytes]]:
    """Look at everything beside the fork's own folder: its upstream, the canary, the home."""
    beside = [path for path in sorted(fork.root.parent.iterdir()) if path != fork.root]
    found = snapshot(*beside, Path(os.environ["HOME"]))
    return {path: (mode, 0 if Path(path).is_dir() else time, data) for path, (mode, time, data) in found.items()}


def journal(fork: Fork, canary: Canary) -> None:
    """Leave a journal, to be finished by the next verb, that writes a hook."""
    folder = fork.root / ".forkkeeper/journal"
    (folder / "after").mkdir(parents=True)
    (folder / "after/0").write_text(f"#!/bin/sh\n{canary.program}\n")
    files = [{"name": ".github/workflows/evil.yml", "before": None, "after": digest((folder / "after/0").read_bytes())}]
    said = {"schema": 1, "number": 9, "kind": "do", "of": None, "words": ["x"], "time": "2025-01-01T00:00:00Z"}
    (folder / "operation.json").write_text(json.dumps(said | {"files": files}))


def raw_tree(repository: Path, entries: Mapping[str, tuple[str, str]]) -> str:
    """Write a tree object that git itself would refuse to make. entries -- name → (mode, id), as they stand."""
    data = b"".join(
        mode.lstrip("0").encode() + b" " + name.encode("utf-8", "surrogateescape") + b"\0" + bytes.fromhex(oid)
        for name, (mode, oid) in entries.items()
    )
    return git(repository, "hash-object", "-t", "tree", "-w", "--literally", "--stdin", stdin=data)


def entries_of(repository: Path, tree: str) -> dict[str, tuple[str, str]]:
    """Read one tree object: name → (mode, id)."""
    rows = git_bytes(repository, "ls-tree", "-z", tree).split(b"\0")[:-1]
    found = {}
    for row in rows:
        meta, _, name = row.partition(b"\t")
        mode, _, oid = meta.decode().split()
        found[name.decode()] = (mode, oid)
    return found


def blob(repository: Path, data: bytes) -> str:
    """Write a blob."""
    return git(repository, "hash-object", "-w", "--stdin", stdin=data)


def with_entry(upstream: Upstream, name: str, mode: str, oid: str, *, tag: str, twice: bool = False) -> str:
    """Add a commit whose root has an entry that no honest git makes, and tag it. twice -- beside one of its name."""
    repository = upstream.path
    entries = entries_of(repository, "refs/heads/main^{tree}")
    if twice:
        link = (SYMLINK, blob(repository, b"../outside"))
        entries = {**entries, f"{name}\0": link}
    tree = _raw(repository, {**entries, name: (mode, oid)})
    commit = git(repository, "commit-tree", tree, "-p", "refs/heads/main", "-m", f"add {tag}", env=environment())
    git(repository, "update-ref", f"refs/tags/{tag}", commit)
    git(repository, "update-ref", "refs/heads/main", commit)
    return commit


def _raw(repository: Path, entries: Mapping[str, tuple[str, str]]) -> str:
    """Write a tree; a name that ends in NUL stands for one that is there already."""
    ordered = sorted(entries.items(), key=lambda item: item[0].rstrip("\0") + ("/" if item[1][0] == FOLDER else ""))
    data = b"".join(
        mode.lstrip("0").encode()
        + b" "
        + name.rstrip("\0").encode("utf-8", "surrogateescape")
        + b"\0"
        + bytes.fromhex(oid)
        for name, (mode, oid) in ordered
    )
    return git(repository, "hash-object", "-t", "tree", "-w", "--literally", "--stdin", stdin=data)
