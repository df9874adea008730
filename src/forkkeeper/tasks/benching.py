"""How fast the fork is beside the pristine pin, and who made it so: `bench throughput`, `bench attribute`, `bisect`."""

from invoke.collection import Collection
from invoke.context import Context
from invoke.tasks import task

from forkkeeper import flow
from forkkeeper.tasks.running import JSON, OFFLINE, needed, number, run, setting

VARIANT = "the variant that is built (default: that of [bench.instructions]; for time: cpu)"


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


@task(
    auto_shortflags=False,
    positional=[],
    help={
        "variant": VARIANT,
        "metric": "instructions (counted by valgrind, the default) or time",
        "only": "leave-one-out (the fork without each patch) or prefix (patches added one by one); default: both",
        "since": "REV of this repository: whose the change since then is, upstream's or the fork's",
        "model": "only this [[bench.model]], repeatable",
        "json": JSON,
        "offline": OFFLINE,
    },
    iterable=["variant", "model"],
)
def attribute(
    _: Context,
    variant: list[str] | None = None,
    metric: str = "instructions",
    only: str | None = None,
    since: str | None = None,
    model: list[str] | None = None,
    json: str | None = None,
    offline: bool = False,
) -> None:
    """Say which patch costs or gains speed; after a sync, whether a change is upstream's or the fork's.

    Exits 3 where a part could not be measured, with --since 1 where the fork's own cost grew.
    docs/attribution.md says how far to trust it.
    Example: forkkeeper bench attribute --since HEAD~1
    """
    run(
        lambda on_progress: flow.attribute(
            setting(on_progress, offline=offline),
            variants=tuple(variant or ()),
            metric=metric,
            only=only,
            since=since,
            models=tuple(model or ()),
        ),
        name="bench.attribute",
        json=json,
    )


@task(
    auto_shortflags=False,
    help={
        "metric": "instructions (counted by valgrind) or time",
        "variant": VARIANT,
        "from": "the old end, as --upto (default: where the last sync came from)",
        "upto": "the new end: sha, tag, branch, or snapshot such as llama-cpp-python==0.3.36 (default: the pin)",
        "model": "the [[bench.model]] that is followed (default: the one that changed most)",
        "test": "prompt or generation (default: the one that changed most)",
        "threshold": "percent: where both ends differ by less there is nothing to find (default: as declared)",
        "json": JSON,
        "offline": OFFLINE,
    },
)
def bisect(
    _: Context,
    metric: str | None = None,
    variant: str | None = None,
    from_: str | None = None,
    upto: str | None = None,
    model: str | None = None,
    test: str | None = None,
    threshold: str | None = None,
    json: str | None = None,
    offline: bool = False,
) -> None:
    """Find the upstream commit that changed a number: builds and measures commits that halve the way to it.

    What is built is the baseline, with no patch. A commit that does not build or run is skipped.
    Example: forkkeeper bisect --metric instructions --from v1.2
    """
    run(
        lambda on_progress: flow.bisect(
            setting(on_progress, offline=offline),
            metric=needed(metric, "metric instructions"),
            variant=variant,
            since=from_,
            upto=upto,
            model=model,
            test=test,
            threshold=flow.percent(threshold, "threshold"),
        ),
        name="bisect",
        json=json,
    )


def verbs() -> Collection:
    """Give those of `bench`."""
    return Collection("bench", throughput, attribute)
