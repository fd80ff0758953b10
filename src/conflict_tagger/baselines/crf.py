"""A linear-chain conditional random field over words and their neighbours."""

from __future__ import annotations

from typing import Any

from conflict_tagger.baselines.words import Sentences, TaggedWords, strict_f1

PENALTIES = ((0.1, 0.01), (0.1, 0.1), (0.3, 0.03))  # of absolute and of squared weights
ITERATIONS = 150
REACH = 3  # how many words to either side a word sees


class Crf:
    """sklearn-crfsuite's CRF (Lafferty et al. 2001) with the usual features of entity tagging.

    Words, their beginnings and ends, their shapes, and those of the words around them. The
    penalties are the pair that scores best on validation.
    """

    def __init__(self) -> None:
        self._model: Any = None

    def fit(self, train: TaggedWords, validation: TaggedWords) -> dict[str, object]:
        """Train with each pair of penalties and keep the best."""
        from sklearn_crfsuite import CRF

        features = [features_of(words) for words in train.words]
        tried = []
        for absolute, squared in PENALTIES:
            self._model = CRF(
                c1=absolute, c2=squared, max_iterations=ITERATIONS, all_possible_transitions=True
            )
            self._model.fit(features, train.tags)
            tried.append((strict_f1(self, validation), absolute, squared, self._model))
        best, absolute, squared, self._model = max(tried, key=lambda trial: trial[0])
        return {"c1": absolute, "c2": squared, "validation_f1": best}

    def predict(self, words: Sentences) -> list[list[str]]:
        """The best sequence of tags."""
        features = [features_of(list(document)) for document in words]
        return [list(tags) for tags in self._model.predict(features)]


def features_of(words: list[str]) -> list[dict[str, str | bool]]:
    """What the CRF sees of each word, by name of the feature."""
    alone = [_features(word) for word in words]
    result = []
    for at in range(len(words)):
        seen: dict[str, str | bool] = {"bias": True}
        for offset in range(-REACH, REACH + 1):
            if not 0 <= at + offset < len(words):
                seen[f"{offset}:edge"] = True
            elif offset == 0:
                seen |= alone[at]
            else:
                kept = ("lower", "shape", "suffix3") if abs(offset) < REACH else ("lower",)
                seen |= {f"{offset}:{name}": alone[at + offset][name] for name in kept}
        for first in (-2, -1, 0, 1):
            if at + first >= 0 and at + first + 1 < len(words):
                pair = f"{alone[at + first]['lower']} {alone[at + first + 1]['lower']}"
                seen[f"{first}:pair"] = pair
        result.append(seen)
    return result


def _features(word: str) -> dict[str, str]:
    return {
        "lower": word.lower(),
        "shape": shape(word),
        "prefix3": word[:3].lower(),
        "suffix2": word[-2:].lower(),
        "suffix3": word[-3:].lower(),
    }


def shape(word: str) -> str:
    """A word's capitals, letters, digits and signs, each run of them shortened to two."""
    kinds = [
        "X" if c.isupper() else "x" if c.isalpha() else "d" if c.isdigit() else c for c in word
    ]
    return "".join(c for at, c in enumerate(kinds) if kinds[max(0, at - 2) : at] != [c, c])
