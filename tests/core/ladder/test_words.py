"""Text as tokens: nothing is lost on the way there and back, and white space is merged by itself."""

from hypothesis import given, strategies as st
from merging import Case

from forkkeeper.core import lines
from forkkeeper.core.ladder import words

TEXT = st.text("ab1_ \t\n(),é\r", max_size=40).map(str.encode)


@given(TEXT)
def test_tokens_are_the_text(text: bytes) -> None:
    """Joined they are the lines again, whatever stands in them, and each but the last says something."""
    found = words.tokens(lines.split(text))
    assert words.lines_of(found) == lines.split(text)
    assert all(token.strip() for token in found[:-1])


@given(TEXT, TEXT)
def test_edits_of_tokens_make_the_other_text(one: bytes, other: bytes) -> None:
    """White space aside, the edits lead from the one to the other."""
    before, after = words.tokens((one,)), words.tokens((other,))
    assert words.bare(lines.apply(before, words.edits(before, after))) == words.bare(after)


def test_names_numbers_and_signs() -> None:
    """A name is a word that does not begin with a digit; letters of any alphabet are part of words."""
    assert words.tokens((b"int  f_1(0x2f);\n",)) == (b"int", b"  f_1", b"(", b"0x2f", b")", b";", b"\n")
    assert [words.is_word(token) for token in (b" a", b"1", "é".encode(), b"(", b"\n")] == [
        True,
        True,
        True,
        False,
        False,
    ]
    assert [words.is_name(token) for token in (b" a", b" 1", b"_1", b"(")] == [True, False, True, False]
    assert words.space(b" \t a") == b" \t "


def test_a_number_is_one_token() -> None:
    """However it is written: no two sides can change parts of it apart; a range has two numbers."""
    for number in (b"1.5f", b"1e-5", b"0x1p-3", b"10.0.0.1", b"v1.2.3-rc1", b"2024-03-05", b"12:30:45", b"1'000'000"):
        assert words.bare(words.tokens((b"x = " + number + b";",))) == (b"x", b"=", number, b";")
        assert words.is_word(number)
    assert words.bare(words.tokens((b"[0..10] + a.b",))) == (
        b"[",
        b"0",
        b".",
        b".",
        b"10",
        b"]",
        b"+",
        b"a",
        b".",
        b"b",
    )


def test_white_space_is_that_of_the_side_that_changed_it() -> None:
    """A token that both sides keep stands as the one of them writes it that writes it anew."""
    seen = words.look(Case("a  = b + c + d\n", "a = b + c - d\n", "a  = e + c + d\n").place)
    assert seen is not None
    made = b"".join(token for piece in seen.pieces for token in getattr(piece, "lines", ()))
    assert made == b"a = e + c - d\n"


def test_a_large_place_is_not_seen() -> None:
    """A place of thousands of tokens is no matter of words."""
    text = "a b c\n" * (words.MOST_TOKENS // 3 + 1)
    assert words.look(Case(text, text.replace("a", "x"), text.replace("b", "y")).place) is None


def test_what_would_take_long_to_compare_is_no_matter_of_words() -> None:
    """Very many tokens, many equal ones, or a very long text: nothing is looked at, and it is known at once."""
    table = ",".join(str(number % 9) for number in range(2900))
    for text in (f"{table}\n", f"{table},{table},{table}\n", f"{'x' * words.MOST_BYTES}\n"):
        assert words.look(Case(f"a {text}", f"b {text}", f"a {text[:-1]}, c\n").place) is None
    assert words.look(Case("a(b, c);\n", "x(b, c);\n", "a(b, d);\n").place) is not None
