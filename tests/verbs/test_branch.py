"""What the branch strategy promises: the same commits from anywhere, nobody's commit overwritten, the pointer right."""

import re
import shutil
from pathlib import Path

import pytest
from holding import composed, declare, server, tree_of
from world import TODAY, Fork, assert_message, copied, environment, git, script

BRANCH = "fork"


def held(fork: Fork, submodule: str = "") -> Path:
    """Hold the fork on a branch of a bare clone of upstream; gives that repository."""
    place = server(fork)
    declare(fork, "branch", repository="../server.git", branch=BRANCH, submodule=submodule)
    fork.ok("materialise")
    return place


def tip(place: Path) -> str:
    """Give the branch's tip."""
    return git(place, "rev-parse", f"refs/heads/{BRANCH}")


def test_a_commit_per_patch_on_the_pin(fork_in_step: Fork) -> None:
    """The branch is the pin, a commit per patch with its author, date and words, and one of the overlay."""
    place = held(fork_in_step)
    assert git(place, "rev-parse", f"{BRANCH}^{{tree}}") == composed(fork_in_step)
    titles = git(place, "log", "--reverse", "--format=%s", f"{fork_in_step.pin}..{BRANCH}").splitlines()
    assert titles == ["greeting: do it", "buffer-size: do it", "null-check: do it", "Add the fork's own files"]
    assert git(place, "rev-parse", f"{BRANCH}~4") == fork_in_step.pin
    words = git(place, "log", "-1", "--format=%an <%ae> %at|%cn|%B", f"{BRANCH}~3")
    assert words.startswith("Ann Author <ann@example.invalid> 17")
    assert "|forkkeeper|" in words
    assert "The fork needs this, and says so here." in words
    assert "Patch: greeting.patch" in words
    git(place, "fsck", "--strict")
    ran = fork_in_step.ok("materialise")
    assert "stands there already" in ran.out
    assert tip(place) in ran.out


def test_what_the_policy_leaves_out_is_a_commit_of_its_own(fork_in_step: Fork) -> None:
    """With a path rule one commit on the pin removes those files, and says by which rule."""
    with (fork_in_step.root / "fork.toml").open("a") as toml:
        toml.write('\n[[path]]\nrule = "exclude"\npattern = "/docs/"\nwhy = "not ours"\n')
    fork_in_step.ok("log")
    place = held(fork_in_step)
    assert git(place, "rev-parse", f"{BRANCH}~5") == fork_in_step.pin
    words = git(place, "log", "-1", "--format=%B", "--name-status", f"{BRANCH}~4")
    assert "exclude /docs/" in words
    assert "D\tdocs/manual.txt" in words
    assert git(place, "rev-parse", f"{BRANCH}^{{tree}}") == composed(fork_in_step)


def test_two_clones_make_the_same_commits(fork_in_step: Fork, tmp_path: Path) -> None:
    """Another clone, time zone, identity, clock and git configuration give the same commit ids."""
    other = copied(fork_in_step, tmp_path / "other")
    first = tip(held(fork_in_step))
    place = server(other)
    declare(other, "branch", repository="../server.git", branch=BRANCH)
    home = tmp_path / "home"
    home.mkdir()
    (home / ".gitconfig").write_text(
        "[user]\n\tname = Otto\n\temail = otto@example.invalid\n[i18n]\n\tcommitEncoding = latin-1\n"
        "[core]\n\tautocrlf = true\n[commit]\n\tcleanup = verbatim\n"
    )
    ran = script(
        other.root,
        "forkkeeper",
        "materialise",
        HOME=str(home),
        TZ="Asia/Kolkata",
        LC_ALL="C",
        SOURCE_DATE_EPOCH=str(TODAY + 1000),
        GIT_COMMITTER_NAME="Otto",
        GIT_AUTHOR_DATE="2001-01-01T00:00:00",
    )
    assert ran.code == 0, ran.said
    assert tip(place) == first


