"""A comparison of runs on a terminal, as CSV and as a page."""

from __future__ import annotations

import csv
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined, select_autoescape
from rich.table import Table

from conflict_tagger.documents import InputError
from conflict_tagger.scoring.counts import MATCHES
from conflict_tagger.tables import print_table

NOTE = (
    "difference: F1 less that of the first run, with its 95% interval over bootstrap samples "
    "of {unit};\np: two-sided, by paired bootstrap and by approximate randomisation, not corrected "
    "for how many runs are compared"
)
COLUMNS = ("run", "model", "seed", *MATCHES, "interval_low", "interval_high", "difference",
           "difference_low", "difference_high", "bootstrap_p", "randomisation_p")  # fmt: skip


def print_comparison(result: dict[str, Any]) -> None:
    """Print runs, labels and documents in three tables."""
    for table in (_runs_table(result), _labels_table(result), _documents_table(result)):
        print_table(table)


def _runs_table(result: dict[str, Any]) -> Table:
    table = Table(
        title=f"Micro F1 on {result['split']}: {result['documents_compared']} documents, "
        f"{result['spans']:,} spans",
        caption=NOTE.format(unit=result["resampled"]),
    )
    headings = ("run", *[match.replace("_", " ") for match in MATCHES], "interval", "difference",
                "p, boot-\nstrap", "p, random-\nisation")  # fmt: skip
    for heading in headings:
        left = heading == "run"
        kept = left or heading == "interval"
        table.add_column(heading, justify="left" if left else "right", no_wrap=kept)
    for number, row in enumerate(result["runs"], start=1):
        scores = [f"{row[match]:.3f}" for match in MATCHES]
        table.add_row(
            f"{number}. {Path(row['run']).name}\n{row['model']}, seed {row['seed']}",
            *scores,
            _interval(row["interval"]),
            *_against_best(row),
        )
    return table


def _against_best(row: dict[str, Any]) -> list[str]:
    if "difference" not in row:
        return ["best", "", ""]
    low, high = row["difference_interval"]
    return [
        f"{row['difference']:+.3f}\n{low:+.3f} to {high:+.3f}",
        f"{row['bootstrap_p']:.4f}",
        f"{row['randomisation_p']:.4f}",
    ]


def _labels_table(result: dict[str, Any]) -> Table:
    table = _table_by_run(result, "label", f"{result['match'].replace('_', ' ')} F1 by label")
    table.caption = "in brackets: p against the first run, by approximate randomisation"
    for row in result["labels"]:
        cells = []
        for run, f1 in row["f1"].items():
            p = row["randomisation_p"].get(run)
            cells.append(f"{f1:.3f}" + ("" if p is None else f" ({p:.3f})"))
        table.add_row(row["label"], f"{row['spans']:,}", *cells)
    return table


def _documents_table(result: dict[str, Any]) -> Table:
    table = _table_by_run(result, "document", "Documents that make the difference")
    table.caption = "mistakes of each run: spans that are wrong and spans that are missed"
    for row in result["documents"]:
        table.add_row(row["document"], str(row["spans"]), *map(str, row["mistakes"].values()))
    return table


def _table_by_run(result: dict[str, Any], rows: str, title: str) -> Table:
    table = Table(rows, title=title)
    for heading in ("spans", *[f"run {n}" for n in range(1, len(result["runs"]) + 1)]):
        table.add_column(heading, justify="right")
    return table


def _interval(bounds: list[float]) -> str:
    return f"{bounds[0]:.3f}–{bounds[1]:.3f}"


def write_comparison(result: dict[str, Any], folder: Path) -> list[Path]:
    """Write comparison.csv (a line for each run) and comparison.html (all of it).

    Returns:
        The two files.

    Raises:
        InputError: they cannot be written.
    """
    table, page = folder / "comparison.csv", folder / "comparison.html"
    template = files("conflict_tagger").joinpath("templates/comparison.html").read_text("utf-8")
    environment = Environment(undefined=StrictUndefined, autoescape=select_autoescape(default=True))
    html = environment.from_string(template).render(
        result=result, matches=MATCHES, note=NOTE.format(unit=result["resampled"])
    )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with table.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS)
            writer.writeheader()
            writer.writerows(_flat(row) for row in result["runs"])
        page.write_text(html, "utf-8")
    except OSError as error:
        raise InputError(f"output: cannot write {folder}: {error.strerror}") from None
    return [table, page]


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    """A run's row with its intervals in columns of their own."""
    flat = {key: value for key, value in row.items() if not key.endswith("interval")}
    flat["interval_low"], flat["interval_high"] = row["interval"]
    if "difference" in row:
        flat["difference_low"], flat["difference_high"] = row["difference_interval"]
    return flat
