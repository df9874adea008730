"""What `build`, `check` and `doctor` say on a machine that lacks something, and of a test program that crashes.

The machine is a PATH of ours: links to the real programs that are there, and small shell scripts for what is odd.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from world import Fork, Local, Ran, Upstream, assert_message, fork_of

LISTS = """cmake_minimum_required(VERSION 3.20)
project(tiny C)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
add_executable(test-backend-ops ops.c)
"""
OPS = r"""#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

int main(void)
{
    printf("Testing 1 devices\n\nBackend 1/1: CPU\n  Device description: x\n\n");
    printf("  ADD(type=bf16,ne=[1,1]): OK\n");
    fflush(stdout);
    fprintf(stderr, "ops.c:99: GGML_ASSERT(x) failed\n");
    END
    printf("  1/1 tests passed\n");
    return 0;
}
"""
NEEDS = r"""
[[build.need]]
kind = "program"
what = "C++ compiler"
name = ["c++", "g++", "clang++"]
version = ['(?:g\+\+|c\+\+|gcc|clang version|GCC)\D*(\d+\.\d+(?:\.\d+)?)']
least = "9"
debian = "g++"
fedora = "gcc-c++"

[[build.need]]
kind = "program"
what = "CMake"
name = ["cmake"]
version = ['cmake version (\d+\.\d+\.\d+)']
least = "3.18"
debian = "cmake"
fedora = "cmake"

[[build.need]]
kind = "program"
what = "Ninja"
name = ["ninja"]
debian = "ninja-build"
fedora = "ninja-build"
"""
CPU = '\n[variant.cpu]\ndevice = "CPU"\n'
TOY = r"""
[variant.toy]
device = "CPU"

[[variant.toy.need]]
kind = "header"
what = "Toy headers"
name = "toy/toy.h"
version = ['TOY_MAJOR (\d+)', 'TOY_MINOR (\d+)']
least = "1.5"
debian = "libtoy-dev"
fedora = "toy-devel"

[[variant.toy.need]]
kind = "device"
what = "Toy device"
command = ["toyinfo", "--list"]
name = '^device = (.*)$'
accepts = 'Hard'
debian = "toy-tools"
fedora = "toy-tools"
"""
BASE = ("git", "sh", "uname")
COMPILER = ("c++", "cc", "as", "ld")
ALL = (*COMPILER, "cmake", "ninja")


@pytest.fixture(autouse=True)
def no_ccache(monkeypatch: pytest.MonkeyPatch) -> None:
    """Build without a cache: it is not what is asked here."""
    monkeypatch.setenv("CCACHE_DISABLE", "1")


def fork_with(upstream: Upstream, declared: str, end: str = "") -> Fork:
    """Make a fork whose test program ends so after its first case."""
    pin = upstream.commit({"CMakeLists.txt": LISTS, "ops.c": OPS.replace("END", end)}, tag="v1")
    fork = fork_of(upstream.path.parent, upstream, pin, pin, [Local("notes", {"notes.txt": "a\n"})], {})
    with (fork.root / "fork.toml").open("a") as file:
        file.write(declared)
    checks = fork.root / "native/checks/bf16"
    checks.mkdir(parents=True)
    (checks / "conftest.py").write_text(
        "def pytest_addoption(parser):\n    for one in ('--source', '--build'):\n        parser.addoption(one)\n"
    )
    (checks / "test_true.py").write_text("def test_true():\n    assert True\n")
    return fork


class Machine:
    """A machine with these programs; scripts -- what others say."""

    def __init__(self, fork: Fork, *programs: str, scripts: Mapping[str, str] | None = None) -> None:
        self.fork = fork
        self.path = fork.root.parent / "bin"
        self.path.mkdir()
        for name in (*BASE, *programs):
            (self.path / name).symlink_to(shutil.which(name) or "/nowhere")
        # forkkeeper looks beside its own Python as well, where pip may have put a CMake
        (self.path / "python").symlink_to(sys.executable)
        for name, text in (scripts or {}).items():
            self.script(name, text)

    def script(self, name: str, text: str) -> None:
        """Put a shell script beside them, or in the place of an earlier one."""
        (self.path / name).write_text(f"#!/bin/sh\n{text}\n")
        (self.path / name).chmod(0o755)

    def run(self, *words: str, **env: str) -> Ran:
        """Run a verb on it."""
        argv = [str(self.path / "python"), "-c", "from forkkeeper.tasks import main; main()", *words]
        variables = os.environ | env | {"PATH": str(self.path), "PYTHONPATH": os.pathsep.join(sys.path)}
        done = subprocess.run(argv, cwd=self.fork.root, env=variables, capture_output=True, text=True, check=False)
        return Ran(done.returncode, done.stdout, done.stderr)


# to build -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("there", "needs", "hint"),
    [
        (("cmake", "ninja"), "C++ compiler 9 or newer", "apt install g++"),
        ((*COMPILER, "ninja"), "CMake 3.18 or newer", "apt install cmake"),
        ((*COMPILER, "cmake"), "Ninja", "apt install ninja-build"),
    ],
)
def test_a_declared_program_that_is_missing(
    upstream_repo: Upstream, there: tuple[str, ...], needs: str, hint: str
) -> None:
    """Exit 3 with what is needed, how new it must be, and the package of this system."""
    machine = Machine(fork_with(upstream_repo, NEEDS + CPU), *there)
    ran = machine.run("build", "cpu")
    assert_message(ran, 3, f"build: variant cpu: needs {needs}\n", system_s(hint))


def system_s(hint: str) -> str:
    """Give what is told of a package on this machine's system."""
    text = Path("/etc/os-release").read_text() if Path("/etc/os-release").exists() else ""
    return f"next: {hint}" if "debian" in text else "next: "