def test_after_a_sync_the_branch_moves_to_the_new_pin(fork_behind: Fork) -> None:
    """The branch goes to commits on the new pin; verify tells both; what older commits of the fork point to stays."""
    place = held(fork_behind)
    old = tip(place)
    assert fork_behind.run("verify").code == 0
    ran = fork_behind.ok("sync", "--upto", "v1.1")
    assert f"next: `forkkeeper materialise` brings branch {BRANCH} up to date" in ran.out
    assert_message(fork_behind.run("verify"), 1, f"branch {BRANCH}", "differs", "`forkkeeper materialise`")
    fork_behind.ok("materialise")
    assert git(place, "merge-base", BRANCH, fork_behind.target) == fork_behind.target
    assert git(place, "for-each-ref", "--points-at", old, "--format=%(refname)") == f"refs/forkkeeper/{BRANCH}/{old}"
    assert git(place, "rev-parse", f"{BRANCH}^{{tree}}") == composed(fork_behind)
    fork_behind.ok("verify")


def cloned(fork: Fork, place: Path, work: Path, *, instead: bool) -> None:
    """Clone the branch as somebody who commits to it; instead -- in the place of all that forkkeeper made."""
    git(work.parent, "clone", "--quiet", "--branch", BRANCH, str(place), str(work))
    if instead:
        git(work, "reset", "--quiet", "--hard", fork.pin)


@pytest.mark.parametrize("how", ["on top", "amended", "instead"])
def test_somebodys_commit_is_never_overwritten(fork_behind: Fork, tmp_path: Path, how: str) -> None:
    """A commit that forkkeeper did not make is named with its title and stays; --overwrite takes the branch from it."""
    place = held(fork_behind)
    work = tmp_path / "work"
    cloned(fork_behind, place, work, instead=how == "instead")
    (work / "README.md").write_text("mine\n")
    amend = ("--amend", "--no-edit") if how == "amended" else ("-m", "readme: mine")
    git(work, "commit", "--quiet", "--all", *amend, env=environment(TODAY))
    git(work, "push", "--quiet", "--force", "origin", BRANCH)
    theirs = tip(place)
    title = "Add the fork's own files" if how == "amended" else "readme: mine"
    assert_message(fork_behind.run("materialise"), 1, theirs[:12], title, "forkkeeper did not make it", "--overwrite")
    fork_behind.ok("sync", "--upto", "v1.1")
    assert fork_behind.run("materialise").code == 1
    assert tip(place) == theirs
    fork_behind.ok("materialise", "--overwrite")
    assert git(place, "rev-parse", f"{BRANCH}^{{tree}}") == composed(fork_behind)


@pytest.mark.parametrize("how", ["on top", "instead"])
def test_all_commits_of_others_are_counted_and_taken_in(fork_in_step: Fork, tmp_path: Path, how: str) -> None:
    """What is said to type takes every commit that forkkeeper did not make into the queue, not the last one alone."""
    place = held(fork_in_step)
    work = tmp_path / "work"
    cloned(fork_in_step, place, work, instead=how == "instead")
    for name in ("one", "two", "three"):
        (work / name).write_text(f"{name}\n")
        git(work, "add", "--all")
        git(work, "commit", "--quiet", "-m", f"theirs {name}", env=environment(TODAY))
    git(work, "push", "--quiet", "--force", "origin", BRANCH)
    ran = fork_in_step.run("materialise")
    assert_message(ran, 1, "theirs three", "nor 2 more commits below", "those 3 commits", "--overwrite")
    (typed,) = re.findall(r"`forkkeeper (patch import [^`]*)`", ran.err)
    fork_in_step.ok(*typed.split())
    fork_in_step.ok("materialise", "--overwrite")
    assert {"one", "two", "three"} <= set(git(place, "ls-tree", "--name-only", BRANCH).splitlines())


@pytest.mark.parametrize("how", ["on top", "instead"])
def test_commits_of_others_are_counted_where_history_is_cut_off(fork_in_step: Fork, tmp_path: Path, how: str) -> None:
    """From a shallow source, too, forkkeeper's and upstream's commits are not counted."""
    whole, shallow = tmp_path / "whole.git", fork_in_step.upstream.path
    place = held(fork_in_step)
    work = tmp_path / "work"
    git(tmp_path, "clone", "--quiet", "--branch", BRANCH, str(place), str(work))
    shallow.rename(whole)
    git(tmp_path, "clone", "--quiet", "--bare", "--depth=1", "--branch=v1.0", whole.as_uri(), str(shallow))
    shutil.rmtree(fork_in_step.root / ".forkkeeper")
    if how == "instead":
        git(work, "reset", "--quiet", "--hard", fork_in_step.pin)
    for name in ("one", "two"):
        git(work, "commit", "--quiet", "--allow-empty", "-m", f"theirs {name}", env=environment(TODAY))
    base = git(work, "rev-parse", "HEAD~2")[:12]
    git(work, "push", "--quiet", "--force", "origin", BRANCH)
    ran = fork_in_step.run("materialise")
    assert_message(ran, 1, "theirs two", "nor 1 more commit below", f"git REPOSITORY {base}..", "those 2 commits")


