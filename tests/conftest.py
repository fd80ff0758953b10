"""Fixtures: bundled data, a tiny model built from a config, one short real training."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

# Before any library is imported: nothing here may reach for a network or a login.
# And nothing looks for a GPU: what the tests expect is what a CPU does.
os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_VERBOSITY="error", CUDA_VISIBLE_DEVICES="")

import pytest
from filelock import FileLock
from played_hub import PlayedHub

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "scripts"))

from conflict_tagger.bundled import load_bundled
from conflict_tagger.corpora import Split
from conflict_tagger.documents import LabelSet, write_jsonl
from conflict_tagger.encoding import Encoder, spans_to_tags, tags_to_spans

ROOT = Path(__file__).resolve().parent.parent
WANDB_KEY = "0123456789" * 4
LABELS = LabelSet(("PERPETRATOR", "VICTIM", "COUNT", "DENIAL"))


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse every connection that leaves this machine."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: object) -> None:
        local = self.family == socket.AF_UNIX or str(address[0]) in (
            "127.0.0.1",
            "::1",
            "localhost",
        )
        if not local:
            raise OSError(f"a test tried to reach {address}")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture(scope="session")
def bundled() -> dict[str, Split]:
    return load_bundled(ROOT / "data", LABELS)


@pytest.fixture(scope="session")
def tiny_encoder(tmp_path_factory: pytest.TempPathFactory, bundled: dict[str, Split]) -> Path:
    """A folder with a randomly initialised BERT of two small layers and its own vocabulary."""
    import torch
    from tokenizers import BertWordPieceTokenizer
    from transformers import BertConfig, BertModel, BertTokenizerFast

    folder = tmp_path_factory.mktemp("tiny-encoder")
    trained = BertWordPieceTokenizer(lowercase=True)
    texts = [document.text for document in bundled["train"].documents]
    trained.train_from_iterator(texts, vocab_size=2000, show_progress=False)
    trained.save_model(str(folder))
    tokenizer = BertTokenizerFast(vocab=str(folder / "vocab.txt"), model_max_length=512)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(tokenizer), hidden_size=32, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=64,
    )  # fmt: skip
    BertModel(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def tiny_data(tmp_path_factory: pytest.TempPathFactory, bundled: dict[str, Split]) -> Path:
    """A folder with train.jsonl, validation.jsonl and test.jsonl, a few short reports each."""
    folder = tmp_path_factory.mktemp("tiny-data")
    for name, count in (("train", 48), ("validation", 12), ("test", 12)):
        documents = [d for d in bundled[name].documents if len(d.text) > 300]
        documents.sort(key=lambda d: len(d.text))
        write_jsonl(folder / f"{name}.jsonl", documents[:count])
    return folder


def data_overrides(folder: Path) -> list[str]:
    """Hydra overrides that train and test on the files of `tiny_data`."""
    return [
        f"data.train={folder}/train.jsonl",
        "data.more_train=[]",
        f"data.validation={folder}/validation.jsonl",
        f"data.evaluation.test={folder}/test.jsonl",
    ]


def assert_gold_spans_survive(encoder: Encoder, bundled: dict[str, Split]) -> None:
    """Every bundled gold span comes back exactly from the tags of an encoder's words."""
    spans = 0
    for split in bundled.values():
        for document in split.documents:
            encoded = encoder.encode(document.text)
            tags, inexpressible = spans_to_tags(document, encoded, LABELS)
            assert inexpressible == [], document.id
            assert tuple(tags_to_spans(tags, encoded, LABELS)) == document.spans, document.id
            spans += len(document.spans)
    assert spans > 10_000


def run_script(
    name: str, *overrides: str, stdin: bytes = b"", environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[bytes]:
    """Run scripts/<name>.py as a user would, from the repository's root."""
    return subprocess.run(
        [sys.executable, f"scripts/{name}.py", *overrides],
        cwd=ROOT,
        input=stdin,
        capture_output=True,
        env={**os.environ, **(environment or {})},
        timeout=200,
    )


@pytest.fixture(scope="session")
def trained(
    tmp_path_factory: pytest.TempPathFactory, tiny_data: Path, worker_id: str
) -> tuple[Path, str]:
    """The run folder and the output of one short real training of minilm by the script."""
    shared = tmp_path_factory.getbasetemp()
    if worker_id != "master":  # xdist's workers wait for the one that came first
        shared = shared.parent
    runs, output = shared / "trained", shared / "trained.txt"
    with FileLock(shared / "trained.lock"):
        if not output.exists():
            output.write_text(train_shortly(runs, tiny_data), encoding="utf-8")
    (folder,) = runs.iterdir()
    return folder, output.read_text(encoding="utf-8")


def train_shortly(runs: Path, tiny_data: Path) -> str:
    """Train minilm for a few steps; what the script printed."""
    result = run_script(
        "train", *data_overrides(tiny_data), f"runs={runs}", "name=short", "tracking=offline",
        "training.epochs=6", "training.learning_rate=1e-3", "training.logging_steps=1",
        "training.tokens_per_batch=384", "training.patience=6",
        environment={"WANDB_API_KEY": WANDB_KEY},  # which nothing may write down
    )  # fmt: skip
    output = result.stdout.decode() + result.stderr.decode()
    assert result.returncode == 0, output
    return output


@pytest.fixture
def hub() -> Iterator[PlayedHub]:
    played = PlayedHub()
    yield played
    played.close()
