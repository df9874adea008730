"""The overlay: whole files that the fork adds. Laid over the tree; it can conflict only with a path upstream adds."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from forkkeeper.core.paths import fault
from forkkeeper.core.store import Entry, Store
from forkkeeper.errors import RequestError

FOLDER = "native/overlay"


@dataclass(frozen=True, slots=True)
class OverlayFile:
    """One file: git's mode, and its bytes (for a symbolic link, its target)."""

    mode: str
    data: bytes

    @property
    def lines(self) -> int:
        """Number of lines."""
        return self.data.count(b"\n") + (not self.data.endswith(b"\n") and self.data != b"")


Overlay = Mapping[str, OverlayFile]


def check(overlay: Overlay, *, step: str) -> None:
    """Refuse paths that would leave the tree. Raises RequestError."""
    for path in sorted(overlay):
        if wrong := fault(path):
            raise RequestError(step, f"{FOLDER}/{path}", f"path {wrong}", "rename or remove the file")


def digest(overlay: Overlay) -> str:
    """SHA-256 over every path, mode and content, ordered by path."""
    total = hashlib.sha256()
    for path in sorted(overlay):
        file = overlay[path]
        total.update(f"{path}\0{file.mode}\0{len(file.data)}\0".encode("utf-8", "surrogateescape") + file.data)
    return f"sha256:{total.hexdigest()}"


def entries(store: Store, overlay: Overlay) -> dict[str, Entry]:
    """Write the files as blobs and give their entries."""
    return {path: Entry(overlay[path].mode, store.put(overlay[path].data)) for path in sorted(overlay)}
