"""Soft labels of a document: probabilities of tags for the words that its teachers doubted."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from conflict_tagger.documents import Document, InputError

if TYPE_CHECKING:
    from conflict_tagger.encoding import EncodedDocument

logger = logging.getLogger(__name__)

SOFT = "soft_labels"  # key of a document's record
SURE = 0.999  # a word whose best tag is as probable as this, or more, needs no soft label
DIGITS = 4  # of a probability; more would only make files long
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def soft_record(starts: Ints, probabilities: Floats, tags: Sequence[str]) -> dict[str, Any]:
    """The soft labels of a document, for its record.

    Args:
        starts: first character of each word, shape (words,).
        probabilities: of each word's tags, shape (words, tags).
        tags: their names.
    """
    return {
        "tags": list(tags),
        "words": [
            [start, *np.round(row, DIGITS).tolist()]
            for start, row in zip(starts.tolist(), probabilities, strict=True)
            if row.max() < SURE
        ],
    }


def soft_rows(document: Document, tags: Sequence[str]) -> Floats:
    """A document's soft labels, checked: start and probabilities, shape (k, 1 + tags).

    Args:
        document: with soft labels in its record or without (k is 0).
        tags: names of the tags that the student learns.

    Raises:
        InputError: the record is damaged or of other labels.
    """
    record = document.meta.get(SOFT)
    if record is None:
        return np.zeros((0, 1 + len(tags)))
    here = f"document {document.id!r}: its {SOFT}"
    try:
        names = record["tags"]
        rows = np.array(record["words"], dtype=float).reshape(-1, 1 + len(tags))
    except (ValueError, KeyError, TypeError):
        raise InputError(f"{here} are damaged; make them anew") from None
    if names != list(tags):
        raise InputError(f"{here} are of other tags than the data's")
    starts, probabilities = rows[:, 0], rows[:, 1:]
    if not (  # NaN, too, fails these
        np.all((starts >= 0) & (starts < len(document.text)) & (starts % 1 == 0))
        and np.all(np.diff(starts) > 0)
        and np.all((probabilities >= 0) & (np.abs(probabilities.sum(1, keepdims=True) - 1) < 0.01))
    ):
        raise InputError(
            f"{here} are damaged (no rising words, or no probabilities); make them anew"
        )
    return rows


def soft_targets(
    document: Document, encoded: EncodedDocument, tags: Sequence[str]
) -> tuple[Ints, Floats]:
    """Which words of a document have soft labels, and those.

    Args:
        document: with soft labels in its record or without.
        encoded: its words, as the student cuts them.
        tags: names of the tags that the student learns.

    Returns:
        Indices of words, rising, shape (k,), and probabilities of the tags, shape (k, tags).

    Raises:
        InputError: as of `soft_rows`.
    """
    rows = soft_rows(document, tags)
    starts = rows[:, 0].astype(np.int64)
    at = np.searchsorted(encoded.word_starts, starts)
    known = at < len(encoded.word_starts)
    known[known] = encoded.word_starts[at[known]] == starts[known]
    if not known.all():  # as where the student's tokenizer cuts words otherwise
        logger.debug("document %r: %d soft labels are of no word", document.id, (~known).sum())
    return at[known], rows[known, 1:]


def moved(meta: dict[str, Any], edits: Sequence[tuple[int, int, str]]) -> dict[str, Any]:
    """A document's record after edits of its text, without soft labels of the words in them.

    Args:
        meta: the record.
        edits: start and end in characters and the new text, in order, without overlap.
    """
    if SOFT not in meta:
        return meta
    starts = np.array([start for start, _, _ in edits])
    ends = np.array([end for _, end, _ in edits])
    shifts = np.cumsum([0, *(len(text) - (end - start) for start, end, text in edits)])
    words = []
    for start, *row in meta[SOFT]["words"]:
        before = int(np.searchsorted(ends, start, side="right"))
        if before == len(starts) or start < starts[before]:
            words.append([start + int(shifts[before]), *row])
    return {**meta, SOFT: {**meta[SOFT], "words": words}}


def joined(metas: Sequence[dict[str, Any]], starts: Sequence[int]) -> dict[str, Any]:
    """The record of one document made of several: nothing but their soft labels.

    Args:
        metas: their records, of the same tags.
        starts: the first character of each in the new text.
    """
    soft = [(meta[SOFT], start) for meta, start in zip(metas, starts, strict=True) if SOFT in meta]
    if not soft:
        return {}
    words = [[at + start, *row] for record, start in soft for at, *row in record["words"]]
    return {SOFT: {"tags": soft[0][0]["tags"], "words": words}}
