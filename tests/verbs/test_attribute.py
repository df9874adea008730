"""What `bench attribute` promises, with real builds: the patch that costs is blamed, and no other, nor for upstream."""

import json
from pathlib import Path

import pytest
from attributing import (
    ABORTS,
    COSTS,
    FILES,
    GAINS,
    GROUND,
    HARMLESS,
    PARTED,
    ROUNDS,
    SKIPS,
    forked,
    part,
    sentences,
    tables,
    upstream_in,
)
from world import Fork, Local, Upstream, assert_message

from forkkeeper.flow import measuring

VERB = ("bench", "attribute", "--json", "-")


def verdicts(rows: list[dict[str, str]], patch: str) -> list[str]:
    """Give what a table says of a patch."""
    return [row["verdict"] for row in rows if row["patch"] == patch]


def change(row: dict[str, str]) -> float:
    """Give the change in percent that a row begins with."""
    return float(row["takes"].split("%")[0])


def stamps(fork: Fork) -> dict[str, int]:
    """Give when each side was built."""
    found = (fork.root / ".forkkeeper/sides").rglob("forkkeeper-built.json")
    return {str(path): path.stat().st_mtime_ns for path in found}


@pytest.mark.valgrind
def test_the_patch_that_costs_is_blamed(tmp_path: Path) -> None:
    """Both ways name the patch that costs and the one that gains, by how much, and find the rest to be the same code.

    A patch without which the fork does not compile is said to be one, and stops no verdict on the others; a second call
    builds nothing.
    """
    fork = forked(*upstream_in(tmp_path), COSTS, HARMLESS, GROUND, GAINS, overlay={"extra.txt": "more\n"})
    ran = fork.script(*VERB)
    assert ran.code == 0, ran.said
    alone, added = tables(ran)
    for rows in (alone, added):
        assert verdicts(rows, "costs") == ["slower", "slower"]
        assert verdicts(rows, "gains") == ["faster", "faster"]
        assert verdicts(rows, "harmless") == ["same: the same code"]
    (refused,) = verdicts(alone, "ground")
    assert refused.startswith("cannot be made without it: ")
    assert "amount.h" in refused
    assert verdicts(added, "ground") == ["same: the same code"]
    assert verdicts(added, "the overlay") == ["same: the same code"]
    assert [round(change(row), 1) for row in added if row["patch"] == "costs"] == [5.0, 5.0]
    said = sentences(ran)
    assert "costs costs 5." in said
    assert "small, prompt 4: the whole fork takes -" in said
    before = stamps(fork)
    assert len(before) == 8, "baseline, overlay, three with the first patches, the fork, two without an early one"
    assert fork.script(*VERB).code == 0
    assert stamps(fork) == before


@pytest.mark.valgrind
def test_what_crashes_is_no_dependency(tmp_path: Path) -> None:
    """Builds that crash are named as made and not measured, the rest is measured all the same, and exit is 3.

    Where a patch mends what one before it broke, both are measured together. All of it is kept.
    """
    fork = forked(*upstream_in(tmp_path), COSTS, ABORTS, SKIPS, HARMLESS)
    ran = fork.script(*VERB)
    assert ran.code == 3, ran.said
    alone, added = tables(ran)
    (refused,) = verdicts(alone, "skips")
    assert refused.startswith("was made, could not be measured: ")
    assert verdicts(alone, "costs") == ["slower", "slower"]
    assert verdicts(alone, "harmless") == ["same: the same code"]
    assert verdicts(added, "aborts") == [refused]
    assert verdicts(added, "aborts + skips") == ["faster", "faster"]
    assert verdicts(added, "harmless") == ["same: the same code"]
    said = sentences(ran)
    assert "one after the other -" in said
    assert "not measured: skips" in said
    assert "next: run it by hand" in said
    (kept,) = (fork.root / ".forkkeeper/bench").glob("*.json")
    parts = json.loads(kept.read_text())["parts"]["leave-one-out"]
    assert [bool(part["failed"]) for part in parts] == [False, False, True, False]


@pytest.mark.parametrize("way", ["leave-one-out", "prefix"])
@pytest.mark.valgrind
def test_a_fork_that_cannot_be_counted_is_said_at_once(tmp_path: Path, way: str) -> None:
    """Where the whole fork crashes nothing else is built for it."""
    fork = forked(*upstream_in(tmp_path), COSTS, ABORTS)
    ran = fork.script("bench", "attribute", "--only", way)
    assert_message(ran, 3, "bench: ", "run it by hand")
    assert len(stamps(fork)) == 1


