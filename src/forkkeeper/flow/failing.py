"""Why a build failed, told to a person: whose line it is that a compiler refuses, or what the machine has not.

The exit code says whose matter it is. A line of a patch, of the overlay or of the project that emulates a device: the
answer is no (1). A line of upstream's own, a program, memory or room that is missing: something outside failed (3),
also where a patch is suspected. An option of fork.toml that does nothing: the declaration is wrong (2).
"""

import errno
import re
import shlex
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from forkkeeper.core import annotations, compilerreport, ownership, patchlines, report, shown
from forkkeeper.core.compilerreport import Doubled, Full, Killed, Place, Refused, TooLarge, Undefined
from forkkeeper.core.mail import Patch
from forkkeeper.core.overlay import FOLDER as OVERLAY
from forkkeeper.core.ownership import NoLine, Overlaid, Patched, Upstreams
from forkkeeper.core.variants import FILE as DECLARATION
from forkkeeper.errors import AnswerIsNo, ForkkeeperError, OutsideError, RequestError
from forkkeeper.flow.standing import Stand
from forkkeeper.shell import disk
from forkkeeper.stages import build as builds
from forkkeeper.stages.build import StepError
from forkkeeper.stages.project import Project

MOST = 4  # patches and files that are named
CRAMPED = 16 * 2**20  # bytes: a build that fails with less free on its disk has failed of that, whatever it says


class SuspectedError(OutsideError):
    """Code is refused in no line that is known to be the fork's, and patches or overlay files have to do with it."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """What was to be built.

    stand -- the fork composed as it was to be built
    folder -- its `src` and `build`
    fields -- of fork.toml, by the CMake variables that they set
    """

    project: Project
    stand: Stand
    variant: str
    folder: Path
    fields: Mapping[str, str]

    @property
    def again(self) -> str:
        """What to type in the end."""
        return f"`forkkeeper build {self.variant}`"


def explained(error: StepError, attempt: Attempt) -> ForkkeeperError:  # noqa: PLR0911 -- one for each failure
    """Say why a step of a build failed."""
    match compilerreport.read(error.said):
        case Full(path=path):
            return full(error.thing, attempt, Path(path) if path else None)
        case TooLarge(said=said):
            hint = f"`ulimit -f` shows how large a file may grow; `ulimit -f unlimited`, then {attempt.again}"
            return OutsideError("build", error.thing, f"a file may not grow so large here: {said}", hint)
        case Killed(said=said):
            one = f"CMAKE_BUILD_PARALLEL_LEVEL=1 forkkeeper build {attempt.variant}"
            hint = f"`free -h` shows how much there is; with one job at a time: `{one}`"
            return OutsideError("build", error.thing, f"memory ran out, it seems: {said}", hint)
        case Refused() as refused:
            return _refused(error, attempt, refused)
        case Undefined(symbol=symbol, place=place):
            return _linked(error, attempt, symbol, (place,) if place else (), "is used and defined nowhere")
        case Doubled(symbol=symbol, places=places):
            return _linked(error, attempt, symbol, places, "is defined twice")
        case None:
            return full(error.thing, attempt) if _is_cramped(attempt) else error


def is_of_tree(error: ForkkeeperError) -> bool:
    """Whether what was to be built is itself to blame, as far as is known: no tool, download, memory or room."""
    if isinstance(error, RequestError):
        return isinstance(error.__cause__, StepError)  # an option that the tree does not know
    return isinstance(error, AnswerIsNo | SuspectedError)


def _is_cramped(attempt: Attempt) -> bool:
    return disk.room(attempt.folder).free < CRAMPED


def _refused(error: StepError, attempt: Attempt, refused: Refused) -> ForkkeeperError:
    """Say whose line it is that a compiler or CMake does not take, or which field of fork.toml CMake speaks of."""
    inner = compilerreport.read(refused.message) if error.of and error.what == "configure" else None
    if isinstance(inner, Refused) and inner.places:
        refused = inner  # a step that CMake started, which names a line itself
    at = _chosen(attempt, refused.places, (), error.of)
    if error.what == "configure" and not _is_own(at) and _is_cramped(attempt):
        return full(error.thing, attempt)  # CMake's own modules fail in strange ways when they cannot write
    said = f"{at.where if at else _said(refused.places)}{refused.message}"
    name = next((word for word in re.findall(r"\w+", refused.message) if word in attempt.fields), None)
    if error.what == "configure" and not _is_own(at) and name is not None:
        field = attempt.fields[name]
        # upstream renamed an option, or gave it up; CMake's own ones name what the machine has, a compiler for one
        kind = OutsideError if name.startswith("CMAKE_") else RequestError
        hint = f"mend `{field}` in {DECLARATION}; then {attempt.again}\n        {error.hint}"
        return kind("build", error.thing, f"{shown.line(said)}\n    {field} in {DECLARATION} sets {name}", hint)
    return _told(error, attempt, said, at, _suspects(attempt, at, compilerreport.names(refused.message)))


def _linked(error: StepError, attempt: Attempt, symbol: str, places: Sequence[Place], what: str) -> ForkkeeperError:
    """Say what a linker lacks or has twice. It seldom names a line: who changes lines with that name is to blame."""
    names = (compilerreport.name_of(symbol),)
    at = _chosen(attempt, places, names, error.of)
    suspects = _suspects(attempt, at, names)
    others = [found.where for place in places if (found := _in_tree(attempt, place, names, error.of)) and found != at]
    also = f", in {others[0].removesuffix(': ')} as well" if others else ""
    message = f"{at.where if at else _said(places)}`{symbol}` {what}{also}"
    return _told(error, attempt, message, at, suspects, is_ours=bool(suspects.naming or suspects.files))


# whose it is --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Emulating:
    """The line is in the fork's own project that emulates a device."""


