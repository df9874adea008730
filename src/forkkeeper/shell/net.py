"""The only door to the network: finds and downloads source distributions, and says whether an address can be reached.

Finding is left to unearth, which follows pip's rules (indexes in HTML and JSON, find-links, yanked files, credentials
from addresses and .netrc) as a library. pip offers no stable one, and its own `download` runs the sdist's build backend
to learn what it depends on, which takes minutes and executes somebody else's code. Nothing here unpacks, builds or runs
what it fetches. unearth passes over an index that it cannot read; here that is an error, because an incomplete list of
versions looks just like a complete one.

The default index is the library's own, so that no registry's name stands in this project.
"""

import hashlib
import json
import logging
import os
import re
import shlex
import socket
import ssl
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast
from urllib.parse import SplitResult, urlsplit

import httpx2
from packaging.version import Version
from unearth import Link, Package, PackageFinder
from unearth.auth import MultiDomainBasicAuth
from unearth.collector import is_secure_origin
from unearth.fetchers import PyPIClient

from forkkeeper.core.pip_settings import PipSettings
from forkkeeper.errors import OutsideError

if TYPE_CHECKING:
    from unearth.fetchers import Fetcher

CONNECT_TIMEOUT = 10.0  # seconds until a connection stands
READ_TIMEOUT = 15.0  # seconds without a byte; pip's default
CHUNK = 256 * 1024  # bytes of a local file between two reports of progress
SDIST = ".tar.gz"  # the only form PEP 625 leaves
PORTS = {"git": 9418, "ssh": 22, "git+ssh": 22, "ssh+git": 22}
ABSENT = (404, 410)  # how an index says that it does not have a package
SCP_ADDRESS = re.compile(r"(?:[\w.+-]+@)?(?P<host>\[[0-9A-Fa-f:]+\]|[\w.-]+):(?!//)")  # git@host:path

# The connection stood and broke: worth a second try. Refused, unknown or silent hosts are not.
DROPPED = (httpx2.ReadError, httpx2.WriteError, httpx2.CloseError, httpx2.RemoteProtocolError)
# What the libraries raise for an address, a transfer or a page that is not what it should be.
UNREADABLE = (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError, TypeError, AttributeError, KeyError)

PLAIN: tuple[tuple[tuple[type[Exception], ...], str], ...] = (  # the first that fits
    ((httpx2.ConnectTimeout,), "gives no answer"),
    ((httpx2.TimeoutException, TimeoutError), "stopped answering"),
    (DROPPED, "dropped the connection"),
    ((httpx2.UnsupportedProtocol, httpx2.InvalidURL), "is not an address that can be fetched"),
    ((json.JSONDecodeError, TypeError, AttributeError, KeyError), "gives a page that is no package index"),
)

SETTINGS_HINT = "python -m pip config list   (index, proxy and certificates are taken from there)"
AGAIN_HINT = "run the same command again"

# unearth warns about pages it passes over; without a handler Python would print that to stderr.
logging.getLogger("unearth").addHandler(logging.NullHandler())

Progress = Callable[[int, int | None], None]


@dataclass(frozen=True, slots=True)
class Download:
    """A source distribution that has arrived whole.

    bytes -- its size
    url -- where it came from, without credentials and query
    """

    path: Path
    sha256: str
    bytes: int
    url: str


@dataclass(frozen=True, slots=True)
class _Place:
    """An index (asked for a package's page) or a find-links entry (looked through)."""

    url: str
    is_index: bool


@dataclass(frozen=True, slots=True)
class _Received:
    """What came of one try; dropped -- how the connection broke before the end."""

    sha256: str
    bytes: int
    promised: int | None
    dropped: Exception | None


def versions(package: str, settings: PipSettings) -> tuple[str, ...]:
    """List the versions that are offered as source distributions, newest last; withdrawn (yanked) ones left out.

    Raises OutsideError when an index cannot be read, or when nothing is offered.
    """
    found: set[Version] = set()
    with _client(settings) as client:
        for place in _places(package, settings):
            offers = _offers(client, place, package)
            read = (_version(offer.version) for offer in offers if not offer.link.is_yanked)
            found |= {version for version in read if version is not None}
    if not found:
        raise OutsideError("find", package, "no index offers a source distribution of it", SETTINGS_HINT)
    return tuple(str(version) for version in sorted(found))


