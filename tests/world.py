"""What the end-to-end tests stand on: real git repositories with fixed dates, forks of them, and both doors.

Nothing of this machine's configuration counts: `seal` closes it off, and `git` runs with an environment of its own.
"""

import contextlib
import io
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from forkkeeper import tasks

START = 1_750_000_000  # 2025-06-15: the first upstream commit; each later one is a day younger
TODAY = 1_760_000_000  # 2025-10-09
DAY = 86_400
BIN = Path(sys.executable).parent
HERE = Path(__file__).parents[1]
KEPT = ("fork.toml", "fork.lock", "history.toml", "CHANGES-LOCAL.md", ".gitignore")  # with patches and native
Content = str | bytes | None
REGULAR, EXECUTABLE, SYMLINK = "100644", "100755", "120000"


# the sealed world ---------------------------------------------------------------------------------------------------


def seal(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    """Close off the machine: a home of our own, fixed dates and identity, no editor, no index, no colour."""
    home.mkdir(parents=True, exist_ok=True)
    for name in os.environ:
        if name.startswith(("GIT_", "PIP_", "QUILT_")) or name in ("NO_COLOR", "PAGER", "CDPATH", "PYTHONUNBUFFERED"):
            monkeypatch.delenv(name)
    fixed = {
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "EDITOR": "false",
        "VISUAL": "false",
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        "SOURCE_DATE_EPOCH": str(TODAY),
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_NO_INDEX": "1",
    }
    for name, value in fixed.items():
        monkeypatch.setenv(name, value)
    (home / ".gitconfig").write_text("[user]\n\tname = Keeper\n\temail = keeper@example.invalid\n")


def environment(moment: int = START, **more: str) -> dict[str, str]:
    """Give git an environment in which the same commands make the same commits."""
    when = f"{moment} +0000"
    return {
        "PATH": os.environ["PATH"],
        "HOME": os.devnull,
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_AUTHOR_NAME": "Ann Author",
        "GIT_AUTHOR_EMAIL": "ann@example.invalid",
        "GIT_AUTHOR_DATE": when,
        "GIT_COMMITTER_NAME": "Ann Author",
        "GIT_COMMITTER_EMAIL": "ann@example.invalid",
        "GIT_COMMITTER_DATE": when,
        "GIT_EDITOR": "false",
    } | more


def git_bytes(folder: Path, *argv: str, stdin: bytes = b"", env: Mapping[str, str] | None = None) -> bytes:
    """Run git and give what it writes; anything but success fails the test with git's words."""
    argv = ("git", "-c", "init.defaultBranch=main", "-c", "core.autocrlf=false", *argv)
    done = subprocess.run(argv, cwd=folder, env=env or environment(), input=stdin, capture_output=True, check=False)
    assert done.returncode == 0, f"{argv}: {done.stdout.decode(errors='replace')}{done.stderr.decode(errors='replace')}"
    return done.stdout


def git(folder: Path, *argv: str, stdin: bytes = b"", env: Mapping[str, str] | None = None) -> str:
    """Run git and give its words, stripped."""
    return git_bytes(folder, *argv, stdin=stdin, env=env).decode("utf-8", "surrogateescape").strip()


# upstream -----------------------------------------------------------------------------------------------------------


@dataclass
class Upstream:
    """A bare repository to which commits are added, each a day younger than the one before."""

    path: Path
    commits: int = 0

    @staticmethod
    def make(path: Path) -> "Upstream":
        """Make it, empty."""
        path.mkdir(parents=True)
        git(path, "init", "--quiet", "--template=", "--bare")
        return Upstream(path)

    def commit(
        self,
        files: Mapping[str, Content],
        *,
        modes: Mapping[str, str] | None = None,
        moves: Mapping[str, str] | None = None,
        tag: str | None = None,
        title: str = "",
        branch: str = "main",
        parent: str | None = None,
    ) -> str:
        """Add a commit (None: the file is removed; moves: path before → path after, done first) and give its id."""
        title = title or f"change {self.commits + 1}"
        moment = START + self.commits * DAY
        self.commits += 1
        head = f"refs/heads/{branch}"
        before = parent or (head if git(self.path, "for-each-ref", head) else None)
        out = io.BytesIO()
        who = f"Ann Author <ann@example.invalid> {moment} +0000"
        out.write(f"commit {head}\nauthor {who}\ncommitter {who}\n".encode() + _data(title.encode()))
        if before:
            out.write(f"from {git(self.path, 'rev-parse', before)}\n".encode())
        for old, new in (moves or {}).items():
            out.write(f'R "{old}" "{new}"\n'.encode())
        for path, content in files.items():
            if content is None:
                out.write(b"D " + _path(path) + b"\n")
                continue
            data = content.encode() if isinstance(content, str) else content
            out.write(f"M {(modes or {}).get(path, REGULAR)} inline ".encode() + _path(path) + b"\n" + _data(data))
        git(self.path, "fast-import", "--quiet", "--force", stdin=out.getvalue())
        sha = git(self.path, "rev-parse", head)
        if tag:
            git(self.path, "update-ref", f"refs/tags/{tag}", sha)
        return sha

    def tree(self, sha: str) -> str:
        """Give a commit's tree."""
        return git(self.path, "rev-parse", f"{sha}^{{tree}}")

    def text(self, sha: str, path: str) -> str:
        """Give a file as it stands in a commit."""
        return git_bytes(self.path, "show", f"{sha}:{path}").decode()


def _data(data: bytes) -> bytes:
    return b"data %d\n" % len(data) + data + b"\n"


def _path(path: str) -> bytes:
    return b'"' + path.encode("utf-8", "surrogateescape").replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'


# patches ------------------------------------------------------------------------------------------------------------

TRAILERS = "Origin: local\nUpstream-Status: Inappropriate [only this fork needs it]\nWitness: none [shown by tests]\n"


@dataclass(frozen=True)
class Local:
    """A local change: its patch's name, what it does to files, and why."""

    name: str
    files: Mapping[str, Content]
    modes: Mapping[str, str] | None = None
    moves: Mapping[str, str] | None = None
    reason: str = "The fork needs this, and says so here."
    trailers: str = TRAILERS


def patches(upstream: Upstream, pin: str, locals_: Sequence[Local]) -> dict[str, bytes]:
    """Write each local change as a mail-format patch on the ones before it, by file name."""
    with borrowed(upstream.path, upstream.path.parent / "patching.git") as scratch:
        made, stands = {}, pin
        stage = Upstream(scratch)
        for local in locals_:
            body = "\n\n".join(part for part in (f"{local.name}: do it", local.reason, local.trailers) if part)
            now = stage.commit(
                local.files, modes=local.modes, moves=local.moves, title=body, branch="work", parent=stands
            )
            made[f"{local.name}.patch"] = format_patch(scratch, now)
            stands = now
    return made


def format_patch(repository: Path, commit: str) -> bytes:
    """Write one commit as the queue's format has it."""
    how = ("--stdout", "--zero-commit", "--full-index", "--binary", "--no-signature", "--no-renames", "--no-stat")
    return git_bytes(repository, "format-patch", *how, "-1", commit)


@contextlib.contextmanager
def borrowed(objects_of: Path, path: Path, *more: Path) -> Iterator[Path]:
    """Make a bare repository that reads another's objects, for as long as it is needed."""
    path.mkdir()
    git(path, "init", "--quiet", "--template=", "--bare")
    folders = [objects_of / "objects", *more]
    (path / "objects" / "info" / "alternates").write_text("".join(f"{folder.absolute()}\n" for folder in folders))
    try:
        yield path
    finally:
        shutil.rmtree(path)


# what git itself makes of a queue -----------------------------------------------------------------------------------


def am_trees(upstream: Path, tree: str, mails: Sequence[bytes], work: Path) -> list[str]:
    """Apply mails with `git am` on a tree, and give the tree after each."""
    checkout(upstream, tree, work)
    trees = []
    for number, mail in enumerate(mails):
        git(work, "am", "--quiet", "--keep-cr", "--whitespace=nowarn", stdin=mail, env=environment(START + number))
        trees.append(git(work, "rev-parse", "HEAD^{tree}"))
    return trees


def checkout(upstream: Path, tree: str, work: Path) -> None:
    """Make a checkout of a tree, as a repository of one commit."""
    work.mkdir(parents=True)
    git(work, "init", "--quiet", "--template=")
    (work / ".git/objects/info/alternates").write_text(f"{(upstream / 'objects').absolute()}\n")
    commit = git(work, "commit-tree", tree, "-m", "baseline")
    git(work, "reset", "--quiet", "--hard", commit)


def quilt_tree(upstream: Path, tree: str, queue: Path, work: Path) -> str:
    """Push a whole queue with quilt and no fuzz on a tree, and give the tree that it makes."""
    quilt = shutil.which("quilt")
    assert quilt, "quilt is not installed: `apt-get install quilt` (.ci/run does it)"
    checkout(upstream, tree, work)
    env = environment(QUILT_PATCHES=str(queue.absolute()), QUILT_PC=str(work.parent / f"{work.name}.pc"))
    argv = [quilt, "--quiltrc", "-", "push", "-a", "--fuzz=0"]
    done = subprocess.run(argv, cwd=work, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "fuzz" not in done.stdout
    git(work, "add", "--all")
    return git(work, "write-tree")


def with_files(repository: Path, tree: str, files: Mapping[str, bytes], executable: Sequence[str] = ()) -> str:
    """Give the tree with files laid over it, made by git alone."""
    env = environment(GIT_INDEX_FILE=str(repository / "laying"))
    git(repository, "read-tree", tree, env=env)
    for path, data in files.items():
        oid = git(repository, "hash-object", "-w", "--stdin", stdin=data)
        mode = EXECUTABLE if path in executable else REGULAR
        git(repository, "update-index", "--add", "--cacheinfo", f"{mode},{oid},{path}", env=env)
    return git(repository, "write-tree", env=env)


# forks and the verbs ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Ran:
    """How a verb ended: exit status, standard output, standard error."""

    code: int
    out: str
    err: str

    @property
    def said(self) -> str:
        """Everything it wrote, for a look at a failed test."""
        return f"exit {self.code}\n{self.out}{self.err}"


@dataclass(frozen=True)
class Fork:
    """A fork on disk. pin, target -- the upstream commit it stands on, and the one it is carried to."""

    root: Path
    upstream: Upstream
    pin: str
    target: str

    def run(self, *words: str) -> Ran:
        """Run a verb here, through the console script's own door, in this process."""
        return run(self.root, *words)

    def ok(self, *words: str) -> Ran:
        """Run a verb that must end with 0."""
        ran = self.run(*words)
        assert ran.code == 0, ran.said
        return ran

    def script(self, *words: str, **env: str) -> Ran:
        """Run a verb here with the installed console script, in a process of its own."""
        return script(self.root, "forkkeeper", *words, **env)

    def mails(self) -> list[bytes]:
        """Give the queue's patch files, in order."""
        return [(self.root / "patches" / name).read_bytes() for name in self.names()]

    def names(self) -> list[str]:
        """Give the queue's order."""
        lines = (self.root / "patches/series").read_text().splitlines()
        return [line for line in lines if line and not line.startswith("#")]

    def overlay(self) -> dict[str, bytes]:
        """Give the overlay's files."""
        folder = self.root / "native/overlay"
        return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}

    def state(self) -> dict[str, bytes]:
        """Give every file of the fork but git's and forkkeeper's own."""
        files = sorted(path for path in self.root.rglob("*") if path.is_file())
        named = {path.relative_to(self.root).as_posix(): path.read_bytes() for path in files}
        return {name: data for name, data in named.items() if not name.startswith((".git/", ".forkkeeper/"))}

    def commit_all(self, message: str = "edit") -> None:
        """Commit everything that git sees."""
        git(self.root, "add", "--all")
        git(self.root, "commit", "--quiet", "--allow-empty", "--message", message)

    def relog(self) -> None:
        """Take the present files as meant: write log and lock anew, and commit."""
        self.ok("log")
        self.commit_all()


def run(folder: Path, *words: str) -> Ran:
    """Run `forkkeeper` in this process, as the console script would in that folder."""
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
    code = 0
    with contextlib.chdir(folder), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            tasks.program.run(["forkkeeper", *words])
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
    shown = [stream.buffer.getvalue().decode("utf-8", "replace") for stream in (out, err)]
    return Ran(code, *shown)


def script(folder: Path, program: str, *words: str, **env: str) -> Ran:
    """Run an installed program (`forkkeeper` or `invoke`) in a process of its own."""
    argv = [str(BIN / program), *words]
    done = subprocess.run(
        argv, cwd=folder, env=os.environ | env, stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    return Ran(done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace"))


def fork_of(
    place: Path, upstream: Upstream, pin: str, target: str, locals_: Sequence[Local], overlay: Mapping[str, str]
) -> Fork:
    """Make a fork in `place/fork` of an upstream in `place`, with every file written and committed."""
    fork = Fork(place / "fork", upstream, pin, target)
    fork.root.mkdir()
    git(fork.root, "init", "--quiet", "--template=")
    fork.ok("init", "--upstream", f"../{upstream.path.name}", "--pin", pin)
    made = patches(upstream, pin, locals_)
    for name, data in made.items():
        (fork.root / "patches" / name).write_bytes(data)
    with (fork.root / "patches/series").open("a") as series:
        series.write("".join(f"{name}\n" for name in made))
    for path, text in overlay.items():
        file = fork.root / "native/overlay" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    fork.relog()
    return fork


def keep_fork(place: Path) -> Path:
    """Copy the fork that this repository keeps, and commit it there."""
    place.mkdir()
    for name in KEPT:
        if (HERE / name).exists():
            shutil.copy(HERE / name, place / name)
    for name in ("patches", "native"):
        shutil.copytree(HERE / name, place / name, ignore=shutil.ignore_patterns("__pycache__"))
    git(place, "init", "--quiet")
    git(place, "add", "--all")
    git(place, "commit", "--quiet", "--message", "the fork")
    return place


def copied(fork: Fork, place: Path) -> Fork:
    """Copy a fork and its upstream, links and times included."""
    whole = fork.root.parent
    shutil.copytree(whole, place, symlinks=True, dirs_exist_ok=True)
    moved = Upstream(place / fork.upstream.path.name, fork.upstream.commits)
    return replace(fork, root=place / fork.root.name, upstream=moved)


def snapshot(*folders: Path) -> dict[str, tuple[int, int, bytes]]:
    """Give every file, folder and link below these folders, with mode, time of change and content.

    Git objects go without their time: git touches one that it was about to write and that is there already.
    """
    found = {}
    for folder in folders:
        for path in sorted([folder, *folder.rglob("*")]):
            status = path.lstat()
            data = os.fsencode(path.readlink()) if path.is_symlink() else path.read_bytes() if path.is_file() else b""
            is_object = "objects" in path.parts and path.is_file()
            found[str(path)] = (status.st_mode, 0 if is_object else status.st_mtime_ns, data)
    return found


def assert_message(ran: Ran, code: int, *parts: str) -> None:
    """Hold a refusal to its form: the exit code, each part of the message, and what to type next."""
    assert ran.code == code, ran.said
    text = ran.err + ran.out
    for part in parts:
        assert part in text, f"{part!r} is not in\n{ran.said}"
    assert "next:" in text, ran.said
    assert "Traceback" not in text, ran.said
