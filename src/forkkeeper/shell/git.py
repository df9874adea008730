"""The door to git: GitPython's command object in a clean environment. No other module starts git.

Three environments, by what may influence the answer:

* sealed -- for everything whose result counts: no user or system configuration, no attributes, hooks, filters,
  replacement objects, lazy fetches or prompts
* transport -- for fetching: the user's proxies, credentials and url rewrites apply, as the ids prove what came
* personal -- for the fork's own repository and for showing a diff: git as the user has it

git 2.39 is the floor: `merge-tree --write-tree` came with 2.38, its `--merge-base` only with 2.40, so base and sides
are wrapped in throw-away commits.
"""

import contextlib
import datetime as dt
import os
import re
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Self

from git.cmd import Git, handle_process_output
from git.exc import GitCommandError
from git.util import RemoteProgress, finalize_process
from gitdb import IStream
from gitdb.db import LooseObjectDB

from forkkeeper.core import conflicts, trees
from forkkeeper.core.ids import EMPTY_TREE, CommitId, ObjectId, TreeId
from forkkeeper.core.store import Change, Conflict, Entry, Refused, Stat, Written
from forkkeeper.errors import OutsideError

FLOOR = (2, 39)
HOST_PATIENCE = 10  # seconds to connect to a host
STALL_PATIENCE = 60  # seconds below STALL_SPEED after which a transfer is given up
STALL_SPEED = 1000  # bytes a second
ABANDONED = 3600  # seconds after which a half-received pack is nobody's any more

# Inherited GIT_* variables redirect repositories, indexes and object stores (a hook sets GIT_DIR, for one). These say
# how git itself is installed or reaches the network, and who commits; they cannot change a result that an id proves.
_HARMLESS = re.compile(
    r"GIT_(EXEC_PATH|SSL_.*|PROXY_SSL_.*|HTTP_PROXY_.*|SSH|SSH_COMMAND|SSH_VARIANT|PROXY_COMMAND|TRACE.*"
    r"|(AUTHOR|COMMITTER)_(NAME|EMAIL|DATE))$"
)

_SEALED = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_SYSTEM": os.devnull,
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_LITERAL_PATHSPECS": "1",
    "TZ": "UTC",
}
_SEALED_CONFIG = {
    "core.attributesFile": os.devnull,
    "core.hooksPath": os.devnull,
    "core.fsmonitor": "false",
    "core.autocrlf": "false",
    "core.quotePath": "true",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "merge.conflictStyle": "zdiff3",  # git ≥ 2.35; shows the base, and no line that both sides have
    "merge.renameLimit": "20000",  # a whole-tree move of llama.cpp has some 4,000 candidates
    "diff.renameLimit": "20000",
    "safe.directory": "*",  # a source read in place may belong to somebody else; nothing of its config is used
}
_TRANSPORT_CONFIG = {
    "core.hooksPath": os.devnull,
    "gc.auto": "0",
    "maintenance.auto": "false",
    "protocol.ext.allow": "never",
    "http.lowSpeedLimit": str(STALL_SPEED),
    "http.lowSpeedTime": str(STALL_PATIENCE),
    "fetch.recurseSubmodules": "false",
    "fetch.writeCommitGraph": "false",
    "safe.directory": "*",
}
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
_THROW_AWAY = b"author forkkeeper <forkkeeper@invalid> 0 +0000\ncommitter forkkeeper <forkkeeper@invalid> 0 +0000\n\n"


@dataclass(frozen=True, slots=True)
class Answer:
    """What git said: exit status, output bytes, and its words to people."""

    code: int
    out: bytes
    err: str


@dataclass(frozen=True, slots=True)
class CommitInfo:
    """What a commit object says.

    time -- when it was committed, in seconds since 1970 (UTC)
    date -- the same as YYYY-MM-DD, in the committer's own time zone
    """

    sha: CommitId
    tree: TreeId
    parents: tuple[CommitId, ...]
    time: int
    date: str
    title: str


def _config(pairs: Mapping[str, str]) -> dict[str, str]:
    """Give settings as environment variables (git ≥ 2.31: GIT_CONFIG_COUNT), which rank as command line."""
    out = {"GIT_CONFIG_COUNT": str(len(pairs))}
    for number, (key, value) in enumerate(pairs.items()):
        out |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return out


