"""Finding and downloading, against a real index on this machine's loopback."""

import base64
import functools
import hashlib
import io
import json
import os
import socket
import sys
import tarfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from forkkeeper.core.pip_settings import PipSettings, parse_pip_config
from forkkeeper.errors import OutsideError
from forkkeeper.shell import net, process

PACKAGE = "some-package"
PAGE = f"/simple/{PACKAGE}/"


@dataclass
class Answer:
    """What the server sends; cut -- body bytes that it keeps back, times -- how often it does so."""

    body: bytes
    kind: str = "application/octet-stream"
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    cut: int = 0
    times: int = 99


@dataclass
class Index:
    """A server on 127.0.0.1: its answers by path, and the requests that came (path, Authorization)."""

    port: int
    answers: dict[str, Answer] = field(default_factory=dict)
    requests: list[tuple[str, str | None]] = field(default_factory=list)

    @property
    def url(self) -> str:
        """The address that pip would be given."""
        return f"http://127.0.0.1:{self.port}/simple"

    def settings(self, **more: object) -> PipSettings:
        """Give pip's settings for this index, and more."""
        return PipSettings(**{"index_url": self.url, "timeout": 5.0} | more)  # type: ignore[arg-type]


class Handler(BaseHTTPRequestHandler):
    """Serves an Index."""

    def __init__(self, index: Index, *rest: object) -> None:
        self.index = index
        super().__init__(*rest)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        """Answer, and keep back the end where that is asked for."""
        path = urlsplit(self.path).path  # a proxy is asked for the whole address
        self.index.requests.append((path, self.headers.get("Authorization")))
        answer = self.index.answers.get(path, Answer(b"not here", status=404))
        kept = answer.cut if answer.times > 0 else 0
        answer.times -= 1
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.kind)
        self.send_header("Content-Length", str(len(answer.body)))
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body[: len(answer.body) - kept])

    def do_HEAD(self) -> None:
        """Answer without a body."""
        self.do_GET()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the library's name
        """Keep the test's output clean."""


@pytest.fixture
def index(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Index]:
    """Start an index; no proxy, .netrc or keyring of this machine comes between."""
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "127.0.0.1")
    monkeypatch.setenv("NETRC", str(tmp_path / "no-netrc"))
    monkeypatch.setenv("PATH", "")
    served = Index(0)
    with ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, served)) as server:
        served.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield served
        server.shutdown()
        thread.join()


