"""One model of several: the weights of runs that differ in their seed, averaged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from omegaconf import OmegaConf

from conflict_tagger.balancing import balance
from conflict_tagger.config import TrainConfig
from conflict_tagger.corpora import VALIDATION, load_splits
from conflict_tagger.documents import InputError, LabelSet
from conflict_tagger.evaluation import score_splits
from conflict_tagger.model_cards import write_model_card
from conflict_tagger.resuming import recipe_changes
from conflict_tagger.runs import (
    ENVIRONMENT,
    METRICS,
    WEIGHTS,
    create_run_folder,
    describe_data,
    file_sha256,
    read_json,
    record_inputs,
    recorded_config,
    write_json,
    writing,
)
from conflict_tagger.seeds import check_same_data
from conflict_tagger.tagger import Tagger


def average_runs(runs: Sequence[Path], into: str) -> dict[str, Any]:
    """Average the weights of finished runs, and make a finished run of the result.

    Fine-tunings that start from the same pretrained weights end close enough together that the
    mean of their weights is often better than each of them (Wortsman et al. 2022, "Model soups");
    it is as small and as fast as one of them. All runs count alike: validation sets the balance
    of precision and recall anew where the recipe says so, and chooses nothing else.

    Args:
        runs: folders of finished runs of one recipe, on the data that is there now.
        into: the folder to make the new run's folder in.

    Returns:
        What the new run's metrics.json holds, and its folder as `run`.

    Raises:
        InputError: fewer than two runs, one that is not finished, or other recipes or data.
    """
    config = shared_config(runs)
    labels = LabelSet(tuple(config.data.labels))
    splits = load_splits(config.data, labels)
    check_same_data(runs, describe_data(splits))
    members = [read_json(run / METRICS) for run in runs]
    tagger = averaged_tagger(runs)

    config = replace(config, name=f"{config.name}-average", seed=members[0]["seed"], runs=into)
    run = create_run_folder(config)
    with writing(run):
        record_inputs(run, config, splits, read_json(runs[0] / ENVIRONMENT).get("encoder_sha256"))
        shift = balance(tagger, splits[VALIDATION].documents) if config.training.balance else 0.0
        tagger.save_pretrained(run.path / "checkpoint")
        trained = [member["training"] for member in members]
        metrics = {
            "name": config.name,
            "seed": config.seed,
            "averaged": [
                {"run": str(path), **{key: one[key] for key in ("seed", "checkpoint_sha256")}}
                for path, one in zip(runs, members, strict=True)
            ],
            "splits": score_splits(
                run.path, Tagger.from_pretrained(run.path / "checkpoint"), splits
            ),
            "training": {
                "outside_shift": shift,
                **{key: sum(one[key] for one in trained) for key in ("steps", "seconds")},
            },
            "checkpoint_sha256": file_sha256(run.path / "checkpoint" / WEIGHTS),
        }
        write_json(run.path / METRICS, metrics)
        write_model_card(run.path, config, metrics)
    return {**metrics, "run": str(run.path)}


def shared_config(runs: Sequence[Path]) -> TrainConfig:
    """The configuration that finished runs share, but for their seeds.

    Raises:
        InputError: names the run that is given twice, is not finished or has another recipe.
    """
    if len({run.resolve() for run in runs}) < max(2, len(runs)):
        raise InputError("runs: name at least two finished runs, each once")
    configs = [recorded_config(run) for run in runs]
    first = OmegaConf.structured(configs[0])
    for run, config in zip(runs, configs, strict=True):
        if not (run / METRICS).exists():
            raise InputError(f"{run} is not finished: it holds no {METRICS}")
        changes = recipe_changes(first, OmegaConf.structured(config))
        if changes:
            raise InputError(
                f"{run}: another recipe than {runs[0]} ({'; '.join(changes)}); weights are "
                "averaged over runs that differ in their seed alone"
            )
    return configs[0]


def averaged_tagger(runs: Sequence[Path]) -> Tagger:
    """A tagger with the mean of the runs' weights, on the CPU."""
    tagger = Tagger.from_pretrained(runs[0] / "checkpoint", device="cpu")
    mean = {name: torch.zeros_like(value) for name, value in tagger.model.state_dict().items()}
    for run in runs:
        weights = Tagger.from_pretrained(run / "checkpoint", device="cpu").model.state_dict()
        for name, total in mean.items():
            total += weights[name] / len(runs)
    tagger.model.load_state_dict(mean)
    return tagger
