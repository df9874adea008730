"""What `requests import` promises: users' words come in safely, once, and what a person wrote in the file stays."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from world import Fork, assert_message

from forkkeeper.core import issues, requests

FORM = Path(__file__).parents[2] / ".github/ISSUE_TEMPLATE/sync-request.yml"
SHA = "0123456789abcdef0123456789abcdef01234567"


def issue(number: int, body: str, **more: Any) -> dict[str, Any]:
    """Make an issue as `gh issue list --json` gives it."""
    plain = {
        "number": number,
        "title": f"Sync: thing {number}",
        "url": f"https://github.com/me/fork/issues/{number}",
        "body": body,
        "labels": [{"name": "sync-request"}],
        "reactionGroups": [],
        "state": "OPEN",
    }
    return plain | more


def thumbs(up: int) -> list[dict[str, Any]]:
    """Make reactions of which so many are thumbs up."""
    return [{"content": "HEART", "users": {"totalCount": 9}}, {"content": "THUMBS_UP", "users": {"totalCount": up}}]


def rendered(values: dict[str, str]) -> str:
    """Give the body that GitHub makes of the issue form: each field's label as a heading, in the form's order."""
    blocks = re.split(r"^  - type: ", FORM.read_text(), flags=re.MULTILINE)[1:]
    labels = [found[1] for block in blocks if (found := re.search(r"^      label: (.+)$", block, re.MULTILINE))]
    assert set(values) <= set(labels)
    return "\n\n".join(f"### {label}\n\n{values.get(label, '_No response_')}" for label in labels)


def brought(fork: Fork, *found: dict[str, Any]) -> str:
    """Import issues, and give what `requests.toml` holds then."""
    (fork.root / "../issues.json").write_text(json.dumps(found))
    fork.ok("requests", "import", "--file", "../issues.json")
    file = fork.root / "requests.toml"
    return file.read_text() if file.exists() else ""


def held(fork: Fork) -> tuple[requests.Request, ...]:
    """Read the fork's requests."""
    return requests.parse((fork.root / "requests.toml").read_bytes())


def test_the_issue_form_and_the_import_hold_together(fork_in_step: Fork) -> None:
    """What a user fills into the form's fields is what the import reads out of the body that GitHub makes of it."""
    body = rendered(
        {
            issues.UPSTREAM: "https://github.com/up/upstream/pull/77 and abcdef1, #78",
            issues.WANTED_FOR: "it crashes",
            issues.BACKEND: "metal",
        }
    )
    brought(fork_in_step, issue(3, body, reactionGroups=thumbs(4)))
    assert held(fork_in_step) == (
        requests.Request(
            "Sync: thing 3",
            "https://github.com/me/fork/issues/3",
            4,
            ("abcdef1",),
            (77, 78),
            "",
            "it crashes",
            "metal",
        ),
    )


def test_the_issue_form_is_githubs() -> None:
    """Top-level keys, element types and ids are those of GitHub's schema; every field has an id and a label, once."""
    text = FORM.read_text()
    assert re.findall(r"^(\w+):", text, re.MULTILINE) == ["name", "description", "title", "labels", "body"]
    types = re.findall(r"^  - type: (\w+)$", text, re.MULTILINE)
    assert set(types) <= {"markdown", "input", "textarea", "dropdown", "checkboxes"}
    ids = re.findall(r"^    id: ([\w-]+)$", text, re.MULTILINE)
    labels = re.findall(r"^      label: (.+)$", text, re.MULTILINE)
    fields = len([one for one in types if one != "markdown"])
    assert fields == len(set(ids)) == len(set(labels)) == 4
    assert labels == [issues.UPSTREAM, issues.WANTED_FOR, issues.BACKEND, issues.MODEL]


def test_what_names_upstream_is_found(fork_in_step: Fork) -> None:
    """Links into upstream's repository count anywhere, full ids too; `#1` and other repositories' links do not."""
    links = (
        f"see https://github.com/other/upstream/commit/{SHA}, like #1 and https://github.com/up/elsewhere/pull/9, "
        "https://github.com/me/fork/pull/8"
    )
    brought(fork_in_step, issue(1, links), issue(2, "it crashes"), issue(4, f"in {SHA[::-1]} it works"))
    assert [(one.commit, one.pull) for one in held(fork_in_step)] == [((SHA,), ()), ((SHA[::-1],), ())]


def test_words_are_taken_where_nothing_else_is_named(fork_in_step: Fork) -> None:
    """A few words in the form's own field are words of a title; a long text is none."""
    brought(fork_in_step, issue(1, rendered({issues.UPSTREAM: "flash attention metal"})))
    assert held(fork_in_step)[0].words == "flash attention metal"
    long = rendered({issues.UPSTREAM: "I do not know, but somebody said that it was done long ago"})
    (fork_in_step.root / "../issues.json").write_text(json.dumps([issue(2, long)]))
    assert "1 issue left out" in fork_in_step.ok("requests", "import", "--file", "../issues.json").out


