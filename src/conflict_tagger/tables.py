"""Scores as tables for a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from conflict_tagger.listing import ListedRun
from conflict_tagger.scoring.intervals import FEW

FEWEST = 50  # cases that a rate should rest on
COLUMNS = ("precision", "recall", "f1")


def print_scores(splits: dict[str, Any]) -> None:
    """Print one table of all splits: scores, their intervals and the gold spans behind them."""
    table = Table(
        title="Scores over whole documents",
        caption="strict: label and both edges right; last word: label and end right;\n"
        "overlap: right label and a shared character; spans: how many gold spans a row rests on;\n"
        "interval: of strict F1, 95% of 1,000 bootstrap samples of documents\n"
        f"(of paragraphs where there are fewer than {FEW} documents: rather too narrow)",
    )
    table.add_column("split", no_wrap=True)
    table.add_column("label", no_wrap=True)
    for heading in ("spans", "strict P", "strict R", "strict F1", "interval", "last word F1",
                    "overlap F1"):  # fmt: skip
        table.add_column(heading, justify="right", no_wrap=heading == "interval")
    for name, scores in splits.items():
        rows = {**scores["strict"]["per_label"], "micro": None, "macro": None}
        title = f"{name}\n{scores['documents']} documents"
        for label in rows:
            table.add_row(title, *_row(scores, label), style="bold" if label == "micro" else None)
            title = ""
        table.add_section()
    print_table(table)
    _print_values(splits)


def _print_values(splits: dict[str, Any]) -> None:
    """Print how often the numbers behind the counts are right, where they were scored."""
    table = Table(title="Values of counts", caption=(
        "a count is right where it overlaps one of the other side with the same bounds;\n"
        "no value: gold and predicted counts whose words name no number, never right"
    ))  # fmt: skip
    for heading in ("split", "counts", "P", "R", "F1", "no value"):
        table.add_column(heading, justify="left" if heading == "split" else "right")
    for name, values in ((name, scores.get("values")) for name, scores in splits.items()):
        if values is not None:
            unread = f"{values['unread']['gold']} and {values['unread']['predicted']}"
            scores = [f"{values[column]:.3f}" for column in COLUMNS]
            table.add_row(name, f"{values['support']:,}", *scores, unread)
    if table.row_count:
        print_table(table)


def print_behaviour(checks: dict[str, Any]) -> None:
    """Print for each behaviour check how many of its cases pass."""
    table = Table(
        title="Behaviour checks",
        caption=f"interval: 95%, Wilson; *: fewer than {FEWEST} cases, which say little;\n"
        "tags that stay: among all that are there before or after the change",
    )
    for heading in ("check", "what is wanted", "cases", "passed", "rate", "interval",
                    "tags\nthat stay"):  # fmt: skip
        left = heading in ("check", "what is wanted")
        table.add_column(heading, justify="left" if left else "right", no_wrap=not left)
    for name, row in checks.items():
        if "skipped" in row:
            table.add_row(name, f"not checked: {row['skipped']}")
            continue
        low, high = row["interval"]
        few = "*" if row["cases"] < FEWEST else ""
        stayed = row.get("tags_stayed")
        table.add_row(
            name,
            row["wanted"],
            f"{row['cases']:,}{few}",
            f"{row['passed']:,}",
            f"{row['rate']:.3f}",
            f"{low:.3f}–{high:.3f}",
            "" if stayed is None else f"{stayed:.3f}",
        )
    print_table(table)


def print_runs(runs: Sequence[ListedRun], root: Path) -> None:
    """Print run folders, one a row, with strict micro F1 on every split that one was scored on."""
    splits = list(dict.fromkeys(split for run in runs for split in run.f1))
    caption = "scores: strict micro F1, of several seeds their mean; tokens/s: without padding"
    table = Table(title=f"Runs in {root}", caption=caption)
    for heading in ("date", "experiment", "model", "seeds", *splits, "tokens/s", "state", "folder"):
        number = heading in (*splits, "tokens/s")
        table.add_column(heading.replace("_", " "), justify="right" if number else "left",
                         no_wrap=heading == "date", overflow="fold")  # fmt: skip
    for run in runs:
        scores = [f"{run.f1[split]:.3f}" if split in run.f1 else "" for split in splits]
        speed = "" if run.tokens_per_second is None else f"{run.tokens_per_second:,}"
        seeds = ", ".join(map(str, run.seeds))
        table.add_row(run.date, run.name, run.model, seeds, *scores, speed, run.state,
                      str(run.folder.relative_to(root)))  # fmt: skip
    print_table(table)


def print_seeds(result: dict[str, Any]) -> None:
    """Print the micro F1 of several seeds, mean ± standard deviation."""
    splits = result["splits"]
    table = Table(
        title=f"Micro F1 of {len(result['seeds'])} seeds",
        caption="mean ± standard deviation, and the 95% interval of the mean (Student's t)",
    )
    for heading in ("split", "strict", "interval", "overlap"):
        table.add_column(heading, justify="left" if heading == "split" else "right")
    for name, scores in splits.items():
        strict, overlap = (scores[match]["micro"]["f1"] for match in ("strict", "overlap"))
        low, high = strict["interval"]
        table.add_row(name, f"{strict['mean']:.3f} ± {strict['sd']:.3f}", f"{low:.3f}–{high:.3f}",
                      f"{overlap['mean']:.3f} ± {overlap['sd']:.3f}")  # fmt: skip
    print_table(table)


def print_baselines(result: dict[str, Any]) -> None:
    """Print the baselines' scores, and how much better the runs are that were tested."""
    table = Table(title="Baselines", caption="micro F1, mean over seeds")
    splits = list(next(iter(result["baselines"].values()))["splits"])
    table.add_column("baseline")
    for split in splits:
        for match in ("strict", "overlap"):
            table.add_column(f"{split}, {match}", justify="right")
    for name, baseline in result["baselines"].items():
        scores = [
            f"{baseline['splits'][split][match]['micro']['f1']['mean']:.3f}"
            for split in splits
            for match in ("strict", "overlap")
        ]
        table.add_row(name, *scores)
    print_table(table)
    if not result["tests"]:
        return
    table = Table(
        title="The runs against the baselines, micro F1",
        caption="the weakest result of any run: smallest difference, lowest bound of the 95% "
        "intervals,\nlargest p of paired bootstrap and approximate randomisation",
    )
    for heading in ("baseline", "split", "match", "difference", "lowest", "p"):
        text = heading in ("baseline", "split", "match")
        table.add_column(heading, justify="left" if text else "right")
    for name, tests in result["tests"].items():
        for split, matches in tests.items():
            for match, test in matches.items():
                p = max(test["bootstrap_p"], test["randomisation_p"])
                table.add_row(name, split, match, f"{test['difference']:+.3f}",
                              f"{test['lowest']:+.3f}", f"{p:.4f}")  # fmt: skip
    print_table(table)


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
    print_table(table)


def print_table(table: Table) -> None:
    """Print a table as wide as the terminal, or as 120 characters where there is none."""
    width = None if Console().is_terminal else 120  # a pipe or a log has no width of its own
    Console(width=width).print(table)


def _row(scores: dict[str, Any], label: str) -> list[str]:
    strict, last_word, overlap = (
        scores[match].get(label) or scores[match]["per_label"][label]
        for match in ("strict", "last_word", "overlap")
    )
    intervals = scores["intervals"]["strict"]
    low, high = (intervals.get(label) or intervals["per_label"][label])["f1"]
    return [
        label,
        f"{strict['support']:,}",
        *[f"{strict[column]:.3f}" for column in COLUMNS],
        f"{low:.3f}–{high:.3f}",
        f"{last_word['f1']:.3f}",
        f"{overlap['f1']:.3f}",
    ]
