"""Which patches *touch the build*: change a file that says what is run where the fork is built, tested or checked out.

Such a patch is as good as a program of its author's on the machines of everybody who builds the fork, so every verb
that shows patches says so, in these words (`lint`, `plan`, `sync`, `pick`, `patch import`). Known by path alone: files
of CI, of build tools, scripts, and those that git itself acts on; and any file that becomes executable. What upstream
does to such files is upstream's; here a patch counts.
"""

import re
from collections.abc import Sequence

from forkkeeper.core.hunks import FileDiff
from forkkeeper.core.mail import Patch
from forkkeeper.core.shown import spelled

MOST_PATHS = 3  # of a patch that are named
_FOLDERS = frozenset({".github", ".gitlab", ".circleci", ".buildkite", ".devops", ".devcontainer", ".husky", ".vscode"})
_NAMES = re.compile(
    r"cmakelists\.txt|cmake(user)?presets\.json|(gnu)?makefile(\..*)?|configure(\.ac)?|meson(_options)?\.(build|txt)"
    r"|build(\.bazel|\.zig)?|workspace(\.bazel)?|\.?bazelrc|justfile|dockerfile(\..*)?|containerfile|vagrantfile"
    r"|jenkinsfile|azure-pipelines\.ya?ml|\.gitlab-ci\.ya?ml|\.travis\.ya?ml|appveyor\.yml|\.cirrus\.yml"
    r"|\.pre-commit-config\.ya?ml|\.git(modules|attributes)|\.envrc|package(-lock)?\.json|cargo\.toml|build\.rs"
    r"|go\.mod|pyproject\.toml|setup\.cfg|requirements.*\.txt|pom\.xml|tox\.ini|conanfile\.txt|vcpkg\.json"
)
_SUFFIXES = re.compile(
    r".*\.(cmake|cmake\.in|mk|mak|make|am|ac|m4|gyp|gypi|bazel|bzl|gradle|kts|nix|ninja|sh|bash|zsh|fish|csh|bat|cmd|ps1"
    r"|py|pl|rb|lua|tcl|awk|mjs|cjs|vcxproj|props|targets|pbxproj|podspec|spec)"
)


def decides(path: str) -> bool:
    """Whether a file says, by its path, what is run where the fork is built, tested or checked out.

    >>> decides("src/CMakeLists.txt"), decides(".github/workflows/ci.yml"), decides("src/main.c")
    (True, True, False)
    """
    *folders, name = path.lower().split("/")
    return (
        not _FOLDERS.isdisjoint(folders) or _NAMES.fullmatch(name) is not None or _SUFFIXES.fullmatch(name) is not None
    )


def touched(patch: Patch) -> tuple[str, ...]:
    """Give the paths by which a patch touches the build, ordered."""
    found = {path for file in patch.files for path in (file.old, file.new) if path and decides(path)}
    return tuple(sorted(found | {file.path for file in patch.files if _becomes_executable(file)}))


def _becomes_executable(file: FileDiff) -> bool:
    return (file.modes[1] if file.modes else file.created_mode) == "100755"


def said(patches: Sequence[Patch]) -> tuple[str, ...]:
    """Say which of some patches touch the build, a sentence each, in their order; safe to show."""
    found = ((patch.title, touched(patch)) for patch in patches)
    return tuple(f"touches the build: {spelled(title)} ({_named(paths)})" for title, paths in found if paths)


def _named(paths: Sequence[str]) -> str:
    more = [f"and {len(paths) - MOST_PATHS} more"] if len(paths) > MOST_PATHS else []
    return ", ".join([*map(spelled, paths[:MOST_PATHS]), *more])
