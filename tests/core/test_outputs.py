"""Two builds' logits compared: laws over any numbers, and what is said where they differ."""

import struct

import numpy as np
import pytest
from hypothesis import given, strategies as st
from hypothesis.extra import numpy as arrays

from forkkeeper.core import changes, outputs
from forkkeeper.core.outputs import Likeness, Output, Said

TEXT, ADDED, VOCABULARY = 3, 2, 4
TOKENS = (0, 1, 2, 3, 1)
ROWS = arrays.arrays(
    np.float32, (TEXT + ADDED, VOCABULARY), elements=st.floats(-50, 50, width=32, allow_subnormal=True)
)


def written(rows: outputs.Logits, tokens: tuple[int, ...] = TOKENS) -> bytes:
    """Lay logits out as the check does."""
    counts = struct.pack("<iii", rows.shape[1], TEXT, len(tokens) - TEXT)
    return outputs.MAGIC + counts + struct.pack(f"<{len(tokens)}i", *tokens) + rows.astype("<f4").tobytes()


def output(rows: outputs.Logits, tokens: tuple[int, ...] = TOKENS, *, model: str = "a") -> Output:
    """Make an output that repeats itself."""
    said = outputs.parse(written(rows, tokens))
    return Output(said, said, model, "CPU")


def flipped(rows: outputs.Logits, row: int, column: int, bit: int) -> outputs.Logits:
    """Give the same logits with one bit turned over."""
    bits = rows.copy().view(np.uint32)
    bits[row, column] ^= np.uint32(1 << bit)
    return bits.view(np.float32)


@given(ROWS)
def test_the_same_bytes_are_bit_identical(rows: outputs.Logits) -> None:
    """Whatever the numbers are: nothing differs, nothing diverges, and the perplexities are one."""
    one = outputs.compare("x", output(rows), output(rows.copy()))
    assert one.likeness is Likeness.IDENTICAL
    assert one.because == ""
    assert one.figures is not None
    assert (one.figures.divergence, one.figures.nmse, one.figures.agreement) == (0.0, 0.0, 1.0)
    assert one.figures.baseline == one.figures.fork


@given(ROWS, st.integers(0, TEXT + ADDED - 1), st.integers(0, VOCABULARY - 1), st.integers(0, 31))
def test_one_flipped_bit_differs_and_is_located(rows: outputs.Logits, row: int, column: int, bit: int) -> None:
    """Any bit of any logit, the sign of a zero too: it is seen, at its token, and red where bits count."""
    one = outputs.compare("x", output(rows), output(flipped(rows, row, column, bit)))
    assert one.likeness in {Likeness.CLOSE, Likeness.DIFFERENT}
    place = f"at token {row + 1} of the text" if row < TEXT else f"at added token {row - TEXT + 1}"
    assert one.because.startswith(f"first {place}, logit {column}: ")
    assert "; 1 of 20 logits differ" in one.because
    assert not outputs.judge(one, exact=True, variant="cpu", changes=()).green


@given(ROWS, ROWS)
def test_a_divergence_is_never_negative(before: outputs.Logits, after: outputs.Logits) -> None:
    """It is a divergence; and zero of a prediction from itself, also with a number added to all logits."""
    one, other = before.astype(np.float64), after.astype(np.float64)
    assert outputs.divergence(one, other) >= 0
    assert outputs.divergence(one, one + 3.0) == pytest.approx(0, abs=1e-12)


@given(st.integers(0, 2**32 - 1))
def test_a_small_error_diverges_by_half_its_variance(seed: int) -> None:
    """The bound's source holds: an error spread evenly over a large vocabulary diverges by NMSE times variance / 2."""
    rng = np.random.default_rng(seed)
    before = rng.normal(0, 1.3, (64, 4096))
    error = rng.normal(0, 1.3 * np.sqrt(outputs.NMSE), before.shape)
    found = outputs.divergence(before, before + error)
    assert found == pytest.approx(outputs.NMSE / 2 * before.var(), rel=0.1)


def test_an_error_at_the_bound_is_close_and_one_beyond_it_differs() -> None:
    """Where bits are not demanded the bound decides."""
    rng = np.random.default_rng(1)
    rows = rng.normal(0, 1, (TEXT + ADDED, VOCABULARY)).astype(np.float32)
    for share, likeness in ((0.01, Likeness.CLOSE), (2.0, Likeness.DIFFERENT)):
        error = rng.normal(0, np.sqrt(share * outputs.NMSE), rows.shape).astype(np.float32)
        one = outputs.compare("x", output(rows), output(rows + error))
        assert one.likeness is likeness, one.figures
        verdict = outputs.judge(one, exact=False, variant="gpu", changes=())
        assert verdict.green is (likeness is Likeness.CLOSE)


