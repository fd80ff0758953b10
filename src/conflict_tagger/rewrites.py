"""Small changes to a report that must, or must not, change what is tagged in it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from random import Random

from conflict_tagger.augmentation import Edit
from conflict_tagger.documents import Document
from conflict_tagger.names import BODIES, CHECKS, FILLER, TITLES, Names

Place = tuple[int, int]
PADDING = 2000  # words before and after
DENYING = re.compile(
    r"(?:has |have |had |also |again |later |flatly |strongly )*"
    r"(?:den(?:y|ies|ied)|reject(?:s|ed)?|dismiss(?:es|ed)?|refut(?:es|ed)|disput(?:es|ed)"
    r"|disclaim(?:s|ed)?|disown(?:s|ed)?|ruled out|rules out|repudiat(?:es|ed))\b",
    re.IGNORECASE,
)
NO_COMMENT = ("declined to comment", "did not respond to requests for comment",
              "has yet to comment on the reports", "made no comment")  # fmt: skip
CLAIMS = ("claimed responsibility", "claimed responsibility for it", "admitted responsibility",
          "said it was behind the attack", "acknowledged that it was responsible")  # fmt: skip
SAID = r"(?:said|say|says|told reporters|added|reported)(?: on \w+day| by telephone| later)?"
# ", residents said" at the end of a sentence, and "Residents said that" or "According to
# residents, " at its beginning.
ATTRIBUTION_BEHIND = re.compile(rf", (?:[\w'’-]+ ){{1,5}}{SAID}(?=[.\n])")
ATTRIBUTION_BEFORE = re.compile(
    rf"(?:^|(?<=[.\n] )|(?<=\n))"
    rf"(?:According to (?:[\w'’-]+ ){{0,4}}[\w'’-]+, "
    rf"|[A-Z][\w'’-]*(?: [\w'’-]+){{0,5}} {SAID}(?: that)? )(?=\w)"
)
HARMED_BEFORE = re.compile(
    r"(?:kill|wound|injur|maim|abduct|tortur)(?:ed|ing)(?: and (?:wound|injur)(?:ed|ing))?$", re.I
)
HARMED_BEHIND = re.compile(
    r"(?:were|was|had been|have been|has been) (?:\w+ )?"
    r"(?:kill|wound|injur|hurt|shot|abduct|burn)|died\b"
)
STYLES = (
    {"“": '"', "”": '"', "‘": "'", "’": "'", '"': "''"},
    {"“": "«", "”": "»", '"': "''", "‘": "“", "’": "'"},
)
NUMBER = re.compile(r"(?<![\d.,])(\d{1,3}(?:,\d{3})+|\d+)(?![\d.,]|st|nd|rd|th|-)")


def spelled_out(number: int) -> str:
    """A number spelled out, without commas."""
    # Its import takes seconds, and a training needs it only where it redraws counts.
    import inflect

    return str(inflect.engine().number_to_words(str(number), comma=""))


def common_words(documents: Iterable[Document]) -> frozenset[str]:
    """Words that stand in lower case somewhere: what is one of them is no name."""
    return frozenset(
        word for document in documents for word in re.findall(r"\b[a-z]+\b", document.text)
    )


def swap_actors(document: Document, random: Random, common: frozenset[str]) -> Iterator[list[Edit]]:
    """Each named PERPETRATOR becomes another of its kind, wherever it stands in the report."""
    yield from _swaps(
        document,
        "PERPETRATOR",
        lambda name: other_actor(name, document.text, random, common, CHECKS),
    )


def swap_victims(
    document: Document, random: Random, common: frozenset[str]
) -> Iterator[list[Edit]]:
    """Each named VICTIM becomes another person, wherever it stands in the report."""
    yield from _swaps(document, "VICTIM", lambda name: other_person(name, random, common, CHECKS))


def _swaps(
    document: Document, label: str, other: Callable[[str], str | None]
) -> Iterator[list[Edit]]:
    names = dict.fromkeys(document.text_of(s) for s in document.spans if s.label == label)
    for name in names:
        new = other(name)
        if new is not None and new != name:
            found = re.finditer(rf"(?<!\w){re.escape(name)}(?!\w)", document.text)
            yield [(match.start(), match.end(), new) for match in found]


def other_actor(
    name: str, text: str, random: Random, common: frozenset[str], names: Names
) -> str | None:
    """Another actor of the same kind: a group, a force, a country, a person.

    Args:
        name: the actor as the text marks it.
        text: the whole text, which shows whether a first word is a name.
        random: where the choice comes from.
        common: words that are no names, in lower case.
        names: what to choose from.

    Returns:
        None where it is no name, or one of no known kind.
    """
    words = name.split()
    if len(words) == 1 and name.isupper() and 2 <= len(name) <= 5 and name.lower() not in common:
        return random.choice(names.acronyms)
    if words[0] in TITLES:
        return other_person(name, random, common, names)
    for body in sorted(BODIES, key=len, reverse=True):
        at = re.search(rf"(?<= ){body}\b", name)
        if at and name[0].isupper():
            return f"{random.choice(names.modifiers)} {name[at.start() :]}"
    adjectives = set(names.countries.values())
    known = words[0] in names.countries or words[0] in adjectives
    if words[0].lower() in common or not (known or _is_name(text, words[0])):
        return None
    if len(words) == 1:
        if name in BODIES:
            return None
        if name in names.countries or name.endswith(("ia", "stan", "land")):
            return random.choice([*names.countries])
        if name in adjectives or name.endswith(("ian", "ish", "ese")):
            return random.choice([*names.countries.values()])
        return random.choice(names.last_names)  # of a clan, a group or a person
    if all(word.islower() for word in words[1:]):  # "Turkish artillery"
        return " ".join([random.choice([*names.countries.values()]), *words[1:]])
    return None


def _is_name(text: str, word: str) -> bool:
    """Whether a word has its capital elsewhere than at the head of a sentence or a quotation."""
    return (
        word[0].isupper() and re.search(rf"(?<=[\w,;:] ){re.escape(word)}(?!\w)", text) is not None
    )


def other_person(name: str, random: Random, common: frozenset[str], names: Names) -> str | None:
    """Another person with the same title and as many names; None where it is no person's name."""
    words = name.split()
    title = words[:1] if words[0] in TITLES else []
    rest = words[len(title) :]
    if not rest or not all(re.fullmatch(r"[A-Z][\w'’-]*[a-z]", word) for word in rest):
        return None
    if any(word.lower() in common for word in rest) or len(rest) > 4:
        return None
    new = [random.choice(names.last_names)] if len(rest) == 1 else [
        random.choice(names.first_names), random.choice(names.last_names)
    ]  # fmt: skip
    return " ".join([*title, *new])


