"""Batches: every window once an epoch, near the budget, the same for the same seed."""

import numpy as np
import pytest
import torch

from conflict_tagger.batching import (
    MULTIPLE,
    TokenBatchSampler,
    collate,
    mask_tokens,
    padded_length,
)


@pytest.fixture
def lengths() -> list[int]:
    generator = np.random.default_rng(0)
    return [padded_length(int(length), 512) for length in generator.integers(10, 512, size=300)]


def test_each_epoch_has_every_window_once_in_batches_near_the_budget(lengths: list[int]) -> None:
    sampler = TokenBatchSampler(lengths, 1536, seed=0)
    orders = []
    for epoch in range(3):
        sampler.set_epoch(epoch)
        batches = list(sampler)
        assert len(batches) == len(sampler)
        assert sorted(index for batch in batches for index in batch) == list(range(300))
        padded = [len(batch) * max(lengths[i] for i in batch) for batch in batches]
        assert max(padded) < 1.3 * 1536
        assert sum(padded) < 1.2 * sum(lengths)
        orders.append(batches)
    assert orders[0] != orders[1] != orders[2]


def test_batches_depend_on_seed_and_epoch_alone(lengths: list[int]) -> None:
    first, second = (TokenBatchSampler(lengths, 1536, seed=7) for _ in range(2))
    second.set_epoch(5)
    list(second)
    second.set_epoch(0)
    assert list(first) == list(second)
    assert list(first) != list(TokenBatchSampler(lengths, 1536, seed=8))


def test_a_window_beyond_the_budget_is_a_batch_by_itself() -> None:
    assert [len(batch) for batch in TokenBatchSampler([512, 512], 100, seed=0)] == [1, 1]


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
