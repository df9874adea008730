r"""Reads what ggml's `test-backend-ops test -b DEVICE -p FILTER` prints, and judges it.

The text, as its `console_printer` writes it (the same from mid-2025 on; OK and FAIL are coloured):

    Backend 1/1: CPU
      Device description: ...

      CPY(type_src=bf16,type_dst=iq2_xxs,ne_src=[256,4,4,4]): not supported [CPU]
      MUL_MAT(type_a=bf16,type_b=f32,m=16,n=1,k=256): OK
    [MUL_MAT] ERR = 0.93 > 0.0005   MUL_MAT(type_a=bf16,type_b=f32,m=16,n=2,k=256): FAIL
      1/2 tests passed

    Failing tests:
      MUL_MAT(type_a=bf16,type_b=f32,m=16,n=2,k=256)
      Backend CPU: FAIL
    0/1 backends passed
    FAIL

A device that was not asked for is followed by `  Skipping`, and counts as passed: on a machine without the asked
device the program therefore runs nothing, prints OK and exits 0. Its own last word is never believed here.

What a pass proves: the device agrees with the CPU backend in its reference mode. On the CPU itself that is nearly the
same code, so a fault that both share cancels out: with the first element left out of `ggml_vec_dot_bf16` every BF16
MUL_MAT case still passes. Only what the reference mode turns off (fusion, tiled flash attention) is held against
something. A CPU build therefore needs checks that bring their own expected numbers.
"""

import re
from collections import Counter
from dataclasses import dataclass
from enum import Enum, auto
from itertools import zip_longest

from forkkeeper.core.exitstatus import describe
from forkkeeper.core.failures import Ended, Result

COLOUR = re.compile(r"\x1b\[[0-9;]*m")
DEVICE = re.compile(r"Backend \d+/\d+: (?P<name>.+)")
SKIPPED = re.compile(r"  Skipping\b.*")
SUMMARY = re.compile(r"  (?P<passed>\d{1,9})/(?P<run>\d{1,9}) tests passed")
# What went wrong stands on the same line, before the case or (older programs) between the case and FAIL.
# So a case is read from its line's end: its result, the last `): ` before that, the last name with a `(` before that.
OPERATION = re.compile(r"(?:(?<= )|^) {2}(?P<op>\w+)\(")
COMPLAINT = re.compile(r"ASSERT|abort|error|fail", re.IGNORECASE)
FAILING_HEAD = "Failing tests:"
FAILING = re.compile(r"  (?P<op>\w+)\((?P<parameters>.*)\)")


class OpsResult(Enum):
    """How one case ended; the values are the words of a report."""

    OK = "OK"
    FAIL = "FAIL"
    NOT_SUPPORTED = "not supported"


@dataclass(frozen=True, slots=True)
class OpsCase:
    """One operation with one set of parameters, e.g. MUL_MAT and "type_a=bf16,m=16"."""

    op: str
    parameters: str
    result: OpsResult

    def __str__(self) -> str:
        return f"{self.op}({self.parameters})"


@dataclass(frozen=True, slots=True)
class OpsReport:
    """All that one run said.

    asked -- the device that was asked for, e.g. "CPU"
    tested, skipped -- the devices that the program says it tested, and skipped
    cases -- in the order printed
    claimed -- (passed, run): the program's own count, None when it did not get so far
    exit_status -- of the program; negative: the signal that ended it
    complaint -- the line of its standard error that best says what went wrong, "" for none
    """

    asked: str
    tested: tuple[str, ...]
    skipped: tuple[str, ...]
    cases: tuple[OpsCase, ...]
    claimed: tuple[int, int] | None
    exit_status: int
    complaint: str

    @property
    def tested_asked(self) -> bool:
        """Whether the program says that it tested the asked device."""
        return self.asked in self.tested

    @property
    def counts(self) -> dict[OpsResult, int]:
        """Number of cases for every result, 0 included."""
        found = Counter(case.result for case in self.cases)
        return {result: found[result] for result in OpsResult}

    @property
    def failures(self) -> tuple[OpsCase, ...]:
        """The cases that failed."""
        return tuple(case for case in self.cases if case.result is OpsResult.FAIL)


class OpsAnswer(Enum):
    """What a run proves; only PASSED is green."""

    PASSED = auto()
    FAILED = auto()  # at least one case failed
    NO_DEVICE = auto()  # the asked device is not on this machine, or not in this build
    NOTHING_RAN = auto()  # no case matched the filter, or the device supports none of them
    CUT_SHORT = auto()  # crashed, or ended before its own summary
    MISREAD = auto()  # its own count and the cases read here differ: the output's form has changed


@dataclass(frozen=True, slots=True)
class OpsVerdict:
    """The answer, and one line that says why."""

    answer: OpsAnswer
    because: str

    @property
    def passed(self) -> bool:
        """Whether the run is green."""
        return self.answer is OpsAnswer.PASSED


def parse(out: str, err: str, *, asked: str, exit_status: int) -> OpsReport:
    """Read the program's standard output and error; lines of an unknown form are left out.

    asked -- the device given with `-b`
    exit_status -- of the program; negative: the signal that ended it
    """
    lines = COLOUR.sub("", out).splitlines()
    devices = _devices(lines)
    summary = [match for line in lines if (match := SUMMARY.fullmatch(line))]
    return OpsReport(
        asked=asked,
        tested=tuple(name for name, skipped in devices if not skipped),
        skipped=tuple(name for name, skipped in devices if skipped),
        cases=_cases(lines),
        claimed=(int(summary[-1]["passed"]), int(summary[-1]["run"])) if summary else None,
        exit_status=exit_status,
        complaint=_complaint(err.splitlines()),
    )


