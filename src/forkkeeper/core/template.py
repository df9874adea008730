"""The commented `fork.toml` that `init` writes."""

from forkkeeper.core.declaration import SCHEMA

_TEMPLATE = r"""# The declaration of a fork: what it follows, what it keeps of it, how it is built.
# forkkeeper reads it and never writes it; an unknown field is an error.

# The version of this file's shape.
schema = {schema}

# The fork's name, as CHANGES-LOCAL.md shows it.
name = {name}
# The licence of what the fork adds, as an SPDX expression, for its bill of materials: "MIT", "Apache-2.0 OR MIT".
# licence = "MIT"

[upstream]
# Upstream's name, as messages show it.
name = {upstream}
# Its page, for links in reports ("" for none).
web = ""
# Its licence, as above.
# licence = "MIT"

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

# Where `forkkeeper publish --to github` shows what a night found: one pull request per sync, one alarm issue.
# [forge]
# kind = "github"
# repository = "our/fork"                       # "" is the repository whose job runs (GITHUB_REPOSITORY)
# base = "main"                                 # the branch that a sync is proposed for
# label = "nightly"                             # of the alarm's issue, which is found again by it

# What every variant shares: options and needs before its own, targets where it names none.
# [build]
# cmake = ["-DCMAKE_BUILD_TYPE=Release"]        # {{pin}} and {{queue}} are replaced by the pin and the queue's digest
# targets = ["all"]

# Kits: packages unpacked in .forkkeeper/kits/, where a system lacks something or has it too old; nothing is installed.
# [kit.vulkan-headers]
# about = "newer headers"
# megabytes = 2                                 # what is downloaded
# include = "usr/include"                       # its folder of headers
# link = {{ "usr/lib/libtoy.so" = "libtoy.so.1" }}  # symbolic links that its packages lack
# path = "usr/bin"                              # its folder of programs
# cmake = ["-DVulkan_INCLUDE_DIR={{kit}}/usr/include"]  # {{kit}} is its folder
# environment = {{ LD_LIBRARY_PATH = "{{kit}}/usr/lib" }}  # for the programs of a build that uses it

# [[kit.vulkan-headers.part]]
# kind = "deb"                                  # from the Debian archive that apt uses here; or "wheel", by pip
# pool = "pool/main/v/vulkan-loader/libvulkan-dev_1.4.309.0-1_amd64.deb"
# requirement = "nvidia-cublas==13.0.2.14"      # of a wheel
# sha256 = "…"

# One table per hardware backend build: `forkkeeper build NAME` (CMake and Ninja).
# [variant.cpu]
# about = "this machine's processor"            # a line for menus
# device = "CPU"                                # what upstream's test program calls the device
# platform = ["linux", "macos", "windows"]      # where it can be built
# cost = "light"                                # how much compiling: light, medium or heavy
# cmake = ["-DGGML_NATIVE=OFF"]                 # after those of [build]
# targets = ["all"]
# tests = ["bf16", "models"]                    # what `nox -s test_cpu` runs: bf16, ops, models
# options = ["-ngl", "99"]                      # what upstream's tools are given, to run a model on the device
# proof = 'CPU\S* model buffer size'            # a line of their log that shows that it ran there
# exact = true                                  # `check regression` demands the pin's very bits; else a bound
# environment = {{ GGML_VK_VISIBLE_DEVICES = "0" }}  # for the programs of the build
# bf16 = {{ none = "why no case can run" }}       # expected; a failure if one does. So for the others:
# ops = {{ none = "…" }}
# models = {{ none = "…" }}

# What it needs; [[build.need]] for all. kind: program, header, library or device. `forkkeeper doctor` looks for it.
# [[variant.vulkan.need]]
# kind = "header"
# what = "Vulkan headers"                       # its name in tables
# name = "vulkan/vulkan_core.h"                 # of a program: a list; of a device: what finds names in the output
# purpose = "build"                             # or "run"
# compiler = ["nvcc"]                           # of a header or library: who is asked, where it is not the C++ compiler
# version = ['#define VK_HEADER_VERSION (\d+)'] # the groups, joined by dots, are the version found
# least = "275"                                 # the oldest that will do
# kit = ""                                      # the [kit.NAME] that stands in where the system has none
# debian = "libvulkan-dev"                      # what to install
# fedora = "vulkan-headers"
# macos = "vulkan-headers"
# arguments = ["--version"]                     # of a program: make it say its version
# command = ["vulkaninfo", "--summary"]         # of a device: lists them
# accepts = 'NVIDIA'                            # of a device: the names that the backend takes
# software = '^llvmpipe'                        # of a device: the names that are no hardware

# A program of the build that must run meanwhile, on loopback.
# [variant.rpc.server]
# program = "ggml-rpc-server"
# arguments = ["-p", "{{port}}"]
# connected = 'Accepted client connection'      # what it logs for a client: without one the test did not go through it
# preload = "native/rpc/register.cpp"           # compiled and loaded into the test program, which knows no servers
# environment = {{ SERVER = "{{server}}" }}         # for the test program; HOST:PORT

# Where its device is not at hand: the ordinary build, and a library that plays the device. Never reported as real.
# [variant.metal.emulated]
# platform = ["linux"]                          # none of the variant's own
# about = "the same code on an emulated device" # in place of the variant's, as are `cmake` and its needs
# cmake = []
# project = "native/metal"                      # a CMake project of the fork, built after the variant, against it
# options = []                                  # more options for that
# library = "libggml-metal-emulated.so"         # what it makes
# compiler = "clang"                            # the need whose program compiles it
# environment = {{ GGML_BACKEND_PATH = "{{library}}" }}  # for the programs of the build
# report = "DEVICE_REPORT"                      # names a file for a line of JSON of each process ("" for none)
# [[variant.metal.emulated.known]]              # a fault of upstream's own kernels that is no failure
# kind = "race"
# kernel = '^kernel_norm'
# why = "the reason, shown"
# [[variant.metal.emulated.need]]
# kind = "program"
# name = ["clang++"]

# How `forkkeeper size` measures it.
# [variant.vulkan.size]
# target = "ggml-vulkan"                        # what is built
# library = "bin/libggml-vulkan.so"             # whose sections are counted
# cmake = ["-DCOMPRESS=OFF"]                    # options after the variant's
# upstream = true                               # whether the same is built of the pin, to compare with

# Where CI builds and tests it, beyond what platform and cost say: `forkkeeper ci-matrix`.
# [variant.vulkan.ci]
# hosted = ["ubuntu-24.04"]                     # hosted runners, in place of those that follow
# device = []                                   # hosted runners that have the device
# runner = ["self-hosted", "linux", "vulkan"]   # the labels of a machine of your own that has it
# system = "linux"                              # that machine's

# Cases that bring a driver down: shown as *device crashes*, red only under --strict.
# [[variant.vulkan.crash]]
# device = '^llvmpipe'
# below = "25"                                  # the first driver version without the fault
# operations = ["MUL_MAT"]
# why = "the reason"

# What a night does: `forkkeeper nightly`.
# [nightly]
# variants = ["cpu", "vulkan"]                  # built, BF16 checked (default: all but those whose cost is heavy)
# judge = "cpu"                                 # the one that is compared with the pristine pin, and whose patches are
# extent = "outputs"                            # how much of that: outputs (what models say), usual, whole

# How throughput is measured, fork against baseline: `forkkeeper bench throughput`.
# [bench]
# program = "llama-bench"                       # or one that takes its options and prints its JSON
# arguments = ["-t", "1"]                       # in every run
# prompt = 32                                   # tokens read, and written, in a timed test; 0 leaves it out
# generation = 4
# repetitions = 15                              # of a test in one process, whose fastest is its time
# effect = 0.03                                 # the difference that is looked for, as a share
# power = 0.9                                   # the chance to find it
# seconds = 170                                 # for all models of a variant

# [[bench.model]]
# name = "phi-3-mini"
# path = "/models/phi-3-mini-q4_k_m.gguf"       # or, once: command = ["{{python}}", "make_model.py", "{{output}}"]

# Instructions are counted as well, under valgrind's callgrind.
# [bench.instructions]
# variant = "cpu"                               # best one for any processor: valgrind does not know the newest
# within = "llama_context::process_ubatch(*"    # the function that counts, with all that it calls; "" for everything
# threshold = 0.001                             # the difference that matters, as a share
# prompt = 4                                    # tokens read, and written, in a test; few, as valgrind is slow
# generation = 2
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
