"""Baselines: what each learns, their run folders, and tests of finished runs against them."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from conftest import LABELS, data_overrides, run_script

from conflict_tagger.baselines import crf, running, spacy_ner
from conflict_tagger.baselines.crf import Crf, features_of, shape
from conflict_tagger.baselines.lookup import Lookup
from conflict_tagger.baselines.running import run_baselines
from conflict_tagger.baselines.spacy_ner import SpacyNer
from conflict_tagger.baselines.words import (
    TaggedWords,
    WordModel,
    WordTagger,
    split_words,
    strict_f1,
    tagged_words,
    words_of,
)
from conflict_tagger.command_configs import BaselinesConfig, CompareConfig, RepeatConfig
from conflict_tagger.comparing import compare_runs
from conflict_tagger.config import DataConfig
from conflict_tagger.corpora import Split
from conflict_tagger.documents import Document, InputError, Span, read_jsonl, write_jsonl
from conflict_tagger.repeating import repeat
from conflict_tagger.runs import read_json

PLACES = ("Kolwa", "Dansk", "Mirabad", "Tessen", "Orlu", "Banik")
SHELLED = "Rebels shelled {}, killing {} farmers."


def marked(text: str, *spans: tuple[str, str]) -> Document:
    """A document in which each (label, words) is a span."""
    found = [(label, text.index(words), len(words)) for label, words in spans]
    return Document(text, text, tuple(Span(label, at, at + size) for label, at, size in found))


def reports(counts: Sequence[str]) -> list[Document]:
    """Reports of one form: an actor, a count and victims."""
    return [
        marked(
            SHELLED.format(place, count),
            ("PERPETRATOR", "Rebels"), ("COUNT", count), ("VICTIM", "farmers"),
        )
        for place in PLACES
        for count in counts
    ]  # fmt: skip


def test_words_are_letters_and_digits_together_and_signs_alone() -> None:
    document = Document("x", "At least 1,200 U.S. troops’ wives—“dead”.\n")
    assert words_of(document, split_words(document.text)) == [
        "At", "least", "1", ",", "200", "U", ".", "S", ".", "troops", "’", "wives", "—", "“",
        "dead", "”", ".",
    ]  # fmt: skip
    assert words_of(document, split_words(" \n")) == []


def test_words_express_every_bundled_span(
    bundled: dict[str, Split], caplog: pytest.LogCaptureFixture
) -> None:
    for split in bundled.values():
        tagged = tagged_words(split.documents, LABELS)
        assert sum(tag.startswith("B-") for tags in tagged.tags for tag in tags) == sum(
            len(document.spans) for document in split.documents
        )
    assert caplog.records == []
    tagged_words([Document("half", "shelled", (Span("VICTIM", 0, 3),))], LABELS)
    assert "words cannot express VICTIM 0-3 ('she')" in caplog.text


class Parrot:
    """A word model that says what it was told."""

    def __init__(self, tags: list[str]) -> None:
        self.tags = tags

    def fit(self, train: TaggedWords, validation: TaggedWords) -> dict[str, object]:
        return {}

    def predict(self, words: Sequence[Sequence[str]]) -> list[list[str]]:
        return [self.tags[: len(document)] for document in words]


def test_tags_of_words_become_spans_with_values() -> None:
    gold = reports(["three"])[:1]
    right = ["B-PERPETRATOR", "O", "O", "O", "O", "B-COUNT", "B-VICTIM", "O"]
    assert tagged_words(gold, LABELS).tags == [right]
    (tagged,) = WordTagger(Parrot(right), LABELS, ["COUNT"]).tag_documents(gold)
    assert tagged.spans == gold[0].spans
    assert [str(span.value) for span in tagged.spans if span.value] == ["3"]
    assert strict_f1(Parrot(right), tagged_words(gold, LABELS)) == 1
    # An inside tag with nothing before it begins a span.
    illegal = ["I-PERPETRATOR", "I-PERPETRATOR", "O", "O", "O", "O", "O", "O"]
    (tagged,) = WordTagger(Parrot(illegal), LABELS, []).tag_documents(gold)
    assert [tagged.text_of(span) for span in tagged.spans] == ["Rebels shelled"]


def test_lookup_gives_the_most_frequent_tag() -> None:
    train = tagged_words([*reports(["three"]), Document("x", "Farmers and rebels met.")], LABELS)
    model = Lookup()
    assert model.fit(train, train)["words"] == len({w.lower() for ws in train.words for w in ws})
    assert model.predict([["rebels", "FARMERS", "never-seen", "three"]]) == [
        ["B-PERPETRATOR", "B-VICTIM", "O", "B-COUNT"]
    ]


def test_shapes_and_features_of_words() -> None:
    assert [shape(w) for w in ("US", "NATO", "Rebels", "1999", "F16", "-", "iPhone")] == [
        "XX", "XX", "Xxx", "dd", "Xdd", "-", "xXxx",
    ]  # fmt: skip
    first, _, last = features_of(["Rebels", "shelled", "Kolwa"])
    assert first["lower"] == "rebels" and first["suffix3"] == "els"
    assert first["1:lower"] == "shelled" and first["2:shape"] == "Xxx" and first["-1:edge"] is True
    assert "1:prefix3" not in first and first["0:pair"] == "rebels shelled"
    assert last["-2:lower"] == "rebels" and last["1:edge"] is True and "0:pair" not in last
    assert features_of([]) == []


@pytest.mark.parametrize("make", [Crf, lambda: SpacyNer(0)], ids=["crf", "spacy"])
def test_a_learner_generalises_to_words_it_never_saw(
    make: type[WordModel], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crf, "PENALTIES", ((0.1, 0.1),))
    train = tagged_words(reports(["three", "20", "seven"]), LABELS)
    held_out = tagged_words(reports(["nine"]), LABELS)
    model = make()
    chosen = model.fit(train, held_out)
    assert chosen["validation_f1"] == 1
    unseen = reports(["42"])
    assert strict_f1(model, tagged_words(unseen, LABELS)) == 1
    assert model.predict([]) == []


def test_spacy_follows_its_seed_and_keeps_its_best_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    scores = iter([0.1, 0.6, 0.2, 0.3, 0.5, 0.5, 0.5, 0.9])
    monkeypatch.setattr(spacy_ner, "PATIENCE", 3)
    weights = []

    def score(model: SpacyNer, gold: TaggedWords) -> float:
        assert model._nlp is not None
        weights.append(model._nlp.get_pipe("ner").model.to_bytes())
        return next(scores)

    monkeypatch.setattr(spacy_ner, "strict_f1", score)
    train = tagged_words(reports(["three"]), LABELS)
    model = SpacyNer(3)
    assert model.fit(train, train) == {"epoch": 2, "validation_f1": 0.6}
    assert len(weights) == 5, "three epochs without a better score end it"
    assert model._nlp is not None and model._nlp.get_pipe("ner").model.to_bytes() == weights[1]
    scores = iter([0.5] * 9)
    again = SpacyNer(3)
    assert again.fit(train, train)["epoch"] == 1
    assert weights[5] == weights[0]
    other = SpacyNer(4)
    other.fit(train, train)
    assert weights[9] != weights[0]


@pytest.fixture
def config(tmp_path: Path) -> BaselinesConfig:
    """A small corpus of one form of report, and the two baselines that draw nothing."""
    files = {"train": ["three", "20"], "validation": ["nine"], "test": ["42"]}
    for name, counts in files.items():
        write_jsonl(tmp_path / f"{name}.jsonl", reports(counts))
    data = DataConfig(
        "tiny", list(LABELS), ["DENIAL"], ["COUNT"], str(tmp_path / "train.jsonl"),
        str(tmp_path / "validation.jsonl"), {"test": str(tmp_path / "test.jsonl")},
    )  # fmt: skip
    return BaselinesConfig(data, ["lookup", "crf"], [0, 1], [], str(tmp_path / "runs"))


def test_baselines_leave_run_folders_that_compare_with_any_run(
    config: BaselinesConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = run_baselines(config)
    assert set(result["baselines"]) == {"lookup", "crf"} and result["tests"] == {}
    assert result["baselines"]["crf"]["seeds"] == [0], "it draws nothing: one seed says it all"
    f1 = {
        name: baseline["splits"]["test"]["strict"]["micro"]["f1"]["mean"]
        for name, baseline in result["baselines"].items()
    }
    assert f1["crf"] == 1
    assert f1["lookup"] == pytest.approx(0.8)  # "42" was never seen: 2 of 3 found, none wrong
    runs = {name: Path(baseline["best"]["run"]) for name, baseline in result["baselines"].items()}
    assert read_json(runs["crf"] / "state.json")["state"] == "finished"
    assert (runs["crf"] / "reports" / "test.html").exists()
    tagged = list(read_jsonl(runs["lookup"] / "predictions" / "test.jsonl"))
    assert [len(document.spans) for document in tagged] == [2] * len(PLACES)
    compared = compare_runs(CompareConfig([str(run) for run in runs.values()]))
    assert [row["model"] for row in compared["runs"]] == ["crf", "lookup"]
    with pytest.raises(InputError, match="is a baseline's run; `make baselines`"):
        repeat(RepeatConfig(str(runs["crf"])))

    config.baselines, config.against = ["lookup"], [str(runs["crf"])]
    monkeypatch.setattr(running, "train_baseline", lambda *_: pytest.fail("it was there"))
    test = run_baselines(config)["tests"]["lookup"]["test"]
    assert test["strict"]["difference"] == pytest.approx(0.2)
    assert test["strict"]["lowest"] == pytest.approx(0.2), "all documents are alike"
    # Six units: their outputs all stay, or all change sides, twice in 64 tosses.
    assert test["strict"]["randomisation_p"] == pytest.approx(2 / 64, abs=0.01)


def test_the_weakest_result_of_several_runs_is_told(config: BaselinesConfig) -> None:
    baselines = run_baselines(config)["baselines"]
    config.baselines = ["lookup"]
    # The second is no better than itself.
    config.against = [*baselines["crf"]["runs"], *baselines["lookup"]["runs"]]
    test = run_baselines(config)["tests"]["lookup"]["test"]["strict"]
    assert (test["difference"], test["lowest"]) == (0, 0)
    assert (test["bootstrap_p"], test["randomisation_p"]) == (1, 1)


def test_what_cannot_be_run_is_refused_before_the_training(
    config: BaselinesConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "train_baseline", lambda *_: pytest.fail("it trained"))
    for change, message in (
        ({"baselines": ["svm"]}, "baselines: must be some of lookup, crf, spacy"),
        ({"baselines": []}, "baselines: must be some of"),
        ({"seeds": []}, "seeds: name at least one"),
        ({"output": str(tmp_path / "none" / "x.json")}, "output: there is no folder .*none"),
        ({"against": [str(tmp_path)]}, "is no run folder"),
    ):
        before = {key: getattr(config, key) for key in change}
        vars(config).update(change)
        with pytest.raises(InputError, match=message):
            run_baselines(config)
        vars(config).update(before)


@pytest.mark.slow
def test_the_script_prints_scores(tiny_data: Path, tmp_path: Path) -> None:
    data = [*data_overrides(tiny_data), "~data.evaluation.seed_articles"]
    result = run_script(
        "train_baselines", *data, "baselines=[lookup]", f"runs={tmp_path}", "output=null"
    )
    assert result.returncode == 0, result.stderr.decode()
    printed = result.stdout.decode()
    assert "Baselines" in printed and "lookup" in printed
    result = run_script("train_baselines", "baselines=[svm]", "output=null")
    assert result.returncode == 2
    (line,) = result.stderr.decode().splitlines()
    assert line.startswith("error: baselines: must be")
