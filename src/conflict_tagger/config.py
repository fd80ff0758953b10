"""The typed configuration behind configs/: an unknown key or a wrong type fails by name."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any

MISSING = "???"  # OmegaConf's mark of a value that must be given


class Precision(Enum):
    """Arithmetic of training; weights and scoring are float32 in any case."""

    auto = "auto"
    fp32 = "fp32"
    bf16 = "bf16"


class Tracking(Enum):
    """Where Weights & Biases keeps a run; `auto` is online when logged in, else offline."""

    auto = "auto"
    online = "online"
    offline = "offline"
    none = "none"


@dataclass
class OpenSourceConfig:
    """Files of an open source: patterns in a local folder, and addresses of fixed versions."""

    local: list[str] = field(default_factory=list)
    public: list[str] = field(default_factory=list)


@dataclass
class DataConfig:
    """Which documents train, choose and test; all paths are JSONL files of Documents.

    `clauses` are the labels whose spans are clauses instead of mentions of people or numbers;
    `counts` those whose spans say how many. `more_train` trains too, as texts that stronger models
    have tagged, with their soft labels or without. Of all that trains, `train_share` is taken, by
    the texts' hashes: a smaller share lies inside each larger one.

    `standoff` is a folder of annotated hashes of open texts. Eight tenths of them train too; where
    there is an evaluation at all, the others are scored as open_validation and open_test.
    `open_texts` is a folder that holds the texts; without one they are fetched.
    """

    name: str = MISSING
    labels: list[str] = field(default_factory=list)
    clauses: list[str] = field(default_factory=list)
    counts: list[str] = field(default_factory=list)
    train: str = MISSING
    validation: str = MISSING
    evaluation: dict[str, str] = field(default_factory=dict)
    more_train: list[str] = field(default_factory=list)
    train_share: float = 1.0
    standoff: str | None = None
    open_texts: str | None = None
    open_sources: dict[str, OpenSourceConfig] = field(default_factory=dict)


@dataclass
class WindowConfig:
    """Window size and overlap in tokens; the size counts the special tokens."""

    size: int = 512
    overlap: int = 128


@dataclass
class PartsConfig:
    """Packages that carry a zip file in parts: their names in order, and the file they make.

    `size` is in bytes.
    """

    packages: list[str] = field(default_factory=list)
    size: int = 0
    sha256: str = MISSING


@dataclass
class ModelConfig:
    """The pretrained encoder: `package://module/folder`, a local folder, a hub id, or in parts.

    `parts://folder` is a folder in the zip file of `parts`. `requires` names Python packages that
    the tokenizer needs beside ours, `tokenizer` its own settings; `settings` replaces values of the
    encoder's config.json; `freeze_embeddings` keeps its word embeddings as they are; its last
    `fresh_layers` layers start untrained. `learning_rate` is what suits it (see training).
    `init_from` is a folder that pretraining wrote, to start from in place of `source`.
    """

    name: str = MISSING
    source: str = MISSING
    revision: str | None = None
    parts: PartsConfig | None = None
    requires: list[str] = field(default_factory=list)
    window: WindowConfig = field(default_factory=WindowConfig)
    tokenizer: dict[str, Any] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    learning_rate: float = 5e-5
    freeze_embeddings: bool = False
    fresh_layers: int = 0
    init_from: str | None = None


@dataclass
class VariantsConfig:
    """How often training documents are changed, anew each epoch; each value is a chance.

    Of each distinct name, place and number: `names` of actors and people, `places`, and the numbers
    of `counts` become others of their kind. Of each count in a sentence that marks nothing beside
    it and its victims: it becomes "no" and nothing is marked (`negations`). Of each document: its
    `commas` go, its `quotes` change style, it turns to `capitals`, or unmarked paragraphs of others
    come in as `distractors`.
    """

    names: float = 0.0
    places: float = 0.0
    counts: float = 0.0
    negations: float = 0.0
    commas: float = 0.0
    quotes: float = 0.0
    capitals: float = 0.0
    distractors: float = 0.0


@dataclass
class TrainingConfig:
    """The recipe.

    `warmup` is a fraction of all steps, `patience` counts epochs, `replace_mentions` is the chance
    of a mention in a training document to be replaced by another of its kind, drawn anew each
    epoch, `join` that of a document to go on in the text of another, and `mask_probability` that
    of a training token to be hidden behind the mask token.
    The learning rate follows `schedule` (a name that transformers knows), and each layer below the
    head has `layer_decay` times that of the layer above it. `label_smoothing` is taken from the
    right tag and shared out to all; in the loss a word counts `label_weights` times by its label, 1
    where none is given. Where texts carry the soft labels of teachers, those are learned if
    `soft_labels`, else their spans. Gradients are taken over `accumulation_steps` batches;
    `gradient_checkpointing` trades time for memory, `compile` a slow start for faster steps.
    `balance` sets precision against recall on the validation split in the end.
    """

    epochs: int = 1
    learning_rate: float = 3e-4
    warmup: float = 0.1
    schedule: str = "linear"
    layer_decay: float = 1.0
    weight_decay: float = 0.01
    label_smoothing: float = 0.0
    label_weights: dict[str, float] = field(default_factory=dict)
    soft_labels: bool = True
    max_grad_norm: float = 1.0
    tokens_per_batch: int = 1536
    accumulation_steps: int = 1
    gradient_checkpointing: bool = False
    compile: bool = False
    patience: int = 3
    replace_mentions: float = 0.0
    variants: VariantsConfig = field(default_factory=VariantsConfig)
    join: float = 0.0
    mask_probability: float = 0.0
    balance: bool = False
    logging_steps: int = 10
    precision: Precision = Precision.auto


@dataclass
class TrackingConfig:
    """Weights & Biases: mode, project and group; its own WANDB_* variables hold as documented.

    Without a group, runs are grouped by the name of the experiment.
    """

    mode: Tracking = Tracking.auto
    project: str = "conflict-tagger"
    group: str | None = None


@dataclass
class TrainConfig:
    """All of one training.

    `resume` names the folder of an unfinished run to go on with; `force` lets it go on with other
    data or another configuration.
    """

    data: DataConfig = field(default_factory=DataConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    tracking: TrackingConfig = field(default_factory=TrackingConfig)
    name: str = MISSING
    seed: int = 0
    runs: str = "runs"
    resume: str | None = None
    force: bool = False
