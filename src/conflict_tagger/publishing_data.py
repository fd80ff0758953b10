"""Publishing the bundled data on the hub: Parquet with declared features, and its card."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conflict_tagger.bundled import REPORTS, SEED_ARTICLES, load_bundled
from conflict_tagger.command_configs import PublishDataConfig
from conflict_tagger.documents import InputError, LabelSet, Span
from conflict_tagger.hub import Publication, publish_files
from conflict_tagger.open_texts import load_standoff

if TYPE_CHECKING:
    import datasets

CARD, GUIDELINES = "README.md", "guidelines.md"
TOLD = ("kind", "setting", "basis")  # what a report says of itself beside its text
Rows = Sequence[Mapping[str, Any]]


def publish_data(config: PublishDataConfig) -> Publication:
    """Put the bundled data on the hub in one commit, or say what would go up.

    Raises:
        InputError: the data is faulty, or the hub refuses.
    """
    files = data_files(Path(config.folder), LabelSet(tuple(config.labels)), config.seed_texts)
    return publish_files(config, files, "Publish the data", "dataset")


def data_files(folder: Path, labels: LabelSet, seed_texts: bool) -> dict[str, bytes]:
    """The dataset as a repository on the hub holds it, by path.

    Configurations: `reports` with its splits; `standoff`, a split for each source; and
    `seed_articles`, a split `test`.

    Args:
        folder: the bundled data.
        labels: labels that spans may have.
        seed_texts: whether the seed articles' texts go along, which belong to their publishers.

    Raises:
        InputError: names file, line or document and the fault.
    """
    splits = load_bundled(folder, labels)
    tables: dict[str, dict[str, datasets.Dataset]] = {
        "reports": {
            name: _table(
                [
                    {"id": d.id, "text": d.text, **{key: d.meta[key] for key in TOLD},
                     "spans": _spans(d.spans)}
                    for d in splits[name].documents
                ],
                "id", "text", *TOLD,
            )
            for name in REPORTS
        },
        "standoff": {
            source: _table([{"sha256": h, "spans": _spans(s)} for h, s in texts], "sha256")
            for source, texts in load_standoff(folder / "standoff", labels).items()
        },
        SEED_ARTICLES: {
            "test": _table(
                [
                    {"id": d.id, "sha256": hashlib.sha256(d.text.encode()).hexdigest(),
                     "text": d.text, "spans": _spans(d.spans)}
                    for d in splits[SEED_ARTICLES].documents
                ],
                "id", "sha256", *(["text"] if seed_texts else []),
            )
        },
    }  # fmt: skip
    files = {
        f"{name}/{split}.parquet": _parquet(table)
        for name, parts in tables.items()
        for split, table in parts.items()
    }
    files[CARD] = _card(folder / CARD, {name: list(parts) for name, parts in tables.items()})
    files[GUIDELINES] = (folder / GUIDELINES).read_bytes()
    return files


def _spans(spans: Iterable[Span]) -> list[dict[str, Any]]:
    return [{"start": span.start, "end": span.end, "label": span.label} for span in spans]


def _table(rows: Rows, *texts: str) -> datasets.Dataset:
    """A dataset of text columns and `spans`, with declared features."""
    from datasets import Dataset, Features, List, Value

    span = {"start": Value("int64"), "end": Value("int64"), "label": Value("string")}
    features = Features({**{key: Value("string") for key in texts}, "spans": List(span)})
    return Dataset.from_list([{key: row[key] for key in features} for row in rows], features)


def _parquet(table: datasets.Dataset) -> bytes:
    from datasets import disable_progress_bars

    disable_progress_bars()
    buffer = io.BytesIO()
    table.to_parquet(buffer)
    return buffer.getvalue()


def _card(path: Path, configs: Mapping[str, Sequence[str]]) -> bytes:
    """The dataset card with the metadata that tells `load_dataset` which file is which split.

    Raises:
        InputError: the card is missing or its metadata is damaged.
    """
    from huggingface_hub import DatasetCard
    from yaml import YAMLError

    try:
        card = DatasetCard(path.read_text("utf-8"))
    except (OSError, ValueError, YAMLError) as error:
        raise InputError(f"{path}: is no dataset card: {error}") from None
    card.data["configs"] = [
        {
            "config_name": name,
            **({"default": True} if name == "reports" else {}),
            "data_files": [{"split": s, "path": f"{name}/{s}.parquet"} for s in splits],
        }
        for name, splits in configs.items()
    ]
    return str(card).encode()