def test_a_branch_of_upstreams_own_commit_is_taken(fork_in_step: Fork) -> None:
    """A branch that stands on a commit of upstream's holds nobody's work: it is moved."""
    place = server(fork_in_step)
    git(place, "branch", BRANCH, fork_in_step.target)
    declare(fork_in_step, "branch", repository="../server.git", branch=BRANCH)
    fork_in_step.ok("materialise")
    assert git(place, "rev-parse", f"{BRANCH}^{{tree}}") == composed(fork_in_step)


def test_the_tip_is_looked_at_where_it_is_not_held_here(fork_in_step: Fork) -> None:
    """With .forkkeeper/ deleted, forkkeeper's own commits on the branch are known for what they are."""
    place = held(fork_in_step)
    git(fork_in_step.root, "clean", "-fdXq")
    fork_in_step.ok("patch", "drop", "greeting", "--why", "not needed")
    fork_in_step.ok("materialise")
    assert git(place, "rev-parse", f"{BRANCH}^{{tree}}") == composed(fork_in_step)


def test_a_pin_whose_history_is_cut_off(fork_in_step: Fork, tmp_path: Path) -> None:
    """From a shallow source: an empty local repository and one with upstream's history both take the branch."""
    shallow = fork_in_step.upstream.path
    whole = tmp_path / "whole.git"
    shallow.rename(whole)
    git(tmp_path, "clone", "--quiet", "--bare", "--depth=1", f"--branch={'v1.0'}", whole.as_uri(), str(shallow))
    assert git(shallow, "rev-parse", "--is-shallow-repository") == "true"
    tips = []
    for name in ("empty.git", "full.git"):
        place = fork_in_step.root.parent / name
        if name == "empty.git":
            place.mkdir()
            git(place, "init", "--quiet", "--bare")
        else:
            git(tmp_path, "clone", "--quiet", "--bare", str(whole), str(place))
        declare(fork_in_step, "branch", repository=f"../{name}", branch=BRANCH)
        fork_in_step.ok("materialise")
        fork_in_step.ok("patch", "rename", fork_in_step.names()[0].removesuffix(".patch"), f"hello-{name[0]}")
        fork_in_step.ok("materialise")
        fork_in_step.ok("undo")
        fork_in_step.ok("materialise")
        git(place, "fsck", "--strict")
        tips.append(tip(place))
    assert tips[0] == tips[1]
    assert git(place, "rev-parse", "--is-shallow-repository") == "false"
    assert git(place, "rev-list", "--count", BRANCH) == str(4 + 2)


def test_no_repository_and_no_way_to_it(fork_in_step: Fork) -> None:
    """A path without a repository, and a host that is not there, are said with what to do; nothing is recorded."""
    declare(fork_in_step, "branch", repository="../nowhere.git", branch=BRANCH)
    assert_message(fork_in_step.run("materialise"), 2, "there is no such repository", "git clone --bare")
    declare(fork_in_step, "branch", repository="file:///no/such/place", branch=BRANCH)
    assert_message(fork_in_step.run("materialise"), 3, "cannot be asked", "materialise.repository")


# the submodule ------------------------------------------------------------------------------------------------------

MODULE = "native/small"


def test_the_submodule_points_to_the_branch(fork_in_step: Fork) -> None:
    """The index gets the pointer and .gitmodules its entry; nothing is committed; a second run changes nothing."""
    head = git(fork_in_step.root, "rev-parse", "HEAD")
    place = held(fork_in_step, MODULE)
    assert git(fork_in_step.root, "ls-files", "-s", MODULE).startswith(f"160000 {tip(place)} 0")
    entry = (fork_in_step.root / ".gitmodules").read_text()
    assert f"path = {MODULE}" in entry
    assert "url = ../server.git" in entry
    assert git(fork_in_step.root, "log", "--format=%s", f"{head}..") == "declare"
    git(fork_in_step.root, "commit", "--quiet", "-m", "point")
    assert "points there already" in fork_in_step.ok("materialise").out
    assert git(fork_in_step.root, "status", "--porcelain") == ""
    fork_in_step.ok("verify")


