"""Train with several seeds and write mean and spread: `make bench`."""

import subprocess
import sys
from pathlib import Path

from command_line import command
from omegaconf import DictConfig, OmegaConf

from conflict_tagger.config import BenchmarkConfig, TrainConfig
from conflict_tagger.documents import InputError
from conflict_tagger.results import aggregate, read_result
from conflict_tagger.runs import write_json


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
        check_overrides(finished[0].with_name("config.yaml"), config.overrides)
        git = read_result(finished[0].with_name("environment.json"))["git"]
        runs.append({**read_result(finished[0]), "git": git})
    if not runs:
        raise InputError("seeds: name at least one")
    output = Path(config.output) / f"{config.name}.json"
    output.parent.mkdir(parents=True, exist_ok=True)
    write_json(output, aggregate(runs, config.overrides))
    print(f"wrote {output}; `make results` puts it into the pages")


def check_overrides(path: Path, overrides: list[str]) -> None:
    """Refuse a finished run that was trained with other values than are asked for now."""
    # Keys that are younger than the run had their default's value.
    trained = OmegaConf.merge(OmegaConf.structured(TrainConfig), OmegaConf.load(path))
    for override in overrides:
        key, _, value = override.partition("=")
        if key.split(".")[0] == "tracking":
            continue  # where a run is logged changes nothing in it
        wanted = OmegaConf.create({"value": None})
        wanted.merge_with_dotlist([f"value={value}"])
        found = OmegaConf.select(trained, key)
        if isinstance(found, DictConfig):  # a group, chosen by the name of its file
            found = found.get("name")
        if found != wanted.value:
            raise InputError(
                f"{path}: trained with {key}={found}, not {value}; give another name or remove it"
            )


if __name__ == "__main__":
    main()
