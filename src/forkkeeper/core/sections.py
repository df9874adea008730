"""How large the sections of a built library are, as binutils' `size -A -d` prints them.

The text: a head that names the file, a line of column names, a line for each section, a total:

    libggml-cuda.so  :
    section              size       addr
    .text             1234567      12345
    .nv_fatbin       40000000    1234567
    Total            41234567
"""

import re
from collections.abc import Mapping

LINE = re.compile(r"(?P<name>\S+)\s+(?P<size>\d{1,18})\s+\d+\s*")
KINDS: tuple[tuple[str, tuple[str, ...]], ...] = (  # a section's kind is the first that has its name
    ("device code", (".nv_fatbin", "__nv_relfatbin", ".hip_fatbin", "__CLANG_OFFLOAD_BUNDLE__")),
    ("code", (".text", ".plt", ".init", ".fini")),
    ("constants", (".rodata", ".eh_frame", ".eh_frame_hdr", ".gcc_except_table", ".data.rel.ro")),
)
REST = "rest"  # symbols to link by, data that changes
TOTAL = "total"


def parse(text: str) -> dict[str, int]:
    r"""Read the sections and their sizes in bytes; lines of another form are left out.

    >>> parse("x.so  :\nsection  size  addr\n.text  12  4096\n.nv_fatbin  300  8192\nTotal  312\n")
    {'.text': 12, '.nv_fatbin': 300}
    """
    found = (LINE.fullmatch(line) for line in text.splitlines())
    return {match["name"]: int(match["size"]) for match in found if match}


def by_kind(sections: Mapping[str, int]) -> dict[str, int]:
    """Add the sections up by kind, in bytes, with their total last; sections that are not loaded are not told apart.

    >>> by_kind({".text": 12, ".nv_fatbin": 300, ".bss": 5})
    {'device code': 300, 'code': 12, 'constants': 0, 'rest': 5, 'total': 317}
    """
    sums = {kind: sum(sections.get(name, 0) for name in names) for kind, names in KINDS}
    total = sum(sections.values())
    return {**sums, REST: total - sum(sums.values()), TOTAL: total}
