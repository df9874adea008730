"""What `undo` and `redo` promise: what a verb saved goes back and forward byte for byte, and nobody's edit is lost."""

import json
import random
import re
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from laws import MORE
from world import Fork, assert_message, copied, git, run

from forkkeeper.core import operations
from forkkeeper.stages import project as projects

RECORDS = ".forkkeeper/operations"


def done(root: Path) -> tuple[int, ...]:
    """Give the numbers of the operations that can be undone."""
    return operations.position(projects.past(root)).done


def replace_in(path: Path, old: str, new: str) -> None:
    """Edit a file as a person would."""
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_a_sync_is_undone_and_done_again(fork_behind: Fork) -> None:
    """Undo gives every byte from before the sync, redo every byte from after it, and both say what moved."""
    old = fork_behind.state()
    fork_behind.ok("sync", "--upto", "v1.1")
    new = fork_behind.state()
    ran = fork_behind.ok("undo")
    assert "undone: 3, sync --upto v1.1" in ran.out
    assert f"pin {fork_behind.target[:12]} → {fork_behind.pin[:12]}" in ran.out
    assert "patches added: null-check" in ran.out
    assert "`forkkeeper redo` takes that back" in ran.out
    assert fork_behind.state() == old
    assert "in step" in fork_behind.ok("status").out
    assert "done again: 3, sync --upto v1.1" in fork_behind.ok("redo").out
    assert fork_behind.state() == new
    assert "in step" in fork_behind.ok("status").out


def test_the_list_says_where_one_stands(fork_behind: Fork) -> None:
    """Each operation has its number, time, words and changes; what undo and redo take next is marked."""
    fork_behind.ok("sync", "--upto", "v1.1", "--accept-reviewed")
    fork_behind.ok("undo")
    before = sorted((fork_behind.root / RECORDS).rglob("*"))
    rows = fork_behind.ok("undo", "--list").out.splitlines()[2:]
    heads = [row for row in rows if row[:1].isdigit()]
    assert [row.split()[0] for row in heads] == ["4", "3", "2", "1"]
    assert all("2025-10-09 08:53:20" in row for row in heads)
    assert "undo of 3" in heads[0]
    assert "sync --upto v1.1 --accept-reviewed" in heads[1]
    assert heads[1].rstrip().endswith("undone; redo brings it back")
    assert heads[2].rstrip().endswith("done; undo takes it back")
    assert "init --upstream ../upstream.git" in heads[3]
    assert any("patches removed: null-check" in row for row in rows)
    assert sorted((fork_behind.root / RECORDS).rglob("*")) == before
    replace_in(fork_behind.root / "patches/greeting.patch", "The fork needs this", "The fork wants this")
    fork_behind.ok("log")
    assert "undone, and others done since" in fork_behind.ok("undo", "--list").out
    assert_message(fork_behind.run("redo"), 2, "redo: nothing to redo", "forkkeeper undo --list")


def test_an_edited_file_stops_an_undo(fork_behind: Fork) -> None:
    """Every file edited since is named, nothing is done, and the commands of the hint give the edits up."""
    old = fork_behind.state()
    fork_behind.ok("sync", "--upto", "v1.1")
    patch, gone = fork_behind.root / "patches/greeting.patch", fork_behind.root / "patches/null-check.patch"
    replace_in(patch, "The fork needs this", "The fork wants this")
    gone.write_text("a file of mine\n")
    edited = fork_behind.state()
    ran = fork_behind.run("undo")
    named = "undo: patches/greeting.patch, patches/null-check.patch: were edited since `sync --upto v1.1` was saved"
    assert_message(ran, 2, named, "nothing was done", "move patches/null-check.patch away")
    assert fork_behind.state() == edited
    assert done(fork_behind.root) == (1, 2, 3)
    command = next(word for word in ran.err.split("`") if word.startswith("cp "))
    subprocess.run(["sh", "-c", command], cwd=fork_behind.root, check=True)
    gone.unlink()
    fork_behind.ok("undo")
    assert fork_behind.state() == old
    replace_in(patch, "The fork needs this", "The fork wants this")
    assert_message(fork_behind.run("redo"), 2, "redo: patches/greeting.patch: was edited since `sync", "was undone")


def test_what_no_redo_brings_back_is_named_with_its_place(fork_behind: Fork) -> None:
    """After an undo and another verb, redo says in which folder the files are that the undone operation had saved."""
    fork_behind.ok("sync", "--upto", "v1.1")
    name = "patches/buffer-size.patch"
    synced = (fork_behind.root / name).read_bytes()
    fork_behind.ok("undo")
    fork_behind.ok("patch", "rename", "buffer-size", "size")
    ran = fork_behind.run("redo")
    assert_message(ran, 2, "redo: nothing to redo", "`sync --upto v1.1`, was undone")
    (folder,) = re.findall(r"is in (\S+/)", ran.err)
    (number,) = re.findall(rf"(\d+) is {name}", ran.err)
    assert (fork_behind.root / folder / number).read_bytes() == synced


