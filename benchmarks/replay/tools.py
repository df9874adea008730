"""Each tool, asked one question. The time is that of the tool's own programs; laying out files for it is left out.

forkkeeper -- `forkkeeper plan`, the whole command, in a folder whose `fork.toml` names the replayed repository
git        -- `git merge-tree`: the three-way merge behind `git am -3`, `git rebase` and `git cherry-pick`. What leaves
              the new side as it was is gone: git drops such a patch, too
quilt      -- `quilt push` with its default fuzz, in a folder with the files that the patch touches. It is gone when
              quilt says that it can be reverse-applied
wiggle     -- `wiggle --merge` of each changed file with the patch's part for it; files that only one side has are
              compared as they are. What leaves the new side as it was is gone
"""

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.replay.answers import Answer, Carried, Clashed, Failed, Gone
from benchmarks.replay.questions import Question, mail, title_and_body
from benchmarks.replay.workplace import EXECUTABLE, WORDS, Change, Done, Side, Workplace, run, write

PATCH = "change.patch"
_DECLARATION = """\
schema = 1
name = "replay"
[upstream]
name = "replay"
[[upstream.source]]
kind = "git"
location = {location}
"""


@dataclass(frozen=True, slots=True)
class Said:
    """A tool's answer. seconds -- wall time; words -- what it said, in a line."""

    answer: Answer
    seconds: float
    words: str = ""


Ask = Callable[[Workplace, Question], Said]


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool that can be asked. program -- what must be installed; package -- what brings it."""

    name: str
    program: str
    package: str
    ask: Ask

    @property
    def installed(self) -> bool:
        """Whether its program is here."""
        return shutil.which(self.program) is not None


def tools(forkkeeper: str) -> tuple[Tool, ...]:
    """Give every tool. forkkeeper -- its program, a name or a path."""
    return (
        Tool(
            "forkkeeper",
            forkkeeper,
            "pip install -e .",
            lambda place, question: ask_forkkeeper(place, question, forkkeeper),
        ),
        Tool("git", "git", "apt install git", ask_git),
        Tool("quilt", "quilt", "apt install quilt", ask_quilt),
        Tool("wiggle", "wiggle", "apt install wiggle", ask_wiggle),
    )


def ask_forkkeeper(place: Workplace, question: Question, program: str = "forkkeeper") -> Said:
    """Ask `forkkeeper plan` for its JSON document."""
    fork = place.empty("fork")
    (fork / "fork.toml").write_text(_DECLARATION.format(location=json.dumps(str(place.source))), encoding="utf-8")
    _queue(place, question, fork / "patches")
    document = fork / "plan.json"
    sides = ("--from", question.old, "--upto", question.new)
    files = ("--queue", "patches", "--objects", str(place.planned), "--json", str(document))
    done = run([program, "plan", "--offline", *sides, *files], fork)
    if done.code not in (0, 1) or not document.exists():
        return Said(Failed(done.last_words), done.seconds, done.last_words)
    row = json.loads(document.read_text(encoding="utf-8"))["patches"][0]
    return Said(of_plan(row, place.tree(question.new)), done.seconds, words_of_plan(row))


def of_plan(row: Mapping[str, Any], before: str) -> Answer:
    """Read one row of forkkeeper's document. before -- the tree that the patch was to be carried to."""
    match row["outcome"]:
        case "upstreamed" | "emptied":
            return Gone()
        case "clashed":
            return Clashed(row.get("proposal"))
        case _:
            return Carried(row["tree"] or before, bool(row.get("review")))


def words_of_plan(row: Mapping[str, Any]) -> str:
    """Say what forkkeeper said: outcome, rule, reason."""
    rule = f" ({row['rule']})" if row.get("rule") else ""
    why = f": {row['why']}" if row.get("why") else ""
    return f"{row['outcome']}{rule}{why}"


