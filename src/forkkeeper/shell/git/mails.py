"""Mails as git reads and writes them: what `git am` makes of one, and the head that `git format-patch` writes."""

from pathlib import Path

from forkkeeper.core.ids import EMPTY_TREE
from forkkeeper.core.mail import statless
from forkkeeper.core.mailing import Letter, moment, tidy
from forkkeeper.core.store import REGULAR, Entry
from forkkeeper.shell.git.door import SEALED, SEALED_CONFIG, Door, config
from forkkeeper.shell.git.scratch import Scratch

_FORM = ("--stdout", "--zero-commit", "--full-index", "--no-signature", "--no-renames", "--stat", "--no-thread")
_WHO = {
    "GIT_COMMITTER_NAME": "forkkeeper",
    "GIT_COMMITTER_EMAIL": "forkkeeper@invalid",
    "GIT_COMMITTER_DATE": "@0 +0000",
}


class Mails:
    """Reads and writes mails with the objects of a scratch repository."""

    def __init__(self, store: Scratch) -> None:
        """Stand beside a scratch repository, and end before it does."""
        environment = store.environment()
        self._folder = Path(environment["GIT_DIR"])
        self._door = Door(self._folder, environment | SEALED | config(SEALED_CONFIG))
        self._trees = (EMPTY_TREE, store.graft(EMPTY_TREE, {"f": Entry(REGULAR, store.put(b"f\n"))}))
        store.environment()  # what was just made is on disk now

    def read(self, data: bytes) -> Letter:
        """Give what `git am` makes of a mail: in UTF-8, without `[PATCH]`, up to `---`."""
        body, rest = self._folder / "mail-body", self._folder / "mail-rest"
        out = self._door.get("mailinfo", str(body), str(rest), stdin=data).decode("utf-8", "surrogateescape")
        said = dict(line.split(": ", 1) for line in out.splitlines() if ": " in line)
        text = body.read_bytes().decode("utf-8", "surrogateescape")
        author = f"{said.get('Author', '')} <{said.get('Email', '')}>"
        return Letter(author, said.get("Date", ""), tidy(f"{said.get('Subject', '')}\n\n{text}"))

    def head(self, letter: Letter, otherwise: str) -> bytes:
        """Write everything before the diff, as `git format-patch` does. otherwise -- YYYY-MM-DD, for no date."""
        name, _, mail = letter.author.rpartition(" <")
        who = {"GIT_AUTHOR_NAME": name or "unknown", "GIT_AUTHOR_EMAIL": mail.rstrip(">") or "unknown"}
        env = _WHO | who | {"GIT_AUTHOR_DATE": moment(letter.date, otherwise)}
        text = letter.message.encode("utf-8", "surrogateescape")
        base = self._door.line("commit-tree", "-m", "base", self._trees[0], env=env)
        commit = self._door.line("commit-tree", "-p", base, "-F", "-", self._trees[1], stdin=text, env=env)
        data = self._door.get("format-patch", *_FORM, "-1", commit)
        return statless(data[: data.rindex(b"diff --git ")])  # without a diffstat git would leave out the line `---`
