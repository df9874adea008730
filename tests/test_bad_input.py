"""Each kind of bad input gives a clear message with the next command to type, the right exit code, and loses nothing.

One section per line of what is promised; every test looks at the fork's bytes before and after.
"""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sdists
from sdists import Index, embedded, follow_sdists, sdist
from world import BIN, SYMLINK, Fork, Local, Ran, Upstream, assert_message, fork_of, git, run, snapshot

CLOSED = "http://127.0.0.1:9/x.git"  # the discard port: nobody listens there
VERBS = [["sync", "--upto", "v1.1"], ["plan", "--upto", "v1.1"], ["log"], ["lint"], ["status"], ["diff"]]
DRIVER = Path(__file__).with_name("dying.py")


def refused(fork: Fork, words: list[str], code: int, *parts: str) -> Ran:
    """Run a verb that must be refused, and hold it to its message and to changing nothing."""
    before = fork.state()
    ran = fork.run(*words)
    assert_message(ran, code, *parts)
    assert fork.state() == before
    return ran


def change_source(fork: Fork, location: str) -> None:
    """Let fork.toml name another git source."""
    toml = fork.root / "fork.toml"
    toml.write_text(toml.read_text().replace("../upstream.git", location))


def rewrite(fork: Fork, name: str, change: Callable[[bytes], bytes]) -> None:
    """Change a patch file."""
    path = fork.root / "patches" / name
    path.write_bytes(change(path.read_bytes()))


# unknown or ambiguous sha -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", ["plan", "sync"])
@pytest.mark.parametrize("typed", ["1234567", "0" * 40, "v9.9", "some-package==1.0"])
def test_an_unknown_sha(fork_in_step: Fork, verb: str, typed: str) -> None:
    """A sha, tag or snapshot that no source has ends with 2 and the ways to name a commit."""
    ran = refused(fork_in_step, [verb, "--upto", typed], 2, f"{verb}: {typed}: no source has it", "a full or short sha")
    assert "forkkeeper upstream refresh" in ran.err


def test_an_unknown_sha_in_from(fork_in_step: Fork) -> None:
    """--from is looked up as --upto is."""
    refused(fork_in_step, ["plan", "--from", "v9.9", "--upto", "v1.1"], 2, "plan: v9.9: no source has it")


@pytest.mark.parametrize("typed", ["", "-x", "a b", "../up", "HEAD~1", "v1.0^{tree}", "--help=1", "x.lock"])
@pytest.mark.attack
def test_what_names_no_commit(fork_in_step: Fork, typed: str) -> None:
    """Text that is no name of a commit, options of git among it, is refused before git sees it."""
    refused(fork_in_step, ["sync", f"--upto={typed}"], 2, "is not something that names an upstream commit")


def test_an_unknown_sha_near_known_snapshots(fork_in_step: Fork) -> None:
    """A date or a numbered tag that no snapshot has is answered with the nearest older and newer one."""
    follow_sdists(fork_in_step, {"1.0": "a" * 40, "1.2": "b" * 40})
    table = fork_in_step.root / ".forkkeeper/snapshots.csv"
    table.write_text(
        table.read_text()
        .replace(f"{'a' * 40},,,,", f"{'a' * 40},2025-01-01,b100,,100")
        .replace(f"{'b' * 40},,,,", f"{'b' * 40},2025-03-01,b300,,300")
    )
    older, newer = f"the nearest older: small-package==1.0 = {'a' * 12}", f"newer: small-package==1.2 = {'b' * 12}"
    for typed in ("2025-02-01", "b200"):
        refused(fork_in_step, ["plan", "--upto", typed], 2, f"plan: {typed}: no source has it", older, newer)


def test_an_ambiguous_sha(fork_in_step: Fork) -> None:
    """A short sha of several commits ends with 2 and tells them apart; more digits are enough."""
    bare = fork_in_step.upstream.path
    prefix, tree = fork_in_step.target[:4], fork_in_step.upstream.tree("v1.0")
    who = "A <a@example.invalid> 1750000000 +0000"
    head = f"tree {tree}\nauthor {who}\ncommitter {who}\n"
    texts = (f"{head}\nnumber {number}\n".encode() for number in range(10**7))
    twin = next(t for t in texts if hashlib.sha1(b"commit %d\0" % len(t) + t).hexdigest().startswith(prefix))  # noqa: S324
    other = git(bare, "hash-object", "-t", "commit", "-w", "--stdin", stdin=twin)
    ran = refused(fork_in_step, ["sync", "--upto", prefix], 2, f"sync: {prefix}: names 2 commits", "more digits")
    assert fork_in_step.target in ran.err
    assert other in ran.err
    assert "v1.1" in ran.err
    fork_in_step.ok("plan", "--upto", fork_in_step.target[:12])


