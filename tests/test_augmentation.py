"""Replaced mentions and joined documents: labels stay right, all follows from the seed."""

from random import Random

import pytest
from conftest import LABELS
from hypothesis import given
from hypothesis import strategies as st

from conflict_tagger.augmentation import MentionReplacer, apply_edits, join_documents
from conflict_tagger.corpora import Split
from conflict_tagger.documents import Document, Span, check_document

MENTIONS = ("PERPETRATOR", "VICTIM", "COUNT")


def document(marked: str, name: str = "d") -> Document:
    """A document from text with marks such as `[PERPETRATOR army]`."""
    text, spans = "", []
    for index, piece in enumerate(marked.replace("]", "[").split("[")):
        label, _, words = piece.partition(" ")
        if index % 2:
            spans.append(Span(label, len(text), len(text) + len(words)))
        text += words if index % 2 else piece
    return Document(name, text, tuple(spans))


def marked(document: Document) -> str:
    """The other way round."""
    text, end = "", 0
    for span in document.spans:
        text += f"{document.text[end : span.start]}[{span.label} {document.text_of(span)}]"
        end = span.end
    return text + document.text[end:]


def test_a_name_changes_wherever_it_stands_as_a_word() -> None:
    source = document(
        "[PERPETRATOR Norland] hit a school. Norland [DENIAL denied that Norland had planes]. "
        "Norlanders wept; “Norland”, they said."
    )
    other = document("[PERPETRATOR Oresia] fired.")
    replacer = MentionReplacer([other], MENTIONS, 1.0)
    assert marked(replacer(source, Random(0))) == (
        "[PERPETRATOR Oresia] hit a school. Oresia [DENIAL denied that Oresia had planes]. "
        "Norlanders wept; “Oresia”, they said."
    )


def test_common_nouns_change_only_where_they_are_marked() -> None:
    source = document(
        "The [PERPETRATOR army] fired. The army was praised. The [PERPETRATOR army] won."
    )
    replacer = MentionReplacer([document("A [PERPETRATOR militia] fired.")], MENTIONS, 1.0)
    assert marked(replacer(source, Random(0))) == (
        "The [PERPETRATOR militia] fired. The army was praised. The [PERPETRATOR militia] won."
    )


def test_a_name_inside_another_mention_is_left_to_that_mention() -> None:
    source = document("[PERPETRATOR Norland] and [PERPETRATOR Norland's Defence Ministry] lied.")
    pool = document("[PERPETRATOR Oresia] and [PERPETRATOR Oresia's First Brigade] fired.")
    replacer = MentionReplacer([pool], MENTIONS, 1.0)
    changed = replacer(source, Random(0))
    assert [changed.text_of(span) for span in changed.spans] == [
        "Oresia", "Oresia's First Brigade",
    ]  # fmt: skip


def test_only_mentions_of_like_form_are_exchanged() -> None:
    pool = document("[VICTIM boys], [VICTIM Rami Saleh], [VICTIM girl], [COUNT 12], [COUNT twelve]")
    replacer = MentionReplacer([pool], MENTIONS, 1.0)
    source = document(
        "[COUNT 7] [VICTIM villagers] and [COUNT one] [VICTIM boy], [VICTIM Omar Dib]"
    )
    assert marked(replacer(source, Random(0))) == (
        "[COUNT 12] [VICTIM boys] and [COUNT twelve] [VICTIM girl], [VICTIM Rami Saleh]"
    )


def test_a_mention_without_a_like_stays() -> None:
    source = document("[VICTIM Rami Saleh] and [COUNT 7] others")
    assert MentionReplacer([document("[COUNT 7]")], MENTIONS, 1.0)(source, Random(0)) == source


@pytest.mark.parametrize("probability", [0.0, 0.5, 1.0])
def test_all_training_documents_stay_sound(bundled: dict[str, Split], probability: float) -> None:
    documents = bundled["train"].documents
    replacer = MentionReplacer(documents, MENTIONS, probability)
    pool = {(s.label, d.text_of(s)) for d in documents for s in d.spans}
    changed = total = 0
    for source in documents:
        variant = replacer(source, Random(source.id))
        check_document(variant, LABELS)
        assert [span.label for span in variant.spans] == [span.label for span in source.spans]
        assert variant.id == source.id and variant.meta == source.meta
        for old, new in zip(source.spans, variant.spans, strict=True):
            if old.label != "DENIAL":
                assert (new.label, variant.text_of(new)) in pool
                changed += source.text_of(old) != variant.text_of(new)
                total += 1
    # A mention may be drawn to stand for itself, so somewhat less than the chance.
    assert probability * 0.8 <= changed / total <= probability * 1.1


def test_variants_follow_from_the_random_state_alone(bundled: dict[str, Split]) -> None:
    documents = bundled["train"].documents[:20]
    replacer = MentionReplacer(documents, MENTIONS, 0.5)
    first, second, other = (
        [replacer(d, Random(seed)) for d in documents] for seed in ("0", "0", "1")
    )
    assert first == second != other


@pytest.mark.parametrize("probability", [0.0, 0.3, 0.9])
def test_joined_documents_lose_nothing(bundled: dict[str, Split], probability: float) -> None:
    documents = bundled["train"].documents
    texts = join_documents(documents, probability, Random(0))
    assert len(texts) == pytest.approx(1 + (len(documents) - 1) * (1 - probability), rel=0.15)
    for text in texts:
        check_document(text, LABELS)
    alone = {d.id: d for d in documents}
    names = [name for text in texts for name in text.id.split("+")]
    assert sorted(names) == sorted(alone) and names != list(alone), "each once, in another order"
    for text in texts:
        group = [alone[name] for name in text.id.split("+")]
        assert marked(text) == "\n\n".join(marked(document) for document in group)
    again, other = (join_documents(documents, probability, Random(seed)) for seed in (0, 1))
    assert again == texts != other


@given(st.text(max_size=12), st.text(max_size=12), st.text(max_size=12), st.text(max_size=12))
def test_edits_leave_all_other_text_to_its_span(
    before: str, inner: str, new: str, after: str
) -> None:
    text = f"{before}<{inner}>{after}"
    start, end = len(before), len(before) + len(inner) + 2
    source = Document("d", text, (Span("VICTIM", start, end),))
    edits = [(0, len(before), new), (start + 1, end - 1, new), (end, len(text), "")]
    edited = apply_edits(source, edits)
    assert edited.text == f"{new}<{new}>"
    assert edited.text_of(edited.spans[0]) == f"<{new}>"
