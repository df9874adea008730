"""Disks that are full, read-only or over quota, clocks that go back, names that are one, odd paths, company, no cache.

Each condition is really made where this machine lets us; where it is injected the test says so.
"""

import errno
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from holding import DIRECTORY, declare
from trust.crashing import Warm, files
from trust.disks import caseless_disk, condition, fill, read_only, small_disk
from world import BIN, DAY, TODAY, Fork, Upstream, assert_message, copied, fork_of

SYNC = ("sync", "--upto", "v1.1")
PAGE = 4096  # bytes: what a file takes at least
LEFT = [0, 2, 8, 16, 32, 64]  # pages


@pytest.fixture
def warm(tmp_path: Path) -> Iterator[Warm]:
    """Give a process that has imported everything."""
    with Warm(tmp_path / "warm") as process:
        yield process


# disks --------------------------------------------------------------------------------------------------------------


@condition
def test_a_full_disk(fork_behind: Fork, warm: Warm, tmp_path: Path) -> None:
    """With any number of pages left a sync ends with 3 and a next step, or is done; room made, it ends as it should."""
    whole = copied(fork_behind, tmp_path / "whole")
    old = files(whole.root)
    whole.ok(*SYNC)
    new, codes = files(whole.root), set()
    with small_disk(tmp_path / "disk", "32m") as disk:
        for pages in LEFT:
            fork = copied(fork_behind, disk / str(pages))
            ballast = fill(disk, pages * PAGE)
            ran = warm.run(fork.root, SYNC, TMPDIR=str(tmp_path))
            codes.add(ran.code)
            if ran.code:
                assert ran.code == 3, ran.said
                assert "a disk is full" in ran.err
                assert "next:" in ran.err
            now = files(fork.root)
            assert all(one in (old.get(path), new.get(path)) for path, one in now.items()), pages
            ballast.unlink()
            assert warm.run(fork.root, ["status"]).code == 0
            assert files(fork.root) in (old, new), pages
            assert warm.run(fork.root, SYNC).code == 0
            assert files(fork.root) == new
            shutil.rmtree(disk / str(pages))
    assert 3 in codes


@condition
def test_a_full_disk_of_temporary_files(fork_behind: Fork, tmp_path: Path) -> None:
    """Where the system's temporary files have no room nothing is changed, and the message names the place."""
    before = fork_behind.state()
    with small_disk(tmp_path / "temporary", "64k") as disk:
        fill(disk, 2 * PAGE)  # with none at all Python takes another folder
        ran = fork_behind.script(*SYNC, TMPDIR=str(disk))
    assert_message(ran, 3, "a disk is full")
    assert fork_behind.state() == before


@condition
def test_a_read_only_folder(fork_behind: Fork, tmp_path: Path) -> None:
    """On a disk that nothing can be written to, verbs that write end with 3 and name the file; nothing breaks."""
    with small_disk(tmp_path / "disk", "32m") as disk:
        fork = copied(fork_behind, disk / "one")
        before = fork.state()
        with read_only(disk):
            for words in (SYNC, ("log",), ("materialise", "../out"), ("undo",), ("patch", "open")):
                assert_message(fork.run(*words), 3, "Read-only file system")
            ran = fork.run("status")
            assert "Traceback" not in ran.said
            assert ran.code in (0, 3), ran.said
        assert fork.state() == before
        fork.ok(*SYNC)


REFUSED = {"quota": (errno.EDQUOT, "a quota is used up"), "full": (errno.ENOSPC, "a disk is full")}
REFUSED["broken"] = (errno.EIO, "Input/output error")


