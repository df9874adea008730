"""Watching programs: shown as it comes and kept, on a real terminal and without one, and nothing left running."""

import fcntl
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
import textwrap
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from forkkeeper.shell import process

SIZE = (33, 77)  # rows, columns


@dataclass
class Watcher:
    """A Python of its own that watches a program, on a terminal of its own. terminal -- our end of that."""

    child: subprocess.Popen[bytes]
    terminal: int
    shown: bytes = b""

    def read_on(self) -> bool:
        """Read what comes next; False at the end."""
        try:
            data = os.read(self.terminal, 65536)
        except OSError:  # how Linux says that the other end was closed
            return False
        self.shown += data
        return bool(data)

    def until(self, word: bytes) -> None:
        """Read until a word was shown."""
        while word not in self.shown:
            assert self.read_on(), self.shown

    def end(self) -> int:
        """Read to the end, and give the exit status."""
        while self.read_on():
            pass
        return self.child.wait(timeout=60)


def script(folder: Path, name: str, text: str) -> list[str]:
    """Write a Python program, and give the command that runs it."""
    path = folder / name
    path.write_text(textwrap.dedent(text))
    return [sys.executable, str(path)]


def watching(folder: Path, argv: list[str], after: str = "") -> list[str]:
    """Give the command of a program that watches another, and says how that ended."""
    text = f"""
        import sys
        from forkkeeper.shell import process
        try:
            done = process.watch({argv!r})
        except KeyboardInterrupt:
            print("interrupted", flush=True)
            sys.exit(130)
        print("ended with", done.code, len(done.out), flush=True)
        {after}
    """
    return script(folder, "watching.py", text)


def heeding() -> None:
    """Take a terminal as the one whose keys are heard, and heed Ctrl-C: a shell's background jobs ignore it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    fcntl.ioctl(1, termios.TIOCSCTTY, 0)


@pytest.fixture
def on_terminal() -> Iterator[Callable[[list[str]], Watcher]]:
    """Give what starts a program on a terminal of its own, of a known size, as a shell in the foreground does."""
    made: list[Watcher] = []

    def start(argv: list[str]) -> Watcher:
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", *SIZE, 0, 0))
        child = subprocess.Popen(
            argv,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            preexec_fn=heeding,  # noqa: PLW1509 -- no threads here
        )
        os.close(theirs)
        made.append(Watcher(child, ours))
        return made[-1]

    yield start
    for one in made:
        one.child.kill()
        one.child.wait()
        os.close(one.terminal)


def state(pid: int) -> str:
    """Give the kernel's letter for how a process stands: "T" is stopped, "" and "Z" gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return ""


def soon(holds: Callable[[], bool], seconds: float = 20.0) -> bool:
    """Wait until something holds."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if holds():
            return True
        time.sleep(0.02)
    return False


def gone(pid: int) -> bool:
    """Whether a process has ended."""
    return state(pid) in ("", "Z")


def descriptors() -> list[str]:
    """Give the descriptors that this process has open."""
    return sorted(os.listdir("/proc/self/fd"))  # noqa: PTH208 -- names


# without a terminal -------------------------------------------------------------------------------------------------


def test_what_is_shown_is_kept(capfd: pytest.CaptureFixture[str]) -> None:
    """Both outputs come through to ours, each to its own, and what was said is given as well."""
    done = process.watch(["sh", "-c", "echo out; echo err >&2; exit 3"])
    assert capfd.readouterr() == ("out\n", "err\n")
    assert (done.code, done.out, done.err) == (3, "out\n", "err\n")


def test_the_signal_that_ends_a_program_is_its_status() -> None:
    """A program that dies of a signal has that, negative, as its code."""
    assert process.watch(["sh", "-c", "kill -SEGV $$"]).code == -signal.SIGSEGV


def test_a_program_that_cannot_start_is_an_error_and_leaves_nothing_open() -> None:
    """OSError says why, and no descriptor of ours stays open."""
    before = descriptors()
    for _ in range(3):
        with pytest.raises(FileNotFoundError):
            process.watch(["/no/such/program"])
        process.watch(["true"])
    assert descriptors() == before


def test_the_order_stays_where_both_outputs_are_one(tmp_path: Path) -> None:
    """With `2>&1` what was said to either output stands in the order said, 2,000 lines of it."""
    text = "import os\nfor n in range(1000):\n    os.write(1, b'out %d\\n' % n)\n    os.write(2, b'err %d\\n' % n)\n"
    argv = watching(tmp_path, script(tmp_path, "both.py", text))
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=True)
    assert done.stdout.splitlines()[:-1] == [f"{side} {n}" for n in range(1000) for side in ("out", "err")]


def test_much_is_shown_whole_and_its_end_is_kept(tmp_path: Path) -> None:
    """Of 20 MB to each output every byte is shown; the last megabyte is kept."""
    text = (
        "import os\nfor n in range(20):\n    os.write(1, b'o' * 10**6)\n    os.write(2, b'e' * 10**6)\nprint('end')\n"
    )
    argv = watching(tmp_path, script(tmp_path, "much.py", text), "print(done.out[-4:])")
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    assert (done.stdout.count("o"), done.stderr.count("e")) == (20 * 10**6, 20 * 10**6)
    assert done.stdout.endswith(f"end\nended with 0 {process.KEPT}\nend\n\n")


def test_one_left_in_the_background_is_not_waited_for(capfd: pytest.CaptureFixture[str]) -> None:
    """A cache's server that a compiler starts holds our output open; the build has ended all the same."""
    began = time.monotonic()
    done = process.watch(["sh", "-c", "sleep 30 & echo $!"])
    os.kill(int(done.out), signal.SIGKILL)
    assert time.monotonic() - began < 10
    assert capfd.readouterr().out == done.out


