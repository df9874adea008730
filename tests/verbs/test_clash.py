"""A clash and a person: the worktree, what is taken from it, what is refused, and that nothing of theirs is lost."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from world import Content, Fork, Local, Upstream, am_trees, assert_message, copied, fork_of, git, git_bytes

from forkkeeper.core.parked import read

TEXT = "".join(f"line {number}\n" for number in range(1, 21))
MINE = TEXT.replace("line 10\n", "mine 10\n")
THEIRS = TEXT.replace("line 10\n", "upstream ten\n")
PNG = bytes(range(256)) * 2


def fork_with(
    upstream: Upstream,
    before: dict[str, Content],
    locals_: list[Local],
    after: dict[str, Content],
    *,
    moves: dict[str, str] | None = None,
    modes: dict[str, str] | None = None,
) -> Fork:
    """Make a fork of some patches on `before`, whose upstream goes on with `after`."""
    pin = upstream.commit(before, tag="v1")
    target = upstream.commit(after, moves=moves, modes=modes, tag="v2", title="core: say it anew")
    return fork_of(upstream.path.parent, upstream, pin, target, locals_, {})


@pytest.fixture
def clashing(upstream_repo: Upstream) -> Fork:
    """Give a fork of three patches: one is free, one clashes, one follows the clash."""
    more = MINE.replace("mine 10\n", "mine 10\nand more\n")
    locals_ = [Local("free", {"b.txt": "mine\n"}), Local("ten", {"a.txt": MINE}), Local("more", {"a.txt": more})]
    return fork_with(upstream_repo, {"a.txt": TEXT, "b.txt": "b\n"}, locals_, {"a.txt": THEIRS})


def worktree(fork: Fork) -> Path:
    """Give the worktree of the clash."""
    return fork.root / ".forkkeeper/sync/clash"


def begin(fork: Fork) -> str:
    """Begin a sync that a person must help, and give what it says."""
    before = fork.state()
    ran = fork.run("sync", "--upto", "v2")
    assert_message(ran, 1, "Nothing was saved yet", "forkkeeper sync --continue")
    assert fork.state() == before
    return ran.out


def settle(fork: Fork, path: str = "a.txt", text: str | None = None) -> None:
    """Make the file fit, as a person would in an editor."""
    (worktree(fork) / path).write_text(text if text is not None else THEIRS.replace("upstream ten", "mine ten"))


# the kinds of clash -------------------------------------------------------------------------------------------------


def content(fork: Fork) -> None:
    """Edit the markers away."""
    text = (worktree(fork) / "a.txt").read_text()
    assert "<<<<<<< upstream" in text
    assert "||||||| common base" in text
    assert ">>>>>>> patch ten" in text
    settle(fork)


def file_moved(fork: Fork) -> None:
    """Edit the file under its new name, where git has put the clash."""
    assert "<<<<<<< upstream" in (worktree(fork) / "src/a.txt").read_text()
    settle(fork, "src/a.txt")


def file_deleted(fork: Fork) -> None:
    """Keep the file that upstream removed."""
    assert git(worktree(fork), "status", "--porcelain", "a.txt").startswith("DU")
    git(worktree(fork), "add", "a.txt")


def binary(fork: Fork) -> None:
    """Take a picture that holds both changes."""
    (worktree(fork) / "a.png").write_bytes(b"\0both" + PNG)
    git(worktree(fork), "add", "a.png")


def mode(fork: Fork) -> None:
    """Say which kind of file it is to be."""
    place = worktree(fork) / "a.txt"
    place.unlink()
    place.symlink_to("./b.txt")
    git(worktree(fork), "add", "--force", "a.txt")


KINDS: dict[str, tuple[Callable[[Fork], None], dict[str, Content], Local, dict[str, Content], dict[str, str]]] = {
    "content": (content, {"a.txt": TEXT}, Local("ten", {"a.txt": MINE}), {"a.txt": THEIRS}, {}),
    "file moved": (
        file_moved,
        {"a.txt": TEXT},
        Local("ten", {"a.txt": MINE}),
        {"src/a.txt": THEIRS},
        {"a.txt": "src/a.txt"},
    ),
    "file deleted": (
        file_deleted,
        {"a.txt": TEXT, "b.txt": "b\n"},
        Local("ten", {"a.txt": MINE, "b.txt": "c\n"}),
        {"a.txt": None},
        {},
    ),
    "binary": (binary, {"a.png": PNG}, Local("ten", {"a.png": PNG + b"mine"}), {"a.png": b"theirs" + PNG}, {}),
    "mode": (
        mode,
        {"a.txt": "b.txt", "b.txt": "b\n"},
        Local("ten", {"a.txt": "b.txt"}, modes={"a.txt": "120000"}),
        {"a.txt": "other.txt\n"},
        {},
    ),
}


def planted(upstream: Upstream, kind: str) -> Fork:
    """Make a fork with one clash of a kind."""
    _, before, local, after, moves = KINDS[kind]
    return fork_with(upstream, before, [local], after, moves=moves)


@pytest.mark.parametrize("kind", KINDS)
def test_clash_edit_continue_saved(upstream_repo: Upstream, kind: str, tmp_path: Path) -> None:
    """Every kind of clash goes to a saved fork, whose queue makes with `git am` the tree that the lock names."""
    fork = planted(upstream_repo, kind)
    begin(fork)
    KINDS[kind][0](fork)
    ran = fork.ok("sync", "--continue")
    assert "saved:" in ran.out
    assert not (fork.root / ".forkkeeper/sync").exists()
    lock = (fork.root / "fork.lock").read_text()
    assert fork.target in lock
    baseline = git(fork.upstream.path, "rev-parse", f"{fork.target}^{{tree}}")
    assert am_trees(fork.upstream.path, baseline, fork.mails(), tmp_path / "am")[-1] in lock
    fork.ok("log", "--check")
    assert list((fork.root / "resolutions").glob("ten.*.resolution"))


@pytest.mark.parametrize("kind", KINDS)
def test_clash_abort_is_byte_identical(upstream_repo: Upstream, kind: str) -> None:
    """Given up, with edits made: the fork is what it was, and the edits are named and kept."""
    fork = planted(upstream_repo, kind)
    before = fork.state()
    begin(fork)
    KINDS[kind][0](fork)
    ran = fork.ok("sync", "--abort")
    assert fork.state() == before
    assert "the fork's files are as they were" in ran.out
    assert not (fork.root / ".forkkeeper/sync").exists()
    if kind != "file deleted":  # there, settling changed the index alone
        (kept,) = (fork.root / ".forkkeeper/set-aside").glob("*/ten.diff")
        assert f".forkkeeper/set-aside/{kept.parent.name}/ten.diff" in ran.out


@pytest.mark.parametrize("kind", KINDS)
def test_a_second_clone_replays_it_without_a_human(upstream_repo: Upstream, kind: str, tmp_path: Path) -> None:
    """What one person resolved and committed is replayed in a colleague's clone, to the same bytes."""
    fork = planted(upstream_repo, kind)
    clone = copied(fork, tmp_path / "clone")
    begin(fork)
    KINDS[kind][0](fork)
    fork.ok("sync", "--continue")
    shutil.copytree(fork.root / "resolutions", clone.root / "resolutions")
    document = json.loads(clone.ok("plan", "--upto", "v2", "--json", "-").out)
    assert [(row["outcome"], row["review"]) for row in document["patches"]] == [("replayed", False)]
    clone.ok("sync", "--upto", "v2")
    assert clone.mails() == fork.mails()
    assert (clone.root / "resolutions").exists()


