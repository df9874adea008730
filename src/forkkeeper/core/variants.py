"""What `fork.toml` says of a variant: how it is built, what it needs, on which device its tests run.

A variant is data: a new one is a new table. Nothing here looks at the machine; `stages/probe.py` does, and
`core/needs.py` says what follows from what was found.
"""

import re
from collections.abc import Container
from pathlib import PurePosixPath
from typing import Literal

import msgspec

from forkkeeper.core.paths import fault
from forkkeeper.errors import RequestError

FILE = "fork.toml"
Platform = Literal["linux", "macos", "windows"]
PLATFORMS: tuple[Platform, ...] = ("linux", "macos", "windows")
Cost = Literal["light", "medium", "heavy"]
COSTS: tuple[Cost, ...] = ("light", "medium", "heavy")  # cheapest first: `build` without names goes by it
TESTS = ("bf16", "ops", "models")


class _Need(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One thing outside this repository.

    what -- its name in tables; "" for its own
    purpose -- what it is needed for: "build", or "run" for what only the tests need
    version -- regular expressions; the groups of the first match of each, joined by dots, are the version found
    least -- the oldest version that will do, "" for any
    kit -- the [kit.NAME] that stands in for it where it is missing or too old, "" for none
    debian, fedora, macos -- what to install, as package names (or a sentence with blanks before a colon)
    """

    what: str = ""
    purpose: Literal["build", "run"] = "build"
    version: tuple[str, ...] = ()
    least: str = ""
    kit: str = ""
    debian: str = ""
    fedora: str = ""
    macos: str = ""


class ProgramNeed(_Need, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="kind", tag="program"):
    """A program on PATH; of several names the first that is there. arguments -- make it say its version."""

    name: tuple[str, ...]
    arguments: tuple[str, ...] = ("--version",)


class HeaderNeed(_Need, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="kind", tag="header"):
    """A header that a compiler finds, as in #include; `version` is searched in its text.

    compiler -- the program that is asked; of several names the first that is there; none: the C++ compiler
    """

    name: str
    compiler: tuple[str, ...] = ()


class LibraryNeed(_Need, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="kind", tag="library"):
    """A library that a compiler links, as behind -l. compiler -- as for a header."""

    name: str
    compiler: tuple[str, ...] = ()


class DeviceNeed(_Need, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="kind", tag="device"):
    """A device that a command lists.

    command -- prints the devices
    name -- regular expression; its group is a device's name, the first match is the device that would be used
    accepts -- regular expression of the names that the backend takes, "" for every one
    software -- regular expression of the names that are no hardware: tables say so
    """

    command: tuple[str, ...]
    name: str
    accepts: str = ""
    software: str = ""
    purpose: Literal["build", "run"] = "run"


Need = ProgramNeed | HeaderNeed | LibraryNeed | DeviceNeed


def names_of(program: str) -> tuple[str, ...]:
    """Give the names that a program has had: upstream renames one, and a declaration holds before and after a sync."""
    return tuple(program.split("|"))


def named(program: str, there: Container[str]) -> str:
    """Give the one of a program's names that is there; the first where none is.

    >>> named("server|tiny-server", {"tiny-server"}), named("server|tiny-server", ())
    ('tiny-server', 'server')
    """
    names = names_of(program)
    return next((name for name in names if name in there), names[0])


class Server(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A program of the build that must run while the variant's tests do; it listens on loopback.

    program -- its name in the build's bin folder; several, parted by |, where upstream renamed it
    arguments -- for it; {port} is a free port
    connected -- regular expression of the line that it logs for a client: a test that it never logs is a failure
    preload -- C++ file of the fork, from its folder: compiled against the build and loaded into upstream's test
        program, which cannot be told of a server ("" for none)
    environment -- for the test program; {server} is HOST:PORT
    """

    program: str
    arguments: tuple[str, ...]
    connected: str
    preload: str = ""
    environment: dict[str, str] = {}


class Crash(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Cases that are known to bring a device's driver down: shown as *device crashes*, red only under --strict.

    Models may be such cases as well, whatever the operations: each of them needs nearly all.

    device -- regular expression of the device's name
    below -- the first driver version without the fault
    why -- the reason, shown
    operations -- upstream's names; none: any
    """

    device: str
    below: str
    why: str
    operations: tuple[str, ...] = ()


class Size(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How `size` measures a variant.

    target -- what is built
    library -- file of the build whose sections are counted, from the build folder
    cmake -- options after the variant's, such as one that leaves device code uncompressed
    upstream -- whether the same is built of the pristine pin, to compare with
    """

    target: str
    library: str
    cmake: tuple[str, ...] = ()
    upstream: bool = True


class Expected(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is expected of one test. none -- the reason why no case can run; a failure if one does after all."""

    none: str = ""


class Known(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A fault that an emulated device finds in upstream's own kernels: shown with its reason, and no failure.

    kind -- as the device names it
    kernel -- regular expression of the kernels' names
    why -- the reason, shown
    """

    kind: str
    kernel: str
    why: str


class Emulated(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The form of a variant where its device is not at hand: the ordinary build, and a library that plays the device.

    platform -- where this form is built; none of the variant's own
    project -- folder of a CMake project of the fork, from its own: it is built after the variant, and against it
    library -- what it makes, from its build folder
    about -- one line for menus, "" for the variant's
    cmake -- options of the ordinary build, in place of the variant's
    options -- more options for the project
    compiler -- the need whose program is the project's C++ compiler, by its name in tables ("" for CMake's choice)
    environment -- for the programs of the build, after the variant's; {library} is the library's path
    report -- variable that names a file to which each process appends a line on what it ran ("" for none)
    known -- faults of upstream's that are no failure
    need -- what it needs beside [build]'s needs, in place of the variant's
    """

    platform: tuple[Platform, ...]
    project: str
    library: str
    about: str = ""
    cmake: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    compiler: str = ""
    environment: dict[str, str] = {}
    report: str = ""
    known: tuple[Known, ...] = ()
    need: tuple[Need, ...] = ()


class Ci(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where CI builds and tests a variant, beyond what `platform` and `cost` say (`ci-matrix`).

    hosted -- labels of hosted runners, in place of those that follow; none: those
    device -- labels of hosted runners that have the device; on others it is built, and not tested
    runner -- the labels of a machine of one's own that has the device; none: there is no such machine
    system -- that machine's system
    """

    hosted: tuple[str, ...] = ()
    device: tuple[str, ...] = ()
    runner: tuple[str, ...] = ()
    system: Platform = "linux"


class Variant(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One hardware backend build of the fork.

    device -- the name that upstream's test program gives the backend, e.g. "CPU"
    targets -- what to build; none: those of [build]
    cmake -- options for CMake's configure step, after those of [build]
    about -- one line for menus
    platform -- where it can be built
    cost -- how much compiling it takes
    need -- what it needs beside [build]'s needs
    tests -- what `nox -s test_NAME` runs: bf16, ops, models
    options -- what upstream's tools are given to run a model on the device; {server} is HOST:PORT
    proof -- regular expression that a tool's log must match, to show that it ran there ("" where none is logged)
    exact -- whether `check regression` demands the very bits of the pristine pin; else a bound on the difference
    environment -- for the programs of the build
    server -- a program that must run meanwhile
    crash -- known crashes of drivers
    bf16, ops, models -- what is expected of a test
    size -- how its size is measured, None where `size` leaves it out
    emulated -- its form for other platforms, None for none; after `here`: None where the device is real
    ci -- where CI builds and tests it
    """

    device: str
    targets: tuple[str, ...] = ()
    cmake: tuple[str, ...] = ()
    about: str = ""
    platform: tuple[Platform, ...] = PLATFORMS
    cost: Cost = "light"
    need: tuple[Need, ...] = ()
    tests: tuple[Literal["bf16", "ops", "models"], ...] = ("bf16",)
    options: tuple[str, ...] = ()
    proof: str = ""
    exact: bool = False
    environment: dict[str, str] = {}
    server: Server | None = None
    crash: tuple[Crash, ...] = ()
    bf16: Expected = Expected()
    ops: Expected = Expected()
    models: Expected = Expected()
    size: Size | None = None
    emulated: Emulated | None = None
    ci: Ci = Ci()

    def expected(self, test: str) -> Expected:
        """Give what is expected of a test by its name."""
        return {"bf16": self.bf16, "ops": self.ops, "models": self.models}[test]


class Build(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What every variant shares: options before its own, targets where it names none, needs before its own."""

    cmake: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    need: tuple[Need, ...] = ()


STRUCTS = (
    Build,
    Variant,
    Emulated,
    Ci,
    Known,
    Server,
    Crash,
    Expected,
    Size,
    ProgramNeed,
    HeaderNeed,
    LibraryNeed,
    DeviceNeed,
)


def whole(variant: Variant, shared: Build) -> Variant:
    """Give a variant with what it shares with all others written out, in both of its forms."""
    emulated = variant.emulated
    if emulated is not None:
        emulated = msgspec.structs.replace(
            emulated, cmake=(*shared.cmake, *emulated.cmake), need=(*shared.need, *emulated.need)
        )
    return msgspec.structs.replace(
        variant,
        cmake=(*shared.cmake, *variant.cmake),
        targets=variant.targets or shared.targets,
        need=(*shared.need, *variant.need),
        emulated=emulated,
    )


def here(variant: Variant, platform: Platform | None) -> Variant:
    """Give the form that a variant has on a platform: an ordinary variant, `emulated` where its device is.

    platform -- None for one that no declaration can name
    """
    form = variant.emulated
    if form is None or platform in variant.platform:
        return msgspec.structs.replace(variant, emulated=None)
    if platform not in form.platform:
        return msgspec.structs.replace(variant, platform=(*variant.platform, *form.platform), emulated=None)
    return msgspec.structs.replace(
        variant,
        about=form.about or variant.about,
        platform=form.platform,
        cmake=form.cmake,
        environment={**variant.environment, **form.environment},
        need=form.need,
    )


def shown(name: str, variant: Variant) -> str:
    """Name a variant as results do: an emulated device is never taken for a real one.

    >>> form = Emulated(platform=("linux",), project="native/gpu", library="libgpu.so")
    >>> gpu = Variant(device="GPU0", platform=("macos",), emulated=form)
    >>> shown("gpu", here(gpu, "linux")), shown("gpu", here(gpu, "macos"))
    ('gpu (emulated)', 'gpu')
    """
    return name if variant.emulated is None else f"{name} (emulated)"


def c_compiler(compiler: str) -> str:
    """Give the path of the C compiler that belongs to a C++ compiler; "" for a name that does not tell.

    >>> c_compiler("/usr/bin/clang++-19"), c_compiler("/opt/bin/g++"), c_compiler("c++"), c_compiler("icpx")
    ('/usr/bin/clang-19', '/opt/bin/gcc', 'cc', '')
    """
    path = PurePosixPath(compiler)
    for plus, plain in (("clang++", "clang"), ("g++", "gcc"), ("c++", "cc")):
        if plus in path.name:
            return str(path.with_name(path.name.replace(plus, plain)))
    return ""


_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")


def check(name: str, variant: Variant) -> None:
    """Raise RequestError for a regular expression that is none, a version that can never be found, or a wrong form.

    The name becomes a folder's, and a job's of CI: it is no path.
    """
    if not _NAME.fullmatch(name):
        raise RequestError(
            "read", FILE, f"[variant.{name}] is no name of a variant", "use letters, digits, `.`, `_`, `-`"
        )
    patterns = [("proof", variant.proof), *(("crash.device", crash.device) for crash in variant.crash)]
    if variant.server is not None:
        patterns.append(("server.connected", variant.server.connected))
    patterns += _patterns(name, "", variant.need)
    if variant.emulated is not None:
        _check_form(f"variant.{name}.emulated", variant, variant.emulated)
        patterns += _patterns(name, "emulated.", variant.emulated.need)
        patterns += [("emulated.known.kernel", known.kernel) for known in variant.emulated.known]
    for field, pattern in patterns:
        try:
            re.compile(pattern)
        except re.error as error:
            found = f"variant.{name}.{field} is no regular expression: {error}"
            raise RequestError("read", FILE, found, f"mend `{pattern}`") from error


def _patterns(name: str, form: str, listed: tuple[Need, ...]) -> list[tuple[str, str]]:
    """Give the regular expressions of needs, each behind its field."""
    patterns = [(f"{form}need.{said_of(need)}.version", text) for need in listed for text in need.version]
    for need in listed:
        if isinstance(need, DeviceNeed):
            patterns += [(f"{form}need.{need.what or 'device'}.{field}", getattr(need, field)) for field in _DEVICE]
        if need.least and not need.version:
            found, hint = "has `least`, but no `version` to find one by", "add `version = ['…(\\d+)…']`"
            raise RequestError("read", FILE, f"variant.{name}.{form}need.{said_of(need)} {found}", hint)
    return patterns


def _check_form(field: str, variant: Variant, form: Emulated) -> None:
    """Raise RequestError for an emulated form that cannot be meant."""
    both = [one for one in form.platform if one in variant.platform]
    if both:
        found = f"{field}.platform has {both[0]}, where the variant's device is real"
        raise RequestError("read", FILE, found, "take it out of one of the two: what runs there must be known")
    wrong = fault(form.project)
    if wrong:
        hint = "give a path below the fork's folder, such as native/device"
        raise RequestError("read", FILE, f"{field}.project is '{form.project}', which {wrong}", hint)
    programs = [said_of(need) for need in form.need if isinstance(need, ProgramNeed)]
    if form.compiler and form.compiler not in programs:
        found = f"{field}.compiler is '{form.compiler}', which is none of the programs that it needs"
        raise RequestError("read", FILE, found, f"name one of {', '.join(programs) or 'them in a need'}")
    for name, text in form.environment.items():
        odd = [one for one in _PLACEHOLDER.findall(text) if one != "library"]
        if odd:
            found = f"{field}.environment.{name} has the unknown placeholder {{{odd[0]}}}"
            raise RequestError("read", FILE, found, "use {library}")


_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_DEVICE = ("name", "accepts", "software")


def said_of(need: Need) -> str:
    """Name a need as tables do."""
    match need:
        case ProgramNeed():
            return need.what or need.name[0]
        case HeaderNeed() | LibraryNeed():
            return need.what or need.name
        case DeviceNeed():
            return need.what or "device"
