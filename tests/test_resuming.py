"""Runs that are killed and go on: the same weights, whole checkpoints, honest records."""

import json
import random
import shutil
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from conftest import LABELS, ROOT, run_script
from filelock import FileLock
from omegaconf import OmegaConf

from conflict_tagger.command_configs import RepeatConfig
from conflict_tagger.config import (
    DataConfig,
    ModelConfig,
    Precision,
    Tracking,
    TrackingConfig,
    TrainConfig,
    TrainingConfig,
    WindowConfig,
)
from conflict_tagger.corpora import load_splits
from conflict_tagger.documents import InputError
from conflict_tagger.repeating import environment_changes, repeat
from conflict_tagger.resuming import config_to_resume, newest_checkpoint
from conflict_tagger.runs import LOCK, RunFolder, describe_data, writing
from conflict_tagger.training import train

EPOCHS = 4


@pytest.fixture(scope="module")
def config(
    tiny_encoder: Path, tiny_data: Path, tmp_path_factory: pytest.TempPathFactory
) -> TrainConfig:
    return TrainConfig(
        name="tiny",
        runs=str(tmp_path_factory.mktemp("runs")),
        data=DataConfig(
            name="tiny",
            labels=list(LABELS),
            clauses=["DENIAL"],
            train=str(tiny_data / "train.jsonl"),
            validation=str(tiny_data / "validation.jsonl"),
            evaluation={"test": str(tiny_data / "test.jsonl")},
        ),
        model=ModelConfig(name="tiny", source=str(tiny_encoder), window=WindowConfig(64, 16)),
        training=TrainingConfig(
            epochs=EPOCHS, learning_rate=3e-3, precision=Precision.fp32, patience=EPOCHS,
            tokens_per_batch=512, replace_mentions=0.5, mask_probability=0.05,
            schedule="cosine", layer_decay=0.9, label_smoothing=0.1, label_weights={"DENIAL": 2.0},
        ),
        tracking=TrackingConfig(mode=Tracking.none),
    )  # fmt: skip