def test_an_import_changes_votes_and_closed_and_nothing_else(fork_in_step: Fork) -> None:
    """A known request keeps its comments, order and words; twice the same file changes nothing; undo takes it back."""
    own = (
        "# ours\nschema = 1\n\n[[request]] # first\ntitle = 'By hand' # and a comment\n"
        'link = "https://github.com/me/fork/issues/1"\nvotes = 2 # so few\npull = [5]\n\n# between\n[[request]]\n'
        'title = "Second"\nlink = "https://github.com/me/fork/issues/2"\npull = [6]\n# the end'
    )
    file = fork_in_step.root / "requests.toml"
    file.write_text(own)
    start = fork_in_step.state()
    pull = "https://github.com/up/upstream/pull/"
    given = (
        issue(1, pull + "5", reactionGroups=thumbs(9)),
        issue(2, pull + "6", state="CLOSED", reactionGroups=thumbs(1)),
        issue(3, pull + "7"),
        issue(4, pull + "8", state="CLOSED"),
    )
    made = brought(fork_in_step, *given)
    wanted = own.replace("votes = 2 #", "votes = 9 #").replace(
        "# between\n[[request]]\n", "# between\n[[request]]\nvotes = 1\nclosed = true\n"
    )
    assert made.startswith(wanted + "\n\n[[request]]\n")
    assert [(one.votes, one.closed) for one in held(fork_in_step)] == [(9, False), (1, True), (0, False)]
    assert brought(fork_in_step, *given) == made
    again = brought(fork_in_step, issue(2, pull + "6", reactionGroups=thumbs(1)))
    assert again == made.replace("closed = true", "closed = false")
    fork_in_step.ok("undo")
    fork_in_step.ok("undo")
    assert fork_in_step.state() == start


def test_a_form_that_cannot_be_changed_in_place_is_refused(fork_in_step: Fork) -> None:
    """Where requests are written otherwise than as tables of their own, nothing is saved and nothing is lost."""
    file = fork_in_step.root / "requests.toml"
    file.write_text('request = [{title = "A", link = "https://github.com/me/fork/issues/1"}]\n')
    before = file.read_bytes()
    (fork_in_step.root / "../issues.json").write_text(
        json.dumps([issue(1, "https://github.com/up/upstream/pull/5", reactionGroups=thumbs(3))])
    )
    assert_message(fork_in_step.run("requests", "import", "--file", "../issues.json"), 2, "[[request]] table")
    assert file.read_bytes() == before


def test_strangers_words_are_safe(fork_in_step: Fork) -> None:
    """What acts on a terminal, runs backwards or ends a TOML string is spelled out or cut; the file stays sound."""
    title = 'x"\n[[request]]\ntitle = "y \x1b[31m\u202e' + "z" * 500
    body = rendered({issues.UPSTREAM: "#5", issues.WANTED_FOR: '"""\n[evil]\nx = 1\x00' + "w" * 5000})
    text = brought(fork_in_step, issue(1, body, title=title))
    assert len(held(fork_in_step)) == 1
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert max(len(line) for line in text.splitlines()) < 400
    shown = fork_in_step.ok("requests", "list").out
    assert "\x1b" not in shown


@pytest.mark.parametrize("data", [b"", b"{}", b"[1]", b'[{"title": 3}]', b"\xff", b"[" * 100_000])
def test_what_is_not_githubs_json_is_refused(fork_in_step: Fork, data: bytes) -> None:
    """A file of another kind ends with 2 and the command that makes the right one; nothing is written."""
    (fork_in_step.root / "../issues.json").write_bytes(data)
    ran = fork_in_step.run("requests", "import", "--file", "../issues.json")
    assert_message(ran, 2, "is not GitHub's JSON", "gh issue list")
    assert not (fork_in_step.root / "requests.toml").exists()


def test_a_file_that_is_not_there(fork_in_step: Fork) -> None:
    """A missing option or file says how to make it."""
    assert_message(fork_in_step.run("requests", "import"), 2, "--file: is needed")
    assert_message(fork_in_step.run("requests", "import", "--file", "no.json"), 2, "no such file", "gh issue list")


def test_the_list_is_ordered_by_votes(fork_in_step: Fork) -> None:
    """Most votes first, closed ones last; an empty list says how to begin."""
    assert "nothing was asked for" in fork_in_step.ok("requests", "list").out
    pull = "https://github.com/up/upstream/pull/"
    brought(fork_in_step, issue(1, pull + "5"), issue(2, pull + "6", reactionGroups=thumbs(3)))
    shown = fork_in_step.ok("requests", "list").out
    assert shown.index("thing 2") < shown.index("thing 1")
    assert "2 requests, 2 of them open" in shown
