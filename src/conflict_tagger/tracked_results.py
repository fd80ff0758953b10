"""What W&B shows of a finished run: its mistakes, confusions, intervals and checkpoint."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go
from markupsafe import Markup, escape

from conflict_tagger.documents import Document, LabelSet, Span
from conflict_tagger.runs import RunFolder
from conflict_tagger.scoring.mistakes import NONE, Mistake, confusion, find_mistakes

CONTEXT = 120  # characters shown before and after a mistake
COLUMNS = ("document", "mistake", "labels", "gold", "predicted", "confidence", "text")


def pages_of_split(
    gold: Sequence[Document], predicted: Sequence[Document], scores: Mapping[str, Any]
) -> dict[str, Any]:
    """A table of mistakes, a confusion matrix and bars with intervals, for `wandb.log`."""
    labels = LabelSet(tuple(scores["strict"]["per_label"]))
    return {
        "mistakes": mistakes_table(gold, predicted),
        "confusion": confusion_figure(gold, predicted, labels),
        "intervals": interval_figure(scores),
    }


def mistakes_table(gold: Sequence[Document], predicted: Sequence[Document]) -> Any:
    """Every mistake with its kind, its words and its sentence, gold and predicted marked."""
    import wandb

    table = wandb.Table(columns=list(COLUMNS))
    for document, other in zip(gold, predicted, strict=True):
        for mistake in find_mistakes(document.spans, other.spans):
            table.add_data(
                document.id,
                mistake.kind.value,
                ", ".join(mistake.labels),
                " | ".join(map(document.text_of, mistake.gold)),
                " | ".join(map(document.text_of, mistake.predicted)),
                min((s.score for s in mistake.predicted if s.score is not None), default=None),
                wandb.Html(str(highlighted(document, mistake)), inject=False),
            )
    return table


def highlighted(document: Document, mistake: Mistake) -> Markup:
    """A mistake in its surroundings: gold spans over predicted ones, each under its own line."""
    spans = (*mistake.gold, *mistake.predicted)
    start = max(0, min(span.start for span in spans) - CONTEXT)
    end = min(len(document.text), max(span.end for span in spans) + CONTEXT)
    lines = [
        Markup("<p><b>{}</b> {}</p>").format(side, _marked(document, of_side, start, end))
        for side, of_side in (("gold", mistake.gold), ("predicted", mistake.predicted))
    ]
    return Markup("").join(lines)


def _marked(document: Document, spans: Sequence[Span], start: int, end: int) -> Markup:
    parts, position = [Markup("")], start
    for span in spans:
        parts.append(escape(document.text[position : span.start]))
        words = document.text_of(span)
        parts.append(Markup("<mark>{} <small>{}</small></mark>").format(words, span.label))
        position = span.end
    return Markup("").join([*parts, escape(document.text[position:end])])


def confusion_figure(
    gold: Sequence[Document], predicted: Sequence[Document], labels: LabelSet
) -> go.Figure:
    """How often each gold label met each predicted one, as a heat map."""
    table = confusion(gold, predicted, labels)
    names = [*labels, NONE]
    shown = [name or "nothing" for name in names]
    counts = [[table[row, column] for column in names] for row in names]
    figure = go.Figure(
        go.Heatmap(z=counts, x=shown, y=shown, text=counts, texttemplate="%{text}",
                   colorscale="Blues", showscale=False)
    )  # fmt: skip
    figure.update_xaxes(title="predicted")
    figure.update_yaxes(title="gold", autorange="reversed")
    return figure


def interval_figure(scores: Mapping[str, Any]) -> go.Figure:
    """Strict F1 of every label and over all, with its 95% interval."""
    strict, intervals = scores["strict"], scores["intervals"]["strict"]
    rows = {"all": (strict["micro"], intervals["micro"])} | {
        label: (values, intervals["per_label"][label])
        for label, values in strict["per_label"].items()
    }
    f1 = [values["f1"] for values, _ in rows.values()]
    low, high = zip(*[bounds["f1"] for _, bounds in rows.values()], strict=True)
    error = {
        "type": "data",
        "array": [top - score for top, score in zip(high, f1, strict=True)],
        "arrayminus": [score - bottom for bottom, score in zip(low, f1, strict=True)],
    }
    figure = go.Figure(go.Bar(x=list(rows), y=f1, error_y=error))
    figure.update_yaxes(title="strict F1", range=[0, 1])
    return figure


def checkpoint_artifact(folder: RunFolder, metrics: Mapping[str, Any]) -> Any:
    """The checkpoint that was scored, with its hash and scores."""
    import wandb

    f1 = {name: scores["strict"]["micro"]["f1"] for name, scores in metrics["splits"].items()}
    artifact = wandb.Artifact(
        f"model-{folder.id}", type="model",
        metadata={"sha256": metrics["checkpoint_sha256"], "strict_f1": f1},
    )  # fmt: skip
    # A run folder is kept: without a copy, but with a hash of what is uploaded.
    for path in sorted((folder.path / "checkpoint").iterdir()):
        artifact.add_file(str(path.resolve()), policy="immutable")
    return artifact
