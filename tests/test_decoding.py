"""Decoding against brute force over all legal sequences."""

import itertools

import numpy as np
import pytest

from conflict_tagger.decoding import decode


def is_legal(tags: tuple[int, ...]) -> bool:
    pairs = zip((0, *tags), tags, strict=False)
    return all(tag % 2 or not tag or before in (tag, tag - 1) for before, tag in pairs)


def spans_of(tags: tuple[int, ...]) -> list[tuple[int, int, int]]:
    spans = []
    for first, tag in enumerate(tags):
        if tag % 2:
            last = first
            while last + 1 < len(tags) and tags[last + 1] == tag + 1:
                last += 1
            spans.append((first, last, tag))
    return spans


def random_scores(generator: np.random.Generator, words: int) -> np.ndarray:
    logits = 2 * generator.normal(size=(words, 5))
    return logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))


@pytest.mark.parametrize("seed", range(25))
def test_best_legal_sequence_and_confidences_equal_brute_force(seed: int) -> None:
    generator = np.random.default_rng(seed)
    documents = [random_scores(generator, words) for words in generator.integers(1, 6, size=4)]
    for scores, (tags, confidences) in zip(documents, decode(documents), strict=True):
        sequences = [s for s in itertools.product(range(5), repeat=len(scores)) if is_legal(s)]
        log_mass = np.array([sum(scores[i, t] for i, t in enumerate(s)) for s in sequences])
        assert tuple(tags) == sequences[log_mass.argmax()]
        mass = np.exp(log_mass) / np.exp(log_mass).sum()
        for span, confidence in zip(spans_of(tuple(tags)), confidences, strict=True):
            expected = sum(m for s, m in zip(sequences, mass, strict=True) if span in spans_of(s))
            assert confidence == pytest.approx(expected)


def test_a_legal_argmax_is_kept_and_an_illegal_one_mended() -> None:
    legal = np.log(np.array([[0.1, 0.7, 0.1, 0.05, 0.05], [0.1, 0.1, 0.7, 0.05, 0.05]]))
    illegal = np.log(np.array([[0.6, 0.3, 0.04, 0.03, 0.03], [0.01, 0.01, 0.96, 0.01, 0.01]]))
    (kept, _), (mended, _) = decode([legal, illegal])
    assert kept.tolist() == [1, 2]
    assert mended.tolist() == [1, 2]  # O then I is not legal; B then I is likelier than O then B


def test_empty_documents_stand_in_their_place() -> None:
    generator = np.random.default_rng(0)
    results = decode([np.zeros((0, 5)), random_scores(generator, 3), np.zeros((0, 5))])
    assert [len(tags) for tags, _ in results] == [0, 3, 0]


def test_documents_do_not_disturb_each_other() -> None:
    generator = np.random.default_rng(1)
    documents = [random_scores(generator, words) for words in (3, 40, 7, 1)]
    together = decode(documents)
    for scores, (tags, confidences) in zip(documents, together, strict=True):
        (alone_tags, alone_confidences) = decode([scores])[0]
        assert np.array_equal(tags, alone_tags)
        np.testing.assert_allclose(confidences, alone_confidences)
