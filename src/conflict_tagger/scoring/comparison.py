"""Whether one system is better than another on the same documents."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from conflict_tagger.scoring.counts import MATCHES, Floats, MatchCounts
from conflict_tagger.scoring.intervals import LEVEL, resampled
from conflict_tagger.scoring.spans import MEASURES, averages, measures

SAMPLES = 10_000
F1 = MEASURES.index("f1")


@dataclass(frozen=True, slots=True)
class Comparison:
    """How much better system A is than system B.

    Attributes:
        difference: F1 of A less F1 of B on all documents.
        interval: low and high of that over bootstrap samples of the documents.
        bootstrap_p: two-sided, of the paired bootstrap.
        randomisation_p: two-sided, of approximate randomisation.
    """

    difference: float
    interval: tuple[float, float]
    bootstrap_p: float
    randomisation_p: float


def compare(
    a: MatchCounts,
    b: MatchCounts,
    match: str = "strict",
    label: str | None = None,
    samples: int = SAMPLES,
    seed: int = 0,
) -> Comparison:
    """Compare F1 of two systems on the same documents.

    The paired bootstrap asks how often a resample's difference lies as far from the observed one
    as zero does (Berg-Kirkpatrick et al. 2012); approximate randomisation how often a difference
    as large comes about when each document's two outputs change sides by the toss of a coin
    (Noreen 1989; Yeh 2000). Both count the observed outcome itself, so that no p is 0.

    Args:
        a: counts of one system.
        b: counts of the other, on the same documents.
        match: one of MATCHES.
        label: compare this label's F1; by default micro F1 over all.
        samples: how many to draw for each test.
        seed: of the draws.

    Raises:
        ValueError: they were counted on different gold spans.
    """
    if a.labels != b.labels or not np.array_equal(a.support, b.support):
        raise ValueError("the two systems were not scored on the same gold spans")
    observed = _f1(a, match, label) - _f1(b, match, label)
    drawn = np.concatenate([
        _f1(a, match, label, weights) - _f1(b, match, label, weights)
        for weights in resampled(len(a), samples, seed)
    ])  # fmt: skip
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail])
    difference = float(observed[0])
    return Comparison(
        difference=difference,
        interval=(float(low), float(high)),
        bootstrap_p=_share(drawn - difference, difference),
        randomisation_p=_share(_randomised(a, b, match, label, samples, seed), difference),
    )


def _f1(
    counts: MatchCounts, match: str, label: str | None, weights: np.ndarray | None = None
) -> Floats:
    scores = averages(counts, match, weights)
    values: Floats = scores["micro"] if label is None else scores["per_label"][label]
    return values[:, F1]


def _share(drawn: Floats, difference: float) -> float:
    """The share of differences under the null hypothesis that are as large as the observed one."""
    # Sums in another order may differ in the last bits from an equal difference.
    as_large = int((np.abs(drawn) >= abs(difference) - 1e-12).sum())
    return (as_large + 1) / (len(drawn) + 1)


def _randomised(
    a: MatchCounts, b: MatchCounts, match: str, label: str | None, samples: int, seed: int
) -> Floats:
    """Differences in F1 when documents' outputs change sides at random, shape (samples,)."""
    index = MATCHES.index(match)
    columns = slice(None) if label is None else [a.labels.names.index(label)]

    def sums(counts: MatchCounts) -> Floats:
        parts = (counts.predicted, counts.right[index], counts.found[index])
        return np.stack([part[:, columns].sum(axis=1) for part in parts]).astype(np.float64)

    support = int(a.support[:, columns].sum())
    of_a, of_b = sums(a), sums(b)  # (3, documents) each
    generator = np.random.default_rng([seed, 1])
    differences = []
    for start in range(0, samples, 1000):
        size = (min(1000, samples - start), len(a))
        swapped = generator.integers(2, size=size).astype(np.float64)
        moved = swapped @ (of_b - of_a).T  # what the swaps carry from B to A, (samples, 3)
        scores = [
            measures(total[:, 0], total[:, 1], np.full(len(total), support), total[:, 2])[:, F1]
            for total in (of_a.sum(axis=1) + moved, of_b.sum(axis=1) - moved)
        ]
        differences.append(scores[0] - scores[1])
    return np.concatenate(differences)
