"""A search for a recipe with Optuna: many trainings, judged by validation alone."""

from __future__ import annotations

import hashlib
import logging
import re
import warnings
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

import numpy as np
from omegaconf import OmegaConf
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from conflict_tagger.command_configs import ParameterConfig, SpaceConfig, SweepConfig
from conflict_tagger.config import TrainConfig
from conflict_tagger.config_checks import check_train_config
from conflict_tagger.corpora import VALIDATION, load_splits
from conflict_tagger.documents import InputError, LabelSet, first_line
from conflict_tagger.runs import describe_data, make_folder, to_json
from conflict_tagger.seeds import recipe_id
from conflict_tagger.sweep_pages import write_results
from conflict_tagger.trainer import CHOOSE_BY
from conflict_tagger.training import train

if TYPE_CHECKING:
    import optuna

logger = logging.getLogger(__name__)

HEARTBEAT = 60  # seconds; a worker that is silent for twice that is dead, and its trial tried again
RETRIES = 2


def sweep(config: SweepConfig, base: TrainConfig) -> Path:
    """Do what is left of a study's trials, alone or beside other workers on the same study.

    Args:
        config: the study and its space.
        base: the configuration whose values the trials replace; its test splits are left out.

    Returns:
        The page of results.

    Raises:
        InputError: a bad space, a study that was begun otherwise, or a training that fails.
    """
    import optuna

    base = replace(base, data=replace(base.data, evaluation={}), resume=None)
    base.tracking.group = base.tracking.group or f"sweep-{config.study}"
    check_sweep(config, base)
    folder = Path(config.runs) / config.study
    make_folder(folder, "runs")
    study = open_study(config, base, folder)
    done = (optuna.trial.TrialState.COMPLETE, optuna.trial.TrialState.PRUNED)

    def objective(trial: optuna.Trial) -> float:
        trial.study.sampler = sampler(config, trial.number)
        return run_trial(trial, config, base, folder / "runs")

    def tell(study: optuna.Study, trial: optuna.trial.FrozenTrial) -> None:
        finished = len(study.get_trials(deepcopy=False, states=done))
        logger.info("%s", progress_line(trial, finished, config.trials, best_value(study)))
        write_results(study, config, folder)

    if len(study.get_trials(deepcopy=False, states=done)) < config.trials:
        limit = optuna.study.MaxTrialsCallback(config.trials, states=done)
        study.optimize(objective, callbacks=[tell, limit])
    return write_results(study, config, folder)


def check_sweep(config: SweepConfig, base: TrainConfig) -> None:
    """Refuse what cannot be searched.

    Raises:
        InputError: names the key and what it may be.
    """
    if not re.fullmatch(r"[\w.-]*\w", config.study):
        raise InputError(f"study: must be a name without slashes; it is {config.study!r}")
    if not parameters(config.space):
        raise InputError("space: names no value to search for; take a file of configs/space/")
    for key, limit in (("trials", 1), ("prune_after", 1)):
        if getattr(config, key) < limit:
            raise InputError(f"{key}: must be {limit} or more")
    if not config.seeds:
        raise InputError("seeds: name at least one")
    structured = OmegaConf.structured(base)
    for key, parameter in parameters(config.space).items():
        value = OmegaConf.select(structured, key)
        if value is None or OmegaConf.is_config(value):
            raise InputError(f"space: {key} is no value of the configuration")
        edges = (parameter.low is not None, parameter.high is not None)
        if edges != ((False, False) if parameter.choices else (True, True)):
            raise InputError(f"space: {key} needs either choices, or low and high")
        if parameter.low is not None and parameter.high is not None:
            if parameter.low > parameter.high or (parameter.log and parameter.low <= 0):
                raise InputError(f"space: {key}: low must not be above high, nor 0 if log")
            for edge in (parameter.low, parameter.high):
                check_train_config(with_values(base, {key: _as(type(value), edge)}))
        for choice in parameter.choices or ():
            check_train_config(with_values(base, {key: choice}))


def parameters(space: SpaceConfig) -> dict[str, ParameterConfig]:
    """What is searched for, by dotted key."""
    return {
        f"{part}.{key}": parameter
        for part, searched in vars(space).items()
        for key, parameter in searched.items()
    }


def with_values(base: TrainConfig, values: Mapping[str, Any]) -> TrainConfig:
    """A configuration with some of its values replaced, by dotted key.

    Raises:
        OmegaConfBaseException: a value of a wrong type.
    """
    changed = OmegaConf.structured(base)
    for key, value in values.items():
        OmegaConf.update(changed, key, value)
    typed = OmegaConf.to_object(changed)
    assert isinstance(typed, TrainConfig)
    return typed


def sampler(config: SweepConfig, trial: int) -> optuna.samplers.TPESampler:
    """What proposes the values of one trial, by its number.

    A sampler that is seeded once would propose the same values again in every worker, and whenever
    a sweep goes on.
    """
    import optuna

    (seed,) = np.random.SeedSequence([config.sampler_seed, trial]).generate_state(1)
    return optuna.samplers.TPESampler(seed=int(seed))


