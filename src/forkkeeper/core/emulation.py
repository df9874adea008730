"""Reads what an emulated device reports of itself, and judges it.

Each process that loads the device appends one line of JSON to a file as it ends:

    {"kernels": {"compiled": 626, "used": ["kernel_norm"], "idle": ["kernel_add"]}, "order": "forward",
     "dispatches": 12, "checked": true, "workarounds": {"padding read": 3}, "missing": [],
     "faults": [{"kind": "race", "kernel": "kernel_norm", "where": "norm.metal:40", "text": "…", "count": 2}]}

A pass of a test rests on it: without a line nothing shows that the device ran at all. So a line that cannot be read is
a failure like a missing one, and never left out.
"""

import posixpath
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import msgspec

from forkkeeper.core import reading
from forkkeeper.core.variants import Known

MOST = 3  # faults and kernels named in one sentence


class Fault(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Something that a kernel did wrong, as the device saw it.

    kind -- such as "race"
    where -- FILE:LINE of upstream's source
    count -- how often
    """

    kind: str
    kernel: str
    where: str
    text: str
    count: int

    def __str__(self) -> str:
        return f"{self.kind} in {self.kernel} at {self.where}: {self.text}"


class _Kernels(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    compiled: int
    used: tuple[str, ...]
    idle: tuple[str, ...] = ()


class Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one process reported; the fields are those of `Emulation`. program -- its name."""

    kernels: _Kernels
    order: str
    dispatches: int
    checked: bool
    workarounds: dict[str, int]
    faults: tuple[Fault, ...]
    missing: tuple[str, ...]
    program: str = ""


@dataclass(frozen=True, slots=True)
class Emulation:
    """What an emulated device did in all processes of a test.

    processes -- number of those that reported
    compiled -- number of kernels that were compiled from upstream's source
    used -- names of the kernels that ran, sorted
    idle -- names of those that no process ran, sorted
    orders -- in which the groups of a kernel's threads ran, each once
    dispatches -- number of times that a kernel was started
    checked -- whether every process looked for what real hardware does not say, such as races
    workarounds -- how often the device was more lenient than hardware, by name
    faults -- each once, with how often it was seen
    missing -- names of kernels that were asked for and are not there, sorted
    """

    processes: int
    compiled: int
    used: tuple[str, ...]
    idle: tuple[str, ...]
    orders: tuple[str, ...]
    dispatches: int
    checked: bool
    workarounds: dict[str, int]
    faults: tuple[Fault, ...]
    missing: tuple[str, ...]


def parse(line: str) -> Line:
    """Read one line. Raises ValueError saying what is wrong with it."""
    try:
        return reading.struct(line, Line)
    except ValueError as error:
        raise ValueError(f"{error} in: {line[:80]}{' …' if len(line) > 80 else ''}") from error


def read(lines: Sequence[str]) -> Emulation | None:
    """Read the lines of a test's processes and put them together; None where there is no line.

    Raises ValueError for a line that cannot be read, with its number among them.
    """
    found = []
    for number, text in enumerate(lines, start=1):
        try:
            found.append(parse(text))
        except ValueError as error:
            raise ValueError(f"line {number} cannot be read: {error}") from error
    return merge(found) if found else None


def merge(lines: Sequence[Line]) -> Emulation:
    """Put together what several processes reported."""
    workarounds: Counter[str] = Counter()
    counts: Counter[tuple[str, str, str, str]] = Counter()
    for line in lines:
        workarounds.update(line.workarounds)
        for fault in line.faults:
            counts[fault.kind, fault.kernel, fault.where, fault.text] += fault.count
    used = {name for line in lines for name in line.kernels.used}
    return Emulation(
        processes=len(lines),
        compiled=max((line.kernels.compiled for line in lines), default=0),
        used=tuple(sorted(used)),
        idle=tuple(sorted({name for line in lines for name in line.kernels.idle} - used)),
        orders=tuple(dict.fromkeys(line.order for line in lines)),
        dispatches=sum(line.dispatches for line in lines),
        checked=all(line.checked for line in lines),
        workarounds=dict(sorted(workarounds.items())),
        faults=tuple(Fault(*named, count) for named, count in counts.items()),
        missing=tuple(sorted({name for line in lines for name in line.missing})),
    )


def below(found: Emulation, folders: Sequence[str]) -> Emulation:
    """Give the same with the places of faults named from these folders, as far as they are in one.

    folders -- with a slash at their ends
    """
    return replace(found, faults=tuple(_below(fault, folders) for fault in found.faults))


def _below(fault: Fault, folders: Sequence[str]) -> Fault:
    path, colon, line = fault.where.rpartition(":")
    path = posixpath.normpath(path) if colon else path
    inside = next((path.removeprefix(folder) for folder in folders if path.startswith(folder)), path)
    return msgspec.structs.replace(fault, where=f"{inside}{colon}{line}")


def of_fault(fault: Fault, known: Sequence[Known]) -> Known | None:
    """Give what is known of a fault, None for a new one."""
    return next((one for one in known if one.kind == fault.kind and re.search(one.kernel, fault.kernel)), None)


def gone(found: Emulation, known: Sequence[Known]) -> tuple[Known, ...]:
    """Give the known faults that kernels no longer have, though they ran."""
    seen = {of_fault(fault, known) for fault in found.faults}
    return tuple(one for one in known if one not in seen and any(re.search(one.kernel, name) for name in found.used))


def wrong(found: Emulation | None, *, passed: int, known: Sequence[Known] = ()) -> str:
    """Say why a test that ran on the device is no pass, whatever its cases say; "" for nothing.

    found -- None where no process reported
    passed -- number of cases that passed: they prove nothing where no kernel was started
    """
    if found is None:
        return "no process reported that it ran on the emulated device, so nothing proves that one did"
    said = []
    faults = [fault for fault in found.faults if of_fault(fault, known) is None]
    if faults:
        said.append(_some("fault", [f"{fault} ({_times(fault.count)})" for fault in faults], "; "))
    if found.missing:
        said.append(_some("missing kernel", found.missing, ", "))
    if passed and not found.dispatches:
        said.append(f"{passed} passed, though the emulated device started no kernel")
    return "; ".join(said)


def new(fork: Emulation | None, baseline: Emulation | None) -> Emulation | None:
    """Give what a fork reported without the faults and missing kernels that its baseline has as well.

    A fault is the same wherever its line is now.
    """
    if fork is None or baseline is None:
        return fork
    known = {(fault.kind, fault.kernel, fault.text) for fault in baseline.faults}
    return replace(
        fork,
        faults=tuple(one for one in fork.faults if (one.kind, one.kernel, one.text) not in known),
        missing=tuple(name for name in fork.missing if name not in baseline.missing),
    )


def _some(what: str, listed: Sequence[str], between: str) -> str:
    """Count things and name the first of them."""
    more = f"{between}and {len(listed) - MOST} more" if len(listed) > MOST else ""
    return f"{len(listed)} {what}{'s' * (len(listed) > 1)}: {between.join(listed[:MOST])}{more}"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count:,} times"
