"""Tests of how encoders are set up to train."""

import pytest
from transformers import BertConfig, BertForTokenClassification

from conflict_tagger.modeling import attention_for_training


@pytest.mark.parametrize(
    ("length", "dropout", "kind"),
    [(64, 0.0, "eager"), (512, 0.0, "sdpa"), (512, 0.1, "eager")],
)
def test_attention_is_fused_for_long_windows_only_on_a_cpu(
    length: int, dropout: float, kind: str
) -> None:
    config = BertConfig(
        vocab_size=20,
        hidden_size=8,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=8,
        attention_probs_dropout_prob=dropout,
    )
    model = BertForTokenClassification(config)
    assert model.config._attn_implementation == "sdpa"

    with attention_for_training(model, length):
        assert model.config._attn_implementation == kind
        assert model.base_model.config._attn_implementation == kind

    assert model.config._attn_implementation == "sdpa"
