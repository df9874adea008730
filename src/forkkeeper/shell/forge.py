"""The door to GitHub: pull requests, issues and comments through its REST interface.

Plain HTTPS by the library that downloads here as well, and not `gh`: that one may not be there, and keeps credentials
of its own. The token comes from the environment, is sent in a header to one host alone, is never followed by a
redirect to another, and is taken out of whatever is said. What a host answers is a stranger's text.

The interface: docs.github.com/rest (version 2022-11-28).
"""

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import SplitResult, quote, urljoin, urlsplit

import httpx2
import msgspec

from forkkeeper.core.commits import one_line
from forkkeeper.core.declaration import REPOSITORY
from forkkeeper.core.forges import Issue, Pull
from forkkeeper.errors import OutsideError, RequestError

VERSION = "2022-11-28"
TOKENS = ("GITHUB_TOKEN", "GH_TOKEN")
PATIENCE = 300.0  # seconds that a host's rate limits may cost in all
TRIES = 5  # of one request
PAGES = 50  # of a list, 100 things each
REDIRECTS = 3
SLOWER = 60.0  # seconds to wait where a limit does not say how long; docs.github.com/rest/using-the-rest-api
COLOUR = "b60205"
_TIMEOUT = httpx2.Timeout(30.0, connect=10.0)
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


class _Head(msgspec.Struct, frozen=True):
    ref: str
    repo: dict[str, Any] | None = None


class _Base(msgspec.Struct, frozen=True):
    ref: str


class _Pull(msgspec.Struct, frozen=True):
    number: int
    title: str
    state: str
    head: _Head
    base: _Base
    body: str | None = None
    merged_at: str | None = None
    html_url: str = ""


class _Issue(msgspec.Struct, frozen=True):
    number: int
    title: str
    state: str
    body: str | None = None
    html_url: str = ""
    pull_request: dict[str, Any] | None = None


class _Comment(msgspec.Struct, frozen=True):
    body: str | None = None


class _Wrong(msgspec.Struct, frozen=True):
    message: str = ""
    errors: list[Any] = []


_Listed = TypeVar("_Listed")
_Read = TypeVar("_Read")