def test_a_tool_that_fails_is_no_dependency(tmp_path: Path) -> None:
    """Where a build fails of the machine, that is said, no patch is said to be needed, and exit is 3."""
    tool = tmp_path / "tool"
    tool.write_text("#!/bin/sh\ngrep -q 'First' notes.txt || { echo 'x: No space left on device' >&2; exit 1; }\n")
    tool.chmod(0o755)
    upstream = Upstream.make(tmp_path / "upstream.git")
    lists = f"{PARTED}add_custom_target(tool ALL COMMAND {tool} WORKING_DIRECTORY ${{CMAKE_SOURCE_DIR}})\n"
    lists += "add_dependencies(llama-bench tool)\n"
    pin = upstream.commit({**FILES, "CMakeLists.txt": lists, "more.txt": "a\n"}, tag="v1")
    fork = forked(upstream, pin, Local("first", {"notes.txt": "First\n"}), Local("more", {"more.txt": "b\n"}))
    ran = fork.script(*VERB, "--metric", "time")
    assert ran.code == 3, ran.said
    alone, added = tables(ran)
    (refused,) = verdicts(alone, "first")
    assert refused.startswith("could not be made: the disk of ")
    assert verdicts(alone, "more") == ["same: the same code"]
    (refused,) = verdicts(added, "the baseline")
    assert refused.startswith("could not be made: the disk of ")
    assert "not measured: first" in sentences(ran)
    assert "next: `df -h " in sentences(ran)


@pytest.mark.valgrind
def test_no_side_is_removed_while_it_is_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With room for one build all of a run's are there at its end; what no run used since is what leaves."""
    monkeypatch.setattr(measuring, "KEPT_SIDES", 1)
    fork = forked(*upstream_in(tmp_path), COSTS, HARMLESS)
    stale = fork.root / ".forkkeeper/sides/cpu/0123456789ab/build"
    stale.mkdir(parents=True)
    ran = fork.run(*VERB, "--only", "leave-one-out")
    assert ran.code == 0, ran.said
    assert len(stamps(fork)) == 3
    assert not stale.exists()


def test_time_blames_as_well(tmp_path: Path) -> None:
    """By the clock a patch that doubles the work of a part is slower, and one of no code is not even run."""
    heavy = Local("heavy", {"first.c": part("first", 2 * ROUNDS)})
    fork = forked(*upstream_in(tmp_path), heavy, HARMLESS)
    ran = fork.script(*VERB, "--metric", "time", "--only", "leave-one-out")
    assert ran.code == 0, ran.said
    (rows,) = tables(ran)
    assert verdicts(rows, "heavy") == ["slower", "slower"]
    assert verdicts(rows, "harmless") == ["same: the same code"]


@pytest.mark.valgrind
def test_what_upstream_lost_is_not_the_forks(tmp_path: Path) -> None:
    """After a sync to an upstream that does more the fork is slower, at the same cost of its own: no failure."""
    upstream, pin = upstream_in(tmp_path)
    fork = forked(upstream, pin, COSTS)
    upstream.commit({"second.c": part("second", ROUNDS * 12 // 10)}, tag="v2")
    fork.ok("sync", "--upto", "v2")
    ran = fork.script(*VERB, "--since", "HEAD")
    assert ran.code == 0, ran.said
    (rows,) = tables(ran)
    assert [row["whose"] for row in rows] == ["upstream's", "upstream's"]
    assert all(row["upstream's own"].endswith(" slower") for row in rows)
    assert all(row["the fork"].endswith(" slower") for row in rows)
    assert "upstream's: pristine got " in sentences(ran)
    assert " slower, the fork's own cost is unchanged" in sentences(ran)


@pytest.mark.valgrind
def test_what_the_fork_lost_is_not_upstreams(tmp_path: Path) -> None:
    """Where a patch does more after the sync, in an upstream that is as it was, the fork is blamed: exit 1."""
    upstream, pin = upstream_in(tmp_path)
    fork = forked(upstream, pin, COSTS)
    upstream.commit({"notes.txt": "c\n"}, tag="v2")
    fork.ok("sync", "--upto", "v2")
    path = fork.root / "patches/costs.patch"
    path.write_bytes(path.read_bytes().replace(b"* 11000;", b"* 13000;"))
    fork.ok("log")
    ran = fork.script(*VERB, "--since", "HEAD")
    assert ran.code == 1, ran.said
    (rows,) = tables(ran)
    assert [row["whose"] for row in rows] == ["the fork's", "the fork's"]
    assert [row["upstream's own"] for row in rows] == ["same code", "same code"]
    assert "the fork's: pristine is as fast as it was, the fork's own cost became " in sentences(ran)


def test_what_cannot_be_asked(tmp_path: Path) -> None:
    """Unknown ways, metrics and revisions, and options that exclude each other, are named with what to type."""
    upstream, pin = upstream_in(tmp_path)
    fork = forked(upstream, pin, COSTS)
    assert_message(fork.run("bench", "attribute", "--only", "prefixes"), 2, "--only prefixes", "did you mean prefix?")
    assert_message(fork.run("bench", "attribute", "--metric", "tim"), 2, "--metric tim", "did you mean time?")
    assert_message(fork.run("bench", "attribute", "--only", "prefix", "--since", "HEAD"), 2, "--only: does not go with")
    assert_message(fork.run("bench", "attribute", "--since", "nowhere"), 2, "is no commit of the fork's own git")
    assert_message(fork.run("bench", "attribute", "cpux"), 2, "cpux", "did you mean cpu?")
    assert_message(fork.run("bench", "attribute", "cpu", "cpu"), 2, "one variant")
    declaration = fork.root / "fork.toml"
    declaration.write_text(declaration.read_text().split("[bench.instructions]")[0])
    assert_message(fork.run("bench", "attribute"), 2, "declares no [bench.instructions]")
