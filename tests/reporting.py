"""A fork with a past, for its report page: syncs on record, users' requests, nights."""

from pathlib import Path

from nightly import Ahead, behind, nights
from world import Fork, git

from forkkeeper import flow
from forkkeeper.core import history
from forkkeeper.core.history import Carried, Record
from forkkeeper.core.nights import Night
from forkkeeper.core.report import Report
from forkkeeper.flow.reporting import report

WEB = "https://github.com/some/one"
REQUESTS = """schema = 1

[[request]]
title = "Room for more items"
link = "https://github.com/me/fork/issues/12"
votes = 9
pull = [20012]
for = "large files"

[[request]]
title = "An older wish"
votes = 2
words = "old wish"
closed = true
"""


def with_past(fork: Fork) -> Fork:
    """Give the fork a page of upstream's, two syncs on record and users' requests; all its files agree."""
    declared = fork.root / "fork.toml"
    declared.write_text(declared.read_text().replace('web = ""', f'web = "{WEB}"'))
    before = git(fork.upstream.path, "rev-parse", f"{fork.pin}^")
    names = fork.names()
    first = Record(before, before, "2025-05-01", tuple(Carried(name, "kept") for name in (*names, "old-fix.patch")))
    outcomes = ("refreshed", "kept", "resolved")
    rows = tuple(Carried(name, outcomes[at % 3]) for at, name in enumerate(names))
    second = Record(before, fork.pin, "2025-06-16", (*rows, Carried("old-fix.patch", "upstreamed")))
    data = b""
    for record in (first, second):
        data = history.append(data, record)
    (fork.root / "history.toml").write_bytes(data)
    (fork.root / "requests.toml").write_text(REQUESTS)
    fork.relog()
    return fork


def ahead_of(fork: Fork, commits: int = 240) -> Ahead:
    """Give what lies ahead of a fork, with each kind of commit that touches its queue."""
    names = fork.names()
    titles = [name.removesuffix(".patch") for name in names]
    every = max(1, commits // 9)
    kinds = ("refresh", "upstreamed", "refresh", "review", "clash", "refresh", "review", "clash")
    hits = {
        every * (at + 1): {titles[at % len(titles)]: kind}
        | ({titles[0]: "refresh"} if kind == "clash" and at % 2 else {})
        for at, kind in enumerate(kinds)
        if every * (at + 1) < commits
    }
    found = behind(commits, hits)
    return Ahead(fork.pin, found[-1].sha, tuple(names), found)


def nights_of(fork: Fork, many: int = 12, commits: int = 240) -> tuple[Night, ...]:
    """Give a fork's nights, newest first; the sixth is a step."""
    return nights(ahead_of(fork, commits), many, step_at=6)


def drawn(fork: Fork, known: tuple[Night, ...] = ()) -> tuple[Report, Path]:
    """Draw a fork's page, and give where it is."""
    made = report(flow.Setting(fork.root, offline=True, on_progress=lambda *_: None), known)
    return made, fork.root / "build/report/index.html"
