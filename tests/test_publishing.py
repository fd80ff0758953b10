"""Publishing: what goes up, what is refused, and that what comes down tags the same."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from conftest import LABELS, ROOT, run_script
from huggingface_hub import ModelCard
from played_hub import CUT, TOKEN, PlayedHub, hub_environment

from conflict_tagger.command_configs import PublishConfig
from conflict_tagger.documents import InputError, read_jsonl
from conflict_tagger.publishing import publish
from conflict_tagger.runs import file_sha256, read_json
from conflict_tagger.tagger import Tagger

HUB_ID = "me/tagger"


@pytest.fixture
def run(trained: tuple[Path, str], tmp_path: Path) -> Path:
    """A copy of a finished run that a test may damage; the weights are the same file."""
    copy = tmp_path / trained[0].name
    for path in trained[0].rglob("*"):
        target = copy / path.relative_to(trained[0])
        if path.is_file() and "wandb" not in path.parts:
            target.parent.mkdir(parents=True, exist_ok=True)
            if path.suffix == ".safetensors":
                target.hardlink_to(path)
            else:
                target.write_bytes(path.read_bytes())
    return copy


def test_without_upload_nothing_leaves(run: Path) -> None:
    publication = publish(PublishConfig(run=str(run), hub_id=HUB_ID, reports=["test"]))
    assert publication.url is None
    assert set(publication.files) == {
        "README.md", "config.json", "conflict_tagger.json", "metrics.json", "model.safetensors",
        "reports/test.html", "tokenizer.json", "tokenizer_config.json",
    }  # fmt: skip
    assert publication.files["model.safetensors"] > 10**7


def test_what_is_refused(run: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    config = PublishConfig(run=str(run), hub_id=HUB_ID)
    for wrong in ("us/a b", "tagger", "us/a/b"):
        with pytest.raises(InputError, match=f"hub_id: {wrong}: it is no well-formed hub id"):
            publish(PublishConfig(run=str(run), hub_id=wrong))
    with pytest.raises(InputError, match=r"reports: .*none.html is missing; leave none out"):
        publish(PublishConfig(run=str(run), hub_id=HUB_ID, reports=["none"]))
    (other := tmp_path / "other.json").write_text('{"checkpoint_sha256": "0"}')
    with pytest.raises(
        InputError, match="behaviour: .*other.json was not measured on the weights of"
    ):
        publish(PublishConfig(run=str(run), hub_id=HUB_ID, behaviour=str(other)))
    environment = read_json(run / "environment.json")
    environment["git"]["uncommitted_changes"] = True
    (run / "environment.json").write_text(json.dumps(environment))
    publish(config)
    assert "was trained by code with uncommitted changes" in caplog.text
    weights = run / "checkpoint" / "model.safetensors"
    content = weights.read_bytes()
    weights.unlink()
    weights.write_bytes(content[:-1] + b"x")
    with pytest.raises(InputError, match="is not what was scored; its hash differs"):
        publish(config)
    weights.unlink()
    with pytest.raises(InputError, match="model.safetensors is missing"):
        publish(config)
    state = (run / "state.json").read_text()
    (run / "state.json").write_text(state.replace('"finished"', '"running"'))
    with pytest.raises(InputError, match=r"is not finished \(running\); go on with `make train"):
        publish(config)


def test_the_card_says_how_it_scored_and_behaves(run: Path) -> None:
    checks = {
        "padded": {"wanted": "tags stay", "cases": 50, "passed": 40, "rate": 0.8,
                   "interval": [0.67, 0.89], "tags_stayed": 0.975},
        "capitals": {"wanted": "tags stay", "skipped": "the model is uncased"},
    }  # fmt: skip
    behaviour = {
        "checkpoint_sha256": read_json(run / "metrics.json")["checkpoint_sha256"],
        "data": {"path": "data/reports/test.jsonl"}, "checks": checks,
    }  # fmt: skip
    (run / "behaviour.json").write_text(json.dumps(behaviour))
    from conflict_tagger.publishing import publication_files, recorded_config

    metrics = read_json(run / "metrics.json")
    files = publication_files(
        PublishConfig(run=str(run), hub_id=HUB_ID), run, recorded_config(run), metrics
    )
    content = files["README.md"]
    assert isinstance(content, bytes)
    card = ModelCard(content.decode())
    found = {(r.dataset_split, r.metric_name): r.metric_value for r in card.data.eval_results}
    for split, scores in metrics["splits"].items():
        f1 = scores["strict"]["micro"]["f1"]
        assert found[split, "strict micro F1"] == pytest.approx(f1, abs=1e-4)
        low, high = scores["intervals"]["strict"]["micro"]["f1"]
        assert f"{low:.3f}–{high:.3f}" in card.text
    assert "| padded | tags stay | 50 | 0.800 | 0.670–0.890 | 0.975 |" in card.text
    assert "not checked: the model is uncased" in card.text
    for label in LABELS:
        assert f"| `{label}` |" in card.text
    assert card.data.model_name == "tagger" and f'"{HUB_ID}"' in card.text
    assert (
        yaml.safe_load(content.decode().split("---")[1])["pipeline_tag"] == "token-classification"
    )


TAG = """
import json, sys
from conflict_tagger import Tagger
from conflict_tagger.documents import InputError, read_jsonl
try:
    tagger = Tagger.from_pretrained(sys.argv[1], revision=sys.argv[2] or None)
except InputError as error:
    print(f"error: {error}")