@given(st.integers(0, 2**32 - 1), st.sampled_from([slice(TEXT), slice(TEXT, None)]))
def test_an_error_in_one_part_is_not_hidden_by_the_other(seed: int, part: slice) -> None:
    """Half more than the bound in the rows of the text alone, or in those of the added tokens alone, is beyond it."""
    rows = np.random.default_rng(seed).normal(0, 1, (TEXT + ADDED, VOCABULARY)).astype(np.float32)
    other = rows.copy()
    other[part] *= 1 + np.sqrt(1.5 * outputs.NMSE)
    one = outputs.compare("x", output(rows), output(other))
    assert one.likeness is Likeness.DIFFERENT
    assert one.figures is not None
    assert one.figures.nmse == pytest.approx(1.5 * outputs.NMSE, rel=0.01)
    assert not outputs.judge(one, exact=False, variant="gpu", changes=()).green


def test_a_divergence_in_the_added_rows_alone_is_beyond_its_bound() -> None:
    """Its NMSE is small, as it is on likely tokens, and among the rows of the text its divergence would be, too."""
    rows = np.zeros((TEXT + ADDED, VOCABULARY), np.float32)
    rows[:TEXT, 0] = 40  # nothing else is likely, so that the text's rows allow much and diverge by nothing
    rows[TEXT:, :2] = 8
    other = rows.copy()
    other[TEXT:, 0] += 0.22
    one = outputs.compare("x", output(rows), output(other))
    assert one.figures is not None
    assert one.figures.nmse < outputs.NMSE
    assert one.figures.divergence == pytest.approx(0.22**2 / 8, rel=0.01)
    assert one.likeness is Likeness.DIFFERENT


def test_what_is_not_a_number_is_only_equal_to_its_bits() -> None:
    """The same NaN on both sides is bit-identical; a new one is never within the bound."""
    rows = np.ones((TEXT + ADDED, VOCABULARY), np.float32)
    broken = rows.copy()
    broken[1, 2] = np.nan
    assert outputs.compare("x", output(broken), output(broken.copy())).likeness is Likeness.IDENTICAL
    assert outputs.compare("x", output(rows), output(broken)).likeness is Likeness.DIFFERENT


def test_another_continuation_is_said_and_only_what_both_computed_is_compared() -> None:
    """Rows after the first other token follow other texts: they are left out, and where they part is said."""
    rows = np.ones((TEXT + ADDED, VOCABULARY), np.float32)
    other = rows.copy()
    other[4] = 7
    one = outputs.compare("x", output(rows), output(other, (0, 1, 2, 3, 2)))
    assert one.likeness is Likeness.CLOSE
    assert one.because == "all that both computed is bit-identical; it goes on otherwise at added token 2"


def test_a_case_of_one_side_is_never_green() -> None:
    """Neither where bits are demanded nor elsewhere, declared or not."""
    rows = np.ones((TEXT + ADDED, VOCABULARY), np.float32)
    one = outputs.compare("x", output(rows), None)
    assert (one.likeness, one.because) == (Likeness.MISSING, "the fork left no output")
    declared = changes.parse("p", "x [why]")
    assert not any(outputs.judge(one, exact=exact, variant="cpu", changes=declared).green for exact in (True, False))


def test_another_model_differs_whatever_it_says() -> None:
    """A quantiser that makes other bytes is a difference, also where no device need be exact."""
    rows = np.ones((TEXT + ADDED, VOCABULARY), np.float32)
    one = outputs.compare("x", output(rows), output(rows, model="b"))
    assert one.likeness is Likeness.DIFFERENT
    assert one.because.startswith("the model's file is another (a before, b now)")


def test_a_device_that_does_not_repeat_itself_cannot_be_held_to_bits() -> None:
    """A second run that differs is red where bits are demanded, and noise elsewhere."""
    rows = np.ones((TEXT + ADDED, VOCABULARY), np.float32)
    said, again = (outputs.parse(written(one)) for one in (rows, flipped(rows, 0, 0, 0)))
    noisy = Output(said, again, "a", "GPU")
    one = outputs.compare("x", noisy, output(rows))
    assert not one.steady
    verdict = outputs.judge(one, exact=True, variant="cpu", changes=())
    assert (verdict.green, verdict.said) == (False, "a second run says something else, so no bits can be compared")
    assert outputs.judge(one, exact=False, variant="gpu", changes=()).green


