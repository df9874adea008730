"""Kits: `kit list` says what can stand in for what a system lacks, `kit fetch` unpacks it beside the build."""

from collections.abc import Sequence

from forkkeeper.core import declaration
from forkkeeper.core.declaration import Declaration
from forkkeeper.core.report import Cell, Painted, Report, Table
from forkkeeper.errors import RequestError
from forkkeeper.flow.standing import Setting, near_hint
from forkkeeper.stages import kit as kits, project as projects


def kit_list(setting: Setting) -> Report:
    """List the kits, whether they are here, and which variants use them."""
    root = projects.find_root(setting.here, step="kit")
    declared = projects.load_declaration(root)
    rows = tuple(
        (name, kit.about, str(kit.megabytes), _here(kits.here(root, name, kit)), ", ".join(_users(declared, name)))
        for name, kit in declared.kit.items()
    )
    if not rows:
        return Report((f"{declaration.FILE} declares no [kit.NAME]",))
    return Report((Table(("kit", "about", "MB", "here", "of"), rows, prose=("about", "of")),))


def kit_fetch(setting: Setting, names: Sequence[str]) -> Report:
    """Fetch kits: verified, then unpacked in `.forkkeeper/kits/`; one that is here whole is left."""
    root = projects.find_root(setting.here, step="kit")
    declared = projects.load_declaration(root).kit
    for name in names:
        if name not in declared:
            found = f"is not in {declaration.FILE}"
            raise RequestError("kit", name, found, near_hint(name, tuple(declared), "kits"))
    said = []
    for name in names:
        new = kits.fetch(root, name, declared[name], offline=setting.offline, on_progress=setting.on_progress)
        said.append(f"{name}: {'fetched, and is' if new else 'was here already,'} in {kits.place(root, name)}")
    return Report(tuple(said))


def _here(here: bool) -> Cell:
    return Painted("yes", "green") if here else "no"


def _users(declared: Declaration, kit: str) -> list[str]:
    return [name for name, variant in declared.variant.items() if any(need.kit == kit for need in variant.need)]
