r"""Reads what a failing build says: the first thing that a compiler, a linker or CMake could not do, and where.

The forms, as the programs print them in English:

    main.c:5:12: error: 'x' undeclared                        GCC, Clang, glslc; `fatal error:` too; no column: the same
    kernel.cu(12): error: identifier "x" is undefined         nvcc
    /usr/bin/ld: main.c:(.text+0xc): undefined reference to `foo(int)'
                                                              GNU ld; with debug information `main.c:2:`
    main.o:main.c:function main: error: undefined reference to 'foo'
                                                              gold
    ld.lld: error: undefined symbol: foo                      lld, mold; the next line begins `>>> referenced by`
    Undefined symbols for architecture arm64:                 Apple's; the next line is `  "_foo", referenced from:`
    CMake Error at sub/CMakeLists.txt:2 (message):            the words follow, indented, then the call stack
    c++: error: unrecognized command-line option '-x'         a program's own, without a place

What is said first counts: later ones often follow from it. A full disk and a killed compiler are looked for in all of
it, as what comes of them can look like anything.
"""

import posixpath
import re
from collections.abc import Sequence
from dataclasses import dataclass

_LONGEST = 8_192  # characters of a line that are read: some forms take a time that grows with the square of these
MOST = 300  # characters of a message that are given

# Colours, links (GCC's names of warnings) and what else a terminal acts upon.
_CONTROL = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[@-_]")
_OPEN, _CLOSE = "[`'\"‘“]", "['\"’”]"


@dataclass(frozen=True, slots=True)
class Place:
    """A line of a file, as a program named it: from its own folder, or whole. line -- from 1; 0 where none was said."""

    path: str
    line: int


@dataclass(frozen=True, slots=True)
class Refused:
    """Something that a compiler or CMake does not take.

    places -- where: the innermost first, then what called it; none where a program speaks of no file
    """

    places: tuple[Place, ...]
    message: str


@dataclass(frozen=True, slots=True)
class Undefined:
    """Something that is used, and that the linker finds nowhere. place -- by whom, as far as the linker says."""

    symbol: str
    place: Place | None


@dataclass(frozen=True, slots=True)
class Doubled:
    """Something that the linker finds twice. places -- where, as far as the linker says."""

    symbol: str
    places: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class Killed:
    """A program of the build got no more memory, or the system killed it, which is nearly always for that."""

    said: str


@dataclass(frozen=True, slots=True)
class Full:
    """There was no room for a file. path -- the last whole one named, "" for none; it may be one that was only read."""

    path: str
    said: str


@dataclass(frozen=True, slots=True)
class TooLarge:
    """A file would have grown beyond what this user or file system allows (ulimit -f)."""

    said: str


Failure = Refused | Undefined | Doubled | Killed | Full | TooLarge


def plain(text: str) -> list[str]:
    r"""Give the lines of what was said on a terminal, without what it acted upon; of a line drawn anew, the last.

    >>> plain("\r[1/2] a.c\x1b[K\r[2/2] b.c\x1b[K\nb.c:1: \x1b[31merror\x1b[0m: x\r\n")
    ['[2/2] b.c', 'b.c:1: error: x', '']
    """
    bare = _CONTROL.sub("", text).replace("\r\n", "\n")
    return [line.rpartition("\r")[2][:_LONGEST] for line in bare.split("\n")]


def read(text: str) -> Failure | None:
    """Find what a failing build failed of; None where nothing of a known form was said."""
    lines = plain(text)
    room = next((full for line in lines if (full := _full(line))), None)
    killed = next((no_more for line in lines if (no_more := _killed(line))), None)
    if room or killed:
        return room or killed
    for at in range(len(lines)):
        failure = _cmake(lines, at) or _linking(lines, at) or _compiling(lines[at])
        if failure is not None:
            return failure
    return next((refused for line in lines if (refused := _program(line))), None)


# the whole text: what can make anything fail ------------------------------------------------------------------------

