"""Configures and builds one variant with CMake, Ninja and, where there is one, ccache.

The caller gives two sibling folders, `<variant>/src` (the composed tree) and `<variant>/build`. ccache shares its
hits between two trees only when their layout below the common folder is the same, so the names stay. Where the
variant's device is emulated, a project of the fork is built after that in `<variant>/emulated`, against the build.

A finished build leaves a stamp in its folder, written last: which tree, which options. No stamp, no build. The emulated
device has a stamp of its own, which also says of which files it was made.
"""

import hashlib
import os
import re
import shlex
import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto
from pathlib import Path

import msgspec

from forkkeeper.core import ccachelog, cmakeoptions, compilerreport, sections, variants
from forkkeeper.core.ccachelog import Counts
from forkkeeper.core.exitstatus import describe
from forkkeeper.core.ids import TreeId
from forkkeeper.core.variants import FILE as DECLARATION, Emulated, Variant
from forkkeeper.errors import OutsideError, RequestError
from forkkeeper.shell import process
from forkkeeper.shell.process import Finished

STAMP = "forkkeeper-built.json"
EMULATED = "emulated"  # the folder beside a build in which its emulated device is built
CCACHE_LOG = "forkkeeper-ccache.log"

# Stands before ccache, which until 4.12 takes these options for the same on every machine: a shared cache would give
# what was compiled for another processor. A namespace of the processor's keeps such results apart, and no others.
LAUNCHER = "forkkeeper-ccache"
LAUNCHER_TEXT = """#!/bin/sh
native=
for word; do case $word in -march=native*|-mcpu=native*|-mtune=native*) native="$native $word" ;; esac; done
if [ "$native" ]; then
    meant=$(cd / && "$1" $native -### -E -x c /dev/null 2>&1 | grep cc1 | cksum)
    export CCACHE_NAMESPACE="${{CCACHE_NAMESPACE-}} $meant"
fi
exec {ccache} "$@"
"""

PLACEHOLDER = re.compile(r"(?<!\$)\{(\w+)\}")  # {pin}, but not CMake's own ${VARIABLE}
WORD = re.compile(r"\w+")
COMPILERS = ("c++", "g++", "clang++")
OWN_COMPILER = ("-DCMAKE_CXX_COMPILER", "-DCMAKE_TOOLCHAIN_FILE")

_COMPILER = re.compile(r'^set\(CMAKE_(\w+_COMPILER(?:_VERSION)?) "([^"]+)"\)', re.MULTILINE)
_FLAGS = re.compile(r"^CMAKE_(C(?:XX)?_FLAGS):\w+=(.*)$", re.MULTILINE)

PIP = "python -m pip install"
INSTALL = {
    "cmake": f"{PIP} cmake ninja",
    "ninja": f"{PIP} cmake ninja",
    "a C++ compiler": "apt install g++   (or your system's package of it)",
}


@dataclass(frozen=True, slots=True)
class Identity:
    """What a build is of: the composed tree, and the pin's commit id and queue's digest that it came from."""

    tree: TreeId
    pin: str
    queue: str


@dataclass(frozen=True, slots=True)
class Tools:
    """The programs a build needs, as full paths; ccache is None where there is none."""

    cmake: str
    ninja: str
    ccache: str | None


@dataclass(frozen=True, slots=True)
class Built:
    """A finished build.

    variant -- its name
    build -- its folder
    tree -- the composed tree that was built
    seconds -- wall time of configure and compile together
    counts -- what was compiled and what ccache had; None without ccache
    doubts -- what CMake warns of options of fork.toml that it did use: one may soon be gone
    """

    variant: str
    build: Path
    tree: TreeId
    seconds: float
    counts: Counts | None
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Stamp:
    """What the stamp file says: the tree, the filled-in options, the targets, and the whole configure command."""

    tree: TreeId
    options: tuple[str, ...]
    targets: tuple[str, ...]
    configure: tuple[str, ...]


