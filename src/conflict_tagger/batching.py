"""Training windows, drawn anew each epoch, in batches of like length under a token budget."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from random import Random
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset, Sampler

from conflict_tagger.augmentation import join_documents
from conflict_tagger.documents import Document, InputError, LabelSet
from conflict_tagger.encoding import IGNORED, Encoder, Ints, encode_for_training

Vary = Callable[[Document, Random], Document]  # draws a variant of a training document
# Padded lengths are multiples of this: CPU kernels are built and kept for every new shape, and
# with hundreds of shapes they cost a quarter of the time and gigabytes of memory.
MULTIPLE = 32
JITTER = 0.1  # how far lengths are perturbed to group windows anew; costs 7% of padding


def padded_length(length: int, limit: int) -> int:
    """A length in tokens rounded up to a multiple of MULTIPLE, at most `limit`."""
    return min(-(-length // MULTIPLE) * MULTIPLE, limit)


def collate(rows: Sequence[Mapping[str, Any]], pad_id: int, limit: int) -> dict[str, torch.Tensor]:
    """Pad windows to one length, at most `limit` tokens.

    Args:
        rows: `input_ids` and perhaps `labels` and `soft`, of equal length within a row.
        pad_id: the token id to pad with.
        limit: the window size in tokens.

    Returns:
        `input_ids`, `attention_mask` and perhaps `labels`, shape (rows, padded length) each; and,
        where a row has soft labels, `soft`, shape (rows, padded length, tags), else zeros.
    """
    length = padded_length(max(len(row["input_ids"]) for row in rows), limit)
    fills = {"input_ids": pad_id, "labels": IGNORED}
    batch = {
        key: torch.tensor([[*row[key], *[fill] * (length - len(row[key]))] for row in rows])
        for key, fill in fills.items()
        if key in rows[0]
    }
    soft = [(number, row["soft"]) for number, row in enumerate(rows) if "soft" in row]
    if soft:
        batch["soft"] = torch.zeros(len(rows), length, soft[0][1].shape[1])
        for number, probabilities in soft:
            batch["soft"][number, : len(probabilities)] = torch.from_numpy(probabilities)
    mask = [[1] * len(row["input_ids"]) + [0] * (length - len(row["input_ids"])) for row in rows]
    return {**batch, "attention_mask": torch.tensor(mask)}


def mask_tokens(
    input_ids: torch.Tensor, special_ids: Sequence[int], mask_id: int, probability: float
) -> torch.Tensor:
    """Replace tokens by the mask token at random, so that a name is not learned by heart.

    Args:
        input_ids: token ids, shape (rows, length).
        special_ids: ids that stay, padding among them.
        mask_id: id of the tokenizer's mask token.
        probability: chance of each other token to be replaced, drawn from torch's generator.

    Word dropout as in Iyyer et al. (2015), with a token the encoder knows from its pretraining.
    """
    drawn = torch.rand(input_ids.shape) < probability
    eligible = ~torch.isin(input_ids, torch.tensor(special_ids))
    return input_ids.masked_fill(drawn & eligible, mask_id)


class TrainingWindows(Dataset[dict[str, Any]]):
    """The windows of an epoch: of the documents as they are, or changed and joined for it."""

    def __init__(
        self,
        documents: Sequence[Document],
        encoder: Encoder,
        labels: LabelSet,
        vary: Vary | None = None,
        seed: int = 0,
        join: float = 0.0,
    ) -> None:
        """Encode the documents; each epoch is drawn from `seed`, its number and the document.

        With a chance of `join`, a document goes on in the text of another (`join_documents`).
        """
        self.documents = documents
        self.encoder = encoder
        self.labels = labels
        self.vary = vary
        self.seed = seed
        self.join = join
        self.examples = encode_for_training(documents, encoder, labels)
        self._epoch: int | None = None

    def __len__(self) -> int:
        return len(self.examples)

    def __getitem__(self, index: int) -> dict[str, Any]:
        return self.examples[index]

    @property
    def lengths(self) -> Ints:
        """The padded length of each window in tokens, shape (windows,)."""
        limit = self.encoder.settings.size
        return np.array([padded_length(len(row["input_ids"]), limit) for row in self.examples])

    def set_epoch(self, epoch: int) -> None:
        """Draw the epoch's variants of the documents, if there is anything to draw."""
        if (self.vary is None and not self.join) or epoch == self._epoch:
            return
        documents = self.documents
        if self.vary is not None:
            documents = [
                self.vary(document, Random(f"{self.seed} {epoch} {document.id}"))
                for document in documents
            ]
        if self.join:
            documents = join_documents(documents, self.join, Random(f"{self.seed} {epoch}"))
        self.examples = encode_for_training(documents, self.encoder, self.labels, report=False)
        self._epoch = epoch


class TokenBatchSampler(Sampler[list[int]]):
    """Length-grouped batches of about `tokens_per_batch` tokens, padding included.

    Every epoch has the same number of batches, laid out over its sorted windows so that each
    holds the same share of the tokens; which windows share a batch, and the order of batches,
    is drawn anew from `seed` and the epoch alone. A batch holds at least one window. Several
    processes take turns at batches of that much less: a step has as many tokens as with one.
    """

    def __init__(
        self, windows: TrainingWindows, tokens_per_batch: int, seed: int, processes: int = 1
    ) -> None:
        """Count the batches that the windows fill.

        Raises:
            InputError: there are fewer windows than processes.
        """
        self.windows = windows
        self.seed = seed
        self.processes = processes
        self.epoch = 0
        lengths = windows.lengths
        if len(lengths) < processes:
            raise InputError(f"{processes} processes: there are only {len(lengths)} windows")
        tokens = int(lengths.sum())
        self._count = self._even(math.ceil(tokens * processes / tokens_per_batch), len(lengths))

    def __len__(self) -> int:
        return self._count

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch whose batches come next; the training loop calls this."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[list[int]]:
        self.windows.set_epoch(self.epoch)
        lengths = self.windows.lengths
        generator = np.random.default_rng([self.seed, self.epoch])
        noise = generator.uniform(1 - JITTER, 1 + JITTER, len(lengths))
        order = np.argsort(lengths * noise, kind="stable")
        count = self._even(self._count, len(order))
        batches = np.split(order, even_cuts(lengths[order], count))
        for index in generator.permutation(len(batches)):
            yield batches[index].tolist()

    def _even(self, batches: int, windows: int) -> int:
        """A number of batches, none of them empty, that gives every process as many."""
        turns = min(math.ceil(batches / self.processes), windows // self.processes)
        return turns * self.processes


def even_cuts(lengths: Ints, parts: int) -> Ints:
    """Where to cut a list of lengths into parts of about equal sums, none of them empty.

    Args:
        lengths: the lengths, shape (n,).
        parts: how many parts, at most n.

    Returns:
        The index at which each part but the first begins, rising, shape (parts - 1,).
    """
    sums = np.cumsum(lengths)
    nth = np.arange(1, parts)
    cuts = np.searchsorted(sums, nth * sums[-1] / parts, side="right")
    cuts = np.maximum.accumulate(np.maximum(cuts, nth) - nth) + nth
    within: Ints = np.minimum(cuts, len(lengths) - parts + nth)
    return within
