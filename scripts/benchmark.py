"""Train with several seeds and write mean and spread: `make bench`."""

from pathlib import Path

from command_line import command
from hydra import compose
from omegaconf import OmegaConf
from train import choose_experiment, train_in_process

from conflict_tagger.command_configs import BenchmarkConfig
from conflict_tagger.documents import InputError
from conflict_tagger.resuming import recipe_changes
from conflict_tagger.runs import recorded_config, write_json
from conflict_tagger.seeds import finished_run, summarize_seeds, train_seeds


@command("benchmark", BenchmarkConfig)
def main(config: BenchmarkConfig) -> None:
    """Train what is not finished yet, and write docs/results/<name>.json."""
    if not config.seeds:
        raise InputError("seeds: name at least one")
    folder = Path(config.runs) / config.name
    for seed in config.seeds:
        run = finished_run(folder / f"seed-{seed}")
        if run is not None:
            check_recipe(run, config.overrides)
    runs = train_seeds(config.seeds, folder, config.overrides, train_in_process)
    output = Path(config.output) / f"{config.name}.json"
    output.parent.mkdir(parents=True, exist_ok=True)
    write_json(output, summarize_seeds(runs, config.overrides))
    print(f"wrote {output}; `make results` puts it into the pages")


def check_recipe(run: Path, overrides: list[str]) -> None:
    """Refuse a finished run that was trained otherwise than the configuration says now."""
    recorded = OmegaConf.structured(recorded_config(run))
    wanted = compose("train", [*choose_experiment(overrides), *overrides])
    changes = recipe_changes(recorded, wanted)
    if changes:
        raise InputError(
            f"{run}: was trained otherwise ({'; '.join(changes)}); give another name or remove it"
        )


if __name__ == "__main__":
    main()
