"""What `sync` promises: everything saved as one, or nothing; exact content; a queue that git and quilt apply."""

import json
import os
import tomllib
from pathlib import Path

import pytest
from world import (
    EXECUTABLE,
    SYMLINK,
    Content,
    Fork,
    Local,
    Upstream,
    am_trees,
    assert_message,
    fork_of,
    git,
    git_bytes,
    quilt_tree,
    snapshot,
    with_files,
)

TEXT = "".join(f"line {number}\n" for number in range(1, 21))


def composed(fork: Fork) -> tuple[str, str]:
    """Give the trees of the lock: baseline and composed."""
    trees = tomllib.loads((fork.root / "fork.lock").read_text())["trees"]
    return trees["baseline"], trees["composed"]


def pin(fork: Fork) -> str:
    """Give the pin of the lock."""
    return str(tomllib.loads((fork.root / "fork.lock").read_text())["pin"]["sha"])


def one_patch(upstream: Upstream, before: dict[str, Content], local: Local, after: dict[str, Content]) -> Fork:
    """Make a fork of one patch on `before`, whose upstream goes on with `after`."""
    stands = upstream.commit(before, title="before")
    target = upstream.commit(after, title="after")
    return fork_of(upstream.path.parent, upstream, stands, target, [local], {})


def tree_after_am(fork: Fork, work: Path) -> str:
    """Apply the fork's queue with `git am` on its baseline."""
    return am_trees(fork.upstream.path, composed(fork)[0], fork.mails(), work)[-1]


# what is saved ------------------------------------------------------------------------------------------------------


def test_a_sure_sync_saves_queue_history_log_and_lock(fork_behind: Fork) -> None:
    """Patches are carried, the upstreamed one leaves queue and series, and the git command to commit is printed."""
    ran = fork_behind.ok("sync", "--upto", "v1.1")
    assert fork_behind.names() == ["greeting.patch", "buffer-size.patch"]
    assert not (fork_behind.root / "patches/null-check.patch").exists()
    assert pin(fork_behind) == fork_behind.target
    message = f"sync: upstream {fork_behind.pin[:12]} → {fork_behind.target[:12]}"
    assert f"git add -A -- patches history.toml CHANGES-LOCAL.md fork.lock && git commit -m '{message}'" in ran.out
    changed = git(fork_behind.root, "status", "--porcelain").split("\n")
    assert sorted(line.split()[-1] for line in changed) == [
        "CHANGES-LOCAL.md",
        "fork.lock",
        "history.toml",
        "patches/buffer-size.patch",
        "patches/greeting.patch",
        "patches/null-check.patch",
        "patches/series",
    ]
    assert fork_behind.ok("status").out.endswith("in step: queue, overlay, log and lock agree\n")
    assert fork_behind.ok("log", "--check").code == 0


def test_the_head_of_a_carried_patch_is_kept_byte_for_byte(fork_behind: Fork) -> None:
    """Mail headers, reason and trailers of a refreshed patch are as they were; only its diff is new."""
    before = dict(zip(fork_behind.names(), fork_behind.mails(), strict=True))
    fork_behind.ok("sync", "--upto", "v1.1")
    after = dict(zip(fork_behind.names(), fork_behind.mails(), strict=True))
    for name, data in after.items():
        assert data.split(b"diff --git")[0] == before[name].split(b"diff --git")[0]
    assert b"retries = 5" in after["buffer-size.patch"]
    assert b"retries = 3" in before["buffer-size.patch"]


def test_history_records_what_the_sync_did(fork_behind: Fork) -> None:
    """One record is appended: from, to, the day, and each patch's outcome."""
    fork_behind.ok("sync", "--upto", "v1.1")
    record = tomllib.loads((fork_behind.root / "history.toml").read_text())["sync"]
    expected = {"greeting": "kept", "buffer-size": "refreshed", "null-check": "upstreamed"}
    assert record == [
        {
            "from": fork_behind.pin,
            "to": fork_behind.target,
            "date": "2025-10-09",
            "patch": [{"name": f"{name}.patch", "outcome": outcome} for name, outcome in expected.items()],
        }
    ]