def train_until(config: TrainConfig, where: str, folder: Path) -> subprocess.CompletedProcess[str]:
    path = folder / "config.json"
    values = OmegaConf.to_container(OmegaConf.create(asdict(config)), enum_to_str=True)
    path.write_text(json.dumps(values))
    return subprocess.run(
        [sys.executable, str(ROOT / "tests" / "killed_training.py"), str(path), where],
        capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip


def only_run(config: TrainConfig) -> Path:
    (folder,) = Path(config.runs).iterdir()
    return folder


@pytest.fixture(scope="module")
def undisturbed(config: TrainConfig) -> dict[str, object]:
    return train(replace(config, runs=f"{config.runs}-undisturbed"))


@pytest.mark.slow
def test_a_run_killed_again_and_again_ends_with_the_same_weights(
    config: TrainConfig, undisturbed: dict[str, object], tmp_path: Path
) -> None:
    steps = undisturbed["training"]["steps"]  # type: ignore[index]
    epoch = steps // EPOCHS
    # Random, told apart by what pytest shows on a failure; every one must do.
    first, later = random.randrange(1, epoch), random.randrange(2 * epoch + 1, 3 * epoch)
    places = [
        "while recording", f"step {first}", "while saving", "before renaming", f"step {later}",
        "while scoring",
    ]  # fmt: skip
    config = replace(config, runs=str(tmp_path / "runs"))
    for index, where in enumerate(places):
        result = train_until(config, where, tmp_path)
        assert result.returncode == -9, (where, result.stderr)
        folder = only_run(config)
        state = json.loads((folder / "state.json").read_text())
        assert state["state"] == "running" and len(state["sessions"]) == index + 1
        config = replace(config, resume=str(folder))
    result = train_until(config, "nowhere", tmp_path)
    assert result.returncode == 0, result.stderr
    metrics = json.loads((folder / "metrics.json").read_text())
    assert metrics["checkpoint_sha256"] == undisturbed["checkpoint_sha256"], places
    assert metrics["splits"] == undisturbed["splits"]
    assert metrics["training"]["sessions"] == len(places) + 1
    history = json.loads((folder / "history.json").read_text())
    scored = [entry["epoch"] for entry in history if "eval_strict_f1" in entry]
    assert scored == list(range(1, EPOCHS + 1))
    assert json.loads((folder / "state.json").read_text())["state"] == "finished"
    assert not (folder / "steps").exists()


@pytest.fixture
def unfinished(config: TrainConfig, tmp_path: Path) -> Path:
    """A run that was interrupted in its last minute."""
    config = replace(config, runs=str(tmp_path / "runs"))
    result = train_until(config, "interrupted", tmp_path)
    assert result.returncode == 1 and "KeyboardInterrupt" in result.stderr
    return only_run(config)


@pytest.mark.slow
def test_an_interrupted_run_says_so_and_goes_on_from_anywhere(
    config: TrainConfig, undisturbed: dict[str, object], unfinished: Path, tmp_path: Path
) -> None:
    state = json.loads((unfinished / "state.json").read_text())
    assert (state["state"], state["why"]) == ("failed", "interrupted")
    steps = sorted(int(path.name.split("-")[1]) for path in (unfinished / "steps").iterdir())
    assert len(steps) <= 2, "best and last are kept, the others go"
    moved = unfinished.rename(tmp_path / "2026-01-01-moved-12345678")
    result = train(replace(config, resume=str(moved)))
    assert result["checkpoint_sha256"] == undisturbed["checkpoint_sha256"]
    again = train(replace(config, resume=str(moved)))
    assert again["splits"] == result["splits"], "a finished run was not left as it is"
    assert len(json.loads((moved / "state.json").read_text())["sessions"]) == 2


@pytest.mark.slow
def test_changed_inputs_stop_a_resume_by_name_unless_forced(
    config: TrainConfig, unfinished: Path, tmp_path: Path
) -> None:
    shutil.copy(config.data.train, other := tmp_path / "other.jsonl")
    with other.open("a", encoding="utf-8") as file:
        file.write('{"id": "new", "text": "Three more were killed.", "spans": []}\n')
    arguments = [f"resume={unfinished}", "training.epochs=5", f"data.train={other}"]
    result = run_script("train", *arguments)
    assert result.returncode == 2
    (line,) = result.stderr.decode().splitlines()
    for part in (
        "training.epochs: 4 then, 5 now",
        f"data.train: {other} has changed",
        "force=true",
    ):
        assert part in line
    result = run_script("train", *arguments, "force=true")
    assert result.returncode == 0, result.stderr.decode()
    state = json.loads((unfinished / "state.json").read_text())
    assert state["state"] == "finished"
    assert any("training.epochs" in change for change in state["sessions"][-1]["changes"])
    record = OmegaConf.load(unfinished / "config.yaml")
    assert record.training.epochs == 5 and record.data.train == str(other)


def run_folder(tmp_path: Path, config: TrainConfig) -> Path:
    folder = tmp_path / "2026-01-01-tiny-12345678"
    folder.mkdir()
    (folder / "config.yaml").write_text(OmegaConf.to_yaml(OmegaConf.structured(config)))
    return folder


def test_a_resume_takes_the_runs_own_configuration(config: TrainConfig, tmp_path: Path) -> None:
    folder = run_folder(tmp_path, config)
    now = TrainConfig(name="other", resume=str(folder), training=TrainingConfig(epochs=9))
    resumed, changes = config_to_resume(now, ["resume"])
    assert changes == []
    assert resumed == replace(config, resume=str(folder))


def test_only_values_that_were_given_count_as_changes(config: TrainConfig, tmp_path: Path) -> None:
    folder = run_folder(tmp_path, config)
    now = replace(
        config,
        resume=str(folder),
        seed=5,
        training=replace(config.training, epochs=9, weight_decay=0.5),
        model=replace(config.model, window=WindowConfig(32, 8)),
        tracking=TrackingConfig(mode=Tracking.offline),
    )
    resumed, changes = config_to_resume(now, ["training.epochs", "model", "tracking"])
    assert changes == [
        "training.epochs: 4 then, 9 now",
        "model.window.size: 64 then, 32 now",
        "model.window.overlap: 16 then, 8 now",
    ]
    assert resumed.training == replace(config.training, epochs=9)
    assert resumed.seed == config.seed and resumed.tracking.mode is Tracking.offline


def test_what_cannot_be_resumed(config: TrainConfig, tmp_path: Path) -> None:
    folder = run_folder(tmp_path, config)
    with pytest.raises(InputError, match="experiment: a resumed run keeps its own"):
        config_to_resume(replace(config, resume=str(folder)), ["experiment"])
    with pytest.raises(InputError, match=r"holds no config.yaml, so it is no run folder"):
        config_to_resume(replace(config, resume=str(tmp_path)), [])
    (folder / "config.yaml").write_text("training: [1")
    with pytest.raises(InputError, match=r"config.yaml is damaged"):
        config_to_resume(replace(config, resume=str(folder)), [])
    (folder / "config.yaml").write_text("training: {epoch: 1}")
    with pytest.raises(InputError, match=r"config.yaml is damaged.*epoch"):
        config_to_resume(replace(config, resume=str(folder)), [])


def test_two_processes_never_write_one_run(tmp_path: Path) -> None:
    run = RunFolder(tmp_path, "12345678")
    held = FileLock(tmp_path / LOCK)
    with held, pytest.raises(InputError, match="another process"), writing(run):
        pytest.fail("it went on without the lock")
    assert run.state() == {}


def test_a_failed_run_says_why(tmp_path: Path) -> None:
    run = RunFolder(tmp_path, "12345678")
    with pytest.raises(ZeroDivisionError), writing(run, ["seed: 1 then, 2 now"]):
        assert run.state()["state"] == "running" and "ended" not in run.state()["sessions"][0]
        _ = 1 / 0
    state = run.state()
    assert state["state"] == "failed" and "ZeroDivisionError" in state["why"]
    with writing(run):
        pass
    state = run.state()
    assert (state["state"], state["why"]) == ("finished", None)
    assert [session["changes"] for session in state["sessions"]] == [["seed: 1 then, 2 now"], []]


def test_the_newest_whole_checkpoint_is_found(tmp_path: Path) -> None:
    assert newest_checkpoint(tmp_path / "steps") is None
    for step in (9, 10, 100):
        (tmp_path / f"checkpoint-{step}").mkdir()
    for step in (9, 10):
        (tmp_path / f"checkpoint-{step}" / "trainer_state.json").write_text("{}")
    assert newest_checkpoint(tmp_path) == tmp_path / "checkpoint-10"


@pytest.mark.slow
def test_a_full_disk_leaves_the_checkpoint_before_whole(
    config: TrainConfig, undisturbed: dict[str, object], tmp_path: Path
) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    # The checkpoints of two epochs fit, a third does not (best and last are kept).
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2500k", "tmpfs", str(disk)], capture_output=True
    )
    if mounted.returncode:
        pytest.skip(f"no small disk can be mounted: {mounted.stderr.decode().strip()}")
    try:
        config = replace(config, runs=str(disk))
        with pytest.raises(InputError, match="cannot write .* with 0 MB free.*make room"):
            train(config)
        folder = only_run(config)
        kept = newest_checkpoint(folder / "steps")
        assert kept is not None and not (folder / "steps" / "partial").exists()
        assert json.loads((folder / "state.json").read_text())["state"] == "failed"
        moved = Path(shutil.copytree(folder, tmp_path / "2026-01-01-moved-12345678"))
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)
    result = train(replace(config, resume=str(moved)))
    assert result["checkpoint_sha256"] == undisturbed["checkpoint_sha256"]


