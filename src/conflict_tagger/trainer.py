"""A Trainer that batches by tokens and validates on the spans of whole documents."""

from __future__ import annotations

import resource
import shutil
import sys
from collections import defaultdict
from collections.abc import Collection, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from accelerate.utils import broadcast_object_list
from safetensors import SafetensorError
from torch.utils.data import DataLoader
from transformers import (
    EarlyStoppingCallback,
    PreTrainedModel,
    PrinterCallback,
    ProgressCallback,
    Trainer,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)
from transformers.trainer import TRAINER_STATE_NAME
from transformers.trainer_utils import PREFIX_CHECKPOINT_DIR, rotate_checkpoints

from conflict_tagger.batching import (
    TokenBatchSampler,
    collate,
    mask_tokens,
)
from conflict_tagger.config import TrainingConfig
from conflict_tagger.documents import Document, InputError, first_line
from conflict_tagger.encoding import IGNORED
from conflict_tagger.evaluation import score_split
from conflict_tagger.modeling import attention_for_training, encoder_layers
from conflict_tagger.tagger import Tagger

CHOOSE_BY = "eval_strict_f1"
PARTIAL = "partial"  # where a checkpoint is written before it is renamed


def token_loss(
    outputs: Any,
    labels: torch.Tensor,
    num_items_in_batch: torch.Tensor,
    soft: torch.Tensor | None = None,
    weights: torch.Tensor | None = None,
    smoothing: float = 0.0,
) -> torch.Tensor:
    """Cross entropy of one batch, divided by the labelled tokens of its whole step.

    The heads of transformers 5 average over their own batch: over several batches or processes a
    step, the Trainer would add up such averages, and weigh a short text's tokens more.

    Args:
        outputs: what the model returns, `logits` of shape (rows, length, tags) among it.
        labels: tag ids, IGNORED where a token carries none, shape (rows, length).
        num_items_in_batch: the labelled tokens of all batches and processes of the step.
        soft: probabilities of the tags, shape (rows, length, tags), learned in place of the tag
            ids of tokens where they are not all 0 (Hinton et al. 2015, at temperature 1).
        weights: how much each tag counts, shape (tags,); all the same if None.
        smoothing: what is taken from each tag id and shared out to all tags.
    """
    logits, targets = outputs.logits.float().flatten(0, 1), labels.flatten()
    summed: torch.Tensor = logits.new_zeros(())
    if soft is not None:
        flat = soft.flatten(0, 1)
        targets = targets.masked_fill(flat.any(1), IGNORED)
        weighted = flat if weights is None else flat * weights
        summed = -(weighted * logits.log_softmax(1)).sum()
    summed = summed + torch.nn.functional.cross_entropy(
        logits, targets, weights, ignore_index=IGNORED, reduction="sum", label_smoothing=smoothing
    )
    return summed / num_items_in_batch


def layerwise_groups(
    model: PreTrainedModel, recipe: TrainingConfig, decayed: Collection[str]
) -> list[dict[str, Any]]:
    """Parameter groups for AdamW, with a learning rate for each depth.

    Layer-wise decay as in Howard and Ruder (2018, ULMFiT): what lies nearer to the words knows more
    of the language and less of the task, and should change less.

    Args:
        model: the classifier; its layers are the longest list of modules in it.
        recipe: learning rate, its decay from layer to layer, and weight decay.
        decayed: names of the parameters that weight decay applies to.
    """
    layers = {id(p): depth for depth, layer in enumerate(encoder_layers(model))
              for p in layer.parameters()}  # fmt: skip
    below = {id(p) for p in model.get_input_embeddings().parameters()}
    count = len(encoder_layers(model))
    groups: dict[tuple[int, bool], list[torch.nn.Parameter]] = defaultdict(list)
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            in_embeddings = id(parameter) in below or ".embeddings." in name
            depth = layers.get(id(parameter), -1 if in_embeddings else count)
            groups[depth, name in decayed].append(parameter)
    return [
        {
            "params": parameters,
            "lr": recipe.learning_rate * recipe.layer_decay ** (count - depth),
            "weight_decay": recipe.weight_decay if decays else 0.0,
        }
        for (depth, decays), parameters in sorted(groups.items(), key=lambda item: item[0])
    ]


def peak_memory_gb() -> dict[str, float]:
    """The most memory the main process held, in gigabytes (10^9 bytes), and on the GPU if any."""
    unit = 1 if sys.platform == "darwin" else 1024  # ru_maxrss counts bytes there, kibibytes here
    memory = {"process": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e9}
    if torch.cuda.is_available():
        memory["gpu"] = torch.cuda.max_memory_allocated() / 1e9
    return {name: round(value, 2) for name, value in memory.items()}


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


