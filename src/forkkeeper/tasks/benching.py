"""`bench throughput`: how fast the fork is beside the pristine pin."""

from invoke.collection import Collection
from invoke.context import Context
from invoke.tasks import task

from forkkeeper import flow
from forkkeeper.tasks.running import JSON, number, run, setting


@task(
    auto_shortflags=False,
    iterable=["variant", "model"],
    positional=[],
    help={
        "variant": "a variant whose time is measured, repeatable (default: cpu); `bench throughput blas` does as well",
        "metric": "time, instructions (counted by valgrind) or both (default)",
        "model": "only this [[bench.model]], repeatable",
        "seconds": "that all models of a variant may take (default: bench.seconds)",
        "effect": "the difference that is looked for, in percent (default: bench.effect)",
        "json": JSON,
    },
)
def throughput(
    _: Context,
    variant: list[str] | None = None,
    metric: str = "both",
    model: list[str] | None = None,
    seconds: str | None = None,
    effect: str | None = None,
    json: str | None = None,
) -> None:
    """Compare the fork's speed with the pristine pin's; exits 1 only where it is slower.

    Both are built in folders alike; each run is a fresh process of a fresh copy, in pairs whose order is flipped. The
    verdict is faster, same (shown to be), slower, or inconclusive. docs/benchmarks.md says how far to trust it.
    Example: forkkeeper bench throughput --metric instructions
    """
    run(
        lambda on_progress: flow.bench(
            setting(on_progress),
            flow.BenchAsked(
                tuple(variant or ()), metric, tuple(model or ()), number("seconds", seconds), flow.percent(effect)
            ),
        ),
        name="bench.throughput",
        json=json,
    )


def verbs() -> Collection:
    """Give them."""
    return Collection("bench", throughput)
