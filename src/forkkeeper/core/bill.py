"""A fork's bill of materials as CycloneDX 1.6: the fork, the upstream that it is made of, its patches and added files.

By cyclonedx-python-lib, the format's own library, which knows its schema and SPDX's list of licences; it takes long to
import, so this module is imported late. The same fork gives the same bytes.
"""

import base64
import datetime as dt
import hashlib
import re
import urllib.parse
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cyclonedx import spdx
from cyclonedx.model import (
    AttachedText,
    Encoding,
    ExternalReference,
    ExternalReferenceType,
    HashAlgorithm,
    HashType,
    Property,
    XsUri,
)
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentType, Diff, Patch, PatchClassification, Pedigree, Swhid
from cyclonedx.model.issue import IssueClassification, IssueType
from cyclonedx.model.license import DisjunctiveLicense, LicenseAcknowledgement, LicenseExpression
from cyclonedx.model.tool import ToolRepository
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from packageurl import PackageURL

from forkkeeper.core import declaration, mail, picking
from forkkeeper.core.declaration import Declaration, GitSource, Upstream
from forkkeeper.core.ids import short
from forkkeeper.core.lock import Lock
from forkkeeper.core.overlay import FOLDER, Overlay
from forkkeeper.core.shown import spelled
from forkkeeper.errors import RequestError

FORK, UPSTREAM = "fork", "upstream"  # what the two are called where the document refers to them
NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "urn:forkkeeper:sbom")
_GITHUB = re.compile(r"https://github\.com/([\w.-]+)/([\w.-]+?)(?:\.git)?/?")
_LINK = re.compile(r"https?://[^\s<>\"{}|\\^`]+")


@dataclass(frozen=True, slots=True)
class Parts:
    """What a bill is made of: the fork's declaration, lock, patches (in order) and overlay.

    moment -- when it is said to be made; tool -- forkkeeper's version
    """

    declared: Declaration
    lock: Lock
    patches: Sequence[mail.Patch]
    overlay: Overlay
    moment: dt.datetime
    tool: str


def document(parts: Parts) -> str:
    """Write the bill as JSON. Raises RequestError where a declared licence is no SPDX expression.

    Its serial number follows from the composed tree and all that the document says.
    """
    bom = _bom(parts)
    bom.serial_number = uuid.UUID(int=0)
    said = hashlib.sha256(_written(bom).encode()).hexdigest()
    bom.serial_number = uuid.uuid5(NAMESPACE, f"{parts.lock.trees.composed} {said}")
    return _written(bom) + "\n"


def _written(bom: Bom) -> str:
    return make_outputter(bom, OutputFormat.JSON, SchemaVersion.V1_6).output_as_string(indent=1)


def _bom(parts: Parts) -> Bom:
    upstream = _upstream(parts, UPSTREAM)
    fork = _fork(parts)
    files = list(_files(parts.overlay))
    forkkeeper = Component(name="forkkeeper", version=parts.tool, type=ComponentType.APPLICATION, bom_ref="forkkeeper")
    metadata = BomMetaData(component=fork, timestamp=parts.moment, tools=ToolRepository(components=[forkkeeper]))
    bom = Bom(metadata=metadata, components=[upstream, *files])
    bom.register_dependency(fork, [upstream, *files])
    return bom


def _fork(parts: Parts) -> Component:
    lock, declared = parts.lock, parts.declared
    digests = {"queue": lock.digests.queue, "overlay": lock.digests.overlay, "policy": lock.digests.policy}
    trees = {"pin": lock.pin.sha, "baseline": lock.trees.baseline, "composed": lock.trees.composed}
    return Component(
        name=spelled(declared.name),
        version=f"{lock.pin.date}+{short(lock.pin.sha)}.{short(lock.trees.composed)}",
        type=ComponentType.APPLICATION,
        bom_ref=FORK,
        licenses=_licences(_together(declared), "licence"),
        swhids=[Swhid(f"swh:1:dir:{lock.trees.composed}")],
        properties=[Property(name=f"forkkeeper:{name}", value=value) for name, value in (trees | digests).items()],
        pedigree=Pedigree(
            ancestors=[_upstream(parts, f"{UPSTREAM}-ancestor")],
            patches=[_patch(patch, number) for number, patch in enumerate(parts.patches, start=1)],
            notes=_notes(parts.patches),
        ),
    )


def _upstream(parts: Parts, ref: str) -> Component:
    upstream, pin = parts.declared.upstream, parts.lock.pin
    return Component(
        name=spelled(upstream.name),
        version=pin.sha,
        type=ComponentType.APPLICATION,
        bom_ref=ref,
        purl=purl(upstream, pin.sha),
        licenses=_licences(upstream.licence, "upstream.licence"),
        swhids=[Swhid(f"swh:1:rev:{pin.sha}")],
        external_references=_references(upstream),
    )


