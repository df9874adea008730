"""The door to GitHub, against a server of its kind on this machine's loopback."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from github_server import TOKEN, Hub, Planned, serving
from world import Upstream

from forkkeeper.errors import OutsideError, RequestError
from forkkeeper.shell import forge
from forkkeeper.shell.forge import GitHub


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """Serve a repository with one commit, and give a job's environment."""
    made = Upstream.make(tmp_path / "hub.git")
    made.commit({"a": "1\n"})
    with serving(made.path) as hub:
        for name, value in hub.env.items():
            monkeypatch.setenv(name, value)
        yield hub


def door(hub: Hub, patience: float = 5.0) -> GitHub:
    """Stand before the server with some patience."""
    return GitHub(hub.name, hub.token, api=f"{hub.url}/api/v3", server=hub.url, patience=patience)


def limited(begins: str, **headers: str) -> Planned:
    """Plan one answer that says that a limit is reached."""
    return Planned(begins, 403, {"message": "You have exceeded a secondary rate limit."}, headers)


def test_lists_are_read_page_by_page(hub: Hub) -> None:
    """All issues of a label come, though the host gives two at a time, and pull requests are not among them."""
    hub.page_size = 2
    for number in range(7):
        hub.issue(f"issue {number}", "x", "nightly")
    hub.issue("other", "x", "bug")
    hub.pull("some", "main", "a pull request", "x")
    assert [one.title for one in door(hub).issues("nightly")] == [f"issue {number}" for number in range(6, -1, -1)]


def test_pull_requests_of_copies_are_not_ours(hub: Hub) -> None:
    """A pull request from a branch of the same name in somebody's copy is passed over."""
    hub.pull("forkkeeper/sync-from-" + "a" * 12, "main", "theirs", "x", repository="some/fork")
    hub.pull("forkkeeper/sync-from-" + "a" * 12, "main", "ours", "x")
    assert [one.title for one in door(hub).pulls()] == ["ours"]


def test_a_limit_is_waited_for(hub: Hub) -> None:
    """An answer that says when to come again is heeded, for reading and for writing, and nothing is done twice."""
    path = f"/repos/{hub.name}/issues"
    hub.planned += [limited(f"GET {path}", **{"Retry-After": "1"}), limited(f"POST {path}", **{"Retry-After": "1"})]
    hub.labels.append("nightly")
    there = door(hub)
    assert there.issues("nightly") == ()
    assert there.add_issue("t", "b", "nightly").number == 1
    assert len(hub.issues) == 1


@pytest.mark.parametrize(
    "headers",
    [{"Retry-After": "9"}, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "4102444800"}, {}],
    ids=["told how long", "told until when", "told nothing"],
)
def test_patience_has_an_end(hub: Hub, headers: dict[str, str]) -> None:
    """A wait that is longer than the patience ends at once, saying how long it would be and what to type."""
    hub.planned.append(limited("GET", **headers))
    with pytest.raises(OutsideError, match=r"limits how often.*[0-9]+ s\n  next: run the same command again after"):
        door(hub).issues("nightly")
    assert len(hub.asked) == 1


def test_a_bad_gateway_is_asked_again_only_for_reading(hub: Hub) -> None:
    """What may have been done is not done again: a write that a gateway loses ends with an error."""
    path = f"/repos/{hub.name}/issues"
    hub.planned += [Planned(f"GET {path}", 502, {}), Planned(f"POST {path}/1/comments", 502, {})]
    assert door(hub).issues("nightly") == ()
    with pytest.raises(OutsideError, match="answers 502 to POST issues/1/comments"):
        door(hub).comment(1, "text")
    assert hub.changes == [("POST", f"{path}/1/comments")]


def test_a_connection_that_breaks_is_made_again_only_for_reading(hub: Hub) -> None:
    """A read is asked once more, a write is not: the host may have done it."""
    hub.planned += [Planned("GET", 0, None), Planned("POST", 0, None)]
    assert door(hub).issues("nightly") == ()
    with pytest.raises(OutsideError, match="cannot be asked"):
        door(hub).comment(1, "text")
    assert len(hub.changes) == 1