class Freshness(Enum):
    """What a build folder holds."""

    PRESENT = auto()  # a finished build of this very tree with these very options
    STALE = auto()  # a finished build of something else
    ABSENT = auto()  # no finished build


class StepError(OutsideError):
    """A step of a build failed: what it was, how it ended, and the last of what its programs said.

    What they said is not judged here: it takes the fork's patches to tell whose matter it is.

    variant, what -- the variant's name, and "configure" or "compile"
    of -- folder of the project that was built, "" for the tree itself
    """

    def __init__(self, variant: str, what: str, done: Finished, of: str = "") -> None:
        found = f"{describe(done.code)}; what went wrong is in the lines above"
        thing = f"{variant}: {what}" + (f" of {Path(of).name}, the emulated device" if of else "")
        super().__init__("build", thing, found, f"to see it again: {shlex.join(done.argv)}")
        self.variant, self.what, self.of, self.said = variant, what, of, f"{done.out}\n{done.err}"


def build(
    name: str,
    variant: Variant,
    *,
    source: Path,
    build: Path,
    identity: Identity,
    fields: Mapping[str, str] | None = None,
) -> Built:
    """Configure and compile a variant; the programs write to the terminal.

    name -- the variant's name in fork.toml
    source, build -- sibling folders, see the head of this file
    fields -- of fork.toml, by the CMake variables that they set: it is an error when the tree uses one of those
        nowhere. A tree that lacks what the fork has, a patch for one, need not know them: it is built with none
    The variant is in its form for this machine; an emulated one has the project's whole path.
    Raises StepError when CMake or the compile fails, OutsideError when a tool is missing, RequestError for an unknown
    placeholder, or an option that is not used.
    """
    started = time.monotonic()
    # A symlinked source makes ninja run CMake again and again: it compares paths by name.
    source, build = source.resolve(), build.resolve()
    tools = _with_launcher(find_tools(variant, os.environ), build)
    configure = configure_argv(variant, source, build, identity, tools, whole=fields is not None)
    env = environment(os.environ, source, build, tools)
    before, before_device = _take_stamp(build), _take_stamp(device_of(build))
    is_known = before is not None and (before.tree, before.configure) == (identity.tree, configure)
    doubts = _configure(name, configure, env, demanded=Demanded(build, fields or {}), is_known=is_known)
    log = build / CCACHE_LOG
    log.unlink(missing_ok=True)
    logged = {**env, "CCACHE_STATSLOG": str(log)}
    targets = _targets(variant.targets, build, tools, env)
    _step("compile", name, compile_argv(targets, build, tools), logged)
    _write_stamp(build, Stamp(identity.tree, fill(variant.cmake, identity), variant.targets, configure))
    if variant.emulated is not None:
        job = _Device(name, variant, variant.emulated, source, build, identity, tools)
        doubts += _emulate(job, logged, fields or {}, before_device)
    counts = ccachelog.count(_text(log)) if tools.ccache else None
    return Built(name, build, identity.tree, time.monotonic() - started, counts, doubts)


def build_more(variant: Variant, *, source: Path, build: Path, targets: Sequence[str]) -> Finished:
    """Build more of a finished build: of these targets all that can be built, past what cannot.

    What the build was stamped for stays as it is. A failure is no error: it tells which programs are there.
    Raises OutsideError when a tool is missing or cannot be started.
    """
    source, build = source.resolve(), build.resolve()
    tools = _with_launcher(find_tools(variant, os.environ), build)
    argv = (tools.cmake, "--build", str(build), "--target", *targets, "--", "-k", "0")
    try:
        return process.watch(argv, env=environment(os.environ, source, build, tools))
    except OSError as error:
        raise OutsideError("build", shlex.join(targets), f"{argv[0]}: {error.strerror}", shlex.join(argv)) from error


