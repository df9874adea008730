"""CTest's list and report, read from what a real CTest wrote of llama.cpp's tests at f449e055 (shortened)."""

from pathlib import PurePath

import pytest

from forkkeeper.core import ctestreport
from forkkeeper.core.failures import Ended

LIST = """{"backtraceGraph": {"commands": ["add_test", "llama_test", "llama_test_cmd"],
 "files": ["/fork/src/tests/CMakeLists.txt", "/fork/src/cmake/own.cmake"],
 "nodes": [{"file": 0}, {"command": 1, "file": 0, "line": 122, "parent": 0},
  {"command": 0, "file": 1, "line": 40, "parent": 1}]},
 "kind": "ctestInfo",
 "tests": [
  {"backtrace": 2, "name": "test-tokenizer-0-bert-bge", "properties": [{"name": "LABELS", "value": ["main"]}]},
  {"backtrace": 2, "command": ["/fork/build/bin/test-alloc"], "name": "test-alloc", "properties": []}],
 "version": {"major": 1, "minor": 0}}"""
JUNIT = """<?xml version="1.0" encoding="UTF-8"?>
<testsuite name="Linux-c++" tests="4" failures="1" disabled="0" skipped="2" hostname="vm" time="148">
\t<testcase name="test-alloc" classname="test-alloc" time="0.0105" status="run">
\t\t<system-out>ok
</system-out>
\t</testcase>
\t<testcase name="test-chat" classname="test-chat" time="0" status="notrun">
\t\t<skipped message="Unable to find executable"/>
\t\t<system-out>Unable to find executable: /fork/build/bin/test-chat</system-out>
\t</testcase>
\t<testcase name="test-thread-safety" classname="test-thread-safety" time="0" status="notrun">
\t\t<skipped message="Fixture dependency failed"/>
\t\t<system-out>Failed test dependencies: test-download-model</system-out>
\t</testcase>
\t<testcase name="test-download-model" classname="test-download-model" time="0.0642541" status="fail">
\t\t<failure message=""/>
\t\t<system-out>      actual hash: [e3b0]
             [NON-XML-CHAR-0x1B][1;33mstatus[NON-XML-CHAR-0x1B][m: [7;"Couldn't connect to server"]

[This part of the test output was removed since it exceeds the threshold of 1024 bytes.]
</system-out>
\t</testcase>
</testsuite>
"""


def test_the_list_names_tests_and_the_folders_that_add_them() -> None:
    """A test that is not built is listed, too; the folder is where the chain of calls began."""
    found = ctestreport.listing(LIST)
    assert found.names == ("test-tokenizer-0-bert-bge", "test-alloc")
    assert found.folders == (PurePath("/fork/src/tests"),)
    assert found.programs == (PurePath("/fork/build/bin/test-alloc"),)


@pytest.mark.parametrize("text", ["", "{}", '{"backtraceGraph": {}, "tests": []}', '{"tests": [{"name": 1}]}'])
def test_what_is_no_list_is_said(text: str) -> None:
    """An older or broken CTest never passes for one without tests."""
    with pytest.raises(ValueError, match="is no list of tests"):
        ctestreport.listing(text)


def test_the_report_says_how_each_ended_and_why() -> None:
    """What is not built, and what waits for something else, is left out; a failure has its last line."""
    found = ctestreport.results(JUNIT)
    assert {name: (one.ended, one.why) for name, one in found.items()} == {
        "test-alloc": (Ended.PASSED, ""),
        "test-chat": (Ended.LEFT_OUT, "is not built here"),
        "test-thread-safety": (Ended.LEFT_OUT, "fixture dependency failed"),
        "test-download-model": (Ended.FAILED, 'after 0.1 s: status: [7;"Couldn\'t connect to server"]'),
    }


@pytest.mark.parametrize("text", ["", "<testsuite><testcase"])
def test_a_broken_report_is_no_test_at_all(text: str) -> None:
    """CTest ended before it wrote all of it."""
    assert ctestreport.results(text) == {}
