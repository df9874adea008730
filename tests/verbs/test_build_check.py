"""What `build` and `check` promise, on a real CMake project of one file."""

import shutil
from pathlib import Path

import pytest
from redis_server import serving
from tiny import CMAKE, GREETING, KNOWN, MAIN, NOTES, fork_with, verdict
from world import Fork, Local, Upstream, assert_message, copied

from forkkeeper.shell import process


@pytest.fixture
def place(upstream_repo: Upstream) -> tuple[Upstream, str]:
    """Give an upstream that CMake can build, and its commit."""
    return upstream_repo, upstream_repo.commit({"CMakeLists.txt": CMAKE, "main.c": MAIN, "notes.txt": "a\n"}, tag="v1")


def row(out: str) -> tuple[str, ...]:
    """Give what the table says of the one variant: compiled, and from ccache."""
    return tuple(next(line for line in out.splitlines() if line.startswith("cpu ")).split()[3:5])


def program(fork: Fork, kind: str) -> str:
    """Run what was built of the fork, or of its baseline."""
    return process.read((str(fork.root / ".forkkeeper" / kind / "cpu/build/tiny"),)).out.strip()


def test_the_baseline_is_built_beside_the_fork(place: tuple[Upstream, str]) -> None:
    """It is upstream's own program; of an option that only a patch knows nothing is said."""
    fork = fork_with(place, GREETING, KNOWN)
    declaration = fork.root / "fork.toml"
    declaration.write_text(declaration.read_text() + 'cmake = ["-DFK_QUEUE={queue}"]\n')
    baseline = fork.script("build", "cpu", "--baseline")
    assert baseline.code == 0, baseline.said
    assert "FK_QUEUE" not in baseline.said
    assert program(fork, "baseline") == "hello"
    built = fork.script("build", "cpu")
    assert built.code == 0, built.said
    assert program(fork, "build") == "hello, fork"


@pytest.mark.ccache
def test_nothing_is_compiled_where_nothing_changed(place: tuple[Upstream, str]) -> None:
    """The tree is written out again and built again, and no file is new to the compiler or even to its cache."""
    fork = fork_with(place, GREETING)
    assert row(fork.script("build").out) == ("1", "0")
    assert row(fork.script("build").out) == ("0", "0")


@pytest.mark.ccache
@pytest.mark.redis
def test_a_build_says_what_came_from_another_machine(place: tuple[Upstream, str], tmp_path: Path) -> None:
    """A clone elsewhere with an empty cache of its own takes all from Redis; without Redis it builds, and says so."""
    fork = fork_with(place, GREETING)
    clone = copied(fork, tmp_path / "a longer place" / "for it")
    own = {"CCACHE_DIR": str(tmp_path / "ccache")}
    with serving(tmp_path) as redis:
        remote = {"CCACHE_REMOTE_STORAGE": redis.url}
        assert row(fork.script("build", **remote).out) == ("1", "0")
        ran = clone.script("build", **remote, **own)
    assert row(ran.out) == ("0", "1")
    assert "cpu: 1 of 1 came out of ccache's remote storage" in ran.out
    shutil.rmtree(clone.root / ".forkkeeper/build")
    again = clone.script("build", **remote, CCACHE_DIR=str(tmp_path / "another ccache"))
    assert again.code == 0, again.said
    assert row(again.out) == ("1", "0")
    assert "cpu: ccache's remote storage failed for 1 file; `ccache --show-config` says which it is" in again.out


def test_a_witness_that_fails_without_its_patch_proves_it(place: tuple[Upstream, str]) -> None:
    """The fork is built, and built again without the patch: the witness passes and fails."""
    fork = fork_with(place, GREETING)
    built = fork.script("build", "cpu")
    assert built.code == 0, built.said
    ran = fork.script("check", "witness", "cpu")
    assert ran.code == 0, ran.said
    assert "1 of 1 pass" in verdict(ran.out, "greeting")
    assert "1 of 1 fail" in verdict(ran.out, "greeting")
    assert "proves the patch" in verdict(ran.out, "greeting")
    alone = fork.script("check", "native/checks/test_greeting.py")
    assert alone.code == 0, alone.said


def test_a_witness_that_passes_without_its_patch_is_red(place: tuple[Upstream, str]) -> None:
    """A check that cannot fail proves nothing, and one such row makes the whole run red; the others are judged."""
    fork = fork_with(place, GREETING, NOTES)
    assert fork.script("build", "cpu").code == 0
    ran = fork.script("check", "witness", "cpu")
    assert ran.code == 1, ran.said
    assert "proves the patch" in verdict(ran.out, "greeting")
    assert "has lost its effect" in verdict(ran.out, "notes")


def test_no_witness_at_all_is_not_green(place: tuple[Upstream, str]) -> None:
    """Where every patch declares none, nothing ran, and that is no pass."""
    fork = fork_with(place, Local("notes", {"notes.txt": "b\n"}))
    assert fork.script("build", "cpu").code == 0
    ran = fork.script("check", "witness", "cpu")
    assert ran.code == 1, ran.said
    assert "none [shown by tests]" in ran.out


def test_only_a_build_of_the_present_tree_is_checked(place: tuple[Upstream, str]) -> None:
    """What is not built, or was built from another tree, is an error with the command that builds it."""
    fork = fork_with(place, GREETING)
    path = str(Path("native/checks/test_true.py"))
    assert_message(fork.run("check", path), 2, "none is built", "nox -s build_cpu")
    assert_message(fork.run("check", path, "cpux"), 2, "variant cpux", "did you mean cpu?")
    assert fork.script("build").code == 0
    extra = fork.root / "native/overlay/extra.c"
    extra.parent.mkdir(parents=True, exist_ok=True)
    extra.write_text("int extra;\n")
    assert_message(fork.run("check", path), 2, "variant cpu", "built from another tree", "forkkeeper build cpu")