def test_an_output_that_does_not_wait_gets_everything(tmp_path: Path) -> None:
    """Where somebody made our output non-blocking, a slow reader still gets every byte."""
    argv = watching(tmp_path, script(tmp_path, "much.py", "print('x' * 10**6)"))
    ours, theirs = os.pipe()
    os.set_blocking(theirs, False)
    with subprocess.Popen(argv, stdout=theirs) as child:
        os.close(theirs)
        time.sleep(0.5)
        with os.fdopen(ours, "rb") as reader:
            shown = reader.read()
    assert child.returncode == 0
    assert shown.count(b"x") == 10**6


def test_a_reader_that_goes_ends_the_program(tmp_path: Path) -> None:
    """With `| head` nothing goes on building for nobody: the program is ended, and the pipe's error is ours."""
    pid = tmp_path / "pid"
    argv = script(tmp_path, "yes.py", f"import os\nopen({str(pid)!r}, 'w').write(str(os.getpid()))\nwhile 1: print(1)")
    with subprocess.Popen(watching(tmp_path, argv), stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        child.stdout.read(10)
        child.stdout.close()
        assert b"BrokenPipeError" in child.stderr.read()
    assert gone(int(pid.read_text()))


def test_it_can_be_imported_where_there_are_no_terminals(tmp_path: Path) -> None:
    """On a system without them the module still loads."""
    text = """
        import subprocess, sys, select, signal
        sys.platform = "win32"
        sys.modules |= {"pty": None, "termios": None, "tty": None}
        from forkkeeper.shell import process
        print(process.watch(["true"]).code)
    """
    done = subprocess.run(script(tmp_path, "windows.py", text), capture_output=True, text=True, check=True)
    assert done.stdout == "0\n"


# on a terminal ------------------------------------------------------------------------------------------------------

LOOKS = """
    import os, sys
    print(os.isatty(0), os.isatty(1), os.isatty(2), tuple(os.get_terminal_size()))
    sys.stdout.write("\\x1b[31mred\\x1b[0m\\r[1/2] here\\r[2/2] there\\n")
"""


def test_a_program_on_a_terminal_gets_one(tmp_path: Path, on_terminal: Callable[[list[str]], Watcher]) -> None:
    """It sees a terminal of our size and no keyboard; its bytes come through as they are, colours and all."""
    watcher = on_terminal(watching(tmp_path, script(tmp_path, "looks.py", LOOKS)))
    assert watcher.end() == 0
    first, second, *_ = watcher.shown.split(b"\r\n")
    assert first == b"False True True (77, 33)"
    assert second == b"\x1b[31mred\x1b[0m\r[1/2] here\r[2/2] there"


def test_a_terminal_that_changes_its_size_is_followed(
    tmp_path: Path, on_terminal: Callable[[list[str]], Watcher]
) -> None:
    """A window made wider while the program runs is as wide for the program."""
    text = """
        import os, time
        print("here", flush=True)
        while os.get_terminal_size().columns == 77: time.sleep(0.02)
        print(os.get_terminal_size())
    """
    watcher = on_terminal(watching(tmp_path, script(tmp_path, "size.py", text)))
    watcher.until(b"here")
    fcntl.ioctl(watcher.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 132, 0, 0))
    assert watcher.end() == 0
    assert b"columns=132, lines=40" in watcher.shown


