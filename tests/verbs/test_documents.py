"""What verbs give to scripts and pull requests: one JSON form for all reports and errors, and a plan's Markdown."""

import json
from pathlib import Path
from typing import Any

import pytest
from world import Fork, Ran, assert_message, run


def document(ran: Ran) -> dict[str, Any]:
    """Read what a verb gave on standard output as the whole of it."""
    found: dict[str, Any] = json.loads(ran.out)
    return found


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["status"], 0),
        (["lint"], 0),
        (["log"], 0),
        (["log", "--check"], 0),
        (["diff", "--stat"], 0),
        (["sync", "--upto", "v1.1"], 0),
        (["materialise", "../tree"], 0),
        (["materialise"], 0),
        (["verify"], 0),
        (["upstream.refresh"], 0),
        (["undo", "--list"], 0),
        (["setup"], 0),
        (["patch.list"], 0),
        (["patch.why", "src/load.c:6"], 0),
        (["explain", "src/load.c"], 0),
        (["policy.check"], 0),
        (["requests.list"], 0),
        (["patch.rename", "greeting", "hello"], 0),
        (["patch.export", "--to", "quilt", "../quilt"], 0),
        (["status", "--max-age", "1"], 1),
    ],
)
def test_every_report_has_one_form(fork_behind: Fork, words: list[str], code: int) -> None:
    """With --json - a verb writes schema 1, its name, its exit code and what it says, and nothing else."""
    ran = fork_behind.run(*words, "--json", "-")
    assert ran.code == code, ran.said
    found = document(ran)
    assert list(found) == ["schema", "verb", "exit", "blocks"]
    assert (found["schema"], found["verb"], found["exit"]) == (1, words[0], code)
    assert found["blocks"]
    for block in found["blocks"]:
        assert isinstance(block, str | list)
        assert block != ""


def test_tables_are_lists_of_objects(fork_in_step: Fork) -> None:
    """A table's rows have its headers as keys; sentences are text, without colours."""
    blocks = document(fork_in_step.ok("diff", "--stat", "--json", "-"))["blocks"]
    assert blocks[0][0] == {"file": "native/extra.c", "+": "4", "-": "0", "by": "overlay"}
    said = document(fork_in_step.run("status", "--json", "-"))["blocks"]
    assert "in step: queue, overlay, log and lock agree" in said
    assert "\\u001b" not in json.dumps(said)


def test_a_file_gets_the_document_and_the_person_the_report(fork_in_step: Fork) -> None:
    """With --json FILE both are given; the same words come out."""
    ran = fork_in_step.ok("status", "--json", "../status.json")
    found = json.loads((fork_in_step.root / "../status.json").read_text())
    assert found["blocks"][-1] in ran.out


def test_errors_have_the_same_form(fork_in_step: Fork) -> None:
    """What ends a verb is a document, too: step, thing, found, next; the person's words go to standard error."""
    (fork_in_step.root / "patches/series").write_text("gone.patch\n")
    ran = fork_in_step.run("lint", "--json", "-")
    assert ran.code == 2
    found = document(ran)
    assert (found["schema"], found["verb"], found["exit"]) == (1, "lint", 2)
    assert list(found["error"]) == ["step", "thing", "found", "next"]
    assert found["error"]["thing"] == "patches/series"
    assert "lint: patches/series: lists gone.patch" in ran.err
    assert fork_in_step.run("plan", "--upto", "v1.0", "--json", "../plan.json").code == 2
    assert json.loads((fork_in_step.root / "../plan.json").read_text())["error"]["step"] == "plan"


def test_outside_any_fork_an_error_is_a_document(tmp_path: Path) -> None:
    """Where there is no fork.toml the document says so."""
    ran = run(tmp_path, "status", "--json", "-")
    assert document(ran)["error"]["thing"] == "fork.toml"


@pytest.mark.parametrize(
    ("path", "found"), [("fork.toml", "is one of the fork's own"), ("no/x", "no such folder"), ("..", "is a folder")]
)
def test_a_place_that_cannot_take_it_is_refused_first(fork_behind: Fork, path: str, found: str) -> None:
    """Before anything is done, a document over the fork's files or to nowhere is refused."""
    before = fork_behind.state()
    assert_message(fork_behind.run("sync", "--upto", "v1.1", "--json", path), 2, f"sync: --json {path}: ", found)
    assert fork_behind.state() == before


# Markdown -----------------------------------------------------------------------------------------------------------


def test_a_plan_for_a_pull_request(fork_with_clash: Fork) -> None:
    """--markdown - gives the summary alone: both ends, the table, the clash since its culprit, what to type."""
    ran = fork_with_clash.run("plan", "--upto", "v1.1", "--markdown", "-")
    assert ran.code == 1, ran.said
    assert ran.out.startswith("## `")
    for words in (
        f"- from `{fork_with_clash.pin[:12]}` (`v1.0`) of 2025-06-16\n",
        "| `limit` | **clashed** |",
        "Since upstream commit `",
        "`core: room for twice as much`",
        "<summary>What upstream did to the files that the queue touches</summary>",
        f"forkkeeper plan --upto {fork_with_clash.target}     # this plan",
        f"forkkeeper sync --upto {fork_with_clash.target}\n",
    ):
        assert words in ran.out, ran.out


def test_a_plan_in_all_forms_at_once(fork_behind: Fork) -> None:
    """--markdown FILE and --json FILE leave the shown report as it is; both to standard output are refused."""
    plain = fork_behind.ok("plan", "--upto", "v1.1").out
    words = ("plan", "--upto", "v1.1", "--markdown", "../plan.md")
    assert fork_behind.ok(*words, "--json", "../plan.json").out == plain
    assert (fork_behind.root / "../plan.md").read_text().startswith("## ")
    assert list(json.loads((fork_behind.root / "../plan.json").read_text())) == [
        "schema",
        "from",
        "to",
        "tree",
        "patches",
    ]
    refused = fork_behind.run("plan", "--upto", "v1.1", "--markdown", "-", "--json", "-")
    assert refused.code == 2
    assert_message(fork_behind.run("plan", "--upto", "v1.1", "--markdown", "fork.toml"), 2, "one of the fork's own")
    free = ("plan", "--upto", "v1.1", "--as-far-as-free", "--markdown", "x.md")
    assert_message(fork_behind.run(*free), 2, "--markdown: does not go with --as-far-as-free")


# small words --------------------------------------------------------------------------------------------------------


def test_an_acceptance_that_nothing_waits_for(fork_behind: Fork) -> None:
    """--accept of a patch that is simply carried says so in a line, and the sync is saved."""
    ran = fork_behind.ok("sync", "--upto", "v1.1", "--accept", "greeting")
    assert "--accept greeting: nothing to accept; it is kept" in ran.out


def test_all_that_the_series_lacks_at_once(fork_in_step: Fork) -> None:
    """Every unlisted file, and every line without a file, is named in one message."""
    patches = fork_in_step.root / "patches"
    for name in ("b.patch", "a.patch"):
        (patches / name).write_bytes((patches / "greeting.patch").read_bytes())
    assert_message(fork_in_step.run("lint"), 2, "patches/series: does not list a.patch, b.patch", "add a line for each")
    (patches / "greeting.patch").unlink()
    (patches / "buffer-size.patch").unlink()
    found = "lists greeting.patch, buffer-size.patch, and there are no such .patch or .diff files"
    assert_message(fork_in_step.run("lint"), 2, found, "(unlisted: a.patch, b.patch)", "take the lines out")
