"""The scripts as a user runs them: bad input, tagging, scoring, and every config composed."""

import importlib
import json
import re
from pathlib import Path

import pytest
import yaml
from conftest import ROOT, data_overrides, run_script
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from omegaconf import OmegaConf

from conflict_tagger.open_texts import READERS

GOOD = '{"id": "1", "text": "Two killed.", "spans": []}\n'


def assert_one_line_error(result, *parts: str) -> None:  # type: ignore[no-untyped-def]
    output = result.stderr.decode()
    assert result.returncode == 2, output
    errors = [line for line in output.splitlines() if line.strip()]
    assert len(errors) == 1 and errors[0].startswith("error: "), output
    assert result.stdout == b""
    for part in parts:
        assert part in errors[0], errors[0]


@pytest.mark.parametrize(
    ("overrides", "parts"),
    [
        (["training.epoch=3"], ["training.epoch", "Key 'epoch' not in"]),
        (["+training.extra=3"], ["training.extra"]),
        (["training.epochs=many"], ["training.epochs", "could not be converted to Integer"]),
        (["training.precision=fp64"], ["'fp64'", "auto, fp32, bf16"]),
        (["model=nothing"], ["model/nothing", "encoder", "minilm"]),
        (["model=encoder"], ["give model.source="]),
        (["nonsense"], ["nonsense"]),
    ],
)
def test_config_errors(overrides: list[str], parts: list[str], tmp_path: Path) -> None:
    assert_one_line_error(run_script("train", *overrides, f"runs={tmp_path}"), *parts)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_benchmark_reports_a_failed_training_and_refuses_other_runs(tmp_path: Path) -> None:
    common = [f"runs={tmp_path}", f"output={tmp_path}", "name=x"]
    result = run_script("benchmark", *common, "seeds=[-1]")
    assert result.returncode == 2 and b"Traceback" not in result.stderr
    assert result.stderr.decode().splitlines()[-1].startswith("error: seed -1: the training failed")
    (run := tmp_path / "x" / "seed-0" / "run").mkdir(parents=True)
    (run / "metrics.json").write_text("{}")
    import train  # noqa: F401  registers its schema

    values = composed("train", ["training.learning_rate=0.5"])
    (run / "config.yaml").write_text(OmegaConf.to_yaml(values))
    result = run_script("benchmark", *common, "seeds=[0]", "overrides=['training.epochs=2']")
    assert_one_line_error(
        result, "training.learning_rate: 0.5 then, 0.0003 now", "training.epochs: 4 then, 2 now"
    )


def test_training_on_bad_data(tmp_path: Path) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_text(
        GOOD + '{"id": "2", "text": "Two", "spans": [{"label": "COUNT", "start": 0}]}\n'
    )
    result = run_script("train", f"data.train={path}", f"runs={tmp_path / 'runs'}", "tracking=none")
    assert_one_line_error(result, f"{path}, line 2: span 0 lacks 'end'")
    assert not (tmp_path / "runs").exists()


def test_training_on_a_leak(tmp_path: Path, tiny_data: Path) -> None:
    overrides = [*data_overrides(tiny_data), f"data.validation={tiny_data}/train.jsonl"]
    result = run_script("train", *overrides, f"runs={tmp_path}", "tracking=none")
    assert_one_line_error(result, "has the text of", "take it out")


def test_a_checkpoint_that_is_none(tiny_encoder: Path, tmp_path: Path) -> None:
    result = run_script("evaluate_checkpoint", f"checkpoint={tiny_encoder}")
    assert_one_line_error(result, "is no token classifier")
    result = run_script("tag", f"checkpoint={tmp_path}/none/here", "input=-")
    assert_one_line_error(result, "no such folder")


@pytest.fixture(scope="module")
def checkpoint(trained: tuple[Path, str]) -> Path:
    return trained[0] / "checkpoint"


def test_evaluate_gives_the_scores_of_the_run(
    checkpoint: Path, tiny_data: Path, tmp_path: Path
) -> None:
    result = run_script(
        "evaluate_checkpoint", f"checkpoint={checkpoint}", f"gold={tiny_data}/test.jsonl",
        f"output={tmp_path}/out",
    )  # fmt: skip
    assert result.returncode == 0, result.stderr.decode()
    assert "Scores over whole documents" in result.stdout.decode()
    scored = json.loads((tmp_path / "out" / "metrics.json").read_text())
    run = json.loads((checkpoint.parent / "metrics.json").read_text())
    assert scored["splits"]["test"] == run["splits"]["test"]


def test_evaluate_refuses_other_labels(checkpoint: Path, tmp_path: Path) -> None:
    path = tmp_path / "other.jsonl"
    path.write_text('{"text": "Paris", "spans": [{"label": "CITY", "start": 0, "end": 5}]}\n')
    result = run_script("evaluate_checkpoint", f"checkpoint={checkpoint}", f"gold={path}")
    assert_one_line_error(result, str(path), "does not tag: CITY", "its labels are PERPETRATOR")


def tag(
    checkpoint: Path, source: object, *more: str, stdin: bytes = b""
) -> list[dict[str, object]]:
    result = run_script("tag", f"checkpoint={checkpoint}", f"input={source}", *more, stdin=stdin)
    assert result.returncode == 0, result.stderr.decode()
    return [json.loads(line) for line in result.stdout.splitlines()]


TEXT = "Government jets killed 27 people, medics said.\r\nRebels killed two\u2028\x1b[31m."