def test_an_output_in_a_file_is_no_terminal(tmp_path: Path, on_terminal: Callable[[list[str]], Watcher]) -> None:
    """With `2> file` on a terminal only the other output is one."""
    inner = watching(tmp_path, script(tmp_path, "looks.py", LOOKS))
    watcher = on_terminal(["sh", "-c", f"{sys.executable} {inner[1]} 2> {tmp_path / 'err'}"])
    assert watcher.end() == 0
    assert watcher.shown.startswith(b"False True False (77, 33)\r\n")


def test_much_on_a_terminal(tmp_path: Path, on_terminal: Callable[[list[str]], Watcher]) -> None:
    """100,000 lines come through whole, and in order."""
    argv = script(tmp_path, "many.py", "for n in range(100000): print(n)")
    watcher = on_terminal(watching(tmp_path, argv))
    assert watcher.end() == 0
    assert watcher.shown.split(b"\r\n")[:-2] == [b"%d" % n for n in range(100_000)]


# interrupted --------------------------------------------------------------------------------------------------------

BUSY = """
    import os, signal, subprocess, sys, time
    def told(number, _):
        os.write(1, f"told {signal.Signals(number).name}\\n".encode())  # print may be in the middle of its own
        child.wait()
        sys.exit(1)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, told)
    child = subprocess.Popen(["sleep", "60"])
    print("pids", os.getpid(), child.pid, flush=True)
    while True: time.sleep(0.02)
"""
DEAF = """
    import os, signal, time
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    print("pids", os.getpid(), flush=True)
    while True: time.sleep(0.02)
"""


def pids(watcher: Watcher) -> list[int]:
    """Wait until the watched program has said who it is; gives it and its child."""
    watcher.until(b"pids")
    watcher.until(b"\r\n")
    line = next(line for line in watcher.shown.split(b"\r\n") if line.startswith(b"pids"))
    return [int(word) for word in line.split()[1:]]


@pytest.mark.parametrize("by", ["the key", "a signal to us alone"])
def test_ctrl_c_reaches_the_program(tmp_path: Path, on_terminal: Callable[[list[str]], Watcher], by: str) -> None:
    """The program and its own child are told and end, what it says to that is shown, and we are interrupted."""
    watcher = on_terminal(watching(tmp_path, script(tmp_path, "busy.py", BUSY)))
    found = pids(watcher)
    if by == "the key":
        os.write(watcher.terminal, b"\x03")
    else:
        watcher.child.send_signal(signal.SIGINT)
    assert watcher.end() == 130, watcher.shown
    assert watcher.shown.endswith(b"told SIGINT\r\ninterrupted\r\n")
    assert all(map(gone, found))


def test_ctrl_c_reaches_a_program_that_says_no_more(
    tmp_path: Path, on_terminal: Callable[[list[str]], Watcher]
) -> None:
    """One that has closed its output is waited for, and told as well."""
    pid = tmp_path / "pid"
    watcher = on_terminal(watching(tmp_path, ["sh", "-c", f"echo $$ > {pid}; exec sleep 60 > {os.devnull} 2>&1"]))
    assert soon(lambda: pid.exists() and pid.read_text().endswith("\n"))
    time.sleep(0.3)
    os.write(watcher.terminal, b"\x03")
    assert watcher.end() == 130, watcher.shown
    assert gone(int(pid.read_text()))


def test_ctrl_c_twice_ends_what_is_deaf_to_it(tmp_path: Path, on_terminal: Callable[[list[str]], Watcher]) -> None:
    """A program that ignores the first is killed by the second, without the wait."""
    watcher = on_terminal(watching(tmp_path, script(tmp_path, "deaf.py", DEAF)))
    found = pids(watcher)
    began = time.monotonic()
    os.write(watcher.terminal, b"\x03")
    time.sleep(0.5)
    os.write(watcher.terminal, b"\x03")
    assert watcher.end() == 130, watcher.shown
    assert time.monotonic() - began < process.PATIENCE
    assert all(map(gone, found))


