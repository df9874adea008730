"""How fast builds are: the doors to `bench throughput`, `bench attribute` and `bisect`.

What they open is imported late: it needs numpy, scipy and pytest-benchmark, which take longer to import than most verbs
take to run.
"""

import contextlib
from collections.abc import Iterator, Sequence

from forkkeeper.core.benches import INSTRUCTIONS, Asked
from forkkeeper.core.report import Report
from forkkeeper.errors import OutsideError, RequestError
from forkkeeper.flow.standing import Setting


def percent(text: str | None, option: str = "effect") -> float | None:
    """Read a difference in percent. Raises RequestError for what is none."""
    if text is None:
        return None
    try:
        found = float(text.removesuffix("%"))
    except ValueError:
        found = 0.0
    if not 0 < found < 100:
        raise RequestError("call", f"--{option} {text}", "is no percentage", f"give one, e.g. --{option} 3")
    return found


def bench(setting: Setting, asked: Asked) -> Report:
    """Compare the fork's throughput with the baseline's; exit 1 for *slower* alone.

    Raises RequestError for an unknown metric, model or variant, OutsideError for what cannot be built or run.
    """
    with _installed():
        from forkkeeper.flow import benching  # noqa: PLC0415 -- see above

    return benching.bench(setting, asked)


def attribute(
    setting: Setting,
    *,
    variants: Sequence[str] = (),
    metric: str = INSTRUCTIONS,
    only: str | None = None,
    since: str | None = None,
    models: Sequence[str] = (),
) -> Report:
    """Say which patch costs or gains, or with `since` whose a change over a sync is.

    variants -- one at most; none: the one of [bench.instructions], or the one whose time is measured
    metric -- "instructions" or "time"
    only -- "leave-one-out" or "prefix", None for both
    since -- a revision of the fork's own repository; exit 1 where the fork's own cost grew since
    Exit 3 where a part could not be measured; the rest is shown.
    """
    if len(variants) > 1:
        raise RequestError("bench", ", ".join(variants), "one variant is taken apart at a time", "name one")
    variant = next(iter(variants), None)
    with _installed():
        from forkkeeper.flow import attributing  # noqa: PLC0415 -- see above

    return attributing.attribute(setting, variant=variant, metric=metric, only=only, since=since, models=models)


def bisect(
    setting: Setting,
    *,
    metric: str,
    variant: str | None = None,
    since: str | None = None,
    upto: str | None = None,
    model: str | None = None,
    test: str | None = None,
    threshold: float | None = None,
) -> Report:
    """Find the upstream commit that changed a number of the baseline's.

    since, upto -- the ends, as commits are typed; None: where the last sync came from, and the pin
    model, test -- the number that is followed; None: the one that changed most
    threshold -- percent, a change of less is none; None: as declared
    """
    with _installed():
        from forkkeeper.flow import bisecting  # noqa: PLC0415 -- see above

    wanted = bisecting.Wanted(metric, variant, since, upto, model, test, threshold)
    return bisecting.bisect(setting, wanted)


@contextlib.contextmanager
def _installed() -> Iterator[None]:
    """Say what to install where a package is missing."""
    try:
        yield
    except ModuleNotFoundError as error:
        hint = "python -m pip install numpy scipy pytest-benchmark"
        raise OutsideError("bench", str(error.name), "not installed", hint) from error
