"""The data in the repository: validation and the tables of its card."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from tabulate import tabulate

from conflict_tagger.corpora import Split, check_no_leak, count_labels
from conflict_tagger.documents import (
    Document,
    InputError,
    LabelSet,
    Span,
    read_jsonl,
)
from conflict_tagger.markdown import fill_tables
from conflict_tagger.open_texts import Standoff

TO_TRAIN = ("train", "wire", "mixed")
REPORTS = (*TO_TRAIN, "validation", "test")
SEED_ARTICLES = "seed_articles"
Rows = list[list[str | int | None]]


def load_bundled(folder: Path, labels: LabelSet) -> dict[str, Split]:
    """The bundled documents with texts: seed articles and the reports' splits, checked.

    Raises:
        InputError: names file, line or document and the fault.
    """
    paths = {name: folder / "reports" / f"{name}.jsonl" for name in REPORTS}
    paths[SEED_ARTICLES] = folder / "seed_articles" / "seed_articles.jsonl"
    splits = {name: Split(name, p, tuple(read_jsonl(p, labels))) for name, p in paths.items()}
    for split in splits.values():
        for document in split.documents:
            _check_edges(document, split.path)
    check_no_leak(splits)
    _check_settings(splits)
    _check_seed_texts(splits[SEED_ARTICLES])
    return splits


def _check_edges(document: Document, path: Path) -> None:
    """The guidelines' third rule: a span starts and ends on a letter or digit."""
    for span in document.spans:
        text = document.text_of(span)
        if not (text[0].isalnum() and text[-1].isalnum()):
            raise InputError(
                f"{path}: document {document.id!r}, span {span.label} {span.start}-{span.end}: "
                f"{text!r} must start and end on a letter or digit"
            )


def _check_settings(splits: dict[str, Split]) -> None:
    """No invented country may stand in two splits, unless both train: its names would be known."""
    seen: dict[str, str] = {}
    for split in splits.values():
        for document in split.documents:
            setting = str(document.meta.get("setting", ""))
            other = seen.setdefault(setting, split.name)
            if (
                "(invented" in setting
                and other != split.name
                and not {other, split.name} <= {*TO_TRAIN}
            ):
                raise InputError(
                    f"{split.path}: document {document.id!r}: setting {setting!r} stands in "
                    f"{other} too"
                )


def _check_seed_texts(split: Split) -> None:
    """Each seed article's text file holds the gold's text, but for newlines around it."""
    for document in split.documents:
        path = split.path.parent / f"{document.id}.txt"
        if not path.exists() or path.read_bytes().decode("utf-8").strip("\n") != document.text:
            raise InputError(f"{path}: missing, or not the text of {document.id!r} in {split.path}")


def counts_rows(
    splits: dict[str, Split], standoff: Standoff, labels: LabelSet
) -> tuple[list[str], Rows]:
    """Headers and rows of documents, words (between spaces) and spans of each part and label."""
    rows: Rows = []
    for name in (SEED_ARTICLES, *REPORTS):
        documents = splits[name].documents
        words = sum(len(document.text.split()) for document in documents)
        part = "seed articles" if name == SEED_ARTICLES else f"reports, {name}"
        rows.append([part, len(documents), words, *count_labels(documents, labels).values()])
    for source, texts in standoff.items():
        shells = [Document(digest, "", spans) for digest, spans in texts]
        counts = count_labels(shells, labels).values()
        rows.append([f"standoff, {source}", len(texts), None, *counts])
    return ["part", "documents", "words", *labels], rows


def repeat_rows(standoff: Standoff) -> tuple[list[str], Rows]:
    """Headers and rows of the texts that stand in a source twice, and whose spans differ."""
    rows: Rows = []
    for source, texts in standoff.items():
        versions: dict[str, list[tuple[Span, ...]]] = {}
        for digest, spans in texts:
            versions.setdefault(digest, []).append(spans)
        repeated = [spans for spans in versions.values() if len(spans) > 1]
        differing = sum(any(other != spans[0] for other in spans) for spans in repeated)
        rows.append([source, len(texts), len(versions), len(repeated), differing])
    return ["source", "lines", "different texts", "texts in two lines",
            "of these with different spans"], rows  # fmt: skip


def mix_rows(splits: dict[str, Split]) -> tuple[list[str], Rows]:
    """Headers and rows of what the reports are: invented or not, with a denial or not, empty."""
    rows: Rows = []
    for name in REPORTS:
        documents = splits[name].documents
        denials = sum(any(s.label == "DENIAL" for s in d.spans) for d in documents)
        invented = sum(d.meta["basis"] == "invented" for d in documents)
        without = sum(not d.spans for d in documents)
        kinds = len({d.meta["kind"] for d in documents})
        rows.append([name, len(documents), invented, len(documents) - invented, kinds,
                     denials, without])  # fmt: skip
    return ["split", "documents", "invented incident", "facts retold", "genres",
            "hold a denial", "hold no span"], rows  # fmt: skip


def genre_rows(documents: Iterable[Document], most: int = 12) -> tuple[list[str], Rows]:
    """Headers and rows of the commonest genres of report and how many documents each has."""
    counts = Counter(str(document.meta["kind"]) for document in documents)
    common = counts.most_common(most)
    others = counts.total() - sum(count for _, count in common)
    rows: Rows = [[kind, count] for kind, count in common]
    rows.append([f"{len(counts) - most} others", others])
    return ["genre", "documents"], rows


def card_with_tables(
    card: str,
    splits: dict[str, Split],
    standoff: Standoff,
    labels: LabelSet,
) -> str:
    """The dataset card with its tables made anew from the data.

    Raises:
        InputError: the card lacks the markers of a table.
    """
    reports = [document for name in REPORTS for document in splits[name].documents]
    tables = {
        "counts": counts_rows(splits, standoff, labels),
        "standoff": repeat_rows(standoff),
        "mix": mix_rows(splits),
        "genres": genre_rows(reports),
    }
    return fill_tables(card, {name: as_markdown(*table) for name, table in tables.items()})


def as_markdown(headers: list[str], rows: Rows) -> str:
    """A table in Markdown with thousands separated."""
    return str(tabulate(rows, headers, tablefmt="github", intfmt=",", missingval="not bundled"))
