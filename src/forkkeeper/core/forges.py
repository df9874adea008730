"""What `publish` needs of a place where pull requests and issues are: values, and the protocol of its two doors.

A pull request or issue of ours is known by a marker, a hidden comment at the beginning of its body, and by a branch or
a label that only those with rights can give it. No number is remembered, so that nothing is lost with a database.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

BRANCH = "forkkeeper/sync-from-"  # and the first digits of the pin: one pull request per sync
_BRANCH = re.compile(rf"{BRANCH}([0-9a-f]{{12}})")
_MARKER = re.compile(r"<!-- forkkeeper ((?:[a-z]+=[A-Za-z0-9:._-]*[A-Za-z0-9:._] )+)-->")


@dataclass(frozen=True, slots=True)
class Pull:
    """A pull request. number -- in its place; url -- where a person reads it; merged -- closed by being taken."""

    number: int
    title: str
    body: str
    branch: str
    base: str
    is_open: bool
    merged: bool = False
    url: str = ""


@dataclass(frozen=True, slots=True)
class Issue:
    """An issue. number, url -- as of a pull request."""

    number: int
    title: str
    body: str
    is_open: bool
    url: str = ""


class Forge(Protocol):
    """A place for pull requests and issues. Each method raises OutsideError where the place fails."""

    @property
    def name(self) -> str:
        """The place in messages."""

    @property
    def git(self) -> str:
        """The git url that branches are pushed to; "" where a branch is kept as a bundle (`keep`)."""

    @property
    def secret(self) -> str:
        """What git logs in there with; never to be shown."""

    @property
    def page(self) -> str:
        """The address under which the place's own pages are, "" for none."""

    def pulls(self, branch: str = "") -> Sequence[Pull]:
        """Give the open pull requests; with a branch those from it, closed ones, too, newest first."""

    def add_pull(self, title: str, body: str, branch: str, base: str) -> Pull:
        """Open a pull request."""

    def change_pull(self, number: int, *, title: str, body: str, is_open: bool) -> None:
        """Make a pull request say this."""

    def issues(self, label: str) -> Sequence[Issue]:
        """Give the issues that have a label, open and closed, newest first."""

    def add_issue(self, title: str, body: str, label: str) -> Issue:
        """Open an issue with a label, which is made where it is not there."""

    def change_issue(self, number: int, *, title: str, body: str, is_open: bool) -> None:
        """Make an issue say this."""

    def comments(self, number: int) -> Sequence[str]:
        """Give the texts of the comments of a pull request or issue, oldest first."""

    def comment(self, number: int, text: str) -> None:
        """Add a comment."""

    def keep(self, branch: str, bundle: bytes) -> bool:
        """Keep a branch as a bundle where there is no git; gives whether that is other than what was there."""


def branch_of(pin: str) -> str:
    """Name the branch of the sync that leaves a pin.

    >>> branch_of("0c1e57098bba" + "0" * 28)
    'forkkeeper/sync-from-0c1e57098bba'
    """
    return f"{BRANCH}{pin[:12]}"


def pin_of(branch: str) -> str:
    """Give the first digits of the pin that a sync's branch leaves; "" for a branch of another name."""
    found = _BRANCH.fullmatch(branch)
    return found[1] if found else ""


def marker(**fields: str) -> str:
    """Write a marker.

    >>> marker(kind="alarm", since="2026-10-02")
    '<!-- forkkeeper kind=alarm since=2026-10-02 -->'
    """
    pairs = " ".join(f"{key}={value or 'none'}" for key, value in fields.items())
    return f"<!-- forkkeeper {pairs} -->"


def marked(body: str) -> dict[str, str]:
    r"""Read the marker that a body begins with; empty where it has none.

    >>> marked("<!-- forkkeeper kind=alarm since=x -->\n\nText")
    {'kind': 'alarm', 'since': 'x'}
    """
    found = _MARKER.match(body.lstrip())
    pairs = [pair.split("=", 1) for pair in found[1].split()] if found else []
    return {key: "" if value == "none" else value for key, value in pairs}
