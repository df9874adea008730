"""What llama-bench and callgrind print, as they print it."""

import pytest

from forkkeeper.core.benchreport import instructions, parse
from forkkeeper.errors import OutsideError

PROMPT = (
    '{"build_commit": "f449e055", "cpu_info": "AMD EPYC", "backends": "CPU", "n_prompt": 64, "n_gen": 0, "n_depth": 0, '
    '"avg_ns": 73213142, "samples_ns": [ 78545593, 68561517, 72532318 ],"samples_ts": [ 814.813, 933.468, 882.365 ]}'
)
GENERATION = PROMPT.replace('"n_prompt": 64, "n_gen": 0', '"n_prompt": 0, "n_gen": 16')
COUNTED = "==7== Callgrind, a call-graph generating cache profiler\n==7== \n==7== Collected : 144296182\n==7== \n"


def test_each_line_is_a_test() -> None:
    """A prompt and a generation, with their tokens and every repetition; the fastest is the process's time."""
    prompt, generation = parse(f"warming up\n{PROMPT}\n{GENERATION}\n", program="llama-bench")
    assert (prompt.test, prompt.tokens, prompt.seconds) == ("prompt 64", 64, 0.068561517)
    assert (generation.test, generation.tokens) == ("generation 16", 16)


@pytest.mark.parametrize(
    "said",
    ["", "no JSON\n", '{"n_prompt": 1}\n', "{broken\n", PROMPT.replace("[ 78545593, 68561517, 72532318 ]", "[]")],
)
def test_nothing_measured_is_an_error(said: str) -> None:
    """Output without a time is an error that names the program: it never counts as a measurement."""
    with pytest.raises(OutsideError, match="llama-bench"):
        parse(said, program="llama-bench")


def test_instructions_of_every_thread_count() -> None:
    """Callgrind prints a total for each thread that it saw; they add up."""
    assert instructions(COUNTED, within="llama_decode") == 144_296_182
    assert instructions(COUNTED + COUNTED, within="") == 2 * 144_296_182


@pytest.mark.parametrize("said", ["", COUNTED.replace("144296182", "0")])
def test_no_instruction_is_an_error(said: str) -> None:
    """A function that is never entered counts nothing, which is an error and not a fast program."""
    with pytest.raises(OutsideError, match="llama_decode"):
        instructions(said, within="llama_decode")
