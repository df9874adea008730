"""Reads what CTest says: which tests there are (`--show-only=json-v1`), and how they ended (`--output-junit`).

The list has `tests`, each with its `name`; `backtraceGraph` says in which file each was added: in a folder's own
CMakeLists.txt at the end of the chain of parents. A test whose program is not built has no command in it.

The report is one `testsuite` with a `testcase` for each test: `status` is `run` (passed), `fail` (with the output in
`system-out`) or `notrun` (with a `skipped` that says why: its program was not built, a test that it needs failed) or
`disabled`. CTest cuts the output of a test off after some of it, so it is never read for a verdict.
"""

import re
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any
from xml.etree import ElementTree as ET

import msgspec

from forkkeeper.core import reading
from forkkeeper.core.failures import Ended, Result

LISTS = "CMakeLists.txt"
NOT_BUILT = "Unable to find executable"  # CTest's words, shown as ours
COLOUR = re.compile(r"\[NON-XML-CHAR-0x1B\]\[[0-9;]*m")  # how CTest writes what XML cannot hold
MOST_SHOWN = 120  # characters of a test's last line


@dataclass(frozen=True, slots=True)
class Listing:
    """The tests of a build.

    names -- in order
    folders -- those whose CMakeLists.txt add them
    programs -- what the tests start, as far as it is there: programs of the build, but shells and interpreters, too
    """

    names: tuple[str, ...]
    folders: tuple[PurePath, ...]
    programs: tuple[PurePath, ...] = ()


def listing(text: str) -> Listing:
    """Read the list of tests. Raises ValueError when it is none."""
    try:
        told: Any = reading.json(text.encode())
        graph, tests = told["backtraceGraph"], told["tests"]
        files = [PurePath(path) for path in graph["files"]]
        known: dict[int, int] = {}
        ends = [_end(graph["nodes"], test["backtrace"], known) for test in tests if "backtrace" in test]
        folders = dict.fromkeys(files[end].parent for end in ends if files[end].name == LISTS)
        names = msgspec.convert([test["name"] for test in tests], tuple[str, ...])
        programs = dict.fromkeys(PurePath(test["command"][0]) for test in tests if test.get("command"))
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise ValueError(f"is no list of tests: {error!r}") from error
    return Listing(names, tuple(folders), tuple(programs))


def _end(nodes: list[dict[str, int]], node: int, known: dict[int, int]) -> int:
    """Follow a chain of callers to its end, and give the file that stands there. Raises ValueError for a ring.

    known -- the ends of nodes that were followed before, to which these are added: tests share their callers
    """
    chain: dict[int, None] = {}
    while node not in known and "parent" in nodes[node]:
        if node in chain:
            raise ValueError("a chain of callers has no end")
        chain[node] = None
        node = nodes[node]["parent"]
    known.setdefault(node, nodes[node]["file"])
    known |= dict.fromkeys(chain, known[node])
    return known[node]


def results(junit: str) -> dict[str, Result]:
    """Read how each test ended; an empty or broken text is no test at all."""
    try:
        cases = list(ET.fromstring(junit).iter("testcase"))  # noqa: S314 -- our own CTest wrote it a moment ago
    except ET.ParseError:
        return {}
    return {case.get("name", ""): _result(case) for case in cases}


def _result(case: ET.Element) -> Result:
    skipped = case.find("skipped")
    match case.get("status"):
        case "run":
            return Result(Ended.PASSED)
        case "notrun" | "disabled":
            why = skipped.get("message", "") if skipped is not None else "disabled"
            return Result(Ended.LEFT_OUT, "is not built here" if why.startswith(NOT_BUILT) else why.lower())
        case _:
            return Result(Ended.FAILED, _why(case))


def _seconds(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


def _why(case: ET.Element) -> str:
    """Say why a test failed: CTest's own word for it, else how long it ran and the last line that it wrote."""
    failure = case.find("failure")
    if failure is not None and (message := failure.get("message", "")):
        return message.lower()
    said = COLOUR.sub("", case.findtext("system-out") or "")
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    shown = [line for line in lines if not line.startswith("[This part of the test output was removed")]
    after = f"after {_seconds(case.get('time', '0')):.1f} s"
    return f"{after}: {shown[-1][:MOST_SHOWN]}" if shown else after
