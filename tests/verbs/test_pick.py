"""`pick`: upstream's commits in the queue ahead of a sync, which then passes them."""

import json
from pathlib import Path

import pytest
from small import GREETING, HEADER, LOAD, MAIN, NULL_CHECK, OVERLAY, PARSE
from world import Fork, Upstream, assert_message, fork_of, git

SIX = LOAD.replace("retries = 3", "retries = 6")
FAST = SIX.replace("mode = 0", "mode = fast_flags()").replace(
    '#include "core.h"\n', '#include "core.h"\n#include "fast.h"\n'
)


def origin(sha: str) -> str:
    """Give the trailer of a picked patch."""
    return f"Origin: upstream {sha}"


def commit_of(upstream: Upstream, title: str) -> str:
    """Give the newest commit whose message holds a text."""
    return git(upstream.path, "log", "-1", "--format=%H", f"--grep={title}", "--fixed-strings", "refs/heads/main")


def text(fork: Fork, name: str) -> str:
    """Give a patch's text."""
    return (fork.root / "patches" / f"{name}.patch").read_text()


def test_a_commit_comes_in_and_a_sync_passes_it(fork_in_step: Fork) -> None:
    """It is a patch at the queue's end with upstream's author, date and words; the sync drops it, with no review."""
    fork = fork_in_step
    sha = commit_of(fork.upstream, "main: usage ends")
    ran = fork.ok("pick", sha[:9], "--why", "Scripts of ours rely on it.")
    assert "kept" in ran.out
    assert fork.names()[-1] == "main-usage-ends-with-64.patch"
    said = text(fork, "main-usage-ends-with-64")
    assert "From: Ann Author <ann@example.invalid>" in said
    assert "Subject: [PATCH] main: usage ends with 64" in said
    for line in (f"(cherry picked from commit {sha})", origin(sha), f"Upstream-Status: Backport [{sha}]"):
        assert line in said
    assert "Scripts of ours rely on it." in said
    assert "Witness: none [picked from upstream]" in said
    fork.ok("lint")
    fork.ok("log", "--check")
    assert "in step" in fork.ok("status").out
    fork.commit_all()
    synced = fork.ok("sync", "--upto", "v1.1")
    assert f"upstream has {sha[:12]}" in synced.out
    assert "main-usage-ends-with-64.patch" not in fork.names()


def test_what_was_picked_is_undone_and_done_again(fork_in_step: Fork) -> None:
    """Undo gives back every byte from before, redo every byte from after."""
    before = fork_in_step.state()
    fork_in_step.ok("pick", commit_of(fork_in_step.upstream, "main: usage ends"))
    after = fork_in_step.state()
    fork_in_step.ok("undo")
    assert fork_in_step.state() == before
    fork_in_step.ok("redo")
    assert fork_in_step.state() == after


def test_several_come_in_in_upstreams_order(fork_in_step: Fork) -> None:
    """Whatever order they are given in, and each once."""
    later, earlier = (commit_of(fork_in_step.upstream, title) for title in ("core: room", "main: usage ends"))
    ran = fork_in_step.ok("pick", later, earlier, later)
    assert fork_in_step.names()[-2:] == ["main-usage-ends-with-64.patch", "core-room-for-twice-as-much.patch"]
    assert ran.out.count("core: room for twice as much") == 1


