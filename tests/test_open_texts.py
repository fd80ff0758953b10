"""Open texts: each source's form, what is missing, how they are split, and fetched."""

import hashlib
import json
import logging
import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from conftest import LABELS, ROOT, run_script
from omegaconf import OmegaConf

from conflict_tagger.config import DataConfig, OpenSourceConfig
from conflict_tagger.corpora import Split, load_splits
from conflict_tagger.documents import Document, InputError, write_jsonl
from conflict_tagger.open_texts import (
    READERS,
    load_open_documents,
    load_standoff,
    split_by_hash,
    unlabelled_documents,
)

TEXTS = {  # by source; none is anybody's
    "fa_kes": "Shells hit a market\n\nFour men died in Idlib on Monday.",
    "re3d": "Rebels took the town. The army denied it.",
    "satp": 'Militants said "no" and shot two policemen',
    "muc4": "the guerrillas  killed a mayor.\u2028the fmln denied it.",
    "insightcrime": "Gang Kills Six. A gang killed six people.",
    "indiapoliceevents": "police fired at a mob, killing one.",
}


def write_sources(folder: Path) -> None:
    """The texts as each source holds them: quotes doubled, space run together, returns, Latin-1."""
    files = {
        "fa_kes.csv": "unit_id,article_title,article_content\n1,Shells hit  a market,"
        '"Four men died\u00a0in Idlib\r on Monday. "\n',
        "a/re3d.json": json.dumps({"text": " Rebels took\tthe town. The army denied it.\r"}) + "\n",
        "satp.tsv": '"Militants said ""no"" and shot two policemen"\t1\t0\n',
        "muc4.json": json.dumps({"doctext": TEXTS["muc4"]}, ensure_ascii=False) + "\n",
        "texts.jsonl": "".join(
            json.dumps(record) + "\n"
            for record in (
                {"source": "insightcrime", "text": TEXTS["insightcrime"]},
                {"source": "another", "text": "A text of another source."},
            )
        ),
        "india.tsv": TEXTS["indiapoliceevents"] + "\t0\t1\n",
    }  # fmt: skip
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        encoding = "latin-1" if name == "fa_kes.csv" else "utf-8"
        (folder / name).write_bytes(content.encode(encoding))


@pytest.fixture
def data(tmp_path: Path, tiny_data: Path) -> DataConfig:
    """A corpus with one annotated text in each source."""
    write_sources(tmp_path / "texts")
    (tmp_path / "standoff").mkdir()
    for name, text in TEXTS.items():
        record = {"sha256": hashlib.sha256(text.encode()).hexdigest(),
                  "spans": [{"start": 0, "end": 6, "label": "PERPETRATOR"}]}  # fmt: skip
        (tmp_path / "standoff" / f"{name}.jsonl").write_text(json.dumps(record) + "\n")
    local = {
        "fa_kes": "fa_kes.csv", "re3d": "*/re3d.json", "satp": "satp.tsv", "muc4": "muc4.json",
        "insightcrime": "texts.jsonl", "indiapoliceevents": "india.tsv",
    }  # fmt: skip
    return DataConfig(
        name="open", labels=list(LABELS), train=f"{tiny_data}/train.jsonl",
        validation=f"{tiny_data}/validation.jsonl",
        evaluation={"test": f"{tiny_data}/test.jsonl"}, standoff=str(tmp_path / "standoff"),
        open_texts=str(tmp_path / "texts"),
        open_sources={name: OpenSourceConfig([file], []) for name, file in local.items()},
    )  # fmt: skip


def test_each_source_is_read_as_its_annotators_read_it(data: DataConfig) -> None:
    found = load_open_documents(data, LABELS)
    assert {name: [d.text for d in documents] for name, documents in found.items()} == {
        name: [text] for name, text in TEXTS.items()
    }
    (document,) = found["satp"]
    assert document.id.startswith("satp:") and document.text_of(document.spans[0]) == "Milita"


