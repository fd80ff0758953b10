"""Documents to overlapping windows of tokens with word labels, and word tags back to spans."""

from __future__ import annotations

import logging
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from tokenizers.models import WordPiece

from conflict_tagger.documents import Document, InputError, LabelSet, Span
from conflict_tagger.soft_labels import soft_targets

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

logger = logging.getLogger(__name__)

IGNORED = -100  # torch's cross entropy leaves these targets out
SURROGATES = re.compile("[\ud800-\udfff]")
Ints = NDArray[np.int64]


def bio_tags(labels: LabelSet) -> list[str]:
    """The BIO tags of a label set: O, then B- and I- of each label (Ramshaw and Marcus 1995)."""
    return ["O", *(f"{part}-{label}" for label in labels for part in "BI")]


def labels_of_tags(id2label: dict[int, str]) -> LabelSet:
    """The label set of a checkpoint's `id2label`.

    Raises:
        InputError: the tags are not the ones `bio_tags` makes, in its order.
    """
    tags = [id2label[index] for index in sorted(id2label)]
    names = tuple(tag[2:] for tag in tags if tag.startswith("B-"))
    if not names or bio_tags(LabelSet(names)) != tags:
        raise InputError(
            f"the labels {', '.join(tags[:4])}… are no BIO tags of this project "
            "(O, then B- and I- of each label)"
        )
    return LabelSet(names)


@dataclass(frozen=True, slots=True)
class WindowSettings:
    """How long texts are cut: both in tokens, `size` with the special tokens, `overlap` shared."""

    size: int
    overlap: int


@dataclass(frozen=True, slots=True)
class Window:
    """One stretch of a document as the model sees it.

    Attributes:
        input_ids: token ids with special tokens, shape (tokens,).
        words: the words whose prediction this window gives, indices in the document, shape (k,).
        positions: where the first token of each of them stands in input_ids, shape (k,).
    """

    input_ids: Ints
    words: Ints
    positions: Ints


@dataclass(frozen=True, slots=True)
class EncodedDocument:
    """A document's words in characters and the windows that cover them.

    Attributes:
        word_starts: first character of each word, shape (words,).
        word_ends: character after the last of each word, shape (words,).
        windows: in order; each word belongs to exactly one.
    """

    word_starts: Ints
    word_ends: Ints
    windows: tuple[Window, ...]


class Encoder:
    """Cuts texts of any length into windows for one tokenizer; nothing is ever truncated."""

    def __init__(self, tokenizer: PreTrainedTokenizerFast, settings: WindowSettings) -> None:
        """Prepare a tokenizer, whose own truncation and padding are switched off for good.

        Raises:
            InputError: a tokenizer without offsets, or window settings that cannot work.
        """
        if not tokenizer.is_fast:
            raise InputError(
                "the tokenizer gives no character offsets; use one with tokenizer.json"
            )
        tokenizer.backend_tokenizer.no_truncation()
        tokenizer.backend_tokenizer.no_padding()
        self.tokenizer = tokenizer
        self.settings = settings
        # WordPiece comes after a split at spaces and punctuation, whose pieces are our words. The
        # others may leave a comma or a quote on its word, and spaces inside their tokens.
        self.splits_at_space_only = not isinstance(tokenizer.backend_tokenizer.model, WordPiece)
        self.prefix, self.suffix = _special_tokens(tokenizer)
        self.capacity = settings.size - len(self.prefix) - len(self.suffix)
        if self.capacity < 1:
            raise InputError(
                f"window.size: {settings.size} leaves no room for text; use 64 or more"
            )
        if not 0 <= settings.overlap < self.capacity:
            raise InputError(
                f"window.overlap: {settings.overlap} must be 0 or more and less than "
                f"the {self.capacity} text tokens of a window"
            )

    def encode(self, text: str) -> EncodedDocument:
        """Cut a text into windows, each word predicted where it has the most context."""
        ids, word_tokens, starts, ends = self._tokenize(text)
        if not len(word_tokens):
            return EncodedDocument(starts, ends, ())
        bounds = window_bounds(word_tokens, len(ids), self.capacity, self.settings.overlap)
        owners = _owners(word_tokens, len(ids), bounds)
        by_owner = np.argsort(owners, kind="stable")
        cuts = np.searchsorted(owners[by_owner], np.arange(1, len(bounds)))
        windows = []
        for (first, last), words in zip(bounds, np.split(by_owner, cuts), strict=True):
            if not len(words):
                continue
            window_ids = np.concatenate([self.prefix, ids[first:last], self.suffix])
            positions = word_tokens[words] - first + len(self.prefix)
            windows.append(Window(window_ids, words, positions))
        return EncodedDocument(starts, ends, tuple(windows))

    def _tokenize(self, text: str) -> tuple[Ints, Ints, Ints, Ints]:
        """Token ids, and each word's first token, first character and end."""
        encoding = self.tokenizer.backend_tokenizer.encode(
            replace_surrogates(text), add_special_tokens=False
        )
        ids = np.asarray(encoding.ids, dtype=np.int64)
        # Tokens outside every word (none in the models we know) keep -1 and are context only.
        words = np.asarray([-1 if w is None else w for w in encoding.word_ids], dtype=np.int64)
        offsets = np.asarray(encoding.offsets, dtype=np.int64).reshape(-1, 2)
        is_first = np.ones(len(ids), dtype=bool)
        is_first[1:] = words[1:] != words[:-1]
        if self.splits_at_space_only:
            offsets = without_space(text, offsets)
            words = np.where(offsets[:, 0] < offsets[:, 1], words, -1)
            is_first[1:] |= (words[1:] != words[:-1]) | _at_edges(text, offsets)
        first_tokens = np.flatnonzero(is_first & (words >= 0))
        last_tokens = np.append(np.flatnonzero(is_first)[1:], len(ids)) - 1
        last_tokens = last_tokens[words[last_tokens] >= 0] if len(ids) else first_tokens
        starts, ends = offsets[first_tokens, 0], offsets[last_tokens, 1]
        return ids, first_tokens, starts, _with_marks(text, starts, ends)