@dataclass(frozen=True, slots=True)
class _Found:
    """A place in the tree: its path from the root, its line (0: not known), and whose that is (None: not known).

    A file of the project that emulates a device has its path from the fork's folder.
    """

    path: str
    line: int
    owner: Overlaid | Patched | Upstreams | _Emulating | None

    @property
    def where(self) -> str:
        """The place, as the head of a message; a file of the overlay by the path that it is edited at."""
        folder = f"{OVERLAY}/" if isinstance(self.owner, Overlaid) else ""
        return f"{folder}{self.path}" + (f":{self.line}: " if self.line else ": ")


def _is_own(at: _Found | None) -> bool:
    return at is not None and isinstance(at.owner, Overlaid | Patched | _Emulating)


def _said(places: Sequence[Place]) -> str:
    """Give a place as the head of a message, as a program named it."""
    return next((f"{one.path}:{one.line}: " if one.line else f"{one.path}: " for one in places), "")


def _chosen(attempt: Attempt, places: Sequence[Place], names: Sequence[str], of: str) -> _Found | None:
    """Give the first place that is the fork's own, else the first that is in the tree."""
    found = [one for place in places if (one := _in_tree(attempt, place, names, of)) is not None]
    return next(filter(_is_own, found), next(iter(found), None))


def _in_tree(attempt: Attempt, place: Place, names: Sequence[str], of: str) -> _Found | None:
    """Find a place in the tree, or in the project that was built of it, and whose it is; None for one in neither.

    names -- where no line is known: what it is about. A patch that changes lines of the file with that name has it.
    of -- folder of the project, "" for none
    """
    stand, folder = attempt.stand, attempt.folder.resolve()
    if of and (own := compilerreport.inside(place, source=of, build=str(folder / builds.EMULATED))) is not None:
        root = attempt.project.root.resolve()
        return _Found((Path(of) / own).relative_to(root).as_posix(), place.line, _Emulating())
    path = compilerreport.inside(place, source=str(folder / "src"), build=str(folder / "build"))
    if path is None or path not in stand.store.some(stand.made.tree, [path]):
        return None
    if path in attempt.project.overlay:
        return _Found(path, place.line, Overlaid())
    owned = ownership.owner(stand.store, stand.made, attempt.project.overlay, path, place.line)
    if not isinstance(owned, NoLine):
        return _Found(path, place.line, owned.owner)
    patches = [step.patch for step in stand.made.steps if path in step.patch.paths and _names(step.patch.diff, names)]
    return _Found(path, 0, Patched(patches[-1]) if patches else None)


@dataclass(frozen=True, slots=True)
class _Suspects:
    """What of the fork has to do with an error, though the line is not its own.

    touching -- patches that change the file
    naming -- patches that add or remove lines with one of the names
    files -- of the overlay, with one of the names
    """

    touching: tuple[Patch, ...]
    naming: tuple[Patch, ...]
    files: tuple[str, ...]


def _suspects(attempt: Attempt, at: _Found | None, names: Sequence[str]) -> _Suspects:
    patches = [step.patch for step in attempt.stand.made.steps]
    naming = tuple(patch for patch in patches if _names(patch.diff, names))
    return _Suspects(
        touching=tuple(patch for patch in patches if at and at.path in patch.paths and patch not in naming),
        naming=naming,
        files=tuple(path for path, file in attempt.project.overlay.items() if _names(file.data, names, in_diff=False)),
    )


def _names(data: bytes, names: Sequence[str], *, in_diff: bool = True) -> bool:
    """Whether one of these names is a word of a file, or of the lines that a diff adds or removes."""
    words = "|".join(re.escape(name) for name in names if name)
    changed = r"^[+-](?![+-]{2} ).*" if in_diff else ""
    return bool(words) and re.search(rf"{changed}\b(?:{words})\b".encode(), data, re.MULTILINE) is not None


