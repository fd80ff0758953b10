"""The shift of O: set on validation, part of plain weights."""

from pathlib import Path

import pytest
import torch
from conftest import LABELS

from conflict_tagger import Tagger
from conflict_tagger.balancing import SHIFTS, balance, smoothed
from conflict_tagger.config import ModelConfig
from conflict_tagger.documents import read_jsonl
from conflict_tagger.encoding import WindowSettings
from conflict_tagger.modeling import load_encoder


@pytest.fixture
def tagger(tiny_encoder: Path) -> Tagger:
    torch.manual_seed(0)
    model, tokenizer = load_encoder(ModelConfig(name="tiny", source=str(tiny_encoder)), LABELS)
    return Tagger(model.eval(), tokenizer, WindowSettings(128, 32))


@pytest.mark.parametrize("spoiled_by", [-0.75, 0.0, 2.0])
def test_a_spoiled_balance_is_put_right(tagger: Tagger, tiny_data: Path, spoiled_by: float) -> None:
    # Gold is what the model itself says when O is neither favoured nor held back.
    texts = list(read_jsonl(tiny_data / "validation.jsonl"))
    with torch.no_grad():
        tagger.model.classifier.bias[0] += 0.3  # so that it tags some words and not others
    gold = tagger.tag_documents(texts)
    assert any(document.spans for document in gold)
    before = tagger.model.classifier.bias.detach().clone()
    with torch.no_grad():
        tagger.model.classifier.bias[0] -= spoiled_by
    shift = balance(tagger, gold)
    assert shift == pytest.approx(spoiled_by, abs=0.25)
    after = tagger.model.classifier.bias.detach()
    assert float(after[0] - before[0]) == pytest.approx(shift - spoiled_by, abs=1e-5)
    assert torch.equal(after[1:], before[1:])


def test_scores_are_smoothed_over_their_neighbours() -> None:
    assert smoothed([0.0, 3.0, 0.0, 0.0]) == [1.5, 1.0, 1.0, 0.0]
    assert 0.0 in SHIFTS
