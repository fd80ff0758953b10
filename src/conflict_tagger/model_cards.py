"""The model card of a checkpoint; every figure in it comes from metrics.json."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from huggingface_hub import EvalResult, ModelCardData
from jinja2 import Environment, StrictUndefined

from conflict_tagger.config import TrainConfig
from conflict_tagger.sources import HUB_ID

LOCAL = "path/to/checkpoint"  # what the card's examples load before there is a hub id
MEANINGS = {
    "PERPETRATOR": "an actor that the text presents as having carried out violence: asserted, "
    "alleged, claimed or denied",
    "VICTIM": "people harmed by violence",
    "COUNT": "how many people were harmed, with its hedges",
    "DENIAL": "the words that reject responsibility, the event or the harm",
}


def write_model_card(folder: Path, config: TrainConfig, metrics: dict[str, Any]) -> None:
    """Render `README.md` into a run folder and beside its weights."""
    card = model_card(config, metrics, folder.name)
    (folder / "README.md").write_text(card, "utf-8")
    (folder / "checkpoint" / "README.md").write_text(card, "utf-8")


def model_card(
    config: TrainConfig,
    metrics: Mapping[str, Any],
    run: str,
    source: str = LOCAL,
    behaviour: Mapping[str, Any] | None = None,
) -> str:
    """The card as Markdown, with the hub's metadata before it.

    Args:
        config: the run's configuration.
        metrics: what its metrics.json holds.
        run: name of the run.
        source: what the examples load, a hub id once there is one.
        behaviour: what `check_behaviour` found, if it was run.
    """
    template = files("conflict_tagger").joinpath("templates/model_card.md").read_text("utf-8")
    environment = Environment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(template).render(
        config=config,
        metrics=metrics,
        run=run,
        source=source,
        meanings={label: MEANINGS[label] for label in config.data.labels if label in MEANINGS},
        behaviour=behaviour or {},
        metadata=card_metadata(config, metrics, source).to_yaml(),
    )


def card_metadata(config: TrainConfig, metrics: Mapping[str, Any], source: str) -> ModelCardData:
    """What the hub reads of a card: tags, licence, and strict and overlap F1 as `model-index`."""
    names = {"strict": "strict micro F1", "overlap": "overlap micro F1"}
    results = [
        EvalResult(
            task_type="token-classification",
            task_name="Span extraction",
            dataset_type=config.data.name,
            dataset_name=f"conflict-tagger {config.data.name}, {split}",
            dataset_split=split,
            metric_type="f1",
            metric_name=name,
            metric_value=round(scores[match]["micro"]["f1"], 4),
        )
        for split, scores in metrics["splits"].items()
        for match, name in names.items()
    ]
    return ModelCardData(
        language="en",
        license="apache-2.0",
        library_name="transformers",
        pipeline_tag="token-classification",
        tags=["conflict", "news", "span-extraction", "conflict-tagger"],
        base_model=config.model.source if HUB_ID.fullmatch(config.model.source) else None,
        model_name=config.name if source == LOCAL else source.rpartition("/")[2],
        eval_results=results,
    )
