"""Strangers' words are shown by every verb, and none of them acts: not on a terminal, not in a page, not in CI."""

import json
import re
from pathlib import Path

import pytest
from hostile import Canary, unharmed
from msgspec.structs import replace
from posting import PLANTS, fill
from verbs.test_requests import issue
from world import Fork, Local, Upstream, fork_of, git, git_bytes

from forkkeeper.core.page.shape import Answer, Cell, Page, Section, Tone
from forkkeeper.shell import page

EVIL = (
    "\x1b]0;owned\x07\x1b[2J \u202egpj.\u2066 \u200b <script>alert(1)</script> ##[error]owned ##vso[x]owned"
    " ![x](http://evil.invalid) @everyone"
)
COMMAND = "::error::owned"
ACTS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\U000e0000-\U000e007f]"
)
ORDERS = re.compile(r"^\s*::[a-z-]+|##(vso)?\[", re.MULTILINE)  # what a CI runner takes for its own, `##` anywhere
VERBS = {
    "status": ["status"],
    "plan": ["plan", "--upto", "v1.1", "--markdown", "out.md"],
    "plan as far as free": ["plan", "--upto", "v1.1", "--as-far-as-free"],
    "triage": ["triage"],
    "explain": ["explain", "src/main.c"],
    "policy.check": ["policy", "check"],
    "patch.list": ["patch", "list"],
    "patch.why": ["patch", "why", "src/main.c:13"],
    "patch.rename": ["patch", "rename", "evil", "::error::x"],
    "lint": ["lint", "--sarif", "out.sarif"],
    "requests.import": ["requests", "import", "--file", "../issues.json"],
    "requests.list": ["requests", "list"],
    "pick": ["pick", "SHA", "--show"],
    "decline": ["decline", "SHA", "--why", EVIL],
    "verify": ["verify"],
    "doctor": ["doctor"],
    "kit.list": ["kit", "list"],
    "ci-matrix": ["ci-matrix"],
    "sbom": ["sbom"],
    "adopt": ["adopt", "--tree", "../tree", "--upstream", "../upstream.git"],
    "adopt into a fork": ["adopt", "--tree", "../tree", "--upstream", "../upstream.git", "--into", "../adopted"],
    "publish": ["publish", "--to", "folder:../forge", "--outbox", "../outbox"],
    "nightly": ["nightly", "--only", "status"],
    "report": ["report"],
    "log": ["log"],
    "sync": ["sync", "--upto", "v1.1"],
    "undo": ["undo"],
    "redo": ["redo"],
    "materialise": ["materialise", "out"],
    "patch.open": ["patch", "open"],
    "patch.close": ["patch", "close"],
}
BYTES = {"diff", "patch.show", "patch.export"}  # give files as they are, for other programs
NEEDS_A_BUILD = {"build", "check", "size", "bench.throughput", "bench.attribute", "bisect"}
OF_EDITS = {  # show what `patch.list` shows, after an edit of the person's own
    *("patch.new", "patch.edit", "patch.refresh", "patch.split", "patch.fold", "patch.move", "patch.drop"),
    *("patch.unpark", "patch.import", "patch.absorb", "patch.save"),
}
OF_NOBODY = {"setup", "init", "kit.fetch", "upstream.refresh"}  # no stranger's words yet


PATH = f"src/{COMMAND}{EVIL.replace('/', '')}.c"
TITLE = f"{COMMAND} {EVIL} {f'{COMMAND} ' * 9}"  # whatever is broken at blanks has a command where a line begins


@pytest.fixture
def spoken(upstream_repo: Upstream) -> tuple[Fork, str]:
    """Give a fork of an upstream whose titles, authors and paths act, with a patch whose words do; and a commit."""
    upstream = upstream_repo
    text = "".join(f"int line_{n};\n" for n in range(30))
    pin = upstream.commit({"src/main.c": text, PATH: text, "README.md": "x\n"}, tag="v1.0", title="begin")
    upstream.commit({"src/main.c": text.replace("line_4;", "line_four;")}, title=TITLE)
    upstream.commit({f"{PATH}.txt": "x\n"}, title=EVIL)
    head = git_bytes(upstream.path, "cat-file", "commit", "refs/heads/main").replace(b"Ann Author", EVIL.encode()[:30])
    sha = git(upstream.path, "hash-object", "-t", "commit", "-w", "--stdin", "--literally", stdin=head)
    git(upstream.path, "update-ref", "refs/heads/main", sha)
    clash = text.replace("line_14;", f"line_theirs; // {COMMAND} {EVIL}")
    target = upstream.commit({"src/main.c": clash, PATH: clash}, tag="v1.1", title=TITLE)
    trailers = f"Origin: local\nUpstream-Status: Inappropriate [{EVIL}]\nWitness: none [{COMMAND}]\nBug: {EVIL}\n"
    ours = text.replace("line_14;", f"line_ours; // {COMMAND} {EVIL}")
    own = Local("evil", {"src/main.c": ours, PATH: ours}, trailers=trailers, reason=f"{COMMAND}\n{EVIL}")
    place = upstream.path.parent
    fork = fork_of(place, upstream, pin, target, [own], {"native/x.c": "x\n"})
    titled(fork.root / "patches/evil.patch", TITLE)
    fork.relog()
    asked = [issue(1, f"{COMMAND} {EVIL} in {sha}", title=TITLE), issue(2, TITLE, title=EVIL)]
    (place / "issues.json").write_text(json.dumps(asked))
    for path, data in {"src/main.c": ours.replace("int line_20;", f"int own; // [{EVIL}]"), PATH: ours}.items():
        (place / "tree" / path).parent.mkdir(parents=True, exist_ok=True)
        (place / "tree" / path).write_text(data)
    told(place / "outbox")
    return fork, sha


