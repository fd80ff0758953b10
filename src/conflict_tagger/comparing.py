"""Finished runs side by side: scores with intervals, paired tests, and where they differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from conflict_tagger.command_configs import BaselineConfig, CompareConfig
from conflict_tagger.documents import Document, InputError, LabelSet, read_jsonl
from conflict_tagger.runs import DATA, METRICS, file_sha256, read_json, recorded_run
from conflict_tagger.scoring.comparison import compare
from conflict_tagger.scoring.counts import MATCHES, MatchCounts, count_documents
from conflict_tagger.scoring.intervals import FEW, bootstrap_intervals
from conflict_tagger.scoring.spans import MEASURES, summarize

DOCUMENTS = 10  # that differ most
F1 = MEASURES.index("f1")


@dataclass(frozen=True, slots=True)
class ScoredRun:
    """A finished run and its predictions on one split.

    Attributes:
        folder: the run folder.
        model: name of its encoder, or of the baseline it is.
        seed: its random seed.
        labels: the labels it tags.
        data: path and hash of the split's gold documents, as the run recorded them.
        predicted: the split's documents with the run's spans.
    """

    folder: Path
    model: str
    seed: int
    labels: LabelSet
    data: dict[str, Any]
    predicted: list[Document]


def compare_runs(config: CompareConfig) -> dict[str, Any]:
    """Compare finished runs on one split that all of them were scored on.

    Returns:
        `runs` (scores, interval, difference to the best and its two p-values, best first),
        `labels` (F1 of each run and its p-value against the best) and `documents` (mistakes of
        each run in those where these differ most), and what was compared on what.

    Raises:
        InputError: a folder is no finished run, or two were scored on different data.
    """
    if len(config.runs) < 2:
        raise InputError("runs: name at least two run folders")
    if config.match not in MATCHES:
        raise InputError(f"match: must be one of {', '.join(MATCHES)}")
    runs = [read_run(Path(folder), config.split) for folder in dict.fromkeys(config.runs)]
    gold = common_gold(runs, config.split)
    labels = runs[0].labels
    counts = [
        count_documents(gold, run.predicted, labels, paragraphs=len(gold) < FEW) for run in runs
    ]
    order = sorted(range(len(runs)), key=lambda index: -_f1(counts[index], config.match))
    runs, counts = [runs[index] for index in order], [counts[index] for index in order]
    return {
        "split": config.split,
        "match": config.match,
        "data": runs[0].data,
        "documents_compared": len(gold),
        "spans": int(counts[0].support.sum()),
        "resampled": "paragraphs" if len(gold) < FEW else "documents",
        "runs": _rows(runs, counts, config.match),
        "labels": _label_rows(runs, counts, config.match),
        "documents": _document_rows(runs, gold, labels, config.match),
    }


def read_run(folder: Path, split: str) -> ScoredRun:
    """Read what a finished run predicted on a split.

    Raises:
        InputError: it is no run folder, is not finished, or was not scored on that split.
    """
    config = recorded_run(folder)
    if not (folder / METRICS).exists():
        raise InputError(f"runs: {folder} is not finished: it has no {METRICS}")
    data = read_json(folder / DATA)
    path = folder / "predictions" / f"{split}.jsonl"
    if split not in data or not path.exists():
        scored = ", ".join(sorted(file.stem for file in path.parent.glob("*.jsonl"))) or "nothing"
        raise InputError(f"split: {folder} was not scored on {split!r}; it was on {scored}")
    record = data[split]
    if not isinstance(record, dict) or not {"path", "sha256"} <= set(record):
        raise InputError(f"{folder / DATA} is damaged: {split} has no path and sha256")
    labels = LabelSet(tuple(config.data.labels))
    predicted = list(read_jsonl(path, labels))
    model = config.baseline if isinstance(config, BaselineConfig) else config.model.name
    return ScoredRun(folder, model, config.seed, labels, record, predicted)


def common_gold(runs: Sequence[ScoredRun], split: str) -> list[Document]:
    """The gold documents that all runs were scored on.

    Raises:
        InputError: two runs were scored on different data or labels, or the data has changed.
    """
    first = runs[0]
    for run in runs[1:]:
        if run.data["sha256"] != first.data["sha256"]:
            raise InputError(
                f"runs: {first.folder} and {run.folder} were scored on different {split!r} data "
                f"({first.data['path']}, {run.data['path']}); their scores cannot be compared"
            )
        if run.labels != first.labels:
            raise InputError(f"runs: {first.folder} and {run.folder} tag different labels")
    path = Path(first.data["path"])
    if not path.exists() or file_sha256(path) != first.data["sha256"]:
        raise InputError(f"{path}: is missing or no longer what the runs were scored on")
    gold = list(read_jsonl(path, first.labels))
    for run in runs:
        if [document.text for document in run.predicted] != [document.text for document in gold]:
            raise InputError(
                f"{run.folder / 'predictions' / split}.jsonl: holds other texts than {path}; "
                "score the run's checkpoint again with `make evaluate`"
            )
    return gold


def _f1(counts: MatchCounts, match: str) -> float:
    return float(summarize(counts)[match]["micro"]["f1"])


def _rows(runs: Sequence[ScoredRun], counts: Sequence[MatchCounts], match: str) -> list[Any]:
    rows = []
    for run, of_run in zip(runs, counts, strict=True):
        row = {
            "run": str(run.folder),
            "model": run.model,
            "seed": run.seed,
            **{name: scores["micro"]["f1"] for name, scores in summarize(of_run).items()},
            "interval": bootstrap_intervals(of_run)[match]["micro"]["f1"],
        }
        if of_run is not counts[0]:
            against = compare(of_run, counts[0], match)
            row |= {
                "difference": against.difference,
                "difference_interval": list(against.interval),
                "bootstrap_p": against.bootstrap_p,
                "randomisation_p": against.randomisation_p,
            }
        rows.append(row)
    return rows


def _label_rows(runs: Sequence[ScoredRun], counts: Sequence[MatchCounts], match: str) -> list[Any]:
    summaries = [summarize(of_run)[match]["per_label"] for of_run in counts]
    return [
        {
            "label": label,
            "spans": summaries[0][label]["support"],
            "f1": {
                str(run.folder): summary[label]["f1"]
                for run, summary in zip(runs, summaries, strict=True)
            },
            "randomisation_p": {
                str(run.folder): compare(of_run, counts[0], match, label).randomisation_p
                for run, of_run in zip(runs[1:], counts[1:], strict=True)
            },
        }
        for label in runs[0].labels
    ]


def _document_rows(
    runs: Sequence[ScoredRun], gold: Sequence[Document], labels: LabelSet, match: str
) -> list[Any]:
    """The documents in which the runs' numbers of mistakes lie farthest apart."""
    index = MATCHES.index(match)
    mistakes = []  # (runs, documents): spans that are wrong and spans that are missed
    for run in runs:
        counts = count_documents(gold, run.predicted, labels)
        wrong = counts.predicted - counts.right[index] + counts.support - counts.found[index]
        mistakes.append(wrong.sum(axis=1))
    table = np.stack(mistakes)
    spread = table.max(axis=0) - table.min(axis=0)
    most = [at for at in np.argsort(-spread, kind="stable")[:DOCUMENTS] if spread[at]]
    return [
        {
            "document": gold[at].id,
            "spans": len(gold[at].spans),
            "mistakes": {
                str(run.folder): int(count) for run, count in zip(runs, table[:, at], strict=True)
            },
        }
        for at in most
    ]
