"""The folder of a run: what was run, on what, with what, and what came out."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import subprocess
import uuid
from collections.abc import Mapping
from datetime import date
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from conflict_tagger.config import TrainConfig
from conflict_tagger.corpora import Split
from conflict_tagger.documents import InputError


def create_run_folder(config: TrainConfig) -> tuple[Path, str]:
    """Make `runs/<date>-<name>-<id>/` and return it with the random id.

    Raises:
        InputError: the folder cannot be made.
    """
    run_id = uuid.uuid4().hex[:8]  # not from the run's seed: two runs of one seed stay apart
    folder = Path(config.runs) / f"{date.today().isoformat()}-{config.name}-{run_id}"
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        raise InputError(f"runs: cannot make {folder}: {error.strerror}") from None
    return folder, run_id


def record_inputs(folder: Path, config: TrainConfig, splits: Mapping[str, Split]) -> None:
    """Write the resolved config, the environment and the hashes of the data."""
    (folder / "config.yaml").write_text(OmegaConf.to_yaml(OmegaConf.structured(config)), "utf-8")
    write_json(folder / "environment.json", describe_environment())
    data = {
        name: {
            "path": str(split.path),
            "sha256": split.sha256(),
            "documents": len(split.documents),
        }
        for name, split in splits.items()
    }
    write_json(folder / "data.json", data)


def describe_environment() -> dict[str, Any]:
    """Git revision of the code, package versions, Python, platform and hardware."""
    import torch

    packages = {dist.metadata["Name"]: dist.version for dist in distributions()}
    gpus = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    return {
        "git": git_state(),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpus": os.cpu_count(),
        "gpus": gpus,
        "packages": dict(sorted(packages.items(), key=lambda item: item[0].lower())),
    }


def git_state() -> dict[str, Any]:
    """Revision of the repository this code runs from, and whether it has uncommitted changes.

    Both are None where there is no git or no repository.
    """
    here = Path(__file__).resolve().parent

    def git(*arguments: str) -> str | None:
        try:
            result = subprocess.run(
                ["git", *arguments], cwd=here, capture_output=True, text=True, check=True
            )
        except (OSError, subprocess.CalledProcessError):
            return None
        return result.stdout.strip()

    revision = git("rev-parse", "HEAD")
    changes = git("status", "--porcelain", "--untracked-files=no") if revision else None
    return {"revision": revision, "uncommitted_changes": None if changes is None else bool(changes)}


def file_sha256(path: Path) -> str:
    """SHA-256 of a file, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_json(path: Path, value: Any) -> None:
    """Write indented UTF-8 JSON."""
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", "utf-8")
