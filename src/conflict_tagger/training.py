"""Training, top to bottom: documents, windows, Trainer, checkpoint, scores, model card."""

from __future__ import annotations

import logging
import os
import shutil
import time
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from random import Random
from typing import Any

import torch
from accelerate import PartialState
from accelerate.utils import broadcast_object_list
from transformers import TrainerCallback, TrainingArguments, set_seed

from conflict_tagger import tracking
from conflict_tagger.augmentation import MentionReplacer
from conflict_tagger.balancing import balance
from conflict_tagger.batching import TrainingWindows, Vary
from conflict_tagger.config import Precision, Tracking, TrainConfig, TrainingConfig
from conflict_tagger.config_checks import check_train_config
from conflict_tagger.corpora import TRAIN, VALIDATION, load_splits
from conflict_tagger.documents import Document, InputError, LabelSet
from conflict_tagger.encoding import WindowSettings
from conflict_tagger.evaluation import score_splits
from conflict_tagger.model_cards import write_model_card
from conflict_tagger.modeling import load_encoder, no_progress_bars
from conflict_tagger.resuming import newest_checkpoint, run_to_resume
from conflict_tagger.runs import (
    DATA,
    METRICS,
    WEIGHTS,
    create_run_folder,
    describe_data,
    file_sha256,
    read_json,
    record_inputs,
    write_json,
    writing,
)
from conflict_tagger.sources import encoder_sha256
from conflict_tagger.tagger import Tagger
from conflict_tagger.trainer import CHOOSE_BY, SpanTrainer, peak_memory_gb
from conflict_tagger.variants import Variants

logger = logging.getLogger(__name__)

SPEED = "train_tokens_per_second"  # without padding, evaluation included


def this_process() -> PartialState:
    """This process among those of a training: alone, or as torchrun started it."""
    return PartialState(cpu=not torch.accelerator.is_available())


def train(
    config: TrainConfig, changes: Sequence[str] = (), callbacks: Sequence[TrainerCallback] = ()
) -> dict[str, Any] | None:
    """Fine-tune an encoder, score it on every split and write the run folder.

    Of several processes only the main one scores and writes.

    Args:
        config: the resolved configuration.
        changes: how it differs from that of the run it resumes, a line each.
        callbacks: what else is told of the training's steps, as a sweep is.

    Returns:
        What metrics.json holds, and the run folder as `run`; None in the other processes.

    Raises:
        InputError: a bad value, file or model, named by key or line.
    """
    started = time.monotonic()
    check_train_config(config)
    check_compiler(config.training)
    bf16 = use_bf16(config.training.precision)
    process = this_process()
    main = process.is_main_process
    tracking_mode = tracking.resolve_mode(config.tracking.mode if main else Tracking.none)
    labels = LabelSet(tuple(config.data.labels))
    splits = load_splits(config.data, labels)

    set_seed(config.seed)
    model, tokenizer = load_encoder(config.model, labels)
    window = WindowSettings(**vars(config.model.window))
    tagger = Tagger(model, tokenizer, window, config.data.counts)
    windows = training_windows(config, splits[TRAIN].documents, tagger)
    if not any(target >= 0 for example in windows.examples for target in example["labels"]):
        raise InputError(f"{splits[TRAIN].path}: holds no words to train on")

    if config.resume is None:
        (run,) = broadcast_object_list([create_run_folder(config) if main else None])
    else:
        run, changes = run_to_resume(config, splits, changes, process.num_processes)
        if run.state().get("state") == "finished":
            logger.info("%s is finished already: nothing is left to do", run.path)
            return {**read_json(run.path / METRICS), "run": str(run.path)} if main else None
    logger.info("run folder: %s", run.path)
    with writing(run, changes, process.num_processes) if main else nullcontext():
        if main and (changes or not (run.path / DATA).exists()):
            record_inputs(run, config, splits, encoder_sha256(config.model))
        tracked = tracking.start_tracking(tracking_mode, config, run, describe_data(splits))
        trainer = SpanTrainer(
            tagger,
            splits[VALIDATION].documents,
            config.training,
            args=training_arguments(config, run.steps, bf16, tracked=tracked is not None),
            train_dataset=windows,
        )
        for callback in callbacks:
            trainer.add_callback(callback)
        checkpoint = newest_checkpoint(run.steps)
        if checkpoint is not None:
            logger.info("going on from %s", checkpoint)
        with no_progress_bars():  # the Trainer's own bar over the steps stays
            trainer.train(resume_from_checkpoint=checkpoint and str(checkpoint))
        process.destroy_process_group()
        if not main:
            return None
        write_json(run.path / "history.json", trainer.state.log_history)
        shift = balance(tagger, splits[VALIDATION].documents) if config.training.balance else 0.0
        tagger.save_pretrained(run.path / "checkpoint")

        metrics = {
            "name": config.name,
            "seed": config.seed,
            # What is scored is what others will load: the files, not the model in memory.
            "splits": score_splits(
                run.path, Tagger.from_pretrained(run.path / "checkpoint"), splits
            ),
            "training": {
                **summarize(trainer),
                "outside_shift": shift,
                "sessions": len(run.state()["sessions"]),
                "total_seconds": round(time.monotonic() - started, 1),
                "peak_memory_gb": peak_memory_gb(),
            },
            "checkpoint_sha256": file_sha256(run.path / "checkpoint" / WEIGHTS),
        }
        write_json(run.path / METRICS, metrics)
        write_model_card(run.path, config, metrics)
        tracking.finish_tracking(tracked, config, run, splits, metrics)
        shutil.rmtree(run.steps)  # the last thing: until now a resume could need it
    return {**metrics, "run": str(run.path)}


