"""`decline`: upstream's commits that are not for this fork."""

from pathlib import Path

from small import GREETING, HEADER, LOAD, MAIN, OVERLAY, PARSE
from world import Fork, Upstream, assert_message, fork_of, git

from forkkeeper.core import declined as declines

SHOUT = "\nint shout_loudly(const char *text)\n{\n    return parse(text) * 2;\n}\n"


def declining(place: Path) -> Fork:
    """Make a fork whose upstream has brought a feature, built beside it, and goes on."""
    upstream = Upstream.make(place / "upstream.git")
    first = {"src/main.c": MAIN, "src/load.c": LOAD, "src/parse.c": PARSE, "include/core.h": HEADER}
    upstream.commit(first, title="begin")
    upstream.commit({"src/parse.c": PARSE + SHOUT}, title="parse: shout (#7)", tag="feature")
    pin = upstream.commit({"README.md": "# small\n"}, title="readme", tag="v1.0")
    target = upstream.commit({"README.md": "# Small\n"}, title="readme: Small", tag="v1.1")
    return fork_of(place, upstream, pin, target, [GREETING], OVERLAY)


def decided(fork: Fork) -> dict[str, str]:
    """Give why each commit was declined."""
    path = fork.root / "declined.toml"
    return {one.sha: one.why for one in declines.parse(path.read_bytes() if path.exists() else b"")}


def test_what_the_pin_has_is_taken_back(tmp_path: Path) -> None:
    """The reverse is a patch at the end of the queue; the log lists it with the reason; a sync carries it on."""
    fork = declining(tmp_path)
    sha = git(fork.upstream.path, "rev-parse", "feature")
    fork.ok("decline", "feature", "--why", "Nobody shouts here.")
    (name,) = (name for name in fork.names() if name.startswith("decline-"))
    said = (fork.root / "patches" / name).read_text()
    for line in (
        "Subject: [PATCH] Decline: parse: shout (#7)",
        f"Declined: {sha}",
        "Origin: local",
        "-int shout_loudly",
    ):
        assert line in said
    assert decided(fork) == {sha: "Nobody shouts here."}
    log = (fork.root / "CHANGES-LOCAL.md").read_text()
    assert "## Declined" in log
    assert f"`{sha}`" in log.partition("## Declined")[2]
    fork.ok("lint")
    fork.ok("log", "--check")
    fork.commit_all()
    ran = fork.ok("sync", "--upto", "v1.1")
    assert "2 kept" in ran.out
    assert "in step" in fork.ok("status").out
    assert_message(fork.run("decline", sha), 2, "is declined already, by decline-parse-shout")


def test_what_is_ahead_is_remembered_until_it_comes(tmp_path: Path) -> None:
    """Nothing but the record, the log and the lock changes; the sync and `status` say when it has come."""
    fork = declining(tmp_path)
    names = fork.names()
    ran = fork.ok("decline", fork.target, "--why", "We write it small.")
    assert "ahead of the pin" in ran.out
    assert fork.names() == names
    assert decided(fork) == {fork.target: "We write it small."}
    assert "in step" in fork.ok("status").out
    fork.commit_all()
    assert "is declined already" in fork.ok("decline", fork.target).out
    synced = fork.ok("sync", "--upto", "v1.1")
    for said in (synced.out, fork.ok("status").out):
        assert f"forkkeeper decline {fork.target}" in " ".join(said.split())
    fork.ok("decline", fork.target)
    assert "was declined on" not in fork.ok("status").out
    assert "We write it small." in (fork.root / "patches/decline-readme-small.patch").read_text()


def test_upstream_building_on_it_in_other_lines_is_seen(tmp_path: Path) -> None:
    """The reverse merges without a conflict, and yet new lines use what it takes away: that is for review."""
    fork = declining(tmp_path)
    fork.ok("decline", "feature", "--why", "Nobody shouts here.")
    fork.commit_all()
    fork.upstream.commit(
        {"src/main.c": MAIN.replace("load(path)", "shout_loudly(path)")}, title="main: shout", tag="v2"
    )
    ran = fork.run("sync", "--upto", "v2")
    assert_message(ran, 1, "upstream builds on what it", "shout_loudly", "--accept decline-parse-shout")


