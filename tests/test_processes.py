"""Several processes, batches a step and switches: one training, counted once."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import torch
from conftest import LABELS, ROOT, data_overrides, run_script
from safetensors.torch import load_file
from transformers.modeling_outputs import TokenClassifierOutput

from conflict_tagger.batching import TokenBatchSampler
from conflict_tagger.config import ModelConfig, TrainingConfig
from conflict_tagger.documents import InputError
from conflict_tagger.modeling import load_encoder
from conflict_tagger.trainer import token_loss
from conflict_tagger.training import check_compiler

# A step is the same on any number of processes only if nothing in it is drawn at random.
FIXED = [
    "+model.settings.hidden_dropout_prob=0.0",
    "training.replace_mentions=0", "training.precision=fp32", "training.balance=false",
    "training.epochs=2", "training.learning_rate=3e-3", "training.logging_steps=1",
    "model.window.size=64", "model.window.overlap=16", "model.fresh_layers=0",
]  # fmt: skip

# Two processes that draw at random all that the recipe draws.
PAIR = [
    "tracking=none", "training.tokens_per_batch=1024", "training.epochs=3",
    "++model.settings.hidden_dropout_prob=0.1", "training.replace_mentions=0.5",
]  # fmt: skip


def train_tiny(
    encoder: Path, data: Path, runs: Path, *overrides: str, processes: int = 1
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(encoder, data, runs, *overrides, processes=processes),
        cwd=ROOT, capture_output=True, text=True, timeout=230, check=False,
    )  # fmt: skip


def command(
    encoder: Path, data: Path, runs: Path, *overrides: str, processes: int = 1
) -> list[str]:
    launcher = [] if processes == 1 else ["scripts/launch.py", str(processes)]
    return [
        sys.executable, *launcher, "scripts/train.py", *data_overrides(data), *FIXED,
        f"model.source={encoder}", f"runs={runs}", "name=tiny", *overrides,
    ]  # fmt: skip


def trained_run(*arguments: object, **options: object) -> Path:
    """The folder of the only run that a training leaves, its output beside it."""
    result = train_tiny(*arguments, **options)  # type: ignore[arg-type]
    assert result.returncode == 0, result.stderr
    (folder,) = Path(str(arguments[2])).iterdir()
    (folder / "output.txt").write_text(result.stdout)
    return folder


def losses(folder: Path) -> list[float]:
    history = json.loads((folder / "history.json").read_text())
    return [entry["loss"] for entry in history if "loss" in entry]


def assert_same_training(one: Path, other: Path) -> None:
    assert losses(one) == pytest.approx(losses(other), rel=1e-3)
    weights = [load_file(folder / "checkpoint" / "model.safetensors") for folder in (one, other)]
    for name, tensor in weights[0].items():
        torch.testing.assert_close(tensor, weights[1][name], rtol=1e-3, atol=2e-4)


@pytest.fixture(scope="module")
def alone(tiny_encoder: Path, tiny_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One process that takes two batches a step."""
    return trained_run(
        tiny_encoder, tiny_data, tmp_path_factory.mktemp("alone"), "tracking=none",
        "training.tokens_per_batch=512", "training.accumulation_steps=2",
    )  # fmt: skip


@pytest.mark.slow
def test_two_processes_train_as_one_does(
    alone: Path, tiny_encoder: Path, tiny_data: Path, tmp_path: Path
) -> None:
    two = trained_run(
        tiny_encoder, tiny_data, tmp_path, "tracking=offline",
        "training.tokens_per_batch=1024", processes=2,
    )  # fmt: skip
    assert len(losses(two)) > 10
    assert_same_training(alone, two)
    assert len(list((two / "wandb").glob("offline-run-*"))) == 1
    assert (two / "output.txt").read_text().count("Scores over whole documents") == 1
    metrics = json.loads((two / "metrics.json").read_text())
    assert metrics["training"]["processes"] == 2
    before = json.loads((alone / "metrics.json").read_text())
    for name, scores in metrics["splits"].items():
        support = scores["strict"]["micro"]["support"]
        assert support == before["splits"][name]["strict"]["micro"]["support"]
    (session,) = json.loads((two / "state.json").read_text())["sessions"]
    assert session["processes"] == 2

    result = run_script("repeat", f"run={two}", f"runs={tmp_path / 'again'}")
    assert result.returncode == 2
    assert "needs 2 processes: add NPROC=2" in result.stderr.decode()


