"""The error report: one page that shows where a tagger is wrong, and how."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined, select_autoescape

from conflict_tagger.documents import Document, InputError, LabelSet, Span
from conflict_tagger.scoring.mistakes import (
    NONE,
    Kind,
    Mistake,
    calibration,
    confusion,
    find_mistakes,
    tally,
)

MOST_FREQUENT = 25
COLOURS = ("#c0392b", "#b7791f", "#1f7a8c", "#7d3c98", "#2e7d32", "#2456a6", "#8d5524", "#5d6d7e")


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of text in which neither side's spans begin or end.

    Attributes:
        text: its characters.
        gold: label of the gold span it lies in, if any.
        predicted: label of the predicted span it lies in, if any.
        mistake: number of the mistake it belongs to, in the order of the text, if any.
    """

    text: str
    gold: str | None
    predicted: str | None
    mistake: int | None


def write_report(
    path: Path,
    title: str,
    gold: Sequence[Document],
    predicted: Sequence[Document],
    labels: LabelSet,
    scores: dict[str, Any],
) -> None:
    """Write the error report of one split as a self-contained HTML page.

    Args:
        path: the file to write.
        title: what was scored on what.
        gold: documents with gold spans.
        predicted: the same documents with predicted spans and their confidence.
        labels: the labels that were scored.
        scores: what `score_fully` made of them.

    Raises:
        InputError: the file cannot be written.
    """
    mistakes = [
        find_mistakes(document.spans, other.spans)
        for document, other in zip(gold, predicted, strict=True)
    ]
    bins, error = calibration(gold, predicted)
    documents = [
        {"id": document.id, "mistakes": of_document,
         "segments": segments(document, other, of_document)}
        for document, other, of_document in zip(gold, predicted, mistakes, strict=True)
    ]  # fmt: skip
    template = files("conflict_tagger").joinpath("templates/report.html").read_text("utf-8")
    environment = Environment(
        undefined=StrictUndefined, autoescape=select_autoescape(default=True),
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    page = environment.from_string(template).render(
        title=title,
        labels=list(labels),
        colours={label: COLOURS[i % len(COLOURS)] for i, label in enumerate(labels)},
        kinds=list(Kind),
        nothing=NONE,
        scores=scores,
        tally=tally(mistakes),
        frequent=most_frequent(gold, mistakes),
        confusion=confusion(gold, predicted, labels),
        bins=bins,
        calibration_error=error,
        documents=sorted(documents, key=lambda row: -len(row["mistakes"])),
    )
    try:
        # A lone surrogate in a text has no UTF-8; a page can only show that it was there.
        path.write_text(page, "utf-8", errors="replace")
    except OSError as error_:
        raise InputError(f"{path}: cannot be written: {error_.strerror}") from None


def segments(gold: Document, predicted: Document, mistakes: Sequence[Mistake]) -> list[Segment]:
    """A text cut wherever a span of either side begins or ends."""
    edges = {0, len(gold.text)}
    for span in (*gold.spans, *predicted.spans):
        edges |= {span.start, span.end}
    cuts = sorted(edges)
    numbers = {
        span: number
        for number, mistake in enumerate(mistakes)
        for span in (*mistake.gold, *mistake.predicted)
    }
    result = []
    sides = [list(gold.spans), list(predicted.spans)]
    for start, end in pairwise(cuts):
        here = [_span_at(side, start) for side in sides]
        found = [numbers[span] for span in here if span is not None and span in numbers]
        of_gold, of_predicted = (None if span is None else span.label for span in here)
        mistake = found[0] if found else None
        result.append(Segment(gold.text[start:end], of_gold, of_predicted, mistake))
    return result


def _span_at(side: list[Span], position: int) -> Span | None:
    """The span that holds a position; those that end before it are dropped from the side."""
    while side and side[0].end <= position:
        side.pop(0)
    return side[0] if side and side[0].start <= position else None


def most_frequent(
    gold: Sequence[Document], mistakes: Sequence[Sequence[Mistake]]
) -> list[dict[str, Any]]:
    """Mistakes of one kind with the same words on both sides, those that recur most first."""
    counts: Counter[tuple[Kind, str, str, tuple[str, ...]]] = Counter()
    places: dict[Any, list[str]] = {}
    for document, of_document in zip(gold, mistakes, strict=True):
        for mistake in of_document:
            key = (
                mistake.kind,
                _words(document, mistake.gold),
                _words(document, mistake.predicted),
                tuple(mistake.labels),
            )
            counts[key] += 1
            places.setdefault(key, []).append(document.id)
    return [
        {
            "count": count, "kind": key[0], "gold": key[1], "predicted": key[2],
            "labels": key[3], "documents": list(dict.fromkeys(places[key])),
        }
        for key, count in counts.most_common(MOST_FREQUENT)
    ]  # fmt: skip


def _words(document: Document, spans: Sequence[Span]) -> str:
    return " | ".join(document.text_of(span).lower() for span in spans)
