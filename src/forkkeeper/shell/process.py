"""The only door to other programs (git has its own, in `shell/git/`)."""

import contextlib
import errno
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from types import FrameType
from typing import Self

from forkkeeper.core import relayed

if sys.platform != "win32":
    import pty
    import termios
    import tty

KEPT = 1_000_000  # bytes of what a watched program says that are kept: its last ones
PATIENCE = 5.0  # seconds that a program has to end by itself when it is told to
_PAUSE = 0.1  # seconds between looks at whether a program that says nothing has ended
_CHUNK = 65_536  # bytes: what a pipe of Linux holds
_OUT, _ERR = 1, 2  # descriptors: what `sys.stdout` was replaced by in this process never reached other programs


@dataclass(frozen=True, slots=True)
class Finished:
    """A program that has ended.

    code -- its exit status; negative: the signal that ended it
    out, err -- what it wrote, as text; of one that was watched: the last of it, all in `out` where our output and
        error are one file
    """

    argv: tuple[str, ...]
    code: int
    out: str
    err: str


def read(
    argv: Sequence[str],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    seconds: float | None = None,
) -> Finished:
    """Run a program to its end without input and keep what it writes.

    seconds -- for it to end, None for as long as it takes
    Raises OSError when the program cannot be started, TimeoutError when it was ended as it took too long.
    """
    try:
        done = subprocess.run(
            list(argv), cwd=cwd, env=env, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=seconds
        )
    except subprocess.TimeoutExpired as late:
        raise TimeoutError(errno.ETIMEDOUT, f"did not end within {seconds:g} s", argv[0]) from late
    return Finished(
        tuple(argv), done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
    )


def follow(argv: Sequence[str], *, env: Mapping[str, str] | None = None, on_line: Callable[[str], None]) -> Finished:
    """Run a program to its end without input, keep what it writes, and tell of each line of its output as it comes.

    Raises OSError when the program cannot be started.
    """
    with TemporaryFile() as said:
        with subprocess.Popen(
            list(argv), env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=said
        ) as process:
            lines = []
            try:
                for line in process.stdout or ():
                    lines.append(line)
                    on_line(line.decode(errors="replace"))
            except BaseException:
                process.kill()
                raise
        said.seek(0)
        err = said.read()
    return Finished(
        tuple(argv), process.returncode, b"".join(lines).decode(errors="replace"), err.decode(errors="replace")
    )