def test_nothing_to_undo(fork_in_step: Fork) -> None:
    """Without records, which may be deleted at any time, and behind the first of them, undo does nothing."""
    before = fork_in_step.state()
    assert_message(fork_in_step.run("redo"), 2, "redo: nothing to redo")
    shutil.rmtree(fork_in_step.root / ".forkkeeper")
    assert_message(fork_in_step.run("undo"), 2, "undo: nothing to undo: .forkkeeper/ holds no operation", "git log")
    assert "holds no operation" in fork_in_step.ok("undo", "--list").out
    assert fork_in_step.state() == before
    replace_in(fork_in_step.root / "patches/greeting.patch", "The fork needs this", "The fork wants this")
    before = fork_in_step.state()
    fork_in_step.ok("log")
    fork_in_step.ok("undo")
    assert fork_in_step.state() == before
    assert_message(fork_in_step.run("undo"), 2, "nothing is left to undo", "forkkeeper redo")


def test_a_beginning_is_undone_and_begun_again(fork_in_step: Fork, tmp_path: Path) -> None:
    """Undoing init leaves the folder as it was before it; redo is found there all the same, from below, too."""
    place = tmp_path / "new"
    place.mkdir()
    (place / ".gitignore").write_text("*.o\n")
    words = ["init", "--upstream", str(fork_in_step.upstream.path), "--pin", "v1.0"]
    fork = Fork(place, fork_in_step.upstream, fork_in_step.pin, fork_in_step.target)
    fork.ok(*words)
    new = fork.state()
    assert (
        "files removed: .gitattributes, CHANGES-LOCAL.md, fork.lock, fork.toml, patches/series" in fork.ok("undo").out
    )
    assert fork.state() == {".gitignore": b"*.o\n"}
    assert sorted(path.name for path in place.iterdir()) == [".forkkeeper", ".gitignore"]
    assert_message(fork.run("status"), 2, "fork.toml: is neither here nor in a folder above")
    below = place / "below"
    below.mkdir()
    assert run(below, "redo").code == 0
    assert fork.state() == new
    fork.ok("log", "--check")


def test_a_commit_stays(fork_behind: Fork) -> None:
    """Undo takes no commit back: it names the one that holds what was undone, and its command makes the next one."""
    old = fork_behind.state()
    fork_behind.ok("sync", "--upto", "v1.1", "--commit")
    head = git(fork_behind.root, "rev-parse", "--short", "HEAD")
    ran = fork_behind.ok("undo")
    assert fork_behind.state() == old
    assert git(fork_behind.root, "rev-parse", "--short", "HEAD") == head
    assert f"commit {head} holds what was undone, and stays" in ran.out
    assert f"`git revert {head}`" in ran.out
    command = next(line for line in ran.out.splitlines() if "git add" in line)
    subprocess.run(["sh", "-c", command], cwd=fork_behind.root, check=True, capture_output=True)
    assert git(fork_behind.root, "log", "-1", "--format=%s") == "undo: sync --upto v1.1 --commit"
    assert git(fork_behind.root, "rev-parse", "HEAD^{tree}") == git(fork_behind.root, "rev-parse", "HEAD~2^{tree}")
    fork_behind.ok("sync", "--upto", "v1.1")


def test_copies_kept_without_git_go_as_well(fork_behind: Fork) -> None:
    """The folder of dropped patches that a sync made is gone after its undo."""
    shutil.rmtree(fork_behind.root / ".git")
    fork_behind.ok("sync", "--upto", "v1.1")
    assert (fork_behind.root / "patches/dropped").is_dir()
    fork_behind.ok("undo")
    assert not (fork_behind.root / "patches/dropped").exists()


def test_a_verb_that_saves_nothing_is_no_operation(fork_in_step: Fork) -> None:
    """Looking, refusing, and writing what is there already leave no record."""
    for words in (
        ["log"],
        ["status"],
        ["plan", "--upto", "v1.1"],
        ["sync", "--upto", "v9"],
        ["sync", "--upto", "v1.0"],
    ):
        fork_in_step.run(*words)
    assert done(fork_in_step.root) == (1, 2)


