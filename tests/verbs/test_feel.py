"""How the verbs feel: a list like a table of contents, pages, completion, colours, 80 columns, what was meant."""

import os
import re
import subprocess
from pathlib import Path

import pytest
from screens import on_terminal
from world import BIN, Fork, assert_message, run, script

from forkkeeper import tasks
from forkkeeper.tasks.contents import HIDDEN, REST, chapters

VERBS = sorted(name for name in tasks.namespace.task_names if name not in HIDDEN)
COLOUR = re.compile("\x1b\\[[0-9;]*[mK]")


# the list and the pages ---------------------------------------------------------------------------------------------


def test_the_list_is_a_table_of_contents(tmp_path: Path) -> None:
    """Chapters in the book's order, each verb once, each in 80 columns."""
    shown = run(tmp_path, "--list").out
    titles = [line for line in shown.splitlines() if line and not line.startswith((" ", "`"))]
    assert titles == [title for title, _ in chapters(VERBS)]
    assert titles[0] == "Day to day"
    for verb in VERBS:
        assert len(re.findall(rf"^  {re.escape(verb)}  ", shown, re.MULTILINE)) == 1, verb
    assert max(len(line) for line in shown.splitlines()) <= 80
    assert shown.index("  status ") < shown.index("  plan ") < shown.index("  sync ") < shown.index("  lint ")


def test_every_verb_stands_in_a_chapter() -> None:
    """No verb is left over for the last page."""
    assert REST not in dict(chapters(VERBS))


@pytest.mark.parametrize("verb", VERBS)
def test_every_page_reads_well(tmp_path: Path, verb: str) -> None:
    """A verb's page has the call, what it does, one example, each option with a word on it, in 80 columns."""
    shown = script(tmp_path, "forkkeeper", *verb.split("."), "--help").out  # Invoke forgets what it has shown once
    assert shown.startswith(f"Usage: forkkeeper {verb.replace('.', ' ')}")
    assert shown.count("Example: forkkeeper ") == 1
    assert max(len(line) for line in shown.splitlines()) <= 80
    for option in re.findall(r"^  (?:-\w.*, )?--.*$", shown, re.MULTILINE):
        assert re.search(r"--\S+(?:, --\S+)* {2,}\S", option), option


def test_help_has_no_option_that_means_nothing_here(tmp_path: Path) -> None:
    """What Invoke has for running commands is not there: `--dry` is a wrong call, and no sync."""
    shown = run(tmp_path, "--help").out
    assert "Day to day" in shown
    assert "--version" in shown
    for option in ("--dry", "--echo", "--prompt-for-sudo-password", "--pty"):
        assert option not in shown
        assert run(tmp_path, option, "status").code == 2
        assert run(tmp_path, "status", option).code == 2


def test_a_group_lists_its_verbs(tmp_path: Path) -> None:
    """`forkkeeper upstream` and its --help list the verbs of that group alone."""
    for words in (["upstream"], ["upstream", "--help"], ["--list", "upstream"]):
        ran = run(tmp_path, *words)
        assert ran.code == 0, ran.said
        assert "  upstream.refresh " in ran.out
        assert "  status " not in ran.out


# what was meant -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["stauts"], "did you mean `forkkeeper status`?"),
        (["upstream", "refesh"], "did you mean `forkkeeper upstream refresh`?"),
        (["sync", "--uptoo", "v1"], "did you mean `forkkeeper sync --upto`?"),
        (["plan", "--jsn=x"], "did you mean `forkkeeper plan --json`?"),
        (["lint", "--zzz"], "`forkkeeper lint --help` lists its options"),
        (["plan", "v1.1"], "`forkkeeper plan --upto v1.1`?"),
        (["qqqq"], "`forkkeeper --list`"),
    ],
)
def test_a_slip_is_answered_with_what_was_meant(tmp_path: Path, words: list[str], hint: str) -> None:
    """A mistyped verb or option ends with 2 and the nearest one."""
    assert_message(run(tmp_path, *words), 2, hint)


def test_an_option_with_a_value_is_no_positional_value(fork_in_step: Fork) -> None:
    """`build cpu --json FILE` takes FILE for the document, and only `cpu` for a variant."""
    with (fork_in_step.root / "fork.toml").open("a") as toml:
        toml.write('\n[variant.cpu]\ndevice = "CPU"\ntargets = ["all"]\n')
    ran = fork_in_step.run("build", "--json", "../built.json", "cuda")
    assert_message(ran, 2, "cuda")
    assert "built.json" not in ran.err
    assert "cuda" in (fork_in_step.root / "../built.json").read_text()