def download(package: str, version: str, into: Path, settings: PipSettings, on_progress: Progress) -> Download:
    """Download one source distribution; it stands in the folder whole and verified, or not at all.

    into -- folder, made when missing
    on_progress -- called with the bytes that have come and the bytes promised, None where nobody says how many; starts
        again from little when a dropped connection is tried a second time
    Raises OutsideError; what had come by then is removed.
    """
    thing = f"{package}=={version}"
    with _client(settings) as client:
        link = _find(client, package, version, settings)
        sha256 = _promised_sha256(link, thing)
        target = into / link.filename
        part = target.with_name(f"{target.name}.part")
        with _explained(thing, link, into):
            into.mkdir(parents=True, exist_ok=True)
            try:
                received = _receive(client, link, part, on_progress)
                if received.dropped:
                    received = _receive(client, link, part, on_progress)
                _refuse_damaged(received, sha256, thing, link)
                part.replace(target)
            finally:
                part.unlink(missing_ok=True)
    return Download(target, received.sha256, received.bytes, redacted(link.url))


def reachable(url: str, timeout: float = CONNECT_TIMEOUT) -> str | None:
    """Say why an address cannot be reached, in plain words; None when it can.

    url -- https, http (through the environment's proxies), git, ssh, "user@host:path", or a local path
    timeout -- seconds
    An answer such as "not found" or "log in first" counts as reached; whether the repository is there is git's to say.
    """
    try:
        parts = urlsplit(url)
        scp = SCP_ADDRESS.match(url)
        if parts.scheme in {"http", "https"}:
            return _answers(url, timeout)
        if parts.scheme in PORTS:
            return _listens(parts.hostname or "", parts.port or PORTS[parts.scheme], timeout)
        if scp:
            return _listens(scp["host"].strip("[]"), PORTS["ssh"], timeout)
        path = Path(parts.path if parts.scheme == "file" else url)
        return None if path.exists() else "no such file or folder"
    except (ValueError, OSError):
        return "is not an address"


def redacted(url: str) -> str:
    """Take credentials, query and fragment (any may hold a secret) out of an address, for messages."""
    parts = urlsplit(url)
    netloc = f"***@{parts.netloc.rpartition('@')[2]}" if "@" in parts.netloc else parts.netloc
    return SplitResult(parts.scheme, netloc, parts.path, "", "").geturl()


class _Client(PyPIClient):
    """unearth's client; it fails where an index cannot be read, instead of giving an empty page."""

    def get(self, url: str, *, headers: Mapping[str, str] | None = None) -> httpx2.Response:  # type: ignore[override]
        try:
            response = super().get(url, headers=headers)
        except DROPPED:
            response = super().get(url, headers=headers)
        if response.status_code not in ABSENT and not url.startswith("file:"):
            response.raise_for_status()
            kind = response.headers.get("Content-Type", "no content type")
            if not kind.lower().startswith(("text/html", "application/vnd.pypi.simple.v1+")):
                raise ValueError(f"answers with {kind}, which is no package index")
        return response


def fetch(url: str, sha256: str, target: Path, settings: PipSettings, on_progress: Progress) -> None:
    """Download one file from a known address; it stands there whole and verified, or not at all.

    Raises OutsideError; what had come by then is removed.
    """
    link, part = Link(url), target.with_name(f"{target.name}.part")
    with _client(settings) as client, _explained(target.name, link, target.parent):
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            received = _receive(client, link, part, on_progress)
            if received.dropped:
                received = _receive(client, link, part, on_progress)
            _refuse_damaged(received, sha256, target.name, link)
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)


def _client(settings: PipSettings) -> _Client:
    """Make the client that pip's settings describe. It never asks anybody for a password."""
    try:
        client = _Client(
            trusted_hosts=settings.trusted_hosts,
            verify=_certificates(settings),
            timeout=httpx2.Timeout(settings.timeout or READ_TIMEOUT, connect=CONNECT_TIMEOUT),
            proxy=_with_scheme(settings.proxy),
            mounts=_trusted_transports(settings),
            follow_redirects=True,
            event_hooks={"response": [refuse_downgrade]},
            headers={"User-Agent": "forkkeeper"},
        )
    except (OSError, ValueError, ImportError, httpx2.InvalidURL) as error:  # ImportError: a SOCKS proxy
        found = f"cannot be used: {_plain(error)}"
        raise OutsideError("connect", "pip's certificates, proxy or hosts", found, SETTINGS_HINT) from error
    client.auth = MultiDomainBasicAuth(prompting=False, index_urls=_index_urls(settings))
    return client


def refuse_downgrade(response: httpx2.Response) -> None:
    """Raise httpx2.HTTPError for a redirection from https to what anybody on the way can read and write."""
    to = response.headers.get("Location", "") if response.has_redirect_location else ""
    if to and response.url.scheme == "https" and response.url.join(to).scheme != "https":
        raise httpx2.RequestError(f"a redirection leaves https for {redacted(to)}", request=response.request)


