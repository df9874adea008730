"""What `nightly` promises, on a small fork that is really built, judged and counted, with planted accidents."""

import json
import shutil
import signal
import sqlite3
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from nighting import BREAKING, CLASHING, GREETING, HARMLESS, HEAVIER, SOURCES, fork_at_night
from world import BIN, Fork, assert_message, git

pytestmark = pytest.mark.valgrind

EVERY = {
    "look": "passed",
    "head": "passed",
    "plan": "passed",
    "reach": "passed",
    "triage": "passed",
    "try": "passed",
    "materialise": "passed",
    "build cpu": "passed",
    "bf16 cpu": "passed",
    "witness": "passed",
    "throughput of the stand": "passed",
    "throughput of the trial": "passed",
}


def night(fork: Fork, *words: str, code: int = 0) -> dict[str, Any]:
    """Have a night, and give its document; its exit code must be this one."""
    ran = fork.script("nightly", *words, "--json", "-")
    assert ran.code == code, ran.said
    found: dict[str, Any] = json.loads(ran.out)
    return found


def endings(document: dict[str, Any]) -> dict[str, str]:
    """Give how each step ended."""
    return {one["step"]: one["ending"] for one in document["night"]["steps"]}


def tracked(fork: Fork) -> dict[str, bytes]:
    """Give every file of the fork but those that a night is to write."""
    return {name: data for name, data in fork.state().items() if not name.startswith("build/report/")}


def nights(fork: Fork) -> int:
    """Count the nights that are kept."""
    with sqlite3.connect(fork.root / ".forkkeeper/history.sqlite") as held:
        return int(held.execute("SELECT count(*) FROM night").fetchone()[0])


def said(document: dict[str, Any]) -> str:
    """Give all sentences of a document."""
    return "\n".join(block for block in document["blocks"] if isinstance(block, str))


def test_a_night_takes_every_step_and_leaves_the_fork_as_it_was(tmp_path: Path) -> None:
    """Each step passes, the sync is tried to the head, and no file or ref of the fork's own repository changes."""
    fork = fork_at_night(tmp_path)
    head = fork.upstream.commit(HARMLESS)
    before, refs = tracked(fork), git(fork.root, "for-each-ref")
    found = night(fork)
    assert endings(found) == EVERY
    assert (found["night"]["pin"], found["night"]["head"], found["night"]["tried"]) == (fork.pin, head, head)
    assert tracked(fork) == before
    assert git(fork.root, "for-each-ref") == refs
    assert git(fork.root, "status", "--porcelain") == ""
    assert nights(fork) == 1


def test_a_second_night_with_nothing_new_says_so_and_does_nothing(tmp_path: Path) -> None:
    """No step is taken but the look, and no night is kept; `--anew` takes them all."""
    fork = fork_at_night(tmp_path)
    fork.upstream.commit(HARMLESS)
    night(fork)
    again = night(fork)
    assert "night" not in again
    assert "Nothing is new since the night of" in said(again)
    assert nights(fork) == 1
    assert endings(night(fork, "--anew")) == EVERY
    assert nights(fork) == 2


def test_a_clash_is_told_and_everything_else_goes_on(tmp_path: Path) -> None:
    """The plan fails with patch and commit; the trial goes as far as is free, and is built and judged there."""
    fork = fork_at_night(tmp_path)
    free = fork.upstream.commit(HARMLESS)
    fork.upstream.commit(CLASHING)
    found = night(fork, code=1)
    assert endings(found) == EVERY | {"plan": "failed", "reach": "passed"}
    assert found["night"]["tried"] == free
    assert "1 clashed" in str(found["blocks"])


def test_where_nothing_is_free_the_fork_is_judged_where_it_stands(tmp_path: Path) -> None:
    """The trial is blocked; the fork at its pin is built, checked and counted."""
    fork = fork_at_night(tmp_path)
    fork.upstream.commit(CLASHING)
    found = endings(night(fork, code=1))
    assert found["try"] == "blocked"
    assert {found[name] for name in ("build cpu", "bf16 cpu", "witness", "throughput of the stand")} == {"passed"}
    assert "throughput of the trial" not in found


