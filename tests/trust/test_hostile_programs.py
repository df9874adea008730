"""What compilers and tests print, and what packages hold, is shown or unpacked, and does not act."""

import hashlib
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from hostile import Canary, unharmed
from stages.test_kit import POOL, archive, deb, needs_dpkg  # noqa: F401 -- a fixture, by its name
from tiny import CMAKE, CONFTEST, MAIN, VARIANT, fork_with, trailers
from trust.test_hostile_words import ACTS, ORDERS
from world import Fork, Local, Upstream

from forkkeeper.core.kits import DebPart, Kit
from forkkeeper.errors import OutsideError
from forkkeeper.stages import kit as kits

pytestmark = pytest.mark.attack
COLOURS = re.compile("\x1b\\[[0-9;:]{0,60}[mK]")  # these may pass
ESCAPES = "\x1b]0;owned\x07\x1b[2J \u202egpj"
PRINTING = CMAKE + f'message(STATUS "{ESCAPES}\n::error::owned\n##[command]owned")\n'
SPEAKING = f"""
import pytest

@pytest.mark.parametrize("word", ["{ESCAPES!r}"[1:-1]])
def test_speaks(word):
    print("\\n::error::owned by output")
    assert False, word + "\\n::error::owned by a message"
""".replace('"[1:-1]', '"').replace("'", "")


@pytest.fixture
def place(upstream_repo: Upstream) -> tuple[Upstream, str]:
    """Give an upstream with a small CMake project, and its pin."""
    return upstream_repo, upstream_repo.commit({"CMakeLists.txt": CMAKE, "main.c": MAIN}, tag="v1")


def acting(fork: Fork, *words: str, says: str = "owned") -> list[str]:
    """Run a verb as a program of its own: what is relayed is written past Python. Gives the lines that would act.

    says -- must be in what was said, as the harmless word of each attack is: what never came through proves nothing.
    """
    ran = fork.script(*words)
    assert ran.code in (0, 1, 2, 3), ran.said
    assert says in ran.said, ran.said
    return [line for line in relines(ran.said) if ACTS.search(COLOURS.sub("", line)) or ORDERS.search(line)]


def relines(text: str) -> list[str]:
    """Break at what begins a line anew: a carriage return does, too."""
    return re.split(r"[\n\r]", text)


@pytest.mark.parametrize("how", ["cmake prints", "cmake fails", "the compiler quotes", "a message of the code"])
def test_what_a_build_prints(place: tuple[Upstream, str], canary: Canary, how: str) -> None:
    """Attack: a patch makes CMake or the compiler print codes of terminals and commands of CI; none gets through."""
    changed = {
        "cmake prints": {"CMakeLists.txt": PRINTING},
        "cmake fails": {"CMakeLists.txt": PRINTING + f'message(FATAL_ERROR "{ESCAPES}\n::error::owned")\n'},
        "the compiler quotes": {"main.c": MAIN.replace('"hello"', f"hello_{ESCAPES}")},
        "a message of the code": {"main.c": f"#error {ESCAPES} ::error::owned\n" + MAIN},
    }[how]
    fork = fork_with(place, Local("evil", changed))
    assert acting(fork, "build", "cpu") == []
    assert acting(fork, "build", "cpu", "--json", "-", says='"exit"') == []
    assert not canary.sang


def test_what_a_test_prints(place: tuple[Upstream, str], canary: Canary) -> None:
    """Attack: a test of the fork has codes in its name, its output and its message; check shows none of them raw."""
    fork = fork_with(place, Local("notes", {"notes.txt": "b\n"}, trailers=trailers("native/checks/test_speaks.py")))
    (fork.root / "native/checks/test_speaks.py").write_text(SPEAKING)
    (fork.root / "native/checks/conftest.py").write_text(CONFTEST)
    fork.ok("build", "cpu")
    assert acting(fork, "check", "witness", "cpu") == []
    assert not canary.sang


LINKS = {
    "a link over a folder": ["rm -r tree/usr/include", "ln -s {out} tree/usr/include"],
    "the stamp is a link": ["ln -s {out}/stamp tree/forkkeeper-kit"],
}


