"""Reading and judging test-backend-ops; the texts are what the program prints at v0.3.31's and v0.3.36's upstream."""

from hypothesis import given, strategies as st

from forkkeeper.core.opsreport import OpsAnswer, OpsCase, OpsReport, OpsResult, judge, parse

OK, FAIL = "\x1b[1;32mOK\x1b[0m", "\x1b[1;31mFAIL\x1b[0m"
HEAD = """Testing 1 devices

Backend 1/1: CPU
  Device description: AMD EPYC
  Device memory: 24105 MB (24105 MB free)

"""
CPY = "CPY(type_src=bf16,type_dst=iq2_xxs,ne_src=[256,4,4,4],permute_src=[0,0,0,0],permute_dst=[0,0,0,0])"
MUL = "MUL_MAT(type_a=bf16,type_b=f32,m=16,n=1,k=256,bs=[1,1],nr=[1,1],per=[0,1,2,3],k_v=0,o=1)"
ADD = "ADD(type=bf16,ne=[10,5,4,3],nr=[1,1,1,1],nf=1,perm1=0,src_overlap=0)"

OLDER = f"{HEAD}  {CPY}: not supported [CPU] \n  {MUL}: {OK}\n  1/1 tests passed\n"
OLDER += f"  Backend CPU: {OK}\n1/1 backends passed\n{OK}\n"
NEWER = f"{HEAD}  {CPY}: not supported [CPU, CPU] \n  {MUL}: {OK}\n  {ADD}: {OK}\n  2/2 tests passed\n"
NEWER += f"  Backend CPU: {OK}\n1/1 backends passed\n{OK}\n"
WRONG = f"{HEAD}  {ADD}: {OK}\n[MUL_MAT] ERR = 0.998116447 > 0.000500000   {MUL}: {FAIL}\n  1/2 tests passed\n"
WRONG += f"\nFailing tests:\n  {MUL}\n  Backend CPU: {FAIL}\n0/1 backends passed\n{FAIL}\n"
NO_DEVICE = f"Testing 1 devices\n\nBackend 1/1: CPU\n  Skipping\n1/1 backends passed\n{OK}\n"
NO_MATCH = f"{HEAD}  0/0 tests passed\n  Backend CPU: {OK}\n1/1 backends passed\n{OK}\n"


def cpu(text: str, exit_status: int = 0) -> OpsReport:
    """Parse what a run with `-b CPU` printed."""
    return parse(text, "", asked="CPU", exit_status=exit_status)


def test_reads_both_pins() -> None:
    """The list of backends in `not supported [...]` grew between the pins; both forms are read."""
    for text, passed in ((OLDER, 1), (NEWER, 2)):
        report = cpu(text)
        assert {OpsResult.OK: passed, OpsResult.FAIL: 0, OpsResult.NOT_SUPPORTED: 1} == report.counts
        assert (passed, passed) == report.claimed
        assert judge(report).passed


def test_reads_every_part_of_a_case() -> None:
    """A case has its operation, its parameters as printed and its result; together they are its printed name."""
    case = cpu(OLDER).cases[1]
    assert (case.op, case.result) == ("MUL_MAT", OpsResult.OK)
    assert str(case) == MUL


def test_a_failing_case_is_named() -> None:
    """What went wrong stands before the case on its line; the case is read all the same, and once."""
    report = cpu(WRONG, exit_status=1)
    assert [str(case) for case in report.failures] == [MUL]
    assert len(report.cases) == 2
    verdict = judge(report)
    assert verdict.answer is OpsAnswer.FAILED
    assert f"1 of 2 cases failed on CPU, first {MUL}" == verdict.because


def test_a_failure_with_nan_is_read() -> None:
    """A diagnosis in brackets and parentheses does not hide the case behind it."""
    line = f"[ADD] NaN at index 5 (CPU=nan CPU=0.125000)   {ADD}: {FAIL}\n"
    assert [str(case) for case in cpu(HEAD + line, exit_status=1).failures] == [ADD]


def test_a_case_that_could_not_start_is_a_failure() -> None:
    """When memory lacks the program prints no line for the case, only its list of failing tests."""
    text = f"{HEAD}failed to allocate tensors [CPU]   {ADD}: {OK}\n  1/2 tests passed\n\nFailing tests:\n  {MUL}\n"
    report = cpu(text + f"  Backend CPU: {FAIL}\n0/1 backends passed\n{FAIL}\n", exit_status=1)
    assert (OpsCase("MUL_MAT", MUL[len("MUL_MAT(") : -1], OpsResult.FAIL),) == report.failures
    assert judge(report).answer is OpsAnswer.FAILED


