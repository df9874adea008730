"""The verb of the night: look upstream, try the sync, build, judge, measure, keep, report."""

from invoke.context import Context
from invoke.tasks import task

from forkkeeper import flow
from forkkeeper.tasks.running import JSON, OFFLINE, run, setting


@task(
    auto_shortflags=False,
    iterable=["variant", "only"],
    positional=[],
    help={
        "head": "the upstream commit to look at: sha, tag, branch or snapshot (default: the newest that can be had)",
        "variant": "a variant to build, repeatable (default: those of [nightly] in fork.toml)",
        "only": "a step of a night, such as 'bf16 cpu', repeatable: it and what it needs; nothing is kept",
        "anew": "take every step, also where nothing changed since the last night",
        "offline": OFFLINE,
        "json": JSON,
    },
)
def nightly(
    _: Context,
    head: str | None = None,
    variant: list[str] | None = None,
    only: list[str] | None = None,
    anew: bool = False,
    offline: bool = False,
    json: str | None = None,
) -> None:
    """Say where the fork stands, what tomorrow's sync costs, and what got slower; the fork itself is not touched.

    Looks upstream, plans to the head, carries a scratch clone as far as that needs no human, builds what can be built
    here, checks BF16, holds it against the pristine pin, asks each patch for its effect, counts instructions. A step
    that fails stops only what needs it. Results go to .forkkeeper/history.sqlite, the report to build/report/.
    Example: forkkeeper nightly --head 0c1e57098bba
    """
    run(
        lambda on_progress: flow.nightly(
            setting(on_progress, offline=offline),
            flow.NightAsked(head, tuple(variant or ()), tuple(only or ()), anew),
        ),
        name="nightly",
        json=json,
    )