@functools.cache
def sdist(version: str) -> bytes:
    """Make a real .tar.gz, large enough to come in several pieces."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        member = tarfile.TarInfo(f"some_package-{version}/weights")
        data = os.urandom(3 * net.CHUNK)
        member.size = len(data)
        tar.addfile(member, io.BytesIO(data))
    return out.getvalue()


def name_of(version: str) -> str:
    """Give the file name of a version."""
    return f"some_package-{version}.tar.gz"


def sha256(data: bytes) -> str:
    """Give the hash that an index would promise."""
    return hashlib.sha256(data).hexdigest()


def html_page(files: dict[str, str | None], yanked: str = "") -> Answer:
    """Write the page of PEP 503 for names and hashes."""
    links = []
    for name, digest in files.items():
        href = f"/files/{name}" + (f"#sha256={digest}" if digest else "")
        extra = ' data-yanked="broken" data-requires-python="&gt;=99"' if name == yanked else ""
        links.append(f'<a href="{href}"{extra}>{name}</a>')
    return Answer("".join(links).encode(), "text/html")


def json_page(files: dict[str, str | None], yanked: str = "") -> Answer:
    """Write the page of PEP 691 for names and hashes."""
    rows = [
        {
            "filename": name,
            "url": f"../../files/{name}",
            "hashes": {"sha256": digest} if digest else {},
            "yanked": "broken" if name == yanked else False,
        }
        for name, digest in files.items()
    ]
    body = {"meta": {"api-version": "1.0"}, "name": PACKAGE, "files": rows}
    return Answer(json.dumps(body).encode(), "application/vnd.pypi.simple.v1+json")


def offer(index: Index, version: str = "1.0", **answer: object) -> Answer:
    """Put one version on the index; give the answer that serves its file."""
    data = sdist(version)
    index.answers[PAGE] = html_page({name_of(version): sha256(data)})
    served = Answer(**{"body": data} | answer)  # type: ignore[arg-type]
    index.answers[f"/files/{name_of(version)}"] = served
    return served


def ignore(done: int, total: int | None) -> None:
    """Take progress and do nothing with it."""


pages = pytest.mark.parametrize("page", [html_page, json_page])
Page = Callable[..., Answer]


@pages
def test_versions_are_the_sdists_in_order(index: Index, page: Page) -> None:
    """Wheels, zips, other packages and yanked files do not count; versions are ordered as versions."""
    names = [name_of("0.10"), name_of("0.9"), name_of("0.11"), name_of("1.0rc1")]
    others = ["some_package-2.0-py3-none-any.whl", "some_package-3.0.zip", "other-4.0.tar.gz"]
    index.answers[PAGE] = page(dict.fromkeys([*names, *others], "0" * 64), yanked=name_of("0.11"))
    assert net.versions("Some.Package", index.settings()) == ("0.9", "0.10", "1.0rc1")


@pages
def test_a_download_is_whole_and_verified(index: Index, tmp_path: Path, page: Page) -> None:
    """The file has the promised hash, nothing else is left beside it, and progress ends at the promised size."""
    data, seen = sdist("1.0"), list[tuple[int, int | None]]()
    offer(index)
    index.answers[PAGE] = page({name_of("1.0"): sha256(data)})
    into = tmp_path / "new" / "folder"
    got = net.download(PACKAGE, "1.0", into, index.settings(), lambda *step: seen.append(step))
    url = f"http://127.0.0.1:{index.port}/files/{name_of('1.0')}"
    assert got == net.Download(into / name_of("1.0"), sha256(data), len(data), url)
    assert got.path.read_bytes() == data
    assert list(into.iterdir()) == [got.path]
    assert seen[-1] == (len(data), len(data))
    assert len(seen) > 2
    assert seen == sorted(seen)


@pages
def test_a_yanked_version_can_be_had_by_its_exact_number(index: Index, tmp_path: Path, page: Page) -> None:
    """A fork may stand on a withdrawn version, or one that wants another Python; nothing of it is run."""
    offer(index)
    index.answers[PAGE] = page({name_of("1.0"): sha256(sdist("1.0"))}, yanked=name_of("1.0"))
    assert net.download(PACKAGE, "1.0.0", tmp_path, index.settings(), ignore).bytes == len(sdist("1.0"))
    with pytest.raises(OutsideError, match="no index offers a source distribution"):
        net.versions(PACKAGE, index.settings())


def test_a_truncated_download_is_refused_after_a_second_try(index: Index, tmp_path: Path) -> None:
    """The message says how many bytes came and were promised; the piece is removed."""
    data = sdist("1.0")
    offer(index, cut=1000)
    with pytest.raises(OutsideError, match="broke off twice") as caught:
        net.download(PACKAGE, "1.0", tmp_path, index.settings(), ignore)
    assert caught.value.step == "download"
    assert caught.value.thing == f"{PACKAGE}==1.0"
    assert f"{len(data) - 1000:,} bytes came, {len(data):,} were promised" in caught.value.found
    assert caught.value.hint
    assert caught.value.__cause__ is not None
    assert list(tmp_path.iterdir()) == []
    assert [path for path, _ in index.requests].count(f"/files/{name_of('1.0')}") == 2


def test_a_connection_dropped_once_is_tried_again(index: Index, tmp_path: Path) -> None:
    """One break does not lose the download, neither of the page nor of the file."""
    offer(index, cut=1000, times=1)
    index.answers[PAGE].cut, index.answers[PAGE].times = 10, 1
    assert net.download(PACKAGE, "1.0", tmp_path, index.settings(), ignore).bytes == len(sdist("1.0"))


def test_a_tampered_file_is_refused(index: Index, tmp_path: Path) -> None:
    """Bytes that the index did not promise are removed; both hashes are in the message."""
    data = bytearray(sdist("1.0"))
    data[-1] ^= 1
    offer(index, body=bytes(data))
    with pytest.raises(OutsideError, match="is not what the index promises") as caught:
        net.download(PACKAGE, "1.0", tmp_path, index.settings(), ignore)
    assert sha256(bytes(data)) in caught.value.found
    assert sha256(sdist("1.0")) in caught.value.found
    assert list(tmp_path.iterdir()) == []


@pages
def test_a_remote_file_without_hash_is_refused(index: Index, tmp_path: Path, page: Page) -> None:
    """Nothing is fetched that cannot be verified; the message says which hashes were given."""
    offer(index)
    index.answers[PAGE] = page({name_of("1.0"): None})
    with pytest.raises(OutsideError, match=r"without a sha256 \(hashes given: none\)"):
        net.download(PACKAGE, "1.0", tmp_path, index.settings(), ignore)
    assert len(index.requests) == 1


def test_a_file_that_is_gone_is_said(index: Index, tmp_path: Path) -> None:
    """An index that lists a file it does not have gives a message with its answer."""
    offer(index, status=404)
    with pytest.raises(OutsideError, match=r"some_package-1\.0\.tar\.gz: answers 404 Not Found"):
        net.download(PACKAGE, "1.0", tmp_path, index.settings(), ignore)
    assert list(tmp_path.iterdir()) == []


def test_a_version_that_is_not_offered_is_said(index: Index, tmp_path: Path) -> None:
    """Another version is not taken instead, and what is no version is not found either."""
    offer(index)
    for version in ("2.0", "newest"):
        with pytest.raises(OutsideError, match=f"{PACKAGE}=={version}: no index offers"):
            net.download(PACKAGE, version, tmp_path, index.settings(), ignore)


def test_an_encoded_answer_is_kept_as_it_is(index: Index, tmp_path: Path) -> None:
    """A server that calls a .tar.gz gzip-encoded does not get it inflated on the way."""
    offer(index, headers={"Content-Encoding": "gzip"})
    assert net.download(PACKAGE, "1.0", tmp_path, index.settings(), ignore).sha256 == sha256(sdist("1.0"))


def test_an_interrupted_download_leaves_nothing(index: Index, tmp_path: Path) -> None:
    """A person who stops a download finds no piece of it."""
    offer(index)

    def stop(done: int, total: int | None) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        net.download(PACKAGE, "1.0", tmp_path, index.settings(), stop)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_said(index: Index, tmp_path: Path) -> None:
    """A file where the folder belongs is named."""
    offer(index)
    (tmp_path / "file").write_text("")
    with pytest.raises(OutsideError, match="file"):
        net.download(PACKAGE, "1.0", tmp_path / "file", index.settings(), ignore)


def closed_port() -> int:
    """Give a port where nobody listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def test_an_index_that_refuses_the_connection_is_named(index: Index) -> None:
    """The message names the index and pip's settings, not a stack of libraries."""
    url = f"http://127.0.0.1:{closed_port()}/simple"
    with pytest.raises(OutsideError, match=f"find: {url}: Connection refused") as caught:
        net.versions(PACKAGE, index.settings(index_url=url))
    assert "pip config list" in caught.value.hint
    assert caught.value.__cause__ is not None


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Answer(b"", "text/html", 500), "answers 500 Internal Server Error"),
        (Answer(b"", "text/html", 401), r"answers 401 Unauthorized \(put a name"),
        (Answer(b"", "text/html", 403), "answers 403 Forbidden"),
        (Answer(b"hello", "text/plain"), "answers with text/plain, which is no package index"),
        (Answer(b"{", "application/vnd.pypi.simple.v1+json"), "gives a page that is no package index"),
        (Answer(b"[1]", "application/vnd.pypi.simple.v1+json"), "gives a page that is no package index"),
    ],
)
def test_an_index_that_cannot_be_read_is_no_empty_index(index: Index, answer: Answer, words: str) -> None:
    """An error page never looks like "no versions", and nobody is asked for a password."""
    index.answers[PAGE] = answer
    with pytest.raises(OutsideError, match=words):
        net.versions(PACKAGE, index.settings())


