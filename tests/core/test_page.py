"""What the report page shows, as values: the answer, the strip, a trend's steps, what is bounded, what is safe."""

from dataclasses import replace
from typing import Any

import msgspec
from nightly import Ahead, behind, count, night, nights, sha, speed

from forkkeeper.core import mail
from forkkeeper.core.history import Carried, Record
from forkkeeper.core.ids import CommitId
from forkkeeper.core.nights import Effect, Fate, Findings, Night, Side
from forkkeeper.core.page import ahead, backends, changed, offers, shape, stack, throughput, tomorrow, whole
from forkkeeper.core.page.given import Change, Given, Sized
from forkkeeper.core.page.shape import Block, Chart, Fold, Missing, Strip, Table, Text, Tone
from forkkeeper.core.requests import Request

PIN, HEAD = sha("pin"), sha("head")


BARE = Given(
    fork="fork",
    upstream="upstream",
    day="2025-10-09",
    pages=("https://github.com/some/one",),
    pin=CommitId(PIN),
    pin_date="2025-06-16",
    known_as=(),
    sources=(),
    drifted=(),
    queue=(),
    files=(),
    overlay={},
    left_out=0,
    records=(),
    variants={},
    sizes=(),
    requests=(),
    nights=(),
)


def given(*known: Night, **more: Any) -> Given:
    """Give what a page is made of, little by default. known -- the nights, newest first."""
    return replace(BARE, nights=known, **more)


def patch(name: str, diff: bytes) -> Change:
    """Give a patch of the queue."""
    head = f"From: Ann <ann@example.invalid>\nSubject: [PATCH] {name}: do it\n\nIt is needed.\n\nOrigin: local\n---\n"
    made = mail.parse(f"{name}.patch", head.encode() + diff)
    return Change(made, made.files, PIN)


def of(blocks: tuple[Block, ...], kind: type) -> list[Block]:
    """Give the blocks of a kind, those inside others too."""
    inner = [found for block in blocks if isinstance(block, Fold) for found in of(block.blocks, kind)]
    return [block for block in blocks if isinstance(block, kind)] + inner


def text_of(table: Block) -> list[list[str]]:
    """Give a table's cells as they are read."""
    assert isinstance(table, Table)
    return [[cell.text for cell in row.cells] for row in table.rows]


def with_fates(*fates: Fate) -> Night:
    """Give a night that planned so."""
    plain = night(0, Ahead(PIN, HEAD, ("a.patch",), behind(3, {})))
    return msgspec.structs.replace(plain, findings=msgspec.structs.replace(plain.findings, fates=fates))


def test_the_answer_names_the_patch_and_the_commit() -> None:
    """A clash is told with its patch, its file and the upstream commit; a patch that only follows is no reason."""
    said = tomorrow.answer(
        given(
            with_fates(
                Fate("a.patch", "kept"),
                Fate("b.patch", "clashed", paths=("x.c",), culprit=HEAD, culprit_title="make x better"),
                Fate("c.patch", "clashed", root="b.patch"),
            )
        )
    )
    assert said.says == "3 patches: 1 kept, 2 clashed (1 only follows)."
    assert said.tone is Tone.BAD
    assert ["".join(cell.text for cell in line) for line in said.because] == [
        f"b clashes in x.c since upstream {HEAD[:12]}: make x better"
    ]
    assert said.because[0][3].link == f"https://github.com/some/one/commit/{HEAD}"


def test_a_sync_that_needs_nobody_says_so() -> None:
    """Kept and refreshed patches alone: no human is needed."""
    said = tomorrow.answer(given(with_fates(Fate("a.patch", "kept"), Fate("b.patch", "refreshed"))))
    assert said.says == "2 patches: 1 kept, 1 refreshed. No human is needed."
    assert said.tone is Tone.GOOD


def test_the_answer_is_never_made_up() -> None:
    """With no night, or a night without a plan, the answer is that it is not known."""
    queue = (patch("a", DIFF),)
    assert "Not known" in tomorrow.answer(given(queue=queue)).says
    assert "Not known" in tomorrow.answer(given(with_fates(), queue=queue)).says
    there = msgspec.structs.replace(with_fates(), head=PIN)
    assert tomorrow.answer(given(there, queue=queue)).tone is Tone.GOOD


def test_a_section_without_data_says_what_to_type() -> None:
    """A fork with no night has no empty chart: each section says what is missing, and the command that brings it."""
    page = whole.page(given())
    lacking = {one.id: of(one.blocks, Missing) for one in page.sections}
    assert [name for name, found in lacking.items() if not found] == []
    assert all(one.command.startswith("forkkeeper ") for found in lacking.values() for one in found)  # type: ignore[union-attr]
    assert [chart for one in page.sections for chart in shape.charts(one.blocks)] == []


