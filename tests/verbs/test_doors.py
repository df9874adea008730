"""What both doors promise, `forkkeeper` and `invoke`: spellings, exit codes, and no influence of the surroundings."""

import json
from pathlib import Path

import pytest
from world import Fork, assert_message, copied, environment, git, run, script

TASKS = (Path(__file__).parents[2] / "tasks.py").read_text()
VERBS = ("status", "plan", "sync", "diff", "log", "lint", "materialise", "init", "upstream.refresh")


@pytest.fixture
def with_tasks(fork_behind: Fork) -> Fork:
    """Give a fork whose folder has the tasks.py that `invoke` reads."""
    (fork_behind.root / "tasks.py").write_text(TASKS)
    return fork_behind


def test_both_doors_lead_to_the_same_verbs(with_tasks: Fork) -> None:
    """`invoke` in the repository and `forkkeeper` anywhere give the same plan and list the same verbs."""
    words = ("plan", "--upto", "v1.1", "--json", "-")
    by_script, by_invoke = with_tasks.script(*words), script(with_tasks.root, "invoke", *words)
    assert by_script.code == by_invoke.code == 0, by_script.said + by_invoke.said
    assert by_script.out == by_invoke.out
    assert json.loads(by_script.out)["schema"] == 1
    listed = script(with_tasks.root, "invoke", "--list").out
    for verb in VERBS:
        assert f"  {verb} " in listed
        assert f"  {verb} " in with_tasks.ok("--list").out


def test_a_whole_sync_by_the_installed_script(with_tasks: Fork) -> None:
    """In processes of their own: plan, sync, the same sync again, status and log all end as they should."""
    for words in (("plan", "--upto", "v1.1"), ("sync", "--upto", "v1.1"), ("sync", "--upto", "v1.1")):
        ran = with_tasks.script(*words)
        assert ran.code == 0, ran.said
    assert ran.out == f"already at {with_tasks.target}\n"
    assert with_tasks.script("log", "--check").code == 0
    assert_message(with_tasks.script("sync", "--upto", "v9.9"), 2, "sync: v9.9: no source has it")
    assert_message(script(with_tasks.root, "invoke", "sync", "--upto", "v9.9"), 2, "sync: v9.9: no source has it")


@pytest.mark.parametrize("words", [["upstream", "refresh"], ["upstream.refresh"]])
def test_nested_verbs_take_a_space_or_a_dot(fork_in_step: Fork, words: list[str]) -> None:
    """`forkkeeper upstream refresh` and `upstream.refresh` are one verb."""
    assert "the pin is behind by" in fork_in_step.ok(*words).out


def test_a_refresh_brings_what_upstream_has_now(fork_in_step: Fork) -> None:
    """A source that must be fetched is fetched, and status then knows the newer commit."""
    toml = fork_in_step.root / "fork.toml"
    toml.write_text(toml.read_text().replace("../upstream.git", f"file://{fork_in_step.upstream.path}"))
    fork_in_step.ok("upstream.refresh")
    newer = fork_in_step.upstream.commit({"new.txt": "new\n"})
    fork_in_step.ok("upstream.refresh")
    assert newer[:12] in fork_in_step.ok("status").out
    fork_in_step.upstream.path.rename(fork_in_step.upstream.path.with_name("gone.git"))
    ran = fork_in_step.run("upstream.refresh")
    assert ran.code == 3
    assert "not looked at: file://" in ran.out


@pytest.mark.parametrize(
    "words",
    [
        ["no-such-verb"],
        ["sync", "--no-such-option"],
        ["sync", "--upto"],
        ["verify", "extra"],
        ["status", "extra"],
        ["upstream", "no-such-verb"],
    ],
)
def test_a_wrong_call_ends_with_2(fork_in_step: Fork, words: list[str]) -> None:
    """What cannot be parsed ends with 2, a sentence and how to get help; never with a trace."""
    before = fork_in_step.state()
    assert_message(fork_in_step.run(*words), 2, "`forkkeeper ")
    assert fork_in_step.state() == before


@pytest.mark.parametrize("verb", ["plan", "sync"])
def test_a_missing_option_is_named(fork_in_step: Fork, verb: str) -> None:
    """`plan` and `sync` without --upto say so, and where help is."""
    assert_message(fork_in_step.run(verb), 2, "call: --upto: is needed", "add --upto SHA")


def test_every_verb_has_help(tmp_path: Path) -> None:
    """--help of each verb shows what it does and an example, outside any fork."""
    for verb in VERBS:
        ran = run(tmp_path, "--help", verb)
        assert ran.code == 0, ran.said
        assert "Example: " in ran.out, ran.said
    assert run(tmp_path, "--version").out.startswith("forkkeeper ")


def test_verbs_work_from_a_folder_below(fork_behind: Fork) -> None:
    """Inside the fork's folders the nearest fork.toml above counts, and paths that were typed are from here."""
    below = fork_behind.root / "native" / "overlay"
    assert run(below, "status").code == 0
    assert run(below, "plan", "--upto", "v1.1", "--json", "plan.json").code == 0
    assert json.loads((below / "plan.json").read_text())["schema"] == 1


# the surroundings ---------------------------------------------------------------------------------------------------

HOSTILE_CONFIG = """
[core]
    autocrlf = true
    eol = crlf
    safecrlf = true
    hooksPath = {home}/hooks
    attributesFile = {home}/attributes
    excludesFile = {home}/excludes
    quotePath = false
    abbrev = 4
    fileMode = false
[diff]
    noprefix = true
    mnemonicPrefix = true
    external = {home}/hooks/external
    algorithm = patience
    context = 1
    renames = copies
    colorMoved = zebra
    orderFile = {home}/order
[merge]
    conflictStyle = zdiff3
    renames = false
    ff = only
[apply]
    whitespace = fix
    ignoreWhitespace = change
[format]
    signature = hostile
    noprefix = true
[color]
    ui = always
[commit]
    gpgSign = true
[gc]
    auto = 1
[transfer]
    fsckObjects = true
[alias]
    diff-tree = !false
"""