DIFFERS = outputs.compare(
    "llama-BF16",
    output(np.ones((TEXT + ADDED, VOCABULARY), np.float32)),
    output(flipped(np.ones((TEXT + ADDED, VOCABULARY), np.float32), 0, 0, 0)),
)
SAME = outputs.compare(
    "llama-BF16",
    output(np.ones((TEXT + ADDED, VOCABULARY), np.float32)),
    output(np.ones((TEXT + ADDED, VOCABULARY), np.float32)),
)


@pytest.mark.parametrize(
    ("one", "trailer", "exact", "green", "said"),
    [
        (DIFFERS, "*-BF16 [why]", True, True, "differs, as p declares"),
        (DIFFERS, "cpu:*-BF16 [why]", True, True, "differs, as p declares"),
        (DIFFERS, "gpu:*-BF16 [why]", True, False, "differs, and no patch declares it"),
        (DIFFERS, "*-F32 [why]", True, False, "differs, and no patch declares it"),
        (SAME, "*-BF16 [why]", True, False, "declared by p, but nothing changed: the patch has lost its effect"),
        (SAME, "*-BF16 [why]", False, True, "bit-identical, though p declares that it may differ"),
        (SAME, "cpu:*-BF16 [why]", False, False, "declared by p, but nothing changed"),
        (SAME, "*-F32 [why]", True, True, "bit-identical"),
    ],
)
def test_a_declared_difference_is_there_and_nowhere_else(
    one: outputs.Compared, trailer: str, exact: bool, green: bool, said: str
) -> None:
    """Declared and there is green, declared and absent is red, undeclared is red; the patch is named."""
    verdict = outputs.judge(one, exact=exact, variant="cpu", changes=changes.parse("p", trailer))
    assert verdict.green is green
    assert verdict.said.startswith(said)


ONES = np.ones((TEXT + ADDED, VOCABULARY), np.float32)
NAN, INFINITE = ONES.copy(), ONES.copy()
NAN[1, 2], INFINITE[4, 0] = np.nan, np.inf


@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize(
    ("fork", "said"),
    [
        (output(NAN), "1 logits are finite before and not now, first at token 2 of the text, logit 2"),
        (output(INFINITE), "1 logits are finite before and not now, first at added token 2, logit 0"),
        (output(INFINITE, (0, 1, 2, 3, 2)), "1 logits are finite before and not now, first at added token 2, logit 0"),
        (output(NAN, model="b"), "1 logits are finite before and not now, first at token 2 of the text, logit 2"),
        (output(ONES[:, :3], (0, 1, 2, 2, 1)), "5 × 4 logits before, 5 × 3 now"),
        (output(ONES[:4], TOKENS[:4]), "5 × 4 logits before, 4 × 4 now"),
        (output(ONES, (0, 2, 2, 3, 1)), "the text is made into other tokens"),
    ],
)
def test_no_patch_can_declare_that_logits_break(fork: Output, said: str, *, exact: bool) -> None:
    """What is no number now, logits of another shape and other tokens of the text stay red, and say why."""
    one = outputs.compare("x", output(ONES), fork)
    verdict = outputs.judge(one, exact=exact, variant="cpu", changes=changes.parse("p", "x [why]"))
    assert (verdict.green, verdict.said) == (
        False,
        f"differs, as p declares, but in what cannot be declared: {said}",
    )


def test_what_was_no_number_before_may_be_declared() -> None:
    """A patch that makes numbers of it mends it."""
    one = outputs.compare("x", output(NAN), output(ONES))
    assert outputs.judge(one, exact=True, variant="cpu", changes=changes.parse("p", "x [why]")).green


@pytest.mark.parametrize("cut", [0, 7, 19, 40, -1])
def test_a_file_that_is_cut_short_is_refused(cut: int) -> None:
    """Nothing that is missing is taken for a number."""
    data = written(np.ones((TEXT + ADDED, VOCABULARY), np.float32))
    with pytest.raises(ValueError, match=r"is cut short|is no file of logits"):
        outputs.parse(data[:cut])


def test_a_folder_is_read_by_case() -> None:
    """Both runs and what is known of the model belong to a case; a file that is missing is named."""
    data = written(np.ones((TEXT + ADDED, VOCABULARY), np.float32))
    files = {"a-F32.logits": data, "a-F32.again.logits": data, "a-F32.json": b'{"model": "m", "place": "CPU"}'}
    found = outputs.read(files)
    assert list(found) == ["a-F32"]
    assert isinstance(found["a-F32"].again, Said)
    del files["a-F32.again.logits"]
    with pytest.raises(ValueError, match=r"a-F32\.again\.logits is missing"):
        outputs.read(files)
