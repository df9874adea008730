"""Kits: packages that are unpacked beside the build, where a system lacks something or has it too old.

Nothing of the system is touched: a kit is a folder of `.forkkeeper/kits/`, and can be deleted at any time.
"""

import hashlib
import posixpath
import re

import msgspec

from forkkeeper.core.paths import fault
from forkkeeper.errors import RequestError

FILE = "fork.toml"
PLACE = "{kit}"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_POOL = re.compile(r"[A-Za-z0-9][A-Za-z0-9+.~_:/-]*\.deb")
_REQUIREMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*==[A-Za-z0-9][A-Za-z0-9.!+_-]*")


class DebPart(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="deb"):
    """A Debian package. pool -- its path below the root of the archive that this machine's apt uses."""

    pool: str
    sha256: str


class WheelPart(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="wheel"):
    """A Python package that carries programs or libraries. requirement -- as pip takes it, with one version."""

    requirement: str
    sha256: str


Part = DebPart | WheelPart


class Kit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One kit; {kit} in its fields stands for its folder.

    about -- one line for people
    megabytes -- how much is downloaded
    part -- what it is made of, in order
    include -- its folder of headers, from its own ("" for none)
    path -- its folder of programs, as above
    link -- symbolic links that its packages lack, from its folder: path → what it points to
    cmake -- options of a build that uses it
    environment -- for the programs of a build that uses it
    """

    about: str
    megabytes: int
    part: tuple[Part, ...]
    include: str = ""
    path: str = ""
    link: dict[str, str] = {}
    cmake: tuple[str, ...] = ()
    environment: dict[str, str] = {}

    def digest(self) -> str:
        """Give the digest of all that it is made of: a folder made of something else is not this kit."""
        links = (f"{path} -> {target}" for path, target in sorted(self.link.items()))
        return hashlib.sha256("\n".join((*(part.sha256 for part in self.part), *links)).encode()).hexdigest()


def filled(text: str, folder: str) -> str:
    """Put a kit's folder where a field says {kit}."""
    return text.replace(PLACE, folder)


def check(name: str, kit: Kit) -> None:
    """Raise RequestError where a kit is more than packages of known digests in a folder of its own.

    A kit is fetched for somebody who only looks: a requirement that is an option of pip's could name what it runs, and
    a link or a folder could lead out of the kit.
    """
    where = f"kit.{name}"
    if not NAME.fullmatch(name):
        raise RequestError("read", FILE, f"[{where}] is no name of a kit", "use letters, digits, `.`, `_`, `-`")
    for part in kit.part:
        _check_part(where, part)
    for field, path in (("include", kit.include), ("path", kit.path), *(("link", path) for path in kit.link)):
        if path and (wrong := fault(path)):
            raise RequestError("read", FILE, f"{where}.{field} is '{path}', which {wrong}", "give one below the kit")
    for path, target in kit.link.items():
        if not path or leads_out(path, target):
            found = f"{where}.link makes '{path}' of '{target}', which is not in the kit"
            raise RequestError(
                "read", FILE, found, "let it point to a file below the kit's folder, relative to the link"
            )


def leads_out(path: str, target: str) -> bool:
    """Whether a symbolic link, at a path below a folder, points out of the folder by what is written there.

    >>> leads_out("lib/libm.so", "libm.so.6"), leads_out("lib/libm.so", "../../etc"), leads_out("lib", "/etc")
    (False, True, True)
    """
    reached = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
    return not target or target.startswith("/") or reached.split("/")[0] == ".."


def _check_part(where: str, part: Part) -> None:
    if isinstance(part, DebPart):
        field, text, form, is_right = "pool", part.pool, "pool/main/…/NAME_VERSION_ARCH.deb", _POOL
    else:
        field, text, form, is_right = "requirement", part.requirement, "NAME==VERSION", _REQUIREMENT
    if not is_right.fullmatch(text) or (field == "pool" and fault(text)):
        raise RequestError("read", FILE, f"{where}.part.{field} is {text!r}", f"give {form}")
    if not _SHA256.fullmatch(part.sha256):
        found = f"{where}.part.sha256 of '{text}' is '{part.sha256}'"
        raise RequestError("read", FILE, found, "give the 64 hexadecimal digits that `sha256sum` says")
