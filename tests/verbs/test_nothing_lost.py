"""What could silently lose or falsify somebody's work: each case once went wrong, here or in a tool like this one."""

import shutil
import subprocess
from pathlib import Path

import pytest
from world import BIN, EXECUTABLE, SYMLINK, Fork, Local, Upstream, assert_message, fork_of, git

TEXT = "".join(f"line {number}\n" for number in range(1, 31))
GUARDED = (
    "int foo(void)\n{\n    int n;\n    int m;\n    n = 0;\n    use(p);\n    more(p);\n    done(p);\n    last(p);\n}\n"
)
CHECKED = GUARDED.replace("    use(p);\n", "    check(p);\n    use(p);\n")


def made(
    upstream: Upstream, before: dict[str, str], after: dict[str, str | None], local: Local, **more: object
) -> Fork:
    """Make a fork of one patch whose upstream went from the one to the other."""
    pin = upstream.commit(before, tag="v1")
    target = upstream.commit(after, tag="v2", **more)  # type: ignore[arg-type]
    return fork_of(upstream.path.parent, upstream, pin, target, [local], {})


def outcome(fork: Fork) -> str:
    """Give the plan's first word on the one patch, with "review" where it asks for one."""
    ran = fork.run("plan", "--upto", "v2")
    row = next(line for line in ran.out.splitlines() if line.startswith("mine "))
    return " ".join(word for word in row.split()[1:3] if word in ("yes", *OUTCOMES))


OUTCOMES = ("kept", "refreshed", "resolved", "upstreamed", "emptied", "clashed")


def test_a_change_that_stands_elsewhere_is_not_dropped_silently(upstream_repo: Upstream) -> None:
    """Upstream has the patch's lines in another function: the patch may leave only with a person's word."""
    after = GUARDED.replace("last(p)", "end(p)") + CHECKED.replace("foo", "baz")
    fork = made(upstream_repo, {"f.c": GUARDED}, {"f.c": after}, Local("mine", {"f.c": CHECKED}))
    assert outcome(fork) == "upstreamed yes"
    before = fork.state()
    ran = fork.run("sync", "--upto", "v2")
    assert_message(ran, 1, "to review: mine", "does not find them where the patch has them")
    assert fork.state() == before


def test_a_removed_file_that_upstream_renamed_clashes(upstream_repo: Upstream) -> None:
    """The patch removes a file, upstream moved it: the file is still part of upstream, so the patch is not done."""
    pin = upstream_repo.commit({"evil.c": TEXT, "a": "a\n"}, tag="v1")
    target = upstream_repo.commit({}, moves={"evil.c": "moved.c"}, tag="v2")
    local = Local("mine", {"evil.c": None})
    fork = fork_of(upstream_repo.path.parent, upstream_repo, pin, target, [local], {})
    assert outcome(fork) == "clashed"


def test_a_mode_that_upstream_did_not_take_is_not_lost(upstream_repo: Upstream) -> None:
    """Upstream took the lines and not the executable bit: the patch is not upstreamed."""
    pin = upstream_repo.commit({"run.sh": TEXT}, tag="v1")
    changed = TEXT.replace("line 9", "LINE 9")
    target = upstream_repo.commit({"run.sh": changed}, tag="v2")
    local = Local("mine", {"run.sh": changed}, modes={"run.sh": EXECUTABLE})
    fork = fork_of(upstream_repo.path.parent, upstream_repo, pin, target, [local], {})
    assert outcome(fork) == "resolved yes"


def test_a_file_that_git_only_takes_for_the_moved_one_asks_for_a_review(upstream_repo: Upstream) -> None:
    """A new file that shares a licence header with a removed one gets its patch only with a person's word."""
    licence = "".join(f"licence {number}\n" for number in range(20))
    alpha = licence + "".join(f"alpha {number}\n" for number in range(12))
    beta = licence + "".join(f"beta {number}\n" for number in range(12))
    local = Local("mine", {"alpha.c": alpha.replace("licence 3\n", "licence 3, ours\n")})
    fork = made(upstream_repo, {"alpha.c": alpha, "b": "b\n"}, {"alpha.c": None, "beta.c": beta}, local)
    assert outcome(fork) == "refreshed yes"


@pytest.mark.parametrize(
    "tail", [b"notes of mine\n", b"From " + b"0" * 40 + b" Mon Sep 17 00:00:00 2001\nSubject: two\n"]
)
def test_text_after_the_diff_is_refused(fork_in_step: Fork, tail: bytes) -> None:
    """A second mail, or notes, behind the diff would be lost on saving: the patch is refused with the line."""
    patch = fork_in_step.root / "patches/greeting.patch"
    patch.write_bytes(patch.read_bytes() + tail)
    assert_message(fork_in_step.run("lint"), 2, "patches/greeting.patch", "after the diff stands")


