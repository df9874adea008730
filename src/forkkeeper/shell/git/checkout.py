"""A git worktree that forkkeeper opens for a person: their editor, their git, upstream's files."""

import contextlib
import itertools
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from forkkeeper.core.ids import CommitId, TreeId
from forkkeeper.core.mailing import Made
from forkkeeper.core.paths import fault
from forkkeeper.core.store import Entry
from forkkeeper.errors import RequestError
from forkkeeper.shell.git import lenders as borrowed
from forkkeeper.shell.git.door import Door, decode

# What upstream's attributes or the user's configuration would do to bytes on their way in and out: nothing.
_ATTRIBUTES = "* -text !eol -filter -ident -working-tree-encoding !merge\n"
_CONFIG = {
    "core.autocrlf": "false",
    "core.fsmonitor": "false",
    "core.symlinks": "true",
    "core.fileMode": "true",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "merge.conflictStyle": "zdiff3",
    "commit.gpgSign": "false",
    "advice.detachedHead": "false",
}
_REWRITES = ("commit (amend)", "rebase")  # moves of HEAD in the reflog that put other commits in the place of some
FIELDS = "%H%x00%P%x00%T%x00%an <%ae>%x00%aD%x00%B"


@dataclass(frozen=True, slots=True)
class Stages:
    """A path that a person must settle: what base, upstream's side and the patch's side have (None: nothing)."""

    path: str
    base: Entry | None
    ours: Entry | None
    theirs: Entry | None


