"""A fork that a whole night can judge in seconds: it builds, has BF16 cases, a witness, and work that is counted."""

from dataclasses import replace
from pathlib import Path

from benching import ENGINE, MAIN as BENCH, ROUNDS
from tiny import CONFTEST, MAIN, WITNESS, trailers
from world import Fork, Local, Upstream, fork_of

LISTS = """cmake_minimum_required(VERSION 3.18)
project(tiny C)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
add_library(engine SHARED engine.c)
add_executable(llama-bench bench.c)
target_link_libraries(llama-bench engine)
add_executable(tiny main.c)
set_target_properties(tiny PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})
add_executable(test-backend-ops ops.c)
"""
OPS = r"""#include <stdio.h>

int main(int argc, char ** argv)
{
    (void) argv;
    puts("Backend 1/1: CPU\n  ADD(type=bf16): OK\n  MUL_MAT(type=bf16): OK\n  2/2 tests passed");
    puts("  Backend CPU: OK\n1/1 backends passed\nOK");
    return argc < 0;
}
"""
DECLARED = """
[variant.cpu]
device = "CPU"
targets = ["llama-bench", "tiny", "test-backend-ops"]
tests = ["bf16"]

[bench]
arguments = ["-t", "1"]
prompt = 32
generation = 4
repetitions = 2

[[bench.model]]
name = "small"
command = ["{python}", "-c", "import sys; open(sys.argv[1], 'w').write('weights')", "{output}"]

[bench.instructions]
variant = "cpu"
within = "engine_decode"
"""
SOURCES = {
    "CMakeLists.txt": LISTS,
    "engine.c": ENGINE.format(rounds=ROUNDS),
    "bench.c": BENCH,
    "main.c": MAIN,
    "ops.c": OPS,
    "notes.txt": "".join(f"{number}\n" for number in range(1, 41)),
}
PROVED = "native/checks/test_greeting.py"
GREETING = Local("greeting", {"main.c": MAIN.replace('"hello"', '"hello, fork"')}, trailers=trailers(PROVED))
# what upstream does at a newer pin
HARMLESS = {"notes.txt": SOURCES["notes.txt"].replace("30\n", "thirty\n")}
CLASHING = {"main.c": MAIN.replace('puts("hello")', "fwrite(text, 1, sizeof text - 1, stdout)")}
BREAKING = {"engine.c": "this is no C\n"}
HEAVIER = Local(
    "heavier",
    {"engine.c": ENGINE.format(rounds=ROUNDS + ROUNDS // 50)},
    trailers="Origin: local\nUpstream-Status: Pending\nWitness: none [shown by tests]\n",
)


def fork_at_night(place: Path, *locals_: Local) -> Fork:
    """Make such a fork with these patches, committed; upstream has nothing new yet."""
    upstream = Upstream.make(place / "upstream.git")
    pin = upstream.commit(SOURCES, tag="v1")
    fork = fork_of(place, upstream, pin, pin, list(locals_ or (GREETING,)), {})
    declaration = fork.root / "fork.toml"
    declaration.write_text(declaration.read_text() + DECLARED)
    checks = fork.root / "native/checks"
    checks.mkdir(parents=True)
    (checks / "conftest.py").write_text(CONFTEST)
    (checks / "test_greeting.py").write_text(WITNESS)
    fork.relog()
    return replace(fork, target=pin)