def _certificates(settings: PipSettings) -> ssl.SSLContext:
    """Trust what pip trusts; httpx2 itself looks at SSL_CERT_FILE and SSL_CERT_DIR."""
    bundle = settings.cert or os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE")
    for path in filter(None, (bundle, settings.client_cert)):
        if not Path(path).exists():
            raise FileNotFoundError(f"{path} does not exist")  # ssl would not say which
    if not bundle:
        context = httpx2.create_ssl_context()
    elif Path(bundle).is_dir():
        context = ssl.create_default_context(capath=bundle)
    else:
        context = ssl.create_default_context(cafile=bundle)
    if settings.client_cert:
        context.load_cert_chain(settings.client_cert)
    return context


def _trusted_transports(settings: PipSettings) -> dict[str, httpx2.BaseTransport]:
    """Skip the certificate check for trusted hosts; unearth's own way of doing so would also skip the proxy."""
    transports: dict[str, httpx2.BaseTransport] = {}
    for host in settings.trusted_hosts:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        if settings.client_cert:
            context.load_cert_chain(settings.client_cert)
        for scheme in ("http", "https"):
            proxy = _with_scheme(settings.proxy or _environment_proxy(scheme, host))
            transports[f"{scheme}://{host}"] = httpx2.HTTPTransport(verify=context, proxy=proxy)
    return transports


def _environment_proxy(scheme: str, host: str) -> str | None:
    if urllib.request.proxy_bypass(host):
        return None
    proxies = urllib.request.getproxies()
    return proxies.get(scheme) or proxies.get("all")


def _with_scheme(proxy: str | None) -> str | None:
    return f"http://{proxy}" if proxy and "://" not in proxy else proxy


def _index_urls(settings: PipSettings) -> tuple[str, ...]:
    """Give the indexes in pip's order; the library knows the default."""
    if settings.no_index:
        return ()
    return (settings.index_url or PackageFinder().sources[0]["url"], *settings.extra_index_urls)


def _places(package: str, settings: PipSettings) -> tuple[_Place, ...]:
    """Give the places to look at, in order. A missing local folder is passed over, as pip does."""
    indexes = [_Place(url, is_index=True) for url in _index_urls(settings)]
    links = [os.path.expanduser(link) for link in settings.find_links]  # noqa: PTH111 -- a link may be a url
    places = (*indexes, *(_Place(link, is_index=False) for link in links if "://" in link or Path(link).exists()))
    if not places:
        raise OutsideError("find", package, "pip is set to use no index, and find-links gives no place", SETTINGS_HINT)
    return places


def _offers(client: _Client, place: _Place, package: str) -> list[Package]:
    """Give the source distributions of one place, yanked ones included, best first."""
    session = cast("Fetcher", client)  # the protocol's own client does not fit it: a response's url is no str
    if "://" in place.url and not is_secure_origin(session, Link(place.url)):
        hint = f"python -m pip config set global.trusted-host {urlsplit(place.url).hostname}   (if you do trust it)"
        raise OutsideError("find", redacted(place.url), "neither https nor a trusted host", hint)
    urls = (place.url,)
    finder = PackageFinder(
        session,
        index_urls=urls if place.is_index else (),
        find_links=() if place.is_index else urls,
        ignore_compatibility=True,  # nothing is built, so no Python is too old for it
        no_binary=(package,),
    )
    try:
        offers = list(finder.find_all_packages(package, allow_yanked=True))
    except UNREADABLE as error:
        raise OutsideError("find", redacted(place.url), _plain(error), SETTINGS_HINT) from error
    return [offer for offer in offers if offer.link.filename.endswith(SDIST)]


def _find(client: _Client, package: str, version: str, settings: PipSettings) -> Link:
    """Find one version in the first place that offers it; places that could not be read matter when none does."""
    failures: list[OutsideError] = []
    for place in _places(package, settings):
        try:
            offers = _offers(client, place, package)
        except OutsideError as error:
            failures.append(error)
            continue
        for offer in offers:
            if _is_same(offer.version, version):
                return offer.link
    thing = f"{package}=={version}"
    if failures:
        unread = "; ".join(f"{failure.thing}: {failure.found}" for failure in failures)
        raise OutsideError("find", thing, f"not found, and {unread}", failures[0].hint) from failures[0]
    raise OutsideError("find", thing, f"no index offers {SDIST} of it", f"python -m pip index versions {package}")


def _is_same(offered: str | None, wanted: str) -> bool:
    version = _version(offered)
    return version is not None and version == _version(wanted)


