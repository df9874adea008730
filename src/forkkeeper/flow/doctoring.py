"""`doctor`: what every variant needs, what this machine has of it, and what is to be installed."""

import json
from collections.abc import Sequence
from pathlib import Path

from forkkeeper.core import declaration, needs
from forkkeeper.core.declaration import Declaration
from forkkeeper.core.kits import Kit
from forkkeeper.core.needs import GOOD, Ability, Answer, State, System
from forkkeeper.core.report import Block, Cell, Painted, Report, Table, of_variant
from forkkeeper.core.variants import DeviceNeed, Variant
from forkkeeper.errors import ExitCode, RequestError
from forkkeeper.flow.standing import Setting, near_hint
from forkkeeper.stages import kit as kits, probe as probes, project as projects
from forkkeeper.stages.probe import Probe

SCHEMA = 1


def doctor(setting: Setting, variants: Sequence[str], *, strict: bool = False) -> Report:
    """Say which variants can be built and run here, and what is missing.

    variants -- their names; none: all
    strict -- the answer is no where one of them cannot be built or cannot run; without it only where one that was
        named cannot be built
    """
    root = projects.find_root(setting.here, step="doctor")
    declared = projects.load_declaration(root)
    names = known(declared, variants, "doctor")
    abilities = examine(root, declared, names)
    system = probes.system()
    lacking = any(not one.builds for one in abilities)
    refused = strict and any(not one.builds or not one.runs for one in abilities)
    code = ExitCode.ANSWER_IS_NO if refused or (variants and lacking) else ExitCode.IN_STEP
    return Report(tuple(_blocks(abilities)), code, document=_document(abilities, system, code))


def examine(root: Path, declared: Declaration, names: Sequence[str]) -> tuple[Ability, ...]:
    """Look at this machine for what variants need; each question is asked once."""
    probe = Probe()
    kits = {name: _kit(root, name, kit) for name, kit in declared.kit.items()}
    return tuple(probe.ability(name, declared.variant[name], kits) for name in names)


def _kit(root: Path, name: str, kit: Kit) -> probes.Kit:
    folder = kits.place(root, name)
    return probes.Kit(
        here=kits.here(root, name, kit),
        include=folder / kit.include if kit.include else None,
        path=folder / kit.path if kit.path else None,
        environment=kits.environment(root, name, kit),
    )


def known(declared: Declaration, names: Sequence[str], step: str) -> tuple[str, ...]:
    """Check the names of variants; none given: all of them."""
    there = tuple(declared.variant)
    if not there:
        raise RequestError(step, declaration.FILE, "declares no [variant.NAME]", "add one; see what `init` writes")
    for name in names:
        if name not in there:
            raise RequestError(
                step, f"variant {name}", f"is not in {declaration.FILE}", near_hint(name, there, "variants")
            )
    return tuple(dict.fromkeys(names)) or there


def _blocks(abilities: Sequence[Ability]) -> list[Block]:
    rows = tuple((of_variant(one.name, one.variant), _builds(one), _runs(one), device_of(one)) for one in abilities)
    blocks: list[Block] = [Table(("variant", "builds", "runs", "device"), rows, prose=("runs", "device"))]
    blocks += [_emulated(one) for one in abilities if one.is_emulated]
    asked = _by_need(abilities)
    looked = tuple((needs.wanted(answer.need), _here(answer), ", ".join(names)) for answer, names in asked)
    blocks += ["", Table(("need", "here", "of"), looked, prose=("here", "of"))]
    lacking = [answer for answer, _ in asked if answer.state not in GOOD]
    if lacking:
        blocks += ["", "To install:", Table(_PACKAGES, tuple(map(_packages, lacking)), prose=_PACKAGES)]
    return blocks


def _emulated(ability: Ability) -> str:
    """Say of an emulated variant that it is no device, and where it would be one."""
    about = f": {ability.variant.about}" if ability.variant.about else ""
    return f"{ability.name} is emulated on this machine, no device of its own{about}"


_SYSTEMS = (System.DEBIAN, System.FEDORA, System.MACOS)
_PACKAGES = ("need", *(one.value for one in _SYSTEMS))


