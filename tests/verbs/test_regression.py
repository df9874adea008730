"""What `check regression` promises, on a real CMake project whose programs stand for llama.cpp's, and real CTest."""

import json
from pathlib import Path

from world import Fork, Local, Upstream, assert_message, fork_of

LISTS = """cmake_minimum_required(VERSION 3.20)
project(tiny C)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
add_executable(say say.c)
add_executable(test-backend-ops ops.c)
enable_testing()
add_subdirectory(tests)
"""
TESTS = """add_executable(passes passes.c)
add_test(NAME passes COMMAND passes)
add_executable(fails fails.c)
add_test(NAME fails COMMAND fails)
add_executable(broken broken.c)
add_test(NAME broken COMMAND broken)
add_test(NAME writes COMMAND ${CMAKE_COMMAND} -E touch ${PROJECT_SOURCE_DIR}/written)
add_test(NAME needs-network COMMAND sh -c "test -z $https_proxy")
"""
# What it writes is laid out as logits.cpp says: vocabulary of 2, text of 2 tokens, 1 added.
SAY = r"""#include <stdint.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char ** argv)
{
    int32_t head[] = {2, 2, 1, 0, 1, 1};
    float rows[] = {1.0f, 2.0f, 3.0f, 4.0f, 5.0f, 6.0f};
    FILE * file = fopen(argv[2], "wb");
    fwrite("logits 1", 1, 8, file);
    fwrite(head, sizeof(head), 1, file);
    fwrite(rows, sizeof(rows), 1, file);
    fclose(file);
    return argc - 3;
}
"""
FLIPPED = SAY.replace(
    "    FILE * file",
    '    if (strcmp(argv[1], "toy-F16") == 0) {\n        uint32_t bits;\n        memcpy(&bits, &rows[3], 4);\n'
    "        bits ^= 1;\n        memcpy(&rows[3], &bits, 4);\n    }\n    FILE * file",
)
OPS = r"""#include <stdio.h>
#include <string.h>

int main(int argc, char ** argv)
{
    if (strcmp(argv[1], "--list-ops") == 0) {
        puts("ADD MUL_MAT");
        return 0;
    }
    puts("Backend 1/1: CPU\n  ADD(n=1): OK\n  MUL_MAT(n=1): OK\n  2/2 tests passed");
    puts("  Backend CPU: OK\n1/1 backends passed\nOK");
    return argc < 0;
}
"""
FAILING_OPS = OPS.replace("MUL_MAT(n=1): OK\\n  2/2", "MUL_MAT(n=1): FAIL\\n  1/2")
DEAD_OPS = OPS.replace('    puts("Backend 1/1', '    abort();\n    puts("Backend 1/1').replace(
    "#include", "#include <stdlib.h>\n#include", 1
)
SOURCES = {
    "CMakeLists.txt": LISTS,
    "say.c": SAY,
    "ops.c": OPS,
    "tests/CMakeLists.txt": TESTS,
    "tests/passes.c": "int main(void)\n{\n    return 0;\n}\n",
    "tests/fails.c": "int main(void)\n{\n    return 1;\n}\n",
    "tests/broken.c": "int main(void)\n{\n    return nothing;\n}\n",
}
VARIANT = '\n[variant.cpu]\ndevice = "CPU"\ntargets = ["say", "test-backend-ops"]\nexact = true\n'
CONFTEST = """
def pytest_addoption(parser):
    for name in ("--source", "--build", "--outputs", "--tool-options", "--proof", "--models"):
        parser.addoption(name)
    parser.addoption("--tool-env", action="append")
"""
CHECK = """
import json, pathlib, subprocess
import pytest

@pytest.mark.parametrize("case", ["toy-F32", "toy-F16"])
def test_outputs(request, case):
    said = pathlib.Path(request.config.getoption("--outputs"))
    said.mkdir(parents=True, exist_ok=True)
    for name in (case, case + ".again"):
        path = str(said / (name + ".logits"))
        subprocess.run([request.config.getoption("--build") + "/bin/say", case, path], check=True)
    (said / (case + ".json")).write_text(json.dumps({"model": "m", "place": "CPU"}))
"""
TRAILERS = "Origin: local\nUpstream-Status: Pending\nWitness: none [shown by tests]\n"


