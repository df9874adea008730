"""`plan --as-far-as-free`: the newest upstream commit to which the whole queue carries with no human."""

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from world import Fork, Local, Upstream, assert_message, environment, fork_of, git, run, snapshot

TEXT = "".join(f"line {number}\n" for number in range(1, 41))
FIVE = TEXT.replace("line 5\n", "upstream five\n")
A_FIVE = Local("a-five", {"a.txt": TEXT.replace("line 5\n", "fork five\n")})


def reached(fork: Fork, code: int, *more: str) -> dict[str, Any]:
    """Ask how far it is free, and give the JSON document."""
    ran = fork.run("plan", "--as-far-as-free", "--upto", fork.target, "--json", "-", *more)
    assert ran.code == code, ran.said
    document: dict[str, Any] = json.loads(ran.out)
    return document


def grown(
    upstream: Upstream, steps: Sequence[Mapping[str, str | None]], locals_: Sequence[Local], overlay: Mapping[str, str]
) -> tuple[Fork, list[str]]:
    """Grow upstream by steps, the first of them the pin, and fork it there; gives also the ids."""
    shas = [upstream.commit(files, title=f"step {number}") for number, files in enumerate(steps)]
    return fork_of(upstream.path.parent, upstream, shas[0], shas[-1], locals_, overlay), shas


def test_it_names_the_last_free_commit_and_what_stops_the_next(fork_with_clash: Fork) -> None:
    """Four of five commits are free; the fifth is shown with the patches that it stops and why, and what to type."""
    fork = fork_with_clash
    ran = fork.run("plan", "--as-far-as-free", "--upto", "v1.1")
    assert ran.code == 1, ran.said
    free = git(fork.upstream.path, "rev-parse", f"{fork.target}^")
    expected = (
        "The queue carries with no human over 4 of 5 upstream commits, up to this one:\n"
        f'  upstream commit {free[:12]} of 2025-06-20 by Ann Author: "parse: a null text is empty"\n'
        "\n"
        "The next one stops it:\n"
        f'  upstream commit {fork.target[:12]} (v1.1) of 2025-06-21 by Ann Author: "core: room for twice as much"\n'
    )
    assert expected in ran.out
    assert "limit       clashed    needs a person: upstream and the patch changed" in ran.out
    assert f"next: go there:\n  forkkeeper sync --upto {free}\n" in ran.out
    assert f"  forkkeeper plan --upto {fork.target}\n" in ran.out
    fork.ok("sync", "--upto", free)


def test_all_the_way(fork_behind: Fork) -> None:
    """A queue that no commit stops is free up to --upto itself, and the exit is 0."""
    ran = fork_behind.ok("plan", "--as-far-as-free", "--upto", "v1.1")
    assert "The queue carries all the way with no human: 5 of 5 upstream commits, up to this one" in ran.out
    assert f"forkkeeper sync --upto {fork_behind.target}\n" in ran.out
    assert "stops" not in ran.out


def test_the_json_has_every_field_of_schema_1(fork_with_clash: Fork) -> None:
    """The document is one of its own, with exactly the promised fields."""
    document = reached(fork_with_clash, 1)
    fields = ["schema", "from", "to", "free", "commits", "of", "blocker", "exact", "patches", "overlay"]
    assert list(document) == fields
    assert (document["schema"], document["commits"], document["of"], document["exact"]) == (1, 4, 5, True)
    assert document["from"] == fork_with_clash.pin
    assert document["to"] == document["blocker"]["sha"] == fork_with_clash.target
    assert document["free"] == {
        "sha": git(fork_with_clash.upstream.path, "rev-parse", f"{fork_with_clash.target}^"),
        "date": "2025-06-20",
        "author": "Ann Author",
        "title": "parse: a null text is empty",
        "link": None,
    }
    assert [list(row) for row in document["patches"]] == [["name", "outcome", "review", "paths", "why"]] * 2
    assert [(row["name"], row["outcome"]) for row in document["patches"]] == [
        ("limit.patch", "clashed"),
        ("limit-more.patch", "clashed"),
    ]


@pytest.mark.parametrize("fork", ["fork_behind", "fork_with_clash"])
def test_planning_to_every_commit_says_the_same(fork: str, request: pytest.FixtureRequest) -> None:
    """Of all commits up to the target, the one named is the newest to which a plan ends with 0."""
    stands: Fork = request.getfixturevalue(fork)
    line = git(stands.upstream.path, "rev-list", "--first-parent", f"{stands.pin}..{stands.target}").split()
    free = next(sha for sha in line if stands.run("plan", "--upto", sha).code == 0)
    assert reached(stands, int(free != stands.target))["free"]["sha"] == free


