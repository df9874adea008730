"""Kits: real packages by real dpkg and pip, out of an archive and a folder of this machine."""

import functools
import hashlib
import os
import shutil
import subprocess
import threading
import zipfile
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from forkkeeper.core.kits import DebPart, Kit, WheelPart
from forkkeeper.errors import OutsideError
from forkkeeper.stages import kit as kits

needs_dpkg = pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="dpkg-deb is not installed")
POOL = "pool/main/t/toy/libtoy-dev_1.9_all.deb"


class Quiet(SimpleHTTPRequestHandler):
    """Serves a folder, and does not write to the terminal."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the library's own name
        """Say nothing."""


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give the folder of a Debian archive on loopback, the only one that apt-get knows of."""
    folder = tmp_path / "archive"
    folder.mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    apt = tmp_path / "bin" / "apt-get"
    apt.parent.mkdir()
    apt.write_text(f"#!/bin/sh\necho http://127.0.0.1:{server.server_address[1]}/\n")
    apt.chmod(0o755)
    monkeypatch.setenv("PATH", f"{apt.parent}{os.pathsep}{os.environ['PATH']}")
    yield folder
    server.shutdown()
    server.server_close()


def deb(archive: Path, header: str) -> DebPart:
    """Put a package with one header into the archive."""
    tree = archive.parent / "toy"
    (tree / "DEBIAN").mkdir(parents=True, exist_ok=True)
    (tree / "usr/include").mkdir(parents=True, exist_ok=True)
    (tree / "DEBIAN/control").write_text(
        "Package: libtoy-dev\nVersion: 1.9\nArchitecture: all\nMaintainer: A <a@b.invalid>\nDescription: a toy\n"
    )
    (tree / "DEBIAN/postinst").write_text(f"#!/bin/sh\ntouch {archive.parent}/ran\n")
    (tree / "DEBIAN/postinst").chmod(0o755)
    (tree / "usr/include/toy.h").write_text(header)
    made = archive / POOL
    made.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["dpkg-deb", "--build", "--root-owner-group", tree, made], check=True, capture_output=True)
    return DebPart(POOL, hashlib.sha256(made.read_bytes()).hexdigest())


def wheel(folder: Path, name: str, files: dict[str, str]) -> WheelPart:
    """Write a wheel into the one folder where pip looks."""
    made = folder / f"{name}-1.0-py3-none-any.whl"
    about = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(made, "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
        archive.writestr(f"{about}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        archive.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        lines = "".join(f"{path},,\n" for path in (*files, f"{about}/METADATA", f"{about}/WHEEL", f"{about}/RECORD"))
        archive.writestr(f"{about}/RECORD", lines)
    return WheelPart(f"{name}==1.0", hashlib.sha256(made.read_bytes()).hexdigest())


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a folder that is all that pip knows."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def fetch(root: Path, kit: Kit) -> bool:
    """Fetch a kit named toy."""
    return kits.fetch(root, "toy", kit, offline=False, on_progress=lambda *_: None)


def left(root: Path) -> list[str]:
    """Give what is left in the folder of kits."""
    folder = root / kits.FOLDER
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


@needs_dpkg
@pytest.mark.attack
def test_a_debian_package_is_unpacked_beside_and_its_scripts_never_run(archive: Path, tmp_path: Path) -> None:
    """The files are in the kit's folder, nothing was installed or run, and a second call fetches nothing."""
    kit = Kit("a toy", 1, (deb(archive, "#define TOY 9\n"),))
    assert fetch(tmp_path, kit)
    assert (kits.place(tmp_path, "toy") / "usr/include/toy.h").read_text() == "#define TOY 9\n"
    assert not (tmp_path / "ran").exists()
    shutil.rmtree(archive)
    assert not fetch(tmp_path, kit)
    assert left(tmp_path) == ["toy"]


@needs_dpkg
@pytest.mark.attack
def test_a_package_that_was_swapped_leaves_nothing(archive: Path, tmp_path: Path) -> None:
    """Another digest than the declared one: an error that says so, and no folder."""
    part = deb(archive, "#define TOY 9\n")
    deb(archive, "#define TOY 666\n")
    with pytest.raises(OutsideError, match="sha256"):
        fetch(tmp_path, Kit("a toy", 1, (part,)))
    assert left(tmp_path) == []


@needs_dpkg
def test_a_package_that_no_archive_has_is_named(archive: Path, tmp_path: Path) -> None:
    """The error names the file and says how to see which archives were asked."""
    assert archive.is_dir()
    with pytest.raises(OutsideError) as failed:
        fetch(tmp_path, Kit("a toy", 1, (DebPart(POOL, "0" * 64),)))
    assert failed.value.thing == POOL
    assert "apt-get indextargets" in failed.value.hint


def test_wheels_share_a_folder_and_links_are_made(wheels: Path, tmp_path: Path) -> None:
    """Two wheels with files in one folder both stand there, and the links that they lack are added."""
    parts = (
        wheel(wheels, "toyone", {"toy/lib/libtoy.so.1": "one"}),
        wheel(wheels, "toytwo", {"toy/include/toy.h": "two"}),
    )
    kit = Kit("toys", 1, parts, link={"toy/lib/libtoy.so": "libtoy.so.1", "toy/lib64": "lib"})
    assert fetch(tmp_path, kit)
    folder = kits.place(tmp_path, "toy")
    assert (folder / "toy/include/toy.h").read_text() == "two"
    assert (folder / "toy/lib64/libtoy.so").read_text() == "one"


@pytest.mark.attack
def test_a_wheel_of_another_digest_is_refused_by_pip(wheels: Path, tmp_path: Path) -> None:
    """Nothing is left of a kit whose second wheel is not what was declared."""
    good = wheel(wheels, "toyone", {"toy/one": "1"})
    bad = WheelPart(wheel(wheels, "toytwo", {"toy/two": "2"}).requirement, "0" * 64)
    with pytest.raises(OutsideError, match=r"(?i)hash"):
        fetch(tmp_path, Kit("toys", 1, (good, bad)))
    assert left(tmp_path) == []


def test_a_kit_of_other_parts_is_fetched_anew(wheels: Path, tmp_path: Path) -> None:
    """What was fetched for an older declaration is not this kit: it is replaced as a whole."""
    assert fetch(tmp_path, Kit("toys", 1, (wheel(wheels, "toyone", {"toy/one": "1"}),)))
    newer = Kit("toys", 1, (wheel(wheels, "toytwo", {"toy/two": "2"}),))
    assert not kits.here(tmp_path, "toy", newer)
    assert fetch(tmp_path, newer)
    assert sorted(path.name for path in (kits.place(tmp_path, "toy") / "toy").iterdir()) == ["two"]


def test_offline_fetches_nothing_and_says_so(tmp_path: Path) -> None:
    """A kit that is not here is an error under --offline, before anything is asked."""
    kit = Kit("toys", 1, (WheelPart("toyone==1.0", "0" * 64),))
    with pytest.raises(OutsideError, match="--offline"):
        kits.fetch(tmp_path, "toy", kit, offline=True, on_progress=lambda *_: None)
