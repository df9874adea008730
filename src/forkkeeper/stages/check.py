"""Asks a finished build whether it is right: ggml's own operation tests, and the fork's checks."""

import importlib.util
import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from forkkeeper.core import checksreport, opsreport
from forkkeeper.core.checksreport import ChecksResult
from forkkeeper.core.opsreport import OpsReport
from forkkeeper.errors import OutsideError, RequestError
from forkkeeper.shell import process

OPERATION = re.compile(r"[A-Z][A-Z0-9_]+")
OPS_PROGRAM = Path("bin", "test-backend-ops")  # where ggml's CMake puts it, in a build folder


def run_ops(
    build: Path,
    device: str,
    pattern: str = "",
    *,
    operations: Sequence[str] = (),
    env: Mapping[str, str] | None = None,
    on_case: Callable[[], None] = lambda: None,
) -> OpsReport:
    """Run the operation tests of a build on one device, and keep what they say; judge it with `opsreport.judge`.

    build -- a finished build folder
    device -- as the program names it, e.g. "CPU"
    pattern -- regular expression over a case's parameters, e.g. "bf16"; "": every case
    operations -- only these, e.g. MUL_MAT; none: all
    env -- the environment to run in, None for ours
    on_case -- told of every line that the program writes, which is a case more or less
    Raises RequestError when the build has no such program, OutsideError when it cannot be started.
    """
    program = build / OPS_PROGRAM
    if not program.is_file():
        raise RequestError(
            "check", str(program), "not built", f'add "{OPS_PROGRAM.name}" to the variant\'s targets, then build it'
        )
    try:
        argv = ops_argv(build, device, pattern, operations)
        done = process.follow(argv, env=env, on_line=lambda _: on_case())
    except OSError as error:
        raise OutsideError(
            "check", str(program), f"cannot be started: {error.strerror}", "build the variant"
        ) from error
    return opsreport.parse(done.out, done.err, asked=device, exit_status=done.code)


def ops_argv(build: Path, device: str, pattern: str = "", operations: Sequence[str] = ()) -> tuple[str, ...]:
    """Give the command that runs the operation tests, as for `run_ops`."""
    chosen = (*(("-p", pattern) if pattern else ()), *(("-o", ",".join(operations)) if operations else ()))
    return (str(build / OPS_PROGRAM), "test", "-b", device, *chosen)


def operations(build: Path) -> tuple[str, ...]:
    """Give the operations that a build's test program knows, in its order."""
    done = process.read((str(build / OPS_PROGRAM), "--list-ops"))
    return tuple(word for line in done.out.splitlines() for word in line.split() if OPERATION.fullmatch(word))


def run_checks(
    paths: Sequence[Path],
    *,
    source: Path,
    build: Path,
    options: Sequence[str] = (),
    env: Mapping[str, str] | None = None,
) -> ChecksResult:
    """Run the fork's checks with pytest against one build; judge the result with `checksreport.judge`.

    paths -- pytest files or folders, whose conftest.py knows the options --source and --build
    source, build -- the composed tree that was built, and its build folder
    options -- more for the fork's conftest.py
    env -- the environment to run in, None for ours
    Raises RequestError when a path does not exist, OutsideError when pytest is not installed.
    """
    for path in paths:
        if not path.exists():
            raise RequestError("check", str(path), "no such check", "name a file or folder of checks")
    demand("pytest")
    with TemporaryDirectory(prefix="forkkeeper-check-") as folder:
        junit = Path(folder, "junit.xml")
        done = process.watch(
            (*pytest_argv(paths, source, build, junit), *options), env=environment(os.environ if env is None else env)
        )
        text = junit.read_text(encoding="utf-8") if junit.exists() else ""
    return checksreport.parse(text, exit_status=done.code)


def demand(package: str) -> None:
    """Raise OutsideError where a Python package that a check needs is not installed."""
    if importlib.util.find_spec(package) is None:
        raise OutsideError("check", package, "not installed", f"python -m pip install {package}")


def pytest_argv(paths: Sequence[Path], source: Path, build: Path, junit: Path) -> tuple[str, ...]:
    """Give the command that runs the checks and writes its report to `junit`."""
    options = (f"--source={source}", f"--build={build}", f"--junitxml={junit}")
    return (sys.executable, "-m", "pytest", *map(str, paths), *options)


def environment(inherited: Mapping[str, str]) -> dict[str, str]:
    """Give the environment without pytest's own variables: they could deselect tests and leave a false green."""
    return {name: value for name, value in inherited.items() if not name.startswith("PYTEST_")}
