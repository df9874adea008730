"""An upstream whose one program stands for llama-bench: it times work that a source file says how much of."""

from pathlib import Path

from world import Fork, Local, Upstream, fork_of

CMAKE = """cmake_minimum_required(VERSION 3.18)
project(tiny C)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY bin)
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY bin)
add_library(engine SHARED engine.c)
add_executable(llama-bench main.c)
target_link_libraries(llama-bench engine)
"""

# Work that no compiler removes: each round needs the one before it, and the last is seen from outside.
ENGINE = """volatile unsigned engine_seen;

void engine_decode(int tokens)
{{
    unsigned value = 1;
    for (int round = 0; round < tokens * {rounds}; round++) {{
        value = value * 1664525u + 1013904223u;
    }}
    engine_seen = value;
}}
"""

MAIN = r"""#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void engine_decode(int tokens);

static void test(int prompt, int generation, int repetitions)
{
    printf("{\"n_prompt\": %d, \"n_gen\": %d, \"samples_ns\": [", prompt, generation);
    for (int i = 0; i < repetitions; i++) {
        struct timespec before, after;
        clock_gettime(CLOCK_MONOTONIC, &before);
        engine_decode(prompt + generation);
        clock_gettime(CLOCK_MONOTONIC, &after);
        long spent = (after.tv_sec - before.tv_sec) * 1000000000L + after.tv_nsec - before.tv_nsec;
        printf("%s%ld", i ? ", " : "", spent > 0 ? spent : 1);
    }
    puts("]}");
}

int main(int argc, char ** argv)
{
    int prompt = 0, generation = 0, repetitions = 1;
    const char * model = "";
    for (int i = 1; i < argc - 1; i++) {
        if (strcmp(argv[i], "-m") == 0) model = argv[i + 1];
        if (strcmp(argv[i], "-p") == 0) prompt = atoi(argv[i + 1]);
        if (strcmp(argv[i], "-n") == 0) generation = atoi(argv[i + 1]);
        if (strcmp(argv[i], "-r") == 0) repetitions = atoi(argv[i + 1]);
    }
    FILE * file = fopen(model, "r");
    if (!file) {
        fprintf(stderr, "no model %s\n", model);
        return 3;
    }
    fclose(file);
    if (prompt) test(prompt, 0, repetitions);
    if (generation) test(0, generation, repetitions);
    return 0;
}
"""

ROUNDS = 20_000  # of work for a token: 32 tokens take about half a millisecond

DECLARED = """
[variant.cpu]
device = "CPU"
targets = ["llama-bench"]

[bench]
arguments = ["-t", "1"]
prompt = 32
generation = 4
repetitions = 40
effect = 0.3
seconds = 120

[[bench.model]]
name = "small"
command = ["{python}", "-c", "import sys; open(sys.argv[1], 'w').write('weights')", "{output}"]

[bench.instructions]
variant = "cpu"
within = "engine_decode"
"""

HEAVIER = Local("heavier", {"engine.c": ENGINE.format(rounds=2 * ROUNDS)})
LIGHTER = Local("lighter", {"engine.c": ENGINE.format(rounds=ROUNDS // 2)})
HARDLY = Local("hardly", {"engine.c": ENGINE.format(rounds=ROUNDS + ROUNDS // 200)})
CRASHING = Local(
    "crashing", {"engine.c": "#include <stdlib.h>\nvoid engine_decode(int tokens) { (void) tokens; abort(); }\n"}
)
HARMLESS = Local("harmless", {"notes.txt": "b\n"})


def files(rounds: int = ROUNDS) -> dict[str, str]:
    """Give upstream's files, with so much work for a token."""
    return {"CMakeLists.txt": CMAKE, "main.c": MAIN, "engine.c": ENGINE.format(rounds=rounds), "notes.txt": "a\n"}


def fork_with(place: Path, *locals_: Local, declared: str = DECLARED) -> Fork:
    """Make a fork of such an upstream, with these patches, that declares how it is measured."""
    upstream = Upstream.make(place / "upstream.git")
    pin = upstream.commit(files(), tag="v1")
    fork = fork_of(place, upstream, pin, pin, list(locals_), {})
    declaration = fork.root / "fork.toml"
    declaration.write_text(declaration.read_text() + declared)
    return fork
