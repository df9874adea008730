"""Whether two builds are the same code: their files byte for byte, but for what a build says of itself.

A build writes three things about itself into what it links, and none of them is an instruction: the folder that it was
built in (as the place of its libraries), the names of what it was made of (the pin and the queue's digest, where the
fork puts them into its version), and the linker's build id, which is a digest of the rest. Names of one length are read
as one; where two names differ in length all that comes after them lies elsewhere, and the builds are not the same.
"""

import re
from collections.abc import Mapping, Sequence

# An ELF note of the owner "GNU" of type 3 with twenty bytes: NT_GNU_BUILD_ID, of either byte order (elf(5)).
_BUILD_ID = re.compile(rb"((?:\x04\0\0\0\x14\0\0\0\x03\0\0\0|\0\0\0\x04\0\0\0\x14\0\0\0\x03)GNU\0).{20}", re.DOTALL)

PIECE = 8  # bytes: the shortest part of a name that is known for one

Code = Mapping[str, str]


def bare(data: bytes, names: Sequence[str]) -> bytes:
    r"""Give a file's bytes with the names that its build has, and its build id, written over by zeros.

    Names are written over in pieces as well: a compiler that copies a short text cuts it into registers. A piece of
    eight characters of a digest turns up by itself nowhere.

    >>> bare(b"run from /a/0123456789ab/bin", ["0123456789ab"]).count(0)
    12
    """
    blank = bytearray(data)
    for piece in {name.encode()[at : at + PIECE] for name in names for at in range(max(1, len(name) - PIECE + 1))}:
        at = data.find(piece) if piece else -1
        while at >= 0:
            blank[at : at + len(piece)] = bytes(len(piece))
            at = data.find(piece, at + 1)
    return _BUILD_ID.sub(rb"\1" + bytes(20), bytes(blank))


def is_same(one: Code, other: Code) -> bool:
    """Whether two builds are the same code. one, other -- digests of bare files by name; nothing is like nothing."""
    return bool(one) and one == other
