"""The verbs as Invoke tasks: verb → flow → terminal → exit code. Two doors: `invoke` here, `forkkeeper` anywhere."""

import itertools
import sys
from collections.abc import Callable
from importlib import metadata

from invoke.collection import Collection
from invoke.exceptions import Exit, ParseError
from invoke.parser.context import ParserContext

from forkkeeper.errors import ExitCode
from forkkeeper.shell import terminal
from forkkeeper.tasks import benching, exchange, holding, kit, patch, upstream
from forkkeeper.tasks.adopting import adopt
from forkkeeper.tasks.billing import sbom
from forkkeeper.tasks.ci import ci_matrix
from forkkeeper.tasks.door import Door, meant, plainly
from forkkeeper.tasks.fork import (
    build,
    check,
    diff,
    doctor,
    init,
    lint,
    log,
    materialise,
    plan,
    size,
    status,
    sync,
    upstream_refresh,
)
from forkkeeper.tasks.nightly import nightly
from forkkeeper.tasks.past import redo, undo
from forkkeeper.tasks.picking import decline, pick
from forkkeeper.tasks.publishing import publish
from forkkeeper.tasks.reporting import report
from forkkeeper.tasks.running import TYPED, outside


def _verbs() -> Collection:
    verbs = Collection(status, plan, sync, diff, log, lint, materialise, init, doctor, build, check, size, undo, redo)
    verbs.add_task(pick)
    verbs.add_task(decline)
    verbs.add_task(adopt)
    verbs.add_task(sbom)
    verbs.add_task(exchange.setup)
    verbs.add_task(exchange.merge_driver)
    verbs.add_task(upstream.triage)
    verbs.add_task(upstream.explain)
    verbs.add_collection(upstream.requests())
    verbs.add_collection(upstream.policy())
    patches = patch.verbs()
    patches.add_task(exchange.import_patches)
    patches.add_task(exchange.export_patches)
    patches.add_task(holding.absorb)
    verbs.add_collection(patches)
    verbs.add_task(holding.verify)
    verbs.add_collection(kit.verbs())
    verbs.add_task(ci_matrix)
    verbs.add_collection(benching.verbs())
    verbs.add_task(benching.bisect)
    verbs.add_task(nightly)
    verbs.add_task(report)
    verbs.add_task(publish)
    nested = Collection("upstream")
    nested.add_task(upstream_refresh)
    verbs.add_collection(nested)
    return verbs


namespace = _verbs()


class _Door(Door):
    """`forkkeeper`: Invoke's parser, with nested verbs as two words too, and exit 2 for a wrong call."""

    def parse_core(self, argv: list[str] | None) -> None:
        words = argv or sys.argv
        TYPED.set(tuple(words[1:]))
        self._as_request(lambda: super(_Door, self).parse_core(_spelled_for_invoke(words)))

    def parse_tasks(self) -> None:
        self._as_request(super().parse_tasks)

    def _as_request(self, step: Callable[[], None]) -> None:
        try:
            step()
        except ParseError as error:
            hint = meant(sorted(namespace.task_names), error, self.argv[1:])
            raise Exit(f"{plainly(str(error))}\n  next: {hint}", ExitCode.BAD_REQUEST) from error


# Verbs that take several positional values: Invoke has none, so each value becomes an option of its own.
# verb → (number of values before them, the option)
SEVERAL = {
    "bench.attribute": (0, "--variant"),
    "bench.throughput": (0, "--variant"),
    "build": (0, "--variant"),
    "check": (1, "--variant"),
    "doctor": (0, "--variant"),
    "kit.fetch": (0, "--name"),
    "materialise": (0, "--directory"),
    "materialize": (0, "--directory"),
    "size": (0, "--variant"),
    "patch.absorb": (0, "--paths"),
    "pick": (0, "--sha"),
}


def _spelled_for_invoke(argv: list[str]) -> list[str]:
    """Turn `upstream refresh` into `upstream.refresh`, and several positional values into repeated options."""
    program, *words = argv
    if not words:
        return [program, "--list"]
    if words[-1] in ("--help", "-h") and not words[0].startswith("-"):
        verb = itertools.takewhile(lambda word: not word.startswith("-"), words[:2])
        names = [word for word in (".".join(verb), words[0]) if word in namespace.task_names]
        if not names and words[0] in namespace.collections:
            return [program, "--list", words[0]]
        return [program, "--help", *(names[:1] or words[:1])]
    if len(words) == 1 and words[0] in namespace.collections:
        return [program, "--list", words[0]]
    nested = {name: set(namespace.collections[name].task_names) for name in namespace.collections}
    if len(words) > 1 and words[1] in nested.get(words[0], set()):
        words = [f"{words[0]}.{words[1]}", *words[2:]]
    if words[:2] == ["patch.import", "git"] and len(words) > 3 and not words[3].startswith("-"):
        words.insert(3, "--range")  # Invoke has no positional value that may be left out
    if words and words[0] in SEVERAL:
        first, option = SEVERAL[words[0]]
        valued = [
            name for verb in namespace.to_contexts() if words[0] in (verb.name, *verb.aliases) for name in _valued(verb)
        ]
        plain = [
            at for at, word in enumerate(words) if at > 0 and not word.startswith("-") and words[at - 1] not in valued
        ]
        spread = [[option, word] if at in plain[first:] else [word] for at, word in enumerate(words)]
        words = [word for part in spread for word in part]
    return [program, *words]


def _valued(verb: ParserContext) -> list[str]:
    """Give the options of a verb that take a value: the word behind one is no positional value."""
    return [flag for flag, argument in verb.flags.items() if argument.takes_value]


program = _Door(name="forkkeeper", binary="forkkeeper", namespace=namespace, version=metadata.version("forkkeeper"))


def main() -> None:
    """Enter by the console script."""
    terminal.write_anything()
    try:
        try:
            program.run()
        finally:
            terminal.flush()  # of `--help`, which is no report
    except BrokenPipeError:  # `--help | head`
        terminal.close_output()
    except OSError as error:  # `--list > /dev/full`
        terminal.release()
        refused = outside(error)
        terminal.complain(str(refused))
        sys.exit(int(refused.code))
