"""A GitHub on this machine's loopback: real HTTP, its state in memory, its git by `git http-backend`.

Answers have the shapes that docs.github.com/rest (version 2022-11-28) gives for each request, with the fields that a
client may read; what is refused is refused with the documented statuses and words.
"""

import base64
import functools
import itertools
import json
import os
import re
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from world import environment, git

TOKEN = "ghs_" + "s3cr3tS3CR3T" * 3  # of no account
API = "/api/v3"


@dataclass
class Planned:
    """An answer that is given in the place of the real one, so many times, to requests that begin so.

    status -- 0: none is given, the connection breaks
    """

    begins: str  # e.g. "POST /repos/our/fork/issues"
    status: int
    body: Any
    headers: Mapping[str, str] = field(default_factory=dict)
    times: int = 1


@dataclass
class Hub:
    """One repository. repo -- its bare git repository; asked -- the requests that came (method, path, said)."""

    repo: Path
    name: str = "our/fork"
    port: int = 0
    token: str = TOKEN
    page_size: int = 100
    pulls: dict[int, dict[str, Any]] = field(default_factory=dict)
    issues: dict[int, dict[str, Any]] = field(default_factory=dict)
    comments: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    labels: list[str] = field(default_factory=lambda: ["bug"])
    planned: list[Planned] = field(default_factory=list)
    asked: list[tuple[str, str, Any]] = field(default_factory=list)
    headers: list[tuple[str, str | None]] = field(default_factory=list)
    git_moved: str = ""  # where git is sent instead
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def env(self) -> dict[str, str]:
        """What a job there has in its environment."""
        return {
            "GITHUB_TOKEN": self.token,
            "GITHUB_API_URL": f"{self.url}{API}",
            "GITHUB_SERVER_URL": self.url,
            "GITHUB_REPOSITORY": self.name,
            "NO_PROXY": "127.0.0.1",
            "no_proxy": "127.0.0.1",
        }

    @property
    def changes(self) -> list[tuple[str, str]]:
        """The requests that change something."""
        return [(method, path) for method, path, _ in self.asked if method != "GET"]

    def branch(self, name: str) -> str:
        """Give the tip of a branch, "" where there is none."""
        return git(self.repo, "for-each-ref", "--format=%(objectname)", f"refs/heads/{name}")

    def said(self, number: int) -> list[str]:
        """Give the comments of an issue or pull request."""
        return [one["body"] for one in self.comments.get(number, [])]

    # what it answers ----------------------------------------------------------------------------------------------

    def answer(self, method: str, path: str, asked: Mapping[str, str], said: Any) -> tuple[int, Any, dict[str, str]]:
        """Answer one request, below /repos/owner/name."""
        rest = path.removeprefix(f"/repos/{self.name}/")
        if rest == path:
            return 404, _wrong("Not Found"), {}
        for pattern, verb, does in (
            (r"pulls", "GET", self._pulls),
            (r"pulls", "POST", self._add_pull),
            (r"pulls/(\d+)", "PATCH", self._change_pull),
            (r"issues", "GET", self._issues),
            (r"issues", "POST", self._add_issue),
            (r"issues/(\d+)", "PATCH", self._change_issue),
            (r"issues/(\d+)/comments", "GET", self._comments),
            (r"issues/(\d+)/comments", "POST", self._add_comment),
            (r"labels/([^/]+)", "GET", self._label),
            (r"labels", "POST", self._add_label),
        ):
            found = re.fullmatch(pattern, rest)
            if found and verb == method:
                status, body = does(asked, said, *found.groups())
                return self._paged(status, body, path, asked) if isinstance(body, list) else (status, body, {})
        return 404, _wrong("Not Found"), {}

    def _paged(
        self, status: int, body: list[Any], path: str, asked: Mapping[str, str]
    ) -> tuple[int, Any, dict[str, str]]:
        size = min(int(asked.get("per_page", "30")), self.page_size)
        page = int(asked.get("page", "1"))
        more = dict(asked) | {"page": str(page + 1)}
        query = "&".join(f"{key}={value}" for key, value in more.items())
        link = {"Link": f'<{self.url}{API}{path}?{query}>; rel="next"'} if len(body) > page * size else {}
        return status, body[(page - 1) * size : page * size], link

    def _pulls(self, asked: Mapping[str, str], _: Any) -> tuple[int, Any]:
        found = [one for one in self.pulls.values() if asked["state"] in ("all", one["state"])]
        if "head" in asked:
            found = [one for one in found if one["head"]["label"] == asked["head"]]
        return 200, sorted(found, key=lambda one: -one["number"])

    def _add_pull(self, _: Mapping[str, str], said: Any) -> tuple[int, Any]:
        head, base = said["head"], said["base"]
        for name, branch in (("head", head), ("base", base)):
            if not self.branch(branch):
                return 422, _wrong("Validation Failed", {"resource": "PullRequest", "field": name, "code": "invalid"})
        if any(one["head"]["ref"] == head and one["state"] == "open" for one in self.pulls.values()):
            label = f"{self.name.partition('/')[0]}:{head}"
            return 422, _wrong("Validation Failed", {"message": f"A pull request already exists for {label}."})
        made = self.pull(head, base, said["title"], said["body"])
        return 201, made

    def pull(self, head: str, base: str, title: str, body: str, repository: str = "") -> dict[str, Any]:
        """Add a pull request, as somebody may. repository -- whose branch it is, "" for this one's."""
        number, full = next(self.numbers), repository or self.name
        self.pulls[number] = {
            "number": number,
            "title": title,
            "body": body,
            "state": "open",
            "merged_at": None,
            "html_url": f"{self.url}/{self.name}/pull/{number}",
            "head": {"ref": head, "label": f"{full.partition('/')[0]}:{head}", "repo": {"full_name": full}},
            "base": {"ref": base, "label": f"{self.name.partition('/')[0]}:{base}", "repo": {"full_name": self.name}},
        }
        return self.pulls[number]

    def _change_pull(self, _: Mapping[str, str], said: Any, number: str) -> tuple[int, Any]:
        if int(number) not in self.pulls:
            return 404, _wrong("Not Found")
        self.pulls[int(number)] |= said
        return 200, self.pulls[int(number)]

    def _issues(self, asked: Mapping[str, str], _: Any) -> tuple[int, Any]:
        both = [*self.issues.values(), *({**one, "labels": [], "pull_request": {}} for one in self.pulls.values())]
        found = [one for one in both if asked["state"] in ("all", one["state"])]
        wanted = asked.get("labels")
        found = [one for one in found if wanted is None or wanted in [label["name"] for label in one["labels"]]]
        return 200, sorted(found, key=lambda one: -one["number"])

    def _add_issue(self, _: Mapping[str, str], said: Any) -> tuple[int, Any]:
        if set(said["labels"]) - set(self.labels):
            return 422, _wrong("Validation Failed", {"resource": "Issue", "field": "labels", "code": "invalid"})
        return 201, self.issue(said["title"], said["body"], *said["labels"])

    def issue(self, title: str, body: str, *labels: str) -> dict[str, Any]:
        """Add an issue, as somebody may."""
        number = next(self.numbers)
        self.issues[number] = {
            "number": number,
            "title": title,
            "body": body,
            "state": "open",
            "labels": [{"name": name} for name in labels],
            "html_url": f"{self.url}/{self.name}/issues/{number}",
        }
        return self.issues[number]

    def _change_issue(self, _: Mapping[str, str], said: Any, number: str) -> tuple[int, Any]:
        if int(number) not in self.issues:
            return 404, _wrong("Not Found")
        self.issues[int(number)] |= said
        return 200, self.issues[int(number)]

    def _comments(self, _: Mapping[str, str], __: Any, number: str) -> tuple[int, Any]:
        return 200, list(self.comments.get(int(number), []))

    def _add_comment(self, _: Mapping[str, str], said: Any, number: str) -> tuple[int, Any]:
        made = {"id": next(self.numbers) + 10_000, "body": said["body"]}
        self.comments.setdefault(int(number), []).append(made)
        return 201, made

    def _label(self, _: Mapping[str, str], __: Any, name: str) -> tuple[int, Any]:
        known = unquote(name) in self.labels
        return (200, {"name": unquote(name)}) if known else (404, _wrong("Not Found"))

    def _add_label(self, _: Mapping[str, str], said: Any) -> tuple[int, Any]:
        if said["name"] in self.labels:
            return 422, _wrong("Validation Failed", {"resource": "Label", "code": "already_exists", "field": "name"})
        self.labels.append(said["name"])
        return 201, {"name": said["name"], "color": said["color"]}