def freshness(variant: Variant, *, build: Path, identity: Identity) -> Freshness:
    """Say whether a build folder holds what would be built now; nothing is run."""
    stamp = read_stamp(build)
    if stamp is None:
        return Freshness.ABSENT
    present = (identity.tree, fill(variant.cmake, identity), variant.targets)
    is_present = present == (stamp.tree, stamp.options, stamp.targets)
    if is_present and variant.emulated is not None:
        device = read_stamp(device_of(build))
        if device is None:
            return Freshness.ABSENT
        is_present = (identity.tree, made_of(variant.emulated, identity)) == (device.tree, device.options)
    return Freshness.PRESENT if is_present else Freshness.STALE


def configure_argv(
    variant: Variant, source: Path, build: Path, identity: Identity, tools: Tools, *, whole: bool = True
) -> tuple[str, ...]:
    """Give the configure command; the variant's own options come last, so they win.

    whole -- whether the tree is the whole fork: of options that another does not use CMake need say nothing
    """
    cache = tools.ccache
    launchers = (f"-DCMAKE_C_COMPILER_LAUNCHER={cache}", f"-DCMAKE_CXX_COMPILER_LAUNCHER={cache}") if cache else ()
    folders = ("-S", str(source), "-B", str(build))
    quiet = () if whole else ("--no-warn-unused-cli",)  # what CMake < 4 knows; a newer one says that it is old
    ours = ("-G", "Ninja", f"-DCMAKE_MAKE_PROGRAM={tools.ninja}", "-DCMAKE_BUILD_TYPE=Release", *launchers)
    return (tools.cmake, *folders, *quiet, *ours, *fill(variant.cmake, identity))


def compile_argv(targets: Sequence[str], build: Path, tools: Tools) -> tuple[str, ...]:
    """Give the compile command; CMAKE_BUILD_PARALLEL_LEVEL, when set, says how many jobs."""
    chosen = ("--target", *targets) if targets else ()
    return (tools.cmake, "--build", str(build), *chosen)


def _targets(declared: Sequence[str], build: Path, tools: Tools, env: Mapping[str, str]) -> tuple[str, ...]:
    """Give the targets by the names that they have in a configured build; only one with several names is looked up."""
    if not any(len(variants.names_of(name)) > 1 for name in declared):
        return tuple(declared)
    said = process.read((tools.cmake, "--build", str(build), "--target", "help"), env=env).out
    known = {line.partition(":")[0].strip() for line in said.splitlines()}
    return tuple(variants.named(name, known) for name in declared)


def environment(inherited: Mapping[str, str], source: Path, build: Path, tools: Tools) -> dict[str, str]:
    """Give the environment of both steps: ccache made to share between checkouts, git kept inside the source."""
    # PWD: CMake before 4 believes it, and sees the source through the symlink that a shell came by.
    env = {name: value for name, value in inherited.items() if not name.startswith("GIT_") and name != "PWD"}
    base = os.path.commonpath([source, build])
    # Build scripts ask git for a version and would be answered by the fork's own repository around the build.
    env["GIT_CEILING_DIRECTORIES"] = base
    env |= _in_english(inherited)
    if tools.ccache:
        env |= {"CCACHE_BASEDIR": base, "CCACHE_NOHASHDIR": "1"}
        # As -D options these would make CMake warn in every project without that language.
        env |= {f"CMAKE_{language}_COMPILER_LAUNCHER": tools.ccache for language in ("CUDA", "HIP")}
    return env


def fill(options: tuple[str, ...], identity: Identity) -> tuple[str, ...]:
    """Put the pin's commit id and the queue's digest where the options say {pin} and {queue}.

    Raises RequestError for any other name in braces.
    """
    values = {"pin": identity.pin, "queue": identity.queue}
    for name in (found for option in options for found in PLACEHOLDER.findall(option)):
        if name not in values:
            raise RequestError("build", "fork.toml", f"unknown placeholder {{{name}}}", "use {pin} or {queue}")
    return tuple(PLACEHOLDER.sub(lambda match: values[match[1]], option) for option in options)


