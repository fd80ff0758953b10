"""Open third-party texts: where they are, how each source holds them, and our spans over them."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import logging
import re
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from conflict_tagger.documents import (
    Document,
    InputError,
    LabelSet,
    Span,
    check_document,
    check_spans,
    first_line,
    parse_spans,
    read_records,
)

if TYPE_CHECKING:
    from conflict_tagger.config import DataConfig, OpenSourceConfig

logger = logging.getLogger(__name__)

OPEN_VALIDATION, OPEN_TEST = "open_validation", "open_test"
TENTHS = {0: OPEN_VALIDATION, 1: OPEN_TEST}  # of the texts by hash; the others train
SHA256 = re.compile(r"[0-9a-f]{64}")
Standoff = dict[str, list[tuple[str, tuple[Span, ...]]]]
SPACES = re.compile("[ \t\u00a0]+")


def load_standoff(folder: Path, labels: LabelSet) -> Standoff:
    """The lines of each standoff source, hash of the text and spans; the texts are elsewhere.

    Raises:
        InputError: names file and line and the fault.
    """
    sources: Standoff = {}
    for path in sorted(folder.glob("*.jsonl")):
        for number, record in read_records(path):
            here = f"{path}, line {number}"
            digest = record.get("sha256")
            if not isinstance(digest, str) or not SHA256.fullmatch(digest):
                raise InputError(f"{here}: 'sha256' must be 64 hexadecimal digits")
            try:
                spans = parse_spans(record.get("spans"))
                check_spans(digest[:12], spans, None, labels)
            except InputError as error:
                raise InputError(f"{here}: {error}") from None
            sources.setdefault(path.stem, []).append((digest, spans))
    if not sources:
        raise InputError(f"{folder}: holds no .jsonl files")
    return sources


def squeezed(text: str) -> str:
    """A text without carriage returns, runs of spaces and space around it."""
    return SPACES.sub(" ", text.replace("\r", "")).strip()


def _rows(content: str, delimiter: str) -> Iterator[list[str]]:
    csv.field_size_limit(sys.maxsize)  # articles are longer than its 128 kB
    return csv.reader(io.StringIO(content, newline=""), delimiter=delimiter)


def _fa_kes(content: str) -> Iterator[str]:
    rows = _rows(content, ",")
    names = next(rows, [])
    title, body = names.index("article_title"), names.index("article_content")
    for row in rows:
        yield squeezed(f"{row[title]}\n\n{row[body]}")


def _re3d(content: str) -> Iterator[str]:
    for record in _records(content):
        yield squeezed(record["text"])


def _satp(content: str) -> Iterator[str]:
    for row in _rows(content, "\t"):
        yield squeezed(row[0])


def _muc4(content: str) -> Iterator[str]:
    for record in _records(content):
        yield record["doctext"]


def _plain(name: str, content: str) -> Iterator[str]:
    """JSONL with `text`, and `source` where it holds several, or the first column of a TSV."""
    if content.startswith("{"):
        for record in _records(content):
            if record.get("source", name) == name:
                yield record["text"]
    else:
        yield from (row[0] for row in _rows(content, "\t") if row)


def _records(content: str) -> Iterator[dict[str, str]]:
    for line in content.split("\n"):  # a text may hold other ends of lines
        if line.strip():
            yield json.loads(line)


READERS: dict[str, Callable[[str], Iterator[str]]] = {
    "fa_kes": _fa_kes,
    "re3d": _re3d,
    "satp": _satp,
    "muc4": _muc4,
}  # the others are plain


def read_texts(name: str, files: list[Path]) -> Iterator[str]:
    """The texts of a source, as those who annotated them read them.

    Raises:
        InputError: a file is not what the source publishes.
    """
    for path in files:
        raw = path.read_bytes()
        try:
            content = raw.decode("utf-8")
        except UnicodeDecodeError:
            content = raw.decode("latin-1")  # as the public file of FA-KES is
        try:
            yield from READERS.get(name, partial(_plain, name))(content)
        except (ValueError, KeyError, IndexError, TypeError, csv.Error) as error:
            raise InputError(f"{path}: is no file of {name}: {error!r}; fetch it anew") from None


def load_open_documents(config: DataConfig, labels: LabelSet) -> dict[str, list[Document]]:
    """Our spans over the open texts as documents, by source; what cannot be had is named.

    A text that stands in a source twice is taken once, with the spans of its first line.

    Raises:
        InputError: a line of `config.standoff` or a source's file is damaged, or no source at all
            can be had.
    """
    if config.standoff is None:
        return {}
    check_folder(config.open_texts)
    found: dict[str, list[Document]] = {}
    for name, lines in load_standoff(Path(config.standoff), labels).items():
        source = config.open_sources.get(name)
        try:
            if source is None:
                raise InputError(f"data.open_sources: says nothing of {name}; add it")
            files = source_files(name, source, config.open_texts)
        except InputError as error:
            logger.warning("%s; training goes on without this source", error)
            continue
        texts = {_sha256(text): text for text in read_texts(name, files)}
        spans_of = dict(reversed(lines))  # the first line of a text wins
        documents = [
            Document(
                f"{name}:{digest[:12]}", texts[digest], spans, {"source": name, "sha256": digest}
            )
            for digest, spans in sorted(spans_of.items())
            if digest in texts
        ]
        for document in documents:
            check_document(document, labels)
        if len(documents) < len(spans_of):
            logger.warning(
                "data.open_texts: %d of the %d annotated texts of %s are not among its %d texts; "
                "training goes on without them", len(spans_of) - len(documents), len(spans_of),
                name, len(texts),
            )  # fmt: skip
        found[name] = documents
    if not any(found.values()):
        raise InputError(
            "data.open_texts: none of the open texts can be had; name a folder that holds them, "
            "or use data=reports"
        )
    return found


def unlabelled_documents(config: DataConfig, labels: LabelSet, words: int) -> list[Document]:
    """Texts of the open sources that nobody annotated, about `words` words of each source.

    Which texts of a source come first follows from their hashes. Those that can be tagged by a
    strong model may then teach a small one.

    Raises:
        InputError: `words` is no number of words, a file is damaged, or no source can be had.
    """
    if words < 1:
        raise InputError("words: must be 1 or more")
    if config.standoff is None:
        raise InputError(f"data: {config.name} has no open texts; use data=reports_open")
    check_folder(config.open_texts)
    standoff = load_standoff(Path(config.standoff), labels)
    taken = {digest for lines in standoff.values() for digest, _ in lines}
    documents = []
    for name, source in config.open_sources.items():
        try:
            files = source_files(name, source, config.open_texts)
        except InputError as error:
            logger.warning("%s; its texts are left out", error)
            continue
        left = words
        for digest, text in sorted(
            {_sha256(text): text for text in read_texts(name, files)}.items()
        ):
            if left > 0 and digest not in taken and text.strip():
                documents.append(
                    Document(f"{name}:{digest[:12]}", text, (), {"source": name, "sha256": digest})
                )
                left -= len(text.split())
                taken.add(digest)
    if not documents:
        raise InputError("data.open_texts: there are no open texts without spans of ours")
    return documents


def check_folder(folder: str | None) -> None:
    """Refuse a folder of open texts that is none.

    Raises:
        InputError: there is no such folder.
    """
    if folder is not None and not Path(folder).expanduser().is_dir():
        raise InputError(f"data.open_texts: {folder} is no folder")


def source_files(name: str, source: OpenSourceConfig, folder: str | None) -> list[Path]:
    """The files of a source: in a folder, or fetched from their public address and kept.

    Raises:
        InputError: says which cannot be had, and what to do.
    """
    if folder is None:
        return _fetched(name, source.public)
    files = []
    for pattern in source.local:
        matches = sorted(Path(folder).expanduser().glob(pattern))
        if not matches:
            raise InputError(
                f"data.open_texts: {folder} holds no {pattern}, the texts of {name}; put them "
                "there, or leave data.open_texts out to fetch them"
            )
        files += matches
    return files


def _fetched(name: str, addresses: list[str]) -> list[Path]:
    from datasets import DownloadConfig, DownloadManager

    # What has been fetched once is taken as it is: the addresses name fixed versions.
    config = DownloadConfig(use_etag=False, max_retries=3, disable_tqdm=True)
    try:
        return [Path(path) for path in DownloadManager(download_config=config).download(addresses)]
    except (OSError, ValueError) as error:
        raise InputError(
            f"data.open_texts: the texts of {name} cannot be fetched ({first_line(error)}); check "
            "the network, or name a folder that holds them"
        ) from None


def split_by_hash(documents: list[Document]) -> dict[str, list[Document]]:
    """A tenth of the open documents for validation, a tenth for testing, the others to train on.

    By the text's hash, so that a text stays where it is when others come or go.
    """
    parts: dict[str, list[Document]] = {"train": [], OPEN_VALIDATION: [], OPEN_TEST: []}
    for document in documents:
        tenth = int(str(document.meta["sha256"])[:8], 16) % 10
        parts[TENTHS.get(tenth, "train")].append(document)
    return parts


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()
