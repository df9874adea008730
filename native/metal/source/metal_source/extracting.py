"""What the machine takes from upstream's host side: its plain C, and which form its interfaces have at this pin.

Which operations a device supports is said by C functions in an Objective-C file. They are copied out as they stand, so
that "supported" means what upstream says, with the fork's patches in it.
"""

import re
from collections.abc import Callable
from pathlib import Path

from metal_source.faults import Place, UnknownConstructError

DEVICE = "ggml-metal-device.m"
WANTED = ("ggml_metal_device_supports_op", "ggml_metal_device_id_parse", "ggml_metal_device_id_token")
OPTIONAL = frozenset({"ggml_metal_device_id_token"})  # newer pins have it
_OBJECTIVE_C = re.compile(r"@(?:autoreleasepool|available|\"|\[)|\[\w+(?:->\w+)* |\bNS[A-Z]\w+|\bid<")

# interface -> the macro that is defined -> a pattern that must match the header where it is
FORMS: dict[str, dict[str, str]] = {
    "ggml-metal-device.h": {
        "EMULATED_INIT_OF_ONE": r"ggml_metal_device_init\(int device\);",
        "EMULATED_INIT_OF_SEVERAL": r"ggml_metal_device_init\(int device, int n_devices\);",
    },
    "ggml-metal-device.h ": {
        "EMULATED_RSETS_ALONE": r"ggml_metal_rsets_init\(void\);",
        "EMULATED_RSETS_OF_DEVICE": r"ggml_metal_rsets_init\(ggml_metal_device_t dev\);",
    },
    "ggml-metal-ops.h": {
        "EMULATED_OP_INIT_FUSION_FLAG": (
            r"ggml_metal_op_init\(\s*ggml_metal_device_t dev,\s*ggml_metal_cmd_buf_t cmd_buf,"
            r"\s*struct ggml_cgraph \* gf,"
            r"\s*int\s+idx_start,\s*int\s+idx_end,\s*bool use_fusion,\s*bool use_concurrency,\s*bool use_capture,"
            r"\s*int\s+debug_graph,\s*int\s+debug_fusion\);"
        ),
        "EMULATED_OP_INIT_FUSION_INFO": (
            r"ggml_metal_op_init\(\s*ggml_metal_device_t dev,\s*ggml_metal_cmd_buf_t cmd_buf,"
            r"\s*struct ggml_cgraph \* gf,"
            r"\s*struct ggml_metal_fusion_info \* finfo,\s*int\s+idx_start,\s*int\s+idx_end,\s*bool use_concurrency,"
            r"\s*bool use_capture,\s*int\s+debug_graph\);"
        ),
    },
}
FIELDS = (
    "device_phys",
    "device_virt",
    "gpu_family",
    "supports_gpu_family_apple7",
    "device_id",
    "op_offload_min_batch_size",
)


def extract(metal: Path, out: Path, write: Callable[[Path, str], None]) -> None:
    """Write `interface.h` and `device_tables.c`.

    Raises:
        UnknownConstructError: an interface has a form that this emulation does not know, or a function is not plain C
    """
    write(out / "interface.h", _interface(metal))
    write(out / "device_tables.c", _tables(metal / DEVICE))


def _interface(metal: Path) -> str:
    lines = ["// Which form upstream's interfaces have at this pin. Made by native/metal/source.\n#pragma once\n"]
    for header, forms in FORMS.items():
        path = metal / header.strip()
        text = path.read_text(encoding="utf-8")
        found = [macro for macro, pattern in forms.items() if re.search(pattern, text)]
        if len(found) != 1:
            function = re.search(r"(ggml_\w+)\\\(", next(iter(forms.values())))
            name = function[1] if function else "an interface"
            line = next((number for number, each in enumerate(text.splitlines(), 1) if name in each), 1)
            raise UnknownConstructError(
                Place(str(path), line),
                f"{name} has a form that the emulation does not know: add it to FORMS in "
                "native/metal/source/metal_source/extracting.py, and to native/metal/runtime/adapter.h",
            )
        lines.append(f"#define {found[0]} 1\n")
    device = (metal / "ggml-metal-device.h").read_text(encoding="utf-8")
    properties = re.search(r"struct ggml_metal_device_props \{(.*?)\};", device, re.DOTALL)
    words = set(re.findall(r"\w+", properties[1] if properties else ""))
    lines += [f"#define EMULATED_HAS_{name} 1\n" for name in FIELDS if name in words]
    if "GGML_ASSERT(size % 16 == 0)" in (metal / DEVICE).read_text(encoding="utf-8"):
        lines.append("#define EMULATED_ASSERTS_SIXTEEN 1\n")
    return "".join(lines)


def _tables(path: Path) -> str:
    text = path.read_text(encoding="utf-8")
    chunks = _chunks(text)
    includes = list(re.findall(r'^#\s*(?:import|include) "([^"]+)"', text, re.MULTILINE))
    if (path.parent / "ggml-metal-ops.h").exists() and "ggml-metal-ops.h" not in includes:
        includes.append("ggml-metal-ops.h")
    wanted = list(WANTED)
    taken: dict[int, str] = {}
    while wanted:
        name = wanted.pop()
        at = chunks.get(name)
        if at is None:
            if name in WANTED and name not in OPTIONAL:
                raise UnknownConstructError(Place(str(path), 1), f"{name} is not here any more")
            continue
        line, chunk = at
        if line in taken:
            continue
        if found := _OBJECTIVE_C.search(chunk):
            place = Place(str(path), line + chunk[: found.start()].count("\n"))
            raise UnknownConstructError(place, f"{name} is not plain C any more: {found[0]}")
        taken[line] = chunk
        wanted += [word for word in set(re.findall(r"\b[A-Za-z_]\w*\b", chunk)) if word in chunks and word != name]
    parts = ["// Copied out of upstream's file by native/metal/source.\n#include <assert.h>\n#include <string.h>\n"]
    parts += [f'#include "{name}"\n' for name in includes]
    parts.append('#include "device.h"\n')
    parts += [f'#line {line} "{path}"\n{taken[line]}\n' for line in sorted(taken)]
    # static there: handed out to the device
    parts.append(
        "enum ggml_metal_device_id emulated_device_id(const char * name) { return ggml_metal_device_id_parse(name); }\n"
    )
    return "".join(parts)


def _chunks(text: str) -> dict[str, tuple[int, str]]:
    """Give functions and tables that begin and end in the first column: name -> line, text."""
    found: dict[str, tuple[int, str]] = {}
    lines = text.splitlines()
    start, depth = None, 0
    for number, line in enumerate(lines):
        if start is None and re.match(r"[A-Za-z_].*[{(]\s*$", line):
            start, depth = number, 0
        if start is None:
            continue
        depth += line.count("{") - line.count("}")
        chunk = "\n".join(lines[start : number + 1])
        if depth == 0 and "{" in chunk and line.startswith("}"):
            # of a table the name stands behind its struct, of a function before its parameters
            head = chunk.rpartition("\n} ")[2] if re.match(r"(?:static )?(?:const )?struct \{", chunk) else chunk
            if name := re.search(r"(\w+)\s*[(\[]", head):
                found[name[1]] = (start + 1, chunk)
            start = None
        elif depth == 0 and line.rstrip().endswith(";"):
            start = None
    return found
