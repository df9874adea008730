"""What `check` promises of several tests and variants at once, on a real CMake project with an operation test."""

import json

import pytest
from world import Fork, Upstream, assert_message, fork_of

LISTS = """cmake_minimum_required(VERSION 3.20)
project(tiny C)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
add_executable(test-backend-ops ops.c)
add_executable(server server.c)
"""
OPS = r"""#include <stdio.h>

int main(void)
{
    puts("Backend 1/1: CPU\n  ADD(type=bf16): OK\n  1/1 tests passed\n  Backend CPU: OK\n1/1 backends passed\nOK");
    return 0;
}
"""
SERVER = """#include <stdio.h>

int main(void)
{
    puts("no port for me");
    return 3;
}
"""
VARIANTS = """
[variant.served]
device = "CPU"
bf16 = { none = "never reached" }

[variant.served.server]
program = "server"
arguments = []
connected = "client"

[variant.plain]
device = "CPU"
"""


@pytest.fixture
def fork(upstream_repo: Upstream) -> Fork:
    """Give a fork with two built variants; the server of one ends at once."""
    files = {"CMakeLists.txt": LISTS, "ops.c": OPS, "server.c": SERVER}
    pin = upstream_repo.commit(files, tag="v1")
    made = fork_of(upstream_repo.path.parent, upstream_repo, pin, pin, [], {})
    declaration = made.root / "fork.toml"
    declaration.write_text(declaration.read_text() + VARIANTS)
    assert made.script("build").code == 0
    return made


def rows(fork: Fork, *words: str) -> tuple[int, list[dict[str, str]]]:
    """Run checks, and give the exit code and the table's rows."""
    ran = fork.script("check", *words, "--json", "-")
    (table,) = [block for block in json.loads(ran.out)["blocks"] if isinstance(block, list)]
    return ran.code, table


def test_several_tests_end_with_one_table(fork: Fork) -> None:
    """Tests named with commas run one after the other, and every one has its rows in one table."""
    code, table = rows(fork, "bf16,ops", "plain")
    assert code == 0
    assert [(row["check"], row["cases"], row["verdict"]) for row in table] == [
        ("upstream's cases", "1", "passed"),
        ("upstream's cases", "1", "passed"),
    ]


def test_a_test_that_is_mistyped_is_answered_with_the_nearest(fork: Fork) -> None:
    """Alone or among several: the odd one is named, with what was meant."""
    assert_message(fork.run("check", "bf61", "plain"), 2, "bf61", "did you mean bf16?")
    assert_message(fork.run("check", "bf16,opps", "plain"), 2, "opps", "did you mean ops?")


def test_a_server_that_does_not_start_fails_its_variant_alone(fork: Fork) -> None:
    """The variant's row is red with what the server said, and the other variant is tested all the same."""
    code, table = rows(fork, "bf16")
    assert code == 1
    assert [(row["variant"], row["verdict"]) for row in table] == [("served", "FAILED"), ("plain", "passed")]


def test_a_document_of_a_build_stands_alone(fork: Fork) -> None:
    """With --json - what CMake and Ninja write goes to standard error, and standard output is the document."""
    extra = fork.root / "native/overlay/extra.c"
    extra.parent.mkdir(parents=True, exist_ok=True)
    extra.write_text("int extra;\n")
    ran = fork.script("build", "plain", "--json", "-")
    assert json.loads(ran.out)["exit"] == 0, ran.said
    assert "Build files have been written" in ran.err