def fork_with(upstream: Upstream, *locals_: Local, declared: str = "") -> Fork:
    """Make a fork with a built variant and these patches. declared -- more of the variant."""
    pin = upstream.commit(SOURCES, tag="v1")
    fork = fork_of(upstream.path.parent, upstream, pin, pin, list(locals_), {})
    declaration = fork.root / "fork.toml"
    declaration.write_text(declaration.read_text() + VARIANT + declared)
    checks = fork.root / "native/checks"
    (checks / "outputs").mkdir(parents=True)
    (checks / "conftest.py").write_text(CONFTEST)
    (checks / "outputs/test_outputs.py").write_text(CHECK)
    built = fork.script("build", "cpu")
    assert built.code == 0, built.said
    return fork


def checked(fork: Fork, *words: str) -> tuple[int, list[dict[str, str]], list[dict[str, str]], str]:
    """Run the check, and give its exit code, the rows of cases and of parts, and all sentences."""
    ran = fork.script("check", "regression", "cpu", *words, "--json", "-")
    blocks = json.loads(ran.out)["blocks"]
    cases, parts = (block for block in blocks if isinstance(block, list))
    return ran.code, cases, parts, "\n".join(block for block in blocks if isinstance(block, str))


def outputs(fork: Fork) -> tuple[int, dict[str, str], str]:
    """Compare outputs alone, and give the exit code, what is said of each case, and all sentences."""
    code, cases, _, said = checked(fork, "--extent", "outputs")
    return code, {row["case"]: row["outputs"] for row in cases}, said


FLIP = {"say.c": FLIPPED}


def test_a_fork_that_changes_nothing_is_as_the_pin(upstream_repo: Upstream) -> None:
    """Outputs are bit-identical; failures that the pin has as well are known, and what does not build is said."""
    fork = fork_with(upstream_repo, Local("notes", {"notes.txt": "a\n"}))
    code, cases, parts, said = checked(fork)
    assert [row["outputs"] for row in cases] == ["bit-identical"] * 2
    assert {row["compared"]: (row["found"], row["verdict"]) for row in parts} == {
        "outputs": ("2 cases: 2 bit-identical (bits are demanded)", "as the pin"),
        "operations": ("2 cases: 2 pass on both sides", "as the pin"),
        "upstream's tests": ("5 tests: 2 pass on both sides, 2 known failures, 1 ran on neither side", "as the pin"),
    }
    assert "cpu, upstream's tests: known failures: needs-network: " in said
    assert code == 0, said
    for side in ("build", "baseline"):
        source = fork.root / ".forkkeeper" / side / "cpu/src"
        assert (source / "say.c").exists()
        assert not (source / "written").exists()


def test_one_flipped_bit_is_caught_and_located(upstream_repo: Upstream) -> None:
    """The one case that differs is red and says where; the other stays bit-identical."""
    code, cases, said = outputs(fork_with(upstream_repo, Local("flip", FLIP)))
    assert cases == {"toy-F16": "differs, and no patch declares it", "toy-F32": "bit-identical"}
    assert (
        "cpu, outputs: toy-F16: first at token 2 of the text, logit 1: 4 before, 4.00000048 now; 1 of 6 logits differ"
        in said
    )
    assert code == 1


def test_a_declared_difference_is_green_and_names_its_patch(upstream_repo: Upstream) -> None:
    """`Changes-Output:` allows exactly that case, and the log of local changes has it."""
    fork = fork_with(upstream_repo, Local("flip", FLIP, trailers=f"{TRAILERS}Changes-Output: *-F16 [planted]\n"))
    code, cases, said = outputs(fork)
    assert cases == {"toy-F16": "differs, as flip declares", "toy-F32": "bit-identical"}
    assert code == 0, said
    assert "- changes what models say: \\*-F16 \\[planted\\]" in (fork.root / "CHANGES-LOCAL.md").read_text()


