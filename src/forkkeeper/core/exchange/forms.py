"""The folders in which other tools keep a queue: what gives the order, what a file may hold, how one is written."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import PurePosixPath

from forkkeeper.core import hunks, mail
from forkkeeper.core.exchange import heads, plain
from forkkeeper.core.exchange.heads import Words
from forkkeeper.core.mail import MailError, Patch
from forkkeeper.core.paths import fault

Files = Mapping[str, bytes]
_SUFFIXES = (".patch", ".diff", ".eml")
_PLACES = ("", "patches/", "debian/patches/")  # where a quilt series stands below the folder that was named
_COVER = re.compile(r"0+-cover-letter\.patch")


class Form(Enum):
    """A way in which patches are kept elsewhere."""

    MAIL = "mail"
    QUILT = "quilt"
    STGIT = "stgit"
    FOLDER = "folder"
    ELECTRON = "electron"
    GIT = "git"


@dataclass(frozen=True, slots=True)
class Listed:
    """A file that an order names. strip -- how many folders its paths begin with."""

    path: str
    strip: int = 1


@dataclass(frozen=True, slots=True)
class Listing:
    """A folder's order, what is wrong with it, and what is left aside; a sentence each."""

    files: tuple[Listed, ...]
    faults: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Incoming:
    """A patch as it stands elsewhere.

    place -- what messages call it; name -- what it would be called in the queue; origin -- where it came from
    head -- of a mail, before the diff; words -- of anything else
    """

    place: str
    name: str
    origin: str
    diff: bytes
    strip: int = 1
    head: bytes | None = None
    words: Words | None = None


# reading ------------------------------------------------------------------------------------------------------------


def listing(form: Form, names: Sequence[str], read: Callable[[str], bytes | None]) -> Listing:
    """Find the order of a folder's patches.

    names -- the files that stand in it, ordered; read -- gives a file of it, or None
    """
    match form:
        case Form.QUILT | Form.STGIT:
            return _by_series(names, read)
        case Form.ELECTRON:
            order = read(".patches")
            return Listing((), ("`.patches` is missing",)) if order is None else _series("", order, names, read)
        case Form.MAIL if "series" in names:
            return _by_series(names, read)
        case Form.MAIL | Form.FOLDER | Form.GIT:
            found = [name for name in names if name.endswith(_SUFFIXES)]
            covers = tuple(f"{name} is a cover letter, and left aside" for name in found if _COVER.fullmatch(name))
            files = tuple(Listed(name) for name in found if not _COVER.fullmatch(name))
            return Listing(files, () if files else ("no .patch, .diff or .eml file is in it",), covers)


def _by_series(names: Sequence[str], read: Callable[[str], bytes | None]) -> Listing:
    for folder in _PLACES:
        series = read(f"{folder}series")
        if series is not None:
            return _series(folder, series, names if not folder else (), read)
    return Listing((), ("`series` is missing",))


def _series(folder: str, series: bytes, names: Sequence[str], read: Callable[[str], bytes | None]) -> Listing:
    """Read an order file, as quilt does: a name, options after it, comments after `#`."""
    files: list[Listed] = []
    faults: list[str] = []
    for number, line in enumerate(series.decode("utf-8", "surrogateescape").splitlines(), start=1):
        name, *options = re.split(r"(?:^|\s)#", line, maxsplit=1)[0].split() or [""]
        if not name:
            continue
        strips = [re.fullmatch(r"-p(\d+|ab)", option) for option in options]
        if not all(strips):
            faults.append(f"line {number}: `{' '.join(options)}` is not understood; known is -pN")
        elif fault(name):
            faults.append(f"line {number}: {name!r} {fault(name)}")
        elif any(name == one.path.removeprefix(folder) for one in files):
            faults.append(f"line {number}: {name} is listed twice")
        elif read(folder + name) is None:
            faults.append(f"line {number}: {name} is listed, and not there")
        else:
            last = strips[-1][1] if strips and strips[-1] else "1"
            files.append(Listed(folder + name, 1 if last == "ab" else int(last)))
    rest = [name for name in names if name.endswith(_SUFFIXES) and name not in {one.path for one in files}]
    notes = tuple(f"{name} is in no line of the order, and left aside" for name in rest)
    return Listing(tuple(files), tuple(faults), notes)


