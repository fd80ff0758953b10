"""The run folders on this machine: what each is, how it scored, and whether it is whole."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import fmean
from typing import Any

from filelock import FileLock, Timeout

from conflict_tagger.command_configs import BaselineConfig
from conflict_tagger.documents import InputError
from conflict_tagger.runs import LOCK, METRICS, STATE, read_json, recorded_run

RUN_NAME = re.compile(r"(\d{4}-\d\d-\d\d)-(.+)-[0-9a-f]{8}")
SEEDS_NAME = re.compile(r"(.+)-seeds-[0-9a-f]{8}")  # as scripts/train_seeds.py calls it
SPEED = "tokens_per_second"


@dataclass(frozen=True, slots=True)
class ListedRun:
    """A run folder, or the folder of a recipe's runs with several seeds, in one line.

    Attributes:
        folder: the run folder.
        date: the day it was started.
        started: when it was started, for the order within a day.
        name: name of its experiment.
        state: running, stopped, finished, failed (and why) or broken (and how).
        model: its encoder or baseline, empty when broken.
        seeds: its random seed, or those of a recipe's runs; empty when broken.
        f1: strict micro F1 by split, of several seeds their mean.
        tokens_per_second: speed of the training, without padding, of several seeds their mean.
    """

    folder: Path
    date: str
    started: str
    name: str
    state: str
    model: str = ""
    seeds: tuple[int, ...] = ()
    f1: Mapping[str, float] = field(default_factory=dict)
    tokens_per_second: int | None = None


def list_runs(folder: Path) -> list[ListedRun]:
    """All run folders under a folder, the newest first; broken ones say so and why.

    Raises:
        InputError: there is no such folder.
    """
    if not folder.is_dir():
        raise InputError(f"runs: there is no folder {folder}; `make train` makes it")
    found = sorted(path for path in folder.rglob("*") if path.is_dir())
    runs = [describe_run(path) for path in found if RUN_NAME.fullmatch(path.name)]
    for path in found:
        inside = [run for run in runs if path in run.folder.parents]
        if inside and SEEDS_NAME.fullmatch(path.name):
            runs.append(describe_seeds(path, inside))
    return sorted(runs, key=lambda run: (run.date, run.started), reverse=True)


def describe_run(folder: Path) -> ListedRun:
    """One run folder, whatever is left of it."""
    match = RUN_NAME.fullmatch(folder.name)
    assert match is not None
    run = ListedRun(folder, match[1], "", match[2], "broken")
    try:
        state = read_json(folder / STATE) if (folder / STATE).exists() else {}
        sessions = state.get("sessions", [])
        run = replace(run, started=str(sessions[0]["started"]) if sessions else "")
        config = recorded_run(folder)
        model = config.baseline if isinstance(config, BaselineConfig) else config.model.name
        run = replace(run, model=model, seeds=(config.seed,), state=state_of(folder, state))
        if (folder / METRICS).exists():
            metrics = read_json(folder / METRICS)
            f1 = {name: s["strict"]["micro"]["f1"] for name, s in metrics["splits"].items()}
            run = replace(run, f1=f1, tokens_per_second=metrics["training"].get(SPEED))
    except (InputError, KeyError, TypeError, AttributeError, IndexError) as error:
        fault = str(error) if isinstance(error, InputError) else f"damaged record: {error!r}"
        run = replace(run, state=f"broken: {fault}")
    return run


def describe_seeds(folder: Path, runs: Sequence[ListedRun]) -> ListedRun:
    """The folder of a recipe's runs, whose own are `runs`."""
    match = SEEDS_NAME.fullmatch(folder.name)
    assert match is not None
    newest = max(runs, key=lambda run: (run.date, run.started))
    seeds = tuple(sorted({seed for run in runs for seed in run.seeds}))
    group = ListedRun(
        folder, newest.date, f"{newest.started} all", match[1], "stopped", newest.model, seeds
    )
    if is_being_written(folder):
        return replace(group, state="running")
    if not (folder / METRICS).exists():
        return group
    try:
        metrics = read_json(folder / METRICS)
        f1 = {name: s["strict"]["micro"]["f1"]["mean"] for name, s in metrics["splits"].items()}
        speeds = [one[SPEED] for one in metrics["training"] if one.get(SPEED)]
        speed = round(fmean(speeds)) if speeds else None
    except (InputError, KeyError, TypeError, AttributeError) as error:
        return replace(group, state=f"broken: {error}")
    return replace(group, state="finished", f1=f1, tokens_per_second=speed)


def state_of(folder: Path, state: Mapping[str, Any]) -> str:
    """Whether a run is finished, failed and why, still running, or was stopped."""
    if not state:  # of a run before there were state files
        return "finished" if (folder / METRICS).exists() else "stopped"
    if state["state"] == "failed":
        return f"failed: {state['why']}"
    if state["state"] == "running":
        return "running" if is_being_written(folder) else "stopped"
    if not (folder / METRICS).exists():
        raise InputError(f"{folder / METRICS} is missing though the run is {state['state']}")
    return str(state["state"])


def is_being_written(folder: Path) -> bool:
    """Whether a process holds the lock of a run."""
    lock = FileLock(folder / LOCK)
    try:
        with lock.acquire(timeout=0):
            return False
    except Timeout:
        return True
    except OSError:  # a folder that cannot be written is written by nobody
        return False
