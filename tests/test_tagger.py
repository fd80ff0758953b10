"""The Tagger, on the checkpoint of one short real training."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import LABELS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conflict_tagger import InputError, Tagger
from conflict_tagger.corpora import Split
from conflict_tagger.encoding import WindowSettings
from conflict_tagger.modeling import SETTINGS_FILE


@pytest.fixture(scope="module")
def checkpoint(trained: tuple[Path, str]) -> Path:
    return trained[0] / "checkpoint"


@pytest.fixture(scope="module")
def tagger(checkpoint: Path) -> Tagger:
    return Tagger.from_pretrained(checkpoint)


def test_importing_the_package_does_not_import_torch() -> None:
    code = "import sys, conflict_tagger; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_texts_come_back_untouched_in_order(tagger: Tagger) -> None:
    texts = [
        "Rebels killed seven civilians.",
        "",
        "a\x00b \ud800 \u202e مرحبا e\u0301 😀 \x07",
        " ",
    ]
    documents = tagger.tag(texts)
    assert [document.text for document in documents] == texts
    assert [document.id for document in documents] == ["0", "1", "2", "3"]
    assert documents[1].spans == documents[3].spans == ()
    for span in documents[0].spans:
        assert span.label in LABELS and span.score is not None and 0 <= span.score <= 1
    assert tagger.tag([]) == []
    with pytest.raises(TypeError, match="list of texts"):
        tagger.tag("one text")


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(st.characters(), max_size=80))
def test_any_text_gets_flat_spans_within_it(tagger: Tagger, text: str) -> None:
    (document,) = tagger.tag([text])
    assert document.text == text
    end = 0
    for span in document.spans:
        assert end <= span.start < span.end <= len(text)
        end = span.end


def test_long_texts_are_read_to_their_end(tagger: Tagger) -> None:
    sentence = "Government jets killed 27 people in the market, medics said. "
    (document,) = tagger.tag([sentence * 2_000])  # 24,000 tokens, far beyond a window
    (first,) = tagger.tag([sentence * 3])
    assert first.spans, "the short training found nothing here; choose another sentence"
    assert document.spans[-1].start > len(sentence) * 1_990
    assert len(document.spans) > 1_500


def test_the_plain_pipeline_gives_the_same_spans(
    tagger: Tagger, checkpoint: Path, bundled: dict[str, Split]
) -> None:
    from transformers import pipeline

    tag = pipeline("token-classification", str(checkpoint), aggregation_strategy="first")
    compared, spans = 0, 0
    paragraphs = [p for d in bundled["validation"].documents[:25] for p in d.text.split("\n\n")]
    for text in paragraphs:
        encoded = tagger.encoder.encode(text)
        assert len(encoded.windows) == 1
        (scores,) = tagger.word_log_probs([encoded])
        best = np.append(0, scores.argmax(axis=1))
        inside = (best[1:] > 0) & (best[1:] % 2 == 0)
        if (inside & (best[1:] != best[:-1]) & (best[1:] != best[:-1] + 1)).any():
            continue  # its own tag sequence is not legal; ours is
        theirs = [(e["entity_group"], e["start"], e["end"]) for e in tag(text)]
        (ours,) = tagger.tag([text])
        assert theirs == [(span.label, span.start, span.end) for span in ours.spans], text
        compared += 1
        spans += len(theirs)
    assert compared >= 10 and spans >= 50


def test_a_saved_tagger_reloads_to_identical_predictions(
    tagger: Tagger, tmp_path: Path, bundled: dict[str, Split]
) -> None:
    tagger.save_pretrained(tmp_path)
    assert (tmp_path / "model.safetensors").exists()
    again = Tagger.from_pretrained(tmp_path)
    assert again.window == tagger.window
    texts = [document.text for document in bundled["validation"].documents[:10]]
    ours, theirs = tagger.tag(texts), again.tag(texts)
    assert ours == theirs
    assert [s.score for d in ours for s in d.spans] == [s.score for d in theirs for s in d.spans]


def test_without_a_record_the_window_is_the_models(checkpoint: Path, tmp_path: Path) -> None:
    folder = tmp_path / "checkpoint"
    shutil.copytree(checkpoint, folder)
    (folder / SETTINGS_FILE).unlink()
    assert Tagger.from_pretrained(folder).window == WindowSettings(512, 128)


def test_checkpoints_that_cannot_be_loaded_are_told_apart(
    checkpoint: Path, tiny_encoder: Path, tmp_path: Path
) -> None:
    def broken(name: str) -> Path:
        folder = tmp_path / name
        shutil.copytree(checkpoint, folder)
        return folder

    with pytest.raises(InputError, match="no such folder"):
        Tagger.from_pretrained(tmp_path / "nowhere" / "checkpoint")
    with pytest.raises(InputError, match="holds no config.json"):
        Tagger.from_pretrained(tmp_path)
    with pytest.raises(InputError, match=r"no token classifier \(BertModel\)"):
        Tagger.from_pretrained(tiny_encoder)
    with pytest.raises(InputError, match="is a file"):
        Tagger.from_pretrained(checkpoint / "config.json")
    with pytest.raises(InputError, match="nobody/nothing.*hub cannot be reached"):
        Tagger.from_pretrained("nobody/nothing")
    (broken("cut") / "model.safetensors").write_bytes(b"\x00" * 20)
    with pytest.raises(InputError, match="cannot be loaded"):
        Tagger.from_pretrained(tmp_path / "cut")
    (broken("bare") / "model.safetensors").unlink()
    with pytest.raises(InputError, match="cannot be loaded"):
        Tagger.from_pretrained(tmp_path / "bare")
    (broken("window") / SETTINGS_FILE).write_text("{}")
    with pytest.raises(InputError, match="conflict_tagger.json is damaged"):
        Tagger.from_pretrained(tmp_path / "window")
    settings = json.loads((broken("newer") / SETTINGS_FILE).read_text())
    (tmp_path / "newer" / SETTINGS_FILE).write_text(json.dumps({**settings, "decoding": "magic"}))
    with pytest.raises(InputError, match="decoding by 'magic', .* install a newer"):
        Tagger.from_pretrained(tmp_path / "newer")
    config = json.loads((broken("labels") / "config.json").read_text())
    config["id2label"] = {str(i): f"LABEL_{i}" for i in range(9)}
    (tmp_path / "labels" / "config.json").write_text(json.dumps(config))
    with pytest.raises(InputError, match="no BIO tags"):
        Tagger.from_pretrained(tmp_path / "labels")


def test_labels_of_others_are_named_in_a_warning(
    checkpoint: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    Tagger.from_pretrained(checkpoint)
    assert caplog.text == ""
    shutil.copytree(checkpoint, tmp_path / "other")
    config = json.loads((tmp_path / "other" / "config.json").read_text())
    config["id2label"] = {k: v.replace("DENIAL", "PLACE") for k, v in config["id2label"].items()}
    config["label2id"] = {v: int(k) for k, v in config["id2label"].items()}
    (tmp_path / "other" / "config.json").write_text(json.dumps(config))
    assert "PLACE" in Tagger.from_pretrained(tmp_path / "other").labels
    assert "tags PERPETRATOR, VICTIM, COUNT, PLACE, not the labels of our guide" in caplog.text
