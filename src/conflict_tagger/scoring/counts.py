"""How many predicted spans are right and how many gold spans are found, unit by unit."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from conflict_tagger.documents import Document, LabelSet, Span, check_spans

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

LINE = re.compile(r"\s*\S[^\n]*\n?")
MATCHES = ("strict", "last_word", "overlap")


@dataclass(frozen=True, slots=True)
class MatchCounts:
    """What precision and recall are made of, for every way to match, unit and label.

    A unit is a document, or a paragraph of one; a span belongs to that in which it begins.

    Attributes:
        labels: the labels that were counted.
        predicted: predicted spans, shape (units, labels).
        support: gold spans, shape (units, labels).
        right: predicted spans that match a gold span, shape (matches, units, labels).
        found: gold spans that a predicted span matches, shape (matches, units, labels).
    """

    labels: LabelSet
    predicted: Ints
    support: Ints
    right: Ints
    found: Ints

    def __len__(self) -> int:
        return len(self.support)


@dataclass(frozen=True, slots=True)
class _Columns:
    """Spans of all documents, sorted: document and label, unit, start and end."""

    group: Ints
    unit: Ints
    start: Ints
    end: Ints


def count_matches(
    gold: Sequence[Sequence[Span]],
    predicted: Sequence[Sequence[Span]],
    labels: LabelSet,
    breaks: Sequence[Sequence[int]] | None = None,
) -> MatchCounts:
    """Compare the spans of each document by label, in each of MATCHES.

    `strict` wants both edges of a gold span; `last_word` its end, so that its last word, in
    English most often the head of the phrase, is right and its beginning is not asked for;
    `overlap` one shared character, and then one span may match several of the other side, so
    that `right` counts predicted spans and `found` gold spans.

    Args:
        gold: the gold spans of each document.
        predicted: the predicted spans of the same documents, in the same order.
        labels: the labels to count.
        breaks: where units after the first begin in each document, in characters and in order;
            by default each document is one unit.

    Raises:
        ValueError: the two sides differ in length.
        InputError: a span with an unknown label, or one that overlaps another of its side.
    """
    if len(gold) != len(predicted):
        raise ValueError(f"{len(gold)} gold documents but {len(predicted)} predicted ones")
    breaks = breaks or [()] * len(gold)
    of_gold, of_predicted = (_columns(side, labels, breaks) for side in (gold, predicted))
    shape = (len(gold) + sum(map(len, breaks)), len(labels))

    def count(spans: _Columns, hits: NDArray[np.bool_] | None = None) -> Ints:
        cells = spans.unit * len(labels) + spans.group % len(labels)
        chosen = cells if hits is None else cells[hits]
        return np.bincount(chosen, minlength=shape[0] * shape[1]).reshape(shape)

    right = [count(of_predicted, _matched(of_predicted, of_gold, match)) for match in MATCHES]
    found = [count(of_gold, _matched(of_gold, of_predicted, match)) for match in MATCHES]
    return MatchCounts(
        labels, count(of_predicted), count(of_gold), np.stack(right), np.stack(found)
    )


def count_documents(
    gold: Sequence[Document],
    predicted: Sequence[Document],
    labels: LabelSet,
    paragraphs: bool = False,
) -> MatchCounts:
    """`count_matches` for documents, by document or by paragraph (a line with text).

    Raises:
        ValueError: the two sides are not the same texts in the same order.
    """
    if [document.text for document in gold] != [document.text for document in predicted]:
        raise ValueError("gold and predicted documents are not the same texts in the same order")
    of_gold, of_predicted = ([document.spans for document in side] for side in (gold, predicted))
    breaks = None
    if paragraphs:  # each line with text, and the empty ones before it, but for the first
        lines = [[line.end() for line in LINE.finditer(document.text)] for document in gold]
        breaks = [ends[:-1] for ends in lines]
    return count_matches(of_gold, of_predicted, labels, breaks)


def _columns(
    side: Sequence[Sequence[Span]], labels: LabelSet, breaks: Sequence[Sequence[int]]
) -> _Columns:
    index = {label: number for number, label in enumerate(labels)}
    rows = []
    first = 0  # unit of the document
    for number, spans in enumerate(side):
        in_order = sorted(spans, key=lambda span: (span.start, span.end))
        check_spans(str(number), in_order, None, labels)
        for s in in_order:
            group = number * len(index) + index[s.label]
            rows.append((group, first + bisect_right(breaks[number], s.start), s.start, s.end))
        first += 1 + len(breaks[number])
    groups, units, starts, ends = np.array(rows, np.int64).reshape(-1, 4).T
    order = np.lexsort((starts, groups))
    return _Columns(groups[order], units[order], starts[order], ends[order])


def _matched(spans: _Columns, others: _Columns, match: str) -> NDArray[np.bool_]:
    """Which spans match one of the others, shape (spans,)."""
    if not len(others.group):
        return np.zeros(len(spans.group), bool)
    # Positions of all groups on one line, none of them at another's.
    reach = int(max(others.end.max(), spans.end.max(initial=0))) + 1
    starts, ends = others.group * reach + others.start, others.group * reach + others.end
    start, end = spans.group * reach + spans.start, spans.group * reach + spans.end
    if match == "overlap":
        # Spans of one side are apart, so the last one that begins before `end` reaches farthest.
        last = np.searchsorted(starts, end, side="left") - 1
        overlaps: NDArray[np.bool_] = (last >= 0) & (ends[last] > start)
        return overlaps
    at = np.minimum(np.searchsorted(ends, end), len(ends) - 1)
    hits: NDArray[np.bool_] = ends[at] == end
    return hits if match == "last_word" else hits & (starts[at] == start)