def test_a_clash_that_upstream_took_back_is_no_obstacle(upstream_repo: Upstream) -> None:
    """Between two clashes lies a commit to which the queue carries: that one is named, not the one before the first."""
    steps = [{"a.txt": TEXT}, {"a.txt": FIVE}, {"b.txt": "b\n"}, {"a.txt": TEXT}, {"b.txt": "c\n"}, {"a.txt": FIVE}]
    fork, shas = grown(upstream_repo, [*steps, {"b.txt": "d\n"}], [A_FIVE], {})
    document = reached(fork, 1)
    assert (document["free"]["sha"], document["commits"], document["blocker"]["sha"]) == (shas[4], 4, shas[5])


def test_a_verdict_to_review_stops_it(upstream_repo: Upstream) -> None:
    """A patch that would be saved only with --accept needs a human, and so bounds what is free."""
    gone = "".join(line for line in TEXT.splitlines(keepends=True) if line != "line 5\n")
    local = Local("without-five", {"a.txt": gone.replace("line 30\n", "fork thirty\n")})
    steps = [{"a.txt": TEXT}, {"b.txt": "b\n"}, {"a.txt": gone}, {"b.txt": "c\n"}]
    fork, shas = grown(upstream_repo, steps, [local], {})
    document = reached(fork, 1)
    assert (document["free"]["sha"], document["blocker"]["sha"]) == (shas[1], shas[2])
    assert [(row["outcome"], row["review"]) for row in document["patches"]] == [("resolved", True)]
    shown = fork.run("plan", "--upto", fork.target, "--as-far-as-free").out
    assert "next: see what stops it, and accept it where it is right:\n  forkkeeper plan --upto " in shown


def test_an_overlay_file_that_upstream_adds_stops_it(upstream_repo: Upstream) -> None:
    """Upstream's own file, or folder, at an overlay path bounds what is free, and is named."""
    steps = [{"a.txt": TEXT}, {"b.txt": "b\n"}, {"native/extra.c/x": "x\n"}, {"b.txt": "c\n"}]
    fork, shas = grown(upstream_repo, steps, [A_FIVE], {"native/extra.c": "int x;\n"})
    document = reached(fork, 1)
    assert (document["free"]["sha"], document["blocker"]["sha"], document["patches"]) == (shas[1], shas[2], [])
    assert document["overlay"] == [{"path": "native/extra.c", "found": "upstream has a folder of this name"}]
    shown = fork.run("plan", "--as-far-as-free", "--upto", fork.target).out
    assert "overlay: native/extra.c: upstream has a folder of this name" in shown


def test_a_folder_that_moved_stops_it_though_no_file_of_the_queue_changed(upstream_repo: Upstream) -> None:
    """Where only the whole trees show a clash, they decide: a new file's folder that upstream moved."""
    folder = {f"old/{name}.txt": f"{name}\n{TEXT}" for name in "abc"}
    pin = upstream_repo.commit({**folder, "z.txt": "z\n"})
    free = upstream_repo.commit({"z.txt": "y\n"})
    blocker = upstream_repo.commit({}, moves={"old": "new"})
    target = upstream_repo.commit({"z.txt": "x\n"})
    local = Local("more", {"old/more.txt": "more\n"})
    fork = fork_of(upstream_repo.path.parent, upstream_repo, pin, target, [local], {})
    document = reached(fork, 1)
    assert (document["free"]["sha"], document["blocker"]["sha"]) == (free, blocker)


def test_where_the_first_commit_stops_it_nothing_is_free(upstream_repo: Upstream) -> None:
    """The pin is then as far as it goes: no sync is proposed, and the commit that stops it is shown."""
    fork, shas = grown(upstream_repo, [{"a.txt": TEXT}, {"a.txt": FIVE}, {"b.txt": "b\n"}], [A_FIVE], {})
    ran = fork.run("plan", "--as-far-as-free", "--upto", fork.target)
    assert ran.code == 1
    assert "The queue carries to none of 2 upstream commits with no human." in ran.out
    assert f"The first one stops it:\n  upstream commit {shas[1][:12]}" in ran.out
    assert "forkkeeper sync" not in ran.out
    document = reached(fork, 1)
    assert (document["free"], document["commits"], document["of"]) == (None, 0, 2)


def test_to_the_pin_itself_is_no_way(fork_in_step: Fork) -> None:
    """--upto the pin is free, with nothing to type."""
    ran = fork_in_step.ok("plan", "--as-far-as-free", "--upto", fork_in_step.pin)
    assert "The queue stands there already." in ran.out
    assert "next:" not in ran.out


def test_a_file_that_is_gone_for_long_costs_no_wrong_answer(upstream_repo: Upstream) -> None:
    """Moved early and removed later, with many commits after that, the file is found where it was before."""
    pin = upstream_repo.commit({"a.txt": TEXT, "b.txt": "b\n"})
    upstream_repo.commit({}, moves={"a.txt": "src/a.txt"})
    free = upstream_repo.commit({"b.txt": "c\n"})
    blocker = upstream_repo.commit({"src/a.txt": None})
    for number in range(80):
        target = upstream_repo.commit({"b.txt": f"{number}\n", f"new-{number}.txt": f"{number}\n"})
    fork = fork_of(upstream_repo.path.parent, upstream_repo, pin, target, [A_FIVE], {})
    document = reached(fork, 1)
    assert (document["free"]["sha"], document["blocker"]["sha"]) == (free, blocker)


