"""Many objects as one pack: a carry makes some hundreds, and a file for each costs more than all the rest of it.

Format: git-scm.com/docs/gitformat-pack, version 2 of packs and of their indexes; no deltas.
"""

import hashlib
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

_KINDS = {"commit": 1, "tree": 2, "blob": 3}
_LEAST_COMPRESSION = zlib.Z_BEST_SPEED  # a pack lives as long as one command


@dataclass(frozen=True, slots=True)
class Pack:
    """A pack and its index. name -- the SHA-1 in the names of both files."""

    name: str
    data: bytes
    index: bytes


def pack(objects: Mapping[str, tuple[str, bytes]]) -> Pack:
    """Pack objects, given by id: kind ("commit", "tree", "blob") and bytes."""
    parts = [b"PACK" + struct.pack(">II", 2, len(objects))]
    at = len(parts[0])
    rows: list[tuple[bytes, int, int]] = []
    for oid in sorted(objects):
        kind, data = objects[oid]
        part = _header(_KINDS[kind], len(data)) + zlib.compress(data, _LEAST_COMPRESSION)
        rows.append((bytes.fromhex(oid), zlib.crc32(part), at))
        parts.append(part)
        at += len(part)
    body = b"".join(parts)
    checksum = hashlib.sha1(body, usedforsecurity=False).digest()
    return Pack(checksum.hex(), body + checksum, _index(rows, checksum))


def _header(kind: int, size: int) -> bytes:
    """Write an entry's kind and size: four bits of the size beside the kind, then seven a byte, the least first."""
    made = bytearray()
    byte, size = (kind << 4) | (size & 0x0F), size >> 4
    while size:
        made.append(byte | 0x80)
        byte, size = size & 0x7F, size >> 7
    made.append(byte)
    return bytes(made)


def _index(rows: list[tuple[bytes, int, int]], checksum: bytes) -> bytes:
    """Write the index of rows (id, crc, offset) that are ordered by id; offsets stay below 2 GiB."""
    counts = [0] * 256
    for oid, _, _ in rows:
        counts[oid[0]] += 1
    totals, total = [], 0
    for count in counts:
        total += count
        totals.append(total)
    body = b"".join(
        (
            b"\xfftOc",
            struct.pack(">I", 2),
            struct.pack(">256I", *totals),
            *(oid for oid, _, _ in rows),
            *(struct.pack(">I", crc) for _, crc, _ in rows),
            *(struct.pack(">I", offset) for _, _, offset in rows),
            checksum,
        )
    )
    return body + hashlib.sha1(body, usedforsecurity=False).digest()
