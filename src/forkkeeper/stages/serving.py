"""Runs a program of a build as a server on loopback while tests go through it, and stops it for sure."""

import contextlib
import re
import socket
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from forkkeeper.core import variants
from forkkeeper.core.exitstatus import describe
from forkkeeper.core.variants import Server
from forkkeeper.errors import OutsideError, RequestError
from forkkeeper.shell import process
from forkkeeper.shell.process import Running

HOST = "127.0.0.1"
SECONDS = 30.0  # for a server to listen
PAUSE = 0.05
LAST_LINES = 5


@dataclass(frozen=True, slots=True)
class Serving:
    """A server that listens. address -- HOST:PORT; log -- what it writes; connected -- finds a client in that."""

    address: str
    log: Path
    connected: str

    @property
    def clients(self) -> int:
        """Number of clients that it has logged. The look of ours, whether it listens, is not one of them."""
        return len(re.findall(self.connected, _text(self.log), re.MULTILINE)) - 1


@contextlib.contextmanager
def serving(server: Server, build: Path, env: Mapping[str, str]) -> Iterator[Serving]:
    """Start the server of a finished build on a free port, and stop it at the end, come what may.

    Raises RequestError when the build has no such program, OutsideError when it ends or does not listen in time.
    """
    folder = build / "bin"
    name = variants.named(server.program, {path.name for path in folder.iterdir()} if folder.is_dir() else ())
    program = folder / name
    if not program.is_file():
        raise RequestError("check", str(program), "not built", f"add {name} to the variant's targets")
    port = _free_port()
    address = f"{HOST}:{port}"
    with TemporaryDirectory(prefix="forkkeeper-server-") as logs:
        log = Path(logs, "log")
        argv = (str(program), *(one.replace("{port}", str(port)) for one in server.arguments))
        try:
            running = Running(argv, log, env)
        except OSError as error:
            raise OutsideError("check", str(program), f"cannot be started: {error.strerror}", "build it") from error
        try:
            _await(running, log, port)
            serving = Serving(address, log, server.connected)
            _await_own(serving, running)
            yield serving
        finally:
            running.stop()


def _await(running: Running, log: Path, port: int) -> None:
    """Wait until it takes a connection."""
    ends = time.monotonic() + SECONDS
    while time.monotonic() < ends:
        if running.code is not None:
            raise OutsideError("check", running.argv[0], f"{describe(running.code)} at once: {_last(log)}", "see above")
        with contextlib.suppress(OSError), socket.create_connection((HOST, port), timeout=1):
            return
        time.sleep(PAUSE)
    raise OutsideError("check", running.argv[0], f"does not listen on {HOST}:{port} after {SECONDS:.0f} s", _last(log))


def _await_own(serving: Serving, running: Running) -> None:
    """Wait until it has logged our own look: it would else pass for the first client of the tests."""
    ends = time.monotonic() + SECONDS
    while serving.clients < 0:
        if time.monotonic() > ends or running.code is not None:
            found = f"took a connection, and logged nothing like `{serving.connected}`: {_last(serving.log)}"
            raise OutsideError("check", running.argv[0], found, "mend `connected` of its [variant.NAME.server]")
        time.sleep(PAUSE)


def preload(source: Path, *, tree: Path, build: Path) -> Path:
    """Compile a C++ file of the fork against a build, as a library to be loaded before a program of it.

    source -- the file; tree -- the composed tree that was built; build -- its build folder
    Raises RequestError when the file is missing, OutsideError when it does not compile.
    """
    if not source.is_file():
        raise RequestError("check", str(source), "is missing", "mend `preload` in fork.toml")
    made = build / f"preload-{source.stem}.so"
    libraries = build / "bin"
    argv = ("c++", "-std=c++17", "-shared", "-fPIC", "-O1", f"-I{tree / 'ggml' / 'include'}", str(source))
    link = (f"-L{libraries}", f"-Wl,-rpath,{libraries}", "-lggml-rpc", "-lggml", "-lggml-base", "-o", str(made))
    done = process.read((*argv, *link))
    if done.code != 0:
        raise OutsideError("check", str(source), f"does not compile: {done.err.strip()}", "mend it")
    return made


def _free_port() -> int:
    with socket.socket() as asking:
        asking.bind((HOST, 0))
        port: int = asking.getsockname()[1]
    return port


def _last(log: Path) -> str:
    return " · ".join(_text(log).strip().splitlines()[-LAST_LINES:]) or "it said nothing"


def _text(log: Path) -> str:
    return log.read_text(encoding="utf-8", errors="replace")
