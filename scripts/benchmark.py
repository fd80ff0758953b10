"""Train with several seeds and write mean and spread: `make bench`."""

import subprocess
import sys
from pathlib import Path

from command_line import command

from conflict_tagger.config import BenchmarkConfig
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
            subprocess.run([sys.executable, str(script), *overrides], check=True)
            finished = list(folder.glob("*/metrics.json"))
        runs.append(read_result(finished[0]))
    if not runs:
        raise InputError("seeds: name at least one")
    output = Path(config.output) / f"{config.name}.json"
    output.parent.mkdir(parents=True, exist_ok=True)
    write_json(output, aggregate(runs, config.overrides))
    print(f"wrote {output}; `make results` puts it into the pages")


if __name__ == "__main__":
    main()
