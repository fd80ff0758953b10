"""Teachers' doubts: written, moved along with the text, and learned in place of their spans."""

import json
from pathlib import Path
from random import Random

import numpy as np
import pytest
import torch
from conftest import LABELS, data_overrides, run_script
from transformers.modeling_outputs import TokenClassifierOutput

from conflict_tagger.augmentation import MentionReplacer, apply_edits, join_documents
from conflict_tagger.batching import collate
from conflict_tagger.config import DataConfig, ModelConfig, VariantsConfig
from conflict_tagger.corpora import Split, load_splits
from conflict_tagger.documents import Document, InputError, LabelSet, Span, read_jsonl, write_jsonl
from conflict_tagger.encoding import Encoder, WindowSettings, bio_tags, encode_for_training
from conflict_tagger.modeling import load_encoder
from conflict_tagger.soft_labels import SOFT, moved, soft_targets
from conflict_tagger.tagger import Tagger
from conflict_tagger.teaching import teach, teach_stream
from conflict_tagger.trainer import token_loss
from conflict_tagger.variants import Variants

TAGS = bio_tags(LABELS)


def make_tagger(folder: Path, seed: int, labels: LabelSet = LABELS) -> Tagger:
    """A tagger with random weights: unsure of every word."""
    torch.manual_seed(seed)
    model, tokenizer = load_encoder(ModelConfig(name="tiny", source=str(folder)), labels)
    model.eval()
    return Tagger(model, tokenizer, WindowSettings(128, 32))


def probabilities(tagger: Tagger, documents: list[Document]) -> list[np.ndarray]:
    return [np.exp(words) for words in tagger.word_log_probs(tagger.encode(documents))]


def test_teachers_are_averaged_word_by_word(tiny_encoder: Path, bundled: dict[str, Split]) -> None:
    documents = list(bundled["validation"].documents[:5])
    teachers = [make_tagger(tiny_encoder, seed) for seed in (1, 2)]
    taught = teach(teachers, documents)
    each = [probabilities(teacher, documents) for teacher in teachers]
    encoded = teachers[0].encode(documents)
    for document, words, first, second in zip(taught, encoded, *each, strict=True):
        at, rows = soft_targets(document, words, TAGS)
        assert at.tolist() == list(range(len(words.word_starts))), "none of them is ever sure"
        np.testing.assert_allclose(rows, (first + second) / 2, atol=6e-5)
    (alone,) = teach(teachers[:1], documents[:1])
    assert alone.spans == teachers[0].tag_documents(documents[:1])[0].spans
    streamed = list(teach_stream(teachers, iter(documents), bf16=False))
    assert [document.spans for document in streamed] == [document.spans for document in taught]


def test_teachers_that_do_not_fit_each_other_are_refused(tiny_encoder: Path) -> None:
    other = make_tagger(tiny_encoder, 0, LabelSet(("VICTIM", "COUNT")))
    with pytest.raises(InputError, match="teachers: they differ in their labels or in what"):
        teach([make_tagger(tiny_encoder, 0), other], [Document("a", "Two died.")])


def soft_document(document: Document, encoder: Encoder, every: int = 2) -> Document:
    """Soft labels for some words, whose first probability tells which word it is of."""
    starts = encoder.encode(document.text).word_starts
    words = [
        [int(start), number / 10_000, 1 - number / 10_000, *[0.0] * (len(TAGS) - 2)]
        for number, start in enumerate(starts)
        if number % every == 0
    ]
    meta = {**document.meta, SOFT: {"tags": TAGS, "words": words}}
    return Document(document.id, document.text, document.spans, meta)


def test_soft_labels_stay_with_their_words(tiny_encoder: Path, bundled: dict[str, Split]) -> None:
    encoder = make_tagger(tiny_encoder, 0).encoder
    documents = [soft_document(d, encoder) for d in bundled["validation"].documents]
    mentions = [label for label in LABELS if label != "DENIAL"]
    recipe = VariantsConfig(0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.2, 0.5)
    changes = [
        MentionReplacer(documents, mentions, 0.5), Variants(documents, mentions, ["COUNT"], recipe)
    ]  # fmt: skip
    kept = gone = 0
    for document in documents:
        before = encoder.encode(document.text)
        words = [
            document.text[a:b] for a, b in zip(before.word_starts, before.word_ends, strict=True)
        ]
        random = Random(document.id)
        varied = changes[1](changes[0](document, random), random)
        after = encoder.encode(varied.text)
        at, rows = soft_targets(varied, after, TAGS)
        for index, number in zip(at, np.round(rows[:, 0] * 10_000).astype(int), strict=True):
            word = varied.text[after.word_starts[index] : after.word_ends[index]]
            assert word.casefold() == words[number].casefold()
            kept += 1
        gone += (len(words) + 1) // 2 - len(at)
    assert kept > 4_000 and gone > 100, "most stay, those of replaced words go"