def test_a_broken_build_stops_only_what_needs_it(tmp_path: Path) -> None:
    """BF16 and witness are blocked and say by what; the fork's own speed at its pin is counted all the same."""
    fork = fork_at_night(tmp_path)
    fork.upstream.commit(BREAKING)
    found = endings(night(fork, code=3))
    assert found["build cpu"] == "outside"
    assert (found["bf16 cpu"], found["witness"]) == ("blocked", "blocked")
    assert found["throughput of the stand"] == "passed"


def test_a_lost_witness_is_told_by_the_patch(tmp_path: Path) -> None:
    """Upstream says what the patch makes it say in another file: the patch has no effect any more."""
    fork = fork_at_night(tmp_path)
    (fork.root / "native/checks/test_greeting.py").write_text("def test_greeting():\n    assert True\n")
    fork.commit_all()
    fork.upstream.commit(HARMLESS)
    found = night(fork, code=1)
    assert endings(found) == EVERY | {"witness": "failed"}
    assert "greeting: has lost its effect" in str(found["blocks"])


def test_a_slower_fork_is_told_beside_its_pin(tmp_path: Path) -> None:
    """Two percent more instructions than the pin are a failure of throughput, on both sides, and of nothing else."""
    fork = fork_at_night(tmp_path, GREETING, HEAVIER)
    fork.upstream.commit(HARMLESS)
    found = night(fork, code=1)
    both = {"throughput of the stand": "failed", "throughput of the trial": "failed"}
    assert endings(found) == EVERY | both
    assert "slower than the pin" in str(found["blocks"])


def test_without_upstream_the_rest_of_the_night_goes_on(tmp_path: Path) -> None:
    """What is held is enough to build and judge the fork where it stands; the look says which source failed."""
    fork = fork_at_night(tmp_path)
    fork.upstream.commit(HARMLESS)
    url = f"file://{tmp_path}/upstream.git"
    declaration = fork.root / "fork.toml"
    declaration.write_text(declaration.read_text().replace('"../upstream.git"', f'"{url}"'))
    fork.commit_all()
    assert fork.script("upstream", "refresh").code == 0
    assert fork.script("build", "cpu").code == 0
    (tmp_path / "upstream.git").rename(tmp_path / "away.git")
    found = night(fork, code=3)
    told = endings(found)
    assert told["look"] == "outside"
    assert {told[name] for name in ("build cpu", "bf16 cpu", "witness", "throughput of the stand")} == {"passed"}
    (tmp_path / "away.git").rename(tmp_path / "upstream.git")
    back = night(fork)
    assert set(endings(back).values()) == {"passed"}
    assert "look: passes again" in said(back)


def test_a_bad_night_about_the_same_is_tried_again_where_it_was_bad(tmp_path: Path) -> None:
    """Only the steps that failed or were blocked run again; when they pass, that is a good night of its own."""
    fork = fork_at_night(tmp_path)
    fork.upstream.commit(BREAKING)
    night(fork, code=3)
    logs = fork.root / ".forkkeeper/nightly/steps"
    written = {path.name: path.stat().st_mtime_ns for path in logs.glob("*.log")}
    night(fork, code=3)
    again = {path.name for path in logs.glob("*.log") if path.stat().st_mtime_ns != written[path.name]}
    assert "build-cpu.log" in again
    assert "throughput-of-the-stand.log" not in again
    assert nights(fork) == 2


def test_one_step_can_be_seen_again_and_nothing_is_kept(tmp_path: Path) -> None:
    """`--only` takes the step and what it needs; the command that a bad step shows is that one."""
    fork = fork_at_night(tmp_path)
    fork.upstream.commit(HARMLESS)
    found = night(fork, "--only", "bf16 cpu")
    taken = endings(found)
    assert {"build cpu", "bf16 cpu"} <= set(taken)
    assert not {"witness", "triage", "throughput of the trial"} & set(taken)
    assert not (fork.root / ".forkkeeper/history.sqlite").exists()


def test_an_unknown_step_or_variant_is_refused_with_the_nearest_name(tmp_path: Path) -> None:
    """Before anything is looked at."""
    fork = fork_at_night(tmp_path)
    assert_message(fork.run("nightly", "--only", "bf16 cup"), 2, "--only bf16 cup", "did you mean bf16 cpu?")
    assert_message(fork.run("nightly", "--variant", "cup"), 2, "variant cup", "did you mean cpu?")


