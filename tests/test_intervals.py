"""Intervals and paired tests: hand-computed cases, coverage, and the same draws for one seed."""

import numpy as np
import pytest
from conftest import LABELS
from scipy import stats

from conflict_tagger.documents import Document, Span
from conflict_tagger.evaluation import intervals
from conflict_tagger.scoring.comparison import compare
from conflict_tagger.scoring.counts import MatchCounts, count_documents, count_matches
from conflict_tagger.scoring.intervals import (
    bootstrap_intervals,
    difference_interval,
    resampled,
    resampled_scores,
    seed_interval,
)
from conflict_tagger.scoring.spans import summarize

GOLD = [Span("VICTIM", 0, 5), Span("COUNT", 6, 9)]


def system(quality: float, documents: int = 200, seed: int = 0) -> MatchCounts:
    """A system that finds each gold span with the given probability, and marks nothing else."""
    generator = np.random.default_rng(seed)
    predicted = [[span for span in GOLD if generator.random() < quality] for _ in range(documents)]
    return count_matches([GOLD] * documents, predicted, LABELS)


def test_every_resample_holds_as_many_documents_as_there_are() -> None:
    for documents in (1, 7, 200):
        blocks = list(resampled(documents, 50, seed=3))
        weights = np.concatenate(blocks)
        assert weights.shape == (50, documents)
        assert (weights.sum(axis=1) == documents).all()
        assert (weights == np.concatenate(list(resampled(documents, 50, seed=3)))).all()
    assert len({tuple(row) for row in weights}) > 1


def test_resampled_scores_equal_scores_of_the_drawn_documents() -> None:
    generator = np.random.default_rng(0)
    predicted = [[span for span in GOLD if generator.random() < 0.6] for _ in range(9)]
    counts = count_matches([GOLD] * 9, predicted, LABELS)
    scores = resampled_scores(counts, "strict", resamples=20, seed=1)
    weights = np.concatenate(list(resampled(9, 20, seed=1)))
    for sample, drawn in enumerate(weights):
        chosen = [index for index, times in enumerate(drawn) for _ in range(times)]
        found = sum(len(predicted[index]) for index in chosen)
        recall = found / (2 * len(chosen))
        assert scores["micro"][sample] == pytest.approx(
            [1 if found else 0, recall, 2 * recall / (1 + recall)]
        )


def test_an_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    quality, covered = 0.7, 0
    for seed in range(200):
        counts = system(quality, documents=100, seed=seed)
        low, high = bootstrap_intervals(counts, resamples=400, seed=seed)["strict"]["micro"][
            "recall"
        ]
        covered += low <= quality <= high
    # 95% of 200 is 190; fewer than 178 or all 200 would come about once in thousands of runs.
    assert 178 <= covered < 200


def test_a_label_that_is_nowhere_has_an_interval_at_zero_and_more_documents_a_narrower_one() -> (
    None
):
    few, many = (bootstrap_intervals(system(0.7, documents=n))["strict"] for n in (50, 800))
    assert few["per_label"]["DENIAL"]["f1"] == [0, 0]
    widths = [scores["micro"]["f1"][1] - scores["micro"]["f1"][0] for scores in (few, many)]
    assert widths[0] / widths[1] == pytest.approx(4, rel=0.4)
    assert bootstrap_intervals(system(0.7)) == bootstrap_intervals(system(0.7))
    assert bootstrap_intervals(system(0.7)) != bootstrap_intervals(system(0.7), seed=1)


def test_a_real_difference_is_found_and_none_is_not_made_up() -> None:
    result = compare(system(0.9, seed=1), system(0.6, seed=2))
    assert result.difference > 0.1 and result.interval[0] > 0
    assert result.bootstrap_p < 0.001 and result.randomisation_p < 0.001
    same = compare(system(0.8, seed=1), system(0.8, seed=1))
    assert (same.difference, same.interval) == (0, (0, 0))
    assert same.bootstrap_p == same.randomisation_p == 1
    back = compare(system(0.6, seed=2), system(0.9, seed=1))
    assert back.difference == pytest.approx(-result.difference)


def test_p_values_of_equal_systems_are_spread_evenly() -> None:
    values = {"bootstrap_p": [], "randomisation_p": []}  # type: ignore[var-annotated]
    for seed in range(150):
        result = compare(
            system(0.7, 100, seed=2 * seed), system(0.7, 100, seed=2 * seed + 1), samples=500
        )
        for name in values:
            values[name].append(getattr(result, name))
    for name, found in values.items():
        assert stats.kstest(found, "uniform").pvalue > 0.001, name


