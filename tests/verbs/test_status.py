"""What `status` promises: where the fork stands, and exit 1 when its files disagree or it is too old."""

import shutil

import pytest
from world import Fork, Upstream, assert_message, fork_of, git


def test_a_fork_in_step(fork_in_step: Fork) -> None:
    """Pin with its tag, age in days, queue, overlay and the distance to the source's newest commit are shown."""
    lines = [line.split() for line in fork_in_step.ok("status").out.splitlines()]
    assert ["pin", fork_in_step.pin, "(v1.0)"] in lines
    assert ["age", "115", "days", "(commit", "of", "2025-06-16)"] in lines
    assert ["queue", "3", "patches"] in lines
    assert ["overlay", "1", "file"] in lines
    newest = [fork_in_step.target[:12], "of", "2025-06-21"]
    assert ["git", "../upstream.git", *newest, "5", "commits"] in lines
    assert lines[-1] == ["in", "step:", "queue,", "overlay,", "log", "and", "lock", "agree"]


@pytest.mark.parametrize(("days", "code"), [("115", 0), ("114", 1)])
def test_a_pin_may_be_too_old(fork_in_step: Fork, days: str, code: int) -> None:
    """--max-age counts whole days; one day more ends with 1 and the sync to type."""
    ran = fork_in_step.run("status", "--max-age", days)
    assert ran.code == code, ran.said
    if code:
        assert_message(ran, 1, "the pin is 115 days old, more than the 114 allowed", "forkkeeper sync --upto SHA")


def test_an_age_that_is_no_number_is_refused(fork_in_step: Fork) -> None:
    """A wrong --max-age is a wrong request, not a failure of ours."""
    assert_message(fork_in_step.run("status", "--max-age", "soon"), 2, "call: --max-age soon: is not a whole number")


@pytest.mark.parametrize(
    ("path", "thing"),
    [
        ("patches/series", "patches/"),
        ("native/overlay/native/extra.c", "native/overlay/"),
        ("CHANGES-LOCAL.md", "CHANGES-LOCAL.md"),
        ("history.toml", "history.toml"),
    ],
)
def test_what_differs_from_the_lock_is_named(fork_in_step: Fork, path: str, thing: str) -> None:
    """An edit of queue, overlay, history or log ends with 1, says which, and `log` takes it as meant."""
    with (fork_in_step.root / path).open("a") as file:
        file.write("# edited\n")
    assert_message(fork_in_step.run("status"), 1, f"{thing} differs from fork.lock", "forkkeeper log")
    fork_in_step.ok("log")
    fork_in_step.ok("status")


def test_another_path_policy_is_another_fork(fork_in_step: Fork) -> None:
    """A new [[path]] rule differs from the lock; a comment in fork.toml does not."""
    toml = fork_in_step.root / "fork.toml"
    text = toml.read_text()
    toml.write_text(text + "# a comment\n")
    fork_in_step.ok("status")
    toml.write_text(text + '[[path]]\nrule = "exclude"\npattern = "/docs/"\nwhy = "own"\n')
    assert_message(fork_in_step.run("status"), 1, "fork.toml ([[path]] rules) differs from fork.lock")


def test_a_lock_with_another_tree_is_found_out(fork_in_step: Fork) -> None:
    """Digests may agree and the composed tree not: status composes, and says both trees."""
    lock = fork_in_step.root / "fork.lock"
    text = lock.read_text()
    tree = text.split('composed = "')[1][:40]
    lock.write_text(text.replace(tree, "1" * 40))
    assert_message(fork_in_step.run("status"), 1, f"fork.lock says tree {'1' * 40}, and the files compose to {tree}")


def test_missing_witnesses_are_named(fork_in_step: Fork) -> None:
    """A patch without a witness, or with one whose file is not there, is shown; it does not change the exit."""
    patch = fork_in_step.root / "patches/greeting.patch"
    patch.write_bytes(patch.read_bytes().replace(b"none [shown by tests]", b"tests/test_greeting.py::test_it"))
    fork_in_step.ok("log")
    assert "no witness: greeting (tests/test_greeting.py::test_it)" in fork_in_step.ok("status").out


