"""What `bisect --metric` promises, on real builds of a real history: it names the commit that changed the number."""

from pathlib import Path

import pytest
from attributing import ROUNDS, forked, part, sentences, tables, upstream_in
from world import Fork, Upstream, assert_message

VERB = ("bisect", "--metric", "instructions", "--from", "v1", "--json", "-")


def with_commits(place: Path, *planted: dict[str, str], between: int) -> Fork:
    """Make a fork at the end of a history: before each planted commit, and at the end, so many of no code."""
    upstream, _ = upstream_in(place)
    for number, files in enumerate(planted):
        harmless(upstream, between, f"notes {number}")
        upstream.commit(files, title=f"planted {number}")
    harmless(upstream, between, "more notes")
    return forked(upstream, upstream.commit({"notes.txt": "last\n"}, title="the last"))


def harmless(upstream: Upstream, number: int, title: str) -> None:
    """Add commits that change no code."""
    for count in range(number):
        upstream.commit({"notes.txt": f"{title} {count}\n"}, title=f"{title} {count}")


@pytest.mark.valgrind
def test_the_planted_commit_is_found(tmp_path: Path) -> None:
    """Of eight commits the one that does more is named, past one that does not compile; the rest is the same code."""
    upstream, _ = upstream_in(tmp_path)
    harmless(upstream, 3, "notes")
    upstream.commit({"first.c": "this is no C\n"}, title="broken")
    upstream.commit({"first.c": part("first")}, title="mended")
    culprit = upstream.commit({"second.c": part("second", ROUNDS * 11 // 10)}, title="planted")
    harmless(upstream, 1, "more notes")
    fork = forked(upstream, upstream.commit({"notes.txt": "last\n"}, title="the last"))
    ran = fork.script(*VERB)
    assert ran.code == 0, ran.said
    said = sentences(ran)
    assert "8 upstream commits" in said
    assert f"upstream commit {culprit[:12]}" in said
    assert '"planted"' in said
    assert "100% of the whole change" in said
    (rows,) = tables(ran)
    assert [row["is like"].split(":")[0] for row in rows].count("skipped") == 1
    assert len(rows) == 7, "both ends, the broken one, and four that halve the rest"
    assert [row["beside the old end"] for row in rows].count("the same code") == 3
    assert {row["beside the old end"][:3] for row in rows if row["is like"] == "the new end"} <= {"+4.", "+5."}


@pytest.mark.valgrind
def test_several_steps_are_said_to_be_several(tmp_path: Path) -> None:
    """Where two commits change the number one of them is found, it is said that there are more, and what to type."""
    one = {"second.c": part("second", ROUNDS * 11 // 10)}
    other = {"first.c": part("first", ROUNDS * 12 // 10)}
    fork = with_commits(tmp_path, one, other, between=1)
    ran = fork.script(*VERB)
    assert ran.code == 0, ran.said
    said = sentences(ran)
    assert '"planted 1"' in said
    assert "The number changes in several steps: this is one of them." in said
    assert "next: forkkeeper bisect --metric instructions --model small --test" in said


@pytest.mark.valgrind
def test_there_is_nothing_to_find_where_nothing_changed(tmp_path: Path) -> None:
    """Ends of the same code are not even run, and a change below the threshold is none; both exit 0 and say so."""
    fork = with_commits(tmp_path, {"second.c": part("second", ROUNDS * 101 // 100)}, between=1)
    ran = fork.script(*VERB, "--threshold", "2")
    assert ran.code == 0, ran.said
    assert "Both ends differ by less than 2.00%: there is nothing to find." in sentences(ran)
    later = fork.upstream.commit({"notes.txt": "later\n"}, title="later")
    ran = fork.script("bisect", "--metric", "time", "--from", fork.pin, "--upto", later, "--json", "-")
    assert ran.code == 0, ran.said
    assert "there is nothing to find" in sentences(ran)
    assert {row["verdict"] for row in tables(ran)[0]} == {"same: the same code"}


@pytest.mark.valgrind
def test_without_history_no_commit_is_blamed(tmp_path: Path) -> None:
    """Where the commits in between are not here, the answer is that it is one of them."""
    upstream, _ = upstream_in(tmp_path)
    old = upstream.text("v1", "engine.c")
    files = {"first.c": part("first", ROUNDS * 2), "second.c": part("second"), "engine.c": old}
    rest = {name: upstream.text("v1", name) for name in ("CMakeLists.txt", "main.c")}
    pin = upstream.commit(files | rest, branch="other", title="from nowhere")
    ran = forked(upstream, pin).script(*VERB)
    assert ran.code == 0, ran.said
    said = sentences(ran)
    assert "1 snapshot: upstream's history is not at hand, so no commit by itself is found" in said
    assert "since a commit between " in said


def test_time_finds_it_as_well(tmp_path: Path) -> None:
    """By the clock the commit that triples a part's work is found."""
    fork = with_commits(tmp_path, {"second.c": part("second", 3 * ROUNDS)}, between=1)
    ran = fork.script("bisect", "--metric", "time", "--from", "v1", "--test", "prompt", "--json", "-")
    assert ran.code == 0, ran.said
    assert '"planted 0"' in sentences(ran)


def test_what_cannot_be_asked(tmp_path: Path) -> None:
    """No metric, no old end, one that is not older, and an unknown test are named with what to type."""
    fork = with_commits(tmp_path, {}, between=0)
    assert_message(fork.run("bisect"), 2, "--metric: is needed")
    assert_message(fork.run("bisect", "--metric", "time"), 2, "--from: is needed", "add --from SHA")
    assert_message(fork.run("bisect", "--metric", "time", "--from", fork.pin), 2, "is not older than")
    assert_message(fork.run(*VERB[:-2], "--test", "promt"), 2, "--test promt", "did you mean prompt?")
    assert_message(fork.run(*VERB[:-2], "--threshold", "much"), 2, "--threshold much", "give one")


@pytest.mark.valgrind
def test_it_begins_where_the_last_sync_came_from(tmp_path: Path) -> None:
    """After a sync no end need be named: the walk is over what the sync brought, and finds what it lost."""
    upstream, pin = upstream_in(tmp_path)
    fork = forked(upstream, pin)
    upstream.commit({"first.c": part("first", 2 * ROUNDS)}, title="planted", tag="v2")
    fork.ok("sync", "--upto", "v2")
    ran = fork.script("bisect", "--metric", "instructions", "--json", "-")
    assert ran.code == 0, ran.said
    assert "1 upstream commit" in sentences(ran)
    assert '"planted"' in sentences(ran)
