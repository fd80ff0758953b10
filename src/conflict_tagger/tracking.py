"""Weights & Biases, online or offline; it never asks a question."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from conflict_tagger.config import Tracking, TrainConfig
from conflict_tagger.documents import InputError

logger = logging.getLogger(__name__)

INIT_TIMEOUT = 30  # seconds to reach the backend before a run goes offline


def resolve_mode(mode: Tracking) -> Tracking:
    """`auto` becomes online where W&B finds a login, else offline; the rest stays."""
    if mode is not Tracking.auto:
        return mode
    import wandb

    wandb.setup(wandb.Settings(silent=True))
    try:
        logged_in = wandb.login(prompt=False, verify=False)
    except (wandb.errors.Error, ValueError) as error:  # such as a malformed key
        logger.warning("W&B: the login is not usable (%s); the run is kept offline", error)
        return Tracking.offline
    return Tracking.online if logged_in else Tracking.offline


def start_tracking(config: TrainConfig, run_id: str, folder: Path) -> Any:
    """Start a W&B run in the run folder, or None when tracking is off.

    Args:
        config: the whole configuration; W&B shows it as the run's.
        run_id: id of the run, the same as in the run folder's name.
        folder: the run folder.

    Raises:
        InputError: `online` was asked for and there is no login, or no way to the backend.
    """
    wanted = config.tracking.mode
    mode = resolve_mode(wanted)
    if mode is Tracking.none:
        return None
    import wandb

    if mode is Tracking.online and not wandb.login(prompt=False, verify=False):
        raise InputError(
            "tracking.mode: online needs a login; run `wandb login` or set WANDB_API_KEY"
        )
    settings = wandb.Settings(silent=True, init_timeout=INIT_TIMEOUT, console="off")
    arguments = {
        "project": config.tracking.project,
        "id": run_id,
        "name": folder.name,
        "dir": str(folder),
        "config": OmegaConf.to_container(OmegaConf.structured(config), enum_to_str=True),
        "settings": settings,
    }
    try:
        return wandb.init(mode=mode.value, **arguments)
    except wandb.errors.Error as error:
        reason = str(error).strip().splitlines()[0]
        if wanted is Tracking.online:
            raise InputError(f"tracking.mode: W&B could not be reached: {reason}") from None
        logger.warning("W&B could not be reached (%s); the run is kept offline", reason)
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
