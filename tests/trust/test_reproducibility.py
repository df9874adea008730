"""The same lock gives the same bytes: on other Pythons and gits, from either source, in other places and languages.

Each row of the matrix is a process of its own in another environment; what it makes is held against what the first row
makes, digest by digest.
"""

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import environments
import pytest
import sdists
from environments import FIRST, LOCALISED, NEWER, ODD, PLAIN, Row
from sdists import embedded, follow_sdists, sdist
from world import Fork, copied

Figures = Callable[..., None]
# Of an sdist only upstream's trees can be had, not its history: what tells of that differs, as it should.
OF_HISTORY = (
    "status.json",
    "plan.json",
    "plan.md",
    "plan.sarif",
    "triage.json",
    "why.json",
    "explain.json",
    "before-page.html",
    "after-page.html",
)


@pytest.fixture(scope="module")
def forks(built: dict[str, Fork], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the forks that every row clones: one that can be carried, one that clashes."""
    root = tmp_path_factory.mktemp("forks")
    offers = tmp_path_factory.mktemp("sdists")
    for name, fork in built.items():
        place = root / name
        made = copied(fork, place / "made")
        made.root.rename(place / "fork")
        made.upstream.path.rename(place / "upstream.git")
        (place / "made").rmdir()
        here = replace(made, root=place / "fork", upstream=replace(made.upstream, path=place / "upstream.git"))
        (place / "ends.json").write_text(json.dumps({"target": here.target, "is_free": name == "behind"}))
        known_by_sdists(here, place, offers)
    offers.rename(root.with_name("offers"))
    return root


def known_by_sdists(fork: Fork, place: Path, offers: Path) -> None:
    """Make the same fork, which knows its upstream only by the sdists that are offered."""
    other = replace(fork, root=place / "fork-by-sdists")
    shutil.copytree(fork.root, other.root, symlinks=True)
    versions = {f"{place.name == 'clash':d}.{number}": sha for number, sha in enumerate((fork.pin, fork.target))}
    follow_sdists(other, versions)
    (other.root / ".forkkeeper/snapshots.csv").rename(place / "snapshots.csv")
    shutil.rmtree(other.root / ".forkkeeper")
    other.commit_all("by sdists")
    for version, sha in versions.items():
        data = sdist(embedded(fork.upstream, sha, offers / version), version)
        (offers / sdists.name_of(version)).write_bytes(data)


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folder of what is made once for all rows."""
    return tmp_path_factory.mktemp("tools")


@pytest.fixture(scope="module")
def first(forks: Path, tools: Path, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """Give what the first row makes."""
    return environments.results(FIRST, forks, tmp_path_factory.mktemp("first"), tools)


def differing(row: Row, first: Mapping[str, str], found: Mapping[str, str]) -> list[str]:
    """Name the products that a row makes otherwise; what an sdist cannot tell of is left out."""
    names = sorted(first.keys() | found.keys())
    if row.source != FIRST.source:
        names = [name for name in names if not name.endswith(OF_HISTORY)]
    return [name for name in names if first.get(name) != found.get(name)]


def test_the_first_row_makes_everything(first: Mapping[str, str], figures: Figures) -> None:
    """There is no product that nobody compares: patches, lock, log, bill, report, plan and trees of both forks."""
    names = {name.partition("/")[2] for name in first}
    wanted = {"fork.lock", "CHANGES-LOCAL.md", "history.toml", "patches/series", "after-page.html", "after-bill.json"}
    wanted |= {"plan.json", "plan.md", "plan.sarif", "lint.sarif", "matrix.json", "after-fork/src/main.c", "after-diff"}
    assert wanted <= names
    assert first["behind/after-fork/src/main.c"].startswith("644 ")
    figures("reproducibility", row=FIRST.name, rows=1, differences=0)


def test_a_difference_is_seen(first: Mapping[str, str]) -> None:
    """A product with another digest, and one that is not made, are named."""
    changed = {name: found for name, found in first.items() if name != "behind/fork.lock"} | {"behind/plan.md": "0"}
    assert differing(PLAIN[0], first, changed) == ["behind/fork.lock", "behind/plan.md"]


def compare(row: Row, forks: Path, work: Path, tools: Path, first: Mapping[str, str], figures: Figures) -> None:
    """Hold a row against the first."""
    named = differing(row, first, environments.results(row, forks, work, tools))
    figures("reproducibility", row=row.name, rows=1, differences=len(named))
    assert not named


def test_elsewhere(forks: Path, tmp_path: Path, tools: Path, first: Mapping[str, str], figures: Figures) -> None:
    """Another time zone, umask, hash seed, folder and user together make no difference."""
    compare(ODD, forks, tmp_path, tools, first, figures)


@pytest.mark.trust
@pytest.mark.parametrize("row", PLAIN, ids=lambda row: row.name)
def test_row(row: Row, forks: Path, tmp_path: Path, tools: Path, first: Mapping[str, str], figures: Figures) -> None:
    """What is named makes no difference; from an sdist comes the same fork."""
    compare(row, forks, tmp_path, tools, first, figures)


@pytest.mark.trust
@pytest.mark.locales
@pytest.mark.parametrize("row", LOCALISED, ids=lambda row: row.name)
def test_language(
    row: Row, forks: Path, tmp_path: Path, tools: Path, first: Mapping[str, str], figures: Figures
) -> None:
    """Another language makes no difference: not where `i` has another capital, nor where text is no UTF-8."""
    environments.make_locales(tools / "locales")
    compare(row, forks, tmp_path, tools, first, figures)


@pytest.mark.trust
@pytest.mark.newest
@pytest.mark.network
@pytest.mark.parametrize("row", NEWER, ids=lambda row: row.name)
def test_newest(row: Row, forks: Path, tmp_path: Path, tools: Path, first: Mapping[str, str], figures: Figures) -> None:
    """The newest git of Debian's archive, and the newest Python of this machine, make no difference."""
    compare(row, forks, tmp_path, tools, first, figures)