# the way through ----------------------------------------------------------------------------------------------------


def test_the_worktree_stands_on_what_was_carried(clashing: Fork) -> None:
    """The patches before the clash are there, the note says what it is about, and git shows what is unmerged."""
    begin(clashing)
    place = worktree(clashing)
    assert (place / "b.txt").read_text() == "mine\n"
    assert git(place, "log", "-1", "--format=%s") == "the patches before ten"
    assert git(place, "diff", "--name-only", "--diff-filter=U") == "a.txt"
    note = (place.parent / "CLASH.md").read_text()
    assert "# ten clashes" in note
    assert "The fork needs this, and says so here." in note
    assert "core: say it anew" in note
    assert "`a.txt`: changed on both sides" in note
    assert "forkkeeper sync --continue" in note


def test_a_cascade_that_dissolves_is_carried(clashing: Fork) -> None:
    """When the root fits, the patch that followed it is carried with no further word."""
    assert "follows ten" in begin(clashing)
    settle(clashing, text=THEIRS.replace("upstream ten", "mine 10"))
    ran = clashing.ok("sync", "--continue")
    assert "by hand: a person made it fit" in ran.out
    assert b"+and more" in clashing.mails()[2]


def test_a_second_clash_opens_after_the_first(upstream_repo: Upstream) -> None:
    """One after the other, each on what was settled before it."""
    other = {"b.txt": TEXT.replace("line 5\n", "mine 5\n")}
    locals_ = [Local("ten", {"a.txt": MINE}), Local("five", other)]
    after: dict[str, Content] = {"a.txt": THEIRS, "b.txt": TEXT.replace("line 5\n", "five of theirs\n")}
    fork = fork_with(upstream_repo, {"a.txt": TEXT, "b.txt": TEXT}, locals_, after)
    begin(fork)
    settle(fork)
    assert_message(fork.run("sync", "--continue"), 1, "settle five in .forkkeeper/sync/clash")
    assert (worktree(fork) / "a.txt").read_text() == THEIRS.replace("upstream ten", "mine ten")
    said = fork.run("sync", "--status")
    assert (said.code, "made to fit" in said.out, "five clashes" in said.out) == (1, True, True)
    settle(fork, "b.txt", TEXT.replace("line 5\n", "five of both\n"))
    fork.ok("sync", "--continue", "--commit")
    assert git(fork.root, "status", "--porcelain") == ""
    assert len(list((fork.root / "resolutions").iterdir())) == 2


