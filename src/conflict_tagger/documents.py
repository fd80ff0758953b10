"""Documents and their labelled spans in character offsets: validation, JSONL, datasets."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import datasets

    from conflict_tagger.count_values import CountValue

DOCUMENT_KEYS = ("id", "text", "spans")
SPAN_KEYS = ("label", "start", "end")


class InputError(ValueError):
    """A user's mistake, told in one line that names the file, line or key and what to do."""


def first_line(error: BaseException) -> str:
    """What an error of a library says in one line, for an InputError to quote."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


@dataclass(frozen=True, slots=True)
class Span:
    """A labelled stretch of a text.

    Attributes:
        label: name of the label.
        start: index of the first character (a Unicode code point, as Python counts).
        end: index after the last character.
        score: confidence between 0 and 1, None for gold spans; ignored when spans are compared.
        value: what a predicted count says in numbers, where it does; ignored likewise.
    """

    label: str
    start: int
    end: int
    score: float | None = field(default=None, compare=False)
    value: CountValue | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class LabelSet:
    """The names of the labels in use, in their order; they are data, not code.

    Raises:
        InputError: no label, an empty or repeated name, or a name no BIO tag can be made of.
    """

    names: tuple[str, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", tuple(self.names))
        if not self.names:
            raise InputError("labels: the label set is empty; name at least one label")
        for name in self.names:
            if not isinstance(name, str) or not name or name != name.strip():
                raise InputError(f"labels: {name!r} is no label name; use a word like VICTIM")
        if len(set(self.names)) < len(self.names):
            raise InputError(f"labels: a label stands twice in {', '.join(self.names)}")

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)

    def __contains__(self, name: object) -> bool:
        return name in self.names


@dataclass(frozen=True, slots=True)
class Document:
    """A text, its spans sorted by offset, and whatever else its record said.

    Attributes:
        id: name of the document, unique in its file.
        text: the text as it came, untouched; all offsets count its characters.
        spans: flat spans (none overlaps another), sorted by start.
        meta: further fields of the record, kept as they are.
    """

    id: str
    text: str
    spans: tuple[Span, ...] = ()
    meta: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        ordered = tuple(sorted(self.spans, key=lambda span: (span.start, span.end, span.label)))
        object.__setattr__(self, "spans", ordered)

    def with_spans(self, spans: Iterable[Span]) -> Document:
        """The same text with other spans."""
        return replace(self, spans=tuple(spans))

    def text_of(self, span: Span) -> str:
        """The characters that a span covers."""
        return self.text[span.start : span.end]


def check_document(document: Document, labels: LabelSet | None = None) -> None:
    """Check that a document's spans lie in its text, do not overlap and carry known labels.

    Raises:
        InputError: names the document, the span and the fault.
    """
    check_spans(document.id, document.spans, len(document.text), labels)


def check_spans(
    name: str, spans: Sequence[Span], length: int | None, labels: LabelSet | None
) -> None:
    """Check sorted spans against each other, the text's length in characters and the labels.

    Raises:
        InputError: names the document, the span and the fault.
    """
    previous: Span | None = None
    for span in spans:
        here = f"document {name!r}, span {span.label} {span.start}-{span.end}"
        if span.start < 0 or span.end <= span.start:
            raise InputError(f"{here}: start must be 0 or more and end must lie after start")
        if length is not None and span.end > length:
            raise InputError(f"{here}: ends after the text, which has {length} characters")
        if labels is not None and span.label not in labels:
            raise InputError(f"{here}: unknown label; the labels are {', '.join(labels)}")
        if previous is not None and span.start < previous.end:
            raise InputError(
                f"{here}: overlaps {previous.label} {previous.start}-{previous.end}; spans are flat"
            )
        previous = span


def parse_span(value: Any, where: str) -> Span:
    """Read a span from a JSON object with `label`, `start`, `end` and perhaps `score`.

    Raises:
        InputError: `where`, the key and the fault.
    """
    if not isinstance(value, dict):
        raise InputError(f"{where} is no object with label, start and end")
    for key in SPAN_KEYS:
        if key not in value:
            raise InputError(f"{where} lacks {key!r}")
    if not isinstance(value["label"], str):
        raise InputError(f"{where}: label must be a string, not {value['label']!r}")
    for key in ("start", "end"):
        if type(value[key]) is not int:
            raise InputError(f"{where}: {key} must be a whole number, not {value[key]!r}")
    score = value.get("score")
    if score is not None and (
        isinstance(score, bool) or not isinstance(score, int | float) or not math.isfinite(score)
    ):
        raise InputError(f"{where}: score must be a number, not {score!r}")
    return Span(value["label"], value["start"], value["end"], score)


def parse_spans(value: Any) -> tuple[Span, ...]:
    """Read a JSON array of spans, sorted by offset.

    Raises:
        InputError: names the faulty span by its place in the array.
    """
    if not isinstance(value, list):
        raise InputError(f"'spans' must be a list, not {type(value).__name__}")
    spans = [parse_span(item, f"span {index}") for index, item in enumerate(value)]
    return tuple(sorted(spans, key=lambda span: (span.start, span.end, span.label)))


def parse_document(
    record: dict[str, Any], labels: LabelSet | None = None, default_id: str = ""
) -> Document:
    """Read a document from a JSON object with `text` and perhaps `id`, `spans` and more.

    Raises:
        InputError: names the key or span and the fault.
    """
    if "text" not in record:
        raise InputError("lacks 'text'")
    if not isinstance(record["text"], str):
        raise InputError(f"'text' must be a string, not {type(record['text']).__name__}")
    identifier = record.get("id", default_id)
    if isinstance(identifier, bool) or not isinstance(identifier, str | int):
        raise InputError(f"'id' must be a string, not {type(identifier).__name__}")
    meta = {key: value for key, value in record.items() if key not in DOCUMENT_KEYS}
    spans = parse_spans(record.get("spans", []))
    document = Document(str(identifier), record["text"], spans, meta)
    check_document(document, labels)
    return document


def to_record(document: Document, with_text: bool = False) -> dict[str, Any]:
    """The JSON object of a document; `with_text` adds each span's characters as `text`."""
    spans = []
    for span in document.spans:
        record: dict[str, Any] = {"label": span.label, "start": span.start, "end": span.end}
        if with_text:
            record["text"] = document.text_of(span)
        if span.score is not None:
            record["score"] = span.score
        if span.value is not None:
            record["value"] = span.value.to_record()
        spans.append(record)
    return {"id": document.id, "text": document.text, "spans": spans, **document.meta}


