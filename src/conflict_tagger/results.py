"""Figures for README.md and docs/results.md, from the files that the benchmarks write."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tabulate import tabulate

from conflict_tagger.documents import Document, InputError, read_jsonl
from conflict_tagger.markdown import fill_tables
from conflict_tagger.scoring.intervals import difference_interval

MATCHES = ("strict", "overlap")  # what the tables show
# What minilm was trained on, and the files of its scores.
CORPORA = {
    "train": "minilm-without-wire.json",
    "train, wire": "minilm-wire.json",
    "train, wire, 477 of mixed": "minilm-mixed-477.json",
    "train, wire, 944 of mixed": "minilm-mixed-944.json",
    "train, wire, mixed": "minilm.json",
    "train, open texts": "minilm-open.json",
    "train, wire, mixed, open texts": "minilm-all.json",
}
# What was added to a recipe, and the names of the results with it and without it.
INGREDIENTS = {
    "wire": ("minilm-wire", "minilm-without-wire"),
    "477 of mixed, negations": ("minilm-mixed-477", "minilm-wire"),
    "467 more": ("minilm-mixed-944", "minilm-mixed-477"),
    "the last 485": ("minilm-balanced", "minilm-mixed-944"),
    "no balance": ("minilm-replaced", "minilm-balanced"),
    "no replaced mentions": ("minilm-3-epochs", "minilm-replaced"),
    "fourth epoch": ("minilm-unjoined", "minilm-3-epochs"),
    "joined documents": ("minilm", "minilm-unjoined"),
    "open texts to train": ("minilm-open", "minilm-without-wire"),
    "open texts to all reports": ("minilm-all-unjoined", "minilm-unjoined"),
    "joined, six epochs": ("minilm-all", "minilm-all-unjoined"),
    "soft labels of mpnet-all": ("minilm-all-taught", "minilm-all"),
    "mpnet on train": ("mpnet", "minilm-without-wire"),
    "mpnet on everything": ("mpnet-all", "minilm-all"),
    "kinds of variant": ("minilm-variants", "minilm-mixed-302"),
    "pretraining": ("minilm-pretrained", "minilm-mixed-302"),
    "cosine schedule": ("minilm-cosine", "minilm-mixed-477"),
    "layer-wise decay": ("minilm-layer-decay", "minilm-mixed-477"),
    "label smoothing": ("minilm-smoothing", "minilm-mixed-477"),
    "weights of labels": ("minilm-weights", "minilm-mixed-477"),
    "last layer as pretrained": ("minilm-kept-layer", "minilm-unfused"),
    "averaged weights": ("minilm-average", "minilm-mixed-944"),
}
COMPARED = ("validation", "open_validation", "test", "open_test")
FIRST = ", train.jsonl alone"  # trained before there were more reports
ALL = ", open texts too"
DOUBTFUL = ("PERPETRATOR", "DENIAL")  # the labels that are hardest to get right
# Sentences of the seed articles that README shows, by how they begin.
EXAMPLES = (
    "Airstrikes on a popular market",
    "Russia denied it was responsible",
    "Syrian opposition activists said Russian warplanes",
)


def read_result(path: Path) -> Any:
    """Read a result file.

    Raises:
        InputError: it is missing or damaged.
    """
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read ({error}); run its benchmark first") from None


def write_tables(root: Path) -> None:
    """Rewrite the generated tables of README.md and docs/results.md.

    Raises:
        InputError: a result file or a table's markers are missing.
    """
    for path, text in filled_pages(root).items():
        path.write_text(text, "utf-8")


def filled_pages(root: Path) -> dict[Path, str]:
    """README.md and docs/results.md with their tables made anew from docs/results/."""
    seeds = read_result(root / "docs" / "results" / "minilm.json")
    clone = read_result(root / "docs" / "results" / "fresh_clone.json")
    articles = list(read_jsonl(root / "data" / "seed_articles" / "seed_articles.jsonl"))
    mpnet = read_result(root / "docs" / "results" / "mpnet.json")
    mpnet_all = read_result(root / "docs" / "results" / "mpnet-all.json")
    baselines = read_result(root / "docs" / "results" / "baselines.json")
    results = {
        **baselines["baselines"],
        f"minilm{FIRST}": read_result(root / "docs/results/minilm-without-wire.json"),
        f"mpnet{FIRST}": mpnet,
        "minilm": seeds,
        f"minilm{ALL}": read_result(root / "docs/results/minilm-all.json"),
        f"mpnet{ALL}": mpnet_all,
    }
    models = model_table(results)
    of_mpnet = read_result(root / "docs" / "results" / "baselines-mpnet.json")
    training_data = {
        corpus: scored_splits(root / "docs" / "results" / file) for corpus, file in CORPORA.items()
    }
    pages = {
        root / "README.md": {
            "examples": examples(articles),
            "results": summary_table(seeds),
            "models": models,
        },
        root / "docs" / "results.md": {
            "summary": summary_table(seeds),
            "labels": label_table(seeds),
            "mistakes": mistake_table(seeds),
            "models": models,
            "models_by_label": models_by_label_table(results),
            "baselines": baselines_table(
                {
                    f"minilm{FIRST}": baselines["tests"],
                    f"mpnet{FIRST}": of_mpnet["tests"],
                }
            ),
            "mpnet": label_table(mpnet),
            "mpnet_all": label_table(mpnet_all),
            "open": open_table(training_data),
            "open_labels": open_label_table(training_data),
            "training": training_table(seeds),
            "clone": clone_table(clone),
            "values": values_table(read_result(root / "docs" / "results" / "count_values.json")),
            "behaviour": behaviour_table(root / "docs" / "results" / "behaviour"),
            "variants": behaviour_table(root / "docs" / "results" / "behaviour_validation"),
            "scoring": scoring_table(read_result(root / "docs" / "results" / "scoring.json")),
            "recipes": recipe_table(root / "docs" / "results"),
            "ingredients": ingredient_table(root / "docs" / "results"),
        },
    }
    return {path: fill_tables(path.read_text("utf-8"), tables) for path, tables in pages.items()}


def scored_splits(path: Path) -> dict[str, Any]:
    """Scores of a benchmark by split, with those of `make bench-open` where it was run after it.

    Raises:
        InputError: a file is missing or damaged.
    """
    splits = dict(read_result(path)["splits"])
    afterwards = path.with_name(f"open-{path.name}")
    if afterwards.exists():
        splits |= read_result(afterwards)["splits"]
    return splits


def summary_table(result: Mapping[str, Any]) -> str:
    """Micro and macro F1 of each split."""
    rows = [
        [name, average, scores["documents"], scores["strict"][average]["support"],
         *[_spread(scores[match][average]["f1"]) for match in MATCHES]]
        for name, scores in result["splits"].items()
        for average in ("micro", "macro")
    ]  # fmt: skip
    return _table(["split", "average", "documents", "spans", "strict F1", "overlap F1"], rows)


def model_table(results: Mapping[str, Mapping[str, Any]]) -> str:
    """Micro F1 of each model on each split but validation, and what its training held in memory."""
    names = [name for name in next(iter(results.values()))["splits"] if name != "validation"]
    rows = []
    for model, result in results.items():
        scores = [
            _spread(result["splits"][name][match]["micro"]["f1"])
            for name in names
            for match in MATCHES
        ]
        training = result["training"]
        measured = [run["peak_memory_gb"]["process"] for run in training if "peak_memory_gb" in run]
        seeds = ", ".join(str(seed) for seed in result["seeds"])
        epochs = training[0].get("epochs", "")
        rows.append([model, seeds, epochs, *scores, max(measured, default="")])
    columns = [f"{name}, {match} F1" for name in names for match in MATCHES]
    return _table(["model", "seeds", "epochs", *columns, "peak memory, GB"], rows)


def open_table(results: Mapping[str, Mapping[str, Any]]) -> str:
    """Micro F1 on every split of the same model trained on each corpus."""
    splits = list(next(iter(results.values())))
    rows = [
        [corpus, match, *[_spread(scores[name][match]["micro"]["f1"]) for name in splits]]
        for corpus, scores in results.items()
        for match in MATCHES
    ]
    return _table(["trained on", "micro F1", *splits], rows)


def open_label_table(results: Mapping[str, Mapping[str, Any]]) -> str:
    """Strict F1 of each label on the tests of the same model trained on each corpus."""
    tests = ("test", "open_test")
    labels = list(next(iter(results.values()))[tests[0]]["strict"]["per_label"])
    rows = [
        [corpus, *[_spread(scores[name]["strict"]["per_label"][label]["f1"])
                   for name in tests for label in labels]]
        for corpus, scores in results.items()
    ]  # fmt: skip
    return _table(["trained on", *[f"{name}: {label}" for name in tests for label in labels]], rows)


def models_by_label_table(results: Mapping[str, Mapping[str, Any]], split: str = "test") -> str:
    """Strict F1 of each label on one split, a column for each model."""
    scores = [result["splits"][split]["strict"]["per_label"] for result in results.values()]
    rows = [
        [label, *[_spread(of_model[label]["f1"]) for of_model in scores]] for label in scores[0]
    ]
    return _table(["label", *results], rows)


def baselines_table(models: Mapping[str, Mapping[str, Mapping[str, Mapping[str, Any]]]]) -> str:
    """How much better each model's runs are than each baseline, at the least."""
    rows = [
        [model, name, split, match, f"{test['difference']:+.3f}", f"{test['lowest']:+.3f}",
         f"{test['bootstrap_p']:.4f}", f"{test['randomisation_p']:.4f}"]
        for model, tests in models.items()
        for name, splits in tests.items()
        for split, matches in splits.items()
        for match, test in matches.items()
    ]  # fmt: skip
    headers = ["model", "baseline", "split", "match", "smallest difference in F1", "lowest bound",
               "largest p, bootstrap", "largest p, randomisation"]  # fmt: skip
    return _table(headers, rows)


