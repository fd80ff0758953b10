"""Span precision, recall and F1 as a metric of the `evaluate` library."""

import datasets
import evaluate

from conflict_tagger.documents import LabelSet, Span
from conflict_tagger.scoring.spans import score_spans

_DESCRIPTION = """
Strict scores count a predicted span when label and both edges equal a gold span's; last_word
scores when it ends where a gold span of its label does; overlap scores when it shares a character
with a gold span of its label. Whole documents are scored.
"""

_KWARGS = """
Args:
    predictions: one {"spans": [{"label", "start", "end"}, ...]} a document.
    references: the gold spans of the same documents, in the same order and form.
    labels: names of the labels to score.
Returns:
    {strict, last_word, overlap}.{micro, macro, per_label.<LABEL>}.{precision, recall, f1, support}
    and documents.
"""


@evaluate.utils.file_utils.add_start_docstrings(_DESCRIPTION, _KWARGS)
class SpanScores(evaluate.Metric):  # type: ignore[misc]
    """Strict, last-word and overlap span scores over whole documents."""

    def _info(self) -> evaluate.MetricInfo:
        span = {
            "label": datasets.Value("string"),
            "start": datasets.Value("int64"),
            "end": datasets.Value("int64"),
        }
        side = {"spans": datasets.List(span)}
        return evaluate.MetricInfo(
            description=_DESCRIPTION,
            citation="",
            inputs_description=_KWARGS,
            features=datasets.Features({"predictions": side, "references": side}),
        )

    def _compute(self, predictions, references, labels):  # type: ignore[no-untyped-def]
        return score_spans(_spans(references), _spans(predictions), LabelSet(tuple(labels)))


def _spans(side: list[dict[str, list[dict[str, object]]]]) -> list[list[Span]]:
    return [
        [Span(span["label"], span["start"], span["end"]) for span in document["spans"]]  # type: ignore[arg-type]
        for document in side
    ]
