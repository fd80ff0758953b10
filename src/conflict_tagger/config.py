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
    `counts` those whose spans say how many. `more_train` trains too, as texts that a stronger model
    has tagged.

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
    of `counts` become others of their kind. Of each document: its `commas` go, its `quotes` change
    style, it turns to `capitals`, or unmarked paragraphs of others come in as `distractors`.
    """

    names: float = 0.0
    places: float = 0.0
    counts: float = 0.0
    commas: float = 0.0
    quotes: float = 0.0
    capitals: float = 0.0
    distractors: float = 0.0


@dataclass
class TrainingConfig:
    """The recipe.

    `warmup` is a fraction of all steps, `patience` counts epochs, `replace_mentions` is the chance
    of a mention in a training document to be replaced by another of its kind, drawn anew each
    epoch, and `mask_probability` that of a training token to be hidden behind the mask token.
    Gradients are taken over `accumulation_steps` batches; `gradient_checkpointing` trades time for
    memory, `compile` a slow start for faster steps. `balance` sets precision against recall on the
    validation split in the end.
    """

    epochs: int = 1
    learning_rate: float = 3e-4
    warmup: float = 0.1
    weight_decay: float = 0.01
    max_grad_norm: float = 1.0
    tokens_per_batch: int = 1536
    accumulation_steps: int = 1
    gradient_checkpointing: bool = False
    compile: bool = False
    patience: int = 3
    replace_mentions: float = 0.0
    variants: VariantsConfig = field(default_factory=VariantsConfig)
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


@dataclass
class RepeatConfig:
    """Train the run of a folder once more and compare."""

    run: str = MISSING
    runs: str = "runs"


@dataclass
class CompareConfig:
    """Compare finished runs on one split that all of them were scored on."""

    runs: list[str] = field(default_factory=list)
    split: str = "test"
    match: str = "strict"
    output: str | None = None


@dataclass
class BaselineConfig:
    """One baseline, by name (see `baselines/`), trained with one seed."""

    baseline: str = MISSING
    data: DataConfig = field(default_factory=DataConfig)
    name: str = MISSING
    seed: int = 0
    runs: str = "runs"


@dataclass
class BaselinesConfig:
    """Train baselines, and test finished runs `against` them on the splits that all have.

    `seeds` are for the baselines that draw; the others are trained once.
    """

    data: DataConfig = field(default_factory=DataConfig)
    baselines: list[str] = field(default_factory=list)
    seeds: list[int] = field(default_factory=list)
    against: list[str] = field(default_factory=list)
    runs: str = "runs/baselines"
    output: str | None = None


@dataclass
class ParameterConfig:
    """What values a sweep tries: `choices`, or numbers from `low` to `high`, `log`arithmically."""

    low: float | None = None
    high: float | None = None
    log: bool = False
    choices: list[Any] | None = None


@dataclass
class SpaceConfig:
    """What a sweep searches for, by key: in `training` and in `model`, and nowhere else."""

    training: dict[str, ParameterConfig] = field(default_factory=dict)
    model: dict[str, ParameterConfig] = field(default_factory=dict)


@dataclass
class SweepConfig:
    """Search for a recipe: `overrides` of train.yaml stay, `space` is tried.

    Each of `trials` is the mean over `seeds` of strict F1 on validation, which no test split and no
    seed is searched for; `sampler_seed` is of the search alone. After `prune_after` epochs a trial
    that is worse than half of the others were then is given up.
    """

    study: str = MISSING
    overrides: list[str] = field(default_factory=list)
    space: SpaceConfig = field(default_factory=SpaceConfig)
    trials: int = 20
    seeds: list[int] = field(default_factory=list)
    sampler_seed: int = 0
    prune_after: int = 2
    runs: str = "runs/sweeps"


@dataclass
class EvaluateConfig:
    """Score a checkpoint on a JSONL file of Documents."""

    checkpoint: str = MISSING
    revision: str | None = None
    gold: str = MISSING
    output: str | None = None


@dataclass
class BehaviourConfig:
    """Check how a checkpoint behaves on changed documents of a JSONL file with gold spans.

    Each check takes at most `cases`, drawn with `seed`.
    """

    checkpoint: str = MISSING
    revision: str | None = None
    gold: str = MISSING
    cases: int = 200
    seed: int = 0
    output: str | None = None


@dataclass
class HubConfig:
    """What goes up to the hub as `hub_id`; without `upload`, only say what would.

    `create_pr` proposes the files instead of committing them; `tag` names the release.
    """

    hub_id: str = MISSING
    upload: bool = False
    private: bool = False
    create_pr: bool = False
    tag: str | None = None


@dataclass
class PublishConfig(HubConfig):
    """Publish a finished run's checkpoint.

    `reports` are the splits whose error reports, which hold whole texts, go along.
    """

    run: str = MISSING
    reports: list[str] = field(default_factory=list)
    behaviour: str | None = None


@dataclass
class PublishDataConfig(HubConfig):
    """Publish the bundled data, with the seed articles' texts only if `seed_texts`."""

    labels: list[str] = field(default_factory=list)
    folder: str = "data"
    seed_texts: bool = False


@dataclass
class TagConfig:
    """Tag a .txt file, a folder of them, a .jsonl file or standard input (`-`)."""

    checkpoint: str = MISSING
    revision: str | None = None
    input: str = "-"
    output: str | None = None


@dataclass
class BundledDataConfig:
    """Where the bundled data lies, and whether to rewrite the tables of its card."""

    labels: list[str] = field(default_factory=list)
    folder: str = "data"
    write_card: bool = False


@dataclass
class UnlabelledConfig:
    """Write open texts that nobody annotated, `words` of each source of `data`, to a JSONL file."""

    data: DataConfig = field(default_factory=DataConfig)
    words: int = 40_000
    output: str = MISSING


@dataclass
class PretrainConfig:
    """Go on pretraining an encoder on the training documents and on open texts without spans.

    `words` of each open source, `window` in tokens, `batch` in windows; a new head is trained alone
    for `head_steps` first.
    """

    data: DataConfig = field(default_factory=DataConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    words: int = 2_000_000
    window: int = 256
    batch: int = 16
    epochs: int = 1
    learning_rate: float = 1e-4
    head_steps: int = 200
    head_learning_rate: float = 1e-3
    mask_probability: float = 0.15
    precision: Precision = Precision.auto
    seed: int = 0
    output: str = MISSING


@dataclass
class RunsConfig:
    """List the run folders under a folder."""

    runs: str = "runs"


@dataclass
class SyncConfig:
    """Upload the W&B runs of one run folder, or of all under a folder, that have not gone up."""

    run: str | None = None
    runs: str = "runs"


@dataclass
class BenchmarkConfig:
    """Train one configuration with several seeds and write mean and spread."""

    name: str = MISSING
    overrides: list[str] = field(default_factory=list)
    seeds: list[int] = field(default_factory=list)
    runs: str = MISSING
    output: str = MISSING


@dataclass
class OpenBenchmarkConfig:
    """Score finished runs, which differ in their seed, on the open splits of `data`."""

    data: DataConfig = field(default_factory=DataConfig)
    runs: list[str] = field(default_factory=list)
    output: str = MISSING
