"""A patch that says what is run where the fork is built or checked out is flagged, by every verb that shows it."""

import json

import pytest
from world import Fork, Local, git, patches

from forkkeeper.core.buildfiles import decides

PATHS = (
    ".github/workflows/ci.yml",
    ".gitlab-ci.yml",
    "CMakeLists.txt",
    "sub/CMAKELISTS.TXT",
    "cmake/evil.cmake",
    "CMakePresets.json",
    "Makefile",
    "scripts/gen.sh",
    "scripts/gen.py",
    "setup.py",
    ".gitmodules",
    ".gitattributes",
    "sub/.gitattributes",
    "Dockerfile.cuda",
    ".pre-commit-config.yaml",
    "configure",
    "build.rs",
    ".devops/run",
)


def offer(fork: Fork, patch: bytes) -> None:
    """Put a patch into a folder beside the fork, as it comes from somebody."""
    folder = fork.root.parent / "evil"
    folder.mkdir()
    (folder / "evil.patch").write_bytes(patch)


@pytest.mark.attack
@pytest.mark.parametrize("path", PATHS)
def test_a_patch_that_touches_the_build(fork_behind: Fork, path: str) -> None:
    """Attack: a patch of the queue changes such a file; lint, plan (its JSON and Markdown, too) and sync say so."""
    made = patches(fork_behind.upstream, fork_behind.pin, [Local("evil", {path: "echo\n"})])
    said = f"touches the build: evil ({path})"
    offer(fork_behind, made["evil.patch"])
    assert said in fork_behind.ok("patch", "import", "mail", "../evil").out
    assert said in fork_behind.ok("lint").out
    for words in (["plan", "--upto", "v1.1"], ["plan", "--upto", "v1.1", "--markdown", "../plan.md"]):
        assert said in fork_behind.ok(*words).out
    assert said in (fork_behind.root.parent / "plan.md").read_text()
    rows = json.loads(fork_behind.ok("plan", "--upto", "v1.1", "--json", "-").out)["patches"]
    assert [row["touches_build"] for row in rows if row["name"].startswith("evil")] == [[path]]
    assert said in fork_behind.ok("sync", "--upto", "v1.1").out


@pytest.mark.attack
def test_an_executable_file(fork_behind: Fork) -> None:
    """Attack: a patch makes a file executable whose name says nothing; it is flagged, too."""
    local = Local("evil", {"tool": "#!/bin/sh\n"}, modes={"tool": "100755"})
    made = patches(fork_behind.upstream, fork_behind.pin, [local])
    offer(fork_behind, made["evil.patch"])
    assert "touches the build: evil (tool)" in fork_behind.ok("patch", "import", "mail", "../evil").out


@pytest.mark.attack
def test_a_picked_commit(fork_behind: Fork) -> None:
    """Attack: an upstream commit that changes a build script is picked: it comes in as a patch, and is flagged."""
    sha = fork_behind.upstream.commit({"CMakeLists.txt": "project(x)\n"}, title="build: a new way")
    ran = fork_behind.run("pick", sha, "--why", "needed")
    assert (ran.code, "touches the build: " in ran.out) == (0, True), ran.said


def test_what_upstream_does_is_upstream_s(fork_behind: Fork) -> None:
    """Upstream's own new build files are not flagged in a sync, and no patch is that touches none."""
    fork_behind.upstream.commit({"CMakeLists.txt": "project(x)\n", "gen.sh": "true\n"}, tag="v1.2")
    assert "touches the build" not in fork_behind.ok("sync", "--upto", "v1.2").out
    assert "touches the build" not in fork_behind.ok("lint").out
    assert not any(decides(path) for path in ("src/main.c", "docs/CMake.md", "include/core.h", "make.c", "README.md"))
    assert git(fork_behind.root, "status", "--porcelain")
