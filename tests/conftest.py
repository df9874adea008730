"""The sealed world, and the places that end-to-end tests stand in."""

from collections.abc import Callable, Iterator
from pathlib import Path

import promises
import pytest
from attacks import leave, pytest_runtest_logreport, pytest_sessionfinish  # noqa: F401 -- hooks, by their names
from hypothesis import settings
from laws import pytest_runtest_call  # noqa: F401 -- as above
from small import BUFFER_SIZE, CHECK, GREETING, LIMIT, LIMIT_MORE, OVERLAY, small_upstream
from world import Fork, Upstream, copied, fork_of, seal

settings.register_profile("unhurried", deadline=None)  # a busy machine is no failure of what is tested
settings.load_profile("unhurried")


@pytest.fixture(autouse=True)
def sealed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Close off this machine's home, git, pip and clock; only a test of the real network sees them."""
    with pytest.MonkeyPatch.context() as patch:
        if request.node.get_closest_marker("network") is None:
            seal(patch, tmp_path_factory.mktemp("home"))
        yield


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Fork]:
    """Build each place once; the tests work on copies."""
    queues = {"behind": [GREETING, BUFFER_SIZE, CHECK], "clash": [LIMIT, LIMIT_MORE, GREETING]}
    made = {}
    with pytest.MonkeyPatch.context() as patch:
        seal(patch, tmp_path_factory.mktemp("building"))
        for name, locals_ in queues.items():
            place = tmp_path_factory.mktemp(name)
            upstream, pin, target = small_upstream(place)
            made[name] = fork_of(place, upstream, pin, target, locals_, OVERLAY)
    return made


@pytest.fixture
def upstream_repo(tmp_path: Path) -> Upstream:
    """Give an upstream with no commit yet, to build on."""
    return Upstream.make(tmp_path / "place" / "upstream.git")


@pytest.fixture
def fork_in_step(built: dict[str, Fork], tmp_path: Path) -> Fork:
    """Give a fork of three patches and an overlay file whose files all agree."""
    return copied(built["behind"], tmp_path / "in step")


@pytest.fixture
def fork_behind(built: dict[str, Fork], tmp_path: Path) -> Fork:
    """Give a fork whose upstream moved on: greeting is kept, buffer-size refreshed, null-check upstreamed."""
    return copied(built["behind"], tmp_path / "behind")


@pytest.fixture
def fork_with_clash(built: dict[str, Fork], tmp_path: Path) -> Fork:
    """Give a fork whose upstream moved on: limit clashes, limit-more follows it, greeting is kept."""
    return copied(built["clash"], tmp_path / "clash")


def pytest_configure(config: pytest.Config) -> None:
    """Know what docs/threat-model.md names."""
    config.pluginmanager.register(promises)


@pytest.fixture(scope="session")
def figures() -> Callable[..., None]:
    """Give the function that leaves figures: a JSON object a line in the file named by FORKKEEPER_TRUST, if it is set.

    >>> figures("kill points", tried=1000, lost=0)
    """

    def figure(subject: str, **counted: int | str) -> None:
        leave({"subject": subject, **counted})

    return figure