def ask_git(place: Workplace, question: Question) -> Said:
    """Merge the patch and the new side, base the commit that the patch stands on."""
    before = place.tree(question.new)
    base = place.commit(place.tree(question.old))  # a base of their own, whatever the histories are
    ours, theirs = place.commit(before, base), place.commit(place.tree(question.change), base)
    done = place.git("merge-tree", "--write-tree", "--name-only", "--no-messages", ours, theirs)
    lines = done.out.decode("utf-8", "replace").splitlines()
    if done.code == 1:
        return Said(Clashed(), done.seconds, ", ".join(lines[1:]))
    if done.code:
        return Said(Failed(done.last_words), done.seconds, done.last_words)
    return Said(_carried(lines[0], before), done.seconds)


def ask_quilt(place: Workplace, question: Question) -> Said:
    """Push a queue of this one patch."""
    before = place.tree(question.new)
    paths = [change.path for change in place.changes(question.old, question.change)]
    folder = place.empty("files")
    place.lay_out(folder, place.sides(before, paths))
    patches = place.root / "quilt"
    _queue(place, question, patches)
    state = place.empty("quilt.pc") / "pc"  # quilt makes it
    env = {"QUILT_PATCHES": str(patches), "QUILT_PC": str(state)}
    done = run(["quilt", "--quiltrc", "-", "push"], folder, env=env)
    text = (done.out + done.err).decode("utf-8", "replace")
    words = " ".join(text.split())[-WORDS:]
    if done.code == 0:
        return Said(_carried(place.take_in(before, folder, paths), before), done.seconds, words)
    if "can be reverse-applied" in text:
        return Said(Gone(), done.seconds, words)
    if "does not apply" in text:
        return Said(Clashed(), done.seconds, words)
    return Said(Failed(done.last_words), done.seconds, done.last_words)


def ask_wiggle(place: Workplace, question: Question) -> Said:
    """Wiggle the patch's part for each file into that file."""
    before = place.tree(question.new)
    changes = place.changes(question.old, question.change)
    here = place.sides(before, [change.path for change in changes])
    folder = place.empty("files")
    place.lay_out(folder, here)
    seconds, clashed = 0.0, []
    for change in changes:
        now = here.get(change.path)
        if change.old is None or change.new is None or now is None:
            if not _whole(place, change, now, folder):
                clashed.append(change.path)
            continue
        done = _wiggled(place, question, change.path, folder)
        seconds += done.seconds
        if done.code not in (0, 1):
            return Said(Failed(done.last_words), seconds, done.last_words)
        if done.code == 1:
            clashed.append(change.path)
        executable = (change.new.mode if change.new.mode != change.old.mode else now.mode) == EXECUTABLE
        write(folder / change.path, done.out, executable=executable)
    if clashed:
        return Said(Clashed(), seconds, ", ".join(clashed))
    return Said(_carried(place.take_in(before, folder, [change.path for change in changes]), before), seconds)


def _wiggled(place: Workplace, question: Question, path: str, folder: Path) -> Done:
    part = place.root / "part.patch"
    part.write_bytes(place.diff(question.old, question.change, path))
    return run(["wiggle", "--merge", str(folder / path), str(part)], folder)


def _whole(place: Workplace, change: Change, now: Side | None, folder: Path) -> bool:
    """Add or remove a whole file; False when the new side has it otherwise than the old side."""
    if now == change.new:
        return True
    if now != change.old:
        return False
    if change.new is None:
        (folder / change.path).unlink()
    else:
        write(folder / change.path, place.blob(change.new.blob), executable=change.new.mode == EXECUTABLE)
    return True


def _carried(tree: str, before: str) -> Answer:
    return Gone() if tree == before else Carried(tree)


def _queue(place: Workplace, question: Question, folder: Path) -> None:
    """Write the queue of this one patch."""
    folder.mkdir(exist_ok=True)
    title, body = title_and_body(place.message(question.change))
    (folder / PATCH).write_bytes(mail(title, body, place.diff(question.old, question.change)))
    (folder / "series").write_text(f"{PATCH}\n", encoding="utf-8")


def named(every: Sequence[Tool], names: Sequence[str]) -> tuple[Tool, ...]:
    """Give the tools of these names, in the order of the table; all of them when none is named."""
    return tuple(tool for tool in every if not names or tool.name in names)