def test_the_state_survives(clashing: Fork) -> None:
    """An editor left open, a process killed, the worktree deleted: `--continue` goes on from what was decided."""
    begin(clashing)
    place = worktree(clashing)
    (place / "a.txt").write_text("half")
    begin(clashing)  # the same call again keeps the edits
    assert (place / "a.txt").read_text() == "half"
    shutil.rmtree(place)
    assert "its worktree is gone" in clashing.run("sync", "--status").out
    assert_message(clashing.run("sync", "--continue"), 1, "settle ten")
    settle(clashing, text=THEIRS.replace("upstream ten", "mine 10"))
    clashing.ok("sync", "--continue")


def test_a_person_may_commit_in_the_worktree(clashing: Fork) -> None:
    """A commit on top of what was given is taken as well."""
    begin(clashing)
    settle(clashing, text=THEIRS.replace("upstream ten", "mine 10"))
    git(worktree(clashing), "commit", "--quiet", "--all", "--message", "made to fit")
    clashing.ok("sync", "--continue")


# what is refused ----------------------------------------------------------------------------------------------------


def test_markers_are_refused(clashing: Fork) -> None:
    """A worktree that nobody edited, or half: each marker is named by its line."""
    begin(clashing)
    assert_message(clashing.run("sync", "--continue"), 1, "conflict markers are left", "a.txt:10: <<<<<<< upstream")
    settle(clashing, text=THEIRS.replace("upstream ten\n", "mine\n=======\n"))
    assert_message(clashing.run("sync", "--continue"), 1, "a.txt:11: =======")


def test_edits_outside_the_patch_need_widen(clashing: Fork) -> None:
    """Another file in the worktree is refused by name; with --widen it belongs to the patch."""
    begin(clashing)
    settle(clashing, text=THEIRS.replace("upstream ten", "mine 10"))
    (worktree(clashing) / "c.txt").write_text("new\n")
    assert_message(clashing.run("sync", "--continue"), 1, "files that the patch does not touch: c.txt", "--widen")
    clashing.ok("sync", "--continue", "--widen")
    assert b"+++ b/c.txt" in clashing.mails()[1]