class BestCheckpointHere(TrainerCallback):  # type: ignore[misc]
    """After a resume, the best checkpoint is in the run folder as it is called now."""

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        """Replace the recorded path, from wherever the run was started then."""
        if state.best_global_step:
            name = f"{PREFIX_CHECKPOINT_DIR}-{state.best_global_step}"
            state.best_model_checkpoint = str(Path(args.output_dir) / name)


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
        self.tag_weights: torch.Tensor | None = None
        if recipe.label_weights:
            ratios = [recipe.label_weights.get(label, 1.0) for label in tagger.labels]
            self.tag_weights = torch.tensor([1.0, *(ratio for ratio in ratios for _ in "BI")])
        if recipe.mask_probability and tagger.tokenizer.mask_token_id is None:
            raise InputError("training.mask_probability: must be 0, the model has no mask token")
        super().__init__(
            model=tagger.model,
            processing_class=tagger.tokenizer,
            data_collator=self._collate,
            compute_loss_func=token_loss,  # see compute_loss
            eval_dataset=list(validation),
            **arguments,
        )
        self.remove_callback(PrinterCallback)  # what the Trainer uses when there is no bar
        self.remove_callback(ProgressCallback)
        self.add_callback(EpochProgress)
        self.add_callback(BestCheckpointHere)
        self.add_callback(EarlyStoppingCallback(recipe.patience))

    def get_train_dataloader(self) -> DataLoader[Any]:
        """Length-grouped batches of about `tokens_per_batch` tokens, dealt out to the processes."""
        sampler = TokenBatchSampler(
            self.train_dataset,
            self.recipe.tokens_per_batch,
            self.args.seed,
            self.args.world_size,
        )
        loader: DataLoader[Any] = DataLoader(
            self.train_dataset,
            batch_sampler=sampler,
            collate_fn=self.data_collator,
            pin_memory=self.args.dataloader_pin_memory,
        )
        return self.accelerator.prepare(loader)  # type: ignore[no-any-return]

    def create_optimizer(self, model: torch.nn.Module | None = None) -> torch.optim.Optimizer:
        """AdamW, with learning rates by depth if the recipe says so."""
        if self.recipe.layer_decay < 1:
            groups = layerwise_groups(
                self.model, self.recipe, self.get_decay_parameter_names(self.model)
            )
            kind, settings = self.get_optimizer_cls_and_kwargs(self.args, self.model)
            self.optimizer = kind(groups, **settings)
        optimizer: torch.optim.Optimizer = super().create_optimizer(model)
        return optimizer

    def training_step(
        self, model: torch.nn.Module, inputs: dict[str, torch.Tensor], *args: Any, **kwargs: Any
    ) -> torch.Tensor:
        """A step with the faster attention, in the backward pass too: it may compute it again."""
        with attention_for_training(self.tagger.model, inputs["input_ids"].shape[1]):
            loss: torch.Tensor = super().training_step(model, inputs, *args, **kwargs)
        return loss

    def compute_loss(
        self, model: torch.nn.Module, inputs: dict[str, torch.Tensor], *args: Any, **kwargs: Any
    ) -> Any:
        """The loss of a batch, soft labels and weights of labels included."""
        soft, weights = inputs.pop("soft", None), self.tag_weights
        self.compute_loss_func = partial(
            token_loss,
            soft=soft,
            weights=None if weights is None else weights.to(inputs["labels"].device),
            smoothing=self.recipe.label_smoothing,
        )
        return super().compute_loss(model, inputs, *args, **kwargs)

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Log what memory was held so far beside the loss."""
        if "loss" in logs:
            logs |= {f"peak_memory_gb_{name}": held for name, held in peak_memory_gb().items()}
        super().log(logs, start_time)

    def _save_checkpoint(self, model: torch.nn.Module, trial: Any) -> None:
        """Write a checkpoint beside the others and rename it: there are only whole ones.

        Raises:
            InputError: it cannot be written; the checkpoints before it are untouched.
        """
        steps = Path(self.args.output_dir)
        name = f"{PREFIX_CHECKPOINT_DIR}-{self.state.global_step}"
        partial = steps / PARTIAL
        if self.args.should_save:
            shutil.rmtree(partial, ignore_errors=True)
        self.accelerator.wait_for_everyone()
        self.args.output_dir = str(partial)
        try:
            super()._save_checkpoint(model, trial)
            if self.state.best_global_step == self.state.global_step:
                self.state.best_model_checkpoint = str(steps / name)
            self.accelerator.wait_for_everyone()  # each process has written its random state
            if self.args.should_save:
                self.state.save_to_json(str(partial / name / TRAINER_STATE_NAME))
                shutil.rmtree(steps / name, ignore_errors=True)
                (partial / name).rename(steps / name)
        except (OSError, RuntimeError, SafetensorError) as error:  # torch has no error of its own
            free = shutil.disk_usage(steps).free / 1e6  # torch does not say that the disk is full
            shutil.rmtree(partial, ignore_errors=True)
            raise InputError(
                f"{steps / name}: cannot write the checkpoint with {free:,.0f} MB free on its disk "
                f"({first_line(error)}); make room, then resume the run"
            ) from None
        finally:
            self.args.output_dir = str(steps)
        if self.args.should_save:
            shutil.rmtree(partial)
            rotate_checkpoints(
                str(steps), self.args.save_total_limit, self.state.best_model_checkpoint
            )
        self.accelerator.wait_for_everyone()

    def _collate(self, rows: list[dict[str, list[int]]]) -> dict[str, torch.Tensor]:
        """Pad training windows, and hide some tokens if the recipe says so."""
        batch = collate(rows, self.tagger.pad_id, self.tagger.window.size)
        if not self.recipe.soft_labels:
            batch.pop("soft", None)
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
        """Span scores of the validation documents, with the prefix `eval_`.

        One process tags the documents and tells the others: all must choose the same epoch.
        """
        metrics: dict[str, float]
        (metrics,) = broadcast_object_list([self._score() if self.args.should_log else None])
        self.log(metrics)
        control: TrainerControl = self.control  # type: ignore[has-type]
        self.control = self.callback_handler.on_evaluate(self.args, self.state, control, metrics)
        return metrics

    def _score(self) -> dict[str, float]:
        _predicted, scores = score_split(self.tagger, self.validation)
        return {
            "eval_strict_f1": scores["strict"]["micro"]["f1"],
            "eval_overlap_f1": scores["overlap"]["micro"]["f1"],
            **{
                f"eval_strict_f1_{label}": values["f1"]
                for label, values in scores["strict"]["per_label"].items()
            },
        }
