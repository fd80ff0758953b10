"""Pages and their generated tables."""

import re
from pathlib import Path

import pytest
from conftest import ROOT

from conflict_tagger.documents import InputError
from conflict_tagger.markdown import fill_tables
from conflict_tagger.results import filled_pages, read_result


def test_tables_go_between_their_markers_and_missing_markers_are_named() -> None:
    page = "a\n<!-- table x -->\nold\n<!-- end x -->\nb\n"
    filled = fill_tables(page, {"x": r"new \1"})
    assert filled == "a\n<!-- table x -->\nnew \\1\n<!-- end x -->\nb\n"
    assert fill_tables(filled, {"x": r"new \1"}) == filled
    with pytest.raises(InputError, match="table y"):
        fill_tables(page, {"y": ""})


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
    forbidden = re.compile(r"pypi\.org|/home/\w|find-links|index-url|\"/\w+/")
    for path in [*ROOT.glob("*.lock"), ROOT / "pyproject.toml", *ROOT.glob("docs/**/*.*")]:
        assert not forbidden.search(path.read_text("utf-8")), path
