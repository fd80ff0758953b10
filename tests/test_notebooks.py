"""The notebooks run from beginning to end, and are kept without outputs."""

from pathlib import Path
from typing import Any

import nbformat
import pytest
from conftest import ROOT
from nbclient import NotebookClient

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def executed(path: Path, given: str | None = None) -> Any:
    """A notebook after it has run in the repository's root; `given` replaces its first code."""
    notebook = nbformat.read(path, as_version=4)
    if given is not None:
        next(cell for cell in notebook.cells if cell.cell_type == "code").source = given
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(ROOT)}}).execute()
    return notebook


def outputs(notebook: Any, kind: str) -> list[str]:
    """All outputs of a MIME type."""
    return [
        output["data"][kind]
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if kind in output.get("data", {})
    ]


def test_notebooks_are_kept_without_outputs() -> None:
    assert len(NOTEBOOKS) == 3
    for path in NOTEBOOKS:
        for cell in nbformat.read(path, as_version=4).cells:
            assert not cell.get("outputs") and cell.get("execution_count") is None, path


def test_the_data_notebook_runs() -> None:
    notebook = executed(ROOT / "notebooks" / "01_data.ipynb")
    assert len(outputs(notebook, "image/png")) == 3
    assert "'train': 551" in outputs(notebook, "text/plain")[0]


@pytest.mark.slow
def test_the_mistakes_notebook_runs(trained: tuple[Path, str]) -> None:
    given = f"RUN = {str(trained[0])!r}\nSPLIT = 'validation'"
    notebook = executed(ROOT / "notebooks" / "02_mistakes.ipynb", given)
    assert len(outputs(notebook, "image/png")) == 2
    (page,) = outputs(notebook, "text/html")
    assert page.count("<mark>") >= 10


@pytest.mark.slow
def test_the_comparing_notebook_runs(trained: tuple[Path, str], tmp_path: Path) -> None:
    second = tmp_path / "second"
    second.mkdir()
    for name in ("config.yaml", "data.json", "metrics.json"):
        (second / name).write_text((trained[0] / name).read_text())
    (second / "predictions").mkdir()
    found = (trained[0] / "predictions" / "test.jsonl").read_text().splitlines(keepends=True)
    nothing = found[0][: found[0].index('"spans":')] + '"spans": []}\n'
    (second / "predictions" / "test.jsonl").write_text("".join([nothing, *found[1:]]))
    given = f"RUNS = {[str(trained[0]), str(second)]!r}\nSPLIT = 'test'\nWANDB_PATH = None"
    notebook = executed(ROOT / "notebooks" / "03_comparing_runs.ipynb", given)
    assert len(outputs(notebook, "image/png")) == 3
