"""Mistakes by kind, confidence against truth, and the page that shows them."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from conftest import LABELS
from hypothesis import given
from hypothesis import strategies as st

from conflict_tagger.documents import Document, InputError, Span
from conflict_tagger.evaluation import intervals
from conflict_tagger.reports import most_frequent, segments, write_report
from conflict_tagger.scoring.mistakes import (
    Kind,
    calibration,
    confusion,
    count_mistakes,
    find_mistakes,
)
from conflict_tagger.scoring.spans import score_documents

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


def V(start: int, end: int, score: float | None = None) -> Span:  # noqa: N802
    return Span("VICTIM", start, end, score)


def D(start: int, end: int) -> Span:  # noqa: N802
    return Span("DENIAL", start, end)


@pytest.mark.parametrize(
    ("gold", "predicted", "kinds"),
    [
        ([V(0, 5)], [V(0, 5)], []),
        ([V(0, 5)], [], [Kind.missed]),
        ([], [V(0, 5)], [Kind.spurious]),
        ([V(0, 5)], [V(0, 4)], [Kind.edges]),
        ([V(0, 5)], [D(0, 5)], [Kind.label]),
        ([V(0, 5)], [D(2, 9)], [Kind.label]),
        ([V(0, 5)], [V(5, 9)], [Kind.missed, Kind.spurious]),  # they only touch
        ([D(0, 9)], [D(0, 4), D(5, 9)], [Kind.split]),
        ([D(0, 9)], [D(0, 4), V(5, 9)], [Kind.split]),
        ([V(0, 4), V(5, 9)], [V(0, 9)], [Kind.merged]),
        ([V(0, 4), V(5, 9)], [V(1, 6), V(7, 9)], [Kind.edges]),
        ([V(0, 4), V(5, 9)], [V(0, 4), V(5, 8)], [Kind.edges]),
        ([V(0, 2), D(3, 9)], [V(0, 2), V(4, 5), D(12, 15)], [Kind.label, Kind.spurious]),
    ],
)
def test_kinds_of_mistake(gold: list[Span], predicted: list[Span], kinds: list[Kind]) -> None:
    assert [mistake.kind for mistake in find_mistakes(gold, predicted)] == kinds


@st.composite
def flat_spans(draw: st.DrawFn) -> list[Span]:
    edges = sorted(draw(st.sets(st.integers(0, 30), max_size=12)))
    pairs = zip(edges[::2], edges[1::2], strict=False)
    return [Span(draw(st.sampled_from(LABELS.names)), start, end) for start, end in pairs]


@given(flat_spans(), flat_spans())
def test_every_span_is_right_or_in_one_mistake(gold: list[Span], predicted: list[Span]) -> None:
    mistakes = find_mistakes(gold, predicted)
    right = set(gold) & set(predicted)
    for side, name in ((gold, "gold"), (predicted, "predicted")):
        mistaken = [span for mistake in mistakes for span in getattr(mistake, name)]
        assert len(mistaken) == len(set(mistaken))
        assert set(mistaken) == set(side) - right
    text = "".join(map(chr, range(65, 96)))
    documents = [Document("1", text, tuple(side)) for side in (gold, predicted)]
    parts = segments(*documents, mistakes)
    assert "".join(part.text for part in parts) == text
    position = 0
    for part in parts:
        for side, label in ((gold, part.gold), (predicted, part.predicted)):
            here = [s.label for s in side if s.start <= position < s.end]
            assert here == ([label] if label else [])
        position += len(part.text)


def documents(*spans: list[Span], text: str = "x" * 40) -> list[Document]:
    return [Document(f"report {i}", text, tuple(side)) for i, side in enumerate(spans)]


def test_confusion_counts_each_gold_span_once() -> None:
    gold = documents([V(0, 5), V(10, 15), D(20, 30)], [V(0, 3)])
    predicted = documents([V(0, 5), D(10, 12), D(20, 24), V(25, 30)], [D(5, 9)])
    table = confusion(gold, predicted, LABELS)
    assert table["VICTIM", "VICTIM"] == 1 and table["VICTIM", "DENIAL"] == 1
    assert table["DENIAL", "VICTIM"] == 1, "it shares most characters with the second piece"
    assert table["VICTIM", ""] == 1 and table["", "DENIAL"] == 1
    assert sum(table.values()) == 5


def test_mistakes_are_counted_by_kind_and_label() -> None:
    gold = documents([V(0, 5), V(10, 15), D(20, 30)], [V(0, 3)])
    predicted = documents([V(0, 5), D(10, 12), D(20, 24), V(25, 30)], [D(5, 9)])
    counts = count_mistakes(gold, predicted, LABELS)
    made = {kind: count for kind, count in counts["all"].items() if count}
    assert made == {"missed": 1, "spurious": 1, "wrong label": 1, "split": 1}
    assert counts["per_label"]["VICTIM"] == {**counts["all"], "spurious": 0}
    assert counts["per_label"]["DENIAL"] == {**counts["all"], "missed": 0}
    assert not any(counts["per_label"]["COUNT"].values())


def test_calibration_by_hand() -> None:
    gold = documents([V(0, 5), V(10, 15)])
    predicted = documents([V(0, 5, 0.95), V(10, 14, 0.91), V(20, 25, 0.35), V(30, 31, 1.0)])
    bins, error = calibration(gold, predicted)
    assert [one.spans for one in bins] == [0, 0, 0, 1, 0, 0, 0, 0, 0, 3]
    assert bins[9].right == pytest.approx(1 / 3) and bins[3].right == 0
    assert bins[9].confidence == pytest.approx((0.95 + 0.91 + 1) / 3)
    assert error == pytest.approx((3 * abs(2.86 / 3 - 1 / 3) + 0.35) / 4)
    assert calibration(gold, documents([]))[1] is None


def test_the_most_frequent_mistake_comes_first() -> None:
    text = "Rebels killed bodies"
    gold = documents([V(14, 20)], [V(14, 20)], [V(14, 20), V(0, 6)], text=text)
    predicted = documents([], [], [V(14, 20), V(0, 5)], text=text)
    mistakes = [find_mistakes(a.spans, b.spans) for a, b in zip(gold, predicted, strict=True)]
    first, second = most_frequent(gold, mistakes)
    assert (first["kind"], first["gold"], first["count"]) == (Kind.missed, "bodies", 2)
    assert first["documents"] == ["report 0", "report 1"]
    assert (second["gold"], second["predicted"]) == ("rebels", "rebel")


@pytest.fixture
def page(tmp_path: Path) -> Path:
    """A report of three documents: all right, a missed denial, and a spurious victim."""
    text = "12345 denied it “they” <script>alert(1)</script> & \ud800 \0"
    gold = documents([V(0, 5)], [V(0, 5), D(6, 15)], [V(0, 5)], text=text)
    predicted = documents([V(0, 5, 0.9)], [V(0, 5, 0.8)], [V(0, 5, 0.7), V(17, 21, 0.6)], text=text)
    scores = score_documents(gold, predicted, LABELS)
    scores["intervals"] = intervals(gold, predicted, LABELS)
    path = tmp_path / "report.html"
    write_report(path, "a <model> on test", gold, predicted, LABELS, scores)
    return path


def test_the_page_stands_alone_and_runs_no_code_of_a_text(page: Path) -> None:
    html = page.read_text("utf-8")
    assert html.count("<script>") == 1 and "&lt;script&gt;alert(1)" in html
    assert "a &lt;model&gt; on test" in html
    assert not re.search(r"(src|href)=|https?:|@import|url\(", html)
    assert html.count("<article") == 3
    assert html.index("report 1 ") < html.index("report 0 "), "most mistakes come first"


def test_a_page_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    gold = documents([V(0, 5)])
    scores = score_documents(gold, gold, LABELS)
    scores["intervals"] = intervals(gold, gold, LABELS)
    with pytest.raises(InputError, match=r"nowhere/report.html: cannot be written"):
        write_report(tmp_path / "nowhere" / "report.html", "x", gold, gold, LABELS, scores)


def opened(page: Path, view: str, profile: Path) -> tuple[list[str], str]:
    """The documents that a browser shows, and what it says it shows."""
    result = subprocess.run(
        [str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic",
         "--no-first-run", "--disable-background-networking", "--disable-component-update",
         "--disable-sync", f"--user-data-dir={profile}", "--dump-dom", f"file://{page}{view}"],
        capture_output=True, text=True, timeout=100, check=True,
    )  # fmt: skip
    articles = re.findall(r"<article ([^>]*)>", result.stdout)
    shown = [re.search(r'data-document="([^"]*)"', tag) for tag in articles if "hidden" not in tag]
    said = re.search(r'id="shown">([^<]*)<', result.stdout)
    assert said, result.stderr
    return [match[1] for match in shown if match], said[1]


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
def test_filters_in_a_browser(page: Path, tmp_path: Path) -> None:
    profile = tmp_path / "profile"
    everything = (["report 1", "report 2", "report 0"], "3 documents and 2 mistakes are shown.")
    assert opened(page, "", profile) == everything
    for view, names, mistakes in (
        ("#right=0", ["report 1", "report 2"], 2),
        ("#labels=DENIAL&right=0", ["report 1"], 1),
        ("#labels=DENIAL&kinds=spurious&right=0", [], 0),
        ("#kinds=spurious,merged", ["report 2", "report 0"], 1),
    ):
        said = f"{len(names)} documents and {mistakes} mistakes are shown."
        assert opened(page, view, profile) == (names, said), view
