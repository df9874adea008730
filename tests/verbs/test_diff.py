"""What `diff` promises: the composed fork against its upstream, whole, per patch, per file, as table or by word."""

import subprocess

from world import BIN, Fork, assert_message, environment, git, with_files


def test_the_whole_difference_applies_on_upstream(fork_in_step: Fork) -> None:
    """What `diff` prints is a diff that `git apply` turns upstream's tree into the composed one with."""
    text = fork_in_step.ok("diff").out.encode()
    bare = fork_in_step.upstream.path
    tree = fork_in_step.upstream.tree(fork_in_step.pin)
    env = environment(GIT_INDEX_FILE=str(bare / "applying"))
    git(bare, "read-tree", tree, env=env)
    git(bare, "apply", "--cached", stdin=text, env=env)
    composed = (fork_in_step.root / "fork.lock").read_text().split('composed = "')[1][:40]
    assert git(bare, "write-tree", env=env) == composed
    assert with_files(bare, tree, {}) == tree


def test_one_patch_alone(fork_in_step: Fork) -> None:
    """--patch shows what that patch does on the ones before it, by name with or without suffix."""
    shown = fork_in_step.ok("diff", "--patch", "buffer-size").out
    assert "+    int size = 4096;" in shown
    assert "hello" not in shown
    assert fork_in_step.ok("diff", "--patch", "buffer-size.patch").out == shown


def test_one_file_or_folder_alone(fork_in_step: Fork) -> None:
    """--file limits to a path or a folder; one that the fork does not change is answered with 1."""
    assert fork_in_step.ok("diff", "--file", "src/main.c").out.count("diff --git") == 1
    assert fork_in_step.ok("diff", "--file", "src").out.count("diff --git") == 3
    assert_message(fork_in_step.run("diff", "--file", "README.md"), 1, "diff: README.md: the fork does not change it")


def test_the_table_says_who_changes_what(fork_in_step: Fork) -> None:
    """--stat has one row per file: lines, and the patches or the overlay they come from."""
    rows = [line.split() for line in fork_in_step.ok("diff", "--stat").out.splitlines()[2:]]
    assert rows == [
        ["native/extra.c", "4", "0", "overlay"],
        ["src/load.c", "1", "1", "buffer-size"],
        ["src/main.c", "1", "1", "greeting"],
        ["src/parse.c", "2", "0", "null-check"],
    ]


def test_word_by_word(fork_in_step: Fork) -> None:
    """--word marks words as git does."""
    assert "[-512;-]{+4096;+}" in fork_in_step.ok("diff", "--word", "--patch", "buffer-size").out


def test_an_unknown_patch_is_answered_with_the_nearest(fork_in_step: Fork) -> None:
    """A mistyped name ends with 2 and says which patch may be meant."""
    ran = fork_in_step.run("diff", "--patch", "bufer-size")
    assert_message(ran, 2, "diff: --patch bufer-size: is no patch of the queue", "did you mean buffer-size?")


def test_a_closed_pipe_is_no_failure(fork_in_step: Fork) -> None:
    """`forkkeeper diff | head -1` ends quietly."""
    command = "set -o pipefail; forkkeeper diff | head -1"
    path = f"{BIN}:{environment()['PATH']}"
    env = environment(HOME=str(fork_in_step.root.parent)) | {"PATH": path}
    argv = ["bash", "-c", command]
    done = subprocess.run(argv, cwd=fork_in_step.root, env=env, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("diff --git")
