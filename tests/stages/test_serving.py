"""A server beside the tests: a real process on a real port of loopback."""

import os
import socket
import sys
import time
from pathlib import Path

import pytest

from forkkeeper.core.variants import Server
from forkkeeper.errors import OutsideError, RequestError
from forkkeeper.stages import serving

LISTENS = """\
import socket, sys
listening = socket.create_server(("127.0.0.1", int(sys.argv[1])))
while True:
    listening.accept()[0].close()
    print("client", flush=True)
"""
SERVER = Server(program="server", arguments=("{port}",), connected="^client$")


def build(tmp_path: Path, code: str) -> Path:
    """Give a build folder whose one program is this code."""
    (tmp_path / "bin").mkdir()
    made = tmp_path / "bin" / "server"
    made.write_text(f"#!{sys.executable}\n{code}")
    made.chmod(0o755)
    return tmp_path


def reach(address: str) -> None:
    """Be a client."""
    host, _, port = address.rpartition(":")
    socket.create_connection((host, int(port)), timeout=5).close()


def test_clients_are_counted_and_the_server_is_gone_afterwards(tmp_path: Path) -> None:
    """It listens when it is handed over, counts the clients that came, and takes none after the end."""
    with serving.serving(SERVER, build(tmp_path, LISTENS), os.environ) as served:
        before = served.clients
        reach(served.address)
        ends = time.monotonic() + 5
        while served.clients == before and time.monotonic() < ends:
            time.sleep(0.02)
        assert served.clients == before + 1
    with pytest.raises(OSError, match="refused"):
        reach(served.address)


def test_it_is_stopped_when_the_tests_fail(tmp_path: Path) -> None:
    """An exception among the tests leaves no server behind."""
    address = ""
    with (  # noqa: PT012 -- the address is known inside alone
        pytest.raises(ZeroDivisionError),
        serving.serving(SERVER, build(tmp_path, LISTENS), os.environ) as served,
    ):
        address = served.address
        raise ZeroDivisionError
    with pytest.raises(OSError, match="refused"):
        reach(address)


def test_a_server_that_ends_at_once_is_quoted(tmp_path: Path) -> None:
    """The message has how it ended and its last words."""
    with (
        pytest.raises(OutsideError, match="exit status 3 at once: no port for me"),
        serving.serving(SERVER, build(tmp_path, "print('no port for me'); raise SystemExit(3)"), os.environ),
    ):
        pass


def test_a_server_whose_clients_cannot_be_counted_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the log never says what the declaration promises, no test could be shown to have gone through it."""
    monkeypatch.setattr(serving, "SECONDS", 1.0)
    mute = Server(program="server", arguments=("{port}",), connected="^no such line$")
    with pytest.raises(OutsideError, match="connected"), serving.serving(mute, build(tmp_path, LISTENS), os.environ):
        pass


def test_a_program_that_is_not_built_is_named(tmp_path: Path) -> None:
    """The message names the target to add."""
    with pytest.raises(RequestError, match="add server"), serving.serving(SERVER, tmp_path, os.environ):
        pass