def test_what_is_refused(fork_in_step: Fork) -> None:
    """A commit that the pin has, one that is picked already, what the fork has, a wrong call: nothing is saved."""
    fork = fork_in_step
    sha = commit_of(fork.upstream, "main: usage ends")
    fork.ok("pick", sha, "--name", "usage")
    state = fork.state()
    assert_message(fork.run("pick", fork.pin), 2, "the pin has it")
    assert_message(fork.run("pick", "v0.9"), 2, "the pin has it")
    assert_message(fork.run("pick", sha), 2, "is in the queue already, as usage")
    assert_message(fork.run("pick", commit_of(fork.upstream, "parse: a null")), 1, "the fork has it already")
    assert_message(fork.run("pick", "nothing-like-it"), 2, "no source has it")
    assert_message(fork.run("pick"), 2, "--sha")
    assert_message(fork.run("pick", fork.target, "--name", "usage"), 2, "is the name of a patch already")
    assert_message(fork.run("pick", fork.target, "--paths", "docs/"), 2, "nothing of it is chosen by --paths")
    assert_message(fork.run("pick", fork.target, "--touching", "("), 2, "--touching (: is none")
    assert_message(fork.run("pick", fork.target, "--yes"), 2, "goes with --with-needed only")
    assert_message(fork.run("pick", "--upto", "v1.1"), 2, "--paths")
    assert_message(fork.run("pick", "--upto", "v1.1", "--paths", "src"), 2, "--title")
    assert_message(fork.run("pick", fork.target, "--upto", "v1.1"), 2, "does not go with --upto")
    assert fork.state() == state


def test_show_saves_nothing_and_speaks_json(fork_in_step: Fork) -> None:
    """`--show` ends with 0 where it fits; the table is in the document."""
    state = fork_in_step.state()
    ran = fork_in_step.ok("pick", "v1.1", "--show", "--json", "-")
    found = json.loads(ran.out)
    (table,) = (block for block in found["blocks"] if isinstance(block, list))
    assert (found["verb"], table[0]["outcome"], table[0]["lines"]) == ("pick", "kept", "+1 -1")
    assert fork_in_step.state() == state


def test_upstreams_later_changes_of_the_lines_change_nothing(tmp_path: Path) -> None:
    """A sync drops a picked patch by its origin, though upstream has written those lines anew twice since."""
    fork = younger(tmp_path)
    fork.ok("pick", commit_of(fork.upstream, "load: six"))
    fork.commit_all()
    fork.upstream.commit({"src/load.c": FAST.replace("retries = 6", "retries = 60 /* slow disks */")}, tag="v2")
    fork.upstream.commit({"src/load.c": "int load;\n"}, tag="v3")
    ran = fork.ok("sync", "--upto", "v3")
    assert "1 upstreamed" in ran.out
    assert fork.names() == ["greeting.patch"]
    assert "review" not in ran.out.partition("files")[0]


def test_what_a_person_added_to_a_pick_is_for_review(tmp_path: Path) -> None:
    """Lines that are not upstream's do not leave with the patch unseen."""
    fork = younger(tmp_path)
    fork.ok("pick", commit_of(fork.upstream, "load: six"), "--name", "six")
    mine = text(fork, "six").replace("retries = 6;", "retries = 6 + MINE;")
    (fork.root / "patches/six.patch").write_text(mine)
    fork.relog()
    ran = fork.run("sync", "--upto", "v1.1")
    assert_message(ran, 1, "changes 1 line that upstream's commit", "--accept six")
    fork.ok("sync", "--accept", "six")
    assert fork.names() == ["greeting.patch"]


def test_what_upstream_took_back_on_the_way_is_for_review(tmp_path: Path) -> None:
    """The new pin has the commit and its revert: whether the fork still wants it is a person's to say."""
    fork = younger(tmp_path)
    sha = commit_of(fork.upstream, "load: six")
    fork.ok("pick", sha)
    fork.commit_all()
    back = fork.upstream.commit(
        {"src/load.c": LOAD}, title=f'Revert "load: six retries (#41)"\n\nThis reverts commit {sha}.', tag="v2"
    )
    assert_message(fork.run("plan", "--upto", "v2"), 1, "but upstream took it", f"with {back[:12]}")


def younger(place: Path) -> Fork:
    """Make a fork whose upstream went on in steps that need each other: six retries, fast flags, then both used."""
    upstream = Upstream.make(place / "upstream.git")
    first = {"src/main.c": MAIN, "src/load.c": LOAD, "src/parse.c": PARSE, "include/core.h": HEADER}
    pin = upstream.commit(first | {"docs/a.txt": "a\n"}, tag="v1.0", title="begin")
    upstream.commit({"src/parse.c": NULL_CHECK}, title="parse: a null text is empty")
    upstream.commit({"src/load.c": SIX}, title="load: six retries (#41)\n\nThree were not enough.")
    upstream.commit({"include/fast.h": "int fast_flags(void);\n"}, title="fast: a header for flags")
    upstream.commit({"docs/a.txt": "b\n"}, title="docs: b")
    target = upstream.commit({"src/load.c": FAST}, title="load: flags are fast", tag="v1.1")
    return fork_of(place, upstream, pin, target, [GREETING], OVERLAY)


