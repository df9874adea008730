"""What models said in two builds, compared: bit by bit, and by what the differences mean for predictions.

All is computed in double precision from the raw logits that `native/checks/outputs/` leaves (laid out by logits.cpp).

Sources of the bound for devices whose bits are not demanded:

- NMSE: 5e-4 is what upstream's own tests allow a backend for one product of matrices (`max_nmse_err` of `test_mul_mat`
  in tests/test-backend-ops.cpp), by the same measure: the squared error as a share of the squared numbers.
- The divergence of two predictions whose logits differ by little is half the variance of the difference, to second
  order: KL(softmax(x) | softmax(x + d)) = Var(d)/2 + O(d³), the variance under softmax(x). An error as large as that
  NMSE, no larger on likely tokens than on others, so diverges by half of NMSE times the variance of the logits.
"""

import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np
import numpy.typing as npt

from forkkeeper.core.changes import Change

Logits = npt.NDArray[np.float32]
Numbers = npt.NDArray[np.float64]

MAGIC = b"logits 1"
COUNTS = "<iii"  # tokens of the vocabulary, of the text, and how many were added
NMSE = 5e-4  # no unit; its source is above
MOST_LISTED = 3  # patches named in one sentence


@dataclass(frozen=True, slots=True, eq=False)
class Said:
    """What a model said of a text, and after it.

    text -- number of the first tokens that were given
    tokens -- those, and then what was added: each the likeliest after those before it
    logits -- a row for each token, a column for each token of the vocabulary: what follows it
    """

    text: int
    tokens: tuple[int, ...]
    logits: Logits


@dataclass(frozen=True, slots=True, eq=False)
class Output:
    """All that one build left of one case.

    again -- what it said in a second run; model -- SHA-256 of the model's file
    place -- the line of a log that shows where it ran
    """

    said: Said
    again: Said
    model: str
    place: str


class Likeness(Enum):
    """How two builds' outputs of one case compare; the values are a report's words."""

    IDENTICAL = "bit-identical"
    CLOSE = "within the bound"
    DIFFERENT = "differs"
    MISSING = "missing on one side"


@dataclass(frozen=True, slots=True)
class Figures:
    """What a difference means.

    baseline, fork -- perplexity of each on the text
    divergence -- mean Kullback-Leibler divergence from the baseline's predictions to the fork's, in nats
    nmse -- the squared error of the logits as a share of the baseline's squared logits
    agreement -- share of the rows with the same likeliest token
    allowed -- the divergence that the bound allows

    The rows of the text and those of the added tokens are each measured by themselves, so that neither hides the
    other's error among its own; `nmse`, and `divergence` with `allowed`, are those of the worse.
    """

    baseline: float
    fork: float
    divergence: float
    nmse: float
    agreement: float
    allowed: float

    @property
    def is_small(self) -> bool:
        """Whether the difference is within the bound; what is not a number never is."""
        return self.nmse <= NMSE and self.divergence <= self.allowed


@dataclass(frozen=True, slots=True)
class Compared:
    """One case in both builds.

    because -- where they first differ and by how much, "" where they do not
    figures -- None where nothing could be compared
    steady -- whether each build said the same in its second run
    broken -- what no patch can declare, "" for nothing: the fork's logits are not another answer to the same question
    """

    case: str
    likeness: Likeness
    because: str
    figures: Figures | None
    steady: bool
    broken: str = ""


@dataclass(frozen=True, slots=True)
class Judged:
    """A verdict on one case. said -- in a report's words."""

    green: bool
    said: str


def parse(data: bytes) -> Said:
    """Read the bytes of a file of logits. Raises ValueError when they are not such a file, or not all of one."""
    head = len(MAGIC) + struct.calcsize(COUNTS)
    if not data.startswith(MAGIC) or len(data) < head:
        raise ValueError("is no file of logits")
    vocabulary, text, added = struct.unpack_from(COUNTS, data, len(MAGIC))
    count = text + added
    if vocabulary < 1 or text < 1 or added < 0 or len(data) != head + 4 * count * (1 + vocabulary):
        raise ValueError(f"is cut short, or longer than {count} tokens and rows of {vocabulary} logits take")
    tokens = struct.unpack_from(f"<{count}i", data, head)
    if not all(0 <= token < vocabulary for token in tokens):
        raise ValueError("names tokens that its vocabulary has not")
    return Said(text, tokens, np.frombuffer(data, "<f4", offset=head + 4 * count).reshape(count, vocabulary))


def read(files: Mapping[str, bytes]) -> dict[str, Output]:
    """Read a folder of outputs, by file name; gives them by case.

    Raises ValueError naming the file that is missing or damaged.
    """
    found = {}
    for name in sorted(files):
        case, _, rest = name.partition(".")
        if rest == "json":
            said, again = (_read(files, f"{case}.{each}") for each in ("logits", "again.logits"))
            about = json.loads(files[name])
            found[case] = Output(said, again, about["model"], about["place"])
    return found


