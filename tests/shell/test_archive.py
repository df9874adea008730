"""Sdists with a real embedded git repository, whole, damaged and hostile."""

import gzip
import io
import os
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from forkkeeper.errors import OutsideError
from forkkeeper.shell import archive

EMBEDDED = ".git/modules/vendor/upstream"
TOP = "package-1.0"
OID = "0123456789abcdef0123456789abcdef01234567"

Entry = tuple[str, bytes | tarfile.TarInfo]


def git(folder: Path, *argv: str) -> str:
    """Run git with nothing of this machine's configuration."""
    env = {"PATH": "/usr/bin:/bin:/usr/local/bin", "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1"}
    who = ("-c", "user.name=A", "-c", "user.email=a@example.invalid", "-c", "init.defaultBranch=main")
    done = subprocess.run(["git", *who, *argv], cwd=folder, env=env, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def upstream(tmp_path: Path) -> Path:
    """Make a repository with two commits, one packed and one loose."""
    folder = tmp_path / "upstream"
    folder.mkdir()
    git(folder, "init", "-q")
    (folder / "a.txt").write_text("one\n")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "one")
    git(folder, "gc", "-q")
    (folder / "b.txt").write_text("two\n")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "two")
    return folder


@pytest.fixture
def sdist(tmp_path: Path, upstream: Path) -> Path:
    """Pack the repository as an sdist would, with traps in its config, hooks and alternates."""
    embedded = upstream / ".git"
    (embedded / "config").write_text("[core]\n\tworktree = ../..\n[include]\n\tpath = /nowhere\n")
    (embedded / "objects/info/alternates").write_text("/nowhere/objects\n")
    (embedded / "hooks/post-checkout").write_text("#!/bin/sh\ntouch /nowhere\n")
    path = tmp_path / "package-1.0.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        tar.add(embedded, f"{TOP}/{EMBEDDED}")
        tar.addfile(*_file(f"{TOP}/vendor/upstream/a.txt", b"one\n"))
    return path


def _file(name: str, data: bytes) -> tuple[tarfile.TarInfo, io.BytesIO]:
    member = tarfile.TarInfo(name)
    member.size = len(data)
    return member, io.BytesIO(data)