_NO_ROOM = re.compile(r"(?:No space left on device|Disk quota exceeded)['\")\]]?\.?\s*$")
_LIMIT = re.compile(r"(?:File too large['\")\]]?\.?\s*$|File size limit exceeded)")
_PATH = re.compile(r"(?:^|[\s'\"(])(/[^\s'\":]+)")
_NO_MEMORY = re.compile(
    r"(?:\bKilled\b.*\bprogram \S|error: .*: Killed\b|signal 9\b|died due to signal 9|out of memory allocating"
    r"|virtual memory exhausted|LLVM ERROR: out of memory|terminated with signal 9)"
)


def _full(line: str) -> Full | TooLarge | None:
    if _NO_ROOM.search(line):
        named = _PATH.findall(re.sub(r"^\S*(?:ld|ld\.\w+|ccache|c?make|ninja): ", "", line))
        return Full(named[-1] if named else "", _short(line))
    return TooLarge(_short(line)) if _LIMIT.search(line) else None


def _killed(line: str) -> Killed | None:
    return Killed(_short(line)) if _NO_MEMORY.search(line) else None


# compilers ----------------------------------------------------------------------------------------------------------

_SEVERITY = r"(?P<kind>(?:fatal |internal compiler |catastrophic )?[Ee]rror)"
_COMPILERS = (
    re.compile(rf"(?P<path>[^\s:][^:]*):(?P<line>\d{{1,9}}):(?:\d+:)? {_SEVERITY}: (?P<message>.+)"),
    re.compile(rf"(?P<path>[^\s(][^(]*)\((?P<line>\d{{1,9}})\): {_SEVERITY}(?: #[\w-]+)?\s*: (?P<message>.+)"),
    re.compile(r"(?P<kind>ERROR): (?P<path>[^\s:][^:]*):(?P<line>\d{1,9}): (?P<message>.+)"),  # glslang
)
_PROGRAMS = (
    re.compile(r"(?P<program>[\w./+-]+): (?:fatal )?error: (?P<message>.+)"),
    re.compile(r"(?P<program>nvcc|ptxas|nvlink|cicc|cudafe\+\+|fatbinary) +(?:fatal|error) *: (?P<message>.+)"),
    re.compile(r"(?P<program>ninja): (?:error|fatal): (?P<message>.+)"),
    re.compile(r"(?P<program>\S*\bld(?:\.\w+)?): (?P<message>cannot find .+)"),
)
# What only says that the program before it has failed.
_ECHO = re.compile(r"ld returned \d+ exit status|linker command failed|build stopped|no input files")


def _compiling(line: str) -> Refused | None:
    match = next((found for form in _COMPILERS if (found := form.fullmatch(line))), None)
    if match is None:
        return None
    word = f"{match['kind']}: " if match["kind"].startswith("internal") else ""
    return Refused((Place(match["path"], int(match["line"])),), _short(word + match["message"]))


def _program(line: str) -> Refused | None:
    match = next((found for form in _PROGRAMS if (found := form.fullmatch(line))), None)
    if match is None or _ECHO.search(line):
        return None
    return Refused((), _short(f"{posixpath.basename(match['program'])}: {match['message']}"))


# linkers ------------------------------------------------------------------------------------------------------------

_UNDEFINED = re.compile(
    rf"(?P<before>.*?)[Uu]ndefined reference to {_OPEN}(?P<symbol>.+?){_CLOSE}"
    rf"(?: in {_OPEN}(?P<object>.+){_CLOSE})?\s*"
)
_UNDEFINED_LLD = re.compile(r"\S+: error: undefined (?:hidden |protected )?symbol: (?P<symbol>.+)")
_UNDEFINED_APPLE = re.compile(r"Undefined symbols for architecture \S+:")
_APPLE = re.compile(r'\s+"(?P<symbol>.+)", referenced from:')
_DOUBLED = re.compile(
    rf"(?P<before>.*?)multiple definition of {_OPEN}(?P<symbol>.+?){_CLOSE}(?:; (?P<first>.*): first defined here)?"
)
_DOUBLED_LLD = re.compile(r"\S+: error: duplicate symbol: (?P<symbol>.+)")
_LLD_PLACE = re.compile(
    r">>> (?:referenced by|defined at) (?P<file>\S+?)(?::(?P<line>\d{1,9}))?(?: \((?P<whole>.+):\d+\))?"
)
_LLD_OBJECT = re.compile(r">>>\s+(?P<object>\S+):\(.*\)")
_IN_FUNCTION = re.compile(rf"(?:.*: )?(?P<object>[^\s:]+): in function {_OPEN}.*")
_LINKED = re.compile(
    r"(?:\S*\bld(?:\.\w+)?: )?(?P<path>[^\s:(][^\s:]*)"
    r"(?::(?P<line>\d{1,9})|(?::[^\s:]+)?:\(.*|:(?P<source>[^\s:]+):function.*)?"
)


