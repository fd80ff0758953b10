"""Variants of training documents: other names and numbers, other marks, sentences of others."""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import cache
from random import Random
from typing import TYPE_CHECKING

from conflict_tagger.augmentation import Edit, apply_edits
from conflict_tagger.documents import Document
from conflict_tagger.names import TRAINING
from conflict_tagger.rewrites import (
    NUMBER,
    Place,
    common_words,
    negate_casualties,
    other_actor,
    other_person,
    spelled_out,
)

if TYPE_CHECKING:
    from conflict_tagger.config import VariantsConfig

PLACE = re.compile(r"\b(?:in|at|near|from) ((?:[A-Z][\w'’]*[a-z](?:[- ](?=[A-Z]))?)+)(?![\w-])")
TIMES = {*calendar.month_name, *calendar.day_name}  # they follow "in" too, and are no places
COMMA = re.compile(r",(?= )")
MARKS = re.compile('[“”‘’"«»]')
QUOTES = (
    {"“": '"', "”": '"', "‘": "'", "’": "'", "«": '"', "»": '"'},
    {"“": "''", "”": "''", '"': "''", "‘": "'", "’": "'"},
    {"“": "‘", "”": "’"},
    {"“": "«", "”": "»"},
)
SENTENCE_END = re.compile(r"[.!?]+[\"”’']?\s|\n")
PARAGRAPH = re.compile(r"^[^\n]{60,400}$", re.MULTILINE)  # not a headline, not half a report


class Variants:
    """Draws a variant of a training document; its labels stay right by construction.

    What is inside a span stays inside it, what is outside stays outside, and what comes from
    another document is a paragraph in which nothing is marked. Spans go in a negation alone, with
    the harm they told of.
    """

    def __init__(
        self,
        documents: Sequence[Document],
        mentions: Iterable[str],
        counts: Iterable[str],
        recipe: VariantsConfig,
    ) -> None:
        """Collect what other documents may lend.

        Args:
            documents: the training documents.
            mentions: labels whose spans are mentions of actors or people.
            counts: labels whose spans say how many.
            recipe: how often each change is made.
        """
        self.counts = frozenset(counts)
        self.mentions = frozenset(mentions) - self.counts
        self.recipe = recipe
        self.common = common_words(documents) if recipe.names or recipe.places else frozenset()
        self.distractors = [
            (document.id, paragraph)
            for document in (documents if recipe.distractors else ())
            for paragraph in unmarked_paragraphs(document)
        ]

    def __call__(self, document: Document, random: Random) -> Document:
        """The document with some of the changes that the recipe allows."""
        changes: tuple[tuple[float, Callable[[Document, Random], list[Edit]]], ...] = (
            # These three draw for each name, place and number by themselves.
            (float(self.recipe.names > 0), self._names),
            (float(self.recipe.places > 0), self._places),
            (float(self.recipe.counts > 0), self._numbers),
            (self.recipe.commas, lambda d, _: [(*at.span(), "") for at in COMMA.finditer(d.text)]),
            (self.recipe.quotes, _other_quotes),
            (self.recipe.distractors, self._distractors),
        )
        if self.recipe.negations:
            document = self._negated(document, random)
        for chance, change in changes:
            if chance and random.random() < chance:
                document = apply_edits(document, fitting(document, change(document, random)))
        if self.recipe.capitals and random.random() < self.recipe.capitals:
            upper = document.text.upper()
            if len(upper) == len(document.text):  # "ß" grows
                return Document(document.id, upper, document.spans, document.meta)
        return document

    def _negated(self, document: Document, random: Random) -> Document:
        """Counts of people harmed become "no" or "zero" where their sentence marks nothing else.

        So no other mention loses its role: "no men were killed by soldiers" would accuse nobody.
        """
        drawn: dict[Place, list[str]] = {}
        for ((_, _, no),), (place,) in negate_casualties(document, random, frozenset()):
            if _marked_in_sentence(document, place) == 2:
                drawn.setdefault(place, []).append(no)
        edits = []
        spans = list(document.spans)
        for (start, end), words in drawn.items():
            if random.random() < self.recipe.negations:
                count, victim = (s for s in document.spans if start <= s.start < end)
                edits.append((start, end, f"{random.choice(words)} {document.text_of(victim)}"))
                spans = [span for span in spans if span not in (count, victim)]
        return apply_edits(replace(document, spans=tuple(spans)), edits)

    def _names(self, document: Document, random: Random) -> list[Edit]:
        """Each named actor and person becomes another of its kind, wherever the name stands."""
        edits = []
        for name in dict.fromkeys(
            document.text_of(span) for span in document.spans if span.label in self.mentions
        ):
            if random.random() < self.recipe.names:
                new = other_actor(
                    name, document.text, random, self.common, TRAINING
                ) or other_person(name, random, self.common, TRAINING)
                edits += _everywhere(document.text, name, new or name)
        return edits

    def _places(self, document: Document, random: Random) -> list[Edit]:
        """A town that is named after "in", "at", "near" or "from" becomes another throughout."""
        edits = []
        for name in dict.fromkeys(match[1] for match in PLACE.finditer(document.text)):
            words = re.split("[- ]", name)
            if any(word in TIMES or word.lower() in self.common for word in words):
                continue
            if random.random() < self.recipe.places:
                edits += _everywhere(document.text, name, random.choice(TRAINING.towns))
        return edits

    def _numbers(self, document: Document, random: Random) -> list[Edit]:
        """The numbers of counts become others of like size, in digits or in words."""
        drawn: dict[str, str] = {}
        edits = []
        for span in document.spans:
            if span.label not in self.counts:
                continue
            words = document.text_of(span)
            for match in (*NUMBER.finditer(words), *_any_number_word().finditer(words)):
                old = match[0]
                if old not in drawn:
                    keep = random.random() >= self.recipe.counts
                    drawn[old] = old if keep else _other_number(old, random)
                start = span.start + match.start()
                edits.append((start, start + len(old), drawn[old]))
        return edits

    def _distractors(self, document: Document, random: Random) -> list[Edit]:
        """One or two paragraphs of other documents, between or around the paragraphs here."""
        others = [text for name, text in random.sample(
            self.distractors, min(4, len(self.distractors))) if name != document.id]  # fmt: skip
        starts = [0, *(match.end() for match in re.finditer("\n", document.text))]
        return [
            (start, start, f"{text}\n")
            for start, text in zip(
                random.sample(starts, min(random.randint(1, 2), len(starts))), others, strict=False
            )
        ]


