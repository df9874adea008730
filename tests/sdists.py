"""A package index on 127.0.0.1 whose sdists embed a real git repository of upstream."""

import hashlib
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from world import Fork, Upstream, git

PACKAGE = "small-package"
EMBEDDED = ".git/modules/vendor/upstream"
SOURCE = f'kind = "sdist"\npackage = "{PACKAGE}"\nembedded = "{EMBEDDED}"\n'


@dataclass
class Offer:
    """One sdist: its bytes, the hash that the index promises, and how many bytes of it are really sent."""

    data: bytes
    sha256: str
    sent: int


@dataclass
class Index:
    """What is offered, by file name, and what was asked for."""

    url: str = ""
    offers: dict[str, Offer] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def offer(self, version: str, data: bytes) -> Offer:
        """Offer a version."""
        offer = Offer(data, hashlib.sha256(data).hexdigest(), len(data))
        self.offers[name_of(version)] = offer
        return offer


class _Handler(BaseHTTPRequestHandler):
    def __init__(self, index: Index, *rest: object) -> None:
        self.index = index
        super().__init__(*rest)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        self.index.asked.append(self.path)
        offer = self.index.offers.get(self.path.rpartition("/")[2])
        if offer is not None:
            self._answer("application/gzip", offer.data, offer.sent)
            return
        links = "".join(f'<a href="/files/{n}#sha256={o.sha256}">{n}</a>' for n, o in self.index.offers.items())
        self._answer("text/html", links.encode(), len(links))

    def _answer(self, kind: str, body: bytes, sent: int) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[:sent])

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the library's name
        pass


@contextmanager
def serving() -> Iterator[Index]:
    """Serve an index for as long as it is needed."""
    index = Index()
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, index)) as server:
        index.url = f"http://127.0.0.1:{server.server_port}/simple"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield index
        finally:
            server.shutdown()
            thread.join()


def name_of(version: str) -> str:
    """Give the file name of a version."""
    return f"{PACKAGE.replace('-', '_')}-{version}.tar.gz"


def embedded(upstream: Upstream, sha: str, place: Path) -> Path:
    """Make the repository that an sdist embeds: shallow, and standing on one commit."""
    place.mkdir()
    git(place, "init", "--quiet", "--template=", "--bare")
    git(upstream.path, "update-ref", "refs/heads/packed", sha)
    git(place, "fetch", "--quiet", "--depth=1", f"file://{upstream.path}", "packed")
    (place / "HEAD").write_text(f"{sha}\n")
    return place


def sdist(repository: Path, version: str) -> bytes:
    """Pack it as an sdist, beside a setup.py that must never run."""
    top = name_of(version).removesuffix(".tar.gz")
    path = repository.with_name(name_of(version))
    trap = repository.with_name("setup.py")
    trap.write_text("open('/the build code ran', 'w')\nraise SystemExit('the build code ran')\n")
    with tarfile.open(path, "w:gz") as tar:
        tar.add(repository, f"{top}/{EMBEDDED}")
        tar.add(trap, f"{top}/setup.py")
    return path.read_bytes()


def follow_sdists(fork: Fork, snapshots: dict[str, str]) -> None:
    """Let a fork know its upstream only by sdists: version → commit."""
    toml = fork.root / "fork.toml"
    head, cut, rest = toml.read_text().partition('# "git": a repository')
    toml.write_text(head + SOURCE + "#" + cut + rest.replace('\nkind = "git"', "").replace("\nlocation =", "\n# was:"))
    rows = "".join(f"{PACKAGE},{version},,{sha},,,,\n" for version, sha in snapshots.items())
    table = fork.root / ".forkkeeper/snapshots.csv"
    table.parent.mkdir(exist_ok=True)
    table.write_text("package,version,released,commit,committed,tag,tree,count\n" + rows)


def damage_object(repository: Path, oid: str) -> None:
    """Put another object's bytes under an object's name, unpacked."""
    packs = list((repository / "objects/pack").glob("*.pack"))
    for pack in packs:
        data = pack.read_bytes()
        for part in repository.glob(f"objects/pack/{pack.stem}.*"):
            part.unlink()
        git(repository, "unpack-objects", "-q", stdin=data)
    other = git(repository, "commit-tree", git(repository, "rev-parse", f"{oid}^{{tree}}"), "-m", "forged")
    forged = repository / "objects" / other[:2] / other[2:]
    target = repository / "objects" / oid[:2] / oid[2:]
    target.chmod(0o644)
    target.write_bytes(forged.read_bytes())