def test_what_is_missing_is_named_once_and_the_rest_is_used(
    data: DataConfig, caplog: pytest.LogCaptureFixture
) -> None:
    folder = Path(str(data.open_texts))
    (folder / "satp.tsv").unlink()
    (folder / "muc4.json").write_text('{"doctext": "another text"}\n')
    del data.open_sources["re3d"]
    found = load_open_documents(data, LABELS)
    assert {name for name, documents in found.items() if documents} == {
        "fa_kes", "insightcrime", "indiapoliceevents"
    }  # fmt: skip
    said = [record.message for record in caplog.records]
    assert len(said) == 3
    for words in ("holds no satp.tsv, the texts of satp; put them there", "says nothing of re3d",
                  "1 of the 1 annotated texts of muc4 are not among its 1 texts"):  # fmt: skip
        assert sum(words in line for line in said) == 1
    (empty := folder / "empty").mkdir()
    with pytest.raises(InputError, match="none of the open texts can be had; name a folder"):
        load_open_documents(replace(data, open_texts=str(empty)), LABELS)
    for wrong in ("/nowhere", str(folder / "muc4.json")):
        with pytest.raises(InputError, match=f"data.open_texts: {wrong} is no folder"):
            load_open_documents(replace(data, open_texts=wrong), LABELS)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("fa_kes.csv", "title,text\na,b\n"), ("fa_kes.csv", ""), ("muc4.json", "{}\n"),
        ("muc4.json", "no JSON"), ("satp.tsv", "\n"),
    ],
)  # fmt: skip
def test_a_file_of_something_else_is_named(data: DataConfig, name: str, content: str) -> None:
    (Path(str(data.open_texts)) / name).write_text(content)
    with pytest.raises(InputError, match=rf"{name}: is no file of .*; fetch it anew"):
        load_open_documents(data, LABELS)


def test_texts_of_two_lines_are_taken_once_with_the_first(data: DataConfig) -> None:
    path = Path(str(data.standoff)) / "re3d.jsonl"
    again = json.loads(path.read_text())
    again["spans"] = []
    path.write_text(path.read_text() + json.dumps(again) + "\n")
    (document,) = load_open_documents(data, LABELS)["re3d"]
    assert len(document.spans) == 1


def test_spans_beyond_a_text_are_refused(data: DataConfig) -> None:
    path = Path(str(data.standoff)) / "satp.jsonl"
    path.write_text(path.read_text().replace('"end": 6', '"end": 6000'))
    with pytest.raises(InputError, match=r"satp:.*6000"):
        load_open_documents(data, LABELS)


def test_a_tenth_each_is_held_out_by_hash() -> None:
    digests = [hashlib.sha256(str(i).encode()).hexdigest() for i in range(3000)]
    documents = [Document(digest, "x", (), {"sha256": digest}) for digest in digests]
    parts = split_by_hash(documents)
    assert {name: len(part) for name, part in parts.items()} == {
        name: pytest.approx(size, rel=0.15)
        for name, size in (("train", 2400), ("open_validation", 300), ("open_test", 300))
    }
    fewer = split_by_hash(documents[::7])
    for name, part in fewer.items():
        assert {d.id for d in part} <= {d.id for d in parts[name]}, "none moves when others go"


def test_splits_with_open_texts_are_files_of_their_own(data: DataConfig) -> None:
    plain = load_splits(replace(data, standoff=None), LABELS)
    splits = load_splits(data, LABELS)
    assert set(splits) <= {"train", "validation", "test", "open_validation", "open_test"}
    added = splits["train"].documents[len(plain["train"].documents) :]
    held_out = [d for name, s in splits.items() if name.startswith("open_") for d in s.documents]
    assert {d.text for d in (*added, *held_out)} == set(TEXTS.values())
    assert splits["test"].sha256() == plain["test"].sha256()
    assert load_splits(data, LABELS)["train"].path == splits["train"].path
    assert set(load_splits(replace(data, evaluation={}), LABELS)) == {"train", "validation"}


