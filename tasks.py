"""The verbs of forkkeeper for `invoke`, in this repository. `invoke --list` shows them."""

from forkkeeper.tasks import namespace

ns = namespace