def test_a_fork_that_is_not_in_git_is_refused(tmp_path: Path) -> None:
    """A night looks at what is committed, and says so."""
    fork = fork_at_night(tmp_path)
    shutil.rmtree(fork.root / ".git")
    assert_message(fork.run("nightly"), 2, "is not in a git repository", "git init")


def test_what_is_not_committed_is_named_and_not_judged(tmp_path: Path) -> None:
    """An edit of the fork.toml in the worktree changes nothing of the night, which says that it saw it."""
    fork = fork_at_night(tmp_path)
    with (fork.root / "fork.toml").open("a") as declaration:
        declaration.write("# an edit\n")
    found = night(fork, "--only", "materialise")
    assert "not looked at, as it is not committed: fork.toml" in said(found)


@pytest.mark.parametrize("seconds", [0.5, 1.5, 3.0])
def test_a_night_that_is_killed_leaves_nothing_that_the_next_one_minds(tmp_path: Path, seconds: float) -> None:
    """SIGKILL in the middle: the fork is as it was, and the next night takes every step."""
    fork = fork_at_night(tmp_path)
    fork.upstream.commit(HARMLESS)
    before = tracked(fork)
    process = subprocess.Popen(
        [str(BIN / "forkkeeper"), "nightly"], cwd=fork.root, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    time.sleep(seconds)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert tracked(fork) == before
    assert endings(night(fork)) == EVERY


def test_real_nights_raise_one_alarm_propose_the_sync_and_close_both(tmp_path: Path) -> None:
    """A broken head twice: one alarm, told by step and command; it is closed when upstream has mended it.

    The sync is offered meanwhile, with what fails in it; once it is taken, its request is closed. No forge is needed.
    """
    fork, place = fork_at_night(tmp_path), tmp_path / "shown"
    broken = fork.upstream.commit(BREAKING)

    def published() -> dict[str, str]:
        ran = fork.script("publish", "--to", f"folder:{place}")
        assert ran.code == 0, ran.said
        return {path.relative_to(place).as_posix(): path.read_text() for path in sorted(place.rglob("*.md"))}

    night(fork, code=3)
    assert [name for name in published() if name.startswith("alarm")] == []
    night(fork, code=3)
    shown = published()
    assert '"open"' in shown["alarm-2.md"]
    assert "build cpu" in shown["alarm-2.md"]
    assert f"forkkeeper nightly --head {broken[:12]} --only 'build cpu'" in shown["alarm-2.md"]
    head = fork.upstream.commit({"engine.c": SOURCES["engine.c"]})
    night(fork)
    shown = published()
    assert '"closed"' in shown["alarm-2.md"]
    assert head[:12] in shown["pull-1.md"]
    assert "greeting" in shown["pull-1.md"]
    fork.ok("sync", "--upto", head, "--commit")
    assert '"closed"' in published()["pull-1.md"]


def test_two_nights_at_once_are_one_too_many(tmp_path: Path) -> None:
    """The second is refused, and is told who is at work; the first goes on to its end."""
    fork = fork_at_night(tmp_path)
    first = subprocess.Popen([str(BIN / "forkkeeper"), "nightly"], cwd=fork.root, stdout=subprocess.DEVNULL)
    held = fork.root / ".forkkeeper/nightly/lock"
    until = time.monotonic() + 60
    while not (held.is_file() and held.read_text()):
        assert time.monotonic() < until
        time.sleep(0.02)
    assert_message(fork.run("nightly"), 2, "another forkkeeper is at work on it", f"process {first.pid}")
    assert first.wait(300) == 0


def test_links_of_the_outbox_lead_to_upstreams_own_commits(tmp_path: Path) -> None:
    """Where fork.toml names upstream's page, commits are linked there, by their full ids."""
    fork = fork_at_night(tmp_path)
    declaration = fork.root / "fork.toml"
    declaration.write_text(declaration.read_text().replace('web = ""', 'web = "https://github.com/small/upstream"'))
    fork.commit_all()
    head = fork.upstream.commit(HARMLESS)
    night(fork)
    summary = (fork.root / ".forkkeeper/nightly/outbox/summary.md").read_text()
    assert f"(https://github.com/small/upstream/commit/{head})" in summary