@needs_dpkg
@pytest.mark.parametrize("how", LINKS)
def test_a_package_with_a_link_out_of_its_kit(archive: Path, tmp_path: Path, how: str) -> None:  # noqa: F811 -- the fixture
    """Attack: a package of a kit has a link in the place of what is then written; nothing is written behind it."""
    out = tmp_path / "out"
    out.mkdir()
    tree = tmp_path / "tree"
    shutil.copytree(unpacked(archive), tree)
    for command in LINKS[how]:
        subprocess.run(command.format(out=out), shell=True, check=True, cwd=tmp_path)  # noqa: S602 -- our own words
    evil = built(archive, tree)
    kit = Kit("a toy", 1, (evil,), link={"usr/include/libtoy.so": "libtoy.so.1"})
    try:
        kits.fetch(tmp_path, "toy", kit, offline=False, on_progress=lambda *_: None)
    except OutsideError as error:
        assert "leads out of the kit" in error.found  # noqa: PT017 -- one of the two refuses, the other is repaired
    assert list(out.iterdir()) == []


def unpacked(place: Path) -> Path:
    """Make an honest package; gives the tree that it is made of."""
    deb(place, "int toy(void);\n")
    return place.parent / "toy"


def built(place: Path, tree: Path) -> DebPart:
    """Build a tree as the archive's package."""
    made = place / POOL
    subprocess.run(["dpkg-deb", "--build", "--root-owner-group", tree, made], check=True, capture_output=True)
    return DebPart(POOL, hashlib.sha256(made.read_bytes()).hexdigest())


DECLARED = {
    "the kit's name": ('[kit."../../out"]\nabout = "x"\nmegabytes = 1\n[[kit."../../out".part]]\n', "no name of a kit"),
    "a link out": ('[kit.toy]\nabout = "x"\nmegabytes = 1\nlink = { "../x" = "y" }\n', "leaves the tree"),
    "a link to outside": ('[kit.toy]\nabout = "x"\nmegabytes = 1\nlink = { "x" = "../../y" }\n', "not in the kit"),
    "an option of pip": (
        '[kit.toy]\nabout = "x"\nmegabytes = 1\n[[kit.toy.part]]\nkind = "wheel"\n'
        f'requirement = "x==1\\n--no-binary=x"\nsha256 = "{"0" * 64}"\n',
        "NAME==VERSION",
    ),
    "an address for pip": (
        '[kit.toy]\nabout = "x"\nmegabytes = 1\n[[kit.toy.part]]\nkind = "wheel"\n'
        f'requirement = "x @ file:///tmp/x.tar.gz"\nsha256 = "{"0" * 64}"\n',
        "NAME==VERSION",
    ),
    "another place of the archive": (
        '[kit.toy]\nabout = "x"\nmegabytes = 1\n[[kit.toy.part]]\nkind = "deb"\n'
        f'pool = "../../x.deb"\nsha256 = "{"0" * 64}"\n',
        "part.pool",
    ),
    "no digest": (
        '[kit.toy]\nabout = "x"\nmegabytes = 1\n[[kit.toy.part]]\nkind = "deb"\npool = "pool/x.deb"\nsha256 = "-"\n',
        "part.sha256",
    ),
    "the variant's name": (VARIANT.replace("cpu", '"../../out"'), "no name of a variant"),
}


@pytest.mark.parametrize("how", DECLARED)
def test_a_declaration_that_leads_out(fork_in_step: Fork, canary: Canary, how: str) -> None:
    """Attack: fork.toml of a clone names a kit or a variant like a path, or a part like an option; it is refused."""
    declared, said = DECLARED[how]
    if how == "the kit's name":
        declared += f'kind = "deb"\npool = "pool/x.deb"\nsha256 = "{"0" * 64}"\n'
    elif "link" in how:
        declared = declared.replace("link =", "part = []\nlink =")
    with (fork_in_step.root / "fork.toml").open("a") as file:
        file.write("\n" + declared)
    with unharmed(fork_in_step, canary):
        ran = fork_in_step.run("kit", "list")
        assert (ran.code, said in ran.said) == (2, True), ran.said
        assert fork_in_step.run("status").code == 2
    assert re.search("next|did you|give|use|let", ran.said)
