"""Variants of training documents: labels stay right; the checks' names are not drawn."""

import re
from dataclasses import fields
from random import Random

import pytest
from conftest import LABELS
from test_augmentation import document, marked

from conflict_tagger.config import VariantsConfig
from conflict_tagger.corpora import Split
from conflict_tagger.documents import Document, check_document
from conflict_tagger.names import CHECKS, TRAINING, Names
from conflict_tagger.variants import Variants, fitting, unmarked_paragraphs

MENTIONS, COUNTS = ("PERPETRATOR", "VICTIM", "COUNT"), ("COUNT",)
KINDS = [field.name for field in fields(VariantsConfig) if field.name != "negations"]


def vary(text: str, seed: int = 0, pool: tuple[Document, ...] = (), **chances: float) -> str:
    source = document(text)
    variants = Variants([source, *pool], MENTIONS, COUNTS, VariantsConfig(**chances))
    return marked(variants(source, Random(seed)))


def test_names_become_others_of_their_kind_wherever_they_stand() -> None:
    changed = vary(
        "the [PERPETRATOR Dawn Brigades] shot [VICTIM Colonel Pavel Horak]; Pavel, of the Dawn "
        "Brigades' rivals, [DENIAL denied that the Dawn Brigades were there]. [VICTIM men] fled.",
        names=1.0,
    )
    match = re.fullmatch(
        r"the \[PERPETRATOR (.+ Brigades)\] shot \[VICTIM Colonel (\w+) (\w+)\]; Pavel, of the "
        r"(.+ Brigades)' rivals, \[DENIAL denied that the (.+ Brigades) were there\]. "
        r"\[VICTIM men\] fled.",
        changed,
    )
    assert match is not None, changed
    assert match[1] == match[4] == match[5] != "Dawn Brigades"
    assert match[2] in TRAINING.first_names and match[3] in TRAINING.last_names


def test_places_change_throughout_and_times_do_not() -> None:
    changed = vary(
        "Shells hit a [VICTIM family] in Zbor on Monday. In May, in Parliament, the mayor of Zbor "
        "wept; parliament stood. The [PERPETRATOR Zbor militia] fled in May.",
        places=1.0,
    )
    match = re.fullmatch(
        r"Shells hit a \[VICTIM family\] in (.+) on Monday. In May, in Parliament, the mayor of "
        r"(.+) wept; parliament stood. The \[PERPETRATOR (.+) militia\] fled in May.",
        changed,
    )
    assert match is not None, changed
    assert match[1] == match[2] == match[3] and match[1] in TRAINING.towns


@pytest.mark.parametrize("seed", range(20))
def test_counts_become_other_numbers_and_one_stays_one(seed: int) -> None:
    changed = vary(
        "[COUNT At least 20] [VICTIM men], [COUNT 1] [VICTIM boy] and [COUNT Twenty-one] others "
        "died on 20 May; [COUNT 12,500] fled, the [COUNT 267th] week.",
        seed,
        counts=1.0,
    )
    match = re.fullmatch(
        r"\[COUNT At least ([\w-]+)\] \[VICTIM men\], \[COUNT 1\] \[VICTIM boy\] and "
        r"\[COUNT ([\w-]+)\] others died on 20 May; "
        r"\[COUNT ([\d,]+)\] fled, the \[COUNT 267th\] week.",
        changed,
    )
    assert match is not None, changed
    assert match[2][0].isdigit() or match[2][0].isupper()
    assert 2 <= int(match[3].replace(",", "")) < 40_000


def test_commas_quotes_and_capitals() -> None:
    text = "“No,” he said, [DENIAL denying “it”], of [COUNT 1,200] [VICTIM men]."
    assert vary(text, commas=1.0) == (
        "“No,” he said [DENIAL denying “it”] of [COUNT 1,200] [VICTIM men]."
    )
    found = {vary(text, seed, quotes=1.0) for seed in range(30)}
    assert '"No," he said, [DENIAL denying "it"], of [COUNT 1,200] [VICTIM men].' in found
    assert "«No,» he said, [DENIAL denying «it»], of [COUNT 1,200] [VICTIM men]." in found
    assert vary(text, capitals=1.0) == text.replace("No", "NO").replace(
        "he said", "HE SAID"
    ).replace("denying “it”", "DENYING “IT”").replace("of [", "OF [").replace("men", "MEN")
    assert vary("Straße [VICTIM men]", capitals=1.0) == "Straße [VICTIM men]", "it would grow"


