"""The tutorial: each of its commands, in order, in a real shell, on real upstream."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from world import BIN, environment, git

pytestmark = pytest.mark.network

ROOT = Path(__file__).parents[2]
TUTORIAL = ROOT / "docs" / "tutorial.md"


def commands() -> list[tuple[str, int]]:
    """Give the tutorial's commands, each with the exit status that it says."""
    blocks = re.findall(r"^```sh\n(.*?)^```$", TUTORIAL.read_text(), re.MULTILINE | re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines()]
    return [(line, int(found[1]) if (found := re.search(r"# exit (\d)$", line)) else 0) for line in lines]


def test_every_command_of_the_tutorial_does_what_it_says(tmp_path: Path) -> None:
    """They are typed one after the other into one shell; each ends as the page says, and the last state is whole."""
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", str(ROOT), str(clone))
    shutil.copytree(ROOT, clone, dirs_exist_ok=True, ignore=left_out)
    git(clone, "add", "--all")
    git(clone, "commit", "--quiet", "--allow-empty", "--message", "as it is now")
    script = ["set -u"]
    for number, (line, code) in enumerate(commands()):
        script += [line, f'[ $? -eq {code} ] || {{ echo "command {number} did not end with {code}"; exit 99; }}']
    env = environment(HOME=str(tmp_path), GIT_PAGER="cat")
    env = {**env, "PATH": f"{BIN}:{env['PATH']}"} | {"GIT_CONFIG_GLOBAL": str(tmp_path / ".gitconfig")}
    (tmp_path / ".gitconfig").write_text("[user]\n\tname = Keeper\n\temail = keeper@example.invalid\n")
    shell = ["bash", "-c", "\n".join(script)]
    done = subprocess.run(shell, cwd=clone, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    said = done.stdout
    assert "dry-window" in said
    assert "replayed" in said
    assert "+    int32_t dry_penalty_last_n = 4096;" in said


def left_out(folder: str, names: list[str]) -> set[str]:
    """Leave out what is no file of the repository."""
    ignored = {".git", ".forkkeeper", ".nox", ".venv", "__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache"}
    return {name for name in names if name in ignored or name.endswith(".egg-info")} if folder else set()