# sha older than the pin ---------------------------------------------------------------------------------------------


def test_a_sha_older_than_the_pin(fork_in_step: Fork) -> None:
    """`sync` refuses to go back and says how it is meant; `plan` answers; --downgrade goes."""
    older = git(fork_in_step.upstream.path, "rev-parse", "v0.9")
    refused(fork_in_step, ["sync", "--upto", older], 2, f"sync: {older}:", "is older than the pin", "add --downgrade")
    fork_in_step.ok("plan", "--upto", "v0.9")
    fork_in_step.ok("sync", "--upto", "v0.9", "--downgrade")
    fork_in_step.ok("status")


# no network ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("typed", ["v1.1", "1234567", "0" * 40])
def test_no_network(fork_in_step: Fork, typed: str) -> None:
    """A host that does not answer ends with 3: which host, why, and what to type; a held commit needs no host."""
    fork_in_step.ok("plan", "--upto", "v1.1")
    change_source(fork_in_step, CLOSED)
    parts = (f"sync: {typed}: no source that could be asked has it", f"{CLOSED}: Connection refused")
    refused(fork_in_step, ["sync", "--upto", typed], 3, *parts)


def test_no_network_is_not_asked_for_what_is_held(fork_in_step: Fork) -> None:
    """What was fetched once serves when the host is gone."""
    change_source(fork_in_step, f"file://{fork_in_step.upstream.path}")
    fork_in_step.ok("plan", "--upto", "v1.1")
    fork_in_step.upstream.path.rename(fork_in_step.upstream.path.with_name("gone.git"))
    fork_in_step.ok("sync", "--upto", "v1.1")


def test_a_source_that_is_not_there(fork_in_step: Fork) -> None:
    """A local path in fork.toml that does not exist is a wrong declaration, and named."""
    change_source(fork_in_step, "../nowhere.git")
    refused(fork_in_step, ["sync", "--upto", "v1.1"], 2, "../nowhere.git: there is no such path")


@pytest.mark.attack
def test_a_host_is_never_asked_for_a_password(fork_in_step: Fork) -> None:
    """Credentials of an address stand in no message."""
    change_source(fork_in_step, CLOSED.replace("//", "//me:s3cret@"))
    ran = refused(fork_in_step, ["sync", "--upto", "v1.1"], 3, "Connection refused")
    assert "s3cret" not in ran.said


# sdists: truncated, tampered, not what they should be ---------------------------------------------------------------


@pytest.fixture
def index(monkeypatch: pytest.MonkeyPatch) -> Iterator[Index]:
    """Give an index on this machine that pip's settings point at."""
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with sdists.serving() as served:
        monkeypatch.setenv("PIP_INDEX_URL", served.url)
        yield served


def offered(fork: Fork, index: Index, place: Path) -> None:
    """Offer pin and target as sdists, and let the fork know no other source."""
    for version, sha in {"1.0": fork.pin, "1.1": fork.target}.items():
        index.offer(version, sdist(embedded(fork.upstream, sha, place / version), version))
    follow_sdists(fork, {"1.0": fork.pin, "1.1": fork.target})


def test_sdists_give_the_same_fork_as_git(fork_behind: Fork, index: Index, tmp_path: Path) -> None:
    """By sdist alone a sync gives the same bytes of patches and lock as from the repository; no build code runs."""
    plan = fork_behind.ok("plan", "--upto", "v1.1", "--json", "-").out
    git_source = shutil.copytree(fork_behind.root.parent, tmp_path / "git source")
    from_git = Fork(git_source / "fork", fork_behind.upstream, fork_behind.pin, fork_behind.target)
    from_git.ok("sync", "--upto", "v1.1")
    (tmp_path / "sdists").mkdir()
    offered(fork_behind, index, tmp_path / "sdists")
    assert fork_behind.ok("plan", "--upto", "small-package==1.1", "--json", "-").out == plan
    assert sum("/files/" in path for path in index.asked) == 2
    fork_behind.ok("sync", "--upto", fork_behind.target[:10], "--offline")
    assert fork_behind.mails() == from_git.mails()
    trees, theirs = (tomllib.loads((f.root / "fork.lock").read_text())["trees"] for f in (fork_behind, from_git))
    assert trees == theirs
    assert not Path("/the build code ran").exists()
    assert not (fork_behind.root / ".forkkeeper/downloads").exists()


