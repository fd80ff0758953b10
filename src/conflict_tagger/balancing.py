"""Precision against recall: how readily a trained model tags a word at all."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from conflict_tagger.documents import Document
from conflict_tagger.scoring.spans import score_documents
from conflict_tagger.tagger import Tagger

SHIFTS = np.arange(-1.0, 3.01, 0.25)  # of the logit of O


def balance(tagger: Tagger, validation: Sequence[Document]) -> float:
    """Shift the logit of O to where strict micro F1 on the validation documents is best.

    The loss weighs words and knows nothing of spans, and a model that has seen half its mentions
    replaced is too ready to see one. The shift becomes part of the classifier's bias, so the
    weights stay those of a plain token classifier.

    Args:
        tagger: a trained tagger; its model is changed in place.
        validation: documents with gold spans, the ones that choose everything else.

    Returns:
        The shift, in units of logits; above 0 means fewer words tagged.
    """
    encoded = tagger.encode(validation)
    log_probs = tagger.word_log_probs(encoded)
    outside = np.eye(log_probs[0].shape[1])[0]  # O is the first tag
    scores = []
    for shift in SHIFTS:
        shifted = [words + shift * outside for words in log_probs]
        predicted = tagger.decode(validation, encoded, shifted)
        scores.append(
            score_documents(validation, predicted, tagger.labels)["strict"]["micro"]["f1"]
        )
    best = float(SHIFTS[int(np.argmax(smoothed(scores)))])
    with torch.no_grad():
        tagger.model.classifier.bias[0] += best
    return best


def smoothed(scores: Sequence[float]) -> list[float]:
    """The mean of each score and its neighbours: a peak of one value is chance."""
    return [float(np.mean(scores[max(0, i - 1) : i + 2])) for i in range(len(scores))]
