"""Dies at a point of a verb: run as a script by `crashing`, it forks a warm process for each death.

A *point* is a moment at which the world changes, or is made to last: before a file is opened to be written, before
each write, in its middle, before each fsync, rename, removal, link, folder, truncation; before a program is started
(git, that is), while it runs and when it has ended; before and after each statement of SQLite. Points are counted where
our process meets the system, below the shell layer's doors (`shell/disk.py`, `shell/swap.py`, `shell/database.py`,
`shell/git/door.py`, `shell/process.py`), so that none can be forgotten.

Each line of the input asks for one run, as JSON: `root`, `words`, `env`, `watched` (folders whose files count), and

    at     -- die (SIGKILL) at the point of this number, from 0
    after  -- seconds after which the process and all its children are killed from outside
    gone   -- the fork's `.forkkeeper/` is deleted at the point of this number, and the verb goes on
    caseless -- a folder below which names that differ in case alone are one name for this process
    fault  -- [number of the point, errno]: the system refuses that call

and one line answers: `code` (negative: a signal), `out`, `err`, `points` ([kind, place in the code, path, name before],
in order), `seconds` (that it took).
"""

import atexit
import builtins
import ctypes
import io
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import forkkeeper
from forkkeeper import tasks
from forkkeeper.shell.git.door import check_version

SOURCE = str(Path(forkkeeper.__file__).parent)
NAMES = ("rename", "replace", "unlink", "remove", "rmdir", "mkdir", "link", "symlink", "truncate", "chmod")
HANDLES = ("fsync", "fdatasync", "ftruncate")
CHANGING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
SUBREAPER = 36  # prctl(2): orphans of ours become ours to wait for


