"""Fine-tune a tagger, score it and print the scores: `make train`."""

import subprocess
import sys
from pathlib import Path

from command_line import command, is_main_process
from hydra.core.hydra_config import HydraConfig

from conflict_tagger.config import TrainConfig


@command("train", TrainConfig)
def main(config: TrainConfig) -> None:
    """Train as configured, or go on with the run that `resume` names."""
    from conflict_tagger.resuming import config_to_resume
    from conflict_tagger.tables import print_scores
    from conflict_tagger.training import train

    changes: list[str] = []
    if config.resume is not None:
        overrides = HydraConfig.get().overrides.task
        given = [override.partition("=")[0].lstrip("+~") for override in overrides]
        config, changes = config_to_resume(config, given)
    result = train(config, changes)
    if result is None:
        return
    print_scores(result["splits"])
    print(f"\nrun folder: {result['run']}\ncheckpoint: {result['run']}/checkpoint")


def train_in_process(overrides: list[str], processes: str = "") -> int:
    """Train in a process of its own, or in several; returns the exit code."""
    launcher = [str(Path(__file__).with_name("launch.py")), processes] if processes else []
    return subprocess.run([sys.executable, *launcher, __file__, *overrides]).returncode


def choose_experiment(arguments: list[str]) -> list[str]:
    """The experiment for the hardware at hand, as an override, unless the user named one."""
    if any(argument.lstrip("+").startswith(("experiment=", "resume=")) for argument in arguments):
        return []
    import torch

    if not torch.cuda.is_available():
        return ["experiment=cpu"]
    if is_main_process():
        print("there is a GPU: experiment=gpu (see configs/experiment/gpu.yaml)", file=sys.stderr)
    return ["experiment=gpu"]


if __name__ == "__main__":
    sys.argv[1:] = [*choose_experiment(sys.argv[1:]), *sys.argv[1:]]
    main()
