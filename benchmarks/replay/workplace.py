"""Where a tool works: git's objects to read and write, and a folder of files for those that want files.

What is written goes into a throw-away repository that borrows the objects of the replayed one, which stays as it is.
"""

import os
import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.replay.answers import CONTEXT, same_but_for_order

LIMIT = 120  # seconds that a tool has for one patch
WORDS = 200  # characters of a tool's last words that are kept
REGULAR, EXECUTABLE = "100644", "100755"
_WHO = {
    f"GIT_{role}_{field}": value
    for role in ("AUTHOR", "COMMITTER")
    for field, value in (("NAME", "Replay"), ("EMAIL", "replay@example.invalid"), ("DATE", "1700000000 +0000"))
}


@dataclass(frozen=True, slots=True)
class Done:
    """A program that has ended. code -- its exit status, None when it ran past LIMIT; seconds -- wall time."""

    code: int | None
    out: bytes
    err: bytes
    seconds: float

    @property
    def last_words(self) -> str:
        """Its last words, in a line."""
        if self.code is None:
            return f"no answer in {LIMIT} s"
        text = (self.err or self.out).decode("utf-8", "replace")
        return " ".join(text.split())[-WORDS:] or f"exit {self.code}"


@dataclass(frozen=True, slots=True)
class Side:
    """A file as a tree has it: mode in octal, blob id."""

    mode: str
    blob: str


@dataclass(frozen=True, slots=True)
class Change:
    """What a patch does to one path; None on the side that does not have it."""

    path: str
    old: Side | None
    new: Side | None


def run(argv: Sequence[str], cwd: Path, *, stdin: bytes = b"", env: Mapping[str, str] | None = None) -> Done:
    """Run a program to its end, at most LIMIT seconds, with no configuration of this user's or this machine's git."""
    whole = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "QUILT_"))}
    whole |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "LC_ALL": "C.UTF-8", **_WHO, **(env or {})}
    began = time.perf_counter()
    try:
        done = subprocess.run(argv, cwd=cwd, input=stdin, env=whole, capture_output=True, timeout=LIMIT, check=False)
    except subprocess.TimeoutExpired:
        return Done(None, b"", b"", time.perf_counter() - began)
    return Done(done.returncode, done.stdout, done.stderr, time.perf_counter() - began)


def git_dir(path: Path) -> Path | None:
    """Give the git directory of a repository, bare or not; None where there is none."""
    return next((found for found in (path / ".git", path) if (found / "objects").is_dir()), None)


