"""The rows of the reproducibility matrix: each an environment that is unlike the first one in something."""

import json
import os
import pwd
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from newer_git import Lacking, bring
from world import HERE, TODAY

PRODUCTS = Path(__file__).with_name("products.py")
LOCALES = Path("/usr/share/i18n/locales")
FLOOR = (3, 11)


@dataclass(frozen=True)
class Row:
    """One environment.

    umask -- in octal
    folder -- in which the forks lie
    newer_git, newer_python -- whether the newest that can be had stands in for the tests' own
    """

    name: str
    source: str = "git"
    locale: str = "C.UTF-8"
    zone: str = "UTC"
    umask: str = "022"
    seed: str = "0"
    user: str = "keeper"
    folder: str = "place"
    newer_git: bool = False
    newer_python: bool = False


FIRST = Row("first")
ODD = Row(
    "all that needs nothing, at once", zone="Pacific/Kiritimati", umask="077", seed="4711", user="someone", folder="ö b"
)
PLAIN = (
    Row("time zone", zone="America/St_Johns"),
    Row("umask", umask="077"),
    Row("hash seed", seed="4711"),
    Row("user", user="someone-else"),
    Row("folder", folder="a place – with ünicode/and more"),
    Row("sdist", source="sdist"),
)
LOCALISED = (
    Row("Turkish", locale="tr_TR.UTF-8"),
    Row("German, no UTF-8", locale="de_DE.ISO-8859-1"),
)
NEWER = (
    Row("newest git", newer_git=True),
    Row("newest Python", newer_python=True),
    Row("newest of both, by sdists", source="sdist", newer_git=True, newer_python=True),
)


def results(row: Row, forks: Path, work: Path, tools: Path) -> Mapping[str, str]:
    """Run a row in a process of its own, and give the digest of each product.

    forks -- as `products.py` wants them
    tools -- a folder in which locales, and newer programs, are made once
    Raises Lacking.
    """
    place = work / row.folder
    place.mkdir(parents=True)
    python = newer_python(tools) if row.newer_python else Path(sys.executable)
    argv = [str(python), str(PRODUCTS), str(forks), str(place), row.source, row.umask]
    done = subprocess.run(
        argv, env=environment(row, work, forks, tools), cwd=work, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{row.name}: {done.stderr}"
    found: dict[str, str] = json.loads(done.stdout)
    return found


def environment(row: Row, work: Path, forks: Path, tools: Path) -> dict[str, str]:
    """Give a row's whole environment; nothing of this process's is in it but PATH."""
    home = work / "home" / row.user
    home.mkdir(parents=True)
    (home / ".gitconfig").write_text(f"[user]\n\tname = {row.user}\n\temail = {row.user}@example.invalid\n")
    path = os.environ["PATH"]
    return {
        "PATH": os.pathsep.join([str(bring(tools / "git")), path]) if row.newer_git else path,
        "HOME": str(home),
        "USER": row.user,
        "LOGNAME": row.user,
        "LC_ALL": row.locale,
        "LANG": row.locale,
        "LANGUAGE": row.locale.partition("_")[0],
        "LOCPATH": str(tools / "locales"),
        "TZ": row.zone,
        "PYTHONHASHSEED": row.seed,
        "SOURCE_DATE_EPOCH": str(TODAY),
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(forks.with_name("offers")),
    }


def make_locales(folder: Path) -> None:
    """Make the locales of the rows, as a user may: no locale of the system changes. Raises Lacking."""
    localedef = shutil.which("localedef")
    if localedef is None or not LOCALES.is_dir():
        raise Lacking("localedef, or what it makes locales of, is not here: `apt-get install locales`")
    folder.mkdir(parents=True, exist_ok=True)
    for row in LOCALISED:
        language, _, charset = row.locale.partition(".")
        if not (folder / row.locale).exists():
            argv = [localedef, "-i", language, "-f", charset, str(folder / row.locale)]
            subprocess.run(argv, check=True, capture_output=True)


@cache
def newer_python(tools: Path) -> Path:
    """Give the newest other Python of this machine, in an environment with forkkeeper. Raises Lacking."""
    found = {version: python for python in others() if (version := version_of(python)) >= FLOOR}
    found.pop(sys.version_info[:2], None)
    if not found:
        raise Lacking(f"no other Python than {sys.version_info[0]}.{sys.version_info[1]} is on this machine")
    place = tools / "python"
    subprocess.run([found[max(found)], "-m", "venv", str(place)], check=True, capture_output=True)
    python = place / "bin/python"
    subprocess.run([python, "-m", "pip", "install", "--quiet", f"{HERE}[report]"], check=True, capture_output=True)
    return python


def others() -> Iterator[Path]:
    """Give the Pythons on PATH and those that pyenv keeps."""
    home = Path(pwd.getpwuid(os.getuid()).pw_dir)
    root = Path(os.environ.get("PYENV_ROOT", home / ".pyenv"))
    yield from sorted(root.glob("versions/3.*/bin/python3"))
    names = (f"python3.{minor}" for minor in range(FLOOR[1], FLOOR[1] + 10))
    yield from (Path(found) for name in names if (found := shutil.which(name)) and root not in Path(found).parents)


def version_of(python: Path) -> tuple[int, int]:
    """Give a Python's version; (0, 0) where it does not start."""
    argv = [str(python), "-c", "import sys; print(*sys.version_info[:2])"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    major, _, minor = done.stdout.strip().partition(" ")
    return (int(major), int(minor)) if done.returncode == 0 else (0, 0)