@pytest.mark.parametrize("where", [".", "..", "patches", "native/overlay", "native"])
def test_the_fork_itself_is_never_replaced(fork_in_step: Fork, where: str) -> None:
    """No option makes materialise write over the fork's own files, or over a folder that holds them."""
    before = fork_in_step.state()
    ran = fork_in_step.run("materialise", where, "--overwrite")
    assert_message(ran, 2, "materialise:", "would replace files of")
    assert fork_in_step.state() == before


def test_a_repository_in_the_directory_is_never_emptied(fork_in_step: Fork) -> None:
    """A folder that holds another git repository is refused, whatever the options."""
    other = fork_in_step.root.parent / "vendored/other"
    other.mkdir(parents=True)
    git(other, "init", "--quiet")
    ran = fork_in_step.run("materialise", str(other.parent), "--overwrite")
    assert_message(ran, 2, "holds a git repository: other")
    assert (other / ".git/HEAD").is_file()


def test_a_patch_that_leaves_is_in_a_commit_before(fork_behind: Fork) -> None:
    """A patch that upstream took leaves the queue only when git holds its text; without git a copy is kept."""
    shutil.rmtree(fork_behind.root / ".git")
    fork_behind.ok("sync", "--upto", "v1.1")
    assert (fork_behind.root / "patches/dropped/null-check.patch").is_file()
    assert not (fork_behind.root / "patches/null-check.patch").exists()
    assert fork_behind.run("status").code == 0


def test_a_patch_that_was_never_committed_stays(fork_behind: Fork) -> None:
    """In a git repository an uncommitted patch that would leave stops the sync, which saves nothing."""
    git(fork_behind.root, "rm", "--quiet", "--cached", "patches/null-check.patch")
    git(fork_behind.root, "commit", "--quiet", "--message", "not this one")
    before = fork_behind.state()
    assert_message(
        fork_behind.run("sync", "--upto", "v1.1"), 2, "patches/null-check.patch", "its text as it was is in no commit"
    )
    assert fork_behind.state() == before


def test_a_clash_shows_no_control_characters(upstream_repo: Upstream) -> None:
    """What upstream wrote is shown with escape sequences spelled out, also in the lines of a clash."""
    evil = TEXT.replace("line 9\n", "\x1b]0;OWNED\x07\x1b[2J\x1b[31mfaked\n")
    local = Local("mine", {"f.c": TEXT.replace("line 9\n", "ours\n")})
    fork = made(upstream_repo, {"f.c": TEXT}, {"f.c": evil}, local)
    out = fork.run("plan", "--upto", "v2").out
    assert "faked" in out
    assert "\x1b" not in out
    assert "\x07" not in out


def test_the_id_of_an_annotated_tag_stands_for_its_commit(fork_behind: Fork) -> None:
    """The pin is always a commit, so a sync to the tag later is no second sync."""
    git(fork_behind.upstream.path, "tag", "--annotate", "--message", "x", "v1.1-tag", "v1.1")
    fork_behind.ok("sync", "--upto", git(fork_behind.upstream.path, "rev-parse", "v1.1-tag"))
    assert f'sha = "{fork_behind.target}"' in (fork_behind.root / "fork.lock").read_text()
    assert "already at" in fork_behind.ok("sync", "--upto", "v1.1-tag").out


def test_what_git_ignores_is_no_part_of_the_overlay(fork_in_step: Fork) -> None:
    """A cache file that no clone has does not change the fork."""
    (fork_in_step.root / ".gitignore").write_text("/.forkkeeper/\n__pycache__/\n")
    cache = fork_in_step.root / "native/overlay/native/__pycache__/x.pyc"
    cache.parent.mkdir()
    cache.write_bytes(b"cache")
    assert fork_in_step.run("status").code == 0


def test_a_pin_changed_by_hand_is_found_without_upstream(fork_in_step: Fork) -> None:
    """A wrong digit in the lock's pin is drift: the log names the pin that it was written for."""
    lock = fork_in_step.root / "fork.lock"
    lock.write_text(lock.read_text().replace(fork_in_step.pin, "e" + fork_in_step.pin[1:]))
    ran = fork_in_step.run("status")
    assert ran.code == 1, ran.said
    assert "the pin in fork.lock" in ran.out


