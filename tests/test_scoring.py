"""Scores against hand-computed cases, seqeval, and through the evaluate library."""

import random

import pytest
from seqeval.metrics import classification_report
from seqeval.scheme import IOB2

from conflict_tagger.documents import Document, InputError, LabelSet, Span
from conflict_tagger.scoring.spans import load_metric, score_documents, score_spans

LABELS = LabelSet(("P", "V", "D"))


def test_hand_computed_case() -> None:
    gold = [
        [Span("P", 0, 6), Span("V", 10, 19), Span("V", 30, 35), Span("D", 40, 60)],
        [Span("P", 0, 4)],
    ]
    predicted = [
        # right; wrong edge; wrong label; two pieces of one denial
        [
            Span("P", 0, 6),
            Span("V", 10, 15),
            Span("P", 30, 35),
            Span("D", 40, 48),
            Span("D", 52, 60),
        ],
        [],
    ]
    scores = score_spans(gold, predicted, LABELS)
    assert scores["documents"] == 2
    strict, overlap = scores["strict"], scores["overlap"]
    # Strict: 1 of 5 predicted is right, 1 of 5 gold is found.
    assert strict["micro"] == pytest.approx(
        {"precision": 1 / 5, "recall": 1 / 5, "f1": 1 / 5, "support": 5}
    )
    assert strict["per_label"]["P"] == {"precision": 0.5, "recall": 0.5, "f1": 0.5, "support": 2}
    assert strict["per_label"]["D"]["f1"] == 0
    assert strict["macro"]["f1"] == pytest.approx((0.5 + 0 + 0) / 3)
    # Overlap: P 1/2 and 1/2; V 1/1 and 1/2; D 2/2 predicted pieces and 1/1 gold.
    assert overlap["per_label"]["V"]["precision"] == 1
    assert overlap["per_label"]["V"]["recall"] == 0.5
    assert overlap["per_label"]["D"] == {"precision": 1, "recall": 1, "f1": 1, "support": 1}
    assert overlap["micro"]["precision"] == pytest.approx(4 / 5)
    assert overlap["micro"]["recall"] == pytest.approx(3 / 5)
    assert overlap["micro"]["f1"] == pytest.approx(2 * 0.8 * 0.6 / 1.4)
    assert overlap["macro"]["recall"] == pytest.approx((0.5 + 0.5 + 1) / 3)


def test_touching_spans_do_not_overlap() -> None:
    scores = score_spans([[Span("P", 0, 5)]], [[Span("P", 5, 9)]], LABELS)
    assert scores["overlap"]["micro"]["f1"] == 0


def test_a_long_span_overlaps_what_lies_far_from_its_start() -> None:
    gold = [[Span("D", 0, 100)]]
    predicted = [[Span("D", 1, 2), Span("D", 90, 95), Span("D", 100, 110)]]
    overlap = score_spans(gold, predicted, LABELS)["overlap"]["per_label"]["D"]
    assert (overlap["precision"], overlap["recall"]) == (pytest.approx(2 / 3), 1)


def test_perfect_empty_and_absent() -> None:
    gold = [[Span("P", 0, 5), Span("V", 6, 9)]]
    assert score_spans(gold, gold, LABELS)["strict"]["macro"]["f1"] == 1  # D is in neither side
    nothing = score_spans([[]], [[]], LABELS)
    assert nothing["strict"]["micro"] == {"precision": 0, "recall": 0, "f1": 0, "support": 0}
    assert score_spans(gold, [[]], LABELS)["strict"]["micro"]["recall"] == 0


def test_wrong_input_is_refused() -> None:
    with pytest.raises(ValueError, match="1 gold documents but 0 predicted"):
        score_spans([[]], [], LABELS)
    with pytest.raises(InputError, match="unknown label"):
        score_spans([[Span("X", 0, 1)]], [[]], LABELS)
    with pytest.raises(InputError, match="overlaps"):  # counting one twice would flatter precision
        score_spans([[Span("P", 0, 1)]], [[Span("P", 0, 1), Span("P", 0, 1)]], LABELS)
    with pytest.raises(ValueError, match="not the same texts"):
        score_documents([Document("1", "a")], [Document("1", "b")], LABELS)


def random_tags(generator: random.Random, length: int) -> list[str]:
    tags: list[str] = []
    while len(tags) < length:
        if generator.random() < 0.5:
            tags.append("O")
        else:
            label = generator.choice(LABELS.names)
            tags += [f"B-{label}", *[f"I-{label}"] * generator.randrange(3)]
    return tags[:length]


def spans_of(tags: list[str]) -> list[Span]:
    spans: list[Span] = []
    for index, tag in enumerate(tags):
        if tag.startswith("B-"):
            spans.append(Span(tag[2:], index, index + 1))
        elif tag.startswith("I-"):
            last = spans.pop()
            spans.append(Span(last.label, last.start, index + 1))
    return spans


@pytest.mark.parametrize("seed", range(10))
def test_strict_scores_equal_seqeval(seed: int) -> None:
    generator = random.Random(seed)
    gold = [random_tags(generator, 30) for _ in range(20)]
    predicted = [tags if generator.random() < 0.4 else random_tags(generator, 30) for tags in gold]
    report = classification_report(
        gold, predicted, output_dict=True, mode="strict", scheme=IOB2, zero_division=0
    )
    scores = score_spans([spans_of(t) for t in gold], [spans_of(t) for t in predicted], LABELS)
    strict = scores["strict"]
    rows = {"micro avg": strict["micro"], "macro avg": strict["macro"], **strict["per_label"]}
    for name, values in rows.items():
        for key, theirs in (
            ("precision",) * 2,
            ("recall",) * 2,
            ("f1", "f1-score"),
            ("support",) * 2,
        ):
            assert values[key] == pytest.approx(report[name][theirs]), (name, key)


def test_the_evaluate_metric_is_loaded_from_the_package_and_gives_the_same() -> None:
    gold = [[Span("P", 0, 6), Span("V", 10, 19)], []]
    predicted = [[Span("P", 0, 6), Span("V", 10, 15)], [Span("D", 1, 2)]]

    def plain(side: list[list[Span]]) -> list[dict[str, object]]:
        return [
            {"spans": [{"label": s.label, "start": s.start, "end": s.end} for s in spans]}
            for spans in side
        ]

    metric = load_metric()
    assert metric.name == "span_scores"
    result = metric.compute(
        predictions=plain(predicted), references=plain(gold), labels=list(LABELS)
    )
    assert result == score_spans(gold, predicted, LABELS)