def test_credentials_are_sent_and_never_shown(index: Index, tmp_path: Path) -> None:
    """Name and password of an address reach the index and its files, and stand in no message and no result."""
    offer(index)
    url = index.url.replace("//", "//me:s3cret@")
    got = net.download(PACKAGE, "1.0", tmp_path, index.settings(index_url=url), ignore)
    expected = "Basic " + base64.b64encode(b"me:s3cret").decode()
    assert {sent for _, sent in index.requests} == {expected}
    assert "s3cret" not in repr(got)
    failing = url.replace(str(index.port), str(closed_port()))
    with pytest.raises(OutsideError) as caught:
        net.versions(PACKAGE, index.settings(index_url=failing))
    assert "s3cret" not in str(caught.value)
    assert "***@127.0.0.1" in str(caught.value)
    with pytest.raises(OutsideError) as caught:
        net.download(PACKAGE, "1.0", tmp_path, index.settings(index_url=failing), ignore)
    assert "s3cret" not in str(caught.value)


def test_a_query_is_not_shown_either() -> None:
    """Signed addresses carry their secret in the query or the fragment."""
    assert net.redacted("https://me:x@host.invalid:8/a/b?token=y#z") == "https://***@host.invalid:8/a/b"


def test_indexes_are_asked_in_order(index: Index, tmp_path: Path) -> None:
    """The first index that has the version is taken; later ones are not asked."""
    offer(index)
    empty = index.url.replace("/simple", "/empty")
    settings = index.settings(index_url=empty, extra_index_urls=(index.url, f"http://127.0.0.1:{closed_port()}/x"))
    net.download(PACKAGE, "1.0", tmp_path, settings, ignore)
    assert [path for path, _ in index.requests] == [f"/empty/{PACKAGE}/", PAGE, f"/files/{name_of('1.0')}"]


