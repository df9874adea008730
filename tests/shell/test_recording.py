"""Programs that write to a file and may take so long: ended with all that they started, and nothing left running."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from forkkeeper.shell import process

# heeds no request to end, and writes down who it is
DEAF = (
    "import os, signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    " open({file!r}, 'w').write(str(os.getpid())); time.sleep(600)"
)


def python(text: str) -> list[str]:
    """Give the command of a small Python program."""
    return [sys.executable, "-c", text]


def is_running(pid: int) -> bool:
    """Whether a process runs that is no zombie."""
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False


def ends(pid: int) -> bool:
    """Whether a process that was killed is gone: the system may take its time with that."""
    until = time.monotonic() + 30
    while is_running(pid) and time.monotonic() < until:
        time.sleep(0.05)
    return not is_running(pid)


def pid_in(file: Path) -> int:
    """Read a process's number from a file, once it is there."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        if file.is_file() and file.read_text():
            return int(file.read_text())
        time.sleep(0.05)
    raise AssertionError(f"{file} was never written")


def test_both_outputs_are_in_the_file_and_the_status_is_given(tmp_path: Path) -> None:
    """In the order in which they came."""
    text = "import sys; print('one', flush=True); print('two', file=sys.stderr, flush=True); sys.exit(3)"
    done = process.record(python(text), tmp_path / "log", seconds=60)
    assert (done.code, done.out) == (3, "one\ntwo\n")
    assert (tmp_path / "log").read_text() == "one\ntwo\n"


def test_a_program_that_takes_too_long_is_ended_with_what_it_started(tmp_path: Path) -> None:
    """Also a child that heeds no request, in a group of its own; what was said until then is in the file."""
    file = tmp_path / "pid"
    text = f"""
    import subprocess, sys, time
    print("begun", flush=True)
    subprocess.Popen([sys.executable, "-c", {DEAF.format(file=str(file))!r}], process_group=0)
    time.sleep(600)
    """
    with pytest.raises(TimeoutError, match="did not end within 3 s"):
        process.record(python(textwrap.dedent(text)), tmp_path / "log", seconds=3)
    assert ends(pid_in(file))
    assert (tmp_path / "log").read_text() == "begun\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_when_we_are_ended_so_is_the_program(tmp_path: Path, number: signal.Signals) -> None:
    """By Ctrl-C and by a request to end: we end as such a process does, and nothing of the program is left."""
    file = tmp_path / "pid"
    text = f"""
    import signal
    from pathlib import Path
    from forkkeeper.shell import process
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job is deaf to it
    deaf = {DEAF.format(file=str(file))!r}
    process.record([{sys.executable!r}, "-c", deaf], Path({str(tmp_path / "log")!r}), seconds=600)
    """
    ours = subprocess.Popen(python(textwrap.dedent(text)), stderr=subprocess.DEVNULL)
    child = pid_in(file)
    os.kill(ours.pid, number)
    assert ours.wait(60) in {-number, 1, 130}
    assert ends(child)