def incoming(form: Form, one: Listed, data: bytes) -> Incoming:
    """Read a file of a folder. Raises MailError where it is not what the form says."""
    data = heads.untransferred(data)
    name = PurePosixPath(one.path).name
    origin = f"imported [{form.value} {name}]"
    match form:
        case Form.MAIL | Form.ELECTRON:
            return _mail(one, name, origin, data)
        case Form.STGIT:
            try:
                return _mail(one, name, origin, data)
            except MailError:
                return _loose(one, name, origin, data)
        case Form.QUILT | Form.FOLDER | Form.GIT:
            return _loose(one, name, origin, data)


def _mail(one: Listed, name: str, origin: str, data: bytes) -> Incoming:
    try:
        patch = mail.parse(name, data)
        return Incoming(one.path, name, origin, patch.diff, one.strip, head=patch.head)
    except MailError as error:
        head, diff = plain.cut(data)
        if not re.search(rb"^From: ", head, re.MULTILINE):
            raise
        if not diff:
            raise MailError("it holds no diff") from error
        return Incoming(one.path, name, origin, diff, one.strip, words=heads.read(head))


def _loose(one: Listed, name: str, origin: str, data: bytes) -> Incoming:
    head, diff = plain.cut(data)
    if not diff:
        raise MailError("it holds no diff")
    return Incoming(one.path, name, origin, diff, one.strip, words=heads.read(head))


# writing ------------------------------------------------------------------------------------------------------------


def written(form: Form, patches: Sequence[Patch], whole: bytes) -> Files:
    """Give the files of a folder that holds these patches. whole -- what all of them change, as one diff."""
    match form:
        case Form.MAIL:
            return {f"{number:04}-{patch.title}.patch": patch.data for number, patch in enumerate(patches, start=1)}
        case Form.ELECTRON:
            return _ordered(".patches", patches, [patch.data for patch in patches])
        case Form.STGIT:
            return _ordered("series", patches, [patch.data for patch in patches])
        case Form.QUILT:
            return _ordered("series", patches, [heads.dep3(patch) + patch.diff for patch in patches])
        case Form.FOLDER:
            return _by_file(patches, whole)
        case Form.GIT:
            return {}


def cannot_hold(form: Form, patch: Patch) -> str | None:
    """Say what of a patch a form cannot hold, or None."""
    binary = [file.path for file in patch.files if file.binary is not None]
    if form is Form.QUILT and binary:
        return f"{', '.join(binary)}: quilt's patches hold no binary files"
    return None


def _ordered(order: str, patches: Sequence[Patch], files: Sequence[bytes]) -> Files:
    names = "".join(f"{patch.name}\n" for patch in patches).encode()
    return {order: names} | {patch.name: data for patch, data in zip(patches, files, strict=True)}


def _by_file(patches: Sequence[Patch], whole: bytes) -> Files:
    """Give a diff for each file of upstream's, under the reasons of all patches that touch it."""
    sections: dict[str, list[bytes]] = {}
    for section in re.split(rb"(?m)^(?=diff --git )", whole)[1:]:
        path = _path(section)
        sections.setdefault(path, []).append(section)
    found: dict[str, bytes] = {}
    for path in sorted(sections):
        stem = re.sub(r"[^A-Za-z0-9._+-]+", "_", path.replace("/", "_")).lstrip("._+-") or "file"
        name = free(f"{stem}.patch", found)
        about = [f"{patch.subject}\n\n{patch.reason}" for patch in patches if path in patch.paths]
        head = "".join(f"# {line}".rstrip() + "\n" for line in "\n\n".join(about).split("\n"))
        found[name] = head.encode("utf-8", "surrogateescape") + b"\n" + b"".join(sections[path])
    return found


def _path(section: bytes) -> str:
    return hunks.parse(section)[0].path


def name_for(text: str, taken: Sequence[str] | Mapping[str, object] = ()) -> str:
    """Make a name for the queue of a file name or a title; a number in front goes, as it means an order elsewhere.

    >>> name_for("0003-Fix the thing.diff"), name_for("fix.patch", ["Fix.patch"])
    ('Fix-the-thing.patch', 'fix-2.patch')
    """
    stem = re.sub(r"(\.(patch|diff|eml))+$", "", text)
    stem = re.sub(r"^(\d{4}|0\d+)[-_](?=.)", "", stem)
    stem = re.sub(r"[^A-Za-z0-9._+-]+", "-", stem).strip("-._+")[:60].rstrip("-._+")
    return free(f"{stem or 'patch'}.patch", taken)


def free(name: str, taken: Sequence[str] | Mapping[str, object]) -> str:
    """Give a name that is not taken, whatever the case of its letters."""
    others = {one.lower() for one in taken}
    stem, number, found = name.removesuffix(".patch"), 1, name
    while found.lower() in others:
        number += 1
        found = f"{stem}-{number}.patch"
    return found
