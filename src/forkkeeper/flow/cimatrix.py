"""`ci-matrix`: the jobs of CI, made from the variants of fork.toml; workflows read its document with `fromJSON`."""

import json
from collections.abc import Sequence

from forkkeeper.core import cimatrix, declaration, lock
from forkkeeper.core.cimatrix import Device, Job, Matrix, Plain
from forkkeeper.core.ids import EMPTY_TREE
from forkkeeper.core.report import Block, Cell, Emulated, Painted, Report, Table, count
from forkkeeper.core.variants import COSTS, Cost
from forkkeeper.errors import ExitCode, RequestError
from forkkeeper.flow.standing import Setting
from forkkeeper.shell import disk
from forkkeeper.stages import build as builds, project as projects
from forkkeeper.stages.build import Identity

SCHEMA = 1


def ci_matrix(setting: Setting, *, cost: str | None = None, registered: str | None = None) -> Report:
    """Say which jobs build and test the variants; no upstream is needed, and nothing of this machine counts.

    cost -- the dearest class that gets jobs
    registered -- names of variants, with commas, whose own runner is there; "none"; None: all that declare one
    """
    root = projects.find_root(setting.here, step="ci-matrix")
    declared = declaration.parse(disk.read(root / declaration.FILE) or b"")  # with the forms for all systems
    names = None if registered is None else [name for name in _words(registered) if name != cimatrix.NONE]
    made = cimatrix.make(declared.variant, declared.build, cost=_cost(cost), registered=names)
    written = disk.read(root / lock.FILE)
    stands = lock.parse(written) if written is not None else None
    identity = Identity(EMPTY_TREE, stands.pin.sha if stands else "", stands.digests.queue if stands else "")
    return Report(tuple(_blocks(made)), document=_document(made, identity))


def _words(text: str) -> list[str]:
    return text.replace(",", " ").split()


def _cost(text: str | None) -> Cost:
    if text is None:
        return COSTS[-1]
    for one in COSTS:
        if text == one:
            return one
    raise RequestError("ci-matrix", f"--cost {text}", "is no class of cost", f"give one of {', '.join(COSTS)}")


def _blocks(made: Matrix) -> list[Block]:
    jobs = (*made.jobs, *(one.job for one in made.plain))
    headers = ("job", "device", "sessions", "cost", "installed", "setup")
    blocks: list[Block] = [
        Table(headers, tuple(map(_row, jobs)), prose=("sessions", "installed", "setup")),
        "",
        f"{count(len(jobs), 'job')}: {', '.join(f'{_number(jobs, one)} {said}' for one, said in _SAID.items())}",
    ]
    if made.left_out:
        rows = tuple((one.variant, one.runner, one.why) for one in made.left_out)
        blocks += ["", "No job:", Table(("variant", "runner", "why"), rows, prose=("why",))]
    return blocks


_SAID = {
    Device.REAL: "on a real device",
    Device.EMULATED: "on an emulated one",
    Device.NONE: "with none, built and not tested",
}


def _number(jobs: Sequence[Job], device: Device) -> int:
    return sum(job.device is device for job in jobs)


def _row(job: Job) -> tuple[Cell, ...]:
    name: Cell = Emulated(job.name) if job.is_emulated else job.name
    colours = {Device.REAL: "green", Device.EMULATED: "yellow", Device.NONE: "dim"}
    installed = " ".join((*job.packages, *(f"kit:{kit}" for kit in job.kits)))
    return (
        name,
        Painted(job.device.value, colours[job.device]),
        " ".join(job.sessions) or "CMake alone",
        job.cost,
        installed,
        "; ".join(job.setup),
    )


def _document(made: Matrix, identity: Identity) -> str:
    """Write the matrix as JSON, schema 1 (stable); lists that a shell reads are words with blanks between them."""
    found = {
        "schema": SCHEMA,
        "verb": "ci-matrix",
        "exit": int(ExitCode.IN_STEP),
        "jobs": [_job(one) for one in made.jobs],
        "plain": [_plain(one, identity) for one in made.plain],
        "left_out": [{"variant": one.variant, "runner": one.runner, "why": one.why} for one in made.left_out],
    }
    return json.dumps(found, indent=1) + "\n"


def _job(job: Job) -> dict[str, object]:
    return {
        "name": job.name,
        "variant": job.variant,
        "runner": list(job.runner),
        "hosted": job.hosted,
        "system": job.system,
        "packages": " ".join(job.packages),
        "kits": " ".join(job.kits),
        "setup": list(job.setup),
        "sessions": " ".join(job.sessions),
        "cost": job.cost,
        "device": job.device.value,
        "emulated": job.is_emulated,
        "minutes": job.minutes,
    }


def _plain(one: Plain, identity: Identity) -> dict[str, object]:
    options = "\n".join(builds.fill(one.cmake, identity))  # one a line: an option may have blanks
    return _job(one.job) | {"cmake": options, "targets": " ".join(one.targets), "backend": one.backend}
