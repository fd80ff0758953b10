"""Weights & Biases, online or offline; it never asks a question."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from conflict_tagger.command_configs import SyncConfig
from conflict_tagger.config import Tracking, TrainConfig
from conflict_tagger.corpora import TRAIN, VALIDATION, Split
from conflict_tagger.documents import InputError, first_line, read_jsonl
from conflict_tagger.listing import is_being_written, list_runs
from conflict_tagger.runs import CONFIG, RunFolder, describe_data
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

    try:
        tracked = open_run(mode, config, run, data)
    except wandb.errors.Error as error:
        if config.tracking.mode is Tracking.online:
            raise InputError(
                f"tracking.mode: W&B could not be reached: {first_line(error)}"
            ) from None
        logger.warning("W&B could not be reached (%s); the run is kept offline", first_line(error))
        wandb.teardown()  # its service still holds the id of the run that could not begin
        tracked = open_run(Tracking.offline, config, run, data)
    with tolerated():
        artifact = data_artifact(config.data.name, data)
        if is_online(tracked):
            bounded(lambda: tracked.use_artifact(artifact))  # it waits for the upload
        else:
            tracked.log_artifact(artifact)
    return tracked


def open_run(mode: Tracking, config: TrainConfig, run: RunFolder, data: Mapping[str, Any]) -> Any:
    """A W&B run with the id of the run folder, new or gone on with.

    Raises:
        wandb.errors.Error: the backend cannot be reached.
    """
    import wandb

    recorded: Any = OmegaConf.to_container(OmegaConf.structured(config), enum_to_str=True)
    return wandb.init(
        mode="online" if mode is Tracking.online else "offline",
        project=config.tracking.project,
        group=config.tracking.group or config.name,
        tags=[config.model.name, config.data.name],
        job_type="train",
        id=run.id,
        resume="allow",  # the same run at W&B when it goes on after a stop
        name=run.path.name,
        dir=str(run.path),
        config={**recorded, "data_sha256": hashes_of(data)},
        settings=wandb.Settings(
            silent=True,
            console="off",
            init_timeout=INIT_TIMEOUT,
            finish_timeout=FINISH_TIMEOUT,
            finish_timeout_raises=True,
        ),
    )


def is_online(run: Any) -> bool:
    """Whether a W&B run uploads as it goes."""
    return bool(run.settings.mode == "online")


def hashes_of(data: Mapping[str, Any]) -> dict[str, str]:
    """The hash of each split, from what `describe_data` gives."""
    return {name: record["sha256"] for name, record in data.items()}


def data_artifact(name: str, data: Mapping[str, Any]) -> Any:
    """The files a run learns from as an artifact, and the hashes of those it is tested on.

    Test texts may belong to others, as those of the seed articles do: they stay here.
    """
    import wandb

    artifact = wandb.Artifact(name, type="dataset", metadata={"sha256": hashes_of(data)})
    for split in (TRAIN, VALIDATION):
        path = Path(data[split]["path"]).resolve()
        artifact.add_file(str(path), name=f"{split}.jsonl", policy="immutable")
    return artifact


def finish_tracking(
    tracked: Any,
    config: TrainConfig,
    run: RunFolder,
    splits: Mapping[str, Split],
    metrics: dict[str, Any],
) -> None:
    """Give W&B the scores, pictures, mistakes and the checkpoint, and close the run.

    None is no run. However the network is, this ends; what W&B would not take is recorded
    offline as a part of the same run, for `make sync`.
    """
    if tracked is None:
        return
    import wandb

    whole = False
    with tolerated():
        try:
            log_results(tracked, run, splits, metrics)
        finally:
            tracked.finish()
        whole = True
    if is_online(tracked) and not whole:  # an artifact on its way up is recorded nowhere
        with tolerated():
            wandb.teardown()
            rest = open_run(Tracking.offline, config, run, describe_data(splits))
            log_results(rest, run, splits, metrics)
            rest.finish()


def log_results(
    tracked: Any, run: RunFolder, splits: Mapping[str, Split], metrics: dict[str, Any]
) -> None:
    """Log what the training came to.

    Raises:
        wandb.errors.Error: the backend cannot be reached.
    """
    from conflict_tagger.tracked_results import checkpoint_artifact, pages_of_split

    for name, scores in metrics["splits"].items():
        for match in MATCHES:
            tracked.summary[f"{name}/{match}_f1"] = scores[match]["micro"]["f1"]
            for label, values in scores[match]["per_label"].items():
                tracked.summary[f"{name}/{match}_f1_{label}"] = values["f1"]
    for name, scores in metrics["splits"].items():
        predicted = list(read_jsonl(run.path / "predictions" / f"{name}.jsonl"))
        pages = pages_of_split(splits[name].documents, predicted, scores)
        tracked.log({f"{name}/{title}": page for title, page in pages.items()})
    tracked.log_artifact(checkpoint_artifact(run, metrics), aliases=["best", "latest"])


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
            "W&B has not taken all (%s); it is in the run folder, for `make sync`",
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