def training_windows(
    config: TrainConfig, documents: Sequence[Document], tagger: Tagger
) -> TrainingWindows:
    """The training documents in windows, changed and joined anew each epoch as the recipe says."""
    recipe, mentions = config.training, set(tagger.labels) - set(config.data.clauses)
    changes: list[Vary] = []
    if recipe.replace_mentions:
        changes.append(MentionReplacer(documents, mentions, recipe.replace_mentions))
    if any(vars(recipe.variants).values()):
        changes.append(Variants(documents, mentions, config.data.counts, recipe.variants))

    def vary(document: Document, random: Random) -> Document:
        for change in changes:
            document = change(document, random)
        return document

    return TrainingWindows(
        documents,
        tagger.encoder,
        tagger.labels,
        vary if changes else None,
        config.seed,
        recipe.join,
    )


def training_arguments(
    config: TrainConfig, folder: Path, bf16: bool, tracked: bool
) -> TrainingArguments:
    """What the Trainer is told; AdamW spares biases and norms from weight decay by itself."""
    recipe = config.training
    return TrainingArguments(
        output_dir=str(folder),
        num_train_epochs=recipe.epochs,
        learning_rate=recipe.learning_rate,
        lr_scheduler_type=recipe.schedule,
        warmup_steps=recipe.warmup,  # below 1 it is a fraction of all steps
        weight_decay=recipe.weight_decay,
        max_grad_norm=recipe.max_grad_norm,
        optim="adamw_torch_fused",
        gradient_accumulation_steps=recipe.accumulation_steps,
        activation_checkpointing=recipe.gradient_checkpointing,
        torch_compile=recipe.compile,
        bf16=bf16,
        # Processes on a CPU, and bf16 there, have to be asked for so.
        use_cpu=not torch.accelerator.is_available(),
        seed=config.seed,
        eval_strategy="epoch",
        save_strategy="epoch",
        restore_callback_states_from_checkpoint=True,  # the patience of early stopping
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


def use_bf16(precision: Precision) -> bool:
    """Whether to train in bfloat16: where asked for, or on `auto` where the hardware has it.

    Raises:
        InputError: bf16 is asked for where there is none.
    """
    if precision is Precision.fp32:
        return False
    if torch.cuda.is_available():
        has_bf16 = bool(torch.cuda.is_bf16_supported(including_emulation=False))
    else:  # other x86 processors emulate it, slower than float32
        has_bf16 = bool(torch.cpu.get_capabilities().get("amx_bf16"))
    if precision is Precision.bf16 and not has_bf16:
        raise InputError("training.precision: this hardware has no fast bf16; use fp32 or auto")
    return has_bf16


def check_compiler(recipe: TrainingConfig) -> None:
    """Refuse to compile where there is nothing to compile with, before minutes have passed.

    Raises:
        InputError: no C++ compiler is found.
    """
    compiler = os.environ.get("CXX", "g++")  # as torch.compile looks for it
    if recipe.compile and not any(map(shutil.which, (compiler, "clang++", "c++"))):
        raise InputError("training.compile: no C++ compiler is installed (g++ or clang++)")


def summarize(trainer: SpanTrainer) -> dict[str, Any]:
    """Best epoch, epochs, seconds and speed of a finished training."""
    history = trainer.state.log_history
    choices = [entry for entry in history if CHOOSE_BY in entry]
    best = max(choices, key=lambda entry: float(entry[CHOOSE_BY]))  # the first of equals
    seconds = next(entry["train_runtime"] for entry in reversed(history) if "train_loss" in entry)
    speeds = [entry[SPEED] for entry in history if SPEED in entry]  # each since the session began
    epochs = len(choices)
    return {
        "best_epoch": round(best["epoch"]),
        "epochs": epochs,
        "steps": trainer.state.global_step,
        "precision": "bf16" if trainer.args.bf16 else "fp32",
        "device": trainer.args.device.type,
        "processes": trainer.args.world_size,
        "seconds": round(seconds, 1),
        "tokens_per_second": round(speeds[-1]) if speeds else None,
    }
