"""The commented `fork.toml` that `init` writes."""

from forkkeeper.core.declaration import SCHEMA

_TEMPLATE = """\
# The declaration of a fork: what it follows, what it keeps of it, how it is built.
# forkkeeper reads it and never writes it; an unknown field is an error.

# The version of this file's shape.
schema = {schema}

# The fork's name, as CHANGES-LOCAL.md shows it.
name = {name}

[upstream]
# Upstream's name, as messages show it.
name = {upstream}
# Its page, for links in reports ("" for none).
web = ""

# Where upstream can be had, tried in order. What is held already comes first, hosts come last.
[[upstream.source]]
# "git": a repository with upstream's history.
kind = "git"
# Any git url, a local path (read in place, relative to this file) or a bundle.
location = {location}

# Another kind of source, for upstreams that a package registry ships inside source distributions:
# [[upstream.source]]
# kind = "sdist"
# package = "llama-cpp-python"                  # the package's name
# embedded = ".git/modules/vendor/llama.cpp"    # the git repository inside its sdists

# The path policy: which upstream paths the fork keeps. Without a rule every path is kept; of the rules that match a
# path the last one decides. Patterns are those of .gitignore.
# [[path]]
# rule = "exclude"          # or "include"
# pattern = "/docs/"
# why = "the fork has its own"

[materialise]
# How the composed tree is held: "scratch" (build directories only), "vendored" (its files in this repository) or
# "branch" (a commit per patch on a branch of your own repository of upstream). `forkkeeper materialise` does it;
# switch at any time: the tree is the same. docs/strategies.md says which to choose when.
strategy = "scratch"
# For "vendored": where the files go. Edits made there by hand are found by `forkkeeper verify`.
# directory = "native/upstream"
# For "branch": your repository of upstream (a git url or a path), the branch that forkkeeper writes there, and the
# path of the submodule of this repository that points to it ("" for none).
# repository = "https://example.org/our/upstream.git"
# branch = "fork"
# submodule = "native/upstream"

# One table per hardware backend build: `forkkeeper build NAME` (CMake and Ninja).
# [variant.cpu]
# device = "CPU"                                # what upstream's test program calls the backend
# cmake = ["-DCMAKE_BUILD_TYPE=Release"]        # {{pin}} and {{queue}} are replaced by the pin and the queue's digest
# targets = ["all"]
"""

SERIES = "# The local changes, in order: one patch file of this folder per line.\n"


def declaration(name: str, upstream: str, location: str) -> str:
    """Fill in the template."""
    return _TEMPLATE.format(
        schema=SCHEMA, name=toml_string(name), upstream=toml_string(upstream), location=toml_string(location)
    )


def toml_string(text: str) -> str:
    """Write a TOML basic string."""
    escaped = "".join(f"\\u{ord(c):04X}" if ord(c) < 0x20 or c in '"\\\x7f' else c for c in text)
    return f'"{escaped}"'
