"""Which kernels are compiled together, and the C++ of each such unit."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from metal_source.declarations import Declaration, What, reachable
from metal_source.kernels import Kernel
from metal_source.meetings import Meetings, meetings_of
from metal_source.rewriting import text_of

# kernels of one unit: few, so that a changed line is soon compiled again and two cores are busy to the end
KERNELS = 16
HEAVY = {"kernel_flash_attn_ext": 4, "kernel_mul_mm": 2, "kernel_mul_mm_id": 2}  # these compile that much longer


@dataclass(frozen=True, slots=True)
class Unit:
    """One file of C++. name -- without its ending; text -- its C++; kernels -- in it, in upstream's order."""

    name: str
    text: str
    kernels: tuple[Kernel, ...]


def units(stem: str, declarations: Sequence[Declaration], kernels: Sequence[Kernel]) -> list[Unit]:
    """Divide a file's kernels: by function, in the file's order."""
    kept = [each for each in declarations if each.what is not What.INSTANCE]
    meetings = meetings_of(kept)
    return [
        Unit(f"{stem}_{number:02}", _text(kept, meetings, group), tuple(group))
        for number, group in enumerate(_groups(kernels))
    ]


def _groups(kernels: Iterable[Kernel]) -> list[list[Kernel]]:
    groups: list[list[Kernel]] = []
    weight = 0
    for kernel in kernels:
        heavy = HEAVY.get(kernel.base, 1)
        another = bool(groups) and groups[-1][-1].base != kernel.base
        if not groups or weight + heavy > KERNELS or (another and weight > KERNELS // 2):
            groups.append([])
            weight = 0
        groups[-1].append(kernel)
        weight += heavy
    return groups


def _text(declarations: Sequence[Declaration], meetings: Meetings, kernels: Sequence[Kernel]) -> str:
    wanted = reachable({name for kernel in kernels for name in (kernel.base, *kernel.needs)}, declarations)
    parts = ['#include "metal.h"\n#include "execution.h"\n\nnamespace {\n']
    parts.extend(text_of(declaration, meetings) for declaration in wanted)
    for number, kernel in enumerate(kernels):
        parts.append(_registration(number, kernel, _constants(kernel, wanted)))
    parts.append("\n}  // namespace\n")
    return "".join(parts)


def _constants(kernel: Kernel, within: Sequence[Declaration]) -> list[str]:
    """Give the function constants that a kernel can reach."""
    reached = reachable({kernel.base, *kernel.needs}, within)
    return [name for each in reached if each.what is What.CONSTANT for name in sorted(each.names)]


def _registration(number: int, kernel: Kernel, constants: Iterable[str]) -> str:
    parameters = ", ".join(kernel.parameters)
    needs = "".join(f" &{name}," for name in constants)
    return (
        f'\n#line {kernel.at.line} "{kernel.at.file}"\n'
        f'EMULATED_KERNEL({number}, "{kernel.name}", "{kernel.at.file}", {kernel.at.line}, '
        f"(emulated::Call<&{kernel.function}, {parameters}>),{needs})"
    )
