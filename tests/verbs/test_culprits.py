"""The culprit: a clash names the upstream commit that first causes it, and none the worse where it is unknown."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from world import Fork, Local, Upstream, environment, fork_of, git

TEXT = "".join(f"line {number}\n" for number in range(1, 41))


def edited(text: str, **lines: str) -> str:
    """Give a text with lines replaced: `l7="new"` replaces "line 7"."""
    for name, new in lines.items():
        text = text.replace(f"line {name[1:]}\n", f"{new}\n")
    return text


def planned(fork: Fork, *more: str) -> dict[str, Any]:
    """Plan to the target, and give the JSON rows by title."""
    ran = fork.run("plan", "--upto", fork.target, "--json", "-", *more)
    assert ran.code in (0, 1), ran.said
    return {row["name"].removesuffix(".patch"): row for row in json.loads(ran.out)["patches"]}


def fork_on(upstream: Upstream, pin: str, target: str, locals_: Sequence[Local]) -> Fork:
    """Make a fork beside its upstream."""
    return fork_of(upstream.path.parent, upstream, pin, target, locals_, {})


def declare(fork: Fork, old: str, new: str) -> None:
    """Change a line of fork.toml."""
    file = fork.root / "fork.toml"
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))


@pytest.fixture
def story(upstream_repo: Upstream) -> tuple[Upstream, str, list[str]]:
    """Give an upstream of a pin and twenty commits; the 7th changes line 5 of a.txt, the 15th line 30 of b.txt."""
    pin = upstream_repo.commit({"a.txt": TEXT, "b.txt": TEXT, "c.txt": TEXT})
    later, a, b = [], TEXT, TEXT
    for number in range(1, 21):
        a = edited(a, l5="upstream five") if number == 7 else edited(a, l39=f"tail {number}", l38="t")
        b = edited(b, l30="upstream thirty") if number == 15 else b
        files = {"a.txt": a, "b.txt": b, f"other-{number}.txt": "x\n"}
        later.append(upstream_repo.commit(files, title=f"step {number}"))
    return upstream_repo, pin, later


A_FIVE = Local("a-five", {"a.txt": edited(TEXT, l5="fork five")})
A_FIVE_MORE = Local("a-five-more", {"a.txt": edited(TEXT, l5="fork five and more")})
C_ONE = Local("c-one", {"c.txt": edited(TEXT, l1="fork one")})


def test_each_clash_names_its_own_commit(story: tuple[Upstream, str, list[str]]) -> None:
    """Two clashes have two culprits, a cascade has that of its root, and what is carried has none."""
    upstream, pin, later = story
    b_thirty = Local("b-thirty", {"b.txt": edited(TEXT, l30="fork thirty")})
    fork = fork_on(upstream, pin, later[-1], [A_FIVE, A_FIVE_MORE, b_thirty, C_ONE])
    rows = planned(fork)
    assert {name: row["outcome"] for name, row in rows.items()} == {
        "a-five": "clashed",
        "a-five-more": "clashed",
        "b-thirty": "clashed",
        "c-one": "kept",
    }
    assert rows["a-five-more"]["root"] == "a-five.patch"
    assert {name: row["culprit"] for name, row in rows.items()} == {
        "a-five": later[6],
        "a-five-more": later[6],
        "b-thirty": later[14],
        "c-one": None,
    }


@pytest.mark.parametrize("verb", ["plan", "sync"])
def test_the_clash_is_shown_with_its_culprit(verb: str, story: tuple[Upstream, str, list[str]]) -> None:
    """`plan` and `sync` say below each clash which commit it was, of when, by whom, and give its page on a line."""
    upstream, pin, later = story
    fork = fork_on(upstream, pin, later[-1], [A_FIVE])
    line = f'  upstream commit {later[6][:12]} of 2025-06-22 by Ann Author: "step 7"\n'
    ran = fork.run(verb, "--upto", later[-1])
    assert ran.code == 1, ran.said
    assert f"  patch     | fork five\n{line}\n" in ran.out
    assert "/commit/" not in ran.out
    declare(fork, 'web = ""', 'web = "https://github.com/some/one"')
    fork.relog()
    page = f"  https://github.com/some/one/commit/{later[6]}\n"
    assert f"{line}{page}" in fork.run(verb, "--upto", later[-1]).out


def test_a_file_is_followed_where_upstream_moved_it(upstream_repo: Upstream) -> None:
    """Moved twice before the clash, and once after it, a file is still the patch's file."""
    pin = upstream_repo.commit({"a.txt": TEXT, "d/k.txt": "k\n"})
    upstream_repo.commit({}, moves={"a.txt": "src/a.txt"})
    upstream_repo.commit({}, moves={"src/a.txt": "lib/one.txt"})
    upstream_repo.commit({"lib/one.txt": edited(TEXT, l30="near")})
    culprit = upstream_repo.commit({"lib/one.txt": edited(TEXT, l30="near", l5="upstream five")})
    upstream_repo.commit({"d/k.txt": "l\n"})
    target = upstream_repo.commit({}, moves={"lib/one.txt": "lib/two.txt"})
    assert planned(fork_on(upstream_repo, pin, target, [A_FIVE]))["a-five"]["culprit"] == culprit


