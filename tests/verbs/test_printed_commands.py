"""The commands that a verb prints do what they say when they are typed, wherever one stands and whatever names hold."""

import subprocess
from pathlib import Path

import pytest
from world import Fork, Local, Ran, Upstream, environment, fork_of, git

HOSTILE = ['up"; touch pwn; echo "', "up'; touch pwn; '", "$(touch pwn)", "`touch pwn`"]


def typed(ran: Ran, folder: Path, *, code: int = 0) -> str:
    """Type the command that a verb printed to commit with, in that folder; gives it."""
    command = next(line for line in ran.out.splitlines() if line.startswith("  git "))
    done = subprocess.run(
        ["sh", "-c", command], cwd=folder, env=environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == code, f"{command}\n{done.stdout}{done.stderr}"
    return command


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_in_the_message_of_a_commit_is_no_command(fork_behind: Fork, name: str) -> None:
    """What fork.toml calls upstream stands in the printed commit's message as it is, and is never run."""
    declared = fork_behind.root / "fork.toml"
    text = declared.read_text()
    declared.write_text(text.replace('name = "upstream"', f"name = '''{name}'''"))
    assert declared.read_text() != text
    fork_behind.relog()
    typed(fork_behind.ok("sync", "--upto", "v1.1"), fork_behind.root)
    assert git(fork_behind.root, "log", "-1", "--format=%s").startswith(f"sync: {name} ")
    assert not git(fork_behind.root, "status", "--porcelain")


def test_a_path_in_a_printed_command_is_one_word(upstream_repo: Upstream) -> None:
    """A path of upstream's with blanks and shell code is quoted where a command names it."""
    path = "src/a b$(touch pwn).c"
    pin = upstream_repo.commit({path: "one\n"}, tag="v1")
    own = Local("own", {"src/own.c": "own\n"})
    fork = fork_of(upstream_repo.path.parent, upstream_repo, pin, pin, [own], {})
    ran = fork.run("patch", "why", f"{path}:9")
    assert ran.code == 2, ran.said
    command = ran.err.split("`")[1]
    assert command == f"forkkeeper patch why '{path}:1'"
