"""The verbs on single upstream commits: taken ahead of a sync, or not wanted."""

from invoke.context import Context
from invoke.tasks import task

from forkkeeper import flow
from forkkeeper.shell import terminal
from forkkeeper.tasks.running import JSON, OFFLINE, UPTO, run, setting, value


@task(
    auto_shortflags=False,
    iterable=["sha", "paths"],
    help={
        "sha": "an upstream commit ahead of the pin (repeatable; they come in in upstream's order)",
        "paths": "take only paths that this pattern matches, as in .gitignore (repeatable)",
        "touching": "take only hunks that change a line in which this is found: a word or regular expression",
        "with_needed": "take the earlier upstream commits that it needs, too; shows what each costs",
        "yes": "with --with-needed: save them, having seen what they cost",
        "accept": "save what is for review, or a proposal, as it was shown",
        "show": "say what would be done, and save nothing",
        "name": "the patch's name (default: made of the commit's title)",
        "why": "why the fork wants it now; stands before upstream's own words",
        "witness": "the check that fails without it",
        "upto": "instead of --sha, where history is not held: take what came up to this snapshot",
        "from": "with --upto: what came after this one (default: the pin)",
        "title": "with --upto: the patch's title",
        "offline": OFFLINE,
        "json": JSON,
    },
)
def pick(
    _: Context,
    sha: list[str] | None = None,
    paths: list[str] | None = None,
    touching: str | None = None,
    with_needed: bool = False,
    yes: bool = False,
    accept: bool = False,
    show: bool = False,
    name: str | None = None,
    why: str | None = None,
    witness: str | None = None,
    upto: str | None = None,
    from_: str | None = None,
    title: str | None = None,
    offline: bool = False,
    json: str | None = None,
) -> None:
    """Take an upstream commit that is ahead of the pin into the queue, as a patch that leaves when a sync passes it.

    Example: forkkeeper pick 0c1e57098bba --why "Crashes on Metal without it."
    """
    choice = flow.Choice(
        shas=tuple(sha or ()),
        upto=upto,
        since=from_,
        paths=tuple(paths or ()),
        touching=touching,
        name=name,
        title=title,
        why=why,
        witness=witness,
        accept=accept,
        with_needed=with_needed,
        yes=yes,
        show=show,
    )
    run(lambda on_progress: flow.pick(setting(on_progress, offline=offline), choice), name="pick", json=json)


@task(
    auto_shortflags=False,
    positional=["sha"],
    help={
        "sha": UPTO,
        "why": "why it is not for this fork",
        "reopen": "take the decision back, and the patch that takes the commit back out of the queue",
        "accept": "save what is for review, or a proposal, as it was shown",
        "offline": OFFLINE,
        "json": JSON,
    },
)
def decline(
    _: Context,
    sha: str,
    why: str | None = None,
    reopen: bool = False,
    accept: bool = False,
    offline: bool = False,
    json: str | None = None,
) -> None:
    """Do without an upstream commit: one that the pin has is taken back by a patch, one ahead of it is remembered.

    Example: forkkeeper decline 0c1e57098bba --why "The fork has no server."
    """

    def verb(on_progress: terminal.Progress) -> flow.Report:
        here, one = setting(on_progress, offline=offline), value("decline", sha)
        if reopen:
            for option, given in (("--why", why), ("--accept", accept)):
                if given:
                    raise flow.not_with(option, "--reopen")
            return flow.reopen_declined(here, one)
        return flow.decline(here, one, why=why, accept=accept)

    run(verb, name="decline", json=json)
