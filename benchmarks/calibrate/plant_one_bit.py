"""Plants one flipped bit of one logit, to see whether it is found.

    python -m benchmarks.calibrate.plant_one_bit --fork DIR

In a scratch copy of the fork a patch turns over the lowest bit of one logit, of phi3 models alone. `forkkeeper check
regression` must then be red for exactly those cases; green when the patch declares them (`Changes-Output:`); and red
again when it declares one that does not change. Says of each what came of it, and ends with 1 when one was missed.

Needs what a build needs; minutes without ccache.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.calibrate import plants
from benchmarks.calibrate.copies import NotMeasuredError, forkkeeper, in_a_copy, lay, say
from forkkeeper.flow import Setting
from forkkeeper.flow.building import Made
from forkkeeper.flow.standing import composed, open_fork

PLACE = "src/llama-context.cpp"
# The one statement that gives a row of logits, at both pins; the row is one of the text's, the token any.
GIVES = b"        return logits.data + j*model.vocab.n_tokens();\n"
PLANTED = b"""\
        if (i == 100 && model.arch == LLM_ARCH_PHI3) {
            uint32_t bits;
            float * one = logits.data + j*model.vocab.n_tokens() + 17;
            memcpy(&bits, one, sizeof(bits));
            bits ^= 1;
            memcpy(one, &bits, sizeof(bits));
        }
"""
SUBJECT, NAME = "turns over one bit of one logit", "planted"
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


def main(argv: Sequence[str] | None = None) -> int:
    """Plant, check, and say what was found; gives the exit status: 0, 1 when a trial was missed, 2 not measured."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.calibrate.plant_one_bit", description=__doc__)
    parser.add_argument("--fork", type=Path, required=True, metavar="DIR", help="a fork that was built or synced")
    return in_a_copy(parser.parse_args(argv).fork, _measure)


def _measure(fork: Path) -> int:
    diff = _diff(fork)
    came = [_came_out(fork, diff, trial) for trial in TRIALS]
    return 0 if all(came) else 1


def _diff(fork: Path) -> bytes:
    """Make the difference on the fork's own tree."""
    project, upstream, _ = open_fork(Setting(fork, offline=True, on_progress=lambda *_: None), "check")
    with composed(project, upstream, step="check") as stand:
        try:
            made = plants.planted(Made(project, stand), PLACE, GIVES, PLANTED + GIVES, SUBJECT)
        except plants.NotPlantedError as error:
            raise NotMeasuredError(f"{error}: mend GIVES") from error
    return made.project.queue.patches[-1].diff


def _came_out(fork: Path, diff: bytes, trial: Trial) -> bool:
    """Check the fork with what this trial declares, say what came of it, and give whether that is right."""
    more = f"Changes-Output: {trial.trailer}\n" if trial.trailer else ""
    lay(fork, f"{NAME}.patch", plants.head(SUBJECT, more=more) + diff)
    built = forkkeeper(fork, "build", "cpu")
    if built.code:
        raise NotMeasuredError(f"the fork with it does not build: {built.last_words}")
    document = fork / "said.json"
    done = forkkeeper(fork, "check", "regression", "cpu", "--extent", "outputs", "--json", str(document))
    cases = {row["case"]: row["outputs"] for row in _cases(document)}
    right = (
        done.code == int(trial.red)
        and {case.partition("-")[0] for case in cases} >= {"phi3", "llama"}
        and all(said.startswith(_expected(trial, case)) for case, said in cases.items())
    )
    told = "as it must" if right else f"NOT as it must: exit {done.code}, {cases or done.last_words}"
    colour = "red" if trial.red else "green"
    say(f"one bit of one logit, {trial.title}: {colour} is due, {len(cases)} cases came out {told}")
    return right


def _expected(trial: Trial, case: str) -> str:
    return {"phi3": trial.phi3, "llama": trial.llama}.get(case.partition("-")[0], SAME)


def _cases(document: Path) -> list[dict[str, str]]:
    blocks = json.loads(document.read_bytes()).get("blocks", ()) if document.exists() else ()
    return [row for block in blocks if isinstance(block, list) for row in block if "case" in row]


if __name__ == "__main__":
    sys.exit(main())