def _told(
    error: StepError,
    attempt: Attempt,
    message: str,
    at: _Found | None,
    suspects: _Suspects,
    *,
    is_ours: bool = False,
) -> ForkkeeperError:
    """Say what was said and where, whose that is, and what to type.

    is_ours -- the fork is to blame, though it is not known by which line
    """
    match at.owner if at else None:
        case Patched(patch=patch):
            what = "the line" if at and at.line else "that"
            said, hint, is_ours = [f"{what} is of the patch {patch.title}: {patch.subject}"], _mend(patch), True
            said += [f"{annotations.FOLDER}/{patch.name}:{line}: {message}" for line in _in_patch(at)]
        case Overlaid():
            said, hint, is_ours = ["the file is of the overlay"], f"mend {OVERLAY}/{at.path if at else ''}", True
        case _Emulating():
            said, hint, is_ours = ["the file is of what emulates the device"], f"mend {at.path if at else ''}", True
        case Upstreams(path=path, number=number):
            line = f"{path}:{number} at {report.said(attempt.stand.pin)}"
            may = [f"what emulates the device may not know that yet: {_project(error, attempt)}"] if error.of else []
            said, hint = _suspected(attempt, [f"the line is upstream's own: {line}", *may], suspects)
        case None:
            said, hint = _suspected(attempt, [], suspects)
    suspected = suspects.naming or suspects.touching or suspects.files
    kind = AnswerIsNo if is_ours else SuspectedError if suspected else OutsideError
    found = "\n    ".join(map(shown.line, (message, *said)))
    return kind("build", error.thing, found, f"{shown.spelled(hint)}; then {attempt.again}\n        {error.hint}")


def _in_patch(at: _Found | None) -> list[int]:
    """Give the line of a patch's file that brought a line of the tree in; none where that is not known."""
    match at.owner if at else None:
        case Patched(patch=patch, path=path, number=number) if number:
            return [patchlines.of_added(patch, path, number)]
        case _:
            return []


def _project(error: StepError, attempt: Attempt) -> str:
    """Give the folder of the project that was built, from the fork's."""
    return Path(error.of).relative_to(attempt.project.root.resolve()).as_posix()


def _suspected(attempt: Attempt, said: list[str], suspects: _Suspects) -> tuple[list[str], str]:
    """Say which patches and overlay files have to do with it, and what to type."""
    if suspects.naming:
        said = [*said, f"patches that change lines with this name: {_some([one.title for one in suspects.naming])}"]
    if suspects.touching:
        said = [*said, f"patches that change this file: {_some([one.title for one in suspects.touching])}"]
    if suspects.files:
        said = [*said, f"files of the overlay with this name: {_some([f'{OVERLAY}/{one}' for one in suspects.files])}"]
    patch = next(iter((*suspects.naming, *suspects.touching)), None)
    if patch is not None:
        return said, f"look at `forkkeeper patch show {patch.title}`; to mend it {_mend(patch)}"
    if suspects.files:
        return said, f"mend {OVERLAY}/{suspects.files[0]}"
    hint = f"`forkkeeper doctor {attempt.variant}` says whether the compiler and the libraries here will do"
    return [*said, "no patch and no file of the overlay has to do with it"], hint


def _mend(patch: Patch) -> str:
    return f"`forkkeeper patch edit {patch.title}`, edit there, `forkkeeper patch refresh`"


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - MOST} more" if len(names) > MOST else ""
    return ", ".join(names[:MOST]) + more


# no room ------------------------------------------------------------------------------------------------------------

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


def of_system(error: OSError, attempt: Attempt) -> ForkkeeperError:
    """Say what the system refused while a build was made ready, or its end written down."""
    named = Path(str(error.filename)) if error.filename else None
    if error.errno in _NO_ROOM:
        return full(attempt.variant, attempt, named)
    thing = f"{attempt.variant}: {named or attempt.folder}"
    return OutsideError("build", thing, error.strerror or str(error), f"ls -ld {named or attempt.folder}")


def full(thing: str, attempt: Attempt, named: Path | None = None) -> OutsideError:
    """Say which disk is full, how much is free there, and what can go.

    named -- a file in the message; it may be one that was only read, so the fullest of the disks in question counts
    """
    build = disk.room(attempt.folder)
    others = (named, Path(tempfile.gettempdir()))
    room = min((build, *(disk.room(one) for one in others if one is not None)), key=lambda one: one.free)
    found = f"the disk of {room.folder} is full: {_size(room.free)} are free there"
    own = attempt.folder.relative_to(attempt.project.root)
    if room.device == build.device:
        how = f"make room: {own} can be deleted at any time (`rm -r {shlex.quote(str(own))}`)"
    else:
        how = "make room there (TMPDIR names another folder for temporary files)"
    return OutsideError("build", thing, found, f"`df -h {shlex.quote(str(room.folder))}`; {how}; then {attempt.again}")


def _size(number: int) -> str:
    """Say a number of bytes.

    >>> _size(0), _size(2_500_000), _size(70_000)
    ('0 KiB', '2 MiB', '68 KiB')
    """
    return f"{number // 2**20:,} MiB" if number >= 2**20 else f"{number // 2**10} KiB"
