"""Time the scorer on made-up spans: `make bench-scoring`."""

import random
import time
from collections.abc import Callable
from pathlib import Path

from conflict_tagger.documents import Document, LabelSet, Span
from conflict_tagger.runs import write_json
from conflict_tagger.scoring.comparison import compare
from conflict_tagger.scoring.counts import count_documents
from conflict_tagger.scoring.intervals import bootstrap_intervals
from conflict_tagger.scoring.spans import score_documents

OUTPUT = Path("docs/results/scoring.json")
LABELS = LabelSet(("PERPETRATOR", "VICTIM", "COUNT", "DENIAL"))
LENGTH, SPANS = 4000, 12  # characters and spans of a document, about those of the reports


def documents(count: int, seed: int) -> list[Document]:
    """Documents of random spans; the other half of them is the same for any two seeds."""
    made = []
    for index in range(count):
        generator = random.Random(f"{index}" if index % 2 else f"{seed} {index}")
        edges = sorted(generator.sample(range(LENGTH), 2 * SPANS))
        spans = [
            Span(generator.choice(LABELS.names), start, end)
            for start, end in zip(edges[::2], edges[1::2], strict=True)
        ]
        made.append(Document(str(index), " " * LENGTH, tuple(spans)))
    return made


def seconds(work: Callable[[], object]) -> float:
    """How long something takes."""
    started = time.perf_counter()
    work()
    return round(time.perf_counter() - started, 3)


def main() -> None:
    """Write what scoring, intervals and a paired comparison take."""
    gold, one, other = (documents(100_000, seed) for seed in range(3))
    few = [count_documents(gold[:200], side[:200], LABELS) for side in (one, other)]
    result = {
        "command": "make bench-scoring",
        "score_100000_documents_seconds": seconds(lambda: score_documents(gold, one, LABELS)),
        "count_100000_documents_seconds": seconds(lambda: count_documents(gold, one, LABELS)),
        "1000_resamples_of_200_documents_seconds": seconds(lambda: bootstrap_intervals(few[0])),
        "paired_tests_on_200_documents_seconds": seconds(lambda: compare(few[0], few[1])),
    }
    write_json(OUTPUT, result)
    for name, value in result.items():
        print(f"{name}: {value}")


if __name__ == "__main__":
    main()
