"""What `sbom` promises: a valid CycloneDX document of the fork, and the same bytes for the same fork."""

import base64
import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from world import TRAILERS, Fork, Local, Upstream, assert_message, fork_of, keep_fork, run

WHERE = "build/report/sbom.cdx.json"
SHA = "c0ffee0123456789c0ffee0123456789c0ffee01"
BACKPORT = f"Origin: upstream {SHA}\nUpstream-Status: Backport [{SHA}]\nWitness: none [theirs]\n"
PICKED = f"Origin: upstream {SHA}\nUpstream-Status: Submitted [https://example.invalid/1]\nWitness: none [theirs]\n"
BUGS = f"{TRAILERS}Bug: https://example.invalid/bugs/7\nBug: #12 of ours, \u202ebackwards\n"


def bill(path: Path) -> dict[str, Any]:
    """Read a bill that the format's strict schema takes."""
    text = path.read_text(encoding="utf-8")
    wrong = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    assert wrong is None, wrong
    found: dict[str, Any] = json.loads(text)
    return found


def declare(fork: Fork, ours: str, theirs: str) -> None:
    """Declare licences."""
    path = fork.root / "fork.toml"
    text = path.read_text().replace("\n[upstream]\n", f'\nlicence = "{ours}"\n[upstream]\nlicence = "{theirs}"\n')
    path.write_text(text)


@pytest.fixture
def fork(upstream_repo: Upstream) -> Fork:
    """Give a fork with a patch of each kind, one of them no UTF-8, and an overlay."""
    pin = upstream_repo.commit({"a.c": "int a;\n", "b.c": "int b;\n", "c.c": "int c;\n"}, tag="v1")
    queue = [
        Local("later", {"a.c": "int a = 1;\n"}, trailers=BACKPORT),
        Local("taken", {"b.c": "int b = 2;\n"}, trailers=PICKED),
        Local("own", {"c.c": b"int c = 3; /* caf\xe9 */\n"}, trailers=BUGS),
    ]
    return fork_of(upstream_repo.path.parent, upstream_repo, pin, pin, queue, {"dir/extra.c": "int extra;\n"})


def test_the_bill_says_what_the_fork_is_made_of(fork: Fork) -> None:
    """The document is valid; fork, pin, trees, patches by kind with what they resolve, and added files are in it."""
    declare(fork, "Apache-2.0 OR MIT", "MIT")
    ran = fork.ok("sbom")
    assert f"wrote {WHERE}: CycloneDX 1.6, upstream at {fork.pin}, 3 patches, 1 file of the overlay" in ran.out
    found = bill(fork.root / WHERE)
    whole = found["metadata"]["component"]
    lock = dict(one.split(" = ") for one in (fork.root / "fork.lock").read_text().splitlines() if " = " in one)
    composed = lock["composed"].strip('"')
    assert whole["name"] == "fork"
    assert whole["swhid"] == [f"swh:1:dir:{composed}"]
    assert whole["licenses"] == [{"expression": "MIT AND (Apache-2.0 OR MIT)", "acknowledgement": "declared"}]
    (ancestor,) = whole["pedigree"]["ancestors"]
    upstream, extra = found["components"]
    assert (upstream["version"], ancestor["version"]) == (fork.pin, fork.pin)
    assert upstream["purl"] == f"pkg:generic/upstream@{fork.pin}"
    assert upstream["licenses"] == [{"license": {"id": "MIT", "acknowledgement": "declared"}}]
    assert extra["name"] == "dir/extra.c"
    digest = hashlib.sha256((fork.root / "native/overlay/dir/extra.c").read_bytes()).hexdigest()
    assert extra["hashes"] == [{"alg": "SHA-256", "content": digest}]
    patches = {one["diff"]["url"]: one for one in whole["pedigree"]["patches"]}
    kinds = {url: one["type"] for url, one in patches.items()}
    assert kinds == {
        "patches/later.patch#1": "backport",
        "patches/taken.patch#2": "cherry-pick",
        "patches/own.patch#3": "unofficial",
    }
    assert [(one["id"], one.get("references")) for one in patches["patches/own.patch#3"]["resolves"]] == [
        (r"#12 of ours, \u202ebackwards", None),
        ("https://example.invalid/bugs/7", ["https://example.invalid/bugs/7"]),
    ]


def test_the_patches_are_in_it_byte_for_byte(fork: Fork) -> None:
    """Each patch's file can be taken out of the document as it is, also one that is no UTF-8."""
    fork.ok("sbom")
    held = bill(fork.root / WHERE)["metadata"]["component"]["pedigree"]["patches"]
    for one in held:
        text = one["diff"]["text"]
        data = base64.b64decode(text["content"]) if text.get("encoding") == "base64" else text["content"].encode()
        assert data == (fork.root / one["diff"]["url"].partition("#")[0]).read_bytes()


