# SPDX-License-Identifier: MIT
"""The fixtures of the native checks.

    pytest native/checks --source=DIR --build=DIR

`--source` is the composed tree (upstream, queue and overlay), `--build` its CMake build directory
with the tools built. Nothing is skipped: a tool that is missing is a failure. The other options are for the
checks in models/ and outputs/, which run on the device of a variant; without them that is the one the tools choose.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import gguf
import pytest
from native_harness import COMPLETION, Build, CrashedError, Device, Tool, recorded, recording, succeeded, write_model

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from native_harness import Compile, FindTool, Run, Speak


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the two directories that every check needs, and what the checks on a device are told of it."""
    group = parser.getgroup("native", "the fork under test")
    group.addoption("--source", type=Path, required=True, help="the composed source tree")
    group.addoption("--build", type=Path, required=True, help="its CMake build directory")
    group.addoption("--tool-options", default="", help="what llama.cpp's tools are given to run on the device")
    group.addoption("--tool-env", action="append", default=[], metavar="NAME=VALUE", help="for the build's programs")
    group.addoption("--proof", default="", help="regular expression that the log of every run on the device matches")
    group.addoption("--models", type=Path, help="where small models are kept between runs (default: nowhere)")
    group.addoption("--outputs", type=Path, help="where outputs/ leaves what models said (default: nowhere)")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> None:
    """Say in the report of a failed test which signal ended a program of the build."""
    if call.excinfo is not None and isinstance(call.excinfo.value, CrashedError):
        item.user_properties.append(("signal", call.excinfo.value.signal))


@pytest.fixture(scope="session")
def source(request: pytest.FixtureRequest) -> Path:
    """Return the composed source tree."""
    path = Path(request.config.getoption("--source")).resolve()
    assert (path / "ggml" / "include" / "ggml.h").is_file(), f"{path} is not an upstream tree"
    return path


@pytest.fixture(scope="session")
def build(request: pytest.FixtureRequest) -> Build:
    """Return the build directory."""
    path = Path(request.config.getoption("--build")).resolve()
    assert (path / "CMakeCache.txt").is_file(), f"{path} is not a CMake build directory"
    return Build(path)


@pytest.fixture(scope="session")
def declared(request: pytest.FixtureRequest) -> dict[str, str]:
    """Return the environment that the variant declares for the build's programs."""
    return dict(one.split("=", 1) for one in request.config.getoption("--tool-env"))


@pytest.fixture(scope="session")
def tool(build: Build, declared: dict[str, str]) -> FindTool:
    """Return a function that finds a built program by name."""

    def find(name: str) -> Tool:
        path = build.bin / name
        assert path.is_file(), f"{name} is not built in {build.bin}"
        return Tool(path, build.bin, declared)

    return find


@pytest.fixture(scope="session")
def device(request: pytest.FixtureRequest) -> Device:
    """Return how the tools are made to run on the device, and how that shows."""
    options = request.config.getoption("--tool-options")
    return Device(tuple(shlex.split(options)), re.compile(request.config.getoption("--proof")))


@pytest.fixture(scope="session")
def models(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder where small models are kept."""
    given: Path | None = request.config.getoption("--models")
    return given.resolve() if given else tmp_path_factory.mktemp("models")


@pytest.fixture(scope="session")
def outputs(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder where what models said is left."""
    given: Path | None = request.config.getoption("--outputs")
    return given.resolve() if given else tmp_path_factory.mktemp("outputs")


@pytest.fixture(scope="session")
def run_command() -> Run:
    """Return a function that runs a command that has to succeed, and returns its output."""

    def run(*command: str | Path) -> str:
        done = subprocess.run(
            [str(word) for word in command],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, f"{command}:\n{done.stdout}"
        return done.stdout

    return run


@pytest.fixture(scope="session")
def compile_program(source: Path, build: Build, run_command: Run) -> Compile:
    """Return a function that compiles one file against the built ggml.

    The system compiler does it: cc and c++, or what CC and CXX say.
    """

    def compile_one(code: Path, output: Path, *, flags: tuple[str, ...] = (), libraries: tuple[str, ...] = ()) -> Path:
        is_c = code.suffix == ".c"
        compiler = os.environ.get("CC", "cc") if is_c else os.environ.get("CXX", "c++")
        command = [compiler, *([] if is_c else ["-std=c++17"]), "-O2", "-Wall", "-Wextra", *flags]
        command += [f"-I{source / 'ggml' / 'include'}", str(code), "-o", str(output)]
        found = build.libraries(*libraries)
        command += [str(path) for path in found]
        for folder in dict.fromkeys(path.parent for path in found):
            command += [f"-Wl,-rpath,{folder}", f"-Wl,-rpath-link,{folder}"]
        if any(path.suffix == ".a" for path in found):
            command += ["-fopenmp", "-lstdc++", "-lm", "-ldl"]
        run_command(*command, "-pthread")
        return output

    return compile_one


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return a tiny F32 model, about 17 MB; nobody may change it."""
    path = tmp_path_factory.mktemp("model") / "tiny.gguf"
    yield write_model(path, gguf.GGMLQuantizationType.F32)
    path.unlink()


@pytest.fixture(scope="session")
def typed(model: Path) -> tuple[str, ...]:
    """Return arguments that make llama-completion load the model and be the same every time."""
    return ("-m", str(model), *COMPLETION)


@pytest.fixture
def speak(tmp_path: Path) -> Speak:
    """Return a function that runs llama-completion with arguments and returns what was said."""

    def run(tool: Tool, *args: str | Path, env: Mapping[str, str] | None = None) -> str:
        path = tmp_path / "recording"
        path.unlink(missing_ok=True)
        succeeded(tool(*args, *recording(path), env=env))
        return recorded(path)

    return run
