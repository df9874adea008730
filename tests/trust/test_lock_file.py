"""The lock file of development: whole, with hashes, within what pyproject.toml allows, and of no host."""

import re
import tomllib
from collections.abc import Iterator
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from world import HERE

LOCK = HERE / "requirements/development.txt"
PIN = re.compile(r"(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^ ;]+)(?: ; (?P<marker>.+?))? \\$")


def pins() -> dict[str, list[str]]:
    """Give the versions that each package is pinned to; several where that depends on the machine."""
    found: dict[str, list[str]] = {}
    for line in LOCK.read_text().splitlines():
        if pin := PIN.match(line):
            found.setdefault(canonicalize_name(pin["name"]), []).append(pin["version"])
    return found


def required() -> Iterator[Requirement]:
    """Give what pyproject.toml asks for, for users and for development."""
    declared: dict[str, Any] = tomllib.loads((HERE / "pyproject.toml").read_text())
    lists = [
        declared["project"]["dependencies"],
        *declared["project"]["optional-dependencies"].values(),
        *declared["dependency-groups"].values(),
    ]
    for listed in lists:
        yield from (Requirement(text) for text in listed if isinstance(text, str))


def test_every_requirement_is_pinned_within_its_range() -> None:
    """What pyproject.toml asks for stands in the lock file, in a version that it allows."""
    known = pins()
    for wanted in required():
        if wanted.marker is None or wanted.marker.evaluate():
            versions = known.get(canonicalize_name(wanted.name), [])
            assert versions, f"{wanted} is not pinned: `nox -s lock`"
            assert all(wanted.specifier.contains(version) for version in versions), f"{wanted}: {versions}"


def test_every_pin_has_hashes_and_no_host() -> None:
    """After each pin stands a sha256 at least, and nothing in the file names a place to fetch from."""
    lines = LOCK.read_text().splitlines()
    assert len(pins()) > 30
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        assert not re.search(r"://|--(extra-)?index|--find-links|file:", line), line
        if not line.startswith((" ", "#")):
            assert PIN.match(line), line
            assert re.match(r"    --hash=sha256:[0-9a-f]{64}", following), line


def test_licences_are_declared_for_the_check() -> None:
    """The list of licences that `nox -s audit` allows is there, and lets nothing through that nobody named."""
    declared: dict[str, Any] = tomllib.loads((HERE / "pyproject.toml").read_text())
    listed = declared["tool"]["pip-licenses"]
    allowed = [name.strip() for name in listed["allow-only"].split(";")]
    assert listed["partial-match"] is False
    assert "MIT" in allowed
    assert not any(re.search(r"UNKNOWN|(?<!L)GPL|AGPL", name) for name in allowed)


def test_contributors_are_told() -> None:
    """CONTRIBUTING.md names the lock file."""
    assert f"{LOCK.relative_to(HERE)}" in (HERE / "CONTRIBUTING.md").read_text()
