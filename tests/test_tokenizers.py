"""Tokenizers of other families than WordPiece: every gold span survives them too."""

from collections.abc import Iterator

import pytest
from conftest import assert_gold_spans_survive
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

from conflict_tagger.corpora import Split
from conflict_tagger.encoding import Encoder, WindowSettings

SPECIAL = ["<s>", "</s>", "<unk>", "<pad>", "<mask>"]
SPLITS = {
    "byte-level BPE (RoBERTa)": pre_tokenizers.ByteLevel(add_prefix_space=True),
    "byte-level BPE (ModernBERT)": pre_tokenizers.ByteLevel(add_prefix_space=False),
    "unigram (DeBERTa v3)": pre_tokenizers.Metaspace(),
    "unigram (XLM-RoBERTa)": pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()]
    ),
}


@pytest.fixture(scope="module", params=SPLITS)
def encoder(request: pytest.FixtureRequest, bundled: dict[str, Split]) -> Encoder:
    split = SPLITS[request.param]

    def texts() -> Iterator[str]:
        return (document.text for document in bundled["train"].documents[:200])

    if "BPE" in request.param:
        backend = Tokenizer(models.BPE(unk_token="<unk>"))
        trainer: trainers.Trainer = trainers.BpeTrainer(
            vocab_size=3000, special_tokens=SPECIAL, show_progress=False,
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        )  # fmt: skip
    else:
        backend = Tokenizer(models.Unigram())
        backend.normalizer = normalizers.Replace(Regex(r"\s"), " ")
        trainer = trainers.UnigramTrainer(
            vocab_size=3000, special_tokens=SPECIAL, show_progress=False, unk_token="<unk>"
        )
    # SentencePiece learns no token of letters and punctuation; this trainer would.
    backend.pre_tokenizer = pre_tokenizers.Sequence([split, pre_tokenizers.Punctuation()])
    backend.train_from_iterator(texts(), trainer)
    backend.pre_tokenizer = split
    backend.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>",
        special_tokens=[(token, backend.token_to_id(token)) for token in ("<s>", "</s>")],
    )
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=backend, bos_token="<s>", eos_token="</s>", unk_token="<unk>",
        pad_token="<pad>", mask_token="<mask>",
    )  # fmt: skip
    return Encoder(tokenizer, WindowSettings(128, 32))


def test_every_gold_span_survives(encoder: Encoder, bundled: dict[str, Split]) -> None:
    assert_gold_spans_survive(encoder, bundled)


def test_words_have_no_space_and_no_punctuation_at_their_edges(encoder: Encoder) -> None:
    text = "  “We did not fire,” Assad's army\n\n(SANA)  said.\tAt least 2,000 – no more… "
    encoded = encoder.encode(text)
    words = [text[a:b] for a, b in zip(encoded.word_starts, encoded.word_ends, strict=True)]
    assert all(word.strip() == word and word for word in words), words
    for name in ("We", "fire", "Assad", "army", "SANA", "said", "At", "least", "more"):
        assert name in words, words


def test_a_text_of_spaces_has_no_words(encoder: Encoder) -> None:
    assert len(encoder.encode(" \n\t  ").word_starts) == 0
    assert len(encoder.encode("").word_starts) == 0
