"""What counts say in numbers: a table of forms, and the bundled reports."""

import re
from pathlib import Path

import pytest
from conftest import ROOT
from hypothesis import given
from hypothesis import strategies as st

from conflict_tagger.corpora import Split
from conflict_tagger.count_values import CountValue, Hedge, read_count, read_values
from conflict_tagger.documents import Document, InputError, Span, to_record

FORMS = {
    "exact": """
        20=20 | 1=1 | 0=0 | 1,200=1200 | 2,000=2000 | 1,234,567=1234567 | 12 000=12000 | one=1
        two=2 | Three=3 | TWELVE=12 | eleven=11 | nineteen=19 | twenty=20 | twenty-two=22
        forty four=44 | ninety-nine=99 | fifty–six=56 | hundred=100 | a hundred=100
        one hundred=100 | one hundred and six=106 | a hundred and twelve=112
        two hundred and sixty-eight=268 | three hundred=300 | seventeen hundred=1700
        a thousand=1000 | twelve thousand=12000 | two hundred thousand=200000
        two thousand five hundred=2500 | 20 thousand=20000 | 1.2 million=1200000
        2 million=2000000 | six million=6000000 | a million=1000000 | 1.5m=1500000 | 300k=300000
        1 billion=1000000000 | 2 lakh=200000 | 3 crore=30000000 | dozen=12 | a dozen=12
        one dozen=12 | two dozen=24 | 3 dozen=36 | half a dozen=6 | half-dozen=6 | a half-dozen=6
        half a million=500000 | three score=60 | four score=80 | a couple=2 | a pair=2 | single=1
        lone=1 | a single=1 | exactly 12=12 | only three=3 | just two=2 | a total of 31=31
        another 14=14 | a further nine=9 | an additional 40=40 | the 27=27 | zero=0
    """,
    "ordinal": """
        267th=267 | 1st=1 | 2nd=2 | 23rd=23 | 1,000th=1000 | first=1 | second=2 | third=3 | ninth=9
        twelfth=12 | twenty-first=21 | fortieth=40 | hundredth=100 | one hundred and sixth=106
    """,
    "about": """
        about 20=20 | around 300=300 | some 40=40 | some six million=6000000 | approximately 15=15
        roughly 1,000=1000 | nearly 50=50 | almost 90=90 | close to 70=70 | an estimated 400=400
        estimated 300=300 | perhaps a hundred=100 | about a dozen=12 | nearly two dozen=24
        around twenty=20 | just under 200=200 | thirty-odd=30 | eighty odd=80 | 20-odd=20
        twenty or so=20 | a dozen or so=12 | possibly 30=30 | an average of 12=12
        twenty-something=20 | some 20 or so=20 | reportedly 20=20
    """,
    "at least": """
        at least 20=20.. | at least nine=9.. | at least a dozen=12.. | at least forty-two=42..
        at least one million=1000000.. | no fewer than 20=20.. | not fewer than 12=12..
        no less than 30=30.. | a minimum of 5=5.. | upwards of 100=100.. | 20 or more=20..
        fifteen or more=15.. | 20-plus=20.. | 50+=50.. | 20 at least=20.. | 48 and counting=48..
        at least several dozen=36.. | at least 20 to 30=20.. | at least some 60=60..
        at least dozens=24.. | a total of at least 34=34.. | at least 2 dozen=24..
    """,
    "more than": """
        more than 2,000=2001.. | more than ten=11.. | over 40=41.. | over four million=4000001..
        above 30=31.. | well over a hundred=101.. | more than a dozen=13.. | in excess of 500=501..
        more than two hundred=201.. | just over 20=21.. | more than a million=1000001..
        more than half a dozen=7.. | an average of more than a dozen=13.. | exceeding 60=61..
    """,
    "at most": """
        up to 20=1..20 | up to a dozen=1..12 | as many as 50=1..50 | no more than 5=1..5
        not more than 12=1..12 | at most 9=1..9 | a maximum of 40=1..40 | 20 or fewer=1..20
        up to 20 or 30=1..30 | as many as two hundred=1..200
    """,
    "fewer than": """
        fewer than 10=1..9 | less than a hundred=1..99 | under 20=1..19 | below 50=1..49
    """,
    "range": """
        between 4 and 7=4..7 | between four and seven=4..7 | between 20 and 30=20..30
        between 1,000 and 1,500=1000..1500 | 20 to 30=20..30 | from 20 to 30=20..30
        anywhere from 20 to 30=20..30 | 20-30=20..30 | 20–30=20..30 | 20 — 30=20..30
        one or two=1..2 | three or four=3..4 | 20 or 30=20..30 | sixty, seventy=60..70
        two to three dozen=24..36 | 5 to 6 million=5000000..6000000
        between two and three hundred=200..300 | 200-300 thousand=200000..300000
        between 100 and 2,000=100..2000 | an estimated 20 to 30=20..30 | some 20 or 30=20..30
        more than 20 but fewer than 30=21..29 | at least 20 but no more than 40=20..40
        between a dozen and 20=12..20 | forty-to-fifty=40..50
    """,
    "vague": """
        dozens=24.. | scores=40.. | hundreds=200.. | thousands=2000.. | millions=2000000..
        tens=20..
        tens of thousands=20000.. | hundreds of thousands=200000.. | dozens of thousands=24000..
        several=3.. | Several=3.. | many=3.. | few=3.. | a few=3.. | handful=3.. | numerous=3..
        countless=3.. | multiple=2.. | several dozen=36.. | several hundred=300..
        several thousand=3000.. | a few hundred=300.. | a few dozen=36.. | a couple of dozen=24..
        a couple hundred=200.. | couple dozen=24.. | many hundreds=300.. | many thousands=3000..
        several dozens=36.. | about several dozen=36..
    """,
    "unknown": """
        unknown number=1.. | an unknown number=1.. | unspecified number=1.. | number=1..
        a number=1.. | large number=1.. | a large number=1.. | undetermined number=1..
        large numbers=1.. | small number=1..
    """,
}


