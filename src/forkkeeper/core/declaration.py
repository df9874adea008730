"""`fork.toml`: the declaration of a fork. Every field is checked; an unknown one is an error with the nearest name.

Shape (schema 1): see the commented file that `forkkeeper init` writes.
"""

import difflib
import re
from typing import Any, Literal

import msgspec

from forkkeeper.core import benches, kits, markers, reading, variants
from forkkeeper.core.benches import Bench
from forkkeeper.core.kits import DebPart, Kit, WheelPart
from forkkeeper.core.paths import fault
from forkkeeper.core.variants import Build, Platform, Variant
from forkkeeper.errors import RequestError

FILE = "fork.toml"
SCHEMA = 1
KNOWN_VALUES = {
    "rule": ("exclude", "include"),
    "kind": ("git", "sdist", "program", "header", "library", "device", "deb", "wheel", "github"),
    "strategy": ("scratch", "vendored", "branch"),
    "extent": ("outputs", "usual", "whole"),
}


class GitSource(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="git"):
    """A git repository with upstream's history: a url, a local path (read in place) or a bundle."""

    location: str


class SdistSource(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="sdist"):
    """A package whose source distributions embed upstream's git repository.

    package -- name at the package registry
    embedded -- folder of the embedded git repository inside the unpacked sdist
    """

    package: str
    embedded: str


Source = GitSource | SdistSource


