"""`python -m metal_source shaders --source TREE --clang CLANG --out FOLDER`: shaders to C++; `host`: see extracting.py.

Exit status: 0 done; 1 a construct is not known, or the preprocessor failed: what and where is on standard error.
"""

import argparse
import json
import re
import subprocess
import sys
from pathlib import Path

from metal_source.declarations import declarations
from metal_source.extracting import extract
from metal_source.faults import Place, UnknownConstructError
from metal_source.kernels import Kernel, kernels
from metal_source.lexing import tokens
from metal_source.units import units

METAL = Path("ggml/src/ggml-metal")
# what Apple's compiler would say of itself on a system with bfloat and without the tensor interface
DEFINED = ("-D__METAL_VERSION__=310", "-DGGML_METAL_HAS_BF16=1", "-D__METAL__=1")
EMPTY = ("metal_stdlib", "metal_tensor")


def main() -> int:
    """Read the command line and do it."""
    parser = argparse.ArgumentParser(prog="metal_source", description=__doc__)
    parser.add_argument("step", choices=("shaders", "host"))
    parser.add_argument("--source", type=Path, required=True, help="the composed tree")
    parser.add_argument("--clang", default="clang++", help="the preprocessor")
    parser.add_argument(
        "--only",
        type=re.compile,
        default=re.compile(""),
        help="kernel functions to compile, by name; the rest is missing",
    )
    parser.add_argument("--out", type=Path, required=True, help="folder for what is made")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    try:
        if given.step == "shaders":
            _shaders(given.source, given.clang, given.only, given.out)
        else:
            extract(given.source / METAL, given.out, _write)
    except UnknownConstructError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except subprocess.CalledProcessError as error:
        sys.stderr.write(f"{error.stderr}\n{error.cmd[0]} could not preprocess {error.cmd[-1]}\n")
        return 1
    except OSError as error:
        sys.stderr.write(f"{error.filename}: error: {error.strerror}\n")
        return 1
    return 0


def shader_files(metal: Path) -> list[Path]:
    """Give the shaders that are compiled by themselves: those that no other one includes, by name."""
    found = sorted(metal.glob("*.metal")) + sorted(metal.glob("kernels/*.metal"))
    included = {
        line.split('"')[1]
        for file in found
        for line in file.read_text(encoding="utf-8").splitlines()
        if line.strip().startswith("#include") and '"' in line
    }
    return [file for file in found if file.name not in included]


def _shaders(source: Path, clang: str, only: re.Pattern[str], out: Path) -> None:
    known: list[tuple[str, Kernel]] = []
    names = []
    for file in shader_files(source / METAL):
        found = declarations(tokens(_preprocessed(file, source, clang, out)))
        wanted = [kernel for kernel in kernels(found) if only.search(kernel.base)]
        for unit in units(file.stem.replace("-", "_"), found, wanted):
            _write(out / f"{unit.name}.cpp", unit.text)
            names.append(unit.name)
            known += [(unit.name, kernel) for kernel in unit.kernels]
    _check_names(source, only, [kernel for _, kernel in known])
    for stale in out.glob("*.cpp"):
        if stale.stem not in names:
            stale.unlink()
    _write(out / "units.txt", "".join(f"{name}.cpp\n" for name in names))
    listed = [
        {"name": kernel.name, "function": kernel.function, "at": str(kernel.at.place), "unit": unit}
        for unit, kernel in known
    ]
    _write(out / "kernels.json", json.dumps({"kernels": listed}, indent=1) + "\n")


def _check_names(source: Path, only: re.Pattern[str], known: list[Kernel]) -> None:
    """Refuse a name that two kernels have, as the host asks by name, and a device without kernels."""
    if not known:
        raise UnknownConstructError(Place(str(source / METAL), 1), f"no kernel of a name with {only.pattern!r} here")
    by_name: dict[str, Kernel] = {}
    for kernel in known:
        if (first := by_name.setdefault(kernel.name, kernel)) is not kernel:
            raise UnknownConstructError(kernel.at.place, f"{kernel.name} is a kernel's name already: {first.at.place}")


def _preprocessed(file: Path, source: Path, clang: str, out: Path) -> str:
    """Run clang's preprocessor with empty files for Metal's own headers: theirs are ours, and come later."""
    empty = out / "empty"
    empty.mkdir(exist_ok=True)
    for name in EMPTY:
        _write(empty / name, "")
    folders = (file.parent, source / METAL, source / METAL.parent, empty)
    command = [clang, "-E", "-x", "c++", "-std=c++17", "-nostdinc", *DEFINED]
    command += [f"-I{folder}" for folder in folders] + [str(file)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def _write(path: Path, text: str) -> None:
    """Write what has changed, and nothing else: the build goes by times."""
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
