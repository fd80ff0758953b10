"""Several seeds of one recipe: what is left is done, spread is told, validation chooses."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import data_overrides, run_script
from filelock import FileLock

from conflict_tagger.config import ModelConfig, TrackingConfig, TrainConfig, TrainingConfig
from conflict_tagger.documents import InputError
from conflict_tagger.runs import file_sha256, read_json
from conflict_tagger.scoring.intervals import seed_interval
from conflict_tagger.seeds import (
    aggregate,
    check_same_data,
    recipe_id,
    summarize_seeds,
    train_seeds,
)


def test_a_recipe_is_known_by_what_changes_its_results() -> None:
    config = TrainConfig(name="x", model=ModelConfig(name="tiny"))
    same = replace(config, seed=7, runs="elsewhere", force=True, tracking=TrackingConfig(group="g"))
    assert recipe_id(config) == recipe_id(same)
    assert recipe_id(config) != recipe_id(replace(config, training=TrainingConfig(epochs=2)))
    assert len(recipe_id(config)) == 8


class FakeTraining:
    """Leaves what a training leaves, and notes what it was asked for."""

    def __init__(self, f1: Sequence[float]) -> None:
        self.f1 = f1
        self.asked: list[list[str]] = []
        self.fail = False

    def __call__(self, overrides: list[str]) -> int:
        self.asked.append(overrides)
        values = dict(override.split("=") for override in overrides)
        folder = Path(values["resume"]) if "resume" in values else Path(values["runs"]) / "run"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "config.yaml").touch()
        if self.fail:
            return 1
        seed = int(folder.parent.name.removeprefix("seed-"))
        scores = {"strict": {"micro": {"f1": self.f1[seed]}}, "documents": 3}
        metrics = {"seed": seed, "splits": {"validation": scores}, "training": {"steps": 1}}
        (folder / "metrics.json").write_text(json.dumps(metrics))
        (folder / "environment.json").write_text('{"git": {"revision": "abc"}}')
        (folder / "data.json").write_text('{"train": {"sha256": "1", "path": "t.jsonl"}}')
        return 0


def test_only_what_is_left_is_trained(tmp_path: Path) -> None:
    training = FakeTraining([0.5, 0.9, 0.7, 0.9])
    runs = train_seeds([0, 1], tmp_path, ["a=1"], training)
    assert runs == [tmp_path / "seed-0" / "run", tmp_path / "seed-1" / "run"]
    assert training.asked[0] == ["a=1", "seed=0", f"runs={tmp_path / 'seed-0'}"]
    training.fail = True
    with pytest.raises(InputError, match="seed 2: the training failed, see above"):
        train_seeds(range(4), tmp_path, ["a=1"], training)
    training.fail = False
    runs = train_seeds(range(4), tmp_path, ["a=1"], training)
    resumed, fresh = training.asked[-2:]
    assert resumed == [f"resume={tmp_path / 'seed-2' / 'run'}"], "it goes on, with its own recipe"
    assert fresh[1] == "seed=3" and len(training.asked) == 5, "nothing is trained twice"

    result = summarize_seeds(runs, ["a=1"])
    f1 = result["splits"]["validation"]["strict"]["micro"]["f1"]
    assert f1 == seed_interval([0.5, 0.9, 0.7, 0.9])
    assert result["best"] == {"seed": 1, "run": str(runs[1]), "validation_strict_f1": 0.9}
    assert result["runs"] == [str(run) for run in runs] and result["seeds"] == [0, 1, 2, 3]

    check_same_data(runs, {"train": {"sha256": "1", "path": "t.jsonl"}})
    with pytest.raises(InputError, match=r"seed-0/run: .* other data \(data.train: t.jsonl has"):
        check_same_data(runs, {"train": {"sha256": "2", "path": "t.jsonl"}})
    with FileLock(tmp_path / ".lock"), pytest.raises(InputError, match="another process trains"):
        train_seeds([0], tmp_path, [], training)
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"runs: cannot make .*file/x: Not a directory"):
        train_seeds([0], tmp_path / "file" / "x", [], training)


def test_aggregate_gives_mean_and_standard_deviation_of_scores_and_keeps_counts() -> None:
    def run(seed: int, f1: float) -> dict[str, object]:
        return {
            "seed": seed,
            "splits": {"test": {"f1": f1, "documents": 3}},
            "training": {"t": 1},
            "git": {},
        }

    result = aggregate([run(0, 0.5), run(1, 0.7), run(2, 0.9)], ["model=minilm"])
    f1 = result["splits"]["test"]["f1"]
    assert (f1["mean"], f1["sd"]) == pytest.approx((0.7, 0.2))
    assert f1["interval"] == seed_interval([0.5, 0.7, 0.9])["interval"]
    assert result["splits"]["test"]["documents"] == 3
    alone = aggregate([run(0, 0.5)], [])
    assert alone["splits"]["test"]["f1"] == {"mean": 0.5, "sd": None, "interval": None}
    assert result["seeds"] == [0, 1, 2] and len(result["training"]) == 3
    older = run(3, 0.5)
    older["splits"] = {"test": {"f1": 0.5}}
    assert set(aggregate([run(0, 0.5), older], [])["splits"]["test"]) == {"f1"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["1", ""], "SEEDS: must be 2 or more; it is '1'"),
        (["many", ""], "SEEDS: must be 2 or more; it is 'many'"),
        (["2", "", "seed=4"], "seed=4: cannot be given with SEEDS"),
        (["2", "", "resume=runs/x"], "resume=runs/x: cannot be given with SEEDS"),
    ],
)
def test_bad_seeds_are_named(arguments: list[str], message: str) -> None:
    import train_seeds as script

    with pytest.raises(InputError, match=message):
        script.main(*arguments)


@pytest.mark.slow
def test_a_bad_value_is_one_line_before_any_training(tmp_path: Path) -> None:
    result = run_script("train_seeds", "2", "", "training.epochs=none", f"runs={tmp_path}")
    assert result.returncode == 2
    (line,) = result.stderr.decode().splitlines()
    assert line.startswith("error: ") and "training.epochs" in line
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_the_script_trains_seeds_and_goes_on_with_what_is_left(
    tiny_data: Path, tmp_path: Path
) -> None:
    overrides = [
        *data_overrides(tiny_data), "~data.evaluation.seed_articles", f"runs={tmp_path}",
        "tracking=offline", "training.epochs=2", "training.learning_rate=1e-3",
        "training.replace_mentions=0",
    ]  # fmt: skip
    result = run_script("train_seeds", "2", "", *overrides)
    assert result.returncode == 0, result.stderr.decode()
    (folder,) = tmp_path.iterdir()
    metrics = read_json(folder / "metrics.json")
    weights = {run: file_sha256(Path(run) / "checkpoint" / "model.safetensors")
               for run in metrics["runs"]}  # fmt: skip
    assert len(set(weights.values())) == 2
    f1 = metrics["splits"]["test"]["strict"]["micro"]["f1"]
    assert f1["sd"] > 0 and f1["interval"][0] < f1["mean"] < f1["interval"][1]
    printed = result.stdout.decode()
    assert f"best on validation, the one to publish: seed {metrics['best']['seed']}" in printed
    for run in metrics["runs"]:
        config = (Path(run) / "config.yaml").read_text()
        assert f"group: {folder.name}" in config, "one group at W&B"
    stopped = Path(metrics["runs"][1])  # as if it had been killed before a checkpoint
    (stopped / "metrics.json").unlink()
    state = (stopped / "state.json").read_text()
    (stopped / "state.json").write_text(state.replace('"finished"', '"running"'))
    again = run_script("train_seeds", "2", "", *overrides)
    assert again.returncode == 0, again.stderr.decode()
    assert "seed 1, 2 of 2" in again.stderr.decode() and "seed 0" not in again.stderr.decode()
    for run, sha256 in weights.items():
        assert file_sha256(Path(run) / "checkpoint" / "model.safetensors") == sha256
