"""Documents: validation, JSONL in and out, datasets."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conflict_tagger.documents import (
    Document,
    InputError,
    LabelSet,
    Span,
    check_document,
    document_features,
    from_dataset,
    read_jsonl,
    to_dataset,
    write_jsonl,
)

LABELS = LabelSet(("A", "B"))


@pytest.mark.parametrize(
    ("spans", "fault"),
    [
        ([Span("A", 3, 3)], "'d'.*A 3-3.*end must lie after start"),
        ([Span("A", -1, 3)], "'d'.*A -1-3.*start must be 0 or more"),
        ([Span("A", 3, 99)], "'d'.*A 3-99.*ends after the text, which has 5 characters"),
        ([Span("C", 0, 1)], "'d'.*C 0-1.*unknown label; the labels are A, B"),
        ([Span("A", 0, 3), Span("B", 2, 4)], "'d'.*B 2-4.*overlaps A 0-3"),
    ],
)
def test_bad_spans_are_named(spans: list[Span], fault: str) -> None:
    with pytest.raises(InputError, match=fault):
        check_document(Document("d", "abcde", tuple(spans)), LABELS)


def test_spans_are_sorted_and_scores_do_not_count_in_comparisons() -> None:
    document = Document("d", "abcde", (Span("B", 3, 4, 0.5), Span("A", 0, 1)))
    assert document.spans == (Span("A", 0, 1), Span("B", 3, 4))
    assert document.text_of(document.spans[1]) == "d"


@pytest.mark.parametrize("names", [(), ("A", "A"), ("",), (" A",)])
def test_bad_label_sets_are_refused(names: tuple[str, ...]) -> None:
    with pytest.raises(InputError, match="labels"):
        LabelSet(names)


GOOD = b'{"id": "1", "text": "abc", "spans": []}\n'


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", "holds no documents"),
        (b"\n\n", "holds no documents"),
        (GOOD + b"{nonsense}\n", "line 2: not JSON"),
        (GOOD + b'{"id": "2", "text": "ab', "line 2: not JSON: cut off"),
        (GOOD + b"[1]\n", "line 2: must be a JSON object"),
        (GOOD + b'{"id": "2"}\n', "line 2: lacks 'text'"),
        (GOOD + b'{"id": "2", "text": 5}\n', "line 2: 'text' must be a string, not int"),
        (GOOD + b'{"id": [], "text": ""}\n', "line 2: 'id' must be a string"),
        (GOOD + b'{"id": "1", "text": ""}\n', "line 2: id '1' stands in line 1 too"),
        (GOOD + b'{"text": "a", "spans": 3}\n', "line 2: 'spans' must be a list"),
        (GOOD + b'{"text": "a", "spans": [3]}\n', "line 2: span 0 is no object"),
        (b'{"text": "a", "spans": [{"label": "A", "start": 0}]}\n', "line 1: span 0 lacks 'end'"),
        (
            b'{"text": "a", "spans": [{"label": "A", "start": 0, "end": 1.0}]}\n',
            "line 1: span 0: end must be a whole number",
        ),
        (
            b'{"text": "a", "spans": [{"label": "A", "start": true, "end": 1}]}\n',
            "line 1: span 0: start must be a whole number",
        ),
        (
            b'{"text": "a", "spans": [{"label": "X", "start": 0, "end": 1}]}\n',
            "line 1: .*unknown label",
        ),
        (b'{"text": "a", "spans": [{"label": 1, "start": 0, "end": 1}]}\n', "label must be a str"),
        (GOOD + '{"text": "é"}'.encode("latin-1"), "line 2: byte 10 is not UTF-8"),
        (b"[" * 100_000 + b"\n", "line 1: not JSON: nested too deeply"),
    ],
)
def test_bad_jsonl_names_file_line_and_reason(tmp_path: Path, content: bytes, fault: str) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_bytes(content)
    with pytest.raises(InputError, match=fault) as error:
        list(read_jsonl(path, LABELS))
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.jsonl: no such file"):
        list(read_jsonl(tmp_path / "none.jsonl"))


def test_reading_streams(tmp_path: Path) -> None:
    path = tmp_path / "half.jsonl"
    path.write_bytes(GOOD + b"{broken")
    documents = read_jsonl(path)
    assert next(documents).id == "1"  # the good line comes before the bad one is met
    with pytest.raises(InputError):
        next(documents)


def test_last_line_without_newline_and_byte_order_mark_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"text": "a"}\r\n{"text": "b"}')
    documents = list(read_jsonl(path))
    assert [(d.id, d.text) for d in documents] == [("a:1", "a"), ("a:2", "b")]


def test_spans_can_be_left_unread(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "a", "spans": null, "kind": "wire"}\n')
    (document,) = read_jsonl(path, with_spans=False)
    assert (document.spans, document.meta) == ((), {"kind": "wire"})


def test_surrogates_that_would_merge_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="'1': holds two surrogates in a row"):
        write_jsonl(tmp_path / "a.jsonl", [Document("1", "a\ud83d\ude00b")])


PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")
# Lone surrogates and control characters too.
any_text = st.text(st.characters(), max_size=40).filter(lambda text: not PAIR.search(text))


@st.composite
def documents(draw: st.DrawFn) -> Document:
    text = draw(any_text)
    cuts = sorted(draw(st.sets(st.integers(0, len(text)), max_size=6)))
    pairs = zip(cuts[::2], cuts[1::2], strict=False)
    spans = tuple(Span(draw(st.sampled_from(["A", "B"])), s, e) for s, e in pairs)
    meta = draw(st.dictionaries(st.sampled_from(["kind", "meta", "x"]), st.integers(), max_size=2))
    return Document(draw(any_text), text, spans, meta)


@given(st.lists(documents(), min_size=1, max_size=4, unique_by=lambda d: d.id))
def test_jsonl_round_trip_keeps_everything(
    tmp_path_factory: pytest.TempPathFactory, originals: list[Document]
) -> None:
    path = tmp_path_factory.mktemp("jsonl") / "documents.jsonl"
    write_jsonl(path, originals)
    assert list(read_jsonl(path, LABELS)) == originals
    for line in path.read_bytes().splitlines():
        json.loads(line)


def test_dataset_round_trip_has_declared_features() -> None:
    originals = [
        Document("1", "abc é 😀", (Span("A", 0, 3, 0.5),), {"kind": "wire", "meta": {"a": [1]}}),
        Document("2", ""),
    ]
    dataset = to_dataset(originals)
    assert dataset.features == document_features()
    again = from_dataset(dataset, LABELS)
    assert again == originals
    assert again[0].spans[0].score == 0.5


def test_dataset_refuses_what_it_cannot_hold() -> None:
    with pytest.raises(InputError, match="'1': character .* lone surrogate"):
        to_dataset([Document("1", "a\ud800b")])
    with pytest.raises(InputError, match="row 0: .*unknown label"):
        from_dataset(to_dataset([Document("1", "a", (Span("X", 0, 1),))]), LABELS)
