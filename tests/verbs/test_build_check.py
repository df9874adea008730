"""What `build` and `check` promise, on a real CMake project of one file."""

from pathlib import Path

import pytest
from world import Fork, Local, Upstream, assert_message, fork_of

CMAKE = "cmake_minimum_required(VERSION 3.20)\nproject(tiny C)\nadd_executable(tiny main.c)\n"
MAIN = '#include <stdio.h>\n\nint main(void)\n{\n    puts("hello");\n    return 0;\n}\n'
VARIANT = '\n[variant.cpu]\ndevice = "CPU"\ntargets = ["tiny"]\n'
CONFTEST = """
def pytest_addoption(parser):
    for name in ("--source", "--build"):
        parser.addoption(name, required=True)
"""
WITNESS = """
import subprocess

def test_greeting(request):
    said = subprocess.run([request.config.getoption("--build") + "/tiny"], capture_output=True, text=True).stdout
    assert said == "hello, fork\\n"
"""


def trailers(witness: str) -> str:
    """Give the trailers of a patch with this witness."""
    return f"Origin: local\nUpstream-Status: Pending\nWitness: {witness}\n"


@pytest.fixture
def place(upstream_repo: Upstream) -> tuple[Upstream, str]:
    """Give an upstream that CMake can build, and its commit."""
    return upstream_repo, upstream_repo.commit({"CMakeLists.txt": CMAKE, "main.c": MAIN, "notes.txt": "a\n"}, tag="v1")


def fork_with(place: tuple[Upstream, str], *locals_: Local) -> Fork:
    """Make a fork of the upstream with a variant, these patches and the checks."""
    upstream, pin = place
    fork = fork_of(upstream.path.parent, upstream, pin, pin, list(locals_), {})
    declaration = fork.root / "fork.toml"
    declaration.write_text(declaration.read_text() + VARIANT)
    checks = fork.root / "native/checks"
    checks.mkdir(parents=True)
    (checks / "conftest.py").write_text(CONFTEST)
    (checks / "test_greeting.py").write_text(WITNESS)
    (checks / "test_true.py").write_text("def test_true():\n    assert True\n")
    return fork


GREETING = Local(
    "greeting",
    {"main.c": MAIN.replace('"hello"', '"hello, fork"')},
    trailers=trailers("native/checks/test_greeting.py"),
)
NOTES = Local("notes", {"notes.txt": "b\n"}, trailers=trailers("native/checks/test_true.py"))


def verdict(out: str, patch: str) -> str:
    """Give a patch's row of the table of witnesses."""
    return next(line for line in out.splitlines() if line.startswith("cpu") and f" {patch} " in line)


def test_a_witness_that_fails_without_its_patch_proves_it(place: tuple[Upstream, str]) -> None:
    """The fork is built, and built again without the patch: the witness passes and fails."""
    fork = fork_with(place, GREETING)
    built = fork.script("build", "cpu")
    assert built.code == 0, built.said
    ran = fork.script("check", "witness", "cpu")
    assert ran.code == 0, ran.said
    assert "1 of 1 pass" in verdict(ran.out, "greeting")
    assert "1 of 1 fail" in verdict(ran.out, "greeting")
    assert "proves the patch" in verdict(ran.out, "greeting")
    alone = fork.script("check", "native/checks/test_greeting.py")
    assert alone.code == 0, alone.said


def test_a_witness_that_passes_without_its_patch_is_red(place: tuple[Upstream, str]) -> None:
    """A check that cannot fail proves nothing, and one such row makes the whole run red; the others are judged."""
    fork = fork_with(place, GREETING, NOTES)
    assert fork.script("build", "cpu").code == 0
    ran = fork.script("check", "witness", "cpu")
    assert ran.code == 1, ran.said
    assert "proves the patch" in verdict(ran.out, "greeting")
    assert "passes without the patch" in verdict(ran.out, "notes")


def test_no_witness_at_all_is_not_green(place: tuple[Upstream, str]) -> None:
    """Where every patch declares none, nothing ran, and that is no pass."""
    fork = fork_with(place, Local("notes", {"notes.txt": "b\n"}))
    assert fork.script("build", "cpu").code == 0
    ran = fork.script("check", "witness", "cpu")
    assert ran.code == 1, ran.said
    assert "none [shown by tests]" in ran.out


def test_only_a_build_of_the_present_tree_is_checked(place: tuple[Upstream, str]) -> None:
    """What is not built, or was built from another tree, is an error with the command that builds it."""
    fork = fork_with(place, GREETING)
    path = str(Path("native/checks/test_true.py"))
    assert_message(fork.run("check", path), 2, "none is built", "nox -s build_cpu")
    assert_message(fork.run("check", path, "cpux"), 2, "variant cpux", "did you mean cpu?")
    assert fork.script("build").code == 0
    extra = fork.root / "native/overlay/extra.c"
    extra.parent.mkdir(parents=True, exist_ok=True)
    extra.write_text("int extra;\n")
    assert_message(fork.run("check", path), 2, "variant cpu", "built from another tree", "forkkeeper build cpu")