def test_without_upstream_at_hand_status_still_answers(fork_in_step: Fork) -> None:
    """A source that is not there is said to be not fetched; the fork's own files are judged all the same."""
    fork_in_step.upstream.path.rename(fork_in_step.upstream.path.with_name("gone.git"))
    said = fork_in_step.ok("status").out
    assert "not fetched: `forkkeeper upstream refresh`" in said
    assert "queue, overlay, log and lock agree; the pin is not held here, so the composed tree was not compared" in said
    assert "in step:" not in said


@pytest.mark.parametrize("words", [("log", "--check"), ("diff",), ("sync", "--upto", "v1.1")])
def test_a_pin_that_upstream_has_no_more_is_named_as_the_pin(fork_in_step: Fork, words: tuple[str, ...]) -> None:
    """Where upstream was rewritten, verbs say that it is the pin that no source has; a source that has it mends it."""
    upstream = fork_in_step.upstream.path
    clone = upstream.with_name("clone.git")
    shutil.copytree(upstream, clone)
    head = git(upstream, "commit-tree", "-m", "all anew", f"{fork_in_step.target}^{{tree}}")
    refs = git(upstream, "for-each-ref", "--format=%(refname)").split()
    for ref in refs:
        git(upstream, "update-ref", *([ref, head] if ref == "refs/heads/main" else ["-d", ref]))
    git(upstream, "gc", "--quiet", "--prune=now")
    assert "the pin is not held here" in fork_in_step.ok("status").out
    words = tuple(head if word == "v1.1" else word for word in words)
    ran = fork_in_step.run(*words)
    assert_message(
        ran, 2, fork_in_step.pin, "is this fork's pin, in fork.lock, and no source has it", "upstream.source"
    )
    assert "a tag or a branch" not in ran.err
    lines = ran.err[ran.err.index("[[upstream.source]]") :].splitlines()[:3]
    table = "\n".join(line.strip() for line in lines).replace("URL-OR-PATH", "../clone.git")
    with (fork_in_step.root / "fork.toml").open("a") as toml:
        toml.write(f"\n{table}\n")
    fork_in_step.ok("upstream", "refresh")
    fork_in_step.ok("log", "--check")
    assert "in step:" in fork_in_step.ok("status").out


def test_an_empty_queue_is_in_step(upstream_repo: Upstream) -> None:
    """A fork that changes nothing is a fork."""
    pin = upstream_repo.commit({"a.txt": "a\n"})
    fork = fork_of(upstream_repo.path.parent, upstream_repo, pin, pin, [], {})
    assert "0 patches" in fork.ok("status").out


@pytest.mark.parametrize("out", ["native", "patches", "native patches"])
@pytest.mark.parametrize("verb", ["status", "log"])
def test_a_sparse_checkout_without_the_forks_files_is_refused(fork_in_step: Fork, out: str, verb: str) -> None:
    """Where git leaves some of the fork out, nothing is judged or written; what is said to type brings it back."""
    folders = {"native", "patches", "resolutions"} - set(out.split())
    git(fork_in_step.root, "update-index", "--refresh")  # git leaves no file out whose times it does not know
    git(fork_in_step.root, "sparse-checkout", "set", *sorted(folders))
    before = fork_in_step.state()
    ran = fork_in_step.run(verb)
    assert_message(ran, 2, "sparse checkout leaves out", f"git sparse-checkout add {out}`")
    assert fork_in_step.state() == before
    git(fork_in_step.root, *ran.err.split("`git ")[1].split("`")[0].split())
    assert "in step:" in fork_in_step.ok("status").out
    assert git(fork_in_step.root, "status", "--porcelain") == ""


def test_a_file_that_is_marked_and_there_counts(fork_in_step: Fork) -> None:
    """A file that git was told not to look at, and that is on disk, is read as it is."""
    git(fork_in_step.root, "update-index", "--skip-worktree", "native/overlay/native/extra.c")
    assert "in step:" in fork_in_step.ok("status").out
