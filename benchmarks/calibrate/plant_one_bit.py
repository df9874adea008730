"""Plants one flipped bit of one logit, to see whether it is found.

    python -m benchmarks.calibrate.plant_one_bit [--work DIR] [--fork DIR]

In a scratch copy of the fork a patch turns over the lowest bit of one logit, of phi3 models alone. `forkkeeper check
regression` must then be red for exactly those cases; green when the patch declares them (`Changes-Output:`); and red
again when it declares one that does not change. Prints a line for each, and ends with 1 when one was missed.

Needs what a build needs, and the upstream objects that the fork has in `.forkkeeper/`; minutes without ccache.
"""

import argparse
import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[2]
COPIED = ("fork.toml", "fork.lock", "history.toml", "CHANGES-LOCAL.md", "patches", "native")
STATE = ".forkkeeper"
PLACE = "src/llama-context.cpp"
# The one statement that gives a row of logits, at both pins; the row is one of the text's, the token any.
GIVES = "        return logits.data + j*model.vocab.n_tokens();\n"
PLANTED = """\
        if (i == 100 && model.arch == LLM_ARCH_PHI3) {
            uint32_t bits;
            float * one = logits.data + j*model.vocab.n_tokens() + 17;
            memcpy(&bits, one, sizeof(bits));
            bits ^= 1;
            memcpy(one, &bits, sizeof(bits));
        }
"""
NAME, TITLE, WHY = "one-bit", "logits: turn over a bit", "Planted, to see whether it is found."
SAME = "bit-identical"


@dataclass(frozen=True)
class Trial:
    """What the planted patch declares, and what must come of it. red -- whether the check must fail."""

    title: str
    trailer: str
    red: bool
    phi3: str
    llama: str


TRIALS = (
    Trial("undeclared", "", True, "differs, and no patch declares it", SAME),
    Trial("declared", "phi3-* [planted]", False, f"differs, as {NAME} declares", SAME),
    Trial(
        "declared, and another too", "phi3-*, llama-* [planted]", True, f"differs, as {NAME} declares", "declared by"
    ),
)


def main(words: Sequence[str] | None = None) -> int:
    """Plant, check and print; 0 when each trial came out as it must."""
    parser = argparse.ArgumentParser(prog="plant_one_bit", description="Is one flipped bit of one logit found?")
    parser.add_argument("--work", type=Path, help="keep the scratch fork there, for another run (default: nowhere)")
    parser.add_argument("--fork", type=Path, default=ROOT, help="the fork that is copied (default: this repository's)")
    given = parser.parse_args(words)
    with TemporaryDirectory(prefix="one-bit-") as folder:
        fork = (given.work or Path(folder)).resolve() / "fork"
        _copy(given.fork.resolve(), fork)
        _plant(fork)
        came = [_came_out(fork, trial) for trial in TRIALS]
    return 0 if all(came) else 1


def _copy(source: Path, fork: Path) -> None:
    """Copy a fork; builds that are in the copy already stay."""
    fork.mkdir(parents=True, exist_ok=True)
    for name in COPIED:
        if (source / name).is_dir():
            shutil.rmtree(fork / name, ignore_errors=True)
            shutil.copytree(source / name, fork / name, ignore=shutil.ignore_patterns("__pycache__"))
        elif (source / name).exists():
            shutil.copy2(source / name, fork / name)
    for name in ("upstream.git", "models"):
        if (source / STATE / name).exists() and not (fork / STATE / name).exists():
            shutil.copytree(source / STATE / name, fork / STATE / name, symlinks=True)
    if not (fork / ".git").exists():
        _git(fork, "init", "--quiet")
    _commit(fork)


