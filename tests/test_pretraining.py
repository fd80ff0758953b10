"""Pretraining: the loss falls, the folder is an encoder, and no test text is trained on."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from conftest import LABELS
from transformers import AutoConfig, AutoModelForMaskedLM

from conflict_tagger.command_configs import PretrainConfig
from conflict_tagger.config import DataConfig, ModelConfig, OpenSourceConfig
from conflict_tagger.corpora import Split
from conflict_tagger.documents import InputError
from conflict_tagger.encoding import IGNORED
from conflict_tagger.modeling import load_encoder
from conflict_tagger.pretraining import MaskedTrainer, Windows, pretrain


@pytest.fixture
def config(
    tiny_encoder: Path, tiny_data: Path, tmp_path: Path, bundled: dict[str, Split]
) -> PretrainConfig:
    """A tiny encoder without a head, and reports in the part of open texts without spans."""
    texts = tmp_path / "texts"
    texts.mkdir()
    spare = [d for d in bundled["train"].documents if len(d.text) > 1500][:30]
    (texts / "a.jsonl").write_text("".join(json.dumps({"text": d.text}) + "\n" for d in spare))
    (tmp_path / "standoff").mkdir()
    digest = hashlib.sha256(spare[0].text.encode()).hexdigest()
    (tmp_path / "standoff" / "insightcrime.jsonl").write_text(
        json.dumps({"sha256": digest, "spans": []}) + "\n"
    )
    data = DataConfig(
        "tiny", list(LABELS), train=f"{tiny_data}/train.jsonl",
        validation=f"{tiny_data}/validation.jsonl",
        evaluation={"test": f"{tiny_data}/test.jsonl"},
    )  # fmt: skip
    open_data = replace(
        data, standoff=str(tmp_path / "standoff"), open_texts=str(texts),
        open_sources={"insightcrime": OpenSourceConfig(["a.jsonl"], [])},
    )  # fmt: skip
    return PretrainConfig(
        data=open_data, model=ModelConfig(name="tiny", source=str(tiny_encoder)), window=64,
        batch=8, epochs=3, learning_rate=3e-3, head_steps=20, output=str(tmp_path / "out"),
    )  # fmt: skip


def test_masked_words_are_guessed_better_and_the_encoder_starts_a_training(
    config: PretrainConfig, caplog: pytest.LogCaptureFixture
) -> None:
    result = pretrain(config)
    assert result["head_was_new"] and result["steps"] > 50
    assert result["loss_after"] < result["loss_before"] - 0.2
    assert json.loads((Path(config.output) / "pretraining.json").read_text()) == result
    model, tokenizer = load_encoder(replace(config.model, init_from=config.output), LABELS)
    fresh, _ = load_encoder(config.model, LABELS)
    word = model.base_model.embeddings.word_embeddings.weight
    assert not word.equal(fresh.base_model.embeddings.word_embeddings.weight)
    assert tokenizer.backend_tokenizer.truncation is None
    with pytest.raises(InputError, match="output: must be a folder that is new or empty"):
        pretrain(config)


@pytest.mark.parametrize("kind", ["bert", "mpnet", "distilbert", "roberta"])
def test_the_head_of_masked_tokens_alone_has_the_loss_of_the_whole(kind: str) -> None:
    sizes = {"vocab_size": 90, "hidden_size": 32, "intermediate_size": 64}
    layers = {"num_hidden_layers": 2, "num_attention_heads": 2, "hidden_dropout_prob": 0.0}
    if kind == "distilbert":
        sizes = {"vocab_size": 90, "dim": 32, "hidden_dim": 64}
        layers = {"n_layers": 2, "n_heads": 2, "dropout": 0.0}
    model = AutoModelForMaskedLM.from_config(AutoConfig.for_model(kind, **sizes, **layers)).eval()
    ids = torch.randint(5, 90, (3, 20))
    labels = torch.where(torch.rand(ids.shape) < 0.3, ids, IGNORED)
    inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    trainer = MaskedTrainer.__new__(MaskedTrainer)
    with torch.no_grad():
        whole = model(**inputs, labels=labels).loss
        alone = trainer.compute_loss(model, {**inputs, "labels": labels})
        nothing = trainer.compute_loss(model, {**inputs, "labels": torch.full_like(ids, IGNORED)})
    torch.testing.assert_close(alone, whole)
    assert nothing == 0


def test_windows_hold_texts_whole(tiny_encoder: Path, bundled: dict[str, Split]) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(tiny_encoder)
    documents = list(bundled["test"].documents[:5])
    windows = Windows(documents, tokenizer, 64)
    assert max(len(row["input_ids"]) for row in windows.rows) == 64
    ids = [i for row in windows.rows for i in row["input_ids"][1:-1]]
    whole = [tokenizer(d.text, truncation=False)["input_ids"][1:-1] for d in documents]
    assert ids == [i for text in whole for i in text]


def test_test_texts_and_bad_values_are_refused(
    config: PretrainConfig, tmp_path: Path, bundled: dict[str, Split], tiny_data: Path
) -> None:
    line = (tiny_data / "test.jsonl").read_text().splitlines()[0]
    texts = Path(str(config.data.open_texts)) / "a.jsonl"
    texts.write_text(texts.read_text() + json.dumps({"text": json.loads(line)["text"]}) + "\n")
    with pytest.raises(InputError, match="has the text of"):
        pretrain(config)
    with pytest.raises(InputError, match="data: tiny has no open texts; use data=reports_open"):
        pretrain(replace(config, data=replace(config.data, standoff=None)))
    for change, why in (
        ({"epochs": 0}, "epochs: must be 1 or more"),
        ({"window": 1000}, "window: must be from 8 to 512"),
        ({"mask_probability": 0.0}, "mask_probability: must be between 0 and 1"),
    ):
        with pytest.raises(InputError, match=why):
            pretrain(replace(config, **change))
    with pytest.raises(InputError, match="output: cannot make /proc/none"):
        pretrain(replace(config, output="/proc/none/x"))
    missing = replace(config.model, init_from=str(tmp_path / "none"))
    with pytest.raises(InputError, match="model.init_from: .*none holds no encoder"):
        load_encoder(missing, LABELS)
