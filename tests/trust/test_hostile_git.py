"""A repository of upstream's that is read in place, or fetched from: nothing in it is run, nothing of it is believed.

Each attack first runs its canary under plain git, with none of our protections: so it is a real one.
"""

import hashlib
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hostile import Canary, unharmed
from world import Fork, environment, git, git_bytes

pytestmark = pytest.mark.attack
VERBS = (["status"], ["plan", "--upto", "v1.2"], ["triage"], ["explain", "src/main.c"], ["sync", "--upto", "v1.2"])


@dataclass(frozen=True)
class Attack:
    """What a repository holds, and the plain git that falls for it. `{}` stands for the canary."""

    config: dict[str, str]
    git: Sequence[str]
    files: dict[str, str] = field(default_factory=dict)


MAPPED = {"info/attributes": "* diff=evil filter=evil merge=evil\n"}
ATTACKS = {
    "signatures": Attack({"log.showSignature": "true", "gpg.program": "{}"}, ("log", "-1", "refs/tags/v1.2")),
    "textconv": Attack({"diff.evil.textconv": "{}"}, ("blame", "refs/tags/v1.1", "--", "src/main.c"), MAPPED),
    "textconv of a search": Attack({"diff.evil.textconv": "{}"}, ("log", "-Sretries", "refs/tags/v1.1"), MAPPED),
    "external diff": Attack({"diff.external": "{}"}, ("diff", "refs/tags/v1.0", "refs/tags/v1.1")),
    "a diff driver": Attack({"diff.evil.command": "{}"}, ("diff", "refs/tags/v1.0", "refs/tags/v1.1"), MAPPED),
    "fsmonitor": Attack({"core.bare": "false", "core.fsmonitor": "{}"}, ("--work-tree=.", "add", "HEAD")),
    "a smudge filter": Attack(
        {"filter.evil.smudge": "{}"}, ("archive", "--output", "/dev/null", "refs/tags/v1.1"), MAPPED
    ),
    "a merge driver": Attack({"merge.evil.driver": "{}"}, ("merge-tree", "--write-tree", "theirs", "ours"), MAPPED),
    "an include": Attack(
        {"include.path": "more"},
        ("log", "-1", "refs/tags/v1.2"),
        {"more": "[log]\n\tshowSignature = true\n[gpg]\n\tprogram = {}\n"},
    ),
    "a hook": Attack(
        {}, ("update-ref", "refs/heads/made", "refs/tags/v1.1"), {"hooks/reference-transaction": "#!/bin/sh\nexec {}\n"}
    ),
    "an alias": Attack({"alias.lg": "!{}"}, ("lg",)),
    "a promisor's program": Attack(
        {
            "core.repositoryFormatVersion": "1",
            "extensions.partialClone": "evil",
            "remote.evil.promisor": "true",
            "remote.evil.url": "ext::{}",
            "protocol.ext.allow": "always",
        },
        ("cat-file", "-p", "1" * 40),
    ),
    "a promisor's ssh": Attack(
        {
            "core.repositoryFormatVersion": "1",
            "extensions.partialClone": "evil",
            "remote.evil.promisor": "true",
            "remote.evil.url": "ssh://nowhere.invalid/x",
            "core.sshCommand": "{}",
        },
        ("cat-file", "-p", "1" * 40),
    ),
}


def armed(fork: Fork, attack: Attack, canary: Canary) -> None:
    """Arm the upstream repository: its newest commit is signed, two branches meet, and the attack is in its place."""
    bare = fork.upstream.path
    head = git_bytes(bare, "cat-file", "commit", "refs/heads/main")
    signature = b"gpgsig -----BEGIN PGP SIGNATURE-----\n \n abc\n -----END PGP SIGNATURE-----\n"
    before, _, message = head.partition(b"\n\n")
    signed = git(
        bare, "hash-object", "-t", "commit", "-w", "--stdin", stdin=before + b"\n" + signature + b"\n" + message
    )
    for ref in ("refs/tags/v1.2", "refs/heads/main"):
        git(bare, "update-ref", ref, signed)
    for branch, text in (("ours", "one\n"), ("theirs", "two\n")):
        fork.upstream.commit({"README.md": text}, branch=branch, parent="v1.0")
    run = str(canary.program)
    for name, text in attack.files.items():
        path = bare / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text.replace("{}", run))
        path.chmod(0o755)
    for key, value in attack.config.items():
        git(bare, "config", key, value.replace("{}", run))


@pytest.mark.parametrize("name", ATTACKS)
def test_a_program_that_upstream_s_repository_names(fork_behind: Fork, canary: Canary, name: str) -> None:
    """Attack: configuration, attributes or hooks of a repository read in place name a program; none is ever run."""
    attack = ATTACKS[name]
    armed(fork_behind, attack, canary)
    plain(fork_behind.upstream.path, *(word.replace("{}", str(canary.program)) for word in attack.git))
    assert canary.sang, "plain git does not fall for this: the test proves nothing"
    canary.hush()
    with unharmed(fork_behind, canary):
        for words in VERBS:
            ran = fork_behind.run(*words)
            assert ran.code in (0, 1), ran.said
    assert fork_behind.run("status").code == 0


