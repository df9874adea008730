"""An upstream whose engine does its work in two files, so that two patches, or upstream and a patch, never clash."""

import json
from pathlib import Path

from benching import CMAKE, DECLARED, MAIN
from world import Fork, Local, Ran, Upstream, fork_of

PARTED = CMAKE.replace("engine.c", "engine.c first.c second.c")
ENGINE = """void first(int tokens);
void second(int tokens);

void engine_decode(int tokens)
{
    first(tokens);
    second(tokens);
}
"""
ROUNDS = 10_000  # of work for a token, in each file


def part(name: str, rounds: str | int = ROUNDS, head: str = "") -> str:
    """Give a file of the engine that does so much work for a token, which no compiler removes."""
    return f"""{head}volatile unsigned {name}_seen;

void {name}(int tokens)
{{
    unsigned value = 1;
    for (int round = 0; round < tokens * {rounds}; round++) {{
        value = value * 1664525u + 1013904223u;
    }}
    {name}_seen = value;
}}
"""


FILES = {
    "CMakeLists.txt": PARTED,
    "main.c": MAIN,
    "engine.c": ENGINE,
    "first.c": part("first"),
    "second.c": part("second"),
    "notes.txt": "a\n",
}
COSTS = Local("costs", {"first.c": part("first", ROUNDS * 11 // 10)})  # 5 % of the whole
HARMLESS = Local("harmless", {"notes.txt": "b\n"})
GROUND = Local("ground", {"amount.h": f"#define AMOUNT {ROUNDS * 8 // 10}\n"})
ABORTS = Local("aborts", {"second.c": "#include <stdlib.h>\nvoid second(int tokens) { (void) tokens; abort(); }\n"})
SKIPS = Local("skips", {"engine.c": ENGINE.replace("    second(tokens);\n", "")})
GAINS = Local("gains", {"second.c": part("second", "AMOUNT", '#include "amount.h"\n')})  # 10 % of the whole


def forked(upstream: Upstream, pin: str, *locals_: Local, overlay: dict[str, str] | None = None) -> Fork:
    """Make a fork that declares how it is measured, all of it committed."""
    fork = fork_of(upstream.path.parent, upstream, pin, pin, list(locals_), overlay or {})
    declaration = fork.root / "fork.toml"
    declaration.write_text(declaration.read_text() + DECLARED)
    fork.commit_all()
    return fork


def upstream_in(place: Path) -> tuple[Upstream, str]:
    """Make the upstream, and give its first commit."""
    upstream = Upstream.make(place / "upstream.git")
    return upstream, upstream.commit(FILES, tag="v1")


def tables(ran: Ran) -> list[list[dict[str, str]]]:
    """Give the tables of a document."""
    return [block for block in json.loads(ran.out)["blocks"] if isinstance(block, list)]


def sentences(ran: Ran) -> str:
    """Give the sentences of a document, one a line."""
    return "\n".join(block for block in json.loads(ran.out)["blocks"] if isinstance(block, str))