def test_the_words_are_those_typed(fork_behind: Fork) -> None:
    """The console script's own words stand in the record, quoted as a shell wants them."""
    fork_behind.script("sync", "--upto", "v1.1", "--accept", "no such patch")
    fork_behind.script("sync", "--upto", "v1.1", "--accept-reviewed")
    assert projects.past(fork_behind.root)[-1].words == ("sync", "--upto", "v1.1", "--accept-reviewed")


def test_old_records_leave(fork_behind: Fork, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the newest records are kept, with what can be undone; the fork's own files do not notice."""
    monkeypatch.setattr(operations, "KEPT", 2)
    old = fork_behind.state()
    fork_behind.ok("sync", "--upto", "v1.1")
    new = fork_behind.state()
    for _ in range(3):
        fork_behind.ok("undo")
        assert fork_behind.state() == old
        fork_behind.ok("redo")
        assert fork_behind.state() == new
    assert done(fork_behind.root) == (2, 3)
    assert [operation.number for operation in projects.past(fork_behind.root)] == [2, 3, 8, 9]


def test_a_damaged_record_is_named_and_stops_no_save(fork_behind: Fork) -> None:
    """What is damaged in the log is the matter of undo alone, which says what to do."""
    record = fork_behind.root / RECORDS / "000002/operation.json"
    record.write_text("{")
    fork_behind.ok("sync", "--upto", "v1.1")
    hint = "remove that folder"
    assert_message(fork_behind.run("undo"), 2, f"{RECORDS}/000002/operation.json: damaged", hint)
    shutil.rmtree(record.parent)
    content = next(path for path in (fork_behind.root / RECORDS / "000003/before").iterdir())
    content.write_text("not what it was\n")
    new = fork_behind.state()
    assert_message(fork_behind.run("undo"), 2, f"{RECORDS}/000003/before/{content.name}: is not ", "git log -p")
    assert fork_behind.state() == new


# any sequence of verbs ----------------------------------------------------------------------------------------------


@dataclass
class Day:
    """A maintainer's day on a fork.

    queue -- patches that may be taken up
    before -- the operations of earlier days
    back -- what stands, the newest last: numbers of operations, and how the person takes an edit back
    """

    fork: Fork
    chance: random.Random
    queue: dict[str, bytes]
    before: tuple[int, ...]
    back: list[int | Callable[[], object]] = field(default_factory=list)

    def run(self, *words: str) -> None:
        """Run a verb, however it ends, and note the operations that stand now."""
        ran = self.fork.run(*words)
        assert ran.code in (0, 1, 2), ran.said
        stand = [number for number in done(self.fork.root) if number not in self.before]
        known = [each for each in self.back if not isinstance(each, int) or each in stand]
        self.back = [*known, *(number for number in stand if number not in known)]

    def edit(self, path: Path, data: bytes) -> None:
        """Change a file by hand; only the person can take that back."""
        self.back.append(partial(path.write_bytes, path.read_bytes()) if path.exists() else path.unlink)
        path.write_bytes(data)


def relog(day: Day) -> None:
    """Write the log."""
    day.run("log")


def reword(day: Day) -> None:
    """Change the reason of a patch, and mostly write the log."""
    patches = sorted((day.fork.root / "patches").glob("*.patch"))
    if patches:
        path = day.chance.choice(patches)
        day.edit(path, path.read_bytes().replace(b"\n\n", b"\n\nReworded %d.\n\n" % day.chance.randrange(9), 1))
    if day.chance.random() < 0.8:
        day.run("log")


def change_overlay(day: Day) -> None:
    """Change an overlay file, and mostly write the log."""
    for path in day.fork.root.glob("native/overlay/native/*.c"):
        day.edit(path, path.read_bytes() + b"/* %d */\n" % day.chance.randrange(9))
    if day.chance.random() < 0.8:
        day.run("log")


def comment_series(day: Day) -> None:
    """Write a comment into the series."""
    path = day.fork.root / "patches/series"
    if path.is_file():
        day.edit(path, b"# mine\n" + path.read_bytes())
        day.run("log")


def take_up(day: Day) -> None:
    """Put a patch into the queue, and mostly write the log."""
    folder = day.fork.root / "patches"
    missing = [name for name in day.queue if not (folder / name).exists()]
    if missing and (folder / "series").is_file():
        name = day.chance.choice(missing)
        day.edit(folder / name, day.queue[name])
        day.edit(folder / "series", (folder / "series").read_bytes() + f"{name}\n".encode())
        if day.chance.random() < 0.8:
            day.run("log")


def go_on(day: Day) -> None:
    """Move the fork to where upstream is."""
    commit = ["--commit"] if day.chance.random() < 0.3 else []
    day.run("sync", "--upto", "v1.1", day.chance.choice(["--accept-reviewed", "--accept=null-check"]), *commit)


def go_back(day: Day) -> None:
    """Move the fork to an older upstream."""
    day.run("sync", "--upto", day.chance.choice(["v1.0", "v0.9"]), "--downgrade", "--accept-reviewed")


def commit(day: Day) -> None:
    """Commit everything by hand."""
    if (day.fork.root / ".git").is_dir():
        day.fork.commit_all()


def look(day: Day) -> None:
    """Run a verb that saves nothing of the fork's."""
    day.run(
        *day.chance.choice([["status"], ["lint"], ["log", "--check"], ["materialise", "../tree"], ["undo", "--list"]])
    )


def begin(day: Day) -> None:
    """Begin a fork; refused where one has begun."""
    day.run("init", "--upstream", "../upstream.git", "--pin", "v1.0")


def undo(day: Day) -> None:
    """Go back one, not behind the beginning of the day."""
    if any(isinstance(each, int) for each in day.back):
        day.run("undo")


def redo(day: Day) -> None:
    """Go forward one."""
    day.run("redo")


def reshape(day: Day) -> None:
    """Put the queue otherwise with a verb; refused where the name is not there, or the patches do not commute."""
    names = [path.stem for path in sorted((day.fork.root / "patches").glob("*.patch"))] or ["none"]
    one, other = day.chance.choice(names), day.chance.choice(names)
    ways = (
        ["rename", one, f"{one}-{day.chance.randrange(9)}"],
        ["move", one, "--before", other],
        ["drop", one, "--why", "It is not needed."],
        ["fold", one, "--into", other],
        ["unpark", one],
        ["save"],
    )
    day.run("patch", *day.chance.choice(ways))


def take_part(day: Day) -> None:
    """Begin a sync in which a patch is set aside or taken out, and end it or give it up."""
    day.run("sync", "--upto", "v1.1", "--replace", "greeting=patches/greeting.patch")
    ways = (["--skip", "greeting"], ["--drop", "greeting", "--why", "It clashed."], ["--abort"], ["--continue"])
    day.run("sync", *day.chance.choice(ways))


def take_requests(day: Day) -> None:
    """Bring in what users asked for; the same again saves nothing."""
    pull = f"https://github.com/up/upstream/pull/{day.chance.randrange(1, 4)}"
    asked = [{"title": "t", "url": f"https://github.com/me/fork/issues/{day.chance.randrange(2)}", "body": pull}]
    (day.fork.root.parent / "issues.json").write_text(json.dumps(asked))
    day.run("requests", "import", "--file", "../issues.json")


def choose(day: Day) -> None:
    """Take a commit of upstream's, do without one, or take that back."""
    sha = day.chance.choice(["v1.1", "v1.1~1", "v1.0", "v1.0~1"])
    found = git(day.fork.upstream.path, "rev-parse", sha)
    ways = (
        ["pick", found, "--accept"],
        ["decline", found, "--why", "Not for us.", "--accept"],
        ["decline", found, "--reopen"],
    )
    day.run(*day.chance.choice(ways))


STEPS: Sequence[Callable[[Day], None]] = (
    *(relog, reword, change_overlay, comment_series, take_up, go_on, go_back, reshape, take_part, choose),
    *(commit, look, begin, undo, redo, take_requests),
)


@pytest.mark.law
@settings(max_examples=40 * MORE, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(steps=st.lists(st.sampled_from(STEPS), min_size=2, max_size=8), seed=st.integers(0, 999), empty=st.booleans())
def test_undo_to_the_start_gives_the_starting_bytes(
    built: dict[str, Fork],
    tmp_path_factory: pytest.TempPathFactory,
    steps: list[Callable[[Day], None]],
    seed: int,
    *,
    empty: bool,
) -> None:
    """Whatever verbs were run, undone and redone between edits by hand: all of it taken back, no byte is another."""
    place = tmp_path_factory.mktemp("day")
    fork = copied(built["behind"], place)
    if empty:
        shutil.rmtree(fork.root)
        fork.root.mkdir()
    start = fork.state()
    queue = {path.name: path.read_bytes() for path in (built["behind"].root / "patches").glob("*.patch")}
    day = Day(fork, random.Random(seed), queue, done(fork.root))  # noqa: S311 -- no secret
    for step in [begin, *steps] if empty else steps:
        step(day)
    end = fork.state()
    for way in reversed(day.back):
        if isinstance(way, int):
            ran = fork.ok("undo")
            assert f"undone: {way}, " in ran.out
        else:
            way()
    assert fork.state() == start
    if all(isinstance(way, int) for way in day.back):  # nothing by hand: all of it can be done again
        for _ in day.back:
            fork.ok("redo")
        assert fork.state() == end
    shutil.rmtree(place)