def test_a_smaller_share_of_the_training_documents_lies_in_a_larger_one(
    bundled: dict[str, Split],
) -> None:
    data = DataConfig("reports", list(LABELS), train=str(ROOT / "data/reports/train.jsonl"),
                      validation=str(ROOT / "data/reports/validation.jsonl"))  # fmt: skip
    whole = list(bundled["train"].documents)
    before: set[str] = set()
    for share in (0.25, 0.5, 1.0):
        splits = load_splits(replace(data, train_share=share), LABELS)
        ids = [document.id for document in splits["train"].documents]
        assert len(ids) == pytest.approx(share * len(whole), rel=0.15)
        assert before <= set(ids) and ids == [d.id for d in whole if d.id in set(ids)]
        assert splits["validation"].documents == bundled["validation"].documents
        before = set(ids)
    with pytest.raises(InputError, match="data.train_share: leaves no training document"):
        load_splits(replace(data, train_share=1e-9), LABELS)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    handler = partial(SimpleHTTPRequestHandler, directory=str(tmp_path / "texts"))
    served = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=served.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{served.server_port}"
    served.shutdown()
    served.server_close()


def test_texts_are_fetched_once_from_their_address(
    data: DataConfig, server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    import datasets

    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(datasets.config, "DOWNLOADED_DATASETS_PATH", tmp_path / "cache")
    addresses = {"fa_kes": "fa_kes.csv", "re3d": "a/re3d.json", "satp": "none.tsv"}
    sources = {name: OpenSourceConfig([], [f"{server}/{f}"]) for name, f in addresses.items()}
    fetched = replace(data, open_texts=None, open_sources=sources)
    with caplog.at_level(logging.WARNING, "conflict_tagger"):
        found = load_open_documents(fetched, LABELS)
    assert {n: [d.text for d in documents] for n, documents in found.items()} == {
        name: [TEXTS[name]] for name in ("fa_kes", "re3d")
    }
    assert "the texts of satp cannot be fetched" in caplog.text
    for path in (tmp_path / "texts").glob("*"):
        if path.is_file():
            path.unlink()  # from now on the address has nothing
    assert [d.text for d in load_open_documents(fetched, LABELS)["fa_kes"]] == [TEXTS["fa_kes"]]


def test_the_configuration_names_every_annotated_source() -> None:
    config = OmegaConf.load(ROOT / "configs/data/reports_open.yaml")
    standoff = load_standoff(ROOT / "data/standoff", LABELS)
    assert set(config.open_sources) == set(standoff) >= set(READERS)
    for source in config.open_sources.values():
        assert source.local and source.public


def test_what_nobody_annotated_can_be_tagged_and_trained_on(
    data: DataConfig, tmp_path: Path
) -> None:
    folder = Path(str(data.open_texts))
    texts = [f"Text {number} of nobody's, in six words." for number in range(9)]
    lines = "".join(json.dumps({"text": text}) + "\n" for text in (*texts, texts[0]))
    (folder / "texts.jsonl").write_text((folder / "texts.jsonl").read_text() + lines)
    documents = unlabelled_documents(data, LABELS, words=1000)
    assert sorted(d.text for d in documents) == sorted(texts), "each once, none of the annotated"
    assert len(unlabelled_documents(data, LABELS, words=20)) == 3
    with pytest.raises(InputError, match="words: must be 1 or more"):
        unlabelled_documents(data, LABELS, words=-5)
    write_jsonl(tmp_path / "more.jsonl", documents)
    splits = load_splits(replace(data, more_train=[str(tmp_path / "more.jsonl")]), LABELS)
    assert set(texts) <= {document.text for document in splits["train"].documents}
    (document,) = splits["test"].documents[:1]
    write_jsonl(tmp_path / "leak.jsonl", [document])
    with pytest.raises(InputError, match="has the text of"):
        load_splits(replace(data, more_train=[str(tmp_path / "leak.jsonl")]), LABELS)


def test_the_script_writes_unlabelled_texts(tmp_path: Path) -> None:
    result = run_script("unlabelled", "data.open_texts=/nowhere", f"output={tmp_path}/texts.jsonl")
    assert result.returncode == 2 and b"/nowhere is no folder" in result.stderr