def test_what_a_commit_needs_is_found_shown_and_taken(tmp_path: Path) -> None:
    """The commits that brought a name that it uses come first, in upstream's order; the others stay out."""
    fork = younger(tmp_path)
    state = fork.state()
    alone = fork.run("pick", fork.target)
    assert_message(alone, 1, "fast_flags")
    assert fork.state() == state
    ran = fork.run("pick", fork.target, "--with-needed")
    assert_message(ran, 1, "fast: a header for flags", "brings fast_flags", "--with-needed --yes")
    assert "docs: b" not in ran.out
    assert "parse: a null" not in ran.out
    assert fork.state() == state
    fork.ok("pick", fork.target, "--with-needed", "--yes")
    assert fork.names() == ["greeting.patch", "fast-a-header-for-flags.patch", "load-flags-are-fast.patch"]
    fork.commit_all()
    fork.ok("sync", "--upto", "v1.1")
    assert fork.names() == ["greeting.patch"]


def test_the_commit_that_made_its_lines_is_named(tmp_path: Path) -> None:
    """Where a commit clashes, what it stands on is said; with that it fits, and without it nothing is saved."""
    fork = younger(tmp_path)
    over = fork.upstream.commit({"src/load.c": FAST.replace("retries = 6", "retries = 6 * 2")}, title="load: twice")
    state = fork.state()
    clashed = fork.run("pick", over)
    assert_message(clashed, 1, "does not fit on the fork", "load: six retries", "--with-needed")
    assert "near line" in clashed.out
    assert fork.state() == state
    shown = fork.run("pick", over, "--with-needed")
    assert_message(shown, 1, "load: six retries (#41)")
    assert "fast: a header" not in shown.out
    fork.ok("pick", over, "--with-needed", "--yes", "--accept")
    assert "load-six-retries.patch" in fork.names()


def test_files_that_the_fork_leaves_out_drop_out(tmp_path: Path) -> None:
    """The path policy holds for what is picked: it is said, and a commit of such files alone is refused."""
    fork = younger(tmp_path)
    both = fork.upstream.commit({"docs/a.txt": "c\n", "src/main.c": MAIN.replace("return 2", "return 3")}, title="both")
    rule = '[[path]]\nrule = "exclude"\npattern = "/docs/"\nwhy = "not ours"\n'
    (fork.root / "fork.toml").write_text((fork.root / "fork.toml").read_text() + rule)
    fork.relog()
    ran = fork.ok("pick", both)
    assert "1 file of it that the fork leaves out" in ran.out
    assert "docs" not in text(fork, "both")
    only = commit_of(fork.upstream, "docs: b")
    assert_message(fork.run("pick", only), 1, "changes only files that the fork leaves out")


def test_a_part_is_taken_by_paths_and_by_hunks(tmp_path: Path) -> None:
    """`--paths` takes files, `--touching` hunks that change a line with a word; what is not taken is said."""
    fork = younger(tmp_path)
    wide = LOAD.replace("int mode = 0", "int mode = 4").replace("return file;", "return file - 1;")
    sha = fork.upstream.commit({"src/load.c": wide, "docs/a.txt": "wide\n"}, title="wide", parent=fork.pin, branch="w")
    ran = fork.ok("pick", sha, "--paths", "/src/", "--touching", "return FILE")
    assert "1 file and 1 hunk of the others" in ran.out
    assert "mode = 4" not in text(fork, "wide")
    assert "return file - 1" in text(fork, "wide")


