"""Each session answers one question; `nox --list` shows them. `build_*` follow the variants of fork.toml.

On a fresh machine with a compiler: `nox -s build_cpu test_bf16`.
"""

# ruff: noqa: D400 -- a session's docstring is the question it answers

import json
import os
import shutil
import sys
import tomllib
from pathlib import Path
from typing import Any

import nox

PROJECT = nox.project.load_toml("pyproject.toml")
DECLARATION = Path(__file__).parent / "fork.toml"
# marker of tests -> the program that they need, from the system
PROGRAMS = {
    "quilt": "quilt",
    "wiggle": "wiggle",
    "stg": "stg",
    "ccache": "ccache",
    "redis": "redis-server",
    "valgrind": "valgrind",
    "clang": "clang-19",
    "browser": "chromium",
    "locales": "localedef",
    "openssl": "openssl",
}
LOCK = "requirements/development.txt"
FUZZED = ("3.13", "3.12", "3.11")  # that atheris has wheels for
NO_FUZZING = f"atheris has wheels for Python {', '.join(FUZZED)}, and none of these is installed here"
TIMES = ("-q", "--benchmark-columns=min,median,iqr,rounds")  # the first column is the time, the ratio stands behind it

os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # thousands of processes are begun; each would compile all of it anew
nox.needs_version = ">=2025.11.12"
nox.options.default_venv_backend = "virtualenv"
nox.options.reuse_existing_virtualenvs = True
nox.options.error_on_missing_interpreters = True
nox.options.sessions = ["lint", "types", "tests"]


@nox.session
def lint(session: nox.Session) -> None:
    """Is every file in the one style, with no fault that can be seen without running it?"""
    session.install(*groups("lint"))
    session.run("ruff", "check", *session.posargs)
    session.run("ruff", "format", "--check", *session.posargs)
    session.run("actionlint")
    session.run("zizmor", "--offline", "--no-progress", "--persona", "pedantic", ".github/workflows")


@nox.session
def types(session: nox.Session) -> None:
    """Do the types agree, strictly, in the sources, the tests and this file?"""
    session.install("-e", ".", *groups("types", "fork"))
    session.run("mypy", *session.posargs)
    session.run("mypy", "native/checks", *session.posargs)
    session.run("mypy", "native/bench", *session.posargs)
    session.run("mypy", "native/metal/objc", *session.posargs)
    session.run("mypy", "native/metal/source", *session.posargs)


@nox.session
def tests(session: nox.Session) -> None:
    """Does forkkeeper do what it says, with real git, CMake, pytest and upstream? Offline: `-- -m "not network"`."""
    session.install("-e", ".", *groups("tests", "fork"))
    missing = {marker: program for marker, program in PROGRAMS.items() if not shutil.which(program)}
    for program in missing.values():
        session.warn(f"{program} is not installed: the tests that need it are left out (apt install {program})")
    left_out = ("-m", " and ".join(f"not {marker}" for marker in ("trust", *missing)))
    # by file, so that the downloads of a file's tests are made once
    session.run("pytest", "-n", "auto", "--dist", "loadfile", *left_out, *session.posargs)


def beside(session: nox.Session) -> Path:
    """Give a folder of the session; `create_tmp` would put all temporary files, and with them tests, into a fork."""
    return Path(session.virtualenv.location).absolute()


@nox.session(default=False)
def lock(session: nox.Session) -> None:
    """Which versions, with hashes, is forkkeeper developed with? Writes requirements/development.txt anew."""
    session.install(*groups("supply"))
    how = ("--universal", "--python-version", "3.11", "--generate-hashes", "--no-emit-index-url", "--no-header")
    what = ("--all-extras", *(word for name in ("dev", "fork", "supply", "fuzz") for word in ("--group", name)))
    session.run("uv", "pip", "compile", "pyproject.toml", *how, *what, "--quiet", "-o", LOCK, *session.posargs)