def test_a_second_sync_changes_no_byte(fork_behind: Fork) -> None:
    """Once there, the same command says so, exits 0 and touches nothing."""
    fork_behind.ok("sync", "--upto", "v1.1")
    before = fork_behind.state()
    assert fork_behind.ok("sync", "--upto", "v1.1").out == f"already at {fork_behind.target}\n"
    assert fork_behind.state() == before


@pytest.mark.parametrize("spelling", ["full", "short", "tag"])
def test_at_the_pin_nothing_else_is_checked(fork_in_step: Fork, spelling: str) -> None:
    """With dirty files, a damaged queue and a patch nobody listed, a sync to the pin still exits 0."""
    (fork_in_step.root / "CHANGES-LOCAL.md").write_text("edited\n")
    (fork_in_step.root / "patches/greeting.patch").write_text("not a patch\n")
    (fork_in_step.root / "patches/unlisted.patch").write_text("not a patch\n")
    named = {"full": fork_in_step.pin, "short": fork_in_step.pin[:10], "tag": "v1.0"}[spelling]
    assert fork_in_step.ok("sync", "--upto", named).out == f"already at {fork_in_step.pin}\n"


def test_commit_commits_what_was_saved_and_nothing_else(fork_behind: Fork) -> None:
    """With --commit the saved files are one commit; other edits stay uncommitted."""
    (fork_behind.root / "notes.txt").write_text("mine\n")
    git(fork_behind.root, "add", "notes.txt")
    ran = fork_behind.ok("sync", "--upto", "v1.1", "--commit")
    title = f"sync: upstream {fork_behind.pin[:12]} → {fork_behind.target[:12]}"
    assert git(fork_behind.root, "log", "-1", "--format=%s") == title
    assert f"committed as {git(fork_behind.root, 'rev-parse', '--short', 'HEAD')}" in ran.out
    assert git(fork_behind.root, "status", "--porcelain") == "A  notes.txt"


def test_without_commit_nothing_is_committed(fork_behind: Fork) -> None:
    """A sync moves no ref and no index of the fork's repository."""
    before = git(fork_behind.root, "for-each-ref"), (fork_behind.root / ".git/index").read_bytes()
    fork_behind.ok("sync", "--upto", "v1.1")
    assert (git(fork_behind.root, "for-each-ref"), (fork_behind.root / ".git/index").read_bytes()) == before


def test_a_sync_leaves_its_source_alone(fork_behind: Fork) -> None:
    """A repository read in place has no object, ref or file more than before."""
    before = snapshot(fork_behind.upstream.path)
    fork_behind.ok("sync", "--upto", "v1.1")
    assert snapshot(fork_behind.upstream.path) == before


# what is refused ----------------------------------------------------------------------------------------------------


def test_a_clash_saves_nothing_and_lists_every_verdict(fork_with_clash: Fork) -> None:
    """Not one byte changes, the exit is 1, each verdict is shown, and the next commands are there to type."""
    before = fork_with_clash.state()
    ran = fork_with_clash.run("sync", "--upto", "v1.1", "--accept-reviewed")
    assert_message(
        ran,
        1,
        "Nothing was saved",
        "clashed: limit in include/core.h",
        "clashed: limit-more in include/core.h (follows limit)",
        "greeting    kept",
        "next: settle limit in .forkkeeper/sync/clash",
        "forkkeeper sync --continue",
        "forkkeeper sync --abort",
    )
    assert fork_with_clash.state() == before
    assert not (fork_with_clash.root / ".forkkeeper/journal").exists()


def partly(upstream: Upstream) -> Fork:
    """Make a fork whose patch of two edits was taken by upstream by half."""
    two = TEXT.replace("line 3\n", "LINE 3\n").replace("line 17\n", "LINE 17\n")
    half = TEXT.replace("line 3\n", "LINE 3\n")
    return one_patch(upstream, {"a.txt": TEXT}, Local("two-lines", {"a.txt": two}), {"a.txt": half})