def _builds(ability: Ability) -> Cell:
    if not ability.platform:
        return Painted("no: " + _elsewhere(ability.variant), "dim")
    if ability.lacking:
        return Painted("no", "red")
    return Painted("with a kit", "yellow") if ability.to_fetch or ability.beside else Painted("yes", "green")


def _runs(ability: Ability) -> Cell:
    if not ability.platform:
        return ""
    if not ability.lacking_to_run:
        return Painted("yes", "green")
    refused = [one for one in ability.lacking_to_run if one.state is State.REFUSED]
    return Painted("no: the device is refused" if refused else "no device", "yellow")


def device_of(ability: Ability) -> str:
    """Name the device that a variant's tests would use; software says that it is software, an emulation what it is."""
    if ability.is_emulated:
        return f"emulated on {probes.processor()}"
    answer = ability.device
    if answer is None:
        return probes.processor() if ability.platform else ""
    name = answer.device
    if not name:
        return ""
    software = isinstance(answer.need, DeviceNeed) and needs.is_software(answer.need, name)
    driver = f", driver {answer.used.version}" if answer.used.version else ""
    return f"{name}{driver}" + (", software" if software else "")


def _elsewhere(variant: Variant) -> str:
    return f"{' and '.join(variant.platform)} only"


def _by_need(abilities: Sequence[Ability]) -> list[tuple[Answer, tuple[str, ...]]]:
    """Give every need once, in the order first met, with the variants that have it."""
    names: dict[Answer, list[str]] = {}
    for ability in abilities:
        for answer in ability.answers:
            names.setdefault(answer, []).append(ability.name)
    all_of_them = [one.name for one in abilities if one.platform]
    return [(answer, ("all",) if of == all_of_them else tuple(of)) for answer, of in names.items()]


def _here(answer: Answer) -> Cell:  # noqa: PLR0911 -- one for each state
    seen = answer.used
    said = seen.version or answer.device or ", ".join(seen.devices) or ("yes" if seen.where else "")
    match answer.state:
        case State.MET:
            return Painted(said, "green")
        case State.BESIDE:
            return Painted(f"{said}, kit {answer.need.kit}", "green")
        case State.TO_FETCH:
            return Painted(f"{said or 'no'}; kit {answer.need.kit} can be fetched", "yellow")
        case State.TOO_OLD:
            return Painted(f"{said}, too old", "red")
        case State.UNREAD:
            return Painted("version unknown", "red")
        case State.REFUSED:
            return Painted(f"{said}: refused by the backend", "yellow")
        case State.MISSING:
            found = f"no: {answer.seen.because}" if answer.seen.because else "no"
            return Painted(found, "red" if answer.need.purpose == "build" else "yellow")


def _packages(answer: Answer) -> tuple[Cell, ...]:
    return (needs.wanted(answer.need), *(needs.package(answer.need, system) or "none" for system in _SYSTEMS))


def _document(abilities: Sequence[Ability], system: System, code: ExitCode) -> str:
    """Write what was found as JSON, schema 1: a session reads `builds` and `skipped`."""
    found = {"schema": SCHEMA, "verb": "doctor", "exit": int(code), "system": system.value}
    variants = [
        {
            "name": one.name,
            "about": one.variant.about,
            "emulated": one.is_emulated,
            "builds": one.builds,
            "runs": one.runs,
            "device": device_of(one),
            "skipped": "" if one.builds else needs.skipped(one, one.lacking, system),
            "not run": "" if one.runs else needs.skipped(one, one.lacking_to_run, system),
            "needs": [
                {
                    "need": needs.wanted(answer.need),
                    "for": answer.need.purpose,
                    "state": answer.state.value,
                    "version": answer.used.version,
                    "where": answer.used.where,
                    "packages": {
                        kind.value: needs.package(answer.need, kind) for kind in System if kind.value != "other"
                    },
                }
                for answer in one.answers
            ],
        }
        for one in abilities
    ]
    return json.dumps({**found, "variants": variants}, indent=1) + "\n"
