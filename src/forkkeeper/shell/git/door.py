"""GitPython's command object in a clean environment.

Three environments, by what may influence the answer:

* sealed -- for everything whose result counts: no user or system configuration, no attributes, hooks, filters,
  replacement objects, lazy fetches or prompts
* transport -- for fetching: the user's proxies, credentials and url rewrites apply, as the ids prove what came
* personal -- for the fork's own repository and for showing a diff: git as the user has it

git 2.39 is the floor: `merge-tree --write-tree` came with 2.38, its `--merge-base` only with 2.40, so base and sides
are wrapped in throw-away commits.
"""

import contextlib
import hashlib
import os
import re
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from forkkeeper.errors import MissingObjectError, OutsideError


def _forget_relative_path() -> None:
    """Take the entries out of PATH that are no absolute folders: `.` makes programs of a fork's own files."""
    entries = os.environ.get("PATH", os.defpath).split(os.pathsep)
    os.environ["PATH"] = os.pathsep.join(entry for entry in entries if os.path.isabs(entry))  # noqa: PTH117


_forget_relative_path()  # before GitPython, which runs git as it is imported

from git.cmd import Git, handle_process_output  # noqa: E402 -- as above
from git.exc import GitCommandError  # noqa: E402
from git.util import RemoteProgress, finalize_process  # noqa: E402

FLOOR = (2, 39)
HOST_PATIENCE = 10  # seconds to connect to a host
STALL_PATIENCE = 60  # seconds below STALL_SPEED after which a transfer is given up
PARTIAL = "a source is a partial clone, or damaged; name a whole one in an [[upstream.source]] of fork.toml"
_MESSAGE = "see the message of git; `git fsck` in .forkkeeper/upstream.git checks what is held there"
_NAMELESS = "say who you are: `git config user.name NAME`, `git config user.email MAIL`"
STALL_SPEED = 1000  # bytes a second

# Inherited GIT_* variables redirect repositories, indexes and object stores (a hook sets GIT_DIR, for one). These say
# how git itself is installed or reaches the network, and who commits; they cannot change a result that an id proves.
_HARMLESS = re.compile(
    r"GIT_(EXEC_PATH|SSL_.*|PROXY_SSL_.*|HTTP_PROXY_.*|SSH|SSH_COMMAND|SSH_VARIANT|PROXY_COMMAND|TRACE.*"
    r"|(AUTHOR|COMMITTER)_(NAME|EMAIL|DATE))$"
)