def open_study(config: SweepConfig, base: TrainConfig, folder: Path) -> optuna.Study:
    """The study in a folder, begun if there is none.

    Raises:
        InputError: it was begun with another configuration, space or data.
    """
    import optuna
    from filelock import FileLock
    from sqlalchemy.exc import SQLAlchemyError

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    # What finds the trials of killed workers has been experimental for years.
    warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
    path = (folder / "study.db").resolve()
    try:
        with FileLock(folder / "lock"):  # two workers that begin at once would both make the tables
            study = optuna.create_study(
                storage=optuna.storages.RDBStorage(
                    f"sqlite:///{path}",
                    engine_kwargs={"connect_args": {"timeout": 60}},
                    heartbeat_interval=HEARTBEAT,
                    heartbeat_stale_trial_callback=optuna.storages.RetryHeartbeatStaleTrialCallback(
                        RETRIES
                    ),
                ),
                study_name=config.study,
                direction="maximize",
                load_if_exists=True,
                sampler=sampler(config, 0),
                pruner=optuna.pruners.MedianPruner(n_warmup_steps=config.prune_after),
            )
    except SQLAlchemyError as error:
        raise InputError(
            f"study: {path} cannot be read ({first_line(error)}); move it away to begin anew"
        ) from None
    splits = load_splits(base.data, LabelSet(tuple(base.data.labels)))
    hashes = {name: record["sha256"] for name, record in describe_data(splits).items()}
    space = OmegaConf.to_yaml(OmegaConf.structured(config.space))
    asked = to_json([recipe_id(base), space, config.seeds, hashes])
    mark = hashlib.sha256(asked.encode()).hexdigest()
    if study.user_attrs.setdefault("asked", mark) != mark:
        raise InputError(
            f"study: {config.study} was begun with other overrides, space, seeds or data; give "
            "another name with study=…"
        )
    study.set_user_attr("asked", mark)
    return study


def run_trial(trial: optuna.Trial, config: SweepConfig, base: TrainConfig, runs: Path) -> float:
    """Train a recipe with each seed; the mean of strict F1 on validation.

    Raises:
        TrialPruned: it was given up.
    """
    import optuna

    structured = OmegaConf.structured(base)
    values = {
        key: suggest(trial, key, parameter, type(OmegaConf.select(structured, key)))
        for key, parameter in parameters(config.space).items()
    }
    scores: list[float] = []
    for number, seed in enumerate(config.seeds):
        name = f"trial-{trial.number}"
        one = replace(with_values(base, values), seed=seed, name=name, runs=str(runs))
        watch = PruneByValidation(trial, first=number * one.training.epochs)
        metrics = train(one, callbacks=[watch])
        assert metrics is not None, "a sweep's trainings have one process"
        trial.set_user_attr(f"run_seed_{seed}", metrics["run"])
        if watch.pruned:
            raise optuna.TrialPruned
        scores.append(metrics["splits"][VALIDATION]["strict"]["micro"]["f1"])
    return fmean(scores)


def suggest(trial: optuna.Trial, key: str, parameter: ParameterConfig, kind: type) -> Any:
    """A value for one key; whole numbers where the configuration has one."""
    if parameter.choices is not None:
        return trial.suggest_categorical(key, parameter.choices)
    assert parameter.low is not None and parameter.high is not None
    if kind is int:
        return trial.suggest_int(key, int(parameter.low), int(parameter.high), log=parameter.log)
    return trial.suggest_float(key, parameter.low, parameter.high, log=parameter.log)


def _as(kind: type, value: float) -> Any:
    return int(value) if kind is int else value


class PruneByValidation(TrainerCallback):  # type: ignore[misc]
    """Tells a trial each epoch's score, and ends the training where the trial is given up."""

    def __init__(self, trial: optuna.Trial, first: int) -> None:
        """Watch one training of a trial, after `first` epochs of those before it."""
        self.trial = trial
        self.first = first
        self.pruned = False

    def on_evaluate(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl,
        metrics: dict[str, float], **_: Any,
    ) -> None:  # fmt: skip
        """Report strict F1 on validation."""
        self.trial.report(metrics[CHOOSE_BY], self.first + round(state.epoch or 0))
        if self.trial.should_prune():
            self.pruned = control.should_training_stop = True


def best_value(study: optuna.Study) -> float | None:
    """The best score so far, None before the first."""
    # A trial that was given up has the score of its last epoch as its value.
    complete = [t for t in study.get_trials(deepcopy=False) if t.state.name == "COMPLETE"]
    return max((trial.value for trial in complete if trial.value is not None), default=None)


def progress_line(
    trial: optuna.trial.FrozenTrial, finished: int, trials: int, best: float | None
) -> str:
    """What a trial came to, and how far the study is."""
    told = trial.state.name.lower()
    complete = trial.state.name == "COMPLETE"
    score = f", validation strict F1 {trial.value:.3f}" if complete else ""
    so_far = "" if best is None else f"; best so far {best:.3f}"
    return f"trial {trial.number} {told}{score} ({finished} of {trials} done{so_far})"
