"""Upstream at the pins that the tests of native/metal stand on, as forkkeeper brings it."""

from pathlib import Path

from world import Fork, Upstream, keep_fork

# one file of shaders in the older one, many in the newer one
PINS = {"the older pin": "llama-cpp-python==0.3.31", "the newer pin": "llama-cpp-python==0.3.36"}


def bring(place: Path) -> dict[str, Path]:
    """Bring upstream at both pins, and the fork's own tree: the trees by name. Needs the network."""
    root = keep_fork(place / "fork")
    fork = Fork(root, Upstream(root / ".forkkeeper/upstream.git"), "", "")
    for name, pin in PINS.items():
        fork.ok("materialise", str(place / name), "--baseline", "--at", pin)
    fork.ok("materialise", str(place / "the fork"))
    return {name: place / name for name in (*PINS, "the fork")}