class Upstream(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The project we follow.

    web -- its page, for links in reports ("" for none)
    licence -- as an SPDX expression, e.g. "MIT" ("" where it is not said)
    """

    name: str
    source: tuple[Source, ...]
    web: str = ""
    licence: str = ""


class PathRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One rule of the path policy; the last rule that matches a path decides.

    rule -- "include" or "exclude"
    pattern -- as in a .gitignore file, from the root of upstream's tree
    why -- the reason, shown in CHANGES-LOCAL.md
    """

    rule: Literal["include", "exclude"]
    pattern: str
    why: str


class Materialise(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the composed tree is held; a field that another strategy needs may stand here, too, and waits.

    strategy -- "scratch": build directories only; "vendored": files of the fork's repository; "branch": commits on a
        branch of a repository of upstream's, which a submodule may point to
    directory -- for "vendored": where the files are, relative to the fork's folder
    repository -- for "branch": a git url, or a local path, relative to the fork's folder
    branch -- for "branch": its name
    submodule -- for "branch": where the submodule is, relative to the fork's folder ("" for none)
    """

    strategy: Literal["scratch", "vendored", "branch"] = "scratch"
    directory: str = ""
    repository: str = ""
    branch: str = ""
    submodule: str = ""


class Nightly(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a night builds and judges.

    variants -- those that are built, and whose BF16 is checked (empty: all but those whose cost is heavy)
    judge -- the variant whose build is compared with the pristine pin, and shows what each patch does
    extent -- how much of that comparison: "outputs" (what models say), "usual" or "whole"
    """

    variants: tuple[str, ...] = ()
    judge: str = "cpu"
    extent: Literal["outputs", "usual", "whole"] = "outputs"


class Forge(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where `publish` shows the pull request of a sync and the alarm.

    repository -- "owner/name" ("": GITHUB_REPOSITORY, which a job there has)
    base -- the branch that a sync is proposed for
    label -- of the alarm's issue: it is found again by that
    """

    kind: Literal["github"] = "github"
    repository: str = ""
    base: str = "main"
    label: str = "nightly"


class Declaration(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole of `fork.toml`.

    licence -- of what the fork adds, its patches and overlay, as an SPDX expression ("" where it is not said)
    """

    schema: int
    name: str
    upstream: Upstream
    licence: str = ""
    path: tuple[PathRule, ...] = ()
    materialise: Materialise = Materialise()
    build: Build = Build()
    kit: dict[str, Kit] = {}
    variant: dict[str, Variant] = {}
    bench: Bench = Bench()
    nightly: Nightly = Nightly()
    forge: Forge = Forge()


def parse(data: bytes) -> Declaration:
    """Read and check `fork.toml`.

    Raises RequestError naming the field, what is wrong with it and the nearest known name.
    """
    markers.refuse(data, FILE, step="read", hint="settle the merge in it")
    try:
        raw = reading.toml(data)
    except ValueError as error:
        raise RequestError("read", FILE, f"not valid TOML: {error}", f"mend {FILE} at that place") from error
    try:
        declaration = msgspec.convert(raw, Declaration)
    except msgspec.ValidationError as error:
        found, hint = _explain(str(error).replace("variant[...]", f"variant.{_faulty_variant(raw)}"))
        raise RequestError("read", FILE, found, hint) from error
    if declaration.schema != SCHEMA:
        raise RequestError(
            "read", FILE, f"schema is {declaration.schema}; this forkkeeper reads {SCHEMA}", "upgrade forkkeeper"
        )
    if not declaration.upstream.source:
        raise RequestError("read", FILE, "upstream.source is empty", "add an [[upstream.source]] table")
    need(declaration.materialise, declaration.materialise.strategy)
    benches.check(declaration.bench, frozenset(declaration.variant))
    for name in declaration.nightly.variants:
        if name not in declaration.variant:
            found = f"nightly.variants names '{name}', which is not declared"
            raise RequestError("read", FILE, found, f"add [variant.{name}], or take the name away")
    _check_forge(declaration.forge)
    for name, kit in declaration.kit.items():
        kits.check(name, kit)
    return msgspec.structs.replace(declaration, variant=_whole(declaration))


def _whole(declaration: Declaration) -> dict[str, Variant]:
    """Give the variants with what [build] says of all of them written out, each checked."""
    made = {name: variants.whole(variant, declaration.build) for name, variant in declaration.variant.items()}
    for name, variant in made.items():
        variants.check(name, variant)
        emulated = variant.emulated.need if variant.emulated else ()
        for need in (*variant.need, *emulated):
            if need.kit and need.kit not in declaration.kit:
                found = f"variant.{name} needs kit '{need.kit}', which is not declared"
                raise RequestError("read", FILE, found, f"add [kit.{need.kit}], or take the line away")
    return made


def _check_forge(forge: Forge) -> None:
    """Raise RequestError where a field of [forge] cannot be what it stands for."""
    if forge.repository and not REPOSITORY.fullmatch(forge.repository):
        found, hint = f"forge.repository is '{forge.repository}'", "give OWNER/NAME, such as our/fork"
        raise RequestError("read", FILE, found, hint)
    if not forge.base or _NO_BRANCH.search(forge.base) or forge.base.endswith((".lock", ".", "/")):
        found = f"forge.base is '{forge.base}', which is no name of a branch"
        raise RequestError("read", FILE, found, "give a branch's name, without refs/heads/, such as main")
    if not _LABEL.fullmatch(forge.label):
        found = f"forge.label is '{forge.label}'"
        raise RequestError("read", FILE, found, "give a label of at most 50 letters, digits, `-`, `_`, `:` or blanks")


def here(declaration: Declaration, platform: Platform | None) -> Declaration:
    """Give a declaration with each variant in the form that it has on a platform: real, or emulated."""
    formed = {name: variants.here(variant, platform) for name, variant in declaration.variant.items()}
    return msgspec.structs.replace(declaration, variant=formed)


NEEDED = {
    "scratch": {},
    "vendored": {"directory": "native/upstream"},
    "branch": {"repository": "https://example.org/our/upstream.git", "branch": "fork"},
}


def need(materialise: Materialise, strategy: str) -> None:
    """Raise RequestError where a field is missing that a strategy needs, or a path in one leaves the fork's folder."""
    for field, example in NEEDED[strategy].items():
        if not getattr(materialise, field):
            raise RequestError(
                "read",
                FILE,
                f'materialise.{field} is missing: strategy "{strategy}" needs it',
                f'add `{field} = "{example}"` to [materialise]',
            )
    for field in ("directory", "submodule"):
        path = getattr(materialise, field)
        wrong = fault(path) if path else None
        if wrong:
            hint = "give a path below the fork's folder, such as native/upstream"
            raise RequestError("read", FILE, f"materialise.{field} is '{path}', which {wrong}", hint)
    name = materialise.branch
    if name and (_NO_BRANCH.search(name) or name.endswith((".lock", ".", "/"))):
        hint = "give a branch's name, without refs/heads/, such as fork"
        raise RequestError("read", FILE, f"materialise.branch is '{name}', which is no name of a branch", hint)


REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*/(?!\.\.?$)[A-Za-z0-9._-]+")
_LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9_: -]{0,49}")
_NO_BRANCH = re.compile(r"^[-./]|^refs/|[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|/\.|\.lock/")


def known_fields() -> tuple[str, ...]:
    """Give every field name of the declaration, sorted."""
    structs = (
        Declaration,
        Upstream,
        GitSource,
        SdistSource,
        PathRule,
        Materialise,
        Nightly,
        Forge,
        *variants.STRUCTS,
        *benches.STRUCTS,
        Kit,
        DebPart,
        WheelPart,
    )
    names = {field.encode_name for struct in structs for field in msgspec.structs.fields(struct)}
    return tuple(sorted(names | {"kind"}))


def _faulty_variant(raw: dict[str, Any]) -> str:
    """Name the first variant that cannot be read: msgspec does not say which."""
    tables = raw.get("variant")
    for name, table in tables.items() if isinstance(tables, dict) else ():
        try:
            msgspec.convert(table, Variant)
        except msgspec.ValidationError:
            return str(name)
    return "NAME"


def _explain(message: str) -> tuple[str, str]:
    """Turn msgspec's words into what was found, and what to type."""
    where = re.search(r" - at `\$\.?(.*)`$", message)
    place = where[1].replace("[...]", "") if where else ""
    unknown = re.search(r"unknown field `([^`]*)`", message)
    if unknown:
        name = f"{place}.{unknown[1]}" if place else unknown[1]
        near = difflib.get_close_matches(unknown[1], known_fields(), n=1, cutoff=0.5)
        hint = f"did you mean `{near[0]}`?" if near else f"known fields: {', '.join(known_fields())}"
        return f"unknown field `{name}`", hint
    wrong = re.search(r"[Ii]nvalid (?:enum )?value '?([^']*)'?", message)
    known = KNOWN_VALUES.get(place.rsplit(".", 1)[-1])
    if wrong and known:
        return f"{place} is '{wrong[1]}'", f"known are {', '.join(known)}"
    plain = message.split(" - at ", maxsplit=1)[0].replace("Object missing", "missing")
    return (f"{place}: {plain}" if place else plain), f"mend `{place or plain}` in {FILE}"
