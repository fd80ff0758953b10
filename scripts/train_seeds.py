"""Train one recipe with several seeds: `make train SEEDS=5`."""

import sys
from pathlib import Path

from command_line import CONFIGS, one_line_errors, set_up_logging, to_typed
from hydra import compose, initialize_config_dir
from train import choose_experiment, train_in_process

from conflict_tagger.config import TrainConfig
from conflict_tagger.corpora import load_splits
from conflict_tagger.documents import InputError, LabelSet
from conflict_tagger.runs import METRICS, describe_data, replace_text, to_json
from conflict_tagger.seeds import check_same_data, recipe_id, summarize_seeds, train_seeds


def main(wanted: str, processes: str, *overrides: str) -> None:
    """Do what is left of seeds 0 to `wanted` - 1, and write mean and spread.

    Args:
        wanted: how many seeds, as the user wrote it.
        processes: how many processes train each, or nothing.
        overrides: of configs/train.yaml.
    """
    from conflict_tagger.tables import print_seeds

    if not wanted.isdecimal() or int(wanted) < 2:
        raise InputError(f"SEEDS: must be 2 or more; it is {wanted!r}")
    for override in overrides:
        if override.startswith(("seed=", "resume=")):
            raise InputError(f"{override}: cannot be given with SEEDS; leave it out")
    given = [*choose_experiment(list(overrides)), *overrides]
    with initialize_config_dir(CONFIGS, version_base="1.3"):
        config = to_typed(compose("train", given), TrainConfig)
    folder = Path(config.runs) / f"{config.name}-seeds-{recipe_id(config)}"
    group = [] if config.tracking.group else [f"tracking.group={folder.name}"]
    runs = train_seeds(
        range(int(wanted)),
        folder,
        [*given, *group],
        lambda arguments: train_in_process(arguments, processes),
    )
    labels = LabelSet(tuple(config.data.labels))
    check_same_data(runs, describe_data(load_splits(config.data, labels)))
    result = summarize_seeds(runs, list(overrides))
    replace_text(folder / METRICS, to_json(result))
    print_seeds(result)
    best = result["best"]
    print(f"\nmean and spread: {folder / METRICS}")
    print(f"best on validation, the one to publish: seed {best['seed']} with strict F1 "
          f"{best['validation_strict_f1']:.3f} there\n{best['run']}")  # fmt: skip


if __name__ == "__main__":
    set_up_logging()
    with one_line_errors():
        main(*sys.argv[1:])
