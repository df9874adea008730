"""Coverage-guided fuzzing of every parser: `python -m fuzzing [--seconds N] [PARSER…]`, which is `nox -s fuzz`.

Each begins from real bytes and from what earlier runs found worth keeping (.forkkeeper/fuzz/PARSER). What escapes is
written to tests/trust/crashes, where an ordinary test replays it. Ends with 1 when anything escaped.
"""

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from fuzzing import crashes, seeds
from fuzzing.parsers import BY_NAME, Parser

CORPUS = seeds.HERE / ".forkkeeper" / "fuzz"
LIMITS = ("-timeout=20", "-rss_limit_mb=3000", "-max_len=20000")  # seconds and MB of one input, and its bytes
_RUNS = re.compile(r"^Done (\d+) runs", re.MULTILINE)
_COVERED = re.compile(r"^#\d+\s+(\w+)\s+cov: (\d+)", re.MULTILINE)


@dataclass(frozen=True)
class Fuzzed:
    """What became of one parser.

    tried -- inputs that ran
    before, after -- places of the code that were reached by what there was, and at the end
    escapes -- each different one, in words
    """

    name: str
    tried: int
    before: int
    after: int
    escapes: tuple[str, ...]

    def __str__(self) -> str:
        grown = f"{self.before:,} → {self.after:,} places"
        return f"{self.name:14} {self.tried:>12,} executions  {grown:>24}  {len(self.escapes)} escapes"


def fuzz(parser: Parser, seconds: int) -> Fuzzed:
    """Fuzz one parser for so long."""
    corpus, found = CORPUS / parser.name, CORPUS / "found" / parser.name
    for folder in (corpus, found):
        folder.mkdir(parents=True, exist_ok=True)
    for data in (*parser.begin(), *(file.read_bytes() for name, file in crashes.kept() if name == parser.name)):
        (corpus / hashlib.sha256(data).hexdigest()[:20]).write_bytes(data)
    options = (f"-max_total_time={seconds}", f"-artifact_prefix={found}/", *LIMITS, str(corpus))
    argv = (sys.executable, "-m", "fuzzing.one", parser.name, *options)
    done = subprocess.run(argv, capture_output=True, check=False)
    said = done.stderr.decode(errors="replace")
    escapes = [line.removeprefix("ESCAPE ") for line in said.splitlines() if line.startswith("ESCAPE ")]
    for file in sorted(found.iterdir()):  # libFuzzer's own: it took too long, or too much memory, or ended Python
        kept = crashes.keep(parser, file.read_bytes())
        escapes.append(f"{file.name.partition('-')[0]} {kept}")
        file.unlink()
    if not _RUNS.search(said) and not escapes:
        raise RuntimeError(f"{parser.name}: fuzzing ended with {done.returncode}:\n{said[-2000:]}")
    covered = [(word, int(count)) for word, count in _COVERED.findall(said)]
    return Fuzzed(
        parser.name,
        max([int(count) for count in _RUNS.findall(said)] or [0]),
        next((count for word, count in covered if word == "INITED"), 0),
        covered[-1][1] if covered else 0,
        tuple(escapes),
    )


def leave(one: Fuzzed, seconds: int) -> None:
    """Leave the figures of a parser as a line of JSON in the file named by FORKKEEPER_TRUST, if it is set."""
    if named := os.environ.get("FORKKEEPER_TRUST"):
        figures = {"tried": one.tried, "escapes": len(one.escapes), "seconds": seconds}
        more = {"covered before": one.before, "covered after": one.after}
        with Path(named).open("a", encoding="utf-8") as file:
            file.write(json.dumps({"subject": "fuzz executions", "parser": one.name, **figures, **more}) + "\n")


def main() -> int:
    """Fuzz those that are named, or all; say what came of it."""
    asked = argparse.ArgumentParser(prog="python -m fuzzing", description=__doc__)
    asked.add_argument("--seconds", type=int, default=600, help="of each parser (%(default)s)")
    asked.add_argument("--fresh", action="store_true", help="forget what earlier runs found worth keeping")
    asked.add_argument("parsers", nargs="*", choices=[*BY_NAME, []], metavar="PARSER", help=", ".join(BY_NAME))
    given = asked.parse_args()
    if given.fresh:
        shutil.rmtree(CORPUS, ignore_errors=True)
    ran = []
    for name in given.parsers or BY_NAME:
        one = fuzz(BY_NAME[name], given.seconds)
        ran.append(one)
        leave(one, given.seconds)
        sys.stdout.write("\n".join((str(one), *(f"    {said}" for said in one.escapes))) + "\n")
        sys.stdout.flush()
    escaped = sum(len(one.escapes) for one in ran)
    sys.stdout.write(
        f"{len(ran)} parsers, {given.seconds} s each: {sum(one.tried for one in ran):,} executions, {escaped} escapes\n"
    )
    return 1 if escaped else 0


if __name__ == "__main__":
    sys.exit(main())
