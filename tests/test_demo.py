"""The demo: its examples, what it refuses, and the page in a browser."""

import importlib.util
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
import yaml
from conftest import ROOT

from conflict_tagger.corpora import Split
from conflict_tagger.count_values import CountValue, Hedge
from conflict_tagger.documents import Document, Span
from conflict_tagger.tagger import Tagger

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
TEXT = "Soldiers killed at least 20 villagers. The army denied that it was there."
DEMO = ROOT / "demo"


@pytest.fixture(scope="module")
def app() -> ModuleType:
    specification = importlib.util.spec_from_file_location("demo_app", DEMO / "app.py")
    assert specification is not None and specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def test_examples_are_reports_of_the_test_split(bundled: dict[str, Split]) -> None:
    reports = {document.id: document.text for document in bundled["test"].documents}
    examples = sorted((DEMO / "examples").glob("*.txt"))
    assert len(examples) >= 3
    for path in examples:
        assert path.read_text("utf-8") == reports[path.stem]


def test_the_space_runs_the_locked_gradio() -> None:
    _, head, _ = (DEMO / "README.md").read_text("utf-8").split("---", 2)
    space = yaml.safe_load(head)
    locked = re.search(r"^gradio==(.+)$", (ROOT / "requirements-demo.lock").read_text(), re.M)
    assert locked is not None and space["sdk_version"] == locked[1]
    assert space["sdk"] == "gradio" and (DEMO / space["app_file"]).is_file()


def test_a_row_says_where_and_how_many(app: ModuleType) -> None:
    value = CountValue(20, None, Hedge.at_least)
    spans = (Span("PERPETRATOR", 0, 8, 0.91234), Span("COUNT", 16, 27, 0.5, value))
    document = Document("0", TEXT, spans)
    assert app.rows(document) == [
        ["PERPETRATOR", "Soldiers", 0, 8, 0.912, "", ""],
        ["COUNT", "at least 20", 16, 27, 0.5, "20+", "at least"],
    ]
    assert app.highlighted(document)["entities"][1] == {"entity": "COUNT", "start": 16, "end": 27}


@pytest.mark.parametrize(
    ("checkpoint", "why"), [("", "CHECKPOINT: name a checkpoint"), ("no/folder/here", "no such")]
)
def test_without_a_checkpoint_it_says_so(checkpoint: str, why: str) -> None:
    result = subprocess.run(
        [sys.executable, "demo/app.py"], cwd=ROOT, env={**os.environ, "CHECKPOINT": checkpoint},
        capture_output=True, text=True, timeout=100,
    )  # fmt: skip
    assert result.returncode == 1
    assert result.stderr.startswith("error: ") and why in result.stderr


@pytest.fixture
def address(trained: tuple[Path, str], tmp_path: Path) -> Iterator[str]:
    """Where the demo of the short training is served."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {"CHECKPOINT": str(trained[0] / "checkpoint"), "GRADIO_SERVER_PORT": str(port)}
    log = tmp_path / "log"
    with log.open("wb") as output:
        server = subprocess.Popen(
            [sys.executable, "demo/app.py"], cwd=ROOT, env={**os.environ, **environment},
            stdout=output, stderr=subprocess.STDOUT,
        )  # fmt: skip
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(600):
            assert server.poll() is None, log.read_text()
            try:
                urllib.request.urlopen(url, timeout=5).close()
                break
            except OSError:
                time.sleep(0.1)
        yield url
    finally:
        server.terminate()
        server.wait(20)


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
def test_the_page_in_a_browser(address: str, trained: tuple[Path, str]) -> None:
    from playwright.sync_api import expect, sync_playwright

    (document,) = Tagger.from_pretrained(trained[0] / "checkpoint").tag([TEXT])
    assert document.spans, "a page without a span shows nothing"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page()
        page.goto(address)
        page.get_by_role("button", name="Tag", exact=True).click()
        expect(page.get_by_text("There is no text yet")).to_be_visible()
        page.get_by_label("A report, in English").fill(TEXT)
        page.get_by_role("button", name="Tag", exact=True).click()
        for span in document.spans:
            cell = page.get_by_role("gridcell", name=document.text_of(span), exact=True)
            expect(cell.first).to_be_visible()
        page.get_by_role("button", name="Ex-commander").click()
        expect(page.get_by_label("A report, in English")).to_have_value(re.compile("brickworks"))
        browser.close()
