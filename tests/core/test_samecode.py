"""Two builds are the same code only if nothing but what they say of themselves differs."""

from forkkeeper.core.samecode import bare, is_same

NOTE = b"\x04\0\0\0\x14\0\0\0\x03\0\0\0GNU\0"


def test_names_and_build_ids_are_no_code() -> None:
    """Folder, pin and digest of one length, and the linker's digest of the rest, are read as the same."""
    one = b"code /sides/12ab/bin " + NOTE + b"A" * 20 + b" pin 77"
    other = b"code /sides/34cd/bin " + NOTE + b"B" * 20 + b" pin 88"
    assert one != other
    assert bare(one, ["12ab", "77"]) == bare(other, ["34cd", "88"])


def test_a_name_in_pieces_is_no_code() -> None:
    """A digest that the compiler cut into registers, in whatever order, is still a digest; other constants are code."""
    one, other = "sha256:" + "0123456789abcdef" * 4, "sha256:" + "fedcba9876543210" * 4
    cut = [slice(0, 16), slice(32, 48), slice(48, 64), slice(16, 32), slice(63, 71)]
    files = [b"#".join(name[part].encode() for part in cut) for name in (one, other)]
    assert files[0] != files[1]
    assert bare(files[0], [one]) == bare(files[1], [other])
    assert bare(files[0] + b"1", [one]) != bare(files[1] + b"2", [other])


def test_another_byte_is_other_code() -> None:
    """One byte elsewhere tells two builds apart, as does a note that is another, or a name that is longer."""
    assert bare(b"code 12ab", ["12ab"]) != bare(b"cide 34cd", ["34cd"])
    assert bare(NOTE.replace(b"GNU", b"NEW") + b"A" * 20, []) != bare(NOTE.replace(b"GNU", b"NEW") + b"B" * 20, [])
    assert bare(b"at 12ab.", ["12ab"]) != bare(b"at 34cde.", ["34cde"])


def test_nothing_is_not_the_same() -> None:
    """Builds of which no file was read are never called the same, nor are those with other files."""
    assert not is_same({}, {})
    assert not is_same({"a": "1"}, {"a": "1", "b": "2"})
    assert is_same({"a": "1"}, {"a": "1"})