def test_upstream_building_on_its_lines_clashes(tmp_path: Path) -> None:
    """What upstream made of the declined lines is never taken away unseen."""
    fork = declining(tmp_path)
    fork.ok("decline", "feature", "--why", "Nobody shouts here.")
    fork.commit_all()
    fork.upstream.commit({"src/parse.c": PARSE + SHOUT.replace("* 2", "* 3")}, title="parse: louder", tag="v2")
    assert_message(fork.run("sync", "--upto", "v2"), 1, "to review: decline-parse-shout", "return parse(text) * 3;")


def test_upstream_taking_it_back_itself_ends_it(tmp_path: Path) -> None:
    """The patch leaves as upstreamed."""
    fork = declining(tmp_path)
    fork.ok("decline", "feature", "--why", "Nobody shouts here.")
    fork.commit_all()
    fork.upstream.commit({"src/parse.c": PARSE}, title="parse: no shouting", tag="v2")
    fork.ok("sync", "--upto", "v2", "--accept-reviewed")
    assert fork.names() == ["greeting.patch"]
    assert decided(fork) == {}
    assert "was declined" not in fork.ok("status").out


def test_what_came_after_it_is_respected(tmp_path: Path) -> None:
    """Where later commits changed its lines, what would go with them is shown first: nothing is saved."""
    fork = declining(tmp_path)
    built = fork.upstream.commit({"src/parse.c": PARSE + SHOUT.replace("* 2", "* 3")}, title="louder", tag="v2")
    fork.ok("sync", "--upto", built)
    fork.commit_all()
    state = fork.state()
    assert_message(fork.run("decline", "feature", "--why", "Nobody shouts here."), 1, "for review", "nothing was saved")
    assert fork.state() == state


def test_a_decision_is_taken_back(tmp_path: Path) -> None:
    """`--reopen` forgets it and takes its patch out of the queue; every byte is as it was before, but the copy kept."""
    fork = declining(tmp_path)
    before = fork.state()
    fork.ok("decline", "feature", "--why", "Nobody shouts here.")
    fork.ok("decline", fork.target, "--why", "Small.")
    fork.commit_all()
    fork.ok("decline", fork.target[:10], "--reopen")
    fork.ok("decline", "feature", "--reopen")
    assert fork.state() == before
    assert_message(fork.run("decline", "feature", "--reopen"), 2, "is not declined")


def test_declining_is_undone_and_done_again(tmp_path: Path) -> None:
    """Undo gives back every byte from before, redo every byte from after."""
    fork = declining(tmp_path)
    before = fork.state()
    fork.ok("decline", "feature", "--why", "Nobody shouts here.")
    after = fork.state()
    fork.ok("undo")
    assert fork.state() == before
    fork.ok("redo")
    assert fork.state() == after


def test_a_comment_outlives_decisions(tmp_path: Path) -> None:
    """What a person wrote into the record stays when another commit is declined, and when one is wanted after all."""
    fork = declining(tmp_path)
    fork.ok("decline", fork.target, "--why", "We write it small.")
    record = fork.root / "declined.toml"
    record.write_text(record.read_text().replace("[[declined]]", "# Ask Ann in May.\n[[declined]]"))
    assert "in step" in fork.ok("status").out
    fork.ok("decline", "feature", "--why", "Nobody shouts here.")
    assert "# Ask Ann in May.\n[[declined]]" in record.read_text()
    fork.ok("decline", "feature", "--reopen")
    fork.ok("decline", fork.target, "--reopen")
    assert "# Ask Ann in May." in record.read_text()
    assert decided(fork) == {}
    assert "in step" in fork.ok("status").out


def test_a_wrong_call_or_file_is_named(tmp_path: Path) -> None:
    """A reason is asked for; a damaged record, and one that the log does not have, are said."""
    fork = declining(tmp_path)
    assert_message(fork.run("decline", "feature"), 2, "--why")
    assert_message(fork.run("decline", "feature", "--reopen", "--why", "x"), 2, "does not go with --reopen")
    record = fork.root / "declined.toml"
    record.write_bytes(declines.format([declines.Declined(fork.target, "T", "By hand.", "2026-01-02")]))
    assert_message(fork.run("status"), 1, "declined.toml differs")
    fork.ok("log")
    assert "in step" in fork.ok("status").out
    record.write_text("nonsense")
    assert_message(fork.run("status"), 2, "declined.toml")