def to_json_line(record: dict[str, Any]) -> str:
    """One line of JSONL, readable where UTF-8 can say it and escaped where it cannot.

    Raises:
        InputError: two surrogates that JSON would read back as one character, moving offsets.
    """
    line = json.dumps(record, ensure_ascii=False)
    try:
        line.encode("utf-8")
    except UnicodeEncodeError:  # a lone surrogate exists in JSON only as an escape
        line = json.dumps(record)
        if json.loads(line) != record:
            raise InputError(
                f"document {record.get('id')!r}: holds two surrogates in a row, which JSON reads "
                "back as one character; replace them"
            ) from None
    return line + "\n"


def read_records(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Stream the JSON objects of a JSONL file with their line numbers, from 1.

    Raises:
        InputError: file, line and fault; a missing file; a last line that was cut off.
    """
    try:
        with path.open("rb") as lines:
            for number, raw in enumerate(lines, start=1):
                where = f"{path}, line {number}"
                if number == 1:
                    raw = raw.removeprefix(b"\xef\xbb\xbf")
                if not raw.strip():
                    continue
                try:
                    record = json.loads(raw.decode("utf-8"))
                except UnicodeDecodeError as error:
                    raise InputError(
                        f"{where}: byte {error.start} is not UTF-8; save the file as UTF-8"
                    ) from None
                except (json.JSONDecodeError, RecursionError) as error:
                    fault = getattr(error, "msg", "nested too deeply")
                    if not raw.endswith(b"\n"):
                        fault = "cut off (no closing newline); the file seems incomplete"
                    raise InputError(f"{where}: not JSON: {fault}") from None
                if not isinstance(record, dict):
                    raise InputError(f"{where}: must be a JSON object with 'text'")
                yield number, record
    except OSError as error:
        raise InputError(f"{path}: {(error.strerror or str(error)).lower()}") from None


def read_jsonl(
    path: str | Path, labels: LabelSet | None = None, with_spans: bool = True
) -> Iterator[Document]:
    """Stream the documents of a JSONL file; one without `id` is named after file and line.

    Args:
        path: the file, one JSON object a line.
        labels: the labels that spans may have; None allows any.
        with_spans: False leaves `spans` unread, for texts that are about to get new ones.

    Raises:
        InputError: file, line and fault, a repeated id, or a file that holds no document.
    """
    path = Path(path)
    seen: dict[str, int] = {}
    for number, record in read_records(path):
        if not with_spans:
            record.pop("spans", None)
        try:
            document = parse_document(record, labels, default_id=f"{path.stem}:{number}")
        except InputError as error:
            raise InputError(f"{path}, line {number}: {error}") from None
        if document.id in seen:
            raise InputError(
                f"{path}, line {number}: id {document.id!r} stands in line {seen[document.id]} too"
            )
        seen[document.id] = number
        yield document
    if not seen:
        raise InputError(f"{path}: holds no documents; expected one JSON object a line")


def write_jsonl(path: str | Path, documents: Iterable[Document], with_text: bool = False) -> None:
    """Write documents as UTF-8 JSONL, a line each."""
    with Path(path).open("w", encoding="utf-8", newline="\n") as lines:
        for document in documents:
            lines.write(to_json_line(to_record(document, with_text)))


def document_features() -> datasets.Features:
    """The declared `Features` of a `datasets.Dataset` of documents; meta is JSON text."""
    from datasets import Features, List, Value

    span = {
        "label": Value("string"),
        "start": Value("int64"),
        "end": Value("int64"),
        "score": Value("float64"),
    }
    columns = {"id": Value("string"), "text": Value("string"), "spans": List(span)}
    return Features({**columns, "meta": Value("string")})


def to_dataset(documents: Iterable[Document]) -> datasets.Dataset:
    """Documents as a `datasets.Dataset` with the features of `document_features`.

    Raises:
        InputError: a text with a lone surrogate, which Arrow's UTF-8 cannot hold.
    """
    from datasets import Dataset

    columns: dict[str, list[Any]] = {"id": [], "text": [], "spans": [], "meta": []}
    for document in documents:
        try:
            (document.id + document.text).encode("utf-8")
        except UnicodeEncodeError as error:
            raise InputError(
                f"document {document.id!r}: character {error.start} is a lone surrogate, "
                "which a dataset cannot hold; replace it"
            ) from None
        columns["id"].append(document.id)
        columns["text"].append(document.text)
        columns["spans"].append(
            [
                {"label": s.label, "start": s.start, "end": s.end, "score": s.score}
                for s in document.spans
            ]
        )
        columns["meta"].append(json.dumps(document.meta))
    return Dataset.from_dict(columns, features=document_features())


def from_dataset(dataset: datasets.Dataset, labels: LabelSet | None = None) -> list[Document]:
    """The documents of a dataset made by `to_dataset`.

    Raises:
        InputError: names the row or document and the fault.
    """
    documents = []
    for index, row in enumerate(dataset):
        meta = json.loads(row.get("meta") or "{}")
        record = {key: value for key, value in row.items() if key != "meta"} | meta
        try:
            documents.append(parse_document(record, labels, default_id=str(index)))
        except InputError as error:
            raise InputError(f"row {index}: {error}") from None
    return documents