def test_offline_forbids_the_download(fork_behind: Fork, index: Index, tmp_path: Path) -> None:
    """With --offline no index is asked, and the message says what holds the commit."""
    offered(fork_behind, index, tmp_path)
    words = ["sync", "--upto", fork_behind.target, "--offline"]
    refused(fork_behind, words, 3, "small-package==1.1 holds it, and --offline forbids the download")
    assert index.asked == []


def test_a_truncated_sdist(fork_behind: Fork, index: Index, tmp_path: Path) -> None:
    """A download that breaks off twice ends with 3 and how much came; afterwards the same command works."""
    offered(fork_behind, index, tmp_path)
    offer = index.offers[sdists.name_of("1.1")]
    offer.sent -= 100
    words = ["sync", "--upto", fork_behind.target]
    refused(fork_behind, words, 3, "small-package==1.1", "broke off twice", "run it again when the network is back")
    offer.sent += 100
    fork_behind.ok(*words)


def test_a_truncated_sdist_with_a_matching_hash(fork_behind: Fork, index: Index, tmp_path: Path) -> None:
    """An archive that was damaged before it was published is no whole archive, and nothing of it is kept."""
    offered(fork_behind, index, tmp_path)
    data = index.offers[sdists.name_of("1.1")].data
    index.offer("1.1", data[: len(data) // 2])
    refused(fork_behind, ["sync", "--upto", fork_behind.target], 3, "not a whole .tar.gz")
    assert not (fork_behind.root / ".forkkeeper/downloads").exists()


@pytest.mark.attack
def test_a_tampered_sdist(fork_behind: Fork, index: Index, tmp_path: Path) -> None:
    """Bytes that the index did not promise are refused with both hashes."""
    offered(fork_behind, index, tmp_path)
    offer = index.offers[sdists.name_of("1.1")]
    promised = offer.sha256
    index.offer("1.1", offer.data[:-1] + bytes([offer.data[-1] ^ 1])).sha256 = promised
    refused(fork_behind, ["sync", "--upto", fork_behind.target], 3, "is not what the index promises", promised)


@pytest.mark.attack
def test_an_sdist_with_another_commit(fork_behind: Fork, index: Index, tmp_path: Path) -> None:
    """An sdist that holds another commit than the table says does not verify."""
    offered(fork_behind, index, tmp_path)
    index.offer("1.1", sdist(embedded(fork_behind.upstream, fork_behind.pin, tmp_path / "wrong"), "1.1"))
    found = f"holds commit {fork_behind.pin} where {fork_behind.target} was due"
    refused(fork_behind, ["sync", "--upto", fork_behind.target], 3, "small-package==1.1", found)


@pytest.mark.attack
def test_a_commit_id_that_does_not_verify(fork_behind: Fork, index: Index, tmp_path: Path) -> None:
    """An sdist that gives other bytes under the right commit id is found out by hashing them."""
    offered(fork_behind, index, tmp_path)
    repository = embedded(fork_behind.upstream, fork_behind.target, tmp_path / "forged")
    sdists.damage_object(repository, fork_behind.target)
    index.offer("1.1", sdist(repository, "1.1"))
    words = ["sync", "--upto", fork_behind.target]
    refused(fork_behind, words, 3, f"its commit {fork_behind.target} does not verify")
    index.offer("1.1", sdist(embedded(fork_behind.upstream, fork_behind.target, tmp_path / "true"), "1.1"))
    fork_behind.ok(*words)


# patches that are none, or reach outside ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda d: d[d.index(b"diff --git") :], "it has no mail headers"),
        (lambda d: d[: d.index(b"diff --git")], "it holds no `diff --git` line"),
        (lambda d: d.replace(b"From: ", b"By: "), "it has no `From:` header"),
        (lambda d: d[: d.rindex(b"\n ") + 1], "its header promises"),
        (lambda d: d.replace(b"src/main.c", b"../main.c"), "leaves the tree (`..`)"),
        (lambda d: d.replace(b"src/main.c", b".git/config"), "goes into `.git`"),
        (lambda d: d.replace(b"src/main.c", b"src/.GIT/hooks/x"), "goes into `.git`"),
        (lambda d: d.replace(b"a/src/main.c", b"a//etc/passwd").replace(b"b/src/main.c", b"b//etc/passwd"), "absolute"),
    ],
    ids=["bare diff", "no diff", "no author", "cut short", "dot-dot", "git folder", "GIT folder", "absolute path"],
)
@pytest.mark.attack
def test_a_patch_that_is_not_mail_or_reaches_outside(
    fork_in_step: Fork, change: Callable[[bytes], bytes], found: str
) -> None:
    """Not mail format, cut short, or with a path outside the tree: every verb ends with 2 and names the file."""
    rewrite(fork_in_step, "greeting.patch", change)
    for verb in VERBS:
        refused(fork_in_step, verb, 2, "patches/greeting.patch", found, "git format-patch")