def _linking(lines: Sequence[str], at: int) -> Undefined | Doubled | None:
    line = lines[at]
    if match := _UNDEFINED.fullmatch(line):
        of_object = Place(source_of(match["object"]), 0) if match["object"] else None
        return Undefined(match["symbol"], of_object or _linked(lines, at, match["before"]))
    if match := _DOUBLED.fullmatch(line):
        places = (_linked(lines, at, match["before"]), _linked((), 0, match["first"] or ""))
        return Doubled(match["symbol"], tuple(place for place in places if place))
    if match := _UNDEFINED_LLD.fullmatch(line):
        return Undefined(match["symbol"], next(iter(_lld(lines[at + 1 :])), None))
    if match := _DOUBLED_LLD.fullmatch(line):
        return Doubled(match["symbol"], _lld(lines[at + 1 :]))
    if _UNDEFINED_APPLE.fullmatch(line) and at + 1 < len(lines) and (match := _APPLE.fullmatch(lines[at + 1])):
        return Undefined(match["symbol"].removeprefix("_"), None)
    return None


def _linked(lines: Sequence[str], at: int, before: str) -> Place | None:
    """Read what stands before a linker's words; where that is no line of a file, the object it named last is better."""
    match = _LINKED.fullmatch(before.rstrip().removesuffix(" error:").rstrip(":"))
    if match is None:
        return None
    if match["line"]:
        return Place(match["path"], int(match["line"]))
    above = (found for line in reversed(lines[:at]) if (found := _IN_FUNCTION.fullmatch(line)))
    named = None if match["source"] else next(above, None)
    return Place(source_of(named["object"] if named else match["path"]), 0)


def _lld(lines: Sequence[str]) -> tuple[Place, ...]:
    """Read lld's lines on who uses a symbol, or has it: a line where it knows one, else the object."""
    found: list[Place] = []
    for line in lines:
        if not line.startswith(">>>"):
            break
        if match := _LLD_PLACE.fullmatch(line):
            path = match["whole"] or match["file"]
            found.append(Place(path, int(match["line"] or 0)))
        elif (match := _LLD_OBJECT.fullmatch(line)) and found and not found[-1].line:
            found[-1] = Place(source_of(match["object"]), 0)
    return tuple(found)


def source_of(path: str) -> str:
    """Give the source that CMake made an object of, from the root of the tree; another name stays as it is.

    >>> source_of("src/CMakeFiles/llama.dir/__/common/log.cpp.o"), source_of("libggml.a(ggml.c.o)"), source_of("a.o")
    ('common/log.cpp', 'ggml.c', 'a.o')
    """
    member = re.fullmatch(r".*\((.+)\)", path)
    name = member[1] if member else path
    match = re.fullmatch(r"(?P<folder>(?:.*/)?)CMakeFiles/[^/]+\.dir/(?P<rest>.+)", name)
    if match:
        name = posixpath.normpath(match["folder"] + match["rest"].replace("__/", "../"))
    return name.removesuffix(".o") if match or member else name


# CMake --------------------------------------------------------------------------------------------------------------

_HEAD = r"(?: \(dev\))?(?: at (?P<path>.+?):(?P<line>\d{1,9})(?: \(\w+\))?| in (?P<file>.+?))?:(?: (?P<rest>.+))?"
_CMAKE = re.compile(rf"CMake Error{_HEAD}")
_WARNING = re.compile(rf"CMake (?:Deprecation )?Warning{_HEAD}")
_FRAME = re.compile(r"  (?P<path>\S.*?):(?P<line>\d{1,9}) \(\w+\)")
_STACK = "Call Stack (most recent call first):"


