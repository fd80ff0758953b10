"""The bundled data: valid, as its card says, and never silently changed."""

import json
import re
import shutil
from pathlib import Path

import pytest
from conftest import LABELS, ROOT, run_script

from conflict_tagger.bundled import card_with_tables, counts_rows, load_bundled
from conflict_tagger.corpora import Split
from conflict_tagger.documents import InputError
from conflict_tagger.open_texts import load_standoff

DATA = ROOT / "data"


def test_counts_are_those_handed_over(bundled: dict[str, Split]) -> None:
    _, rows = counts_rows(bundled, load_standoff(DATA / "standoff", LABELS), LABELS)
    ours = [rows.pop(2)[0] for _ in range(2)]
    assert ours == ["reports, wire", "reports, mixed"]
    assert rows[:4] == [
        ["seed articles", 2, 1262, 25, 33, 27, 5],
        ["reports, train", 551, 105_508, 2014, 3128, 2184, 710],
        ["reports, validation", 69, 12_413, 240, 364, 236, 97],
        ["reports, test", 88, 15_642, 288, 422, 300, 93],
    ]
    totals = [sum(int(row[column]) for row in rows[4:]) for column in (1, 3, 4, 5, 6)]
    assert totals == [637, 2285, 3152, 2548, 104]


def test_the_cards_tables_are_fresh(bundled: dict[str, Split]) -> None:
    card = (DATA / "README.md").read_text("utf-8")
    fresh = card_with_tables(card, bundled, load_standoff(DATA / "standoff", LABELS), LABELS)
    assert card == fresh, "run `make data-card`"


def test_make_data_prints_the_counts() -> None:
    result = run_script("check_data")
    assert result.returncode == 0, result.stderr.decode()
    assert "reports, train" in result.stdout.decode() and "105,508" in result.stdout.decode()


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(DATA, tmp_path / "data"))


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")


def test_validation_names_what_is_wrong(copy: Path) -> None:
    edit(copy / "reports" / "train.jsonl", '"label": "COUNT"', '"label": "NUMBER"')
    with pytest.raises(InputError, match=r"train.jsonl, line \d+: document .*unknown label"):
        load_bundled(copy, LABELS)


def test_validation_wants_alphanumeric_edges(copy: Path) -> None:
    path = copy / "reports" / "test.jsonl"
    first, rest = path.read_text("utf-8").split("\n", 1)
    record = json.loads(first)
    record["spans"][0]["end"] = record["spans"][0]["end"] + 1
    path.write_text(json.dumps(record) + "\n" + rest, "utf-8")
    with pytest.raises(InputError, match="must start and end on a letter or digit"):
        load_bundled(copy, LABELS)


def test_validation_wants_the_seed_texts_and_separate_countries(copy: Path) -> None:
    (article := next((copy / "seed_articles").glob("*.txt"))).write_text("other")
    with pytest.raises(InputError, match=re.escape(str(article))):
        load_bundled(copy, LABELS)
    shutil.copytree(DATA / "seed_articles", copy / "seed_articles", dirs_exist_ok=True)
    invented = re.search(
        r'"setting": "([^"]*\(invented\))"', (copy / "reports/train.jsonl").read_text()
    )
    assert invented
    path = copy / "reports" / "validation.jsonl"
    path.write_text(re.sub(r'"setting": "[^"]*"', invented[0], path.read_text("utf-8"), count=1))
    with pytest.raises(InputError, match="stands in train too"):
        load_bundled(copy, LABELS)


def test_standoff_validation_names_file_and_line(copy: Path) -> None:
    path = copy / "standoff" / "satp.jsonl"
    edit(path, '"sha256": "0', '"sha256": "x')
    with pytest.raises(InputError, match=r"satp.jsonl, line \d+: 'sha256' must be"):
        load_standoff(copy / "standoff", LABELS)


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_locks_let_a_gpu_machine_resolve_its_own_torch(name: str) -> None:
    lines = (ROOT / name).read_text().splitlines()
    assert "torch==2.13.0" in lines
    for line in lines:
        assert "+cpu" not in line and not line.startswith("nvidia-") and "--hash" not in line
        assert re.match(r"[a-z0-9._-]+==\S+", line), f"not pinned: {line}"


def test_the_runtime_lock_is_part_of_the_test_lock() -> None:
    runtime = set((ROOT / "requirements.lock").read_text().splitlines())
    assert runtime <= set((ROOT / "requirements-dev.lock").read_text().splitlines())
