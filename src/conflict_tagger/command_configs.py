"""The typed configuration of every command but training."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from conflict_tagger.config import MISSING, DataConfig, ModelConfig, Precision


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
class AverageConfig:
    """Make a run, in a folder under `runs`, of the mean weights of finished runs."""

    averaged: list[str] = field(default_factory=list)
    runs: str = "runs"


@dataclass
class TagConfig:
    """Tag a .txt file, a folder of them, a .jsonl file or standard input (`-`)."""

    checkpoint: str = MISSING
    revision: str | None = None
    input: str = "-"
    output: str | None = None


@dataclass
class TeachConfig:
    """Tag texts with the averaged probabilities of `teachers`, for a student to learn from."""

    teachers: list[str] = field(default_factory=list)
    input: str = MISSING
    output: str = MISSING
    precision: Precision = Precision.auto


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
