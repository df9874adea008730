"""Build the package twice, and hold what is built to what is promised: `python -m release.package FOLDER`.

- Built in two folders, in another order and at another time, sdist and wheel are the same bytes.
- From the sdist comes the same wheel.
- The wheel holds every file below `src`, and nothing else but its metadata.
- Installed in an empty environment, with the extra, it founds a fork, moves it, and draws its page.

FOLDER -- where the two are left; new, or empty. What is wrong is said, and the exit status is 1.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parents[1]
SOURCE = "src"
EPOCH = 1_750_000_000  # of both builds, so that it is seen to be used


@dataclass(frozen=True)
class Built:
    """What one build made."""

    sdist: Path
    wheel: Path


def copy(into: Path, root: Path = HERE) -> Path:
    """Copy what git tracks, or would track, into a new folder: no build sees what only lies about here."""
    into.mkdir(parents=True)
    listed = read("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", cwd=root)
    for name in sorted(name for name in listed.split("\0") if name and (root / name).is_file()):
        (into / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(root / name, into / name)
    return into


def build(source: Path, out: Path) -> Built:
    """Build sdist and wheel of a folder, each from its sources, with the tools of this Python's environment."""
    env = os.environ | {"SOURCE_DATE_EPOCH": str(EPOCH)}
    argv = ("-m", "build", "--no-isolation", "--sdist", "--wheel", "--outdir", str(out), str(source))
    read(sys.executable, *argv, env=env)
    return Built(next(out.glob("*.tar.gz")), next(out.glob("*.whl")))


def rebuilt(sdist: Path, work: Path) -> Path:
    """Build a wheel from an sdist alone."""
    with tarfile.open(sdist) as tar:
        tar.extractall(work, filter="data")
    (source,) = work.iterdir()
    env = os.environ | {"SOURCE_DATE_EPOCH": str(EPOCH)}
    read(
        sys.executable,
        "-m",
        "build",
        "--no-isolation",
        "--wheel",
        "--outdir",
        str(work / "wheel"),
        str(source),
        env=env,
    )
    return next((work / "wheel").glob("*.whl"))


def differences(one: Path, other: Path) -> Iterator[str]:
    """Say where two files differ, if they do: the members of an archive, one by one, or else its order and dates."""
    if digest(one.read_bytes()) == digest(other.read_bytes()):
        return
    first, second = members(one), members(other)
    named = sorted(name for name in first.keys() | second.keys() if first.get(name) != second.get(name))
    yield from (f"{one.name}: {name} is not the same in both builds" for name in named)
    if not named:
        yield f"{one.name}: the same files, but another order, mode or date"


def members(archive: Path) -> dict[str, bytes]:
    """Give what an archive holds."""
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as opened:
            return {name: opened.read(name) for name in opened.namelist()}
    with tarfile.open(archive) as tar:
        return {one.name: found.read() for one in tar if (found := tar.extractfile(one)) is not None}


def missing(wheel: Path, source: Path) -> Iterator[str]:
    """Name what a wheel lacks of the sources, and what it has beside them and its metadata."""
    root = source / SOURCE
    wanted = {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}
    held = {name: data for name, data in members(wheel).items() if ".dist-info/" not in name}
    yield from (f"{wheel.name}: {name} is not in it" for name in sorted(wanted.keys() - held.keys()))
    yield from (f"{wheel.name}: {name} is in it, and not in {SOURCE}" for name in sorted(held.keys() - wanted.keys()))
    other = sorted(name for name in held.keys() & wanted.keys() if held[name] != wanted[name])
    yield from (f"{wheel.name}: {name} has other bytes" for name in other)


def tryout(python: Path, work: Path) -> Iterator[str]:
    """Found a fork of a small upstream, move it, and look at it, with an installed forkkeeper; says what goes wrong.

    python -- of the environment in which it is installed; only what is installed there is found
    """
    old, new = small_upstream(work / "upstream")
    fork = work / "fork"
    fork.mkdir()
    git(fork, "init", "--quiet")
    asked: Sequence[Sequence[str]] = (
        ("init", "--upstream", "../upstream", "--pin", old),
        ("sync", "--upto", new),
        ("status",),
        ("materialise", "made"),
        ("sbom",),
        ("report",),
    )
    env = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    for words in asked:
        argv = (str(python), "-I", "-m", "forkkeeper", *words)
        done = subprocess.run(argv, cwd=fork, env=env, capture_output=True, text=True, check=False)
        if done.returncode:
            yield f"forkkeeper {' '.join(words)}: exit {done.returncode}: {(done.stderr or done.stdout).strip()}"
            return
    for name in ("fork.lock", "made/main.c", "build/report/index.html", "build/report/sbom.cdx.json"):
        if not (fork / name).is_file():
            yield f"{name} was not made"


def small_upstream(place: Path) -> tuple[str, str]:
    """Make a repository of two commits, and give them."""
    place.mkdir(parents=True)
    git(place, "init", "--quiet")
    made = []
    for text in ("int main(void) { return 0; }\n", "int main(void) { return 1; }\n"):
        (place / "main.c").write_text(text)
        git(place, "add", "main.c")
        git(
            place, "-c", "user.name=Ann", "-c", "user.email=ann@example.invalid", "commit", "--quiet", "--message", "go"
        )
        made.append(git(place, "rev-parse", "HEAD"))
    return made[0], made[1]


def installed(wheel: Path, place: Path) -> Path:
    """Make an empty environment with a wheel and its extra `report` in it, and give its Python."""
    read(sys.executable, "-m", "venv", str(place))
    python = place / "bin/python"
    read(str(python), "-m", "pip", "install", "--quiet", f"forkkeeper[report] @ {wheel.absolute().as_uri()}")
    return python


def git(folder: Path, *argv: str) -> str:
    """Run git and give its words."""
    return read("git", *argv, cwd=folder).strip()


def read(*argv: str, cwd: Path | None = None, env: dict[str, str] | None = None) -> str:
    """Run a program and give what it writes; its failure ends this one, with its words."""
    done = subprocess.run(argv, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(argv)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def digest(data: bytes) -> str:
    """Give a digest."""
    return hashlib.sha256(data).hexdigest()


def faults(folder: Path, work: Path) -> Iterator[str]:
    """Build into a folder, and say what is wrong. work -- an empty folder."""
    built = build(copy(work / "one"), folder)
    source = copy(work / "another place")
    again = build(source, work / "again")
    yield from differences(built.sdist, again.sdist)
    yield from differences(built.wheel, again.wheel)
    yield from differences(built.wheel, rebuilt(built.sdist, work / "from sdist"))
    yield from missing(built.wheel, source)
    yield from tryout(installed(built.wheel, work / "environment"), work / "tryout")


if __name__ == "__main__":
    from tempfile import TemporaryDirectory

    with TemporaryDirectory(prefix="forkkeeper-package-") as scratch:
        found = list(faults(Path(sys.argv[1]), Path(scratch)))
    for fault in found:
        sys.stdout.write(f"{fault}\n")
    sys.stdout.write(f"{len(found)} wrong\n" if found else "the same bytes twice, and from the sdist; it works\n")
    sys.exit(bool(found))
