"""Named corpora: the documents of each split, their hashes and their label counts."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from conflict_tagger.documents import Document, InputError, LabelSet, read_jsonl

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
        InputError: a file is missing, empty or damaged, or a text stands in two splits.
    """
    paths = {TRAIN: config.train, VALIDATION: config.validation, **config.evaluation}
    splits = {
        name: Split(name, Path(path), tuple(read_jsonl(path, labels)))
        for name, path in paths.items()
    }
    check_no_leak(splits)
    return splits


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
