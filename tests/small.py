"""A small C project with a history, and local changes to it: what the forks of the tests are made of."""

from pathlib import Path

from world import Local, Upstream

HEADER = """\
#ifndef CORE_H
#define CORE_H

/* limits */
#define MAX_ITEMS 16
#define MAX_NAME 64

/* functions */
int parse(const char *text);
int load(const char *path);

#endif
"""
MAIN = """\
#include "core.h"

static int usage(void)
{
    return 2;
}

static const char *greeting(void)
{
    return "hello";
}

static int work(const char *path)
{
    return load(path);
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return usage();
    return work(argv[1]);
}
"""
LOAD = """\
#include "core.h"

int open_file(const char *path)
{
    int mode = 0;
    int size = 512;
    int flags = 1;
    int retries = 3;
    return size + flags + mode + retries;
}

int close_file(int file)
{
    return file;
}

int load(const char *path)
{
    return open_file(path);
}
"""
PARSE = """\
#include "core.h"

int parse(const char *text)
{
    int count = 0;
    while (*text)
        count += *text++;
    return count;
}
"""
GUIDE = "".join(f"Line {number} of the guide says something of its own.\n" for number in range(1, 31))

NULL_CHECK = PARSE.replace("    int count = 0;\n", "    int count = 0;\n    if (!text)\n        return 0;\n")
BUFFER = LOAD.replace("size = 512", "size = 4096")

GREETING = Local("greeting", {"src/main.c": MAIN.replace('"hello"', '"hello, fork"')})
BUFFER_SIZE = Local("buffer-size", {"src/load.c": BUFFER}, reason="Small reads are slow on the fork's machines.")
CHECK = Local("null-check", {"src/parse.c": NULL_CHECK}, reason="A null text crashed.")
LIMIT = Local("limit", {"include/core.h": HEADER.replace("MAX_ITEMS 16", "MAX_ITEMS 1024")})
LIMIT_MORE = Local("limit-more", {"include/core.h": HEADER.replace("MAX_ITEMS 16", "MAX_ITEMS (1024 * 2)")})
OVERLAY = {"native/extra.c": "int extra(void)\n{\n    return 1;\n}\n"}


def small_upstream(place: Path) -> tuple[Upstream, str, str]:
    """Make a small C project with a history: v0.9, v1.0 (the forks' pin), and v1.1 to which upstream moved on."""
    upstream = Upstream.make(place / "upstream.git")
    first = {"src/main.c": MAIN, "src/load.c": LOAD, "src/parse.c": PARSE, "include/core.h": HEADER}
    upstream.commit(first | {"docs/manual.txt": GUIDE, "README.md": "# small\n"}, tag="v0.9", title="begin")
    pin = upstream.commit({"README.md": "# small\n\nA small project.\n"}, tag="v1.0", title="readme: say what it is")
    upstream.commit({}, moves={"docs/manual.txt": "docs/guide.txt"}, title="docs: the manual is a guide")
    upstream.commit({"src/main.c": MAIN.replace("return 2;", "return 64;")}, title="main: usage ends with 64")
    upstream.commit({"src/load.c": LOAD.replace("retries = 3", "retries = 5")}, title="load: more retries")
    upstream.commit({"src/parse.c": NULL_CHECK}, title="parse: a null text is empty")
    limits = HEADER.replace("MAX_ITEMS 16", "MAX_ITEMS 32 /* was 16 */")
    target = upstream.commit({"include/core.h": limits}, tag="v1.1", title="core: room for twice as much")
    return upstream, pin, target
