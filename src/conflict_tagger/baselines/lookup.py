"""Word lookup: every word keeps the tag it had most often."""

from __future__ import annotations

from collections import Counter, defaultdict

from conflict_tagger.baselines.words import Sentences, TaggedWords


class Lookup:
    """The tag each lower-cased word had most often in training; O for words it never saw."""

    def __init__(self) -> None:
        self._tags: dict[str, str] = {}

    def fit(self, train: TaggedWords, validation: TaggedWords) -> dict[str, object]:
        """Count; there is nothing to choose."""
        counts: dict[str, Counter[str]] = defaultdict(Counter)
        for words, tags in zip(train.words, train.tags, strict=True):
            for word, tag in zip(words, tags, strict=True):
                counts[word.lower()][tag] += 1
        self._tags = {word: seen.most_common(1)[0][0] for word, seen in counts.items()}
        return {"words": len(self._tags)}

    def predict(self, words: Sentences) -> list[list[str]]:
        """Look every word up; an inside tag with nothing before it begins a span."""
        return [[self._tags.get(word.lower(), "O") for word in document] for document in words]