def test_a_row_to_review_is_not_saved_unasked(upstream_repo: Upstream) -> None:
    """A patch that upstream took in part is a person's to judge: nothing is saved, and the way to accept is said."""
    fork = partly(upstream_repo)
    before = fork.state()
    ran = fork.run("sync", "--upto", fork.target)
    assert_message(ran, 1, "Nothing was saved", "to review: two-lines:", "forkkeeper sync --accept two-lines")
    assert fork.state() == before
    document = json.loads(fork.run("plan", "--upto", fork.target, "--json", "-").out)
    assert [(r["outcome"], r["rule"], r["review"]) for r in document["patches"]] == [
        ("resolved", "partly-upstreamed", True)
    ]


@pytest.mark.parametrize("words", [["--accept", "two-lines"], ["--accept", "two-lines.patch"], ["--accept-reviewed"]])
def test_an_accepted_row_is_saved_and_recorded(upstream_repo: Upstream, words: list[str]) -> None:
    """By name or all at once; history says which rule a person accepted, and the log shows it."""
    fork = partly(upstream_repo)
    fork.ok("sync", "--upto", fork.target, *words)
    (record,) = tomllib.loads((fork.root / "history.toml").read_text())["sync"]
    carried = {"name": "two-lines.patch", "outcome": "resolved", "rule": "partly-upstreamed", "accepted": True}
    assert record["patch"] == [carried]
    assert b"LINE 17" in fork.mails()[0]
    assert b"+LINE 3\n" not in fork.mails()[0]
    assert "two-lines (partly-upstreamed)" in (fork.root / "CHANGES-LOCAL.md").read_text()


def test_an_emptied_row_is_reviewed(upstream_repo: Upstream) -> None:
    """When the merge leaves nothing of a patch though upstream changed more, a person must accept that it goes."""
    without = TEXT.replace("line 10\n", "")
    theirs = without.replace("line 12\n", "LINE 12\n")
    fork = one_patch(upstream_repo, {"a.txt": TEXT}, Local("drop-ten", {"a.txt": without}), {"a.txt": theirs})
    before = fork.state()
    assert_message(fork.run("sync", "--upto", fork.target), 1, "drop-ten  emptied", "--accept drop-ten")
    assert fork.state() == before
    fork.ok("sync", "--upto", fork.target, "--accept", "drop-ten")
    assert fork.names() == []
    assert composed(fork)[0] == composed(fork)[1] == fork.upstream.tree(fork.target)
    (record,) = tomllib.loads((fork.root / "history.toml").read_text())["sync"]
    assert record["patch"] == [{"name": "drop-ten.patch", "outcome": "emptied", "accepted": True}]


def test_accepting_a_name_that_is_no_patch_is_refused(upstream_repo: Upstream) -> None:
    """A mistyped --accept saves nothing and names the nearest patch."""
    fork = partly(upstream_repo)
    before = fork.state()
    ran = fork.run("sync", "--upto", fork.target, "--accept", "two-line")
    assert_message(ran, 2, "sync: --accept two-line: is no patch of the queue", "did you mean two-lines?")
    assert fork.state() == before


def test_going_back_needs_downgrade(fork_behind: Fork) -> None:
    """An older commit is refused, and --downgrade carries the queue back to the tree it had."""
    trees = composed(fork_behind)
    patches = fork_behind.names()[:2], fork_behind.mails()[:2]
    fork_behind.ok("sync", "--upto", "v1.1", "--commit")
    before = fork_behind.state()
    ran = fork_behind.run("sync", "--upto", "v1.0")
    assert_message(ran, 2, "sync: v1.0:", "is older than the pin", f"{fork_behind.target[:12]} (v1.1)", "--downgrade")
    assert fork_behind.state() == before
    fork_behind.ok("sync", "--upto", "v1.0", "--downgrade")
    assert composed(fork_behind)[0] == trees[0]
    assert (fork_behind.names(), fork_behind.mails()) == patches


