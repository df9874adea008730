"""Random verbs, one after the other: the fork's files agree, and git and the worktree see the same."""

import random
from pathlib import Path

import pytest
from world import Fork, am_trees, git

TREE = ".forkkeeper/patches"


def step(fork: Fork, dice: random.Random, number: int) -> tuple[str, ...]:
    """Make up a verb on patches that are there."""
    names = [name.removesuffix(".patch") for name in fork.names()] or ["none"]
    one, other = dice.choice(names), dice.choice(names)
    diff = f"--- /dev/null\n+++ b/made/{number}.c\n@@ -0,0 +1 @@\n+int n{number};\n--- a/README.md\n+++ b/README.md\n"
    (fork.root / "../made.diff").write_text(f"{diff}@@ -1,1 +1,2 @@\n # small\n+{number}\n")
    paths = ("--paths", f"made/,made/{number}.c"[:5])
    return dice.choice(
        [
            ("new", f"made-{number}", "--why", "Made up.", "--diff", "../made.diff"),
            ("move", one, dice.choice(["--before", "--after"]), other),
            ("rename", one, f"named-{number}"),
            ("drop", one, "--why", "Not needed."),
            ("split", one, "--into", f"part-{number}", *paths, "--why", "By itself."),
            ("fold", one, "--into", other),
            ("undo",),
            ("open",),
            ("edit", one),
            ("save",),
            ("close",),
        ]
    )


@pytest.mark.parametrize("seed", range(6))
def test_any_sequence_of_verbs_leaves_a_sound_fork(fork_in_step: Fork, tmp_path: Path, seed: int) -> None:
    """After each verb the files agree or nothing changed; undo leads back; at the end `git am` makes the same trees."""
    dice = random.Random(seed)  # noqa: S311 -- repeatable, not secret
    done = []
    start = fork_in_step.state()
    for number in range(14):
        before = fork_in_step.state()
        words = step(fork_in_step, dice, number)
        if words == ("undo",) and before == start:
            continue
        ran = fork_in_step.run(*([] if words == ("undo",) else ["patch"]), *words)
        assert ran.code in (0, 1, 2), ran.said
        if ran.code:
            assert fork_in_step.state() == before, (words, ran.said)
            continue
        done.append(words[0])
        fork_in_step.ok("status")
        if words[0] in ("move", "rename", "split", "fold"):
            assert composed(before) == composed(fork_in_step.state()), words
    assert done
    end, undone = fork_in_step.state(), 0
    while fork_in_step.state() != start:
        fork_in_step.ok("undo")
        fork_in_step.ok("status")
        undone += 1
    for _ in range(undone):
        fork_in_step.ok("redo")
    assert fork_in_step.state() == end
    fork_in_step.run("patch", "close")
    fork_in_step.ok("patch", "open")
    tree = fork_in_step.root / TREE
    trees = git(tree, "log", "--reverse", "--format=%T", "base..HEAD").split()
    pin = fork_in_step.upstream.tree(fork_in_step.pin)
    assert am_trees(fork_in_step.upstream.path, pin, fork_in_step.mails(), tmp_path / "am") == trees


def composed(state: dict[str, bytes]) -> bytes:
    """Give the line of the lock that names the composed tree."""
    return next(line for line in state["fork.lock"].splitlines() if line.startswith(b"composed"))
