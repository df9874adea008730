# SPDX-License-Identifier: MIT
"""Keeps the models of the check between runs, each under what decides its bytes.

A model's file is named ADDRESS-DIGEST.gguf. The address is a digest of all that decides the bytes, so another
recipe, generator or quantiser never finds an old file; the digest is that of the bytes, so a damaged file is
never used. A file takes its name when it is whole.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from models import recipes
from models.recipes import WRITTEN, Recipe
from native_harness import succeeded

if TYPE_CHECKING:
    from native_harness import FindTool


@dataclass(frozen=True)
class Store:
    """A folder of models. tool -- finds the build's programs."""

    folder: Path
    tool: FindTool

    def path(self, recipe: Recipe) -> Path:
        """Return a model's file, as it was written; make it if it is not there or was damaged."""
        address = self.address(recipe)
        for found in self.folder.glob(f"{address}-*.gguf"):
            if found.name == f"{address}-{digest(found)}.gguf":
                return found
            found.unlink()
        self.folder.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=self.folder, prefix="unfinished-") as beside:
            made = Path(beside, "model.gguf")
            self._make(made, recipe)
            return made.replace(self.folder / f"{address}-{digest(made)}.gguf")

    def address(self, recipe: Recipe) -> str:
        """Return a digest of all that decides a model's bytes."""
        decides = {
            "recipe": asdict(recipe),
            "generator": digest(Path(recipes.__file__)),
            "packages": {name: importlib.metadata.version(name) for name in ("gguf", "numpy")},
            "quantiser": None if recipe.kind in WRITTEN else self._quantiser,
        }
        return hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()

    @cached_property
    def _quantiser(self) -> dict[str, str]:
        """The digests of llama-quantize and of every library of the build that it may load."""
        program = self.tool("llama-quantize")
        loaded = (one for one in program.libraries.glob("lib*") if one.is_file() and not one.is_symlink())
        return {one.name: digest(one) for one in (program.path, *loaded)}

    def _make(self, path: Path, recipe: Recipe) -> None:
        if recipe.kind in WRITTEN:
            recipes.write(path, recipe)
        else:
            source = self.path(replace(recipe, kind="F32"))
            succeeded(self.tool("llama-quantize")(source, path, recipe.kind, "1"))


def digest(path: Path) -> str:
    """Return the SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
