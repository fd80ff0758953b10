"""Scores of a checkpoint on gold documents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from conflict_tagger.command_configs import EvaluateConfig
from conflict_tagger.corpora import TRAIN, Split
from conflict_tagger.documents import Document, InputError, LabelSet, read_jsonl, write_jsonl
from conflict_tagger.reports import write_report
from conflict_tagger.runs import file_sha256, make_folder, write_json
from conflict_tagger.scoring.counts import count_documents
from conflict_tagger.scoring.intervals import FEW, bootstrap_intervals
from conflict_tagger.scoring.mistakes import count_mistakes
from conflict_tagger.scoring.spans import score_documents
from conflict_tagger.scoring.values import score_values
from conflict_tagger.tagger import Tagger


class TagsDocuments(Protocol):
    """Whatever tags documents: a `Tagger`, or a baseline."""

    labels: LabelSet
    counts: tuple[str, ...]

    def tag_documents(self, documents: Sequence[Document]) -> list[Document]:
        """The same documents with predicted spans in place of theirs."""


def evaluate_checkpoint(config: EvaluateConfig) -> dict[str, Any]:
    """Tag a JSONL file of Documents with a checkpoint and score the spans.

    Args:
        config: checkpoint, gold documents, and the folder to write metrics.json, predictions and
            the error report to.

    Returns:
        `splits.<name of the file>` as in a run's metrics.json, and what was scored on what.

    Raises:
        InputError: checkpoint or data are missing or damaged, or their labels differ.
    """
    path = Path(config.gold)
    gold = list(read_jsonl(path))
    tagger = Tagger.from_pretrained(config.checkpoint, revision=config.revision)
    check_labels(gold, tagger, path)
    predicted, scores = score_fully(tagger, gold)
    result = {
        "checkpoint": config.checkpoint,
        "data": {"path": str(path), "sha256": file_sha256(path)},
        "splits": {path.stem: scores},
    }
    if config.output is not None:
        folder = Path(config.output)
        make_folder(folder, "output")
        write_json(folder / "metrics.json", result)
        write_jsonl(folder / f"{path.stem}.predictions.jsonl", predicted)
        title = f"{config.checkpoint} on {path.stem}"
        report = folder / f"{path.stem}.report.html"
        write_report(report, title, gold, predicted, tagger.labels, scores)
    return result


def score_splits(
    folder: Path, tagger: TagsDocuments, splits: Mapping[str, Split]
) -> dict[str, Any]:
    """Score every split but the training's, and write predictions and error reports."""
    scores = {}
    for part in ("predictions", "reports"):
        (folder / part).mkdir(exist_ok=True)
    for name, split in splits.items():
        if name != TRAIN:
            predicted, scores[name] = score_fully(tagger, split.documents)
            write_jsonl(folder / "predictions" / f"{name}.jsonl", predicted)
            write_report(
                folder / "reports" / f"{name}.html", f"{folder.name} on {name}", split.documents,
                predicted, tagger.labels, scores[name],
            )  # fmt: skip
    return scores


def score_split(
    tagger: TagsDocuments, gold: Sequence[Document]
) -> tuple[list[Document], dict[str, Any]]:
    """The documents as the tagger tags them, and the scores of those tags against the gold."""
    predicted = tagger.tag_documents(gold)
    return predicted, score_documents(gold, predicted, tagger.labels)


def score_fully(
    tagger: TagsDocuments, gold: Sequence[Document]
) -> tuple[list[Document], dict[str, Any]]:
    """What `score_split` returns, with intervals, mistakes by kind, scores of counts' values."""
    predicted, scores = score_split(tagger, gold)
    scores["intervals"] = intervals(gold, predicted, tagger.labels)
    scores["mistakes"] = count_mistakes(gold, predicted, tagger.labels)
    if tagger.counts:
        scores["values"] = score_values(gold, predicted, tagger.counts)
    return predicted, scores


def intervals(
    gold: Sequence[Document], predicted: Sequence[Document], labels: LabelSet
) -> dict[str, Any]:
    """Bootstrap intervals of every score, over documents if there are enough of them.

    Two documents have three different resamples: of so few, paragraphs are drawn instead. They
    are less independent of each other, so that these intervals are rather too narrow.

    Returns:
        What `bootstrap_intervals` returns, and the `unit` that was drawn, and how many `units`.
    """
    few = len(gold) < FEW
    counts = count_documents(gold, predicted, labels, paragraphs=few)
    unit = "paragraphs" if few else "documents"
    return {"unit": unit, "units": len(counts), **bootstrap_intervals(counts)}


def check_labels(gold: Sequence[Document], tagger: Tagger, path: Path) -> None:
    """Refuse gold labels that the checkpoint does not know: all of them would count as missed.

    Raises:
        InputError: names the labels of both sides.
    """
    used = {span.label for document in gold for span in document.spans}
    unknown = sorted(used - set(tagger.labels))
    if unknown:
        raise InputError(
            f"{path}: has labels that the checkpoint does not tag: {', '.join(unknown)}; "
            f"its labels are {', '.join(tagger.labels)}"
        )
