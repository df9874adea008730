"""Scratch copies of a fork to plant accidents in, and what both plants need of them."""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

NOT_MEASURED = 2  # exit status: what is needed is missing
FILES = ("fork.toml", "fork.lock", "history.toml", "CHANGES-LOCAL.md")
FOLDERS = ("patches", "native")
MODELS = Path(".forkkeeper", "models")
OBJECTS = Path(".forkkeeper", "upstream.git")
LINES = 3  # of a program's last words that are shown


class NotMeasuredError(Exception):
    """Something that the measurement needs is missing; says what."""


@dataclass(frozen=True, slots=True)
class Done:
    """How a verb ended, and all that it wrote."""

    code: int
    said: str

    @property
    def last_words(self) -> str:
        """Its last lines, in one."""
        return " / ".join(self.said.split("\n")[-LINES:])


def copy(fork: Path, place: Path) -> Path:
    """Copy a fork's files to a folder; upstream's objects are borrowed. Raises NotMeasuredError where it is no fork."""
    missing = [name for name in (FILES[0], FILES[1], str(OBJECTS)) if not (fork / name).exists()]
    if missing:
        raise NotMeasuredError(f"{fork} has no {', '.join(missing)}: name a fork that was built or synced there")
    for name in FILES:
        if (fork / name).exists():
            shutil.copy(fork / name, place / name)
    for name in FOLDERS:
        shutil.copytree(fork / name, place / name, ignore=shutil.ignore_patterns("__pycache__"))
    (place / OBJECTS).parent.mkdir()
    (place / OBJECTS).symlink_to((fork / OBJECTS).resolve())
    if (fork / MODELS).is_dir():  # by digest, so they are nobody's
        (place / MODELS).symlink_to((fork / MODELS).resolve())
    return place


def in_a_copy(fork: Path, measure: Callable[[Path], int]) -> int:
    """Measure on a scratch copy of a fork; gives the exit status, also where something that it needs is missing."""
    try:
        with tempfile.TemporaryDirectory(prefix="plant-") as folder:
            return measure(copy(fork.resolve(), Path(folder)))
    except NotMeasuredError as missing:
        sys.stderr.write(f"not measured: {missing}\n")
        return NOT_MEASURED


def lay(fork: Path, name: str, data: bytes) -> None:
    """Put a patch at the end of a copy's queue, or in the place of what it was before."""
    (fork / "patches" / name).write_bytes(data)
    series = fork / "patches" / "series"
    if name not in series.read_text(encoding="utf-8").split():
        with series.open("a", encoding="utf-8") as file:
            file.write(f"{name}\n")


def forkkeeper(fork: Path, *words: str) -> Done:
    """Run a verb on a fork, in a process of its own."""
    program = Path(sys.executable).with_name("forkkeeper")
    argv = [str(program) if program.exists() else "forkkeeper", *words]
    done = subprocess.run(argv, cwd=fork, capture_output=True, stdin=subprocess.DEVNULL, check=False)
    return Done(done.returncode, (done.stdout + done.stderr).decode("utf-8", "replace").strip())


def say(text: str) -> None:
    """Write a line at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def verdict(done: Done, *words: Sequence[str]) -> bool:
    """Say whether a planted accident was caught: exit 1, and a line that holds all of some words."""
    lines = done.said.splitlines()
    caught = done.code == 1 and all(any(all(word in line for word in some) for line in lines) for some in words)
    say("caught" if caught else f"missed: exit {done.code}: {done.last_words}")
    return caught