@pytest.mark.parametrize(("number", "words"), REFUSED.values(), ids=REFUSED)
def test_a_refused_write(fork_behind: Fork, warm: Warm, tmp_path: Path, number: int, words: str) -> None:
    """A write, fsync or rename that the system refuses (injected) ends with 3 and its words; the rest goes on after."""
    place = tmp_path / "fork"
    whole = copied(fork_behind, place)
    points = warm.run(whole.root, SYNC).points
    old, new = files(fork_behind.root), files(whole.root)
    kinds = ("open", "write", "fsync", "replace", "rename")
    own = [at for at, one in enumerate(points) if one.kind in kinds and one.place.startswith("shell/disk.py")]
    for at in own[:: max(1, len(own) // 8)]:
        shutil.rmtree(place)
        fork = copied(fork_behind, place)
        ran = warm.run(fork.root, SYNC, fault=(at, number))
        assert ran.code == 3, (points[at], ran.said)
        assert words in ran.err
        assert "next:" in ran.err
        assert warm.run(fork.root, ["status"]).code == 0
        assert files(fork.root) in (old, new), points[at]
        assert warm.run(fork.root, SYNC).code == 0
        assert files(fork.root) == new, points[at]


# clocks -------------------------------------------------------------------------------------------------------------


def test_a_clock_that_goes_back(fork_behind: Fork) -> None:
    """With each verb a year before the one before it, undo and redo still go by what was done, and the age is said."""
    states = [fork_behind.state()]
    for year, words in enumerate((SYNC, ("log",), ("undo",), ("redo",), ("undo",))):
        ran = fork_behind.script(*words, SOURCE_DATE_EPOCH=str(TODAY - year * 365 * DAY))
        assert ran.code == 0, ran.said
        states.append(fork_behind.state())
    assert states[1] == states[2] == states[4]
    assert states[0] == states[3] == states[5]
    ran = fork_behind.script("status", SOURCE_DATE_EPOCH="0")
    assert ran.code == 0, ran.said
    listed = fork_behind.script("undo", "--list", SOURCE_DATE_EPOCH="0").out
    assert "redo brings it back" in listed


# names --------------------------------------------------------------------------------------------------------------

TWINS = {"README.md": "one\n", "readme.md": "two\n", "src/a.c": "int a;\n"}


def twins(place: Path) -> Fork:
    """Make a fork of an upstream with two names that differ in case alone."""
    upstream = Upstream.make(place / "upstream.git")
    pin = upstream.commit(TWINS, tag="v1.0")
    return fork_of(place, upstream, pin, pin, [], {})


@pytest.mark.parametrize("how", ["vendored", "a folder"])
def test_a_disk_that_does_not_tell_case_apart(tmp_path: Path, warm: Warm, how: str) -> None:
    """Two paths of a tree that would be one file there are named, and nothing is written (injected)."""
    fork = twins(tmp_path / "place")
    words = ["materialise", "../out"] if how == "a folder" else ["materialise"]
    if how == "vendored":
        declare(fork, "vendored", directory=DIRECTORY)
    place = fork.root / "native" if how == "vendored" else fork.root.parent / "out"
    place.mkdir(exist_ok=True)
    before = fork.state()
    ran = warm.run(fork.root, words, caseless=place)
    assert ran.code == 2, ran.said
    assert "README.md: is readme.md on this disk, which does not tell letter case apart" in ran.err
    assert fork.state() == before
    assert not (fork.root.parent / "out/README.md").exists()
    assert warm.run(fork.root, words).code == 0


@condition
def test_a_real_disk_that_does_not_tell_case_apart(tmp_path: Path) -> None:
    """The same on an ext4 with casefold, where this kernel has it; all other verbs go on as ever."""
    with caseless_disk(tmp_path / "disk") as disk:
        fork = twins(disk / "place")
        assert_message(fork.run("materialise", "../out"), 2, "does not tell letter case apart")
        fork.ok("status")


ODD = [b"two  spaces", "früh Ωμέγα 漢字".encode(), b"a\nline", b"not \xff\xfe utf-8", b"'quoted\" $(x) `y`; z"]


@pytest.mark.parametrize("name", ODD, ids=["spaces", "non-ASCII", "newline", "not UTF-8", "quotes"])
def test_a_fork_in_a_folder_of_any_name(fork_behind: Fork, tmp_path: Path, name: bytes) -> None:
    """Every verb goes on there, and writes the very bytes that it writes elsewhere."""
    plain = copied(fork_behind, tmp_path / "plain")
    odd = copied(fork_behind, tmp_path / os.fsdecode(name))
    for words in (
        ("status",), ("plan", "--upto", "v1.1"), SYNC, ("undo",), ("redo",), ("patch", "open"), ("patch", "save"),
        ("patch", "close"), ("materialise", "../out"), ("log", "--check"), ("lint",),
    ):  # fmt: skip
        ran = odd.script(*words)
        assert ran.code == plain.script(*words).code, (words, ran.said)
        assert "Traceback" not in ran.said
        assert files(odd.root) == files(plain.root), words
    assert files(odd.root.parent / "out") == files(plain.root.parent / "out")


# company ------------------------------------------------------------------------------------------------------------

HOLD = """
import sys
from pathlib import Path
from forkkeeper.shell import disk
with disk.only_one(Path(sys.argv[1]), doing="sync"):
    print("held", flush=True)
    sys.stdin.read()
"""


def holder(fork: Fork) -> "subprocess.Popen[str]":
    """Hold a fork's lock in another process."""
    lock = fork.root / ".forkkeeper/lock"
    argv = [sys.executable, "-c", HOLD, str(lock)]
    process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_the_lock_says_who_has_it_and_for_how_long(fork_behind: Fork) -> None:
    """Verb, process, machine, since when and how long; a reader goes on beside it; a dead owner blocks nobody."""
    lock = fork_behind.root / ".forkkeeper/lock"
    with holder(fork_behind) as process:
        said = lock.read_text()
        assert f"sync, process {process.pid} on {os.uname().nodename}, since " in said
        for hours, age in ((3, "3 h 0 min ago"), (-3, " UTC\n")):
            since = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(time.time() - hours * 3600 - 1))
            lock.write_text(f"{said.rpartition(' since ')[0]} since {since}\n")
            ran = fork_behind.run("log")
            assert_message(ran, 2, f"at work on it: sync, process {process.pid} on ", age, "wait until")
        fork_behind.ok("status")
        fork_behind.ok("plan", "--upto", "v1.1")
        process.send_signal(signal.SIGKILL)
    assert lock.read_text()
    fork_behind.ok(*SYNC)


def test_a_reader_beside_a_writer(fork_behind: Fork) -> None:
    """While one process syncs and undoes, another's `status` is right each time, or says who is at work."""
    loop = 'for n in 1 2 3 4; do "$0" sync --upto v1.1 || exit 9; "$0" undo || exit 9; done'
    argv = ["/bin/sh", "-c", loop, str(BIN / "forkkeeper")]
    codes = []
    with subprocess.Popen(argv, cwd=fork_behind.root, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as writer:
        while writer.poll() is None:
            ran = fork_behind.run("status")
            codes.append(ran.code)
            assert ran.code in (0, 1, 2), ran.said
            assert ran.code != 2 or "next:" in ran.err, ran.said
            assert "Traceback" not in ran.said
        assert writer.stderr is not None
        assert writer.returncode == 0, writer.stderr.read().decode()
    assert 0 in codes
    fork_behind.ok("status")


def test_the_cache_deleted_under_a_command(fork_behind: Fork, warm: Warm, tmp_path: Path) -> None:
    """`.forkkeeper/` gone at any point: the verb ends well or says what failed; what was saved is not lost."""
    place = tmp_path / "fork"
    whole = copied(fork_behind, place)
    points = warm.run(whole.root, SYNC).points
    old, new = files(fork_behind.root), files(whole.root)
    seen = set()
    for at in range(3, len(points), len(points) // 16):
        shutil.rmtree(place)
        fork = copied(fork_behind, place)
        ran = warm.run(fork.root, SYNC, gone=at)
        assert ran.code in (0, 2, 3), (points[at], ran.said)
        assert ran.code == 0 or "next:" in ran.err, (points[at], ran.said)
        assert files(fork.root) in (old, new), (points[at], ran.said)
        seen.add(files(fork.root) == new)
        again = warm.run(fork.root, SYNC)
        assert again.code == 0, (points[at], again.said)
        assert files(fork.root) == new
    assert seen == {False, True}


# power --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", [SYNC, ("log",), ("undo",), ("materialise",)], ids=lambda words: words[0])
def test_what_is_saved_is_on_the_disk_before_it_has_its_name(
    fork_behind: Fork, warm: Warm, words: tuple[str, ...]
) -> None:
    """Each file is flushed before its rename and its folder after it, the journal first of all and fork.lock last."""
    if words == ("log",):
        patch = fork_behind.root / "patches/greeting.patch"
        patch.write_bytes(patch.read_bytes().replace(b"says so here", b"says so in this place"))
    elif words == ("undo",):
        fork_behind.ok(*SYNC)
    elif words == ("materialise",):
        declare(fork_behind, "vendored", directory=DIRECTORY)
    points = warm.run(fork_behind.root, words).points
    saved = [
        at
        for at, one in enumerate(points)
        if one.kind in ("replace", "rename") and one.path.startswith("fork/") and "/.forkkeeper/" not in one.path
        and one.path != f"fork/{DIRECTORY}"
    ]  # fmt: skip
    assert saved
    for at in saved:
        name, folder = points[at].source, points[at].path.rpartition("/")[0]
        writes = [n for n, one in enumerate(points[:at]) if one.path == name and one.kind == "write"]
        flushes = [n for n, one in enumerate(points[:at]) if one.path == name and one.kind == "fsync"]
        assert writes, points[at]
        assert flushes, points[at]
        assert flushes[-1] > writes[-1], points[at]
        assert any(one.kind == "fsync" and one.path == folder for one in points[at:]), points[at]
    names = [points[at].path for at in saved]
    if words != ("materialise",):
        assert names[-1] == "fork/fork.lock"
        journal = [at for at, one in enumerate(points) if one.path.endswith("/journal/operation.json")]
        declared = next(at for at in journal if points[at].kind == "replace")
        assert declared < saved[0]
        assert any(
            one.kind == "fsync" and one.path == "fork/.forkkeeper/journal" for one in points[declared : saved[0]]
        )