@pytest.mark.slow
@pytest.mark.parametrize("stop", [signal.SIGKILL, signal.SIGINT])
def test_two_processes_that_are_stopped_go_on_as_if_they_had_not_been(
    undisturbed_pair: Path, tiny_encoder: Path, tiny_data: Path, tmp_path: Path, stop: int
) -> None:
    arguments = command(tiny_encoder, tiny_data, tmp_path, *PAIR, processes=2)
    with subprocess.Popen(arguments, cwd=ROOT, stderr=subprocess.PIPE, text=True) as launcher:
        try:
            wait_for(tmp_path, "*/steps/checkpoint-*", launcher)
            if stop == signal.SIGINT:  # as a terminal does, which reaches the launcher alone
                launcher.send_signal(stop)
            else:
                for process in psutil.Process(launcher.pid).children(recursive=True):
                    process.send_signal(stop)
            _, errors = launcher.communicate(timeout=60)
        finally:
            launcher.kill()
    (folder,) = tmp_path.iterdir()
    state = json.loads((folder / "state.json").read_text())
    if stop == signal.SIGINT:
        assert launcher.returncode == 130
        assert (state["state"], state["why"]) == ("failed", "interrupted")
        assert f"resume={folder}" in errors and "Traceback" not in errors
    else:
        assert launcher.returncode == signal.SIGKILL
        assert state["state"] == "running" and "died of signal 9" in errors

    alone = run_script("train", f"resume={folder}")
    assert alone.returncode == 2
    assert "processes: 2 then, 1 now" in alone.stderr.decode()

    again = subprocess.run(
        [sys.executable, "scripts/launch.py", "2", "scripts/train.py", f"resume={folder}"],
        cwd=ROOT, capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip
    assert again.returncode == 0, again.stderr
    weights = [run / "checkpoint" / "model.safetensors" for run in (folder, undisturbed_pair)]
    assert weights[0].read_bytes() == weights[1].read_bytes()


def wait_for(folder: Path, pattern: str, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 120
    while not list(folder.glob(pattern)):
        assert process.poll() is None and time.monotonic() < deadline, "nothing came"
        time.sleep(0.02)


@pytest.fixture(scope="module")
def undisturbed_pair(
    tiny_encoder: Path, tiny_data: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    return trained_run(tiny_encoder, tiny_data, tmp_path_factory.mktemp("pair"), *PAIR, processes=2)


@pytest.mark.slow
def test_a_mistake_is_told_once_by_several_processes(
    tiny_encoder: Path, tiny_data: Path, tmp_path: Path
) -> None:
    result = train_tiny(
        tiny_encoder, tiny_data, tmp_path, "tracking=none", "training.epochs=0", processes=2
    )
    assert result.returncode == 2
    assert result.stderr.splitlines() == ["error: training.epochs: must be 1 or more"]


@pytest.mark.parametrize("count", ["two", "0", "-1", "1.5"])
def test_the_number_of_processes_is_checked(count: str) -> None:
    result = run_script("launch", count, "scripts/train.py")
    assert result.returncode == 2
    (line,) = result.stderr.decode().splitlines()
    assert "NPROC: must be a number from 1" in line and count in line


@pytest.mark.slow
def test_accumulated_batches_make_the_step_of_one_large_batch(
    tiny_encoder: Path, tiny_data: Path, tmp_path: Path
) -> None:
    """All of the data is one step: in one batch, and in three."""
    total = "training.tokens_per_batch=1000000"
    whole = trained_run(tiny_encoder, tiny_data, tmp_path / "1", "tracking=none", total)
    thirds = trained_run(
        tiny_encoder, tiny_data, tmp_path / "3", "tracking=none",
        "training.tokens_per_batch=5300", "training.accumulation_steps=3",
    )  # fmt: skip
    for folder in (whole, thirds):
        metrics = json.loads((folder / "metrics.json").read_text())
        assert metrics["training"]["steps"] == 2, "an epoch is not one step"
    assert_same_training(whole, thirds)


@pytest.mark.slow
@pytest.mark.parametrize("switch", ["gradient_checkpointing", "compile"])
def test_a_switch_changes_no_result(
    alone: Path, tiny_encoder: Path, tiny_data: Path, tmp_path: Path, switch: str
) -> None:
    if switch == "compile":
        try:
            check_compiler(TrainingConfig(compile=True))
        except InputError as error:
            pytest.skip(str(error))
    switched = trained_run(
        tiny_encoder, tiny_data, tmp_path, "tracking=none", f"training.{switch}=true",
        "training.tokens_per_batch=512", "training.accumulation_steps=2",
    )  # fmt: skip
    assert_same_training(alone, switched)


def test_a_missing_compiler_is_told_before_training(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    check_compiler(TrainingConfig())
    with pytest.raises(InputError, match=r"training.compile: no C\+\+ compiler is installed"):
        check_compiler(TrainingConfig(compile=True))


def test_the_loss_of_a_step_does_not_depend_on_how_it_is_cut(tiny_encoder: Path) -> None:
    model, _ = load_encoder(ModelConfig(name="tiny", source=str(tiny_encoder)), LABELS)
    torch.manual_seed(0)
    logits = torch.randn(3, 5, model.config.num_labels)
    labels = torch.tensor([[0, 1, 2, 3, 4], [5, -100, -100, -100, -100], [-100] * 5])
    expected = torch.nn.functional.cross_entropy(logits.flatten(0, 1), labels.flatten())
    parts = [
        token_loss(TokenClassifierOutput(logits=logits[rows]), labels[rows], torch.tensor(6))
        for rows in (slice(0, 1), slice(1, 2), slice(2, 3))
    ]
    torch.testing.assert_close(sum(parts), expected)
    assert parts[2] == 0, "a batch without labels must not spoil the step"


def test_processes_get_equally_many_batches() -> None:
    class Windows:
        lengths = torch.full((7,), 64).numpy()

        def set_epoch(self, epoch: int) -> None:
            pass

    for processes in (1, 2, 3, 7):
        sampler = TokenBatchSampler(Windows(), 128, 0, processes)  # type: ignore[arg-type]
        batches = list(sampler)
        assert len(batches) == len(sampler) and len(batches) % processes == 0
        assert sorted(index for batch in batches for index in batch) == list(range(7))
    with pytest.raises(InputError, match="8 processes: there are only 7 windows"):
        TokenBatchSampler(Windows(), 128, 0, 8)  # type: ignore[arg-type]
