"""Named corpora: the documents of each split, their hashes and their label counts."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from conflict_tagger.documents import (
    Document,
    InputError,
    LabelSet,
    read_jsonl,
    to_json_line,
    to_record,
)
from conflict_tagger.encoding import bio_tags
from conflict_tagger.open_texts import load_open_documents, split_by_hash
from conflict_tagger.soft_labels import soft_rows

if TYPE_CHECKING:
    from conflict_tagger.config import DataConfig

TRAIN, VALIDATION = "train", "validation"


@dataclass(frozen=True, slots=True)
class Split:
    """The documents of one file.

    Attributes:
        name: name of the split, as in metrics.json.
        path: the JSONL file.
        documents: its documents, in order.
    """

    name: str
    path: Path
    documents: tuple[Document, ...]

    def sha256(self) -> str:
        """Hash of the file's bytes."""
        return hashlib.sha256(self.path.read_bytes()).hexdigest()


def load_splits(config: DataConfig, labels: LabelSet) -> dict[str, Split]:
    """All splits of a corpus by name, in order: train, validation, then the tests.

    Raises:
        InputError: a file is missing, empty or damaged (or its soft labels are), a text stands in
            two splits, nothing is left to train on, or open texts are asked for and none can be
            had.
    """
    paths = {TRAIN: config.train, VALIDATION: config.validation, **config.evaluation}
    splits = {
        name: Split(name, Path(path), tuple(read_jsonl(path, labels)))
        for name, path in paths.items()
    }
    sources = load_open_documents(config, labels)
    more = [document for path in config.more_train for document in _taught(path, labels)]
    if sources or more or config.train_share < 1:
        parts = split_by_hash([d for documents in sources.values() for d in documents])
        parts[TRAIN] = [
            document
            for document in (*splits[TRAIN].documents, *parts[TRAIN], *more)
            if _fraction(document.text) < config.train_share
        ]
        if not parts[TRAIN]:
            raise InputError("data.train_share: leaves no training document; give a larger share")
        if not config.evaluation:  # as in a search for a recipe, which must see no tests
            parts = {TRAIN: parts[TRAIN]}
        splits |= {
            name: Split(name, _kept(name, documents), tuple(documents))
            for name, documents in parts.items()
            if documents
        }
    check_no_leak(splits)
    return splits


def _taught(path: str, labels: LabelSet) -> Iterator[Document]:
    """The documents of a file of `data.more_train`, their soft labels checked."""
    tags = bio_tags(labels)
    for document in read_jsonl(path, labels):
        try:
            soft_rows(document, tags)
        except InputError as error:
            raise InputError(f"{path}: {error}") from None
        yield document


def _fraction(text: str) -> float:
    """A number from 0 to below 1 that follows from a text alone."""
    return int(hashlib.sha256(text.encode("utf-8")).hexdigest()[-8:], 16) / 2**32


def _kept(name: str, documents: Sequence[Document]) -> Path:
    """The JSONL file of a split that was put together, in a cache, named after its content."""
    from huggingface_hub import cached_assets_path

    lines = "".join(to_json_line(to_record(document)) for document in documents)
    content = lines.encode("utf-8")
    digest = hashlib.sha256(content).hexdigest()[:16]
    folder = Path(cached_assets_path("conflict_tagger", namespace="splits", subfolder=digest))
    path = folder / f"{name}.jsonl"
    if not path.exists():
        partial = path.with_suffix(f".{os.getpid()}")  # whole or not there, for other processes
        partial.write_bytes(content)
        partial.rename(path)
    return path


def check_no_leak(splits: Mapping[str, Split]) -> None:
    """Refuse a text that stands in two splits: a score on what was trained on says nothing.

    Raises:
        InputError: names both documents.
    """
    seen: dict[str, tuple[str, Document]] = {}
    for split in splits.values():
        for document in split.documents:
            text = " ".join(document.text.split())
            name, other = seen.setdefault(text, (split.name, document))
            if name != split.name:
                raise InputError(
                    f"{split.path}: document {document.id!r} has the text of {other.id!r} in "
                    f"{splits[name].path}; take it out of one of the two"
                )


def count_labels(documents: Iterable[Document], labels: LabelSet) -> dict[str, int]:
    """How many spans of each label the documents hold, by label in their order."""
    counts = Counter(span.label for document in documents for span in document.spans)
    return {label: counts[label] for label in labels}
