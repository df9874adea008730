"""Upstream: turn what a person typed into a commit, and bring its objects here.

Order: objects already held (in `.forkkeeper/`, or in a repository read in place), then the snapshot table, then hosts
in the order of fork.toml. A sha gives the same commit and tree from any source: its id proves its bytes.
"""

import contextlib
import datetime as dt
import os
import re
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from pathlib import Path

from forkkeeper.core import commits, followups, ids, lock, pip_settings, revision, snapshots, upstreamed
from forkkeeper.core.commits import Candidate, Stretch, UpstreamCommit
from forkkeeper.core.declaration import GitSource, SdistSource, Source
from forkkeeper.core.ids import CommitId, TreeId
from forkkeeper.core.mailing import Made
from forkkeeper.core.pip_settings import PipSettings
from forkkeeper.core.planning import Commit
from forkkeeper.core.report import count
from forkkeeper.core.revision import FullSha, Revision, ShortSha, SnapshotName, TagName
from forkkeeper.core.snapshots import Snapshot
from forkkeeper.core.store import Store
from forkkeeper.core.triage.passed import Passed
from forkkeeper.errors import OutsideError, RequestError
from forkkeeper.shell import archive, disk, git, process
from forkkeeper.shell.git import CommitInfo, Repository

Progress = Callable[[str, float, float], None]
SDIST_ROOM = 400 * 2**20  # bytes: a download of up to 80 MB, its embedded repository, and the copy in the store
REFRESHED = "snapshots.csv"
NO_PATH = "there is no such path"


@dataclass(frozen=True, slots=True)
class Upstream:
    """Where upstream can be had.

    root -- the fork's folder: local paths in fork.toml are relative to it
    state -- its `.forkkeeper/`
    """

    root: Path
    state: Path
    sources: tuple[Source, ...]
    table: tuple[Snapshot, ...]
    offline: bool
    on_progress: Progress

    @property
    def store(self) -> Path:
        """The git directory that holds what was fetched."""
        return self.state / "upstream.git"


@dataclass(frozen=True, slots=True)
class Known:
    """What one source knows of upstream's newest commit. behind -- commits from the pin to it, where that is known."""

    source: str
    newest: str
    behind: str


def open_upstream(
    root: Path, state: Path, sources: tuple[Source, ...], *, offline: bool, on_progress: Progress
) -> Upstream:
    """Read the snapshot tables: the shipped one, and what `upstream.refresh` added."""
    shipped = resources.files("forkkeeper").joinpath("data", "snapshots.csv").read_text(encoding="utf-8")
    added = (disk.read(state / REFRESHED) or b"").decode("utf-8", "surrogateescape")
    packages = {source.package for source in sources if isinstance(source, SdistSource)}
    rows = snapshots.parse(shipped)
    table = snapshots.merge(rows, snapshots.parse(added)) if added else rows
    return Upstream(root, state, sources, tuple(r for r in table if r.package in packages), offline, on_progress)


def repositories(upstream: Upstream) -> tuple[Repository, ...]:
    """Open every repository whose objects are at hand: the store, then local sources in order."""
    found = [upstream.store] if git.git_dir_of(upstream.store) else []
    found += [path for source in upstream.sources if (path := _in_place(upstream, source)) is not None]
    return tuple(Repository(path) for path in found)


def lenders(upstream: Upstream) -> tuple[Path, ...]:
    """Give the object directories at hand."""
    return tuple(repository.objects for repository in repositories(upstream))


def _in_place(upstream: Upstream, source: Source) -> Path | None:
    """Give the git directory of a source that is a local repository."""
    if not isinstance(source, GitSource) or _is_url(source.location):
        return None
    path = (upstream.root / Path(source.location).expanduser()).resolve()
    return git.git_dir_of(path) if path.is_dir() else None


def _is_url(location: str) -> bool:
    """Whether git would ask a host: scheme://…, or user@host:path."""
    return "://" in location or re.match(r"[A-Za-z0-9_.@-]+:(?!\\)", location) is not None


# finding a commit ---------------------------------------------------------------------------------------------------