def watch(argv: Sequence[str], *, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> Finished:
    """Run a program to its end without input; what it writes is shown as it comes, and the last of it is kept.

    Where our output is a terminal the program is given one as well, of the same size: it shows its progress and its
    colours as if it wrote there itself. It runs in a session of its own, so it can ask nobody anything, and it is told
    of Ctrl-C by us: nothing of it is left running when we are interrupted or ended.
    Raises OSError when the program cannot be started, KeyboardInterrupt after it has ended.
    """
    for stream in (sys.stdout, sys.stderr):
        stream.flush()  # what we said before must stand before what it says
    if sys.platform == "win32":
        done = subprocess.run(list(argv), cwd=cwd, env=env, stdin=subprocess.DEVNULL, check=False)
        return Finished(tuple(argv), done.returncode, "", "")
    with _Relay() as relay, _heeding() as heard:
        process = heard.process = subprocess.Popen(
            list(argv),
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=relay.out.theirs,
            stderr=relay.err.theirs,
            start_new_session=True,
        )
        relay.started()
        try:
            relay.run(process, heard)
        except BaseException:  # nobody reads our output any more, say
            relay.mute()
            _end(process, relay, heard, signal.SIGTERM)
            raise
        if heard.signals:
            _end(process, relay, heard, heard.signals[0])
    if signal.SIGINT in heard.signals:
        raise KeyboardInterrupt
    for number in heard.signals:
        os.kill(os.getpid(), number)  # its own handler is back: we end as we would have
    return Finished(tuple(argv), process.wait(), *relay.kept())


def record(
    argv: Sequence[str], log: Path, *, cwd: Path | None = None, env: Mapping[str, str] | None = None, seconds: float
) -> Finished:
    """Run a program to its end without input, all that it writes in a file; gives the end of that as `out`.

    seconds -- that it may take: it is ended then, with all that it started
    It runs in a session of its own; nothing of it is left running when we are interrupted or ended.
    Raises OSError when it cannot be started, TimeoutError when it took too long, KeyboardInterrupt after it has ended.
    """
    until = time.monotonic() + seconds
    with log.open("wb") as out, _heeding() as heard:
        process = heard.process = subprocess.Popen(
            list(argv),
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            while process.poll() is None and not heard.signals and time.monotonic() < until:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(_PAUSE)
        finally:
            late = process.poll() is None and not heard.signals
            _end_quietly(process)
    if signal.SIGINT in heard.signals:
        raise KeyboardInterrupt
    for number in heard.signals:
        os.kill(os.getpid(), number)
    if late:
        raise TimeoutError(errno.ETIMEDOUT, f"did not end within {seconds:g} s", argv[0])
    return Finished(tuple(argv), process.returncode, _end_of(log), "")


def _end_quietly(process: subprocess.Popen[bytes]) -> None:
    """End a program and what it left of its session: asked first, killed where it does not heed that."""
    if process.poll() is None:
        _send(process, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(PATIENCE)
    left = _session(process.pid)
    _send(process, signal.SIGKILL)
    for pid in left:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)
    process.wait()


def _end_of(log: Path) -> str:
    """Give the last of what stands in a file."""
    with log.open("rb") as file:
        file.seek(0, os.SEEK_END)
        file.seek(max(0, file.tell() - KEPT))
        return file.read().decode(errors="replace")


@dataclass
class _Heard:
    """The signals that we heard while a program runs, in order. process -- the program, once it runs."""

    signals: list[signal.Signals]
    process: subprocess.Popen[bytes] | None = None


@contextlib.contextmanager
def _heeding() -> Iterator[_Heard]:
    """Hear of the signals that would end us, and not the program in its own session; stop and go on together with it.

    The signals are only written down: an exception out of a handler, Python's own for Ctrl-C among them, may come in
    the middle of anything, in `subprocess` while that holds its lock. What somebody else handles or ignores is left
    to him.
    """
    heard = _Heard([])

    def end(number: int, _: FrameType | None) -> None:
        heard.signals.append(signal.Signals(number))

    def rest(number: int, _: FrameType | None) -> None:
        """Ctrl-Z, then `fg`."""
        _send(heard.process, signal.SIGSTOP)  # a session of its own has no terminal whose SIGTSTP it would heed
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
        signal.signal(number, rest)
        _send(heard.process, signal.SIGCONT)

    handlers = {signal.SIGINT: end, signal.SIGTERM: end, signal.SIGHUP: end, signal.SIGQUIT: end, signal.SIGTSTP: rest}
    before = {number: signal.getsignal(number) for number in handlers}
    free = [number for number, was in before.items() if was in (signal.SIG_DFL, signal.default_int_handler)]
    if threading.current_thread() is not threading.main_thread():
        free = []  # Python gives signals to the main thread alone
    for number in free:
        signal.signal(number, handlers[number])
    try:
        yield heard
    finally:
        for number in free:
            signal.signal(number, before[number])


def _send(process: subprocess.Popen[bytes] | None, number: signal.Signals) -> None:
    """Send a signal to all of a program's session that did not leave its group."""
    if process is not None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)


def _end(process: subprocess.Popen[bytes], relay: "_Relay", heard: _Heard, number: signal.Signals) -> None:
    """Tell a program to end, and show what it says to that; kill it when it has not in time.

    Its own children are waited for as well: the ways that they write to are open as long as one of them runs. A second
    Ctrl-C ends the wait.
    """
    _send(process, number)
    known = len(heard.signals)
    try:
        relay.run(process, heard, known=known, seconds=PATIENCE)
    except OSError:  # the reader of our output has gone
        relay.mute()
        relay.run(process, heard, known=known, seconds=PATIENCE)
    finally:
        left = _session(process.pid)
        _send(process, signal.SIGKILL)
        for pid in left:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        process.wait()


def _session(leader: int) -> list[int]:
    """Give the processes of a session, where there is a /proc: Ninja gives each of its jobs a group of its own."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it has just ended
            _state, _parent, _group, session, *_ = status.read_text(errors="replace").rpartition(")")[2].split()
            found += [int(status.parent.name)] if int(session) == leader else []
    return found


class _Way:
    """One way from a program's output to a descriptor of ours: a terminal where that is one, a pipe elsewhere."""

    def __init__(self, shown: int) -> None:
        self._shown = shown
        self._terminal = os.isatty(shown)
        self.ours, self.theirs = _terminal() if self._terminal else os.pipe()
        self._size: tuple[int, int] | None = None
        self._kept: deque[bytes] = deque()
        self._bytes = 0
        self._held, self._starts = b"", True
        self.fit()

    def fit(self) -> None:
        """Give the program's terminal the size that ours has now."""
        if not self._terminal:
            return
        with contextlib.suppress(termios.error):  # its window was closed
            size = termios.tcgetwinsize(self._shown)
            if size != self._size:
                termios.tcsetwinsize(self.ours, size)
                self._size = size

    def pass_on(self, *, shown: bool) -> bool:
        """Show and keep what came; False when the other end is closed."""
        try:
            data = os.read(self.ours, _CHUNK)
        except OSError:  # EIO: how Linux says that a terminal's other end was closed
            return False
        self._kept.append(data)
        self._bytes += len(data)
        while self._bytes - len(self._kept[0]) >= KEPT:
            self._bytes -= len(self._kept.popleft())
        if shown:
            passed = relayed.passed(self._held + data, starts=self._starts)
            self._held, self._starts = passed.held, passed.starts
            _write(self._shown, passed.shown)
        return bool(data)

    def show_rest(self) -> None:
        """Show what was held: nothing comes after it."""
        _write(self._shown, relayed.whole(self._held, starts=self._starts))
        self._held = b""

    def kept(self) -> str:
        """Give the last of what came."""
        return b"".join(self._kept)[-KEPT:].decode(errors="replace")


class _Relay:
    """Both ways; where our output and error are one file they are one, so that the order stays."""

    def __init__(self) -> None:
        self.out = _Way(_OUT)
        self.err = self.out if _same(_OUT, _ERR) else _Way(_ERR)
        self._ways = list({self.out.ours: self.out, self.err.ours: self.err}.values())
        self._open = {way.ours: way for way in self._ways}
        self._theirs = [way.theirs for way in self._ways]
        self._shows = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.started()
        for way in self._ways:
            if self._shows:
                way.show_rest()
            os.close(way.ours)

    def started(self) -> None:
        """Leave the program's ends to it: ours come to an end when it, and what it started, has closed them."""
        while self._theirs:
            os.close(self._theirs.pop())

    def mute(self) -> None:
        """Show nothing of what comes from now on."""
        self._shows = False

    def run(
        self, process: subprocess.Popen[bytes], heard: _Heard, *, known: int = 0, seconds: float | None = None
    ) -> None:
        """Show what comes until the program has ended and all of it is shown, or we hear of a signal.

        known -- how many signals were heard before
        seconds -- go on so long at most, and until what the program started has ended as well; None: what it leaves
            in the background may hold a way open for ever, and is not waited for
        """
        until = time.monotonic() + (seconds or 0)
        while len(heard.signals) == known and (seconds is None or time.monotonic() < until):
            ended = process.poll() is not None
            pause = 0 if ended and seconds is None else _PAUSE if self._open else _PAUSE / 10
            ready, _, _ = select.select(list(self._open), [], [], pause)
            if ended and not ready and (seconds is None or not self._open):
                return
            for ours in ready:
                if not self._open[ours].pass_on(shown=self._shows):
                    del self._open[ours]
            for way in self._open.values():
                way.fit()

    def kept(self) -> tuple[str, str]:
        """Give the last of what came by each way; nothing for the second where they are one."""
        return self.out.kept(), self.err.kept() if self.err is not self.out else ""


def _terminal() -> tuple[int, int]:
    """Make a terminal that passes everything on as it is: that a line feed needs a carriage return is ours to know."""
    ours, theirs = pty.openpty()
    tty.setraw(theirs)
    return ours, theirs


def _same(one: int, other: int) -> bool:
    try:
        return os.path.sameopenfile(one, other)
    except OSError:  # one of them is closed
        return False


def _write(handle: int, data: bytes) -> None:
    """Write all of it, also where somebody made our output one that does not wait."""
    left = memoryview(data)
    while left:
        try:
            left = left[os.write(handle, left) :]
        except BlockingIOError:
            select.select([], [handle], [])


class Running:
    """A program that goes on beside us, in a process group of its own, writing to a file; stop it."""

    def __init__(self, argv: Sequence[str], log: Path, env: Mapping[str, str] | None = None) -> None:
        """Start it. Raises OSError when it cannot be started."""
        self.argv = tuple(argv)
        with log.open("wb") as out:
            self._process = subprocess.Popen(
                list(argv),
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def code(self) -> int | None:
        """Its exit status, None while it runs."""
        return self._process.poll()

    def stop(self, seconds: float = 5.0) -> None:
        """Ask it to end; one that does not within some seconds is killed."""
        self._process.terminate()
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
