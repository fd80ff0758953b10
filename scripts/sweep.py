"""Search for a recipe by validation: `make sweep`."""

import train as training_script  # registers the schema of train.yaml
from command_line import command, to_typed
from hydra import compose

from conflict_tagger.command_configs import SweepConfig
from conflict_tagger.config import TrainConfig


@command("sweep", SweepConfig)
def main(config: SweepConfig) -> None:
    """Do what is left of a study's trials, and write its results."""
    from conflict_tagger.sweeping import sweep

    overrides = [*training_script.choose_experiment(config.overrides), *config.overrides]
    base = to_typed(compose("train", overrides), TrainConfig)
    print(f"results: {sweep(config, base)}")


if __name__ == "__main__":
    main()
