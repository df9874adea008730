"""The CI matrix: which job builds and tests which variant, on which runner, with what installed.

A job never claims more than its runner can show: a device that is played by a program is *emulated*, and a variant
whose device is nowhere near is built and not tested. What no runner can build is left out, with the reason.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from forkkeeper.core import variants
from forkkeeper.core.variants import COSTS, FILE, Build, Ci, Cost, DeviceNeed, Need, Platform, Variant, said_of
from forkkeeper.errors import RequestError

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]*")  # becomes a session's name, and a word of a shell's list
_LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_PACKAGE = re.compile(r"[a-z0-9][a-z0-9+.-]+")  # Debian policy, 5.6.1
NONE = "none"
# Minutes after which a job is ended: the first build, with no cache, on a runner of four cores, and its tests.
MINUTES: Mapping[Cost, int] = {"light": 60, "medium": 120, "heavy": 300}


class Device(Enum):
    """What a job's tests run on."""

    REAL = "real"
    EMULATED = "emulated"  # a library of the fork, or a driver, that plays the device on the processor
    NONE = "none"  # it is built, and not tested


@dataclass(frozen=True, slots=True)
class Host:
    """A hosted runner. label -- as GitHub names it; is_arm -- a Linux machine for which a kit may have no package."""

    label: str
    system: Platform
    is_arm: bool = False


HOSTS = (
    Host("ubuntu-24.04", "linux"),
    Host("ubuntu-24.04-arm", "linux", is_arm=True),
    Host("macos-15", "macos"),
    Host("windows-2025", "windows"),
)


@dataclass(frozen=True, slots=True)
class Job:
    """One job.

    name -- unique, for people
    runner -- labels that a machine must have, all of them
    hosted -- whether it is GitHub's machine, on which packages may be installed
    packages -- Debian's names, each once; empty where the system is another one, or the machine one's own
    kits -- kits that stand in for what has no package there
    setup -- what else is needed, as sentences
    sessions -- Nox sessions, in order; empty for a job that is `plain`
    minutes -- after which it is ended
    """

    name: str
    variant: str
    runner: tuple[str, ...]
    hosted: bool
    system: Platform
    packages: tuple[str, ...]
    kits: tuple[str, ...]
    setup: tuple[str, ...]
    sessions: tuple[str, ...]
    cost: Cost
    device: Device
    minutes: int

    @property
    def is_emulated(self) -> bool:
        """Whether what its tests say is no device's word."""
        return self.device is Device.EMULATED


@dataclass(frozen=True, slots=True)
class Plain:
    """A job on a system where forkkeeper does not run: it builds the composed tree with CMake alone.

    cmake -- options, before {pin} and {queue} are filled in; backend -- the device's name for upstream's test program
    """

    job: Job
    cmake: tuple[str, ...]
    targets: tuple[str, ...]
    backend: str


@dataclass(frozen=True, slots=True)
class LeftOut:
    """What has no job, and why."""

    variant: str
    runner: str
    why: str


@dataclass(frozen=True, slots=True)
class Matrix:
    """All jobs, in the order of fork.toml. plain -- those that Nox does not run."""

    jobs: tuple[Job, ...]
    plain: tuple[Plain, ...]
    left_out: tuple[LeftOut, ...]


def make(
    declared: Mapping[str, Variant], shared: Build, *, cost: Cost = "heavy", registered: Sequence[str] | None = None
) -> Matrix:
    """Make the matrix.

    declared -- the variants, with what they share written out
    shared -- what they share: hosted runners of every system have it
    cost -- the dearest class that gets jobs
    registered -- variants whose own runner is there; None: all that declare one
    Raises RequestError for a name or label that cannot be meant, and for a variant that declares no runner.
    """
    _check(declared, registered)
    jobs: list[Job] = []
    plain: list[Plain] = []
    left_out: list[LeftOut] = []
    for name, variant in declared.items():
        own = _own(name, variant, registered)
        for made in (*_hosted(name, variant, shared, own), *([own] if own else [])):
            if COSTS.index(variant.cost) > COSTS.index(cost):
                runner = made.runner if isinstance(made, LeftOut) else _at(_job(made))
                left_out.append(LeftOut(name, runner, f"its cost is {variant.cost}, and {cost} was asked for"))
                continue
            match made:
                case Job():
                    jobs.append(made)
                case Plain():
                    plain.append(made)
                case LeftOut():
                    left_out.append(made)
    return Matrix(tuple(jobs), tuple(plain), tuple(left_out))


def _job(made: Job | Plain) -> Job:
    return made.job if isinstance(made, Plain) else made


def _at(job: Job) -> str:
    return " ".join(job.runner)


def _own(name: str, variant: Variant, registered: Sequence[str] | None) -> Job | None:
    """Give the job on a machine of one's own, which has what the variant needs."""
    ci = variant.ci
    if not ci.runner or (registered is not None and name not in registered):
        return None
    form = variants.here(variant, ci.system)
    setup = dict.fromkeys(need.debian for need in form.need if not packages_of(need) and need.debian)
    device = Device.EMULATED if form.emulated else Device.REAL
    return Job(
        name=f"{variants.shown(name, form)} on {_own_machine(ci)}",
        variant=name,
        runner=ci.runner,
        hosted=False,
        system=ci.system,
        packages=(),
        kits=(),
        setup=tuple(setup),
        sessions=(f"build_{name}", f"test_{name}"),
        cost=variant.cost,
        device=device,
        minutes=MINUTES[variant.cost],
    )