def test_a_commit_that_removes_the_file_is_a_culprit(upstream_repo: Upstream) -> None:
    """A patch on a file that is gone names the commit that removed it, below the lines that it would change."""
    pin = upstream_repo.commit({"a.txt": TEXT, "b.txt": "b\n"})
    upstream_repo.commit({"a.txt": edited(TEXT, l30="near")})
    culprit = upstream_repo.commit({"a.txt": None}, title="a: gone")
    target = upstream_repo.commit({"b.txt": "c\n"})
    fork = fork_on(upstream_repo, pin, target, [A_FIVE])
    assert planned(fork)["a-five"]["culprit"] == culprit
    shown = f'  upstream commit {culprit[:12]} of 2025-06-17 by Ann Author: "a: gone"\n'
    said = fork.run("plan", "--upto", target).out
    assert "a-five clashes in a.txt" in said
    assert "  upstream  | (nothing)\n" in said
    assert shown in said


def test_a_merge_counts_as_one_step_and_says_so(upstream_repo: Upstream) -> None:
    """What came in by a branch is named by the commit that merged it."""
    pin = upstream_repo.commit({"a.txt": TEXT})
    upstream_repo.commit({"b.txt": "b\n"})
    side = upstream_repo.commit({"a.txt": edited(TEXT, l5="upstream five")}, branch="side", parent=pin)
    main = upstream_repo.commit({"c.txt": "c\n"})
    tree = upstream_repo.tree(upstream_repo.commit({"a.txt": edited(TEXT, l5="upstream five")}))
    merge = git(upstream_repo.path, "commit-tree", tree, "-p", main, "-p", side, "-m", "Merge branch 'side'")
    git(upstream_repo.path, "update-ref", "refs/heads/main", merge)
    target = upstream_repo.commit({"b.txt": "d\n"})
    fork = fork_on(upstream_repo, pin, target, [A_FIVE])
    assert planned(fork)["a-five"]["culprit"] == merge
    assert f"  upstream merge {merge[:12]} of " in fork.run("plan", "--upto", target).out


def test_from_a_pin_on_a_branch_the_first_step_is_not_one_commit(upstream_repo: Upstream) -> None:
    """A pin that upstream merged in later: up to the merge the clash may be any commit's doing, and that is said."""
    begin = upstream_repo.commit({"a.txt": TEXT, "b.txt": TEXT})
    pin = upstream_repo.commit({"side.txt": "side\n"}, branch="side", parent=begin)
    main = upstream_repo.commit({"a.txt": edited(TEXT, l5="upstream five")})
    tree = upstream_repo.tree(upstream_repo.commit({"side.txt": "side\n"}))
    merge = git(upstream_repo.path, "commit-tree", tree, "-p", main, "-p", pin, "-m", "Merge branch 'side'")
    git(upstream_repo.path, "update-ref", "refs/heads/main", merge)
    exact = upstream_repo.commit({"b.txt": edited(TEXT, l30="upstream thirty")})
    b_thirty = Local("b-thirty", {"b.txt": edited(TEXT, l30="fork thirty")})
    fork = fork_on(upstream_repo, pin, exact, [A_FIVE, b_thirty])
    assert {name: row["culprit"] for name, row in planned(fork).items()} == {"a-five": None, "b-thirty": exact}
    shown = f"  since a commit between {pin[:12]} of 2025-06-16\n  and {merge[:12]} of "
    assert shown in fork.run("plan", "--upto", exact).out


def test_a_whole_folder_that_moved_is_a_culprit(upstream_repo: Upstream) -> None:
    """A patch that adds a file to a folder clashes where upstream moves the folder: found on the whole trees."""
    folder = {f"old/{name}.txt": f"{name}\n{TEXT}" for name in "abc"}
    pin = upstream_repo.commit({**folder, "z.txt": "z\n"})
    upstream_repo.commit({"z.txt": "y\n"})
    culprit = upstream_repo.commit({}, moves={"old": "new"})
    target = upstream_repo.commit({"z.txt": "x\n"})
    fork = fork_on(upstream_repo, pin, target, [Local("more", {"old/more.txt": "more\n"})])
    row = planned(fork)["more"]
    assert (row["outcome"], row["culprit"]) == ("clashed", culprit)


def test_a_title_reaches_the_terminal_spelled_out(upstream_repo: Upstream) -> None:
    """Escape sequences and reversed text in a stranger's title or name are shown, not acted upon."""
    pin = upstream_repo.commit({"a.txt": TEXT})
    title = "fix \x1b[2J\x1b]0;owned\x07 \u202eeno rehto na\u2066 \u200b\u2028x"
    target = upstream_repo.commit({"a.txt": edited(TEXT, l5="upstream five")}, title=title)
    ran = fork_on(upstream_repo, pin, target, [A_FIVE]).run("plan", "--upto", target)
    assert '"fix \\u001b[2J\\u001b]0;owned\\u0007 \\u202eeno rehto na\\u2066 \\u200b\\u2028x"' in ran.out
    assert not set(ran.out) & set("\x1b\x07\u202e\u2066\u200b\u2028")


