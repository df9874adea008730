"""The queue: `patches/series` and one file per patch. The order is written there, never left to the file system."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from forkkeeper.core import mail, markers
from forkkeeper.core.lines import split
from forkkeeper.core.mail import MailError, Patch
from forkkeeper.errors import RequestError

SERIES = "series"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")


@dataclass(frozen=True, slots=True)
class Queue:
    """The ordered local changes.

    series -- the bytes of `patches/series`, comments kept
    """

    series: bytes
    patches: tuple[Patch, ...]

    def named(self, name: str) -> Patch | None:
        """Find a patch by its file name, with or without `.patch`."""
        return next((p for p in self.patches if name in (p.name, p.title)), None)

    def digest(self) -> str:
        """SHA-256 over the series and every patch file, in order."""
        total = hashlib.sha256(self.series)
        for patch in self.patches:
            total.update(f"\0{patch.name}\0{len(patch.data)}\0".encode() + patch.data)
        return f"sha256:{total.hexdigest()}"


def read(series: bytes, files: Mapping[str, bytes], *, step: str = "read", folder: str = "patches") -> Queue:
    """Build the queue from the files of its folder.

    files -- name and bytes of every patch file there
    Raises RequestError for a missing, unlisted, doubled or damaged patch.
    """
    markers.refuse(series, f"{folder}/{SERIES}", step=step, hint="keep the lines of both sides in a good order")
    names = _names(series, step, folder)
    missing = [name for name in names if name not in files]
    unlisted = sorted(set(files) - set(names))
    if missing:
        raise _missing(missing, unlisted, step, folder)
    if unlisted:
        raise _unlisted(unlisted, step, folder)
    return Queue(series, tuple(_patch(name, files[name], step, folder) for name in names))


def _missing(names: Sequence[str], unlisted: Sequence[str], step: str, folder: str) -> RequestError:
    """Make the error for lines of the series that have no file: all at once, with the files that have no line."""
    one = len(names) == 1
    no_such = "there is no such .patch or .diff file" if one else "there are no such .patch or .diff files"
    return RequestError(
        step,
        f"{folder}/{SERIES}",
        f"lists {', '.join(names)}, and {no_such} (unlisted: {', '.join(unlisted) or 'none'})",
        f"take the {'line' if one else 'lines'} out of {folder}/{SERIES}, or "
        f"`git restore {' '.join(f'{folder}/{name}' for name in names)}`",
    )


def _unlisted(names: Sequence[str], step: str, folder: str) -> RequestError:
    """Make the error for files that have no line in the series: all of them at once."""
    if len(names) == 1:
        found, hint = (
            f"is not listed in {folder}/{SERIES}",
            f"add the line `{names[0]}` there at its place in the order",
        )
        return RequestError(step, f"{folder}/{names[0]}", found, f"{hint}, or move the file away")
    return RequestError(
        step,
        f"{folder}/{SERIES}",
        f"does not list {', '.join(names)}",
        "add a line for each there at its place in the order, or move the files away",
    )


def _patch(name: str, data: bytes, step: str, folder: str) -> Patch:
    try:
        return mail.parse(name, data)
    except MailError as error:
        raise RequestError(
            step, f"{folder}/{name}", str(error), f"make the patch with `git format-patch` and check {folder}/{name}"
        ) from error


def _lines(series: bytes) -> list[str]:
    """Split at line feeds alone, as quilt does: other ends of lines would list patches that only we see."""
    return [line.decode("utf-8", "surrogateescape") for line in split(series)]


def _names(series: bytes, step: str, folder: str) -> tuple[str, ...]:
    names: list[str] = []
    taken: set[str] = set()
    place = f"{folder}/{SERIES}"
    for number, line in enumerate(_lines(series), start=1):
        words = line.split("#", 1)[0].split()
        if not words:
            continue
        name = words[0]
        if len(words) > 1 and words[1:] != ["-p1"]:
            raise RequestError(
                step,
                place,
                f"line {number}: `{' '.join(words[1:])}` is not understood; patches are `-p1`",
                "remove the option",
            )
        if not _NAME.fullmatch(name):
            raise RequestError(
                step, place, f"line {number}: {name!r} is no plain file name", "use letters, digits and . _ + -"
            )
        if name.lower() in taken:  # one file on macOS and Windows
            raise RequestError(step, place, f"line {number}: {name} is listed twice", "remove one of the two lines")
        taken.add(name.lower())
        names.append(name)
    return tuple(names)


def rebuild(queue: Queue, patches: Sequence[Patch]) -> Queue:
    """Give the queue with these patches in the place of its own; a name that is gone leaves the series.

    Comments and blank lines of the series stay where they are.
    """
    kept = {patch.name for patch in patches}
    lines = _lines(queue.series)
    left = [line for line in lines if not (words := line.split("#", 1)[0].split()) or words[0] in kept]
    return Queue("".join(left).encode("utf-8", "surrogateescape"), tuple(patches))


def file_name(name: str) -> str | None:
    """Give the file name that a patch of this name has, with `.patch`; None where it is no plain file name.

    >>> file_name("lazy-mmap"), file_name("../x")
    ('lazy-mmap.patch', None)
    """
    full = name if name.endswith((".patch", ".diff")) else f"{name}.patch"
    return full if _NAME.fullmatch(full) else None


def arrange(queue: Queue, patches: Sequence[Patch], *, renamed: Mapping[str, str] | None = None) -> Queue:
    """Give the queue with these patches, in their order; new ones come right after the one before them.

    renamed -- names that became others, by the old one
    Comments and blank lines of the series stay where they are; what stands beside a name goes with it.
    """
    lines = [line if line.endswith("\n") else f"{line}\n" for line in _lines(queue.series)]
    if renamed:
        lines = [_renamed(line, renamed) for line in lines]
    wanted = [patch.name for patch in patches]
    own = {name: line for line in lines if (name := _named_in(line))}
    lines = [line for line in lines if (name := _named_in(line)) is None or name in wanted]
    slots = [at for at, line in enumerate(lines) if _named_in(line)]
    for at, name in zip(slots, [name for name in wanted if name in own], strict=True):
        lines[at] = own[name]
    first = slots[0] if slots else len(lines)
    added: dict[str, list[str]] = {}  # new names by the one of the series before them, "" for none
    before = ""
    for name in wanted:
        before = name if name in own else before
        if name not in own:
            added.setdefault(before, []).append(f"{name}\n")
    made = [*lines[:first], *added.get("", ())]
    for line in lines[first:]:
        made += [line, *added.get(_named_in(line) or "\n", ())]
    return Queue("".join(made).encode("utf-8", "surrogateescape"), tuple(patches))


def _named_in(line: str) -> str | None:
    words = line.split("#", 1)[0].split()
    return words[0] if words else None


def _renamed(line: str, renamed: Mapping[str, str]) -> str:
    name = _named_in(line)
    return line.replace(name, renamed[name], 1) if name in renamed and name is not None else line


def faults(queue: Queue, *, step: str, folder: str = "patches") -> tuple[str, ...]:
    """Say, one line each, what the patches lack to be kept (see `mail.shortcomings`)."""
    return tuple(f"{step}: {folder}/{p.name}: {what}" for p in queue.patches for what in mail.shortcomings(p))
