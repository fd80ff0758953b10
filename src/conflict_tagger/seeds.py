"""One recipe trained with several seeds: what is left to do, mean and spread, the best seed."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from omegaconf import OmegaConf

from conflict_tagger.config import TrainConfig
from conflict_tagger.corpora import VALIDATION
from conflict_tagger.documents import InputError
from conflict_tagger.resuming import FREE, changed_data
from conflict_tagger.runs import CONFIG, DATA, ENVIRONMENT, LOCK, METRICS, make_folder, read_json
from conflict_tagger.scoring.intervals import seed_interval

logger = logging.getLogger(__name__)


def recipe_id(config: TrainConfig) -> str:
    """Eight digits that stand for everything in a configuration that changes what is computed."""
    recipe = OmegaConf.structured(config)
    values = {key: recipe[key] for key in recipe if key not in (*FREE, "seed")}
    return hashlib.sha256(OmegaConf.to_yaml(OmegaConf.create(values)).encode()).hexdigest()[:8]


def train_seeds(
    seeds: Sequence[int],
    folder: Path,
    overrides: Sequence[str],
    train: Callable[[list[str]], int],
) -> list[Path]:
    """Train the seeds that are not finished yet, each in `folder`/seed-<seed>.

    Args:
        seeds: the seeds.
        folder: where the runs of this recipe are; what is finished there is not trained again,
            and what was stopped goes on.
        overrides: the recipe; a run that goes on has its own.
        train: trains with overrides, in a process of its own so that memory is measured from
            nothing, and returns its exit code.

    Returns:
        The finished run folder of each seed.

    Raises:
        InputError: a training failed, those before it are kept; or another process trains here.
    """
    make_folder(folder, "runs")
    lock = FileLock(folder / LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise InputError(f"{folder}: another process trains seeds of this recipe") from None
    runs = []
    with lock:
        for number, seed in enumerate(seeds, start=1):
            here = folder / f"seed-{seed}"
            run = finished_run(here)
            if run is None:
                logger.info("seed %d, %d of %d", seed, number, len(seeds))
                stopped = stopped_run(here)
                fresh = [*overrides, f"seed={seed}", f"runs={here}"]
                if train(fresh if stopped is None else [f"resume={stopped}"]):
                    raise InputError(f"seed {seed}: the training failed, see above")
                run = finished_run(here)
                assert run is not None, f"{here}: the training left no {METRICS}"
            runs.append(run)
    return runs


def finished_run(folder: Path) -> Path | None:
    """The finished run in a seed's folder, or None."""
    return next((path.parent for path in sorted(folder.glob(f"*/{METRICS}"))), None)


def stopped_run(folder: Path) -> Path | None:
    """The newest run in a seed's folder that has a record to go on from, or None."""
    runs = [path.parent for path in folder.glob(f"*/{CONFIG}")]
    return max(runs, key=lambda run: (run / CONFIG).stat().st_mtime, default=None)


def check_same_data(runs: Sequence[Path], data: Mapping[str, Any]) -> None:
    """Refuse runs on other data than is there now: their scores have no mean.

    Raises:
        InputError: names the run and what has changed.
    """
    for run in runs:
        changed = changed_data(read_json(run / DATA), data)
        if changed:
            raise InputError(
                f"{run}: was trained or scored on other data ({'; '.join(changed)}); restore the "
                "data, or move the run away to train its seed anew"
            )


def summarize_seeds(runs: Sequence[Path], overrides: Sequence[str]) -> dict[str, Any]:
    """What metrics.json of a recipe's folder holds.

    Returns:
        What `aggregate` gives, the folder of every seed's run as `runs`, and as `best` the seed
        with the highest strict F1 on validation, which alone may choose what is published.
    """
    metrics = [
        {**read_json(run / METRICS), "git": read_json(run / ENVIRONMENT)["git"]} for run in runs
    ]
    f1 = [one["splits"][VALIDATION]["strict"]["micro"]["f1"] for one in metrics]
    best = max(range(len(runs)), key=f1.__getitem__)  # the first of equals
    return {
        **aggregate(metrics, overrides),
        "runs": [str(run) for run in runs],
        "best": {
            "seed": metrics[best]["seed"], "run": str(runs[best]), "validation_strict_f1": f1[best],
        },
    }  # fmt: skip


def aggregate(runs: Sequence[Mapping[str, Any]], overrides: Sequence[str]) -> dict[str, Any]:
    """Mean, standard deviation and 95% interval of all scores over runs that differ in their seed.

    Args:
        runs: what each run's metrics.json holds, and as `git` the state of the code it ran.
        overrides: how their configuration differs from configs/train.yaml.

    Returns:
        `splits` shaped as in metrics.json with `{mean, sd, interval}` in place of each score, the
        training figures of each run, and the overrides.
    """
    return {
        "overrides": list(overrides),
        "seeds": [run["seed"] for run in runs],
        "splits": _combine([run["splits"] for run in runs]),
        "training": [run["training"] for run in runs],
        "git": [run["git"] for run in runs],
    }


def _combine(values: Sequence[Any]) -> Any:
    """Walk equally shaped scores; counts must agree, scores become mean and spread.

    The intervals of single runs are left out: they have no mean; so is what only some runs hold,
    because a version of before wrote the others.
    """
    first = values[0]
    if isinstance(first, Mapping):
        keys = [key for key in first if key != "intervals" and all(key in one for one in values)]
        return {key: _combine([value[key] for value in values]) for key in keys}
    if isinstance(first, int) and not isinstance(first, bool) and len(set(values)) == 1:
        return first
    return seed_interval(values)