@pytest.mark.parametrize(
    ("status", "message", "says"),
    [
        (401, "Bad credentials", "the token is not taken"),
        (403, "Resource not accessible by integration", "the token lacks a right"),
        (403, "GitHub Actions is not permitted to create or approve pull requests.", "Allow GitHub Actions"),
        (404, "Not Found", "is that its name"),
        (410, "Issues has been disabled in this repository.", "issues are switched off"),
        (422, "Validation Failed", "does the base branch exist"),
        (500, "", "run the same command again"),
    ],
)
def test_what_a_host_refuses_says_what_to_do(hub: Hub, status: int, message: str, says: str) -> None:
    """Each refusal gives the host's words, safe to show, and the next step."""
    errors = [{"field": "head", "message": "a \x1b[31mred \u202e one"}]
    hub.planned.append(Planned("POST", status, {"message": message, "errors": errors}))
    with pytest.raises(OutsideError) as caught:
        door(hub).add_pull("t", "b", "some", "main")
    said = str(caught.value)
    assert f"answers {status} to POST pulls" in said
    assert says in caught.value.hint
    assert message in said
    assert "\x1b" not in said
    assert "\u202e" not in said


def test_a_repository_that_moved_is_followed_on_its_host(hub: Hub) -> None:
    """A redirect on the same host is followed, with the same verb and body."""
    hub.labels.append("nightly")
    where = f"{hub.url}/api/v3/repos/{hub.name}/issues"
    hub.planned.append(Planned(f"POST /repos/{hub.name}/issues", 307, {"message": "Moved"}, {"Location": where}))
    assert door(hub).add_issue("t", "b", "nightly").title == "t"


@pytest.mark.parametrize("way", ["redirect", "next page"])
def test_the_token_goes_to_no_other_host(hub: Hub, tmp_path: Path, way: str) -> None:
    """Neither a redirect nor a next page that lies on another host is asked at all."""
    with serving(Upstream.make(tmp_path / "other.git").path) as other:
        there = f"{other.url}/api/v3/repos/{hub.name}/issues"
        headers = {"Location": there} if way == "redirect" else {"Link": f'<{there}>; rel="next"'}
        hub.planned.append(Planned("GET", 302 if way == "redirect" else 200, [], headers))
        with pytest.raises(OutsideError, match=r"leads to another host.*the token was not sent there"):
            door(hub).issues("nightly")
        assert other.headers == []


def test_a_circle_ends(hub: Hub) -> None:
    """A host that redirects to itself for ever is left."""
    where = f"{hub.url}/api/v3/repos/{hub.name}/issues"
    hub.planned.append(Planned("GET", 302, {}, {"Location": where}, times=99))
    with pytest.raises(OutsideError, match="redirected in a circle"):
        door(hub).issues("nightly")


def test_a_host_that_is_not_there(hub: Hub) -> None:
    """A host that refuses the connection is an error with its address."""
    gone = GitHub(hub.name, TOKEN, api="http://127.0.0.1:9/api", server=hub.url)
    with pytest.raises(OutsideError, match=r"http://127.0.0.1:9/api: cannot be asked"):
        gone.issues("nightly")


@pytest.mark.parametrize("body", ["<html>", {"number": 1}, [{"number": "x"}]])
def test_an_answer_of_another_form(hub: Hub, body: object) -> None:
    """An answer that is not what the interface gives is an error, no bug."""
    hub.planned.append(Planned("GET", 200, body))
    with pytest.raises(OutsideError, match="answers what cannot be read"):
        door(hub).issues("nightly")


@pytest.mark.parametrize(
    "address", ["http://example.org/api", "https://name:word@example.org", "ftp://example.org", "example.org", ""]
)
def test_a_token_is_not_sent_in_the_open(address: str) -> None:
    """An address that is neither https nor this machine, or that holds a name, is refused before anything is sent."""
    with pytest.raises(RequestError, match="is no https address") as caught:
        GitHub("our/fork", TOKEN, api=address, server="https://example.org")
    assert "word" not in str(caught.value)


def test_what_is_missing_is_named(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a token or a repository the message says what to set."""
    for name in ("GITHUB_TOKEN", "GITHUB_REPOSITORY"):
        with monkeypatch.context() as patch:
            patch.delenv(name)
            with pytest.raises(RequestError, match=r"GITHUB_TOKEN|--repository OWNER/NAME"):
                forge.from_environment()
    with pytest.raises(RequestError, match="is no OWNER/NAME"):
        forge.from_environment("our/fork/../../other")
    monkeypatch.delenv("GITHUB_TOKEN")
    monkeypatch.setenv("GH_TOKEN", TOKEN)
    assert forge.from_environment().secret == TOKEN
