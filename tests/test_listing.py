"""Run folders in a table: order, states, scores, and what is broken."""

import json
from pathlib import Path

import pytest
from conftest import LABELS, run_script
from filelock import FileLock
from omegaconf import OmegaConf

from conflict_tagger.config import DataConfig, ModelConfig, TrainConfig
from conflict_tagger.documents import InputError
from conflict_tagger.listing import list_runs
from conflict_tagger.tables import print_runs


def make_run(folder: Path, seed: int, state: str, f1: float | None = None, hour: int = 8) -> Path:
    """A run folder as far as a listing reads it."""
    folder.mkdir(parents=True)
    config = TrainConfig(
        name="x", seed=seed, model=ModelConfig(name="tiny", source="none"),
        data=DataConfig(name="x", labels=list(LABELS), train="t", validation="v"),
    )  # fmt: skip
    (folder / "config.yaml").write_text(OmegaConf.to_yaml(OmegaConf.structured(config)))
    session = {"started": f"2026-11-20T{hour:02}:00:00+00:00"}
    why = "no space left" if state == "failed" else None
    (folder / "state.json").write_text(
        json.dumps({"state": state, "why": why, "sessions": [session]})
    )
    if f1 is not None:
        scores = {"test": {"strict": {"micro": {"f1": f1}}}}
        metrics = {"splits": scores, "training": {"tokens_per_second": 1000 + seed}}
        (folder / "metrics.json").write_text(json.dumps(metrics))
    return folder


def test_runs_are_listed_newest_first_with_what_they_are(tmp_path: Path) -> None:
    make_run(tmp_path / "2026-11-20-early-00000001", 1, "finished", 0.75)
    make_run(tmp_path / "deep" / "er" / "2026-11-20-late-00000002", 2, "running", hour=9)
    make_run(tmp_path / "2026-11-19-old-00000003", 3, "failed", hour=23)
    (tmp_path / "2026-11-20-early-00000001" / "steps" / "checkpoint-5").mkdir(parents=True)
    late, early, old = list_runs(tmp_path)
    assert [run.name for run in (late, early, old)] == ["late", "early", "old"]
    assert (early.model, early.seeds, early.f1, early.tokens_per_second) == (
        "tiny", (1,), {"test": 0.75}, 1001,
    )  # fmt: skip
    assert [run.state for run in (late, early, old)] == [
        "stopped", "finished", "failed: no space left",
    ]  # fmt: skip
    with FileLock(late.folder / ".lock"):
        assert list_runs(tmp_path)[0].state == "running"


def test_broken_folders_are_listed_as_broken(tmp_path: Path) -> None:
    for number, (file, text) in enumerate(
        {
            "config.yaml": "name: [", "state.json": "{", "metrics.json": '{"splits": {"test": 3}}',
        }.items()
    ):  # fmt: skip
        run = make_run(tmp_path / f"2026-11-2{number}-run-0000000{number}", 0, "finished", 0.5)
        (run / file).write_text(text)
    (tmp_path / "2026-11-23-empty-00000004").mkdir()
    lost = make_run(tmp_path / "2026-11-24-lost-00000005", 0, "finished")
    runs = list_runs(tmp_path)
    assert len(runs) == 5 and all(run.state.startswith("broken: ") for run in runs)
    assert f"{lost / 'metrics.json'} is missing though the run is finished" in runs[0].state
    assert "holds no config.yaml" in runs[1].state
    assert "damaged record" in runs[2].state and "damaged" in runs[3].state


def test_seeds_of_one_recipe_have_a_row_of_their_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "tiny-seeds-0123abcd"
    for seed in (0, 1):
        make_run(folder / f"seed-{seed}" / f"2026-11-20-x-0000000{seed}", seed, "finished", 0.5)
    assert list_runs(tmp_path)[0].state == "stopped", "nothing was written for all yet"
    metrics = {
        "splits": {"test": {"strict": {"micro": {"f1": {"mean": 0.625, "sd": 0.1}}}}},
        "training": [{"tokens_per_second": 1000}, {"tokens_per_second": 1001}],
    }
    (folder / "metrics.json").write_text(json.dumps(metrics))
    group, *runs = list_runs(tmp_path)
    assert (group.name, group.seeds, group.f1, group.state) == (
        "tiny", (0, 1), {"test": 0.625}, "finished",
    )  # fmt: skip
    assert group.tokens_per_second == 1000 and len(runs) == 2
    print_runs([group, *runs], tmp_path)
    printed = capsys.readouterr().out
    assert "0, 1" in printed and "0.625" in printed and "tiny-seeds" in printed
    (folder / "metrics.json").write_text("{}")
    assert list_runs(tmp_path)[0].state.startswith("broken: ")


def test_the_script_lists_runs(trained: tuple[Path, str], tmp_path: Path) -> None:
    result = run_script("list_runs", f"runs={trained[0].parent}")
    assert result.returncode == 0 and b"finished" in result.stdout and b"minilm" in result.stdout
    assert list_runs(tmp_path) == [], "none is no error"
    with pytest.raises(InputError, match="there is no folder"):
        list_runs(tmp_path / "none")