else:
    documents = tagger.tag_documents(list(read_jsonl("data/seed_articles/seed_articles.jsonl")))
    print(json.dumps([[[s.label, s.start, s.end] for s in d.spans] for d in documents]))
"""


def tagged(hub_id: str, revision: str, given: dict[str, str]) -> str:
    """What a process of its own tags in the seed articles with a model of the hub."""
    result = subprocess.run(
        [sys.executable, "-c", TAG, hub_id, revision],
        cwd=ROOT, env={**os.environ, **given}, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


@pytest.mark.slow
def test_what_was_published_is_loaded_by_id_revision_and_tag_and_tags_the_same(
    run: Path, hub: PlayedHub, tmp_path: Path
) -> None:
    given = hub_environment(hub, tmp_path / "home")
    result = run_script(
        "publish", f"run={run}", f"hub_id={HUB_ID}", "upload=true", "tag=v1",
        environment=given,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr.decode()
    repository = hub.repositories[f"models/{HUB_ID}"]
    commit = repository.revisions["main"]
    assert len(repository.commits) == 2, "the hub's first and ours"
    assert f"/commit/{commit}" in result.stdout.decode()
    uploaded = repository.files("v1")
    assert uploaded is not None and set(uploaded) >= {"metrics.json", "reports/test.html"}
    weights = uploaded["model.safetensors"]
    assert weights == (run / "checkpoint" / "model.safetensors").read_bytes()

    tagger = Tagger.from_pretrained(run / "checkpoint")
    documents = list(read_jsonl(ROOT / "data/seed_articles/seed_articles.jsonl"))
    expected = [
        [[s.label, s.start, s.end] for s in d.spans] for d in tagger.tag_documents(documents)
    ]
    for revision in ("", "v1", commit):
        assert json.loads(tagged(HUB_ID, revision, given)) == expected
    blocks = re.findall(r"```python\n(.*?)```", uploaded["README.md"].decode(), re.DOTALL)
    assert len(blocks) == 2, "one for our Tagger, one for the pipeline"
    for block in blocks:
        shown = subprocess.run(
            [sys.executable, "-c", block], env={**os.environ, **given}, capture_output=True,
            text=True, timeout=120,
        )  # fmt: skip
        assert shown.returncode == 0, shown.stderr

    hub.close()  # and now from the cache alone
    assert json.loads(tagged(HUB_ID, "v1", given)) == expected
    cold = tagged(HUB_ID, "v1", hub_environment(hub, tmp_path / "cold"))
    assert cold.startswith("error: checkpoint: me/tagger: it is no folder here, and the hub cannot")


@pytest.mark.slow
def test_what_the_hub_refuses_is_one_line(run: Path, hub: PlayedHub, tmp_path: Path) -> None:
    arguments = [f"run={run}", f"hub_id={HUB_ID}", "upload=true"]

    def published(token: str | None = TOKEN, *more: str) -> tuple[int, list[str]]:
        given = hub_environment(hub, tmp_path / "home", token)
        result = run_script("publish", *arguments, *more, environment=given)
        lines = [line for line in result.stderr.decode().splitlines() if line.startswith("error: ")]
        return result.returncode, lines

    code, (line,) = published("hf_wrong")
    assert code == 2 and "the hub does not accept the login for this" in line
    code, (line,) = published(None)
    assert code == 2 and "HF_TOKEN" in line
    hub.trouble = lambda method, path: 503 if path.startswith("/lfs/") else None
    code, (line,) = published()
    assert code == 2 and "503 Service Unavailable" in line and line.endswith("try again")
    assert len(hub.repositories[f"models/{HUB_ID}"].commits) == 1, "nothing of ours yet"
    cuts: list[str] = []

    def cut_once(method: str, path: str) -> int | None:
        if path.startswith("/lfs/") and not cuts:
            cuts.append(path)
            return CUT
        return None

    hub.trouble = cut_once
    code, lines = published(TOKEN, "private=true", "create_pr=true")
    assert (code, lines, len(cuts)) == (0, [], 1), "cut in the middle, it is sent again"
    assert "refs/pr/1" in hub.repositories[f"models/{HUB_ID}"].revisions
    hub.repositories[f"models/{HUB_ID}"].private = True
    for hub_id, revision, token, why in (
        ("me/none", "", TOKEN, "the hub shows no such repository"),
        (HUB_ID, "refs-none", TOKEN, "the hub has no revision 'refs-none'"),
        (HUB_ID, "", "hf_wrong", "the hub does not accept the login"),
        (HUB_ID, "", None, "if it is private, run `hf auth login`, or set HF_TOKEN"),
    ):
        line = tagged(hub_id, revision, hub_environment(hub, tmp_path / "other", token))
        assert line.startswith("error: checkpoint: ") and why in line
    tries = []

    def busy(method: str, path: str) -> int | None:
        if path.endswith("conflict_tagger.json") and len(tries) < 2:
            tries.append(path)
            return 429 if len(tries) == 1 else 503
        return None

    hub.trouble = busy
    given = hub_environment(hub, tmp_path / "patient")
    assert json.loads(tagged(HUB_ID, "refs/pr/1", given)), "it waits and tries again"
    assert len(tries) == 2
    sums = {path.name: file_sha256(path) for path in (run / "checkpoint").iterdir()}
    (snapshot,) = (tmp_path / "patient" / "hub").glob("models--*/snapshots/*")
    assert file_sha256(snapshot / "model.safetensors") == sums["model.safetensors"]