def label_table(result: Mapping[str, Any]) -> str:
    """Precision, recall and F1 of each label on each split."""
    rows = []
    for name, scores in result["splits"].items():
        for label, strict in scores["strict"]["per_label"].items():
            overlap = scores["overlap"]["per_label"][label]
            rows.append([name, label, strict["support"],
                         *[_spread(strict[key]) for key in ("precision", "recall", "f1")],
                         _spread(overlap["f1"])])  # fmt: skip
    headers = ["split", "label", "spans", "strict P", "strict R", "strict F1", "overlap F1"]
    return _table(headers, rows)


def mistake_table(result: Mapping[str, Any], split: str = "test") -> str:
    """How many mistakes of each kind touch each label on one split, in the mean of the seeds."""
    scores = result["splits"][split]
    strict, mistakes = scores["strict"], scores["mistakes"]
    rows = [
        [label, strict["per_label"][label]["support"], *map(_spread_count, kinds.values())]
        for label, kinds in mistakes["per_label"].items()
    ]
    rows.append(["all", strict["micro"]["support"], *map(_spread_count, mistakes["all"].values())])
    return _table(["label", "spans", *mistakes["all"]], rows)


def training_table(result: Mapping[str, Any]) -> str:
    """Choice, precision and memory of each seed's training; durations depend on the neighbours."""
    keys = ("best_epoch", "epochs", "steps", "outside_shift", "precision", "device")
    rows = [
        [seed, *[run[key] for key in keys], run["peak_memory_gb"]["process"], _code(git)]
        for seed, run, git in zip(result["seeds"], result["training"], result["git"], strict=True)
    ]
    headers = ["seed", "best epoch", "epochs", "steps", "shift of O", "precision", "device",
               "peak memory, GB", "code"]  # fmt: skip
    return _table(headers, rows)


