"""The replay from end to end: a small repository with the truth about it, real tools, real git."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from benchmarks.replay.__main__ import NOT_MEASURED, main
from benchmarks.replay.answers import Failed, Verdict, judge
from benchmarks.replay.questions import Question
from benchmarks.replay.tools import ask_forkkeeper, of_plan
from benchmarks.replay.workplace import Workplace
from world import BIN, Upstream

LINES = [f"line {number} says something of its own" for number in range(1, 41)]


def text(**changed: str) -> str:
    """Give the file with some lines replaced; a line break in one makes two of it."""
    return "".join(f"{changed.get(f'l{number}', line)}\n" for number, line in enumerate(LINES, 1))


OURS, THEIRS = {"l5": "our line five"}, {"l30": "their line thirty"}
ADDED, MOVED = {"l5": f"{LINES[4]}\nadded"}, {"l6": f"{LINES[5]}\nadded"}


@dataclass(frozen=True)
class Case:
    """One patch: what it does, what upstream did, what the maintainers made of it (None: dropped it)."""

    ours: Mapping[str, str]
    upstream: Mapping[str, str]
    kept: Mapping[str, str] | None


CASES = {
    "silent right": Case(OURS, THEIRS, OURS | THEIRS),
    "silent right up to order or space": Case(ADDED, THEIRS, MOVED | THEIRS),
    "silent wrong": Case(OURS, THEIRS, {"l5": "another line five"} | THEIRS),
    "clashed": Case(OURS, {"l5": "their line five"}, {"l5": "our line five of theirs"}),
    "kept, called gone": Case(OURS, OURS, OURS | {"l20": "and line twenty"}),
    "dropped: recognised": Case(OURS, OURS, None),
    "dropped: carried": Case(OURS, THEIRS, None),
    "dropped: clashed": Case(OURS, {"l5": "their line five"}, None),
}


@dataclass
class Replayed:
    """A repository of small syncs, one for each case, named for the verdict that it should get."""

    upstream: Upstream
    syncs: list[dict[str, Any]] = field(default_factory=list)

    def add(self, name: str, case: Case) -> None:
        """Add a sync of one patch."""
        old = self.commit("old", {})
        change = self.commit("change", case.ours, old)
        new = self.commit("new", case.upstream)
        before = {"name": "x.patch", "commit": change, "parent": old, "outcome": "as it was"}
        after = []
        if case.kept is not None:
            before["after"] = "y.patch"
            after = [{"name": "y.patch", "commit": self.commit("kept", case.kept, new), "parent": new}]
        self.syncs.append({"id": name, "b_commit": new, "before": [before], "after": after})

    def commit(self, branch: str, changed: Mapping[str, str], parent: str | None = None) -> str:
        """Commit the file with some lines replaced; without a parent the two sides have no history in common."""
        title, number = f"x.patch\n\n{branch}: one line", self.upstream.commits
        return self.upstream.commit({"a.txt": text(**changed)}, title=title, branch=f"b{number}", parent=parent)

    def write(self, place: Path) -> list[str]:
        """Write truth and ids, and give the options that name them."""
        (place / "truth.json").write_text(json.dumps({"syncs": [*self.syncs, {"id": "skipped"}]}))
        (place / "ids.txt").write_text("".join(f"{sync['id'].replace(' ', '-')}\n" for sync in self.syncs))
        files = {"--work": self.upstream.path, "--truth": place / "truth.json", "--ids": place / "ids.txt"}
        return [word for option, path in files.items() for word in (option, str(path))]


@pytest.fixture
def options(upstream_repo: Upstream, tmp_path: Path) -> list[str]:
    """Give the options for a small repository with every case."""
    made = Replayed(upstream_repo)
    for name, case in CASES.items():
        made.add(name.replace(" ", "-"), case)
    return [*made.write(tmp_path), "--forkkeeper", str(BIN / "forkkeeper"), "--workers", "2"]


def verdicts(options: list[str], tool: str, file: Path) -> dict[str, str]:
    """Replay for one tool, and give the verdict on each case."""
    assert main([*options, "--tool", tool, "--json", str(file), "--list"]) == 0
    rows = json.loads(file.read_text())
    assert {row["tool"] for row in rows} == {tool}
    return {row["sync"].replace("-", " "): row["verdict"] for row in rows}


@pytest.mark.parametrize(
    "tool",
    [
        "forkkeeper",
        "git",
        pytest.param("quilt", marks=pytest.mark.quilt),
        pytest.param("wiggle", marks=pytest.mark.wiggle),
    ],
)
def test_each_tool_gets_the_verdict_that_it_should(tool: str, options: list[str], tmp_path: Path) -> None:
    """On plain cases every tool, really run, gets the verdict that the case is named for."""
    assert verdicts(options, tool, tmp_path / "rows.json") == {name: name for name in CASES}


def test_the_replayed_repository_stays_as_it_is(
    options: list[str], upstream_repo: Upstream, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is written to it, and the table has one column a tool."""
    before = sorted(upstream_repo.path.rglob("*"))
    assert main([*options, "--tool", "git", "--tool", "forkkeeper"]) == 0
    assert sorted(upstream_repo.path.rglob("*")) == before
    shown = capsys.readouterr().out
    assert shown.splitlines()[0].split() == ["verdict", "forkkeeper", "git"]
    assert "8 patches of 8 syncs, 2 asked at a time" in shown