def test_a_lock_with_conflict_markers_says_so(fork_in_step: Fork) -> None:
    """A merge of the fork's own branches is named as what it is, with the way out."""
    lock = fork_in_step.root / "fork.lock"
    lock.write_text(lock.read_text().replace("[trees]", "<<<<<<< HEAD\n[trees]\n=======\n>>>>>>> other"))
    assert_message(fork_in_step.run("status"), 2, "fork.lock", "conflict markers", "git checkout --ours fork.lock")


def test_a_failed_answer_stays_failed_in_a_pipe(fork_with_clash: Fork) -> None:
    """`| head` closes the pipe early, and the exit code is still that of the answer."""
    argv = [str(BIN / "forkkeeper"), "sync", "--upto", "v1.1"]
    with subprocess.Popen(argv, cwd=fork_with_clash.root, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout
        process.stdout.close()
        assert process.wait() == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="it is a device of Linux's that is always full")
@pytest.mark.parametrize("words", [("status",), ("--list",)])
def test_an_answer_that_finds_no_room_is_an_error_said_once(fork_in_step: Fork, words: tuple[str, ...]) -> None:
    """Where the disk behind the output is full, that is the message, with its own exit code, and the last word."""
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [str(BIN / "forkkeeper"), *words], cwd=fork_in_step.root, stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert done.returncode == 3
    assert done.stderr.decode().splitlines()[0] == "call: a disk is full"
    assert len(done.stderr.splitlines()) == 2


def test_a_patch_that_gets_other_lines_is_in_a_commit_before(upstream_repo: Upstream) -> None:
    """A reviewed row that is accepted rewrites its patch only when git holds the old text; without git it is kept."""
    both = TEXT.replace("line 5\n", "FIVE\n").replace("line 25\n", "TWENTY-FIVE\n")
    local = Local("mine", {"f.c": both})
    fork = made(upstream_repo, {"f.c": TEXT}, {"f.c": TEXT.replace("line 5\n", "FIVE\n")}, local)
    git(fork.root, "rm", "--quiet", "--cached", "patches/mine.patch")
    git(fork.root, "commit", "--quiet", "--message", "not this one")
    words = ["sync", "--upto", "v2", "--accept", "mine"]
    assert_message(fork.run(*words), 2, "gets other lines, and its text as it was is in no commit")
    old = (fork.root / "patches/mine.patch").read_bytes()
    shutil.rmtree(fork.root / ".git")
    fork.ok(*words)
    assert (fork.root / "patches/dropped/mine.patch").read_bytes() == old


def test_a_commit_never_leaves_out_what_the_lock_holds(fork_behind: Fork) -> None:
    """With an uncommitted overlay file `--commit` is refused, and the printed command names it."""
    (fork_behind.root / "native/overlay/native/more.c").write_text("int more;\n")
    fork_behind.ok("log")
    ran = fork_behind.run("sync", "--upto", "v1.1", "--commit")
    assert_message(ran, 2, "not committed yet: native/overlay/native/more.c")
    assert "native/overlay &&" in fork_behind.ok("sync", "--upto", "v1.1").out


def test_a_folder_that_became_a_link_is_not_followed(upstream_repo: Upstream, tmp_path: Path) -> None:
    """Upstream replaces a folder by a link out of the tree: nothing behind the link is removed."""
    shared = tmp_path / "shared"
    shared.mkdir()
    (shared / "a.txt").write_text("somebody's\n")
    pin = upstream_repo.commit({"models/a.txt": "a\n", "b": "b\n"}, tag="v1")
    link = {"models/a.txt": None, "models": str(shared)}
    target = upstream_repo.commit(link, modes={"models": SYMLINK}, tag="v2")
    fork = fork_of(upstream_repo.path.parent, upstream_repo, pin, target, [], {})
    fork.ok("materialise", "tree")
    fork.ok("materialise", "tree", "--at", "v2")
    assert (shared / "a.txt").read_text() == "somebody's\n"
    assert (fork.root / "tree/models").is_symlink()


