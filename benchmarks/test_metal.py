"""What the emulated Metal device costs: a switch between two threads of a kernel, and each family of operations.

The families are those of upstream's test program, of the fork's own build: `forkkeeper build metal` on a machine that
is no Mac comes first. Each is one process, compared with the CPU as in `forkkeeper check ops metal`: the CPU's part and
the start-up are in its time. All of them take half an hour; `--families CPY,MUL_MAT` takes fewer. Results are asserted,
times are not.
"""

import os
import re
import subprocess
from pathlib import Path

import pytest
from emulating import Given, Machine, build, ints
from pytest_benchmark.fixture import BenchmarkFixture

ROOT = Path(__file__).parents[1]
BUILT = ROOT / ".forkkeeper/build/metal"
PROGRAM = BUILT / "build/bin/test-backend-ops"
LIBRARY = BUILT / "emulated/libggml-metal-emulated.so"
DEVICE = "MTL0"
ROUNDS = 1_000_000
PASSED = re.compile(r"^\s*(\d+)/(\d+) tests passed$", re.MULTILINE)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Ask the program which families it has, where it is built."""
    if "family" in metafunc.fixturenames:
        chosen = metafunc.config.getoption("--families")
        metafunc.parametrize("family", chosen.split(",") if chosen else families())


def families() -> list[str]:
    """Give the names of the program's families; one that stands for all where nothing is built."""
    if not PROGRAM.exists():
        return ["all"]
    said = subprocess.run([str(PROGRAM), "--list-ops"], capture_output=True, text=True, check=True).stdout
    return re.findall(r"^  (\w+)$", said, re.MULTILINE)


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """Compile the kernels of the tests, and the machine."""
    return build(tmp_path_factory.mktemp("machine"))


@pytest.mark.parametrize("kernel", ["work", "take_turns"])
def test_switch(benchmark: BenchmarkFixture, machine: Machine, kernel: str) -> None:
    """Two lanes do the same work, once each for itself and once in turns: two switches a round."""
    given = Given([8], (2, 1, 1), values={1: ints([ROUNDS])})
    ran = benchmark.pedantic(machine.run, (kernel, given), rounds=5)  # type: ignore[no-untyped-call]
    benchmark.extra_info["rounds"] = ROUNDS
    expected = [0, 1]
    for turn in range(ROUNDS):
        expected = [(sum_ * 3 + turn) & 0xFFFFFFFF for sum_ in expected]
    assert [each & 0xFFFFFFFF for each in ran.ints()] == expected


@pytest.fixture(scope="module")
def built() -> None:
    """Say what is to be built first, where it is not."""
    for path in (PROGRAM, LIBRARY):
        if not path.exists():
            pytest.fail(f"{path.relative_to(ROOT)} is not there: `forkkeeper build metal` makes it, on no Mac")


@pytest.mark.usefixtures("built")
def test_family(benchmark: BenchmarkFixture, family: str) -> None:
    """All cases of one family on the emulated device: each that the device supports agrees with the CPU."""
    argv = [str(PROGRAM), "test", "-b", DEVICE, "-o", family]
    env = {**os.environ, "GGML_BACKEND_PATH": str(LIBRARY)}

    def once() -> subprocess.CompletedProcess[str]:
        return subprocess.run(argv, env=env, capture_output=True, text=True, check=False)

    ran = benchmark.pedantic(once, rounds=1)  # type: ignore[no-untyped-call]
    counted = PASSED.search(ran.stdout)
    assert counted, (ran.stdout + ran.stderr)[-2000:]
    assert (ran.returncode, counted[1]) == (0, counted[2]), (ran.stdout + ran.stderr)[-2000:]
    benchmark.extra_info["cases"] = int(counted[2])
