"""Batches: every window once an epoch, near the budget, the same for the same seed."""

from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import LABELS
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoTokenizer

from conflict_tagger.augmentation import MentionReplacer
from conflict_tagger.batching import (
    MULTIPLE,
    TokenBatchSampler,
    TrainingWindows,
    collate,
    even_cuts,
    mask_tokens,
    padded_length,
)
from conflict_tagger.corpora import Split
from conflict_tagger.encoding import Encoder, WindowSettings


class Windows:
    """Windows of given lengths, as the sampler sees them, perhaps others from epoch to epoch."""

    def __init__(self, *epochs: list[int]) -> None:
        self.epochs = epochs
        self.lengths = np.array(epochs[0])

    def set_epoch(self, epoch: int) -> None:
        self.lengths = np.array(self.epochs[epoch % len(self.epochs)])


@pytest.fixture
def lengths() -> list[int]:
    generator = np.random.default_rng(0)
    return [padded_length(int(length), 512) for length in generator.integers(10, 512, size=300)]


def sampler_of(windows: Windows, budget: int, seed: int = 0) -> TokenBatchSampler:
    return TokenBatchSampler(windows, budget, seed)  # type: ignore[arg-type]


def test_each_epoch_has_every_window_once_in_batches_near_the_budget(lengths: list[int]) -> None:
    sampler = sampler_of(Windows(lengths), 1536)
    orders = []
    for epoch in range(3):
        sampler.set_epoch(epoch)
        batches = list(sampler)
        assert len(batches) == len(sampler)
        assert sorted(index for batch in batches for index in batch) == list(range(300))
        padded = [len(batch) * max(lengths[i] for i in batch) for batch in batches]
        assert max(padded) < 1.4 * 1536
        assert sum(padded) < 1.2 * sum(lengths)
        orders.append(batches)
    assert orders[0] != orders[1] != orders[2]


def test_batches_depend_on_seed_and_epoch_alone(lengths: list[int]) -> None:
    first, second = (sampler_of(Windows(lengths), 1536, seed=7) for _ in range(2))
    second.set_epoch(5)
    list(second)
    second.set_epoch(0)
    assert list(first) == list(second)
    assert list(first) != list(sampler_of(Windows(lengths), 1536, seed=8))


def test_epochs_of_other_windows_have_as_many_batches(lengths: list[int]) -> None:
    sampler = sampler_of(Windows(lengths, [*lengths[:-40], *[32] * 55]), 1536)
    for epoch, count in enumerate((300, 315)):
        sampler.set_epoch(epoch)
        batches = list(sampler)
        assert len(batches) == len(sampler)
        assert sorted(index for batch in batches for index in batch) == list(range(count))


def test_a_window_beyond_the_budget_is_a_batch_by_itself() -> None:
    assert [len(batch) for batch in sampler_of(Windows([512, 512]), 100)] == [1, 1]


@given(st.lists(st.integers(1, 512), min_size=1, max_size=50), st.data())
def test_cuts_leave_no_part_empty(lengths: list[int], data: st.DataObject) -> None:
    parts = data.draw(st.integers(1, len(lengths)))
    cuts = even_cuts(np.array(lengths), parts)
    pieces = np.split(np.array(lengths), cuts)
    assert len(pieces) == parts
    assert all(len(piece) for piece in pieces)


def test_cuts_share_the_sum_evenly() -> None:
    assert even_cuts(np.array([1, 1, 1, 1, 4]), 2).tolist() == [4]
    assert even_cuts(np.array([2, 2, 2, 2, 2, 2]), 3).tolist() == [2, 4]


def test_windows_are_drawn_anew_each_epoch_from_the_seed(
    bundled: dict[str, Split], tiny_encoder: Path
) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny_encoder)
    documents = bundled["train"].documents[:30]

    def windows(seed: int, probability: float = 0.5, join: float = 0.0) -> TrainingWindows:
        replacer = MentionReplacer(documents, ["VICTIM"], probability) if probability else None
        encoder = Encoder(tokenizer, WindowSettings(64, 16))
        return TrainingWindows(documents, encoder, LABELS, replacer, seed, join)

    def drawn(windows: TrainingWindows, epoch: int) -> list[dict[str, list[int]]]:
        windows.set_epoch(epoch)
        return [windows[index] for index in range(len(windows))]

    first = windows(seed=0)
    originals = list(first.examples)
    assert drawn(first, 0) != originals
    assert drawn(first, 0) != drawn(first, 1)
    assert drawn(first, 1) == drawn(windows(seed=0), 1) != drawn(windows(seed=1), 1)
    assert drawn(windows(seed=0, probability=0), 1) == originals
    joined = windows(seed=0, probability=0, join=0.5)
    assert drawn(joined, 0) != drawn(joined, 1) == drawn(windows(0, 0, 0.5), 1)
    assert joined.lengths.sum() < 1.5 * windows(0, 0).lengths.sum(), "little is seen twice"


def test_masking_spares_special_tokens_and_follows_its_probability() -> None:
    torch.manual_seed(0)
    input_ids = torch.full((50, 200), 7)
    input_ids[:, 0], input_ids[:, -50:] = 1, 0
    masked = mask_tokens(input_ids, [0, 1, 4], mask_id=4, probability=0.1)
    assert (masked[:, 0] == 1).all() and (masked[:, -50:] == 0).all()
    share = (masked[:, 1:-50] == 4).float().mean().item()
    assert share == pytest.approx(0.1, abs=0.02)
    assert (input_ids[:, 1:-50] == 7).all(), "the batch itself was changed"
    assert torch.equal(mask_tokens(input_ids, [0, 1, 4], 4, 0.0), input_ids)


def test_collate_pads_to_few_lengths_within_the_limit() -> None:
    rows = [{"input_ids": [5, 6, 7], "labels": [-100, 1, -100]}, {"input_ids": [5], "labels": [0]}]
    batch = collate(rows, pad_id=9, limit=512)
    assert batch["input_ids"].shape == (2, MULTIPLE)
    assert batch["input_ids"][1, :3].tolist() == [5, 9, 9]
    assert batch["attention_mask"].sum(dim=1).tolist() == [3, 1]
    assert batch["labels"][1, :2].tolist() == [0, -100]
    assert collate(rows, pad_id=9, limit=4)["input_ids"].shape == (2, 4)