# completion ---------------------------------------------------------------------------------------------------------


def completed(folder: Path, *words: str) -> list[str]:
    """Ask a real bash, with the script that is printed for it, what it would offer for the last word."""
    lines = (
        "source <(forkkeeper --print-completion-script bash)",
        'COMP_WORDS=(forkkeeper "$@")',
        'COMP_CWORD=$#; _forkkeeper; printf "%s\\n" "${COMPREPLY[@]}"',
    )
    env = os.environ | {"PATH": f"{BIN}:{os.environ['PATH']}"}
    argv = ["bash", "--norc", "-c", "; ".join(lines), "bash", *words]
    done = subprocess.run(argv, cwd=folder, env=env, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.split()


def test_bash_completes(fork_in_step: Fork) -> None:
    """Verbs, nested verbs with a dot or a blank, options not given yet, and patches where one is due."""
    root = fork_in_step.root
    assert completed(root, "st") == ["status"]
    assert completed(root, "upst") == ["upstream.refresh"]
    assert completed(root, "upstream", "") == ["refresh"]
    assert completed(root, "diff", "--s") == ["--since", "--stat"]
    assert completed(root, "diff", "--stat", "--s") == ["--since"]
    assert completed(root, "sync", "--accept", "x", "--acc") == ["--accept", "--accept-reviewed"]
    assert completed(root, "diff", "--patch", "gr") == ["greeting"]
    assert completed(root, "sync", "--accept", "=", "gr") == ["greeting"]
    assert completed(root, "plan", "--json", "x") == []
    assert set(VERBS) <= set(completed(root, ""))


def test_each_shell_has_its_script(tmp_path: Path) -> None:
    """bash, zsh and fish are known; any other is answered with those."""
    for shell in ("bash", "zsh", "fish"):
        assert "forkkeeper --complete -- " in run(tmp_path, "--print-completion-script", shell).out
    assert_message(run(tmp_path, "--print-completion-script", "tcsh"), 2, "no such shell", "bash, zsh, fish")


# colours and columns ------------------------------------------------------------------------------------------------


def test_colours_are_for_terminals(fork_behind: Fork) -> None:
    """A terminal gets colours, of git's diff, too; NO_COLOR, a dumb terminal and a pipe get none."""
    root = fork_behind.root
    for words in (("plan", "--upto", "v1.1"), ("diff",), ("diff", "--since", "HEAD", "--stat"), ("--list",)):
        assert COLOUR.search(on_terminal(root, *words).out), words
        for env in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
            assert "\x1b" not in on_terminal(root, *words, env=env).out, words
        assert "\x1b" not in script(root, "forkkeeper", *words).said, words
    assert COLOUR.search(script(root, "forkkeeper", "plan", "--upto", "v1.1", CLICOLOR_FORCE="1").out)
    assert "\x1b" not in script(root, "forkkeeper", "diff", CLICOLOR_FORCE="1", NO_COLOR="1").out


@pytest.mark.parametrize("columns", [80, 60])
def test_tables_fit_the_terminal(fork_with_clash: Fork, columns: int) -> None:
    """No line of a plan's tables is wider than the terminal, and every word of them is there."""
    shown = COLOUR.sub("", on_terminal(fork_with_clash.root, "plan", "--upto", "v1.1", columns=columns).out)
    tables = [part for part in shown.split("\n\n") if re.search(r"^-+  -", part, re.MULTILINE)]
    assert len(tables) == 2
    for line in "\n".join(tables).splitlines():
        assert len(line) <= columns, line
    for word in ("limit-more", "clashed", "follows", "needs", "person"):
        assert word in shown


def test_what_files_hold_does_not_act_on_a_terminal(fork_in_step: Fork) -> None:
    """A file with control characters is shown with them spelled out on a terminal, and byte for byte in a pipe."""
    path = fork_in_step.root / "native/overlay/native/odd.txt"
    path.write_bytes(b"a\x1b]0;title\x07b\x1b[2Jc \xe2\x80\xae d\n")
    fork_in_step.ok("log")
    shown = on_terminal(fork_in_step.root, "diff", "--file", "native/odd.txt").out
    assert "\\u001b]0;title\\u0007b\\u001b[2Jc \\u202e d" in shown
    assert path.read_bytes().decode() in fork_in_step.ok("diff", "--file", "native/odd.txt").out
