"""The mistakes of a tagger by kind, its confusions, and what its confidence is worth."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from conflict_tagger.documents import Document, LabelSet, Span

NONE = ""  # stands for no span in a confusion matrix


class Kind(Enum):
    """Kinds of mistake, in the order a page lists them."""

    missed = "missed"
    spurious = "spurious"
    edges = "wrong edges"
    label = "wrong label"
    split = "split"
    merged = "merged"


@dataclass(frozen=True, slots=True)
class Mistake:
    """Gold and predicted spans that hang together by overlaps and do not agree.

    Attributes:
        kind: what is wrong.
        gold: the gold spans, none if spurious.
        predicted: the predicted spans, none if missed.
    """

    kind: Kind
    gold: tuple[Span, ...]
    predicted: tuple[Span, ...]

    @property
    def labels(self) -> list[str]:
        """The labels of all its spans, each once."""
        return list(dict.fromkeys(span.label for span in (*self.gold, *self.predicted)))


def find_mistakes(gold: Sequence[Span], predicted: Sequence[Span]) -> list[Mistake]:
    """The mistakes in one document, in the order of the text.

    Spans that overlap, at first or second hand, are one mistake. One gold span with several
    predicted ones is split, several with one are merged; one with one has a wrong label, or else
    wrong edges, as have several with as many.

    Args:
        gold: flat gold spans, sorted.
        predicted: flat predicted spans, sorted.
    """
    agreed = set(gold) & set(predicted)
    sides = [(span, True) for span in gold if span not in agreed]
    sides += [(span, False) for span in predicted if span not in agreed]
    sides.sort(key=lambda item: (item[0].start, item[0].end))
    groups: list[list[tuple[Span, bool]]] = []
    reach = -1
    for span, is_gold in sides:
        if span.start >= reach:
            groups.append([])
        groups[-1].append((span, is_gold))
        reach = max(reach, span.end)
    return [_mistake(group) for group in groups]


def _mistake(group: Sequence[tuple[Span, bool]]) -> Mistake:
    gold = tuple(span for span, is_gold in group if is_gold)
    predicted = tuple(span for span, is_gold in group if not is_gold)
    if not predicted:
        kind = Kind.missed
    elif not gold:
        kind = Kind.spurious
    elif len(predicted) > len(gold):
        kind = Kind.split
    elif len(gold) > len(predicted):
        kind = Kind.merged
    elif len(gold) == 1 and gold[0].label != predicted[0].label:
        kind = Kind.label
    else:
        kind = Kind.edges
    return Mistake(kind, gold, predicted)


def tally(mistakes: Sequence[Sequence[Mistake]]) -> dict[tuple[str, Kind], int]:
    """How many mistakes of each kind touch each label, and how many there are (label NONE)."""
    counts: Counter[tuple[str, Kind]] = Counter()
    for mistake in (mistake for of_document in mistakes for mistake in of_document):
        for label in (*mistake.labels, NONE):
            counts[label, mistake.kind] += 1
    return counts


def count_mistakes(
    gold: Sequence[Document], predicted: Sequence[Document], labels: LabelSet
) -> dict[str, Any]:
    """How many mistakes of each kind there are, and how many of them touch each label.

    Args:
        gold: documents with gold spans.
        predicted: the same documents with predicted spans.
        labels: the labels to count.

    Returns:
        `all` and `per_label`, a count for each kind.
    """
    counts = tally(
        [
            find_mistakes(document.spans, other.spans)
            for document, other in zip(gold, predicted, strict=True)
        ]
    )

    def kinds(label: str) -> dict[str, int]:
        return {kind.value: counts[label, kind] for kind in Kind}

    return {"all": kinds(NONE), "per_label": {label: kinds(label) for label in labels}}


def confusion(
    gold: Sequence[Document], predicted: Sequence[Document], labels: LabelSet
) -> dict[tuple[str, str], int]:
    """How often a gold label met a predicted one, NONE standing for no span.

    Each gold span counts once, with the predicted span it shares most characters with; a
    predicted span counts with NONE where it overlaps no gold span.
    """
    table: Counter[tuple[str, str]] = Counter()
    for document, other in zip(gold, predicted, strict=True):
        for span in document.spans:
            shared = [(_shared(span, one), one.label) for one in other.spans]
            best = max(shared, default=(0, NONE))
            table[span.label, best[1] if best[0] > 0 else NONE] += 1
        for span in other.spans:
            if not any(_shared(span, one) > 0 for one in document.spans):
                table[NONE, span.label] += 1
    names = [*labels, NONE]
    return {(row, column): table[row, column] for row in names for column in names}


def _shared(span: Span, other: Span) -> int:
    return min(span.end, other.end) - max(span.start, other.start)


@dataclass(frozen=True, slots=True)
class Bin:
    """Predicted spans of like confidence.

    Attributes:
        low: the least confidence.
        high: the greatest.
        spans: how many there are.
        confidence: their mean confidence, None without spans.
        right: the share of them that is strictly right, None without spans.
    """

    low: float
    high: float
    spans: int
    confidence: float | None
    right: float | None


def calibration(
    gold: Sequence[Document], predicted: Sequence[Document], bins: int = 10
) -> tuple[list[Bin], float | None]:
    """Whether confidence is what it says: bins of equal width, and the expected calibration error.

    The error is the mean distance between confidence and the share that is right, weighted by
    spans (Guo et al. 2017, "On calibration of modern neural networks"); None without spans.
    """
    rows: list[list[tuple[float, bool]]] = [[] for _ in range(bins)]
    for document, other in zip(gold, predicted, strict=True):
        right = set(document.spans)
        for span in other.spans:
            if span.score is not None:
                rows[min(int(span.score * bins), bins - 1)].append((span.score, span in right))
    filled = []
    error, total = 0.0, sum(map(len, rows))
    for index, row in enumerate(rows):
        confidence = sum(score for score, _ in row) / len(row) if row else None
        share = sum(right for _, right in row) / len(row) if row else None
        filled.append(Bin(index / bins, (index + 1) / bins, len(row), confidence, share))
        if confidence is not None and share is not None:
            error += abs(confidence - share) * len(row) / total
    return filled, error if total else None
