"""New variants of training documents: mentions replaced by others, documents joined."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import accumulate
from random import Random

from conflict_tagger.documents import Document, Span
from conflict_tagger.soft_labels import joined, moved

Kind = tuple[str, str, bool, int]
Edit = tuple[int, int, str]  # start and end in characters, and the new text
BETWEEN = "\n\n"  # joined documents


class MentionReplacer:
    """Replaces marked mentions by mentions of the same label and form from other documents.

    Mention replacement as in Dai and Adel (2020, https://aclanthology.org/2020.coling-main.343),
    with two differences: a mention becomes the same other mention throughout its document, and a
    name also where it is not marked, so that a name stays the name of one actor.
    """

    def __init__(
        self, documents: Iterable[Document], labels: Iterable[str], probability: float
    ) -> None:
        """Collect the mentions of `labels` in the training documents.

        Args:
            documents: the documents to draw mentions from.
            labels: labels whose spans are mentions; the spans of others are left as they are.
            probability: chance of each distinct mention of a document to be replaced.
        """
        self.labels = frozenset(labels)
        self.probability = probability
        self._mentions: dict[Kind, list[str]] = defaultdict(list)
        for document in documents:
            for span in document.spans:
                if span.label in self.labels:
                    mention = document.text_of(span)
                    self._mentions[_kind(span.label, mention)].append(mention)

    def __call__(self, document: Document, random: Random) -> Document:
        """The document with some mentions replaced, its spans moved along."""
        chosen: dict[tuple[str, str], str] = {}
        for span in document.spans:
            key = label, mention = span.label, document.text_of(span)
            if label in self.labels and key not in chosen:
                alike = self._mentions.get(_kind(label, mention), [mention])
                replaced = random.random() < self.probability
                chosen[key] = random.choice(alike) if replaced else mention
        edits = [
            (span.start, span.end, chosen[key])
            for span in document.spans
            if (key := (span.label, document.text_of(span))) in chosen
        ]
        names = {old: new for (_, old), new in chosen.items() if old[0].isupper() and old != new}
        return apply_edits(document, edits + self._unmarked(document, names))

    def _unmarked(self, document: Document, names: dict[str, str]) -> list[Edit]:
        """Edits of the names where they stand as whole words outside marked mentions."""
        if not names:
            return []
        longest_first = sorted(names, key=len, reverse=True)
        pattern = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest_first))})(?!\w)")
        return [
            (match.start(), match.end(), names[match.group()])
            for match in pattern.finditer(document.text)
            if all(
                match.end() <= span.start
                or span.end <= match.start()
                or (span.label not in self.labels and _inside(match, span))
                for span in document.spans
            )
        ]


def _kind(label: str, mention: str) -> Kind:
    """What a mention has in common with those that may stand for it: label, case, number, length.

    The last letter tells plurals, and what mostly is no plural, well enough.
    """
    first = mention[0]
    case = "number" if first.isdigit() else "name" if first.isupper() else "words"
    return label, case, mention.endswith("s"), min(len(mention.split()), 3)


def _inside(match: re.Match[str], span: Span) -> bool:
    return span.start <= match.start() and match.end() <= span.end


def apply_edits(document: Document, edits: Iterable[Edit]) -> Document:
    """The document with stretches of its text replaced and its spans and soft labels moved along.

    Args:
        document: the document.
        edits: none overlaps another; each lies outside all spans or inside one of them.
    """
    pieces: list[str] = []
    shifts: list[tuple[int, int]] = []  # where an edit ends, and how far what follows has moved
    position = shift = 0
    ordered = sorted(e for e in edits if document.text[e[0] : e[1]] != e[2])
    for start, end, text in ordered:
        pieces += [document.text[position:start], text]
        shift += len(text) - (end - start)
        shifts.append((end, shift))
        position = end
    pieces.append(document.text[position:])

    def move(offset: int) -> int:
        return offset + next((by for end, by in reversed(shifts) if end <= offset), 0)

    spans = [Span(span.label, move(span.start), move(span.end)) for span in document.spans]
    return Document(document.id, "".join(pieces), tuple(spans), moved(document.meta, ordered))


def join_documents(
    documents: Sequence[Document], probability: float, random: Random
) -> list[Document]:
    """The documents in a drawn order, some of them one behind the other in one text.

    Short reports fill the beginning of one window each. Joined ones stand anywhere in it, beside
    text that is not about them, and are cut by its edges, as reports on long pages are.

    Args:
        documents: the documents; their spans and soft labels stay theirs.
        probability: chance of each but the first to go on in the text of the one before it.
        random: what is drawn from.
    """
    groups: list[list[Document]] = []
    for document in random.sample(documents, len(documents)):
        if groups and random.random() < probability:
            groups[-1].append(document)
        else:
            groups.append([document])
    return [_joined(group) if len(group) > 1 else group[0] for group in groups]


def _joined(group: Sequence[Document]) -> Document:
    """One document of several, with a blank line between them."""
    starts = [*accumulate((len(d.text) + len(BETWEEN) for d in group[:-1]), initial=0)]
    spans = [
        Span(span.label, span.start + start, span.end + start)
        for document, start in zip(group, starts, strict=True)
        for span in document.spans
    ]
    return Document(
        "+".join(d.id for d in group),
        BETWEEN.join(d.text for d in group),
        tuple(spans),
        joined([d.meta for d in group], starts),
    )
