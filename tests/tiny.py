"""A CMake project of one file, a fork of it with checks, and patches: for the tests of builds and verdicts."""

from world import Fork, Local, Upstream, fork_of

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
KNOWN = Local("known", {"CMakeLists.txt": CMAKE + 'target_compile_definitions(tiny PRIVATE QUEUE="${FK_QUEUE}")\n'})
NOTES = Local("notes", {"notes.txt": "b\n"}, trailers=trailers("native/checks/test_true.py"))


def verdict(out: str, patch: str) -> str:
    """Give a patch's row of the table of witnesses."""
    return next(line for line in out.splitlines() if line.startswith("cpu") and f" {patch} " in line)
