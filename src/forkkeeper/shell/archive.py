"""The only door into source distributions: takes out the git repository that one embeds.

An sdist is somebody else's file, and so is the repository in it: its config may name a worktree, include other files
and rewrite addresses, its hooks are programs, its commit-graph and alternates can claim anything. So only objects are
taken (loose ones, packs and their indexes, and the list of shallow commits), into a bare repository whose own files are
written here. Nothing is trusted yet: an index can lie about what a pack holds, so ids are proven when git has hashed
the objects again (`git fsck`, or `git index-pack` on the pack).

In an sdist `.git` comes first, so reading stops behind the embedded folder instead of inflating the whole archive. An
archive keeps what is below a folder together, sorted or not; one that does not gives a repository that fails the proof.
"""

import gzip
import re
import shlex
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from forkkeeper.core.ids import CommitId, is_full
from forkkeeper.errors import OutsideError

MOST_BYTES = 2 * 1024**3  # unpacked, headers included: 2 GiB; a llama-cpp-python sdist has 0.3
MOST_MEMBERS = 200_000  # a llama-cpp-python sdist has 4,000
MOST_REF_BYTES = 1024**2  # HEAD, a ref, packed-refs: 1 MiB
MOST_REF_HOPS = 5  # as git: a symbolic ref that names a symbolic ref ...

OBJECTS = re.compile(r"objects/(?:[0-9a-f]{2}/[0-9a-f]{38}|pack/pack-[0-9a-f]{40}\.(?:pack|idx))")
LAYOUT = {
    "HEAD": "ref: refs/heads/none\n",
    "config": "[core]\n\trepositoryformatversion = 0\n\tbare = true\n",
}
AGAIN = "delete it, then run the same command again"


def extract_embedded(sdist: Path, embedded: str, into: Path) -> Path:
    """Take the objects of an embedded repository into a bare repository of its own, without refs.

    embedded -- its folder inside the unpacked sdist, e.g. ".git/modules/vendor/llama.cpp"
    into -- the repository to make; must not exist yet. It appears whole or not at all.
    Returns into. Raises OutsideError.
    """
    if into.exists():
        raise OutsideError("unpack", sdist.name, f"{into} is in the way", shlex.join(["rm", "-r", str(into)]))
    with _explained(sdist, into.parent):
        into.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{into.name}-", dir=into.parent) as scratch:
            repository = Path(scratch, "repository")
            _make_layout(repository)
            if not _copy_objects(sdist, embedded, repository):
                raise OutsideError("unpack", sdist.name, f"{embedded} holds no git objects", _look(sdist))
            repository.rename(into)
    return into


def embedded_head(sdist: Path, embedded: str) -> CommitId:
    """Say which commit an embedded repository has checked out, by its HEAD, refs and packed-refs.

    Only what the sdist claims; the objects prove it. Raises OutsideError.
    """
    refs: dict[str, str] = {}
    with _explained(sdist, sdist.parent), _opened(sdist) as tar:
        for name, member in _below(tar, sdist, embedded):
            if member.isfile() and (name in {"HEAD", "packed-refs"} or name.startswith("refs/")):
                refs[name] = _text(tar, member, sdist)
            if is_full(refs.get("HEAD", "")):
                break  # a detached HEAD needs no ref
    commit = _resolve(refs)
    if commit is None:
        raise OutsideError("unpack", sdist.name, f"HEAD of {embedded} names no commit", _look(sdist))
    return commit


def _make_layout(repository: Path) -> None:
    for folder in ("objects/info", "objects/pack", "refs/heads", "refs/tags"):
        (repository / folder).mkdir(parents=True)
    for name, text in LAYOUT.items():
        (repository / name).write_text(text, encoding="ascii", newline="\n")


def _copy_objects(sdist: Path, embedded: str, repository: Path) -> int:
    """Copy objects and shallow list; give the number of object files."""
    objects = 0
    with _opened(sdist) as tar:
        for name, member in _below(tar, sdist, embedded):
            if not member.isfile():
                continue
            if OBJECTS.fullmatch(name):
                tar.extract(member.replace(name=name), repository, filter="data")
                objects += 1
            elif name == "shallow":
                shallow = _shallow(_text(tar, member, sdist), sdist)
                (repository / name).write_text(shallow, encoding="ascii", newline="\n")
    return objects


