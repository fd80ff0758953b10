"""Publishing a run on the hub: the weights that were scored, and a card that says how."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from conflict_tagger.command_configs import PublishConfig
from conflict_tagger.config import TrainConfig
from conflict_tagger.documents import InputError
from conflict_tagger.hub import Publication, publish_files
from conflict_tagger.model_cards import model_card
from conflict_tagger.runs import (
    ENVIRONMENT,
    METRICS,
    STATE,
    WEIGHTS,
    file_sha256,
    read_json,
    recorded_config,
    to_json,
)

logger = logging.getLogger(__name__)

CARD = "README.md"
BEHAVIOUR = "behaviour.json"


def publish(config: PublishConfig) -> Publication:
    """Put a finished run on the hub in one commit, or say what would go up.

    Raises:
        InputError: the run is not finished, its weights are not those that were scored, a file is
            missing, or the hub refuses.
    """
    run = Path(config.run)
    training = recorded_config(run)
    metrics = check_run(run)
    files = publication_files(config, run, training, metrics)
    return publish_files(config, files, f"Publish {run.name}")


def check_run(run: Path) -> dict[str, Any]:
    """The metrics of a finished run whose weights are the ones that were scored.

    Raises:
        InputError: it is not finished, or its weights have changed since.
    """
    state = read_json(run / STATE)["state"] if (run / STATE).exists() else "finished"
    if state != "finished" or not (run / METRICS).exists():
        raise InputError(
            f'run: {run} is not finished ({state}); go on with `make train ARGS="resume={run}"`'
        )
    metrics = read_json(run / METRICS)
    weights = run / "checkpoint" / WEIGHTS
    if not weights.is_file():
        raise InputError(f"run: {weights} is missing")
    if file_sha256(weights) != metrics["checkpoint_sha256"]:
        raise InputError(
            f"run: {weights} is not what was scored; its hash differs from that in {METRICS}"
        )
    if read_json(run / ENVIRONMENT)["git"]["uncommitted_changes"]:
        logger.warning("%s was trained by code with uncommitted changes: nobody can get it", run)
    return metrics


def publication_files(
    config: PublishConfig, run: Path, training: TrainConfig, metrics: Mapping[str, Any]
) -> dict[str, Path | bytes]:
    """What goes up, by path in the repository: files of the run, and the card.

    Raises:
        InputError: an error report or the behaviour file is missing.
    """
    files: dict[str, Path | bytes] = {
        path.name: path for path in sorted((run / "checkpoint").iterdir()) if path.name != CARD
    }
    given = Path(config.behaviour) if config.behaviour else None
    behaviour = read_behaviour(given, run, metrics["checkpoint_sha256"])
    card = model_card(training, metrics, run.name, config.hub_id, behaviour)
    files[CARD] = card.encode()
    files[METRICS] = to_json(metrics).encode()
    for name in config.reports:
        report = run / "reports" / f"{name}.html"
        if not report.is_file():
            raise InputError(f"reports: {report} is missing; leave {name} out, or train anew")
        files[f"reports/{name}.html"] = report
    return files


def read_behaviour(path: Path | None, run: Path, weights: str) -> dict[str, Any] | None:
    """Rates of the behaviour checks: from the file given, or from the run's if it has one.

    Args:
        path: the file given, if one is.
        run: the run folder.
        weights: SHA-256 of its weights.

    Raises:
        InputError: the file cannot be read, or is of other weights.
    """
    if path is None:
        path = run / BEHAVIOUR
        if not path.exists():
            logger.warning(
                "the card will hold no behaviour rates; `make check-behaviour "
                "CHECKPOINT=%s/checkpoint OUTPUT=%s` measures them",
                run,
                path,
            )
            return None
    behaviour = read_json(path)
    if behaviour.get("checkpoint_sha256") != weights:
        raise InputError(
            f"behaviour: {path} was not measured on the weights of {run}; measure them anew"
        )
    return behaviour
