"""A change of upstream's picked ahead of a sync, on real upstream: both snapshots come from the package registry."""
"""A fix of upstream's picked from between two snapshots of the package registry, into a fork that stands on the older.

Both snapshots are brought by the verbs themselves; nothing of them is in this repository.
"""

from pathlib import Path

import pytest
from world import git, run

pytestmark = pytest.mark.network

PINNED = "e3a74b299085cd00013804f7fca2e03441b2da20"  # llama-cpp-python==0.3.30, 2026-06-16
AHEAD = "f449e0553708b895adbd94a301431cef691f632d"  # llama-cpp-python==0.3.31, 2026-06-20
DECLARED = """\
schema = 1
name = "a fork that waits for BF16"

[upstream]
name = "llama.cpp"
from world import Fork, Upstream, git

pytestmark = pytest.mark.network

OLD, NEW = "llama-cpp-python==0.3.30", "llama-cpp-python==0.3.31"
OLD_SHA = "e3a74b299085cd00013804f7fca2e03441b2da20"
NEW_SHA = "f449e0553708b895adbd94a301431cef691f632d"
DECLARED = """\
schema = 1
name = "a fork with Metal"

[upstream]
name = "llama.cpp"
web = "https://github.com/ggml-org/llama.cpp"

[[upstream.source]]
kind = "sdist"
package = "llama-cpp-python"
embedded = ".git/modules/vendor/llama.cpp"
"""


def test_a_metal_bf16_fix_is_picked_and_leaves_with_the_next_sync(tmp_path: Path) -> None:
    """The concat fix between two snapshots goes into the older one as a patch; the sync that passes it drops it."""
    root = tmp_path / "fork"
    root.mkdir()
    (root / "fork.toml").write_text(DECLARED)
    git(root, "init", "--quiet")
    assert run(root, "init", "--pin", PINNED).code == 0
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "a fork")
    words = ("--paths", "ggml/src/ggml-metal/", "--touching", "concat", "--name", "metal-concat-bf16")
    told = ("--title", "metal: concat takes BF16", "--why", "Users wait for BF16 on Metal.")
    picked = run(root, "pick", "--upto", AHEAD, *words, *told)
    assert picked.code == 0, picked.out + picked.err
    patch = (root / "patches/metal-concat-bf16.patch").read_text()
    assert f"Origin: upstream {PINNED}..{AHEAD}" in patch
    assert "kernel_concat" in patch
    assert "bf16" in patch.lower()
    assert run(root, "lint").code == 0
    assert run(root, "log", "--check").code == 0
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "patches: pick metal-concat-bf16")
    synced = run(root, "sync", "--upto", AHEAD)
    assert synced.code == 0, synced.out + synced.err
    row = next(line for line in synced.out.splitlines() if line.startswith("metal-concat-bf16"))
    assert "upstreamed" in row
    assert "metal-concat-bf16.patch" not in (root / "patches/series").read_text()
    assert not (root / "patches/metal-concat-bf16.patch").exists()
def test_the_metal_fix_of_concat_comes_in_and_the_next_sync_drops_it(tmp_path: Path) -> None:
    """Metal's concat copies BF16 on the fork, though its pin has it not; the sync to the newer snapshot drops it."""
    root = tmp_path / "fork"
    root.mkdir()
    git(root, "init", "--quiet")
    (root / "fork.toml").write_text(DECLARED)
    fork = Fork(root, Upstream(root / ".forkkeeper/upstream.git"), OLD_SHA, NEW_SHA)
    fork.ok("init", "--pin", OLD)
    fork.commit_all()
    why = "A BF16 model with concat falls back to the CPU on Metal."
    words = ("--touching", "concat", "--title", "metal: concat copies BF16", "--why", why)
    ran = fork.ok("pick", "--upto", NEW, "--paths", "/ggml/src/ggml-metal/", *words)
    assert "kept" in ran.out
    assert "of the others" in ran.out  # the same files hold other changes, such as of rope
    (name,) = fork.names()
    patch = (root / "patches" / name).read_text()
    assert f"Origin: upstream {OLD_SHA}..{NEW_SHA}" in patch
    added = [line for line in patch.splitlines() if line.startswith("+")]
    assert any("kernel_concat_bf16" in line for line in added)
    assert any("GGML_TYPE_BF16" in line for line in added)
    assert not any("rope" in line.lower() for line in added)
    fork.ok("lint")
    fork.ok("log", "--check")
    fork.commit_all()
    synced = fork.ok("sync", "--offline", "--upto", NEW)
    assert "1 upstreamed" in synced.out
    assert fork.names() == []
    assert f'sha = "{NEW_SHA}"' in (root / "fork.lock").read_text()
    assert f'tree = "{git(fork.upstream.path, "rev-parse", f"{NEW_SHA}^{{tree}}")}"' in (root / "fork.lock").read_text()