def alone(fork: Fork, shas: Sequence[str]) -> list[str]:
    """Give each commit's tree a commit without parents, of the same time, and declare them as snapshots."""
    made = []
    for sha in shas:
        when = f"{git(fork.upstream.path, 'show', '-s', '--format=%ct', sha)} +0000"
        env = environment(GIT_AUTHOR_DATE=when, GIT_COMMITTER_DATE=when)
        made.append(git(fork.upstream.path, "commit-tree", fork.upstream.tree(sha), "-m", "alone", env=env))
    header = "package,version,released,commit,committed,tag,tree,count\n"
    rows = "".join(f"small,0.{number},,{sha},,,,\n" for number, sha in enumerate(made, start=1))
    (fork.root / ".forkkeeper").mkdir(exist_ok=True)
    (fork.root / ".forkkeeper/snapshots.csv").write_text(header + rows)
    with (fork.root / "fork.toml").open("a") as file:
        file.write('\n[[upstream.source]]\nkind = "sdist"\npackage = "small"\nembedded = ".git"\n')
    return made


def test_without_history_the_snapshots_that_are_held_are_tried(upstream_repo: Upstream) -> None:
    """Among commits without ancestry the newest free snapshot is named, and that more may be free after it."""
    steps = [{"a.txt": TEXT}, {"b.txt": "b\n"}, {"b.txt": "c\n"}, {"a.txt": FIVE}, {"b.txt": "d\n"}]
    fork, shas = grown(upstream_repo, steps, [A_FIVE], {})
    made = alone(fork, shas)
    ran = fork.run("plan", "--as-far-as-free", "--from", made[0], "--upto", made[4])
    assert ran.code == 1, ran.said
    assert "The queue carries with no human over 2 of 4 snapshots, up to this one:" in ran.out
    assert (
        f"It stops after that, at the latest at this one:\n  upstream commit {made[3][:12]} (small==0.4) of " in ran.out
    )
    assert "forkkeeper sync" not in ran.out  # with --from it is not the fork's own way


def test_with_nothing_held_in_between_it_says_so(upstream_repo: Upstream) -> None:
    """Without history and snapshots only --upto itself can be tried: a plain sentence, and its patches."""
    fork, shas = grown(upstream_repo, [{"a.txt": TEXT}, {"b.txt": "b\n"}, {"a.txt": FIVE}], [A_FIVE], {})
    made = alone(fork, [shas[0], shas[2]])
    ran = fork.run("plan", "--as-far-as-free", "--from", made[0], "--upto", made[1])
    assert ran.code == 1, ran.said
    assert "No upstream commit in between is held here, so only the last could be tried: it needs a person." in ran.out
    assert "a-five   clashed" in ran.out


def test_a_patch_that_applies_nowhere_blames_no_upstream_commit(fork_behind: Fork) -> None:
    """A patch that does not even apply at the pin is named with the reason, and no commit is."""
    patch = fork_behind.root / "patches/buffer-size.patch"
    patch.write_text(patch.read_text().replace("size = 512", "size = 511"))
    ran = fork_behind.run("plan", "--as-far-as-free", "--upto", "v1.1")
    assert_message(ran, 1, "plan: patches/buffer-size.patch: does not apply on", "where it stands", "mend the patch")
    assert "upstream commit" not in ran.said


def test_it_leaves_nothing_behind(fork_with_clash: Fork) -> None:
    """Every file, folder, mode and time of the fork and its source is as it was."""
    before = snapshot(fork_with_clash.root.parent)
    fork_with_clash.run("plan", "--as-far-as-free", "--upto", "v1.1")
    assert snapshot(fork_with_clash.root.parent) == before


def test_the_json_goes_to_a_file_beside_what_is_shown(fork_with_clash: Fork, tmp_path: Path) -> None:
    """With --json FILE both are given; the queue may be another folder's."""
    shutil.copytree(fork_with_clash.root / "patches", tmp_path / "queue")
    words = ("plan", "--as-far-as-free", "--from", "v1.0", "--upto", "v1.1", "--json", str(tmp_path / "reach.json"))
    ran = run(fork_with_clash.root, *words, "--queue", str(tmp_path / "queue"))
    assert ran.code == 1, ran.said
    assert "4 of 5 upstream commits" in ran.out
    assert json.loads((tmp_path / "reach.json").read_text()) == reached(fork_with_clash, 1)


def test_what_it_needs_and_what_does_not_go_with_it(fork_behind: Fork, tmp_path: Path) -> None:
    """Without --upto, and with --objects, the message says what to change."""
    assert_message(fork_behind.run("plan", "--as-far-as-free"), 2, "--upto", "is needed")
    words = ("plan", "--as-far-as-free", "--upto", "v1.1", "--objects", str(tmp_path / "objects"))
    assert_message(fork_behind.run(*words), 2, "--objects", "does not go with --as-far-as-free")
