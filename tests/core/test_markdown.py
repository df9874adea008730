"""What the Markdown of a plan promises, whatever strangers wrote: nothing of theirs is live, and all of it fits."""

import re

import pytest
from hypothesis import given, strategies as st

from forkkeeper.core import mail, markdown
from forkkeeper.core.commits import UpstreamCommit
from forkkeeper.core.compose import Baseline, Collision
from forkkeeper.core.culprits import Culprit
from forkkeeper.core.ids import CommitId, ObjectId, TreeId
from forkkeeper.core.markdown import MOST, Origin
from forkkeeper.core.planning import Commit, Plan, Touched
from forkkeeper.core.store import Conflict
from forkkeeper.core.trials import Stood
from forkkeeper.core.verdict import Carried, Outcome, Row

TREE = TreeId("4" * 40)
OLD = Commit(CommitId("a1" * 20), TREE, 0, "2026-06-20", ("b9733",))
NEW = Commit(CommitId("b2" * 20), TREE, 0, "2026-10-01")
MAIL = b"From: A <a@b.invalid>\nSubject: [PATCH] x\n\nWhy.\n\n"
DIFF = b"diff --git a/f b/f\n--- a/f\n+++ b/f\n@@ -1 +1 @@\n-one\n+two\n"
HOSTILE = [
    "fix | the | bars",
    "a\\|b\\\\|c",
    "`code` ``more`` ```",
    "<img src=x onerror=alert(1)></details><script>",
    "@torvalds please, org/repo#12 fixes #1 GH-7 !3 :tada:",
    "[link](https://evil.example) ![i](x) https://evil.example www.evil.example a@b.example",
    "# heading\n\n---\n- list\n1. one",
    "\u202e\x1b[31mred\x00 \u200b",
    "~~~\n```\n</details>",
    "*bold* _it_ ~no~ $math$ &amp; &#64;torvalds \\@torvalds",
    "0123456789abcdef0123456789abcdef01234567",
]


def row(name: str, outcome: Outcome, **more: object) -> Row:
    """Make a verdict on a patch of this name."""
    patch = mail.parse(f"{name}.patch", MAIL + DIFF)
    return Row(patch, outcome, None if outcome is Outcome.CLASHED else patch, None, **more)  # type: ignore[arg-type]


def plan(rows: list[Row], text: str = "plain", touched: int = 1) -> Plan:
    """Make a plan whose every text of strangers is this one."""
    commit = UpstreamCommit(NEW.sha, text, text, "2026-08-01", known_as=(text,))
    return Plan(
        OLD,
        NEW,
        Carried(tuple(rows), TREE, {}),
        (Collision(text, text),),
        tuple(Touched(f"{number}{text}", "changed", 1, 2, (text,)) for number in range(touched)),
        3,
        TREE,
        None,
        Stood(Baseline(TREE, {}, ()), (), ()),
        (text,),
        {one.old.name: Culprit(commit) for one in rows},
    )


def written(made: Plan, text: str = "plain") -> str:
    """Write a plan of a fork of this name."""
    return markdown.plan_markdown(made, Origin(text, (), "forkkeeper plan --upto x"), [f"next: {text}", f"  do {text}"])


def rows_of(text: str) -> list[Row]:
    """Give a clash and a patch to review that hold a text wherever a plan can."""
    place = Conflict(text, 3, (text,), (text, "`" * 9), (text,))
    return [
        row("limit", Outcome.CLASHED, paths=(text,), why=text, places=(place,), root=text),
        row("greeting", Outcome.RESOLVED, rule=text, review=True, why=text, paths=(text,) * 5),
    ]


def live(text: str) -> str:
    """Give what a renderer acts on: the text without code blocks and code spans (github.github.com/gfm)."""
    lines, fence = [], ""
    for line in text.split("\n"):
        opened = re.match(r"(`{3,})[^`]*$", line)
        if fence:
            fence = "" if line.rstrip() == fence else fence
        elif opened:
            fence = opened[1]
        else:
            lines.append(re.sub(r"(?<!`)(`+)(?!`)(.*?)(?<!`)\1(?!`)", "", line))
    assert not fence, "a code block is left open"
    return "\n".join(lines)


