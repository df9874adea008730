"""What a build costs where another was made before it: the fork kept here on its real upstream, variant `cpu`.

One cold build of the baseline (about seven CPU minutes), then the fork's builds on top of it, with a ccache of their
own that begins empty. Read the CPU seconds: they are of every process below, `forkkeeper` itself included, and bear
other work beside them. Counts are asserted, times are not.

Upstream's objects are those in `.forkkeeper/` of this clone, or come from the network (70 MB). `--targets NAME,…`
builds less than fork.toml's targets.
"""

import json
import os
import re
import resource
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture
from world import BIN, keep_fork

from forkkeeper.core import queue as queues
from forkkeeper.core.ccachelog import HITS
from forkkeeper.stages.build import CCACHE_LOG

ROOT = Path(__file__).parents[1]
OBJECTS = ".forkkeeper/upstream.git"
TARGETS = re.compile(r"(?m)^targets = \[.*\]$")  # the first are those of [build]
PATCH, BEFORE, AFTER = "lazy-mmap.patch", "mmap_lazy()) { prefetch = 0; }", "mmap_lazy()) { prefetch = 0 + 0; }"
EDITED = "src/llama-mmap.cpp"  # the one file of that patch, and of the line that is edited
NAMES_THE_QUEUE = "common/build-info.cpp"  # made by CMake, and compiled whenever a patch was edited


@dataclass(frozen=True)
class Builds:
    """The fork on real upstream. env -- what its builds run in, with a ccache that began empty."""

    root: Path
    env: dict[str, str]

    def build(self, benchmark: BenchmarkFixture, *options: str, rounds: int = 1) -> None:
        """Time `forkkeeper build cpu`; its CPU seconds, and what the last round compiled, go beside the time."""
        document = self.root.parent / "built.json"
        argv = [str(BIN / "forkkeeper"), "build", "cpu", *options, "--json", str(document)]
        spent: list[float] = []

        def once() -> None:
            before = cpu_seconds()
            done = subprocess.run(argv, cwd=self.root, env=self.env, capture_output=True, check=False)
            spent.append(cpu_seconds() - before)
            assert done.returncode == 0, done.stdout.decode()[-4000:] + done.stderr.decode()[-4000:]

        benchmark.pedantic(once, rounds=rounds)  # type: ignore[no-untyped-call]
        [row] = next(block for block in json.loads(document.read_bytes())["blocks"] if isinstance(block, list))
        counts = {"compiled": int(row["compiled"]), "cached": int(row["from ccache"])}
        benchmark.extra_info |= counts | {"cpu_seconds": min(spent), "load": os.getloadavg()[0]}

    @property
    def folder(self) -> Path:
        """The fork's build folder."""
        return self.root / ".forkkeeper/build/cpu/build"

    def compiled(self) -> list[str]:
        """Give the files that the fork's last build compiled, ordered."""
        calls = (self.folder / CCACHE_LOG).read_text().split("# ")[1:]
        return sorted(self._named(call.split("\n", 1)[0]) for call in calls if not HITS & set(call.split("\n")))

    def seeing(self, paths: set[str]) -> list[str]:
        """Give the files that Ninja knows to read one of these as they are compiled, ordered."""
        argv = ["ninja", "-C", str(self.folder), "-t", "deps"]
        said = subprocess.run(argv, env=self.env, capture_output=True, check=True).stdout.decode()
        entries = [[self._named(line.strip()) for line in entry.splitlines()[1:]] for entry in said.split("\n\n")]
        return sorted(read[0] for read in entries if paths.intersection(read))

    def _named(self, path: str) -> str:
        """Name a file by its path in the tree, or below the build folder."""
        return path.removeprefix(f"{self.folder.parent}/src/").removeprefix("../src/")

    def changed(self) -> set[str]:
        """Give the paths that patches and overlay change; a template stands for the file that CMake makes of it."""
        patches, overlay = self.root / "patches", self.root / "native/overlay"
        mails = {path.name: path.read_bytes() for path in patches.glob("*.patch")}
        queue = queues.read((patches / "series").read_bytes(), mails)
        patched = {path.removesuffix(".in") for patch in queue.patches for path in patch.paths}
        return patched | {path.relative_to(overlay).as_posix() for path in overlay.rglob("*") if path.is_file()}


def cpu_seconds() -> float:
    """Give the CPU seconds, user and system, of all processes below this one that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@pytest.fixture(scope="module")
def builds(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Builds:
    """Copy the fork, with upstream's objects where they are here, and give it an empty ccache."""
    if not shutil.which("ccache"):
        pytest.fail("ccache is not installed: `apt install ccache`")
    place = tmp_path_factory.mktemp("builds")
    root = keep_fork(place / "fork")
    if (ROOT / OBJECTS).is_dir():
        shutil.copytree(ROOT / OBJECTS, root / OBJECTS)
    if chosen := request.config.getoption("--targets"):
        declared = (root / "fork.toml").read_text()
        declared, found = TARGETS.subn(f"targets = {json.dumps(chosen.split(','))}", declared, count=1)
        assert found
        (root / "fork.toml").write_text(declared)
    ours = ("CCACHE_", "PYTHONDONTWRITEBYTECODE")  # a user's start-up does not compile the tool each time
    env = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    env |= {"PATH": f"{BIN}{os.pathsep}{env['PATH']}", "CCACHE_DIR": str(place / "ccache")}
    return Builds(root, env)


# each stands on the ones before it ----------------------------------------------------------------------------------


def test_baseline_cold(benchmark: BenchmarkFixture, builds: Builds) -> None:
    """The pristine pin, with nothing in the cache."""
    builds.build(benchmark, "--baseline")
    assert benchmark.extra_info["compiled"] > 0


def test_fork_after_baseline(benchmark: BenchmarkFixture, builds: Builds) -> None:
    """The fork, for the first time: the compiler sees the files that patches and overlay reach, and no other."""
    builds.build(benchmark)
    assert benchmark.extra_info["cached"] > 0, "build the baseline before it"
    assert builds.compiled() == builds.seeing(builds.changed())


def test_nothing_changed(benchmark: BenchmarkFixture, builds: Builds) -> None:
    """The fork's tree written out again and built again, with nothing new: nothing is compiled, or even looked up."""
    assert builds.folder.is_dir(), "build the fork before it"
    builds.build(benchmark, rounds=3)
    assert (benchmark.extra_info["compiled"], benchmark.extra_info["cached"]) == (0, 0)


def test_one_file_edited(benchmark: BenchmarkFixture, builds: Builds) -> None:
    """One line of a patch edited: what reads the file is compiled, and the one file that names the queue."""
    assert builds.folder.is_dir(), "build the fork before it"
    patch = builds.root / "patches" / PATCH
    text = patch.read_text()
    assert text.count(BEFORE) == 1
    patch.write_text(text.replace(BEFORE, AFTER))
    builds.build(benchmark)
    assert builds.seeing({EDITED}) == [EDITED]
    assert builds.compiled() == sorted({EDITED, NAMES_THE_QUEUE})
    assert (benchmark.extra_info["compiled"], benchmark.extra_info["cached"]) == (2, 0)