def _forget_inherited() -> None:
    """Take inherited GIT_* variables out of this process: GitPython copies os.environ for every call."""
    for name in [name for name in os.environ if name.startswith("GIT_") and not _HARMLESS.match(name)]:
        if name != "GIT_PYTHON_REFRESH":
            del os.environ[name]


class _Door:
    """One GitPython command object with its environment."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        _forget_inherited()
        check_version()
        self._git = Git(str(folder))
        self._git.update_environment(**environment)

    def ask(self, *args: str, stdin: bytes | None = None, env: Mapping[str, str] | None = None) -> Answer:
        """Run git to its end."""
        with contextlib.ExitStack() as stack:
            source = None
            if stdin is not None:
                source = stack.enter_context(tempfile.TemporaryFile())
                source.write(stdin)
                source.seek(0)
            code, out, err = self._git.execute(
                ["git", *args],
                istream=source,
                env=env,
                with_extended_output=True,
                with_exceptions=False,
                stdout_as_string=False,
                strip_newline_in_stdout=False,
            )
        return Answer(int(code), bytes(out), str(err))

    def get(self, *args: str, stdin: bytes | None = None, env: Mapping[str, str] | None = None) -> bytes:
        """Run git, and take anything but success for a failure of git. Raises OutsideError."""
        answer = self.ask(*args, stdin=stdin, env=env)
        if answer.code:
            raise OutsideError(
                "git",
                " ".join(args[:2]),
                f"ended with status {answer.code}: {answer.err.strip()[:500]}",
                "see the message of git; `git fsck` in .forkkeeper/upstream.git checks what is held there",
            )
        return answer.out

    def line(self, *args: str, stdin: bytes | None = None, env: Mapping[str, str] | None = None) -> str:
        """Run git and take its one line."""
        lines = self.get(*args, stdin=stdin, env=env).decode("utf-8", "surrogateescape").splitlines()
        if len(lines) != 1:
            raise OutsideError("git", " ".join(args[:2]), f"answered {len(lines)} lines where one was due")
        return lines[0]

    def object_bytes(self, oid: str) -> tuple[str, bytes]:
        """Read an object's kind and bytes through one long-lived `cat-file --batch`. Raises ValueError when absent."""
        _, kind, _, data = self._git.get_object_data(oid)
        return os.fsdecode(kind), bytes(data)  # GitPython gives bytes, and says text

    def close(self) -> None:
        """End the long-lived processes."""
        self._git.clear_cache()

    def follow(self, *args: str, on_progress: Callable[[str, float, float], None]) -> Answer:
        """Run a fetch, handing on its progress: (what, done, of)."""
        reader = _Progress(on_progress)
        process = self._git.execute(["git", *args], as_process=True)
        try:
            handle_process_output(process, None, reader.new_message_handler(), finalize_process, decode_streams=False)
        except GitCommandError as error:
            said = "\n".join(reader.error_lines) or str(error)
            return Answer(1, b"", said)
        return Answer(0, b"", "")


class _Progress(RemoteProgress):
    """Hands git's progress lines on as (what, done, of)."""

    def __init__(self, on_progress: Callable[[str, float, float], None]) -> None:
        super().__init__()
        self._on_progress = on_progress

    def update(
        self,
        op_code: int,
        cur_count: str | float,
        max_count: str | float | None = None,
        message: str = "",  # noqa: ARG002 -- RemoteProgress has it
    ) -> None:
        what = {self.RECEIVING: "receiving", self.RESOLVING: "resolving"}.get(op_code & self.OP_MASK, "preparing")
        self._on_progress(what, float(cur_count), float(max_count or 0))


