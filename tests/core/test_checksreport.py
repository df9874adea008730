"""Reading and judging pytest's JUnit report."""

from forkkeeper.core.checksreport import ChecksAnswer, Crashed, judge, parse

MIXED = """<?xml version="1.0" encoding="utf-8"?><testsuites><testsuite name="pytest" tests="4">
<testcase classname="checks.test_a" name="test_fine" time="0.1" />
<testcase classname="checks.test_a" name="test_wrong"><failure message="assert 0">trace</failure></testcase>
<testcase classname="checks.test_a" name="test_setup"><error message="boom">trace</error></testcase>
<testcase classname="checks.test_b" name="test_later"><skipped type="pytest.skip" message="no" /></testcase>
</testsuite></testsuites>"""
CRASHES = """<testsuites><testsuite>
<testcase classname="m" name="t1"><properties><property name="signal" value="SIGSEGV" /></properties>
<failure message="ended by SIGSEGV" /></testcase>
<testcase classname="m" name="t2"><properties><property name="signal" value="SIGABRT" /></properties>
<error message="ended by SIGABRT" /></testcase>
<testcase classname="m" name="t3"><properties><property name="other" value="1" /></properties>
<failure message="assert 0" /></testcase>
<testcase classname="m" name="t4"><properties><property name="signal" value="SIGABRT" /></properties></testcase>
</testsuite></testsuites>"""
SKIPPED = """<testsuites><testsuite><testcase classname="a" name="t"><skipped /></testcase></testsuite></testsuites>"""
FINE = """<testsuites><testsuite><testcase classname="a" name="t" /></testsuite></testsuites>"""


def test_counts_each_kind() -> None:
    """A failure and an error in the setup both count as failed, and are named; which were errors is known."""
    result = parse(MIXED, exit_status=1)
    assert (result.passed, result.skipped, result.ran) == (1, 1, 3)
    assert result.failed == ("checks.test_a::test_wrong", "checks.test_a::test_setup")
    assert result.errors == ("checks.test_a::test_setup",)
    assert judge(result).because == "2 of 3 tests failed, first checks.test_a::test_wrong"


def test_a_failed_test_in_which_a_program_crashed_is_told_from_others() -> None:
    """Only failed tests count, in their setup too, and the last one is named with its signal."""
    result = parse(CRASHES, exit_status=1)
    assert (result.passed, result.failed) == (1, ("m::t1", "m::t2", "m::t3"))
    assert result.crashed == (Crashed("m::t1", "SIGSEGV"), Crashed("m::t2", "SIGABRT"))
    said = "3 of 4 tests failed, first m::t1; in 2 a program crashed, last in m::t2 by SIGABRT"
    assert judge(result).because == said


def test_a_passing_run_is_green() -> None:
    """One test that ran and passed is enough."""
    assert judge(parse(FINE, exit_status=0)).passed


def test_only_skipped_tests_are_not_green() -> None:
    """Pytest exits 0 when all is skipped; nothing ran, so nothing is proved."""
    assert judge(parse(SKIPPED, exit_status=0)).answer is ChecksAnswer.NOTHING_RAN


def test_a_bad_end_is_not_green() -> None:
    """A run that was interrupted after passing tests has not passed."""
    verdict = judge(parse(FINE, exit_status=2))
    assert verdict.answer is ChecksAnswer.FAILED
    assert "interrupted" in verdict.because


def test_a_truncated_report_counts_as_no_test() -> None:
    """Half a file is what a full disk leaves: no test ran, and the status says the rest."""
    verdict = judge(parse(MIXED[:200], exit_status=3))
    assert verdict.answer is ChecksAnswer.NOTHING_RAN
    assert "an error inside pytest" in verdict.because