def test_the_strip_has_a_square_for_each_commit() -> None:
    """Every commit is there in its order, those that touch a patch with the worst effect and a link to their row."""
    hits = {2: {"a": "refresh"}, 5: {"a": "refresh", "b": "clash"}}
    found = ahead.section(given(night(0, Ahead(PIN, HEAD, ("a.patch", "b.patch"), behind(40, hits)))))
    (strip,) = of(found.blocks, Strip)
    assert isinstance(strip, Strip)
    squares = [square for _, squares in strip.stretches for square in squares]
    assert [(at, square.effect) for at, square in enumerate(squares) if square.effect] == [(2, "refresh"), (5, "clash")]
    assert len(squares) == 40
    tables = {table.id: table for table in of(found.blocks, Table) if isinstance(table, Table)}
    assert [f"#{row.id}" for row in tables["hits"].rows] == [square.link for square in squares if square.link]
    assert len(tables["commits"].rows) == 40
    assert [number for _, _, number in strip.legend] == [38, 0, 1, 0, 1]


def test_snapshots_are_not_called_commits() -> None:
    """Without upstream's history each square is said to be a snapshot."""
    found = ahead.section(given(night(0, Ahead(PIN, HEAD, ("a.patch",), behind(4, {}), has_history=False))))
    assert "snapshot" in str(found.blocks[0])


def test_a_commit_without_a_date_keeps_its_place() -> None:
    """A date that is none puts a commit into a stretch of its own, in order."""
    odd = Findings(
        behind=(Effect(PIN, "2025-06-20", "a"), Effect(HEAD, "someday", "b"), Effect(PIN, "2025-06-20", "c"))
    )
    found = ahead.section(given(msgspec.structs.replace(with_fates(), findings=odd)))
    (strip,) = of(found.blocks, Strip)
    assert isinstance(strip, Strip)
    assert [label for label, _ in strip.stretches] == ["16 Jun 2025", "no date", "16 Jun 2025"]


def test_a_step_is_where_two_nights_lie_apart() -> None:
    """Of twelve nights with a loss from the seventh on, that one is the step in each comparison, and no other."""
    known = nights(Ahead(PIN, HEAD, ("a.patch",), behind(3, {})), 12, step_at=6)
    for one in known[0].findings.speeds:
        points = throughput.trend(known, throughput.key_of(one))
        assert [at for at, point in enumerate(points) if point.is_step] == [6]
        assert [point.night.began for point in points] == sorted(point.night.began for point in points)


def test_wide_intervals_make_no_step() -> None:
    """Nights whose intervals overlap, or differ by less than a thousandth, are no step."""
    plain = night(0, Ahead(PIN, HEAD, (), ()))

    def known(*changes: float, metric: str) -> tuple[Night, ...]:
        made = [speed(Side.STAND, metric, change) for change in changes]
        return tuple(
            msgspec.structs.replace(plain, findings=msgspec.structs.replace(plain.findings, speeds=(one,)))
            for one in reversed(made)
        )

    for changes, metric in (((0.0, 0.015), "time"), ((0.0, 0.0009), "instructions")):
        found = known(*changes, metric=metric)
        points = throughput.trend(found, throughput.key_of(found[0].findings.speeds[0]))
        assert [point.is_step for point in points] == [False, False]


def test_an_emulated_device_is_never_called_real() -> None:
    """A variant whose tests ran on an emulated device says so in the matrix and in each row of its cases."""
    found = backends.section(given(night(0, Ahead(PIN, HEAD, (), ()))))
    tables = {table.id: text_of(table) for table in of(found.blocks, Table) if isinstance(table, Table)}
    devices = {row[0]: row[1] for row in tables["matrix"]}
    assert devices["cpu"] == "real"
    assert devices["metal"] == "EMULATED"
    assert devices["cuda"] == "no test ran"
    assert {row[4] for row in tables["counts"] if row[0] == "metal"} == {"EMULATED"}


def test_a_failed_case_is_seen_in_the_matrix() -> None:
    """One failure among many passes makes the cell bad."""
    failed = Findings(counts=(count("cpu", "ops", 100), count("cpu", "ops", 100, failed=1)))
    found = backends.section(given(msgspec.structs.replace(with_fates(), findings=failed)))
    (matrix, *_) = of(found.blocks, Table)
    assert isinstance(matrix, Table)
    assert matrix.rows[0].cells[-1].tone is Tone.BAD
    assert "199 of 200" in matrix.rows[0].cells[-1].text