@nox.session(default=False)
def audit(session: nox.Session) -> None:
    """Is anything that we depend on known to be unsafe, or under a licence that we do not allow? Needs the network.

    With `-- --offline` no advisory is looked up, which is said; the licences are looked at all the same.
    """
    session.install(*groups("supply"))
    place = beside(session)
    session.run("python", "-m", "venv", f"{place}/users", silent=True)
    session.run(f"{place}/users/bin/python", "-m", "pip", "install", "--quiet", ".[bench,report]", external=True)
    session.run("pip-licenses", "--python", f"{place}/users/bin/python", "--ignore-packages", "pip", "setuptools")
    if "--offline" in session.posargs:
        session.skip("the licences are in order; NOT AUDITED: with --offline no advisory was looked up")
    # --strict: a package that the advisory database does not answer for is a failure, not one with no advisory
    session.run("pip-audit", "--strict", "--disable-pip", "--require-hashes", "-r", LOCK, *session.posargs)


@nox.session(default=False)
def package(session: nox.Session) -> None:
    """Are wheel and sdist the same bytes whenever they are built, whole, and do they work? Leaves them in dist/."""
    session.install(*groups("supply"))
    shutil.rmtree("dist", ignore_errors=True)
    session.run("python", "-m", "release.package", "dist")
    made = sorted(str(path) for path in Path("dist").iterdir())
    session.run("twine", "check", "--strict", *made)
    session.run("check-wheel-contents", *(name for name in made if name.endswith(".whl")))


@nox.session(default=False)
def lowest(session: nox.Session) -> None:
    """Is the oldest of each dependency that pyproject.toml allows enough? A sample of the tests of the verbs."""
    session.install(*groups("supply"))
    place = beside(session)
    python = f"{place}/oldest/bin/python"
    session.run("uv", "venv", "--quiet", "--clear", "--python", sys.executable, f"{place}/oldest")
    how = ("--quiet", "--python", python, "--resolution", "lowest-direct")
    session.run("uv", "pip", "install", *how, "-e", ".[bench,report]", "--group", "tests")
    names = session.posargs or [f"tests/verbs/test_{name}.py" for name in ("init", "status", "sync", "sbom", "report")]
    session.run(python, "-m", "pytest", "-q", "-m", "not network and not browser", *names, external=True)


def python_for_fuzzing() -> str | None:
    """Give a version of Python that atheris has wheels for and that is here: this one, or the newest; None for none."""
    running = f"{sys.version_info.major}.{sys.version_info.minor}"
    here = (version for version in FUZZED if version == running or shutil.which(f"python{version}"))
    return running if running in FUZZED else next(here, None)


@nox.session(default=False, python=python_for_fuzzing())
def trust(session: nox.Session) -> None:
    """Is anything lost, let in, or different? What is tried at length, and its figures. `-- -k laws` for some."""
    if python_for_fuzzing() is None:
        session.error(NO_FUZZING)
    session.install("-e", ".[bench,report]", *groups("tests", "fork", "fuzz"))
    figures = beside(session) / "figures.jsonl"
    figures.unlink(missing_ok=True)
    env = {"FORKKEEPER_TRUST": str(figures), "PYTHONPATH": "tests"}
    asked = (
        "pytest",
        "-n",
        "auto",
        "--dist",
        "worksteal",
        "-m",
        "trust or attack or law or condition or promised",
        *session.posargs,
    )
    more = (
        ("python", "-m", "fuzzing", "--seconds", "10"),
        ("pytest", "-q", "-n", "auto", "benchmarks/test_parsers.py", "--largest", "1000000"),
        ("pytest", "-q", "benchmarks/test_scale.py", "-k", "test_largest"),
    )
    failed = []
    for words in (asked, *(() if session.posargs else more)):
        try:
            session.run(*words, env=env)
        except nox.command.CommandFailed:
            failed.append(" ".join(words[:3]))
    session.run("python", "tests/figures.py", str(figures), *([] if session.posargs else ["--whole"]))
    if failed:
        session.error(f"failed: {', '.join(failed)}")


