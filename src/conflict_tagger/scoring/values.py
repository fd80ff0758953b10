"""Whether the numbers behind predicted counts are right, wherever their edges lie."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from conflict_tagger.count_values import CountValue, read_count
from conflict_tagger.documents import Document, Span
from conflict_tagger.scoring.spans import MEASURES, measures


def score_values(
    gold: Sequence[Document], predicted: Sequence[Document], counts: Sequence[str]
) -> dict[str, Any]:
    """Precision, recall and F1 of values: a span is right where one it overlaps has its bounds.

    "20 people" for "20" has a wrong edge and the right value; "20" for "at least 20" a wrong one.
    Both sides' values are what `read_count` makes of their words; how well it reads is measured
    against annotated values by `make bench-values`.

    Args:
        gold: documents with gold spans.
        predicted: the same documents with predicted spans.
        counts: the labels whose spans are counts.

    Returns:
        `precision`, `recall`, `f1`, `support` (gold counts), and `unread`, the gold and predicted
        counts without a value; these are never right.
    """
    totals = np.zeros(4, np.int64)  # predicted, right, support, found
    unread = {"gold": 0, "predicted": 0}
    for document, other in zip(gold, predicted, strict=True):
        of_gold, of_predicted = (_valued(side, counts) for side in (document, other))
        totals += (
            len(of_predicted), _right(of_predicted, of_gold),
            len(of_gold), _right(of_gold, of_predicted),
        )  # fmt: skip
        unread["gold"] += sum(value is None for _, value in of_gold)
        unread["predicted"] += sum(value is None for _, value in of_predicted)
    scores = dict(zip(MEASURES, measures(*totals).tolist(), strict=True))
    return {**scores, "support": int(totals[2]), "unread": unread}


def _valued(document: Document, counts: Sequence[str]) -> list[tuple[Span, CountValue | None]]:
    return [
        (span, read_count(document.text_of(span)))
        for span in document.spans
        if span.label in counts
    ]


def _right(
    spans: Sequence[tuple[Span, CountValue | None]],
    others: Sequence[tuple[Span, CountValue | None]],
) -> int:
    """How many spans have the bounds of one of the others that they overlap."""
    return sum(
        any(
            span.start < other.end
            and other.start < span.end
            and theirs is not None
            and (value.low, value.high) == (theirs.low, theirs.high)
            for other, theirs in others
        )
        for span, value in spans
        if value is not None
    )
