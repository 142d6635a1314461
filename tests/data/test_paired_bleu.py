"""A paired bootstrap tells systems apart that differ, and not those that do not."""

import random

import pytest

from unrolled.base.errors import UsageError
from unrolled.data.bleu import bleu, paired

WORDS = (
    "a",
    "man",
    "woman",
    "dog",
    "rides",
    "runs",
    "over",
    "the",
    "red",
    "grass",
    "bike",
    "with",
    "two",
    ".",
)


def sentences(count=60, seed=0):
    draw = random.Random(seed)
    return [" ".join(draw.choices(WORDS, k=draw.randint(8, 14))) for _ in range(count)]


def damaged(references, share, seed):
    """The references with a share of their words replaced."""
    draw = random.Random(seed)
    return [
        " ".join(draw.choice(WORDS) if draw.random() < share else word for word in line.split())
        for line in references
    ]


REFERENCES = sentences()
GOOD, ALIKE, BAD = (damaged(REFERENCES, share, seed) for share, seed in ((0.2, 1), (0.2, 2), (0.5, 3)))


def test_a_clearly_better_system_is_told_apart_and_one_alike_is_not():
    found = paired({"good": GOOD, "bad": BAD, "alike": ALIKE}, REFERENCES, resamples=200)
    assert found.baseline == bleu(GOOD, REFERENCES).score
    assert found.others["bad"].difference < -10
    assert found.others["bad"].p == pytest.approx(1 / 201, abs=1e-6)
    assert found.others["alike"].score == bleu(ALIKE, REFERENCES).score
    assert found.others["alike"].difference == pytest.approx(
        found.others["alike"].score - found.baseline, abs=1e-5
    )
    assert found.others["alike"].p > 0.1


def test_the_difference_is_to_the_first_system_and_p_knows_no_order():
    one = paired({"good": GOOD, "bad": BAD}, REFERENCES, resamples=100).others["bad"]
    other = paired({"bad": BAD, "good": GOOD}, REFERENCES, resamples=100).others["good"]
    assert (one.difference, one.p) == (-other.difference, other.p)


def test_the_same_sentences_are_never_told_apart():
    found = paired({"good": GOOD, "again": tuple(GOOD)}, REFERENCES, resamples=100).others["again"]
    assert (found.difference, found.p) == (0.0, 1.0)


def test_the_signature_names_test_resamples_and_seed():
    signature = paired({"good": GOOD, "bad": BAD}, REFERENCES, resamples=100).signature
    assert {"bs:100", "seed:12345", "tok:13a"} <= set(signature.split("|"))


@pytest.mark.parametrize(
    ("systems", "message"),
    [
        ({"good": GOOD, "short": BAD[:-1]}, "short: 59 hypotheses and 60 references"),
        ({"long": [*GOOD, "more"], "bad": BAD}, "long: 61 hypotheses and 60 references"),
        ({"good": GOOD}, "1 systems"),
    ],
)
def test_systems_that_cannot_be_compared_are_told(systems, message):
    with pytest.raises(UsageError, match=message):
        paired(systems, REFERENCES)
