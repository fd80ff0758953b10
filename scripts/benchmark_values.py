"""Measure how well counts are read, against values annotated by hand: `make bench-values`."""

from pathlib import Path
from typing import Any

from conflict_tagger.count_values import read_count, read_values
from conflict_tagger.documents import read_jsonl
from conflict_tagger.runs import write_json

OUTPUT = Path("docs/results/count_values.json")
SPLITS = {
    "test": Path("data/reports/test.jsonl"),
    "seed_articles": Path("data/seed_articles/seed_articles.jsonl"),
}


def main() -> None:
    """Write for each split how many of its gold counts are read right."""
    values = read_values(Path("data/count_values.jsonl"))
    result: dict[str, Any] = {"command": "make bench-values"}
    for name, path in SPLITS.items():
        counts = [
            document.text_of(span).lower()
            for document in read_jsonl(path)
            for span in document.spans
            if span.label == "COUNT"
        ]
        found = {words: read_count(words) for words in counts}
        bounds = [
            (value := found[words]) is not None
            and (value.low, value.high) == (values[words].low, values[words].high)
            for words in counts
        ]
        result[name] = {
            "counts": len(counts),
            "bounds_right": sum(bounds) / len(bounds),
            "bounds_and_hedge_right": sum(found[words] == values[words] for words in counts)
            / len(counts),
            "wrong": sorted({words for words in counts if found[words] != values[words]}),
        }
        print(name, result[name])
    write_json(OUTPUT, result)


if __name__ == "__main__":
    main()
