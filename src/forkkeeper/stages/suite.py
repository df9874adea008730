"""Upstream's own tests, as CTest knows them: which there are, and how they end.

They run with the network closed: a proxy that nobody listens at. A test that needs it then fails at once and on both
sides, instead of now and then on one.
"""

import os
import re
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from forkkeeper.core import ctestreport
from forkkeeper.core.ctestreport import Listing
from forkkeeper.core.failures import Result
from forkkeeper.errors import OutsideError
from forkkeeper.shell import process

SECONDS = 180  # for one test; on two busy cores one or two of llama.cpp's take longer
NOWHERE = "http://127.0.0.1:9"  # the discard port: no proxy listens there
PROXIES = ("http_proxy", "https_proxy", "all_proxy")


def tests(build: Path) -> Listing:
    """List the tests of a configured build, those whose programs are not built among them.

    Raises OutsideError when CTest is missing or gives no list.
    """
    done = process.read((_ctest(), "--show-only=json-v1"), cwd=build)
    try:
        return ctestreport.listing(done.out)
    except ValueError as error:
        raise OutsideError("check", f"ctest in {build}", str(error), done.err.strip() or "build it anew") from error


def targets(listing: Listing, source: Path) -> tuple[str, ...]:
    """Give the build's targets for everything in the folders that have tests: CMake makes one for each with Ninja."""
    below = [
        folder.relative_to(source.resolve()) for folder in listing.folders if folder.is_relative_to(source.resolve())
    ]
    return tuple("all" if str(folder) == "." else f"{folder.as_posix()}/all" for folder in below)


def clear(listing: Listing, build: Path, *, but: Sequence[str]) -> None:
    """Delete the tests' programs, so that none is run that an earlier tree left and this one cannot build.

    Only files below the build folder go. but -- names that stay: what is known to be of this very tree
    """
    for program in map(Path, listing.programs):
        if program.name not in but and program.parent.resolve().is_relative_to(build.resolve()) and program.is_file():
            program.unlink()


def run(
    build: Path, *, only: Sequence[str] = (), but: Sequence[str] = (), env: Mapping[str, str] | None = None
) -> dict[str, Result]:
    """Run tests of a build, as many at once as there are processors, and give how each ended.

    only -- names; none: all. but -- names that are left out
    env -- the environment to run in, None for ours
    Raises OutsideError when CTest is missing or leaves no report.
    """
    chosen = (*(("-R", _any(only)) if only else ()), *(("-E", _any(but)) if but else ()))
    with TemporaryDirectory(prefix="forkkeeper-suite-") as folder:
        junit = Path(folder, "junit.xml")
        argv = (
            _ctest(),
            *chosen,
            "-j",
            str(os.cpu_count() or 1),
            "--timeout",
            str(SECONDS),
            "--output-junit",
            str(junit),
        )
        done = process.watch(argv, cwd=build, env=offline(os.environ if env is None else env))
        text = junit.read_text(encoding="utf-8", errors="replace") if junit.exists() else ""
    found = ctestreport.results(text)
    if not found and done.code != 0:
        hint = "CTest 3.21 or newer: python -m pip install cmake"
        raise OutsideError("check", f"ctest in {build}", "left no report that can be read", hint)
    return found


def offline(inherited: Mapping[str, str]) -> dict[str, str]:
    """Give an environment in which programs find no way out, and CTest nothing of ours to go by."""
    closed = {name.upper() for name in (*PROXIES, "no_proxy")}
    kept = {
        name: value for name, value in inherited.items() if name.upper() not in closed and not name.startswith("CTEST_")
    }
    return kept | {each: NOWHERE for name in PROXIES for each in (name, name.upper())}


def _any(names: Sequence[str]) -> str:
    return f"^({'|'.join(re.escape(name) for name in names)})$"


def _ctest() -> str:
    """Find CTest on PATH, or beside this Python, where pip puts it. Raises OutsideError when it is nowhere."""
    found = shutil.which(
        "ctest", path=os.pathsep.join((os.environ.get("PATH", os.defpath), str(Path(sys.executable).parent)))
    )
    if found is None:
        raise OutsideError("check", "ctest", "not found on PATH", "python -m pip install cmake")
    return found
