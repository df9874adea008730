"""The bare repository in which the fork's branch is written, and from which it is pushed."""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from forkkeeper.core.ids import CommitId, TreeId
from forkkeeper.errors import OutsideError
from forkkeeper.shell.git import lenders as borrowed
from forkkeeper.shell.git.door import HOST_PATIENCE, SEALED, SEALED_CONFIG, TRANSPORT_CONFIG, Door, config
from forkkeeper.shell.git.quarantine import Quarantine
from forkkeeper.shell.git.repository import CommitInfo, git_dir_of, parse_commit

COMMITTER = "forkkeeper <forkkeeper@invalid>"
_WHO = {"GIT_COMMITTER_NAME": "forkkeeper", "GIT_COMMITTER_EMAIL": "forkkeeper@invalid"}
_PIN, _TIP = "refs/forkkeeper/pin", "refs/forkkeeper/tip"
_DEEP = 200  # commits: how far down a branch is looked at where our own history is cut off
# a repository that is read in place may be cut off: then what takes its commits in must take the cut, too
_TAKES_SHALLOW = "git -c receive.shallowUpdate=true receive-pack"


@dataclass(frozen=True, slots=True)
class Seen:
    """A branch's tip in another repository.

    info, committer -- the tip
    base -- the last commit below that is forkkeeper's or upstream's own; None where it cannot be told
    number -- the commits from there to the tip
    """

    info: CommitInfo
    committer: str
    base: CommitId | None
    number: int


