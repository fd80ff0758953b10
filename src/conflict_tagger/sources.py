"""Where the files of models come from: packages, packages' parts, local folders, the hub."""

from __future__ import annotations

import hashlib
import re
import shutil
import zipfile
from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from conflict_tagger.documents import InputError
from conflict_tagger.hub import hub_errors
from conflict_tagger.runs import file_sha256

if TYPE_CHECKING:
    from conflict_tagger.config import ModelConfig, PartsConfig

PACKAGE, PARTS = "package://", "parts://"
HUB_ID = re.compile(r"[\w.-]+(/[\w.-]+)?")
HUB_FILES = ["*.json", "*.txt", "*.model", "*.safetensors"]  # never code, never pickles
PICKLED_WEIGHTS = ["pytorch_model*.bin"]  # for old encoders; loaded with weights_only
PART_FILE = re.compile(r".*\.zip\.\d+")
MODEL_FILES = (".json", ".txt", ".model", ".safetensors")


def encoder_folder(config: ModelConfig) -> Path:
    """The local folder of a pretrained encoder.

    Raises:
        InputError: says which model cannot be had, why, and what to do.
    """
    for package in config.requires:
        try:
            distribution(package)
        except PackageNotFoundError:
            raise InputError(
                f"model: {config.name} needs the Python package {package!r}; run "
                f"`.venv/bin/pip install {package}`"
            ) from None
    if config.init_from is not None:
        folder = Path(config.init_from).expanduser()
        if not (folder / "config.json").is_file():
            raise InputError(
                f"model.init_from: {folder} holds no encoder; `make pretrain OUTPUT={folder}`"
            )
        return folder
    if config.source.startswith(PARTS):
        name = config.source.removeprefix(PARTS)
        if config.parts is None:
            raise InputError(f"model.parts: {config.source} needs its packages, size and sha256")
        return assemble(name, config.parts)
    return resolve_source(config.source, config.revision, "model.source", pickled=True)


def encoder_sha256(config: ModelConfig) -> str:
    """SHA-256 over the weights files of the pretrained encoder, in the order of their names."""
    folder = encoder_folder(config)
    digest = hashlib.sha256()
    for path in sorted([*folder.glob("*.safetensors"), *folder.glob("pytorch_model*.bin")]):
        digest.update(bytes.fromhex(file_sha256(path)))
    return digest.hexdigest()


def resolve_source(source: str, revision: str | None, key: str, pickled: bool = False) -> Path:
    """The local folder of a model: inside an installed package, given, or fetched from the hub.

    Args:
        source: `package://module/folder`, a local folder or a hub id.
        revision: branch, tag or commit on the hub.
        key: what the user calls the source.
        pickled: whether weights that exist in torch's pickle format only may be fetched.

    Raises:
        InputError: names `key` and the source, says why it cannot be had and what to do.
    """
    if source.startswith(PACKAGE):
        module, _, folder = source.removeprefix(PACKAGE).partition("/")
        spec = find_spec(module)
        if spec is None or not spec.submodule_search_locations:
            raise InputError(
                f"{key}: the Python package {module!r} that carries this model is not installed; "
                "run `make setup`"
            )
        return Path(spec.submodule_search_locations[0]) / folder
    path = Path(source).expanduser()
    if path.is_dir():
        return path
    if path.exists():
        raise InputError(f"{key}: {source} is a file; give the folder that holds config.json")
    if not HUB_ID.fullmatch(source):
        raise InputError(f"{key}: no such folder: {source}")
    return _fetch(source, revision, key, pickled)


def assemble(name: str, parts: PartsConfig) -> Path:
    """Join the parts of a zip file that installed packages carry, and unpack it into a cache.

    Args:
        name: the folder inside the zip file.
        parts: the packages in order, and size and hash of the joined file.

    Returns:
        The unpacked folder; made once, and only whole.

    Raises:
        InputError: a package is missing, or the joined file is not the one it should be.
    """
    from filelock import FileLock
    from huggingface_hub import cached_assets_path

    cache = Path(cached_assets_path("conflict_tagger", namespace="encoders", subfolder=name))
    folder = cache / parts.sha256[:16]
    with FileLock(cache / "lock"):
        if folder.is_dir():
            return folder
        files = [_part_file(package, name) for package in parts.packages]
        with TemporaryDirectory(dir=cache) as temporary:
            joined = Path(temporary) / "joined.zip"
            with joined.open("wb") as target:
                for file in files:
                    with file.open("rb") as source:
                        shutil.copyfileobj(source, target, 1 << 20)
            found = joined.stat().st_size, file_sha256(joined)
            if found != (parts.size, parts.sha256):
                raise InputError(
                    f"model.parts: the packages of {name} join to {found[0]:,} bytes with SHA-256 "
                    f"{found[1]}, not to {parts.size:,} with {parts.sha256}; install them anew"
                )
            with zipfile.ZipFile(joined) as archive:
                for member in archive.namelist():
                    if member.startswith(f"{name}/") and member.endswith(MODEL_FILES):
                        archive.extract(member, temporary)
            (Path(temporary) / name).rename(folder)
    return folder


def _part_file(package: str, name: str) -> Path:
    """The file of an installed package that is a part of a zip file."""
    try:
        files = distribution(package).files or []
    except PackageNotFoundError:
        raise InputError(
            f"model: {name} comes in parts, and the package {package!r} that carries one is not "
            "installed; run `make setup-mpnet`, or use another model"
        ) from None
    found = [Path(str(file.locate())) for file in files if PART_FILE.fullmatch(file.name)]
    if len(found) != 1 or not found[0].is_file():
        raise InputError(f"model: {package} is damaged: it carries no part of {name}")
    return found[0]


def _fetch(hub_id: str, revision: str | None, key: str, pickled: bool) -> Path:
    """The folder in the local cache with a hub repository's files."""
    from huggingface_hub import snapshot_download

    with hub_errors(f"{key}: {hub_id}: it is no folder here, and", revision):
        folder = Path(snapshot_download(hub_id, revision=revision, allow_patterns=HUB_FILES))
        if pickled and not list(folder.glob("*.safetensors")):
            snapshot_download(hub_id, revision=revision, allow_patterns=PICKLED_WEIGHTS)
    return folder