def test_a_local_file_without_hash_is_accepted(index: Index, tmp_path: Path) -> None:
    """A file from a find-links folder has no promised hash; its own is given, and the commit in it is proven later."""
    wheels, into = tmp_path / "wheels", tmp_path / "into"
    wheels.mkdir()
    (wheels / name_of("1.0")).write_bytes(sdist("1.0"))
    settings = PipSettings(no_index=True, find_links=(str(tmp_path / "missing"), str(wheels)))
    assert net.versions(PACKAGE, settings) == ("1.0",)
    got = net.download(PACKAGE, "1.0", into, settings, ignore)
    assert (got.sha256, got.bytes) == (sha256(sdist("1.0")), len(sdist("1.0")))
    assert got.path.read_bytes() == sdist("1.0")


def test_a_dead_index_does_not_hide_a_local_file(index: Index, tmp_path: Path) -> None:
    """Offline, an exact version still comes from find-links; a list of versions would be incomplete and is refused."""
    (tmp_path / name_of("1.0")).write_bytes(sdist("1.0"))
    dead = f"http://127.0.0.1:{closed_port()}/simple"
    settings = PipSettings(index_url=dead, find_links=(tmp_path.as_uri(),))
    assert net.download(PACKAGE, "1.0", tmp_path / "into", settings, ignore).bytes == len(sdist("1.0"))
    with pytest.raises(OutsideError, match=f"not found, and {dead}: Connection refused"):
        net.download(PACKAGE, "2.0", tmp_path / "into", settings, ignore)
    with pytest.raises(OutsideError, match="Connection refused"):
        net.versions(PACKAGE, settings)


def test_a_local_index_promises_hashes_too(tmp_path: Path) -> None:
    """An index in a folder is read through its index.html, and its hashes count."""
    (tmp_path / PACKAGE).mkdir()
    (tmp_path / PACKAGE / name_of("1.0")).write_bytes(sdist("1.0"))
    (tmp_path / PACKAGE / "index.html").write_text(f'<a href="{name_of("1.0")}#sha256={"0" * 64}">x</a>')
    settings = PipSettings(index_url=tmp_path.as_uri())
    assert net.versions(PACKAGE, settings) == ("1.0",)
    with pytest.raises(OutsideError, match="is not what the index promises"):
        net.download(PACKAGE, "1.0", tmp_path / "into", settings, ignore)


