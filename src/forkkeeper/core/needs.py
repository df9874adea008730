"""What follows from what a machine has: can a variant be built here, can its tests run, and what is to be installed.

Looking is `stages/probe.py`'s matter; here it is decided.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from packaging.version import Version

from forkkeeper.core.variants import DeviceNeed, Need, Platform, Variant, said_of, shown


class System(Enum):
    """Whose packages are named; the values are a report's words."""

    DEBIAN = "Debian/Ubuntu"
    FEDORA = "Fedora"
    MACOS = "macOS"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Seen:
    """What was found of one need.

    where -- path of the program or header, or the command that was asked; "" where there is nothing
    version -- "" where none could be read
    devices -- names, in the order listed, for a need of a device
    because -- what stood in the way of looking, "" for nothing
    """

    where: str = ""
    version: str = ""
    devices: tuple[str, ...] = ()
    because: str = ""


class State(Enum):
    """What a machine has of a need; the values are a report's words."""

    MET = "here"
    BESIDE = "beside the build"  # the system lacks it, a kit that is here stands in
    TO_FETCH = "can be fetched"  # the system lacks it, a kit that can be fetched stands in
    TOO_OLD = "too old"
    UNREAD = "version unknown"  # it is there, but does not say how old it is
    REFUSED = "refused"  # a device that the backend does not take
    MISSING = "missing"


GOOD = frozenset({State.MET, State.BESIDE})


@dataclass(frozen=True, slots=True)
class Answer:
    """One need, and what this machine has of it.

    seen -- what the system has; beside -- what the kit has, None where no kit was looked at
    """

    need: Need
    state: State
    seen: Seen
    beside: Seen | None = None

    @property
    def device(self) -> str:
        """The device that would be used, "" for none."""
        if not isinstance(self.need, DeviceNeed):
            return ""
        return next(iter(taken(self.need, self.used.devices)), "")

    @property
    def used(self) -> Seen:
        """What a build or test gets to see."""
        return self.beside if self.state is State.BESIDE and self.beside is not None else self.seen


@dataclass(frozen=True, slots=True)
class Ability:
    """What this machine can do with a variant.

    platform -- False where the variant is made for other systems
    answers -- one for every need, in the order declared
    """

    name: str
    variant: Variant
    platform: bool
    answers: tuple[Answer, ...]

    @property
    def shown(self) -> str:
        """The name as results say it: with a word for a device that is emulated on this machine."""
        return shown(self.name, self.variant)

    @property
    def is_emulated(self) -> bool:
        """Whether its device is emulated on this machine."""
        return self.variant.emulated is not None

    @property
    def compiler(self) -> str:
        """Path of the C++ compiler that the emulated device is built with, "" for CMake's choice."""
        wanted = self.variant.emulated.compiler if self.variant.emulated else ""
        return next((one.used.where for one in self.answers if wanted and said_of(one.need) == wanted), "")

    @property
    def lacking(self) -> tuple[Answer, ...]:
        """The needs of the build that are not met, those that can be fetched left out."""
        good = GOOD | {State.TO_FETCH}
        return tuple(one for one in self.answers if one.need.purpose == "build" and one.state not in good)

    @property
    def lacking_to_run(self) -> tuple[Answer, ...]:
        """The needs of the tests alone that are not met."""
        return tuple(one for one in self.answers if one.need.purpose == "run" and one.state not in GOOD)

    @property
    def to_fetch(self) -> tuple[str, ...]:
        """The kits that a build needs and that are not here yet, each once."""
        wanted = (one.need.kit for one in self.answers if one.state is State.TO_FETCH)
        return tuple(dict.fromkeys(wanted))

    @property
    def beside(self) -> tuple[str, ...]:
        """The kits in use, each once."""
        return tuple(dict.fromkeys(one.need.kit for one in self.answers if one.state is State.BESIDE))

    @property
    def builds(self) -> bool:
        """Whether it can be built here, with what can be fetched."""
        return self.platform and not self.lacking

    @property
    def runs(self) -> bool:
        """Whether what was built can run here."""
        return self.platform and not self.lacking_to_run

    @property
    def device(self) -> Answer | None:
        """The need of a device, None for a variant that needs none beside the processor."""
        return next((one for one in self.answers if isinstance(one.need, DeviceNeed)), None)


def version_in(patterns: Sequence[str], text: str) -> str:
    r"""Join the groups of the first match of every pattern by dots; "" where one does not match.

    >>> version_in((r"VERSION\(0, (\d+), (\d+),", r"HEADER_VERSION (\d+)"), "HEADER_VERSION 309\nVERSION(0, 1, 4, X)")
    '1.4.309'
    """
    found = [re.search(pattern, text, re.MULTILINE) for pattern in patterns]
    if not patterns or any(match is None for match in found):
        return ""
    return ".".join(group for match in found if match for group in match.groups() if group)


def older(version: str, least: str) -> bool | None:
    """Whether a version is older than another; None where one of them is no version.

    >>> older("1.3.239", "1.4.309"), older("13.0", "12.4"), older("r27b?", "26")
    (True, False, None)
    """
    try:
        return Version(version) < Version(least)
    except ValueError:
        return None


