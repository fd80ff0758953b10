"""Rewrite the generated tables of README.md and docs/results.md: `make results`."""

from pathlib import Path

from command_line import one_line_errors

from conflict_tagger.results import write_tables

if __name__ == "__main__":
    with one_line_errors():
        write_tables(Path(__file__).resolve().parent.parent)