def digits_to_words(document: Document, random: Random, _: frozenset[str]) -> Iterator[list[Edit]]:
    """Each number of a COUNT in words."""
    for span in document.spans:
        if span.label == "COUNT":
            edits = []
            for match in NUMBER.finditer(document.text_of(span)):
                words = spelled_out(int(match[1].replace(",", "")))
                edits.append((span.start + match.start(), span.start + match.end(), words))
            if edits:
                yield edits


def remove_commas(document: Document, random: Random, _: frozenset[str]) -> Iterator[list[Edit]]:
    """Every comma before a space goes, a paragraph at a time."""
    for paragraph in re.finditer(r"[^\n]+", document.text):
        edits = [
            (at.start(), at.end(), "")
            for at in re.compile(r",(?= )").finditer(document.text, *paragraph.span())
        ]
        if edits:
            yield edits


def change_quotes(document: Document, random: Random, _: frozenset[str]) -> Iterator[list[Edit]]:
    """Quotation marks of two other styles, a paragraph at a time."""
    for paragraph in re.finditer(r"[^\n]+", document.text):
        if not re.search(r"[“”\"]", paragraph[0]):
            continue
        found = list(re.compile(r"[“”‘’\"]").finditer(document.text, *paragraph.span()))
        for style in STYLES:
            yield [(at.start(), at.end(), style[at[0]]) for at in found]


