"""Going on with a run: its own configuration, what has changed since, its newest checkpoint."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf
from transformers.trainer import TRAINER_STATE_NAME
from transformers.trainer_utils import PREFIX_CHECKPOINT_DIR

from conflict_tagger.config import TrainConfig
from conflict_tagger.corpora import Split
from conflict_tagger.documents import InputError
from conflict_tagger.runs import DATA, RunFolder, describe_data, read_json, recorded_config

FREE = ("resume", "force", "runs", "tracking")  # change nothing in what a run computes


def config_to_resume(config: TrainConfig, given: Sequence[str]) -> tuple[TrainConfig, list[str]]:
    """The configuration a run goes on with, and how it differs from the recorded one.

    Args:
        config: the composed configuration, `resume` among it.
        given: dotted keys that the user gave values for; all others are the run's own.

    Raises:
        InputError: no run folder, or a key that stands for no value, as `experiment` does.
    """
    assert config.resume is not None
    wanted = OmegaConf.structured(config)
    resumed = OmegaConf.structured(recorded_config(Path(config.resume)))
    changes = []
    for key in given:
        value = OmegaConf.select(wanted, key)
        if value is None and OmegaConf.select(resumed, key) is None:
            raise InputError(f"{key}: a resumed run keeps its own; leave it out")
        before = OmegaConf.select(resumed, key)
        if value != before and key.split(".")[0] not in FREE:
            changes += differences(key, before, value)
        OmegaConf.update(resumed, key, value, merge=False)
    typed = OmegaConf.to_object(resumed)
    assert isinstance(typed, TrainConfig)
    return replace(typed, resume=config.resume, force=config.force), changes


def differences(key: str, before: Any, now: Any) -> list[str]:
    """One line for each value under a key that is not what it was."""
    if not (OmegaConf.is_dict(before) and OmegaConf.is_dict(now)):
        return [f"{key}: {before} then, {now} now"] if before != now else []
    names = dict.fromkeys([*before, *now])
    return [
        line
        for name in names
        for line in differences(f"{key}.{name}", before.get(name), now.get(name))
    ]


def run_to_resume(
    config: TrainConfig, splits: Mapping[str, Split], changes: Sequence[str], processes: int
) -> tuple[RunFolder, list[str]]:
    """The run folder to go on in, and all that changed: configuration, data, processes.

    Raises:
        InputError: something changed and `force` is not set, or the folder's records are damaged.
    """
    assert config.resume is not None
    folder = Path(config.resume)
    run = RunFolder(folder, folder.resolve().name.rpartition("-")[2])
    changed = list(changes)
    for session in run.state().get("sessions", [])[-1:]:
        changed += differences("processes", session.get("processes", 1), processes)
    if (folder / DATA).exists():  # else it was killed before it had written its record
        changed += changed_data(read_json(folder / DATA), describe_data(splits))
    if changed and not config.force:
        raise InputError(
            f"resume: {folder} was started with other inputs ({'; '.join(changed)}); "
            "restore them, or go on regardless with force=true"
        )
    return run, changed


def recipe_changes(before: DictConfig, now: DictConfig) -> list[str]:
    """One line for each value of two trainings' configurations that differs, their seeds apart."""
    return [
        line
        for key in before
        if key not in (*FREE, "seed")
        for line in differences(str(key), before[key], now[key])
    ]


def changed_data(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """One line for each split whose contents differ between two records of data.json."""
    return [
        f"data.{name}: {now[name]['path'] if name in now else 'no such split'} has changed"
        for name in dict.fromkeys([*before, *now])
        if before.get(name, {}).get("sha256") != now.get(name, {}).get("sha256")
    ]


def newest_checkpoint(steps: Path) -> Path | None:
    """The checkpoint of the latest step, or None when the run had not written one.

    Checkpoints get their names when they are whole (see SpanTrainer), so the newest is whole.
    """
    found = [
        path for path in steps.glob(f"{PREFIX_CHECKPOINT_DIR}-*")
        if (path / TRAINER_STATE_NAME).is_file()
    ]  # fmt: skip
    return max(found, key=lambda path: int(path.name.rpartition("-")[2]), default=None)