class Layer:
    """Stands between a verb and the system."""

    def __init__(self, asked: dict[str, Any], told: int) -> None:
        """Stand there. told -- a descriptor to which each point is written as it is met."""
        self._watched = tuple(f"{folder}/" for folder in asked["watched"])
        self._at, self._told = asked.get("at"), told
        self._gone, self._cache = asked.get("gone"), f"{asked['root']}/.forkkeeper"
        self._fault: tuple[int, int] | None = asked.get("fault") and tuple(asked["fault"])
        self._caseless = f"{asked['caseless']}/" if asked.get("caseless") else ""
        self._listing = os.listdir
        self._met = 0

    def _fold(self) -> None:
        """Let each path below the folder name what stands there under the same name in another case."""

        def folded(path: Any) -> Any:
            if isinstance(path, int) or not _absolute(path, None).startswith(self._caseless):
                return path
            here = self._caseless.rstrip("/")
            for part in _absolute(path, None)[len(self._caseless) :].split("/"):
                try:
                    there = self._listing(here)
                except OSError:
                    there = []
                same = next((name for name in there if name.lower() == part.lower()), part)
                here = f"{here}/{part if part in there else same}"
            return os.fsencode(here) if isinstance(path, bytes) else here

        def around(real: Callable[..., Any], count: int) -> Callable[..., Any]:
            return lambda *args, **named: real(*map(folded, args[:count]), *args[count:], **named)

        for name in (*NAMES, "stat", "lstat", "open", "readlink"):
            setattr(os, name, around(getattr(os, name), 2 if name in ("rename", "replace", "link") else 1))
        folding = around(io.open, 1)
        _put(io, open=folding)
        _put(builtins, open=folding)

    def watches(self, path: str) -> bool:
        """Whether a change of this path counts."""
        return path.startswith(self._watched) and not path.endswith(" (deleted)")

    def point(self, kind: str, path: str, source: str = "", dying: Callable[[], object] | None = None) -> None:
        """Meet a point, and die there if it is the one.

        source -- of a rename: the name before
        dying -- what is still done then
        """
        now, self._met = self._met, self._met + 1
        os.write(self._told, (json.dumps([kind, _place(sys._getframe(1)), path, source]) + "\n").encode("ascii"))
        if now == self._gone:
            self._gone = None
            shutil.rmtree(self._cache)
        if now == self._at:
            if dying is not None:
                dying()
            os.kill(os.getpid(), signal.SIGKILL)
        if self._fault is not None and now == self._fault[0]:
            raise OSError(self._fault[1], os.strerror(self._fault[1]), path)

    def install(self) -> None:
        """Put it there."""
        if self._caseless:
            self._fold()
        for name in NAMES:
            setattr(os, name, self._on_name(name, getattr(os, name)))
        for name in HANDLES:
            setattr(os, name, self._on_handle(name, getattr(os, name)))
        self._opening()
        self._programs()
        self._statements()

    def _on_name(self, kind: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **named: Any) -> Any:
            folder = named.get("dst_dir_fd", named.get("dir_fd"))
            which = args[1] if kind in ("rename", "replace", "link", "symlink") else args[0]
            path = _absolute(which, folder)
            if self.watches(path):
                is_rename = kind in ("rename", "replace")
                self.point(kind, path, _absolute(args[0], named.get("src_dir_fd")) if is_rename else "")
            return real(*args, **named)

        return call

    def _on_handle(self, kind: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(handle: int, *args: Any) -> Any:
            if self.watches(path := _of_handle(handle)):
                self.point(kind, path)
            return real(handle, *args)

        return call

    def _opening(self) -> None:
        real_os_open, real_open = os.open, io.open

        def os_open(path: Any, flags: int, *args: Any, **named: Any) -> int:
            where = _absolute(path, named.get("dir_fd"))
            is_unnamed = flags & getattr(os, "O_TMPFILE", 0) == getattr(os, "O_TMPFILE", -1)
            if flags & CHANGING and not is_unnamed and self.watches(where):
                self.point("open", where)
            return real_os_open(path, flags, *args, **named)

        def opening(file: Any, mode: str = "r", buffering: int = -1, *args: Any, **named: Any) -> Any:
            if not set(mode) & set("wax+") or named.get("opener") is not None:
                return real_open(file, mode, buffering, *args, **named)
            where = _of_handle(file) if isinstance(file, int) else _absolute(file, None)
            if not self.watches(where):
                return real_open(file, mode, buffering, *args, **named)
            if not isinstance(file, int):
                self.point("open", where)
            closes = named.pop("closefd", True)
            raw = _Raw(self, where, file, mode.replace("b", "").replace("t", ""), closefd=closes)
            if buffering == 0:
                return raw
            buffer: Any = io.BufferedRandom(raw) if "+" in mode else io.BufferedWriter(raw)
            return buffer if "b" in mode else io.TextIOWrapper(buffer, *args, **named)

        _put(os, open=os_open)
        _put(io, open=opening)
        _put(builtins, open=opening)

    def _programs(self) -> None:
        begin, wait = subprocess.Popen.__init__, subprocess.Popen.wait

        def started(process: Any, args: Any, *more: Any, **named: Any) -> None:
            process.forkkeeper_named = name = _program(args)
            self.point("before", name)
            begin(process, args, *more, **named)
            self.point("begun", name)

        def waited(process: Any, timeout: float | None = None) -> int:
            was = process.returncode
            code = wait(process, timeout)
            if was is None and code is not None:
                self.point("ended", getattr(process, "forkkeeper_named", ""))
            return code

        _put(subprocess.Popen, __init__=started, wait=waited)

    def _statements(self) -> None:
        layer = self

        class Connection(sqlite3.Connection):
            def execute(self, statement: str, *args: Any) -> sqlite3.Cursor:
                return self._met(statement, super().execute, *args)

            def executemany(self, statement: str, *args: Any) -> sqlite3.Cursor:
                return self._met(statement, super().executemany, *args)

            def _met(self, statement: str, run: Callable[..., sqlite3.Cursor], *args: Any) -> sqlite3.Cursor:
                name = " ".join(statement.split())[:60]
                layer.point("statement", name)
                found = run(statement, *args)
                layer.point("executed", name)
                return found

        real = sqlite3.connect
        _put(sqlite3, connect=lambda *args, **named: real(*args, factory=Connection, **named))


class _Raw(io.FileIO):
    """A file, each of whose writes is two points: before it, and when half of it is written."""

    def __init__(self, layer: Layer, path: str, file: Any, mode: str, *, closefd: bool) -> None:
        super().__init__(file, mode, closefd=closefd)
        self._layer, self._path = layer, path

    def write(self, data: Any) -> int:
        self._layer.point("write", self._path)
        half = bytes(data)[: len(data) // 2]
        self._layer.point("torn", self._path, dying=lambda: super(_Raw, self).write(half))
        return super().write(data) or 0


def _absolute(path: Any, folder: int | None) -> str:
    if isinstance(path, int):
        return _of_handle(path)
    name = os.fsdecode(path)
    return os.path.abspath(name if folder is None else f"{_of_handle(folder)}/{name}")  # noqa: PTH100 -- no resolving


def _of_handle(handle: int) -> str:
    try:
        return os.readlink(f"/proc/self/fd/{handle}")  # noqa: PTH115 -- Path would call what is replaced here
    except OSError:
        return ""


def _put(owner: Any, **named: Any) -> None:
    """Put something in the place of what an owner calls so."""
    for name, value in named.items():
        setattr(owner, name, value)


def _program(args: Any) -> str:
    words = [os.fsdecode(word) for word in ([args] if isinstance(args, str | bytes) else args)]
    name = words[0].rpartition("/")[2]
    return " ".join([name, *[word for word in words[1:] if not word.startswith("-")][:1]])


def _place(frame: FrameType | None) -> str:
    """Name the innermost place of ours that is at work: file and function."""
    while frame is not None:
        file = frame.f_code.co_filename
        if file.startswith(SOURCE):
            return f"{file[len(SOURCE) + 1 :]}:{frame.f_code.co_name}:{frame.f_lineno}"
        frame = frame.f_back
    return "outside"


# the server ---------------------------------------------------------------------------------------------------------


def _become(asked: dict[str, Any], said: tuple[Path, Path], points: Path, alone: int) -> NoReturn:
    """Run the verb in this process, which ends with it. alone -- told when it leads a group to be killed."""
    os.setsid()
    os.write(alone, b".")
    os.close(alone)
    for handle, path in enumerate((Path(os.devnull), *said)):
        os.dup2(os.open(path, os.O_RDONLY if handle == 0 else os.O_WRONLY | os.O_CREAT | os.O_TRUNC), handle)
    told = os.open(points, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.environ.clear()
    os.environ.update(asked["env"])
    time.tzset()
    os.chdir(asked["root"])
    sys.argv = ["forkkeeper", *asked["words"]]
    Layer(asked, told).install()
    code = 0
    try:
        tasks.program.run(sys.argv)
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    atexit._run_exitfuncs()  # what an interpreter does at its end, and `os._exit` does not
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _answer(asked: dict[str, Any], work: Path) -> dict[str, Any]:
    said, points = (work / "out", work / "err"), work / "points"
    heard, alone = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(heard)
        _become(asked, said, points, alone)
    os.close(alone)
    assert os.read(heard, 1) == b"."  # from now on it has a group: a kill before would reach nobody
    os.close(heard)
    began = time.monotonic()
    if asked.get("after") is not None:
        time.sleep(asked["after"])
        os.killpg(child, signal.SIGKILL)  # one that has ended is still there: nobody has waited for it
    code, seconds = 0, 0.0
    while True:  # all of it: what a dead verb leaves running ends before anybody looks
        try:
            ended, status = os.waitpid(-1, 0)
        except ChildProcessError:
            break
        if ended == child:
            code, seconds = os.waitstatus_to_exitcode(status), time.monotonic() - began
    met = [json.loads(line) for line in points.read_text().splitlines()] if points.exists() else []
    out, err = (path.read_bytes().decode("utf-8", "replace") for path in said)
    return {"code": code, "out": out, "err": err, "points": met, "seconds": seconds}


def main(work: Path) -> None:
    """Answer line by line."""
    ctypes.CDLL(None).prctl(SUBREAPER, 1, 0, 0, 0)
    check_version()
    answers = os.fdopen(os.dup(1), "w")
    for line in sys.stdin:
        answers.write(json.dumps(_answer(json.loads(line), work)) + "\n")
        answers.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
