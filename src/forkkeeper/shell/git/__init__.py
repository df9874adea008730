"""The door to git, through GitPython's command object. No other module starts git.

`door` is the one command object and its three environments, `quarantine` where throw-away repositories lie, `scratch`
the one where trees are merged and composed, `repository` upstream's objects and refs, `transport` how they come here,
`worktree` the fork's own repository with git as the user has it, `checkout` a worktree that is opened for a person,
`lenders` where repositories borrow objects, `mails` patches as `git am` reads and `git format-patch` writes them,
`outgoing` the branch that is pushed, `incoming` a branch from elsewhere that is looked at before it is, `submodule`
what points there, `sparse` what git was told to leave out of a worktree.
"""

from forkkeeper.core.mailing import Made
from forkkeeper.shell.git.checkout import Checkout, Stages
from forkkeeper.shell.git.door import check_version
from forkkeeper.shell.git.incoming import Incoming, write_bundle
from forkkeeper.shell.git.mails import Mails
from forkkeeper.shell.git.outgoing import Outgoing
from forkkeeper.shell.git.quarantine import Quarantine
from forkkeeper.shell.git.repository import CommitInfo, Repository, git_dir_of
from forkkeeper.shell.git.scratch import Scratch
from forkkeeper.shell.git.sparse import left_out
from forkkeeper.shell.git.submodule import Submodule
from forkkeeper.shell.git.transport import fetch, keep, make_store, take_from
from forkkeeper.shell.git.worktree import Worktree

__all__ = [
    "Checkout",
    "CommitInfo",
    "Incoming",
    "Made",
    "Mails",
    "Outgoing",
    "Quarantine",
    "Repository",
    "Scratch",
    "Stages",
    "Submodule",
    "Worktree",
    "check_version",
    "fetch",
    "git_dir_of",
    "keep",
    "left_out",
    "make_store",
    "take_from",
    "write_bundle",
]