def purl(upstream: Upstream, sha: str) -> PackageURL:
    """Name an upstream commit as package-url does: by GitHub's repository, else by the first git url that is public.

    >>> str(purl(Upstream("llama.cpp", (), "https://github.com/ggml-org/llama.cpp"), "f449e055"))
    'pkg:github/ggml-org/llama.cpp@f449e055'
    """
    page = _GITHUB.fullmatch(upstream.web)
    if page:
        return PackageURL("github", page[1], page[2], sha)
    urls = _git_urls(upstream)
    return PackageURL("generic", None, upstream.name, sha, {"vcs_url": f"git+{urls[0]}@{sha}"} if urls else None)


def _git_urls(upstream: Upstream) -> list[str]:
    """Give the urls of its repositories, without what somebody logs in with; a path on a disk is nobody else's."""
    urls = [one.location for one in upstream.source if isinstance(one, GitSource) and _LINK.fullmatch(one.location)]
    split = [urllib.parse.urlsplit(url) for url in urls]
    return [one._replace(netloc=one.netloc.rpartition("@")[2]).geturl() for one in split]


def _references(upstream: Upstream) -> list[ExternalReference]:
    pages = [upstream.web] if _LINK.fullmatch(upstream.web) else []
    found = [(ExternalReferenceType.WEBSITE, page) for page in pages]
    found += [(ExternalReferenceType.VCS, url) for url in _git_urls(upstream)]
    return [ExternalReference(type=kind, url=XsUri(url)) for kind, url in found]


def _patch(patch: mail.Patch, number: int) -> Patch:
    """Give a patch with its whole file; its place in the order stands in its name, since the format keeps none."""
    bugs = [bug for bug in patch.trailer_values("Bug") if bug]
    return Patch(
        type=classified(patch),
        diff=Diff(text=_attached(patch.data), url=XsUri(f"patches/{patch.name}#{number}")),
        resolves=[_issue(spelled(bug)) for bug in bugs],
    )


def classified(patch: mail.Patch) -> PatchClassification:
    """Say whose change a patch is: one that upstream has later, one of upstream's, or the fork's own."""
    if (patch.trailer("Upstream-Status") or "").startswith("Backport"):
        return PatchClassification.BACKPORT
    return PatchClassification.CHERRY_PICK if picking.origin(patch) else PatchClassification.UNOFFICIAL


def _issue(bug: str) -> IssueType:
    links = [XsUri(link) for link in _LINK.findall(bug)]
    return IssueType(type=IssueClassification.DEFECT, id=bug, references=links)


def _attached(data: bytes) -> AttachedText:
    try:
        return AttachedText(content=data.decode("utf-8"), content_type="text/x-diff; charset=utf-8")
    except UnicodeDecodeError:
        content = base64.b64encode(data).decode("ascii")
        return AttachedText(content=content, content_type="text/x-diff", encoding=Encoding.BASE_64)


def _notes(patches: Sequence[mail.Patch]) -> str | None:
    lines = [f"{number}. {patch.name}: {patch.subject}" for number, patch in enumerate(patches, start=1)]
    return spelled("\n".join(lines), but="\n") or None


def _files(overlay: Overlay) -> Iterator[Component]:
    for path, file in sorted(overlay.items()):
        name = spelled(path)
        yield Component(
            name=name,
            type=ComponentType.FILE,
            bom_ref=f"{FOLDER}/{name}",
            hashes=[HashType(alg=HashAlgorithm.SHA_256, content=hashlib.sha256(file.data).hexdigest())],
        )


def _together(declared: Declaration) -> str:
    """Give the licence of the whole: both, where both are known."""
    both = dict.fromkeys([declared.upstream.licence, declared.licence])
    if "" in both:
        return ""
    return " AND ".join(f"({one})" if " " in one and len(both) > 1 else one for one in both)


def _licences(expression: str, field: str) -> list[DisjunctiveLicense | LicenseExpression]:
    if not expression:
        return []
    if spdx.is_supported_id(expression):
        return [DisjunctiveLicense(id=expression, acknowledgement=LicenseAcknowledgement.DECLARED)]
    meant = spdx.fixup_id(expression)
    if meant is None and spdx.is_expression(expression):
        return [LicenseExpression(expression, acknowledgement=LicenseAcknowledgement.DECLARED)]
    known = "spdx.org/licenses lists the names, such as MIT; AND, OR and WITH join them"
    found = f"{field} is '{spelled(expression)}', which is no SPDX expression"
    raise RequestError("sbom", declaration.FILE, found, f'did you mean "{meant}"?' if meant else known)