@pytest.mark.attack
def test_a_patch_that_goes_through_a_symlink(upstream_repo: Upstream, tmp_path: Path) -> None:
    """A link of upstream's in the way of a patch is a clash, never followed: neither at the pin nor at the target."""
    pin = upstream_repo.commit({"lib/a.txt": "a\n", "b.txt": "b\n"})
    target = upstream_repo.commit({"lib/a.txt": None, "lib": str(tmp_path)}, modes={"lib": SYMLINK})
    local = Local("mine", {"lib/new.txt": "mine\n"})
    fork = fork_of(upstream_repo.path.parent, upstream_repo, pin, target, [local], {})
    why = "lib/new.txt goes through the symbolic link lib"
    refused(
        fork, ["sync", "--upto", target], 1, "clashed: mine in lib/new.txt", "Nothing was saved", "symbolic link lib"
    )
    (row,) = json.loads(fork.run("plan", "--upto", target, "--json", "-").out)["patches"]
    assert (row["outcome"], row["why"]) == ("clashed", why)
    (row,) = json.loads(fork.run("plan", "--from", target, "--upto", pin, "--json", "-").out)["patches"]
    assert row["outcome"] == "clashed"
    assert why in row["why"]


@pytest.mark.attack
def test_a_patch_that_makes_the_symlink_it_goes_through(upstream_repo: Upstream, tmp_path: Path) -> None:
    """A patch cannot lay a link and write through it: it does not apply, and nothing outside is touched."""
    outside = tmp_path / "outside"
    outside.mkdir()
    pin = upstream_repo.commit({"b.txt": "b\n"})
    fork = fork_of(upstream_repo.path.parent, upstream_repo, pin, pin, [Local("mine", {"c.txt": "c\n"})], {})
    target = str(outside).encode()
    link = b"diff --git a/x b/x\nnew file mode 120000\n--- /dev/null\n+++ b/x\n@@ -0,0 +1 @@\n+" + target
    link += b"\n\\ No newline at end of file\n"
    through = b"diff --git a/x/evil b/x/evil\nnew file mode 100644\n--- /dev/null\n+++ b/x/evil\n@@ -0,0 +1 @@\n+evil\n"
    rewrite(fork, "mine.patch", lambda data: data[: data.index(b"diff --git")] + link + through)
    refused(fork, ["log"], 1, "log: patches/mine.patch: does not apply")
    assert list(outside.iterdir()) == []


# a patch with no reason ---------------------------------------------------------------------------------------------


def without_reason(data: bytes) -> bytes:
    """Take the reason out of a patch, and leave its trailers."""
    return data.replace(b"Small reads are slow on the fork's machines.\n\n", b"")


def test_a_patch_with_no_reason(fork_behind: Fork) -> None:
    """sync, log and lint refuse it with 2 and say what to add; the queue is otherwise in step."""
    rewrite(fork_behind, "buffer-size.patch", without_reason)
    lock = fork_behind.root / "fork.lock"
    locked = tomllib.loads(lock.read_text())["digests"]["queue"]
    total = hashlib.sha256((fork_behind.root / "patches/series").read_bytes())
    for name, data in zip(fork_behind.names(), fork_behind.mails(), strict=True):
        total.update(f"\0{name}\0{len(data)}\0".encode() + data)
    lock.write_text(lock.read_text().replace(locked, f"sha256:{total.hexdigest()}"))
    for verb in (["sync", "--upto", "v1.1"], ["log"], ["log", "--check"]):
        refused(fork_behind, verb, 2, "patches/buffer-size.patch: it gives no reason", "mend the patch's body")
    refused(fork_behind, ["lint"], 2, "patches/buffer-size.patch:4: it gives no reason", "mend the patch's body")


def test_a_patch_with_no_reason_is_planned_with_a_warning(fork_behind: Fork) -> None:
    """Only `plan` takes it, and warns."""
    rewrite(fork_behind, "buffer-size.patch", without_reason)
    ran = fork_behind.ok("plan", "--upto", "v1.1")
    assert "warning: plan: patches/buffer-size.patch: it gives no reason" in ran.out


# the series ---------------------------------------------------------------------------------------------------------