def test_an_absent_device_is_not_green() -> None:
    """Asked for a device that is not there, the program prints OK and exits 0; here that is no pass."""
    report = parse(NO_DEVICE, "", asked="CUDA0", exit_status=0)
    assert not report.tested_asked
    verdict = judge(report)
    assert verdict.answer is OpsAnswer.NO_DEVICE
    assert verdict.because == "no device CUDA0 here (devices: CPU); nothing was tested"


def test_no_matching_case_is_not_green() -> None:
    """0/0 tests passed, OK, exit 0: nothing was proved."""
    assert judge(cpu(NO_MATCH)).answer is OpsAnswer.NOTHING_RAN


def test_only_unsupported_cases_are_not_green() -> None:
    """A device that supports none of the cases proves nothing either."""
    verdict = judge(cpu(NO_MATCH.replace("  0/0", f"  {CPY}: not supported [CPU] \n  0/0")))
    assert verdict.answer is OpsAnswer.NOTHING_RAN
    assert "1 not supported" in verdict.because


def test_a_crash_names_the_signal_and_the_last_case() -> None:
    """The case under way is never printed, so the last finished one tells where to look."""
    verdict = judge(cpu(f"{HEAD}  {ADD}: {OK}\n", exit_status=-6))
    assert verdict.answer is OpsAnswer.CUT_SHORT
    assert verdict.because == f"crashed by SIGABRT after 1 case, before its summary; the last one finished: {ADD}"


def test_a_crash_gives_the_programs_own_words() -> None:
    """The assertion is shown, not the device's greeting before it nor the stack trace after it."""
    err = "cuda_init: found 1 device\nops.cpp:12: GGML_ASSERT(ne00 == ne01) failed\n[New LWP 12]\n#0 wait4 ()\n"
    verdict = judge(parse(HEAD, err, asked="CPU", exit_status=-6))
    assert verdict.because.endswith("; it said: ops.cpp:12: GGML_ASSERT(ne00 == ne01) failed")


def test_an_early_end_is_not_green() -> None:
    """A run without a summary did not finish, whatever its exit status."""
    assert judge(cpu(f"{HEAD}  {ADD}: {OK}\n")).answer is OpsAnswer.CUT_SHORT


def test_a_program_that_says_nothing_is_not_green() -> None:
    """A loader that lacks a library, or a usage message, is not "no device"."""
    verdict = judge(cpu("", exit_status=127))
    assert verdict.answer is OpsAnswer.CUT_SHORT
    assert "exit status 127" in verdict.because


def test_another_exit_status_is_not_green() -> None:
    """Checks outside the list of cases show in the exit status alone."""
    verdict = judge(cpu(NEWER, exit_status=1))
    assert verdict.answer is OpsAnswer.FAILED
    assert verdict.because == "all 2 cases passed on CPU, yet exit status 1"


def test_a_changed_output_is_not_green() -> None:
    """When the program counts more cases than were read, its output has a new form, and silence is no pass."""
    verdict = judge(cpu(NEWER.replace(f"  {ADD}: {OK}\n", f"  {ADD} -> {OK}\n")))
    assert verdict.answer is OpsAnswer.MISREAD


RESULTS = st.sampled_from(
    [(OK, OpsResult.OK), (FAIL, OpsResult.FAIL), ("not supported [CPU] ", OpsResult.NOT_SUPPORTED)]
)


@given(st.lists(RESULTS), st.integers(min_value=0, max_value=2))
def test_green_means_one_passed_none_failed_status_zero(results: list[tuple[str, OpsResult]], status: int) -> None:
    """For every mix of results and exit status, green is exactly: at least one OK, no FAIL, status 0."""
    cases = [result for _, result in results]
    ok, bad = cases.count(OpsResult.OK), cases.count(OpsResult.FAIL)
    text = HEAD + "".join(f"  {MUL}: {word}\n" for word, _ in results) + f"  {ok}/{ok + bad} tests passed\n"
    report = cpu(text, exit_status=status)
    assert cases == [case.result for case in report.cases]
    assert (ok > 0 and bad == 0 and status == 0) is judge(report).passed
