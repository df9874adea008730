#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Put a model into an executable: one file that is both.

usage: llamafile-embed.py EXECUTABLE MODEL.gguf OUTPUT

The layout is described in ggml/src/llamafile-embedded.h, which reads it.
"""

import shutil
import struct
import sys
from pathlib import Path

PAGE = 4096
MAGIC = b"LLAMAFILE-GGUF".ljust(16, b"\0")


def embed(executable: Path, model: Path, output: Path) -> int:
    """Write executable, padding, model and trailer to output; return the model's offset."""
    shutil.copyfile(executable, output)
    shutil.copymode(executable, output)
    with output.open("r+b") as out, model.open("rb") as weights:
        size = out.seek(0, 2)
        out.write(b"\0" * (-size % PAGE))
        offset = out.tell()
        shutil.copyfileobj(weights, out, 1 << 20)
        out.write(MAGIC + struct.pack("<Q", offset))
    return offset


def main() -> None:
    """Check the arguments, embed, and say where the model went."""
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    executable, model, output = map(Path, sys.argv[1:])
    with model.open("rb") as weights:
        if weights.read(4) != b"GGUF":
            sys.exit(f"{model} is not a GGUF file")
    offset = embed(executable, model, output)
    sys.stdout.write(f"{output}: model at offset {offset}\n")


if __name__ == "__main__":
    main()
