"""A throw-away repository in which a branch from elsewhere is looked at, and from which it is pushed.

It borrows the objects of the fork's own repository, and none of its configuration: nothing that a bundle brings gets
there. Looking is sealed; pushing uses git as the user has it, with a credential that is asked for one address alone and
stands in no address, argument or file.
"""

import re
from pathlib import Path
from urllib.parse import urlsplit

from forkkeeper.core.commits import one_line
from forkkeeper.core.ids import CommitId
from forkkeeper.errors import OutsideError
from forkkeeper.shell.git import lenders as borrowed
from forkkeeper.shell.git.door import SEALED, SEALED_CONFIG, TRANSPORT_CONFIG, Answer, Door, config, decode
from forkkeeper.shell.git.outgoing import COMMITTER
from forkkeeper.shell.git.repository import CommitInfo, parse_commit

_TIP, _THERE, _BASE = "refs/forkkeeper/tip", "refs/forkkeeper/there", "refs/forkkeeper/base"
_SECRET = "FORKKEEPER_SECRET"  # noqa: S105 -- the variable's name
_HELPER = f'!f() {{ test "$1" = get && printf \'username=x-access-token\\npassword=%s\\n\' "${_SECRET}"; }}; f'


class Incoming:
    """A bare repository beside the fork's own one.

    prefix -- the fork's folder in its repository, "" or with a `/` at its end
    is_shallow -- whether the history of that one is cut off
    """

    def __init__(self, git_dir: Path, root: Path, base: CommitId) -> None:
        """Make it. root -- the fork's folder; base -- the commit of the fork's that everything is compared with."""
        self._git_dir = git_dir
        own = Door(root, SEALED | config(SEALED_CONFIG))
        common = Path(decode(own.get("rev-parse", "--path-format=absolute", "--git-common-dir")).rstrip("\n"))
        own.get("init", "--quiet", "--bare", "--template=", str(git_dir))
        borrowed.write(git_dir / "objects", [common / "objects"])
        self.is_shallow = (common / "shallow").is_file()
        if self.is_shallow:
            (git_dir / "shallow").write_bytes((common / "shallow").read_bytes())
        self.prefix = own.line("rev-parse", "--show-prefix")
        self._environment = {"GIT_DIR": str(git_dir)} | SEALED
        self._door.get("update-ref", _BASE, base)

    @property
    def _door(self) -> Door:
        return Door(self._git_dir, self._environment | config(SEALED_CONFIG))

    def take(self, bundle: Path, branch: str) -> str | None:
        """Take a branch out of a bundle, every object looked at. Returns None, or git's words on why it cannot."""
        settings = SEALED_CONFIG | {"fetch.fsckObjects": "true", "protocol.file.allow": "always"}
        allowed = {"GIT_ALLOW_PROTOCOL": "file"}  # what git calls a bundle's way
        door = Door(self._git_dir, self._environment | allowed | config(settings))
        refs = f"+refs/heads/{branch}:{_TIP}"
        answer = door.ask("fetch", "--quiet", "--no-tags", "--end-of-options", str(bundle), refs)
        return answer.err.strip() if answer.code else None

    @property
    def tip(self) -> CommitId:
        """The branch that was taken."""
        return CommitId(self._door.line("rev-parse", "--verify", _TIP))

    def same(self, one: CommitId, other: CommitId) -> bool:
        """Whether two commits have the same tree and the same parents: then they propose the same."""
        first, second = (parse_commit(sha, self._raw(sha)) for sha in (one, other))
        return (first.tree, first.parents) == (second.tree, second.parents)

    def added(self, tip: CommitId) -> tuple[CommitInfo, ...]:
        """Give the commits up to one that the base does not have, newest first."""
        listed = decode(self._door.get("rev-list", "--topo-order", tip, f"^{_BASE}")).split()
        return tuple(parse_commit(CommitId(sha), self._raw(sha)) for sha in listed)

    def is_made_here(self, sha: CommitId) -> bool:
        """Whether forkkeeper is both author and committer of a commit."""
        head = self._raw(sha).partition(b"\n\n")[0].decode("utf-8", "replace")
        who = dict(re.findall(r"^(author|committer) (.*>) \d+ [+-]\d{4}$", head, re.MULTILINE))
        return who == {"author": COMMITTER, "committer": COMMITTER}

    def _raw(self, sha: str) -> bytes:
        return self._door.get("cat-file", "commit", sha)

    def changed(self, sha: CommitId) -> tuple[tuple[str, str], ...]:
        """Give what a commit changes against its first parent: the new mode ("000000": removed) and the path."""
        out = self._door.get("diff-tree", "-r", "-z", "--no-commit-id", "--no-renames", f"{sha}^1", sha)
        rows = out.split(b"\0")[:-1]
        return tuple((decode(meta).split()[1], decode(path)) for meta, path in zip(rows[::2], rows[1::2], strict=True))

    # the repository that it is pushed to --------------------------------------------------------------------------

    def _transport(self, url: str, secret: str) -> Door:
        parts = urlsplit(url)
        settings = TRANSPORT_CONFIG | {
            "http.followRedirects": "false",
            "push.gpgSign": "false",
            "push.recurseSubmodules": "no",
            "credential.helper": "",
            "credential.interactive": "false",
            f"credential.{parts.scheme}://{parts.netloc}.helper": _HELPER,
        }
        quiet = {
            "GIT_DIR": str(self._git_dir),
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ASKPASS": "true",
            "SSH_ASKPASS": "true",
            "GIT_TRACE_REDACT": "1",
            _SECRET: secret,
        }
        return Door(self._git_dir, quiet | config(settings))

    def there(self, url: str, branch: str, secret: str) -> CommitId | None:
        """Give a branch's tip in a repository, with its commits here; None where it is not there."""
        door = self._transport(url, secret)
        answer = door.ask("ls-remote", "--end-of-options", url, f"refs/heads/{branch}")
        if answer.code:
            raise _failed(url, "cannot be asked", answer, secret)
        rows = [line.split("\t") for line in decode(answer.out).splitlines()]
        tip = next((CommitId(sha) for sha, ref in rows if ref == f"refs/heads/{branch}"), None)
        if tip is not None:
            refs = f"+refs/heads/{branch}:{_THERE}"
            answer = door.ask("fetch", "--quiet", "--no-tags", "--end-of-options", url, refs)
            if answer.code:
                raise _failed(url, f"gives no {branch}", answer, secret)
        return tip

    def push(self, url: str, branch: str, tip: CommitId, expected: CommitId | None, secret: str) -> None:
        """Bring a branch to a commit, where it stands as expected (None: it is not there). Raises OutsideError."""
        ref = f"refs/heads/{branch}"
        lease = f"--force-with-lease={ref}:{expected or ''}"
        door = self._transport(url, secret)
        answer = door.ask("push", "--quiet", "--no-verify", lease, "--end-of-options", url, f"{tip}:{ref}")
        if answer.code:
            raise _failed(url, f"{branch} could not be pushed", answer, secret)


def _failed(url: str, found: str, answer: Answer, secret: str) -> OutsideError:
    words = answer.err.strip().replace(secret, "***") if secret else answer.err.strip()
    hint = "see the words of git; the token needs `contents: write` there"
    return OutsideError("publish", url, f"{found}: {one_line(words, 500)}", hint)


def write_bundle(repository: Path, branch: str, base: str, target: Path) -> None:
    """Write the commits of a branch that a base does not have as a bundle. Raises OutsideError."""
    door = Door(repository, SEALED | config(SEALED_CONFIG | {"pack.threads": "1"}))  # the same commits, the same bytes
    target.parent.mkdir(parents=True, exist_ok=True)
    door.get("bundle", "create", "--quiet", str(target.absolute()), f"refs/heads/{branch}", f"^{base}")
