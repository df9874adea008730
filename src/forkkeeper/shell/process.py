"""The only door to other programs (git has its own, in `shell/git/`)."""

import errno
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Finished:
    """A program that has ended.

    code -- its exit status; negative: the signal that ended it
    out, err -- what it wrote, as text; empty when it wrote to the terminal
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


def watch(argv: Sequence[str], *, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> Finished:
    """Run a program to its end without input; it writes straight to our terminal.

    Raises OSError when the program cannot be started.
    """
    sys.stdout.flush()  # what we said before must stand before what it says
    done = subprocess.run(list(argv), cwd=cwd, env=env, stdin=subprocess.DEVNULL, check=False)
    return Finished(tuple(argv), done.returncode, "", "")


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
