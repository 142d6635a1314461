"""BLEU as sacreBLEU computes it, with the signature that makes the number comparable."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from unrolled.base.errors import UsageError


class Bleu(NamedTuple):
    """A corpus's BLEU in percent, and sacreBLEU's signature: without it the number says little."""

    score: float
    signature: str
    margin: float | None = None  # half the width of the 95 % bootstrap interval


def bleu(hypotheses: Sequence[str], references: Sequence[str], *, resamples: int = 0) -> Bleu:
    """The corpus BLEU of plain sentences, cased and cut into words by sacreBLEU (13a).

    *Paper*: papineni2002bleu.

    *Options*: with ``resamples`` drawn from the sentences (sacreBLEU's own generator, seed 12345) it has a
    margin too; it takes about a millisecond a resample for a thousand sentences.

    Raises:
        UsageError: if there are not as many references as hypotheses.

    >>> bleu(["a man rides a red bike ."], ["a man rides a red bike ."]).score
    100.0
    """
    from sacrebleu.metrics import BLEU

    if len(hypotheses) != len(references):
        raise UsageError(f"{len(hypotheses)} hypotheses and {len(references)} references")
    metric = BLEU()
    found = metric.corpus_score(list(hypotheses), [list(references)], n_bootstrap=max(resamples, 1))
    margin = round(found._ci, 6) if resamples > 1 else None
    return Bleu(round(found.score, 6), metric.get_signature().format(), margin)


class Against(NamedTuple):
    """A system held against the baseline on the same sentences."""

    score: float  # its BLEU in percent
    difference: float  # its score less the baseline's
    p: float  # of so large a difference, of either sign, where neither is better


class Paired(NamedTuple):
    """The first of several systems, and the others held against it."""

    baseline: float  # its BLEU in percent
    others: dict[str, Against]
    signature: str


def paired(
    systems: Mapping[str, Sequence[str]], references: Sequence[str], *, resamples: int = 1000
) -> Paired:
    """Whether systems differ, by a paired bootstrap: every resample draws the same sentences for both.

    Two systems whose own intervals overlap may yet be told apart, since both find the same sentences hard.
    It is `sacrebleu.significance.PairedTest` with its own seed, 12345; the smallest p is one over
    ``resamples`` + 1.

    *Paper*: koehn2004statistical.

    *Departures*: systems that write the very same sentences have p 1. sacreBLEU counts the resamples whose
    difference exceeds the one observed, and would give them its smallest p.

    Args:
        systems: what each wrote, by name; the first is the baseline.
        references: the sentences that all are held to.

    Raises:
        UsageError: if there are fewer than two systems, or one has not as many sentences as there are
            references.

    >>> references = ["a man rides a red bike .", "two dogs run over the grass ."]
    >>> found = paired({"all": references, "half": [references[0], "two cats"]}, references, resamples=100)
    >>> found.baseline, found.others["half"].difference < 0
    (100.0, True)
    """
    from sacrebleu.metrics import BLEU
    from sacrebleu.significance import PairedTest

    if len(systems) < 2:
        raise UsageError(f"{len(systems)} systems; a comparison needs two")
    for name, hypotheses in systems.items():
        if len(hypotheses) != len(references):
            raise UsageError(f"{name}: {len(hypotheses)} hypotheses and {len(references)} references")
    named = [(name, list(hypotheses)) for name, hypotheses in systems.items()]
    test = PairedTest(named, {"BLEU": BLEU()}, [list(references)], test_type="bs", n_samples=resamples)
    signatures, table = test()
    baseline, *results = table["BLEU"]
    others = {}
    for (name, hypotheses), found in zip(named[1:], results, strict=True):
        p = 1.0 if hypotheses == named[0][1] else found.p_value
        others[name] = Against(round(found.score, 6), round(found.score - baseline.score, 6), round(p, 6))
    return Paired(round(baseline.score, 6), others, signatures["BLEU"].format())
