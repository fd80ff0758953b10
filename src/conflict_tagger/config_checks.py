"""Checks of a training's configuration that its types cannot make."""

from __future__ import annotations

import re

from conflict_tagger.config import TrainConfig
from conflict_tagger.documents import InputError

SCHEDULES = ("linear", "cosine", "polynomial", "constant_with_warmup")


def check_train_config(config: TrainConfig) -> None:
    """Check the values that a type cannot rule out.

    Raises:
        InputError: names the key and what it may be.
    """
    recipe = config.training
    for key, wrong, allowed in (
        ("training.epochs", recipe.epochs < 1, "1 or more"),
        ("training.learning_rate", not recipe.learning_rate > 0, "greater than 0"),
        ("training.warmup", not 0 <= recipe.warmup < 1, "a fraction, from 0 to below 1"),
        ("training.weight_decay", not recipe.weight_decay >= 0, "0 or more"),
        ("training.schedule", recipe.schedule not in SCHEDULES, f"one of {', '.join(SCHEDULES)}"),
        ("training.layer_decay", not 0 < recipe.layer_decay <= 1, "above 0, at most 1"),
        ("training.label_smoothing", not 0 <= recipe.label_smoothing < 1, "from 0 to below 1"),
        (
            "training.label_weights",
            not set(recipe.label_weights) <= set(config.data.labels)
            or not all(weight > 0 for weight in recipe.label_weights.values()),
            "weights greater than 0 of labels of data.labels",
        ),
        ("training.max_grad_norm", not recipe.max_grad_norm > 0, "greater than 0"),
        ("training.tokens_per_batch", recipe.tokens_per_batch < 1, "1 or more"),
        ("training.accumulation_steps", recipe.accumulation_steps < 1, "1 or more"),
        ("training.patience", recipe.patience < 1, "1 or more"),
        (
            "training.replace_mentions",
            not 0 <= recipe.replace_mentions <= 1,
            "from 0 to 1",
        ),
        *(
            (f"training.variants.{name}", not 0 <= chance <= 1, "from 0 to 1")
            for name, chance in vars(recipe.variants).items()
        ),
        ("data.train_share", not 0 < config.data.train_share <= 1, "above 0, at most 1"),
        (
            "data.clauses",
            not set(config.data.clauses) <= set(config.data.labels),
            "some of data.labels",
        ),
        (
            "data.counts",
            not set(config.data.counts) <= set(config.data.labels),
            "some of data.labels",
        ),
        ("training.join", not 0 <= recipe.join < 1, "from 0 to below 1"),
        (
            "training.mask_probability",
            not 0 <= recipe.mask_probability < 1,
            "from 0 to below 1",
        ),
        ("training.logging_steps", recipe.logging_steps < 1, "1 or more"),
        ("seed", not 0 <= config.seed < 2**32, "from 0 to 4294967295"),
        ("name", not config.name or "/" in config.name, "a word without slashes"),
        (
            "data.evaluation",
            not all(re.fullmatch(r"[\w-]+", name) for name in config.data.evaluation)
            or not {"train", "validation"}.isdisjoint(config.data.evaluation),
            "words other than train and validation",
        ),
    ):
        if wrong:
            raise InputError(f"{key}: must be {allowed}")
