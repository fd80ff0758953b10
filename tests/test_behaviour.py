"""Behaviour checks: what is changed, what must follow, and that failures are found."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from random import Random

import pytest
from conftest import run_script
from hypothesis import given
from hypothesis import strategies as st

from conflict_tagger.augmentation import apply_edits
from conflict_tagger.behaviour import (
    CHECKS,
    Case,
    Check,
    Verdict,
    check_behaviour,
    common_words,
    describe_failure,
    judge,
    kept,
    make_cases,
    returned,
    summarize,
)
from conflict_tagger.command_configs import BehaviourConfig
from conflict_tagger.corpora import Split
from conflict_tagger.documents import Document, InputError, Span
from conflict_tagger.tables import FEWEST

BY_NAME = {check.name: check for check in CHECKS}


def marked(text: str) -> Document:
    """A document from text with <P>…</P> and the like around its spans."""
    labels = {"P": "PERPETRATOR", "V": "VICTIM", "C": "COUNT", "D": "DENIAL"}
    spans, plain, position = [], "", 0
    for match in re.finditer(r"<([PVCD])>(.*?)</\1>", text):
        plain += text[position : match.start()]
        spans.append(Span(labels[match[1]], len(plain), len(plain) + len(match[2])))
        plain += match[2]
        position = match.end()
    return Document("report", plain + text[position:], tuple(spans))


def cases(name: str, *documents: Document) -> list[Case]:
    common = common_words(documents) | {"the", "people", "rebels"}
    return make_cases(BY_NAME[name], documents, common, most=100, seed=0)


def texts(name: str, document: Document) -> list[str]:
    return [case.changed.text for case in cases(name, document)]


def test_an_actor_becomes_another_of_its_kind_everywhere() -> None:
    document = marked(
        "<P>Russia</P> bombed it. <P>Turkish artillery</P> fired. <P>Desert Front</P> and "
        "<P>ELN</P> men, led by <P>General Adoum Kossi</P>, came; Russia's army, <P>rebels</P>."
    )
    changed = texts("actor swapped", document)
    assert len(changed) == 5
    country, adjective, body, acronym, person = changed
    assert "Russia" not in country and re.match(r"(\w+) bombed it.*; \1's army", country)
    assert re.search(r"it\. [A-Z]\w+ artillery fired", adjective)
    assert re.search(r"fired\. [A-Z][\w' ]+ Front and", body) and "Desert" not in body
    assert re.search(r" and [A-Z]{3} men", acronym)
    assert re.search(r"led by General [A-Z]\w+ [A-Z]\w+,", person) and "Kossi" not in person


def test_a_word_that_stands_only_at_the_head_of_sentences_is_no_name() -> None:
    document = marked(
        "<P>Warplanes</P> came. “<P>Armed men</P> did it,” he said.\n<P>Katiba</P> fled. "
        "Not Katiba?"
    )
    (changed,) = texts("actor swapped", document)
    assert changed.startswith("Warplanes came. “Armed men did it") and "Katiba" not in changed


def test_a_victim_becomes_another_person() -> None:
    document = marked("<V>Rami Saleh</V>, 34, died, said <V>Dr Lina Shaat</V>; <V>people</V> wept.")
    first, second = texts("victim swapped", document)
    assert re.match(r"[A-Z]\w+ [A-Z]\w+, 34, died", first) and "Saleh" not in first
    assert re.search(r"said Dr [A-Z]\w+ [A-Z]\w+;", second) and "Shaat" not in second


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("digits to words", "<C>at least 1,472</C> <V>people</V> of 90",
         "at least one thousand four hundred and seventy-two people of 90"),
        ("commas removed", "Now, <C>2,000</C> men, all told, fell", "Now 2,000 men all told fell"),
        ("quotes changed", "“We <D>did not</D>,” it said", '"We did not," it said'),
        ("capitals", "<P>Rebels</P> fled", "REBELS FLED"),
        ("attribution removed", "It was <P>rebels</P> who came, local residents said. Then",
         "It was rebels who came. Then"),
        ("attribution removed", "It rained. Residents said on Monday that <P>rebels</P> came.",
         "It rained. Rebels came."),
        ("casualty negated", "The <C>two</C> <V>men</V> died. <C>Two</C> <V>men</V> died, all said",
         "The two men died. No men died, all said"),
        ("casualty negated", "<P>Rebels</P> met six, killing <C>at least 20</C> <V>men</V>.",
         "Rebels met six, killing no men."),
    ],
)  # fmt: skip
def test_a_change(name: str, before: str, after: str) -> None:
    assert texts(name, marked(before))[0] == after


def test_a_denial_becomes_no_comment_or_a_claim() -> None:
    document = marked(
        "The <P>army</P> <D>denied it had fired</D>. “It <D>was not us</D>,” he said."
    )
    for name in ("comment declined", "responsibility claimed"):
        found = cases(name, document)
        assert len(found) == 2, "only the first is a predicate that can be replaced"
        for case in found:
            ((start, end),) = case.places
            words = case.changed.text[start:end]
            assert case.changed.text == f"The army {words}. “It was not us,” he said."
            assert "den" not in words


def test_padding_leaves_the_report_as_it_is() -> None:
    document = marked("<P>Rebels</P> came.")
    (case,) = cases("padded", document)
    before, after = case.changed.text.split("\n\nRebels came.\n\n")
    assert len(before.split()) >= 2000 and len(after.split()) >= 2000
    (span,) = apply_edits(document, case.edits).spans
    assert case.changed.text[span.start : span.end] == "Rebels"
    assert returned([span], case.edits) == kept(document.spans, case.edits)


def test_a_marked_attribution_stays() -> None:
    assert cases("attribution removed", marked("They fired, the <P>army</P> said.")) == []


@st.composite
def edited(draw: st.DrawFn) -> tuple[Document, list[tuple[int, int, str]]]:
    """A document and edits, each outside of its spans or inside one."""
    cuts = sorted(draw(st.sets(st.integers(0, 40), min_size=2, max_size=12)))
    spans, edits = [], []
    for start, end in zip(cuts[::2], cuts[1::2], strict=False):
        what = draw(st.sampled_from(["span", "edit", "both"]))
        if what != "edit":
            spans.append(Span("VICTIM", start, end))
        if what != "span":
            new = draw(st.text("abc", min_size=1 if what == "both" else 0, max_size=5))
            edits.append((start, end, new))
    return Document("1", "x" * 41, tuple(spans)), edits


@given(edited())
def test_spans_that_move_with_the_text_are_found_where_they_were(
    case: tuple[Document, list[tuple[int, int, str]]],
) -> None:
    document, edits = case
    moved = apply_edits(document, edits)
    assert returned(moved.spans, edits) == kept(document.spans, edits)


def test_a_span_that_follows_only_half_a_swapped_name_is_the_same() -> None:
    document = marked("by <P>Russia</P> today")
    edits = [(3, 9, "New Zealand")]
    half = [Span("PERPETRATOR", 7, 14)]  # "Zealand"
    assert returned(half, edits) == kept(document.spans, edits)
    assert returned([Span("PERPETRATOR", 3, 20)], edits) != kept(document.spans, edits)


def case_of(document: Document, edits: Sequence[tuple[int, int, str]], *places: str) -> Case:
    changed = apply_edits(document, edits).with_spans(())
    at = [(changed.text.index(place), changed.text.index(place) + len(place)) for place in places]
    return Case(0, tuple(edits), changed, tuple(at))


def test_failures_are_found_and_told() -> None:
    before = marked("<P>Rebels</P> killed <C>two</C> <V>men</V>.")
    same = Check("x", "tags stay", lambda *_: [])
    case = case_of(before, [(14, 17, "2")])
    right = marked("<P>Rebels</P> killed <C>2</C> <V>men</V>.")
    assert judge(same, case, before, right) == Verdict(3, (), ())
    verdict = judge(same, case, before, marked("<P>Rebels</P> killed 2 <D>men</D>."))
    assert verdict == Verdict(1, ("COUNT 'two'", "VICTIM 'men'"), ("DENIAL 'men'",))
    assert not verdict.passed
    failure = describe_failure(case, before, verdict)
    assert failure["edits"] == [["two", "2"]] and failure["found"] == ["DENIAL 'men'"]

    gone = Check("x", "nothing", lambda *_: [], ("COUNT", "VICTIM"))
    case = case_of(before, [(14, 17, "no")], "no men")
    assert judge(gone, case, before, marked("<P>Rebels</P> killed no men.")).passed
    verdict = judge(gone, case, before, marked("Rebels killed <C>no</C> men."))
    assert verdict.found == ("COUNT 'no'",)


def test_what_cannot_be_checked_is_told_before_anything_is_tagged() -> None:
    for change, fault in (
        ({"cases": 0}, "cases: must be 1 or more"),
        ({"output": "no-such-folder/x.json"}, "output: there is no folder no-such-folder"),
        ({"gold": "no-such.jsonl"}, "no-such.jsonl: no such file"),
    ):
        with pytest.raises(InputError, match=fault):
            check_behaviour(BehaviourConfig(**{"checkpoint": "none", "gold": "none", **change}))


def test_a_rate_has_an_interval() -> None:
    same, gone = BY_NAME["padded"], BY_NAME["casualty negated"]
    verdicts = [Verdict(4, (), ())] * 90 + [Verdict(2, ("a", "b"), ("c",))] * 10
    result = summarize(same, verdicts)
    assert (result["passed"], result["rate"]) == (90, 0.9)
    # Wilson (1927), by hand: (0.9 + z²/200 ± z·√(0.9·0.1/100 + z²/40000)) / (1 + z²/100)
    assert result["interval"] == pytest.approx([0.8256, 0.9448], abs=1e-4)
    assert result["tags_stayed"] == 380 / 410
    assert "tags_stayed" not in summarize(gone, verdicts)
    assert summarize(same, [Verdict(0, (), ())])["tags_stayed"] is None
    assert summarize(same, [])["skipped"] == "these documents hold no case"


@pytest.mark.parametrize("split", ["validation", "test"])
def test_every_check_has_its_cases_in_the_bundled_data(
    bundled: dict[str, Split], split: str
) -> None:
    documents = bundled[split].documents
    common = common_words(documents)
    for check in CHECKS:
        found = make_cases(check, documents, common, most=200, seed=0)
        assert FEWEST <= len(found) <= 200, (check.name, len(found))
        assert found == make_cases(check, documents, common, most=200, seed=0)
        if check.name != "padded":
            gold = Random(0).choice(found)
            assert gold.changed.text != documents[gold.index].text


@pytest.mark.slow
def test_the_script_checks_a_checkpoint(
    trained: tuple[Path, str], tiny_data: Path, tmp_path: Path
) -> None:
    output = tmp_path / "behaviour.json"
    result = run_script(
        "check_behaviour", f"checkpoint={trained[0] / 'checkpoint'}",
        f"gold={tiny_data / 'validation.jsonl'}", "cases=5", f"output={output}",
    )  # fmt: skip
    assert result.returncode == 0, result.stderr.decode()
    checks = json.loads(output.read_text())["checks"]
    assert list(checks) == [check.name for check in CHECKS]
    assert checks["capitals"] == {"wanted": "tags stay in capital letters",
                                  "skipped": "the model is uncased"}  # fmt: skip
    for name, row in checks.items():
        if "skipped" not in row:
            assert row["passed"] + len(row["failed"]) == row["cases"] <= 5, name
    assert "commas removed" in result.stdout.decode()