def test_a_merge_is_what_it_changed_in_its_first_parent(tmp_path: Path) -> None:
    """That is said, and the branch comes in whole."""
    fork = younger(tmp_path)
    path = fork.upstream.path
    side = fork.upstream.commit({"docs/a.txt": "side\n"}, title="side", parent=fork.pin, branch="side")
    tree = fork.upstream.tree(side)
    merge = git(path, "commit-tree", tree, "-p", fork.pin, "-p", side, "-m", "Merge branch 'side'")
    git(path, "update-ref", "refs/heads/merged", merge)
    ran = fork.ok("pick", merge)
    assert "is a merge: it is taken as what it changed in its first parent" in " ".join(ran.out.split())
    assert "+side" in text(fork, "merge-branch-side")


def test_hostile_words_of_upstream_make_a_sound_patch(tmp_path: Path) -> None:
    """Brackets, rulers, diffs, headers and hidden characters in a message end no mail and reach no screen."""
    fork = younger(tmp_path)
    words = (
        "[X] [Y] do\x1b[31m it (#9)\n\n---\ndiff --git a/x b/x\nFrom: me\nIndex: 1\nPatch: greeting.patch\n\u202eend"
    )
    sha = fork.upstream.commit({"docs/a.txt": "hostile\n"}, title=words, parent=fork.pin, branch="h")
    ran = fork.ok("pick", sha)
    assert "\x1b" not in ran.out
    fork.ok("lint")
    fork.ok("log", "--check")
    (name,) = (name for name in fork.names() if name != "greeting.patch")
    said = (fork.root / "patches" / name).read_text()
    assert "X: Y: do" in said
    assert "\u202e" not in said
    assert len(fork.names()) == 2


def test_the_difference_of_two_commits_needs_no_history(tmp_path: Path) -> None:
    """Two shallow snapshots are enough; a sync to the newer one or past it drops the patch."""
    fork = younger(tmp_path)
    words = ("--paths", "src/load.c", "--title", "load: six", "--why", "Ours fails.")
    fork.ok("pick", "--upto", "v1.1", *words)
    said = text(fork, "load-six")
    assert f"Origin: upstream {fork.pin}..{fork.target}" in said
    assert "docs" not in said
    fork.commit_all()
    fork.upstream.commit({"src/load.c": "int load;\n"}, tag="v2", title="load: anew")
    fork.ok("sync", "--upto", "v2")
    assert fork.names() == ["greeting.patch"]
    assert_message(fork.run("pick", "--upto", "v1.1", *words), 2, "the pin has it")


# followed up --------------------------------------------------------------------------------------------------------


def test_status_tells_of_fixes_and_reverts(tmp_path: Path) -> None:
    """What upstream did later to a picked commit is said with what to type, until it is picked, or taken back again."""
    fork = younger(tmp_path)
    sha = commit_of(fork.upstream, "load: six")
    fork.ok("pick", sha)
    assert "upstream fixed" not in fork.ok("status").out
    fix = fork.upstream.commit({"docs/fix.txt": "fix\n"}, title="load: fix a regression of #41 (#50)")
    ran = fork.ok("status").out
    assert "load-six-retries: upstream fixed it with" in ran
    assert f"forkkeeper pick {fix}" in " ".join(ran.split())
    title = "load: six retries (#41)"
    fork.upstream.commit({"src/load.c": LOAD}, title=f'Revert "{title}"\n\nThis reverts commit {sha}.')
    assert "forkkeeper patch drop load-six-retries" in " ".join(fork.ok("status").out.split())
    fork.upstream.commit({"src/load.c": FAST}, title=f'Reapply "{title}"')
    assert "reverted it" not in fork.ok("status").out
    fork.ok("pick", fix)
    assert "upstream fixed it" not in fork.ok("status").out


@pytest.mark.parametrize("word", ["sha", "show"])
def test_pick_through_invoke_has_options_alone(fork_in_step: Fork, word: str) -> None:
    """`forkkeeper pick A B` is `pick --sha A --sha B`."""
    assert f"--{word}" in fork_in_step.ok("pick", "--help").out
