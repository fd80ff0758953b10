"""Batches of windows of like length under a budget of tokens."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import torch
from torch.utils.data import Sampler

from conflict_tagger.encoding import IGNORED

# Padded lengths are multiples of this: CPU kernels are built and kept for every new shape, and
# with hundreds of shapes they cost a quarter of the time and gigabytes of memory.
MULTIPLE = 32
JITTER = 0.1  # how far lengths are perturbed to group windows anew; costs 7% of padding


def padded_length(length: int, limit: int) -> int:
    """A length in tokens rounded up to a multiple of MULTIPLE, at most `limit`."""
    return min(-(-length // MULTIPLE) * MULTIPLE, limit)


def collate(
    rows: Sequence[Mapping[str, Sequence[int]]], pad_id: int, limit: int
) -> dict[str, torch.Tensor]:
    """Pad windows to one length, at most `limit` tokens.

    Args:
        rows: `input_ids` and perhaps `labels`, of equal length within a row.
        pad_id: the token id to pad with.
        limit: the window size in tokens.

    Returns:
        `input_ids`, `attention_mask` and perhaps `labels`, shape (rows, padded length) each.
    """
    length = padded_length(max(len(row["input_ids"]) for row in rows), limit)
    fills = {"input_ids": pad_id, "labels": IGNORED}
    batch = {
        key: torch.tensor([[*row[key], *[fill] * (length - len(row[key]))] for row in rows])
        for key, fill in fills.items()
        if key in rows[0]
    }
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


class TokenBatchSampler(Sampler[list[int]]):
    """Length-grouped batches of about `tokens_per_batch` tokens, padding included.

    The batch sizes are laid out once over the sorted lengths, so every epoch has the same
    number of steps; which windows share a batch, and the order of batches, is drawn anew
    from `seed` and the epoch alone. A window longer than the budget is a batch by itself.
    """

    def __init__(self, lengths: Sequence[int], tokens_per_batch: int, seed: int) -> None:
        """Lay out the batches for windows of the given padded lengths in tokens."""
        self.lengths = np.asarray(lengths)
        self.seed = seed
        self.epoch = 0
        sizes: list[int] = []
        for length in np.sort(self.lengths):
            if not sizes or (sizes[-1] + 1) * length > tokens_per_batch:
                sizes.append(0)
            sizes[-1] += 1
        self._cuts = np.cumsum(sizes)[:-1]
        self._count = len(sizes)

    def __len__(self) -> int:
        return self._count

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch whose batches come next; the training loop calls this."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[list[int]]:
        generator = np.random.default_rng([self.seed, self.epoch])
        noise = generator.uniform(1 - JITTER, 1 + JITTER, len(self.lengths))
        batches = np.split(np.argsort(self.lengths * noise, kind="stable"), self._cuts)
        for index in generator.permutation(self._count):
            yield batches[index].tolist()
