"""One short real training of minilm by the script, and what its run folder holds."""

import hashlib
import json
import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
import torch
import yaml
from conftest import LABELS, ROOT
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoModel

from conflict_tagger import Tagger
from conflict_tagger.config import (
    DataConfig,
    ModelConfig,
    Precision,
    Tracking,
    TrackingConfig,
    TrainConfig,
    TrainingConfig,
    WindowConfig,
)
from conflict_tagger.config_checks import check_train_config
from conflict_tagger.corpora import Split, check_no_leak
from conflict_tagger.documents import Document, InputError, read_jsonl
from conflict_tagger.encoding import WindowSettings
from conflict_tagger.evaluation import intervals
from conflict_tagger.modeling import load_encoder
from conflict_tagger.scoring.mistakes import count_mistakes
from conflict_tagger.scoring.spans import score_documents
from conflict_tagger.scoring.values import score_values
from conflict_tagger.trainer import layerwise_groups
from conflict_tagger.training import train, use_bf16


def test_the_loss_falls(trained: tuple[Path, str]) -> None:
    history = json.loads((trained[0] / "history.json").read_text())
    losses = [entry["loss"] for entry in history if "loss" in entry]
    assert len(losses) > 10
    assert sum(losses[-5:]) < 0.5 * sum(losses[:5])


def test_metrics_have_the_promised_shape(trained: tuple[Path, str]) -> None:
    metrics = json.loads((trained[0] / "metrics.json").read_text())
    assert list(metrics["splits"]) == ["validation", "test", "seed_articles"]
    for scores in metrics["splits"].values():
        assert scores["documents"] > 0
        for match in ("strict", "last_word", "overlap"):
            rows = [scores[match]["micro"], scores[match]["macro"]]
            rows += [scores[match]["per_label"][label] for label in LABELS]
            assert all(set(row) == {"precision", "recall", "f1", "support"} for row in rows)
    assert metrics["splits"]["seed_articles"]["strict"]["micro"]["support"] == 90
    assert metrics["splits"]["validation"]["strict"]["micro"]["f1"] > 0.1, "it learned nothing"


def test_scores_and_predictions_are_those_of_the_weights_on_disk(
    trained: tuple[Path, str], tiny_data: Path
) -> None:
    folder = trained[0]
    metrics = json.loads((folder / "metrics.json").read_text())
    weights = (folder / "checkpoint" / "model.safetensors").read_bytes()
    assert metrics["checkpoint_sha256"] == hashlib.sha256(weights).hexdigest()
    gold = list(read_jsonl(tiny_data / "test.jsonl"))
    predicted = Tagger.from_pretrained(folder / "checkpoint").tag_documents(gold)
    written = list(read_jsonl(folder / "predictions" / "test.jsonl"))
    assert predicted == written
    scores = metrics["splits"]["test"]
    found, values = scores.pop("intervals"), scores.pop("values")
    assert scores.pop("mistakes") == count_mistakes(gold, predicted, LABELS)
    assert values == score_values(gold, predicted, ["COUNT"])
    assert values["support"] == scores["strict"]["per_label"]["COUNT"]["support"]
    assert score_documents(gold, predicted, LABELS) == scores
    assert found == intervals(gold, predicted, LABELS)
    low, high = found["strict"]["micro"]["f1"]
    assert low < scores["strict"]["micro"]["f1"] < high


def test_the_best_epoch_is_the_one_kept(trained: tuple[Path, str]) -> None:
    folder = trained[0]
    history = json.loads((folder / "history.json").read_text())
    metrics = json.loads((folder / "metrics.json").read_text())
    scores = [entry["eval_strict_f1"] for entry in history if "eval_strict_f1" in entry]
    assert metrics["training"]["best_epoch"] == scores.index(max(scores)) + 1
    # Validation in training may run in bf16; what is reported is scored in float32.
    kept = metrics["splits"]["validation"]["strict"]["micro"]["f1"]
    assert kept == pytest.approx(max(scores), abs=0.05)


def test_the_run_folder_is_a_record(trained: tuple[Path, str], tiny_data: Path) -> None:
    folder = trained[0]
    assert not (folder / "steps").exists()
    config = yaml.safe_load((folder / "config.yaml").read_text())
    assert config["training"]["epochs"] == 6 and config["tracking"]["mode"] == "offline"
    environment = json.loads((folder / "environment.json").read_text())
    assert environment["packages"]["torch"].startswith("2.13.0")
    assert set(environment["git"]) == {"revision", "uncommitted_changes"}
    data = json.loads((folder / "data.json").read_text())
    digest = hashlib.sha256((tiny_data / "train.jsonl").read_bytes()).hexdigest()
    assert data["train"]["sha256"] == digest and data["train"]["documents"] == 48
    assert {path.name for path in (folder / "predictions").iterdir()} == {
        "validation.jsonl", "test.jsonl", "seed_articles.jsonl",
    }  # fmt: skip
    assert list((folder / "wandb").glob("offline-run-*")), "tracking=offline left no run"