class Checkout:
    """A git repository with one worktree, whose objects are its own and those that it borrows."""

    def __init__(self, folder: Path) -> None:
        """Stand at a folder, whether or not a repository is there yet."""
        self.folder = folder.absolute()
        self._git_dir = self.folder / ".git"
        # both are named, lest git takes the repository around it where this one is damaged
        named = {"GIT_DIR": str(self._git_dir), "GIT_WORK_TREE": str(self.folder)}
        self._environment = {**named, "GIT_TERMINAL_PROMPT": "0"}

    @property
    def objects(self) -> Path:
        """The object directory, into which a `Scratch` may write."""
        return self._git_dir / "objects"

    @property
    def exists(self) -> bool:
        """Whether a repository with a commit is here."""
        return (self._git_dir / "HEAD").is_file() and self.head() is not None

    @property
    def is_whole(self) -> bool:
        """Whether git can read what is here: a commit is checked out, and there is an index."""
        # without an index git would say that nothing is tracked, and mean it
        return self.exists and (self._git_dir / "index").is_file() and self._door.ask("ls-files", "-u").code == 0

    def make(self, lenders: Sequence[Path]) -> None:
        """Make an empty repository that borrows objects from these object directories; what stood here is gone."""
        self.remove()
        self.folder.mkdir(parents=True)
        self._door.get("init", "--quiet", "--template=", str(self.folder))
        for key, value in _CONFIG.items():
            self._door.get("config", key, value)
        info = self._git_dir / "info"
        info.mkdir(exist_ok=True)
        (info / "attributes").write_text(_ATTRIBUTES)
        self.borrow(lenders)

    def borrow(self, lenders: Sequence[Path]) -> None:
        """Read objects from these object directories from now on, and from no others."""
        borrowed.write(self.objects, lenders)

    def cut_off_as(self, lender: Path) -> None:
        """Take over where a lending repository's history is cut off. lender -- its git directory."""
        cut, own = lender / "shallow", self._git_dir / "shallow"
        if cut.is_file():
            shutil.copyfile(cut, own)
        else:
            own.unlink(missing_ok=True)

    def commits_as(self, name: str, mail: str) -> None:
        """Say in this repository who commits."""
        self._door.get("config", "user.name", name)
        self._door.get("config", "user.email", mail)

    def clear(self, *, but: Sequence[str]) -> None:
        """Remove what git does not track, ignored files among it; but -- names at any depth that stay."""
        kept = [word for name in but for word in ("-e", name)]
        self._door.get("clean", "-ffdxq", *kept)

    def remove(self) -> None:
        """Remove the worktree with all that is in it."""
        if self.folder.exists():
            shutil.rmtree(self.folder)

    def lenders(self) -> tuple[Path, ...]:
        """Give the object directories that it borrows from."""
        return borrowed.read(self.objects)

    def own_all(self) -> None:
        """Take in every borrowed object that a branch needs, and borrow no more."""
        self._door.get("repack", "-a", "-d", "--quiet")
        (self.objects / "info" / "alternates").unlink(missing_ok=True)

    @property
    def _door(self) -> Door:
        return Door(self.folder, self._environment)

    # commits ------------------------------------------------------------------------------------------------------

    def commit(self, tree: TreeId, parents: Sequence[CommitId], message: str, *, author: str, date: str) -> CommitId:
        """Write a commit; the same arguments give the same id. author -- "Name <mail>"; date -- as git reads one."""
        name, _, mail = author.rpartition(" <")
        who = {"NAME": name.strip().strip('"') or "unknown", "EMAIL": mail.rstrip(">") or "unknown"}
        written = {f"GIT_AUTHOR_{key}": value for key, value in who.items()}
        fixed = {"GIT_COMMITTER_NAME": "forkkeeper", "GIT_COMMITTER_EMAIL": "forkkeeper@invalid"}
        dates = {"GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date} if date else {}
        above = [word for parent in parents for word in ("-p", parent)]
        env = self._environment | written | fixed | dates
        text = message.encode("utf-8", "surrogateescape")
        return CommitId(self._door.line("commit-tree", *above, "-F", "-", tree, stdin=text, env=env))

    def head(self) -> CommitId | None:
        """Give the commit that is checked out."""
        return self.commit_at("HEAD")

    def commit_at(self, ref: str) -> CommitId | None:
        """Give the commit on which a ref stands; None where there is no such ref."""
        answer = self._door.ask("rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}")
        return CommitId(answer.out.decode().strip()) if answer.code == 0 else None

    def holds(self, older: CommitId, newer: CommitId) -> bool:
        """Whether a commit is another one, or below it."""
        return self._door.ask("merge-base", "--is-ancestor", older, newer).code == 0

    def since(self, base: CommitId, tip: CommitId | None = None) -> tuple[Made, ...]:
        """Give the commits from a base (left out) to a tip (None: what is checked out), parents before children."""
        how = ("-z", "--topo-order", "--reverse", f"--format={FIELDS}")
        out = self._door.get("log", *how, f"{base}..{tip or 'HEAD'}", "--")
        fields = out.decode("utf-8", "surrogateescape").split("\0")
        rows = zip(*(fields[at::6] for at in range(6)), strict=False)
        return tuple(
            Made(CommitId(sha), tuple(CommitId(one) for one in parents.split()), TreeId(tree), author, date, message)
            for sha, parents, tree, author, date, message in rows
        )

    def beside(self, commits: Sequence[CommitId], spent: str) -> tuple[str, ...]:
        """Name the commits that a branch, a tag, the stash or HEAD has, and these commits have not below them.

        spent -- refs below this name do not count
        """
        refs = ("HEAD", f"--exclude={spent}/*", "--all", "--not", *commits)
        out = self._door.get("log", "-z", "--format=%h %s", *refs, "--")
        return tuple(decode(row) for row in out.split(b"\0") if row)

    def left(self, commits: Sequence[CommitId]) -> tuple[str, ...]:
        """Name the commits that HEAD went away from and that nothing else has, newest first; git's reflog knows them.

        Not those that were rewritten (`commit --amend`, `rebase`), nor those whose tree or change a commit has that
        stays: one of `commits`, or one below.
        """
        ask, get = self._door.ask, self._door.get
        rows = ask("log", "-g", "-z", "--format=%H %gs", "HEAD", "--").out.decode("utf-8", "replace").split("\0")
        moves = [row.split(" ", 1) for row in rows if " " in row]
        gone = {old for (_, why), (old, _) in itertools.pairwise(moves) if not why.startswith(_REWRITES)}
        if not gone:
            return ()
        stays = ["HEAD", "--all", *commits]
        trees = set(get("log", "--format=%T", *stays, "--").split())
        found = get("log", "--no-walk", "--ignore-missing", "--format=%T %H", *sorted(gone), "--").split()
        stays += [sha.decode() for tree, sha in zip(found[::2], found[1::2], strict=True) if tree in trees]
        out = get("log", "-z", "--ignore-missing", "--format=%H %h %s", *sorted(gone), "--not", *stays, "--")
        named = dict(row.split(b" ", 1) for row in out.split(b"\0") if row)
        there: set[bytes] = set()
        for pair in (f"{commit}...{left.decode()}" for commit in commits for left in named):
            there |= set(get("rev-list", "--cherry-mark", "--right-only", pair, "--").split())
        return tuple(decode(said) for sha, said in named.items() if b"=" + sha not in there)

    def tree_of(self, commit: CommitId) -> TreeId:
        """Give a commit's tree."""
        return TreeId(self._door.line("rev-parse", "--verify", f"{commit}^{{tree}}"))

    def point(self, ref: str, commit: CommitId) -> None:
        """Make a ref stand on a commit."""
        self._door.get("update-ref", ref, commit)

    def branch(self) -> str | None:
        """Name the branch that is checked out; None where it is none."""
        answer = self._door.ask("symbolic-ref", "--quiet", "--short", "HEAD")
        return decode(answer.out).strip() if answer.code == 0 else None

    def apart(self, commit: CommitId, *, left: bool) -> tuple[str, ...]:
        """Name the commits that anything here has, and that are not a commit or below it.

        left -- those, too, that HEAD or a branch stood on and that nothing names any more
        """
        whence = ("HEAD", "--all", *(["--reflog"] if left else []))
        out = self._door.get("log", "-z", "--format=%h %s", *whence, "--not", commit, "--")
        return tuple(decode(row) for row in out.split(b"\0") if row)

    # files --------------------------------------------------------------------------------------------------------

    def stand(self, commit: CommitId, branch: str | None = None) -> None:
        """Check a commit out, whatever is there; on a branch of this name, or on none.

        Raises RequestError for a tree with a path that leads out of it, here or on another system's disks.
        """
        self._refuse_led_out(commit)
        where = ("-B", branch) if branch else ("--detach",)
        self._door.get("checkout", "--quiet", "--force", *where, commit)

    def lay(self, tree: TreeId, stages: Sequence[Stages]) -> None:
        """Put a tree into index and worktree, and mark the paths that a person must settle as git does.

        Raises RequestError as `stand` does.
        """
        self._refuse_led_out(tree)
        self._door.get("read-tree", "-u", "--reset", tree)
        rows = []
        for one in stages:
            raw = one.path.encode("utf-8", "surrogateescape")
            rows.append(b"0 %s\t%s\0" % (b"0" * 40, raw))
            for number, entry in enumerate((one.base, one.ours, one.theirs), start=1):
                if entry is not None:
                    rows.append(f"{entry.mode} {entry.oid} {number}\t".encode() + raw + b"\0")
        if rows:
            self._door.get("update-index", "-z", "--index-info", stdin=b"".join(rows))

    def _refuse_led_out(self, tree: str) -> None:
        """Hold a tree to what is held wherever files are written: git refuses such paths by the system it runs on."""
        for raw in self._door.get("ls-tree", "-r", "-z", "--full-tree", "--name-only", tree).split(b"\0")[:-1]:
            path = decode(raw)
            if wrong := fault(path):
                hint = "exclude it with a [[path]] rule in fork.toml"
                raise RequestError("check out", path, f"upstream's path {wrong}", hint)

    def unsettled(self) -> tuple[str, ...]:
        """Give the paths that the index still has as a conflict, ordered."""
        out = self._door.get("ls-files", "-z", "--unmerged")
        return tuple(sorted({decode(row.split(b"\t", 1)[1]) for row in out.split(b"\0") if row}))

    def loose(self) -> tuple[str, ...]:
        """Give the paths that differ from what is checked out, or that git does not know, ordered."""
        out = self._door.get("status", "--porcelain=v1", "-z", "--untracked-files=all", "--no-renames")
        return tuple(sorted(decode(row[3:]) for row in out.split(b"\0") if row))

    def ignored(self) -> tuple[str, ...]:
        """Give the files that git leaves out because a rule says to ignore them, ordered."""
        out = self._door.get("ls-files", "-z", "--others", "--ignored", "--exclude-standard")
        return tuple(sorted(decode(row) for row in out.split(b"\0") if row))

    def nested(self) -> tuple[str, ...]:
        """Give the folders that are repositories of their own, ordered: git would keep no more of one than an id."""
        found = []
        for folder, folders, files in os.walk(self.folder):
            here = Path(folder)
            if here != self.folder and ".git" in (*folders, *files):
                found.append(here.relative_to(self.folder).as_posix())
            folders[:] = [name for name in folders if name != ".git"]
        return tuple(sorted(found))

    def submodules(self) -> tuple[str, ...]:
        """Give the paths at which the index has another repository's commit."""
        out = self._door.get("ls-files", "-z", "--stage")
        return tuple(decode(row.split(b"\t", 1)[1]) for row in out.split(b"\0") if row.startswith(b"160000 "))

    def only_staged(self, laid: TreeId) -> tuple[str, ...]:
        """Give the files of which the index has a text of its own: neither that of the worktree nor that of a tree."""
        how = ("--name-only", "-z", "--no-ext-diff", "--diff-filter=u")
        outs = (self._door.get("diff", *how, *of, "--") for of in ((), ("--cached", laid)))
        apart, staged = ({decode(path) for path in out.split(b"\0") if path} for out in outs)
        return tuple(sorted(apart & staged))

    def underway(self) -> str | None:
        """Name the rebase, merge or the like that git has begun here and not ended."""
        states = {
            "rebase-merge": "rebase",
            "rebase-apply": "rebase",
            "MERGE_HEAD": "merge",
            "CHERRY_PICK_HEAD": "cherry-pick",
            "REVERT_HEAD": "revert",
        }
        return next((said for name, said in states.items() if (self._git_dir / name).exists()), None)

    def tree(self, *, also: Sequence[str] = ()) -> TreeId:
        """Write what stands in the worktree as a tree; index and worktree stay as they are.

        Files that upstream ignores and git does not track are left out, but for those of `also`.
        """
        with self._own_index() as env:
            self._door.get("add", "--all", "--", ".", env=env)
            there = [path for path in also if os.path.lexists(self.folder / path)]
            if there:
                self._door.get("add", "--force", "--", *(f":(literal){path}" for path in there), env=env)
            return TreeId(self._door.line("write-tree", env=env))

    @contextlib.contextmanager
    def _own_index(self) -> Iterator[Mapping[str, str]]:
        """Give an environment with a copy of the index, so that the person's own is not touched."""
        own = self._git_dir / "forkkeeper-index"
        shutil.copy2(self._git_dir / "index", own)  # with its time: git looks again at files that are as young as it
        try:
            yield self._environment | {"GIT_INDEX_FILE": str(own)}
        finally:
            own.unlink(missing_ok=True)
