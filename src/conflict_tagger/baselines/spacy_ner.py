"""spaCy's named entity recogniser, trained from nothing."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from conflict_tagger.baselines.words import Sentences, TaggedWords, strict_f1

if TYPE_CHECKING:
    from spacy.language import Language
    from spacy.tokens import Doc

EPOCHS = 30
PATIENCE = 5  # epochs without a better score on validation
DROPOUT = 0.3
DOCUMENTS_PER_BATCH = 8


class SpacyNer:
    """A blank English pipeline with spaCy's transition-based recogniser, as it comes.

    It reads our words, so that every span that they express can be learned. The epoch is the one
    that scores best on validation.
    """

    def __init__(self, seed: int) -> None:
        """Start blank; `seed` is of the weights, the dropout and the order of documents."""
        self.seed = seed
        self._nlp: Language | None = None

    def fit(self, train: TaggedWords, validation: TaggedWords) -> dict[str, object]:
        """Train until validation stops getting better."""
        import spacy
        from spacy.training import Example
        from spacy.util import fix_random_seed, minibatch

        fix_random_seed(self.seed)
        nlp = self._nlp = spacy.blank("en")
        nlp.add_pipe("ner")
        examples = [
            Example.from_dict(self._read(words), {"entities": _bilou(tags)})
            for words, tags in zip(train.words, train.tags, strict=True)
        ]
        optimizer = nlp.initialize(lambda: examples)
        random = Random(self.seed)
        best, chosen, weights = -1.0, 0, b""
        for epoch in range(1, EPOCHS + 1):
            random.shuffle(examples)
            for batch in minibatch(examples, DOCUMENTS_PER_BATCH):
                nlp.update(batch, sgd=optimizer, drop=DROPOUT)
            with nlp.use_params(optimizer.averages):
                score = strict_f1(self, validation)
                if score > best:
                    best, chosen, weights = score, epoch, nlp.to_bytes()
            if epoch - chosen >= PATIENCE:
                break
        nlp.from_bytes(weights)
        return {"epoch": chosen, "validation_f1": best}

    def predict(self, words: Sentences) -> list[list[str]]:
        """The recogniser's entities as tags."""
        assert self._nlp is not None, "fit comes first"
        tagged = self._nlp.pipe(self._read(list(document)) for document in words)
        return [
            [f"{t.ent_iob_}-{t.ent_type_}" if t.ent_type_ else "O" for t in document]
            for document in tagged
        ]

    def _read(self, words: list[str]) -> Doc:
        from spacy.tokens import Doc

        assert self._nlp is not None
        return Doc(self._nlp.vocab, words=words)


def _bilou(tags: list[str]) -> list[str]:
    from spacy.training import iob_to_biluo

    return list(iob_to_biluo(tags))