OURS = re.compile(r"</?(details|summary)>")


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_of_strangers_is_live(text: str) -> None:
    """Outside of code there is no markup, mention, reference, id or address that a stranger wrote."""
    shown = live(written(plan(rows_of(text), text), text))
    assert "`" not in shown
    assert not re.search(r"@|#\d|GH-|://|www|!\[|\]\(|\\|~~|\$|:tada:|[0-9a-f]{7,}", shown), shown
    assert not re.search(r"<", OURS.sub("", shown)), shown
    assert [line for line in shown.split("\n") if re.match(r"#+ ", line)] == [
        line for line in shown.split("\n") if line.startswith("#")
    ]


@given(st.text(max_size=60))
def test_any_text_keeps_the_shape(text: str) -> None:
    """Whatever the text: blocks are closed, every row of a table has its cells, details are opened and closed once."""
    whole = written(plan(rows_of(text), text), text)
    shown = live(whole)
    assert shown.count("<details>") == shown.count("</details>") > 0
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e]", whole)
    bars = [len(re.findall(r"(?<!\\)\|", line)) for line in _tables(whole)]
    assert bars == [6] * len(bars)
    assert len(bars) == 7


def _tables(text: str) -> list[str]:
    """Give the lines of tables: those that begin with a bar."""
    return [line for line in text.split("\n") if line.startswith("|")]


@pytest.mark.parametrize("many", [10, 400, 3000])
def test_it_fits_a_pull_request(many: int) -> None:
    """Hundreds of patches and files of long names are cut where a host would refuse them, with the way to all of it."""
    rows = [row(f"patch-{number}", Outcome.KEPT, paths=("ä" * 150,)) for number in range(many)]
    whole = written(plan(rows, "\U0001f600" * 90, touched=many))
    assert len(whole.encode()) <= MOST
    assert ("**Cut here" in whole) == (many > 10)
    assert whole.endswith("```\n")
    assert "forkkeeper plan --upto x" in whole
    assert live(whole).count("<details>") == live(whole).count("</details>")


def test_commands_alone_never_break_the_bound() -> None:
    """A command of thousands of names is left out before the bound is broken."""
    names = " ".join(f"--accept patch-{number}" for number in range(9000))
    text = markdown.plan_markdown(
        plan([]), Origin("f", (), "forkkeeper plan --upto x"), ["next: this:", f"  do {names}"]
    )
    assert len(text.encode()) <= MOST
    assert "forkkeeper plan --upto x" in text


def test_what_a_maintainer_must_know_is_there() -> None:
    """Title with the counts, both ends, each patch with its outcome, the clash with its culprit, and what to type."""
    text = written(plan([*rows_of("src/x.c"), row("kept", Outcome.KEPT)]))
    assert text.startswith("## `plain`: carried to `b2b2b2b2b2b2`, 1 kept, 1 resolved, 1 clashed; 1 to review\n")
    assert "- from `a1a1a1a1a1a1` (`b9733`) of 2026-06-20\n" in text
    assert "| `limit` | **clashed** |" in text
    assert "### `limit` clashes\n\nSince upstream commit `b2b2b2b2b2b2` of 2026-08-01 by `plain`: `plain`" in text
    assert "### `greeting` is for review" in text
    assert "forkkeeper plan --upto x     # this plan\n# next: plain\ndo plain\n```" in text


def test_commits_are_linked_where_upstream_has_a_page() -> None:
    """With upstream's page known, both ends are links to it."""
    origin = Origin("f", ("https://github.com/some/one",), "again")
    text = markdown.plan_markdown(plan([]), origin, [])
    assert f"- to [`b2b2b2b2b2b2`](https://github.com/some/one/commit/{NEW.sha}) of 2026-10-01" in text


def test_plain_sentences_stay_sentences() -> None:
    """A reason of plain words is no code; one that quotes is."""
    assert markdown.prose("upstream changed lines beside it") == "upstream changed lines beside it"
    assert markdown.prose("upstream took max_items() away") == "`upstream took max_items() away`"
    assert markdown.prose("see GH-x or www.example") == "`see GH-x or www.example`"


def test_an_object_id_is_no_reference() -> None:
    """Ids stand in code, where a host makes no link of them."""
    assert ObjectId("ab" * 20) not in live(written(plan(rows_of("ab" * 20), "ab" * 20)))
