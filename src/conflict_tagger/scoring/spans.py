"""Strict and overlap precision, recall and F1 of spans, per label, micro and macro."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

from conflict_tagger.documents import Document, LabelSet, Span, check_spans

MATCHES = ("strict", "overlap")


@dataclass(slots=True)
class Counts:
    """What precision and recall are made of.

    Attributes:
        predicted: predicted spans.
        predicted_right: those of them that match a gold span.
        support: gold spans.
        found: those of them that a predicted span matches.
    """

    predicted: int = 0
    predicted_right: int = 0
    support: int = 0
    found: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.predicted + other.predicted,
            self.predicted_right + other.predicted_right,
            self.support + other.support,
            self.found + other.found,
        )

    def scores(self) -> dict[str, float | int]:
        """Precision, recall and F1 (0 where nothing was predicted or nothing was there)."""
        precision = self.predicted_right / self.predicted if self.predicted else 0.0
        recall = self.found / self.support if self.support else 0.0
        total = precision + recall
        f1 = 2 * precision * recall / total if total else 0.0
        return {"precision": precision, "recall": recall, "f1": f1, "support": self.support}


def _matched(spans: Sequence[Span], others: Sequence[Span], match: str) -> int:
    """How many spans match one of the others, all of one label."""
    if match == "strict":
        edges = {(other.start, other.end) for other in others}
        return sum((span.start, span.end) in edges for span in spans)
    others = sorted(others, key=lambda span: span.start)
    starts = [other.start for other in others]
    # The farthest end among the first k others: one of them reaches past `start` or none does.
    reach = list(accumulate((other.end for other in others), max, initial=-1))
    return sum(reach[bisect_left(starts, span.end)] > span.start for span in spans)


def count_matches(gold: Sequence[Span], predicted: Sequence[Span], match: str) -> Counts:
    """Compare the spans of one label in one document.

    `strict` wants the same edges; `overlap` one shared character, and then one span may match
    several of the other side, so precision counts predicted spans and recall gold spans.
    """
    return Counts(
        predicted=len(predicted),
        predicted_right=_matched(predicted, gold, match),
        support=len(gold),
        found=_matched(gold, predicted, match),
    )


def score_spans(
    gold: Sequence[Sequence[Span]], predicted: Sequence[Sequence[Span]], labels: LabelSet
) -> dict[str, Any]:
    """Score predicted spans against gold spans, document by document.

    Args:
        gold: the gold spans of each document.
        predicted: the predicted spans of the same documents, in the same order.
        labels: the labels to score.

    Returns:
        `{strict, overlap}.{micro, macro, per_label.<LABEL>}.{precision, recall, f1, support}`
        and `documents`. Micro pools the spans of all labels; macro is the plain mean over the
        labels that have a gold or a predicted span, as seqeval computes it.

    Raises:
        ValueError: the two sides differ in length.
        InputError: a span with an unknown label, or one that overlaps another of its side.
    """
    if len(gold) != len(predicted):
        raise ValueError(f"{len(gold)} gold documents but {len(predicted)} predicted ones")
    counts = {match: {label: Counts() for label in labels} for match in MATCHES}
    for index, (gold_spans, predicted_spans) in enumerate(zip(gold, predicted, strict=True)):
        for side in (gold_spans, predicted_spans):
            in_order = sorted(side, key=lambda span: (span.start, span.end))
            check_spans(str(index), in_order, None, labels)
        for label in {span.label for spans in (gold_spans, predicted_spans) for span in spans}:
            of_gold = [span for span in gold_spans if span.label == label]
            of_predicted = [span for span in predicted_spans if span.label == label]
            for match in MATCHES:
                counts[match][label] += count_matches(of_gold, of_predicted, match)
    scores: dict[str, Any] = {match: _summary(counts[match]) for match in MATCHES}
    return {**scores, "documents": len(gold)}


def _summary(counts: dict[str, Counts]) -> dict[str, Any]:
    per_label = {label: count.scores() for label, count in counts.items()}
    present = [per_label[label] for label, c in counts.items() if c.support or c.predicted]
    micro = sum(counts.values(), Counts()).scores()
    macro: dict[str, float | int] = {
        key: sum(scores[key] for scores in present) / len(present) if present else 0.0
        for key in ("precision", "recall", "f1")
    }
    macro["support"] = micro["support"]
    return {"micro": micro, "macro": macro, "per_label": per_label}


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
