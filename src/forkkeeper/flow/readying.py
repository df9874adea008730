"""Makes built variants ready to be tested: which are built of the present tree, what their programs are told."""

import contextlib
import os
import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from tempfile import TemporaryDirectory

from forkkeeper.core import standing
from forkkeeper.core.needs import Ability
from forkkeeper.core.variants import Crash, Variant
from forkkeeper.errors import RequestError
from forkkeeper.flow import doctoring
from forkkeeper.flow.building import Kind, folder_of, with_kits
from forkkeeper.flow.standing import Stand
from forkkeeper.shell import disk
from forkkeeper.stages import build as builds, kit as kits, serving as servers
from forkkeeper.stages.build import Freshness, Identity
from forkkeeper.stages.project import STATE, Project
from forkkeeper.stages.serving import Serving


class Extent(Enum):
    """How much of `check regression` runs; the values are what is typed."""

    OUTPUTS = "outputs"  # only what models say: seconds
    USUAL = "usual"  # as well the operations that models are made of, and upstream's suite: minutes
    WHOLE = "whole"  # every operation: tens of minutes


ELSEWHERE = "did not go through the server: it logged no client"


@dataclass(frozen=True, slots=True)
class Bench:
    """A built variant made ready to be tested.

    declared -- what it and its kits put into the environment of the build's programs
    serving -- its server, None for a variant without one
    reported -- the file to which its emulated device reports, None for a device that does not
    """

    name: str
    variant: Variant
    ability: Ability
    folder: Path
    declared: Mapping[str, str]
    serving: Serving | None
    reported: Path | None = None

    @property
    def shown(self) -> str:
        """The variant's name, as results say it."""
        return self.ability.shown

    @property
    def lines(self) -> tuple[str, ...]:
        """What its emulated device has reported so far, a line for each process that ended."""
        text = (disk.read(self.reported) if self.reported else None) or b""
        return tuple(text.decode(errors="replace").splitlines())

    @property
    def env(self) -> Mapping[str, str]:
        """The environment that the build's programs get."""
        return {**os.environ, **self.declared}

    @property
    def source(self) -> Path:
        """The tree that was built."""
        return self.folder / "src"

    @property
    def build(self) -> Path:
        """The build folder."""
        return self.folder / "build"

    @property
    def device_folder(self) -> Path:
        """The folder in which its emulated device is built."""
        return builds.device_of(self.build.resolve())

    @property
    def device(self) -> str:
        """The device, as tables name it."""
        found = doctoring.device_of(self.ability)
        return f"{self.variant.device}: {found}" if found else self.variant.device

    @property
    def crash(self) -> Crash | None:
        """The declared crash that holds of this device and its driver."""
        if self.ability.device is None:
            return None
        found = self.ability.device
        return standing.known_crash(self.variant.crash, found.device, found.used.version)

    @property
    def clients(self) -> int:
        """Number of clients that its server has logged, 0 for a variant without one."""
        return self.serving.clients if self.serving else 0

    def went_elsewhere(self, before: int) -> bool:
        """Whether tests that were to go through a server did not. before -- its clients before them."""
        return self.serving is not None and self.clients <= before


@contextlib.contextmanager
def ready(project: Project, ability: Ability, kind: Kind = "build") -> Iterator[Bench]:
    """Make a built variant ready; its server, where it has one, is up until the end.

    Raises what `serving` raises when the server does not start.
    """
    variant, folder = ability.variant, folder_of(project, kind, ability.name)
    declared, form = dict(variant.environment), variant.emulated
    if form is not None:
        library = str(builds.device_of((folder / "build").resolve()) / form.library)
        declared = {name: text.replace("{library}", library) for name, text in declared.items()}
    for kit in ability.beside:
        declared |= kits.environment(project.root, kit, project.declaration.kit[kit])
    bench = Bench(ability.name, variant, ability, folder, declared, None)
    with ExitStack() as stack:
        if form is not None and form.report:
            beside = Path(stack.enter_context(TemporaryDirectory(prefix="forkkeeper-emulated-")))
            reported = beside / "reported.jsonl"
            bench = replace(bench, declared={**declared, form.report: str(reported)}, reported=reported)
        if variant.server is not None:
            serving = stack.enter_context(servers.serving(variant.server, bench.build, bench.env))
            bench = replace(bench, serving=serving)
        yield bench


def ops_env(project: Project, bench: Bench) -> Mapping[str, str]:
    """Give the environment of upstream's test program: with a server, what makes the program know of it."""
    server = bench.variant.server
    if server is None or bench.serving is None:
        return bench.env
    env = {name: text.replace("{server}", bench.serving.address) for name, text in server.environment.items()}
    if server.preload:
        made = servers.preload(project.root / server.preload, tree=bench.source, build=bench.build)
        env["LD_PRELOAD"] = str(made)
    return {**bench.env, **env}


def device_options(project: Project, bench: Bench) -> tuple[str, ...]:
    """Give what the checks that run models are told of the device.

    The environment is given as options: the checks keep what steers llama.cpp's tools from being inherited.
    """
    address = bench.serving.address if bench.serving else ""
    words = shlex.join(one.replace("{server}", address) for one in bench.variant.options)
    store = project.root / STATE / "models"
    env = (f"--tool-env={name}={text}" for name, text in bench.declared.items())
    return (f"--tool-options={words}", f"--proof={bench.variant.proof}", f"--models={store}", *env)


def present(project: Project, stand: Stand, names: Sequence[str]) -> tuple[tuple[Ability, ...], tuple[str, ...]]:
    """Give the variants to check, those named or all built of the present tree; and those left out as stale."""
    asked = doctoring.known(project.declaration, names, "check")
    identity = Identity(stand.made.tree, stand.pin.sha, project.queue.digest())
    present, stale = [], []
    for ability in doctoring.examine(project.root, project.declaration, asked):
        name, variant = ability.name, with_kits(project, ability)
        folder = folder_of(project, "build", name) / "build"
        hint = f"`nox -s build_{name}`, or `forkkeeper build {name}`"
        match builds.freshness(variant, build=folder, identity=identity):
            case Freshness.PRESENT:
                present.append(ability)
            case Freshness.STALE:
                if names:
                    found = "was built from another tree or with other options"
                    raise RequestError("check", f"variant {name}", found, hint)
                stale.append(name)
            case Freshness.ABSENT:
                if names:
                    raise RequestError("check", f"variant {name}", "is not built", hint)
    if not present:
        first = (stale or asked)[0]
        thing = f"variant {', '.join(stale)}" if stale else "variants"
        found = "was built from another tree or with other options, and no other is built" if stale else "none is built"
        raise RequestError("check", thing, found, f"`nox -s build_{first}`, or `forkkeeper build {first}`")
    return tuple(present), tuple(stale)