def judge(report: OpsReport) -> OpsVerdict:
    """Decide whether the run is green: a case ran OK, none failed, and the program ended well after its summary."""
    counts = report.counts
    ran = counts[OpsResult.OK] + counts[OpsResult.FAIL]
    cases = (  # the first that holds is the answer
        (_cut_short(report), OpsAnswer.CUT_SHORT),
        (counts[OpsResult.FAIL] > 0, OpsAnswer.FAILED),
        (not report.tested_asked, OpsAnswer.NO_DEVICE),
        (report.claimed != (counts[OpsResult.OK], ran), OpsAnswer.MISREAD),
        (ran == 0, OpsAnswer.NOTHING_RAN),
        (report.exit_status != 0, OpsAnswer.FAILED),
    )
    answer = next((answer for holds, answer in cases if holds), OpsAnswer.PASSED)
    return OpsVerdict(answer, _because(answer, report, ran))


_ENDED = {OpsResult.OK: Ended.PASSED, OpsResult.FAIL: Ended.FAILED, OpsResult.NOT_SUPPORTED: Ended.LEFT_OUT}


def results(report: OpsReport) -> dict[str, Result]:
    """Give how each case ended, by its name; one that stands there several times is numbered from the second on."""
    found: dict[str, Result] = {}
    seen: Counter[str] = Counter()
    for case in report.cases:
        seen[str(case)] += 1
        name = str(case) if seen[str(case)] == 1 else f"{case} ({seen[str(case)]})"
        why = "" if case.result is OpsResult.OK else case.result.value
        found[name] = Result(_ENDED[case.result], why)
    return found


def _because(answer: OpsAnswer, report: OpsReport, ran: int) -> str:  # noqa: PLR0911 -- one for each answer
    ended = describe(report.exit_status)
    match answer:
        case OpsAnswer.PASSED:
            return f"{_count(ran)} passed on {report.asked}"
        case OpsAnswer.FAILED if report.failures:
            return f"{len(report.failures)} of {_count(ran)} failed on {report.asked}, first {report.failures[0]}"
        case OpsAnswer.FAILED:
            return f"all {_count(ran)} passed on {report.asked}, yet {ended}"
        case OpsAnswer.NO_DEVICE:
            there = ", ".join(report.tested + report.skipped)
            return f"no device {report.asked} here (devices: {there}); nothing was tested"
        case OpsAnswer.NOTHING_RAN:
            return f"no case ran on {report.asked} ({report.counts[OpsResult.NOT_SUPPORTED]} not supported)"
        case OpsAnswer.CUT_SHORT:
            last = report.cases[-1] if report.cases else "none"
            said = f"; it said: {report.complaint}" if report.complaint else ""
            return f"{ended} after {_count(ran)}, before its summary; the last one finished: {last}{said}"
        case OpsAnswer.MISREAD:
            return f"the program counts {report.claimed} (passed, run), but {_count(ran)} could be read"


def _count(number: int) -> str:
    return f"{number} case{'' if number == 1 else 's'}"


def _cut_short(report: OpsReport) -> bool:
    """Whether the program crashed, named no device at all, or never came to the asked one's summary."""
    silent = not report.tested and not report.skipped
    return report.exit_status < 0 or silent or (report.tested_asked and report.claimed is None)


def _complaint(lines: list[str]) -> str:
    """Give the first line that sounds like an error (a stack trace may follow it), else the last one."""
    said = [line.strip() for line in lines if line.strip()]
    return next((line for line in said if COMPLAINT.search(line)), said[-1] if said else "")


def _devices(lines: list[str]) -> list[tuple[str, bool]]:
    """Give every device named, and whether the line after it says that it was skipped."""
    pairs = zip_longest(lines, lines[1:], fillvalue="")
    return [
        (match["name"].strip(), SKIPPED.fullmatch(after) is not None)
        for line, after in pairs
        if (match := DEVICE.fullmatch(line))
    ]


def _cases(lines: list[str]) -> tuple[OpsCase, ...]:
    """Give the cases; one that could not even start is only in the list of failing tests."""
    shown = [case for line in lines if (case := _case(line))]
    known = {case for case in shown if case.result is OpsResult.FAIL}
    return (*shown, *(case for case in _listed_as_failing(lines) if case not in known))


def _case(line: str) -> OpsCase | None:
    """Read a line; None for one that is not about a case. Takes a time that grows with the line's length alone."""
    rest, word = _ended(line.removesuffix(" "))
    head, end, _ = rest.rpartition("): ")
    ops = list(OPERATION.finditer(head)) if end else []
    if word is None or not ops:
        return None
    return OpsCase(ops[-1]["op"], head[ops[-1].end() :], word)


def _ended(line: str) -> tuple[str, OpsResult | None]:
    """Take the result off a line's end; what is left ends with the blank before it."""
    for word in (OpsResult.OK, OpsResult.FAIL):
        if line.endswith(f" {word.value}"):
            return line.removesuffix(word.value), word
    before, found, _ = line.rpartition(" not supported [") if line.endswith("]") else ("", "", "")
    return f"{before} ", OpsResult.NOT_SUPPORTED if found else None


def _listed_as_failing(lines: list[str]) -> list[OpsCase]:
    """Give the cases between `Failing tests:` and the first line of another form."""
    listed = []
    for line in lines[lines.index(FAILING_HEAD) + 1 :] if FAILING_HEAD in lines else []:
        match = FAILING.fullmatch(line)
        if match is None:
            break
        listed.append(OpsCase(match["op"], match["parameters"], OpsResult.FAIL))
    return listed
