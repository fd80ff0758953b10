"""A Trainer that batches by tokens and validates on the spans of whole documents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch.utils.data import DataLoader
from transformers import (
    EarlyStoppingCallback,
    PrinterCallback,
    ProgressCallback,
    Trainer,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)

from conflict_tagger.batching import (
    TokenBatchSampler,
    collate,
    mask_tokens,
)
from conflict_tagger.config import TrainingConfig
from conflict_tagger.documents import Document, InputError
from conflict_tagger.evaluation import score_split
from conflict_tagger.tagger import Tagger

CHOOSE_BY = "eval_strict_f1"


class EpochProgress(ProgressCallback):  # type: ignore[misc]
    """A progress bar over all steps with one line an epoch, instead of one every few steps."""

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, float] | None = None,
        **kwargs: Any,
    ) -> None:
        """Print the validation scores when they come; show the loss beside the bar."""
        if self.training_bar is None or logs is None:
            return
        if "loss" in logs:
            self.training_bar.set_postfix(loss=f"{float(logs['loss']):.3f}")
        if CHOOSE_BY in logs:
            self.training_bar.write(
                f"epoch {round(state.epoch or 0)}: validation strict F1 {logs[CHOOSE_BY]:.3f}, "
                f"overlap F1 {logs['eval_overlap_f1']:.3f}"
            )


class SpanTrainer(Trainer):  # type: ignore[misc]
    """Trainer over token batches, validated by `score_split` on every word's prediction."""

    def __init__(
        self,
        tagger: Tagger,
        validation: Sequence[Document],
        recipe: TrainingConfig,
        **arguments: Any,
    ) -> None:
        """Train the tagger's model in place and choose its best epoch on `validation`."""
        self.tagger = tagger
        self.validation = tuple(validation)
        self.recipe = recipe
        if recipe.mask_probability and tagger.tokenizer.mask_token_id is None:
            raise InputError("training.mask_probability: must be 0, the model has no mask token")
        super().__init__(
            model=tagger.model,
            processing_class=tagger.tokenizer,
            data_collator=self._collate,
            eval_dataset=list(validation),
            **arguments,
        )
        self.remove_callback(PrinterCallback)  # what the Trainer uses when there is no bar
        self.remove_callback(ProgressCallback)
        self.add_callback(EpochProgress)
        self.add_callback(EarlyStoppingCallback(recipe.patience))

    def get_train_dataloader(self) -> DataLoader[Any]:
        """Length-grouped batches of about `tokens_per_batch` tokens, padded to their longest."""
        sampler = TokenBatchSampler(
            self.train_dataset, self.recipe.tokens_per_batch, self.args.seed
        )
        loader: DataLoader[Any] = DataLoader(
            self.train_dataset,
            batch_sampler=sampler,
            collate_fn=self.data_collator,
            pin_memory=self.args.dataloader_pin_memory,
        )
        return self.accelerator.prepare(loader)  # type: ignore[no-any-return]

    def _collate(self, rows: list[dict[str, list[int]]]) -> dict[str, torch.Tensor]:
        """Pad training windows, and hide some tokens if the recipe says so."""
        batch = collate(rows, self.tagger.pad_id, self.tagger.window.size)
        if self.recipe.mask_probability:
            tokenizer = self.tagger.tokenizer
            batch["input_ids"] = mask_tokens(
                batch["input_ids"],
                tokenizer.all_special_ids,
                tokenizer.mask_token_id,
                self.recipe.mask_probability,
            )
        return batch

    def evaluate(self, *_: Any, **__: Any) -> dict[str, float]:
        """Span scores of the validation documents, with the prefix `eval_`."""
        _predicted, scores = score_split(self.tagger, self.validation)
        metrics = {
            "eval_strict_f1": scores["strict"]["micro"]["f1"],
            "eval_overlap_f1": scores["overlap"]["micro"]["f1"],
            **{
                f"eval_strict_f1_{label}": values["f1"]
                for label, values in scores["strict"]["per_label"].items()
            },
        }
        self.log(metrics)
        control: TrainerControl = self.control  # type: ignore[has-type]
        self.control = self.callback_handler.on_evaluate(self.args, self.state, control, metrics)
        return metrics