def without_space(text: str, offsets: Ints) -> Ints:
    """Offsets of tokens, shape (tokens, 2), moved past the space at both edges of each."""
    moved = offsets.copy()
    for index, (start, end) in enumerate(offsets.tolist()):
        piece = text[start:end]
        if piece[:1].isspace() or piece[-1:].isspace():
            moved[index] = start + len(piece) - len(piece.lstrip()), start + len(piece.rstrip())
    return moved


def _at_edges(text: str, offsets: Ints) -> NDArray[np.bool_]:
    """Whether a token begins where letters or digits meet something else, shape (tokens - 1,).

    Only such places can be edges of spans; they are words' edges as in WordPiece's own split.
    """

    def is_wordlike(character: str) -> bool:
        return character.isalnum() or unicodedata.category(character).startswith("M")

    first = [is_wordlike(text[start]) if start < end else None for start, end in offsets.tolist()]
    last = [is_wordlike(text[end - 1]) if start < end else None for start, end in offsets.tolist()]
    return np.array([a is not b for a, b in zip(last[:-1], first[1:], strict=True)], dtype=bool)


def replace_surrogates(text: str) -> str:
    """Lone surrogates become U+FFFD, one for one: the tokenizer takes only valid Unicode."""
    return SURROGATES.sub("\ufffd", text)


def _special_tokens(tokenizer: PreTrainedTokenizerFast) -> tuple[Ints, Ints]:
    """The special tokens a tokenizer puts before and after a text."""
    plain = tokenizer.backend_tokenizer.encode("a", add_special_tokens=False).ids
    full = tokenizer.backend_tokenizer.encode("a", add_special_tokens=True).ids
    before = next(i for i in range(len(full)) if full[i : i + len(plain)] == plain)
    prefix, suffix = full[:before], full[before + len(plain) :]
    return np.asarray(prefix, dtype=np.int64), np.asarray(suffix, dtype=np.int64)


def _with_marks(text: str, starts: Ints, ends: Ints) -> Ints:
    """Word ends moved past combining marks, which an uncased normalizer strips from its tokens."""
    limits = np.append(starts[1:], len(text))
    extended = ends.copy()
    for index in np.flatnonzero(ends < limits):
        end, limit = int(ends[index]), int(limits[index])
        while end < limit and unicodedata.category(text[end]).startswith("M"):
            end += 1
        extended[index] = end
    return extended


def window_bounds(
    word_tokens: Ints, tokens: int, capacity: int, overlap: int
) -> list[tuple[int, int]]:
    """First and end token of each window: at most `capacity` long, cut between words.

    Args:
        word_tokens: first token of each word, rising, shape (words,).
        tokens: how many tokens the text has.
        capacity: the most text tokens in a window.
        overlap: how many tokens two neighbours share, at least where words allow it.

    Long words may leave less overlap; one longer than a window is cut inside.
    """

    def end_of_window(first: int) -> int:
        if first + capacity >= tokens:
            return tokens
        starts = _between(word_tokens, first, first + capacity)
        return int(starts[-1]) if len(starts) else first + capacity

    first, last = 0, end_of_window(0)
    bounds = [(first, last)]
    while last < tokens:
        starts = _between(word_tokens, first, last)
        shared = starts[starts <= last - overlap]
        first = int(shared[-1]) if len(shared) else int(starts[0]) if len(starts) else last
        while end_of_window(first) <= last:  # a long word follows: give up some overlap for it
            following = _between(word_tokens, first, last)
            first = int(following[0]) if len(following) else last
        last = end_of_window(first)
        bounds.append((first, last))
    return bounds


