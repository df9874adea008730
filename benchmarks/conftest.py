"""What every benchmark run says after its table: the ratios that people ask for."""

from collections.abc import Callable, Iterator

import pytest

from benchmarks import ratios
from benchmarks.ratios import Growth, Timing

GROWTHS = pytest.StashKey[list[Growth]]()
TIMINGS = pytest.StashKey[dict[str, Timing]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let less be built than fork.toml says, and fewer operations be run than the test program has."""
    parser.addoption("--targets", default="", help="test_build.py: build only these, separated by commas")
    parser.addoption("--largest", type=int, default=10_000_000, help="test_parsers.py: bytes of the largest input")
    parser.addoption("--families", default="", help="test_metal.py: only these operations, separated by commas")


@pytest.fixture
def growth(request: pytest.FixtureRequest) -> Callable[..., None]:
    """Give the function that keeps how a parser's time grew, for the lines at the end."""
    kept = request.config.stash.setdefault(GROWTHS, [])
    return lambda *parts: kept.append(Growth(*parts))


@pytest.fixture(autouse=True)
def _timed(request: pytest.FixtureRequest) -> Iterator[None]:
    """Keep each benchmark's fastest round for the lines at the end: what else the machine does only ever adds."""
    benchmark = request.getfixturevalue("benchmark") if "benchmark" in request.fixturenames else None
    yield
    if benchmark is not None and benchmark.stats is not None:
        kept = request.config.stash.setdefault(TIMINGS, {})
        kept[request.node.name] = Timing(benchmark.stats.stats.min, dict(benchmark.extra_info))


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Write the lines after pytest-benchmark's table."""
    timings = config.stash.get(TIMINGS, None)
    grown = config.stash.get(GROWTHS, None)
    said = [*(ratios.lines(timings) if timings else []), *(ratios.growths(grown) if grown else [])]
    if said:
        terminalreporter.section("from the fastest round of each, this run")
        for line in said:
            terminalreporter.write_line(line)
