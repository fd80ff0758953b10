"""Teachers: strong taggers whose doubts about texts of nobody's a small one learns from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np
import torch

from conflict_tagger.documents import Document, InputError
from conflict_tagger.encoding import bio_tags
from conflict_tagger.soft_labels import SOFT, soft_record
from conflict_tagger.tagger import Tagger, batched


def teach(
    teachers: Sequence[Tagger], documents: Sequence[Document], bf16: bool = False
) -> list[Document]:
    """Documents with the spans and the soft labels of one or several taggers together.

    Probabilities of the tags are averaged over the taggers, word by word. A document gets the best
    spans under them and, under the key `soft_labels` of its record, `tags` and `words`: start in
    characters and probability of each tag, for every word of which they are not sure. Both are
    bound to characters, so a student may cut words otherwise than its teachers.

    Args:
        teachers: taggers with the same labels, whose tokenizers cut the same words.
        documents: the texts; their own spans are dropped.
        bf16: compute in bfloat16.

    Raises:
        InputError: the teachers differ in labels or in words.
    """
    first = teachers[0]
    tags = bio_tags(first.labels)
    encoded = first.encode(documents)
    summed = [np.zeros((len(words.word_starts), len(tags))) for words in encoded]
    for teacher in teachers:
        theirs = teacher.encode(documents)
        if teacher.labels != first.labels or any(
            not np.array_equal(a.word_starts, b.word_starts)
            for a, b in zip(encoded, theirs, strict=True)
        ):
            raise InputError("teachers: they differ in their labels or in what they take for words")
        with torch.autocast(teacher.model.device.type, torch.bfloat16, enabled=bf16):
            for total, log_probs in zip(summed, teacher.word_log_probs(theirs), strict=True):
                total += np.exp(log_probs)
    probabilities = [total / len(teachers) for total in summed]
    log_means = [np.log(np.maximum(words, 1e-12)) for words in probabilities]
    tagged = first.decode(documents, encoded, log_means)
    return [
        replace(document, meta={**document.meta, SOFT: soft_record(words.word_starts, means, tags)})
        for document, words, means in zip(tagged, encoded, probabilities, strict=True)
    ]


def teach_stream(
    teachers: Sequence[Tagger], documents: Iterable[Document], bf16: bool
) -> Iterator[Document]:
    """Teach documents as they come, in bounded memory."""
    for some in batched(documents):
        yield from teach(teachers, some, bf16)