def _own_machine(ci: Ci) -> str:
    return f"self-hosted {ci.runner[-1]}" if ci.runner[0] == "self-hosted" else ci.runner[-1]


def _hosted(name: str, variant: Variant, shared: Build, own: Job | None) -> Iterator[Job | Plain | LeftOut]:
    for host in _hosts(variant):
        form = variants.here(variant, host.system)
        build = [need for need in form.need if need.purpose == "build"]
        lacking = [need for need in build if not _is_at_hand(need, host, shared)]
        device = _device(form, host)
        if own is not None and own.system == host.system and (lacking or device is Device.NONE):
            continue  # one's own machine does all that, and more
        if lacking:
            said = ", ".join(dict.fromkeys(said_of(need) for need in lacking))
            how = next((one.debian for one in lacking if host.system == "linux" and one.debian), "")
            yield LeftOut(name, host.label, f"no package there has {said}" + (f" ({how})" if how else ""))
            continue
        yield _on(name, form, host, device)


def _hosts(variant: Variant) -> Iterator[Host]:
    """Give the hosted runners of a variant: those that it names, else one a system, and Arm for what costs little."""
    if variant.ci.hosted:
        yield from (host for host in HOSTS if host.label in variant.ci.hosted)
        return
    systems = (*variant.platform, *(variant.emulated.platform if variant.emulated else ()))
    yield from (host for host in HOSTS if host.system in systems and (not host.is_arm or variant.cost == COSTS[0]))


def _on(name: str, form: Variant, host: Host, device: Device) -> Job | Plain:
    """Give the job on a hosted runner."""
    used = [need for need in form.need if need.purpose == "build" or device is not Device.NONE]
    on_linux = host.system == "linux"
    without = [need for need in used if on_linux and not packages_of(need)]
    is_plain = host.system == "windows"  # forkkeeper needs POSIX
    software = " (software)" if device is Device.EMULATED and form.emulated is None else ""
    job = Job(
        name=f"{variants.shown(name, form)}{software} on {host.label}",
        variant=name,
        runner=(host.label,),
        hosted=True,
        system=host.system,
        packages=tuple(dict.fromkeys(word for need in used if on_linux for word in packages_of(need))),
        kits=tuple(dict.fromkeys(need.kit for need in without if need.kit)),
        setup=tuple(dict.fromkeys(need.debian for need in without if need.debian)),
        sessions=() if is_plain else (f"build_{name}", *(() if device is Device.NONE else (f"test_{name}",))),
        cost=form.cost,
        device=device,
        minutes=MINUTES[form.cost],
    )
    return (
        Plain(job, form.cmake, tuple(variants.named(name, ()) for name in form.targets), form.device)
        if is_plain
        else job
    )


def _device(form: Variant, host: Host) -> Device:
    """Say what a variant's tests can run on at a hosted runner."""
    wanted = [need for need in form.need if isinstance(need, DeviceNeed)]
    if form.emulated is not None:
        return Device.EMULATED
    if host.system == "windows" and form.server is not None:
        return Device.NONE  # who starts the server there?
    if not wanted or host.label in form.ci.device:
        return Device.REAL
    if host.system == "linux" and all(need.software and packages_of(need) for need in wanted):
        return Device.EMULATED
    return Device.NONE


def _is_at_hand(need: Need, host: Host, shared: Build) -> bool:
    """Whether a hosted runner has, or can be given, what a build needs."""
    if need in shared.need:
        return True
    return host.system == "linux" and bool(packages_of(need) or (need.kit and not host.is_arm))


def packages_of(need: Need) -> tuple[str, ...]:
    """Give the Debian packages that have a need; none where a sentence says how to come by it.

    >>> from forkkeeper.core.variants import ProgramNeed
    >>> packages_of(ProgramNeed(name=("vulkaninfo",), debian="mesa-vulkan-drivers vulkan-tools"))
    ('mesa-vulkan-drivers', 'vulkan-tools')
    >>> packages_of(ProgramNeed(name=("nvcc",), debian="NVIDIA's repository: cuda-toolkit"))
    ()
    """
    words = need.debian.split()
    return tuple(words) if all(_PACKAGE.fullmatch(word) for word in words) else ()


def _check(declared: Mapping[str, Variant], registered: Sequence[str] | None) -> None:
    """Refuse what would become a wrong word in a workflow."""
    known = tuple(host.label for host in HOSTS)
    for name, variant in declared.items():
        if not _NAME.fullmatch(name):
            found = f"variant.{name} has a name that no session can have"
            raise RequestError("ci-matrix", FILE, found, "use letters, digits, _ and -")
        for field, labels in (("hosted", variant.ci.hosted), ("device", variant.ci.device)):
            odd = [label for label in labels if label not in known]
            if odd:
                found = f"variant.{name}.ci.{field} has '{odd[0]}', which is no hosted runner that is known"
                hint = f"known are {', '.join(known)}; a machine of your own stands in `runner`"
                raise RequestError("ci-matrix", FILE, found, hint)
        wrong = [label for label in variant.ci.runner if not _LABEL.fullmatch(label)]
        if wrong:
            found = f"variant.{name}.ci.runner has '{wrong[0]}', which is no label"
            raise RequestError("ci-matrix", FILE, found, "use letters, digits, . _ and -")
    for name in registered or ():
        if name not in declared or not declared[name].ci.runner:
            owners = ", ".join(one for one, variant in declared.items() if variant.ci.runner) or "none"
            found, hint = "declares no runner of its own", f"variants that do: {owners}; `{NONE}` for no runner"
            raise RequestError("ci-matrix", f"--registered {name}", found, hint)