def recipe_table(folder: Path) -> str:
    """Scores of every recipe that was benchmarked; only the validation splits may choose one."""
    rows = []
    for path in sorted(folder.glob("m*.json")):  # minilm and mpnet
        result = read_result(path)
        splits = scored_splits(path)
        scores = splits["validation"]
        code = ", ".join(dict.fromkeys(_code(git) for git in result["git"]))
        seeds = ", ".join(str(seed) for seed in result["seeds"])
        rows.append([path.stem, f"`{' '.join(result['overrides'])}`", seeds, code,
                     *[_spread(scores[match]["micro"]["f1"]) for match in MATCHES],
                     *[_spread(scores["strict"]["per_label"][label]["f1"]) for label in DOUBTFUL],
                     *[_spread(splits[name]["strict"]["micro"]["f1"]) if name in splits else ""
                       for name in ("open_validation", "test", "open_test")]])  # fmt: skip
    headers = ["recipe", "overrides", "seeds", "code", "validation strict F1",
               "validation overlap F1", *[f"validation {label}, strict" for label in DOUBTFUL],
               "open_validation strict F1", "test strict F1", "open_test strict F1"]  # fmt: skip
    return _table(headers, rows)


def ingredient_table(folder: Path) -> str:
    """What each ingredient adds to the strict micro F1 of each split, with its 95% interval."""
    rows = []
    for ingredient, names in INGREDIENTS.items():
        paths = [folder / f"{name}.json" for name in names]
        splits = [scored_splits(path) for path in paths]
        counts = len(read_result(paths[0])["seeds"]), len(read_result(paths[1])["seeds"])
        cells = []
        for split in COMPARED:
            if not all(split in scores for scores in splits):
                cells.append("")
                continue
            first, second = (scores[split]["strict"]["micro"]["f1"] for scores in splits)
            interval = difference_interval(first, second, counts)
            bounds = "" if interval is None else " ({:+.3f} to {:+.3f})".format(*interval)
            cells.append(f"{first['mean'] - second['mean']:+.3f}{bounds}")
        rows.append([ingredient, *names, f"{counts[0]}, {counts[1]}", *cells])
    return _table(["ingredient", "with", "without", "seeds", *COMPARED], rows)


