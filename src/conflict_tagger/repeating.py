"""Training a recorded run once more and comparing what comes out."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from conflict_tagger.command_configs import RepeatConfig
from conflict_tagger.corpora import load_splits
from conflict_tagger.documents import InputError, LabelSet
from conflict_tagger.resuming import changed_data
from conflict_tagger.runs import (
    DATA,
    ENVIRONMENT,
    METRICS,
    describe_data,
    describe_environment,
    read_json,
    recorded_config,
)
from conflict_tagger.sources import encoder_sha256
from conflict_tagger.training import this_process, train

logger = logging.getLogger(__name__)


def repeat(config: RepeatConfig) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """Train from a run folder's record into a new folder.

    Returns:
        What metrics.json holds of the recorded run and of the new one, that one's folder as `run`;
        None instead of it in all but the main process.

    Raises:
        InputError: the run is not finished, its records are damaged, or its data has changed.
    """
    folder = Path(config.run)
    recorded = recorded_config(folder)
    if not (folder / METRICS).exists():
        raise InputError(f"run: {folder} is not finished: there is nothing to compare with")
    before = read_json(folder / METRICS)
    if "averaged" in before:
        raise InputError(f"run: {folder} averages other runs: repeat those, and `make average`")
    processes = before.get("training", {}).get("processes", 1)
    if processes != this_process().num_processes:
        raise InputError(f"run: {folder} needs {processes} processes: add NPROC={processes}")
    splits = load_splits(recorded.data, LabelSet(tuple(recorded.data.labels)))
    changed = changed_data(read_json(folder / DATA), describe_data(splits))
    if changed:
        raise InputError(f"run: {folder} cannot be repeated: {'; '.join(changed)}; restore it")
    now = {**describe_environment(), "encoder_sha256": encoder_sha256(recorded.model)}
    for line in environment_changes(read_json(folder / ENVIRONMENT), now):
        logger.warning("not as it was: %s", line)
    after = train(replace(recorded, resume=None, force=False, runs=config.runs))
    return before, after


def environment_changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What differs between two records of an environment and can change a training, a line each."""
    lines = []
    if before["git"]["uncommitted_changes"]:
        lines.append("the run's code had uncommitted changes, see its uncommitted.patch")
    if now["git"]["uncommitted_changes"]:
        lines.append("the code has uncommitted changes now")
    pairs = [("code", before["git"]["revision"], now["git"]["revision"])]
    pairs += [
        (key, before.get(key), now.get(key))
        for key in ("python", "platform", "gpus", "encoder_sha256")
    ]
    names = sorted({*before["packages"], *now["packages"]})
    pairs += [(name, before["packages"].get(name), now["packages"].get(name)) for name in names]
    return lines + [f"{key}: {old} then, {new} now" for key, old, new in pairs if old != new]
