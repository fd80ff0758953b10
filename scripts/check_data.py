"""Validate the bundled data and print what it holds: `make data`, `make data-card`."""

from pathlib import Path

from command_line import command
from tabulate import tabulate

from conflict_tagger.bundled import card_with_tables, counts_rows, load_bundled
from conflict_tagger.command_configs import BundledDataConfig
from conflict_tagger.documents import LabelSet
from conflict_tagger.open_texts import load_standoff


@command("data_check", BundledDataConfig)
def main(config: BundledDataConfig) -> None:
    """Check everything, print the counts, and rewrite the card's tables if asked."""
    folder, labels = Path(config.folder), LabelSet(tuple(config.labels))
    splits = load_bundled(folder, labels)
    standoff = load_standoff(folder / "standoff", labels)
    headers, rows = counts_rows(splits, standoff, labels)
    print(tabulate(rows, headers, tablefmt="simple", intfmt=",", missingval="not bundled"))
    print("all documents and spans are valid")
    if config.write_card:
        card = folder / "README.md"
        card.write_text(
            card_with_tables(card.read_text("utf-8"), splits, standoff, labels), "utf-8"
        )
        print(f"wrote the tables of {card}")


if __name__ == "__main__":
    main()
