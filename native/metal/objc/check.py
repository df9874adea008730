# SPDX-License-Identifier: MIT
"""Type-checks the two Objective-C files of upstream's Metal backend, on a machine without Apple's headers.

    python check.py --source TREE --clang clang-19 [--stamp FILE] [--depfile FILE]

clang reads `ggml-metal-device.m` and `ggml-metal-context.m` as a Mac's compiler would, with upstream's own warnings,
but against the stub headers in include/, which declare of Apple's frameworks what the two files use. No code is made.
Each file is read for every target and setting below, since each sees other branches of `#if` and `@available`.

Exit codes: 0 both files type-check; 1 one does not, and clang's words follow; 2 nothing was checked.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

STUBS = Path(__file__).resolve().parent / "include"
SHOWN_STUBS = "native/metal/objc/include"
BACKEND = "ggml/src/ggml-metal"
FILES = ("ggml-metal-device.m", "ggml-metal-context.m")
INCLUDES = ("ggml/include", "ggml/src", BACKEND)

# Upstream gives its C sources these; CMake counts a .m file as C where a project does not enable Objective-C. A Mac
# shows them as warnings. Upstream is clean, so here they are errors, as are a name that is newer than the oldest
# system and stands outside @available, and all that clang warns of by itself: unknown selectors, other types, nil
# where an object must be.
LANGUAGE = ("-x", "objective-c", "-std=gnu11", "-fblocks", "-fsyntax-only")
WARNINGS = (
    *("-Werror", "-Wall", "-Wextra", "-Wpedantic", "-Wcast-qual", "-Wno-unused-function", "-Wshadow"),
    *("-Wstrict-prototypes", "-Wpointer-arith", "-Wmissing-prototypes", "-Wunguarded-availability"),
)


@dataclass(frozen=True)
class Target:
    """A system that upstream is built for. triple -- with the oldest release it shall run on; options -- clang's."""

    name: str
    triple: str
    options: tuple[str, ...] = ()


@dataclass(frozen=True)
class Setting:
    """A choice of upstream's build that the two files see. options -- the macros that it defines."""

    name: str
    options: tuple[str, ...] = ()


# 13.3 and 16.4 are the oldest systems in upstream's own releases. On x86-64 there are no residency sets, and upstream
# leaves a parameter unused.
TARGETS = (
    Target("macOS 15 on arm64", "arm64-apple-macosx15.0"),
    Target("macOS 13.3 on arm64", "arm64-apple-macosx13.3"),
    Target("macOS 13.3 on x86-64", "x86_64-apple-macosx13.3", ("-Wno-unused-parameter",)),
    Target("iOS 16.4 on arm64", "arm64-apple-ios16.4"),
)
EMBEDDED = "-DGGML_METAL_EMBED_LIBRARY"
SETTINGS = (
    Setting("with the library embedded", (EMBEDDED,)),
    Setting("with the library in files"),
    Setting("with the library embedded and no debugging", (EMBEDDED, "-DGGML_METAL_NDEBUG", "-DNDEBUG")),
)

DIAGNOSTIC = re.compile(r"^(?P<place>\S[^:]*:\d+:\d+): (?:fatal )?error: (?P<message>.*)$")
PLACE = re.compile(r"^\S[^:]*:\d+:\d+: (?:fatal )?(?:error|warning): |^\d+ errors? generated")
# what clang says of a name that no header declares; a field that a struct of upstream's lacks is none of these
NOT_DECLARED = tuple(
    re.compile(words)
    for words in (
        r"use of undeclared identifier '(?P<name>\w+)'",
        r"call to undeclared (?:library )?function '(?P<name>\w+)'",
        r"unknown type name '(?P<name>\w+)'",
        r"unknown receiver '(?P<name>\w+)'",
        r"no type or protocol named '(?P<name>\w+)'",
        r"cannot find (?:protocol|interface) declaration for '(?P<name>\w+)'",
        r"(?:instance|class) method '(?P<name>[-+][\w:]+)' not found",
        r"no known (?:instance|class) method for selector '(?P<name>[\w:]+)'",
        r"property '(?P<name>\w+)' not found on object of type '(?P<owner>[^']+)'",
        r"'(?P<name>[\w/.]+)' file not found",
    )
)
UPSTREAMS_OWN = re.compile(r"ggml|gguf|kernel_", re.IGNORECASE)
# which stub header a name of Apple's stands in, by how the name begins
HEADERS = (
    (re.compile(r"MTL"), "Metal/Metal.h"),
    (re.compile(r"dispatch_|DISPATCH_|QOS_"), "dispatch/dispatch.h"),
    (re.compile(r"vm_|VM_|mach_|MACH_|kern_|KERN_"), "mach/mach.h"),
    (re.compile(r"NS[A-Z]"), "Foundation/Foundation.h"),
    (re.compile(r"Block_"), "Block.h"),
    (re.compile(r"TARGET_"), "TargetConditionals.h"),
)


