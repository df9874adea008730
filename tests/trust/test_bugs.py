"""A bug in forkkeeper leaves a report that can be pasted, and a fork that is whole, wherever it strikes."""

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import pytest
from world import Fork, Ran

import forkkeeper
from forkkeeper.core import bugs

HERE = str(Path(forkkeeper.__file__).parent)
SECRETS = ("s3cret", "k1k1k1", "t0ken", "gh" + "p_" + "a" * 30)
TEXT = f"https://me:{SECRETS[0]}@host/x.git?key={SECRETS[1]} and token={SECRETS[2]} and {SECRETS[3]}"
NET = ("running.py", "bugs.py", "terminal.py", "errors.py", "door.py", "__init__.py")  # what shows the error, and tasks


class PlantedError(Exception):
    """A bug that nobody expected."""


@contextmanager
def tracing(on_call: Callable[[str], object]) -> Iterator[None]:
    """Hear of each call of a function of ours, by file and name."""

    def trace(frame: FrameType, event: str, _: object) -> None:
        code = frame.f_code
        if event == "call" and code.co_filename.startswith(HERE) and not code.co_name.startswith("<"):
            where = code.co_filename.removeprefix(f"{HERE}{os.sep}")
            if Path(where).name not in NET or where.startswith(("shell/git", "core", "flow")):
                on_call(f"{where}:{code.co_name}")

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        yield
    finally:
        sys.settrace(before)


def reached(fork: Fork, words: Sequence[str], layers: tuple[str, ...]) -> list[str]:
    """Give the functions that a verb enters, in the order in which it first does."""
    seen: dict[str, None] = {}
    with tracing(seen.setdefault):
        fork.run(*words)
    return [one for one in seen if one.startswith(layers) and "bugs.py" not in one]


def struck(fork: Fork, words: Sequence[str], where: str) -> Ran:
    """Run a verb in which a function fails as it is entered for the first time."""
    is_planted = False

    def plant(entered: str) -> None:
        nonlocal is_planted
        if entered == where and not is_planted:
            is_planted = True
            raise PlantedError(TEXT)

    with tracing(plant):
        return fork.run(*words)


def hold(fork: Fork, words: Sequence[str], wheres: Sequence[str]) -> tuple[int, int]:
    """Strike a verb at each place; gives how often a bug came through, and how often the fork was lost."""
    old = fork.state()
    fork.run(*words)
    new = fork.state()
    if new != old:
        fork.ok("undo")
    came, lost = 0, 0
    for where in wheres:
        ran = struck(fork, words, where)
        if ran.code == 4:  # else what failed was only a help, and the verb did without
            came += 1
            reported(fork, ran, words)
        state = fork.state()
        lost += state not in (old, new) or fork.run("status").code not in (0, 1)
        if (fork.root / ".forkkeeper/sync").exists():  # it had begun, and can be gone on with
            fork.ok("sync", "--abort")
        if fork.state() != old:
            fork.ok("undo")
    return came, lost


def reported(fork: Fork, ran: Ran, words: Sequence[str]) -> None:
    """Hold a report to what it must say, and to what it must not."""
    reports = sorted((fork.root / ".forkkeeper/reports").iterdir(), key=lambda path: path.stat().st_mtime_ns)
    assert (str(reports[-1]) in ran.err, "forkkeeper status" in ran.err) == (True, True), ran.said
    text = reports[-1].read_text()
    for part in ("forkkeeper: ", "Python: ", "git: ", "platform: ", f"command: forkkeeper {words[0]}", "PlantedError"):
        assert part in text, text
    for part in ("lock: pin ", "files: ", "sync: ", "interrupted save: "):
        assert part in text or "cannot be read" in text, text
    for secret in (*SECRETS, os.environ["HOME"], os.environ["PATH"], str(fork.root), "LC_ALL"):
        assert secret not in text, f"{secret} is in\n{text}"
    for secret in SECRETS:
        assert secret not in ran.said
    reports[-1].unlink()


VERBS = (["sync", "--upto", "v1.1"], ["log"], ["plan", "--upto", "v1.1"], ["patch", "rename", "greeting", "hello"])


@pytest.mark.parametrize("words", VERBS, ids=lambda words: words[0])
def test_a_bug_anywhere_in_flow(fork_behind: Fork, words: list[str], figures: Callable[..., None]) -> None:
    """Wherever a function of `flow` fails, the fork is as before or as after, and the report says all but secrets."""
    wheres = reached(fork_behind, words, ("flow/",))
    if fork_behind.run("undo").code:
        assert words[0] == "plan"
    came, lost = hold(fork_behind, words, wheres)
    figures("bugs planted", tried=len(wheres), reported=came, lost=lost)
    assert (lost, came > len(wheres) // 2) == (0, True)


def test_what_is_masked() -> None:
    """Credentials, queries, values named like secrets, known forms of tokens and homes go; the rest stays."""
    assert bugs.masked("in /srv/fork, /Users/ann/x", {"/srv/fork": "FORK"}) == "in FORK, ~/x"
    for secret in SECRETS:
        assert secret not in bugs.masked(TEXT, {})
    assert "Authorization: ***" in bugs.masked("Authorization: Bearer abc.def", {})
    assert bugs.masked("an ordinary sentence, with pin 12:34", {}) == "an ordinary sentence, with pin 12:34"
    assert (
        bugs.command(["x", "--token", "abc", "--api-key=def", "v1"]) == "forkkeeper x --token '***' '--api-key=***' v1"
    )


def test_a_bug_where_there_is_no_fork(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The report then stands among temporary files, and the folder is left as it is."""
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    from forkkeeper.flow import bug_report  # noqa: PLC0415 -- tempfile must look at TMPDIR anew

    (tmp_path / "here").mkdir()
    path = bug_report(tmp_path / "here", ["status"], ValueError("x"))
    assert list((tmp_path / "here").iterdir()) == []
    assert "ValueError: x" in path.read_text()


def test_a_report_that_cannot_be_left(fork_in_step: Fork) -> None:
    """Where no file can be written the trace is shown instead, and the exit code is the same."""
    (fork_in_step.root / ".forkkeeper/reports").write_text("in the way\n")
    where = reached(fork_in_step, ["status"], ("flow/",))[0]
    ran = struck(fork_in_step, ["status"], where)
    assert (ran.code, "no report could be left" in ran.err, "PlantedError" in ran.err) == (4, True, True), ran.said
    for secret in SECRETS:
        assert secret not in ran.said
