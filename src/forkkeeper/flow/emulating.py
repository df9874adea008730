"""What an emulated device says of a test that ran on it, shown under the table of results."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import msgspec

from forkkeeper.core import emulation
from forkkeeper.core.emulation import Emulation, Fault
from forkkeeper.core.report import Block, Cell, Emulated, Table
from forkkeeper.core.standing import Standing, Stood
from forkkeeper.core.variants import FILE as DECLARATION, Known
from forkkeeper.flow.readying import Bench


@dataclass(frozen=True, slots=True)
class Said:
    """What the emulated device said in one test.

    variant, check -- as the table of results names them
    found -- None where no process reported, or one that cannot be read
    wrong -- why that is no pass, "" for nothing
    passed -- number of cases that passed
    known -- faults of upstream's that are no failure
    """

    variant: str
    check: str
    found: Emulation | None
    wrong: str
    passed: int = 0
    known: tuple[Known, ...] = ()


def of_test(bench: Bench, check: str, before: int, *, passed: int) -> Said | None:
    """Read what was reported since a test began; None for a device that reports nothing, such as a real one.

    before -- number of lines when it began
    passed -- number of cases that passed
    """
    if bench.reported is None:
        return None
    try:
        found = emulation.read(bench.lines[before:])
    except ValueError as error:
        return Said(bench.shown, check, None, f"what the emulated device reported: {error}", passed)
    found = emulation.below(found, (f"{bench.source.resolve()}/", f"{bench.device_folder}/")) if found else None
    known = bench.variant.emulated.known if bench.variant.emulated else ()
    return Said(bench.shown, check, found, emulation.wrong(found, passed=passed, known=known), passed, known)


def judged(stood: Stood, said: Said | None) -> Stood:
    """Take back a pass that the device itself contradicts; a device that crashes has no last word."""
    if said is None or not said.wrong or (stood.standing is Standing.DEVICE_CRASHES and said.found is None):
        return stood
    because = said.wrong if stood.standing is Standing.PASSED else f"{stood.because}; {said.wrong}"
    return Stood(Standing.FAILED, because)


def beside_baseline(fork: Said, baseline: Said) -> Said:
    """Leave out what the baseline's device complains of as well."""
    if fork.found is None or baseline.found is None:
        return fork
    found = emulation.new(fork.found, baseline.found)
    return replace(fork, wrong=emulation.wrong(found, passed=fork.passed, known=fork.known))


# shown --------------------------------------------------------------------------------------------------------------


def blocks(tests: Sequence[Said]) -> tuple[Block, ...]:
    """Show what emulated devices did: a row for each test, then workarounds and faults, and missing kernels by name."""
    found = [(one, one.found) for one in tests if one.found is not None]
    tables = (
        Table(_RUNS, tuple(_run(said, one) for said, one in found), prose=("check", "order")),
        Table(("variant", "check", "workaround", "times"), tuple(_workarounds(found)), prose=("check", "workaround")),
        Table(_FAULTS, tuple(_faults(found)), prose=("check", "fault", "what")),
    )
    shown = [block for table in tables if table.rows for block in ("", table)]
    missing = (f"{said.variant}, {said.check}: no such kernel: {name}" for said, one in found for name in one.missing)
    whole = [(said, one) for said, one in found if len(one.used) > len(one.idle)]  # of a test that is for all kernels
    idle = (
        f"{said.variant}, {said.check}: {len(one.idle)} of its kernels never ran: {', '.join(one.idle)}"
        for said, one in whole
        if one.idle
    )
    gone = (
        f"{said.variant}, {said.check}: {known.kind} in {known.kernel} was not seen any more: "
        f"take variant.….emulated.known out of {DECLARATION}"
        for said, one in whole
        for known in emulation.gone(one, said.known)
    )
    return (*shown, *missing, *idle, *gone)


_RUNS = ("variant", "check", "kernels compiled", "used", "dispatches", "order", "checked", "processes")
_FAULTS = ("variant", "check", "fault", "kernel", "where", "times", "what")


def _run(said: Said, found: Emulation) -> tuple[Cell, ...]:
    numbers = (f"{found.compiled:,}", f"{len(found.used):,}", f"{found.dispatches:,}")
    checked = "yes" if found.checked else "no"
    return (Emulated(said.variant), said.check, *numbers, ", ".join(found.orders), checked, f"{found.processes:,}")


def _workarounds(found: Sequence[tuple[Said, Emulation]]) -> Iterator[tuple[Cell, ...]]:
    for said, one in found:
        for name, times in one.workarounds.items():
            yield (Emulated(said.variant), said.check, name, f"{times:,}")


def _faults(found: Sequence[tuple[Said, Emulation]]) -> Iterator[tuple[Cell, ...]]:
    """Give a row for each new fault, and one for all kernels of which the same is known."""
    for said, one in found:
        known: dict[Known, list[Fault]] = {}
        for fault in one.faults:
            reason = emulation.of_fault(fault, said.known)
            if reason is not None:
                known.setdefault(reason, []).append(fault)
                continue
            what = (fault.kind, fault.kernel, fault.where, f"{fault.count:,}", fault.text)
            yield (Emulated(said.variant), said.check, *what)
        for reason, faults in known.items():
            kernels, times = {fault.kernel for fault in faults}, sum(fault.count for fault in faults)
            named = min(kernels) if len(kernels) == 1 else f"{len(kernels)} kernels"
            what = (reason.kind, named, faults[0].where, f"{times:,}", f"known: {reason.why}")
            yield (Emulated(said.variant), said.check, *what)


def document(tests: Sequence[Said]) -> dict[str, object]:
    """Give the same for scripts: numbers as numbers, and the kernels by their names."""
    if not tests:
        return {}
    return {"emulation": [_document(one) for one in tests]}


def _document(said: Said) -> dict[str, object]:
    head = {"variant": said.variant, "check": said.check, "emulated": True, "wrong": said.wrong}
    return head | (msgspec.to_builtins(said.found) if said.found else {})
