"""The best legal BIO sequence of per-word scores, and how sure the model is of each span."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def decode(scores: Sequence[Floats]) -> list[tuple[Ints, Floats]]:
    """Decode documents: the best legal tags of each and the confidence of each of its spans.

    Args:
        scores: for each document, log-probabilities of shape (words, tags), the tags in the
            order of `encoding.bio_tags`: O, then B and I of each label.

    Returns:
        For each document, tag ids of shape (words,) and, for each span that they make,
        in order, the probability of exactly this span (label and both edges) under the
        model's word probabilities renormalised over all legal sequences.
    """
    results: list[tuple[Ints, Floats]] = [(np.zeros(0, np.int64), np.zeros(0))] * len(scores)
    order = sorted((i for i in range(len(scores)) if len(scores[i])), key=lambda i: len(scores[i]))
    for group in _groups([len(scores[i]) for i in order]):
        members = [order[i] for i in group]
        lengths = np.asarray([len(scores[i]) for i in members])
        batch = _pad([np.asarray(scores[i], dtype=np.float64) for i in members], lengths)
        tags = viterbi(batch)
        forward, backward = _forward(batch), _backward(batch)
        for row, member in enumerate(members):
            length = lengths[row]
            best = tags[row, :length]
            confidence = _span_confidence(
                best, batch[row, :length], forward[row, :length], backward[row, :length]
            )
            results[member] = (best, confidence)
    return results


def viterbi(scores: Floats) -> Ints:
    """The best tag sequence in which I of a label follows only B or I of that label.

    Args:
        scores: log-probabilities, shape (documents, words, tags); padding words must score
            0 for O and minus infinity for the rest.

    Returns:
        Tag ids, shape (documents, words).

    The dynamic programme of Viterbi (1967); the constraint lets a step look at two numbers
    only, the best of all tags (before O and B) and the best of a label's B and I (before I).
    """
    documents, words, count = scores.shape
    rows = np.arange(documents)
    from_tag = np.zeros((documents, words, count), dtype=np.int16)
    inside_ids = np.arange(2, count, 2)
    best = scores[:, 0].copy()
    best[:, 2::2] = -np.inf  # no text begins inside a span
    for word in range(1, words):
        any_tag = best.argmax(axis=1)
        begins, goes_on = best[:, 1::2], best[:, 2::2]
        previous = np.repeat(best[rows, any_tag][:, None], count, axis=1)
        previous[:, 2::2] = np.maximum(begins, goes_on)
        from_tag[:, word] = any_tag[:, None]
        from_tag[:, word, 2::2] = np.where(goes_on >= begins, inside_ids, inside_ids - 1)
        best = previous + scores[:, word]
    tags = np.zeros((documents, words), dtype=np.int64)
    tags[:, -1] = best.argmax(axis=1)
    for word in range(words - 1, 0, -1):
        tags[:, word - 1] = from_tag[rows, word, tags[:, word]]
    return tags


def _groups(lengths: Sequence[int], cells: int = 200_000) -> list[list[int]]:
    """Split indices of rising lengths into groups whose padded size stays under `cells`."""
    groups: list[list[int]] = []
    for index, length in enumerate(lengths):
        if not groups or (len(groups[-1]) + 1) * length > cells:
            groups.append([])
        groups[-1].append(index)
    return groups


def _pad(scores: Sequence[Floats], lengths: Ints) -> Floats:
    """Stack documents; padding words are certainly O, which changes no score before them."""
    batch = np.full((len(scores), int(lengths.max()), scores[0].shape[1]), -np.inf)
    batch[:, :, 0] = 0.0
    for row, matrix in enumerate(scores):
        batch[row, : len(matrix)] = matrix
    return batch


def _log_sum(values: Floats) -> Floats:
    """Log of the sum of exponentials over the last axis, minus infinity allowed."""
    top = values.max(axis=-1, keepdims=True)
    safe = np.where(np.isfinite(top), top, 0.0)
    with np.errstate(divide="ignore"):
        total: Floats = np.log(np.exp(values - safe).sum(axis=-1)) + safe[..., 0]
    return total


def _forward(scores: Floats) -> Floats:
    """Log-mass of all legal beginnings that end in each tag, shape (documents, words, tags)."""
    mass = np.empty_like(scores)
    mass[:, 0] = scores[:, 0]
    mass[:, 0, 2::2] = -np.inf
    for word in range(1, scores.shape[1]):
        before = mass[:, word - 1]
        mass[:, word] = scores[:, word] + _log_sum(before)[:, None]
        mass[:, word, 2::2] = scores[:, word, 2::2] + np.logaddexp(before[:, 1::2], before[:, 2::2])
    return mass


def _backward(scores: Floats) -> Floats:
    """Log-mass of all legal continuations after each tag, shape (documents, words, tags)."""
    mass = np.zeros_like(scores)
    for word in range(scores.shape[1] - 2, -1, -1):
        after = scores[:, word + 1] + mass[:, word + 1]
        outside = _log_sum(np.concatenate([after[:, :1], after[:, 1::2]], axis=1))
        mass[:, word] = outside[:, None]
        stays = np.logaddexp(outside[:, None], after[:, 2::2])
        mass[:, word, 1::2] = stays
        mass[:, word, 2::2] = stays
    return mass


def _span_confidence(tags: Ints, scores: Floats, forward: Floats, backward: Floats) -> Floats:
    """Posterior probability of each span of one document's tags, in order, shape (spans,)."""
    total = _log_sum(forward[-1])
    cumulated = np.cumsum(scores, axis=0)
    begins = np.flatnonzero(tags % 2 == 1)
    result = np.empty(len(begins))
    for index, first in enumerate(begins):
        inside = tags[first] + 1
        last = first
        while last + 1 < len(tags) and tags[last + 1] == inside:
            last += 1
        body = cumulated[last, inside] - cumulated[first, inside]
        if last + 1 < len(tags):  # what follows must not go on with the span
            after = scores[last + 1] + backward[last + 1]
            rest = _log_sum(np.concatenate([after[:1], after[1::2]]))
        else:
            rest = np.zeros(())
        result[index] = np.exp(min(0.0, forward[first, tags[first]] + body + rest - total))
    return result
