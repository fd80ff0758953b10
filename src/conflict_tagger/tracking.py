"""Weights & Biases, online or offline; it never asks a question."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from conflict_tagger.config import Tracking, TrainConfig
from conflict_tagger.documents import InputError, first_line

logger = logging.getLogger(__name__)

INIT_TIMEOUT = 30  # seconds to reach the backend before a run goes offline


def resolve_mode(wanted: Tracking) -> Tracking:
    """Online, offline or none: `auto` is online where W&B finds a login, else offline.

    Raises:
        InputError: `online` was asked for and there is no usable login.
    """
    if wanted in (Tracking.offline, Tracking.none):
        return wanted
    import wandb

    wandb.setup(wandb.Settings(silent=True))
    try:
        logged_in, why = wandb.login(prompt=False, verify=False), "there is none"
    except (wandb.errors.Error, ValueError) as error:  # such as a malformed key
        logged_in, why = False, first_line(error)
    if logged_in:
        return Tracking.online
    if wanted is Tracking.online:
        raise InputError(
            f"tracking.mode: online needs a W&B login ({why}); "
            "run `wandb login`, set WANDB_API_KEY, or use tracking=offline"
        )
    if why != "there is none":
        logger.warning("the W&B login is not usable (%s); the run is kept offline", why)
    return Tracking.offline


def start_tracking(mode: Tracking, config: TrainConfig, run_id: str, folder: Path) -> Any:
    """Start a W&B run in the run folder, or None when tracking is off.

    Args:
        mode: what `resolve_mode` made of the configuration's.
        config: the whole configuration; W&B shows it as the run's.
        run_id: id of the run, the same as in the run folder's name.
        folder: the run folder.

    Raises:
        InputError: `online` was asked for, not `auto`, and the backend cannot be reached.
    """
    if mode is Tracking.none:
        return None
    import wandb

    arguments = {
        "project": config.tracking.project,
        "id": run_id,
        "resume": "allow",  # the same run at W&B when it goes on after a stop
        "name": folder.name,
        "dir": str(folder),
        "config": OmegaConf.to_container(OmegaConf.structured(config), enum_to_str=True),
        "settings": wandb.Settings(silent=True, init_timeout=INIT_TIMEOUT, console="off"),
    }
    try:
        return wandb.init(mode=mode.value, **arguments)
    except wandb.errors.Error as error:
        if config.tracking.mode is Tracking.online:
            raise InputError(
                f"tracking.mode: W&B could not be reached: {first_line(error)}"
            ) from None
        logger.warning("W&B could not be reached (%s); the run is kept offline", first_line(error))
        return wandb.init(mode="offline", **arguments)


def finish_tracking(run: Any, metrics: dict[str, Any]) -> None:
    """Put the final scores into the run's summary and close it; None is no run."""
    if run is None:
        return
    for name, scores in metrics["splits"].items():
        for match in ("strict", "overlap"):
            run.summary[f"{name}/{match}_f1"] = scores[match]["micro"]["f1"]
            for label, values in scores[match]["per_label"].items():
                run.summary[f"{name}/{match}_f1_{label}"] = values["f1"]
    run.finish()
