"""A training that kills itself where it is told to: `killed_training.py <config.json> <where>`."""

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf
from transformers import TrainerCallback

from conflict_tagger import runs, trainer, training
from conflict_tagger.config import TrainConfig


def die(*_: Any, **__: Any) -> None:
    """As kill -9 does: no exception, no clean-up."""
    os.kill(os.getpid(), signal.SIGKILL)


class KillAtStep(TrainerCallback):
    """Kills the process after an optimiser step, before anything is saved for it."""

    def __init__(self, step: int) -> None:
        self.step = step

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if state.global_step == self.step:
            die()


def main(config_file: str, where: str) -> None:
    config = OmegaConf.merge(
        OmegaConf.structured(TrainConfig), json.loads(Path(config_file).read_text())
    )
    if where.startswith("step "):
        step = int(where.removeprefix("step "))
        build = trainer.SpanTrainer.__init__

        def with_killer(self: Any, *arguments: Any, **options: Any) -> None:
            build(self, *arguments, **options)
            self.add_callback(KillAtStep(step))

        trainer.SpanTrainer.__init__ = with_killer
    elif where == "while recording":
        runs.describe_environment = die
    elif where == "while saving":
        trainer.SpanTrainer._save_rng_state = die
    elif where == "before renaming":
        Path.rename = die
    elif where == "while scoring":
        training.score_splits = die
    elif where == "interrupted":
        training.score_splits = lambda *_: (_ for _ in ()).throw(KeyboardInterrupt)
    typed = OmegaConf.to_object(config)
    assert isinstance(typed, TrainConfig)
    training.train(typed)


if __name__ == "__main__":
    main(*sys.argv[1:])