def test_tag_reads_a_file_a_folder_jsonl_and_standard_input(
    checkpoint: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "some texts, = 'quoted'"
    folder.mkdir()
    (folder / "b.txt").write_bytes(TEXT.encode())
    (folder / "a.txt").write_bytes(b"")
    (folder / "notes.md").write_text("left out")
    (lines := tmp_path / "texts.jsonl").write_text(
        json.dumps({"text": TEXT, "spans": None, "source": "wire"}) + "\n"
    )
    quoted = str(folder).replace("'", "\\'")
    (one,) = tag(checkpoint, f"'{quoted}/b.txt'")
    assert one["id"] == "b" and one["text"] == TEXT and set(one) == {"id", "text", "spans"}
    assert one["spans"], "the short training found nothing here; choose another sentence"
    for span in one["spans"]:  # type: ignore[attr-defined]
        keys = {"label", "start", "end", "text", "score"}
        assert set(span) - {"value"} == keys
        assert ("value" in span) <= (span["label"] == "COUNT")
        assert TEXT[span["start"] : span["end"]] == span["text"] and 0 < span["score"] <= 1
    empty, same = tag(checkpoint, f"'{quoted}'")
    assert empty == {"id": "a", "text": "", "spans": []} and same == one
    (from_jsonl,) = tag(checkpoint, lines)
    assert from_jsonl == {**one, "id": "texts:1", "source": "wire"}
    (from_stdin,) = tag(checkpoint, "-", f"output={tmp_path}/out.jsonl", stdin=TEXT.encode()) or [
        json.loads((tmp_path / "out.jsonl").read_text())
    ]
    assert from_stdin == {**one, "id": "stdin"}


@pytest.mark.parametrize(
    ("name", "content", "fault"),
    [
        ("latin.txt", "tué".encode("latin-1"), "byte 2 is not UTF-8"),
        ("image.png", b"\x89PNG", "give a .txt or .jsonl file"),
        ("bad.jsonl", GOOD.encode() + b'{"id": "2"}\n', "line 2: lacks 'text'"),
        ("empty.jsonl", b"", "holds no documents"),
        (None, b"", "no such file"),
    ],
)
def test_tag_bad_input(
    checkpoint: Path, tmp_path: Path, name: str | None, content: bytes, fault: str
) -> None:
    path = tmp_path / (name or "none.txt")
    if name:
        path.write_bytes(content)
    result = run_script("tag", f"checkpoint={checkpoint}", f"input={path}", f"output={tmp_path}/o")
    assert_one_line_error(result, str(path), fault)


def test_tag_does_not_write_over_its_input(checkpoint: Path, tmp_path: Path) -> None:
    path = tmp_path / "texts.jsonl"
    path.write_text(GOOD)
    result = run_script("tag", f"checkpoint={checkpoint}", f"input={path}", f"output={path}")
    assert_one_line_error(result, "is the input")
    assert path.read_text() == GOOD


def test_tag_prints_coloured_text_on_a_terminal(checkpoint: Path) -> None:
    from rich.console import Console

    from conflict_tagger import Document, LabelSet, Span
    from conflict_tagger.texts import coloured

    document = Document("d\x1b", "Jets \x1b[2J killed two.", (Span("COUNT", 17, 20, 0.98),))
    console = Console(force_terminal=True, color_system="standard", width=80)
    with console.capture() as capture:
        console.print(coloured(document, LabelSet(("VICTIM", "COUNT"))))
    assert "\x1b[2J" not in capture.get(), "a text steered the terminal"
    plain = re.sub(r"\x1b\[[\d;]*m", "", capture.get())
    assert "killed two[COUNT 0.98]." in plain


PRIMARY = sorted(path.stem for path in (ROOT / "configs").glob("*.yaml") if path.stem != "hydra")
GROUPS = sorted(f"{path.parent.name}={path.stem}" for path in (ROOT / "configs").glob("*/*.yaml"))


def composed(name: str, overrides: list[str]) -> dict[str, object]:
    import command_line  # noqa: F401  registers nothing by itself; the script does

    GlobalHydra.instance().clear()
    with initialize_config_dir(str(ROOT / "configs"), version_base="1.3"):
        return OmegaConf.to_container(compose(name, overrides))  # type: ignore[return-value]


@pytest.mark.parametrize("override", GROUPS)
def test_every_group_file_composes_and_types(override: str) -> None:
    import sweep  # registers the schemas, that of train.yaml too  # noqa: F401

    group, name = override.split("=")
    config = composed("sweep" if group == "space" else "train", [override])
    if group in ("data", "model"):
        assert config[group]["name"] == name  # type: ignore[index]


@pytest.mark.parametrize("name", PRIMARY)
def test_every_primary_config_composes(name: str) -> None:
    for path in (ROOT / "scripts").glob("*.py"):
        if "@command(" in path.read_text():
            importlib.import_module(path.stem)  # registers its schema
    assert composed(name, [])


def test_every_key_of_the_configs_is_read_by_something() -> None:
    sources = "".join(path.read_text() for path in (ROOT / "src").rglob("*.py"))
    sources += "".join(path.read_text() for path in (ROOT / "scripts").glob("*.py"))

    def keys(value: object) -> set[str]:
        if not isinstance(value, dict):
            return set()
        return {str(key) for key in value} | {k for v in value.values() for k in keys(v)}

    free = {
        "test",
        "seed_articles",
        "attention_probs_dropout_prob",
        "add_prefix_space",
        *READERS,
        "insightcrime",
        "indiapoliceevents",
    }  # keys that are data
    for path in (ROOT / "configs").rglob("*.yaml"):
        content = yaml.safe_load(path.read_text())
        for key in keys(content) - free - {"defaults", "hydra", "output_subdir", "run", "dir"}:
            assert re.search(rf"\.{key}\b|\b{key}=", sources), f"{path}: nothing reads {key}"
