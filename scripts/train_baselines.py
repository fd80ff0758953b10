"""Train the baselines, and test finished runs against them: `make baselines [RUNS=…]`."""

from pathlib import Path

from command_line import command

from conflict_tagger.command_configs import BaselinesConfig


@command("baselines", BaselinesConfig)
def main(config: BaselinesConfig) -> None:
    """Print the scores and the tests, and write them where `output` says."""
    from conflict_tagger.baselines.running import run_baselines
    from conflict_tagger.runs import write_json
    from conflict_tagger.tables import print_baselines

    result = run_baselines(config)
    print_baselines(result)
    if config.output is not None:
        write_json(Path(config.output), result)
        print(f"wrote {config.output}; `make results` puts it into the pages")


if __name__ == "__main__":
    main()
