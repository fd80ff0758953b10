"""What the baselines have in common: words, their tags, and spans made of them."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from conflict_tagger.count_values import with_values
from conflict_tagger.documents import Document, LabelSet
from conflict_tagger.encoding import EncodedDocument, bio_tags, spans_to_tags, tags_to_spans
from conflict_tagger.scoring.counts import count_documents
from conflict_tagger.scoring.spans import summarize

logger = logging.getLogger(__name__)

WORD = re.compile(r"\w+|[^\w\s]")
Sentences = Sequence[Sequence[str]]  # the words of each document


@dataclass(frozen=True, slots=True)
class TaggedWords:
    """Gold documents, their words, and the BIO tag of each word."""

    documents: Sequence[Document]
    labels: LabelSet
    words: list[list[str]]
    tags: list[list[str]]


class WordModel(Protocol):
    """A baseline: it learns tags of words, and gives them."""

    def fit(self, train: TaggedWords, validation: TaggedWords) -> dict[str, object]:
        """Learn from `train`, choosing by `validation`; returns what was chosen."""

    def predict(self, words: Sentences) -> list[list[str]]:
        """A BIO tag for every word of every document."""


class WordTagger:
    """Tags documents with a word model."""

    def __init__(self, model: WordModel, labels: LabelSet, counts: Sequence[str]) -> None:
        """Wrap a fitted model; spans of the labels `counts` get their values."""
        self.model = model
        self.labels = labels
        self.counts = tuple(counts)

    def tag_documents(self, documents: Sequence[Document]) -> list[Document]:
        """The same documents with predicted spans in place of theirs."""
        split = [split_words(document.text) for document in documents]
        ids = {tag: index for index, tag in enumerate(bio_tags(self.labels))}
        predicted = self.model.predict(
            [words_of(d, words) for d, words in zip(documents, split, strict=True)]
        )
        return [
            with_values(
                document.with_spans(tags_to_spans([ids[tag] for tag in tags], words, self.labels)),
                self.counts,
            )
            for document, words, tags in zip(documents, split, predicted, strict=True)
        ]


def strict_f1(model: WordModel, gold: TaggedWords) -> float:
    """Strict micro F1 of a fitted model: what every choice of a baseline rests on."""
    predicted = WordTagger(model, gold.labels, ()).tag_documents(gold.documents)
    counts = count_documents(gold.documents, predicted, gold.labels)
    return float(summarize(counts)["strict"]["micro"]["f1"])


def split_words(text: str) -> EncodedDocument:
    """The words of a text: runs of letters and digits, and every other sign alone."""
    edges = np.array([match.span() for match in WORD.finditer(text)], dtype=np.int64)
    starts, ends = edges.reshape(-1, 2).T
    return EncodedDocument(starts, ends, ())


def words_of(document: Document, split: EncodedDocument) -> list[str]:
    """The words of a document as strings."""
    return [
        document.text[start:end]
        for start, end in zip(split.word_starts, split.word_ends, strict=True)
    ]


def tagged_words(documents: Sequence[Document], labels: LabelSet) -> TaggedWords:
    """Gold documents as tagged words; spans that words cannot express are logged."""
    names = bio_tags(labels)
    result = TaggedWords(documents, labels, [], [])
    for document in documents:
        split = split_words(document.text)
        tags, inexpressible = spans_to_tags(document, split, labels)
        for span in inexpressible:
            logger.warning(
                "document %r: words cannot express %s %d-%d (%r); learned as the words it touches",
                document.id, span.label, span.start, span.end, document.text_of(span),
            )  # fmt: skip
        result.words.append(words_of(document, split))
        result.tags.append([names[tag] for tag in tags])
    return result