def _version(text: str | None) -> Version | None:
    """Read a version as an index spells it; None for what is none, thousands of digits among it."""
    try:
        return Version(text or "")
    except ValueError:
        return None


def _promised_sha256(link: Link, thing: str) -> str | None:
    """Give the sha256 that the index promises; None for a local file without one (its commit id is proven later)."""
    promised = (link.hash_option or {}).get("sha256")
    if promised:
        return promised[0].lower()
    if link.is_file:
        return None
    given = ", ".join(link.hash_option or {}) or "none"
    found = f"{redacted(link.url)} comes without a sha256 (hashes given: {given})"
    raise OutsideError("download", thing, found, "set an index that gives hashes: python -m pip config list")


def _receive(client: _Client, link: Link, part: Path, on_progress: Progress) -> _Received:
    digest, done, promised = hashlib.sha256(), 0, None
    try:
        with _opened(client, link) as (promised, chunks), part.open("wb") as out:
            for chunk in chunks:
                out.write(chunk)
                digest.update(chunk)
                done += len(chunk)
                on_progress(done, promised)
    except DROPPED as error:
        return _Received(digest.hexdigest(), done, promised, error)
    return _Received(digest.hexdigest(), done, promised, None)


@contextmanager
def _opened(client: _Client, link: Link) -> Iterator[tuple[int | None, Iterator[bytes]]]:
    """Open a file for reading, here or there; give its promised size and its bytes."""
    if link.is_file:
        with link.file_path.open("rb") as local:
            yield link.file_path.stat().st_size, iter(lambda: local.read(CHUNK), b"")
        return
    # Raw and unencoded: the hash is that of the file, and a .tar.gz must not be inflated on the way.
    with client.stream("GET", link.url_without_fragment, headers={"Accept-Encoding": "identity"}) as response:
        response.raise_for_status()
        length = response.headers.get("Content-Length", "")
        yield int(length) if length.isdecimal() else None, response.iter_raw()


def _refuse_damaged(received: _Received, sha256: str | None, thing: str, link: Link) -> None:
    where = redacted(link.url)
    if received.dropped:  # also how a body shorter than its Content-Length shows
        promised = f"{received.promised:,}" if received.promised else "an unknown number of"
        found = f"{where} broke off twice: {received.bytes:,} bytes came, {promised} were promised"
        raise OutsideError("download", thing, found, AGAIN_HINT) from received.dropped
    if sha256 and received.sha256 != sha256:
        found = f"{where} is not what the index promises: sha256 {received.sha256} came, {sha256} was promised"
        raise OutsideError("download", thing, found, f"{AGAIN_HINT}; if it stays so, do not use that index")


@contextmanager
def _explained(thing: str, link: Link, into: Path) -> Iterator[None]:
    """Turn what the libraries raise during a download into a message."""
    try:
        yield
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise OutsideError("download", thing, f"{redacted(link.url)}: {_plain(error)}", AGAIN_HINT) from error
    except OSError as error:
        raise OutsideError(
            "download", thing, str(error), f"df -h {shlex.quote(str(into))}; ls -ld {shlex.quote(str(into))}"
        ) from error


def _answers(url: str, timeout: float) -> str | None:
    try:
        with httpx2.Client(verify=_certificates(PipSettings()), timeout=timeout) as client:
            response = client.head(url)
    except (httpx2.HTTPError, httpx2.InvalidURL, ImportError, OSError) as error:
        return _plain(error)
    broken = response.is_server_error or response.status_code == httpx2.codes.PROXY_AUTHENTICATION_REQUIRED
    return _status(response) if broken else None


def _listens(host: str, port: int, timeout: float) -> str | None:
    try:
        socket.create_connection((host, port), timeout).close()
    except OSError as error:
        return _plain(error)
    return None


def _plain(error: Exception) -> str:
    """Say in plain words what a library's exception means; no address in it, so no credentials."""
    if isinstance(error, httpx2.HTTPStatusError):
        return _status(error.response)
    for kinds, words in PLAIN:
        if isinstance(error, kinds):
            return words
    # Takes the frame off "[Errno 111] Connection refused" and "[SSL: X] certificate verify failed: Y (_ssl.c:1006)".
    return re.sub(r"^\[[^\]]*\] | \(_ssl\.c:\d+\)$", "", str(error)) or type(error).__name__


def _status(response: httpx2.Response) -> str:
    needs = " (put a name and password into .netrc)" if response.status_code == httpx2.codes.UNAUTHORIZED else ""
    return f"answers {response.status_code} {response.reason_phrase}".rstrip() + needs