def snapshots(fork: Fork, shas: Sequence[str]) -> None:
    """Make upstream a package of snapshots, of which the table names these and the store holds all."""
    header = "package,version,released,commit,committed,tag,tree,count\n"
    rows = "".join(f"small,0.{number},,{sha},,,,\n" for number, sha in enumerate(shas, start=1))
    (fork.root / ".forkkeeper").mkdir(exist_ok=True)
    (fork.root / ".forkkeeper/snapshots.csv").write_text(header + rows)
    with (fork.root / "fork.toml").open("a") as file:
        file.write('\n[[upstream.source]]\nkind = "sdist"\npackage = "small"\nembedded = ".git"\n')


def rootless(upstream: Upstream, sha: str) -> str:
    """Give a commit's tree a commit without parents, of the same time."""
    when = git(upstream.path, "show", "-s", "--format=%ct", sha)
    git(upstream.path, "update-ref", f"refs/heads/at-{when}", sha)
    moment = {"GIT_AUTHOR_DATE": f"{when} +0000", "GIT_COMMITTER_DATE": f"{when} +0000"}
    return git(upstream.path, "commit-tree", upstream.tree(sha), "-m", "alone", env=environment() | moment)


def test_without_history_the_snapshots_that_are_held_bound_it(story: tuple[Upstream, str, list[str]]) -> None:
    """Among commits without ancestry the clash lies between two snapshots, and the JSON names no commit."""
    upstream, pin, later = story
    shas = [rootless(upstream, sha) for sha in (pin, later[3], later[11], later[17], later[19])]
    fork = fork_on(upstream, shas[0], shas[-1], [A_FIVE])
    snapshots(fork, [*shas[:-1], "f" * 40])
    ran = fork.run("plan", "--upto", shas[-1], "--offline")
    since, upto = (f"{shas[at][:12]} (small==0.{at + 1}) of 2025-0" for at in (1, 2))
    assert f"  since a commit between {since}6-19\n  and {upto}6-27\n" in ran.out, ran.said
    assert planned(fork, "--offline")["a-five"]["culprit"] is None


def test_where_only_the_pins_are_held_nothing_is_said(story: tuple[Upstream, str, list[str]]) -> None:
    """With nothing known between the pins a plan is what it was: the whole range would be no news."""
    upstream, pin, later = story
    shas = [rootless(upstream, sha) for sha in (pin, later[19])]
    fork = fork_on(upstream, shas[0], shas[-1], [A_FIVE])
    ran = fork.run("plan", "--upto", shas[-1])
    assert ran.code == 1, ran.said
    assert "clashed" in ran.out
    assert "upstream commit" not in ran.out
    assert "since a commit" not in ran.out
    assert planned(fork)["a-five"]["culprit"] is None


def test_a_search_that_fails_takes_nothing_from_the_plan(
    story: tuple[Upstream, str, list[str]], tmp_path: Path
) -> None:
    """In a partial clone that holds the files of both pins alone, every verdict is there and no culprit."""
    upstream, pin, later = story
    fork = fork_on(upstream, pin, later[-1], [A_FIVE, C_ONE])
    expected = planned(fork)
    assert expected["a-five"]["culprit"] == later[6]
    git(upstream.path, "config", "uploadpack.allowFilter", "true")
    git(upstream.path, "config", "uploadpack.allowAnySHA1InWant", "true")
    url = f"file://{upstream.path}"
    git(tmp_path, "clone", "--quiet", "--filter=blob:none", url, "partial")
    git(tmp_path / "partial", "checkout", "--quiet", pin)
    git(tmp_path / "partial", "checkout", "--quiet", later[-1])
    declare(fork, "../upstream.git", str(tmp_path / "partial"))
    found = planned(fork, "--offline")
    assert expected["a-five"]["blamed"]["sha"] == later[6]
    expected["a-five"] |= {"culprit": None, "blamed": None}
    assert found == expected


def test_the_search_leaves_the_named_objects_folder_alone(
    story: tuple[Upstream, str, list[str]], tmp_path: Path
) -> None:
    """With --objects DIR only the plan's own objects are there: as many as for a plan that finds no commit to try."""
    upstream, pin, later = story
    fork = fork_on(upstream, pin, later[-1], [A_FIVE])
    planned(fork, "--objects", str(tmp_path / "with"))
    alone = [rootless(upstream, sha) for sha in (pin, later[-1])]
    fork.run("plan", "--from", alone[0], "--upto", alone[1], "--objects", str(tmp_path / "without"))
    count = [len([path for path in (tmp_path / name).rglob("*") if path.is_file()]) for name in ("with", "without")]
    assert count[0] == count[1]