class Outgoing:
    """Commits are written sealed, so that they are the same on any machine; pushing uses git as the user has it."""

    def __init__(self, git_dir: Path) -> None:
        """Stand at a git directory, whether or not it is there yet."""
        self.git_dir = git_dir.absolute()
        self._environment = {"GIT_DIR": str(self.git_dir)} | SEALED | config(SEALED_CONFIG)

    @property
    def objects(self) -> Path:
        """The object directory, into which a `Scratch` may write."""
        return self.git_dir / "objects"

    def make(self, lenders: Sequence[Path], pin: CommitId) -> None:
        """Make it where it is not there, borrowing from these object directories; where they are cut off, so is it."""
        if git_dir_of(self.git_dir) is None:
            self.git_dir.mkdir(parents=True, exist_ok=True)
            Door(self.git_dir, SEALED | config(SEALED_CONFIG)).get(
                "init", "--quiet", "--bare", "--template=", str(self.git_dir)
            )
        borrowed.write(self.objects, lenders)
        shallow = self.git_dir / "shallow"
        shallow.unlink(missing_ok=True)
        if self._door.ask("rev-list", "--quiet", pin).code:
            cuts = [path.parent / "shallow" for path in lenders]
            found = {line for cut in cuts if cut.is_file() for line in cut.read_text().split()}
            shallow.write_text("".join(f"{line}\n" for line in sorted(found)))
        self._door.get("update-ref", _PIN, pin)

    @property
    def is_shallow(self) -> bool:
        """Whether the pin's history is cut off here."""
        return (self.git_dir / "shallow").is_file()

    @property
    def _door(self) -> Door:
        return Door(self.git_dir, self._environment)

    @property
    def _transport(self) -> Door:
        ssh = os.environ.get("GIT_SSH_COMMAND", "ssh")
        quiet = {
            "GIT_DIR": str(self.git_dir),
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_SSH_COMMAND": f"{ssh} -oBatchMode=yes -oConnectTimeout={HOST_PATIENCE}",
        }
        return Door(self.git_dir, quiet | config(TRANSPORT_CONFIG))

    def commit(self, tree: TreeId, parent: CommitId, message: str, *, author: str, date: str) -> CommitId:
        """Write a commit; the same arguments give the same id. author -- "Name <mail>"; date -- as git reads one."""
        name, _, mail = author.rpartition(" <")
        who = {"NAME": name.strip().strip('"') or "unknown", "EMAIL": mail.rstrip(">") or "unknown"}
        written = {f"GIT_AUTHOR_{key}": value for key, value in who.items()}
        dates = {"GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date}
        env = self._environment | written | _WHO | dates
        text = message.encode("utf-8", "surrogateescape")
        return CommitId(self._door.line("commit-tree", "-p", parent, "-F", "-", tree, stdin=text, env=env))

    def keep(self, tip: CommitId) -> None:
        """Keep a commit, by a ref."""
        self._door.get("update-ref", _TIP, tip)

    def read(self, sha: CommitId) -> tuple[CommitInfo, str] | None:
        """Read a commit that is here: what it says, and its committer; None where it is not here."""
        answer = self._door.ask("cat-file", "commit", sha)
        if answer.code:
            return None
        found = re.search(rb"^committer (.*>) \d+ [+-]\d{4}$", answer.out, re.MULTILINE)
        return parse_commit(sha, answer.out), found[1].decode("utf-8", "replace") if found else ""

    def holds(self, older: CommitId, newer: CommitId) -> bool:
        """Whether a commit is another one, or below it."""
        return self._door.ask("merge-base", "--is-ancestor", older, newer).code == 0

    # the other repository -----------------------------------------------------------------------------------------

    def tip_of(self, location: str, branch: str) -> CommitId | None:
        """Ask a repository for a branch's tip; None where there is none. Raises OutsideError."""
        answer = self._transport.ask("ls-remote", "--end-of-options", location, f"refs/heads/{branch}")
        if answer.code:
            hint = "see the message of git; materialise.repository in fork.toml names it"
            raise OutsideError("git", location, f"cannot be asked: {answer.err.strip()[:500]}", hint)
        rows = [line.split("\t") for line in answer.out.decode("utf-8", "replace").splitlines()]
        return next((CommitId(sha) for sha, ref in rows if ref == f"refs/heads/{branch}"), None)

    def look_at(self, location: str, branch: str, sha: CommitId) -> Seen | None:
        """Look at a branch's tip in another repository, and at what is below it; None where it cannot be had."""
        if self.read(sha) is None and not self.is_shallow:
            self._transport.ask(
                "fetch", "--quiet", "--no-tags", "--end-of-options", location, f"+refs/heads/{branch}:{_TIP}-there"
            )
        if self.read(sha) is not None or not self.is_shallow:
            return self._seen(sha, _PIN)
        with Quarantine() as folder:  # lest our own cut moves
            other = Outgoing(folder / "tip.git")
            Door(folder, SEALED).get("init", "--quiet", "--bare", "--template=", str(other.git_dir))
            deep = f"--depth={_DEEP}"
            other._transport.ask(
                "fetch", "--quiet", "--no-tags", deep, "--end-of-options", location, f"refs/heads/{branch}"
            )
            pin = CommitId(self._door.line("rev-parse", "--verify", _PIN))
            return other._seen(sha, *([pin] if other.read(pin) else []))

    def _seen(self, sha: CommitId, *apart: str) -> Seen | None:
        """Read a commit that is here, and go down from it to the first that forkkeeper made, or to one of `apart`."""
        known = self.read(sha)
        if known is None:
            return None
        line = ("--first-parent", "--format=%H %P", f"--committer=^{COMMITTER}$", "--max-count=1")
        own = self._door.get("log", *line, sha, "--not", *apart, "--").decode().split()
        if own:
            number = self._door.line("rev-list", "--count", sha, f"^{own[0]}", *(f"^{ref}" for ref in apart), "--")
            return Seen(*known, CommitId(own[0]), int(number))
        rows = self._door.get("rev-list", "--first-parent", "--parents", sha, "--not", *apart, "--").decode()
        first = rows.splitlines()[-1:]
        above = first[0].split()[1:2] if first else []
        number = self._door.line("rev-list", "--count", sha, "--not", *apart, "--")
        return Seen(*known, CommitId(above[0]) if above else None, int(number))

    def push(self, location: str, branch: str, tip: CommitId, expected: CommitId | None) -> str | None:
        """Push a commit to a branch that stands where it is expected (None: it is not there).

        It gets a ref of its own, too, so that it stays there when the branch moves: commits of the fork point to it.
        Returns None, or git's words on why it could not.
        """
        ref = f"refs/heads/{branch}"
        own = [f"--receive-pack={_TAKES_SHALLOW}"] if self.is_shallow and Path(location).exists() else []
        lease = f"--force-with-lease={ref}:{expected or ''}"
        for option, target in (("--no-force", f"refs/forkkeeper/{branch}/{tip}"), (lease, ref)):
            answer = self._transport.ask(  # one ref each: a repository that is cut off by a push takes no more at once
                "push", "--quiet", "--no-verify", *own, option, "--end-of-options", location, f"{tip}:{target}"
            )
            if answer.code:
                return answer.err.strip()
        return None