def test_a_worktree_moved_by_hand_is_refused(clashing: Fork) -> None:
    """Another commit checked out there is not taken for an edit."""
    begin(clashing)
    place = worktree(clashing)
    git(place, "checkout", "--quiet", "--force", "HEAD~")
    assert_message(clashing.run("sync", "--continue"), 2, "was moved to another commit by hand", "reset --soft")


def test_nothing_left_is_said_to_be_a_drop(clashing: Fork) -> None:
    """Taking upstream's text whole is no patch: the way to say so is named."""
    begin(clashing)
    settle(clashing, text=THEIRS)
    assert_message(clashing.run("sync", "--continue"), 2, "nothing is left of it", "--drop ten --why")


def test_a_path_that_only_git_can_settle_must_be_settled(upstream_repo: Upstream) -> None:
    """Without a word on a removed file, nothing is guessed."""
    fork = planted(upstream_repo, "file deleted")
    begin(fork)
    assert_message(fork.run("sync", "--continue"), 1, "not settled yet: a.txt", "add FILE")
    git(worktree(fork), "rm", "--quiet", "--force", "a.txt")
    fork.ok("sync", "--continue")
    assert b"a.txt" not in fork.mails()[0].partition(b"\ndiff ")[2]


@pytest.mark.parametrize("words", [["--continue"], ["--skip"], ["--abort"], ["--accept", "ten"], ["--drop", "ten"]])
def test_without_a_sync_there_is_nothing_to_go_on_with(clashing: Fork, words: list[str]) -> None:
    """Each says that none is in progress, and how to begin."""
    assert_message(clashing.run("sync", *words), 2, "no sync is in progress", "sync --upto")


def test_another_target_does_not_lose_the_one_in_progress(clashing: Fork) -> None:
    """Where something was decided, a sync elsewhere is refused; where nothing was, it simply begins."""
    other = clashing.upstream.commit({"z.txt": "z\n"}, tag="v3")
    begin(clashing)
    assert clashing.run("sync", "--upto", other).code == 1
    clashing.run("sync", "--skip")
    assert_message(clashing.run("sync", "--upto", "v2"), 2, "is in progress, and something was decided", "--abort")


def test_two_ways_at_once_are_refused(clashing: Fork) -> None:
    """One call decides one thing."""
    assert_message(clashing.run("sync", "--continue", "--abort"), 2, "--continue", "does not go with --abort")


# skip, drop, reopen -------------------------------------------------------------------------------------------------


def test_a_skipped_patch_is_parked_and_reported(clashing: Fork) -> None:
    """It leaves the queue whole, with the reason, and status and log speak of it until it is dealt with."""
    mail = clashing.mails()[1]
    begin(clashing)
    said = clashing.run("sync", "--skip", "--why", "upstream is rewriting it")
    assert said.code == 1, said.said  # what built on it clashes by itself now
    clashing.ok("sync", "--drop", "more", "--why", "it built on ten")
    assert clashing.names() == ["free.patch"]
    parked = read("ten.patch", (clashing.root / "patches/parked/ten.patch").read_bytes())
    assert parked is not None
    assert (parked.data, parked.why) == (mail, "upstream is rewriting it")
    assert "parked" in clashing.ok("status").out
    assert "upstream is rewriting it" in (clashing.root / "CHANGES-LOCAL.md").read_text()
    history = (clashing.root / "history.toml").read_text()
    assert 'outcome = "parked"' in history
    assert 'why = "it built on ten"' in history


def test_a_drop_needs_its_reason(clashing: Fork) -> None:
    """A patch is not taken out without a word."""
    begin(clashing)
    assert_message(clashing.run("sync", "--drop"), 2, "--drop ten", "needs the reason", "--why")


def test_what_was_decided_can_be_taken_back(clashing: Fork) -> None:
    """`--reopen` lays the patch before the person again, and keeps what they had made."""
    begin(clashing)
    settle(clashing, text=THEIRS.replace("upstream ten", "mine TEN"))
    ran = clashing.run("sync", "--continue")
    assert ran.code == 1, ran.said  # what built on it does not fit this
    assert_message(clashing.run("sync", "--reopen", "ten"), 1, "settle ten", ".forkkeeper/set-aside/1/")
    settle(clashing, text=THEIRS.replace("upstream ten", "mine 10"))
    clashing.ok("sync", "--continue")