@dataclass(frozen=True)
class Finding:
    """One error. message -- clang's first line after the place; text -- all its lines, notes and source included."""

    message: str
    text: str


@dataclass(frozen=True)
class Reading:
    """How one file was read once. findings -- none where it type-checks; read -- the files that clang opened."""

    findings: tuple[Finding, ...]
    read: tuple[Path, ...]


class NothingCheckedError(Exception):
    """The check could not be made; the words say why, and what to do."""


def main(arguments: list[str] | None = None) -> int:
    """Check both files, say what was found, and give the exit code."""
    options = parsed(arguments)
    try:
        findings, read = checked(options.source, options.clang)
    except NothingCheckedError as error:
        sys.stderr.write(f"objc: {error}\n")
        return 2
    if findings:
        sys.stderr.write(report(findings))
        return 1
    if options.stamp:
        options.stamp.write_text("both files type-check\n", encoding="utf-8")
        if options.depfile:
            options.depfile.write_text(rule(options.stamp, read), encoding="utf-8")
    sys.stdout.write(
        f"objc: {' and '.join(FILES)} type-check against stub headers, for {', '.join(t.name for t in TARGETS)}; "
        f"{', '.join(s.name for s in SETTINGS)}\n"
    )
    return 0


def parsed(arguments: list[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Type-checks upstream's two Objective-C files against stub headers.")
    parser.add_argument("--source", type=Path, required=True, help="the composed source tree")
    parser.add_argument("--clang", required=True, help="a clang, by name or path; its own Apple targets suffice")
    parser.add_argument("--stamp", type=Path, help="written when both files type-check")
    parser.add_argument("--depfile", type=Path, help="with --stamp: a make rule that names all that was read")
    return parser.parse_args(arguments)


def checked(source: Path, clang: str) -> tuple[dict[Finding, list[str]], set[Path]]:
    """Read both files for every target and setting.

    Gives each error with the names of the readings that it occurred in, and every file that clang opened.
    Raises NothingCheckedError where a file or clang is missing.
    """
    for name in FILES:
        if not (source / BACKEND / name).is_file():
            raise NothingCheckedError(
                f"{source} has no {BACKEND}/{name}: give --source a composed tree; if upstream renamed the file, "
                "name it so in FILES of native/metal/objc/check.py."
            )
    findings: dict[Finding, list[str]] = {}
    read: set[Path] = set()
    for name in FILES:
        for target in TARGETS:
            for setting in SETTINGS:
                reading = read_once(source, clang, f"{BACKEND}/{name}", target, setting)
                read.update(reading.read)
                for finding in dict.fromkeys(reading.findings):
                    findings.setdefault(finding, []).append(f"{target.name}, {setting.name}")
    return findings, read


def read_once(source: Path, clang: str, name: str, target: Target, setting: Setting) -> Reading:
    """Let clang read one file. name -- from the tree's root, so that clang names places so."""
    with tempfile.TemporaryDirectory() as place:
        opened = Path(place) / "opened.d"
        includes = [f"-I{folder}" for folder in INCLUDES]
        command = [clang, f"--target={target.triple}", "-nostdlibinc", "-isystem", str(STUBS), *LANGUAGE, *WARNINGS]
        command += [*target.options, *setting.options, *includes, "-fno-color-diagnostics", "-ferror-limit=50"]
        command += ["-MD", "-MF", str(opened), name]
        try:
            ran = subprocess.run(command, cwd=source, capture_output=True, text=True, errors="replace", check=False)
        except OSError as error:
            raise NothingCheckedError(f"{clang} cannot be run ({error.strerror}): give --clang a clang.") from error
        findings = tuple(found(ran.stderr))
        if bool(findings) != bool(ran.returncode):  # it crashed, or does not know an option
            raise NothingCheckedError(f"{clang} ended with {ran.returncode} on {name} and said:\n{ran.stderr.rstrip()}")
        if not ran.returncode and not opened.is_file():
            raise NothingCheckedError(f"{clang} read nothing: give --clang a clang.")
        read = tuple((source / path).resolve() for path in dependencies(opened)) if ran.returncode == 0 else ()
        return Reading(findings, read)


def found(said: str) -> list[Finding]:
    """Split what clang said into its errors, each with the notes and source lines that follow it."""
    blocks: list[list[str]] = []
    for line in said.splitlines():
        if PLACE.match(line):
            blocks.append([line])
        elif blocks and not line.startswith("In file included from "):
            blocks[-1].append(line)
    findings = []
    for block in blocks:
        match = DIAGNOSTIC.match(block[0])
        if match:
            findings.append(Finding(match["message"], "\n".join(block).replace(str(STUBS), SHOWN_STUBS)))
    return findings


def report(findings: dict[Finding, list[str]]) -> str:
    """Give the errors, each once with where it occurred, and what a name that is not declared may mean."""
    every = len(TARGETS) * len(SETTINGS)
    lines = []
    for finding, readings in findings.items():
        where = dict.fromkeys(readings)  # both files may include the header that an error stands in
        seen_by = "every target and setting" if len(where) == every else "; ".join(where)
        lines += [finding.text, f"  (seen for {seen_by})"]
    lines += ["", *dict.fromkeys(filter(None, map(explanation, findings)))]
    lines.append(f"objc: {len(findings)} error{'s' * (len(findings) != 1)} in upstream's Objective-C files")
    return "\n".join(lines) + "\n"


def explanation(finding: Finding) -> str | None:
    """Say what it may mean that a name is not declared, or nothing where the stub headers cannot be the cause."""
    match = next(filter(None, (words.search(finding.message) for words in NOT_DECLARED)), None)
    if not match or UPSTREAMS_OWN.match(match["name"]):
        return None
    name = match["name"]
    if finding.message.endswith("file not found"):
        return (
            f"objc: there is no {name} in {SHOWN_STUBS}. If it is a header of Apple's or of C, and the system has it, "
            f"a stub may be missing: write {SHOWN_STUBS}/{name}. If not, the source is at fault."
        )
    header = header_of(finding, match)
    place = f"{SHOWN_STUBS}/{header}" if header else f"the headers in {SHOWN_STUBS}"
    where = "" if header else ", to the one that has its neighbours"
    return (
        f"objc: {name} is not declared in {place}. If Apple's own headers or C's have it, the declaration may be "
        f"missing there: add it{where}. If they do not, or it is misspelt, the patch that names it is at fault."
    )


def header_of(finding: Finding, match: re.Match[str]) -> str | None:
    """Give the stub header in which the name would stand: by its owner, by its own beginning, or by clang's notes."""
    for name in (match.groupdict().get("owner"), match["name"]):
        for begins, header in HEADERS:
            if name and begins.match(name.removeprefix("id<")):
                return header
    noted = re.search(re.escape(SHOWN_STUBS) + r"/([\w/]+\.h):\d+:\d+: note: receiver", finding.text)
    return noted[1] if noted else None


def dependencies(rules: Path) -> list[str]:
    """Read the files that clang names in a make rule."""
    names = rules.read_text(encoding="utf-8").split(":", 1)[1].replace("\\\n", " ")
    return [name.replace("\\ ", " ") for name in re.split(r"(?<!\\)\s+", names.strip())]


def rule(stamp: Path, read: set[Path]) -> str:
    """Write a make rule: the stamp depends on all that clang opened."""
    names = (str(path).replace(" ", "\\ ") for path in sorted(read))
    return f"{str(stamp).replace(' ', chr(92) + ' ')}: \\\n  " + " \\\n  ".join(names) + "\n"


if __name__ == "__main__":
    sys.exit(main())
