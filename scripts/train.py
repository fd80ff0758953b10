"""Fine-tune a tagger, score it and print the scores: `make train`."""

from command_line import command

from conflict_tagger.config import TrainConfig


@command("train", TrainConfig)
def main(config: TrainConfig) -> None:
    """Train as configured."""
    from conflict_tagger.tables import print_scores
    from conflict_tagger.training import train

    result = train(config)
    print_scores(result["splits"])
    print(f"\nrun folder: {result['run']}\ncheckpoint: {result['run']}/checkpoint")


if __name__ == "__main__":
    main()
