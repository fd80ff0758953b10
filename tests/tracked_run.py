"""A tracked run without a training: `tracked_run.py <folder> <mode> [<file to wait for>]`."""

import json
import sys
import time
from pathlib import Path

from conflict_tagger import tracking
from conflict_tagger.config import DataConfig, ModelConfig, Tracking, TrackingConfig, TrainConfig
from conflict_tagger.corpora import Split
from conflict_tagger.documents import Document, InputError, LabelSet, Span, write_jsonl
from conflict_tagger.evaluation import intervals
from conflict_tagger.runs import RunFolder, describe_data, record_inputs, write_json, writing
from conflict_tagger.scoring.spans import score_documents

tracking.INIT_TIMEOUT = 5
tracking.FINISH_TIMEOUT = 5


def main(root: str, mode: str, signal: str = "") -> None:
    folder = Path(root)
    labels = LabelSet(("VICTIM", "COUNT"))
    gold = [Document("a", "Two men died.", (Span("COUNT", 0, 3), Span("VICTIM", 4, 7)))]
    predicted = [gold[0].with_spans([Span("COUNT", 0, 3, 0.5)])]
    splits = {}
    for name in ("train", "validation"):
        write_jsonl(folder / f"{name}.jsonl", gold)
        splits[name] = Split(name, folder / f"{name}.jsonl", tuple(gold))
    run = RunFolder(folder / "runs" / "2026-11-20-x-0123abcd", "0123abcd")
    (run.path / "predictions").mkdir(parents=True)
    write_jsonl(run.path / "predictions" / "validation.jsonl", predicted)
    (run.path / "checkpoint").mkdir()
    (run.path / "checkpoint" / "model.safetensors").write_bytes(b"weights")
    scores = score_documents(gold, predicted, labels)
    scores["intervals"] = intervals(gold, predicted, labels)
    metrics = {"splits": {"validation": scores}, "checkpoint_sha256": "0", "training": {}}
    config = TrainConfig(
        name="x", model=ModelConfig(name="tiny", source="none"),
        tracking=TrackingConfig(mode=Tracking[mode]),
        data=DataConfig(name="little", labels=list(labels), train="t", validation="v"),
    )  # fmt: skip
    with writing(run):
        record_inputs(run, config, splits)
        resolved = tracking.resolve_mode(config.tracking.mode)
        tracked = tracking.start_tracking(resolved, config, run, describe_data(splits))
        assert tracked is not None
        tracked.log({"train/loss": 0.5})
        if signal:  # the network dies here
            (folder / "started").touch()
            while not Path(signal).exists():
                time.sleep(0.1)
        started = time.monotonic()
        tracking.finish_tracking(tracked, config, run, splits, metrics)
        seconds = time.monotonic() - started
        write_json(run.path / "metrics.json", metrics)
    sys.stdout.write(json.dumps({"mode": tracked.settings.mode, "seconds": seconds}))


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except InputError as error:
        sys.stdout.write(f"error: {error}")
