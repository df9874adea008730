"""Disks of one's own: small ones, read-only ones, and one on which names that differ in case alone are one name."""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest


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
    assert not _run("mount", "-o", "remount,ro", str(disk))
    try:
        yield
    finally:
        assert not _run("mount", "-o", "remount,rw", str(disk))


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