def test_skipping_keeps_unfinished_edits(clashing: Fork) -> None:
    """Edits of a patch that is set aside are set aside, too, and named."""
    begin(clashing)
    settle(clashing)
    ran = clashing.run("sync", "--skip")
    assert ".forkkeeper/set-aside/1/ten.diff" in ran.out
    assert "+mine ten" in (clashing.root / ".forkkeeper/set-aside/1/ten.diff").read_text()


# accepted, aborted, replayed ----------------------------------------------------------------------------------------


def test_an_acceptance_holds_only_for_what_was_seen(upstream_repo: Upstream) -> None:
    """A reviewed row that another decision changes is asked for again."""
    both = TEXT.replace("line 3\n", "LINE 3\n").replace("line 17\n", "LINE 17\n")
    locals_ = [Local("ten", {"a.txt": MINE}), Local("two", {"b.txt": both})]
    after: dict[str, Content] = {"a.txt": THEIRS, "b.txt": TEXT.replace("line 3\n", "LINE 3\n")}
    fork = fork_with(upstream_repo, {"a.txt": TEXT, "b.txt": TEXT}, locals_, after)
    begin(fork)
    ran = fork.run("sync", "--accept", "two")
    assert "to review: two" not in ran.out
    assert "accepted" in fork.run("sync", "--status").out
    settle(fork)
    (worktree(fork) / "b.txt").write_text(TEXT.replace("line 17\n", "LINE 17\n"))
    again = fork.run("sync", "--continue", "--widen")
    assert again.code == 1, again.said
    assert "two was accepted, and has become another since" in again.out


def test_what_was_resolved_before_an_abort_is_replayed(clashing: Fork) -> None:
    """A person never resolves the same clash twice."""
    begin(clashing)
    settle(clashing, text=THEIRS.replace("upstream ten", "mine TEN"))
    clashing.run("sync", "--continue")
    said = clashing.ok("sync", "--abort").out
    assert "are replayed in the next sync" in said
    assert "ten.patch" in said
    ran = clashing.run("sync", "--upto", "v2")
    assert "ten       replayed" in ran.out or "replayed" in ran.out


def test_a_stale_resolution_is_reported_and_not_used(clashing: Fork) -> None:
    """Where upstream has other lines in the clash, the record is named, and a person is asked."""
    begin(clashing)
    settle(clashing, text=THEIRS.replace("upstream ten", "mine TEN"))
    clashing.run("sync", "--continue")
    clashing.ok("sync", "--abort")
    clashing.upstream.commit({"a.txt": THEIRS.replace("upstream ten", "upstream 10!")}, tag="v3")
    ran = clashing.run("sync", "--upto", "v3")
    assert_message(ran, 1, "settle ten", "resolutions/ten.")
    assert "recorded for other lines, and is not used" in " ".join(ran.out.split())


def test_a_resolution_beside_other_changes_is_reviewed(clashing: Fork) -> None:
    """The same lines meet in a file that differs elsewhere: replayed, and shown to a person."""
    begin(clashing)
    settle(clashing, text=THEIRS.replace("upstream ten", "mine 10"))
    clashing.ok("sync", "--continue")
    kept = {path.name: path.read_bytes() for path in (clashing.root / "resolutions").iterdir()}
    git(clashing.root, "checkout", "--quiet", "--", ".")
    shutil.rmtree(clashing.root / "resolutions")
    clashing.upstream.commit({"a.txt": "new first\n" + THEIRS}, tag="v3")
    (clashing.root / "resolutions").mkdir()
    for name, data in kept.items():
        (clashing.root / "resolutions" / name).write_bytes(data)
    document = json.loads(clashing.run("plan", "--upto", "v3", "--json", "-").out)
    ten = document["patches"][1]
    assert (ten["outcome"], ten["review"]) == ("replayed", True)
    assert "other lines of these files" in ten["why"]


def test_a_damaged_resolution_is_named(clashing: Fork) -> None:
    """A file that is no resolution stops the verb with its name and what to type."""
    (clashing.root / "resolutions").mkdir()
    (clashing.root / "resolutions/x.resolution").write_text("Resolution-Of: ten.patch\n\ndiff --git a/a b/a\n")
    assert_message(clashing.run("plan", "--upto", "v2"), 2, "resolutions/x.resolution", "is damaged", "git restore")


