"""`sbom`: the fork's bill of materials."""

import datetime as dt
from importlib import metadata
from pathlib import Path

from forkkeeper.core import declaration
from forkkeeper.core.declaration import Declaration
from forkkeeper.core.lock import Pin
from forkkeeper.core.report import Block, Painted, Report, count
from forkkeeper.errors import OutsideError
from forkkeeper.flow.standing import Setting, may_write, recover
from forkkeeper.shell import clock, disk
from forkkeeper.stages import project as projects

PLACE = Path("build", "report", "sbom.cdx.json")  # in the fork's folder; the name's end says which format it is


def sbom(setting: Setting, output: str | None = None) -> Report:
    """Write what the fork is made of as CycloneDX 1.6, from its files alone: pin, licences, patches, overlay.

    output -- the file that is written; None: build/report/sbom.cdx.json in the fork's folder
    Raises RequestError where the fork is not in step, or a declared licence is none that SPDX knows, OutsideError where
    what writes it is not installed.
    """
    if output is not None:
        may_write(setting.here, output, step="sbom", option="--output")
    try:
        from forkkeeper.core import bill  # noqa: PLC0415 -- its library is of an extra, and slow to import
    except ModuleNotFoundError as error:
        hint = "python -m pip install 'forkkeeper[report]'"
        raise OutsideError("sbom", str(error.name), "not installed", hint) from error
    root = projects.find_root(setting.here, step="sbom")
    notes = recover(root)
    project = projects.load(root, step="sbom")
    lock = projects.need_in_step(project, step="sbom")
    parts = bill.Parts(
        project.declaration,
        lock,
        project.queue.patches,
        project.overlay,
        clock.fixed() or _dated(lock.pin),
        metadata.version("forkkeeper"),
    )
    target = root / PLACE if output is None else setting.here / output
    disk.write(target, bill.document(parts).encode("utf-8"))
    what = f"{count(len(project.queue.patches), 'patch')}, {count(len(project.overlay), 'file')} of the overlay"
    said = f"wrote {output or PLACE}: CycloneDX 1.6, {project.declaration.upstream.name} at {lock.pin.sha}, {what}"
    return Report((*notes, said, *_unlicensed(project.declaration)))


def _dated(pin: Pin) -> dt.datetime:
    return dt.datetime.fromisoformat(pin.date).replace(tzinfo=dt.UTC)


def _unlicensed(declared: Declaration) -> tuple[Block, ...]:
    """Say which licences are not declared: without both the fork's own is not said either."""
    fields = {"licence": declared.licence, "[upstream] licence": declared.upstream.licence}
    missing = [field for field, value in fields.items() if not value]
    if not missing:
        return ()
    return (
        Painted(f'{declaration.FILE} does not say {" and ".join(missing)}: add it, such as licence = "MIT"', "yellow"),
    )