def _read(files: Mapping[str, bytes], name: str) -> Said:
    if name not in files:
        raise ValueError(f"{name} is missing")
    try:
        return parse(files[name])
    except ValueError as error:
        raise ValueError(f"{name} {error}") from error


def compare(case: str, baseline: Output | None, fork: Output | None) -> Compared:
    """Compare what two builds said of a case; None for a build that left nothing of it."""
    if baseline is None or fork is None:
        lacks = "the baseline" if baseline is None else "the fork"
        return Compared(case, Likeness.MISSING, f"{lacks} left no output", None, steady=False)
    steady = _is_same(baseline.said, baseline.again) and _is_same(fork.said, fork.again)
    if baseline.said.tokens[: baseline.said.text] != fork.said.tokens[: fork.said.text]:
        because = "the text is made into other tokens"
        return Compared(case, Likeness.DIFFERENT, because, None, steady, broken=because)
    if baseline.said.logits.shape != fork.said.logits.shape:
        shapes = [" × ".join(map(str, one.said.logits.shape)) for one in (baseline, fork)]
        because = f"{shapes[0]} logits before, {shapes[1]} now"
        return Compared(case, Likeness.DIFFERENT, because, None, steady, broken=because)
    figures, broken = measure(baseline.said, fork.said), _newly_infinite(baseline.said, fork.said)
    if baseline.model != fork.model:
        because = f"the model's file is another ({baseline.model[:12]} before, {fork.model[:12]} now)"
        because = f"{because}; {_where(baseline.said, fork.said)}"
        return Compared(case, Likeness.DIFFERENT, because, figures, steady, broken)
    if _is_same(baseline.said, fork.said):
        return Compared(case, Likeness.IDENTICAL, "", figures, steady)
    likeness = Likeness.CLOSE if figures.is_small else Likeness.DIFFERENT
    return Compared(case, likeness, _where(baseline.said, fork.said), figures, steady, broken)


def judge(one: Compared, *, exact: bool, variant: str, changes: Sequence[Change]) -> Judged:
    """Decide whether a case is green.

    exact -- whether bits are demanded of this variant
    changes -- those that all patches declare
    """
    naming = [change for change in changes if change.holds_of(variant) and change.names(one.case)]
    if one.likeness is Likeness.MISSING:
        return Judged(green=False, said=one.because)
    if exact and not one.steady:
        return Judged(green=False, said="a second run says something else, so no bits can be compared")
    return _declared(one, naming, exact=exact) if naming else _undeclared(one, exact=exact)


def _declared(one: Compared, naming: Sequence[Change], *, exact: bool) -> Judged:
    """Judge a case that was compared. naming -- the changes that name it; the size of a difference is not judged."""
    titles = list(dict.fromkeys(change.patch for change in naming))
    who = ", ".join(titles[:MOST_LISTED])
    declares = f"{who} {'declares' if len(titles) == 1 else 'declare'}"
    if one.broken:
        return Judged(green=False, said=f"differs, as {declares}, but in what cannot be declared: {one.broken}")
    if one.likeness is not Likeness.IDENTICAL:
        return Judged(green=True, said=f"differs, as {declares}")
    demanding = [change.patch for change in naming if change.is_demanded(exact=exact)]
    if demanding:
        said = f"declared by {who}, but nothing changed: the patch has lost its effect, or take the trailer out"
        return Judged(green=False, said=said)
    return Judged(green=True, said=f"bit-identical, though {declares} that it may differ")


def _undeclared(one: Compared, *, exact: bool) -> Judged:
    match one.likeness:
        case Likeness.IDENTICAL:
            return Judged(green=True, said=one.likeness.value)
        case Likeness.CLOSE if not exact:
            return Judged(green=True, said=one.likeness.value)
        case Likeness.CLOSE | Likeness.DIFFERENT:
            return Judged(green=False, said="differs, and no patch declares it")
        case Likeness.MISSING:
            return Judged(green=False, said=one.because)


def measure(baseline: Said, fork: Said) -> Figures:
    """Compute what the differences mean; rows are compared as long as both have said the same tokens."""
    shared = _shared(baseline, fork)
    before, after = (one.logits[:shared].astype(np.float64) for one in (baseline, fork))
    said = (_perplexity(baseline), _perplexity(fork))
    if not (np.isfinite(before).all() and np.isfinite(after).all()):
        same = 0.0 if _bits(baseline.logits[:shared], fork.logits[:shared]).all() else np.nan
        return Figures(said[0], said[1], same, same, _agreement(before, after), 0.0)
    parts = [(before[at], after[at]) for at in (slice(baseline.text), slice(baseline.text, shared)) if len(before[at])]
    diverged, allowed = max(((divergence(*part), _allowed(part[0])) for part in parts), key=_beyond)
    return Figures(*said, diverged, max(nmse(*part) for part in parts), _agreement(before, after), allowed)


