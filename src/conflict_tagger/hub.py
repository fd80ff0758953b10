"""The model card of a checkpoint; every figure in it comes from metrics.json."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined

from conflict_tagger.config import TrainConfig


def write_model_card(folder: Path, config: TrainConfig, metrics: dict[str, Any]) -> None:
    """Render `README.md` into a run folder and beside its weights."""
    source = files("conflict_tagger").joinpath("templates/model_card.md").read_text("utf-8")
    environment = Environment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    card = environment.from_string(source).render(config=config, metrics=metrics, run=folder.name)
    (folder / "README.md").write_text(card, "utf-8")
    (folder / "checkpoint" / "README.md").write_text(card, "utf-8")
