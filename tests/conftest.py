"""The sealed world, and the places that end-to-end tests stand in."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from attacks import pytest_runtest_logreport, pytest_sessionfinish  # noqa: F401 -- hooks, by their names
from hypothesis import settings
from world import Fork, Local, Upstream, copied, fork_of, seal

settings.register_profile("unhurried", deadline=None)  # a busy machine is no failure of what is tested
settings.load_profile("unhurried")

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


@pytest.fixture(autouse=True)
def sealed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Close off this machine's home, git, pip and clock; only a test of the real network sees them."""
    with pytest.MonkeyPatch.context() as patch:
        if request.node.get_closest_marker("network") is None:
            seal(patch, tmp_path_factory.mktemp("home"))
        yield


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


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Fork]:
    """Build each place once; the tests work on copies."""
    queues = {"behind": [GREETING, BUFFER_SIZE, CHECK], "clash": [LIMIT, LIMIT_MORE, GREETING]}
    made = {}
    with pytest.MonkeyPatch.context() as patch:
        seal(patch, tmp_path_factory.mktemp("building"))
        for name, locals_ in queues.items():
            place = tmp_path_factory.mktemp(name)
            upstream, pin, target = small_upstream(place)
            made[name] = fork_of(place, upstream, pin, target, locals_, OVERLAY)
    return made


@pytest.fixture
def upstream_repo(tmp_path: Path) -> Upstream:
    """Give an upstream with no commit yet, to build on."""
    return Upstream.make(tmp_path / "place" / "upstream.git")


@pytest.fixture
def fork_in_step(built: dict[str, Fork], tmp_path: Path) -> Fork:
    """Give a fork of three patches and an overlay file whose files all agree."""
    return copied(built["behind"], tmp_path / "in step")


@pytest.fixture
def fork_behind(built: dict[str, Fork], tmp_path: Path) -> Fork:
    """Give a fork whose upstream moved on: greeting is kept, buffer-size refreshed, null-check upstreamed."""
    return copied(built["behind"], tmp_path / "behind")


@pytest.fixture
def fork_with_clash(built: dict[str, Fork], tmp_path: Path) -> Fork:
    """Give a fork whose upstream moved on: limit clashes, limit-more follows it, greeting is kept."""
    return copied(built["clash"], tmp_path / "clash")