def test_distractors_are_unmarked_paragraphs_of_others_between_paragraphs() -> None:
    idle = "The football club of the town drew its last match of the season in light rain."
    busy = f"{idle[:-1]}, and the [PERPETRATOR army] shot at its players from a hill."
    other = document(f"HEAD\n{idle}\n{busy}\n{'x' * 500}", "other")
    assert unmarked_paragraphs(other) == [idle]
    for seed in range(10):
        changed = vary("One.\n[VICTIM Men] died.\nEnd.", seed, (other,), distractors=1.0)
        assert changed.count(idle) == 1
        assert changed.replace(f"{idle}\n", "") == "One.\n[VICTIM Men] died.\nEnd."
    alone = document(f"{idle}\n[VICTIM Men] died.")
    variants = Variants([alone], MENTIONS, COUNTS, VariantsConfig(distractors=1.0))
    assert variants(alone, Random(0)) == alone, "its own paragraphs are no distractors"


def test_counts_become_none_where_their_sentence_marks_nothing_else() -> None:
    text = (
        "[COUNT Two] [VICTIM men] died. A shell killed [COUNT two] [VICTIM men]. "
        "[PERPETRATOR Troops] killed [COUNT two] [VICTIM men]. [COUNT Two] [VICTIM men], "
        "[VICTIM Ali Deeb] and a friend, were shot. Of [COUNT six] [VICTIM men], [COUNT one] fled."
    )
    kept = text[text.index("[PERPETRATOR") :]
    found = {vary(text, seed, negations=1.0) for seed in range(20)}
    assert found == {
        f"{first} men died. A shell killed {second} men. {kept}"
        for first in ("No", "Zero")
        for second in ("no", "zero")
    }
    some = {vary(text, seed, negations=0.5) for seed in range(40)}
    assert text in some and f"No men died. A shell killed [COUNT two] [VICTIM men]. {kept}" in some


def test_negations_keep_all_other_labels_of_the_reports(bundled: dict[str, Split]) -> None:
    documents = bundled["train"].documents
    variants = Variants(documents, MENTIONS, COUNTS, VariantsConfig(negations=1.0))
    negated = 0
    for source in documents:
        variant = variants(source, Random(source.id))
        check_document(variant, LABELS)
        before = [(s.label, source.text_of(s)) for s in source.spans]
        after = iter([(s.label, variant.text_of(s)) for s in variant.spans])
        gone = len(before) - len(variant.spans)
        assert gone % 2 == 0, "a count goes with its victims"
        left = next(after, None)
        for mention in before:
            if mention == left:
                left = next(after, None)
        assert left is None, "what is left is what there was, in order"
        negated += gone // 2
    assert negated > 40


def test_edits_across_a_span_are_left_out() -> None:
    source = document("The [PERPETRATOR Norland army] and [VICTIM men]")
    edits = [(0, 7, "a"), (4, 11, "b"), (5, 9, "c"), (6, 6, "d"), (17, 20, "e"), (16, 22, "f")]
    assert fitting(source, edits) == [(4, 11, "b"), (17, 20, "e")]


@pytest.mark.parametrize("kind", [*KINDS, "all"])
def test_every_change_keeps_the_labels_of_all_reports_right(
    kind: str, bundled: dict[str, Split]
) -> None:
    documents = bundled["train"].documents
    chances = dict.fromkeys(KINDS if kind == "all" else [kind], 1.0 if kind != "all" else 0.5)
    variants = Variants(documents, MENTIONS, COUNTS, VariantsConfig(**chances))
    changed = 0
    for source in documents[::3]:
        variant = variants(source, Random(source.id))
        check_document(variant, LABELS)
        assert [s.label for s in variant.spans] == [s.label for s in source.spans]
        for old, new in zip(source.spans, variant.spans, strict=True):
            words = variant.text_of(new)
            assert words[0].isalnum() and words[-1].isalnum()
            if old.label == "DENIAL" and kind in ("distractors", "counts"):
                assert words == source.text_of(old)
        assert variant == variants(source, Random(source.id)), "all follows from the generator"
        changed += variant != source
    assert changed > 20


def test_the_checks_swap_in_names_that_training_never_did() -> None:
    def everything(names: Names) -> set[str]:
        pairs = {*names.countries, *names.countries.values()}
        return pairs.union(
            names.modifiers, names.acronyms, names.first_names, names.last_names, names.towns
        )

    assert everything(CHECKS).isdisjoint(everything(TRAINING))