def find(upstream: Upstream, text: str, *, step: str, known: Sequence[CommitId] = ()) -> CommitId:
    """Turn what was typed into one commit's id, without fetching objects where that can be avoided.

    known -- commits that may be named though no source holds them here (the pin)
    Raises RequestError when it names none or several.
    """
    asked = revision.parse(text, step=step)
    failures: list[str] = []
    found = _candidates(upstream, asked, known)
    if not found and not isinstance(asked, SnapshotName):  # only the table knows those
        failures = _ask_hosts(upstream)
        found = _candidates(upstream, asked, known)
    if len(found) == 1:
        return found[0]
    if found:
        shown = "; ".join(f"{sha} ({describe(upstream, sha)})" for sha in found)
        raise RequestError(step, text, f"names {len(found)} commits: {shown}", "give more digits, or the full sha")
    raise _unknown(upstream, failures)(step, text, _nobody_has_it(upstream, failures), _near(upstream, asked))


def _candidates(upstream: Upstream, asked: Revision, known: Sequence[CommitId]) -> tuple[CommitId, ...]:
    match asked:
        case FullSha(sha=sha):  # the id of an annotated tag stands for its commit
            peeled = (repository.peel(sha) for repository in repositories(upstream))
            return (next((found for found in peeled if found), sha),)
        case SnapshotName():
            rows = snapshots.by_name(upstream.table, f"{asked.package}=={asked.version}")
            return tuple(row.commit for row in rows)
        case ShortSha(prefix=name):
            like = [sha for sha in known if sha.startswith(name)]
            like += [row.commit for row in snapshots.by_commit_prefix(upstream.table, name)]
            like += [sha for repository in repositories(upstream) for sha in repository.commits_like(name)]
            return tuple(sorted({*like, *_tagged(upstream, name)}))
        case TagName(name=name):
            return tuple(sorted(set(_tagged(upstream, name))))


def _tagged(upstream: Upstream, name: str) -> tuple[CommitId, ...]:
    rows = [row.commit for row in snapshots.by_tag(upstream.table, name)]
    held = [sha for repository in repositories(upstream) for sha in repository.refs_named(name)[:1]]
    return (*rows, *held)


def _nobody_has_it(upstream: Upstream, failures: Sequence[str]) -> str:
    if upstream.offline:
        return "nothing that is held here has it, and with --offline no host was asked"
    asked = "".join(f"\n    not asked: {why}" for why in failures)
    return ("no source that could be asked has it" if failures else "no source has it") + asked


def _unknown(upstream: Upstream, failures: Sequence[str]) -> type[RequestError | OutsideError]:
    """Tell a commit that those who answered do not have from one that nobody could be asked for."""
    answered = bool(upstream.table) or any(_in_place(upstream, source) for source in upstream.sources)
    silent = any(not why.endswith(NO_PATH) for why in failures)
    return OutsideError if silent and not answered else RequestError


def _near(upstream: Upstream, asked: Revision) -> str:
    """Name what is near a commit that nothing has, or else the newest snapshots and the syntax."""
    name = {TagName: "name", ShortSha: "prefix"}.get(type(asked))
    said = _neighbours(upstream, getattr(asked, name)) if name else []
    if not said:
        rows = [_row(row) for row in snapshots.newest(upstream.table, 3)]
        example = f", or a snapshot such as `{newest(upstream)}`" if upstream.table else ""
        said = [*(["the newest snapshots:", *rows] if rows else []), f"give {revision.SYNTAX}{example}"]
    more = [] if upstream.offline else ["`forkkeeper upstream refresh` looks for newer ones"]
    return "\n    ".join([*said, *more])


def _neighbours(upstream: Upstream, name: str) -> list[str]:
    """Name the snapshots before and after a date or a numbered tag; nothing where it is neither."""
    date = _date(name)
    near = snapshots.neighbours(upstream.table, date) if date else snapshots.neighbours_by_tag(upstream.table, name)
    sides = zip(("the nearest older", "the nearest newer"), near, strict=True)
    said = [f"{word}: {_row(row)}" for word, row in sides if row]
    unplaced = snapshots.between(upstream.table, near) if said and not date else ()
    if unplaced:
        said.append(f"between them, with no tag known: {unplaced[0].name} to {unplaced[-1].version}")
    return said


