"""What `fork.toml` says of benchmarks: which program measures, which models, and where instructions are counted."""

from dataclasses import dataclass

import msgspec

from forkkeeper.errors import RequestError

FILE = "fork.toml"
EFFECT = 0.03  # the difference that is looked for, as a share
POWER = 0.9  # the chance to see it
TIME, INSTRUCTIONS, BOTH = "time", "instructions", "both"  # what can be measured


@dataclass(frozen=True, slots=True)
class Test:
    """One test of a program: tokens that it reads, or writes; the other is 0."""

    prompt: int
    generation: int

    @property
    def name(self) -> str:
        """What tables and llama-bench's reader call it."""
        return f"prompt {self.prompt}" if self.prompt else f"generation {self.generation}"

    @property
    def tokens(self) -> int:
        """The tokens of one repetition."""
        return self.prompt + self.generation


class Model(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A model whose speed is measured; one of `path` and `command` is given.

    path -- its file, from the fork's folder
    command -- what writes it; {python} is the Python that forkkeeper runs in, {output} the file to write
    """

    name: str
    path: str = ""
    command: tuple[str, ...] = ()


class Instructions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How instructions are counted, under valgrind's callgrind.

    variant -- the one that is built for it: valgrind does not know every instruction of a new processor
    within -- the function of the build's libraries whose instructions count, with all that it calls; "": everything
    threshold -- the difference that matters, as a share
    prompt, generation -- tokens
    """

    variant: str
    within: str = ""
    threshold: float = 0.001
    prompt: int = 4
    generation: int = 2

    @property
    def tests(self) -> tuple[Test, ...]:
        """The tests that are counted."""
        return _tests(self.prompt, self.generation)


class Bench(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How throughput is measured.

    program -- of the build; it takes llama-bench's options and prints its JSON
    arguments -- for it, in every run
    prompt, generation -- tokens that are read, and written, in a timed test; 0 leaves the test out
    repetitions -- of a test in one process; its fastest is the process's time
    effect -- the difference that is looked for, as a share
    power -- the chance to find it
    seconds -- for all models of a variant together
    """

    program: str = "llama-bench"
    arguments: tuple[str, ...] = ("-t", "1")
    prompt: int = 32
    generation: int = 4
    repetitions: int = 15
    effect: float = EFFECT
    power: float = POWER
    seconds: float = 170
    model: tuple[Model, ...] = ()
    instructions: Instructions | None = None

    @property
    def tests(self) -> tuple[Test, ...]:
        """The tests that are timed."""
        return _tests(self.prompt, self.generation)


def _tests(prompt: int, generation: int) -> tuple[Test, ...]:
    return tuple(test for test in (Test(prompt, 0), Test(0, generation)) if test.tokens)


STRUCTS = (Bench, Model, Instructions)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a bench was asked for.

    variants -- whose time is measured; none: `cpu` where there is one, else the first that is declared
    metric -- "time", "instructions" or "both"
    models -- names of [[bench.model]]; none: all
    seconds -- for the times of a variant, None for what is declared
    effect -- percent, the difference that is looked for; None for what is declared
    """

    variants: tuple[str, ...] = ()
    metric: str = BOTH
    models: tuple[str, ...] = ()
    seconds: int | None = None
    effect: float | None = None


def check(bench: Bench, variants: frozenset[str]) -> None:
    """Raise RequestError for what no benchmark can run with. variants -- the declared ones."""
    names = [model.name for model in bench.model]
    for model in bench.model:
        if bool(model.path) == bool(model.command):
            found = f"bench.model '{model.name}' has {'both' if model.path else 'neither'} of `path` and `command`"
            raise RequestError("read", FILE, found, "give one of them")
        if names.count(model.name) > 1:
            raise RequestError(
                "read", FILE, f"bench.model '{model.name}' is there twice", "give each a name of its own"
            )
        if model.command and not any("{output}" in word for word in model.command):
            found = f"bench.model '{model.name}' does not say where its command writes"
            raise RequestError("read", FILE, found, "put {output} where the command takes a file")
    for field, wrong, range_ in _ranges(bench):
        if wrong:
            raise RequestError("read", FILE, f"bench.{field} is {getattr(bench, field)}", f"give {range_}")
    if bench.instructions is not None:
        _check_instructions(bench.instructions, variants)


def _check_instructions(how: Instructions, variants: frozenset[str]) -> None:
    if how.prompt < 0 or how.generation < 0 or not how.tests:
        found = f"bench.instructions has prompt {how.prompt} and generation {how.generation}"
        raise RequestError("read", FILE, found, "give numbers of tokens; 0 leaves a test out, not both")
    if not 0 < how.threshold < 1:
        found = f"bench.instructions.threshold is {how.threshold}"
        raise RequestError("read", FILE, found, "give a share, such as 0.001 for 0.1 %")
    if how.variant not in variants:
        found = f"bench.instructions.variant is '{how.variant}', which is not declared"
        raise RequestError("read", FILE, found, f"add [variant.{how.variant}], or name another")


def _ranges(bench: Bench) -> tuple[tuple[str, bool, str], ...]:
    return (
        ("effect", not 0 < bench.effect < 1, "a share, such as 0.03 for 3 %"),
        ("power", not 0 < bench.power < 1, "a chance, such as 0.9"),
        ("repetitions", bench.repetitions < 1, "one at least"),
        ("prompt", bench.prompt < 0, "a number of tokens, 0 for no such test"),
        ("generation", bench.generation < 0 or not bench.tests, "tokens; not 0 for both tests"),
    )