# What CMake adds to many messages, and what stands before the words of a compiler that it tried.
_BESIDE = re.compile(r"Tell CMake where to find|CMake will not be able to correctly generate")
_TRIED = "It fails with the following output:"
ENOUGH = 80  # characters: what follows in a paragraph of its own is left out then


def _cmake(lines: Sequence[str], at: int) -> Refused | None:
    match = _CMAKE.fullmatch(lines[at])
    if match is None:
        return None
    body = _indented(lines[at + 1 :])
    rest = lines[at + 1 + len(body) :]
    frames = _indented(rest[1:]) if rest[:1] == [_STACK] else []
    calls = [found for line in frames if (found := _FRAME.fullmatch(line))]
    first = [Place(match["path"] or match["file"], int(match["line"] or 0))] if match["path"] or match["file"] else []
    places = (*first, *(Place(call["path"], int(call["line"])) for call in calls))
    return Refused(places, _short(_message(match["rest"] or "", body)))


def warnings(text: str) -> tuple[str, ...]:
    """Give what CMake warns of, each once."""
    lines = plain(text)
    heads = ((at, match) for at, line in enumerate(lines) if (match := _WARNING.fullmatch(line)))
    said = (_short(_message(match["rest"] or "", _indented(lines[at + 1 :]))) for at, match in heads)
    return tuple(dict.fromkeys(said))


def _message(said: str, body: Sequence[str]) -> str:
    """Give the first paragraphs of a message that make sense by themselves, and what a compiler said that was tried."""
    lines = [line.strip() for line in body]
    tried = lines.index(_TRIED) if _TRIED in lines else len(lines)
    for paragraph in "\n".join(lines[:tried]).split("\n\n"):
        words = " ".join(paragraph.split())
        if not words or _BESIDE.match(words):
            continue
        said = f"{said} {words}" if said else words
        if len(said) > ENOUGH and said.endswith((".", "!", ")")):
            break
    inner = read("\n".join(lines[tried + 1 :]))
    return f"{said} {inner.message}" if isinstance(inner, Refused) else said


def _indented(lines: Sequence[str]) -> list[str]:
    """Give the lines up to the first that is not indented, blank ones among them."""
    found: list[str] = []
    for line in lines:
        if line and not line.startswith("  "):
            break
        found.append(line)
    return found


# what a message is about --------------------------------------------------------------------------------------------


def inside(place: Place, *, source: str, build: str) -> str | None:
    """Give the path of a place from the root of the tree; None for a file that is not in it.

    source, build -- the folders of the tree and of the build: compilers work in the latter, CMake names files from the
        former

    >>> inside(Place("../src/a.c", 1), source="/v/src", build="/v/build")
    'a.c'
    >>> inside(Place("/usr/include/a.h", 1), source="/v/src", build="/v/build")
    """
    for base in (build, source):
        path = posixpath.normpath(posixpath.join(base, place.path))
        if path.startswith(f"{source}/"):
            return path[len(source) + 1 :]
    return None


def names(message: str) -> tuple[str, ...]:
    """Give the names that a compiler quotes, each once: the last part of one with a `::`, without its arguments.

    >>> names("'ggml::cpu::dot(int, float)' was not declared; did you mean 'dot2'?")
    ('dot', 'dot2')
    """
    quoted = re.findall(rf"{_OPEN}([^`'\"‘“’”]+){_CLOSE}", message)
    found = (name_of(one) for one in quoted)
    return tuple(dict.fromkeys(name for name in found if name))


def name_of(symbol: str) -> str:
    """Give the name that stands in the source for a linker's symbol; "" where there is none.

    >>> name_of("vtable for llama_mmap"), name_of("S::~S()"), name_of("ggml_init"), name_of("a::b<int>::c(int)")
    ('llama_mmap', 'S', 'ggml_init', 'c')
    """
    bare = re.sub(r"<[^<>]*>", "", symbol.partition("(")[0])
    match = re.search(r"(?:^|[\s:~*&])([A-Za-z_]\w*)\s*$", bare)
    return match[1] if match else ""


def _short(text: str) -> str:
    text = text.strip()
    return text if len(text) <= MOST else f"{text[:MOST].rstrip()} …"