def test_ctrl_c_once_ends_it_in_the_end(tmp_path: Path, on_terminal: Callable[[list[str]], Watcher]) -> None:
    """A program that ignores it is killed when the patience is over."""
    watcher = on_terminal(watching(tmp_path, script(tmp_path, "deaf.py", DEAF)))
    found = pids(watcher)
    os.write(watcher.terminal, b"\x03")
    assert watcher.end() == 130, watcher.shown
    assert all(map(gone, found))


def test_a_job_in_a_group_of_its_own_is_killed_as_well(
    tmp_path: Path, on_terminal: Callable[[list[str]], Watcher]
) -> None:
    """What a builder put into another group, and what hears nothing there, is not left behind."""
    deaf = script(tmp_path, "deaf.py", DEAF)
    text = f"import subprocess\nwith subprocess.Popen({deaf!r}, process_group=0): pass"
    watcher = on_terminal(watching(tmp_path, script(tmp_path, "builder.py", text)))
    found = pids(watcher)
    os.write(watcher.terminal, b"\x03")
    assert watcher.end() == 130, watcher.shown
    assert all(map(gone, found))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_when_we_are_ended_the_program_is_too(
    tmp_path: Path, on_terminal: Callable[[list[str]], Watcher], number: signal.Signals
) -> None:
    """It is told what we were told, has ended before we do, and we end by that signal."""
    watcher = on_terminal(watching(tmp_path, script(tmp_path, "busy.py", BUSY)))
    found = pids(watcher)
    watcher.child.send_signal(number)
    assert watcher.end() == -number, watcher.shown
    assert b"told " + number.name.encode() in watcher.shown
    assert all(map(gone, found))


def test_a_terminal_that_is_closed_ends_the_program(
    tmp_path: Path, on_terminal: Callable[[list[str]], Watcher]
) -> None:
    """Nothing goes on after its window was closed: we end by its signal, though nothing can be shown any more."""
    watcher = on_terminal(watching(tmp_path, script(tmp_path, "busy.py", BUSY)))
    found = pids(watcher)
    ours = watcher.terminal
    watcher.terminal = os.dup(os.open(os.devnull, os.O_RDONLY))
    os.close(ours)
    assert watcher.child.wait(timeout=60) == -signal.SIGHUP
    assert soon(lambda: all(map(gone, found)))


def test_ctrl_z_stops_both_and_both_go_on(tmp_path: Path) -> None:
    """Stopped, we and the program rest; continued, both go on to a good end."""
    flag = tmp_path / "flag"
    text = f"""
        import os, time
        print("pids", os.getpid(), flush=True)
        while not os.path.exists({str(flag)!r}): time.sleep(0.02)
    """
    argv = watching(tmp_path, script(tmp_path, "waits.py", text))
    with subprocess.Popen(argv, stdout=subprocess.PIPE, process_group=0) as child:
        assert child.stdout is not None
        pid = int(child.stdout.readline().split()[1])
        child.send_signal(signal.SIGTSTP)
        assert soon(lambda: state(child.pid) == state(pid) == "T")
        child.send_signal(signal.SIGCONT)
        assert soon(lambda: state(pid) in ("S", "R"))
        flag.touch()
        assert child.stdout.read().startswith(b"ended with 0")


def test_a_signal_that_somebody_handles_is_left_to_him(capfd: pytest.CaptureFixture[str]) -> None:
    """Handlers of ours stand for as long as a program runs, where nobody had one, and are taken back."""
    mine: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _: mine.append(number))
    try:
        done = process.watch(["sh", "-c", f"kill -TERM {os.getpid()}; echo still here"])
    finally:
        signal.signal(signal.SIGTERM, before)
    assert (done.out, mine) == ("still here\n", [signal.SIGTERM])
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_DFL
    assert capfd.readouterr().out == done.out


def test_lines_are_told_as_they_come() -> None:
    """Each line is told once, in order, beside all that was kept; much on the other output blocks nothing."""
    text = 'import sys\nfor i in range(5):\n    print(i)\n    sys.stderr.write("x" * 300_000)\n'
    told: list[str] = []
    done = process.follow((sys.executable, "-c", text), on_line=told.append)
    assert (done.code, told, done.out) == (0, [f"{i}\n" for i in range(5)], "0\n1\n2\n3\n4\n")
    assert len(done.err) == 1_500_000