def test_the_model_card_quotes_the_metrics(trained: tuple[Path, str]) -> None:
    card = (trained[0] / "README.md").read_text()
    assert card == (trained[0] / "checkpoint" / "README.md").read_text()
    metrics = json.loads((trained[0] / "metrics.json").read_text())
    for scores in metrics["splits"].values():
        strict, overlap = scores["strict"]["micro"], scores["overlap"]["micro"]
        low, high = scores["intervals"]["strict"]["micro"]["f1"]
        row = "| **micro** | {support} | {precision:.3f} | {recall:.3f} | {f1:.3f} |"
        rest = f"{scores['last_word']['micro']['f1']:.3f} | {overlap['precision']:.3f}"
        assert f"{row.format(**strict)} {low:.3f}–{high:.3f} | {rest}" in card
    yaml.safe_load(card.split("---")[1])


def test_the_script_ends_with_a_table_of_scores_and_spans(trained: tuple[Path, str]) -> None:
    output = trained[1]
    assert "Scores over whole documents" in output and "run folder: " in output
    assert "epoch 1: validation strict F1" in output
    assert "wandb: (1)" not in output, "it asked a question"


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"epochs": 0}, "training.epochs: must be 1 or more"),
        ({"learning_rate": float("nan")}, "training.learning_rate"),
        ({"warmup": 1.0}, "training.warmup"),
        ({"tokens_per_batch": 0}, "training.tokens_per_batch"),
        ({"replace_mentions": 1.5}, "training.replace_mentions: must be from 0 to 1"),
        ({"join": 1.0}, "training.join: must be from 0 to below 1"),
        ({"schedule": "none"}, "training.schedule: must be one of linear, cosine"),
        ({"layer_decay": 0.0}, "training.layer_decay: must be above 0, at most 1"),
        ({"label_smoothing": 1.0}, "training.label_smoothing: must be from 0 to below 1"),
        ({"label_weights": {"NONE": 2.0}}, "training.label_weights: must be weights greater than"),
        ({"label_weights": {"DENIAL": 0.0}}, "training.label_weights: must be weights greater"),
    ],
)
def test_impossible_values_are_refused_by_key(change: dict[str, float], fault: str) -> None:
    data = DataConfig(labels=list(LABELS))
    config = TrainConfig(name="x", data=data, training=TrainingConfig(**change))  # type: ignore[arg-type]
    with pytest.raises(InputError, match=fault):
        check_train_config(config)


def test_precision_is_explicit() -> None:
    assert use_bf16(Precision.fp32) is False
    assert use_bf16(Precision.auto) in (True, False)


@given(st.sampled_from([" ", "\n", "  "]))
def test_a_text_in_two_splits_is_refused(space: str) -> None:
    train = Split("train", Path("train.jsonl"), (Document("a", "Two killed."),))
    test = Split("test", Path("test.jsonl"), (Document("b", f"Two{space}killed."),))
    with pytest.raises(InputError, match=r"test.jsonl: document 'b' has the text of 'a'"):
        check_no_leak({"train": train, "test": test})


def test_the_default_corpus_never_trains_or_chooses_on_the_seed_articles() -> None:
    config = yaml.safe_load((ROOT / "configs" / "data" / "reports.yaml").read_text())
    chosen_on = [config["train"], config["validation"], *config["more_train"]]
    assert chosen_on[2:] and not any("seed_articles" in path for path in chosen_on)
    assert config["evaluation"]["seed_articles"] == "data/seed_articles/seed_articles.jsonl"


