"""How `forkkeeper` speaks of its verbs: the list, a verb's page, what was meant by a wrong call, completion."""

import difflib
import re
import sys
from collections.abc import Sequence

from invoke.collection import Collection
from invoke.exceptions import Exit, ParseError
from invoke.parser.argument import Argument
from invoke.parser.context import ParserContext
from invoke.program import Program

from forkkeeper.errors import ExitCode
from forkkeeper.shell import terminal
from forkkeeper.tasks.completing import SCRIPTS, candidates
from forkkeeper.tasks.contents import chapters, headline, paragraphs

# Invoke's own options that mean something here; its others run commands, or ask for a password
OWN = ("help", "list", "version", "print-completion-script")
NEEDED = ("complete", "debug", "write-pyc", "list-format", "list-depth")  # Invoke reads them; nobody else does
VALUES = {
    "plan": "--upto",
    "sync": "--upto",
    "diff": "--patch",
}  # the option that a bare value is most likely meant for


class Door(Program):
    """Invoke's parser, with help that reads like a book and no option that means nothing here."""

    @property
    def verbs(self) -> Collection:
        """The verbs, which are there before anything is parsed."""
        return self.namespace or Collection()

    def core_args(self) -> list[Argument]:
        """Give the options that stand before a verb."""
        kept = [argument for argument in super().core_args() if argument.name in (*OWN, *NEEDED)]
        said = {
            "help": "Show this, or the page of a verb.",
            "list": "List the verbs, or those of a group such as `patch`.",
        }
        for argument in kept:
            argument.help = said.get(argument.name or "", argument.help)
        return kept

    def update_config(self, merge: bool = True) -> None:
        """Leave Invoke's configuration as it is: no option here changes it."""
        if merge:
            self.config.merge()

    def parse_core(self, argv: list[str] | None) -> None:
        """Answer a shell's questions; read anything else as a call."""
        words = (argv or sys.argv)[1:]
        if words[:2] == ["--complete", "--"]:
            shown = self._make_contexts()
            terminal.emit("".join(f"{word}\n" for word in candidates(shown, words[2:])))
            raise Exit
        option, _, shell = (words[0] if words else "").partition("=")
        if option == "--print-completion-script":
            shell = shell or "".join(words[1:2])
            if shell not in SCRIPTS:
                known = ", ".join(SCRIPTS)
                raise Exit(f"call: {option} {shell}: no such shell\n  next: give one of {known}", ExitCode.BAD_REQUEST)
            terminal.emit(SCRIPTS[shell])
            raise Exit
        super().parse_core(argv)

    def _make_contexts(self) -> dict[str, ParserContext]:
        """Give each verb with its options, by its name and in the order of the list."""
        found = {context.name or "": context for context in self.verbs.to_contexts()}
        return {name: found[name] for _, names in chapters(list(found)) for name in names}

    def list_tasks(self) -> None:
        """List the verbs by chapters, in the order of the book; in another form where Invoke's own is asked for."""
        if self.list_format != "flat":
            super().list_tasks()
            return
        within = f"{self.list_root}." if self.list_root else ""
        names = [name for name in self.verbs.task_names if name.startswith(within)]
        pages = {name: headline(self.verbs[name].__doc__ or "") for name in names}
        width = max(len(name) for name in names)
        for title, listed in chapters(names):
            terminal.columns(title, [(name, pages[name]) for name in listed], width)
        terminal.say("`forkkeeper VERB --help` shows a verb's options and an example.")

    def print_help(self) -> None:
        """Show how a call is made, what may stand before a verb, and the verbs."""
        terminal.say("Usage: forkkeeper VERB [options]\n")
        self.list_tasks()
        tuples = ParserContext(args=[a for a in self.core_args() if a.name in OWN]).help_tuples()
        terminal.say()
        terminal.columns("Instead of a verb", [(name, text or "") for name, text in tuples])

    def print_task_help(self, name: str) -> None:
        """Show a verb's page: the call, what it does, an example, its options."""
        context = self.parser.contexts[name]
        values = [(argument.name or "").upper().replace("_", "-") for argument in context.positional_args]
        options = [(text, said or "") for text, said in context.help_tuples()]
        verb = name.replace(".", " ")
        terminal.say(" ".join(["Usage: forkkeeper", verb, *values, *(["[options]"] if options else [])]))
        for paragraph in paragraphs(self.collection[name].__doc__ or ""):
            terminal.say()
            terminal.paragraph(paragraph)
        if options:
            terminal.say()
            terminal.columns("Options", options)


def plainly(text: str) -> str:
    """Say a parse error of Invoke's without its own names for things."""
    text = re.sub(r"Flag <Argument: ([\w-]+)[^>]*> needed value and was not given one!?", r"--\1 needs a value", text)
    return re.sub(r"No idea what '(.*)' is!", r"'\1' is no verb, and no option of the verb before it", text)


def meant(verbs: Sequence[str], error: ParseError, words: Sequence[str]) -> str:
    """Guess what was meant by a word that Invoke does not know.

    words -- what was typed behind `forkkeeper`
    """
    unknown = re.search(r"No idea what '(.*)' is!", str(error))
    word = unknown[1] if unknown else ""
    said = words[0] if words else ""
    groups = {name.partition(".")[0] for name in verbs if "." in name}
    typed = f"{word}.{words[1]}" if word in groups and len(words) > 1 else word
    if word.startswith("-") and error.context is not None and error.context.name:
        return _option_meant(error.context, word)
    if said in VALUES and word:
        return f"`forkkeeper {said} {VALUES[said]} {word}`?"
    near = difflib.get_close_matches(typed, sorted(verbs), n=1)
    if near:
        return f"did you mean `forkkeeper {near[0].replace('.', ' ')}`?"
    return f"`forkkeeper --list{f' {word}' if word in groups else ''}`, or `forkkeeper --help VERB`"


def _option_meant(verb: ParserContext, word: str) -> str:
    known = [flag for flag in verb.flags if flag.startswith("--")]
    near = difflib.get_close_matches(word.partition("=")[0], known, n=1)
    name = (verb.name or "").replace(".", " ")
    return f"did you mean `forkkeeper {name} {near[0]}`?" if near else f"`forkkeeper {name} --help` lists its options"