def unpacked(repository: Path) -> None:
    """Have every object as a file of its own."""
    for pack in list((repository / "objects/pack").glob("*.pack")):
        data = pack.read_bytes()
        for part in repository.glob(f"objects/pack/{pack.stem}.*"):
            part.unlink()
        git(repository, "unpack-objects", "-q", stdin=data)


@pytest.mark.parametrize("of", ["src/main.c", "src", "", "commit"])
def test_an_object_with_other_bytes_than_its_id(fork_behind: Fork, canary: Canary, of: str) -> None:
    """Attack: a repository read in place has other bytes under the id of a file, folder or commit; its id is proved."""
    bare = fork_behind.upstream.path
    unpacked(bare)
    commit = git(bare, "rev-parse", "v1.1")
    true = commit if of == "commit" else git(bare, "rev-parse", f"{commit}:{of}")
    other = {
        "src/main.c": lambda: git(bare, "hash-object", "-w", "--stdin", stdin=b"int evil;\n"),
        "src": lambda: git(bare, "rev-parse", "v1.0:src"),
        "": lambda: git(bare, "rev-parse", "v1.0^{tree}"),
        "commit": lambda: git(bare, "rev-parse", "v1.0"),
    }[of]()
    path = bare / "objects" / true[:2] / true[2:]
    path.chmod(0o644)
    path.write_bytes((bare / "objects" / other[:2] / other[2:]).read_bytes())
    said = [git_bytes(bare, "cat-file", "--batch", stdin=f"{oid}\n".encode()) for oid in (true, other)]
    assert said[0].partition(b"\n")[2] == said[1].partition(b"\n")[2], "git looks itself: the test proves nothing"
    before = fork_behind.state()
    with unharmed(fork_behind, canary):
        ran = fork_behind.run("sync", "--upto", commit)
        assert (ran.code, "under the id of this" in ran.err) == (3, True), ran.said
    assert fork_behind.state() == before


def forged_graph(repository: Path) -> None:
    """Let the commit graph say that the newest commit has the tree of the oldest: so says its row, and its own hash."""
    unpacked(repository)
    git(repository, "commit-graph", "write", "--reachable")
    path = repository / "objects/info/commit-graph"
    data = path.read_bytes()[:-20]
    old, new = (bytes.fromhex(git(repository, "rev-parse", f"{tag}^{{tree}}")) for tag in ("v0.9", "v1.1"))
    assert new in data
    data = data.replace(new, old)
    path.chmod(0o644)
    path.write_bytes(data + hashlib.sha1(data).digest())  # noqa: S324 -- git's own form


def grafted(repository: Path) -> None:
    """Let history say that the newest commit follows on nothing."""
    (repository / "info").mkdir(exist_ok=True)
    (repository / "info/grafts").write_text(git(repository, "rev-parse", "v1.1") + "\n")


def replaced(repository: Path) -> None:
    """Let another commit stand in for the newest one."""
    git(repository, "replace", git(repository, "rev-parse", "v1.1"), git(repository, "rev-parse", "v0.9"))


@pytest.mark.parametrize("lie", [forged_graph, grafted, replaced], ids=lambda lie: lie.__name__)
def test_what_a_repository_says_of_its_commits(fork_behind: Fork, canary: Canary, lie: Callable[[Path], None]) -> None:
    """Attack: commit graph, grafts or replacement objects give a commit another tree or past; only its bytes count."""
    honest = fork_behind.ok("plan", "--upto", "v1.1", "--json", "-").out
    triaged = fork_behind.ok("triage", "--json", "-").out
    lie(fork_behind.upstream.path)
    with unharmed(fork_behind, canary):
        assert fork_behind.ok("plan", "--upto", "v1.1", "--json", "-").out == honest
        assert fork_behind.ok("triage", "--json", "-").out == triaged


@pytest.mark.parametrize("how", ["fetched", "a bundle", "imported"])
def test_a_repository_that_is_not_read_in_place(fork_behind: Fork, canary: Canary, how: str, tmp_path: Path) -> None:
    """Attack: the same programs in a repository that is fetched from, bundled, or imported: none is run."""
    for name, attack in ATTACKS.items():
        if not name.startswith("a promisor"):
            armed(fork_behind, attack, canary)
    bare = fork_behind.upstream.path
    git(bare, "config", "uploadpack.packObjectsHook", str(canary.program))
    if canary.sang:  # git itself ran hooks as the refs were written
        canary.hush()
    words = ["plan", "--upto", "v1.2"]
    toml = fork_behind.root / "fork.toml"
    if how == "fetched":
        toml.write_text(toml.read_text().replace("../upstream.git", f"file://{bare}"))
    elif how == "a bundle":
        git(bare, "-c", "core.fsmonitor=false", "bundle", "create", "../up.bundle", "--all")
        toml.write_text(toml.read_text().replace("../upstream.git", "../up.bundle"))
    else:
        words = ["patch", "import", "git", "../upstream.git", "v1.1..refs/heads/theirs", "--why", "because"]
    if canary.sang:
        canary.hush()
    with unharmed(fork_behind, canary):
        assert fork_behind.run(*words).code in (0, 1, 2), how


def plain(folder: Path, *argv: str) -> None:
    """Run git with none of our protections, whatever it ends with."""
    env = {"PATH": environment()["PATH"], "HOME": "/nonexistent", "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b"}
    subprocess.run(
        ["git", *argv], cwd=folder, env=env, capture_output=True, check=False, stdin=subprocess.DEVNULL, timeout=60
    )