def _plant(fork: Path) -> None:
    """Add the patch at the end of the queue."""
    tree = fork.parent / "planting"
    _forkkeeper(fork, "materialise", str(tree), "--overwrite")
    text = (tree / PLACE).read_text(encoding="utf-8")
    if text.count(GIVES) != 1:
        sys.exit(f"{PLACE} does not give logits in one place as it did: mend GIVES in {__file__}")
    before = _git(fork, "hash-object", "-w", str(tree / PLACE)).strip()
    (tree / PLACE).write_text(text.replace(GIVES, PLANTED + GIVES), encoding="utf-8")
    after = _git(fork, "hash-object", "-w", str(tree / PLACE)).strip()
    raw = _git(fork, "diff", "--full-index", before, after)
    diff = raw.replace(f"a/{before}", f"a/{PLACE}").replace(f"b/{after}", f"b/{PLACE}")
    (fork / "patches" / f"{NAME}.patch").write_text(_head("") + diff, encoding="utf-8")
    with (fork / "patches/series").open("a", encoding="utf-8") as series:
        series.write(f"{NAME}.patch\n")
    shutil.rmtree(tree)


def _head(trailer: str) -> str:
    declares = f"Changes-Output: {trailer}\n" if trailer else ""
    return (
        "From 0000000000000000000000000000000000000000 Mon Sep 17 00:00:00 2001\n"
        "From: Nobody <nobody@example.invalid>\nDate: Fri, 1 May 2026 12:00:00 +0000\n"
        f"Subject: [PATCH] {TITLE}\n\n{WHY}\n\n"
        f"Origin: local\nUpstream-Status: Inappropriate [planted]\nWitness: none [planted]\n{declares}---\n"
    )


def _came_out(fork: Path, trial: Trial) -> bool:
    """Check the fork with what this trial declares, print what came of it, and give whether that is right."""
    path = fork / "patches" / f"{NAME}.patch"
    _, mark, diff = path.read_text(encoding="utf-8").partition("diff --git ")
    path.write_text(_head(trial.trailer) + mark + diff, encoding="utf-8")
    _forkkeeper(fork, "log")
    _commit(fork)
    _forkkeeper(fork, "build", "cpu")
    argv = ("check", "regression", "cpu", "--extent", "outputs", "--json", "-")
    done = subprocess.run([_program(), *argv], cwd=fork, capture_output=True, text=True, check=False)
    cases = {row["case"]: row["outputs"] for row in _cases(done.stdout)}
    right = (
        done.returncode == int(trial.red)
        and {case.partition("-")[0] for case in cases} >= {"phi3", "llama"}
        and all(said.startswith(_expected(trial, case)) for case, said in cases.items())
    )
    told = "as it must" if right else f"NOT as it must: exit {done.returncode}, {cases or done.stderr[-500:]}"
    colour = "red" if trial.red else "green"
    print(f"one bit of one logit, {trial.title}: {colour} is due, {len(cases)} cases came out {told}", flush=True)  # noqa: T201 -- a script
    return right


def _expected(trial: Trial, case: str) -> str:
    return {"phi3": trial.phi3, "llama": trial.llama}.get(case.partition("-")[0], SAME)


def _cases(document: str) -> list[dict[str, str]]:
    try:
        blocks = json.loads(document).get("blocks", ())
    except ValueError:
        return []
    return [row for block in blocks if isinstance(block, list) for row in block if "case" in row]


def _program() -> str:
    return str(Path(sys.executable).with_name("forkkeeper"))


def _forkkeeper(fork: Path, *words: str) -> None:
    done = subprocess.run([_program(), *words], cwd=fork, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"forkkeeper {' '.join(words)}: {done.stdout[-2000:]}{done.stderr[-2000:]}")


def _commit(fork: Path) -> None:
    _git(fork, "add", "--all", "--", ".", f":!{STATE}")
    who = ("-c", "user.name=nobody", "-c", "user.email=nobody@example.invalid")
    _git(fork, *who, "commit", "--quiet", "--allow-empty", "--message", "planted")


def _git(fork: Path, *words: str) -> str:
    return subprocess.run(["git", "-C", str(fork), *words], check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    sys.exit(main())
