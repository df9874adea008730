"""Disks of one's own: small ones, read-only ones, and one on which names that differ in case alone are one name.

To mount one needs a right that an ordinary user has only in a user namespace of their own: a test with `condition` is
run again in one where it could not mount here.
"""

import contextlib
import functools
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import ParamSpec

import pytest
from attacks import leave

ROOT = Path(__file__).parents[2]
Given = ParamSpec("Given")
WITHIN = "FORKKEEPER_WITHIN"  # set where a test is run again


def condition(test: Callable[Given, None]) -> Callable[Given, None]:
    """Let a test make its condition here or in a namespace, and leave a figure: tried, or left out and skipped."""

    @functools.wraps(test)
    def run(*args: Given.args, **named: Given.kwargs) -> None:
        if WITHIN in os.environ:
            test(*args, **named)
            return
        left_out = False
        try:
            _run_anywhere(functools.partial(test, *args, **named))
        except pytest.skip.Exception:
            left_out = True
            raise
        finally:
            row = {"condition": test.__name__, "tried": int(not left_out), "left out": int(left_out)}
            leave({"subject": "conditions", **row})

    return pytest.mark.condition(run)


def _run_anywhere(test: Callable[[], None]) -> None:
    try:
        test()
    except pytest.skip.Exception as refused:
        _run_within(str(refused))


def _run_within(refused: str) -> None:
    """Run the test that is at work again, as root of a user namespace; it is skipped where that does not do, either."""
    node = os.environ["PYTEST_CURRENT_TEST"].rpartition(" (")[0]
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")} | {WITHIN: "1"}
    with tempfile.TemporaryDirectory() as place:
        argv = ["unshare", "--map-root-user", "--mount", sys.executable, "-m", "pytest", "-q", "-rs"]
        argv += ["-p", "no:cacheprovider", f"--basetemp={place}/within", node]
        if shutil.which(argv[0]) is None:
            pytest.skip(f"{refused}; unshare is not installed")
        done = subprocess.run(argv, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    if done.stderr.startswith("unshare:") or (done.returncode == 0 and "1 passed" not in done.stdout):
        pytest.skip(f"{refused}; in a namespace: {done.stderr.strip() or done.stdout.strip()[-500:]}")
    assert done.returncode == 0, done.stdout + done.stderr


def _run(*argv: str) -> str:
    """Run a program of the system's; gives what it says against it, nothing where it did it."""
    if shutil.which(argv[0]) is None:
        return f"{argv[0]} is not installed"
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    return f"{' '.join(argv)}: {done.stderr.strip()}" if done.returncode else ""


@contextlib.contextmanager
def small_disk(place: Path, size: str) -> Iterator[Path]:
    """Mount a disk of this size in memory at a new folder; the test is skipped where that is refused."""
    place.mkdir()
    refused = _run("mount", "-t", "tmpfs", "-o", f"size={size},mode=755", "tmpfs", str(place))
    if refused:
        pytest.skip(refused)
    try:
        yield place
    finally:
        assert not _run("umount", str(place))


@contextlib.contextmanager
def read_only(disk: Path) -> Iterator[None]:
    """Let nothing be written to a mounted disk."""
    assert not _run("mount", "-o", "remount,bind,ro", str(disk))
    try:
        yield
    finally:
        assert not _run("mount", "-o", "remount,bind,rw", str(disk))


@contextlib.contextmanager
def caseless_disk(place: Path) -> Iterator[Path]:
    """Mount an ext4 whose folder takes `A` and `a` for one name; the test is skipped where the kernel refuses."""
    image = place.with_suffix(".img")
    place.mkdir()
    with image.open("wb") as file:
        os.ftruncate(file.fileno(), 64 * 2**20)
    made = f"loop={image}"
    refused = _run("mkfs.ext4", "-q", "-O", "casefold", "-E", "encoding=utf8", str(image))
    refused = refused or _run("mount", "-o", "loop", str(image), str(place))
    if refused:
        pytest.skip(refused or made)
    try:
        folder = place / "caseless"
        folder.mkdir()
        refused = _run("chattr", "+F", str(folder))
        if refused:
            pytest.skip(refused)
        yield folder
    finally:
        assert not _run("umount", str(place))


def fill(disk: Path, left: int) -> Path:
    """Fill a disk up to so many bytes that are left; gives the file that does it."""
    ballast = disk / "ballast"
    free = shutil.disk_usage(disk).free
    ballast.write_bytes(bytes(max(0, free - left)))
    return ballast
