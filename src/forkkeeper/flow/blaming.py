"""Which patch, or which upstream commit, changed a number: the doors to `bench attribute` and `bisect`.

What they open is imported late: it needs numpy and scipy, which take longer to import than most verbs take to run.
"""

from collections.abc import Sequence

from forkkeeper.core.report import Report
from forkkeeper.errors import RequestError
from forkkeeper.flow import benching
from forkkeeper.flow.standing import Setting


def attribute(
    setting: Setting,
    *,
    variants: Sequence[str] = (),
    metric: str = benching.INSTRUCTIONS,
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
    benching.measuring()  # says what to install where that cannot be imported
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
    benching.measuring()
    from forkkeeper.flow import bisecting  # noqa: PLC0415 -- see above

    wanted = bisecting.Wanted(metric, variant, since, upto, model, test, threshold)
    return bisecting.bisect(setting, wanted)
