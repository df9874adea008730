"""What the replay makes of truth files, answers and verdicts: the parts that run no program."""

import json

import pytest
from benchmarks.replay import questions, table
from benchmarks.replay.answers import (
    Answer,
    Carried,
    Clashed,
    Failed,
    Gone,
    Verdict,
    judge,
    same_but_for_order,
)
from benchmarks.replay.questions import Question
from benchmarks.replay.table import Row
from benchmarks.replay.tools import of_plan

DIFF = b"diff --git a/x b/x\nindex 1..2 100644\n--- a/x\n+++ b/x\n"


def patch(name: str, commit: str | None, parent: str | None, after: str | None = None) -> dict[str, str | None]:
    """Give a patch as a truth file has it."""
    return {"name": name, "commit": commit, "parent": parent, "after": after, "outcome": "kept" if after else "dropped"}


def test_the_questions_follow_the_queue() -> None:
    """A kept patch is asked for between its parents; a dropped one where the queue stood; one with no commit is not."""
    before = [
        patch("one", "q1", "a", "eins"),
        patch("two", "q2", "q1"),
        patch("three", None, None, "drei"),
        patch("four", "q4", "q2", "vier"),
        patch("five", "q5", "q4", "fuenf"),
    ]
    after = [patch("eins", "h1", "b"), patch("drei", "h3", "h1"), patch("vier", "h4", "h3"), patch("fuenf", None, None)]
    document = {"syncs": [{"id": "skipped"}, {"id": "s", "b_commit": "b", "before": before, "after": after}]}
    asked = [(one.patch, one.old, one.change, one.new, one.want) for one in questions.read(document, ["s"])]
    assert asked == [
        ("one", "a", "q1", "b", "h1"),
        ("two", "q1", "q2", "h1", None),
        ("four", "q2", "q4", "h3", "h4"),
        ("five", "q4", "q5", "h4", None),
    ]


def test_a_dropped_first_patch_is_asked_for_on_the_new_baseline() -> None:
    """Before any patch has been carried the queue stands on the new baseline."""
    sync = {"id": "s", "b_commit": "b", "before": [patch("one", "q1", "a")], "after": []}
    assert [one.new for one in questions.read({"syncs": [sync]}, ["s"])] == ["b"]


def test_a_sync_that_the_file_lacks_is_named() -> None:
    """An id without a sync, or whose sync has no queue, is an error that names it."""
    with pytest.raises(KeyError, match="gone"):
        questions.read({"syncs": [{"id": "gone"}]}, ["gone"])


@pytest.mark.parametrize(
    ("answer", "want", "verdict"),
    [
        (Carried("right"), "right", Verdict.SILENT_RIGHT),
        (Carried("nearly"), "right", Verdict.SILENT_ORDER),
        (Carried("other"), "right", Verdict.SILENT_WRONG),
        (Carried("right", reviewed=True), "right", Verdict.REVIEWED_RIGHT),
        (Carried("nearly", reviewed=True), "right", Verdict.REVIEWED_ORDER),
        (Carried("other", reviewed=True), "right", Verdict.REVIEWED_WRONG),
        (Clashed(), "right", Verdict.CLASHED),
        (Clashed("other"), "right", Verdict.CLASHED),
        (Clashed("right"), "right", Verdict.CLASHED_RIGHT),
        (Clashed("nearly"), "right", Verdict.CLASHED_RIGHT),
        (Gone(), "right", Verdict.CALLED_GONE),
        (Gone(), "before", Verdict.SILENT_RIGHT),
        (Gone(), None, Verdict.DROPPED_RECOGNISED),
        (Carried("other"), None, Verdict.DROPPED_CARRIED),
        (Clashed("other"), None, Verdict.DROPPED_CLASHED),
        (Failed("no answer"), "right", Verdict.FAILED),
        (Failed("no answer"), None, Verdict.FAILED),
    ],
)
def test_every_answer_has_its_verdict(answer: Answer, want: str | None, verdict: Verdict) -> None:
    """Each kind of answer, to a patch that was kept and to one that was dropped, gets the verdict that it should."""
    assert judge(answer, "before", want, lambda one, other: {one, other} == {"nearly", "right"}) is verdict