def test_offline_forbids_hosts_and_nothing_else(fork_behind: Fork) -> None:
    """A local source serves with --offline; a host is not asked, and the message says that none was."""
    toml = fork_behind.root / "fork.toml"
    text = toml.read_text()
    toml.write_text(text.replace("../upstream.git", "https://127.0.0.1:9/x.git"))
    before = fork_behind.state()
    ran = fork_behind.run("sync", "--upto", fork_behind.target, "--offline")
    assert_message(ran, 2, "with --offline no host was asked")
    assert fork_behind.state() == before
    toml.write_text(text)
    fork_behind.ok("sync", "--upto", fork_behind.target, "--offline")


# what git and quilt make of the queue -------------------------------------------------------------------------------


@pytest.mark.parametrize("moved", [False, True], ids=["before a sync", "after a sync"])
def test_the_queue_applies_with_git_am(fork_behind: Fork, tmp_path: Path, moved: bool) -> None:
    """On the baseline tree `git am` takes every patch, and with the overlay laid on gives the composed tree."""
    if moved:
        fork_behind.ok("sync", "--upto", "v1.1")
    tree = tree_after_am(fork_behind, tmp_path / "am")
    assert with_files(tmp_path / "am", tree, fork_behind.overlay()) == composed(fork_behind)[1]


@pytest.mark.parametrize("moved", [False, True], ids=["before a sync", "after a sync"])
def test_the_queue_applies_with_quilt(fork_behind: Fork, tmp_path: Path, moved: bool) -> None:
    """On the baseline tree `quilt push -a --fuzz=0` takes every patch, and gives the same tree."""
    if moved:
        fork_behind.ok("sync", "--upto", "v1.1")
    baseline, whole = composed(fork_behind)
    tree = quilt_tree(fork_behind.upstream.path, baseline, fork_behind.root / "patches", tmp_path / "quilt")
    assert with_files(tmp_path / "quilt", tree, fork_behind.overlay()) == whole


# exact content ------------------------------------------------------------------------------------------------------

CRLF = TEXT.replace("\n", "\r\n")
MIXED = "".join(f"line {n}{end}" for n, end in zip(range(1, 21), ["\r\n", "\n", " \n", "\r\r\n"] * 5, strict=True))
BYTES = bytes(range(256)) * 8
HEAD = "first\n"  # upstream puts a line before everything, so that each hunk moves
CASES: dict[str, tuple[Content, Content, Content]] = {  # before, our change, upstream's change
    "CRLF": (CRLF, CRLF.replace("line 15", "LINE 15"), HEAD + CRLF),
    "mixed line ends": (MIXED, MIXED.replace("line 15", "LINE 15"), HEAD + MIXED),
    "a lone carriage return": (
        TEXT.replace("10", "1\r0"),
        TEXT.replace("10", "1\r\r0"),
        HEAD + TEXT.replace("10", "1\r0"),
    ),
    "missing final newline kept": (TEXT[:-1], TEXT[:-1].replace("line 19", "LINE 19"), HEAD + TEXT[:-1]),
    "missing final newline added": (TEXT[:-1], TEXT, HEAD + TEXT[:-1]),
    "final newline removed": (TEXT, TEXT[:-1], HEAD + TEXT),
    "a file emptied": (TEXT, "", TEXT),
    "trailing blanks": (TEXT, TEXT.replace("line 15\n", "line 15  \t \n"), HEAD + TEXT),
    "a removed line that looks like a signature": (TEXT + "- \n", TEXT + "2.39\n", HEAD + TEXT + "- \n"),
    "lines that look like a diff": (TEXT, TEXT.replace("line 15\n", "-- a/x\n++ b/x\n@@ -1 +1 @@\n"), HEAD + TEXT),
    "bytes that are no text": (TEXT, TEXT.encode().replace(b"line 15", b"\xff\xfe\x80"), HEAD + TEXT),
    "binary": (BYTES, BYTES + b"\0ours", BYTES),
    "a form feed": (TEXT, TEXT.replace("line 15", "\f\v\x1c\u2028"), HEAD + TEXT),
}