def test_edits_move_soft_labels() -> None:
    meta = {SOFT: {"tags": ["O"], "words": [[0, 1.0], [4, 1.0], [8, 1.0], [12, 1.0]]}}
    document = Document("a", "one two six ten", (Span("X", 4, 7),), meta)
    edits = [(4, 7, "hundred"), (12, 12, "and "), (0, 0, "So "), (8, 11, "six")]  # one is none
    edited = apply_edits(document, edits)
    assert edited.text == "So one hundred six and ten"
    assert [start for start, _ in edited.meta[SOFT]["words"]] == [3, 15, 23]
    assert moved({"kind": "a"}, [(0, 1, "")]) == {"kind": "a"}


def test_joined_documents_keep_their_soft_labels() -> None:
    first = Document("a", "one two", (), {SOFT: {"tags": ["O"], "words": [[4, 1.0]]}})
    second = Document("b", "three", (), {SOFT: {"tags": ["O"], "words": [[0, 1.0]]}, "kind": "x"})
    plain = Document("c", "four")
    texts = join_documents([first, second, plain], 0.99, Random(0))
    assert [text.id for text in texts] == ["b+c+a"]
    words = texts[0].meta[SOFT]["words"]
    assert [texts[0].text[start:].split()[0] for start, _ in words] == ["three", "two"]
    assert "kind" not in texts[0].meta, "what is said of one is not said of all"
    assert join_documents([plain], 0.5, Random(0)) == [plain]


def row(start: float, *probabilities: float) -> dict[str, object]:
    """A record with soft labels of one word, for the first tags."""
    return {
        "tags": TAGS,
        "words": [[start, *probabilities, *[0] * (len(TAGS) - len(probabilities))]],
    }


@pytest.mark.parametrize(
    ("record", "why"),
    [
        ({"words": []}, "are damaged"), ({"tags": TAGS, "words": [[0, 0.5]]}, "are damaged"),
        ([], "are damaged"), (row(0, np.nan), "are damaged"), (row(0, 0.9), "are damaged"),
        (row(0, -0.5, 1.5), "are damaged"), (row(9, 1), "are damaged"), (row(-1, 1), "are damaged"),
        (row(0.5, 1), "are damaged"),
        ({"tags": TAGS, "words": [[0, 1, *[0] * 8]] * 2}, "are damaged"),
        ({"tags": TAGS[:-2] + TAGS[-1:] * 2, "words": []}, "of other tags"),
    ],
)  # fmt: skip
def test_damaged_soft_labels_are_named(
    record: object, why: str, tiny_encoder: Path, tiny_data: Path, tmp_path: Path
) -> None:
    encoder = make_tagger(tiny_encoder, 0).encoder
    document = Document("a", "Two died.", (), {SOFT: record})
    match = f"document 'a': its soft_labels .*{why}"
    with pytest.raises(InputError, match=match):
        soft_targets(document, encoder.encode(document.text), TAGS)
    write_jsonl(tmp_path / "taught.jsonl", [document])
    splits = {name: str(tiny_data / f"{name}.jsonl") for name in ("train", "validation")}
    data = DataConfig(**splits, more_train=[str(tmp_path / "taught.jsonl")])  # type: ignore[arg-type]
    with pytest.raises(InputError, match=rf"taught\.jsonl: {match}"):
        load_splits(data, LABELS)


def test_windows_hold_the_soft_labels_of_their_words(
    tiny_encoder: Path, bundled: dict[str, Split]
) -> None:
    encoder = make_tagger(tiny_encoder, 0).encoder
    plain = max(bundled["validation"].documents, key=lambda d: len(d.text))
    document = soft_document(plain, encoder)
    examples = encode_for_training([document], encoder, LABELS)
    assert len(examples) > 1, "more than one window"
    soft = [row for e in examples for row in e["soft"][:, 0] if row > 0]
    words = len(encoder.encode(document.text).word_starts)
    assert sorted(np.round(np.array(soft) * 10_000).astype(int)) == list(range(2, words, 2))
    for example, hard in zip(examples, encode_for_training([plain], encoder, LABELS), strict=True):
        assert example["labels"] == hard["labels"] and "soft" not in hard
        assert all(example["labels"][i] >= 0 for i in np.flatnonzero(example["soft"].any(1)))
    batch = collate([*examples, hard], 0, 128)
    assert batch["soft"].shape == (*batch["input_ids"].shape, len(TAGS))
    assert not batch["soft"][-1].any()


