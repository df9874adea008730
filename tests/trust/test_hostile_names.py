"""Addresses, refs and revisions that git would take for options or programs; refs that move; ids of another kind."""

import os
import re
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import sdists
from holding import declare
from hostile import Canary, unharmed
from sdists import embedded, follow_sdists, sdist
from world import Fork, environment, git

from forkkeeper.core.pip_settings import PipSettings
from forkkeeper.errors import OutsideError
from forkkeeper.shell import net

pytestmark = pytest.mark.attack
EXT = '[protocol "ext"]\n\tallow = always\n'  # as some users have it; git's own default is never

GIT_REFUSES = re.compile(r"transport 'ext' not allowed|protocol '--upload-pack=.*;' is not supported")


def refuse_no_attack(folder: Path, canary: Canary, *argv: str) -> None:
    """Show that plain git, with the user's settings, runs the canary."""
    env = {"PATH": environment()["PATH"], "HOME": os.environ["HOME"]}
    subprocess.run(["git", *argv], cwd=folder, env=env, capture_output=True, check=False, timeout=60)
    assert canary.sang, "plain git does not fall for this: the test proves nothing"
    canary.hush()


@pytest.mark.parametrize("address", ["ext::{}", "ext::sh -c {}", "--upload-pack={};://x"])
def test_an_address_that_is_a_program_or_option(
    fork_behind: Fork, canary: Canary, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Attack: fork.toml's source is an address that git would run, or take for an option; nothing is run.

    What is asked before git is does not stop it: a host of the network is named `ext`, and the option is the name of a
    folder of the fork's, too.
    """
    with Path(os.environ["HOME"], ".gitconfig").open("a") as file:
        file.write(EXT)
    address = address.replace("{}", str(canary.program))
    refuse_no_attack(fork_behind.upstream.path, canary, "fetch", address, "+refs/heads/*:refs/x/*")
    if address.startswith("ext"):
        monkeypatch.setattr(net, "reachable", lambda _: None)
    else:
        (fork_behind.root / address).mkdir(parents=True)
    toml = fork_behind.root / "fork.toml"
    toml.write_text(toml.read_text().replace("../upstream.git", address))
    with unharmed(fork_behind, canary):
        ran = fork_behind.run("upstream", "refresh")
        assert GIT_REFUSES.search(ran.said), ran.said
        for words in (["status"], ["plan", "--upto", "v1.1"]):
            assert fork_behind.run(*words).code in (0, 1, 2, 3)


@pytest.mark.parametrize("address", ["ext::{}", "--upload-pack={};://x"])
def test_a_repository_of_the_branch_that_is_a_program_or_option(
    fork_behind: Fork, canary: Canary, address: str
) -> None:
    """Attack: the repository in which fork.toml holds the branch is such an address; nothing is run."""
    with Path(os.environ["HOME"], ".gitconfig").open("a") as file:
        file.write(EXT)
    address = address.replace("{}", str(canary.program))
    refuse_no_attack(fork_behind.root, canary, "ls-remote", address, "refs/heads/fork")
    declare(fork_behind, "branch", repository=address, branch="fork")
    with unharmed(fork_behind, canary):
        ran = fork_behind.run("materialise")
        assert GIT_REFUSES.search(ran.said), ran.said


REVISIONS = (
    "-x",
    "--output=../evil",
    "--upload-pack=x",
    "@{-1}",
    "HEAD^{/x}",
    ":/x",
    "v1.1\n--exec=x",
    "^v1.1",
    "v1.1..v1.0",
)


@pytest.mark.parametrize("typed", REVISIONS)
@pytest.mark.parametrize("verb", ["plan", "sync"])
def test_a_revision_that_is_an_option(fork_behind: Fork, canary: Canary, verb: str, typed: str) -> None:
    """Attack: what is typed for a commit begins with `-`, or asks git for more than a name; it is refused."""
    with unharmed(fork_behind, canary):
        ran = fork_behind.run(verb, f"--upto={typed}")
        assert (ran.code, "is not something that names an upstream commit" in ran.err) == (2, True), ran.said


@pytest.mark.parametrize("name", ["-x", "--output=evil", "$(touch evil)", "`x`", "a\u202eb", "a;b", "|x", "v1.2'\""])
def test_a_ref_of_upstream_s_with_such_a_name(fork_behind: Fork, canary: Canary, name: str) -> None:
    """Attack: upstream's tags and branches are named like options or commands; they are names, and shown as such."""
    bare = fork_behind.upstream.path
    for place in ("tags", "heads"):
        path = bare / "refs" / place / name
        path.write_text(f"{fork_behind.target}\n")
    with unharmed(fork_behind, canary):
        for words in (["status"], ["plan", "--upto", fork_behind.target], ["triage"], ["sync", "--upto", "v1.1"]):
            ran = fork_behind.run(*words)
            assert ran.code in (0, 1), ran.said
            assert "\u202e" not in ran.said


def test_a_tag_that_moves(fork_behind: Fork, canary: Canary) -> None:
    """Attack: after a sync upstream moves the tag that was named; the pin stays the id in the lock, and its tree."""
    fork_behind.ok("sync", "--upto", "v1.1")
    lock = (fork_behind.root / "fork.lock").read_bytes()
    evil = fork_behind.upstream.commit({"src/main.c": "int evil;\n"})
    git(fork_behind.upstream.path, "update-ref", "refs/tags/v1.1", evil)
    with unharmed(fork_behind, canary):
        fork_behind.ok("status")
        fork_behind.ok("materialise", "written")
    assert (fork_behind.root / "fork.lock").read_bytes() == lock
    assert "evil" not in (fork_behind.root / "written/src/main.c").read_text()


def test_a_branch_that_is_pushed_with_force(fork_behind: Fork, canary: Canary) -> None:
    """Attack: upstream's branch is put on other commits; the pin's objects are kept, and the same fork is composed."""
    toml = fork_behind.root / "fork.toml"
    toml.write_text(toml.read_text().replace("../upstream.git", f"file://{fork_behind.upstream.path}"))
    fork_behind.ok("sync", "--upto", "v1.1")
    bare = fork_behind.upstream.path
    other = git(bare, "commit-tree", git(bare, "rev-parse", "v0.9^{tree}"), "-m", "other")
    for ref in ("refs/heads/main", "refs/tags/v1.1", "refs/tags/v1.0", "refs/tags/v0.9"):
        git(bare, "update-ref", ref, other)
    git(bare, "gc", "--quiet", "--prune=now")
    with unharmed(fork_behind, canary):
        fork_behind.run("upstream", "refresh")
        fork_behind.ok("status")
        fork_behind.ok("diff")


@pytest.mark.parametrize("kind", ["tree", "blob"])
def test_an_id_of_another_kind(fork_behind: Fork, canary: Canary, kind: str) -> None:
    """Attack: the full id of a tree or of a file is given for a commit, or stands in the lock; it is refused."""
    what = "v1.1^{tree}" if kind == "tree" else "v1.1:src/main.c"
    oid = git(fork_behind.upstream.path, "rev-parse", what)
    before = fork_behind.state()
    with unharmed(fork_behind, canary):
        assert fork_behind.run("sync", "--upto", oid).code == 2
        assert fork_behind.run("plan", "--upto", oid).code == 2
    assert fork_behind.state() == before
    lock = fork_behind.root / "fork.lock"
    lock.write_text(lock.read_text().replace(fork_behind.pin, oid))
    with unharmed(fork_behind, canary):
        assert fork_behind.run("diff").code == 2


@contextmanager
def turning(to: str, certificate: Path | None = None) -> Iterator[str]:
    """Serve an index that sends everybody elsewhere. certificate -- its own and its key, where it is read by https."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(302)
            self.send_header("Location", f"{to}{self.path}")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the library's name
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        if certificate is not None:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(certificate)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"{'https' if certificate else 'http'}://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def test_an_sdist_from_another_host(
    fork_behind: Fork, canary: Canary, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Attack: the index promises one file, and a redirection to another host gives another; its digest refuses it."""
    follow_sdists(fork_behind, {"1.0": fork_behind.pin, "1.1": fork_behind.target})
    true = sdist(embedded(fork_behind.upstream, fork_behind.target, tmp_path / "embedded"), "1.1")
    with sdists.serving() as honest, sdists.serving() as evil, turning(evil.url.removesuffix("/simple")) as turned:
        honest.offer("1.1", true)
        evil.offer("1.1", true[:-9] + b"\0" * 9)
        digest = honest.offers[sdists.name_of("1.1")].sha256
        page = f'<a href="{turned}/files/{sdists.name_of("1.1")}#sha256={digest}">{sdists.name_of("1.1")}</a>'
        monkeypatch.setattr(sdists._Handler, "do_GET", _paged(sdists._Handler.do_GET, page, honest))
        for name, value in {"PIP_INDEX_URL": honest.url, "PIP_NO_INDEX": "0", "NO_PROXY": "127.0.0.1"}.items():
            monkeypatch.setenv(name, value)
        before = fork_behind.state()
        ran = fork_behind.run("sync", "--upto", "small-package==1.1")
        assert ran.code == 3, ran.said
        assert evil.asked, "the redirection was followed"
    assert "is not what the index promises" in ran.err
    assert fork_behind.state() == before
    assert not canary.sang


def _paged(real: object, page: str, honest: sdists.Index) -> object:
    """Let the honest index give a page of its own."""

    def do_get(self: sdists._Handler) -> None:
        if self.index is honest and not self.path.endswith(".tar.gz"):
            self._answer("text/html", page.encode(), len(page))
        else:
            real(self)  # type: ignore[operator]

    return do_get


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """Make a key and a certificate of 127.0.0.1 that signs itself, in one file."""
    made = tmp_path / "index.pem"
    wanted = ("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1")
    files = ("-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(made), "-out", f"{made}.crt")
    subprocess.run(["openssl", *wanted, *files], check=True, capture_output=True)
    with made.open("ab") as file:
        file.write(Path(f"{made}.crt").read_bytes())
    return made


WAYS: dict[str, Callable[[str, PipSettings, Path], object]] = {
    "of versions": lambda _, settings, __: net.versions(sdists.PACKAGE, settings),
    "of an sdist": lambda _, settings, into: net.download(sdists.PACKAGE, "1.1", into, settings, lambda *_: None),
    "of a file": lambda url, settings, into: net.fetch(url, "0" * 64, into / "file", settings, lambda *_: None),
}


@pytest.mark.openssl
@pytest.mark.parametrize("way", WAYS)
def test_a_redirection_from_https_to_http(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, certificate: Path, way: str
) -> None:
    """Attack: an index that is read by https sends to http, where anybody on the way can write the page."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    into = tmp_path / "got"
    with sdists.serving() as evil, turning(evil.url.removesuffix("/simple"), certificate) as honest:
        evil.offer("1.1", b"evil")
        settings = PipSettings(index_url=f"{honest}/simple", cert=str(certificate))
        with pytest.raises(OutsideError, match="leaves https"):
            WAYS[way](f"{honest}/files/{sdists.name_of('1.1')}", settings, into)
        assert evil.asked == [], "it was asked in the open"
    assert not list(into.glob("*"))
