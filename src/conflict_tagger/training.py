"""Training, top to bottom: documents, windows, Trainer, checkpoint, scores, model card."""

from __future__ import annotations

import logging
import resource
import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import TrainingArguments, set_seed

from conflict_tagger import tracking
from conflict_tagger.augmentation import MentionReplacer
from conflict_tagger.batching import TrainingWindows
from conflict_tagger.config import Precision, TrainConfig, TrainingConfig, check_train_config
from conflict_tagger.corpora import TRAIN, VALIDATION, load_splits
from conflict_tagger.documents import Document, InputError, LabelSet, write_jsonl
from conflict_tagger.encoding import WindowSettings
from conflict_tagger.evaluation import score_split
from conflict_tagger.hub import write_model_card
from conflict_tagger.modeling import load_encoder, no_progress_bars
from conflict_tagger.runs import create_run_folder, file_sha256, record_inputs, write_json
from conflict_tagger.tagger import Tagger
from conflict_tagger.trainer import CHOOSE_BY, SpanTrainer

logger = logging.getLogger(__name__)


def train(config: TrainConfig) -> dict[str, Any]:
    """Fine-tune an encoder, score it on every split and write the run folder.

    Args:
        config: the resolved configuration.

    Returns:
        What metrics.json holds, and the run folder as `run`.

    Raises:
        InputError: a bad value, file or model, named by key or line.
    """
    started = time.monotonic()
    check_train_config(config)
    bf16 = use_bf16(config.training)
    tracking_mode = tracking.resolve_mode(config.tracking.mode)
    labels = LabelSet(tuple(config.data.labels))
    splits = load_splits(config.data, labels)

    set_seed(config.seed)
    model, tokenizer = load_encoder(config.model, labels)
    tagger = Tagger(model, tokenizer, WindowSettings(**vars(config.model.window)))
    windows = training_windows(config, splits[TRAIN].documents, tagger)
    if not any(target >= 0 for example in windows.examples for target in example["labels"]):
        raise InputError(f"{splits[TRAIN].path}: holds no words to train on")

    folder, run_id = create_run_folder(config)
    record_inputs(folder, config, splits)
    logger.info("run folder: %s", folder)
    run = tracking.start_tracking(tracking_mode, config, run_id, folder)

    trainer = SpanTrainer(
        tagger,
        splits[VALIDATION].documents,
        config.training,
        args=training_arguments(config, folder / "steps", bf16, tracked=run is not None),
        train_dataset=windows,
    )
    with no_progress_bars():  # the Trainer's own bar over the steps stays
        trainer.train()

    write_json(folder / "history.json", trainer.state.log_history)

    checkpoint = folder / "checkpoint"
    tagger.save_pretrained(checkpoint)
    shutil.rmtree(folder / "steps")
    # What is scored is what others will load: the files, not the model in memory.
    tagger = Tagger.from_pretrained(checkpoint)
    scores = {}
    (folder / "predictions").mkdir()
    for name, split in splits.items():
        if name != TRAIN:
            predicted, scores[name] = score_split(tagger, split.documents)
            write_jsonl(folder / "predictions" / f"{name}.jsonl", predicted)

    metrics = {
        "name": config.name,
        "seed": config.seed,
        "splits": scores,
        "training": {
            **summarize(trainer),
            "total_seconds": round(time.monotonic() - started, 1),
            "peak_memory_gb": peak_memory_gb(),
        },
        "checkpoint_sha256": file_sha256(checkpoint / "model.safetensors"),
    }
    write_json(folder / "metrics.json", metrics)
    write_model_card(folder, config, metrics)
    tracking.finish_tracking(run, metrics)
    return {**metrics, "run": str(folder)}


def training_windows(
    config: TrainConfig, documents: Sequence[Document], tagger: Tagger
) -> TrainingWindows:
    """The training documents in windows, with mentions replaced if the recipe says so."""
    replacer = None
    if config.training.replace_mentions:
        mentions = [label for label in tagger.labels if label not in config.data.clauses]
        replacer = MentionReplacer(documents, mentions, config.training.replace_mentions)
    return TrainingWindows(documents, tagger.encoder, tagger.labels, replacer, config.seed)


def training_arguments(
    config: TrainConfig, folder: Path, bf16: bool, tracked: bool
) -> TrainingArguments:
    """What the Trainer is told; AdamW spares biases and norms from weight decay by itself."""
    recipe = config.training
    return TrainingArguments(
        output_dir=str(folder),
        num_train_epochs=recipe.epochs,
        learning_rate=recipe.learning_rate,
        lr_scheduler_type="linear",
        warmup_steps=recipe.warmup,  # below 1 it is a fraction of all steps
        weight_decay=recipe.weight_decay,
        max_grad_norm=recipe.max_grad_norm,
        bf16=bf16,
        use_cpu=bf16 and not torch.cuda.is_available(),  # bf16 on a CPU has to be asked for so
        seed=config.seed,
        eval_strategy="epoch",
        save_strategy="epoch",
        save_only_model=True,
        save_total_limit=1,  # the best one stays beside the last
        load_best_model_at_end=True,
        metric_for_best_model=CHOOSE_BY,
        greater_is_better=True,
        logging_steps=recipe.logging_steps,
        include_num_input_tokens_seen="non_padding",
        report_to=["wandb"] if tracked else [],
        remove_unused_columns=False,
        dataloader_pin_memory=torch.cuda.is_available(),
    )


def use_bf16(recipe: TrainingConfig) -> bool:
    """Whether to train in bfloat16: where asked for, or on `auto` where the hardware has it.

    Raises:
        InputError: bf16 is asked for where there is none.
    """
    if recipe.precision is Precision.fp32:
        return False
    if torch.cuda.is_available():
        has_bf16 = bool(torch.cuda.is_bf16_supported(including_emulation=False))
    else:  # other x86 processors emulate it, slower than float32
        has_bf16 = bool(torch.cpu.get_capabilities().get("amx_bf16"))
    if recipe.precision is Precision.bf16 and not has_bf16:
        raise InputError("training.precision: this hardware has no fast bf16; use fp32 or auto")
    return has_bf16


def summarize(trainer: SpanTrainer) -> dict[str, Any]:
    """Best epoch, epochs, seconds and speed of a finished training."""
    history = trainer.state.log_history
    choices = [entry for entry in history if CHOOSE_BY in entry]
    best = max(choices, key=lambda entry: float(entry[CHOOSE_BY]))  # the first of equals
    seconds = next(entry["train_runtime"] for entry in history if "train_runtime" in entry)
    epochs = len(choices)
    return {
        "best_epoch": round(best["epoch"]),
        "epochs": epochs,
        "steps": trainer.state.global_step,
        "precision": "bf16" if trainer.args.bf16 else "fp32",
        "device": trainer.args.device.type,
        "seconds": round(seconds, 1),
        "tokens_per_second": round(trainer.state.num_input_tokens_seen / seconds),
    }


def peak_memory_gb() -> dict[str, float]:
    """The most memory this process held, in gigabytes (10^9 bytes), and on the GPU if any."""
    unit = 1 if sys.platform == "darwin" else 1024  # ru_maxrss counts bytes there, kibibytes here
    memory = {"process": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e9}
    if torch.cuda.is_available():
        memory["gpu"] = torch.cuda.max_memory_allocated() / 1e9
    return {name: round(value, 2) for name, value in memory.items()}