def test_every_verdict_can_come_out(upstream_repo: Upstream, tmp_path: Path) -> None:
    """Answers as forkkeeper gives them, on real trees, reach every verdict there is."""
    made = Replayed(upstream_repo)
    before, right, nearly, wrong = (
        upstream_repo.tree(made.commit("side", changed)) for changed in ({}, ADDED, MOVED, {"l5": "another"})
    )
    (tmp_path / "work").mkdir()
    place = Workplace(tmp_path / "work", upstream_repo.path)
    carried = [
        of_plan({"outcome": "resolved", "tree": tree, "review": review}, before)
        for review in (False, True)
        for tree in (right, nearly, wrong)
    ]
    clashed = [of_plan({"outcome": "clashed", "proposal": tree}, before) for tree in (nearly, wrong, "0" * 40)]
    gone = of_plan({"outcome": "emptied", "tree": before}, before)
    kept = [judge(answer, before, right, place.same) for answer in (*carried, *clashed, gone, Failed("no words"))]
    dropped = [judge(answer, before, None, place.same) for answer in (gone, carried[0], clashed[0])]
    assert set(kept) | set(dropped) == set(Verdict)


def test_a_tool_that_gives_no_answer_has_failed(options: list[str], upstream_repo: Upstream, tmp_path: Path) -> None:
    """A forkkeeper that ends without a document, or with an error, is a failure and no verdict on a patch."""
    assert verdicts([*options, "--forkkeeper", "false"], "forkkeeper", tmp_path / "rows.json") == dict.fromkeys(
        CASES, "tool failed"
    )
    (tmp_path / "work").mkdir()
    place = Workplace(tmp_path / "work", upstream_repo.path)
    commit = Replayed(upstream_repo).commit("old", {})
    nowhere = Question("s", "p", "kept", "0" * 40, commit, commit, commit)
    with pytest.raises(OSError, match="git"):
        ask_forkkeeper(place, nowhere, str(BIN / "forkkeeper"))


def test_a_program_that_is_missing_is_said_so(options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Without the program the column says that it is not installed, and how to install it."""
    assert main([*options, "--tool", "forkkeeper", "--forkkeeper", "no such program"]) == 0
    shown = capsys.readouterr().out
    assert "silent right  not installed" in shown
    assert "forkkeeper is not installed: `pip install -e .`" in shown


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--work", "nowhere", "--work nowhere is no git repository"),
        ("--truth", "nowhere", "--truth nowhere cannot be read"),
        ("--ids", "nowhere", "--ids nowhere cannot be read"),
    ],
)
def test_what_is_missing_is_named(
    options: list[str], option: str, value: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A repository or file that is not there, or not given, ends with 2, and nothing looks like a measurement."""
    assert main([*options, option, value]) == NOT_MEASURED
    heard = capsys.readouterr()
    assert (heard.out, f"not measured: {said}" in heard.err) == ("", True)
    place = options.index(option)
    assert main([*options[:place], *options[place + 2 :]]) == NOT_MEASURED
    assert f"not measured: {option}" in capsys.readouterr().err


def test_a_repository_that_lacks_a_commit_is_not_measured(
    options: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A truth file about another repository is told from a tool that fails."""
    truth = tmp_path / "truth.json"
    document = json.loads(truth.read_text())
    document["syncs"][0]["before"][0]["commit"] = "1" * 40
    truth.write_text(json.dumps(document))
    assert main([*options, "--tool", "git"]) == NOT_MEASURED
    assert f"commits, such as {'1' * 40}" in capsys.readouterr().err
