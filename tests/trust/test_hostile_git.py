"""A repository of upstream's that is read in place, or imported from: nothing in it is run, nothing of it is believed.

Each attack first runs its canary in our own verbs, with our protections off: so it is a real one.
"""

import contextlib
import hashlib
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hostile import Canary, unharmed
from small import LOAD
from world import Fork, copied, environment, git, git_bytes

from forkkeeper.shell.git import door, view

pytestmark = pytest.mark.attack
PICK = ["pick", "v1.3"]  # it does not fit: so what it stands on is looked for
UNHELD = ["plan", "--upto", "1" * 40]
VERBS = (
    ["status"],
    ["plan", "--upto", "v1.2"],
    UNHELD,
    ["triage"],
    ["explain", "src/main.c"],
    PICK,
    ["sync", "--upto", "v1.2"],
)


@dataclass(frozen=True)
class Attack:
    """What a repository holds, and a path of v1.1 whose file it has lost. `{}` stands for the canary."""

    config: dict[str, str]
    files: dict[str, str] = field(default_factory=dict)
    lost: str = ""


PROMISOR = {
    "core.repositoryFormatVersion": "1",
    "extensions.partialClone": "evil",
    "remote.evil.promisor": "true",
}
ATTACKS = {  # each makes a verb run the canary where nothing protects it
    "signatures": Attack({"log.showSignature": "true", "gpg.program": "{}"}),
    "an include": Attack({"include.path": "more"}, {"more": "[log]\n\tshowSignature = true\n[gpg]\n\tprogram = {}\n"}),
    "textconv": Attack({"diff.evil.textconv": "{}"}, {"info/attributes": "* diff=evil\n"}),
    "a promisor's program": Attack(
        {**PROMISOR, "remote.evil.url": "ext::{}", "protocol.ext.allow": "always"}, lost="src/load.c"
    ),
    "a promisor's ssh": Attack(
        {**PROMISOR, "remote.evil.url": "ssh://nowhere.invalid/x", "core.sshCommand": "{}"}, lost="src/load.c"
    ),
}


def armed(fork: Fork, attack: Attack, canary: Canary) -> None:
    """Arm the upstream repository: a commit is signed, another needs an earlier one, and the attack is in place."""
    bare = fork.upstream.path
    head = git_bytes(bare, "cat-file", "commit", "refs/heads/main")
    signature = b"gpgsig -----BEGIN PGP SIGNATURE-----\n \n abc\n -----END PGP SIGNATURE-----\n"
    before, _, message = head.partition(b"\n\n")
    signed = git(
        bare, "hash-object", "-t", "commit", "-w", "--stdin", stdin=before + b"\n" + signature + b"\n" + message
    )
    for ref in ("refs/tags/v1.2", "refs/heads/main"):
        git(bare, "update-ref", ref, signed)
    fork.upstream.commit({"src/load.c": LOAD.replace("retries = 3", "retries = 7")}, tag="v1.3")
    if attack.lost:
        unpacked(bare)
        blob = git(bare, "rev-parse", f"refs/tags/v1.1:{attack.lost}")
        (bare / "objects" / blob[:2] / blob[2:]).unlink()
    run = str(canary.program)
    for name, text in attack.files.items():
        path = bare / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text.replace("{}", run))
        path.chmod(0o755)
    for key, value in attack.config.items():
        git(bare, "config", key, value.replace("{}", run))


@contextlib.contextmanager
def unprotected() -> Iterator[None]:
    """Let our verbs read a repository as plain git would: at itself, with its configuration, and nothing sealed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(view, "onto", lambda git_dir: {"GIT_DIR": str(git_dir)})
        for settings in (door.SEALED, door.SEALED_CONFIG):
            for key in list(settings):
                patch.delitem(settings, key)
        yield


@pytest.mark.parametrize("name", ATTACKS)
def test_a_program_that_upstream_s_repository_names(
    fork_behind: Fork, canary: Canary, name: str, tmp_path: Path
) -> None:
    """Attack: configuration or attributes of a repository read in place name a program; none is ever run."""
    armed(fork_behind, ATTACKS[name], canary)
    fallen = copied(fork_behind, tmp_path / "fallen")
    with unprotected():
        for words in VERBS:
            fallen.run(*words)
    assert canary.sang, "no verb falls for this without protection: the test proves nothing"
    canary.hush()
    with unharmed(fork_behind, canary):
        for words in VERBS:
            ran = fork_behind.run(*words)
            is_whole = not ATTACKS[name].lost and words not in (PICK, UNHELD)
            assert ran.code in ((0, 1) if is_whole else (0, 1, 2, 3)), ran.said
    assert fork_behind.run("status").code == 0


@pytest.mark.parametrize("name", ["signatures", "an include"])
def test_a_repository_that_patches_are_imported_from(
    fork_behind: Fork, canary: Canary, name: str, tmp_path: Path
) -> None:
    """Attack: the same programs in a repository from which patches are imported: none is run."""
    armed(fork_behind, ATTACKS[name], canary)
    words = ("patch", "import", "git", "../upstream.git", "v1.1..v1.2", "--why", "because")
    fallen = copied(fork_behind, tmp_path / "fallen")
    with unprotected():
        fallen.run(*words)
    assert canary.sang, "it does not fall for this without protection: the test proves nothing"
    canary.hush()
    with unharmed(fork_behind, canary):
        assert fork_behind.run(*words).code in (0, 1, 2)


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
    """Let the commit graph say that a commit has the tree of the oldest: so says its row, and its own hash.

    It is the newest but one: a commit that is asked for by its id is read itself.
    """
    unpacked(repository)
    git(repository, "commit-graph", "write", "--reachable")
    path = repository / "objects/info/commit-graph"
    data = path.read_bytes()[:-20]
    old, new = (bytes.fromhex(git(repository, "rev-parse", f"{rev}^{{tree}}")) for rev in ("v0.9", "v1.1~1"))
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
    bare = fork_behind.upstream.path
    asked = ("log", "--max-count=3", "--format=%T %P", "refs/tags/v1.1")
    true = plain(bare, *asked)
    lie(bare)
    assert plain(bare, *asked) != true, "plain git does not believe this: the test proves nothing"
    with unharmed(fork_behind, canary):
        assert fork_behind.ok("plan", "--upto", "v1.1", "--json", "-").out == honest
        assert fork_behind.ok("triage", "--json", "-").out == triaged


def plain(folder: Path, *argv: str) -> bytes:
    """Run git with none of our protections, and give what it writes."""
    env = {"PATH": environment()["PATH"], "HOME": "/nonexistent"}
    return subprocess.run(["git", *argv], cwd=folder, env=env, capture_output=True, check=False, timeout=60).stdout