def hostile(home: Path) -> None:
    """Fill a home with a git configuration, attributes and hooks that would change everything."""
    (home / "hooks").mkdir()
    for name in ("external", "post-checkout", "reference-transaction", "post-index-change"):
        hook = home / "hooks" / name
        hook.write_text(f"#!/bin/sh\necho {name} >> {home}/ran\nexit 1\n")
        hook.chmod(0o755)
    (home / "attributes").write_text("* text eol=crlf merge=ours diff=hostile\n")
    (home / "excludes").write_text("*\n")
    (home / "order").write_text("src/parse.c\nsrc/main.c\n")
    (home / ".gitconfig").write_text(HOSTILE_CONFIG.format(home=home))


def result(fork: Fork, words: tuple[str, ...], env: dict[str, str]) -> tuple[str, dict[str, bytes]]:
    """Plan and sync in processes of their own, and give the plan and all files."""
    plan = fork.script("plan", "--upto", "v1.1", "--json", "-", **env)
    assert plan.code == 0, plan.said
    done = fork.script("sync", "--upto", "v1.1", *words, **env)
    assert done.code == 0, done.said
    assert fork.script("log", "--check", **env).code == 0
    return plan.out, fork.state()


def test_a_hostile_git_configuration_changes_nothing(fork_behind: Fork, tmp_path: Path) -> None:
    """Line ends, prefixes, external diffs, hooks, attributes and merge settings of the user change no byte."""
    plain = result(copied(fork_behind, tmp_path / "plain"), (), {})
    home = tmp_path / "hostile home"
    home.mkdir()
    hostile(home)
    assert result(fork_behind, (), {"HOME": str(home)}) == plain
    assert not (home / "ran").exists()


def test_inherited_git_variables_change_nothing(fork_behind: Fork, tmp_path: Path) -> None:
    """GIT_DIR and its like, as a hook of another repository sets them, change no byte here and nothing there."""
    plain = result(copied(fork_behind, tmp_path / "plain"), ("--commit",), {})
    git(tmp_path, "init", "--quiet", "other")
    (tmp_path / "other/file").write_text("theirs\n")
    git(tmp_path / "other", "add", "--all")
    other = {path: path.read_bytes() for path in (tmp_path / "other").rglob("*") if path.is_file()}
    variables = {
        "GIT_DIR": str(tmp_path / "other/.git"),
        "GIT_WORK_TREE": str(tmp_path / "other"),
        "GIT_INDEX_FILE": str(tmp_path / "other/.git/index"),
        "GIT_OBJECT_DIRECTORY": str(tmp_path / "other/.git/objects"),
        "GIT_ALTERNATE_OBJECT_DIRECTORIES": str(tmp_path / "nowhere"),
        "GIT_COMMON_DIR": str(tmp_path / "other/.git"),
        "GIT_NAMESPACE": "other",
        "GIT_PREFIX": "src/",
        "GIT_EXTERNAL_DIFF": "false",
        "GIT_DIFF_OPTS": "--unified=0",
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "diff.noprefix",
        "GIT_CONFIG_VALUE_0": "true",
        "GIT_CONFIG_PARAMETERS": "'merge.renames=false'",
        "GIT_DEFAULT_HASH": "sha256",
        "GIT_ATTR_SOURCE": "HEAD",
        "GIT_LITERAL_PATHSPECS": "0",
        "GIT_GLOB_PATHSPECS": "1",
        "GIT_EDITOR": "false",
        "GIT_QUARANTINE_PATH": str(tmp_path / "other/.git/objects"),
    }
    assert result(fork_behind, ("--commit",), variables) == plain
    assert {path: path.read_bytes() for path in (tmp_path / "other").rglob("*") if path.is_file()} == other
    assert git(fork_behind.root, "log", "-1", "--format=%s").startswith("sync: upstream")


def test_who_commits_may_come_from_the_environment(fork_behind: Fork, tmp_path: Path) -> None:
    """`sync --commit` works where only GIT_AUTHOR_* and GIT_COMMITTER_* say who commits, as in CI."""
    who = {name: value for name, value in environment().items() if name.startswith(("GIT_AUTHOR", "GIT_COMMITTER"))}
    ran = fork_behind.script("sync", "--upto", "v1.1", "--commit", HOME=str(tmp_path), **who)
    assert ran.code == 0, ran.said
    assert git(fork_behind.root, "log", "-1", "--format=%an <%ae> %cn") == "Ann Author <ann@example.invalid> Ann Author"


def test_attributes_of_upstream_change_nothing(fork_behind: Fork) -> None:
    """A .gitattributes in upstream's tree, with line ends, filters and merge drivers, changes no verdict."""
    attributes = (
        "* text eol=crlf working-tree-encoding=UTF-16 ident\n*.c merge=union -diff filter=no\n*.h merge=binary\n"
    )
    plain = json.loads(fork_behind.ok("plan", "--upto", "v1.1", "--json", "-").out)
    target = fork_behind.upstream.commit({".gitattributes": attributes})
    moved = json.loads(fork_behind.ok("plan", "--upto", target, "--json", "-").out)
    assert [row["outcome"] for row in moved["patches"]] == [row["outcome"] for row in plain["patches"]]
    assert moved["tree"]