@pytest.mark.parametrize("case", CASES)
def test_content_is_carried_exactly(upstream_repo: Upstream, tmp_path: Path, case: str) -> None:
    """After a sync the patch says the same to the byte, and `git am --keep-cr` gives the composed tree."""
    before, ours, theirs = CASES[case]
    fork = one_patch(upstream_repo, {"a": before}, Local("mine", {"a": ours}), {"a": theirs, "other": "new\n"})
    signed = [line for line in fork.mails()[0].split(b"diff --git")[1].split(b"\n") if line[:1] in (b"+", b"-")]
    fork.ok("sync", "--upto", fork.target)
    again = [line for line in fork.mails()[0].split(b"diff --git")[1].split(b"\n") if line[:1] in (b"+", b"-")]
    assert again == signed
    tree = composed(fork)[1]
    assert tree_after_am(fork, tmp_path / "am") == tree
    prefix = b"" if theirs == before else HEAD.encode()
    content = git_bytes(tmp_path / "am", "show", f"{tree}:a")
    assert content == prefix + (ours.encode() if isinstance(ours, str) else ours or b"")


def test_modes_links_and_new_files_are_carried_exactly(upstream_repo: Upstream, tmp_path: Path) -> None:
    """A mode change, a new executable, a new link, a changed link and a removal survive a sync as they are."""
    before: dict[str, Content] = {"run.sh": "#!/bin/sh\n", "link": "run.sh", "old.txt": TEXT, "a.txt": TEXT}
    stands = upstream_repo.commit(before, modes={"link": SYMLINK})
    target = upstream_repo.commit({"a.txt": HEAD + TEXT, "run.sh": "#!/bin/sh\ntrue\n"})
    ours: dict[str, Content] = {
        "run.sh": "#!/bin/sh\n",
        "link": "a.txt",
        "new link": "../é",
        "tool": "x\n",
        "old.txt": None,
    }
    modes = {"run.sh": EXECUTABLE, "link": SYMLINK, "new link": SYMLINK, "tool": EXECUTABLE}
    local = Local("modes", ours, modes=modes)
    fork = fork_of(upstream_repo.path.parent, upstream_repo, stands, target, [local], {})
    fork.ok("sync", "--upto", target)
    tree = tree_after_am(fork, tmp_path / "am")
    assert tree == composed(fork)[1]
    listed = git(tmp_path / "am", "-c", "core.quotePath=false", "ls-tree", "-r", tree).splitlines()
    assert {line.split("\t")[1]: line[:6] for line in listed} == {
        "a.txt": "100644",
        "run.sh": "100755",
        "link": "120000",
        "new link": "120000",
        "tool": "100755",
    }
    assert git(tmp_path / "am", "show", f"{tree}:run.sh") == "#!/bin/sh\ntrue"


def test_binary_content_that_both_sides_changed_clashes_with_a_reason(upstream_repo: Upstream) -> None:
    """Bytes that are no text are never mixed: the row names the file and says why."""
    local = Local("mine", {"a": BYTES + b"\0ours"})
    fork = one_patch(upstream_repo, {"a": BYTES}, local, {"a": BYTES + b"\0theirs"})
    ran = fork.run("plan", "--upto", fork.target, "--json", "-")
    (row,) = json.loads(ran.out)["patches"]
    assert (ran.code, row["outcome"], row["paths"], row["proposal"]) == (1, "clashed", ["a"], None)
    assert row["why"]


def test_a_patch_of_line_ends_alone_keeps_them_beside_what_upstream_changed(upstream_repo: Upstream) -> None:
    """The patch makes every line end with CRLF, upstream changes words: the result has both, for review."""
    local = Local("mine", {"a": TEXT.replace("\n", "\r\n").encode()})
    fork = one_patch(upstream_repo, {"a": TEXT}, local, {"a": TEXT.replace("5", "V")})
    fork.ok("sync", "--upto", fork.target, "--accept", "mine")
    fork.ok("materialise", "../made")
    assert (fork.root.parent / "made" / "a").read_bytes() == TEXT.replace("5", "V").replace("\n", "\r\n").encode()


