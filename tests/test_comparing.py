"""Runs side by side: who is best, how sure that is, and what cannot be compared."""

import csv
import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from conftest import LABELS, run_script
from omegaconf import OmegaConf

from conflict_tagger.command_configs import CompareConfig
from conflict_tagger.comparing import compare_runs
from conflict_tagger.comparison_pages import print_comparison, write_comparison
from conflict_tagger.config import DataConfig, ModelConfig, TrainConfig
from conflict_tagger.documents import Document, InputError, Span, write_jsonl
from conflict_tagger.runs import file_sha256

SPANS = (Span("VICTIM", 0, 5), Span("COUNT", 6, 9), Span("DENIAL", 12, 20))


def documents(spans: Sequence[Sequence[Span]]) -> list[Document]:
    return [Document(f"report-{i}", "x" * 30, tuple(side)) for i, side in enumerate(spans)]


@pytest.fixture
def gold(tmp_path: Path) -> Path:
    path = tmp_path / "gold.jsonl"
    write_jsonl(path, documents([SPANS] * 40))
    return path


def run_folder(name: Path, gold: Path, predicted: Sequence[Sequence[Span]], seed: int = 0) -> Path:
    """A finished run as far as a comparison reads it."""
    (name / "predictions").mkdir(parents=True)
    config = TrainConfig(
        name="x", seed=seed, model=ModelConfig(name="tiny", source="none"),
        data=DataConfig(name="x", labels=list(LABELS), train="t", validation="v"),
    )  # fmt: skip
    (name / "config.yaml").write_text(OmegaConf.to_yaml(OmegaConf.structured(config)))
    (name / "metrics.json").write_text("{}")
    record = {"test": {"path": str(gold), "sha256": file_sha256(gold), "documents": 40}}
    (name / "data.json").write_text(json.dumps(record))
    write_jsonl(name / "predictions" / "test.jsonl", documents(predicted))
    return name


@pytest.fixture
def runs(tmp_path: Path, gold: Path) -> list[str]:
    """Three runs: one misses the denials of half the documents, one nothing, one most."""
    good, some, bad = SPANS, SPANS[:2], (Span("VICTIM", 0, 4),)
    return [
        str(run_folder(tmp_path / name, gold, predicted, seed))
        for seed, (name, predicted) in enumerate(
            {
                "middle": [good, some] * 20, "best": [good] * 40, "worst": [bad] * 40,
            }.items()
        )
    ]  # fmt: skip


def test_the_best_comes_first_and_the_others_are_tested_against_it(runs: list[str]) -> None:
    result = compare_runs(CompareConfig(runs))
    assert [Path(row["run"]).name for row in result["runs"]] == ["best", "middle", "worst"]
    best, middle, worst = result["runs"]
    assert best["strict"] == 1 and best["interval"] == [1, 1] and "difference" not in best
    assert middle["strict"] == pytest.approx(10 / 11)  # 100 of 120 found, nothing wrong
    assert middle["difference"] == pytest.approx(-1 / 11)
    low, high = middle["difference_interval"]
    assert low < middle["difference"] < high < 0
    assert middle["bootstrap_p"] < 0.01 and middle["randomisation_p"] < 0.01
    assert worst["strict"] == 0 and worst["overlap"] == pytest.approx(0.5)
    assert [row["seed"] for row in result["runs"]] == [1, 0, 2]
    assert (result["documents_compared"], result["spans"]) == (40, 120)


def test_labels_and_documents_that_make_the_difference(runs: list[str]) -> None:
    result = compare_runs(CompareConfig(runs[:2]))
    rows = {row["label"]: row for row in result["labels"]}
    middle = runs[0]
    assert rows["DENIAL"]["f1"][middle] == pytest.approx(2 / 3)
    assert rows["DENIAL"]["randomisation_p"][middle] < 0.01
    assert rows["COUNT"]["randomisation_p"][middle] == 1
    assert rows["PERPETRATOR"]["spans"] == 0
    assert len(result["documents"]) == 10
    for row in result["documents"]:
        assert int(row["document"].split("-")[1]) % 2 == 1, "no run differs there"
        assert row["mistakes"] == {runs[1]: 0, middle: 1}
    alike = compare_runs(CompareConfig([runs[1], runs[1], runs[1].replace("best", "./best")]))
    assert alike["documents"] == []


def test_what_cannot_be_compared_is_refused_by_name(
    runs: list[str], gold: Path, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="at least two"):
        compare_runs(CompareConfig([]))
    with pytest.raises(InputError, match="match: must be one of strict, last_word, overlap"):
        compare_runs(CompareConfig(runs, match="fuzzy"))
    with pytest.raises(InputError, match="no-such-run holds no config.yaml"):
        compare_runs(CompareConfig([runs[0], "no-such-run"]))
    with pytest.raises(InputError, match="middle was not scored on 'seeds'; it was on test"):
        compare_runs(CompareConfig(runs, split="seeds"))
    write_jsonl(other := tmp_path / "other.jsonl", documents([SPANS[:1]] * 40))
    elsewhere = run_folder(tmp_path / "elsewhere", other, [SPANS] * 40)
    with pytest.raises(InputError, match=r"middle and .*elsewhere were scored on different 'test'"):
        compare_runs(CompareConfig([runs[0], str(elsewhere)]))
    write_jsonl(Path(runs[1]) / "predictions" / "test.jsonl", documents([SPANS] * 39))
    with pytest.raises(InputError, match=r"best/predictions/test.jsonl: holds other texts"):
        compare_runs(CompareConfig(runs))
    (Path(runs[1]) / "data.json").write_text('{"test": 3}')
    with pytest.raises(InputError, match=r"best/data.json is damaged: test has no path"):
        compare_runs(CompareConfig(runs))
    (Path(runs[1]) / "metrics.json").unlink()
    with pytest.raises(InputError, match="best is not finished"):
        compare_runs(CompareConfig(runs))
    gold.write_text(gold.read_text() + "\n")
    with pytest.raises(InputError, match=r"gold.jsonl: is missing or no longer what"):
        compare_runs(CompareConfig([runs[0], runs[2]]))


def test_a_comparison_is_printed_and_written(
    runs: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result = compare_runs(CompareConfig(runs))
    print_comparison(result)
    printed = capsys.readouterr().out
    for part in ("1. best", "2. middle", "0.909", "-0.091", "DENIAL", "report-1"):
        assert part in printed
    table, page = write_comparison(result, tmp_path / "out")
    rows = list(csv.DictReader(table.open()))
    assert [row["run"] for row in rows] == [row["run"] for row in result["runs"]]
    assert float(rows[1]["difference_low"]) == result["runs"][1]["difference_interval"][0]
    assert rows[0]["difference"] == ""
    html = page.read_text()
    assert html.count("<tr") == 3 + 1 + 4 + 1 + 10 + 1
    assert "http" not in html, "a page of its own needs nothing from elsewhere"


def test_the_script_compares(runs: list[str], tmp_path: Path) -> None:
    result = run_script("compare", f"runs=[{','.join(runs)}]", f"output={tmp_path / 'out'}")
    assert result.returncode == 0, result.stderr.decode()
    assert "comparison.html" in result.stdout.decode()
    result = run_script("compare", f"runs=[{runs[0]},{tmp_path}]")
    assert result.returncode == 2
    (line,) = result.stderr.decode().splitlines()
    assert line.startswith("error: ") and "is no run folder" in line
