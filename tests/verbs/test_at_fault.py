"""Which line of a patch's file is at fault: as a person sees it, as a problem matcher takes it, and as SARIF."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from sarif_pydantic import Sarif
from workflows import COMMAND
from world import HERE, TRAILERS, Fork, Local, Upstream, fork_of, run

from forkkeeper.core import annotations, mail, patchlines, shown
from forkkeeper.core.annotations import Annotation, Rule
from forkkeeper.core.sarif import RULES, write

(MATCHER,) = json.loads((HERE / ".github/problem-matchers/forkkeeper.json").read_text())["problemMatcher"][0]["pattern"]
TITLE = "::add-mask::x \u2028::error::y [link](https://example.org)"


def matched(said: str) -> list[tuple[str, int, str]]:
    """Give what the problem matcher takes of an output."""
    hits = (re.search(MATCHER["regexp"], line) for line in said.splitlines())
    return [(hit[MATCHER["file"]], int(hit[MATCHER["line"]]), hit[MATCHER["message"]]) for hit in hits if hit]


def log_of(path: Path) -> tuple[Sarif, dict[str, Any]]:
    """Read a log by a library that is not ours, and hold it to what SARIF 2.1.0 demands of the parts that it has."""
    raw: dict[str, Any] = json.loads(path.read_text())
    assert raw["version"] == "2.1.0"  # [3.13.2]
    (ran,) = raw["runs"]  # [3.13.4]
    ids = [rule["id"] for rule in ran["tool"]["driver"]["rules"]]  # [3.19.23]
    assert len(set(ids)) == len(ids) == len(Rule)
    for result in ran["results"]:
        assert ids[result["ruleIndex"]] == result["ruleId"]  # [3.27.6]
        assert result["level"] in ("error", "warning", "note")  # [3.27.10]
        assert result["message"]["text"]  # [3.27.11]
        (place,) = result["locations"]
        uri = place["physicalLocation"]["artifactLocation"]["uri"]
        assert re.fullmatch(r"[A-Za-z0-9._~%/+-]+", uri)  # [3.4.3] a relative reference
        assert place["physicalLocation"]["region"]["startLine"] >= 1  # [3.30.5]
    prints = [json.dumps(result["partialFingerprints"]) for result in ran["results"]]
    assert len(set(prints)) == len(prints)
    return Sarif.model_validate(raw), raw


def line_of(fork: Fork, name: str, number: int) -> str:
    """Give a line of a patch's file."""
    return (fork.root / "patches" / name).read_text().splitlines()[number - 1]


def test_a_clash_is_on_its_hunk_for_a_matcher_and_for_code_scanning(fork_with_clash: Fork) -> None:
    """`plan` names the hunk that clashes; the matcher takes that line alone; SARIF has it, what follows as a note."""
    ran = fork_with_clash.run("plan", "--upto", "v1.1", "--sarif", "../plan.sarif")
    assert ran.code == 1, ran.said
    ((file, number, said),) = matched(ran.out)
    assert file == "patches/limit.patch"
    assert line_of(fork_with_clash, "limit.patch", number).startswith("@@ ")
    assert said.startswith("clashes in include/core.h, near line")
    assert "core: room for twice as much" in said
    path = fork_with_clash.root / "../plan.sarif"
    log, _ = log_of(path)
    first, second = log.runs[0].results or []
    assert (first.rule_id, second.rule_id) == ("clash", "cascade")
    before = path.read_bytes()
    fork_with_clash.run("plan", "--upto", "v1.1", "--sarif", "../plan.sarif")
    assert path.read_bytes() == before


def test_a_plan_that_is_sure_closes_what_was_open(fork_behind: Fork) -> None:
    """A plan with nothing at fault writes a log with no result, and prints no line for the matcher."""
    ran = fork_behind.ok("plan", "--upto", "v1.1", "--sarif", "../plan.sarif")
    assert matched(ran.out) == []
    _, raw = log_of(fork_behind.root / "../plan.sarif")
    assert raw["runs"][0]["results"] == []


def test_lint_names_the_line_of_each_trailer(fork_in_step: Fork) -> None:
    """A wrong trailer is on its own line, a missing one on the subject's; the log says the same."""
    path = fork_in_step.root / "patches/greeting.patch"
    text = path.read_text().replace("Witness: none [shown by tests]\n", "")
    path.write_text(text.replace("Upstream-Status: Inappropriate [only this fork needs it]", "Upstream-Status: Soon"))
    ran = fork_in_step.run("lint", "--sarif", "../lint.sarif")
    assert ran.code == 2, ran.said
    found = {said: line_of(fork_in_step, "greeting.patch", number) for _, number, said in matched(ran.out)}
    assert list(found.values()) == ["Upstream-Status: Soon", "Subject: [PATCH] greeting: do it"]
    assert "its `Upstream-Status:` is 'Soon'" in next(iter(found))
    log, _ = log_of(fork_in_step.root / "../lint.sarif")
    assert [one.rule_id for one in log.runs[0].results or []] == ["patch-trailer", "patch-trailer"]


