"""The dataset on the hub: `load_dataset` reads back what is bundled, and no text it must not."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import LABELS, ROOT, run_script
from huggingface_hub import DatasetCard
from played_hub import PlayedHub, hub_environment

from conflict_tagger.command_configs import PublishDataConfig
from conflict_tagger.corpora import Split
from conflict_tagger.documents import Document, InputError, parse_document, parse_spans
from conflict_tagger.open_texts import load_standoff
from conflict_tagger.publishing_data import data_files, publish_data


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The dataset laid out in a folder as the hub lays it out."""
    folder = tmp_path_factory.mktemp("dataset")
    for path, content in data_files(ROOT / "data", LABELS, seed_texts=False).items():
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_bytes(content)
    return folder


def test_the_reports_read_back_equal(
    folder: Path, bundled: dict[str, Split], tmp_path: Path
) -> None:
    from datasets import Features, List, Value, load_dataset

    loaded = load_dataset(str(folder), cache_dir=str(tmp_path))  # the default configuration
    span = {"start": Value("int64"), "end": Value("int64"), "label": Value("string")}
    texts = ("id", "text", "kind", "setting", "basis")
    features = Features({**{key: Value("string") for key in texts}, "spans": List(span)})
    assert set(loaded) == {"train", "wire", "mixed", "validation", "test"}
    for name, rows in loaded.items():
        assert rows.features == features
        documents = [parse_document(dict(row), LABELS) for row in rows]
        assert documents == list(bundled[name].documents)
        assert [d.meta for d in documents] == [d.meta for d in bundled[name].documents]


def test_the_other_configurations_hold_hashes_and_spans_and_no_texts(
    folder: Path, bundled: dict[str, Split], tmp_path: Path
) -> None:
    from datasets import load_dataset

    loaded = load_dataset(str(folder), "standoff", cache_dir=str(tmp_path))
    standoff = load_standoff(ROOT / "data/standoff", LABELS)
    assert set(loaded) == set(standoff)
    for source, texts in standoff.items():
        assert [(row["sha256"], parse_spans(row["spans"])) for row in loaded[source]] == texts
    seed = load_dataset(str(folder), "seed_articles", split="test", cache_dir=str(tmp_path))
    articles = bundled["seed_articles"].documents
    assert seed.column_names == ["id", "sha256", "spans"]
    for row, article in zip(seed, articles, strict=True):
        assert row["sha256"] == hashlib.sha256(article.text.encode()).hexdigest()
        assert parse_spans(row["spans"]) == article.spans
    for path in folder.rglob("*"):
        if path.is_file():
            assert articles[0].text[100:160].encode() not in path.read_bytes()


def test_the_seed_texts_go_along_only_when_asked_for(
    bundled: dict[str, Split], tmp_path: Path
) -> None:
    from datasets import load_dataset

    content = data_files(ROOT / "data", LABELS, seed_texts=True)["seed_articles/test.parquet"]
    (tmp_path / "test.parquet").write_bytes(content)
    loaded = load_dataset(str(tmp_path), split="test", cache_dir=str(tmp_path / "cache"))
    articles = bundled["seed_articles"].documents
    assert [row["text"] for row in loaded] == [d.text for d in articles]


def test_the_card_keeps_its_words_and_names_the_files(folder: Path) -> None:
    ours, card = DatasetCard.load(ROOT / "data/README.md"), DatasetCard.load(folder / "README.md")
    assert card.text.strip() == ours.text.strip()
    assert card.data.license == ours.data.license == "cc-by-4.0"
    paths = [file["path"] for config in card.data.configs for file in config["data_files"]]
    assert sorted(paths) == sorted(
        str(path.relative_to(folder)) for path in folder.rglob("*.parquet")
    )
    assert (folder / "guidelines.md").read_bytes() == (ROOT / "data/guidelines.md").read_bytes()


def test_bad_input_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="train.jsonl: no such file"):
        publish_data(PublishDataConfig(hub_id="me/data", labels=list(LABELS), folder=str(tmp_path)))
    result = run_script("publish_data")
    assert result.returncode == 2 and b"hub_id" in result.stderr


LOAD = """
import json, sys
from datasets import load_dataset
loaded = load_dataset(sys.argv[1], "reports", revision=sys.argv[2])
print(json.dumps({name: [dict(row) for row in rows] for name, rows in loaded.items()}))
"""


@pytest.mark.slow
def test_through_the_hub(bundled: dict[str, Split], hub: PlayedHub, tmp_path: Path) -> None:
    given = hub_environment(hub, tmp_path / "home")
    dry = run_script("publish_data", "hub_id=me/data", environment=given)
    assert dry.returncode == 0 and b"nothing was uploaded" in dry.stdout
    assert hub.requests == []
    result = run_script(
        "publish_data", "hub_id=me/data", "upload=true", "tag=v1", environment=given
    )
    assert result.returncode == 0, result.stderr.decode()
    loaded = subprocess.run(
        [sys.executable, "-c", LOAD, "me/data", "v1"],
        env={**os.environ, **given}, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert loaded.returncode == 0, loaded.stderr
    for name, rows in json.loads(loaded.stdout).items():
        documents: list[Document] = [parse_document(row, LABELS) for row in rows]
        assert documents == list(bundled[name].documents)
