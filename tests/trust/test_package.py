"""The package: the same bytes each time, all that it needs in it, and it works from an empty folder."""

import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from release import package
from release.package import Built


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a copy of the sources."""
    return package.copy(tmp_path_factory.mktemp("package") / "source")


@pytest.fixture(scope="module")
def built(source: Path) -> Built:
    """Build it once."""
    return package.build(source, source.with_name("built"))


def test_the_wheel_holds_all_that_the_package_needs(source: Path, built: Built) -> None:
    """Templates, tables, statements: every file below src is in the wheel, and nothing else."""
    assert (source / "src/forkkeeper/data/report/page.html.j2").is_file()
    assert list(package.missing(built.wheel, source)) == []


def test_what_is_missing_is_named(source: Path, built: Built, tmp_path: Path) -> None:
    """A wheel without its template, and with a file of nobody's, is not taken for whole."""
    lacking = tmp_path / built.wheel.name
    with zipfile.ZipFile(built.wheel) as whole, zipfile.ZipFile(lacking, "w") as less:
        for name in whole.namelist():
            less.writestr("forkkeeper/more" if name.endswith(".j2") else name, whole.read(name))
    said = list(package.missing(lacking, source))
    assert [line.partition(": ")[2] for line in said] == [
        "forkkeeper/data/report/page.html.j2 is not in it",
        "forkkeeper/more is in it, and not in src",
    ]
    assert list(package.differences(built.wheel, lacking)) != []


def test_it_works_from_the_wheel(built: Built, tmp_path: Path, figures: Callable[..., None]) -> None:
    """Unpacked into an environment that has no forkkeeper, it founds a fork, moves it, and draws its page.

    What it depends on comes from the tests' own environment, so that no registry is asked.
    """
    python = tmp_path / "environment/bin/python"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "environment"], check=True)
    asked = [str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    site = Path(subprocess.run(asked, check=True, capture_output=True, text=True).stdout.strip())
    with zipfile.ZipFile(built.wheel) as wheel:
        wheel.extractall(site)
    own = {path for path in map(Path, sys.path) if path.name in ("site-packages", "dist-packages")}
    (site / "dependencies.pth").write_text("".join(f"{path}\n" for path in sorted(own)))
    where = "import forkkeeper, os; print(os.path.dirname(forkkeeper.__file__))"
    found = subprocess.run([python, "-I", "-c", where], check=True, capture_output=True, text=True).stdout.strip()
    assert Path(found) == site / "forkkeeper"
    said = list(package.tryout(python, tmp_path / "tryout"))
    figures("package from the wheel", tried=1, faults=len(said))
    assert said == []


@pytest.mark.trust
def test_built_twice_it_is_the_same(source: Path, built: Built, tmp_path: Path, figures: Callable[..., None]) -> None:
    """In another folder, and from the sdist, come the same bytes."""
    again = package.build(package.copy(tmp_path / "another place"), tmp_path / "again")
    pairs = [
        (built.sdist, again.sdist),
        (built.wheel, again.wheel),
        (built.wheel, package.rebuilt(built.sdist, tmp_path / "from sdist")),
    ]
    said = [line for one, other in pairs for line in package.differences(one, other)]
    figures("package built again", builds=len(pairs), differences=len(said))
    assert said == []


@pytest.mark.trust
@pytest.mark.network
def test_it_works_in_an_empty_environment(built: Built, tmp_path: Path, figures: Callable[..., None]) -> None:
    """Installed by pip with its extra, and nothing else, it works."""
    said = list(package.tryout(package.installed(built.wheel, tmp_path / "environment"), tmp_path / "tryout"))
    figures("package in an empty environment", tried=1, faults=len(said))
    assert said == []