@nox.session(default=False, python=python_for_fuzzing())
def fuzz(session: nox.Session) -> None:
    """Can any bytes make a parser fail? Ten minutes for each; less with `-- --seconds 60 patch series`."""
    if python_for_fuzzing() is None:
        session.error(NO_FUZZING)
    session.install("-e", ".", *groups("fuzz"))
    try:
        session.run("python", "-m", "fuzzing", *session.posargs, env={"PYTHONPATH": "tests"})
    except nox.command.CommandFailed:
        session.error("something escaped: its input is kept in tests/trust/crashes, and an ordinary test replays it")


@nox.session(default=False)
def bench(session: nox.Session) -> None:
    """How fast is the tool beside git itself? Runs all that needs no build; the ratios stand at the end."""
    session.install("-e", ".", *groups("tests"))
    left_out = [f"--ignore=benchmarks/test_{name}.py" for name in ("build", "metal", "scale")]
    session.run("pytest", "benchmarks", *left_out, *TIMES, *session.posargs)


@nox.session(default=False)
def bench_carry(session: nox.Session) -> None:
    """How fast is a queue carried beside `git am -3`, `git rebase` and `git bisect`, and how does that grow?"""
    session.install("-e", ".", *groups("tests"))
    session.run("pytest", "benchmarks/test_carry.py", *TIMES, *session.posargs)


@nox.session(default=False)
def bench_scale(session: nox.Session) -> None:
    """Are 400 patches on 100,000 files, over 50,000 commits, within their targets? FORKKEEPER_SCALE=DIR keeps them."""
    session.install("-e", ".[bench,report]", *groups("tests"))
    session.run("pytest", "benchmarks/test_scale.py", *TIMES, *session.posargs)


@nox.session(default=False)
def bench_build(session: nox.Session) -> None:
    """How much does a build cost after another one? Ten minutes; less with `-- --targets llama`. Needs ccache."""
    session.install("-e", ".", *groups("tests", "fork"))
    session.run("pytest", "benchmarks/test_build.py", *TIMES, *session.posargs)


@nox.session(default=False)
def bench_metal(session: nox.Session) -> None:
    """How slow is the emulated Metal device, by operation? Half an hour; less with `-- --families CPY,MUL_MAT`."""
    session.install("-e", ".", *groups("tests"))
    session.run("pytest", "benchmarks/test_metal.py", *TIMES, *session.posargs)


@nox.session(default=False)
def bench_replay(session: nox.Session) -> None:
    """How often is a real fork's patch carried as its maintainers did? `-- --work DIR --truth FILE --ids FILE`."""
    session.install("-e", ".")
    try:
        session.run("python", "-m", "benchmarks.replay", *session.posargs)
    except nox.command.CommandFailed as failed:  # 2: what it needs is missing, and nothing was measured
        sys.exit(failed.return_code)


@nox.session(default=False)
def test_bf16(session: nox.Session) -> None:
    """Does BF16 work in every build that is there? Names of variants and `--strict` may follow `--`."""
    install_for_the_fork(session)
    session.run("forkkeeper", "check", "bf16", *session.posargs)


@nox.session(default=False)
def test_backend_ops(session: nox.Session) -> None:
    """Does every operation work in every build that is there? As above; minutes for each."""
    install_for_the_fork(session)
    session.run("forkkeeper", "check", "ops", *session.posargs)


@nox.session(default=False)
def test_models(session: nox.Session) -> None:
    """Do small models of four kinds, in six types, say on each device what double precision expects? As above."""
    install_for_the_fork(session)
    session.run("forkkeeper", "check", "models", *session.posargs)


@nox.session(default=False)
def test_witness(session: nox.Session) -> None:
    """Does each patch's witness fail without the patch, and does none undo upstream? A variant may follow `--`."""
    install_for_the_fork(session)
    session.run("forkkeeper", "check", "witness", *(session.posargs or ["cpu"]))


@nox.session(default=False)
def test_regression(session: nox.Session) -> None:
    """Does the fork behave exactly as the pristine pin: models' outputs, operations, upstream's tests? As above."""
    install_for_the_fork(session)
    session.run("forkkeeper", "check", "regression", *(session.posargs or ["cpu"]))


@nox.session(default=False)
def bench_throughput(session: nox.Session) -> None:
    """Is the fork as fast as the pristine pin, in time and in instructions? Variants and options may follow `--`."""
    install_for_the_fork(session)
    session.run("forkkeeper", "bench", "throughput", *session.posargs)