def test_a_series_that_names_a_missing_file(fork_in_step: Fork) -> None:
    """The line and the files that are not listed are named."""
    (fork_in_step.root / "patches/greeting.patch").rename(fork_in_step.root / "patches/greetings.patch")
    found = (
        "patches/series: lists greeting.patch, and there is no such .patch or .diff file (unlisted: greetings.patch)"
    )
    for verb in VERBS:
        refused(fork_in_step, verb, 2, found, "take the line out of patches/series")


def test_a_patch_file_not_in_the_series(fork_in_step: Fork) -> None:
    """A patch that would silently not be applied is an error."""
    shutil.copy(fork_in_step.root / "patches/greeting.patch", fork_in_step.root / "patches/other.patch")
    for verb in VERBS:
        refused(
            fork_in_step, verb, 2, "patches/other.patch: is not listed in patches/series", "add the line `other.patch`"
        )


@pytest.mark.parametrize("again", ["greeting.patch", "Greeting.patch"])
def test_duplicate_names(fork_in_step: Fork, again: str) -> None:
    """A name listed twice is refused with its line; names that differ in case are one file on other systems."""
    with (fork_in_step.root / "patches/series").open("a") as series:
        series.write(f"{again}\n")
    for verb in VERBS:
        refused(
            fork_in_step, verb, 2, f"patches/series: line 5: {again} is listed twice", "remove one of the two lines"
        )


def test_a_missing_series(fork_in_step: Fork) -> None:
    """A queue's folder without its series is no empty queue."""
    (fork_in_step.root / "patches/series").unlink()
    refused(fork_in_step, ["sync", "--upto", "v1.1"], 2, "patches/series: is missing", "git restore patches")


# fork.toml ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "found", "hint"),
    [
        ("[upstream]\nnam = 1\n", "unknown field `upstream.nam`", "did you mean `name`?"),
        ("[materialise]\nstrategi = 1\n", "unknown field `materialise.strategi`", "did you mean `strategy`?"),
        ("zzzzqq = 1\n", "unknown field `zzzzqq`", "known fields: "),
    ],
)
def test_an_unknown_field_in_fork_toml(fork_in_step: Fork, line: str, found: str, hint: str) -> None:
    """An unknown field is an error with its place and the nearest known name."""
    toml = fork_in_step.root / "fork.toml"
    text = toml.read_text()
    table, _, rest = line.rpartition("]\n")
    changed = text.replace(f"{table}]\n", f"{table}]\n{rest}") if table else line + text
    toml.write_text(changed)
    for verb in VERBS:
        refused(fork_in_step, verb, 2, f"read: fork.toml: {found}", hint)


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda text: text + "[[", "not valid TOML"),
        (lambda text: text.replace("schema = 1", "schema = 9"), "schema is 9; this forkkeeper reads 1"),
        (lambda text: text.replace('name = "fork"', "name = 1"), "name: Expected `str`, got `int`"),
        (lambda text: text.replace('kind = "git"', 'kind = "got"'), "got"),
        (lambda text: text + '[[path]]\nrule = "drop"\npattern = "x"\nwhy = "y"\n', "drop"),
        (lambda text: text + '[[path]]\nrule = "exclude"\npattern = "!x"\nwhy = "y"\n', "selects nothing"),
    ],
)
def test_a_wrong_fork_toml(fork_in_step: Fork, change: Callable[[str], str], found: str) -> None:
    """Damage, an unknown schema and wrong values are said with the field."""
    toml = fork_in_step.root / "fork.toml"
    toml.write_text(change(toml.read_text()))
    refused(fork_in_step, ["sync", "--upto", "v1.1"], 2, "read: fork.toml:", found)


@pytest.mark.parametrize(
    ("table", "parts"),
    [
        ('[variant.cpu]\ntargets = ["all"]\n', ["variant.cpu", "device"]),
        ('[variant.cpu]\ndevice = "CPU"\ntargets = []\ncmake = ["-DX={pni}"]\n', ["{pni}"]),
        ('[[path]]\nrule = "exlude"\npattern = "x"\nwhy = "y"\n', ["is 'exlude'", "exclude, include"]),
    ],
)
def test_a_wrong_value_in_fork_toml(fork_in_step: Fork, table: str, parts: list[str]) -> None:
    """A table that lacks a field, an unknown placeholder or word is named, with what is known."""
    file = fork_in_step.root / "fork.toml"
    file.write_text(file.read_text() + "\n" + table)
    refused(fork_in_step, ["lint"], 2, *parts)


