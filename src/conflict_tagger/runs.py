"""The folder of a run: what was run, on what, with what, and what came out."""

from __future__ import annotations

import errno
import hashlib
import json
import logging
import os
import platform
import subprocess
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from conflict_tagger.command_configs import BaselineConfig
from conflict_tagger.config import TrainConfig
from conflict_tagger.corpora import Split
from conflict_tagger.documents import InputError

logger = logging.getLogger(__name__)

CONFIG = "config.yaml"
DATA = "data.json"
ENVIRONMENT = "environment.json"
METRICS = "metrics.json"
STATE = "state.json"
WEIGHTS = "model.safetensors"  # in the run's checkpoint
LOCK = ".lock"
DISK_FULL = (errno.ENOSPC, errno.EDQUOT)


@dataclass(frozen=True, slots=True)
class RunFolder:
    """`runs/<date>-<name>-<id>/`: where a run keeps everything, and its id."""

    path: Path
    id: str

    @property
    def steps(self) -> Path:
        """Where the Trainer's checkpoints stand until the run is finished."""
        return self.path / "steps"

    def state(self) -> dict[str, Any]:
        """What state.json says, or nothing when there is none yet."""
        path = self.path / STATE
        return read_json(path) if path.exists() else {}


def create_run_folder(config: TrainConfig | BaselineConfig) -> RunFolder:
    """Make the folder of a new run.

    Raises:
        InputError: the folder cannot be made.
    """
    run_id = uuid.uuid4().hex[:8]  # not from the run's seed: two runs of one seed stay apart
    folder = Path(config.runs) / f"{date.today().isoformat()}-{config.name}-{run_id}"
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        raise InputError(f"runs: cannot make {folder}: {error.strerror}") from None
    return RunFolder(folder, run_id)


def make_folder(folder: Path, key: str) -> None:
    """Make a folder, and those above it, unless it is there.

    Raises:
        InputError: it cannot be made; names the `key` that the user gave it by.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{key}: cannot make {folder}: {error.strerror}") from None


@contextmanager
def writing(run: RunFolder, changes: Sequence[str] = (), processes: int = 1) -> Iterator[None]:
    """Hold a run's lock, and keep in state.json whether it is running, finished or failed.

    Every stretch of work on the run is a session there, with the code it ran and what was
    changed for it. A run that was killed is still `running` there, but nobody holds its lock.

    Raises:
        InputError: another process writes this run, or its disk is full.
    """
    lock = FileLock(run.path / LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise InputError(f"{run.path}: another process is writing this run") from None
    except OSError as error:
        raise InputError(f"{run.path}: cannot be written: {error.strerror}") from None
    with lock:
        session: dict[str, Any] = {
            "started": datetime.now(UTC).isoformat(timespec="seconds"),
            "host": platform.node(),
            "pid": os.getpid(),
            "processes": processes,
            "git": git_state(),
            "changes": list(changes),
        }
        sessions = [*run.state().get("sessions", []), session]

        def note(state: str, why: str | None = None) -> None:
            if state != "running":
                session["ended"] = datetime.now(UTC).isoformat(timespec="seconds")
            record = {"state": state, "why": why, "sessions": sessions}
            replace_text(run.path / STATE, to_json(record))

        try:
            note("running")
            yield
            note("finished")
        except BaseException as error:
            with suppress(OSError):  # the disk may be full, and the first error is the one to tell
                note("failed", _reason(error))
            if isinstance(error, KeyboardInterrupt):
                logger.info('to go on: make train ARGS="resume=%s"', run.path)
            if isinstance(error, OSError) and error.errno in DISK_FULL:
                raise InputError(f"{run.path}: {error.strerror}") from None
            raise


def _reason(error: BaseException) -> str:
    if isinstance(error, InputError):
        return str(error)
    return "interrupted" if isinstance(error, KeyboardInterrupt) else repr(error)


def record_inputs(
    run: RunFolder,
    config: TrainConfig | BaselineConfig,
    splits: Mapping[str, Split],
    encoder_sha256: str | None = None,
) -> None:
    """Write the resolved config, the environment, changes to the code, and the data's hashes.

    The hashes come last: where they are, the record is whole.
    """
    replace_text(run.path / CONFIG, OmegaConf.to_yaml(OmegaConf.structured(config)))
    environment = describe_environment()
    if encoder_sha256 is not None:
        environment["encoder_sha256"] = encoder_sha256
    write_json(run.path / ENVIRONMENT, environment)
    if environment["git"]["uncommitted_changes"]:
        (run.path / "uncommitted.patch").write_text(git("diff", "HEAD") or "", "utf-8")
    replace_text(run.path / DATA, to_json(describe_data(splits)))


def recorded_config(folder: Path) -> TrainConfig:
    """The configuration of the training in a run folder.

    Raises:
        InputError: there is none, it is damaged, or the run is a baseline's.
    """
    config = recorded_run(folder)
    if isinstance(config, BaselineConfig):
        raise InputError(f"{folder} is a baseline's run; `make baselines` makes it anew")
    return config


def recorded_run(folder: Path) -> TrainConfig | BaselineConfig:
    """The configuration in a run folder, of a training or of a baseline.

    Raises:
        InputError: there is none, or it is damaged.
    """
    path = folder / CONFIG
    try:
        recorded = OmegaConf.load(path)
        schema = BaselineConfig if "baseline" in recorded else TrainConfig
        # Keys that are younger than the run had their default's value.
        typed = OmegaConf.to_object(OmegaConf.merge(OmegaConf.structured(schema), recorded))
    except FileNotFoundError:
        raise InputError(f"{folder} holds no {CONFIG}, so it is no run folder") from None
    except (OSError, UnicodeDecodeError, YAMLError, OmegaConfBaseException) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"{path} is damaged: {reason}") from None
    assert isinstance(typed, TrainConfig | BaselineConfig)
    return typed


def describe_data(splits: Mapping[str, Split]) -> dict[str, dict[str, Any]]:
    """Path, hash and size of every split."""
    return {
        name: {
            "path": str(split.path),
            "sha256": split.sha256(),
            "documents": len(split.documents),
        }
        for name, split in splits.items()
    }


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
    revision = git("rev-parse", "HEAD")
    changes = git("status", "--porcelain", "--untracked-files=no") if revision else None
    return {"revision": revision, "uncommitted_changes": None if changes is None else bool(changes)}


def git(*arguments: str) -> str | None:
    """What git prints about the repository this code runs from, None where it fails."""
    here = Path(__file__).resolve().parent
    try:
        result = subprocess.run(["git", *arguments], cwd=here, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return result.stdout.decode("utf-8", "replace").rstrip("\n")


def file_sha256(path: Path) -> str:
    """SHA-256 of a file, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object of a run folder.

    Raises:
        InputError: it is missing or damaged.
    """
    try:
        value = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path} is missing or damaged: {error}") from None
    if not isinstance(value, dict):
        raise InputError(f"{path} is damaged: it holds no JSON object")
    return value


def to_json(value: Any) -> str:
    """Indented JSON with a line end."""
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def write_json(path: Path, value: Any) -> None:
    """Write indented UTF-8 JSON."""
    path.write_text(to_json(value), "utf-8")


def replace_text(path: Path, text: str) -> None:
    """Write a file so that a reader, or a kill, finds either what was there or all of the new."""
    partial = path.with_name(f"{path.name}.partial")
    partial.write_text(text, "utf-8")
    partial.replace(path)
