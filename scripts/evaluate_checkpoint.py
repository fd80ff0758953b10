"""Score a checkpoint on gold documents: `make evaluate CHECKPOINT=… [DATA=…]`."""

from command_line import command

from conflict_tagger.command_configs import EvaluateConfig


@command("evaluate", EvaluateConfig)
def main(config: EvaluateConfig) -> None:
    """Print the scores, and write them where `output` says."""
    from conflict_tagger.evaluation import evaluate_checkpoint
    from conflict_tagger.tables import print_scores

    print_scores(evaluate_checkpoint(config)["splits"])


if __name__ == "__main__":
    main()