def unmarked_paragraphs(document: Document) -> list[str]:
    """The paragraphs of a document in which nothing is marked."""
    return [
        match[0]
        for match in PARAGRAPH.finditer(document.text)
        if not any(s.start < match.end() and match.start() < s.end for s in document.spans)
    ]


def _marked_in_sentence(document: Document, place: Place) -> int:
    """How many spans begin in the sentence that holds a place."""
    starts = [at.end() for at in SENTENCE_END.finditer(document.text, 0, place[0])]
    end = SENTENCE_END.search(document.text, place[1])
    first, last = starts[-1] if starts else 0, end.start() if end else len(document.text)
    return sum(first <= span.start < last for span in document.spans)


def fitting(document: Document, edits: Iterable[Edit]) -> list[Edit]:
    """The edits that lie inside one span or outside all, and of two that overlap the first."""
    kept: list[Edit] = []
    end = 0
    for edit in sorted(edits, key=lambda edit: (edit[0], -edit[1])):
        start, stop, _ = edit
        crossing = any(
            s.start < stop and start < s.end and not (s.start <= start and stop <= s.end)
            for s in document.spans
        ) or any(start == stop and s.start < start < s.end for s in document.spans)
        if start >= end and not crossing:
            kept.append(edit)
            end = stop
    return kept


def _everywhere(text: str, old: str, new: str) -> list[Edit]:
    """Edits of a name wherever it stands as whole words."""
    if old == new:
        return []
    return [(*at.span(), new) for at in re.finditer(rf"(?<!\w){re.escape(old)}(?!\w)", text)]


def _other_quotes(document: Document, random: Random) -> list[Edit]:
    style = random.choice(QUOTES)
    return [(*at.span(), style[at[0]]) for at in MARKS.finditer(document.text) if at[0] in style]


@cache
def _number_words() -> dict[str, int]:
    """The numbers below 100 that make a plural, spelled out."""
    return {spelled_out(number): number for number in range(2, 100)}


@cache
def _any_number_word() -> re.Pattern[str]:
    """Any of them; the longest first, as "twenty-one" is not "twenty"."""
    words = sorted(_number_words(), key=len, reverse=True)
    return re.compile(rf"\b(?:{'|'.join(words)})\b", re.I)


def _other_number(old: str, random: Random) -> str:
    """Another number of like size, in digits or words; one stays one, as its noun is singular."""
    value = _number_words().get(old.lower()) or int(old.replace(",", ""))
    if value < 2:
        return old
    new = max(2, round(value * 2 ** random.uniform(-1.5, 1.5)))
    in_words = not old[0].isdigit()
    if random.random() < 0.5 and new < 100:
        in_words = not in_words
    if not in_words or new >= 100:
        return f"{new:,}" if "," in old or new >= 10_000 else str(new)
    words = spelled_out(new)
    return words.capitalize() if old[0].isupper() else words
