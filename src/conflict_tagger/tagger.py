"""Tag texts with a checkpoint: what other programs import."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from conflict_tagger.batching import collate
from conflict_tagger.count_values import with_values
from conflict_tagger.decoding import decode
from conflict_tagger.documents import Document, LabelSet
from conflict_tagger.encoding import (
    EncodedDocument,
    Encoder,
    Window,
    WindowSettings,
    labels_of_tags,
    tags_to_spans,
)
from conflict_tagger.modeling import (
    load_classifier,
    load_settings,
    longest_window,
    save_classifier,
)
from conflict_tagger.sources import resolve_source

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

logger = logging.getLogger(__name__)

TOKENS_PER_BATCH = 8192
OURS = {"PERPETRATOR", "VICTIM", "COUNT", "DENIAL"}  # what data/guidelines.md defines


class Tagger:
    """A token classifier with its tokenizer, windows and labels.

    Attributes:
        model: the token classifier, logits of shape (windows, tokens, tags).
        tokenizer: its tokenizer.
        labels: the labels it tags, read from the model's `id2label`.
        counts: those of them whose spans get a `value`.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerFast,
        window: WindowSettings,
        counts: Sequence[str] = ("COUNT",),
    ) -> None:
        """Wrap a model in memory; see `from_pretrained` for one on disk or on the hub."""
        self.model = model
        self.tokenizer = tokenizer
        self.window = window
        self.encoder = Encoder(tokenizer, window)
        self.pad_id = int(tokenizer.pad_token_id or 0)
        self.labels: LabelSet = labels_of_tags(model.config.id2label)
        self.counts = tuple(label for label in self.labels if label in counts)

    @classmethod
    def from_pretrained(
        cls, path_or_hub_id: str | Path, revision: str | None = None, device: str | None = None
    ) -> Tagger:
        """Load a checkpoint folder or a hub repository.

        Args:
            path_or_hub_id: a folder with config.json and model.safetensors, or a hub id.
            revision: branch, tag or commit on the hub.
            device: a torch device; by default the GPU if there is one, else the CPU.

        Weights are read from safetensors only, and no code of a repository is ever run. Where the
        labels are not those of our guidelines, a warning names them.

        Raises:
            InputError: there is no such checkpoint, or it is no token classifier of BIO tags.
        """
        folder = resolve_source(str(path_or_hub_id), revision, "checkpoint")
        model, tokenizer = load_classifier(folder)
        tagger = cls(model, tokenizer, *load_settings(folder, longest_window(model, tokenizer)))
        if set(tagger.labels) != OURS:
            logger.warning(
                "checkpoint: %s tags %s, not the labels of our guidelines",
                path_or_hub_id,
                ", ".join(tagger.labels),
            )
        tagger.model.to(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        return tagger

    def save_pretrained(self, folder: str | Path) -> None:
        """Write safetensors weights, config, tokenizer and our settings into a folder."""
        save_classifier(Path(folder), self.model, self.tokenizer, self.window, self.counts)

    def tag(self, texts: Sequence[str]) -> list[Document]:
        """Tag texts of any length.

        Args:
            texts: a list of texts; their Documents are named "0", "1", …

        Returns:
            A Document for each text, in order, with predicted spans and their confidence.

        Raises:
            TypeError: one text instead of a list of texts.
        """
        if isinstance(texts, str):
            raise TypeError("tag takes a list of texts; put the text in a list")
        return self.tag_documents([Document(str(i), text) for i, text in enumerate(texts)])

    def tag_documents(self, documents: Sequence[Document]) -> list[Document]:
        """The same documents with predicted spans in place of theirs."""
        encoded = self.encode(documents)
        return self.decode(documents, encoded, self.word_log_probs(encoded))

    def encode(self, documents: Sequence[Document]) -> list[EncodedDocument]:
        """The words and windows of each document."""
        return [self.encoder.encode(document.text) for document in documents]

    def decode(
        self,
        documents: Sequence[Document],
        encoded: Sequence[EncodedDocument],
        log_probs: Sequence[NDArray[np.float64]],
    ) -> list[Document]:
        """The same documents with the spans of the best legal tags in place of theirs.

        Args:
            documents: the documents.
            encoded: their words.
            log_probs: scores of the tags of each document's words, shape (words, tags) each.
        """
        return [
            with_values(
                document.with_spans(tags_to_spans(tags, words, self.labels, scores.tolist())),
                self.counts,
            )
            for document, words, (tags, scores) in zip(
                documents, encoded, decode(log_probs), strict=True
            )
        ]

    def tag_stream(self, documents: Iterable[Document], batch: int = 32) -> Iterator[Document]:
        """Tag documents as they come, `batch` at a time, in bounded memory."""
        for some in batched(documents, batch):
            yield from self.tag_documents(some)

    @torch.no_grad()
    def word_log_probs(self, encoded: Sequence[EncodedDocument]) -> list[NDArray[np.float64]]:
        """Log-probabilities of the tags of each document's words, shape (words, tags) each."""
        count = len(self.model.config.id2label)
        scores = [np.zeros((len(document.word_starts), count)) for document in encoded]
        windows = [(i, window) for i, document in enumerate(encoded) for window in document.windows]
        windows.sort(key=lambda item: len(item[1].input_ids))  # equal lengths need no padding
        was_training = self.model.training
        self.model.eval()
        for batch in _batches(windows):
            rows = [{"input_ids": window.input_ids.tolist()} for _, window in batch]
            inputs = collate(rows, self.pad_id, self.window.size)
            logits = self.model(**{k: v.to(self.model.device) for k, v in inputs.items()}).logits
            log_probs = torch.log_softmax(logits.float(), dim=-1).cpu().numpy()
            for row, (index, window) in enumerate(batch):
                scores[index][window.words] = log_probs[row, window.positions]
        self.model.train(was_training)
        return scores


def batched(documents: Iterable[Document], size: int = 32) -> Iterator[list[Document]]:
    """Lists of `size` documents, the last one perhaps shorter (itertools has it from 3.12 on)."""
    stream = iter(documents)
    while some := list(islice(stream, size)):
        yield some


def _batches(windows: list[tuple[int, Window]]) -> Iterator[list[tuple[int, Window]]]:
    """Groups of windows of rising length whose padded size stays under TOKENS_PER_BATCH."""
    batch: list[tuple[int, Window]] = []
    for item in windows:
        if batch and (len(batch) + 1) * len(item[1].input_ids) > TOKENS_PER_BATCH:
            yield batch
            batch = []
        batch.append(item)
    if batch:
        yield batch
