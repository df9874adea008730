"""A submodule of the fork's own repository: what the index says of it, `.gitmodules`, and its checkout."""

from pathlib import Path

from forkkeeper.core.ids import CommitId
from forkkeeper.shell.git.door import Door, decode

_GITLINK = "160000"
MODULES = ".gitmodules"


class Submodule:
    """A path of the fork's repository at which another repository's commit is recorded. Nothing is committed here."""

    def __init__(self, root: Path, path: str) -> None:
        """Name it. root -- the fork's folder, in a git work tree; path -- relative to that."""
        quiet = {"GIT_TERMINAL_PROMPT": "0"}
        here = Door(root, quiet)
        top = Path(decode(here.get("rev-parse", "--show-toplevel").rstrip(b"\n")))
        self.path = decode(here.get("rev-parse", "--show-prefix").rstrip(b"\n")) + path.rstrip("/")
        self.folder = top / self.path
        self._modules = top / MODULES
        self._door = Door(top, quiet)
        self._inner = Door(self.folder if self.folder.is_dir() else top, quiet)

    def recorded(self) -> CommitId | None:
        """Give the commit that the index has; None where it has none."""
        rows = self._rows()
        return CommitId(rows[0].split(" ")[1]) if rows and rows[0].startswith(_GITLINK) else None

    def files(self) -> tuple[str, ...]:
        """Give the files that the index has there instead of a submodule."""
        return tuple(row.split("\t", 1)[1] for row in self._rows() if not row.startswith(_GITLINK))

    def _rows(self) -> list[str]:
        out = self._door.get("ls-files", "-s", "-z", "--", f":(literal,top){self.path}")
        return [decode(row) for row in out.split(b"\0") if row]

    def record(self, sha: CommitId) -> bool:
        """Put a commit into the index; gives whether that changed it."""
        self.folder.mkdir(parents=True, exist_ok=True)  # as git does for one that is not checked out
        if self.recorded() == sha:
            return False
        self._door.get("update-index", "--add", "--cacheinfo", f"{_GITLINK},{sha},{self.path}")
        return True

    def describe(self, url: str, branch: str) -> bool:
        """Bring `.gitmodules` up to date, in the index too; gives whether that changed it."""
        before = self._modules.read_bytes() if self._modules.is_file() else None
        name = self._name()
        for key, value in (("path", self.path), ("url", url), ("branch", branch)):
            known = self._door.ask("config", "--file", str(self._modules), "--get", f"submodule.{name}.{key}")
            if decode(known.out).rstrip("\n") != value:
                self._door.get("config", "--file", str(self._modules), f"submodule.{name}.{key}", value)
        if before == self._modules.read_bytes() and self._door.ask("ls-files", "--error-unmatch", MODULES).code == 0:
            return False
        self._door.get("add", "--", MODULES)
        return True

    def _name(self) -> str:
        """Give the name under which `.gitmodules` has it; its path, where it has none."""
        answer = self._door.ask("config", "--file", str(self._modules), "-z", "--get-regexp", r"^submodule\..*\.path$")
        for row in decode(answer.out).split("\0"):
            key, _, value = row.partition("\n")
            if value == self.path:
                return key.removeprefix("submodule.").removesuffix(".path")
        return self.path

    @property
    def is_checked_out(self) -> bool:
        """Whether there is a checkout of it."""
        return (self.folder / ".git").exists()

    def head(self) -> CommitId | None:
        """Give the commit at which the checkout stands."""
        answer = self._inner.ask("rev-parse", "--verify", "--quiet", "HEAD")
        return CommitId(answer.out.decode().strip()) if answer.code == 0 else None

    def is_clean(self) -> bool:
        """Whether nothing in the checkout is edited or new."""
        answer = self._inner.ask("status", "--porcelain=v1", "--untracked-files=all")
        return answer.code == 0 and not answer.out

    def check_out(self, sha: CommitId, location: str, branch: str) -> str | None:
        """Bring the checkout to a commit that a branch of a repository has. Returns None, or git's words on why not."""
        if self._inner.ask("cat-file", "-e", f"{sha}^{{commit}}").code:
            fetched = self._inner.ask("fetch", "--quiet", "--end-of-options", location, f"refs/heads/{branch}")
            if fetched.code:
                return fetched.err.strip()
        answer = self._inner.ask("checkout", "--quiet", "--detach", sha)
        return None if answer.code == 0 else answer.err.strip()