DIFF = b"""diff --git a/x.c b/x.c
index 0123456789012345678901234567890123456789..1123456789012345678901234567890123456789 100644
--- a/x.c
+++ b/x.c
@@ -1 +1 @@
-old
+new
"""


def long_diff(lines: int) -> bytes:
    """Give a diff that adds so many lines to a file."""
    head = b"diff --git a/long.c b/long.c\nindex 0..1 100644\n--- a/long.c\n+++ b/long.c\n"
    return head + b"@@ -0,0 +1,%d @@\n" % lines + b"".join(b"+line %d\n" % at for at in range(lines))


def test_a_long_file_is_cut_with_a_note() -> None:
    """No file's text is longer than the page has room for, and the note says how to see the rest."""
    found = changed.section(given(queue=(patch("long", long_diff(1_000)),)))
    (text,) = of(found.blocks, Text)
    assert isinstance(text, Text)
    assert len(text.lines) == changed.MOST_LINES
    assert text.note == "601 more lines not shown: `forkkeeper patch show long`"


def test_all_files_together_are_bounded() -> None:
    """A queue of many long patches has no more lines on the page than there is room for."""
    queue = tuple(patch(f"p{at}", long_diff(399)) for at in range(60))
    texts = [one for one in of(changed.section(given(queue=queue)).blocks, Text) if isinstance(one, Text)]
    assert sum(len(one.lines) for one in texts) == changed.ALL_LINES
    assert texts[-1].note


def test_age_and_churn_are_those_of_the_records() -> None:
    """A patch's syncs are counted, and those that changed it; the queue's size is what each sync left."""
    rows = [(Carried("a.patch", "kept"), Carried("b.patch", "kept")), (Carried("a.patch", "refreshed"),)]
    records = tuple(Record(PIN, HEAD, f"2025-0{at}-01", these) for at, these in enumerate(rows, 1))
    found = stack.section(given(queue=(patch("a", DIFF),), records=records))
    tables = {table.id: text_of(table) for table in of(found.blocks, Table) if isinstance(table, Table)}
    assert tables["patches"][0][-3:] == ["2", "1", "refreshed"]
    chart = next(one for one in of(found.blocks, Chart) if isinstance(one, Chart))
    assert [row[2] for row in text_of(chart.table)] == ["2", "1"]


def test_sizes_stand_beside_upstream() -> None:
    """A build's code is compared with upstream's of the same variant; what was not measured says how to."""
    kinds: tuple[dict[str, int], ...] = (
        {"code": 200, "total": 200},
        {"code": 100, "total": 100},
        {},
        {"code": 7, "total": 7},
    )
    named = (("cuda", "upstream"), ("cuda", "fork"), ("slim", "fork"), ("", ""))
    sized = tuple(Sized(variant, side, PIN, these) for (variant, side), these in zip(named, kinds, strict=True))
    found = offers.sizes(given(sizes=sized))
    (chart,) = [one for one in of(found.blocks, Chart) if isinstance(one, Chart)]
    assert [row[-1] for row in text_of(chart.table)] == ["", "−50.0 %"]
    (missing,) = [one for one in of(found.blocks, Missing) if isinstance(one, Missing)]
    assert missing.command == "forkkeeper size slim"
    assert "1 kept measurement is of another state" in str(found.blocks[-1])


def test_links_are_made_of_ids() -> None:
    """A link of a stranger's is not taken over: an issue's is made anew, all else stands as text."""
    odd = (
        "javascript:alert(1)",
        "https://evil.example/x",
        "https://h.example/../../issues/1",
        'https://h/a/issues/1"x',
    )
    requests = tuple(Request(f"wish {at}", link=link) for at, link in enumerate(odd))
    found = offers.asked(given(requests=requests))
    (table, *_) = [one for one in of(found.blocks, Table) if isinstance(one, Table)]
    assert [row.cells[1].link for row in table.rows] == ["", "", "", ""]
    assert shape.commit("javascript:alert(1)", ("https://github.com/a/b",)).link == ""
    assert shape.commit(HEAD, ("javascript:alert(1)",)).link == ""


def test_a_damaged_triage_document_is_no_bug() -> None:
    """What is no row, or has fields of another kind, is left out or shown as it can be."""
    plain = with_fates()
    rows = [None, 3, {"score": "x", "sha": None, "terms": [1, {"points": "a"}], "effects": "no", "title": 7}]
    taken = tuple(
        msgspec.structs.replace(one, document={"rows": rows}) if one.step.kind == "triage" else one
        for one in plain.taken
    )
    found = offers.asked(given(msgspec.structs.replace(plain, taken=taken)))
    (table,) = [one for one in of(found.blocks, Table) if isinstance(one, Table)]
    assert text_of(table) == [["", "None", "", "7", "", ""]]