@pytest.mark.parametrize(
    ("diff", "same"),
    [
        pytest.param(b"", True, id="nothing differs"),
        pytest.param(DIFF + b"@@ -1,2 +1,2 @@\n+b\n a\n-b\n", True, id="a line moved in one hunk"),
        pytest.param(DIFF + b"@@ -1 +1 @@\n-a  b\n+\tab \n", True, id="white space within a line"),
        pytest.param(DIFF + b"@@ -1,2 +1 @@\n-\n a\n", True, id="a blank line"),
        pytest.param(DIFF + b"@@ -1 +1 @@\n-a\n+b\n", False, id="another line"),
        pytest.param(DIFF + b"@@ -1 +1,2 @@\n a\n+a\n", False, id="a line twice"),
        pytest.param(DIFF + b"@@ -1,2 +1 @@\n a\n-b\n@@ -40 +39,2 @@\n c\n+b\n", False, id="moved to another hunk"),
        pytest.param(DIFF + b"@@ -1 +0,0 @@\n-b\n" + DIFF + b"@@ -0,0 +1 @@\n+b\n", False, id="moved to another file"),
        pytest.param(DIFF + b"@@ -1 +1 @@\n--- a\n+++ b\n", False, id="lines that look like headers"),
        pytest.param(DIFF + b"@@ -1 +1 @@\n-new file mode\n+newfile mode\n", True, id="a line that looks like a mode"),
        pytest.param(b"diff --git a/x b/x\nold mode 100644\nnew mode 100755\n", False, id="another mode"),
        pytest.param(b"diff --git a/x b/x\nnew file mode 100644\nindex 0..1\n", False, id="an empty new file"),
        pytest.param(b"diff --git a/x b/x\ndeleted file mode 100644\nindex 1..0\n", False, id="a removed file"),
        pytest.param(b"diff --git a/x b/x\nBinary files a/x and b/x differ\n", False, id="binary"),
    ],
)
def test_sameness_up_to_order_or_space(diff: bytes, same: bool) -> None:
    """Only lines that change places within a hunk, and white space, are let through."""
    assert same_but_for_order(diff) is same


@pytest.mark.parametrize(
    ("row", "answer"),
    [
        ({"outcome": "kept", "tree": "t", "review": False}, Carried("t")),
        ({"outcome": "resolved", "tree": "t", "review": True}, Carried("t", reviewed=True)),
        ({"outcome": "upstreamed", "tree": "t", "review": True}, Gone()),
        ({"outcome": "emptied", "tree": "t"}, Gone()),
        ({"outcome": "clashed", "tree": None, "proposal": "p"}, Clashed("p")),
        ({"outcome": "clashed", "tree": None, "proposal": None}, Clashed()),
        ({"outcome": "kept", "tree": None}, Carried("before")),
    ],
)
def test_a_plan_is_read(row: dict[str, object], answer: Answer) -> None:
    """Each outcome of forkkeeper's document is the answer that it means."""
    assert of_plan(row, "before") == answer


def test_a_mail_has_title_reason_and_diff() -> None:
    """The patch file holds the title that the maintainers gave, what the message says besides, and the diff."""
    title, body = questions.title_and_body("0001-x.diff\n\nsay more\n\nIt was silent.\n")
    written = questions.mail(title, body, b"diff --git a/x b/x\n").decode()
    assert "Subject: [PATCH] say more\n\nIt was silent.\n---\n\ndiff --git" in written


def row(tool: str, verdict: Verdict, want: str | None = "w", seconds: float = 1.0) -> Row:
    """Give a judged answer."""
    return Row(Question("s", "p.patch", "content", "a", "q", "b", want), tool, verdict, "said", seconds)


def test_the_table_counts_and_sums_up() -> None:
    """Each tool has its counts, its share of right answers among kept patches, and the median of its seconds."""
    rows = [
        row("git", Verdict.SILENT_RIGHT, seconds=0.1),
        row("git", Verdict.REVIEWED_ORDER, seconds=0.2),
        row("git", Verdict.CLASHED, seconds=9.0),
        row("git", Verdict.FAILED, seconds=9.0),
        row("git", Verdict.DROPPED_RECOGNISED, None, seconds=0.0),
    ]
    cells = {line[:35].strip(): line[35:].split("  ")[-1].strip() for line in table.table(rows, ["git"]).splitlines()}
    assert cells["silent right"] == cells["reviewed right up to order or space"] == cells["clashed"] == "1"
    assert cells["silent wrong"] == "0"
    assert cells["KEPT, right (silent + reviewed)"] == "2 of 4"
    assert cells["of them up to order or space"] == "1"
    assert cells["DROPPED, recognised"] == "1 of 1"
    assert cells["median seconds per patch"] == "0.200"


def test_a_missing_program_has_no_numbers() -> None:
    """The column of a tool that is not installed says so in every row."""
    lines = table.table([row("git", Verdict.CLASHED)], ["git", "wiggle"], ["wiggle"]).splitlines()[2:]
    assert len(lines) == len(Verdict) + 5
    assert all(line.endswith(table.ABSENT) for line in lines)


def test_the_list_leaves_out_what_is_right() -> None:
    """Only answers that are not right are listed."""
    shown = table.not_right([row("git", Verdict.SILENT_ORDER), row("quilt", Verdict.CLASHED)])
    assert "quilt" in shown
    assert "git" not in shown


def test_the_rows_as_json() -> None:
    """Each row is an object with the verdict in the table's words."""
    (written,) = json.loads(table.to_json([row("git", Verdict.DROPPED_CARRIED, None)]))
    assert written == {
        "sync": "s",
        "patch": "p.patch",
        "human": "content",
        "tool": "git",
        "verdict": "dropped: carried",
        "said": "said",
        "seconds": 1.0,
    }
