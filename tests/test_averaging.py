"""Averaged runs: weights, record, card and refusals."""

import shutil
from pathlib import Path

import pytest
import torch
from conftest import data_overrides, run_script

from conflict_tagger.averaging import averaged_tagger, shared_config
from conflict_tagger.documents import InputError, read_jsonl
from conflict_tagger.runs import read_json, write_json
from conflict_tagger.scoring.spans import score_documents
from conflict_tagger.seeds import summarize_seeds
from conflict_tagger.tagger import Tagger


def train_tiny(tiny_encoder: Path, tiny_data: Path, runs: Path, *overrides: str) -> Path:
    """A finished run of the tiny encoder by the script."""
    result = run_script(
        "train", *data_overrides(tiny_data), f"runs={runs}", "name=tiny", "tracking=none",
        f"model.source={tiny_encoder}", "model.name=tiny", "training.epochs=1",
        "training.precision=fp32", *overrides,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr.decode()
    (run,) = runs.iterdir()
    return run


@pytest.fixture(scope="module")
def members(
    tiny_encoder: Path, tiny_data: Path, tmp_path_factory: pytest.TempPathFactory
) -> list[Path]:
    folder = tmp_path_factory.mktemp("members")
    return [
        train_tiny(tiny_encoder, tiny_data, folder / str(seed), f"seed={seed}") for seed in (3, 4)
    ]


def weights(run: Path) -> dict[str, torch.Tensor]:
    return Tagger.from_pretrained(run / "checkpoint").model.state_dict()


def test_weights_are_the_mean_of_all_runs(members: list[Path], tmp_path: Path) -> None:
    third = tmp_path / "third"
    shutil.copytree(members[1], third)
    averaged = averaged_tagger([*members, third]).model.state_dict()
    first, second = map(weights, members)
    assert any(not torch.equal(first[name], second[name]) for name in first)
    for name, value in averaged.items():
        torch.testing.assert_close(value, (first[name] + 2 * second[name]) / 3)


@pytest.mark.slow
def test_an_average_is_a_finished_run(members: list[Path], tiny_data: Path, tmp_path: Path) -> None:
    listed = ",".join(f"'{run}'" for run in members)
    result = run_script("average", f"averaged=[{listed}]", f"runs={tmp_path}")
    assert result.returncode == 0, result.stderr.decode()
    (run,) = tmp_path.iterdir()
    assert f"run folder: {run}" in result.stdout.decode()
    metrics = read_json(run / "metrics.json")
    assert [member["seed"] for member in metrics["averaged"]] == [3, 4]
    assert metrics["averaged"][0]["run"] == str(members[0])
    card = (run / "checkpoint" / "README.md").read_text()
    assert "2 times, with seeds\n3, 4; each kept its best epoch" in card
    assert "best of" not in card

    shift = metrics["training"]["outside_shift"]
    mean = averaged_tagger(members).model.state_dict()
    for name, value in weights(run).items():
        expected = mean[name].clone()
        if name == "classifier.bias":
            expected[0] += shift
        torch.testing.assert_close(value, expected)
    gold = list(read_jsonl(tiny_data / "test.jsonl"))
    tagger = Tagger.from_pretrained(run / "checkpoint")
    scores = score_documents(gold, tagger.tag_documents(gold), tagger.labels)
    assert metrics["splits"]["test"]["strict"] == scores["strict"]

    assert summarize_seeds([run], [])["best"]["seed"] == 3
    again = run_script("train", f"resume={run}")
    assert again.returncode == 0 and b"finished already" in again.stderr
    repeated = run_script("repeat", f"run={run}", f"runs={tmp_path}")
    assert repeated.returncode == 2 and b"averages other runs" in repeated.stderr


def test_what_cannot_be_averaged_is_refused(members: list[Path], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="at least two finished runs, each once"):
        shared_config(members[:1])
    with pytest.raises(InputError, match="each once"):
        shared_config([*members, members[0]])
    unfinished = tmp_path / "unfinished"
    shutil.copytree(members[0], unfinished)
    (unfinished / "metrics.json").unlink()
    with pytest.raises(InputError, match="unfinished is not finished"):
        shared_config([members[0], unfinished])
    other = tmp_path / "other"
    shutil.copytree(members[0], other)
    config = (other / "config.yaml").read_text()
    (other / "config.yaml").write_text(config.replace("epochs: 1", "epochs: 2"))
    with pytest.raises(InputError, match=r"training.epochs: 1 then, 2 now"):
        shared_config([members[0], other])


def test_other_data_is_refused(members: list[Path], tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(members[0], other)
    data = read_json(other / "data.json")
    data["test"]["sha256"] = "0" * 64
    write_json(other / "data.json", data)
    result = run_script("average", f"averaged=['{members[1]}','{other}']", f"runs={tmp_path}/new")
    assert result.returncode == 2 and b"other data" in result.stderr
    assert not (tmp_path / "new").exists()
