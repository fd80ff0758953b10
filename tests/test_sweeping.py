"""Sweeps: what may be searched, and that trials are judged by validation, pruned and shared."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna
import pytest
from conftest import LABELS, ROOT, run_script

from conflict_tagger import sweeping
from conflict_tagger.command_configs import ParameterConfig, SpaceConfig, SweepConfig
from conflict_tagger.config import (
    DataConfig,
    ModelConfig,
    Tracking,
    TrackingConfig,
    TrainConfig,
    TrainingConfig,
)
from conflict_tagger.documents import InputError
from conflict_tagger.sweeping import open_study, sweep
from conflict_tagger.trainer import CHOOSE_BY

RATE = ParameterConfig(low=1e-4, high=1e-1, log=True)


@pytest.fixture
def base(tiny_data: Path) -> TrainConfig:
    data = DataConfig(
        "tiny", list(LABELS), ["DENIAL"], ["COUNT"], str(tiny_data / "train.jsonl"),
        str(tiny_data / "validation.jsonl"), {"test": str(tiny_data / "test.jsonl")},
    )  # fmt: skip
    return TrainConfig(
        data, ModelConfig("tiny", "none"), TrainingConfig(epochs=3),
        TrackingConfig(Tracking.none), "tiny",
    )  # fmt: skip


@pytest.fixture
def config(tmp_path: Path) -> SweepConfig:
    return SweepConfig(
        "s", [], SpaceConfig({"learning_rate": RATE}), trials=12, seeds=[0, 1], runs=str(tmp_path)
    )


class FakeTrainer:
    """Trains nothing: the score follows from the learning rate, best at 0.01."""

    def __init__(self) -> None:
        self.configs: list[TrainConfig] = []

    def __call__(self, config: TrainConfig, callbacks: Any) -> dict[str, Any]:
        self.configs.append(config)
        rate = config.training.learning_rate
        final = 1 - min(rate / 0.01, 0.01 / rate) ** -0.1 / 10
        (watch,) = callbacks
        control = type("Control", (), {"should_training_stop": False})()
        for epoch in range(1, config.training.epochs + 1):
            state = type("State", (), {"epoch": epoch})()
            watch.on_evaluate(None, state, control, {CHOOSE_BY: final * epoch / 10})
            if control.should_training_stop:
                break
        f1 = {"strict": {"micro": {"f1": final}}}
        return {"run": "runs/x", "splits": {"validation": f1}}


def test_trials_are_judged_by_validation_alone(
    config: SweepConfig, base: TrainConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = FakeTrainer()
    monkeypatch.setattr(sweeping, "train", trainer)
    page = sweep(config, base)
    assert all(one.data.evaluation == {} for one in trainer.configs), "no test split is read"
    assert all(one.tracking.group == "sweep-s" for one in trainer.configs)
    assert {one.seed for one in trainer.configs} == {0, 1}
    storage = f"sqlite:///{page.with_name('study.db')}"
    study = optuna.load_study(study_name="s", storage=storage)
    assert len(study.trials) == 12 and set(study.best_params) == {"training.learning_rate"}
    assert any(trial.state.name == "PRUNED" for trial in study.trials)
    html = page.read_text()
    rate = study.best_params["training.learning_rate"]
    assert f"make train ARGS=training.learning_rate={rate}" in html
    assert html.count("<tr") == 13 and page.with_name("trials.csv").exists()

    before = len(trainer.configs)
    sweep(config, base)
    assert len(trainer.configs) == before, "all trials are done"
    sweep(replace(config, trials=14), base)
    assert len(optuna.load_study(study_name="s", storage=storage).trials) == 14, "it goes on"
    assert "Importance of each value" in page.read_text()
    for change in ({"seeds": [0]}, {"space": SpaceConfig({"epochs": ParameterConfig(1, 2)})}):
        with pytest.raises(InputError, match="study: s was begun with other overrides, space,"):
            sweep(replace(config, **change), base)


def test_whole_numbers_and_choices_stay_what_they_are(
    config: SweepConfig, base: TrainConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = FakeTrainer()
    monkeypatch.setattr(sweeping, "train", trainer)
    config.space = SpaceConfig(
        {
            "epochs": ParameterConfig(1, 3),
            "tokens_per_batch": ParameterConfig(choices=[64, 128]),
        }
    )
    sweep(replace(config, trials=3), base)
    for one in trainer.configs:
        assert type(one.training.epochs) is int and 1 <= one.training.epochs <= 3
        assert one.training.tokens_per_batch in (64, 128)


def a_space(key: str, parameter: ParameterConfig, part: str = "training") -> dict[str, Any]:
    return {"space": SpaceConfig(**{part: {key: parameter}})}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"space": SpaceConfig()}, "space: names no value"),
        ({"study": "../x"}, "study: must be a name without slashes; it is '../x'"),
        ({"trials": 0}, "trials: must be 1 or more"),
        ({"prune_after": 0}, "prune_after: must be 1 or more"),
        ({"seeds": []}, "seeds: name at least one"),
        (a_space("speed", RATE), "space: training.speed is no value of the configuration"),
        (a_space("window", RATE, "model"), "space: model.window is no value of the config"),
        (a_space("warmup", ParameterConfig(low=0.1)), "either choices, or low and high"),
        (a_space("warmup", ParameterConfig(choices=[])), "either choices, or low and high"),
        (a_space("warmup", ParameterConfig(0.2, 0.1)), "low must not be above high"),
        (a_space("warmup", ParameterConfig(0, 1, True)), "low must not be above high, nor 0"),
        (a_space("warmup", ParameterConfig(0, 2)), "training.warmup: must be a fraction"),
        (a_space("epochs", ParameterConfig(choices=[0])), "training.epochs: must be 1 or more"),
    ],
)
def test_what_cannot_be_searched(
    change: dict[str, Any], message: str, config: SweepConfig, base: TrainConfig, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=message):
        sweep(replace(config, **change), base)
    assert list(tmp_path.iterdir()) == []


def test_a_study_that_cannot_be_read_or_made_is_named(
    config: SweepConfig, base: TrainConfig, tmp_path: Path
) -> None:
    (tmp_path / "s").mkdir()
    (database := tmp_path / "s" / "study.db").write_text("no database, whatever its name says")
    with pytest.raises(InputError, match=r"study: .*study.db cannot be read .*not a database"):
        sweep(config, base)
    assert database.read_text().startswith("no database"), "nothing is lost"
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"runs: cannot make .*file/s: Not a directory"):
        sweep(replace(config, runs=str(tmp_path / "file")), base)


def test_a_sweep_that_goes_on_tries_other_values(
    config: SweepConfig, base: TrainConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeping, "train", FakeTrainer())
    for trials in (2, 4, 6):
        page = sweep(replace(config, trials=trials), base)
    study = optuna.load_study(study_name="s", storage=f"sqlite:///{page.with_name('study.db')}")
    assert len(study.trials) == 6
    assert len({tuple(trial.params.values()) for trial in study.trials}) == 6


def test_workers_that_begin_at_once_open_one_study(
    config: SweepConfig, base: TrainConfig, tmp_path: Path
) -> None:
    with ThreadPoolExecutor(4) as workers:
        opened = [workers.submit(open_study, config, base, tmp_path) for _ in range(4)]
    assert {study.result().study_name for study in opened} == {config.study}


def script_overrides(tiny_encoder: Path, tiny_data: Path, runs: Path) -> list[str]:
    overrides = [
        "tracking=none", "model=encoder", f"model.source={tiny_encoder}", "training.balance=false",
        f"data.train={tiny_data}/train.jsonl", "data.more_train=[]",
        f"data.validation={tiny_data}/validation.jsonl",
        "data.evaluation.test=no-such-file",
    ]  # fmt: skip
    quoted = ",".join(f"'{override}'" for override in overrides)
    return [
        f"overrides=[{quoted}]", "study=tiny", f"runs={runs}", "seeds=[0]",
        "~space.training.tokens_per_batch",
        "space.training.epochs.low=1", "space.training.epochs.high=1",
    ]  # fmt: skip


def test_a_space_has_no_place_for_a_seed_or_for_data(tmp_path: Path) -> None:
    result = run_script("sweep", "+space.seed.x.low=1", f"runs={tmp_path}")
    (line,) = result.stderr.decode().splitlines()
    assert result.returncode == 2 and "Key 'seed'" in line


@pytest.mark.slow
def test_two_workers_share_a_study_and_another_goes_on(
    tiny_encoder: Path, tiny_data: Path, tmp_path: Path
) -> None:
    overrides = script_overrides(tiny_encoder, tiny_data, tmp_path)
    command = [sys.executable, "scripts/sweep.py", *overrides, "trials=4"]
    workers = [
        subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(2)
    ]
    errors = [worker.communicate(timeout=200)[1].decode() for worker in workers]
    assert [worker.returncode for worker in workers] == [0, 0], errors
    storage = f"sqlite:///{tmp_path / 'tiny' / 'study.db'}"
    study = optuna.load_study(study_name="tiny", storage=storage)
    assert 4 <= len(study.trials) <= 5, "the last two may begin together"
    assert all(text.count("validation strict F1") >= 1 for text in errors), "both did some"
    assert len({tuple(trial.params.values()) for trial in study.trials}) == len(study.trials)
    result = run_script("sweep", *overrides, "trials=6")
    assert result.returncode == 0, result.stderr.decode()
    assert len(optuna.load_study(study_name="tiny", storage=storage).trials) >= 6
    assert b"(6 of 6 done; best so far" in result.stderr
    assert (tmp_path / "tiny" / "results.html").exists()