def test_the_loss_of_soft_labels_weights_and_smoothing() -> None:
    logits = torch.randn(2, 3, 5, generator=torch.Generator().manual_seed(0))
    outputs, items = TokenClassifierOutput(logits=logits), torch.tensor(5)
    labels = torch.tensor([[0, 1, 2], [3, 4, -100]])
    hard = token_loss(outputs, labels, items)
    soft = torch.zeros(2, 3, 5)
    soft[0, 1, 1] = soft[1, 0, 3] = 1.0
    torch.testing.assert_close(token_loss(outputs, labels, items, soft), hard)
    soft[0, 1] = torch.tensor([0.5, 0.5, 0, 0, 0])
    log_probs = logits.log_softmax(-1)
    expected = hard + (log_probs[0, 1, 1] - log_probs[0, 1, :2].mean()) / 5
    torch.testing.assert_close(token_loss(outputs, labels, items, soft), expected)
    weights = torch.tensor([1.0, 2.0, 2.0, 1.0, 1.0])
    weighted = token_loss(outputs, labels, items, weights=weights)
    torch.testing.assert_close(weighted, hard - (log_probs[0, 1, 1] + log_probs[0, 2, 2]) / 5)
    smooth = token_loss(outputs, labels, items, smoothing=0.1)
    mean = log_probs.flatten(0, 1)[:5].mean() * 5
    torch.testing.assert_close(smooth, 0.9 * hard - 0.1 * mean / 5)


@pytest.mark.slow
def test_a_student_learns_what_its_teachers_wrote(
    tiny_encoder: Path, tiny_data: Path, tmp_path: Path
) -> None:
    teacher = make_tagger(tiny_encoder, 3)
    with torch.no_grad():  # of every word it says: O, or perhaps the beginning of a victim
        teacher.model.classifier.bias[[0, TAGS.index("B-VICTIM")]] += torch.tensor([7.0, 6.6])
    teacher.save_pretrained(tmp_path / "teacher")
    texts = list(read_jsonl(tiny_data / "train.jsonl", LABELS))
    write_jsonl(tmp_path / "gold.jsonl", texts[:2])  # next to nothing, beside what is taught
    write_jsonl(tmp_path / "texts.jsonl", [Document(f"t{d.id}", d.text + " So.") for d in texts])
    taught = run_script(
        "teach", f"teachers=['{tmp_path}/teacher']", f"input={tmp_path}/texts.jsonl",
        f"output={tmp_path}/taught.jsonl", "precision=fp32",
    )  # fmt: skip
    assert taught.returncode == 0, taught.stderr.decode()
    lines = [json.loads(line) for line in (tmp_path / "taught.jsonl").read_text().splitlines()]
    assert len(lines) == 48 and all(line[SOFT]["words"] for line in lines)

    def chance_of_a_victim(soft: bool) -> float:
        """What a student that was trained so says of the words of other texts."""
        result = run_script(
            "train", *data_overrides(tiny_data), f"runs={tmp_path}/{soft}", "tracking=none",
            f"model.source={tiny_encoder}", "model.name=tiny", "model.fresh_layers=0",
            f"data.train={tmp_path}/gold.jsonl", f"data.more_train=[{tmp_path}/taught.jsonl]",
            f"training.soft_labels={soft}", "training.epochs=3", "training.learning_rate=1e-2",
            "training.precision=fp32", "training.balance=false", "training.replace_mentions=0.2",
        )  # fmt: skip
        assert result.returncode == 0, result.stderr.decode()
        (run,) = (tmp_path / str(soft)).iterdir()
        student = Tagger.from_pretrained(run / "checkpoint")
        words = probabilities(student, list(read_jsonl(tiny_data / "test.jsonl", LABELS)))
        return float(np.concatenate(words)[:, TAGS.index("B-VICTIM")].mean())

    assert chance_of_a_victim(soft=True) > 0.25 > 0.1 > chance_of_a_victim(soft=False)


def test_teach_needs_teachers(tmp_path: Path) -> None:
    result = run_script("teach", f"input={tmp_path}", f"output={tmp_path}/out.jsonl")
    assert result.returncode == 2 and b"teachers: name at least one checkpoint" in result.stderr
