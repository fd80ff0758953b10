"""Training baselines, scoring them as runs are scored, and testing finished runs against them."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from conflict_tagger.baselines.crf import Crf
from conflict_tagger.baselines.lookup import Lookup
from conflict_tagger.baselines.spacy_ner import SpacyNer
from conflict_tagger.baselines.words import WordModel, WordTagger, tagged_words
from conflict_tagger.command_configs import BaselineConfig, BaselinesConfig
from conflict_tagger.comparing import ScoredRun, common_gold, read_run
from conflict_tagger.corpora import TRAIN, VALIDATION, Split, load_splits
from conflict_tagger.documents import InputError, LabelSet
from conflict_tagger.evaluation import score_splits
from conflict_tagger.runs import (
    METRICS,
    create_run_folder,
    describe_data,
    record_inputs,
    write_json,
    writing,
)
from conflict_tagger.scoring.comparison import compare
from conflict_tagger.scoring.counts import MatchCounts, count_documents
from conflict_tagger.scoring.intervals import FEW
from conflict_tagger.seeds import check_same_data, finished_run, summarize_seeds

logger = logging.getLogger(__name__)

BASELINES = ("lookup", "crf", "spacy")
DRAWS = ("spacy",)  # the others learn the same with every seed


def run_baselines(config: BaselinesConfig) -> dict[str, Any]:
    """Train the baselines that are not there yet, and test finished runs against all.

    Returns:
        `baselines.<name>`, shaped as the file of a benchmark, and `tests.<name>.<split>` with how
        much better the runs are (see `tests_against`).

    Raises:
        InputError: an unknown baseline, bad data, or a run that was scored on other data.
    """
    check_baselines(config)
    labels = LabelSet(tuple(config.data.labels))
    splits = load_splits(config.data, labels)
    tests = [name for name in splits if name not in (TRAIN, VALIDATION)]
    finished = {name: [read_run(Path(run), name) for run in config.against] for name in tests}
    for name in tests if config.against else ():  # refused now rather than after the training
        common_gold(finished[name], name)
    results: dict[str, Any] = {}
    folders: dict[str, list[Path]] = {}
    for name in config.baselines:
        for seed in config.seeds if name in DRAWS else config.seeds[:1]:
            home = Path(config.runs) / name / f"seed-{seed}"
            one = BaselineConfig(name, config.data, name, seed, str(home))
            run = finished_run(home) or train_baseline(one, splits, labels)
            folders.setdefault(name, []).append(run)
        check_same_data(folders[name], describe_data(splits))
        results[name] = summarize_seeds(folders[name], [])
    return {
        "baselines": results,
        "against": list(config.against),
        "tests": {
            name: {
                split: tests_against(finished[split], [read_run(run, split) for run in runs], split)
                for split in tests
            }
            for name, runs in folders.items()
            if config.against
        },
    }


def check_baselines(config: BaselinesConfig) -> None:
    """Refuse what cannot be run, before minutes have passed.

    Raises:
        InputError: names the key and what it may be.
    """
    if not config.baselines or set(config.baselines) - set(BASELINES):
        raise InputError(f"baselines: must be some of {', '.join(BASELINES)}")
    if not config.seeds:
        raise InputError("seeds: name at least one")
    if config.output is not None and not Path(config.output).absolute().parent.is_dir():
        raise InputError(f"output: there is no folder {Path(config.output).parent}")


def train_baseline(config: BaselineConfig, splits: Mapping[str, Split], labels: LabelSet) -> Path:
    """Train one baseline and write its run folder: record, scores, predictions, error reports."""
    started = time.monotonic()
    run = create_run_folder(config)
    logger.info("%s: %s", config.name, run.path)
    with writing(run):
        record_inputs(run, config, splits)
        model = make_model(config)
        train, validation = (
            tagged_words(splits[name].documents, labels) for name in (TRAIN, VALIDATION)
        )
        chosen = model.fit(train, validation)
        seconds = round(time.monotonic() - started, 1)
        metrics = {
            "name": config.name,
            "seed": config.seed,
            "splits": score_splits(run.path, WordTagger(model, labels, config.data.counts), splits),
            "training": {**chosen, "seconds": seconds},
        }
        write_json(run.path / METRICS, metrics)
    return run.path


def make_model(config: BaselineConfig) -> WordModel:
    """An untrained baseline."""
    if config.baseline == "lookup":
        return Lookup()
    return Crf() if config.baseline == "crf" else SpacyNer(config.seed)


def tests_against(
    runs: Sequence[ScoredRun], baselines: Sequence[ScoredRun], split: str
) -> dict[str, Any]:
    """Test every run against every run of a baseline, and tell the weakest of these results.

    Returns:
        For strict and overlap micro F1: the smallest `difference` (of run less baseline), the
        lowest bound of its 95% intervals, and the largest p of both tests.
    """
    gold = common_gold([*runs, *baselines], split)
    labels = baselines[0].labels

    def counts(scored: Sequence[ScoredRun]) -> list[MatchCounts]:
        few = len(gold) < FEW
        return [count_documents(gold, run.predicted, labels, paragraphs=few) for run in scored]

    pairs = [(ours, theirs) for ours in counts(runs) for theirs in counts(baselines)]
    result = {}
    for match in ("strict", "overlap"):
        tested = [compare(ours, theirs, match) for ours, theirs in pairs]
        result[match] = {
            "difference": min(test.difference for test in tested),
            "lowest": min(test.interval[0] for test in tested),
            "bootstrap_p": max(test.bootstrap_p for test in tested),
            "randomisation_p": max(test.randomisation_p for test in tested),
        }
    return result
