"""List the run folders, newest first: `make runs`."""

from pathlib import Path

from command_line import command

from conflict_tagger.command_configs import RunsConfig


@command("list_runs", RunsConfig)
def main(config: RunsConfig) -> None:
    """Print a row for each run folder, broken ones among them."""
    from conflict_tagger.listing import list_runs
    from conflict_tagger.tables import print_runs

    print_runs(list_runs(Path(config.runs)), Path(config.runs))


if __name__ == "__main__":
    main()
