"""Pages and their generated tables."""

import re
from pathlib import Path

import pytest
from conftest import ROOT

from conflict_tagger.documents import InputError
from conflict_tagger.markdown import fill_tables
from conflict_tagger.results import aggregate, filled_pages, read_result
from conflict_tagger.scoring.intervals import seed_interval


def test_tables_go_between_their_markers_and_missing_markers_are_named() -> None:
    page = "a\n<!-- table x -->\nold\n<!-- end x -->\nb\n"
    filled = fill_tables(page, {"x": r"new \1"})
    assert filled == "a\n<!-- table x -->\nnew \\1\n<!-- end x -->\nb\n"
    assert fill_tables(filled, {"x": r"new \1"}) == filled
    with pytest.raises(InputError, match="table y"):
        fill_tables(page, {"y": ""})


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


def test_the_tables_of_readme_and_results_are_fresh() -> None:
    for path, fresh in filled_pages(ROOT).items():
        assert path.read_text("utf-8") == fresh, f"{path.name} is stale: run `make results`"


def test_a_missing_result_names_its_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none.json: cannot be read"):
        read_result(tmp_path / "none.json")


def test_every_make_target_in_the_readme_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for page in ("README.md", "data/README.md", "docs/results.md", "docs/architecture.md"):
        used = set(re.findall(r"\bmake ([a-z-]+)", (ROOT / page).read_text()))
        assert used <= targets, f"{page} names no target: {used - targets}"


def test_nothing_committed_names_a_registry_or_a_path_of_one_machine() -> None:
    forbidden = re.compile(r"pypi\.org|/home/\w|find-links|index-url")
    for path in [*ROOT.glob("*.lock"), ROOT / "pyproject.toml", *ROOT.glob("docs/**/*.*")]:
        assert not forbidden.search(path.read_text("utf-8")), path