class TestByHand:
    """A clash is resolved by hand on the new side, and saved in the same transaction."""

    def resolved(self, fork: Fork) -> Path:
        """Make the new diff as the clash's own words say: in the fork as carried, with git."""
        new = fork.root.parent / "new"
        ran = fork.ok("materialise", str(new), "--at", "v1.1")
        assert "left out, as it clashes there: limit" in ran.out
        git(new, "init", "--quiet")
        git(new, "add", "--all", "--force")
        git(new, "commit", "--quiet", "--message", "new")
        header = new / "include/core.h"
        header.write_text(header.read_text().replace("MAX_ITEMS 32 /* was 16 */", "MAX_ITEMS 2048"))
        diff = fork.root.parent / "limit.diff"
        git(new, "add", "--all", "--force")
        git(new, "config", "diff.noprefix", "true")
        diff.write_text(git(new, "diff-index", "--cached", "-p", "--binary", "HEAD") + "\n")
        return diff

    def test_a_diff_made_on_the_new_side_takes_the_place_of_the_patch(self, fork_with_clash: Fork) -> None:
        """The patch keeps its words, the history says it was resolved by hand, and what built on it is tried on it."""
        diff = self.resolved(fork_with_clash)
        more = fork_with_clash.root.parent / "more.diff"
        text = diff.read_text().replace("MAX_ITEMS 2048", "MAX_ITEMS (2048 * 2)")
        more.write_text(text.replace("MAX_ITEMS 32 /* was 16 */", "MAX_ITEMS 2048"))
        words = ["--replace", f"limit={diff}", "--replace", f"limit-more={more}"]
        ran = fork_with_clash.ok("sync", "--upto", "v1.1", *words)
        assert "by hand: a person made it fit" in ran.out
        assert "upstream has brought since" in ran.out
        assert (
            '{ name = "limit.patch", outcome = "resolved", rule = "hand" }'
            in (fork_with_clash.root / "history.toml").read_text()
        )
        saved = (fork_with_clash.root / "patches/limit.patch").read_text()
        assert "limit: do it" in saved
        assert "+#define MAX_ITEMS 2048" in saved
        fork_with_clash.ok("log", "--check")

    def test_a_diff_that_does_not_fit_is_a_clash(self, fork_with_clash: Fork) -> None:
        """What was made by hand is judged as well: one that does not apply on the new side saves nothing."""
        wrong = fork_with_clash.root / "patches/limit.patch"
        before = fork_with_clash.state()
        ran = fork_with_clash.run("sync", "--upto", "v1.1", "--replace", f"limit={wrong}")
        assert_message(ran, 1, "what was made by hand does not", "Nothing was saved yet")
        assert fork_with_clash.state() == before

    @pytest.mark.parametrize(
        ("pair", "parts"),
        [
            ("limit", ["--replace limit", "NAME=FILE"]),
            ("limt=x.diff", ["is no patch of the queue", "did you mean limit?"]),
            ("limit=nowhere.diff", ["there is no such file"]),
            ("limit=fork.toml", ["holds no `diff --git` line", "git diff"]),
        ],
    )
    def test_a_wrong_replacement_is_refused(self, fork_with_clash: Fork, pair: str, parts: list[str]) -> None:
        """A name, file or content that cannot be one is said so, with what to do."""
        assert_message(fork_with_clash.run("sync", "--upto", "v1.1", "--replace", pair), 2, *parts)


def test_a_reviewed_row_shows_what_it_would_change(upstream_repo: Upstream) -> None:
    """Below the table stands what becomes of the patch's lines, so that accepting is not blind."""
    both = TEXT.replace("line 5\n", "FIVE\n").replace("line 25\n", "TWENTY-FIVE\n")
    local = Local("mine", {"f.c": both})
    fork = made(upstream_repo, {"f.c": TEXT}, {"f.c": TEXT.replace("line 5\n", "FIVE\n")}, local)
    ran = fork.run("sync", "--upto", "v2")
    assert ran.code == 1, ran.said
    assert "- +FIVE" in ran.out
    assert "  +TWENTY-FIVE" in ran.out
    assert "forkkeeper sync --accept mine" in ran.out


@pytest.mark.parametrize(
    "verb", ["status", "plan", "sync", "diff", "log", "lint", "materialise", "init", "build", "check", "undo", "redo"]
)
def test_help_behind_a_verb_is_help(fork_in_step: Fork, verb: str) -> None:
    """`VERB --help` shows the verb's help and does nothing, also where a verb takes a value."""
    before = sorted(fork_in_step.root.rglob("*"))
    ran = fork_in_step.run(verb, "--help")
    assert ran.code == 0, ran.said
    assert "Usage:" in ran.out
    assert sorted(fork_in_step.root.rglob("*")) == before


def test_an_option_is_never_taken_for_a_directory(fork_in_step: Fork) -> None:
    """Through plain `invoke` an unknown option ends as a wrong request, and no folder of that name is made."""
    assert_message(fork_in_step.run("materialise", "--foo"), 2, "--foo")
    assert not (fork_in_step.root / "--foo").exists()
