"""What `log` promises: CHANGES-LOCAL.md tells a stranger everything, is repeatable, and `--check` finds it stale."""

from pathlib import Path

import pytest
from world import Fork, Local, assert_message, fork_of, git


def test_the_log_tells_what_why_where_and_how_far(fork_behind: Fork) -> None:
    """Each patch's reason, kind, origin, status, witness, files, functions and last outcome; overlay, counts, syncs."""
    fork_behind.ok("sync", "--upto", "v1.1")
    text = (fork_behind.root / "CHANGES-LOCAL.md").read_text()
    pin, target = fork_behind.pin[:12], fork_behind.target[:12]
    for words in (
        "# Local changes of fork",
        f"upstream commit `{fork_behind.target}` of 2025-06-21",
        "### buffer-size",
        "Small reads are slow on the fork's machines.",
        "- kind: edits lines",
        "- origin: local",
        "- upstream status: Inappropriate \\[only this fork needs it\\]",
        "- witness, the check that fails without it: none \\[shown by tests\\]",
        "- file: `patches/buffer-size.patch`",
        f"- in the fork since upstream: `{fork_behind.pin}`; last sync: refreshed",
        f"`{pin}`",
        "`src/load.c`",
        "`int open_file(const char *path)`",
        "`static const char *greeting(void)`",
        "+1 −1",
        "`native/extra.c`",
        "Nothing: every upstream path is part of the fork.",
        f"`{target}`",
        "1 kept, 1 refreshed, 1 upstreamed",
    ):
        assert words in text, f"{words!r} is not in\n{text}"
    glance = {cells[1].strip(): cells[2].strip() for line in text.splitlines() if len(cells := line.split("|")) == 5}
    assert glance["patches"] == "2"
    assert glance["upstream files modified"] == "2"
    assert glance["files added"] == "1"
    assert glance["upstream files as they are"] == "4"
    assert glance["upstream files left out"] == "0"
    assert "null-check" not in text.split("## History of syncs")[0]


def test_what_the_policy_leaves_out_is_listed_with_the_reason(fork_in_step: Fork) -> None:
    """Every path that a rule excludes stands under the rule's pattern and reason; an include after it wins."""
    toml = fork_in_step.root / "fork.toml"
    rules = '[[path]]\nrule = "exclude"\npattern = "*.md"\nwhy = "the fork has its own"\n'
    rules += '[[path]]\nrule = "exclude"\npattern = "/docs/"\nwhy = "not shipped"\n'
    rules += '[[path]]\nrule = "include"\npattern = "/README.md"\nwhy = "shown"\n'
    toml.write_text(toml.read_text() + rules)
    ran = fork_in_step.ok("log")
    assert "1 left out" in ran.out
    text = (fork_in_step.root / "CHANGES-LOCAL.md").read_text().split("## Left out of upstream")[1]
    assert "`/docs/`: not shipped" in text
    assert "- `docs/manual.txt`" in text
    assert "README.md" not in text


def test_what_could_move_to_the_overlay_is_said(fork_in_step: Fork, tmp_path: Path) -> None:
    """A patch that creates a file, or adds a long block, is named under what could move."""
    place = tmp_path / "movable"
    fork_in_step.root.parent.rename(place)
    upstream = type(fork_in_step.upstream)(place / "upstream.git")
    main = upstream.text("v1.0", "src/main.c") + "".join(f"/* {number} */\n" for number in range(20))
    locals_ = [Local("new-file", {"src/new.c": "int x;\n"}), Local("long-block", {"src/main.c": main})]
    (place / "second").mkdir()
    upstream.path.rename(place / "second/upstream.git")
    moved = type(upstream)(place / "second/upstream.git")
    fork = fork_of(place / "second", moved, fork_in_step.pin, fork_in_step.pin, locals_, {})
    text = (fork.root / "CHANGES-LOCAL.md").read_text().split("## What could move to the overlay")[1]
    assert "- new-file: src/new.c: a new file, 1 line" in text
    assert "- long-block: src/main.c, hunk 1: 20 lines that only add" in text


def test_the_log_is_repeatable(fork_in_step: Fork) -> None:
    """A second run writes the same bytes and says so; --check agrees and writes nothing."""
    before = fork_in_step.state()
    assert "CHANGES-LOCAL.md is up to date" in fork_in_step.ok("log").out
    assert "CHANGES-LOCAL.md and fork.lock are up to date" in fork_in_step.ok("log", "--check").out
    assert fork_in_step.state() == before


@pytest.mark.parametrize("path", ["CHANGES-LOCAL.md", "patches/greeting.patch", "native/overlay/native/extra.c"])
def test_a_stale_log_is_found(fork_in_step: Fork, path: str) -> None:
    """After an edit of log, patch or overlay --check ends with 1, names what is stale and changes nothing."""
    file = fork_in_step.root / path
    file.write_text(file.read_text().replace("The fork needs", "This fork needs") + "\n")
    before = fork_in_step.state()
    assert_message(fork_in_step.run("log", "--check"), 1, "stale: CHANGES-LOCAL.md", "forkkeeper log")
    assert fork_in_step.state() == before
    fork_in_step.ok("log")
    fork_in_step.ok("log", "--check")


def test_a_missing_log_is_written_anew(fork_in_step: Fork) -> None:
    """Deleting the log loses nothing: `log` makes the same bytes again."""
    before = fork_in_step.state()
    (fork_in_step.root / "CHANGES-LOCAL.md").unlink()
    assert "wrote CHANGES-LOCAL.md" in fork_in_step.ok("log").out
    assert fork_in_step.state() == before


def test_words_of_a_patch_are_no_markup(fork_in_step: Fork) -> None:
    """A reason or subject that holds Markdown or HTML is shown as text."""
    patch = fork_in_step.root / "patches/greeting.patch"
    reason = b"<script>alert(1)</script> [x](javascript:y) `code` | # title"
    patch.write_bytes(patch.read_bytes().replace(b"The fork needs this, and says so here.", reason))
    fork_in_step.ok("log")
    text = (fork_in_step.root / "CHANGES-LOCAL.md").read_text()
    assert "<script>" not in text
    assert "[x](javascript" not in text


def test_a_new_name_of_the_pin_does_not_make_it_stale(fork_in_step: Fork) -> None:
    """A tag that upstream sets on the pin, or takes off it, changes neither log nor lock: only the fork's files do."""
    git(fork_in_step.upstream.path, "update-ref", "refs/tags/v1.0-again", fork_in_step.pin)
    fork_in_step.ok("log", "--check")
    git(fork_in_step.upstream.path, "update-ref", "-d", "refs/tags/v1.0")
    fork_in_step.ok("log", "--check")