def _between(rising: Ints, low: int, high: int) -> Ints:
    """The values above `low`, up to `high` and including it."""
    begin, end = np.searchsorted(rising, [low, high], side="right")
    return rising[begin:end]


def _owners(word_tokens: Ints, tokens: int, bounds: list[tuple[int, int]]) -> Ints:
    """For each word, the window in which its first token is farthest from a cut edge."""
    best = np.full(len(word_tokens), -1, dtype=np.int64)
    owners = np.zeros(len(word_tokens), dtype=np.int64)
    for index, (first, last) in enumerate(bounds):
        low, high = np.searchsorted(word_tokens, [first, last])
        inside = word_tokens[low:high]
        left = inside - first if first > 0 else np.full(len(inside), tokens)
        right = last - 1 - inside if last < tokens else np.full(len(inside), tokens)
        context = np.minimum(left, right)
        better = context > best[low:high]
        best[low:high][better] = context[better]
        owners[low:high][better] = index
    return owners


def spans_to_tags(
    document: Document, encoded: EncodedDocument, labels: LabelSet
) -> tuple[Ints, list[Span]]:
    """BIO tag ids of each word, shape (words,), and the spans that words cannot express.

    A span whose edges are no word edges gets the words it touches and is returned beside
    the tags, so that the caller can report it.
    """
    tag_ids = {tag: index for index, tag in enumerate(bio_tags(labels))}
    tags = np.zeros(len(encoded.word_starts), dtype=np.int64)
    inexpressible = []
    for span in document.spans:
        first = int(np.searchsorted(encoded.word_ends, span.start, side="right"))
        last = int(np.searchsorted(encoded.word_starts, span.end, side="left"))
        taken = first < last and tags[first] != 0
        if first < last and not taken:
            tags[first:last] = tag_ids[f"I-{span.label}"]
            tags[first] = tag_ids[f"B-{span.label}"]
        if (
            first >= last
            or taken
            or encoded.word_starts[first] != span.start
            or encoded.word_ends[last - 1] != span.end
        ):
            inexpressible.append(span)
    return tags, inexpressible


def tags_to_spans(
    tags: Sequence[int] | Ints,
    encoded: EncodedDocument,
    labels: LabelSet,
    scores: Sequence[float] | None = None,
) -> list[Span]:
    """Spans in characters of a legal BIO sequence.

    Args:
        tags: tag ids of each word, shape (words,).
        encoded: the words in characters.
        labels: the label set whose `bio_tags` the ids index.
        scores: confidence of each span, in order.
    """
    spans: list[Span] = []
    names = labels.names
    index, count = 0, len(tags)
    while index < count:
        tag = int(tags[index])
        index += 1
        if tag == 0:
            continue
        first, inside = index - 1, tag + tag % 2  # odd ids begin a label, the next even id goes on
        while index < count and tags[index] == inside:
            index += 1
        score = round(float(scores[len(spans)]), 6) if scores is not None else None
        start, end = int(encoded.word_starts[first]), int(encoded.word_ends[index - 1])
        spans.append(Span(names[(tag - 1) // 2], start, end, score))
    return spans


def encode_for_training(
    documents: Iterable[Document], encoder: Encoder, labels: LabelSet, report: bool = True
) -> list[dict[str, Any]]:
    """Training examples: `input_ids` and `labels`, one for each token of each window.

    Only the first token of a word, in the window that predicts it, has a label; the rest
    are IGNORED. A window with words that have soft labels holds those as `soft`, probabilities of
    shape (tokens, tags), zeros for all other tokens. Spans that the words cannot express are logged
    by document if `report` says so.
    """
    examples = []
    names = bio_tags(labels)
    for document in documents:
        encoded = encoder.encode(document.text)
        tags, inexpressible = spans_to_tags(document, encoded, labels)
        doubted, probabilities = soft_targets(document, encoded, names)
        for span in inexpressible if report else ():
            logger.warning(
                "document %r: the tokenizer cannot express %s %d-%d (%r); trained on the words it "
                "touches, scored as it is",
                document.id, span.label, span.start, span.end, document.text_of(span),
            )  # fmt: skip
        for window in encoded.windows:
            targets = np.full(len(window.input_ids), IGNORED, dtype=np.int64)
            targets[window.positions] = tags[window.words]
            example = {"input_ids": window.input_ids.tolist(), "labels": targets.tolist()}
            here, rows, positions = np.intersect1d(
                doubted, window.words, assume_unique=True, return_indices=True
            )
            if len(here):
                example["soft"] = np.zeros((len(window.input_ids), len(names)), np.float32)
                example["soft"][window.positions[positions]] = probabilities[rows]
            examples.append(example)
    return examples