def _allowed(before: Numbers) -> float:
    """Give the divergence that the bound allows."""
    return NMSE / 2 * float(before.var(axis=1).mean())


def _beyond(found: tuple[float, float]) -> float:
    """Give a divergence as a share of what is allowed."""
    diverged, allowed = found
    if allowed == 0.0:
        return 0.0 if diverged == 0.0 else float("inf")
    return diverged / allowed


def divergence(before: Numbers, after: Numbers) -> float:
    """Give the mean over rows of the Kullback-Leibler divergence from one prediction to another, in nats."""
    first, second = log_softmax(before), log_softmax(after)
    rows = (np.exp(first) * (first - second)).sum(axis=1)
    return max(0.0, float(rows.mean()))  # it is never negative; a rounding may be


def nmse(before: Numbers, after: Numbers) -> float:
    """Give the squared error as a share of the squared numbers before."""
    error, size = float(np.square(after - before).sum()), float(np.square(before).sum())
    if size == 0.0:
        return 0.0 if error == 0.0 else float("inf")
    return error / size


def log_softmax(rows: Numbers) -> Numbers:
    """Give the logarithms of the probabilities that rows of logits stand for."""
    shifted = rows - rows.max(axis=1, keepdims=True)
    result: Numbers = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return result


def _perplexity(said: Said) -> float:
    """Give the perplexity on the text: the size of a die that would have guessed as well."""
    rows = said.logits[: said.text - 1].astype(np.float64)
    if len(rows) == 0 or not np.isfinite(rows).all():
        return float("nan")
    following = list(said.tokens[1 : said.text])
    with np.errstate(over="ignore"):  # infinite is what it is then
        return float(np.exp(-log_softmax(rows)[np.arange(len(rows)), following].mean()))


def _agreement(before: Numbers, after: Numbers) -> float:
    return float((before.argmax(axis=1) == after.argmax(axis=1)).mean())


def _shared(baseline: Said, fork: Said) -> int:
    """Give the number of first tokens that are the same."""
    pairs = zip(baseline.tokens, fork.tokens, strict=True)
    return next((at for at, (one, other) in enumerate(pairs) if one != other), len(baseline.tokens))


def _bits(one: Logits, other: Logits) -> npt.NDArray[np.bool_]:
    """Compare numbers as bits: 0 and −0 are two, and what is not a number may be the same."""
    result: npt.NDArray[np.bool_] = one.view("<u4") == other.view("<u4")
    return result


def _is_same(one: Said, other: Said) -> bool:
    return (
        (one.text, one.tokens) == (other.text, other.tokens)
        and one.logits.shape == other.logits.shape
        and bool(_bits(one.logits, other.logits).all())
    )


def _newly_infinite(baseline: Said, fork: Said) -> str:
    """Say that logits of the same shape are infinite or no numbers where they were finite before; "" where none is."""
    lost = np.isfinite(baseline.logits) & ~np.isfinite(fork.logits)
    if not lost.any():
        return ""
    row, token = (int(one[0]) for one in np.nonzero(lost))
    return f"{int(lost.sum()):,} logits are finite before and not now, first {_place(row, baseline)}, logit {token}"


def _where(baseline: Said, fork: Said) -> str:
    """Say where two outputs first differ, and by how much in all."""
    shared = _shared(baseline, fork)
    before, after = baseline.logits[:shared], fork.logits[:shared]
    same = _bits(before, after)
    said = []
    if same.all():
        said.append("all that both computed is bit-identical")
    else:
        row, token = (int(one[0]) for one in np.nonzero(~same))
        with np.errstate(invalid="ignore"):  # infinite before and now
            most = float(np.abs(after.astype(np.float64) - before.astype(np.float64)).max())
        said.append(
            f"first {_place(row, baseline)}, logit {token}: {float(before[row, token]):.9g} before, "
            f"{float(after[row, token]):.9g} now; {int((~same).sum()):,} of {same.size:,} logits differ, "
            f"by {most:.2g} at most"
        )
    if shared < len(baseline.tokens):
        said.append(f"it goes on otherwise {_place(shared, baseline)}")
    return "; ".join(said)


def _place(row: int, said: Said) -> str:
    """Name a token's place.

    >>> said = Said(4, (0, 1, 2, 3, 4, 5), np.zeros((6, 8), np.float32))
    >>> _place(3, said), _place(4, said)
    ('at token 4 of the text', 'at added token 1')
    """
    return f"at token {row + 1} of the text" if row < said.text else f"at added token {row + 1 - said.text}"