class GitHub:
    """A repository at GitHub, or at a server of its kind."""

    def __init__(self, repository: str, token: str, *, api: str, server: str, patience: float = PATIENCE) -> None:
        """Stand at a repository. api, server -- addresses of the interface and of the pages. Raises RequestError."""
        for address in (api, server):
            _need_secure(address)
        self._repository, self._token = repository, token
        self._api, self._server = api.rstrip("/"), server.rstrip("/")
        self._patience = patience
        self._client = httpx2.Client(
            timeout=_TIMEOUT,
            limits=httpx2.Limits(max_keepalive_connections=0),  # few requests, and so nothing that is to be closed
            follow_redirects=False,
            headers={
                "Authorization": f"Bearer {token}",
                "Accept": "application/vnd.github+json",
                "X-GitHub-Api-Version": VERSION,
                "User-Agent": "forkkeeper",
            },
        )

    @property
    def name(self) -> str:
        """The repository in messages."""
        return self._repository

    @property
    def git(self) -> str:
        """Where git finds it."""
        return f"{self._server}/{self._repository}.git"

    @property
    def secret(self) -> str:
        """The token."""
        return self._token

    @property
    def page(self) -> str:
        """Its page."""
        return f"{self._server}/{self._repository}"

    # pull requests ------------------------------------------------------------------------------------------------

    def pulls(self, branch: str = "") -> Sequence[Pull]:
        """Give the open pull requests; with a branch those from it, closed ones, too, newest first."""
        owner = self._repository.partition("/")[0]
        asked = {"state": "all", "head": f"{owner}:{branch}"} if branch else {"state": "open"}
        found = self._all("pulls", asked | {"sort": "created", "direction": "desc"}, list[_Pull])
        ours = [one for one in found if one.head.repo is not None and self._is_ours(one.head.repo)]
        return tuple(_pull(one) for one in ours if branch in ("", one.head.ref))

    def _is_ours(self, repo: Mapping[str, Any]) -> bool:
        """Whether a pull request comes from the repository itself: anybody may name a branch of a copy like ours."""
        return str(repo.get("full_name", "")).lower() == self._repository.lower()

    def add_pull(self, title: str, body: str, branch: str, base: str) -> Pull:
        """Open a pull request."""
        said = {"title": title, "body": body, "head": branch, "base": base, "maintainer_can_modify": True}
        return _pull(self._read(self._send("POST", "pulls", said), _Pull))

    def change_pull(self, number: int, *, title: str, body: str, is_open: bool) -> None:
        """Make a pull request say this."""
        self._send("PATCH", f"pulls/{number}", {"title": title, "body": body, "state": _state(is_open)})

    # issues -------------------------------------------------------------------------------------------------------

    def issues(self, label: str) -> Sequence[Issue]:
        """Give the issues that have a label, open and closed, newest first."""
        asked = {"state": "all", "labels": label, "sort": "created", "direction": "desc"}
        found = self._all("issues", asked, list[_Issue])
        return tuple(_issue(one) for one in found if one.pull_request is None)

    def add_issue(self, title: str, body: str, label: str) -> Issue:
        """Open an issue with a label, which is made where it is not there."""
        known = self._send("GET", f"labels/{quote(label, safe='')}", takes=(200, 404))
        if known.status_code == httpx2.codes.NOT_FOUND:
            about = {"name": label, "color": COLOUR, "description": "what the nightly found"}
            self._send("POST", "labels", about, takes=(201, 422))  # 422: somebody has just made it
        return _issue(
            self._read(self._send("POST", "issues", {"title": title, "body": body, "labels": [label]}), _Issue)
        )

    def change_issue(self, number: int, *, title: str, body: str, is_open: bool) -> None:
        """Make an issue say this."""
        said = {"title": title, "body": body, "state": _state(is_open)}
        self._send("PATCH", f"issues/{number}", said)

    def comments(self, number: int) -> Sequence[str]:
        """Give the texts of the comments of a pull request or issue, oldest first."""
        return tuple(one.body or "" for one in self._all(f"issues/{number}/comments", {}, list[_Comment]))

    def comment(self, number: int, text: str) -> None:
        """Add a comment."""
        self._send("POST", f"issues/{number}/comments", {"body": text})

    def keep(self, branch: str, bundle: bytes) -> bool:
        """Keep nothing: branches are pushed."""
        del branch, bundle
        return False

    # requests -----------------------------------------------------------------------------------------------------

    def _all(self, path: str, asked: Mapping[str, str], kind: type[list[_Listed]]) -> Iterator[_Listed]:
        """Give a whole list, page by page."""
        answer = self._send("GET", path, asked={**asked, "per_page": "100"})
        for _ in range(PAGES):
            yield from self._read(answer, kind)
            following = answer.links.get("next", {}).get("url")
            if following is None:
                return
            answer = self._send("GET", self._own(following))
        raise OutsideError("publish", self.name, f"lists more than {PAGES} pages of {path}", "close what is old there")

    def _send(
        self,
        method: str,
        path: str,
        said: Mapping[str, Any] | None = None,
        *,
        asked: Mapping[str, str] | None = None,
        takes: Sequence[int] = (200, 201),
    ) -> httpx2.Response:
        """Ask, with patience for limits, and give the answer that is among those taken. Raises OutsideError."""
        url = path if "://" in path else f"{self._api}/repos/{self._repository}/{path}"
        left = self._patience
        for number in range(TRIES):
            answer = self._redirected(method, url, said, asked)
            if answer.status_code in takes:
                return answer
            wait = _wait(answer, method, number)
            if wait is None:
                break
            if wait > left or number == TRIES - 1:
                raise self._limited(wait)
            time.sleep(wait)
            left -= wait
        raise self._refused(answer, method, url)

    def _redirected(
        self, method: str, url: str, said: Mapping[str, Any] | None, asked: Mapping[str, str] | None
    ) -> httpx2.Response:
        """Ask, and follow where a repository has moved to, on the same host alone."""
        for _ in range(REDIRECTS + 1):
            answer = self._once(method, url, said, asked)
            if not answer.has_redirect_location:
                return answer
            url, asked = self._own(urljoin(url, answer.headers["Location"])), None
        raise OutsideError("publish", self.name, "is redirected in a circle", "name the repository as it is called now")

    def _once(
        self, method: str, url: str, said: Mapping[str, Any] | None, asked: Mapping[str, str] | None
    ) -> httpx2.Response:
        try:
            try:
                return self._client.request(method, url, json=said, params=asked)
            except httpx2.TransportError:
                if method != "GET":  # it may have been done
                    raise
                return self._client.request(method, url, json=said, params=asked)
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            found = f"cannot be asked: {self._shown(str(error)) or type(error).__name__}"
            raise OutsideError("publish", _place(self._api), found, "run the same command again") from None

    def _own(self, url: str) -> str:
        """Give an address that the host named, which must be its own. Raises OutsideError."""
        if _origin(url) != _origin(self._api):
            found = f"leads to another host, {self._shown(_place(url))}; the token was not sent there"
            raise OutsideError("publish", self.name, found, "name the repository and GITHUB_API_URL as they are now")
        return url

    def _read(self, answer: httpx2.Response, kind: type[_Read]) -> _Read:
        try:
            return msgspec.json.decode(answer.content, type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            found = f"answers what cannot be read: {self._shown(str(error))}"
            raise OutsideError("publish", _place(self._api), found, "is GITHUB_API_URL a GitHub's?") from error

    def _limited(self, wait: float) -> OutsideError:
        found = f"limits how often it is asked; it is to be left alone for {wait:,.0f} s"
        return OutsideError("publish", _place(self._api), found, f"run the same command again after {wait:,.0f} s")

    def _refused(self, answer: httpx2.Response, method: str, url: str) -> OutsideError:
        """Say why it was refused, in the host's words, and what to type."""
        try:
            wrong = msgspec.json.decode(answer.content, type=_Wrong)
        except (msgspec.DecodeError, UnicodeDecodeError):
            wrong = _Wrong()
        more = "; ".join(str(one.get("message") or one) if isinstance(one, dict) else str(one) for one in wrong.errors)
        words = self._shown(": ".join(part for part in (wrong.message, more) if part))
        what = urlsplit(url).path.partition(f"/repos/{self._repository}/")[2] or "it"
        found = f"answers {answer.status_code} to {method} {self._shown(what)}{f': {words}' if words else ''}"
        return OutsideError("publish", self.name, found, _hint(answer.status_code, words))

    def _shown(self, text: str) -> str:
        return one_line(text.replace(self._token, "***") if self._token else text, 300)


def from_environment(repository: str = "") -> GitHub:
    """Stand at a repository with the token and addresses that a job there has. Raises RequestError.

    repository -- "owner/name"; "": GITHUB_REPOSITORY
    """
    named = repository or os.environ.get("GITHUB_REPOSITORY", "")
    if not REPOSITORY.fullmatch(named):
        found = f"'{one_line(named)}' is no OWNER/NAME" if named else "no repository is named"
        hint = "add --repository OWNER/NAME, or `repository` to [forge] in fork.toml"
        raise RequestError("publish", "--to github", found, hint)
    token = next((os.environ[name] for name in TOKENS if os.environ.get(name)), "")
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        found = f"{' or '.join(TOKENS)} holds no token"
        hint = "set one that may write contents, pull requests and issues; or show it in a folder: --to folder:DIR"
        raise RequestError("publish", "--to github", found, hint)
    api = os.environ.get("GITHUB_API_URL") or "https://api.github.com"
    return GitHub(named, token, api=api, server=os.environ.get("GITHUB_SERVER_URL") or "https://github.com")


def _need_secure(address: str) -> None:
    parts = urlsplit(address)
    is_here = parts.scheme == "http" and parts.hostname in _LOOPBACK
    if not parts.hostname or parts.username is not None or not (parts.scheme == "https" or is_here):
        found = "is no https address without a name in it; a token is not sent there"
        raise RequestError("publish", _place(address), found, "mend GITHUB_API_URL and GITHUB_SERVER_URL")


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"https": 443, "http": 80}.get(parts.scheme)


