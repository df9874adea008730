"""What `bench throughput` promises, on a real program built twice; its times and instructions are real as well."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from benching import CRASHING, DECLARED, HARDLY, HARMLESS, HEAVIER, LIGHTER, fork_with
from world import BIN, Fork, assert_message

TIME = ("bench", "throughput", "--metric", "time")
COUNTS = ("bench", "throughput", "--metric", "instructions")


def record(fork: Fork, what: str) -> dict[str, Any]:
    """Give what the last run kept."""
    (path,) = (fork.root / ".forkkeeper/bench").glob(f"*-{what}.json")
    kept: dict[str, Any] = json.loads(path.read_bytes())
    return kept


def test_a_fork_that_does_the_work_twice_is_slower(tmp_path: Path) -> None:
    """Each test is called slower, the exit code is 1, and the reason stands below the table."""
    fork = fork_with(tmp_path, HEAVIER)
    ran = fork.script(*TIME)
    assert ran.code == 1, ran.said
    assert ran.out.count("slower: between +") == 2
    kept = record(fork, "cpu-time")
    assert {one["side"] for one in kept["runs"]} == {"baseline", "fork"}
    assert kept["baseline"] != kept["fork"]


def test_a_fork_that_does_half_the_work_is_faster_and_that_is_no_failure(tmp_path: Path) -> None:
    """Only slower exits with 1; the times are in pytest-benchmark's storage, where its own program compares them."""
    fork = fork_with(tmp_path, LIGHTER)
    ran = fork.script(*TIME)
    assert ran.code == 0, ran.said
    assert ran.out.count(" faster") == 2
    storage = str(fork.root / ".forkkeeper/benchmarks")
    shown = subprocess.run(
        [str(BIN / "pytest-benchmark"), "--storage", storage, "compare", "--group-by=name", "--columns=min,rounds"],
        capture_output=True,
        text=True,
        check=True,
        cwd=fork.root,
    ).stdout
    assert "small, prompt 32" in shown
    assert shown.count("(0001_cpu") == 2
    assert shown.count("(0002_cpu") == 2


@pytest.mark.valgrind
def test_half_a_percent_is_seen_in_instructions(tmp_path: Path) -> None:
    """A loop that is half a percent longer is slower by half a percent of what is counted within the function."""
    fork = fork_with(tmp_path, HARDLY)
    ran = fork.script(*COUNTS, "--json", "-")
    assert ran.code == 1, ran.said
    rows = next(block for block in json.loads(ran.out)["blocks"] if isinstance(block, list))
    assert [row["verdict"] for row in rows] == ["slower", "slower"]
    assert all(row["fork takes"].startswith("+0.500%") for row in rows)


@pytest.mark.valgrind
def test_a_patch_of_no_code_is_the_same(tmp_path: Path) -> None:
    """Not one instruction differs, and no side is built again the second time."""
    fork = fork_with(tmp_path, HARMLESS)
    ran = fork.script(*COUNTS)
    assert ran.code == 0, ran.said
    assert ran.out.count("+0.000% (+0.000% … +0.000%)") == 2
    stamps = sorted((fork.root / ".forkkeeper/sides").rglob("forkkeeper-built.json"))
    before = [stamp.stat().st_mtime_ns for stamp in stamps]
    assert len(before) == 2
    assert fork.script(*COUNTS).code == 0
    assert [stamp.stat().st_mtime_ns for stamp in stamps] == before


def test_no_copy_is_left(tmp_path: Path) -> None:
    """What was copied to be run is gone at the end."""
    fork = fork_with(tmp_path, HARMLESS)
    fork.script(*TIME, "--seconds", "5")
    assert not list((fork.root / ".forkkeeper/copies").iterdir())


def test_too_little_time_gives_no_verdict_and_says_so(tmp_path: Path) -> None:
    """Where the seconds end before there are pairs enough, nothing is claimed and nothing fails."""
    long = DECLARED.replace("repetitions = 40", "repetitions = 400")  # no more than a few pairs are run in a second
    ran = fork_with(tmp_path, HEAVIER, declared=long).script(*TIME, "--seconds", "1")
    assert ran.code == 0, ran.said
    assert len(re.findall(r"inconclusive: \d pairs in the time that there was are too few", ran.out)) == 2