def test_a_witness_that_is_not_there_is_named_where_it_is_said(fork_in_step: Fork) -> None:
    """The line is the trailer's."""
    path = fork_in_step.root / "patches/greeting.patch"
    path.write_text(path.read_text().replace("Witness: none [shown by tests]", "Witness: tests/gone.py::test_it"))
    ((_, number, said),) = matched(fork_in_step.run("lint", "--sarif", "../lint.sarif").out)
    assert line_of(fork_in_step, "greeting.patch", number) == "Witness: tests/gone.py::test_it"
    assert said == "its witness tests/gone.py::test_it does not exist"
    _, raw = log_of(fork_in_step.root / "../lint.sarif")
    assert raw["runs"][0]["results"][0]["ruleId"] == "witness-missing"


@pytest.fixture
def hostile(upstream_repo: Upstream) -> Fork:
    """Give a fork whose upstream has a path and a title that a CI runner would act upon at a line's begin."""
    path = "::add-mask::x/a.txt"
    pin = upstream_repo.commit({path: "one\ntwo\nthree\n"}, tag="v1")
    target = upstream_repo.commit({path: "one\n2\nthree\n"}, tag="v2", title=TITLE)
    local = Local("two", {path: "one\nzwei\nthree\n"}, trailers=TRAILERS)
    return fork_of(upstream_repo.path.parent, upstream_repo, pin, target, [local], {})


def test_strangers_words_at_a_clash_are_no_commands(hostile: Fork) -> None:
    """A title and a path like workflow commands stand within one line of ours, which is no command.

    A table may begin a line with a path: workflows stop commands before such output (`test_workflows.py`).
    """
    ran = hostile.run("plan", "--upto", "v2", "--sarif", "../plan.sarif", "--markdown", "../plan.md")
    assert ran.code == 1, ran.said
    ((file, _, said),) = matched(ran.out)
    assert file == "patches/two.patch"
    assert "::add-mask::x/a.txt" in said
    assert "\\u2028::error::y" in said
    (line,) = (line for line in ran.out.splitlines() if said in line)
    assert COMMAND.match(line) is None
    _, raw = log_of(hostile.root / "../plan.sarif")
    assert "\\[link\\](https://example.org)" in raw["runs"][0]["results"][0]["message"]["text"]


def test_an_annotation_is_one_line_whatever_is_in_it() -> None:
    """A line feed in a file's name or a message is spelled out, and percent-encoded in a reference."""
    one = Annotation(Rule.COLLISION, "native/overlay/a\n::error::b", 1, shown.line("upstream has it\n::error::c"))
    assert str(one) == "native/overlay/a\\u000a::error::b:1: upstream has it\\u000a::error::c"
    (result,) = json.loads(write("plan", "1", [one]))["runs"][0]["results"]
    assert (
        result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "native/overlay/a%0A%3A%3Aerror%3A%3Ab"
    )


def test_every_rule_has_its_words() -> None:
    """No finding is without level, title and help."""
    assert set(RULES) == set(Rule)
    assert annotations.FOLDER == "patches"


def test_standard_output_is_no_file_for_sarif(fork_in_step: Fork) -> None:
    """A file is asked for, by both verbs, before anything is looked at."""
    for words in (["lint"], ["plan", "--upto", "v1.1"]):
        ran = run(fork_in_step.root, *words, "--sarif", "-")
        assert ran.code == 2, ran.said
        assert "takes a file" in ran.err


def test_the_line_of_a_compiler_s_error_is_the_patch_s_line(fork_in_step: Fork) -> None:
    """For every line that a patch adds, the line of its file that adds it is found from the tree's line number."""
    for name, data in zip(fork_in_step.names(), fork_in_step.mails(), strict=True):
        patch = mail.parse(name, data)
        text = data.decode().splitlines()
        for file in patch.files:
            for hunk in file.hunks:
                now = hunk.new_start
                for line in hunk.lines:
                    if line.startswith(b"+"):
                        at = patchlines.of_added(patch, file.path, now)
                        assert text[at - 1] == line.decode().rstrip("\n")
                    now += line[:1] in (b"+", b" ")
