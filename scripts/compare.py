"""Compare finished runs on one split: `make compare RUNS="runs/… runs/…"`."""

from pathlib import Path

from command_line import command

from conflict_tagger.command_configs import CompareConfig


@command("compare", CompareConfig)
def main(config: CompareConfig) -> None:
    """Print the comparison, and write it where `output` says."""
    from conflict_tagger.comparing import compare_runs
    from conflict_tagger.comparison_pages import print_comparison, write_comparison

    result = compare_runs(config)
    print_comparison(result)
    if config.output is not None:
        for path in write_comparison(result, Path(config.output)):
            print(f"wrote {path}")


if __name__ == "__main__":
    main()
