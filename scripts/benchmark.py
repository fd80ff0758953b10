"""Train with several seeds and write mean and spread: `make bench`."""

import subprocess
import sys
from pathlib import Path

from command_line import command
from hydra import compose
from omegaconf import OmegaConf
from train import choose_experiment

from conflict_tagger.config import BenchmarkConfig
from conflict_tagger.documents import InputError
from conflict_tagger.results import aggregate, read_result
from conflict_tagger.resuming import FREE, differences
from conflict_tagger.runs import recorded_config, write_json


@command("benchmark", BenchmarkConfig)
def main(config: BenchmarkConfig) -> None:
    """Train each seed in a process of its own, so that memory is measured from nothing."""
    runs = []
    for seed in config.seeds:
        folder = Path(config.runs) / f"{config.name}-seed-{seed}"
        finished = list(folder.glob("*/metrics.json"))
        if not finished:  # a benchmark that was stopped does only what is left
            overrides = [*config.overrides, f"seed={seed}", f"runs={folder}"]
            script = Path(__file__).with_name("train.py")
            if subprocess.run([sys.executable, str(script), *overrides]).returncode:
                raise InputError(f"seed {seed}: the training failed, see above")
            finished = list(folder.glob("*/metrics.json"))
        check_recipe(finished[0].parent, config.overrides)
        git = read_result(finished[0].with_name("environment.json"))["git"]
        runs.append({**read_result(finished[0]), "git": git})
    if not runs:
        raise InputError("seeds: name at least one")
    output = Path(config.output) / f"{config.name}.json"
    output.parent.mkdir(parents=True, exist_ok=True)
    write_json(output, aggregate(runs, config.overrides))
    print(f"wrote {output}; `make results` puts it into the pages")


def check_recipe(run: Path, overrides: list[str]) -> None:
    """Refuse a finished run that was trained otherwise than the configuration says now."""
    recorded = OmegaConf.structured(recorded_config(run))
    wanted = compose("train", [*choose_experiment(overrides), *overrides])
    changes = [
        line
        for key in recorded
        if key not in (*FREE, "seed")
        for line in differences(str(key), recorded[key], wanted[key])
    ]
    if changes:
        raise InputError(
            f"{run}: was trained otherwise ({'; '.join(changes)}); give another name or remove it"
        )


if __name__ == "__main__":
    main()
