"""Typing what a verb prints, as a person would."""

import shlex
import subprocess
from pathlib import Path

from world import Ran, environment


def printed(ran: Ran) -> str:
    """Give the command to commit with that a verb printed: up to where its last quote is closed."""
    lines = ran.out[ran.out.index("\n  git ") + 1 :].splitlines()
    return next(text for end in range(1, len(lines) + 1) if is_whole(text := "\n".join(lines[:end])))


def is_whole(text: str) -> bool:
    """Whether a shell would run what was typed so far, and not wait for the end of a quote."""
    try:
        shlex.split(text)
    except ValueError:
        return False
    return True


def shell(command: str, folder: Path) -> None:
    """Type a command in a folder."""
    done = subprocess.run(
        ["sh", "-c", command], cwd=folder, env=environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