def test_no_place_to_look_is_said() -> None:
    """With no-index and no find-links there is nothing to ask, and the default index is not asked instead."""
    with pytest.raises(OutsideError, match="no index"):
        net.versions(PACKAGE, PipSettings(no_index=True))


def test_an_insecure_index_must_be_trusted_first(index: Index) -> None:
    """Plain http to another machine is refused before anything is sent, with the setting that would allow it."""
    with pytest.raises(OutsideError, match="neither https nor a trusted host") as caught:
        net.versions(PACKAGE, index.settings(index_url="http://index.invalid/simple"))
    assert "trusted-host index.invalid" in caught.value.hint


@pytest.mark.parametrize("how", ["setting", "environment"])
def test_a_trusted_host_is_reached_through_the_proxy(index: Index, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    """Being trusted does not take a host off the proxy, which may be the only way out."""
    offer(index)
    proxy = f"127.0.0.1:{index.port}"
    settings = index.settings(index_url="http://index.invalid/simple", trusted_hosts=("index.invalid",))
    if how == "environment":
        monkeypatch.setenv("http_proxy", f"http://{proxy}")
        assert net.versions(PACKAGE, settings) == ("1.0",)
    else:
        through = index.settings(index_url=settings.index_url, trusted_hosts=settings.trusted_hosts, proxy=proxy)
        assert net.versions(PACKAGE, through) == ("1.0",)


@pytest.mark.parametrize("setting", [{"cert": "/no/such.pem"}, {"client_cert": "/no/such.pem"}, {"proxy": "ftp://x"}])
def test_settings_that_cannot_be_used_are_said(index: Index, setting: dict[str, str]) -> None:
    """A missing certificate or an impossible proxy is named before anything is sent."""
    with pytest.raises(OutsideError, match="connect: pip's certificates, proxy or hosts: cannot be used") as caught:
        net.versions(PACKAGE, index.settings(**setting))
    assert next(iter(setting.values())).removesuffix("://x") in caught.value.found
    assert index.requests == []


def test_what_is_reachable(index: Index, tmp_path: Path) -> None:
    """An answer of any kind but a broken one, an open port and an existing path are reachable."""
    index.answers["/login"] = Answer(b"", status=401)
    base = f"127.0.0.1:{index.port}"
    for url in (f"http://{base}/gone", f"http://{base}/login", f"git://{base}/x", f"ssh://git@{base}/x"):
        assert net.reachable(url) is None
    assert net.reachable(str(tmp_path)) is None
    assert net.reachable(tmp_path.as_uri()) is None


def test_what_is_not_reachable(index: Index, tmp_path: Path) -> None:
    """The reason is given in plain words, without credentials."""
    index.answers["/broken"] = Answer(b"", status=503)
    port = closed_port()
    assert net.reachable(f"http://127.0.0.1:{index.port}/broken") == "answers 503 Service Unavailable"
    for scheme in ("http", "git", "ssh"):
        assert net.reachable(f"{scheme}://me:s3cret@127.0.0.1:{port}/x", timeout=5) == "Connection refused"
    assert net.reachable("http://host.invalid:port/") == "is not an address that can be fetched"
    assert net.reachable("git://host:port/") == "is not an address"
    assert net.reachable(str(tmp_path / "none")) == "no such file or folder"


def test_a_silent_host_is_given_up_after_the_timeout() -> None:
    """A host that takes the connection and never answers does not hold us longer than asked."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        assert net.reachable(f"http://127.0.0.1:{silent.getsockname()[1]}/", timeout=0.2) == "stopped answering"


@pytest.mark.network
def test_the_real_index_has_the_newest_known_snapshot() -> None:
    """With this machine's own pip settings, the version that the shipped table ends with is offered."""
    listing = process.read([sys.executable, "-m", "pip", "config", "list"]).out
    assert "0.3.36" in net.versions("llama-cpp-python", parse_pip_config(listing, os.environ))
