"""Rewrite the generated tables of README.md and docs/results.md: `make results`."""

from pathlib import Path

from conflict_tagger.results import write_tables

if __name__ == "__main__":
    write_tables(Path(__file__).resolve().parent.parent)