def test_a_folder_without_a_fork(tmp_path: Path) -> None:
    """Every verb says that there is no fork here, and how to begin one."""
    for words in (*VERBS, ["materialise", "x"], ["upstream", "refresh"]):
        assert_message(run(tmp_path, *words), 2, "fork.toml: is neither here nor in a folder above", "forkkeeper init")


# the lock -----------------------------------------------------------------------------------------------------------


def test_a_lock_that_does_not_match(fork_behind: Fork) -> None:
    """Committed files that the lock does not match are refused with what differs, and `log` mends it."""
    (fork_behind.root / "native/overlay/native/extra.c").write_text("int other;\n")
    fork_behind.commit_all()
    words = ["sync", "--upto", "v1.1"]
    refused(fork_behind, words, 2, "sync: fork.lock: does not match native/overlay/", "`forkkeeper log` brings")
    fork_behind.ok("log")
    fork_behind.ok(*words)


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda text: text.replace("[trees]", "[tres]"), "damaged"),
        (lambda text: text.replace("schema = 1", "schema = 2"), "schema is 2; this forkkeeper reads 1"),
        (lambda text: text[: len(text) // 2], "damaged"),
    ],
)
def test_a_damaged_lock(fork_behind: Fork, change: Callable[[str], str], found: str) -> None:
    """A lock that cannot be read is said to be damaged, and how to get it back."""
    lock = fork_behind.root / "fork.lock"
    lock.write_text(change(lock.read_text()))
    refused(fork_behind, ["sync", "--upto", "v1.1"], 2, "read: fork.lock:", found)


def test_a_lock_with_another_tree(fork_behind: Fork) -> None:
    """A lock whose digests match and whose tree does not is found out by composing, before anything is saved."""
    lock = fork_behind.root / "fork.lock"
    tree = tomllib.loads(lock.read_text())["trees"]["composed"]
    lock.write_text(lock.read_text().replace(tree, "1" * 40))
    refused(fork_behind, ["sync", "--upto", "v1.1"], 2, "sync: fork.lock: says the fork is tree 1111", tree)


def test_a_missing_lock(fork_behind: Fork) -> None:
    """Without a lock nobody knows the pin: it must be restored, and `sync` says so."""
    (fork_behind.root / "fork.lock").unlink()
    refused(fork_behind, ["sync", "--upto", "v1.1"], 2, "sync: fork.lock: is missing", "git restore fork.lock")
    refused(fork_behind, ["log"], 2, "log: fork.lock: is missing", "git restore fork.lock")


# an overlay path that upstream now has ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("native/extra.c", "upstream has this path"),
        ("native/extra.c/more.c", "upstream has a folder of this name"),
        ("native", "upstream has a file native"),
    ],
)
def test_an_overlay_path_that_upstream_now_has(fork_behind: Fork, path: str, found: str) -> None:
    """The file, and a folder or file in its place, are named by plan and sync, and nothing is saved."""
    target = fork_behind.upstream.commit({path: "upstream's\n"})
    parts = ("overlay: native/extra.c: ", found, "Nothing was saved", "rename or remove the overlay file")
    refused(fork_behind, ["sync", "--upto", target, "--accept-reviewed"], 1, *parts)
    ran = fork_behind.run("plan", "--upto", target, "--json", "-")
    assert (ran.code, json.loads(ran.out)["tree"]) == (1, None)


@pytest.mark.attack
def test_an_overlay_path_that_goes_into_git(fork_behind: Fork) -> None:
    """An overlay file below a `.git` folder is refused before anything is composed."""
    file = fork_behind.root / "native/overlay/.git/config"
    file.parent.mkdir()
    file.write_text("[core]\n")
    refused(fork_behind, ["sync", "--upto", "v1.1"], 2, "native/overlay/.git/config: path goes into `.git`")


# files edited since the lock and not committed ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", ["native/overlay/native/extra.c", "history.toml", "CHANGES-LOCAL.md", "patches/series"]
)
def test_files_edited_and_not_committed(fork_behind: Fork, path: str) -> None:
    """An edit that the lock does not know is named with both ways out: restore it, or take it as meant."""
    with (fork_behind.root / path).open("a") as file:
        file.write("# mine\n")
    parts = ("edited since fork.lock was written, and not committed", path, "`git restore`", "`forkkeeper log`")
    refused(fork_behind, ["sync", "--upto", "v1.1"], 2, *parts)


def test_files_that_match_the_lock_are_not_dirty(fork_behind: Fork) -> None:
    """After `log`, an uncommitted edit is the fork's state; and another file of the repository never matters."""
    (fork_behind.root / "native/overlay/native/extra.c").write_text("int mine;\n")
    fork_behind.ok("log")
    (fork_behind.root / "unrelated.txt").write_text("x\n")
    assert git(fork_behind.root, "status", "--porcelain")
    fork_behind.ok("sync", "--upto", "v1.1")
    assert (fork_behind.root / "native/overlay/native/extra.c").read_text() == "int mine;\n"