def change_case(document: Document, random: Random, _: frozenset[str]) -> Iterator[list[Edit]]:
    """A whole report in capitals."""
    upper = document.text.upper()
    if len(upper) == len(document.text):  # "ß" grows
        yield [(0, 0, "")] if upper == document.text else _letters(document.text, upper)


def _letters(text: str, other: str) -> list[Edit]:
    return [
        (at, at + 1, new)
        for at, (old, new) in enumerate(zip(text, other, strict=True))
        if old != new
    ]


def remove_attribution(
    document: Document, random: Random, _: frozenset[str]
) -> Iterator[list[Edit]]:
    """A clause that says who said it goes, where nothing in it is marked."""
    for match in ATTRIBUTION_BEHIND.finditer(document.text):
        if not _marked(document, match.span()):
            yield [(match.start(), match.end(), "")]
    for match in ATTRIBUTION_BEFORE.finditer(document.text):
        if not _marked(document, match.span()):
            first = match.end()
            capital = document.text[first].upper()
            yield [(match.start(), first, ""), (first, first + 1, capital)]


def _marked(document: Document, place: Place) -> bool:
    return any(span.start < place[1] and place[0] < span.end for span in document.spans)


def negate_casualties(
    document: Document, random: Random, _: frozenset[str]
) -> Iterator[tuple[list[Edit], Sequence[Place]]]:
    """ "Two men were killed" becomes "No men were killed"; nothing may be marked there."""
    for count, victim in pairwise(document.spans):
        between = document.text[count.end : victim.start]
        if (count.label, victim.label, between) != ("COUNT", "VICTIM", " "):
            continue
        before = document.text[: count.start].rstrip(" ")
        begins = not before or before[-1] in ".\n,;:" or before.endswith((" and", " that"))
        harmed = HARMED_BEHIND.match(document.text, victim.end + 1)
        if HARMED_BEFORE.search(before) or (begins and harmed):
            for no in ("no", "zero"):
                word = no.capitalize() if document.text[count.start].isupper() else no
                yield [(count.start, count.end, word)], [(count.start, victim.end)]


def comment_declined(
    document: Document, random: Random, _: frozenset[str]
) -> Iterator[tuple[list[Edit], Sequence[Place]]]:
    """A denial becomes a refusal to comment."""
    yield from _denials_replaced(document, random, NO_COMMENT)


def responsibility_claimed(
    document: Document, random: Random, _: frozenset[str]
) -> Iterator[tuple[list[Edit], Sequence[Place]]]:
    """A denial becomes a claim of responsibility."""
    yield from _denials_replaced(document, random, CLAIMS)


def _denials_replaced(
    document: Document, random: Random, phrases: Sequence[str]
) -> Iterator[tuple[list[Edit], Sequence[Place]]]:
    for span in document.spans:
        words = document.text_of(span)
        if span.label == "DENIAL" and DENYING.match(words) and words[0].islower():
            for phrase in random.sample(phrases, 2):
                yield [(span.start, span.end, phrase)], [(span.start, span.end)]


def pad(document: Document, random: Random, _: frozenset[str]) -> Iterator[list[Edit]]:
    """2,000 words about other things before and after the report."""
    end = len(document.text)
    yield [(0, 0, f"{_filler(random)}\n\n"), (end, end, f"\n\n{_filler(random)}")]


def _filler(random: Random) -> str:
    adjectives = ("old", "new", "red", "quiet", "green", "northern", "little", "famous")
    sentences: list[str] = []
    words = 0
    while words < PADDING:
        sentences.append(random.choice(FILLER).format(adjective=random.choice(adjectives)))
        words += len(sentences[-1].split())
    return " ".join(sentences)
