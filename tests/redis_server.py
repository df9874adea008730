"""A real Redis on a free port of loopback, for as long as it is needed."""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from forkkeeper.shell.process import Running

HOST = "127.0.0.1"
SECONDS = 10.0  # for it to answer


@dataclass(frozen=True)
class Redis:
    """A server on loopback that keeps all in memory."""

    port: int
    running: Running

    @property
    def url(self) -> str:
        """What ccache is given."""
        return f"redis://{HOST}:{self.port}"

    def ask(self, words: str) -> str:
        """Send a command in Redis's plain form and give its one line of answer."""
        with socket.create_connection((HOST, self.port), timeout=1) as door:
            door.sendall(f"{words}\r\n".encode())
            return door.makefile().readline().strip()


@contextmanager
def serving(folder: Path) -> Iterator[Redis]:
    """Start Redis on a free port; it is stopped at the end, come what may."""
    with socket.socket() as door:
        door.bind((HOST, 0))
        port = door.getsockname()[1]
    log = folder / "redis.log"
    argv = ("redis-server", "--port", str(port), "--bind", HOST, "--save", "", "--appendonly", "no")
    running = Running((*argv, "--dir", str(folder), "--daemonize", "no"), log)
    try:
        redis = Redis(port, running)
        wait_for(redis, log)
        yield redis
    finally:
        running.stop()


def wait_for(redis: Redis, log: Path) -> None:
    """Wait until it answers."""
    ends = time.monotonic() + SECONDS
    while time.monotonic() < ends and redis.running.code is None:
        try:
            if redis.ask("PING") == "+PONG":
                return
        except OSError:
            time.sleep(0.02)
    pytest.fail(f"redis-server does not answer on port {redis.port}: {log.read_text()}")