def _place(url: str) -> str:
    """Give an address without credentials and query."""
    parts = urlsplit(url)
    return SplitResult(parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", "").geturl()


def _wait(answer: httpx2.Response, method: str, number: int) -> float | None:
    """Give the seconds after which it is worth asking again, None where it is not."""
    if answer.status_code in (502, 503, 504) and method == "GET":
        return _seconds(answer.headers.get("Retry-After"), 2.0**number)
    if answer.status_code not in (403, 429):
        return None
    if "Retry-After" in answer.headers:
        return _seconds(answer.headers["Retry-After"], SLOWER)
    if answer.headers.get("X-RateLimit-Remaining") == "0":
        return max(1.0, _seconds(answer.headers.get("X-RateLimit-Reset"), time.time() + SLOWER) - time.time())
    if answer.status_code == 429 or b"rate limit" in answer.content.lower():
        return float(SLOWER * 2.0**number)
    return None


def _seconds(text: str | None, otherwise: float) -> float:
    return float(text) if text is not None and text.isdecimal() else otherwise


_RIGHTS = "contents, pull-requests and issues: write"
_HINTS = {
    401: f"the token is not taken: give {TOKENS[0]} one that is valid, with {_RIGHTS}",
    403: f"the token lacks a right: a job needs `permissions:` {_RIGHTS}",
    404: f"is that its name, and may the token see it? It needs {_RIGHTS}",
    410: "issues are switched off there: switch them on in its settings, or publish to a folder",
    422: "see the words of the host; does the base branch exist there (`base` of [forge] in fork.toml)?",
}


def _hint(status: int, words: str) -> str:
    if "not permitted to create" in words:
        return "let it in its settings: Actions, General, `Allow GitHub Actions to create and approve pull requests`"
    return _HINTS.get(status, "run the same command again")


def _state(is_open: bool) -> str:
    return "open" if is_open else "closed"


def _pull(one: _Pull) -> Pull:
    is_open, merged = one.state == "open", one.merged_at is not None
    return Pull(one.number, one.title, one.body or "", one.head.ref, one.base.ref, is_open, merged, one.html_url)


def _issue(one: _Issue) -> Issue:
    return Issue(one.number, one.title, one.body or "", one.state == "open", one.html_url)
