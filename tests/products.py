"""Make all that a fork's lock promises, in this process, and print the digest of each as JSON.

    python products.py FORKS WORK SOURCE UMASK

FORKS -- a folder of forks, each with its `upstream.git`, its repository `fork`, and the same fork known by sdists only
WORK -- an empty folder, where the forks are cloned and the products are made
SOURCE -- `git` or `sdist`: how upstream is reached
UMASK -- in octal

The rest of what may make a difference is this process: its Python, environment, and the git that it finds.
"""

import contextlib
import hashlib
import io
import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from forkkeeper import tasks

# what is asked before anything is saved: product -> words; {out} is the folder of products
ASKED = {
    "status": "status --json {out}/status.json",
    "lint": "lint --json {out}/lint.json --sarif {out}/lint.sarif",
    "plan": "plan --upto {target} --json {out}/plan.json --markdown {out}/plan.md --sarif {out}/plan.sarif",
    "triage": "triage --upto {target} --json {out}/triage.json",
    "list": "patch list --json {out}/list.json",
    "why": "patch why src/main.c:12 --json {out}/why.json",
    "explain": "explain src/main.c --json {out}/explain.json",
    "matrix": "ci-matrix --json {out}/matrix.json",
}
# what is made of a fork as it stands
MADE = {
    "diff": "diff",
    "stat": "diff --stat --json {out}/{when}-stat.json",
    "log": "log --check",
    "bill": "sbom --output {out}/{when}-bill.json",
    "export": "patch export --to quilt {out}/{when}-quilt",
    "mails": "patch export --to mail {out}/{when}-mails",
    "fork": "materialise {out}/{when}-fork",
    "baseline": "materialise {out}/{when}-baseline --baseline",
    "report": "report",
}
PAGE = Path("build/report/index.html")
OWN = ("fork.lock", "history.toml", "CHANGES-LOCAL.md")


def run(words: list[str]) -> tuple[int, bytes]:
    """Run a verb here, as the console script does; gives how it ended, and what it wrote to standard output."""
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
    code = 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            tasks.program.run(["forkkeeper", *words])
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
    if code not in (0, 1):
        sys.exit(f"{words}: exit {code}\n{err.buffer.getvalue().decode()}{out.buffer.getvalue().decode()}")
    return code, out.buffer.getvalue()


def products(forks: Path, work: Path, source: str) -> Iterator[tuple[str, str]]:
    """Make the products of every fork, and give the digest of each by its name."""
    for place in sorted(path for path in forks.iterdir() if path.is_dir()):
        root = settle(place, work / place.name, source)
        out = work / place.name / "out"
        out.mkdir()
        ends = json.loads((place / "ends.json").read_text())
        with contextlib.chdir(root):
            said = {name: run(filled(words, out, ends, "")) for name, words in ASKED.items()}
            said |= made(out, ends, "before")
            if ends["is_free"]:
                said["sync"] = run(["sync", "--upto", ends["target"], "--accept-reviewed"])
                said |= made(out, ends, "after")
        for name, (code, _) in said.items():
            yield f"{place.name}/{name}: exit", str(code)
        for name in ("before-diff", "after-diff"):
            if name in said:
                yield f"{place.name}/{name}", digest(said[name][1])
        yield from ((f"{place.name}/{name}", found) for name, found in files(out))
        for path in sorted([*(root / "patches").iterdir(), *(root / name for name in OWN)]):
            if path.is_file():
                yield f"{place.name}/{path.relative_to(root)}", digest(path.read_bytes())


def settle(place: Path, work: Path, source: str) -> Path:
    """Clone a fork, with its upstream beside it where that is how upstream is reached; gives its folder."""
    work.mkdir()
    known = "fork" if source == "git" else "fork-by-sdists"
    for name in (known, "upstream.git") if source == "git" else (known,):
        bare = ["--bare"] if name.endswith(".git") else []
        subprocess.run(["git", "clone", "--quiet", *bare, place / name, work / name], check=True)
    root = (work / known).rename(work / "fork")
    if source == "sdist":
        (root / ".forkkeeper").mkdir()
        shutil.copyfile(place / "snapshots.csv", root / ".forkkeeper/snapshots.csv")
    return root


def made(out: Path, ends: dict[str, str], when: str) -> dict[str, tuple[int, bytes]]:
    """Make what is made of a fork as it stands. when -- what the products are called by."""
    said = {f"{when}-{name}": run(filled(words, out, ends, when)) for name, words in MADE.items()}
    shutil.copyfile(PAGE, out / f"{when}-page.html")
    return said


def filled(words: str, out: Path, ends: dict[str, str], when: str) -> list[str]:
    """Fill in a verb's words; none of them holds a blank of its own."""
    return [word.format(out=out, when=when, target=ends["target"]) for word in words.split(" ")]


def files(folder: Path) -> Iterator[tuple[str, str]]:
    """Give a digest for each file below a folder: of all its mode bits where a tree was written, and of its bytes."""
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink():
            yield name, digest(os.fsencode(path.readlink()))
        elif path.is_file():
            is_tree = name.partition("/")[0].endswith(("-fork", "-baseline"))
            mode = f"{stat.S_IMODE(path.stat().st_mode):o} " if is_tree else ""
            yield name, mode + digest(path.read_bytes())


def digest(data: bytes) -> str:
    """Give a digest."""
    return hashlib.sha256(data).hexdigest()


if __name__ == "__main__":
    FORKS, WORK, SOURCE, UMASK = sys.argv[1:]
    os.umask(int(UMASK, 8))
    sys.stdout.write(json.dumps(dict(products(Path(FORKS), Path(WORK), SOURCE))))