def device_of(build: Path) -> Path:
    """Give the folder in which the emulated device of a build is built."""
    return build.parent / EMULATED


def made_of(form: Emulated, identity: Identity) -> tuple[str, ...]:
    """Give all that an emulated device is made of beside the tree: its options, and a digest of the project's files.

    Files whose names begin with a dot, and what Python keeps, are no part of it.
    Raises RequestError where the project is not there.
    """
    project = Path(form.project)
    if not (project / "CMakeLists.txt").is_file():
        found = f"{project} has no CMakeLists.txt, though an `emulated.project` names it"
        raise RequestError("build", DECLARATION, found, "mend `project` there: a folder below the fork's own")
    digest = hashlib.sha256()
    for path in sorted(project.rglob("*")):
        name = path.relative_to(project)
        if path.is_file() and not any(part.startswith(".") or part == "__pycache__" for part in name.parts):
            digest.update(f"{name.as_posix()}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return (f"files {digest.hexdigest()}", form.library, *fill(form.options, identity))


@dataclass(frozen=True, slots=True)
class _Device:
    """An emulated device that is to be built: of which variant, from what."""

    name: str
    variant: Variant
    form: Emulated
    source: Path
    build: Path
    identity: Identity
    tools: Tools

    @property
    def folder(self) -> Path:
        return device_of(self.build)

    @property
    def configure(self) -> tuple[str, ...]:
        """The configure command; the declared options come last, so they win."""
        cache = self.tools.ccache
        launchers = [f"-DCMAKE_{language}_COMPILER_LAUNCHER={cache}" for language in ("C", "CXX")] if cache else []
        return (
            *(self.tools.cmake, "-S", self.form.project, "-B", str(self.folder), "-G", "Ninja"),
            *(f"-DCMAKE_MAKE_PROGRAM={self.tools.ninja}", "-DCMAKE_BUILD_TYPE=Release", *launchers),
            *(f"-DFORKKEEPER_SOURCE={self.source}", f"-DFORKKEEPER_BUILD={self.build}"),
            f"-DFORKKEEPER_PYTHON={sys.executable}",
            *fill(self.form.options, self.identity),
        )


def _emulate(job: _Device, env: Mapping[str, str], fields: Mapping[str, str], before: Stamp | None) -> tuple[str, ...]:
    """Build the emulated device of a finished build; gives CMake's doubts. before -- its last stamp."""
    made, configure = made_of(job.form, job.identity), job.configure
    is_known = before is not None and (before.tree, before.configure) == (job.identity.tree, configure)
    demanded = Demanded(job.folder, fields, job.form.project)
    doubts = _configure(job.name, configure, env, demanded=demanded, is_known=is_known)
    _step("compile", job.name, (job.tools.cmake, "--build", str(job.folder)), env, job.form.project)
    if not (job.folder / job.form.library).is_file():
        found = f"variant.{job.name}.emulated.library is '{job.form.library}', which was not built in {job.folder}"
        raise RequestError("build", f"{job.name}: {DECLARATION}", found, f"`ls {job.folder}` shows what was")
    _write_stamp(job.folder, Stamp(job.identity.tree, made, (), configure))
    return doubts


def find_tools(variant: Variant, env: Mapping[str, str]) -> Tools:
    """Find the programs on PATH, or beside this Python, where pip puts them; CCACHE_DISABLE leaves ccache out.

    Raises OutsideError naming all that is missing and what to type.
    """
    path = os.pathsep.join((env.get("PATH", os.defpath), str(Path(sys.executable).parent)))
    found = {name: shutil.which(name, path=path) for name in ("cmake", "ninja", "ccache")}
    cmake, ninja = found["cmake"], found["ninja"]
    compiler = _has_compiler(variant, env, path)
    if cmake is None or ninja is None or not compiler:
        lacking = {"cmake": cmake is None, "ninja": ninja is None, "a C++ compiler": not compiler}
        raise _lacking([name for name, lacks in lacking.items() if lacks])
    return Tools(cmake, ninja, None if "CCACHE_DISABLE" in env else found["ccache"])


def sections_of(library: Path) -> dict[str, int]:
    """Give the sections of a built library and their sizes in bytes, as binutils counts them.

    Raises OutsideError when the library was not built, or there is no `size` to count with.
    """
    program = shutil.which("size")
    if program is None:
        raise OutsideError("size", "size", "not found on PATH", "apt install binutils")
    done = process.read((program, "-A", "-d", str(library.resolve())))
    found = sections.parse(done.out)
    if done.code != 0 or not found:
        said = done.err.strip() or "no section could be read"
        raise OutsideError("size", str(library), said, "mend `library` of its [variant.NAME.size]")
    return found


def compilers_of(build: Path) -> str:
    """Say what a build was compiled with, as CMake found it: compilers, versions, flags; "" where it does not say."""
    found = []
    for path in sorted(build.glob("CMakeFiles/*/CMake*Compiler.cmake")):
        text = path.read_text(encoding="utf-8", errors="replace")
        found += [f"{name} {value}" for name, value in _COMPILER.findall(text)]
    cache = build / "CMakeCache.txt"
    text = _text(cache)
    return ", ".join((*found, *(f"{name} {value}" for name, value in _FLAGS.findall(text) if value)))


def read_stamp(build: Path) -> Stamp | None:
    """Read the stamp of a finished build; None when there is none that can be read."""
    try:
        return msgspec.json.decode((build / STAMP).read_bytes(), type=Stamp)
    except (FileNotFoundError, ValueError):  # msgspec's errors are ValueErrors
        return None


def _has_compiler(variant: Variant, env: Mapping[str, str], path: str) -> bool:
    """Whether a C++ compiler is there; one that the variant names is CMake's matter."""
    if any(option.startswith(OWN_COMPILER) for option in variant.cmake):
        return True
    names = shlex.split(env.get("CXX", ""))[:1] or COMPILERS
    return any(shutil.which(name, path=path) for name in names)


def _lacking(names: list[str]) -> OutsideError:
    hints = dict.fromkeys(INSTALL[name] for name in names)  # in order, each once
    return OutsideError("build", ", ".join(names), "not found on PATH", "\n        ".join(hints))


def _with_launcher(tools: Tools, build: Path) -> Tools:
    """Put our launcher in the place of ccache."""
    if tools.ccache is None:
        return tools
    build.mkdir(parents=True, exist_ok=True)
    launcher = build / LAUNCHER
    launcher.write_text(LAUNCHER_TEXT.format(ccache=shlex.quote(tools.ccache)), encoding="utf-8")
    launcher.chmod(0o755)
    return replace(tools, ccache=str(launcher))


@dataclass(frozen=True, slots=True)
class Demanded:
    """The options that a configured tree must use: the fields of fork.toml that set them, by the names of variables.

    of -- folder of the project that is built, "" for the tree itself
    """

    build: Path
    fields: Mapping[str, str]
    of: str = ""

    def unused(self, done: Finished) -> tuple[str, ...]:
        """Give those that CMake says were set in vain."""
        return tuple(name for name in cmakeoptions.unused(f"{done.out}\n{done.err}") if name in self.fields)

    def doubts(self, done: Finished) -> tuple[str, ...]:
        """Give what CMake warns of those, each with the field that sets it."""
        warned = (
            (message, next((word for word in WORD.findall(message) if word in self.fields), None))
            for message in compilerreport.warnings(f"{done.out}\n{done.err}")
        )
        return tuple(f"{self.fields[name]} sets {name}: {message}" for message, name in warned if name is not None)

    def refusal(self, variant: str, unused: Sequence[str]) -> RequestError:
        """Say which options do nothing, which field sets each, and what each may be called now."""
        cache = self.build / "CMakeCache.txt"
        known = cmakeoptions.declared(_text(cache))
        said = []
        for name in unused:
            near = " or ".join(cmakeoptions.nearest(name, known))
            asked = f"; is it {near} now?" if near else ""
            whose = f"{Path(self.of).name}'s" if self.of else "the fork's"
            said.append(f"{self.fields[name]} sets {name}, which {whose} CMake files do not use{asked}")
        places = " and ".join(dict.fromkeys(f"`{self.fields[name]}`" for name in unused))
        hint = f"in {DECLARATION}, write the present name in {places}, or take the option away"
        return RequestError("build", f"{variant}: {DECLARATION}", "\n    ".join(said), hint)


def _configure(
    name: str, argv: tuple[str, ...], env: Mapping[str, str], *, demanded: Demanded, is_known: bool
) -> tuple[str, ...]:
    """Configure, anew unless it is known; refuse options set in vain, and give what CMake warns of others.

    CMake's cache keeps an option that fork.toml no longer has, and a default that the tree no longer gives, and of an
    option in it CMake never says that nothing uses it.

    is_known -- whether the last finished build was of this very tree, configured by this very command
    """
    if not is_known:
        _forget(demanded.build)
    done = _step("configure", name, argv, env, demanded.of)
    if unused := demanded.unused(done):
        raise demanded.refusal(name, unused)
    return demanded.doubts(done)


def _forget(build: Path) -> None:
    """Take away what CMake remembers: its --fresh (which is of CMake 3.24) without the objects of the topmost folder.

    Objects stay, so nothing that is unchanged is compiled twice.
    """
    (build / "CMakeCache.txt").unlink(missing_ok=True)
    for path in (build / "CMakeFiles").glob("*"):
        if path.is_file():
            path.unlink()
        elif path.suffix != ".dir":
            shutil.rmtree(path)


def _step(step: str, name: str, argv: tuple[str, ...], env: Mapping[str, str], of: str = "") -> Finished:
    """Run one step; its output is the terminal's. of -- as for StepError.

    Raises StepError, with how it ended and the command to see it again.
    """
    try:
        done = process.watch(argv, env=env)
    except OSError as error:
        raise OutsideError("build", f"{name}: {step}", f"{argv[0]}: {error.strerror}", shlex.join(argv)) from error
    if done.code != 0:
        raise StepError(name, step, done, of)
    return done


def _in_english(inherited: Mapping[str, str]) -> dict[str, str]:
    """Give what makes programs speak English, where they would not: what they say is read here, too.

    Where they do already nothing is set, as these variables are part of what ccache knows a result by.
    """
    locale = next((value for name in _LOCALE if (value := inherited.get(name))), "C")
    if locale.partition(".")[0] in ("C", "POSIX") or (inherited.get("LANGUAGE") or locale).startswith("en"):
        return {}
    characters = inherited.get("LC_ALL") or inherited.get("LC_CTYPE") or inherited.get("LANG", "C")
    return {"LC_ALL": "", "LANGUAGE": "", "LC_MESSAGES": "C", "LC_CTYPE": characters}


_LOCALE = ("LC_ALL", "LC_MESSAGES", "LANG")  # the first that is set is the language of messages


def _take_stamp(build: Path) -> Stamp | None:
    """Read the last build's stamp and take it away: from now until the end the folder holds no finished build."""
    stamp = read_stamp(build)
    (build / STAMP).unlink(missing_ok=True)
    return stamp


def _write_stamp(build: Path, stamp: Stamp) -> None:
    beside = build / f"{STAMP}.new"
    beside.write_bytes(msgspec.json.format(msgspec.json.encode(stamp)))
    beside.replace(build / STAMP)


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
