"""Scores against hand-computed cases, seqeval, and through the evaluate library."""

import itertools
import random

import pytest
from nervaluate import Evaluator
from seqeval.metrics import classification_report
from seqeval.scheme import IOB2

from conflict_tagger.documents import Document, InputError, LabelSet, Span
from conflict_tagger.scoring.counts import MATCHES, count_matches
from conflict_tagger.scoring.spans import load_metric, score_documents, score_spans
from conflict_tagger.scoring.values import score_values

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
    # Last word: as strict, and the second piece of the denial ends where the denial does.
    assert scores["last_word"]["micro"] == pytest.approx(
        {"precision": 2 / 5, "recall": 2 / 5, "f1": 2 / 5, "support": 5}
    )
    assert scores["last_word"]["per_label"]["D"]["precision"] == 0.5
    assert scores["last_word"]["per_label"]["D"]["recall"] == 1
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


def random_spans(generator: random.Random) -> list[Span]:
    edges = sorted(generator.sample(range(40), 2 * generator.randrange(8)))
    pairs = zip(edges[::2], edges[1::2], strict=True)
    return [Span(generator.choice(LABELS.names), start, end) for start, end in pairs]


def test_counts_equal_those_of_a_comparison_of_all_pairs() -> None:
    generator = random.Random(0)
    gold = [random_spans(generator) for _ in range(300)]
    predicted = [random_spans(generator) for _ in range(300)]
    rules = {
        "strict": lambda a, b: (a.start, a.end) == (b.start, b.end),
        "last_word": lambda a, b: a.end == b.end,
        "overlap": lambda a, b: a.start < b.end and b.start < a.end,
    }
    counts = count_matches(gold, predicted, LABELS)
    assert set(MATCHES) == set(rules)
    for (document, (of_gold, of_predicted)), (label_index, label) in itertools.product(
        enumerate(zip(gold, predicted, strict=True)), enumerate(LABELS)
    ):
        here = [span for span in of_gold if span.label == label]
        there = [span for span in of_predicted if span.label == label]
        assert counts.support[document, label_index] == len(here)
        assert counts.predicted[document, label_index] == len(there)
        for index, match in enumerate(MATCHES):
            agrees = rules[match]
            right = sum(any(agrees(span, other) for other in here) for span in there)
            found = sum(any(agrees(span, other) for other in there) for span in here)
            assert counts.right[index, document, label_index] == right, (match, here, there)
            assert counts.found[index, document, label_index] == found, (match, here, there)


def nervaluate_counts(gold: list[Span], predicted: list[Span], scheme: str) -> dict[str, int]:
    """What nervaluate counts in one document; its ends are inclusive."""
    sides = [
        [[{"label": s.label, "start": s.start, "end": s.end - 1} for s in side]]
        for side in (gold, predicted)
    ]
    result = Evaluator(*sides, tags=list(LABELS), loader="dict").evaluate()["overall"][scheme]
    return {key: getattr(result, key) for key in ("correct", "incorrect", "spurious", "missed")}


@pytest.mark.parametrize("seed", range(20))
def test_strict_counts_equal_nervaluate(seed: int) -> None:
    generator = random.Random(seed)
    gold, predicted = random_spans(generator), random_spans(generator)
    predicted = [*predicted[:2], *[s for s in gold if all(o.end <= s.start for o in predicted[:2])]]
    counts = count_matches([gold], [predicted], LABELS)
    strict = MATCHES.index("strict")
    theirs = nervaluate_counts(gold, predicted, "strict")
    assert counts.right[strict].sum() == counts.found[strict].sum() == theirs["correct"]


def test_where_nervaluate_differs_a_denial_in_two_pieces_is_half_spurious_there() -> None:
    """One denial, predicted in two pieces: how right is that?

    nervaluate's `ent_type` lets a gold span match one predicted span only: the second piece is
    spurious, precision 1/2. Our overlap asks each side by itself: both pieces lie in the denial,
    precision 1, and the denial was found, recall 1. We hold to ours, because overlap is there to
    say whether what is marked is there at all; that the edges are wrong is what strict is for,
    and there both of us count nothing right.
    """
    gold, pieces = [Span("D", 0, 60)], [Span("D", 0, 20), Span("D", 25, 60)]
    theirs = nervaluate_counts(gold, pieces, "ent_type")
    assert (theirs["correct"], theirs["spurious"], theirs["missed"]) == (1, 1, 0)
    ours = score_spans([gold], [pieces], LABELS)
    assert (ours["overlap"]["micro"]["precision"], ours["overlap"]["micro"]["recall"]) == (1, 1)
    assert ours["strict"]["micro"]["f1"] == 0
    assert nervaluate_counts(gold, pieces, "strict")["correct"] == 0


def test_where_seqeval_differs_without_a_scheme_it_repairs_illegal_tags() -> None:
    """An I- tag without its B-: seqeval's default reads a span there, its strict mode does not.

    Strict mode is right for this task: no such tag leaves our decoder, and a scorer that repairs
    what it is given hides the fault of the system that gives it.
    """
    gold, predicted = [["B-P", "I-P", "O"]], [["I-P", "I-P", "O"]]
    lenient = classification_report(gold, predicted, output_dict=True, zero_division=0)
    strict = classification_report(
        gold, predicted, output_dict=True, mode="strict", scheme=IOB2, zero_division=0
    )
    assert lenient["micro avg"]["f1-score"] == 1
    assert strict["micro avg"]["f1-score"] == 0


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


def test_values_of_counts_are_right_wherever_the_edges_lie() -> None:
    text = "At least 20 died and dozens, some say hundreds, were hurt; 7 fled; few knew."

    def document(*words: str) -> Document:
        starts = [text.index(word) for word in words]
        spans = [Span("COUNT", at, at + len(w)) for at, w in zip(starts, words, strict=True)]
        return Document("1", text, tuple(spans))

    gold = document("At least 20", "dozens", "hundreds", "7")
    # Another hedge, a wider edge, one that is elsewhere, one without a number, one missed.
    predicted = document("20", "and dozens", "some", "few knew")
    scores = score_values([gold], [predicted], ["COUNT"])
    assert scores == {
        "precision": 0, "recall": 0, "f1": 0, "support": 4, "unread": {"gold": 0, "predicted": 3},
    }  # fmt: skip
    predicted = document("At least 20 died"[:11], "dozens", "hundreds, were"[:8], "fled")
    scores = score_values([gold], [predicted], ["COUNT"])
    assert (scores["precision"], scores["recall"], scores["support"]) == (0.75, 0.75, 4)
    only_number = score_values([document("At least 20")], [document("least 20")], ["COUNT"])
    assert only_number["recall"] == 0, "without its hedge it is another value"
    assert score_values([gold], [gold], ["VICTIM"])["support"] == 0