@pytest.mark.skipif(sys.platform != "linux", reason="it is Linux's dynamic linker that is asked")
def test_a_build_that_would_load_the_other_libraries_is_refused(tmp_path: Path) -> None:
    """A program that names its library's folder so that it cannot be told otherwise is not measured."""
    rigid = DECLARED.replace(
        'targets = ["llama-bench"]',
        'targets = ["llama-bench"]\ncmake = ["-DCMAKE_EXE_LINKER_FLAGS=-Wl,--disable-new-dtags"]',
    )
    ran = fork_with(tmp_path, HARMLESS, declared=rigid).script(*TIME)
    assert_message(ran, 3, "bench", "would load", "libengine.so", "RUNPATH")


def test_sides_of_different_compilers_are_not_compared(tmp_path: Path) -> None:
    """Where one side was compiled with other flags than the other, that is said, and what to type."""
    fork = fork_with(tmp_path, HARMLESS)
    assert fork.script(*TIME, "--seconds", "1").code == 0
    stamp = next((fork.root / ".forkkeeper/sides").rglob("forkkeeper-built.json"))
    cache = stamp.parent / "CMakeCache.txt"
    cache.write_text(cache.read_text().replace("CMAKE_C_FLAGS:STRING=", "CMAKE_C_FLAGS:STRING=-O1"))
    assert_message(fork.script(*TIME, "--seconds", "1"), 2, "was compiled with", "C_FLAGS -O1", "rm -r ")


def test_mistakes_are_answered(tmp_path: Path) -> None:
    """A wrong metric, model, percentage or declaration says what is known; no model is an error, not a green table."""
    fork = fork_with(tmp_path, HARMLESS)
    assert_message(fork.script("bench", "throughput", "--metric", "tmie"), 2, "metric tmie", "did you mean time?")
    assert_message(fork.script("bench", "throughput", "--model", "smal"), 2, "model smal", "did you mean small?")
    assert_message(fork.script("bench", "throughput", "--effect", "much"), 2, "--effect much", "e.g. --effect 3")
    assert_message(fork.script("bench", "throughput", "gpu"), 2, "variant gpu", "did you mean cpu?")
    declaration = fork.root / "fork.toml"
    text = declaration.read_text()
    declaration.write_text(text.replace("[[bench.model]]", "[[bench.modle]]"))
    assert_message(fork.script(*TIME), 2, "unknown field `bench.modle`", "did you mean `model`?")
    declaration.write_text(text.replace('"{output}"', '"out"'))
    assert_message(fork.script(*TIME), 2, "bench.model 'small' does not say where its command writes", "{output}")
    declaration.write_text(text + "prompt = 0\ngeneration = 0\n")
    assert_message(fork.script(*COUNTS), 2, "bench.instructions has prompt 0 and generation 0", "not both")
    declaration.write_text(text + "threshold = 5\n")
    assert_message(fork.script(*COUNTS), 2, "bench.instructions.threshold is 5", "such as 0.001")
    declaration.write_text(text[: text.rindex("[[bench.model]]")])
    assert_message(fork.script(*TIME), 2, "declares no [[bench.model]]", "add one")


def test_a_program_that_crashes_is_an_error_and_no_measurement(tmp_path: Path) -> None:
    """A fork that dies while it is measured says by which signal, and of which program."""
    ran = fork_with(tmp_path, CRASHING).script(*TIME)
    assert_message(ran, 3, "bench", "llama-bench", "SIGABRT")


def test_without_valgrind_what_to_install_is_said(tmp_path: Path) -> None:
    """Instructions that cannot be counted are an error where they were asked for."""
    fork, programs = fork_with(tmp_path, HARMLESS), tmp_path / "programs"
    programs.mkdir()
    for folder in (str(BIN), *os.environ["PATH"].split(os.pathsep)):
        for program in Path(folder).iterdir() if Path(folder).is_dir() else ():
            if program.name != "valgrind" and not (programs / program.name).is_symlink():
                (programs / program.name).symlink_to(program)
    assert_message(fork.script(*COUNTS, PATH=str(programs)), 3, "valgrind: not found on PATH", "apt install valgrind")
