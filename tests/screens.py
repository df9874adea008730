"""A terminal of its own for a verb, so that tests see what a person sees."""

import fcntl
import os
import pty
import struct
import subprocess
import termios
from collections.abc import Mapping
from pathlib import Path

from world import BIN, Ran


def on_terminal(folder: Path, *words: str, columns: int = 80, env: Mapping[str, str] | None = None) -> Ran:
    """Run `forkkeeper` on a terminal of its own of so many columns, with nobody at the keyboard."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    variables = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
    variables |= {"TERM": "xterm", "PAGER": "cat", "GIT_PAGER": "cat", "PATH": f"{BIN}:{os.environ['PATH']}"} | dict(
        env or {}
    )
    argv = [str(BIN / "forkkeeper"), *words]
    child = subprocess.Popen(argv, cwd=folder, env=variables, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    shown = b""
    while True:
        try:
            data = os.read(ours, 65536)
        except OSError:  # how Linux says that the other end was closed
            break
        if not data:
            break
        shown += data
    os.close(ours)
    return Ran(child.wait(), shown.decode().replace("\r\n", "\n"), "")
