"""Looking at a real machine: real compilers, real headers, and programs that we put on a PATH of our own."""

import os
import sys
from pathlib import Path

from forkkeeper.core.needs import State
from forkkeeper.core.variants import DeviceNeed, HeaderNeed, LibraryNeed, ProgramNeed, Variant
from forkkeeper.stages.probe import Kit, Probe


def program(folder: Path, name: str, says: str) -> Path:
    """Write a program that says something."""
    folder.mkdir(exist_ok=True)
    made = folder / name
    made.write_text(f"#!/bin/sh\ncat <<'END'\n{says}\nEND\n")
    made.chmod(0o755)
    return made


def header(folder: Path, version: int) -> Path:
    """Write a header with a version."""
    (folder / "toy").mkdir(parents=True)
    (folder / "toy" / "toy.h").write_text(f"#define TOY_MINOR {version}\n#define TOY_MAJOR 1\n")
    return folder


TOY = HeaderNeed(name="toy/toy.h", version=(r"TOY_MAJOR (\d+)", r"TOY_MINOR (\d+)"), least="1.5", kit="toy")


def test_the_compiler_itself_says_which_header_it_would_read(tmp_path: Path) -> None:
    """A header on the compiler's own search path is found there, with the version that stands in it."""
    old = header(tmp_path / "old", 2)
    probe = Probe({**os.environ, "CPATH": str(old)})
    seen = probe.look(TOY)
    assert (seen.where, seen.version) == (str(old / "toy" / "toy.h"), "1.2")
    assert Probe(os.environ).look(TOY).where == ""


def test_a_kit_s_header_stands_before_the_system_s(tmp_path: Path) -> None:
    """Too old here, new enough beside: the variant can be built with the kit, and without it not."""
    old, new = header(tmp_path / "old", 2), header(tmp_path / "new", 9)
    variant = Variant(device="X", need=(TOY,))
    probe = Probe({**os.environ, "CPATH": str(old)})
    with_kit = probe.ability("toy", variant, {"toy": Kit(here=True, include=new)})
    assert [(one.state, one.used.version) for one in with_kit.answers] == [(State.BESIDE, "1.9")]
    assert with_kit.beside == ("toy",)
    unfetched = probe.ability("toy", variant, {"toy": Kit(here=False)})
    assert unfetched.to_fetch == ("toy",)
    assert probe.ability("toy", variant, {}).lacking[0].state is State.TOO_OLD


def test_a_kit_that_is_used_for_one_thing_is_used_for_all_that_it_has(tmp_path: Path) -> None:
    """Its options choose it as a whole: a header that the system has, too, is the kit's then, and is shown as that."""
    system, kit = header(tmp_path / "system", 7), header(tmp_path / "kit", 9)
    (kit / "toy" / "more.h").write_text("")
    more = HeaderNeed(name="toy/more.h", kit="toy")
    probe = Probe({**os.environ, "CPATH": str(system)})
    kits = {"toy": Kit(here=True, include=kit)}
    alone = probe.ability("toy", Variant(device="X", need=(TOY,)), kits)
    assert [(one.state, one.used.version) for one in alone.answers] == [(State.MET, "1.7")]
    both = probe.ability("toy", Variant(device="X", need=(TOY, more)), kits)
    assert [(one.state, one.used.version) for one in both.answers] == [(State.BESIDE, "1.9"), (State.BESIDE, "")]


def test_a_header_may_be_another_compiler_s(tmp_path: Path) -> None:
    """A need can name the program that is asked; where it is missing, that is what is said."""
    compiler = program(tmp_path / "bin", "toycc", "")
    compiler.write_text(f'#!/bin/sh\nexec c++ -I{header(tmp_path / "toolkit", 8)} "$@"\n')
    need = HeaderNeed(name=TOY.name, version=TOY.version, compiler=("toycc",))
    found = Probe({**os.environ, "PATH": f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}"}).look(need)
    assert found.version == "1.8"
    assert Probe(os.environ).look(need).because == "no toycc to ask"


def test_an_empty_kit_never_passes_for_the_system_s_header(tmp_path: Path) -> None:
    """A kit that lacks the header is not credited with the one that the system has."""
    system, empty = header(tmp_path / "system", 2), tmp_path / "empty"
    empty.mkdir()
    assert Probe({**os.environ, "CPATH": str(system)}).look(TOY, Kit(here=True, include=empty)).where == ""


def test_a_library_is_found_by_linking_it() -> None:
    """What links is here, and what does not is not: names and folders are the linker's business."""
    probe = Probe(os.environ)
    assert probe.look(LibraryNeed(name="m")).where == "-lm"
    assert probe.look(LibraryNeed(name="no-such-library-here")).where == ""


def test_half_of_the_needs_taken_away_are_told_from_the_other_half(tmp_path: Path) -> None:
    """On a PATH with one of two programs, one need is met with its version, and the other is missing."""
    program(tmp_path / "bin", "shaderc", "shaderc v2023.2")
    probe = Probe({"PATH": f"{tmp_path / 'bin'}{os.pathsep}{Path(sys.executable).parent}:/bin:/usr/bin"})
    needs = (
        ProgramNeed(name=("shaderc",), version=(r"v(\d+\.\d+)",), least="2023.1"),
        ProgramNeed(name=("no-such-program",)),
    )
    ability = probe.ability("toy", Variant(device="X", need=needs), {})
    assert [one.state for one in ability.answers] == [State.MET, State.MISSING]
    assert ability.answers[0].seen.version == "2023.2"
    assert not ability.builds


def test_a_device_is_named_by_the_command_that_lists_it(tmp_path: Path) -> None:
    """The devices listed are read with the driver's version; without the command the answer says that it is missing."""
    program(tmp_path / "bin", "lister", "device = Soft One\ndevice = Hard Two\ndriver 22.3.6")
    need = DeviceNeed(command=("lister",), name=r"^device = (.*)$", version=(r"driver (\S+)",), accepts="Hard")
    probe = Probe({"PATH": f"{tmp_path / 'bin'}:/bin:/usr/bin"})
    (answer,) = probe.ability("toy", Variant(device="X", need=(need,)), {}).answers
    assert (answer.device, answer.seen.version) == ("Hard Two", "22.3.6")
    (absent,) = Probe({"PATH": "/nowhere"}).ability("toy", Variant(device="X", need=(need,)), {}).answers
    assert absent.seen.because == "lister is not here to list devices"