@pytest.mark.parametrize(
    ("there", "missing", "hint"),
    [
        (("cmake", "ninja"), "a C++ compiler", "apt install g++"),
        ((*COMPILER, "ninja"), "cmake", "python -m pip install cmake ninja"),
        ((*COMPILER, "cmake"), "ninja", "python -m pip install cmake ninja"),
        ((), "cmake, ninja, a C++ compiler", "python -m pip install cmake ninja"),
    ],
)
def test_a_program_that_nobody_declared_and_that_is_missing(
    upstream_repo: Upstream, there: tuple[str, ...], missing: str, hint: str
) -> None:
    """A fork that declares no needs is told all the same, all at once."""
    machine = Machine(fork_with(upstream_repo, CPU), *there)
    assert_message(machine.run("build", "cpu"), 3, f"build: {missing}: not found on PATH", f"next: {hint}")


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ('echo "c++ (GNU) 7.5.0"', "(7.5.0 is here)"),
        ('echo "my compiler"', "(what is here does not say its version)"),
        ("exit 1", "(what is here does not say its version)"),
    ],
)
def test_a_compiler_that_is_too_old(upstream_repo: Upstream, said: str, found: str) -> None:
    """What is here is said beside what is needed; a compiler that does not say its age is not trusted."""
    machine = Machine(fork_with(upstream_repo, NEEDS + CPU), "cmake", "ninja", scripts={"c++": said})
    assert_message(machine.run("build", "cpu"), 3, f"build: variant cpu: needs C++ compiler 9 or newer {found}")


def test_a_compiler_that_does_not_work(upstream_repo: Upstream) -> None:
    """Its own words come through CMake's many."""
    scripts = {"cc": 'echo "cc: error: licence expired" >&2; exit 1'}
    machine = Machine(fork_with(upstream_repo, CPU), "c++", "cmake", "ninja", scripts=scripts)
    assert_message(
        machine.run("build", "cpu"),
        3,
        "build: cpu: configure: CMakeLists.txt:2: The C compiler",
        "is not able to compile a simple test program. cc: licence expired\n",
        "next: `forkkeeper doctor cpu`",
    )


def header(place: Path, minor: int) -> str:
    """Write a header of a version, and give the folder in which a compiler finds it."""
    (place / "toy").mkdir(parents=True, exist_ok=True)
    (place / "toy/toy.h").write_text(f"#define TOY_MAJOR 1\n#define TOY_MINOR {minor}\n")
    return str(place)