SEALED = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_SYSTEM": os.devnull,
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_NO_LAZY_FETCH": "1",  # git ≥ 2.45
    "GIT_ALLOW_PROTOCOL": "none",  # an older git would still ask the host of a partial clone
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_LITERAL_PATHSPECS": "1",
    "TZ": "UTC",
}
SEALED_CONFIG = {
    "core.attributesFile": os.devnull,
    "core.hooksPath": os.devnull,
    "core.fsmonitor": "false",
    "core.commitGraph": "false",  # a repository's own may say anything of its commits
    "core.multiPackIndex": "false",  # as above
    "core.autocrlf": "false",
    "core.quotePath": "true",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "merge.conflictStyle": "zdiff3",  # git ≥ 2.35; shows the base, and no line that both sides have
    "merge.renameLimit": "20000",  # a whole-tree move of llama.cpp has some 4,000 candidates
    "diff.renameLimit": "20000",
    "safe.directory": "*",  # a source read in place may belong to somebody else; nothing of its config is used
}
TRANSPORT_CONFIG = {
    "core.hooksPath": os.devnull,
    "gc.auto": "0",
    "maintenance.auto": "false",
    "protocol.ext.allow": "never",
    "http.lowSpeedLimit": str(STALL_SPEED),
    "http.lowSpeedTime": str(STALL_PATIENCE),
    "fetch.recurseSubmodules": "false",
    "fetch.writeCommitGraph": "false",
    "safe.directory": "*",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What git said: exit status, output bytes, and its words to people."""

    code: int
    out: bytes
    err: str


def config(pairs: Mapping[str, str]) -> dict[str, str]:
    """Give settings as environment variables (git ≥ 2.31: GIT_CONFIG_COUNT), which rank as command line."""
    out = {"GIT_CONFIG_COUNT": str(len(pairs))}
    for number, (key, value) in enumerate(pairs.items()):
        out |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return out


def _forget_inherited() -> None:
    """Take inherited GIT_* variables out of this process: GitPython copies os.environ for every call."""
    for name in [name for name in os.environ if name.startswith("GIT_") and not _HARMLESS.match(name)]:
        if name != "GIT_PYTHON_REFRESH":
            del os.environ[name]


class Door:
    """One GitPython command object with its environment."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        _forget_inherited()
        check_version()
        self._git = Git(str(folder))
        self._git.update_environment(**environment)

    def ask(self, *args: str, stdin: bytes | None = None, env: Mapping[str, str] | None = None) -> Answer:
        """Run git to its end."""
        with contextlib.ExitStack() as stack:
            source = None
            if stdin is not None:
                source = stack.enter_context(tempfile.TemporaryFile())
                source.write(stdin)
                source.seek(0)
            code, out, err = self._git.execute(
                ["git", *args],
                istream=source,
                env=env,
                with_extended_output=True,
                with_exceptions=False,
                stdout_as_string=False,
                strip_newline_in_stdout=False,
            )
        return Answer(int(code), bytes(out), str(err))

    def get(self, *args: str, stdin: bytes | None = None, env: Mapping[str, str] | None = None) -> bytes:
        """Run git, and take anything but success for a failure of git. Raises OutsideError."""
        answer = self.ask(*args, stdin=stdin, env=env)
        if answer.code:
            raise OutsideError(
                "git",
                " ".join(args[:2]),
                f"ended with status {answer.code}: {answer.err.strip()[:500]}",
                _NAMELESS if "user.email" in answer.err else _MESSAGE,
            )
        return answer.out

    def line(self, *args: str, stdin: bytes | None = None, env: Mapping[str, str] | None = None) -> str:
        """Run git and take its one line."""
        lines = self.get(*args, stdin=stdin, env=env).decode("utf-8", "surrogateescape").splitlines()
        if len(lines) != 1:
            raise OutsideError("git", " ".join(args[:2]), f"answered {len(lines)} lines where one was due")
        return lines[0]

    def object_bytes(self, oid: str) -> tuple[str, bytes]:
        """Read an object's kind and bytes through one long-lived `cat-file --batch`.

        Raises MissingObjectError when absent, OutsideError when its bytes are not those that its id names.
        """
        try:
            _, said, _, data = self._git.get_object_data(oid)
        except ValueError as error:  # GitPython's, of the line that says `missing`
            raise MissingObjectError("read", oid, "no repository at hand holds this object", PARTIAL) from error
        kind = os.fsdecode(said)  # GitPython gives bytes, and says text
        prove(oid, kind, bytes(data))
        return kind, bytes(data)

    def close(self) -> None:
        """End the long-lived processes."""
        self._git.clear_cache()

    def follow(self, *args: str, on_progress: Callable[[str, float, float], None]) -> Answer:
        """Run a fetch, handing on its progress: (what, done, of)."""
        reader = _Progress(on_progress)
        process = self._git.execute(["git", *args], as_process=True)
        try:
            handle_process_output(process, None, reader.new_message_handler(), finalize_process, decode_streams=False)
        except GitCommandError as error:
            said = "\n".join(reader.error_lines) or str(error)
            return Answer(1, b"", said)
        return Answer(0, b"", "")


class _Progress(RemoteProgress):
    """Hands git's progress lines on as (what, done, of)."""

    def __init__(self, on_progress: Callable[[str, float, float], None]) -> None:
        super().__init__()
        self._on_progress = on_progress

    def update(
        self,
        op_code: int,
        cur_count: str | float,
        max_count: str | float | None = None,
        message: str = "",  # noqa: ARG002 -- RemoteProgress has it
    ) -> None:
        what = {self.RECEIVING: "receiving", self.RESOLVING: "resolving"}.get(op_code & self.OP_MASK, "preparing")
        self._on_progress(what, float(cur_count), float(max_count or 0))


def prove(oid: str, kind: str, data: bytes) -> None:
    """Raise OutsideError where an object's bytes are not those that its id names: git itself does not look."""
    if hashlib.sha1(b"%s %d\0%s" % (kind.encode(), len(data), data), usedforsecurity=False).hexdigest() != oid:
        hint = "`git fsck` in each repository of fork.toml finds which; name another [[upstream.source]]"
        raise OutsideError("verify", oid, f"a repository holds other bytes under the id of this {kind}", hint)


@cache
def check_version() -> tuple[int, ...]:
    """Give git's version. Raises OutsideError below the floor, or where there is no git."""
    try:
        text = str(Git().execute(["git", "version"]))
    except Exception as error:
        raise OutsideError("git", "git", f"cannot be started: {error}", "install git 2.39 or newer") from error
    version = tuple(int(part) for part in re.findall(r"\d+", text)[:3])
    if version < FLOOR:
        raise OutsideError("git", text, "is too old: `merge-tree --write-tree` is needed", "install git 2.39 or newer")
    return version


def decode(raw: bytes) -> str:
    """Give a path of git's as text that goes back to the same bytes."""
    return raw.decode("utf-8", "surrogateescape")
