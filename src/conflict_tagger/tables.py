"""Scores as tables for a terminal."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table

COLUMNS = ("precision", "recall", "f1")


def print_scores(splits: dict[str, Any]) -> None:
    """Print one table of all splits: strict and overlap scores and the gold spans behind them."""
    table = Table(title="Scores over whole documents", caption=(
        "strict: label and both edges right; overlap: right label and a shared character;\n"
        "spans: how many gold spans a row rests on"
    ))  # fmt: skip
    table.add_column("split")
    table.add_column("label")
    table.add_column("spans", justify="right")
    for match in ("strict", "overlap"):
        for column in ("P", "R", "F1"):
            table.add_column(f"{match} {column}", justify="right")
    for name, scores in splits.items():
        rows = {**scores["strict"]["per_label"], "micro": None, "macro": None}
        title = f"{name}\n{scores['documents']} documents"
        for label in rows:
            table.add_row(title, *_row(scores, label), style="bold" if label == "micro" else None)
            title = ""
        table.add_section()
    _print(table)


def print_differences(before: dict[str, Any], after: dict[str, Any]) -> None:
    """Print the micro F1 of every split in two runs of the same data, and the difference."""
    table = Table(title="Micro F1, then and now")
    table.add_column("split")
    for match in ("strict", "overlap"):
        for column in ("then", "now", "difference"):
            table.add_column(f"{match}, {column}", justify="right")
    for name in before:
        cells = []
        for match in ("strict", "overlap"):
            then, now = (scores[name][match]["micro"]["f1"] for scores in (before, after))
            cells += [f"{then:.4f}", f"{now:.4f}", f"{now - then:+.4f}"]
        table.add_row(name, *cells)
    _print(table)


def _print(table: Table) -> None:
    width = None if Console().is_terminal else 120  # a pipe or a log has no width of its own
    Console(width=width).print(table)


def _row(scores: dict[str, Any], label: str) -> list[str]:
    cells = [label]
    for match in ("strict", "overlap"):
        values = scores[match].get(label) or scores[match]["per_label"][label]
        if match == "strict":
            cells.append(f"{values['support']:,}")
        cells += [f"{values[column]:.3f}" for column in COLUMNS]
    return cells
