"""Domain-adaptive pretraining: masked-language modelling on conflict news before fine-tuning."""

from __future__ import annotations

import logging
import math
from pathlib import Path
from typing import Any

import torch
from torch.nn.functional import cross_entropy
from torch.utils.data import Dataset
from transformers import (
    AutoModelForMaskedLM,
    AutoTokenizer,
    DataCollatorForLanguageModeling,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    Trainer,
    TrainingArguments,
    set_seed,
)

from conflict_tagger.command_configs import PretrainConfig
from conflict_tagger.corpora import TRAIN, Split, check_no_leak, load_splits
from conflict_tagger.documents import Document, InputError, LabelSet
from conflict_tagger.encoding import IGNORED
from conflict_tagger.open_texts import unlabelled_documents
from conflict_tagger.runs import make_folder, write_json
from conflict_tagger.sources import encoder_folder
from conflict_tagger.training import use_bf16

logger = logging.getLogger(__name__)

METRICS = "pretraining.json"
HELD_OUT = 50  # every so many windows one is held out to measure the loss


class Windows(Dataset[dict[str, list[int]]]):
    """Texts cut into windows of at most `size` tokens, special tokens included."""

    def __init__(
        self, documents: list[Document], tokenizer: PreTrainedTokenizerFast, size: int
    ) -> None:
        """Tokenize every text whole; nothing is cut off."""
        self.rows: list[dict[str, list[int]]] = []
        for document in documents:
            encoded = tokenizer(
                document.text, max_length=size, truncation=True, return_overflowing_tokens=True
            )
            self.rows += [{"input_ids": ids} for ids in encoded["input_ids"]]

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> dict[str, list[int]]:
        return self.rows[index]


class MaskedTrainer(Trainer):  # type: ignore[misc]
    """Computes the head for masked tokens alone: over all, it costs more than the encoder."""

    def compute_loss(
        self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, **_: Any
    ) -> Any:
        """Cross-entropy in nats a masked token, averaged over the batch."""
        labels = inputs.pop("labels")
        masked = labels != IGNORED

        def keep_masked(_module: Any, _inputs: Any, outputs: Any) -> Any:
            outputs.last_hidden_state = outputs.last_hidden_state[masked].unsqueeze(0)
            return outputs

        hook = model.base_model.register_forward_hook(keep_masked)
        try:
            logits = model(**inputs).logits.squeeze(0).float()
        finally:
            hook.remove()
        total = cross_entropy(logits, labels[masked], reduction="sum")
        loss = total / max(1, len(logits))
        return (loss, {"loss": loss}) if return_outputs else loss


