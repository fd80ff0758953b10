"""Weights & Biases, online or offline; it never asks a question."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from conflict_tagger.config import SyncConfig, Tracking, TrainConfig
from conflict_tagger.corpora import TRAIN, VALIDATION, Split
from conflict_tagger.documents import InputError, first_line, read_jsonl
from conflict_tagger.listing import is_being_written, list_runs
from conflict_tagger.runs import CONFIG, RunFolder
from conflict_tagger.scoring.counts import MATCHES

logger = logging.getLogger(__name__)

INIT_TIMEOUT = 30  # seconds to reach the backend before a run goes offline
FINISH_TIMEOUT = 120  # seconds to upload what is left at the end


def resolve_mode(wanted: Tracking) -> Tracking:
    """Online, offline or none: `auto` is online where W&B finds a login, else offline.

    Raises:
        InputError: `online` was asked for and there is no usable login.
    """
    if wanted in (Tracking.offline, Tracking.none):
        return wanted
    import wandb

    wandb.setup(wandb.Settings(silent=True))
    try:
        logged_in, why = wandb.login(prompt=False, verify=False), "there is none"
    except (wandb.errors.Error, ValueError) as error:  # such as a malformed key
        logged_in, why = False, first_line(error)
    if logged_in:
        return Tracking.online
    if wanted is Tracking.online:
        raise InputError(
            f"tracking.mode: online needs a W&B login ({why}); "
            "run `wandb login`, set WANDB_API_KEY, or use tracking=offline"
        )
    if why != "there is none":
        logger.warning("the W&B login is not usable (%s); the run is kept offline", why)
    return Tracking.offline


def start_tracking(
    mode: Tracking, config: TrainConfig, run: RunFolder, data: Mapping[str, Any]
) -> Any:
    """Start a W&B run in the run folder, or None when tracking is off.

    The data goes along as an artifact that the run uses. Offline there is nothing to link it to:
    there it is an artifact of the run, and its hashes are in the configuration in any case.

    Args:
        mode: what `resolve_mode` made of the configuration's.
        config: the whole configuration; W&B shows it as the run's.
        run: the run folder; its id is the run's at W&B too.
        data: path and hash of every split, as `describe_data` gives them.

    Raises:
        InputError: `online` was asked for, not `auto`, and the backend cannot be reached.
    """
    if mode is Tracking.none:
        return None
    import wandb

    hashes = {name: record["sha256"] for name, record in data.items()}
    recorded = OmegaConf.to_container(OmegaConf.structured(config), enum_to_str=True)
    assert isinstance(recorded, dict)
    arguments = {
        "project": config.tracking.project,
        "group": config.tracking.group or config.name,
        "tags": [config.model.name, config.data.name],
        "job_type": "train",
        "id": run.id,
        "resume": "allow",  # the same run at W&B when it goes on after a stop
        "name": run.path.name,
        "dir": str(run.path),
        "config": {**recorded, "data_sha256": hashes},
        "settings": wandb.Settings(
            silent=True,
            console="off",
            init_timeout=INIT_TIMEOUT,
            finish_timeout=FINISH_TIMEOUT,
            finish_timeout_raises=True,
        ),
    }
    try:
        tracked = wandb.init(mode=mode.value, **arguments)
    except wandb.errors.Error as error:
        if config.tracking.mode is Tracking.online:
            raise InputError(
                f"tracking.mode: W&B could not be reached: {first_line(error)}"
            ) from None
        logger.warning("W&B could not be reached (%s); the run is kept offline", first_line(error))
        wandb.teardown()  # its service still holds the id of the run that could not begin
        tracked = wandb.init(mode="offline", **arguments)
    with tolerated():
        artifact = data_artifact(config.data.name, data)
        if tracked.settings.mode == "online":
            bounded(lambda: tracked.use_artifact(artifact))  # it waits for the upload
        else:
            tracked.log_artifact(artifact)
    return tracked


def data_artifact(name: str, data: Mapping[str, Any]) -> Any:
    """The files a run learns from as an artifact, and the hashes of those it is tested on.

    Test texts may belong to others, as those of the seed articles do: they stay here.
    """
    import wandb

    hashes = {split: record["sha256"] for split, record in data.items()}
    artifact = wandb.Artifact(name, type="dataset", metadata={"sha256": hashes})
    for split in (TRAIN, VALIDATION):
        path = Path(data[split]["path"]).resolve()
        artifact.add_file(str(path), name=f"{split}.jsonl", policy="immutable")
    return artifact


def finish_tracking(
    run: Any, folder: RunFolder, splits: Mapping[str, Split], metrics: dict[str, Any]
) -> None:
    """Give W&B the scores, pictures, mistakes and the checkpoint, and close the run.

    None is no run. However the network is, this ends: what has not gone up by then is on disk.
    """
    if run is None:
        return
    from conflict_tagger.tracked_results import checkpoint_artifact, pages_of_split

    for name, scores in metrics["splits"].items():
        for match in MATCHES:
            run.summary[f"{name}/{match}_f1"] = scores[match]["micro"]["f1"]
            for label, values in scores[match]["per_label"].items():
                run.summary[f"{name}/{match}_f1_{label}"] = values["f1"]
    with tolerated():
        for name, scores in metrics["splits"].items():
            predicted = list(read_jsonl(folder.path / "predictions" / f"{name}.jsonl"))
            pages = pages_of_split(splits[name].documents, predicted, scores)
            run.log({f"{name}/{title}": page for title, page in pages.items()})
        artifact = checkpoint_artifact(folder, metrics)
        run.log_artifact(artifact, aliases=["best", "latest"])
    with tolerated():
        run.finish()


def unsynced_runs(config: SyncConfig) -> list[Path]:
    """W&B's folders of the runs that have not gone up, without those still being written.

    Raises:
        InputError: there is no such run folder, or no login to upload with.
    """
    if config.run is not None and not (Path(config.run) / CONFIG).exists():
        raise InputError(f"run: {config.run} is no run folder")
    folders = (
        [Path(config.run)] if config.run else [run.folder for run in list_runs(Path(config.runs))]
    )
    waiting = []
    for folder in folders:
        found = [path.parent for path in folder.glob("wandb/*run-*/run-*.wandb")
                 if not path.with_name(f"{path.name}.synced").exists()]  # fmt: skip
        if found and is_being_written(folder):
            logger.warning("%s is being written: left for later", folder)
        else:
            waiting += found
    if waiting:
        resolve_mode(Tracking.online)
    return sorted(waiting)


@contextmanager
def tolerated() -> Iterator[None]:
    """W&B's troubles become one warning: a training never ends for its tracking."""
    import wandb

    try:
        yield
    except (wandb.errors.Error, TimeoutError, OSError, ValueError) as error:
        logger.warning(
            "W&B has not taken all (%s); it is in the run folder, and `make sync` tries again",
            first_line(error),
        )


def bounded(function: Callable[[], Any], seconds: float = INIT_TIMEOUT) -> None:
    """Call a function that may wait for a network, for so long at most.

    Raises:
        TimeoutError: it has not returned by then; it is left to itself.
        BaseException: what the function raised.
    """
    errors: list[BaseException] = []

    def call() -> None:
        try:
            function()
        except BaseException as error:  # noqa: BLE001, raised again below
            errors.append(error)

    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    thread.join(seconds)
    if errors:
        raise errors[0]
    if thread.is_alive():
        raise TimeoutError(f"no answer within {seconds:.0f} seconds")