def test_a_declared_difference_that_is_not_there_is_red(upstream_repo: Upstream) -> None:
    """A patch without its effect, and a pattern of no case, are both said."""
    trailers = f"{TRAILERS}Changes-Output: toy-F32, tyo-* [planted]\n"
    code, cases, said = outputs(fork_with(upstream_repo, Local("notes", {"notes.txt": "a\n"}, trailers=trailers)))
    assert cases["toy-F32"].startswith("declared by notes, but nothing changed: the patch has lost its effect")
    assert cases["toy-F16"] == "bit-identical"
    assert "notes: `Changes-Output: tyo-*` names no case of cpu" in said
    assert code == 1


def test_new_failures_are_told_from_known_ones(upstream_repo: Upstream) -> None:
    """A test and an operation that the patch breaks are new; that one failed before makes them no better."""
    broken = {"tests/passes.c": SOURCES["tests/fails.c"], "ops.c": FAILING_OPS}
    code, _, parts, said = checked(fork_with(upstream_repo, Local("breaks", broken)))
    assert [row["verdict"] for row in parts] == ["as the pin", "FAILED", "FAILED"]
    assert "new failures: passes: " in said
    assert "cpu, operations: new failures: MUL_MAT(n=1): FAIL" in said
    assert "known failures: fails: " in said
    assert code == 1


def test_a_declaration_excuses_no_case_that_the_baseline_passes(upstream_repo: Upstream) -> None:
    """Operations that are declared to have no case, pass on the baseline and die in the fork are new failures."""
    fork = fork_with(upstream_repo, Local("dies", {"ops.c": DEAD_OPS}), declared='ops = { none = "no device" }\n')
    code, _, parts, said = checked(fork)
    assert {row["compared"]: row["verdict"] for row in parts}["operations"] == "FAILED"
    assert "cpu, operations: new failures: ADD(n=1): does not run any more" in said
    assert code == 1


def test_a_program_that_an_earlier_tree_left_is_not_run(upstream_repo: Upstream) -> None:
    """A test that no longer compiles is a new failure, also where a program of it that passes is still there."""
    fork = fork_with(upstream_repo, Local("breaks", {"tests/passes.c": SOURCES["tests/broken.c"]}))
    stale = fork.root / ".forkkeeper/build/cpu/build/bin/passes"
    stale.write_text("#!/bin/sh\n")
    stale.chmod(0o755)
    code, _, _, said = checked(fork)
    assert "new failures: passes: does not run any more: is not built here" in said
    assert code == 1


def test_nothing_left_on_either_side_is_never_green(upstream_repo: Upstream) -> None:
    """A check that writes no output passes by itself, and is red here."""
    fork = fork_with(upstream_repo, Local("notes", {"notes.txt": "a\n"}))
    Path(fork.root, "native/checks/outputs/test_outputs.py").write_text("def test_nothing():\n    pass\n")
    ran = fork.script("check", "regression", "cpu", "--extent", "outputs")
    assert "no case ran on either side" in ran.out
    assert ran.code == 1


def test_an_extent_goes_with_regression_only(upstream_repo: Upstream) -> None:
    """With another check it is refused, instead of having no effect."""
    pin = upstream_repo.commit(SOURCES, tag="v1")
    fork = fork_of(upstream_repo.path.parent, upstream_repo, pin, pin, [], {})
    assert_message(fork.run("check", "ops", "--extent", "whole"), 2, "--extent", "goes with regression only")


def test_an_extent_that_is_none_is_a_wrong_request(upstream_repo: Upstream) -> None:
    """The nearest one is named."""
    fork = fork_with(upstream_repo, Local("notes", {"notes.txt": "a\n"}))
    assert_message(fork.run("check", "regression", "cpu", "--extent", "outptus"), 2, "outptus", "did you mean outputs?")