class Workplace:
    """One worker's own folder. Not to be shared by two at a time.

    source -- the replayed repository's git directory
    planned -- where a tool may leave git objects of its own, to be judged
    """

    def __init__(self, root: Path, source: Path) -> None:
        """Make it, empty. root -- a folder that is there."""
        self.root, self.source = root.resolve(), source.resolve()
        self.planned = self.root / "planned"
        self.planned.mkdir()
        self._git = self.root / "objects.git"
        run(["git", "init", "--quiet", "--template=", "--bare", str(self._git)], self.root)
        lenders = (self.source / "objects", self.planned)
        (self._git / "objects/info").mkdir(exist_ok=True)
        (self._git / "objects/info/alternates").write_text("".join(f"{path}\n" for path in lenders))

    def git(self, *argv: str, stdin: bytes = b"", env: Mapping[str, str] | None = None) -> Done:
        """Run git on all objects at hand, and give how it ended."""
        return run(["git", *argv], self._git, stdin=stdin, env=env)

    def ask(self, *argv: str, stdin: bytes = b"", env: Mapping[str, str] | None = None) -> bytes:
        """Run git on all objects at hand, and give what it writes. Raises OSError when it fails."""
        done = self.git(*argv, stdin=stdin, env=env)
        if done.code:
            raise OSError(f"git {' '.join(argv)}: {done.last_words}")
        return done.out

    def empty(self, name: str) -> Path:
        """Make a folder of this workplace anew."""
        folder = self.root / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        return folder

    def tree(self, commit: str) -> str:
        """Give a commit's tree."""
        return self.ask("rev-parse", "--verify", f"{commit}^{{tree}}").decode().strip()

    def commit(self, tree: str, *parents: str) -> str:
        """Write a throw-away commit."""
        words = [word for parent in parents for word in ("-p", parent)]
        return self.ask("commit-tree", tree, *words, "-m", "replay").decode().strip()

    def message(self, commit: str) -> str:
        """Give a commit's message."""
        return self.ask("log", "-1", "--format=%B", commit).decode("utf-8", "surrogateescape")

    def diff(self, old: str, new: str, *paths: str) -> bytes:
        """Give the difference of two trees as a patch file has it."""
        how = ("--no-color", "--no-renames", "--full-index", "--binary", "--src-prefix=a/", "--dst-prefix=b/")
        return self.ask("--literal-pathspecs", "diff", *how, old, new, "--", *paths)

    def changes(self, old: str, new: str) -> tuple[Change, ...]:
        """Give what differs between two trees, path by path."""
        fields = self.ask("diff-tree", "-r", "-z", "--no-renames", "--raw", "--full-index", old, new).split(b"\0")
        found = []
        for about, path in zip(fields[:-1:2], fields[1::2], strict=True):
            modes = about.decode().lstrip(":").split()
            sides = [
                None if mode == "000000" else Side(mode, blob) for mode, blob in zip(modes, modes[2:4], strict=False)
            ]
            found.append(Change(path.decode("utf-8", "surrogateescape"), *sides))
        return tuple(found)

    def sides(self, tree: str, paths: Sequence[str]) -> dict[str, Side]:
        """Give those of these paths that are files of a tree."""
        rows = self.ask("ls-tree", "-z", "--full-tree", tree, "--", *paths).split(b"\0")
        named = (row.decode("utf-8", "surrogateescape").partition("\t") for row in rows if row)
        return {path: Side(about.split()[0], about.split()[2]) for about, _, path in named if " blob " in about}

    def blob(self, oid: str) -> bytes:
        """Read a file's content."""
        return self.ask("cat-file", "blob", oid)

    def lay_out(self, folder: Path, sides: Mapping[str, Side]) -> None:
        """Write the regular files among these into a folder."""
        for path, side in sides.items():
            if side.mode in (REGULAR, EXECUTABLE):
                write(folder / path, self.blob(side.blob), executable=side.mode == EXECUTABLE)

    def take_in(self, tree: str, folder: Path, paths: Sequence[str]) -> str:
        """Give the tree with these paths as they are in a folder: changed, new or gone."""
        index = {"GIT_INDEX_FILE": str(self.root / "index")}
        self.ask("read-tree", tree, env=index)
        rows = b""
        for path in paths:
            file = folder / path
            name = path.encode("utf-8", "surrogateescape")
            if file.is_file():
                mode = EXECUTABLE if file.stat().st_mode & 0o100 else REGULAR
                oid = self.ask("hash-object", "-w", "--stdin", stdin=file.read_bytes()).strip()
                rows += mode.encode() + b" " + oid + b"\t" + name + b"\0"
            else:
                rows += b"0 " + b"0" * 40 + b"\t" + name + b"\0"
        self.ask("update-index", "-z", "--index-info", stdin=rows, env=index)
        return self.ask("write-tree", env=index).decode().strip()

    def same(self, one: str, other: str) -> bool:
        """Whether two trees are the same up to order or space; False when the first is not at hand."""
        how = ("--no-color", "--no-ext-diff", "--no-renames", f"--unified={CONTEXT}", "--diff-algorithm=myers")
        done = self.git("diff", *how, one, other)
        return done.code == 0 and same_but_for_order(done.out)


def write(file: Path, data: bytes, *, executable: bool) -> None:
    """Write a file and the folders above it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)
    file.chmod(0o755 if executable else 0o644)