def _wrong(message: str, *errors: Mapping[str, str]) -> dict[str, Any]:
    made: dict[str, Any] = {"message": message, "documentation_url": "https://docs.github.com/rest"}
    return made | ({"errors": list(errors)} if errors else {})


class Handler(BaseHTTPRequestHandler):
    """Serves a Hub."""

    protocol_version = "HTTP/1.1"

    def __init__(self, hub: Hub, *rest: object) -> None:
        self.hub = hub
        super().__init__(*rest)  # type: ignore[arg-type]

    def _any(self) -> None:
        parts = urlsplit(self.path)
        data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if not parts.path.startswith(f"{API}/"):
            self._git(parts.path, parts.query, data)
            return
        path = parts.path.removeprefix(API)
        said = json.loads(data) if data else None
        self.hub.asked.append((self.command, path, said))
        self.hub.headers.append((path, self.headers.get("Authorization")))
        for one in self.hub.planned:
            if one.times > 0 and f"{self.command} {path}".startswith(one.begins):
                one.times -= 1
                if not one.status:
                    self.close_connection = True
                    return
                self._send(one.status, json.dumps(one.body).encode(), one.headers)
                return
        if self.headers.get("Authorization") != f"Bearer {self.hub.token}":
            self._send(401, json.dumps(_wrong("Bad credentials")).encode())
            return
        asked = {key: values[0] for key, values in parse_qs(parts.query).items()}
        status, body, headers = self.hub.answer(self.command, path, asked, said)
        self._send(status, json.dumps(body).encode(), headers)

    do_GET = do_POST = do_PATCH = _any  # noqa: N815 -- the library's names

    def _send(self, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/json; charset=utf-8", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _git(self, path: str, query: str, data: bytes) -> None:
        """Let git's own server program answer; it is asked with name and password, as GitHub wants it."""
        self.hub.headers.append((path, self.headers.get("Authorization")))
        if self.hub.git_moved:
            self._send(302, b"", {"Location": f"{self.hub.git_moved}{path}?{query}"})
            return
        wanted = base64.b64encode(f"x-access-token:{self.hub.token}".encode()).decode()
        if self.headers.get("Authorization") != f"Basic {wanted}":
            self._send(401, b"", {"WWW-Authenticate": 'Basic realm="GitHub"'})
            return
        inside = path.removeprefix(f"/{self.hub.name}.git")
        more = {
            "GIT_PROJECT_ROOT": str(self.hub.repo.parent),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": f"/{self.hub.repo.name}{inside}",
            "QUERY_STRING": query,
            "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(data)),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "REMOTE_USER": "x-access-token",
            "REMOTE_ADDR": "127.0.0.1",
        }
        program = Path(os.fsdecode(subprocess.check_output(["git", "--exec-path"])).strip(), "git-http-backend")
        done = subprocess.run([str(program)], input=data, env=environment() | more, capture_output=True, check=True)
        head, _, body = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        self._send(int(headers.pop("Status", "200").split()[0]), body, headers)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the library's name
        """Keep the test's output clean."""


@contextmanager
def serving(repo: Path) -> Iterator[Hub]:
    """Serve a bare repository with http.receivepack on."""
    hub = Hub(repo)
    git(repo, "config", "http.receivepack", "true")
    with ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, hub)) as server:
        hub.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield hub
        finally:
            server.shutdown()
            thread.join()