@nox.session(default=False)
def bench_calibrate(session: nox.Session) -> None:
    """How often is each verdict wrong? An hour on a quiet machine; `-- --help` says how to shorten it; it goes on."""
    install_for_the_fork(session)
    session.run("python", "-m", "benchmarks.calibrate", *session.posargs)


@nox.session(default=False)
def bench_attribute(session: nox.Session) -> None:
    """Which patch costs or gains speed? After a sync: `-- --since HEAD~1`, whose is the change? Needs valgrind."""
    install_for_the_fork(session)
    session.run("forkkeeper", "bench", "attribute", *session.posargs)


@nox.session(default=False)
def bench_metal_faults(session: nox.Session) -> None:
    """Is every fault that is planted in the Metal backend caught? `-- --fork DIR` names another checkout; clang-19."""
    session.install("-e", ".", *groups("fork"))
    session.run("python", "-m", "benchmarks.metal_faults", *session.posargs)


@nox.session(default=False)
def nightly(session: nox.Session) -> None:
    """Where does the fork stand, what would tomorrow's sync cost, what got slower? `-- --head SHA`; docs/nightly.md."""
    session.install("-e", ".[bench,report]", *groups("fork"))
    session.run("forkkeeper", "nightly", *session.posargs)


@nox.session(default=False)
def build_all(session: nox.Session) -> None:
    """Do all variants build that can be built here? The cheapest come first."""
    install_for_the_fork(session)
    session.run("forkkeeper", "build", *session.posargs)


@nox.session(default=False)
def size(session: nox.Session) -> None:
    """How large is a backend's code beside upstream's, by section? Names of variants may follow `--`; slow at first."""
    install_for_the_fork(session)
    session.run("forkkeeper", "size", *session.posargs)


def build_session(variant: str, about: str) -> None:
    """Make the session that builds one variant."""

    def build(session: nox.Session) -> None:
        install_for_the_fork(session)
        skip_where_needs_are_missing(session, variant, "skipped")
        session.run("forkkeeper", "build", variant)

    build.__doc__ = f"Does the {variant} variant build: {about}?"
    nox.session(name=f"build_{variant}", default=False)(build)


def test_session(variant: str, tests: list[str]) -> None:
    """Make the session that runs a variant's tests."""

    def test(session: nox.Session) -> None:
        install_for_the_fork(session)
        skip_where_needs_are_missing(session, variant, "skipped")
        skip_where_needs_are_missing(session, variant, "not run")
        session.run("forkkeeper", "check", ",".join(tests), variant, *session.posargs)

    test.__doc__ = f"Do the tests of {variant} pass ({', '.join(tests)})?"
    nox.session(name=f"test_{variant}", default=False)(test)


def skip_where_needs_are_missing(session: nox.Session, variant: str, which: str) -> None:
    """Skip a session whose variant lacks something here, saying what; with `-- --strict` that is a failure.

    which -- "skipped": what a build lacks; "not run": what its tests lack
    """
    said = session.run("forkkeeper", "doctor", variant, "--json", "-", silent=True, success_codes=[0, 1], log=False)
    lacking = json.loads(str(said))["variants"][0][which]
    if lacking and "--strict" in session.posargs:
        session.error(f"{variant} {lacking}")
    if lacking:
        session.skip(lacking)


def variants() -> dict[str, dict[str, Any]]:
    """Give fork.toml's variants, in its order."""
    found: dict[str, dict[str, Any]] = tomllib.loads(DECLARATION.read_text(encoding="utf-8")).get("variant", {})
    return found


def groups(*names: str) -> tuple[str, ...]:
    """Give the requirements of pyproject.toml's dependency groups."""
    return nox.project.dependency_groups(PROJECT, *names)


def install_for_the_fork(session: nox.Session) -> None:
    """Install the console script and what a build needs beside a compiler."""
    session.install("-e", ".", *groups("fork"))


for name, table in variants().items():
    build_session(name, table.get("about", name))
    test_session(name, table.get("tests", ["bf16"]))