@pytest.mark.slow
def test_a_finished_run_is_repeated_exactly(undisturbed: dict[str, object], tmp_path: Path) -> None:
    run = str(undisturbed["run"])
    result = run_script("repeat", f"run={run}", f"runs={tmp_path}")
    assert result.returncode == 0, result.stderr.decode()
    output = result.stdout.decode()
    assert "weights: identical" in output and "+0.0000" in output
    (again,) = tmp_path.iterdir()
    assert again.name != Path(run).name and f"run folder: {again}" in output


def test_only_a_whole_record_can_be_repeated(config: TrainConfig, tmp_path: Path) -> None:
    shutil.copy(config.data.train, train_file := tmp_path / "train.jsonl")
    changed = replace(config, data=replace(config.data, train=str(train_file)))
    folder = run_folder(tmp_path, changed)
    with pytest.raises(InputError, match="is not finished: there is nothing to compare with"):
        repeat(RepeatConfig(str(folder)))
    (folder / "metrics.json").write_text("{}")
    with pytest.raises(InputError, match=r"data.json is missing or damaged"):
        repeat(RepeatConfig(str(folder)))
    splits = load_splits(changed.data, LABELS)
    (folder / "data.json").write_text(json.dumps(describe_data(splits)))
    train_file.write_text('{"id": "other", "text": "Two more were killed.", "spans": []}\n')
    with pytest.raises(InputError, match=r"cannot be repeated: data.train: .* has changed"):
        repeat(RepeatConfig(str(folder)))


def test_what_differs_between_two_environments_is_listed() -> None:
    git = {"revision": "a", "uncommitted_changes": False}
    before = {"git": git, "python": "3.11.7", "packages": {"torch": "2.13.0", "left": "1"}}
    assert environment_changes(before, before) == []
    now = {"git": {"revision": "b", "uncommitted_changes": True}, "python": "3.11.7",
           "packages": {"torch": "2.14.0"}}  # fmt: skip
    assert environment_changes(before, now) == [
        "the code has uncommitted changes now",
        "code: a then, b now",
        "left: 1 then, None now",
        "torch: 2.13.0 then, 2.14.0 now",
    ]