def judge(need: Need, seen: Seen, *, beside: Seen | None = None, can_fetch: bool = False) -> Answer:
    """Decide what a machine has of a need.

    beside -- what the need's kit has, None where it is not here
    can_fetch -- whether the kit can be fetched
    """
    state = _state(need, seen)
    if need.purpose == "run" and beside is not None and _state(need, beside) is State.MET:
        return Answer(need, State.BESIDE, seen, beside)  # somebody fetched it to have it used
    if state is State.MET:
        return Answer(need, state, seen, beside)
    if beside is not None and _state(need, beside) is State.MET:
        return Answer(need, State.BESIDE, seen, beside)
    if can_fetch and need.purpose == "build" and beside is None:
        return Answer(need, State.TO_FETCH, seen)
    return Answer(need, state, seen, beside)


def together(answers: Sequence[Answer]) -> tuple[Answer, ...]:
    """Let a kit that a build uses for one thing stand in for all that it has: its options choose it as a whole."""
    used = {one.need.kit for one in answers if one.state is State.BESIDE}

    def again(answer: Answer) -> Answer:
        beside = answer.beside if answer.need.kit in used else None
        if beside is not None and _state(answer.need, beside) is State.MET:
            return replace(answer, state=State.BESIDE)
        return answer

    return tuple(again(answer) for answer in answers)


def _state(need: Need, seen: Seen) -> State:
    if isinstance(need, DeviceNeed):
        if not seen.devices:
            return State.MISSING
        if not taken(need, seen.devices):
            return State.REFUSED
    elif not seen.where:
        return State.MISSING
    if need.least:
        match older(seen.version, need.least):
            case None:
                return State.UNREAD
            case True:
                return State.TOO_OLD
            case False:
                pass
    return State.MET


def taken(need: DeviceNeed, devices: Iterable[str]) -> tuple[str, ...]:
    """Give the devices that the backend takes."""
    return tuple(name for name in devices if re.search(need.accepts, name))


def is_software(need: DeviceNeed, device: str) -> bool:
    """Whether a device is a program that plays one: no hardware was tested then."""
    return bool(need.software) and re.search(need.software, device) is not None


def package(need: Need, system: System) -> str:
    """Say what to install on a system; a package's name becomes the command."""
    match system:
        case System.DEBIAN:
            return _command("apt install", need.debian)
        case System.FEDORA:
            return _command("dnf install", need.fedora)
        case System.MACOS:
            return _command("brew install", need.macos)
        case System.OTHER:
            names = (one for one in (need.debian, need.fedora, need.macos) if one)
            return f"your system's package of it (elsewhere: {', '.join(names)})"


def _command(manager: str, packages: str) -> str:
    """Make names a command; a sentence (it has a colon, or is empty) stands for itself."""
    return packages if not packages or ":" in packages else f"{manager} {packages}"


def wanted(need: Need) -> str:
    """Name a need with its least version.

    >>> from forkkeeper.core.variants import HeaderNeed
    >>> wanted(HeaderNeed(name="vulkan/vulkan_core.h", what="Vulkan headers", least="1.4.309"))
    'Vulkan headers 1.4.309 or newer'
    """
    return said_of(need) + (f" {need.least} or newer" if need.least else "")


def lack(answer: Answer, system: System) -> str:
    """Say in one line what is missing and how to get it."""
    how = remedy(answer, system)
    return lacking(answer) + (f": {how}" if how else "")


def lacking(answer: Answer) -> str:
    """Say what is missing, and what is here instead."""
    seen = answer.seen
    match answer.state:
        case State.MISSING if isinstance(answer.need, DeviceNeed) and seen.where:
            here = f" (`{seen.where}` shows none)"
        case State.MISSING | State.MET | State.BESIDE | State.TO_FETCH:
            here = f" ({seen.because})" if seen.because else ""
        case State.TOO_OLD:
            here = f" ({seen.version} is here)"
        case State.UNREAD:
            here = " (what is here does not say its version)"
        case State.REFUSED:
            here = f" (the backend does not take {', '.join(seen.devices)})"
    return f"{wanted(answer.need)}{here}"


def remedy(answer: Answer, system: System) -> str:
    """Say how to get what is missing, "" where that is not known."""
    get = package(answer.need, system)
    fetch = f"`forkkeeper kit fetch {answer.need.kit}`" if answer.need.kit and answer.beside is None else ""
    return " or ".join(one for one in (get, fetch) if one)


def skipped(ability: Ability, answers: Sequence[Answer], system: System) -> str:
    """Say in one line why a variant is left out: *needs …*, or the systems that it is made for."""
    if not ability.platform:
        return f"needs {' or '.join(ability.variant.platform)}"
    return "needs " + "; ".join(lack(one, system) for one in answers)


def platform_of(name: str) -> Platform | None:
    """Turn Python's name of a platform into a declaration's; None for one that no variant can name.

    >>> platform_of("darwin"), platform_of("linux"), platform_of("aix")
    ('macos', 'linux', None)
    """
    known: dict[str, Platform] = {"linux": "linux", "darwin": "macos", "win32": "windows"}
    return known.get(name)


def system_of(platform: str, os_release: str) -> System:
    """Tell whose packages a machine has, from Python's name of the platform and the text of /etc/os-release."""
    if platform == "darwin":
        return System.MACOS
    ids = re.findall(r'^(?:ID|ID_LIKE)="?([^"\n]*)"?$', os_release, re.MULTILINE)
    words = {word for text in ids for word in text.split()}
    if words & {"debian", "ubuntu"}:
        return System.DEBIAN
    return System.FEDORA if words & {"fedora", "rhel"} else System.OTHER