def _shallow(text: str, sdist: Path) -> str:
    lines = text.split()
    if not all(map(is_full, lines)):
        raise OutsideError("unpack", sdist.name, "its list of shallow commits holds something else", _look(sdist))
    return "".join(f"{line}\n" for line in lines)


def _resolve(refs: dict[str, str]) -> CommitId | None:
    packed = [line.split(" ", 1) for line in refs.get("packed-refs", "").splitlines() if " " in line]
    names = {name: oid for oid, name in packed} | refs  # a ref of its own wins over a packed one
    value = refs.get("HEAD", "")
    for _ in range(MOST_REF_HOPS):
        if value.startswith("ref:"):
            value = names.get(value.removeprefix("ref:").strip(), "")
    return CommitId(value) if is_full(value) else None


def _below(tar: tarfile.TarFile, sdist: Path, embedded: str) -> Iterator[tuple[str, tarfile.TarInfo]]:
    """Yield the members below the embedded folder with their names there; stop behind the last.

    Raises OutsideError when there is none, or for a member that no honest repository holds.
    """
    folder = embedded.strip("/").split("/")
    inside = False
    for number, member in enumerate(tar):
        if number >= MOST_MEMBERS:
            raise OutsideError("unpack", sdist.name, f"more than {MOST_MEMBERS:,} members", _look(sdist))
        path = _parts(member, sdist)
        if path[1 : 1 + len(folder)] == folder:
            inside = True
            _refuse_odd(member, sdist)
            yield "/".join(path[1 + len(folder) :]), member
        elif inside:
            return
    if not inside:
        raise OutsideError("unpack", sdist.name, f"no folder {embedded} in it", _look(sdist))


def _parts(member: tarfile.TarInfo, sdist: Path) -> list[str]:
    parts = [part for part in member.name.split("/") if part != "."]
    if member.name.startswith("/") or ".." in parts:
        raise OutsideError("unpack", sdist.name, f"member {member.name!r} points outside the archive", _look(sdist))
    return parts


def _refuse_odd(member: tarfile.TarInfo, sdist: Path) -> None:
    """Let only plain files and folders pass; a sparse file could claim any size without any bytes."""
    if not (member.isdir() or (member.isfile() and not member.issparse())):
        kind = "a link" if member.issym() or member.islnk() else "neither file nor folder"
        raise OutsideError("unpack", sdist.name, f"member {member.name!r} is {kind}", _look(sdist))


def _text(tar: tarfile.TarFile, member: tarfile.TarInfo, sdist: Path) -> str:
    stream = tar.extractfile(member)
    if stream is None or member.size > MOST_REF_BYTES:
        raise OutsideError("unpack", sdist.name, f"member {member.name!r} is too large", _look(sdist))
    return stream.read().decode("utf-8", "replace").strip()


@contextmanager
def _opened(sdist: Path) -> Iterator[tarfile.TarFile]:
    """Open a .tar.gz as a stream, so that reading can stop early."""
    with gzip.open(sdist) as inflated, tarfile.open(fileobj=_Capped(inflated, sdist), mode="r|") as tar:  # type: ignore[call-overload]
        yield tar


class _Capped:
    """Hands on inflated bytes until there are more than any honest sdist has.

    Below tarfile rather than above it: a bomb may also sit in a header, which tarfile reads whole.
    """

    def __init__(self, inflated: gzip.GzipFile, sdist: Path) -> None:
        self._inflated, self._sdist, self._bytes = inflated, sdist, 0

    def read(self, size: int) -> bytes:
        data = self._inflated.read(size)
        self._bytes += len(data)
        if self._bytes > MOST_BYTES:
            raise OutsideError("unpack", self._sdist.name, f"more than {MOST_BYTES:,} bytes", _look(self._sdist))
        return data


@contextmanager
def _explained(sdist: Path, folder: Path) -> Iterator[None]:
    """Turn what the libraries raise into a message; folder is where we write."""
    try:
        yield
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise OutsideError("unpack", sdist.name, f"not a whole .tar.gz: {error}", AGAIN) from error
    except OSError as error:
        raise OutsideError(
            "unpack", sdist.name, str(error), f"df -h {shlex.quote(str(folder))}; ls -ld {shlex.quote(str(folder))}"
        ) from error


def _look(sdist: Path) -> str:
    return f"tar -tzf {sdist} | head   (shows what is in it)"