def clone_table(result: Mapping[str, Any]) -> str:
    """Duration and memory of `make train` from an empty clone, set-up included."""
    rows = [[result["cores"], f"{result['setup_seconds'] / 60:.1f}",
             f"{result['train_seconds'] / 60:.1f}", f"{result['total_seconds'] / 60:.1f}",
             result["peak_memory_gb"]]]  # fmt: skip
    headers = ["cores", "set-up, minutes", "training and scoring, minutes", "in all, minutes",
               "peak memory of a process, GB"]  # fmt: skip
    return _table(headers, rows)


def scoring_table(result: Mapping[str, Any]) -> str:
    """Seconds for each task of the scorer."""
    suffix = "_seconds"
    rows = [
        [name.removesuffix(suffix).replace("_", " "), f"{value:.2f}"]
        for name, value in result.items()
        if name.endswith(suffix)
    ]
    return _table(["task", "seconds"], rows)


def behaviour_table(folder: Path) -> str:
    """The pass rate of each behaviour check, a column for each checkpoint that was checked."""
    results = {path.stem: read_result(path)["checks"] for path in sorted(folder.glob("*.json"))}
    if not results:
        raise InputError(f"{folder}: holds no result; run `make check-behaviour` first")
    rows = []
    for name, first in next(iter(results.values())).items():
        cells = []
        for checks in results.values():
            row = checks[name]
            if "skipped" in row:
                cells.append(row["skipped"])
            else:
                low, high = row["interval"]
                stayed = row.get("tags_stayed")
                tags = "" if stayed is None else f"; tags {stayed:.3f}"
                cells.append(f"{row['rate']:.3f} ({low:.3f}–{high:.3f}) of {row['cases']}{tags}")
        rows.append([name, first["wanted"], *cells])
    return _table(["check", "wanted", *results], rows)


def values_table(result: Mapping[str, Any]) -> str:
    """How many gold counts are read right, and which are not."""
    rows = [
        [name, split["counts"], f"{split['bounds_right']:.3f}",
         f"{split['bounds_and_hedge_right']:.3f}", ", ".join(split["wrong"]) or "none"]
        for name, split in result.items()
        if name != "command"
    ]  # fmt: skip
    headers = ["split", "gold counts", "bounds right", "bounds and hedge right", "read wrong"]
    return _table(headers, rows)


def examples(articles: Sequence[Document]) -> str:
    """Sentences of the seed articles with their gold spans in bold, labels behind."""
    return "\n>\n".join(f"> {_marked(articles, beginning)}" for beginning in EXAMPLES)


def _marked(articles: Sequence[Document], beginning: str) -> str:
    document = next(d for d in articles if beginning in d.text)
    start = document.text.index(beginning)
    end = document.text.find("\n", start)
    end = len(document.text) if end < 0 else end
    parts, position = [], start
    for span in document.spans:
        if start <= span.start < end:
            parts.append(document.text[position : span.start])
            parts.append(f"**{document.text_of(span)}** <sub>{span.label}</sub>")
            position = span.end
    return "".join([*parts, document.text[position:end]])


def _code(git: Mapping[str, Any]) -> str:
    """The commit a run's code came from, and whether it had been changed since."""
    revision = str(git["revision"])[:8] if git["revision"] else "before the first commit"
    return f"{revision} with changes" if git["uncommitted_changes"] else revision


def _spread(value: Mapping[str, float | None] | int) -> str:
    """A score with its spread, alone if one seed has none; equal whole numbers stay such."""
    if not isinstance(value, Mapping):
        return f"{value:.3f}"
    spread = "" if value["sd"] is None else f" ± {value['sd']:.3f}"
    return f"{value['mean']:.3f}{spread}"


def _spread_count(value: Mapping[str, float | None] | int) -> str:
    """How often something happened, with its spread over the seeds if they differ."""
    if not isinstance(value, Mapping):
        return str(value)
    spread = "" if value["sd"] is None else f" ± {value['sd']:.1f}"
    return f"{value['mean']:.1f}{spread}"


def _table(headers: list[str], rows: list[list[Any]]) -> str:
    return str(tabulate(rows, headers, tablefmt="github", intfmt=","))