def newest(upstream: Upstream) -> str | None:
    """Name the newest snapshot that is known."""
    return next((row.name for row in snapshots.newest(upstream.table, 1)), None)


def _date(text: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        return None


def _row(row: Snapshot) -> str:
    when = f" of {row.committed}" if row.committed else f", released {row.released}" if row.released else ""
    return f"{row.name} = {ids.short(row.commit)}{when}"


# getting its objects ------------------------------------------------------------------------------------------------


def hold(upstream: Upstream, sha: CommitId, *, step: str) -> Commit:
    """Bring a commit and its tree here, where they are not yet. Raises RequestError or OutsideError."""
    info = held(upstream, sha)
    if info is None:
        failures = _bring(upstream, sha)
        info = held(upstream, sha)
        if info is not None and Repository(upstream.store).info(sha):
            git.keep(upstream.store, sha)
        if info is None:
            raise _not_had(upstream, sha, failures, step)
    return Commit(sha, info.tree, info.time, info.date, names_of(upstream, sha))


def held(upstream: Upstream, sha: CommitId) -> CommitInfo | None:
    """Read a commit from what is at hand; None when it is not."""
    answers = (repository.info(sha) for repository in repositories(upstream))
    return next((info for info in answers if info is not None), None)


def names_of(upstream: Upstream, sha: CommitId) -> tuple[str, ...]:
    """Give what a commit is known as: upstream's tags, then the newest snapshot that holds it."""
    rows = snapshots.by_commit_prefix(upstream.table, sha)
    tags = {tag for repository in repositories(upstream) for tag in repository.tags_at(sha)}
    tags |= {row.tag for row in rows if row.tag}
    return (*sorted(tags), *(row.name for row in rows[-1:]))


def describe(upstream: Upstream, sha: CommitId) -> str:
    """Say in a few words what a commit is."""
    info = held(upstream, sha)
    said = [*names_of(upstream, sha), *([f"{info.date} {commits.one_line(info.title)}"] if info else [])]
    return ", ".join(said) or "nothing known of it"


def _bring(upstream: Upstream, sha: CommitId) -> list[str]:
    """Try each source that may have the commit; give the reasons of those that failed."""
    rows = snapshots.by_commit_prefix(upstream.table, sha)
    failures: list[str] = []
    if rows:
        if upstream.offline:
            return [f"{rows[-1].name} holds it, and --offline forbids the download"]
        source = next(s for s in upstream.sources if isinstance(s, SdistSource) and s.package == rows[-1].package)
        try:
            take_snapshot(upstream, source, rows[-1].version, sha)
        except OutsideError as error:
            failures.append(f"{error.thing}: {error.found}")
        else:
            return []
    return failures + _ask_hosts(upstream, sha)


def _ask_hosts(upstream: Upstream, wanted: CommitId | None = None) -> list[str]:
    """Fetch from one host after the other until one has the commit (None: until one answers); give what went wrong."""
    failures: list[str] = []
    for source in _remote(upstream):
        if why := _fetch(upstream, source):
            failures.append(f"{_shown(source.location)}: {why}")
        elif wanted is None or held(upstream, wanted):
            break
    return failures


def _remote(upstream: Upstream) -> list[GitSource]:
    """Give the sources that must be fetched from: hosts (not with --offline), and bundles."""
    found = []
    for source in upstream.sources:
        if isinstance(source, GitSource) and _in_place(upstream, source) is None:
            local = not _is_url(source.location) or source.location.startswith("file://")
            if local or not upstream.offline:
                found.append(source)
    return found


def _fetch(upstream: Upstream, source: GitSource) -> str | None:
    """Fetch one source into the store; gives the reason when that failed."""
    from forkkeeper.shell import net  # noqa: PLC0415 -- its libraries are a third of the start-up time

    location = source.location
    if not _is_url(location):
        path = (upstream.root / Path(location).expanduser()).resolve()
        if not path.exists():
            return NO_PATH
        location = str(path)
    elif why := net.reachable(location):
        return why
    git.make_store(upstream.store)
    return git.fetch(upstream.store, location, upstream.on_progress)


def _shown(location: str) -> str:
    """Give a url without the credentials in it."""
    return re.sub(r"//[^/@]*@", "//", location)


def _not_had(upstream: Upstream, sha: CommitId, failures: list[str], step: str) -> RequestError | OutsideError:
    """Tell a commit that is known but cannot be brought from one that nobody knows."""
    if snapshots.by_commit_prefix(upstream.table, sha):
        return OutsideError(
            step,
            sha,
            "could not be brought here:\n    " + "\n    ".join(failures),
            "leave out --offline"
            if upstream.offline
            else "run it again when the network is back, or name a local repository in an [[upstream.source]]",
        )
    found, kind = _nobody_has_it(upstream, failures), _unknown(upstream, failures)
    if sha == _own_pin(upstream):
        return kind(step, sha, f"is this fork's pin, in {lock.FILE}, and {found}", _pin_hint(upstream))
    return kind(step, sha, found, _near(upstream, FullSha(sha)))


def _own_pin(upstream: Upstream) -> str | None:
    """Give the pin of the fork whose upstream this is; None where there is none to be read."""
    data = disk.read(upstream.state.parent / lock.FILE)
    with contextlib.suppress(RequestError):  # a damaged lock is the matter of who reads it for itself
        return lock.parse(data).pin.sha if data is not None else None
    return None


def _pin_hint(upstream: Upstream) -> str:
    """Say how a fork comes to its pin again, which upstream may have rewritten or removed."""
    asks = "leave out --offline; or, where that does not help, " if upstream.offline else ""
    return (
        f"{asks}name a repository that still has it (somebody's clone, a mirror, a bundle) at the end of fork.toml:"
        '\n    [[upstream.source]]\n    kind = "git"\n    location = "URL-OR-PATH"'
        "\n    then `forkkeeper upstream refresh`, and run this again"
    )


# snapshots ----------------------------------------------------------------------------------------------------------


def take_snapshot(upstream: Upstream, source: SdistSource, version: str, sha: CommitId | None) -> CommitId:
    """Download an sdist, and take upstream's commit out of the repository embedded in it. Its build code never runs.

    sha -- the commit it must hold; None: whichever it holds
    Raises OutsideError when it cannot be had, or does not hold what it should.
    """
    from forkkeeper.shell import net  # noqa: PLC0415 -- its libraries are a third of the start-up time

    folder = upstream.state / "downloads"
    disk.need_room(folder, SDIST_ROOM)
    name = f"{source.package}=={version}"
    try:
        file = net.download(
            source.package,
            version,
            folder,
            _pip(),
            lambda done, of: upstream.on_progress(f"downloading {name}", done, of or 0),
        )
        found = archive.embedded_head(file.path, source.embedded)
        if sha is not None and found != sha:
            raise OutsideError(
                "verify",
                name,
                f"holds commit {found} where {sha} was due",
                "report this: the table or the package is wrong",
            )
        lender = archive.extract_embedded(file.path, source.embedded, folder / f"{source.package}-{version}.git")
        upstream.on_progress(f"unpacking upstream {ids.short(found)} from {name}", 0, 0)
        git.make_store(upstream.store)
        if why := git.take_from(upstream.store, lender, found):
            raise OutsideError(
                "verify", name, f"its commit {found} does not verify: {why}", "report this to the package's maintainers"
            )
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return found


def _pip() -> PipSettings:
    """Read pip's own configuration, as pip merges it."""
    try:
        said = process.read([sys.executable, "-P", "-m", "pip", "--disable-pip-version-check", "config", "list"])
    except OSError:
        return pip_settings.parse_pip_config("", os.environ)
    return pip_settings.parse_pip_config(said.out if said.code == 0 else "", os.environ)


def refresh(upstream: Upstream) -> tuple[tuple[Snapshot, ...], tuple[str, ...]]:
    """Bring the snapshot table and the fetched sources up to date.

    Gives the rows that are new, and what could not be looked at. A new row costs the download of its sdist.
    """
    if upstream.offline:
        raise RequestError(
            "upstream.refresh", "--offline", "forbids the network, and this verb is nothing else", "leave it out"
        )
    failures: list[str] = []
    rows: list[Snapshot] = []
    for source in upstream.sources:
        if isinstance(source, SdistSource):
            try:
                rows += _new_rows(upstream, source)
            except OutsideError as error:
                failures.append(f"{error.thing}: {error.found}")
        elif _in_place(upstream, source) is None and (why := _fetch(upstream, source)):
            failures.append(f"{_shown(source.location)}: {why}")
    if rows:
        kept = (disk.read(upstream.state / REFRESHED) or b"").decode("utf-8", "surrogateescape")
        before = snapshots.parse(kept or snapshots.format_table(()))
        disk.write(upstream.state / REFRESHED, snapshots.format_table(snapshots.merge(before, tuple(rows))).encode())
    return tuple(rows), tuple(failures)


def _new_rows(upstream: Upstream, source: SdistSource) -> list[Snapshot]:
    from forkkeeper.shell import net  # noqa: PLC0415 -- its libraries are a third of the start-up time

    known = {row.version for row in upstream.table}
    newest = snapshots.newest(upstream.table, 1)
    offered = net.versions(source.package, _pip())
    later = offered[offered.index(newest[0].version) + 1 :] if newest and newest[0].version in offered else offered
    rows = []
    for version in later:
        if version not in known:
            sha = take_snapshot(upstream, source, version, None)
            info = held(upstream, sha)
            row = Snapshot(source.package, version, sha, None, None, None, None, None)
            if info:
                row = replace(row, committed=dt.date.fromisoformat(info.date), tree=TreeId(info.tree))
            rows.append(row)
    return rows


# what the sources know ----------------------------------------------------------------------------------------------


def knowledge(upstream: Upstream, pin: CommitId) -> tuple[Known, ...]:
    """Say for each source how far upstream's newest commit is from the pin; nobody is asked."""
    found = []
    for source in upstream.sources:
        match source:
            case SdistSource(package=package):
                found.append(_table_knowledge(upstream, package, pin))
            case GitSource(location=location):
                path = _in_place(upstream, source) or (upstream.store if git.git_dir_of(upstream.store) else None)
                found.append(_git_knowledge(_shown(location), path, pin))
    return tuple(found)


def _table_knowledge(upstream: Upstream, package: str, pin: CommitId) -> Known:
    rows = [row for row in upstream.table if row.package == package]
    last = snapshots.newest(rows, 1)
    at = [number for number, row in enumerate(rows) if row.commit == pin]
    behind = count(len(rows) - 1 - at[-1], "snapshot") if at else "the pin is in no snapshot"
    said = _row(last[0]).removeprefix(f"{package}==") if last else "no snapshot known"
    return Known(f"sdist {package}", said, behind)


def _git_knowledge(location: str, path: Path | None, pin: CommitId) -> Known:
    if path is None:
        return Known(f"git {location}", "not fetched: `forkkeeper upstream refresh`", "not known")
    repository = Repository(path)
    heads = repository.heads()
    name = next((name for name in ("HEAD", "master", "main") if name in heads), next(iter(heads), None))
    if name is None:
        return Known(f"git {location}", "not fetched: `forkkeeper upstream refresh`", "not known")
    info = repository.info(heads[name])
    said = f"{ids.short(heads[name])} of {info.date}" if info else ids.short(heads[name])
    distance = repository.distance(pin, heads[name])
    return Known(f"git {location}", said, count(distance, "commit") if distance is not None else "not known")


def is_older(upstream: Upstream, new: Commit, old: Commit) -> bool:
    """Whether one commit comes before another: by ancestry where history is at hand, else by date."""
    for repository in repositories(upstream):
        if repository.info(new.sha) and repository.info(old.sha):
            if repository.distance(new.sha, old.sha):
                return True
            if repository.distance(old.sha, new.sha):
                return False
    return new.time < old.time


# the commits between two pins ---------------------------------------------------------------------------------------


def between(upstream: Upstream, old: Commit, new: Commit) -> tuple[Candidate, ...]:
    """Give what is held of the commits after one pin up to and with another, oldest first; nothing is fetched.

    Upstream's first-parent line where its history is at hand. Else the snapshots in between, by their commits' times,
    and the newer pin; then no commit is known to follow on the one before it.
    """
    if old.sha == new.sha:
        return ()
    for repository in repositories(upstream):
        if line := repository.line(old.sha, new.sha):
            return line
    shas = sorted({row.commit for row in upstream.table} - {old.sha, new.sha})
    infos = {info.sha: info for repository in repositories(upstream) for info in repository.infos(shas)}
    inside = sorted((i for i in infos.values() if old.time < i.time < new.time), key=lambda info: (info.time, info.sha))
    snapshots_held = tuple(Candidate(info.sha, info.tree, follows=False) for info in inside)
    return (*snapshots_held, Candidate(new.sha, new.tree, follows=False))


def stretch(upstream: Upstream, old: Commit, new: Commit) -> Stretch:
    """Give the commits after one up to and with another, as `between`; nothing is fetched yet.

    Where history is not at hand and the network is allowed: all snapshots in between, held or not, in their order.
    """
    found = between(upstream, old, new)
    if not upstream.offline and not any(one.follows for one in found):
        for package in dict.fromkeys(row.package for row in upstream.table):
            shas = list(dict.fromkeys(row.commit for row in upstream.table if row.package == package))
            if old.sha in shas and new.sha in shas[shas.index(old.sha) :]:
                inside = tuple(shas[shas.index(old.sha) + 1 : shas.index(new.sha) + 1])
                return Stretch(inside, (False,) * len(inside))
    return Stretch(tuple(one.sha for one in found), tuple(one.follows for one in found))


def titled(upstream: Upstream, old: Commit, new: Commit) -> Callable[[str], CommitId | None]:
    """Give what finds upstream's commit between two pins by its title; the log is read when it is first asked."""

    @cache
    def known() -> Mapping[str, CommitId]:
        logs = (repository.titles(old.sha, new.sha) for repository in repositories(upstream))
        log = next((log for log in logs if log), ())
        return {upstreamed.title_key(title): sha for sha, title in log}

    def find(title: str) -> CommitId | None:
        return known().get(key) if (key := upstreamed.title_key(title)) else None

    return find


# one commit, and what became of it ------------------------------------------------------------------------------------


def contains(upstream: Upstream, commit: CommitId, tip: CommitId) -> bool | None:
    """Whether a commit is another, or in its history; None where neither what is held nor the snapshots tell.

    By the order of snapshots where history is not at hand; never by dates.
    """
    if commit == tip:
        return True
    told = [repository.has(commit, tip) for repository in repositories(upstream)]
    known = next((answer for answer in told if answer is not None), None)
    if known is not None:
        return True if any(told) else known
    at = {row.commit: number for number, row in enumerate(upstream.table)}
    first = next((number for number, row in enumerate(upstream.table) if row.commit == commit), None)
    packages = [{row.package for row in upstream.table if row.commit == sha} for sha in (commit, tip)]
    return first <= at[tip] if first is not None and packages[0] & packages[1] else None


def with_history(upstream: Upstream, *shas: CommitId) -> Repository | None:
    """Give the repository in which the way from the first commit to the last can be seen; None where there is none."""
    found = (one for one in repositories(upstream) if all(one.info(sha) for sha in shas))
    return next((one for one in found if one.has(shas[0], shas[-1])), None)


def made(upstream: Upstream, sha: CommitId) -> Made | None:
    """Read a commit's words as a mail has them; None where it is not held."""
    return next((found for one in repositories(upstream) if (found := one.made(sha)) is not None), None)


def followed(upstream: Upstream, sha: CommitId) -> tuple[CommitInfo | None, tuple[tuple[CommitId, str], ...]]:
    """Give a commit, and what came after it up to the newest head held that may speak of it, oldest first.

    Nothing is fetched, and one log is read, in which git itself looks for the commit's id, title and request's number.
    """
    for repository in repositories(upstream):
        info = repository.info(sha)
        head = _newest_head(repository)
        if info is not None and head is not None and repository.has(sha, head):
            return info, repository.following(sha, head, followups.words(sha, info.title))
    return held(upstream, sha), ()


def _newest_head(repository: Repository) -> CommitId | None:
    heads = repository.heads()
    name = next((name for name in ("HEAD", "master", "main") if name in heads), next(iter(heads), None))
    return heads[name] if name else None


def pages(upstream: Upstream, web: str) -> tuple[str, ...]:
    """Give the addresses at which upstream may have a page for each commit."""
    return (web, *(source.location for source in upstream.sources if isinstance(source, GitSource)))


def told(upstream: Upstream, sha: CommitId, web: str) -> UpstreamCommit | None:
    """Say what a person is told of a commit; None where it is not held. web -- upstream's page, "" for none."""
    info = held(upstream, sha)
    if info is None:
        return None
    return UpstreamCommit(
        sha,
        commits.one_line(info.title),
        commits.one_line(info.author),
        info.date,
        len(info.parents) > 1,
        commits.link(pages(upstream, web), sha),
        names_of(upstream, sha),
        commits.some_lines(info.body),
    )


# what lies ahead ----------------------------------------------------------------------------------------------------


def ahead(upstream: Upstream, pin: Commit) -> CommitId | None:
    """Give the newest commit after a pin that is held here; nothing is fetched. None where there is none.

    The head of the first source that has the pin in its history; else the youngest of the heads and snapshots held.
    """
    heads: list[CommitId] = []
    for repository in repositories(upstream):
        known = repository.heads()
        head = next((known[name] for name in ("HEAD", "master", "main") if name in known), None)
        head = head or next(iter(known.values()), None)
        if head is not None and repository.distance(pin.sha, head):
            return head
        heads += [head] if head is not None else []
    shas = sorted({*heads, *(row.commit for row in upstream.table)})
    infos = [info for repository in repositories(upstream) for info in repository.infos(shas) if info.time > pin.time]
    return max(infos, key=lambda info: (info.time, info.sha)).sha if infos else None


def passed(upstream: Upstream, old: Commit, new: Commit, store: Store, web: str) -> tuple[tuple[Passed, ...], bool]:
    """Give upstream's steps from one commit to a later one, oldest first, with what each changed.

    Gives also whether those are upstream's own commits (its first-parent line, a merge being one step); else they are
    the snapshots held in between, and the later commit.
    """
    candidates = between(upstream, old, new)
    has_history = any(one.follows for one in candidates)
    held_in = (r for r in repositories(upstream) if has_history and r.info(old.sha) and r.info(new.sha))
    log = next((log for repository in held_in if (log := repository.changes_on(old.sha, new.sha))), {})
    shas = [one.sha for one in candidates]
    infos = {info.sha: info for repository in repositories(upstream) for info in repository.infos(shas)}
    named = {row.commit: row.name for row in snapshots.newest(upstream.table, len(upstream.table))[::-1]}
    web_pages = pages(upstream, web)
    found: list[Passed] = []
    before = old.tree
    for one in candidates:
        info = infos[one.sha]
        if one.follows and one.sha in log:
            changes, moves = log[one.sha]
        else:
            changes = store.changes(before, one.tree)
            moves = tuple(sorted(store.renames(before, one.tree).items()))
        said = UpstreamCommit(
            one.sha,
            commits.one_line(info.title),
            commits.one_line(info.author),
            info.date,
            len(info.parents) > 1,
            commits.link(web_pages, one.sha),
            (named[one.sha],) if one.sha in named else (),
        )
        found.append(Passed(said, f"{info.title}\n{info.body}", before, one.tree, changes, one.follows, moves))
        before = one.tree
    return tuple(found), has_history


def last_change(upstream: Upstream, upto: CommitId, path: str, since: CommitId | None = None) -> CommitId | None:
    """Give upstream's newest commit up to one (and after another) that changed a path; None where that is not known."""
    answers = (repository.last_change(upto, path, since) for repository in repositories(upstream))
    return next((sha for sha in answers if sha is not None), None)


def snapshots_before(upstream: Upstream, pin: Commit) -> tuple[Commit, ...]:
    """Give the commits of snapshots held here that are older than a pin, newest first."""
    shas = sorted({row.commit for row in upstream.table} - {pin.sha})
    infos = {info.sha: info for repository in repositories(upstream) for info in repository.infos(shas)}
    older = sorted(
        (i for i in infos.values() if i.time < pin.time), key=lambda info: (info.time, info.sha), reverse=True
    )
    return tuple(Commit(i.sha, i.tree, i.time, i.date, names_of(upstream, i.sha)) for i in older)
