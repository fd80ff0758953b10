"""Where encoders come from: parts in packages, old weights, and what is said when they do not."""

import hashlib
import io
import pickle
import re
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from conftest import LABELS, ROOT
from omegaconf import OmegaConf
from safetensors.torch import load_file

from conflict_tagger.config import ModelConfig, PartsConfig
from conflict_tagger.documents import InputError
from conflict_tagger.modeling import load_encoder
from conflict_tagger.sources import assemble, encoder_folder, encoder_sha256


@pytest.fixture
def parts(tiny_encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PartsConfig:
    """Three installed packages that carry the tiny encoder's zip file, and an empty cache."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in tiny_encoder.iterdir():
            archive.write(path, f"tiny/{path.name}")
        archive.writestr("tiny/1_Pooling/notes.html", "not for a model")
    whole = buffer.getvalue()
    third = len(whole) // 3
    cuts = [0, third, 2 * third, len(whole)]
    site = tmp_path / "site-packages"
    for number in (1, 2, 3):
        file = site / f"part-{number}" / "input" / f"tiny.zip.00{number}"
        file.parent.mkdir(parents=True)
        file.write_bytes(whole[cuts[number - 1] : cuts[number]])
        record = site / f"tiny_part_{number}-0.0.1.dist-info"
        record.mkdir()
        (record / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: tiny-part-{number}\nVersion: 0.0.1\n"
        )
        (record / "RECORD").write_text(f"{file.relative_to(site)},,\n")
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.setattr(
        "huggingface_hub.utils._cache_assets.HF_ASSETS_CACHE", str(tmp_path / "cache")
    )
    return PartsConfig(
        [f"tiny-part-{number}" for number in (1, 2, 3)],
        len(whole), hashlib.sha256(whole).hexdigest(),
    )  # fmt: skip


def test_an_encoder_in_parts_is_put_together_once(
    parts: PartsConfig, tiny_encoder: Path, tmp_path: Path
) -> None:
    config = ModelConfig(name="tiny", source="parts://tiny", parts=parts)
    folder = encoder_folder(config)
    assert tmp_path / "cache" in folder.parents
    assert {path.name for path in folder.iterdir()} == {p.name for p in tiny_encoder.iterdir()}
    model, _ = load_encoder(config, LABELS)
    original = load_file(tiny_encoder / "model.safetensors")
    name = "embeddings.word_embeddings.weight"
    assert torch.equal(model.state_dict()[f"bert.{name}"], original[name])
    shutil.rmtree(tmp_path / "site-packages")
    assert encoder_folder(config) == folder
    assert encoder_sha256(config) == encoder_sha256(replace(config, source=str(tiny_encoder)))


def test_parts_that_do_not_make_the_file_are_refused_and_leave_nothing(
    parts: PartsConfig, tmp_path: Path
) -> None:
    for wrong in (
        replace(parts, sha256="0" * 64),
        replace(parts, packages=parts.packages[:2]),
        replace(parts, packages=parts.packages[::-1]),
    ):
        with pytest.raises(InputError, match="the packages of tiny join to .* install them anew"):
            assemble("tiny", wrong)
    with pytest.raises(InputError, match=r"'tiny-part-4'.*not installed; run `make setup-mpnet`"):
        assemble("tiny", replace(parts, packages=[*parts.packages, "tiny-part-4"]))
    (tmp_path / "site-packages" / "part-1" / "input" / "tiny.zip.001").unlink()
    with pytest.raises(InputError, match="tiny-part-1 is damaged"):
        assemble("tiny", parts)
    left = [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    assert {path.name for path in left} <= {"lock"}


def in_pickle_only(tiny_encoder: Path, folder: Path) -> Path:
    """A copy of the tiny encoder as old repositories keep it."""
    shutil.copytree(tiny_encoder, folder)
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    return folder


def test_an_encoder_may_be_pickled_but_a_pickle_may_not_run_code(
    tiny_encoder: Path, tmp_path: Path
) -> None:
    folder = in_pickle_only(tiny_encoder, tmp_path / "old")
    config = ModelConfig(name="old", source=str(folder))
    old = load_encoder(config, LABELS)[0].state_dict()
    new = load_encoder(replace(config, source=str(tiny_encoder)), LABELS)[0].state_dict()
    name = "bert.embeddings.word_embeddings.weight"
    assert torch.equal(old[name], new[name])

    class Malicious:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return Path.touch, (tmp_path / "ran",)  # type: ignore[return-value]

    with (folder / "pytorch_model.bin").open("wb") as file:
        pickle.dump({name: Malicious()}, file)
    with pytest.raises(InputError, match=r"model.source: .* cannot be loaded"):
        load_encoder(config, LABELS)
    assert not (tmp_path / "ran").exists()


def test_a_package_that_a_tokenizer_needs_is_asked_for(tiny_encoder: Path) -> None:
    config = ModelConfig(name="deberta", source=str(tiny_encoder), requires=["no-such-package"])
    with pytest.raises(InputError, match=r"deberta needs .*'no-such-package'; run `.*pip install"):
        load_encoder(config, LABELS)


@pytest.mark.parametrize(
    "path", sorted((ROOT / "configs/model").glob("*.yaml")), ids=lambda p: p.stem
)
def test_every_model_is_named_by_its_file_and_pinned(path: Path) -> None:
    model = OmegaConf.to_container(OmegaConf.load(path))
    assert isinstance(model, dict)
    assert model["name"] == path.stem
    assert 0 < model["learning_rate"] < 1e-2
    on_the_hub = "/" in model["source"] and "://" not in model["source"]
    pinned = re.fullmatch(r"[0-9a-f]{40}", str(model.get("revision")))
    if on_the_hub and path.stem != "conflibert":  # its page says that it is not pinned yet
        assert pinned
    if model["source"].startswith("parts://"):
        assert model["parts"]["packages"] == sorted(model["parts"]["packages"])
        locked = (ROOT / "requirements-mpnet.lock").read_text().splitlines()
        assert [line.split("==")[0] for line in locked] == model["parts"]["packages"]