def pretrain(config: PretrainConfig) -> dict[str, Any]:
    """Go on with an encoder's masked-language modelling and save it as a folder for fine-tuning.

    Gururangan et al. (2020), "Don't stop pretraining". Where the encoder comes without a head for
    it, as sentence encoders do, the head is tied to the word embeddings and trained alone first,
    lest its noise spoil the encoder.

    Args:
        config: texts, encoder and recipe.

    Returns:
        What `pretraining.json` in the folder holds: the loss on held-out windows, in nats a masked
        token, when the head was ready and in the end; steps; and what it was trained on.

    Raises:
        InputError: a bad value, or texts or encoder that cannot be had.
    """
    check_pretrain_config(config)
    make_folder(Path(config.output), "output")  # before anything takes time
    bf16 = use_bf16(config.precision)
    labels = LabelSet(tuple(config.data.labels))
    splits = load_splits(config.data, labels)
    unlabelled = unlabelled_documents(config.data, labels, config.words)
    documents = [*splits[TRAIN].documents, *unlabelled]
    check_no_leak({**splits, TRAIN: Split(TRAIN, splits[TRAIN].path, tuple(documents))})

    set_seed(config.seed)
    folder = encoder_folder(config.model)
    tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
    model, loaded = AutoModelForMaskedLM.from_pretrained(
        folder, dtype=torch.float32, trust_remote_code=False, output_loading_info=True
    )
    if not torch.accelerator.is_available():
        model.set_attn_implementation("eager")  # the backward pass of fused attention is slow there
    head_is_new = bool(loaded["missing_keys"])
    windows = Windows(documents, tokenizer, config.window)
    held_out = Windows([], tokenizer, config.window)
    held_out.rows = windows.rows[::HELD_OUT]
    windows.rows = [row for index, row in enumerate(windows.rows) if index % HELD_OUT]
    logger.info("%d texts, %d windows to train on", len(documents), len(windows))

    def fit(steps: int, rate: float) -> float:
        trainer = make_trainer(config, model, tokenizer, windows, held_out, steps, rate, bf16)
        if steps:
            trainer.train()
        set_seed(config.seed)  # the same tokens are masked whenever the loss is measured
        return float(trainer.evaluate()["eval_loss"])

    if head_is_new:
        model.base_model.requires_grad_(False)
        ready = fit(config.head_steps, config.head_learning_rate)
        model.base_model.requires_grad_(True)
    else:
        ready = fit(0, config.learning_rate)
    steps = math.ceil(len(windows) / config.batch) * config.epochs
    final = fit(steps, config.learning_rate)

    output = Path(config.output)
    tokenizer.backend_tokenizer.no_truncation()  # cutting windows had switched it on
    model.base_model.save_pretrained(output)
    tokenizer.save_pretrained(output)
    result = {
        "encoder": config.model.name, "texts": len(documents), "windows": len(windows),
        "head_was_new": head_is_new, "head_steps": config.head_steps if head_is_new else 0,
        "steps": steps, "loss_before": ready, "loss_after": final, "seed": config.seed,
    }  # fmt: skip
    write_json(output / METRICS, result)
    return result


def check_pretrain_config(config: PretrainConfig) -> None:
    """Refuse what cannot be meant.

    Raises:
        InputError: names the key and what it may be.
    """
    for key, wrong, allowed in (
        ("epochs", config.epochs < 1, "1 or more"),
        ("batch", config.batch < 1, "1 or more"),
        ("window", not 8 <= config.window <= 512, "from 8 to 512"),
        ("mask_probability", not 0 < config.mask_probability < 1, "between 0 and 1"),
        ("learning_rate", not config.learning_rate > 0, "greater than 0"),
        ("head_learning_rate", not config.head_learning_rate > 0, "greater than 0"),
        ("head_steps", config.head_steps < 0, "0 or more"),
        ("output", holds_something(Path(config.output)), "a folder that is new or empty"),
    ):
        if wrong:
            raise InputError(f"{key}: must be {allowed}")


def holds_something(path: Path) -> bool:
    """Whether a path is a file, or a folder that is not empty."""
    return path.is_file() or (path.is_dir() and any(path.iterdir()))


def make_trainer(
    config: PretrainConfig,
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    windows: Windows,
    held_out: Windows,
    steps: int,
    rate: float,
    bf16: bool,
) -> Trainer:
    """A Trainer of `steps` steps that masks tokens anew whenever it sees a window."""
    arguments = TrainingArguments(
        output_dir=f"{config.output}/steps",
        max_steps=max(1, steps),
        learning_rate=rate,
        warmup_steps=0.1,
        weight_decay=0.01,
        per_device_train_batch_size=config.batch,
        per_device_eval_batch_size=config.batch,
        train_sampling_strategy="group_by_length",
        optim="adamw_torch_fused",
        bf16=bf16,
        use_cpu=not torch.accelerator.is_available(),
        save_strategy="no",
        logging_steps=50,
        seed=config.seed,
        report_to=[],
    )
    return MaskedTrainer(
        model,
        arguments,
        data_collator=DataCollatorForLanguageModeling(
            tokenizer, mlm_probability=config.mask_probability, pad_to_multiple_of=32
        ),
        train_dataset=windows,
        eval_dataset=held_out,
    )