def test_a_rename_is_followed(upstream_repo: Upstream, tmp_path: Path) -> None:
    """A file that upstream moved takes its patch along; the row says from where to where."""
    stands = upstream_repo.commit({"old/a.txt": TEXT, "old/b.txt": "b\n"})
    upstream_repo.commit({}, moves={"old/a.txt": "new/a.txt"})
    target = upstream_repo.commit({"new/a.txt": HEAD + TEXT})
    local = Local("mine", {"old/a.txt": TEXT.replace("line 15", "LINE 15")})
    fork = fork_of(upstream_repo.path.parent, upstream_repo, stands, target, [local], {})
    ran = fork.ok("sync", "--upto", target)
    assert "upstream moved old/a.txt to new/a.txt" in " ".join(ran.out.split())
    assert b"+++ b/new/a.txt" in fork.mails()[0]
    assert tree_after_am(fork, tmp_path / "am") == composed(fork)[1]
    assert "LINE 15" in git(tmp_path / "am", "show", "HEAD:new/a.txt")


def test_odd_names_are_carried(upstream_repo: Upstream, tmp_path: Path) -> None:
    """Blanks, quotes, tabs, umlauts and bytes that are no UTF-8 in a path change nothing."""
    names = ["a b.txt", 'quo"te.txt', "tab\t.txt", "größe.txt", os.fsdecode(b"latin-\xe9.txt"), "-dash"]
    before, theirs = (dict.fromkeys(names, text) for text in (TEXT, HEAD + TEXT))
    ours = dict.fromkeys(names, TEXT.replace("line 15", "LINE 15"))
    fork = one_patch(upstream_repo, {**before}, Local("odd", {**ours}), {**theirs})
    fork.ok("sync", "--upto", fork.target)
    assert tree_after_am(fork, tmp_path / "am") == composed(fork)[1]
    assert json.loads(fork.ok("plan", "--upto", fork.pin, "--json", "-").out)["patches"][0]["outcome"] == "kept"


BLOCK = "begin {name}\n{{\n    lock();\n    count();\n    unlock();\n}}\n\n"
MARKED = BLOCK.replace("count();\n", "count();\n    mark();\n")


def blocks(*marked: str) -> str:
    """Write functions that differ only in their first line, some of them with the change."""
    names = ("one", "two", "three")
    return "".join((MARKED if name in marked else BLOCK).format(name=name) for name in names)


def test_the_same_lines_elsewhere_are_no_silent_goodbye(upstream_repo: Upstream) -> None:
    """When upstream makes our change in another, equal-looking place, ours leaves only by a person's word."""
    before, ours, theirs = blocks(), blocks("one"), blocks("three")
    fork = one_patch(upstream_repo, {"a.c": before}, Local("mark", {"a.c": ours}), {"a.c": theirs})
    state = fork.state()
    assert_message(fork.run("sync", "--upto", fork.target), 1, "mark     upstreamed", "--accept mark")
    assert fork.state() == state
    fork.ok("sync", "--upto", fork.target, "--accept", "mark")
    assert fork.names() == []


@pytest.mark.parametrize("more", [[], ["--commit"]])
def test_a_fork_of_an_overlay_alone_moves(upstream_repo: Upstream, more: list[str]) -> None:
    """With no patch in the queue the sync is saved and ends so, with all that it has to say."""
    pin = upstream_repo.commit({"a.txt": "a\n"}, tag="v1")
    target = upstream_repo.commit({"a.txt": "b\n"}, tag="v2")
    fork = fork_of(upstream_repo.path.parent, upstream_repo, pin, target, [], {"mine/x.txt": "own\n"})
    ran = fork.ok("sync", "--upto", "v2", *more)
    assert "saved: " in ran.out
    assert ran.err == ""
    assert target in (fork.root / "fork.lock").read_text()
    assert not (fork.root / ".forkkeeper/sync").exists()
    fork.ok("log", "--check")