def test_the_same_fork_gives_the_same_bytes(fork: Fork, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process, with another order of its sets, writes the same; another moment or patch is another document."""
    for seed in ("0", "1", "2"):
        assert fork.script("sbom", "--output", f"{seed}.json", PYTHONHASHSEED=seed).code == 0
    first, *others = [(fork.root / f"{seed}.json").read_bytes() for seed in "012"]
    assert others == [first, first]
    serials = {bill(fork.root / "0.json")["serialNumber"]}
    monkeypatch.delenv("SOURCE_DATE_EPOCH")
    fork.ok("sbom", "--output", "undated.json")
    undated = bill(fork.root / "undated.json")
    assert undated["metadata"]["timestamp"] == "2025-06-15T00:00:00+00:00"  # the pin's date
    serials.add(undated["serialNumber"])
    patch = fork.root / "patches/own.patch"
    patch.write_bytes(patch.read_bytes().replace(b"says so here", b"says why here"))
    fork.relog()
    fork.ok("sbom", "--output", "reworded.json")
    serials.add(bill(fork.root / "reworded.json")["serialNumber"])
    assert len(serials) == 3


def test_the_fork_kept_here_has_its_bill(tmp_path: Path) -> None:
    """The real fork's document is valid, and names upstream as package-url names GitHub's repositories."""
    place = keep_fork(tmp_path / "kept")
    ran = run(place, "sbom")
    assert ran.code == 0, ran.said
    found = bill(place / WHERE)
    assert found["components"][0]["purl"].startswith("pkg:github/ggml-org/llama.cpp@")
    series = [line for line in (place / "patches/series").read_text().splitlines() if line and line[0] != "#"]
    assert len(found["metadata"]["component"]["pedigree"]["patches"]) == len(series)
    assert "does not say" not in ran.out


def test_what_somebody_logs_in_with_is_not_told(fork: Fork) -> None:
    """Of an upstream's url the document has no name and no password, and of a path on this machine nothing."""
    path = fork.root / "fork.toml"
    more = '[[upstream.source]]\nkind = "git"\nlocation = "https://me:secret@git.example.invalid/up.git"\n'
    path.write_text(f"{path.read_text()}\n{more}")
    fork.ok("sbom")
    text = (fork.root / WHERE).read_text()
    assert "secret" not in text
    assert "me:" not in text
    assert str(fork.upstream.path.parent) not in text
    assert "../upstream.git" not in text
    vcs_url = f"git%2Bhttps://git.example.invalid/up.git%40{fork.pin}"
    assert bill(fork.root / WHERE)["components"][0]["purl"] == f"pkg:generic/upstream@{fork.pin}?vcs_url={vcs_url}"


def test_what_is_not_declared_is_left_out_and_said(fork: Fork) -> None:
    """Without licences the document has none, and the report names the two fields."""
    ran = fork.ok("sbom")
    assert 'fork.toml does not say licence and [upstream] licence: add it, such as licence = "MIT"' in ran.out
    assert "licenses" not in bill(fork.root / WHERE)["metadata"]["component"]


@pytest.mark.parametrize(("given", "hint"), [("mit", 'did you mean "MIT"?'), ("Ours, all of it", "spdx.org/licenses")])
def test_a_licence_that_nobody_knows_is_refused(fork: Fork, given: str, hint: str) -> None:
    """What is no SPDX expression is refused by its field, with the nearest name, and nothing is written."""
    declare(fork, "MIT", given)
    assert_message(fork.run("sbom"), 2, f"fork.toml: upstream.licence is '{given}'", "no SPDX expression", hint)
    assert not (fork.root / WHERE).exists()


def test_a_fork_that_is_not_in_step_has_no_bill(fork: Fork) -> None:
    """Where files and lock differ, the trees of the lock are not those of the files: refused."""
    (fork.root / "native/overlay/dir/extra.c").write_text("int other;\n")
    assert_message(fork.run("sbom"), 2, "fork.lock", "native/overlay/")
    assert not (fork.root / WHERE).exists()


@pytest.mark.parametrize("output", ["nowhere/sbom.json", "fork.toml"])
def test_a_place_that_cannot_take_it_is_refused(fork: Fork, output: str) -> None:
    """A folder that is not there, or one of the fork's own files, is refused first."""
    before = fork.state()
    assert_message(fork.run("sbom", "--output", output), 2, f"--output {output}")
    assert fork.state() == before


def test_without_its_library_it_says_what_to_install(fork: Fork) -> None:
    """Where cyclonedx-python-lib is not installed, that is an outside failure with the command; other verbs work."""
    program = "import sys; sys.modules['cyclonedx'] = None; from forkkeeper import tasks; tasks.main()"
    for words, code in ((["sbom"], 3), (["lint"], 0)):
        done = subprocess.run(
            [sys.executable, "-c", program, *words], cwd=fork.root, capture_output=True, text=True, check=False
        )
        assert done.returncode == code, done.stderr
        said = "sbom: cyclonedx: not installed\n  next: python -m pip install 'forkkeeper[report]'"
        assert (said in done.stderr) is (code == 3)


def test_it_has_a_document_like_every_verb(fork: Fork) -> None:
    """`--json -` gives the form of all verbs."""
    found = json.loads(fork.ok("sbom", "--json", "-").out)
    assert (found["schema"], found["verb"], found["exit"]) == (1, "sbom", 0)
