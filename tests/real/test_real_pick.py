"""A fix of upstream's picked from between two snapshots of the package registry, into a fork that stands on the older.

Both snapshots are brought by the verbs themselves; nothing of them is in this repository.
"""

from pathlib import Path

import pytest
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