def _odd(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, target
    return member


def _pack(path: Path, *entries: Entry) -> Path:
    """Write an sdist by hand: names below the embedded folder, or members as they are."""
    with tarfile.open(path, "w:gz") as tar:
        for name, content in entries:
            if isinstance(content, bytes):
                tar.addfile(*_file(f"{TOP}/{EMBEDDED}/{name}", content))
            else:
                tar.addfile(content)
    return path


def _files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_git_finds_every_object_of_upstream_in_what_was_extracted(sdist: Path, upstream: Path, tmp_path: Path) -> None:
    """The extracted repository is bare, passes git's own check, and holds both commits and their trees."""
    head = git(upstream, "--git-dir=.git", "rev-parse", "HEAD")
    repository = archive.extract_embedded(sdist, EMBEDDED, tmp_path / "new" / "snapshot.git")
    assert repository == tmp_path / "new" / "snapshot.git"
    assert git(repository, "rev-parse", "--is-bare-repository") == "true"
    git(repository, "fsck", "--full", "--strict", head)
    assert git(repository, "rev-list", "--count", head) == "2"
    assert git(repository, "show", f"{head}:b.txt") == "two"


@pytest.mark.attack
def test_nothing_but_objects_is_taken_over(sdist: Path, tmp_path: Path) -> None:
    """Config, hooks, refs, alternates, logs and caches of the sdist are left there; ours are plain."""
    repository = archive.extract_embedded(sdist, EMBEDDED, tmp_path / "snapshot.git")
    files = _files(repository)
    objects = {name for name in files if archive.OBJECTS.fullmatch(name)}
    assert files - objects == {"HEAD", "config"}
    assert "worktree" not in (repository / "config").read_text()
    assert {name.rpartition(".")[2] for name in objects if "/pack/" in name} == {"idx", "pack"}
    assert sorted(path.name for path in tmp_path.iterdir()) == [sdist.name, "snapshot.git", "upstream"]


def test_the_head_is_followed_to_its_commit(sdist: Path, upstream: Path) -> None:
    """A HEAD that names a branch is followed to that branch's commit."""
    assert archive.embedded_head(sdist, EMBEDDED) == git(upstream, "--git-dir=.git", "rev-parse", "HEAD")


def test_a_packed_branch_is_followed_too(tmp_path: Path) -> None:
    """A branch that is only in packed-refs is found; one of its own wins over it."""
    packed = f"# pack-refs with: peeled fully-peeled sorted \n{OID} refs/heads/main\n^{'1' * 40}\n".encode()
    head = b"ref: refs/heads/main\n"
    path = _pack(tmp_path / "a.tar.gz", ("HEAD", head), ("packed-refs", packed))
    assert archive.embedded_head(path, EMBEDDED) == OID
    own = ("refs/heads/main", b"2" * 40 + b"\n")
    path = _pack(tmp_path / "b.tar.gz", ("HEAD", head), ("packed-refs", packed), own)
    assert archive.embedded_head(path, EMBEDDED) == "2" * 40


def test_a_detached_head_needs_no_more_reading(tmp_path: Path) -> None:
    """A HEAD with an id is the answer, even where the archive is broken behind it."""
    path = _pack(tmp_path / "a.tar.gz", ("HEAD", OID.encode()), ("objects/x", bytes(10**6)))
    path.write_bytes(path.read_bytes()[:-300])
    assert archive.embedded_head(path, EMBEDDED) == OID


@pytest.mark.parametrize("head", [b"", b"nonsense", b"ref: refs/heads/gone", b"ref: HEAD", b"abc"])
def test_a_head_without_commit_is_said(tmp_path: Path, head: bytes) -> None:
    """An empty, unborn, circular or abbreviated HEAD is an error that names the folder."""
    path = _pack(tmp_path / "a.tar.gz", ("HEAD", head))
    with pytest.raises(OutsideError, match=f"HEAD of {EMBEDDED} names no commit"):
        archive.embedded_head(path, EMBEDDED)


def test_the_shallow_list_is_taken_over(tmp_path: Path) -> None:
    """Git needs to know where history ends, so the list of shallow commits comes along."""
    entries = (f"objects/01/{'2' * 38}", b"x"), ("shallow", f"{OID}\n{'3' * 40}\n".encode())
    repository = archive.extract_embedded(_pack(tmp_path / "a.tar.gz", *entries), EMBEDDED, tmp_path / "s.git")
    assert (repository / "shallow").read_text() == f"{OID}\n{'3' * 40}\n"


def test_a_repository_nested_in_the_embedded_one_is_left_out(tmp_path: Path) -> None:
    """Objects of upstream's own submodules belong to other repositories."""
    entries = (f"modules/sub/objects/01/{'4' * 38}", b"x"), (f"objects/01/{'2' * 38}", b"y")
    repository = archive.extract_embedded(_pack(tmp_path / "a.tar.gz", *entries), EMBEDDED, tmp_path / "s.git")
    assert _files(repository / "objects") == {f"01/{'2' * 38}"}


def test_reading_stops_behind_the_embedded_folder(sdist: Path, tmp_path: Path) -> None:
    """What follows the embedded folder is not even inflated: its loss goes unnoticed."""
    packed = gzip.decompress(sdist.read_bytes()).rstrip(b"\0")  # its end-of-archive blocks are zeros
    packed += bytes(-len(packed) % tarfile.BLOCKSIZE)
    member, data = _file(f"{TOP}/vendor/upstream/weights", os.urandom(10**6))
    long = gzip.compress(packed + member.tobuf() + data.getvalue())
    sdist.write_bytes(long[: -len(long) // 2])
    assert archive.extract_embedded(sdist, EMBEDDED, tmp_path / "s.git").is_dir()


def _cut(sdist: Path) -> Path:
    sdist.write_bytes(sdist.read_bytes()[: sdist.stat().st_size // 2])
    return sdist


def _plain_text(sdist: Path) -> Path:
    sdist.write_bytes(b"<html>log in first</html>")
    return sdist


def _gzip_of_text(sdist: Path) -> Path:
    sdist.write_bytes(gzip.compress(b"no tar at all" * 100))
    return sdist


def _scrambled(sdist: Path) -> Path:
    data = bytearray(sdist.read_bytes())
    data[60:600] = b"\xff" * 540
    sdist.write_bytes(data)
    return sdist


@pytest.mark.parametrize("damage", [_cut, _plain_text, _gzip_of_text, _scrambled])
def test_a_damaged_sdist_is_said_and_leaves_nothing(
    sdist: Path, tmp_path: Path, damage: Callable[[Path], Path]
) -> None:
    """A truncated or foreign file is named, with what to do; no half repository stays behind."""
    before = sorted(tmp_path.iterdir())
    with pytest.raises(OutsideError, match=r"unpack: package-1\.0\.tar\.gz: not a whole \.tar\.gz: ") as caught:
        archive.extract_embedded(damage(sdist), EMBEDDED, tmp_path / "snapshot.git")
    assert caught.value.hint
    assert caught.value.__cause__ is not None
    assert sorted(tmp_path.iterdir()) == before


def test_a_missing_sdist_is_said(tmp_path: Path) -> None:
    """A file that is not there is an outside failure as well, not a traceback."""
    with pytest.raises(OutsideError, match="No such file"):
        archive.extract_embedded(tmp_path / "none.tar.gz", EMBEDDED, tmp_path / "s.git")


def test_a_missing_embedded_folder_is_said(sdist: Path, tmp_path: Path) -> None:
    """An sdist without that folder says so; a folder whose name only begins the same is not taken for it."""
    for folder in (".git/modules/other", ".git/modules/vendor/up"):
        with pytest.raises(OutsideError, match=f"no folder {folder} in it"):
            archive.extract_embedded(sdist, folder, tmp_path / "s.git")
        with pytest.raises(OutsideError, match=f"no folder {folder} in it"):
            archive.embedded_head(sdist, folder)


def test_a_folder_without_objects_is_said(tmp_path: Path) -> None:
    """A folder that is no repository does not become an empty one."""
    with pytest.raises(OutsideError, match="holds no git objects"):
        archive.extract_embedded(_pack(tmp_path / "a.tar.gz", ("HEAD", b"x")), EMBEDDED, tmp_path / "s.git")
    assert not (tmp_path / "s.git").exists()


INSIDE = f"{TOP}/{EMBEDDED}/objects/01/{'2' * 38}"


@pytest.mark.parametrize(
    ("member", "word"),
    [
        (_odd(f"{TOP}/{EMBEDDED}/objects/../../../../../../out", tarfile.REGTYPE), "points outside"),
        (_odd(f"{TOP}/../{TOP}/{EMBEDDED}/HEAD", tarfile.REGTYPE), "points outside"),
        (_odd("/etc/passwd", tarfile.REGTYPE), "points outside"),
        (_odd(INSIDE, tarfile.SYMTYPE, "/etc/passwd"), "is a link"),
        (_odd(INSIDE, tarfile.LNKTYPE, f"{TOP}/x"), "is a link"),
        (_odd(INSIDE, tarfile.CHRTYPE), "neither file nor folder"),
        (_odd(INSIDE, tarfile.FIFOTYPE), "neither file nor folder"),
        (_odd(f"{TOP}/{EMBEDDED}/objects", tarfile.SYMTYPE, "/tmp"), "is a link"),  # noqa: S108 -- never followed
    ],
)
@pytest.mark.attack
def test_a_hostile_member_stops_the_extraction(tmp_path: Path, member: tarfile.TarInfo, word: str) -> None:
    """A member that reaches outside, a link or a device is refused, and nothing of the sdist stays."""
    path = _pack(tmp_path / "a.tar.gz", (f"objects/0a/{'5' * 38}", b"x"), ("", member))
    with pytest.raises(OutsideError, match=word):
        archive.extract_embedded(path, EMBEDDED, tmp_path / "s.git")
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.attack
def test_a_bomb_is_stopped_by_its_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An archive that inflates to more than the cap is refused, wherever the bytes sit."""
    monkeypatch.setattr(archive, "MOST_BYTES", 100_000)
    path = _pack(tmp_path / "a.tar.gz", (f"objects/01/{'2' * 38}", bytes(200_000)))
    with pytest.raises(OutsideError, match="more than 100,000 bytes"):
        archive.extract_embedded(path, EMBEDDED, tmp_path / "s.git")
    long_name = tarfile.TarInfo(f"{TOP}/" + "n" * 300_000)
    path = _pack(tmp_path / "a.tar.gz", ("", long_name))
    with pytest.raises(OutsideError, match="more than 100,000 bytes"):
        archive.extract_embedded(path, EMBEDDED, tmp_path / "s.git")


@pytest.mark.attack
def test_a_bomb_is_stopped_by_its_members(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An archive with more members than the cap is refused."""
    monkeypatch.setattr(archive, "MOST_MEMBERS", 3)
    path = _pack(tmp_path / "a.tar.gz", *((f"objects/0{n}/{'2' * 38}", b"x") for n in range(5)))
    with pytest.raises(OutsideError, match="more than 3 members"):
        archive.extract_embedded(path, EMBEDDED, tmp_path / "s.git")


def test_the_limits_are_some_times_what_an_honest_sdist_has() -> None:
    """Bytes and members are bounded, by what a machine can take; the bombs that try it take a minute."""
    assert 300 * 1024**2 < archive.MOST_BYTES <= 4 * 1024**3
    assert 4_000 < archive.MOST_MEMBERS <= 10**6
    assert 1024 < archive.MOST_REF_BYTES <= 16 * 1024**2


ZEROS = 64 * 1024**2
BOMBS = {
    "bytes": (33 * ZEROS, 1, "more than 2,147,483,648 bytes"),
    "members": (0, 200_100, "more than 200,000 members"),
}


@pytest.mark.attack
@pytest.mark.trust
@pytest.mark.parametrize("how", BOMBS)
def test_a_bomb_is_stopped_by_the_limits_as_they_are(tmp_path: Path, how: str) -> None:
    """A small archive that inflates to two GiB, or to 200,000 members, is refused by the limits that are shipped."""
    size, members, said = BOMBS[how]
    member = tarfile.TarInfo(f"{TOP}/{EMBEDDED}/index")
    member.size = size
    path = tmp_path / "a.tar.gz"
    zeros = gzip.compress(bytes(ZEROS), 9) * (size // ZEROS)
    path.write_bytes(gzip.compress(member.tobuf() * members) + zeros + gzip.compress(bytes(10_240)))
    assert path.stat().st_size < 4 * 1024**2
    with pytest.raises(OutsideError, match=said):
        archive.extract_embedded(path, EMBEDDED, tmp_path / "s.git")
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.attack
def test_a_reference_that_is_a_book_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """HEAD, refs and lists are read whole, so their size is capped."""
    monkeypatch.setattr(archive, "MOST_REF_BYTES", 100)
    path = _pack(tmp_path / "a.tar.gz", ("HEAD", b"r" * 101))
    with pytest.raises(OutsideError, match="too large"):
        archive.embedded_head(path, EMBEDDED)


@pytest.mark.attack
def test_a_shallow_list_with_something_else_is_refused(tmp_path: Path) -> None:
    """Only commit ids can stand in the list that is handed to git."""
    path = _pack(tmp_path / "a.tar.gz", (f"objects/01/{'2' * 38}", b"x"), ("shallow", b"--upload-pack=x"))
    with pytest.raises(OutsideError, match="shallow"):
        archive.extract_embedded(path, EMBEDDED, tmp_path / "s.git")


def test_an_existing_repository_is_not_touched(sdist: Path, tmp_path: Path) -> None:
    """What is already there stays; the message says how to remove it."""
    (tmp_path / "s.git").mkdir()
    with pytest.raises(OutsideError, match="in the way") as caught:
        archive.extract_embedded(sdist, EMBEDDED, tmp_path / "s.git")
    assert caught.value.hint == f"rm -r {tmp_path / 's.git'}"
    assert list((tmp_path / "s.git").iterdir()) == []
