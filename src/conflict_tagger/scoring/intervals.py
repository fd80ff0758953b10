"""How sure a score is: bootstrap intervals over documents or paragraphs, and over seeds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from statistics import mean, stdev
from typing import Any

import numpy as np

from conflict_tagger.scoring.counts import MATCHES, Floats, Ints, MatchCounts
from conflict_tagger.scoring.spans import MEASURES, averages

RESAMPLES = 1000
LEVEL = 0.95
FEW = 20  # documents; of fewer, paragraphs are resampled
BLOCK = 2**24  # weights held in memory at once


def resampled(units: int, resamples: int, seed: int) -> Iterator[Ints]:
    """How often each unit is drawn in each resample, in blocks of shape (some, units).

    The same arguments give the same draws, so that two systems are compared on the same samples.
    """
    generator = np.random.default_rng(seed)
    rows = max(1, BLOCK // max(units, 1))
    for start in range(0, resamples, rows):
        shape = (min(rows, resamples - start), units)
        draws = generator.integers(units, size=shape) if units else np.zeros(shape, int)
        offsets = np.arange(shape[0])[:, None] * units
        counts = np.bincount((draws + offsets).ravel(), minlength=shape[0] * shape[1])
        yield counts.reshape(shape)


def resampled_scores(
    counts: MatchCounts, match: str, resamples: int = RESAMPLES, seed: int = 0
) -> dict[str, Any]:
    """Scores of bootstrap samples of the units, shaped as `averages` returns them."""
    blocks = [
        averages(counts, match, weights) for weights in resampled(len(counts), resamples, seed)
    ]
    return {
        "micro": np.concatenate([block["micro"] for block in blocks]),
        "macro": np.concatenate([block["macro"] for block in blocks]),
        "per_label": {
            label: np.concatenate([block["per_label"][label] for block in blocks])
            for label in counts.labels
        },
    }


def bootstrap_intervals(
    counts: MatchCounts, resamples: int = RESAMPLES, seed: int = 0, level: float = LEVEL
) -> dict[str, Any]:
    """Percentile intervals of every score over bootstrap samples of the units.

    Documents or paragraphs are drawn, not spans: the spans of one are not independent of each
    other (Efron and Tibshirani 1993, chapter 13; Berg-Kirkpatrick et al. 2012 for NLP).

    Args:
        counts: of all units.
        resamples: how many samples to draw.
        seed: of the draws.
        level: the share of samples inside an interval.

    Returns:
        `{strict, last_word, overlap}.{micro, macro, per_label.<LABEL>}.{precision, recall, f1}`
        with `[low, high]` each.
    """
    result: dict[str, Any] = {}
    for match in MATCHES:
        scores = resampled_scores(counts, match, resamples, seed)
        result[match] = {
            **{name: _interval(scores[name], level) for name in ("micro", "macro")},
            "per_label": {
                label: _interval(values, level) for label, values in scores["per_label"].items()
            },
        }
    return result


def _interval(samples: Floats, level: float) -> dict[str, list[float]]:
    """Low and high of each measure over samples of shape (samples, 3)."""
    tail = (1 - level) / 2
    low, high = np.quantile(samples, [tail, 1 - tail], axis=0)
    return {name: [float(low[number]), float(high[number])] for number, name in enumerate(MEASURES)}


def seed_interval(values: Sequence[float], level: float = LEVEL) -> dict[str, Any]:
    """Mean, standard deviation and Student's t interval of the mean over seeds.

    Returns:
        `mean`, `sd` and `interval` ([low, high]); the last two are None for a single seed.

    Raises:
        ValueError: there are no values.
    """
    if not values:
        raise ValueError("no values")
    if len(values) < 2:
        return {"mean": values[0], "sd": None, "interval": None}
    from scipy.stats import t

    centre, spread = mean(values), stdev(values)
    half = float(t.ppf((1 + level) / 2, len(values) - 1)) * spread / len(values) ** 0.5
    return {"mean": centre, "sd": spread, "interval": [centre - half, centre + half]}


def difference_interval(
    first: Mapping[str, Any], second: Mapping[str, Any], counts: tuple[int, int]
) -> list[float] | None:
    """Welch's 95% interval of the difference of two means over seeds (Welch 1947).

    Args:
        first: `mean` and `sd` as `seed_interval` returns them; the one to subtract from.
        second: The same of what is subtracted.
        counts: How many seeds each rests on.

    Returns:
        [low, high], or None where one of them is a single seed or neither has any spread.
    """
    if min(counts) < 2 or not (first["sd"] or second["sd"]):
        return None
    from scipy.stats import t

    parts = [value["sd"] ** 2 / n for value, n in zip((first, second), counts, strict=True)]
    freedom = sum(parts) ** 2 / sum(x**2 / (n - 1) for x, n in zip(parts, counts, strict=True))
    half = float(t.ppf((1 + LEVEL) / 2, freedom)) * sum(parts) ** 0.5
    difference = first["mean"] - second["mean"]
    return [difference - half, difference + half]
