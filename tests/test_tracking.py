"""Weights & Biases: no prompt, offline without a login, and what a run leaves there."""

import base64
import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import LABELS, ROOT, WANDB_KEY
from markupsafe import Markup
from offline_runs import OfflineRun, read_offline_run
from played_wandb import PlayedBackend

from conflict_tagger.documents import Document, Span, read_jsonl
from conflict_tagger.runs import file_sha256, read_json
from conflict_tagger.scoring.mistakes import find_mistakes
from conflict_tagger.tracked_results import highlighted, interval_figure

CODE = """
import sys
from conflict_tagger.config import Tracking
from conflict_tagger.documents import InputError
from conflict_tagger.tracking import resolve_mode
try:
    print(resolve_mode(Tracking[sys.argv[1]]).value)
except InputError as error:
    print("error:", error)
"""


def resolved(mode: str, home: Path, **environment: str) -> str:
    """What a fresh process makes of a mode; it would hang here if it asked a question."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith("WANDB_")}
    result = subprocess.run(
        [sys.executable, "-c", CODE, mode],
        cwd=ROOT,
        env={**clean, "HOME": str(home), **environment},
        stdin=subprocess.PIPE,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


@pytest.mark.parametrize(
    ("mode", "environment", "expected"),
    [
        ("none", {}, "none"),
        ("offline", {"WANDB_API_KEY": WANDB_KEY}, "offline"),
        ("auto", {}, "offline"),
        ("auto", {"WANDB_API_KEY": WANDB_KEY}, "online"),
        ("auto", {"WANDB_API_KEY": "not a key"}, "offline"),
        ("online", {"WANDB_API_KEY": WANDB_KEY}, "online"),
        ("online", {}, "error: tracking.mode: online needs a W&B login"),
    ],
)
def test_modes(mode: str, environment: dict[str, str], expected: str, tmp_path: Path) -> None:
    assert resolved(mode, tmp_path, **environment).startswith(expected)


@pytest.fixture(scope="module")
def offline(trained: tuple[Path, str]) -> OfflineRun:
    return read_offline_run(trained[0])


def test_a_run_is_grouped_tagged_and_knows_its_data(
    offline: OfflineRun, trained: tuple[Path, str]
) -> None:
    assert offline.run.run_group == "short" and offline.run.project == "conflict-tagger"
    assert list(offline.run.tags) == ["minilm", "reports"]
    assert trained[0].name.endswith(offline.run.run_id)
    assert offline.config["training"]["epochs"] == 6 and offline.config["seed"] == 0
    record = read_json(trained[0] / "data.json")
    assert offline.config["data_sha256"] == {name: r["sha256"] for name, r in record.items()}


def test_a_run_has_its_curves(offline: OfflineRun, trained: tuple[Path, str]) -> None:
    metrics = read_json(trained[0] / "metrics.json")
    history = json.loads((trained[0] / "history.json").read_text())
    for label in LABELS:
        key = f"strict_f1_{label}"
        curve = [entry[f"eval_{key}"] for entry in history if f"eval_{key}" in entry]
        assert offline.series(f"eval/{key}") == curve
        assert len(curve) == metrics["training"]["epochs"]
    assert max(offline.series("eval/strict_f1")) > 0
    rates = offline.series("train/learning_rate")
    assert max(rates) > rates[-1] >= 0
    assert min(offline.series("train/train_tokens_per_second")) > 0
    memory = offline.series("train/peak_memory_gb_process")
    assert 0.1 < memory[0] <= memory[-1] <= metrics["training"]["peak_memory_gb"]["process"]
    f1 = metrics["splits"]["test"]["strict"]["micro"]["f1"]
    assert offline.summary["test/strict_f1"] == f1


def test_a_run_shows_its_mistakes_and_how_sure_its_scores_are(
    offline: OfflineRun, trained: tuple[Path, str]
) -> None:
    keys = {key for row in offline.history for key in row}
    for name in read_json(trained[0] / "metrics.json")["splits"]:
        for page in ("mistakes/nrows", "confusion/path", "intervals/path"):
            assert f"{name}/{page}" in keys
        gold = read_jsonl(read_json(trained[0] / "data.json")[name]["path"])
        predicted = read_jsonl(trained[0] / "predictions" / f"{name}.jsonl")
        mistakes = [find_mistakes(a.spans, b.spans) for a, b in zip(gold, predicted, strict=True)]
        assert offline.series(f"{name}/mistakes/nrows") == [sum(map(len, mistakes))]


def test_the_artifacts_are_the_data_and_the_weights_that_were_scored(
    offline: OfflineRun, trained: tuple[Path, str]
) -> None:
    metrics = read_json(trained[0] / "metrics.json")
    weights = trained[0] / "checkpoint" / "model.safetensors"
    model = offline.artifacts["model"]
    assert set(model["aliases"]) == {"best", "latest"}
    entry = model["contents"]["model.safetensors"]
    assert base64.b64decode(entry.digest) == hashlib.md5(weights.read_bytes()).digest()
    assert Path(entry.local_path) == weights.resolve()
    sha256 = file_sha256(weights)
    assert metrics["checkpoint_sha256"] == sha256 == model["metadata"]["sha256"]
    data = offline.artifacts["dataset"]
    assert data["name"] == "reports" and data["metadata"]["sha256"] == offline.config["data_sha256"]
    assert set(data["contents"]) == {"train.jsonl", "validation.jsonl"}, "no text of others"


def test_no_key_is_written_down(trained: tuple[Path, str]) -> None:
    files = [path for path in trained[0].rglob("*") if path.is_file()]
    assert any(path.suffix == ".wandb" for path in files)
    for path in files:
        assert WANDB_KEY.encode() not in path.read_bytes(), path
    assert WANDB_KEY not in trained[1]


def test_a_mistake_is_shown_in_its_surroundings_and_escaped() -> None:
    text = "a" * 300 + " <b>Rebels & co</b> fled " + "z" * 300
    at = text.index("Rebels")
    document = Document("x", text)
    gold, predicted = Span("PERPETRATOR", at, at + 11), Span("VICTIM", at, at + 6)
    (mistake,) = find_mistakes([gold], [predicted])
    shown = highlighted(document, mistake)
    assert isinstance(shown, Markup)
    assert "&lt;b&gt;<mark>Rebels &amp; co <small>PERPETRATOR</small></mark>&lt;/b&gt;" in shown
    assert "<mark>Rebels <small>VICTIM</small></mark> &amp; co" in shown
    assert "a" * 100 in shown and "a" * 150 not in shown


def test_intervals_are_drawn_around_the_scores(trained: tuple[Path, str]) -> None:
    scores = read_json(trained[0] / "metrics.json")["splits"]["test"]
    (bars,) = interval_figure(scores).data
    assert list(bars.x) == ["all", *LABELS]
    low, high = scores["intervals"]["strict"]["micro"]["f1"]
    assert bars.y[0] == scores["strict"]["micro"]["f1"]
    assert bars.y[0] - bars.error_y.arrayminus[0] == pytest.approx(low)
    assert bars.y[0] + bars.error_y.array[0] == pytest.approx(high)


@pytest.fixture
def backend(request: pytest.FixtureRequest) -> Iterator[PlayedBackend]:
    played = PlayedBackend(**getattr(request, "param", {}))
    yield played
    played.close()


def start(script: str, *arguments: str, home: Path, **environment: str) -> subprocess.Popen[str]:
    """A script in a process of its own, whose only W&B settings are those given."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith("WANDB_")}
    return subprocess.Popen(
        [sys.executable, script, *arguments], cwd=ROOT, text=True, stdin=subprocess.DEVNULL,
        env={**clean, "HOME": str(home), "WANDB_API_KEY": WANDB_KEY, **environment},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def tracked(folder: Path, mode: str, backend: PlayedBackend) -> tuple[str, str]:
    """What a tracked run prints against a played backend, and its warnings."""
    process = start("tests/tracked_run.py", str(folder), mode, home=folder,
                    WANDB_BASE_URL=backend.url)  # fmt: skip
    return process.communicate(timeout=120)


def sync(folder: Path, backend: PlayedBackend, **environment: str) -> tuple[int, str, str]:
    """Exit code, output and errors of the script that uploads what has not gone up."""
    process = start("scripts/sync.py", f"runs={folder / 'runs'}", home=folder,
                    WANDB_BASE_URL=backend.url, **environment)  # fmt: skip
    output, errors = process.communicate(timeout=120)
    return process.returncode, output, errors


@pytest.mark.slow
@pytest.mark.parametrize("backend", [{"refuse": True}, {"hang": True}], indirect=True)
def test_a_backend_that_refuses_or_is_silent_is_one_line(
    backend: PlayedBackend, tmp_path: Path
) -> None:
    (auto := tmp_path / "auto").mkdir()
    output, warnings = tracked(auto, "auto", backend)
    assert json.loads(output)["mode"] == "offline", "the run is kept here"
    (line,) = [line for line in warnings.splitlines() if "W&B" in line]
    assert "W&B could not be reached" in line and line.endswith("the run is kept offline")
    assert read_offline_run(auto).summary["validation/strict_f1"] > 0
    (online := tmp_path / "online").mkdir()
    output, _ = tracked(online, "online", backend)
    (line,) = output.splitlines()
    assert line.startswith("error: tracking.mode: W&B could not be reached: ")


@pytest.mark.slow
def test_an_online_run_uses_its_data_and_gives_its_checkpoint(
    backend: PlayedBackend, tmp_path: Path
) -> None:
    output, warnings = tracked(tmp_path, "auto", backend)
    assert json.loads(output)["mode"] == "online" and "W&B" not in warnings
    names = [name for name, _ in backend.queries]
    assert names.index("UseArtifact") > names.index("CreateArtifact"), "the data is its input"
    made = {query["input"]["artifactTypeName"]: query["input"]
            for query in backend.named("CreateArtifact")}  # fmt: skip
    assert {alias["alias"] for alias in made["model"]["aliases"]} == {"best", "latest"}
    assert json.loads(made["model"]["metadata"])["sha256"] == "0"
    assert "train/loss" in "".join(backend.uploads.values())


@pytest.mark.slow
def test_a_network_that_dies_stops_nothing(backend: PlayedBackend, tmp_path: Path) -> None:
    process = start("tests/tracked_run.py", str(tmp_path), "auto", str(tmp_path / "dead"),
                    home=tmp_path, WANDB_BASE_URL=backend.url)  # fmt: skip
    while not (tmp_path / "started").exists():
        assert process.poll() is None, process.communicate()
        time.sleep(0.1)
    backend.close()
    (tmp_path / "dead").touch()
    output, warnings = process.communicate(timeout=120)
    assert process.returncode == 0, warnings
    result = json.loads(output)
    assert result["mode"] == "online" and result["seconds"] < 60
    assert "W&B has not taken all" in warnings and "it is in the run folder" in warnings
    run = tmp_path / "runs" / "2026-11-20-x-0123abcd"
    assert read_json(run / "state.json")["state"] == "finished" and (run / "metrics.json").exists()
    later = PlayedBackend()
    code, output, errors = sync(tmp_path, later)
    assert code == 0, output + errors
    assert "validation/strict_f1" in "".join(later.uploads.values())
    made = {query["input"]["artifactTypeName"] for query in later.named("CreateArtifact")}
    assert "model" in made, "the checkpoint too, which the dead network could not take"
    assert {query["name"] for query in later.named("UpsertBucket")} == {"0123abcd"}, "one run"
    later.close()


@pytest.mark.slow
def test_what_was_kept_offline_goes_up_later_and_once(
    backend: PlayedBackend, tmp_path: Path
) -> None:
    output, warnings = tracked(tmp_path, "offline", backend)
    assert json.loads(output)["mode"] == "offline" and backend.queries == [], warnings

    code, _, errors = sync(tmp_path, backend, WANDB_API_KEY="")
    assert code == 2 and "error: tracking.mode: online needs a W&B login" in errors
    code, output, errors = sync(tmp_path, backend)
    assert code == 0, output + errors
    run = backend.named("UpsertBucket")[0]
    assert (run["name"], run["groupName"], run["tags"]) == ("0123abcd", "x", ["tiny", "little"])
    sent = "".join(backend.uploads.values())
    assert "train/loss" in sent and "validation/strict_f1" in sent
    artifacts = {query["input"]["artifactTypeName"] for query in backend.named("CreateArtifact")}
    assert {"model", "dataset"} <= artifacts
    seen = len(backend.queries)
    code, output, _ = sync(tmp_path, backend)
    assert (code, output.strip()) == (0, "all runs have gone up")
    assert len(backend.queries) == seen
    assert WANDB_KEY not in sent