def checked_out(fork: Fork) -> Path:
    """Hold the fork with its submodule checked out, and commit; gives the checkout."""
    place = held(fork, MODULE)
    git(fork.root, "commit", "--quiet", "-m", "point")
    folder = fork.root / MODULE
    git(fork.root, "clone", "--quiet", "--branch", BRANCH, str(place), str(folder))
    return folder


def test_a_clean_checkout_follows(fork_behind: Fork, tmp_path: Path) -> None:
    """After a sync the checkout of the submodule stands at the new tip, its files the composed tree."""
    folder = checked_out(fork_behind)
    fork_behind.ok("sync", "--upto", "v1.1")
    ran = fork_behind.ok("materialise")
    assert "its checkout stands there" in ran.out
    assert git(folder, "rev-parse", "HEAD^{tree}") == composed(fork_behind)
    assert git(folder, "status", "--porcelain") == ""
    fork_behind.ok("verify")


@pytest.mark.parametrize("how", ["edits", "a commit of its own"])
def test_a_checkout_with_work_in_it_is_left_alone(fork_behind: Fork, how: str) -> None:
    """Edits and commits in the submodule's checkout stay; the report and verify say so."""
    folder = checked_out(fork_behind)
    (folder / "README.md").write_text("mine\n")
    if how != "edits":
        git(folder, "commit", "--quiet", "-a", "-m", "mine", env=environment(TODAY))
    head = git(folder, "rev-parse", "HEAD")
    fork_behind.ok("sync", "--upto", "v1.1")
    assert f"{how} and was left alone" in fork_behind.ok("materialise").out
    assert git(folder, "rev-parse", "HEAD") == head
    assert (folder / "README.md").read_text() == "mine\n"
    assert fork_behind.run("verify").code == 1


def test_files_in_the_submodules_place_are_named(fork_in_step: Fork) -> None:
    """Where the fork's git has files, no pointer is put over them: what to type is said, and nothing is pushed."""
    declare(fork_in_step, "vendored", directory=MODULE)
    fork_in_step.ok("materialise")
    fork_in_step.commit_all("vendor")
    place = server(fork_in_step)
    declare(fork_in_step, "branch", repository="../server.git", branch=BRANCH, submodule=MODULE)
    assert_message(fork_in_step.run("materialise"), 2, "git has files there", "git rm -r --cached")
    assert BRANCH not in git(place, "branch").split()


# switching ----------------------------------------------------------------------------------------------------------


def test_all_strategies_hold_one_tree_and_switching_changes_no_byte(fork_in_step: Fork, tmp_path: Path) -> None:
    """Directory, branch and scratch directory are one tree; vendored, branch, scratch and back leave the same bytes."""
    place = server(fork_in_step)
    fields = {"directory": MODULE, "repository": "../server.git", "branch": BRANCH}
    declare(fork_in_step, "vendored", **fields)
    fork_in_step.ok("materialise")
    start = fork_in_step.state()
    trees = {tree_of(fork_in_step.root / MODULE, tmp_path)}
    for strategy in ("branch", "scratch", "vendored"):
        declare(fork_in_step, strategy, **fields)
        assert composed(fork_in_step) in fork_in_step.ok("materialise").out
        if strategy == "branch":
            trees.add(git(place, "rev-parse", f"{BRANCH}^{{tree}}"))
        if strategy == "scratch":
            fork_in_step.ok("materialise", str(tmp_path / "scratch"))
            trees.add(tree_of(tmp_path / "scratch", tmp_path))
    assert trees == {composed(fork_in_step)}
    assert fork_in_step.state() == start
    assert composed(fork_in_step) in fork_in_step.ok("materialise", "--strategy", "branch").out
    assert_message(fork_in_step.run("materialise", "--strategy", "other"), 2, "known are scratch, vendored, branch")
    assert fork_in_step.state() == start
