"""What `explain` and `policy check` promise: why a path is in the fork, whose it is, and which rules are loose."""

import pytest
from small import GREETING, LOAD, MAIN, PARSE
from world import Fork, Local, Upstream, assert_message, fork_of

RULES = """
[[path]]
rule = "exclude"
pattern = "/docs/"
why = "we have our own"

[[path]]
rule = "include"
pattern = "/docs/manual.txt"
why = "but this one is good"

[[path]]
rule = "exclude"
pattern = "*.md"
why = "no marketing"
"""


@pytest.fixture
def ruled(fork_in_step: Fork) -> Fork:
    """Give a fork with path rules."""
    with (fork_in_step.root / "fork.toml").open("a") as toml:
        toml.write(RULES)
    fork_in_step.relog()
    return fork_in_step


def test_a_rule_and_those_that_it_overrides(ruled: Fork) -> None:
    """The last rule that matches decides, with its reason; the earlier ones are named."""
    shown = ruled.ok("explain", "docs/manual.txt").out
    assert 'kept by rule 2, include /docs/manual.txt: "but this one is good"' in shown
    assert 'which overrides rule 1, exclude /docs/: "we have our own"' in shown
    assert ["30", "upstream"] in [line.split() for line in shown.splitlines()]
    assert "upstream changed it last in " in shown
    assert '"begin"' in shown
    assert 'dropped by rule 3, exclude *.md: "no marketing"' in ruled.ok("explain", "README.md").out


def test_whose_the_lines_are(ruled: Fork) -> None:
    """A file that a patch changes is upstream's and the patch's, line for line as `patch why` says."""
    shown = ruled.ok("explain", "src/load.c").out
    assert "kept: no rule matches it" in shown
    rows = [line.split() for line in shown.splitlines()]
    count = LOAD.count("\n")
    assert [str(count - 1), "upstream"] in rows
    assert ["1", "patch", "buffer-size", "buffer-size:", "do", "it"] in rows
    owners = [ruled.ok("patch", "why", f"src/load.c:{number}").out for number in range(1, count + 1)]
    assert sum("of the patch buffer-size" in owner for owner in owners) == 1
    assert "after the pin it changed, last in" in shown


@pytest.mark.parametrize("path", ["native/extra.c", "native/overlay/native/extra.c"])
def test_a_file_of_the_overlay(ruled: Fork, path: str) -> None:
    """It is the overlay's, whichever way it is named."""
    assert "the overlay's, all 4 lines: native/overlay/native/extra.c" in ruled.ok("explain", path).out


def test_a_path_that_is_gone_or_to_come(ruled: Fork) -> None:
    """A path that upstream removed, or adds after the pin, is told of though no tree of the fork has it."""
    shown = ruled.ok("explain", "docs/guide.txt").out
    assert 'not at the pin; would be dropped by rule 1, exclude /docs/: "we have our own"' in shown
    assert "after the pin it came, or changed, in " in shown
    assert '"docs: the manual is a guide"' in shown
    ruled.ok("sync", "--upto", "v1.1", "--accept-reviewed")
    assert "upstream took it away in " in ruled.ok("explain", "docs/manual.txt").out


def test_a_folder(ruled: Fork) -> None:
    """A folder's files are counted, and the rules that decide them."""
    assert "a folder: 1 file at the pin, 1 kept, 1 in the composed fork" in ruled.ok("explain", "docs").out
    assert "a folder: 3 files at the pin, 3 kept" in ruled.ok("explain", "src/").out


def test_a_path_that_never_was(ruled: Fork) -> None:
    """A slip is answered with the nearest path."""
    assert_message(ruled.run("explain", "src/mian.c"), 2, "did you mean src/main.c?")
    assert_message(ruled.run("explain", "parse.c"), 2, "did you mean src/parse.c?")
    assert_message(ruled.run("explain", "qqq"), 2, "paths are those of upstream's tree")


def test_shares_of_stacked_patches(upstream_repo: Upstream) -> None:
    """Lines that a later patch rewrote are its own; a file that a patch brought is all that patch's."""
    up = upstream_repo
    pin = up.commit({"src/main.c": MAIN}, title="begin")
    first = MAIN.replace("hello", "one").replace("return 2;", "return 3;")
    second = first.replace('return "one"', 'return "two"')
    locals_ = [Local("first", {"src/main.c": first, "src/new.c": PARSE}), Local("second", {"src/main.c": second})]
    fork = fork_of(up.path.parent, up, pin, pin, locals_, {})
    rows = [line.split()[:3] for line in fork.ok("explain", "src/main.c").out.splitlines()]
    assert ["1", "patch", "first"] in rows
    assert ["1", "patch", "second"] in rows
    assert [str(MAIN.count("\n") - 2), "upstream"] in rows
    new = [line.split()[:3] for line in fork.ok("explain", "src/new.c").out.splitlines()]
    assert [str(PARSE.count("\n")), "patch", "first"] in new


# policy check -------------------------------------------------------------------------------------------------------


def test_rules_that_match_or_decide_nothing(ruled: Fork) -> None:
    """A rule that matches nothing ends with 1; one that later rules override wholly is named with them."""
    assert ruled.run("policy", "check").code == 0
    shown = ruled.ok("policy", "check").out
    said = 'rule 1, exclude /docs/: "we have our own" decides nothing: all 1 path that it matches are decided by rule 2'
    assert said in shown
    toml = ruled.root / "fork.toml"
    toml.write_text(toml.read_text() + '\n[[path]]\nrule = "exclude"\npattern = "/gone/"\nwhy = "w"\n')
    ran = ruled.run("policy", "check")
    assert ran.code == 1
    assert 'rule 4, exclude /gone/: "w" matches nothing at the pin' in ran.out


def test_new_paths_that_nobody_decided_on(ruled: Fork) -> None:
    """Ahead or behind: new paths without a rule, by folder, new folders first, with a table to paste."""
    files = {"tools/new/a.c": "a\n", "tools/b.c": "b\n", "src/more.c": "m\n", "docs/x.txt": "x\n", "n.md": "n\n"}
    target = ruled.upstream.commit(files, title="much")
    shown = ruled.ok("policy", "check", "--upto", target).out
    assert "3 paths new since" in shown
    assert shown.index("tools/") < shown.index("src/")
    assert "docs/x.txt" not in shown
    assert '    pattern = "/tools/"' in shown
    assert "new paths: no pin before this one is recorded" in ruled.ok("policy", "check").out
    ruled.ok("sync", "--upto", target, "--accept-reviewed")
    assert "3 paths new since" in ruled.run("policy", "check").out  # 1: a rule's path is gone there
    assert "every new path" in ruled.run("policy", "check", "--since", target).out


def test_a_fork_without_rules(fork_in_step: Fork) -> None:
    """It has nothing to check, and is told so."""
    fork_in_step.ok("sync", "--upto", "v1.1", "--accept-reviewed")
    assert "no rule is declared: every path of upstream is kept" in fork_in_step.ok("policy", "check").out


def test_greeting_is_shown_among_the_patches(ruled: Fork) -> None:
    """What the patches do to a path stands at the end."""
    shown = ruled.ok("explain", next(iter(GREETING.files))).out
    assert [*shown.splitlines()[-1].split()[:3]] == ["greeting", "1", "1"]
