"""What a COUNT says in numbers: its lower and upper bound, and how it is hedged."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import Enum
from pathlib import Path

from text_to_num import alpha2digit, text2num

from conflict_tagger.documents import Document, InputError, read_records


class Hedge(Enum):
    """How a count is hedged; it decides what its bounds mean."""

    exact = "exact"
    ordinal = "ordinal"  # "267th": so many with this one
    about = "about"  # bounds are those of the number that is named
    at_least = "at least"
    more_than = "more than"
    at_most = "at most"
    fewer_than = "fewer than"
    range = "range"
    vague = "vague"  # "dozens": the least that the word allows
    unknown = "unknown"  # "an unknown number"


@dataclass(frozen=True, slots=True)
class CountValue:
    """The numbers of people that the words of a count allow.

    Attributes:
        low: the fewest.
        high: the most; None where the words set no limit.
        hedge: how the count is hedged.
    """

    low: int
    high: int | None
    hedge: Hedge

    def __str__(self) -> str:
        if self.high is None:
            return f"{self.low:,}+"
        return f"{self.low:,}" if self.low == self.high else f"{self.low:,}–{self.high:,}"

    def to_record(self) -> dict[str, int | str | None]:
        """As JSON has it: `low`, `high` and `hedge`."""
        return {"low": self.low, "high": self.high, "hedge": self.hedge.value}


# What stands before a number; the longest that fits is taken. None hedges nothing.
BEFORE: dict[str, Hedge | None] = {
    **dict.fromkeys(
        ("at least", "no fewer than", "not fewer than", "no less than", "not less than",
         "a minimum of", "minimum of", "upwards of", "upward of", "as few as", "from"),
        Hedge.at_least,
    ),
    **dict.fromkeys(
        ("more than", "greater than", "well over", "just over", "slightly over", "far more than",
         "well above", "over", "above", "beyond", "exceeding", "in excess of", "north of"),
        Hedge.more_than,
    ),
    **dict.fromkeys(
        ("at most", "up to", "as many as", "as much as", "no more than", "not more than",
         "a maximum of", "maximum of"),
        Hedge.at_most,
    ),
    **dict.fromkeys(("fewer than", "less than", "under", "below"), Hedge.fewer_than),
    **dict.fromkeys(
        ("about", "around", "some", "approximately", "roughly", "nearly", "almost", "close to",
         "just under", "just short of", "an estimated", "estimated", "perhaps", "maybe", "possibly",
         "probably", "circa", "in the region of", "in the order of", "an average of",
         "believed to be", "thought to be", "reportedly"),
        Hedge.about,
    ),
    **dict.fromkeys(
        ("exactly", "precisely", "only", "just", "a total of", "total of", "a further", "another",
         "an additional", "the", "all", "a record"),
        None,
    ),
}  # fmt: skip
# What stands after a number.
AFTER: dict[str, Hedge] = {
    **dict.fromkeys(("or more", "at least", "and counting", "-plus", " plus", "+"), Hedge.at_least),
    **dict.fromkeys(("or fewer", "or less", "at most"), Hedge.at_most),
    **dict.fromkeys(
        ("or so", "-odd", " odd", "-something", "or thereabouts", "approximately"), Hedge.about
    ),
}
LONGEST = 200  # characters; no count is longer, and what is may be anything
SCALES = {"dozen": 12, "score": 20, "hundred": 100, "thousand": 1000, "lakh": 100_000,
          "million": 10**6, "crore": 10**7, "billion": 10**9}  # fmt: skip
ABBREVIATIONS = {"k": "thousand", "m": "million", "mn": "million", "bn": "billion"}
# The least that a word allows: "several" is more than two; a plural is at least two of its kind.
QUANTIFIERS = {"couple": 2, "a couple": 2, "couple of": 2, "a couple of": 2, "few": 3, "a few": 3,
               "several": 3, "many": 3, "a handful of": 3, "handful of": 3}  # fmt: skip
VAGUE = {"few": 3, "a few": 3, "handful": 3, "several": 3, "many": 3, "multiple": 2, "various": 2,
         "numerous": 3, "countless": 3, "innumerable": 3, "untold": 3, "tens": 20}  # fmt: skip
EXACT = {"couple": 2, "a couple": 2, "pair": 2, "a pair": 2, "single": 1, "a single": 1, "lone": 1,
         "a lone": 1, "half a dozen": 6, "half-dozen": 6, "a half-dozen": 6,
         "half a hundred": 50, "half a million": 500_000}  # fmt: skip
ADJECTIVES = r"(?:(?:an?|the) )?(?:\w+ )?"
NUMBER_OF = re.compile(rf"{ADJECTIVES}(?:numbers?|amounts?|tolls?)")
DIGITS = re.compile(r"(\d{1,3}(?:[,\u00a0\u202f ]\d{3})+|\d+)(\.\d+)?")
ORDINAL = re.compile(r"([\d,]+)(?:st|nd|rd|th)")


def read_count(text: str) -> CountValue | None:
    """Read the words of a COUNT span.

    Args:
        text: the span's characters, hedges and all, in English.

    Returns:
        Its bounds and hedge, or None where the words name no number.
    """
    if len(text) > LONGEST:
        return None
    words = re.sub(r"[‐-―−]", "-", text.lower())
    return _read(re.sub(r"\s+", " ", words).strip())


def with_values(document: Document, counts: Sequence[str]) -> Document:
    """The document with what its spans of the labels `counts` say in numbers."""
    return document.with_spans(
        replace(span, value=read_count(document.text_of(span))) if span.label in counts else span
        for span in document.spans
    )


def read_values(path: Path) -> dict[str, CountValue]:
    """Values annotated by hand: a JSON object a line, with `text`, `low`, `high` and `hedge`.

    Returns:
        The value of each form, by its words in lower case.

    Raises:
        InputError: file, line and fault.
    """
    values = {}
    for number, record in read_records(path):
        try:
            value = CountValue(record["low"], record["high"], Hedge(record["hedge"]))
            values[str(record["text"]).lower()] = value
        except (KeyError, ValueError) as error:
            raise InputError(f"{path}, line {number}: {error!r} in the value of a count") from None
    return values


def _read(words: str) -> CountValue | None:
    """Take off one hedge after the other, and read what is left."""
    if found := _range(words):
        return found
    first, _, second = words.partition(" but ")  # "more than 20 but fewer than 30"
    if second and (low := _read(first)) and (high := _read(second)) and high.high:
        return CountValue(low.low, high.high, Hedge.range)
    for hedge in sorted(BEFORE, key=len, reverse=True):
        if words.startswith(f"{hedge} "):
            return _hedged(_read(words[len(hedge) + 1 :]), BEFORE[hedge])
    for hedge in sorted(AFTER, key=len, reverse=True):
        if words.endswith(hedge):
            return _hedged(_read(words[: -len(hedge)].rstrip(" ,")), AFTER[hedge])
    if ordinal := ORDINAL.fullmatch(alpha2digit(words, "en", threshold=0)):
        value = int(ordinal[1].replace(",", ""))
        return CountValue(value, value, Hedge.ordinal)
    if (least := _vague(words)) is not None:
        return CountValue(least, None, Hedge.vague)
    if (number := _number(words)) is not None:
        return CountValue(number, number, Hedge.exact)
    if NUMBER_OF.fullmatch(words):
        return CountValue(1, None, Hedge.unknown)
    return None


def _hedged(inner: CountValue | None, hedge: Hedge | None) -> CountValue | None:
    """What a hedge makes of what it stands beside."""
    if inner is None or hedge is None:
        return inner
    top = inner.low if inner.high is None else inner.high
    match hedge:
        case Hedge.at_least:
            return CountValue(inner.low, None, hedge)
        case Hedge.more_than:
            return CountValue(inner.low + 1, None, hedge)
        case Hedge.at_most:
            return CountValue(min(1, top), top, hedge)
        case Hedge.fewer_than:
            return CountValue(min(1, top - 1), top - 1, hedge) if top else None
    # "about" beside another hedge or a vague word says nothing more than that.
    return CountValue(inner.low, inner.high, hedge) if inner.hedge is Hedge.exact else inner


def _range(words: str) -> CountValue | None:
    """Two numbers: "between 4 and 7", "two or three dozen", "20-30", "sixty, seventy"."""
    bare = re.sub(r"^(?:anywhere )?(?:between|from) ", "", words)
    separators = [" and "] if words != bare and " to " not in bare else []
    for separator in [*separators, " to ", " or ", "-to-", "-", ", "]:
        left, found, right = bare.partition(separator)
        low, high = _number(left), _number(right)
        if not found or low is None or high is None:
            continue
        scale = _scale(right)
        if _scale(left) == 1 and low < high // scale:  # "two to three dozen"
            low *= scale
        if low < high:
            return CountValue(low, high, Hedge.range)
    return None


def _scale(words: str) -> int:
    last = words.rpartition(" ")[2].removesuffix("s")
    return SCALES.get(last, 1) if last != words else 1


def _number(words: str) -> int | None:
    """A whole number in digits or words: "1,200", "1.5 million", "300k", "a dozen", "forty two"."""
    words = words.strip()
    if words in EXACT:
        return EXACT[words]
    value = _decimal(re.sub(r"^an? (?=hundred|thousand|million)", "one ", words))
    if value is None:
        abbreviated = re.fullmatch(r"([\d.,]+) ?(k|m|mn|bn)", words)
        times, scale = abbreviated.groups() if abbreviated else words.rpartition(" ")[::2]
        one = times in ("", "a", "an")
        factor = Decimal(1) if one else _decimal(times)
        size = SCALES.get(ABBREVIATIONS.get(scale, scale))
        value = factor * size if factor is not None and size else None
    return int(value) if value is not None and value == int(value) else None


def _decimal(words: str) -> Decimal | None:
    if digits := DIGITS.fullmatch(words):
        return Decimal(re.sub(r"[^\d]", "", digits[1]) + (digits[2] or ""))
    try:
        return Decimal(text2num(words, "en"))
    except ValueError:
        return None


def _vague(words: str) -> int | None:
    """The least that a vague quantity allows: "dozens", "several hundred", "tens of thousands"."""
    if words in VAGUE:
        return VAGUE[words]
    plural = words.removesuffix("s")
    if words != plural and plural in SCALES:
        return 2 * SCALES[plural]
    first, _, rest = words.partition(" of ")
    outer = SCALES.get(rest.removesuffix("s"))
    if outer and (inner := _vague(first)) is not None:  # "tens of thousands"
        return inner * outer
    for quantifier in sorted(QUANTIFIERS, key=len, reverse=True):
        rest = words.removeprefix(f"{quantifier} ")
        if rest != words and (scale := SCALES.get(rest.removesuffix("s"))):
            return QUANTIFIERS[quantifier] * scale
    return None
