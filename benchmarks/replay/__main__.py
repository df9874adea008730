"""Replay real syncs: `nox -s bench_replay -- --work DIR --truth FILE --ids FILE`. See README.md beside this file."""

import argparse
import json
import os
import queue
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tqdm import tqdm

from benchmarks.replay import questions, table
from benchmarks.replay.answers import judge
from benchmarks.replay.questions import Question
from benchmarks.replay.table import Row
from benchmarks.replay.tools import Tool, named, tools
from benchmarks.replay.workplace import Workplace, git_dir, run

NOT_MEASURED = 2  # exit status: what is needed is missing
TOOLS = ("forkkeeper", "git", "quilt", "wiggle")


class NotMeasuredError(Exception):
    """Something that the measurement needs is missing; says what."""


def main(argv: Sequence[str] | None = None) -> int:
    """Ask the questions and print the table; gives the exit status."""
    options = _parser().parse_args(argv)
    try:
        asked, source = _questions(options), _source(options.work)
        _need_commits(source, asked)
    except NotMeasuredError as missing:
        sys.stderr.write(f"not measured: {missing}\n  next: benchmarks/replay/README.md says what is needed\n")
        return NOT_MEASURED
    wanted = named(tools(options.forkkeeper), options.tool)
    absent = [tool for tool in wanted if not tool.installed]
    here = [tool for tool in wanted if tool.installed]
    with tempfile.TemporaryDirectory(prefix="replay-") as folder:
        rows = replay(asked, here, source, Path(folder), options.workers)
    out = [table.table(rows, [tool.name for tool in wanted], [tool.name for tool in absent])]
    out += [f"{tool.name} is not installed: `{tool.package}`" for tool in absent]
    out += [f"{len(asked)} patches of {len({one.sync for one in asked})} syncs, {options.workers} asked at a time"]
    out += ["", table.not_right(rows)] if options.list else []
    sys.stdout.write("\n".join(out) + "\n")
    if options.json:
        options.json.write_text(table.to_json(rows), encoding="utf-8")
    return 0


def replay(
    asked: Sequence[Question], every: Sequence[Tool], source: Path, folder: Path, workers: int
) -> tuple[Row, ...]:
    """Ask each tool each question, some at a time, and give the verdicts: tool by tool, in the order of the questions.

    source -- the replayed repository's git directory
    """
    free: queue.SimpleQueue[Workplace] = queue.SimpleQueue()
    for number in range(workers):
        root = folder / str(number)
        root.mkdir()
        free.put(Workplace(root, source))

    def work(job: tuple[Tool, Question]) -> Row:
        place = free.get()
        try:
            return answered(place, *job)
        finally:
            free.put(place)

    jobs = [(tool, question) for tool in every for question in asked]
    with ThreadPoolExecutor(workers) as pool:  # the work is in the tools' processes
        return tuple(tqdm(pool.map(work, jobs), total=len(jobs), unit="patch", disable=None))


def answered(place: Workplace, tool: Tool, question: Question) -> Row:
    """Ask a tool one question and judge what it says."""
    said = tool.ask(place, question)
    want = place.tree(question.want) if question.want else None
    verdict = judge(said.answer, place.tree(question.new), want, place.same)
    return Row(question, tool.name, verdict, said.words, said.seconds)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="nox -s bench_replay --", description=__doc__)
    parser.add_argument("--work", type=Path, metavar="DIR", help="the repository that holds the syncs' commits")
    parser.add_argument("--truth", type=Path, metavar="FILE", help="what the maintainers did (JSON)")
    parser.add_argument("--ids", type=Path, metavar="FILE", help="the syncs to replay, one name a line")
    parser.add_argument("--tool", action="append", choices=TOOLS, default=[], help="ask only this one; may be repeated")
    parser.add_argument("--list", action="store_true", help="list the rows that are not right")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every row to a file")
    parser.add_argument("--workers", type=_positive, metavar="N", default=os.cpu_count() or 1, help="asked at a time")
    beside = Path(sys.executable).with_name("forkkeeper")
    known = str(beside) if beside.exists() else "forkkeeper"
    parser.add_argument("--forkkeeper", metavar="PROGRAM", default=known, help="the forkkeeper to ask")
    return parser


def _positive(text: str) -> int:
    if int(text) < 1:
        raise ValueError
    return int(text)


def _questions(options: argparse.Namespace) -> tuple[Question, ...]:
    names = _text(options.ids, "--ids").split()
    try:
        asked = questions.read(json.loads(_text(options.truth, "--truth")), names)
    except KeyError as error:
        raise NotMeasuredError(f"{options.truth} has no {error}") from error
    except json.JSONDecodeError as error:
        raise NotMeasuredError(f"{options.truth} is no JSON: {error}") from error
    if not asked:
        raise NotMeasuredError(f"{options.ids} names no sync with a patch")
    return asked


def _text(path: Path | None, option: str) -> str:
    if path is None:
        raise NotMeasuredError(f"{option} FILE is not given")
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise NotMeasuredError(f"{option} {path} cannot be read: {error}") from error


def _source(path: Path | None) -> Path:
    if path is None:
        raise NotMeasuredError("--work DIR is not given")
    found = git_dir(path)
    if found is None:
        raise NotMeasuredError(f"--work {path} is no git repository")
    return found


def _need_commits(source: Path, asked: Sequence[Question]) -> None:
    """Demand every commit that the questions name."""
    ids = sorted({sha for one in asked for sha in (one.old, one.change, one.new, one.want) if sha})
    lines = run(["git", "cat-file", "--batch-check"], source, stdin="\n".join(ids).encode()).out.decode().splitlines()
    there = {line.split()[0] for line in lines if " commit " in line}
    absent = [sha for sha in ids if sha not in there]
    if absent:
        raise NotMeasuredError(f"{source} lacks {len(absent)} of the {len(ids)} commits, such as {absent[0]}")


if __name__ == "__main__":
    sys.exit(main())
