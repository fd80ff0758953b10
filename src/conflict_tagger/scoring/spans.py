"""Precision, recall and F1 of spans, per label, micro and macro."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from conflict_tagger.documents import Document, LabelSet, Span
from conflict_tagger.scoring.counts import MATCHES, Floats, Ints, MatchCounts, count_matches

MEASURES = ("precision", "recall", "f1")


def measures(predicted: Ints, right: Ints, support: Ints, found: Ints) -> Floats:
    """Precision, recall and F1, 0 where nothing was predicted or nothing was there.

    Args:
        predicted: predicted spans, of any shape.
        right: those of them that are right, of the same shape.
        support: gold spans, of the same shape.
        found: those of them that were found, of the same shape.

    Returns:
        Shape (..., 3), in the order of MEASURES.
    """
    precision = right / np.maximum(predicted, 1)
    recall = found / np.maximum(support, 1)
    total = precision + recall
    f1 = 2 * precision * recall / np.where(total > 0, total, 1)
    return np.stack([precision, recall, f1], axis=-1)


def averages(counts: MatchCounts, match: str, weights: Ints | None = None) -> dict[str, Any]:
    """Scores of samples of the units (documents or paragraphs): micro, macro and per label.

    Micro pools the spans of all labels; macro is the plain mean over the labels that have a gold
    or a predicted span in the sample, as seqeval computes it.

    Args:
        counts: of all units.
        match: one of MATCHES.
        weights: how often each sample holds each unit, shape (samples, units); by default one
            sample that holds each once.

    Returns:
        `micro`, `macro` and `per_label.<LABEL>`, each of shape (samples, 3) as MEASURES say.
    """
    if weights is None:
        weights = np.ones((1, len(counts)), np.int64)
    index = MATCHES.index(match)
    parts = (counts.predicted, counts.right[index], counts.support, counts.found[index])
    # Products of whole numbers in float64 are exact up to 2^53, and far faster than in int64.
    times = weights.astype(np.float64)
    sums = [(times @ part.astype(np.float64)).astype(np.int64) for part in parts]
    per_label = measures(*sums)  # (samples, labels, 3)
    present = ((sums[0] + sums[2]) > 0)[..., None]
    macro = (per_label * present).sum(axis=1) / np.maximum(present.sum(axis=1), 1)
    micro = measures(*[part.sum(axis=1) for part in sums])
    labels = {label: per_label[:, number] for number, label in enumerate(counts.labels)}
    return {"micro": micro, "macro": macro, "per_label": labels}


def score_spans(
    gold: Sequence[Sequence[Span]], predicted: Sequence[Sequence[Span]], labels: LabelSet
) -> dict[str, Any]:
    """Score predicted spans against gold spans, document by document.

    Args:
        gold: the gold spans of each document.
        predicted: the predicted spans of the same documents, in the same order.
        labels: the labels to score.

    Returns:
        What `summarize` returns, and the number of `documents`.

    Raises:
        ValueError: the two sides differ in length.
        InputError: a span with an unknown label, or one that overlaps another of its side.
    """
    return {**summarize(count_matches(gold, predicted, labels)), "documents": len(gold)}


def summarize(counts: MatchCounts) -> dict[str, Any]:
    """The scores of all units together.

    Returns:
        `{strict, last_word, overlap}.{micro, macro, per_label.<LABEL>}` with `{precision, recall,
        f1, support}` each.
    """
    supports = dict(zip(counts.labels, counts.support.sum(axis=0).tolist(), strict=True))

    def row(values: Floats, support: int) -> dict[str, float | int]:
        return {**dict(zip(MEASURES, values[0].tolist(), strict=True)), "support": support}

    scores: dict[str, Any] = {}
    for match in MATCHES:
        found = averages(counts, match)
        scores[match] = {
            **{name: row(found[name], sum(supports.values())) for name in ("micro", "macro")},
            "per_label": {name: row(found["per_label"][name], supports[name]) for name in supports},
        }
    return scores


def score_documents(
    gold: Sequence[Document], predicted: Sequence[Document], labels: LabelSet
) -> dict[str, Any]:
    """Score whole documents with the `evaluate` metric inside this package.

    Returns what `score_spans` returns.

    Raises:
        ValueError: the two sides are not the same texts in the same order.
    """
    if [document.text for document in gold] != [document.text for document in predicted]:
        raise ValueError("gold and predicted documents are not the same texts in the same order")
    result: dict[str, Any] = load_metric().compute(
        predictions=[_plain(document) for document in predicted],
        references=[_plain(document) for document in gold],
        labels=list(labels),
    )
    return result


def load_metric() -> Any:
    """The metric `span_scores` of the `evaluate` library, loaded from this package's folder."""
    import evaluate

    return evaluate.load(str(Path(__file__).parent / "span_scores"), keep_in_memory=True)


def _plain(document: Document) -> dict[str, Any]:
    return {"spans": [{"label": s.label, "start": s.start, "end": s.end} for s in document.spans]}