def test_a_tiny_model_from_a_local_folder_trains_saves_loads_and_tags(
    tiny_encoder: Path, tiny_data: Path, tmp_path: Path
) -> None:
    config = TrainConfig(
        name="tiny",
        runs=str(tmp_path),
        data=DataConfig(
            name="tiny",
            labels=list(LABELS),
            train=str(tiny_data / "train.jsonl"),
            validation=str(tiny_data / "validation.jsonl"),
            evaluation={"test": str(tiny_data / "test.jsonl")},
        ),
        model=ModelConfig(name="tiny", source=str(tiny_encoder), window=WindowConfig(64, 16)),
        training=TrainingConfig(
            epochs=2, learning_rate=3e-3, precision=Precision.fp32, replace_mentions=0.5
        ),
        tracking=TrackingConfig(mode=Tracking.none),
    )
    result = train(config)
    folder = Path(result["run"])
    assert folder.parent == tmp_path and folder.name.startswith(f"{date.today().isoformat()}-tiny-")
    assert not (folder / "wandb").exists()
    tagger = Tagger.from_pretrained(folder / "checkpoint")
    assert tagger.window == WindowSettings(64, 16)
    (document,) = tagger.tag(["Two soldiers were killed. " * 100])
    assert all(span.label in LABELS for span in document.spans)
    again = train(replace(config, runs=str(tmp_path / "again")))
    assert again["checkpoint_sha256"] == result["checkpoint_sha256"], "one seed, two outcomes"
    other = train(replace(config, runs=str(tmp_path / "other"), seed=1))
    assert other["checkpoint_sha256"] != result["checkpoint_sha256"]


def test_word_embeddings_can_be_frozen(tiny_encoder: Path) -> None:
    for frozen in (True, False):
        config = ModelConfig(name="tiny", source=str(tiny_encoder), freeze_embeddings=frozen)
        model, _ = load_encoder(config, LABELS)
        names = {name for name, p in model.named_parameters() if not p.requires_grad}
        assert names == ({"bert.embeddings.word_embeddings.weight"} if frozen else set())


@pytest.mark.parametrize("count", [0, 1, 2])
def test_the_last_layers_can_start_untrained(tiny_encoder: Path, count: int) -> None:
    config = ModelConfig(name="tiny", source=str(tiny_encoder))
    torch.manual_seed(0)
    kept = load_encoder(config, LABELS)[0].state_dict()
    fresh = load_encoder(replace(config, fresh_layers=count), LABELS)[0].state_dict()
    changed = {
        name.split(".")[3]
        for name in kept
        if name.startswith("bert.encoder.layer.") and not torch.equal(kept[name], fresh[name])
    }
    assert changed == {0: set(), 1: {"1"}, 2: {"0", "1"}}[count]
    embeddings = "bert.embeddings.word_embeddings.weight"
    assert torch.equal(kept[embeddings], fresh[embeddings])


def test_an_encoder_stored_in_half_precision_is_trained_in_float32(
    tiny_encoder: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(tiny_encoder, tmp_path / "half"))
    AutoModel.from_pretrained(tiny_encoder, dtype=torch.float16).save_pretrained(folder)
    model, _ = load_encoder(ModelConfig(name="half", source=str(folder)), LABELS)
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"source": "package://no_such_package/model"}, "'no_such_package'.*make setup"),
        ({"source": "no/such/folder"}, "model.source: no such folder"),
        ({"settings": {"nonsense": 1}}, "model.settings.nonsense: tiny has no such setting"),
        ({"fresh_layers": 3}, "model.fresh_layers: must be from 0 to the 2 of tiny"),
        ({"window": WindowConfig(4096, 128)}, "model.window.size: must be at most 512"),
    ],
)
def test_models_that_cannot_be_had(
    tiny_encoder: Path, change: dict[str, object], fault: str
) -> None:
    config = replace(ModelConfig(name="tiny", source=str(tiny_encoder)), **change)
    with pytest.raises(InputError, match=fault):
        load_encoder(config, LABELS)


def test_layers_below_learn_more_slowly(tiny_encoder: Path) -> None:
    model, _ = load_encoder(ModelConfig(name="tiny", source=str(tiny_encoder)), LABELS)
    decayed = {name for name, _ in model.named_parameters() if name.endswith("weight")}
    recipe = TrainingConfig(learning_rate=1e-3, layer_decay=0.5, weight_decay=0.1)
    rates = {
        id(parameter): (group["lr"], group["weight_decay"])
        for group in layerwise_groups(model, recipe, decayed)
        for parameter in group["params"]
    }
    named = dict(model.named_parameters())
    assert set(rates) == {id(parameter) for parameter in named.values()}
    for part, rate in (
        ("classifier.", 1e-3), ("layer.1.", 5e-4), ("layer.0.", 2.5e-4), ("embeddings.", 1.25e-4)
    ):  # fmt: skip
        of_part = {name: rates[id(parameter)] for name, parameter in named.items() if part in name}
        assert of_part == {
            name: (pytest.approx(rate), 0.1 if name in decayed else 0.0) for name in of_part
        }
        assert of_part