def titled(patch: Path, title: str) -> None:
    """Give a patch another title, as a mail has one of any characters (RFC 2047)."""
    coded = "".join(f"={byte:02X}" for byte in title.encode())
    data = re.sub(rb"(?m)^Subject: .*$", f"Subject: [PATCH] =?UTF-8?q?{coded}?=".encode(), patch.read_bytes(), count=1)
    patch.write_bytes(data)


def told(outbox: Path) -> None:
    """Fill an outbox with an alarm that quotes strangers, and then with words that the job that made it never wrote."""
    nights = []
    for bad in (PLANTS["clash"].night(day) for day in (2, 1)):
        fates = tuple(replace(fate, culprit_title=TITLE) for fate in bad.findings.fates)
        nights.append(replace(bad, findings=replace(bad.findings, fates=fates)))
    fill(outbox, nights)
    (outbox / "alarm.md").write_text(f"{TITLE}\n\n{(outbox / 'alarm.md').read_text()}\n{EVIL}\n")


OF_OURS = ("CHANGES-LOCAL.md", "CLASH.md")  # read here, and put on no forge


def live(text: str, name: str) -> list[str]:
    """Give the lines of a page in which a tag lives, or, of what goes to a forge, a mention."""
    if name == "CLASH.md":
        text = re.sub(r"(?m)^ {4}.*$", "", text)  # code by its indentation
    if name.endswith(".md"):
        text = re.sub(r"(?ms)^(`{3,})[^`\n]*\n.*?^\1$", "", text)
        text = re.sub(r"(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)", "", text)
    lines = [line for line in text.split("\n") if re.search(r"(?<!\\)<script>alert", line)]
    goes = name not in OF_OURS and name.endswith(".md")
    return lines + [line for line in text.split("\n") if goes and "@everyone" in line]


def test_every_verb_is_looked_at(tmp_path: Path, spoken: tuple[Fork, str]) -> None:
    """Each verb of `forkkeeper --list` is in one of the lists here: a new one must be put there."""
    listed = set(re.findall(r"^  ([a-z][a-z.-]+)  ", spoken[0].ok("--list").out, re.MULTILINE))
    known = {*VERBS, *BYTES, *NEEDS_A_BUILD, *OF_EDITS, *OF_NOBODY}
    assert listed - known == set()


@pytest.mark.attack
def test_words_of_strangers_in_every_verb(spoken: tuple[Fork, str], canary: Canary) -> None:
    """Attack: titles, authors, paths, reasons and trailers hold codes of terminals, of direction, of CI, and HTML."""
    fork, sha = spoken
    wrong: list[str] = []
    for name, words in VERBS.items():
        words = [sha if word == "SHA" else word for word in words]  # noqa: PLW2901
        ran = fork.run(*words)
        assert ran.code in (0, 1, 2, 3), f"{name}: {ran.said}"
        wrong += [f"{name}: {line!r}" for line in ran.said.split("\n") if ACTS.search(line) or ORDERS.search(line)]
        said = fork.run(*words, "--json", "-").out
        wrong += [f"{name} --json: {line!r}" for line in said.split("\n") if ACTS.search(line) or ORDERS.search(line)]
    places = (fork.root, *(fork.root.parent / name for name in ("adopted", "forge")))
    written = [path for place in places for path in place.rglob("*") if path.suffix in (".md", ".html", ".sarif")]
    assert {"adopted", "forge", "fork"} <= {path.relative_to(fork.root.parent).parts[0] for path in written}
    (drawn,) = (path for path in written if path.suffix == ".html")
    assert drawn.read_text().count("owned") > 3
    assert {"out.md", "CHANGES-LOCAL.md", "CLASH.md", "out.sarif"} <= {path.name for path in written}
    for path in written:
        text = path.read_text(errors="replace")
        wrong += [f"{path.name}: {line[:160]!r}" for line in text.split("\n") if ACTS.search(line)]
        wrong += [f"{path.name}: {line[:160]!r}" for line in live(text, path.name) if path.suffix != ".sarif"]
    assert wrong == []
    with unharmed(fork, canary):
        fork.run("status")


@pytest.mark.attack
def test_a_text_that_nobody_spelled_on_the_page() -> None:
    """Attack: a text comes to the page as it is, from a part that forgot to spell it out; the page does."""
    answer = Answer(EVIL, Tone.PLAIN, (), Cell(EVIL, link="#x"))
    drawn = page.html(Page(EVIL, EVIL, EVIL, answer, (Section("x", EVIL, EVIL, ()),)), {})
    assert drawn.count("owned") > 3
    assert [line for line in drawn.split("\n") if ACTS.search(line)] == []
    assert live(drawn, "page.html") == []