# two at once, and interruption --------------------------------------------------------------------------------------


def heeding() -> None:
    """Heed Ctrl-C, also where the tests run in the background: a shell makes its background jobs ignore it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def blocked(fork: Fork, *words: str) -> tuple[subprocess.Popen[bytes], int]:
    """Start a verb that stops in the middle: its series is a pipe into which nobody writes."""
    series = fork.root / "patches/series"
    series.unlink()
    os.mkfifo(series)
    argv = [str(BIN / "forkkeeper"), *words]
    process = subprocess.Popen(argv, cwd=fork.root, stderr=subprocess.PIPE, preexec_fn=heeding)  # noqa: PLW1509
    return process, os.open(series, os.O_WRONLY)  # opens when the verb has begun to read


def test_two_syncs_at_once(fork_behind: Fork) -> None:
    """The second is refused with 2 and told who is at work; a dead owner blocks nobody."""
    series = (fork_behind.root / "patches/series").read_bytes()
    first, pipe = blocked(fork_behind, "sync", "--upto", "v1.1")
    with first:
        for words in (["sync", "--upto", "v1.1"], ["log"]):
            ran = fork_behind.run(*words)
            assert_message(ran, 2, "another forkkeeper is at work on it: sync, process", str(first.pid), "wait until")
        first.kill()
        first.wait()
        os.close(pipe)
        (fork_behind.root / "patches/series").unlink()
        (fork_behind.root / "patches/series").write_bytes(series)
        fork_behind.ok("sync", "--upto", "v1.1")


def test_interrupted_by_the_person(fork_behind: Fork) -> None:
    """Ctrl-C ends with 130 and a sentence, without a trace, and nothing was saved."""
    before = {name: data for name, data in fork_behind.state().items() if name != "patches/series"}
    process, pipe = blocked(fork_behind, "sync", "--upto", "v1.1")
    with process:
        process.send_signal(signal.SIGINT)
        try:
            _, err = process.communicate(timeout=60)
        finally:
            process.kill()
        os.close(pipe)
    assert process.returncode == 130, err
    assert err.decode() == "interrupted: the next command finishes or undoes what was begun\n"
    (fork_behind.root / "patches/series").unlink()
    assert fork_behind.state() == before


def died_everywhere(fork: Fork, stage: str, *words: str) -> list[Fork]:
    """Let a verb (none: a sync) die at each moment of its save, each time in another copy of the fork."""
    argv = [sys.executable, str(DRIVER), str(fork.root), stage, *(words or ["sync", "--upto", "v1.1"])]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    copies = sorted(fork.root.parent.glob(f"{fork.root.name}-*"), key=lambda path: int(path.name.split("-")[-1]))
    return [Fork(copy, fork.upstream, fork.pin, fork.target) for copy in copies]


@pytest.mark.parametrize("stage", ["save", "recover"])
def test_interrupted_at_any_moment(fork_behind: Fork, stage: str) -> None:
    """Whenever a save or its finishing dies, the next command leaves exactly the old or the new state, then works."""
    old = fork_behind.state()
    copies = died_everywhere(fork_behind, stage)
    fork_behind.ok("sync", "--upto", "v1.1")
    new = fork_behind.state()
    stands = []
    for fork in copies:
        ran = fork.ok("status")
        assert "in step: queue, overlay, log and lock agree" in ran.out
        state = fork.state()
        assert state in (old, new), fork.root
        stands.append(state == new)
        assert not (fork.root / ".forkkeeper/journal").exists()
        assert recorded(fork) == (["000001", "000002", "000003"] if state == new else ["000001", "000002"])
    assert stands == sorted(stands)
    assert stands[-1]
    assert (stage == "recover") == all(stands)
    assert len(stands) > (12 if stage == "save" else 4)
    copies[-1].ok("undo")
    assert copies[-1].state() == old
    copies[0].ok("undo" if stands[0] else "status")
    copies[0].ok("sync", "--upto", "v1.1")
    assert copies[0].state() == new


def recorded(fork: Fork) -> list[str]:
    """Give the names of the operation records."""
    return sorted(path.name for path in (fork.root / ".forkkeeper/operations").iterdir())


@pytest.mark.parametrize("stage", ["save", "recover"])
def test_an_undo_interrupted_at_any_moment(fork_behind: Fork, stage: str) -> None:
    """Whenever an undo dies the next command leaves exactly the state before or after it, with one record or none."""
    old = fork_behind.state()
    fork_behind.ok("sync", "--upto", "v1.1")
    new = fork_behind.state()
    copies = died_everywhere(fork_behind, stage, "undo")
    stands = []
    for fork in copies:
        fork.ok("status")
        stands.append(fork.state() == old)
        assert fork.state() in (old, new)
        assert len(recorded(fork)) == (4 if stands[-1] else 3)
        fork.ok("redo" if stands[-1] else "undo")
        assert fork.state() == (new if stands[-1] else old)
    assert stands == sorted(stands)
    assert stands[-1]


def test_an_undo_that_died_is_not_done_twice(fork_behind: Fork) -> None:
    """Typed again it is finished, and that is all; an undo after a sync that died takes back that sync."""
    old = fork_behind.state()
    (died,) = died_everywhere(fork_behind, "declared")
    assert "undone: 3, sync --upto v1.1" in died.ok("undo").out
    assert died.state() == old
    fork_behind.ok("sync", "--upto", "v1.1")
    shutil.rmtree(died.root)
    (died,) = died_everywhere(fork_behind, "declared", "undo")
    ran = died.ok("undo")
    assert "an interrupted save was finished" in ran.out
    assert "undone: 3, sync --upto v1.1" in ran.out
    assert died.state() == old
    assert recorded(died) == ["000001", "000002", "000003", "000004"]


def test_an_interrupted_save_after_which_a_file_was_edited(fork_behind: Fork) -> None:
    """Finishing would lose the edit: every verb refuses and says how to keep it; then the save is finished."""
    (fork,) = died_everywhere(fork_behind, "declared")
    fork_behind.ok("sync", "--upto", "v1.1")
    new = fork_behind.state()
    log = fork.root / "CHANGES-LOCAL.md"
    log.write_text("mine\n")
    for words in VERBS:
        refused(fork, words, 2, "recover: CHANGES-LOCAL.md: was edited after a save", "move CHANGES-LOCAL.md away")
    log.rename(fork.root.parent / "kept.md")
    assert "an interrupted save was finished" in fork.ok("status").out
    assert fork.state() == new
    assert (fork.root.parent / "kept.md").read_text() == "mine\n"


def test_an_edit_after_a_save_that_was_all_but_over(fork_behind: Fork) -> None:
    """When only the record was left to put away, later edits are plain edits, and it is there once."""
    (fork,) = died_everywhere(fork_behind, "placed")
    assert recorded(fork) == ["000001", "000002"]
    extra = fork.root / "native/overlay/native/extra.c"
    extra.write_text("/* mine */\n")
    assert_message(fork.run("status"), 1, "native/overlay/ differs from fork.lock")
    fork.ok("log")
    assert extra.read_text() == "/* mine */\n"
    assert recorded(fork) == ["000001", "000002", "000003", "000004"]


def test_an_interrupted_init(fork_in_step: Fork, tmp_path: Path) -> None:
    """A beginning that died is finished by the next command, or begun anew."""
    place = tmp_path / "new"
    place.mkdir()
    upstream = str(fork_in_step.upstream.path)
    words = ["init", "--upstream", upstream, "--pin", "v1.0"]
    argv = [sys.executable, str(DRIVER), str(place), "save", *words]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    copies = sorted(tmp_path.glob("new-*"))
    assert len(copies) > 10
    for copy in copies:
        ran = run(copy, *words)
        assert ran.code == 0 or "it is here now" in ran.err or "is here already" in ran.err, ran.said
        assert run(copy, "status").code == 0
        assert len(list((copy / ".forkkeeper/operations").iterdir())) == 1


def test_a_refused_command_leaves_no_trace(fork_with_clash: Fork) -> None:
    """After refusals of every kind the fork's folder is the same to the last time stamp, but for the lock file."""
    fork_with_clash.run("sync", "--upto", "v1.1")
    before = snapshot(fork_with_clash.root)
    for words in (
        ["sync", "--upto", "v1.1"],
        ["sync", "--upto", "v9"],
        ["plan", "--upto", "v9"],
        ["diff", "--patch", "x"],
    ):
        assert fork_with_clash.run(*words).code in (1, 2)
    after = snapshot(fork_with_clash.root)
    own = str(fork_with_clash.root / ".forkkeeper")
    assert {k: v for k, v in after.items() if not k.startswith(own)} == {
        k: v for k, v in before.items() if not k.startswith(own)
    }
    assert after.keys() == before.keys()
