"""What `check models` promises, on a real CMake project whose one program stands for llama.cpp's tools."""

import shutil
from pathlib import Path

import pytest
from world import Fork, Upstream, fork_of, seal

CMAKE = """cmake_minimum_required(VERSION 3.20)
project(tiny C)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY bin)
add_executable(tool main.c)
"""
MAIN = """#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char ** argv)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "crash") == 0) {
            abort();
        }
        puts(argv[i]);
    }
    const char * names[] = {"GGML_PLACE", "LD_LIBRARY_PATH"};
    for (int i = 0; i < 2; i++) {
        printf("%s=%s\\n", names[i], getenv(names[i]) ? getenv(names[i]) : "");
    }
    return 0;
}
"""
VARIANT = """
[variant.gpu]
device = "GPU0"
targets = ["tool"]
tests = ["models"]
options = ["--device", "a b"]
proof = 'GPU0 buffer'
environment = { GGML_PLACE = "declared", LD_LIBRARY_PATH = "/driver" }

[[variant.gpu.need]]
kind = "device"
command = ["echo", "softpipe 22"]
name = '^(softpipe)'
version = ['(\\d+)']

[[variant.gpu.crash]]
device = '^softpipe'
below = "25"
why = "softpipe before 25 aborts"
"""
CHECK = """
from native_harness import succeeded

def test_what_it_is_told(tool, device, build):
    said = succeeded(tool("tool")(*device.options)).stdout.splitlines()
    assert said == ["--device", "a b", "GGML_PLACE=declared", f"LD_LIBRARY_PATH={build.bin}:/driver"]
    assert device.proof.pattern == "GPU0 buffer"
"""
CRASH = """
def test_what_crashes(tool):
    succeeded(tool("tool")("crash"))
"""
WRONG = """
def test_what_is_wrong(tool):
    assert succeeded(tool("tool")("said")).stdout == "expected"
"""
CHECKS = Path(__file__).parents[2] / "native/checks"


@pytest.fixture(scope="module")
def fork(tmp_path_factory: pytest.TempPathFactory) -> Fork:
    """Give a fork whose one variant is built; its checks have the real fixtures."""
    place = tmp_path_factory.mktemp("models")
    with pytest.MonkeyPatch.context() as patch:
        seal(patch, tmp_path_factory.mktemp("building"))
        upstream = Upstream.make(place / "upstream.git")
        pin = upstream.commit({"CMakeLists.txt": CMAKE, "main.c": MAIN}, tag="v1")
        made = fork_of(place, upstream, pin, pin, [], {})
        declaration = made.root / "fork.toml"
        declaration.write_text(declaration.read_text() + VARIANT)
        (made.root / "native/checks/models").mkdir(parents=True)
        for name in ("conftest.py", "native_harness.py"):
            shutil.copyfile(CHECKS / name, made.root / "native/checks" / name)
        built = made.script("build", "gpu")
        assert built.code == 0, built.said
    return made


def checking(fork: Fork, *tests: str, declared: str = "") -> tuple[int, str]:
    """Run the variant's checks, these, and give the exit code and what was said."""
    (fork.root / "native/checks/models/test_models.py").write_text("".join(tests))
    declaration = fork.root / "fork.toml"
    before = declaration.read_text()
    declaration.write_text(before.replace("\nproof =", f"\n{declared}\nproof ="))
    done = fork.script("check", "models", "gpu")
    declaration.write_text(before)
    return done.code, done.out


def row(said: str) -> str:
    """Give the variant's row of the table."""
    return next(line for line in said.splitlines() if line.startswith("gpu "))


def test_the_tools_get_what_the_variant_declares(fork: Fork, monkeypatch: pytest.MonkeyPatch) -> None:
    """Options keep their words, and the declared environment counts, not the inherited; the build's libraries lead."""
    monkeypatch.setenv("GGML_PLACE", "inherited")
    code, said = checking(fork, CHECK)
    assert code == 0, said
    assert "GPU0: softpipe" in said


def test_a_crash_on_a_driver_that_is_known_for_it_is_the_device_s(fork: Fork) -> None:
    """The row says that the device crashes, why, and in which test by which signal; alone it proves nothing."""
    code, said = checking(fork, CHECK, CRASH)
    assert row(said).endswith("device crashes"), said
    assert "softpipe before 25 aborts (1 of 2 tests failed" in said
    assert "test_models::test_what_crashes by SIGABRT" in said
    assert code == 1


def test_a_wrong_answer_on_such_a_driver_is_a_failure(fork: Fork) -> None:
    """A known crash excuses crashes alone."""
    code, said = checking(fork, CHECK, CRASH, WRONG)
    assert row(said).endswith("FAILED"), said
    assert code == 1


def test_a_model_that_runs_where_none_can_is_a_failure(fork: Fork) -> None:
    """`models = { none = "…" }` is a promise that a passing test breaks."""
    code, said = checking(fork, CHECK, declared='models = { none = "no memory" }')
    assert code == 1, said
    assert "though fork.toml says that none can (no memory)" in said