@cache
def check_version() -> tuple[int, ...]:
    """Give git's version. Raises OutsideError below the floor, or where there is no git."""
    try:
        text = str(Git().execute(["git", "version"]))
    except Exception as error:
        raise OutsideError("git", "git", f"cannot be started: {error}", "install git 2.39 or newer") from error
    version = tuple(int(part) for part in re.findall(r"\d+", text)[:3])
    if version < FLOOR:
        raise OutsideError("git", text, "is too old: `merge-tree --write-tree` is needed", "install git 2.39 or newer")
    return version


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
        self._folder = tempfile.TemporaryDirectory(prefix="forkkeeper-")
        root = Path(self._folder.name)
        for name in ("objects", "refs"):
            (root / name).mkdir()
        (root / "HEAD").write_text("ref: refs/heads/none\n")
        (root / "config").write_text("[core]\n\trepositoryformatversion = 0\n\tbare = true\n")
        self.objects = (objects or root / "objects").absolute()
        self.objects.mkdir(parents=True, exist_ok=True)
        self.lenders = tuple(path.absolute() for path in lenders)
        self._door = _Door(root, self.environment() | _SEALED | _config(_SEALED_CONFIG))
        self._loose = LooseObjectDB(str(self.objects))
        self._index = {"GIT_INDEX_FILE": str(root / "index")}
        self._index_holds: TreeId | None = None
        self._trees: dict[TreeId, bytes] = {}

    def environment(self) -> dict[str, str]:
        """Give the variables with which any git finds this repository and its objects."""
        return {
            "GIT_DIR": self._folder.name,
            "GIT_OBJECT_DIRECTORY": str(self.objects),
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": os.pathsep.join(_quoted(str(path)) for path in self.lenders),
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._door.close()
        self._folder.cleanup()

    # objects ----------------------------------------------------------------------------------------------------

    def blob(self, oid: ObjectId) -> bytes:
        """Give a blob's bytes."""
        return self._door.object_bytes(oid)[1]

    def put(self, data: bytes) -> ObjectId:
        """Write a blob."""
        return ObjectId(self._write("blob", data))

    def commit(self, tree: TreeId, parents: Sequence[CommitId] = ()) -> CommitId:
        """Wrap a tree in a throw-away commit; the same tree and parents give the same commit."""
        lines = [f"tree {tree}\n", *(f"parent {parent}\n" for parent in parents)]
        return CommitId(self._write("commit", "".join(lines).encode() + _THROW_AWAY))

    def _write(self, kind: str, data: bytes) -> str:
        stored = self._loose.store(IStream(kind.encode(), len(data), BytesIO(data)))
        return bytes(stored.hexsha).decode()

    def info(self, sha: CommitId) -> CommitInfo | None:
        """Read a commit; None when it, or its tree, is not held."""
        try:
            kind, data = self._door.object_bytes(sha)
        except ValueError:
            return None
        if kind != "commit":
            return None
        return parse_commit(sha, data)

    # trees ------------------------------------------------------------------------------------------------------

    def entries(self, tree: TreeId) -> dict[str, Entry]:
        """Give every path of a tree."""
        if tree == EMPTY_TREE:
            return {}
        found: dict[str, Entry] = {}
        for row in self._door.get("ls-tree", "-r", "-z", "--full-tree", tree).split(b"\0")[:-1]:
            meta, _, path = row.partition(b"\t")
            mode, _, oid = meta.decode().split()
            found[_path(path)] = Entry(mode, ObjectId(oid))
        return found

    def changes(self, old: TreeId, new: TreeId) -> tuple[Change, ...]:
        """Give the paths that differ, ordered by path."""
        return trees.changes(self, old, new)

    def graft(self, tree: TreeId, entries: Mapping[str, Entry | None]) -> TreeId:
        """Give the tree with these paths replaced (None: removed)."""
        return trees.graft(self, tree, entries) if entries else tree

    def tree(self, tree: TreeId) -> bytes:
        """Give a tree object's bytes."""
        if tree not in self._trees:
            self._trees[tree] = b"" if tree == EMPTY_TREE else self._door.object_bytes(tree)[1]
        return self._trees[tree]

    def put_tree(self, data: bytes) -> TreeId:
        """Write a tree object."""
        tree = TreeId(self._write("tree", data))
        self._trees[tree] = data
        return tree

    def _read_tree(self, tree: TreeId) -> None:
        if self._index_holds != tree:
            self._index_holds = None
            self._door.get("read-tree", tree, env=self._index)
            self._index_holds = tree

    def _write_tree(self) -> TreeId:
        self._index_holds = TreeId(self._door.line("write-tree", env=self._index))
        return self._index_holds

    # patches ----------------------------------------------------------------------------------------------------

    def apply(self, tree: TreeId, patch: bytes) -> Written | Refused:
        """Apply a diff at its own lines or at an offset, never with fuzz."""
        self._read_tree(tree)
        answer = self._door.ask("apply", "--cached", "--whitespace=nowarn", "-", stdin=patch, env=self._index)
        if answer.code == 0:
            self._index_holds = None
            return Written(self._write_tree())
        if "failed to read" in answer.err or "unable to read" in answer.err:
            raise OutsideError(
                "apply",
                "git objects",
                f"an object is missing: {answer.err.strip()[:200]}",
                "a source is a partial clone; name a full one in an [[upstream.source]] of fork.toml",
            )
        lines = [line.removeprefix("error: ") for line in answer.err.splitlines() if line.startswith("error: ")]
        paths = {m[1] for line in lines if (m := re.match(r"patch failed: (.*):\d+$", line))}
        why = next((line for line in lines if not line.startswith("patch failed")), answer.err.strip())
        return Refused(tuple(sorted(paths)), why)

    def undoes(self, tree: TreeId, patch: bytes) -> bool:
        """Whether the diff applies in reverse."""
        self._read_tree(tree)
        args = ("apply", "--cached", "--check", "--reverse", "--whitespace=nowarn", "-")
        return self._door.ask(*args, stdin=patch, env=self._index).code == 0

    def merge(self, base: TreeId, ours: TreeId, theirs: TreeId) -> Written | Refused:
        """Merge three ways, following renames; Refused when any path conflicts."""
        if theirs in (base, ours):
            return Written(ours)
        if base == ours:
            return Written(theirs)
        root = self.commit(base)
        sides = [self.commit(tree, (root,)) for tree in (ours, theirs)]
        answer = self._door.ask("merge-tree", "--write-tree", "-z", "--messages", *sides)
        if answer.code not in (0, 1):
            raise OutsideError("merge", "git merge-tree", f"ended with status {answer.code}: {answer.err.strip()}")
        tree, _, rest = answer.out.partition(b"\0")
        merged = TreeId(tree.decode())
        return Written(merged) if answer.code == 0 else self._refused(merged, rest)

    def _refused(self, marked: TreeId, rest: bytes) -> Refused:
        """Read what merge-tree says of conflicts (-z form): `mode id stage TAB path` rows, an empty field, messages."""
        listed, _, messages = rest.partition(b"\0\0")
        stages: dict[str, set[int]] = {}
        for row in listed.split(b"\0"):
            meta, tab, path = row.partition(b"\t")
            if tab:
                path = re.sub(rb"~[0-9a-f]{40}$", b"", path)  # git's own name for one side of a file/folder clash
                stages.setdefault(_path(path), set()).add(int(meta.split()[2]))
        said = list(conflicts.parse_messages([_path(field) for field in messages.split(b"\0")]))
        both = sorted(path for path, found in stages.items() if found == {1, 2, 3})
        places = tuple(place for path in both for place in self._places(marked, path))
        return Refused(tuple(sorted(stages)), conflicts.explain(said, stages), places)

    def _places(self, marked: TreeId, path: str) -> tuple[Conflict, ...]:
        """Find the conflict markers that git left in a file of the tree that it gives for a failed merge."""
        answer = self._door.ask("cat-file", "blob", f"{marked}:{path}")
        if answer.code or b"\0" in answer.out:
            return ()
        return tuple(conflicts.places(path, answer.out.decode("utf-8", "replace")))

    def diffs(self, pairs: Sequence[tuple[TreeId, TreeId]]) -> tuple[bytes, ...]:
        """Give the canonical diff of each pair, all from one process.

        Before each diff git repeats the pair on a line of its own; no line of a diff can look so.
        """
        if not pairs:
            return ()
        asked = "".join(f"{old} {new}\n" for old, new in pairs).encode()
        rest = self._door.get("diff-tree", "--stdin", "-r", "-p", *_CANONICAL, stdin=asked)
        found = re.split(rb"(?m)^[0-9a-f]{40} [0-9a-f]{40}\n", rest)
        if len(found) != len(pairs) + 1 or found[0]:
            raise OutsideError("git", "diff-tree", f"gave {len(found) - 1} diffs where {len(pairs)} were asked for")
        return tuple(found[1:])

    def stats(self, old: TreeId, new: TreeId, paths: Sequence[str] = ()) -> tuple[Stat, ...]:
        """Count the lines changed per path, ordered by path."""
        out = self._door.get("diff-tree", "-r", "-z", "--numstat", "--no-renames", old, new, "--", *paths)
        found = []
        for row in out.split(b"\0")[:-1]:
            added, removed, path = row.split(b"\t", 2)
            binary = added == b"-"
            found.append(Stat(_path(path), None if binary else int(added), None if binary else int(removed)))
        return tuple(sorted(found, key=lambda stat: stat.path))

    def renames(self, old: TreeId, new: TreeId, alike: int = 50) -> dict[str, str]:
        """Find where files went: path before → path after. alike -- per cent of a file that must be the same."""
        out = self._door.get(
            "diff-tree", "-r", "-z", "--name-status", f"-M{alike}%", "--diff-filter=R", old, new
        ).split(b"\0")
        return {_path(a): _path(b) for a, b in zip(out[1::3], out[2::3], strict=False)}


def parse_commit(sha: CommitId, data: bytes) -> CommitInfo:
    """Read a commit object's bytes."""
    head, _, message = data.decode("utf-8", "replace").partition("\n\n")
    tree = re.search(r"^tree ([0-9a-f]{40})$", head, re.MULTILINE)
    found = re.search(r"^committer .* (\d+) ([+-])(\d\d)(\d\d)$", head, re.MULTILINE)
    time = int(found[1]) if found else 0
    offset = int(f"{found[2]}1") * (int(found[3]) * 3600 + int(found[4]) * 60) if found else 0
    date = dt.datetime.fromtimestamp(time + offset, tz=dt.UTC).date().isoformat()
    parents = tuple(CommitId(parent) for parent in re.findall(r"^parent ([0-9a-f]{40})$", head, re.MULTILINE))
    title = message.strip().split("\n", 1)[0]
    return CommitInfo(sha, TreeId(tree[1] if tree else EMPTY_TREE), parents, time, date, title)


def _path(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


def _quoted(path: str) -> str:
    """Quote a path for GIT_ALTERNATE_OBJECT_DIRECTORIES where it holds the separator."""
    if os.pathsep not in path and not path.startswith('"'):
        return path
    return '"' + path.replace("\\", "\\\\").replace('"', '\\"') + '"'


class Repository:
    """A repository of upstream's: the store in `.forkkeeper/`, or one read in place.

    Sealed: only its objects and refs count, never its configuration.
    """

    def __init__(self, git_dir: Path) -> None:
        """Open a git directory (bare, or the `.git` of a checkout)."""
        self.git_dir = git_dir.absolute()
        environment = {"GIT_DIR": str(self.git_dir)} | _SEALED | _config(_SEALED_CONFIG)
        self._door = _Door(self.git_dir, environment)

    @property
    def objects(self) -> Path:
        """Its object directory; a linked worktree's is that of its main repository."""
        common = self.git_dir / "commondir"
        root = (self.git_dir / common.read_text().strip()).resolve() if common.is_file() else self.git_dir
        return root / "objects"

    def commits_like(self, prefix: str) -> tuple[CommitId, ...]:
        """Give every commit whose id begins so, ordered."""
        found = self._door.ask("rev-parse", f"--disambiguate={prefix}").out.decode().split()
        if not found:
            return ()
        kinds = self._door.get("cat-file", "--batch-check", stdin="".join(f"{oid}\n" for oid in found).encode())
        rows = [line.split() for line in kinds.decode().splitlines()]
        return tuple(sorted(CommitId(row[0]) for row in rows if row[1] == "commit"))

    def refs_named(self, name: str) -> tuple[CommitId, ...]:
        """Give the commits of the tag or branch of this name, tags first."""
        places = ("refs/tags/", "refs/upstream/tags/", "refs/heads/", "refs/upstream/heads/", "refs/remotes/origin/")
        form = "--format=%(refname) %(objecttype) %(objectname) %(*objecttype) %(*objectname)"
        out = self._door.get("for-each-ref", form, *(f"{place}{name}" for place in places)).decode()
        found: dict[str, CommitId] = {}
        for row in out.splitlines():
            ref, kind, sha, *peeled = row.split(" ")
            if kind == "commit" or peeled[:1] == ["commit"]:
                found[ref] = CommitId(peeled[1] if kind == "tag" else sha)
        # a pattern also names what lies below it, as `refs/tags/v1/x` for `v1`
        return tuple(dict.fromkeys(found[f"{place}{name}"] for place in places if f"{place}{name}" in found))

    def peel(self, sha: CommitId) -> CommitId | None:
        """Give the commit that an id stands for, itself or that of an annotated tag; None when it is not held."""
        answer = self._door.ask("rev-parse", "--verify", "--quiet", "--end-of-options", f"{sha}^{{commit}}")
        return CommitId(answer.out.decode().strip()) if answer.code == 0 else None

    def info(self, sha: CommitId) -> CommitInfo | None:
        """Read a commit; None when it is not held."""
        answer = self._door.ask("cat-file", "commit", sha)
        return None if answer.code else parse_commit(sha, answer.out)

    def heads(self) -> dict[str, CommitId]:
        """Give what its branches stand on, `HEAD` first, by name."""
        found: dict[str, CommitId] = {}
        answer = self._door.ask("rev-parse", "--verify", "--quiet", "HEAD^{commit}")
        if answer.code == 0:
            found["HEAD"] = CommitId(answer.out.decode().strip())
        out = self._door.get("for-each-ref", "--format=%(objectname) %(refname)", "refs/heads/", "refs/upstream/heads/")
        for row in out.decode().splitlines():
            sha, name = row.split(" ", 1)
            found[name.removeprefix("refs/").removeprefix("upstream/").removeprefix("heads/")] = CommitId(sha)
        return found

    def tags_at(self, sha: CommitId) -> tuple[str, ...]:
        """Give the tags that stand on a commit, ordered."""
        out = self._door.ask(
            "for-each-ref", f"--points-at={sha}", "--format=%(refname)", "refs/tags/", "refs/upstream/tags/"
        )
        return tuple(sorted(row.split("tags/", 1)[1] for row in out.out.decode().splitlines()))

    def distance(self, old: CommitId, new: CommitId) -> int | None:
        """Count the commits from one to a later one; None when that cannot be known (shallow, or no ancestor)."""
        if self.is_shallow or self._door.ask("merge-base", "--is-ancestor", old, new).code:
            return None
        answer = self._door.ask("rev-list", "--count", f"{old}..{new}")
        return int(answer.out) if answer.code == 0 else None

    @property
    def is_shallow(self) -> bool:
        """Whether its history is cut off."""
        return self._door.line("rev-parse", "--is-shallow-repository") == "true"

    def close(self) -> None:
        """End the long-lived processes."""
        self._door.close()


def git_dir_of(path: Path) -> Path | None:
    """Find the git directory at a path (bare, or a checkout), never above it; None where there is none."""
    for candidate in (path / ".git", path):
        if candidate.is_file():  # a worktree or submodule: `gitdir: …`
            text = candidate.read_text().strip()
            return (path / text.removeprefix("gitdir: ")).resolve() if text.startswith("gitdir: ") else None
        if (candidate / "HEAD").is_file() and ((candidate / "objects").is_dir() or (candidate / "commondir").is_file()):
            return candidate
    return None


def make_store(git_dir: Path) -> None:
    """Make the bare repository that holds upstream's objects, if there is none.

    What killed fetches left in it is swept away.
    """
    for left in (git_dir / "objects/pack").glob("tmp_*"):
        if time.time() - left.stat().st_mtime > ABANDONED:
            left.unlink(missing_ok=True)
    if git_dir_of(git_dir) is None:
        git_dir.mkdir(parents=True, exist_ok=True)
        _Door(git_dir, _SEALED | _config(_SEALED_CONFIG)).get("init", "--quiet", "--bare", "--template=", str(git_dir))


def keep(store: Path, sha: CommitId) -> None:
    """Keep a commit in the store for good, by a ref of its own."""
    environment = {"GIT_DIR": str(store)} | _SEALED | _config(_SEALED_CONFIG)
    _Door(store, environment).get("update-ref", f"refs/forkkeeper/commits/{sha}", sha)


def take_from(store: Path, lender: Path, sha: CommitId) -> str | None:
    """Copy a commit and its tree from a bare repository on disk into the store, every object's id recomputed.

    Returns None, or git's words on why it cannot.
    """
    environment = {"GIT_DIR": str(store)} | _SEALED | _config(_SEALED_CONFIG | {"fetch.fsckObjects": "true"})
    door = _Door(store, environment)
    refs = f"{sha}:refs/forkkeeper/commits/{sha}"
    answer = door.ask(
        "-c", "protocol.file.allow=always", "fetch", "--quiet", "--no-tags", "--update-shallow", str(lender), refs
    )
    return None if answer.code == 0 else answer.err.strip()


def fetch(store: Path, location: str, on_progress: Callable[[str, float, float], None]) -> str | None:
    """Fetch every branch and tag of upstream into the store's `refs/upstream/`.

    Never asks for anything; gives up on a host that does not answer. Returns None, or git's words on why not.
    """
    ssh = os.environ.get("GIT_SSH_COMMAND", "ssh")
    environment = {
        "GIT_DIR": str(store),
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "true",
        "SSH_ASKPASS": "true",
        "GIT_SSH_COMMAND": f"{ssh} -oBatchMode=yes -oConnectTimeout={HOST_PATIENCE}",
    }
    door = _Door(store, environment | _config(_TRANSPORT_CONFIG))
    refspecs = ("+refs/heads/*:refs/upstream/heads/*", "+refs/tags/*:refs/upstream/tags/*")
    answer = door.follow(
        "fetch", "--progress", "--no-tags", "--prune", "--end-of-options", location, *refspecs, on_progress=on_progress
    )
    return None if answer.code == 0 else answer.err.strip()


class Worktree:
    """The fork's own repository, with git as the user has it."""

    def __init__(self, root: Path) -> None:
        """Stand in a folder of the checkout."""
        self._door = _Door(root, {"GIT_TERMINAL_PROMPT": "0"})
        self.root = root

    @property
    def exists(self) -> bool:
        """Whether the folder lies in a git work tree."""
        return self._door.ask("rev-parse", "--is-inside-work-tree").out.strip() == b"true"

    def uncommitted(self, paths: Sequence[str]) -> tuple[str, ...]:
        """Give the paths that git sees as changed or untracked, ordered."""
        answer = self._door.ask("status", "--porcelain=v1", "-z", "--untracked-files=all", "--no-renames", "--", *paths)
        return tuple(sorted(_path(row[3:]) for row in answer.out.split(b"\0") if row))

    def ignored(self, paths: Sequence[str]) -> tuple[str, ...]:
        """Give those of these paths that git ignores and does not track."""
        names = b"".join(path.encode("utf-8", "surrogateescape") + b"\0" for path in paths)
        answer = self._door.ask("check-ignore", "-z", "--stdin", stdin=names)
        return tuple(_path(name) for name in answer.out.split(b"\0") if name)

    def committed(self, path: str) -> bytes | None:
        """Give a file as the last commit has it; None where it has none."""
        answer = self._door.ask("cat-file", "blob", f"HEAD:./{path}")
        return answer.out if answer.code == 0 else None

    def commit(self, paths: Sequence[str], message: str) -> str:
        """Commit these paths alone, removals among them; gives the new commit. Raises OutsideError."""
        self._door.get("add", "--all", "--", *paths)
        self._door.get("commit", "--quiet", "--only", "--message", message, "--", *paths)
        return self._door.line("rev-parse", "--short", "HEAD")

    def colours(self, *, terminal: bool) -> bool:
        """Whether git would colour a diff (`color.diff`, `color.ui`) on a terminal, or where there is none."""
        answer = self._door.ask("config", "--get-colorbool", "color.diff", "true" if terminal else "false")
        return answer.out.strip() == b"true"

    def pager(self) -> str:
        """Give the pager that git would use."""
        return self._door.ask("var", "GIT_PAGER").out.decode().strip()

    def show_diff(
        self, scratch: Scratch, old: TreeId, new: TreeId, options: Sequence[str], paths: Sequence[str]
    ) -> bytes:
        """Give a diff between two trees of the scratch repository, in the user's own style."""
        return self._door.get("diff", *options, old, new, "--", *paths, env=scratch.environment())


@contextlib.contextmanager
def opened(repository: Repository) -> Iterator[Repository]:
    """Close a repository's processes at the end."""
    try:
        yield repository
    finally:
        repository.close()
