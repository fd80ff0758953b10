"""Encoders and token classifiers: how they are loaded and saved."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from pickle import UnpicklingError
from typing import TYPE_CHECKING, Any

from conflict_tagger.documents import InputError, LabelSet, first_line
from conflict_tagger.encoding import WindowSettings, bio_tags
from conflict_tagger.sources import encoder_folder

if TYPE_CHECKING:
    from torch import nn
    from transformers import PretrainedConfig, PreTrainedModel, PreTrainedTokenizerFast

    from conflict_tagger.config import ModelConfig

COUNTS = ("COUNT",)
PLAIN = "eager"  # what transformers calls attention that is not fused
LONG = 320  # tokens, from which a step with fused attention was faster on two cores
SETTINGS_FILE = "conflict_tagger.json"  # beside the weights; plain transformers ignores it
DECODING = "best legal BIO tags of the whole document"  # the one way there is; see decoding.py


def load_encoder(
    config: ModelConfig, labels: LabelSet
) -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    """A pretrained encoder with a fresh head of one logit for each BIO tag, in float32.

    The random weights, of the head and of layers that start anew, come from torch's generator:
    seed it first.

    Raises:
        InputError: the model cannot be had, or or its settings do not fit it.
    """
    folder = encoder_folder(config)
    tags = bio_tags(labels)
    pretrained = _read_config(folder, "model.source")
    for name in config.settings:
        if not hasattr(pretrained, name):
            raise InputError(f"model.settings.{name}: {config.name} has no such setting")
    model, tokenizer = _load(
        folder,
        "model.source",
        tokenizer_settings=config.tokenizer,
        pickled=True,
        num_labels=len(tags),
        id2label=dict(enumerate(tags)),
        label2id={tag: index for index, tag in enumerate(tags)},
        **config.settings,
    )
    limit = longest_window(model, tokenizer)
    if config.window.size > limit:
        raise InputError(f"model.window.size: must be at most {limit} for {config.name}")
    _start_anew(model, config)
    model.get_input_embeddings().weight.requires_grad_(not config.freeze_embeddings)
    # What the checkpoint says of itself: this many tokens, special ones included.
    tokenizer.model_max_length = limit
    return model, tokenizer


def encoder_layers(model: PreTrainedModel) -> nn.ModuleList:
    """The layers of an encoder, from the one next to the words to the last."""
    from torch import nn

    lists = [module for module in model.modules() if isinstance(module, nn.ModuleList)]
    return max(lists, key=len, default=nn.ModuleList())


@contextmanager
def attention_for_training(model: PreTrainedModel, length: int) -> Iterator[None]:
    """The faster kind of attention for a training step on windows of `length` tokens.

    On a CPU, the backward pass of fused attention is slower than that of plain attention, but for
    long windows; and it draws no random numbers, so dropout on attention weights falls back to
    something slower than either. On other devices the model's own attention is the fastest.
    """
    usual = model.config._attn_implementation
    plain = (
        usual != PLAIN
        and model.device.type == "cpu"
        and (length < LONG or getattr(model.config, "attention_probs_dropout_prob", 0) > 0)
    )
    if plain:
        model.set_attn_implementation(PLAIN)
    try:
        yield
    finally:
        if plain:
            model.set_attn_implementation(usual)


def _start_anew(model: PreTrainedModel, config: ModelConfig) -> None:
    """Give the last `fresh_layers` layers of an encoder the weights of an untrained one.

    The last layers know the pretraining task best, and may start worse for another than nothing
    (Zhang et al. 2021, "Revisiting few-sample BERT fine-tuning").

    Raises:
        InputError: the encoder has fewer layers.
    """
    from transformers import AutoModelForTokenClassification

    count, limit = config.fresh_layers, len(encoder_layers(model))
    if not 0 <= count <= limit:
        raise InputError(f"model.fresh_layers: must be from 0 to the {limit} of {config.name}")
    if count:
        untrained = AutoModelForTokenClassification.from_config(model.config)
        fresh = encoder_layers(untrained)[-count:]
        encoder_layers(model)[-count:].load_state_dict(fresh.state_dict())


def load_classifier(folder: Path) -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    """A fine-tuned token classifier of ours, from safetensors only, in float32.

    Raises:
        InputError: the folder holds no token classifier, or its files are damaged.
    """
    architectures = _read_config(folder, "checkpoint").architectures or ["no architecture"]
    if not any(str(name).endswith("ForTokenClassification") for name in architectures):
        raise InputError(
            f"checkpoint: {folder} is no token classifier ({', '.join(map(str, architectures))})"
        )
    return _load(folder, "checkpoint")


def _read_config(folder: Path, key: str) -> PretrainedConfig:
    from transformers import AutoConfig

    if not (folder / "config.json").is_file():
        raise InputError(f"{key}: {folder} holds no config.json, so no model")
    try:
        return AutoConfig.from_pretrained(folder, trust_remote_code=False)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{key}: {folder}/config.json is damaged: {first_line(error)}") from None


def _load(
    folder: Path,
    key: str,
    tokenizer_settings: Mapping[str, Any] | None = None,
    pickled: bool = False,
    **config: Any,
) -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    import torch
    from safetensors import SafetensorError
    from transformers import AutoModelForTokenClassification, AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(
            folder, trust_remote_code=False, **(tokenizer_settings or {})
        )
        with no_progress_bars():
            model = AutoModelForTokenClassification.from_pretrained(
                folder,
                dtype=torch.float32,  # an encoder stored in half precision is trained in full
                use_safetensors=not pickled or any(folder.glob("*.safetensors")),
                weights_only=True,  # a pickle may hold tensors, never code
                trust_remote_code=False,
                **config,
            )
    except (
        OSError, ValueError, RuntimeError, KeyError, ImportError, SafetensorError, UnpicklingError,
    ) as error:  # fmt: skip
        raise InputError(f"{key}: {folder} cannot be loaded: {first_line(error)}") from None
    if not tokenizer.is_fast:
        raise InputError(f"{key}: {folder} has no fast tokenizer (tokenizer.json)")
    return model, tokenizer


def longest_window(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> int:
    """The most tokens a model takes at once, special tokens included."""
    positions = getattr(model.config, "max_position_embeddings", None) or 512
    # RoBERTa counts its positions from behind the padding id; its tokenizer knows the true limit.
    return int(min(positions, tokenizer.model_max_length))


def save_classifier(
    folder: Path,
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    window: WindowSettings,
    counts: Sequence[str],
) -> None:
    """Write safetensors weights, config, tokenizer and our settings into a folder.

    Raises:
        InputError: the folder cannot be written, as on a full disk.
    """
    from safetensors import SafetensorError

    record = {
        "window": {"size": window.size, "overlap": window.overlap},
        "counts": list(counts),
        "decoding": DECODING,
    }
    try:
        with no_progress_bars():
            model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        (folder / SETTINGS_FILE).write_text(json.dumps(record, indent=2) + "\n", "utf-8")
    except (OSError, SafetensorError) as error:
        raise InputError(f"{folder}: cannot write the checkpoint: {first_line(error)}") from None


@contextmanager
def no_progress_bars() -> Iterator[None]:
    """Without transformers' bars over the reading and writing of weights, a second's work."""
    from transformers.utils import logging as transformers_logging

    shown = transformers_logging.is_progress_bar_enabled()
    transformers_logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            transformers_logging.enable_progress_bar()


def load_settings(folder: Path, limit: int) -> tuple[WindowSettings, tuple[str, ...]]:
    """A checkpoint's window, and which of its labels are counts.

    Without a record the window has the model's length, and counts are called COUNT.

    Raises:
        InputError: the record is damaged, or asks for a decoding that is not known.
    """
    path = folder / SETTINGS_FILE
    if not path.exists():
        size = min(512, limit)
        return WindowSettings(size, size // 4), COUNTS
    try:
        record = json.loads(path.read_text("utf-8"))
        window = WindowSettings(int(record["window"]["size"]), int(record["window"]["overlap"]))
        counts, decoding = tuple(map(str, record.get("counts", COUNTS))), record.get("decoding")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"checkpoint: {path} is damaged: {error!r}") from None
    if decoding not in (None, DECODING):  # checkpoints of before it was recorded have none
        raise InputError(
            f"checkpoint: {path} asks for decoding by {decoding!r}, which this version does not "
            "know; install a newer conflict-tagger"
        )
    return window, counts