def test_a_header_that_is_missing_or_too_old(upstream_repo: Upstream, tmp_path: Path) -> None:
    """A header that is not there, and one of before, are told apart; beside another variant it is only skipped."""
    machine = Machine(fork_with(upstream_repo, CPU + TOY), *ALL)
    missing = machine.run("build", "toy")
    assert_message(missing, 3, "build: variant toy: needs Toy headers 1.5 or newer\n", system_s("apt install libtoy"))
    old = header(tmp_path / "old", 2)
    assert_message(machine.run("build", "toy", CPATH=old), 3, "needs Toy headers 1.5 or newer (1.2 is here)\n")
    both = machine.run("build", CPATH=old)
    assert both.code == 0, both.said
    assert "skipped: needs Toy headers 1.5 or newer (1.2 is here)" in " ".join(both.out.split())
    new = machine.run("build", "toy", CPATH=header(tmp_path / "new", 9))
    assert new.code == 0, new.said


# to run -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "found"),
    [
        (None, "needs Toy device (toyinfo is not here to list devices)"),
        ('echo "none"', "needs Toy device (`toyinfo --list` shows none)"),
        ('echo "device = Soft One"', "needs Toy device (the backend does not take Soft One)"),
    ],
)
def test_a_device_that_is_missing_or_refused(
    upstream_repo: Upstream, tmp_path: Path, said: str | None, found: str
) -> None:
    """Without a device nothing is tested, and that is not green; no lister, no device and a refused one are three."""
    machine = Machine(fork_with(upstream_repo, TOY), *ALL)
    inc = header(tmp_path / "inc", 9)
    built = machine.run("build", "toy", CPATH=inc)
    assert built.code == 0, built.said
    if said is not None:
        machine.script("toyinfo", said)
    ran = machine.run("check", "bf16", "toy", CPATH=inc)
    assert ran.code == 1, ran.said
    assert "skipped" in ran.out
    assert f"toy, bf16: {found}" in ran.out
    machine.script("toyinfo", 'echo "device = Soft One"; echo "device = Hard Two"')
    good = machine.run("check", "bf16", "toy", CPATH=inc)
    assert good.code == 0, good.said
    assert "Hard Two" in good.out


# a test program that crashes ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("end", "signal"),
    [
        ("raise(SIGSEGV);", "SIGSEGV"),
        ("abort();", "SIGABRT"),
        ("raise(SIGILL);", "SIGILL"),
        ("raise(SIGKILL);", "SIGKILL"),
    ],
)
def test_a_test_program_that_crashes(upstream_repo: Upstream, end: str, signal: str) -> None:
    """`check bf16` names the signal, the last case that ended and what it said; the fork's own check is run as well."""
    fork = fork_with(upstream_repo, CPU, end)
    assert fork.script("build", "cpu").code == 0
    ran = fork.script("check", "bf16", "cpu")
    assert ran.code == 1, ran.said
    said = ran.out.splitlines()
    at, reason = next((at, line) for at, line in enumerate(said) if line.startswith("cpu, upstream's cases: "))
    assert f"crashed by {signal} after 1 case, before its summary" in reason
    assert "the last one finished: ADD(type=bf16,ne=[1,1])" in reason
    assert "it said: ops.c:99: GGML_ASSERT(x) failed" in reason
    assert said[at + 1].startswith("  next: to see it again: /")
    assert said[at + 1].endswith("/bin/test-backend-ops test -b CPU -p bf16")
    rows = [line for line in said if line.startswith("cpu  ")]
    assert [row.split()[-1] for row in rows] == ["FAILED", "passed"]


def test_a_test_program_that_ends_well_is_green(upstream_repo: Upstream) -> None:
    """The same program without its crash passes: it is the crash that makes it red."""
    fork = fork_with(upstream_repo, CPU)
    assert fork.script("build", "cpu").code == 0
    ran = fork.script("check", "bf16", "cpu")
    assert ran.code == 0, ran.said