def test_a_replaced_patch_is_remembered(clashing: Fork) -> None:
    """`--replace` decides one patch of a sync in progress."""
    new = clashing.root.parent / "ten.diff"
    begin(clashing)
    settle(clashing)
    new.write_bytes(git_bytes(worktree(clashing), "diff", "HEAD"))
    ran = clashing.run("sync", "--upto", "v2", "--replace", f"ten={new}")
    assert "made to fit" in clashing.run("sync", "--status").out, ran.said


# killed -------------------------------------------------------------------------------------------------------------

KILLED = Path(__file__).parents[1] / "killed.py"


def killed(fork: Fork, moment: int, *words: str) -> bool:
    """Run a verb in a process that dies before its n-th change of a name; say whether it did die there."""
    argv = [sys.executable, str(KILLED), str(fork.root), str(moment), *words]
    return subprocess.run(argv, capture_output=True, check=False, stdin=subprocess.DEVNULL).returncode == 77


@pytest.mark.parametrize("stage", ["opening", "continuing", "aborting"])
def test_clash_kill_continue(clashing: Fork, tmp_path: Path, stage: str) -> None:
    """Killed before any of its changes: the fork is old or new, whole, and the next call goes on from there."""
    if stage != "opening":
        begin(clashing)
        settle(clashing, text=THEIRS.replace("upstream ten", "mine 10"))
    whole = copied(clashing, tmp_path / "whole")
    old = whole.state()
    words = {"opening": ["--upto", "v2"], "continuing": ["--continue"], "aborting": ["--abort"]}[stage]
    if stage == "opening":
        begin(whole)
        settle(whole, text=THEIRS.replace("upstream ten", "mine 10"))
    whole.ok("sync", "--continue")
    new = whole.mails()
    moment, died = 0, True
    while died:
        fork = copied(clashing, tmp_path / str(moment))
        died = killed(fork, moment, "sync", *words)
        fork.run("status")  # an interrupted save is finished or undone by whatever comes next
        assert fork.state() == old or fork.mails() == new, moment
        fork.ok("log", "--check")
        if fork.state() == old and stage != "aborting":
            ran = fork.run("sync", "--upto", "v2")
            if ran.code == 1:
                settle(fork, text=THEIRS.replace("upstream ten", "mine 10"))
                fork.ok("sync", "--continue")
            assert fork.mails() == new, moment
        elif stage == "aborting":
            fork.run("sync", "--abort")
            assert fork.state() == old
            assert not (fork.root / ".forkkeeper/sync/session.json").exists()
        shutil.rmtree(tmp_path / str(moment))
        moment += 1
    assert moment > 3


# back into the queue ------------------------------------------------------------------------------------------------


def test_a_parked_patch_comes_back(clashing: Fork) -> None:
    """Where upstream's clash is gone again, `patch unpark` carries it from where it stood, words and all."""
    begin(clashing)
    clashing.run("sync", "--skip")
    clashing.ok("sync", "--drop", "more", "--why", "it built on ten")
    clashing.commit_all()
    assert_message(clashing.run("patch", "unpark", "ten"), 1, "ten.patch: clashes still", "forkkeeper patch new ten")
    clashing.upstream.commit({"a.txt": "first\n" + TEXT}, tag="v3")
    clashing.ok("sync", "--upto", "v3")
    assert "set aside" in (clashing.root / "CHANGES-LOCAL.md").read_text().lower()
    clashing.ok("patch", "unpark", "ten")
    assert clashing.names() == ["free.patch", "ten.patch"]
    assert b"+mine 10" in clashing.mails()[1]
    assert b"Parked:" not in clashing.mails()[1]
    assert not list((clashing.root / "patches/parked").glob("*"))
    assert "set aside" not in (clashing.root / "CHANGES-LOCAL.md").read_text().lower()
    clashing.ok("log", "--check")
    assert_message(clashing.run("patch", "unpark", "tenn"), 2, "is not parked")
