"""Looks at the machine for what variants need: programs, headers, libraries, devices, and their versions.

The compiler itself is asked for headers and libraries, so what is found is what a build will find.
"""

import functools
import os
import platform
import re
import shlex
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from forkkeeper.core import needs
from forkkeeper.core.needs import Ability, Answer, Seen, System
from forkkeeper.core.variants import DeviceNeed, HeaderNeed, LibraryNeed, Need, ProgramNeed, Variant
from forkkeeper.shell import process

COMPILERS = ("c++", "g++", "clang++")
OS_RELEASE = Path("/etc/os-release")
CPUINFO = Path("/proc/cpuinfo")
SECONDS = 30.0  # for one program to say what it is: a driver may hang


@dataclass(frozen=True, slots=True)
class Kit:
    """A kit as a probe sees it: folders that stand before the system's.

    here -- whether it was fetched
    include, path -- folders of headers and of programs, None for none
    environment -- what its programs and drivers need
    """

    here: bool
    include: Path | None = None
    path: Path | None = None
    environment: Mapping[str, str] = field(default_factory=dict)


NO_KIT = Kit(here=False)


class Probe:
    """Asks the machine, each question once: variants share most of their needs."""

    def __init__(self, env: Mapping[str, str] | None = None) -> None:
        """Take the environment that programs are looked for and run in; None: ours."""
        self.env = dict(os.environ if env is None else env)
        self._seen: dict[tuple[Need, Path | None], Seen] = {}

    def ability(self, name: str, variant: Variant, kits: Mapping[str, Kit], system: str = sys.platform) -> Ability:
        """Say what this machine can do with a variant; for a foreign platform nothing is looked at."""
        if needs.platform_of(system) not in variant.platform:
            return Ability(name, variant, platform=False, answers=())
        answers = tuple(self._answer(need, kits) for need in variant.need)
        return Ability(name, variant, platform=True, answers=needs.together(answers))

    def _answer(self, need: Need, kits: Mapping[str, Kit]) -> Answer:
        kit = kits.get(need.kit, NO_KIT)
        beside = self.look(need, kit) if kit.here else None
        return needs.judge(need, self.look(need), beside=beside, can_fetch=need.kit in kits)

    def look(self, need: Need, kit: Kit = NO_KIT) -> Seen:
        """Look for one thing, in a kit's folders first."""
        key = (need, kit.include or kit.path or (Path() if kit.here else None))
        if key not in self._seen:
            self._seen[key] = self._look(need, kit)
        return self._seen[key]

    def _look(self, need: Need, kit: Kit) -> Seen:
        env = {**self.env, **kit.environment}
        before = [str(kit.path)] if kit.path else []
        # cmake and ninja come with pip as well, beside this Python
        path = os.pathsep.join((*before, env.get("PATH", os.defpath), str(Path(sys.executable).parent)))
        env["PATH"] = path
        match need:
            case ProgramNeed():
                return self._program(need, path, env)
            case HeaderNeed():
                return self._header(need, path, env, kit.include)
            case LibraryNeed():
                return self._library(need, path, env)
            case DeviceNeed():
                return self._devices(need, path, env)

    def _program(self, need: ProgramNeed, path: str, env: Mapping[str, str]) -> Seen:
        names = (*shlex.split(env.get("CXX", ""))[:1], *need.name) if need.name == COMPILERS else need.name
        where = next((found for name in names if (found := shutil.which(name, path=path))), None)
        if where is None:
            return Seen()
        if not need.version:
            return Seen(where)
        said = _said((where, *need.arguments), env)
        return Seen(where, needs.version_in(need.version, said.text), because=said.because)

    def _header(self, need: HeaderNeed, path: str, env: Mapping[str, str], include: Path | None) -> Seen:
        """Let the compiler list what an #include would read; the second is the header itself."""
        compiler = self._compiler(need.compiler, path, env)
        if not compiler:
            return Seen(because=_nobody(need))
        with TemporaryDirectory(prefix="forkkeeper-probe-") as folder:
            asking = Path(folder, "ask.cpp")
            asking.write_text(f"#include <{need.name}>\n", encoding="utf-8")
            before = (f"-I{include}",) if include else ()
            done = process.read((*compiler, *before, "-E", "-M", str(asking)), env=env)
        read = done.out.replace("\\\n", " ").replace("\\ ", "\0").split()
        where = next((one.replace("\0", " ") for one in read if one.endswith(f"/{need.name}")), "")
        if done.code != 0 or not where:
            return Seen()
        if include is not None and not Path(where).is_relative_to(include):
            return Seen()  # the kit does not have it: the system's was found, and is judged by itself
        text = Path(where).read_text(encoding="utf-8", errors="replace")
        return Seen(where, needs.version_in(need.version, text))

    def _library(self, need: LibraryNeed, path: str, env: Mapping[str, str]) -> Seen:
        compiler = self._compiler(need.compiler, path, env)
        if not compiler:
            return Seen(because=_nobody(need))
        with TemporaryDirectory(prefix="forkkeeper-probe-") as folder:
            asking = Path(folder, "ask.cpp")
            asking.write_text("int main() { return 0; }\n", encoding="utf-8")
            done = process.read((*compiler, str(asking), f"-l{need.name}", "-o", str(Path(folder, "ask"))), env=env)
        return Seen(f"-l{need.name}") if done.code == 0 else Seen()

    def _devices(self, need: DeviceNeed, path: str, env: Mapping[str, str]) -> Seen:
        where = shutil.which(need.command[0], path=path)
        if where is None:
            return Seen(because=f"{need.command[0]} is not here to list devices")
        said = _said((where, *need.command[1:]), env)
        names = tuple(name.strip() for name in re.findall(need.name, said.text, re.MULTILINE))
        return Seen(shlex.join(need.command), needs.version_in(need.version, said.text), names, said.because)

    def _compiler(self, named: tuple[str, ...], path: str, env: Mapping[str, str]) -> tuple[str, ...]:
        names = named or (*shlex.split(env.get("CXX", ""))[:1], *COMPILERS)
        found = next((found for name in names if (found := shutil.which(name, path=path))), None)
        return (found,) if found else ()


def _nobody(need: HeaderNeed | LibraryNeed) -> str:
    return f"no {need.compiler[0] if need.compiler else 'C++ compiler'} to ask"


def system() -> System:
    """Tell whose packages this machine has."""
    text = OS_RELEASE.read_text(encoding="utf-8", errors="replace") if OS_RELEASE.is_file() else ""
    return needs.system_of(sys.platform, text)


@dataclass(frozen=True, slots=True)
class _Said:
    """All that a program said of itself; because -- why it said nothing, "" where it did."""

    text: str = ""
    because: str = ""


def _said(argv: tuple[str, ...], env: Mapping[str, str]) -> _Said:
    """Ask a program; one that hangs, as a driver may, is ended."""
    try:
        done = process.read(argv, env=env, seconds=SECONDS)
    except OSError as error:
        return _Said(because=f"{Path(argv[0]).name}: {error.strerror}")
    return _Said(done.out + done.err)


@functools.cache
def processor() -> str:
    """Name this machine's processor, as its system does; its architecture where the system has no name for it."""
    if sys.platform == "darwin":
        return _said(("sysctl", "-n", "machdep.cpu.brand_string"), os.environ).text.strip() or platform.machine()
    text = CPUINFO.read_text(encoding="utf-8", errors="replace") if CPUINFO.is_file() else ""
    named = re.search(r"^model name\s*: (.*)$", text, re.MULTILINE)
    return named[1].strip() if named else platform.processor() or platform.machine()
