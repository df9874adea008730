"""Picked patches that upstream's own commits make needless (a sync passes them), and what became of those later."""

from collections.abc import Sequence

from forkkeeper.core import compose, declined as declines, followups, hunks, picking
from forkkeeper.core.commits import one_line
from forkkeeper.core.declaration import PathRule
from forkkeeper.core.followups import Became, FollowUp
from forkkeeper.core.ids import EMPTY_TREE, CommitId, TreeId, short
from forkkeeper.core.mail import Patch
from forkkeeper.core.picking import Origin
from forkkeeper.core.placing import Passed
from forkkeeper.core.planning import Commit
from forkkeeper.core.report import Block, Painted, count
from forkkeeper.core.shown import wrapped
from forkkeeper.shell.git import Scratch
from forkkeeper.stages import upstream as upstreams
from forkkeeper.stages.project import Project
from forkkeeper.stages.upstream import Upstream

_WIDE = 110


def passed(
    upstream: Upstream, store: Scratch, patches: Sequence[Patch], rules: Sequence[PathRule], new: Commit
) -> dict[str, Passed]:
    """Give, by name, the patches that were picked from commits which a new pin has."""
    found = {}
    for patch in patches:
        of = picking.origin(patch)
        if of is not None and upstreams.contains(upstream, of.new, new.sha):
            found[patch.name] = Passed(of.new, of.old, _doubt(upstream, store, patch, of, rules, new))
    return found


def _doubt(
    upstream: Upstream, store: Scratch, patch: Patch, of: Origin, rules: Sequence[PathRule], new: Commit
) -> str | None:
    """Say what speaks against letting a picked patch go: upstream took it back, or it was made to do more."""
    reverts = [one for one in _followed(upstream, of) if one.became is Became.REVERTED]
    inside = next((one for one in reverts if upstreams.contains(upstream, one.sha, new.sha)), None)
    if inside is not None:
        return f'upstream took it back with {short(inside.sha)} "{one_line(inside.title)}"'
    trees = _trees(upstream, of)
    if trees is None:
        return None
    before, after = (_kept(store, tree, rules, patch) for tree in trees)
    (diff,) = store.diffs([(before, after)])
    more = picking.beyond(patch.files, hunks.parse(diff))
    return f"it changes {count(more, 'line')} that upstream's commit does not" if more else None


def _trees(upstream: Upstream, of: Origin) -> tuple[TreeId, TreeId] | None:
    """Give the trees between which a patch was picked; None where they are not held."""
    info = upstreams.held(upstream, of.new)
    old = of.old or (info.parents[0] if info and info.parents else None)
    base = upstreams.held(upstream, old) if old else None
    if info is None or (old is not None and base is None):
        return None
    return (base.tree if base else EMPTY_TREE, info.tree)


def _kept(store: Scratch, tree: TreeId, rules: Sequence[PathRule], patch: Patch) -> TreeId:
    """Give the small tree of a patch's files, as the path policy leaves them."""
    small = store.graft(EMPTY_TREE, store.some(tree, patch.paths))
    return compose.baseline(store, small, rules).tree


def _followed(upstream: Upstream, of: Origin) -> tuple[FollowUp, ...]:
    if of.old is not None:
        return ()
    info, later = upstreams.followed(upstream, of.new)
    return followups.read(of.new, info.title, later) if info is not None and later else ()


def followed(upstream: Upstream, project: Project) -> tuple[Block, ...]:
    """Say what upstream, as far as it is held, did later to what was picked, and what to type."""
    taken = {of.new for patch in project.queue.patches if (of := picking.origin(patch))}
    refused = {one.sha for one in project.declined}
    said: list[Block] = []
    for patch in project.queue.patches:
        of = picking.origin(patch)
        for one in _followed(upstream, of) if of is not None else ():
            if one.sha in taken | refused:
                continue
            what = f'{patch.title}: upstream {one.became.value} it with {short(one.sha)} "{one_line(one.title)}"'
            way = (
                f'`forkkeeper patch drop {patch.title} --why "upstream took it back"`'
                if one.became is Became.REVERTED
                else f"`forkkeeper pick {one.sha}`"
            )
            said += [Painted(line, "yellow") for line in wrapped(f"{what}: {way}", _WIDE, "  ")]
    return tuple(said)


def arrived(upstream: Upstream, project: Project, pin: CommitId) -> tuple[Block, ...]:
    """Say which declined commits a pin has, and no patch takes back."""
    carried = {picking.declined(patch) for patch in project.queue.patches}
    said: list[Block] = []
    for one in project.declined:
        if one.sha not in carried and upstreams.contains(upstream, CommitId(one.sha), pin):
            text = (
                f'{declines.FILE}: {short(one.sha)} "{one.title}" was declined on {one.date}, and the pin has it: '
                f"`forkkeeper decline {one.sha}` takes it back; with --reopen it is wanted after all"
            )
            said += [Painted(line, "yellow") for line in wrapped(text, _WIDE, "  ")]
    return tuple(said)
