"""Score finished runs on held-out open texts: `make bench-open`."""

from pathlib import Path

from command_line import command

from conflict_tagger.command_configs import OpenBenchmarkConfig
from conflict_tagger.corpora import load_splits
from conflict_tagger.documents import InputError, LabelSet
from conflict_tagger.open_texts import OPEN_TEST, OPEN_VALIDATION
from conflict_tagger.runs import METRICS, read_json, write_json


@command("benchmark_open", OpenBenchmarkConfig)
def main(config: OpenBenchmarkConfig) -> None:
    """Write mean and spread of the runs' scores on open_validation and open_test."""
    from conflict_tagger.evaluation import score_fully
    from conflict_tagger.seeds import aggregate
    from conflict_tagger.tagger import Tagger

    if not config.runs:
        raise InputError("runs: name at least one")
    splits = load_splits(config.data, LabelSet(tuple(config.data.labels)))
    scored = []
    for run in map(Path, config.runs):
        metrics = read_json(run / METRICS)
        tagger = Tagger.from_pretrained(run / "checkpoint")
        scores = {
            name: score_fully(tagger, splits[name].documents)[1]
            for name in (OPEN_VALIDATION, OPEN_TEST)
        }
        git = read_json(run / "environment.json")["git"]
        scored.append({**metrics, "splits": scores, "git": git})
        print(run, {name: round(s["strict"]["micro"]["f1"], 3) for name, s in scores.items()})
    output = Path(config.output)
    write_json(output, {"runs": list(config.runs), **aggregate(scored, [])})
    print(f"wrote {output}; `make results` puts it into the pages")


if __name__ == "__main__":
    main()