def cases() -> list[tuple[str, CountValue]]:
    found = []
    for hedge, table in FORMS.items():
        for case in re.split(r"\s*\|\s*|\n\s*", table.strip()):
            form, _, bounds = case.rpartition("=")
            low, dots, high = bounds.partition("..")
            top = int(high) if high else None if dots else int(low)
            found.append((form, CountValue(int(low), top, Hedge(hedge))))
    return found


def test_the_table_is_long_enough() -> None:
    assert len({form for form, _ in cases()}) == len(cases()) >= 150


@pytest.mark.parametrize(("form", "value"), cases())
def test_a_form_of_count(form: str, value: CountValue) -> None:
    assert read_count(form) == value


@pytest.mark.parametrize(
    "words", ["", " ", "people", "the army", "no", "none", "at least", "between", "2.5", "more",
              "of", "-", "between 30 and", "the", "about", "1.2.3", "a", "some",
              "9" * 5000, "fewer than 0"],
)  # fmt: skip
def test_what_names_no_number_has_no_value(words: str) -> None:
    assert read_count(words) is None


@given(
    st.text(max_size=40)
    | st.from_regex(r"(at least |[0-9,. -]|dozen|of|two ){0,8}", fullmatch=True)
)
def test_no_words_make_it_fail_and_bounds_are_in_order(words: str) -> None:
    value = read_count(words)
    assert value is None or value.high is None or 0 <= value.low <= value.high


@given(st.integers(0, 10**9))
def test_digits_in_any_usual_form_are_read(number: int) -> None:
    for form in (str(number), f"{number:,}", f" {number} "):
        assert read_count(form) == CountValue(number, number, Hedge.exact)


def test_every_count_of_the_bundled_reports_has_a_value(bundled: dict[str, Split]) -> None:
    """All but the test split, which chooses nothing, not even a word list."""
    unread = set()
    for name in ("train", "validation"):
        for document in bundled[name].documents:
            for span in document.spans:
                if span.label == "COUNT" and read_count(document.text_of(span)) is None:
                    unread.add(document.text_of(span))
    assert unread == set()


def test_annotated_values_cover_the_test_data_and_nothing_else(bundled: dict[str, Split]) -> None:
    values = read_values(ROOT / "data" / "count_values.jsonl")
    forms = {
        document.text_of(span).lower()
        for name in ("test", "seed_articles")
        for document in bundled[name].documents
        for span in document.spans
        if span.label == "COUNT"
    }
    assert set(values) == forms
    assert all(value.high is None or value.low <= value.high for value in values.values())


def test_a_damaged_annotation_is_named(tmp_path: Path) -> None:
    path = tmp_path / "values.jsonl"
    path.write_text('{"text": "two", "low": 2, "high": 2, "hedge": "perhaps"}\n')
    with pytest.raises(InputError, match=r"values.jsonl, line 1: .*perhaps"):
        read_values(path)


@pytest.mark.parametrize(
    ("words", "shown"),
    [("20", "20"), ("at least 2,000", "2,000+"), ("between four and seven", "4–7")],
)
def test_a_value_is_shown_and_written(words: str, shown: str) -> None:
    value = read_count(words)
    assert value is not None and str(value) == shown
    span = Span("COUNT", 0, len(words), 0.9, value)
    (record,) = to_record(Document("1", words, (span,)))["spans"]
    assert record["value"] == {"low": value.low, "high": value.high, "hedge": value.hedge.value}
    assert span == Span("COUNT", 0, len(words)), "a value is no part of what is compared"
