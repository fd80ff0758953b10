"""Average the weights of finished runs: `make average RUNS="runs/… runs/…"`."""

from pathlib import Path

from command_line import command

from conflict_tagger.command_configs import AverageConfig


@command("average", AverageConfig)
def main(config: AverageConfig) -> None:
    """Make a run folder of the average, print its scores and where it is."""
    from conflict_tagger.averaging import average_runs
    from conflict_tagger.tables import print_scores

    result = average_runs([Path(run) for run in config.averaged], config.runs)
    print_scores(result["splits"])
    print(f"\nrun folder: {result['run']}")


if __name__ == "__main__":
    main()
