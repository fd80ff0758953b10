"""Texts to tag from files, folders or standard input, and tagged texts to JSONL or a terminal."""

from __future__ import annotations

import logging
import sys
import unicodedata
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

from rich.text import Text

from conflict_tagger.documents import (
    Document,
    InputError,
    LabelSet,
    read_jsonl,
    to_json_line,
    to_record,
)

logger = logging.getLogger(__name__)

STANDARD_INPUT = "-"
COLOURS = ("bold white on red", "black on yellow", "black on cyan", "black on magenta",
           "black on green", "white on blue")  # fmt: skip


def read_texts(source: str) -> Iterator[Document]:
    """Stream the documents of a .txt file, a folder of them, a .jsonl file or `-`.

    The first is read at once, so that most bad input is met before a model is loaded. Texts
    keep every character, line ends included. A document is named by its `id`, else by file and
    line; a text file by its name without ending.

    Raises:
        InputError: names the file or line and the fault.
    """
    stream = _stream(source)
    return chain([next(stream)], stream)


def _stream(source: str) -> Iterator[Document]:
    if source == STANDARD_INPUT:
        if sys.stdin.isatty():
            logger.info("reading standard input; end it with Ctrl-D")
        yield Document("stdin", _decode(sys.stdin.buffer.read(), "standard input"))
        return
    path = Path(source).expanduser()
    if path.is_dir():
        yield from _read_folder(path)
    elif path.suffix.lower() == ".jsonl":
        yield from read_jsonl(path, with_spans=False)
    elif path.exists() and path.suffix.lower() != ".txt":
        raise InputError(f"{path}: give a .txt or .jsonl file, a folder of .txt files, or -")
    else:
        yield Document(path.stem, _read(path))


def _read_folder(folder: Path) -> Iterator[Document]:
    texts = sorted(path for path in folder.iterdir() if path.suffix.lower() == ".txt")
    others = sum(1 for path in folder.iterdir() if path.suffix.lower() != ".txt")
    if not texts:
        raise InputError(f"{folder}: holds no .txt files")
    if others:
        logger.warning("%s: %d entries that are no .txt files are left out", folder, others)
    for path in texts:
        yield Document(path.stem, _read(path))


def _read(path: Path) -> str:
    try:
        return _decode(path.read_bytes(), str(path))
    except OSError as error:
        raise InputError(f"{path}: {(error.strerror or str(error)).lower()}") from None


def _decode(raw: bytes, name: str) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{name}: byte {error.start} is not UTF-8; save the text as UTF-8"
        ) from None


def write_tagged(documents: Iterable[Document], source: str, output: str | None) -> None:
    """Write tagged documents as JSONL with each span's text, to a file or standard output.

    Raises:
        InputError: as `write_documents`.
    """
    if output is not None:
        write_documents(documents, source, output, with_text=True)
        return
    for document in documents:
        sys.stdout.buffer.write(_line(document, with_text=True))
        sys.stdout.buffer.flush()


def _line(document: Document, with_text: bool) -> bytes:
    return to_json_line(to_record(document, with_text=with_text)).encode()


def write_documents(
    documents: Iterable[Document], source: str, output: str, with_text: bool = False
) -> None:
    """Write documents as JSONL, with each span's text if asked for.

    The file appears under its name only when it is whole; until then it is `<output>.partial`.

    Raises:
        InputError: the file cannot be written, or is the one the texts are read from.
    """
    path = Path(output)
    if source != STANDARD_INPUT and path.resolve() == Path(source).expanduser().resolve():
        raise InputError(f"output: {output} is the input; give another file")
    partial = path.with_name(path.name + ".partial")
    try:
        with partial.open("wb") as file:
            file.writelines(_line(document, with_text) for document in documents)
        partial.replace(path)
    except OSError as error:
        raise InputError(f"output: cannot write {output}: {error.strerror}") from None


def coloured(document: Document, labels: LabelSet) -> Text:
    """A document's text with its spans coloured and named, safe to print on a terminal."""
    colours = {label: COLOURS[i % len(COLOURS)] for i, label in enumerate(labels)}
    result = Text()
    result.append(f"{_printable(document.id)}\n", style="bold underline")
    position = 0
    for span in document.spans:
        result.append(_printable(document.text[position : span.start]))
        style = colours[span.label]
        result.append(_printable(document.text_of(span)), style=style)
        score = "" if span.score is None else f" {span.score:.2f}"
        value = "" if span.value is None else f" {span.value}"
        result.append(f"[{span.label}{value}{score}]", style="dim")
        position = span.end
    result.append(_printable(document.text[position:]))
    return result


def _printable(text: str) -> str:
    """Control characters and lone surrogates as U+FFFD: a text must not steer the terminal."""
    return "".join(
        "\ufffd" if unicodedata.category(c) in ("Cc", "Cs") and c not in "\n\t" else c
        for c in text.replace("\r\n", "\n")
    )