def test_randomisation_equals_the_exact_test_of_all_exchanges() -> None:
    """Six documents, one span each; A finds five, B two, and B's are among A's: p is 2 in 8."""
    gold = [[Span("VICTIM", 0, 5)]] * 6
    a = count_matches(gold, [gold[0] if i < 5 else [] for i in range(6)], LABELS)
    b = count_matches(gold, [gold[0] if i < 2 else [] for i in range(6)], LABELS)
    # Only the three documents in which they differ matter: all three must stay, or all change.
    result = compare(a, b, samples=20_000)
    assert result.randomisation_p == pytest.approx(2 / 8, abs=0.015)


def test_one_label_is_compared_by_itself() -> None:
    gold = [GOLD] * 50
    a = count_matches(gold, gold, LABELS)
    b = count_matches(gold, [[GOLD[0]]] * 50, LABELS)
    assert compare(a, b, label="VICTIM", samples=100).difference == 0
    assert compare(a, b, label="COUNT", samples=100).difference == 1
    assert compare(a, b, samples=100).difference == pytest.approx(1 - 2 / 3)


def test_other_gold_spans_cannot_be_compared() -> None:
    with pytest.raises(ValueError, match="not scored on the same gold spans"):
        compare(system(0.5, documents=3), system(0.5, documents=4))


TEXT = "Headline\n\n Five died.\nTwo more\n\n"  # three lines with text


def documents(*spans: list[Span]) -> list[Document]:
    return [Document(str(index), TEXT, tuple(side)) for index, side in enumerate(spans)]


def test_paragraphs_hold_what_begins_in_them() -> None:
    five, two = Span("COUNT", 11, 15), Span("COUNT", 22, 25)
    across = Span("VICTIM", 16, 25)  # begins in the second line and ends in the third
    gold, predicted = (
        documents([five, two], []),
        documents([five, Span("VICTIM", 22, 25)], [across]),
    )
    counts = count_documents(gold, predicted, LABELS, paragraphs=True)
    count, victim = LABELS.names.index("COUNT"), LABELS.names.index("VICTIM")
    assert counts.support[:, count].tolist() == [0, 1, 1, 0, 0, 0]
    assert counts.right[0, :, count].tolist() == [0, 1, 0, 0, 0, 0]
    assert counts.predicted[:, victim].tolist() == [0, 0, 1, 0, 1, 0]
    whole = count_documents(gold, predicted, LABELS)
    assert len(whole) == 2 and summarize(whole) == summarize(counts)


def test_few_documents_are_resampled_by_paragraph() -> None:
    five = Span("COUNT", 11, 15)
    for size, unit, units in ((19, "paragraphs", 57), (20, "documents", 20)):
        gold = documents(*[[five]] * size)
        found = intervals(gold, gold, LABELS)
        assert (found["unit"], found["units"]) == (unit, units)
        assert found["strict"]["micro"]["f1"] == [1, 1]


def test_an_interval_over_seeds() -> None:
    values = [0.816, 0.818, 0.820]
    result = seed_interval(values)
    expected = stats.t.interval(0.95, 2, loc=0.818, scale=stats.sem(values))
    assert result["mean"] == pytest.approx(0.818) and result["sd"] == pytest.approx(0.002)
    assert result["interval"] == pytest.approx(list(expected))
    assert seed_interval([0.5]) == {"mean": 0.5, "sd": None, "interval": None}
    with pytest.raises(ValueError, match="no values"):
        seed_interval([])


def test_the_interval_of_a_difference_is_that_of_welch() -> None:
    first, second = [0.86, 0.87, 0.88], [0.85, 0.83, 0.86, 0.84]
    interval = difference_interval(seed_interval(first), seed_interval(second), (3, 4))
    expected = stats.ttest_ind(first, second, equal_var=False).confidence_interval()
    assert interval == pytest.approx([expected.low, expected.high])
    assert difference_interval(seed_interval(first), seed_interval([0.8]), (3, 1)) is None
    assert difference_interval({"mean": 1.0, "sd": 0.0}, {"mean": 1.0, "sd": 0.0}, (3, 3)) is None
