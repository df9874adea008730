"""Running the operation tests and the fork's checks, with real programs and a real pytest."""

from pathlib import Path

import pytest

from forkkeeper.core import checksreport, opsreport
from forkkeeper.core.checksreport import ChecksAnswer
from forkkeeper.core.opsreport import OpsAnswer
from forkkeeper.errors import OutsideError, RequestError
from forkkeeper.stages import check

CONFTEST = """
import pytest

def pytest_addoption(parser):
    parser.addoption("--source")
    parser.addoption("--build")

@pytest.fixture
def folders(request):
    return request.config.getoption("--source"), request.config.getoption("--build")
"""
FAKE_OPS = """#!/bin/sh
echo "$@" > "$0.argv"
printf 'Testing 1 devices\\n\\nBackend 1/1: CPU\\n  Device description: x\\n\\n'
printf '  ADD(type=bf16,ne=[1,1]): \\033[1;32mOK\\033[0m\\n'
"""


@pytest.fixture
def ops_build(tmp_path: Path) -> Path:
    """Give a build folder whose operation tests start well; a test appends how they go on."""
    (tmp_path / "bin").mkdir()
    program = tmp_path / check.OPS_PROGRAM
    program.write_text(FAKE_OPS)
    program.chmod(0o755)
    return tmp_path


@pytest.fixture
def checks(tmp_path: Path) -> Path:
    """Give a folder of checks that has its options but no test yet."""
    folder = tmp_path / "checks"
    folder.mkdir()
    (folder / "conftest.py").write_text(CONFTEST)
    (folder / "pytest.ini").write_text("[pytest]\n")
    return folder


def run(checks: Path) -> checksreport.ChecksResult:
    """Run the folder of checks with recognisable folders."""
    return check.run_checks([checks], source=Path("/the/source"), build=Path("/the/build"))


def test_ops_asks_for_the_device_and_the_pattern(ops_build: Path) -> None:
    """The device is always named: without `-b` the program leaves the CPU out."""
    with (ops_build / check.OPS_PROGRAM).open("a") as program:
        program.write("echo '  1/1 tests passed'\n")
    report = check.run_ops(ops_build, "CPU", "bf16")
    assert opsreport.judge(report).passed
    assert (ops_build / "bin/test-backend-ops.argv").read_text().split() == ["test", "-b", "CPU", "-p", "bf16"]


def test_ops_that_crash_name_the_signal(ops_build: Path) -> None:
    """A program that kills itself half way is cut short by SIGSEGV, not passed by its one good case."""
    with (ops_build / check.OPS_PROGRAM).open("a") as program:
        program.write("kill -SEGV $$\n")
    verdict = opsreport.judge(check.run_ops(ops_build, "CPU", "bf16"))
    assert verdict.answer is OpsAnswer.CUT_SHORT
    assert "SIGSEGV" in verdict.because


def test_ops_that_were_not_built_are_a_wrong_request(tmp_path: Path) -> None:
    """A variant whose targets leave the program out says which target to add."""
    with pytest.raises(RequestError, match=r"test-backend-ops.*not built\n.*targets"):
        check.run_ops(tmp_path, "CPU", "bf16")


def test_ops_that_cannot_start_are_an_outside_failure(ops_build: Path) -> None:
    """A file that the system refuses to run is reported with the system's reason."""
    (ops_build / check.OPS_PROGRAM).chmod(0o644)
    with pytest.raises(OutsideError, match="Permission denied"):
        check.run_ops(ops_build, "CPU", "bf16")


def test_checks_are_given_source_and_build(checks: Path) -> None:
    """A check sees both folders, and its pass is counted."""
    (checks / "test_it.py").write_text("def test_it(folders):\n    assert folders == ('/the/source', '/the/build')\n")
    result = run(checks)
    assert (result.passed, result.skipped, result.failed) == (1, 0, ())
    assert checksreport.judge(result).passed


def test_a_failing_check_is_named(checks: Path) -> None:
    """One of two checks fails: the answer is no, with its name."""
    (checks / "test_it.py").write_text("def test_a():\n    pass\n\ndef test_b():\n    assert 1 + 1 == 3\n")
    verdict = checksreport.judge(run(checks))
    assert verdict.answer is ChecksAnswer.FAILED
    assert verdict.because == "1 of 2 tests failed, first test_it::test_b"


def test_no_check_at_all_is_a_failure(checks: Path) -> None:
    """An empty suite proves nothing."""
    verdict = checksreport.judge(run(checks))
    assert verdict.answer is ChecksAnswer.NOTHING_RAN
    assert "no test was collected" in verdict.because


def test_a_crash_is_a_failure_with_its_signal(checks: Path) -> None:
    """A check that takes the whole process down hides those after it: never green."""
    (checks / "test_it.py").write_text("import os\n\ndef test_a():\n    os.kill(os.getpid(), 9)\n")
    verdict = checksreport.judge(run(checks))
    assert verdict.answer is ChecksAnswer.CRASHED
    assert "SIGKILL" in verdict.because


def test_an_option_from_outside_cannot_hide_a_check(checks: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """PYTEST_ADDOPTS in somebody's shell would deselect the failing check; it does not reach the run."""
    (checks / "test_it.py").write_text("def test_a():\n    pass\n\ndef test_b():\n    assert 1 + 1 == 3\n")
    monkeypatch.setenv("PYTEST_ADDOPTS", "-k test_a")
    assert run(checks).ran == 2


def test_a_missing_path_is_a_wrong_request(tmp_path: Path) -> None:
    """A misspelt path is said before pytest starts."""
    with pytest.raises(RequestError, match="no such check"):
        check.run_checks([tmp_path / "chekcs"], source=tmp_path, build=tmp_path)
