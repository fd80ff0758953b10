"""Publishing a run on the hub: the weights that were scored, and a card that says how."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conflict_tagger.config import PublishConfig, TrainConfig
from conflict_tagger.documents import InputError, first_line
from conflict_tagger.hub import model_card
from conflict_tagger.runs import (
    ENVIRONMENT,
    METRICS,
    STATE,
    file_sha256,
    read_json,
    recorded_config,
    to_json,
)

logger = logging.getLogger(__name__)

WEIGHTS = "model.safetensors"
CARD = "README.md"
BEHAVIOUR = "behaviour.json"


@dataclass(frozen=True, slots=True)
class Publication:
    """What goes, or went, up.

    Attributes:
        files: size in bytes by path in the repository.
        url: of the commit or pull request; None if nothing was uploaded.
    """

    files: dict[str, int]
    url: str | None


def publish(config: PublishConfig) -> Publication:
    """Put a finished run on the hub in one commit, or say what would go up.

    Raises:
        InputError: the run is not finished, its weights are not those that were scored, a file is
            missing, or the hub refuses.
    """
    run = Path(config.run)
    training = recorded_config(run)
    metrics = check_run(run)
    files = publication_files(config, run, training, metrics)
    sizes = {
        path: source.stat().st_size if isinstance(source, Path) else len(source)
        for path, source in files.items()
    }
    return Publication(sizes, upload(config, files) if config.upload else None)


def check_run(run: Path) -> dict[str, Any]:
    """The metrics of a finished run whose weights are the ones that were scored.

    Raises:
        InputError: it is not finished, or its weights have changed since.
    """
    state = read_json(run / STATE)["state"] if (run / STATE).exists() else "finished"
    if state != "finished" or not (run / METRICS).exists():
        raise InputError(
            f'run: {run} is not finished ({state}); go on with `make train ARGS="resume={run}"`'
        )
    metrics = read_json(run / METRICS)
    weights = run / "checkpoint" / WEIGHTS
    if not weights.is_file():
        raise InputError(f"run: {weights} is missing")
    if file_sha256(weights) != metrics["checkpoint_sha256"]:
        raise InputError(
            f"run: {weights} is not what was scored; its hash differs from that in {METRICS}"
        )
    if read_json(run / ENVIRONMENT)["git"]["uncommitted_changes"]:
        logger.warning("%s was trained by code with uncommitted changes: nobody can get it", run)
    return metrics


def publication_files(
    config: PublishConfig, run: Path, training: TrainConfig, metrics: Mapping[str, Any]
) -> dict[str, Path | bytes]:
    """What goes up, by path in the repository: files of the run, and the card.

    Raises:
        InputError: an error report or the behaviour file is missing.
    """
    files: dict[str, Path | bytes] = {
        path.name: path for path in sorted((run / "checkpoint").iterdir()) if path.name != CARD
    }
    behaviour = read_behaviour(Path(config.behaviour) if config.behaviour else None, run)
    card = model_card(training, metrics, run.name, config.hub_id, behaviour)
    files[CARD] = card.encode()
    files[METRICS] = to_json(metrics).encode()
    for name in config.reports:
        report = run / "reports" / f"{name}.html"
        if not report.is_file():
            raise InputError(f"reports: {report} is missing; leave {name} out, or train anew")
        files[f"reports/{name}.html"] = report
    return files


def read_behaviour(path: Path | None, run: Path) -> dict[str, Any] | None:
    """Rates of the behaviour checks: from the file given, or from the run's if it has one.

    Raises:
        InputError: the file given cannot be read, or is of another checkpoint.
    """
    if path is None:
        path = run / BEHAVIOUR
        if not path.exists():
            logger.warning("no behaviour rates for the card: `make check-behaviour` first")
            return None
    behaviour = read_json(path)
    if Path(behaviour.get("checkpoint", "")).resolve() != (run / "checkpoint").resolve():
        raise InputError(f"behaviour: {path} is of {behaviour.get('checkpoint')}, not of {run}")
    return behaviour


def upload(config: PublishConfig, files: Mapping[str, Path | bytes]) -> str:
    """Create the repository if need be, commit the files at once, and tag the commit.

    Returns:
        Address of the commit or pull request.

    Raises:
        InputError: the hub refuses or cannot be reached.
    """
    from huggingface_hub import CommitOperationAdd, HfApi

    api = HfApi()
    operations = [
        CommitOperationAdd(path, str(source) if isinstance(source, Path) else source)
        for path, source in files.items()
    ]
    with hub_errors(config.hub_id):
        api.create_repo(config.hub_id, private=config.private, exist_ok=True)
        commit = api.create_commit(
            config.hub_id,
            operations,
            commit_message=f"Publish {Path(config.run).name}",
            create_pr=config.create_pr,
        )
        if config.tag is not None:
            api.create_tag(config.hub_id, tag=config.tag, revision=commit.oid)
    return str(commit.pr_url or commit.commit_url)


@contextmanager
def hub_errors(hub_id: str) -> Iterator[None]:
    """What the hub refuses becomes one line.

    Raises:
        InputError: names the repository, why, and what to do.
    """
    import httpx
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalTokenNotFoundError

    try:
        yield
    except LocalTokenNotFoundError:
        why = "there is no login; run `hf auth login` or set HF_TOKEN"
    except HFValidationError as error:
        why = first_line(error)
    except HfHubHTTPError as error:
        status = error.response.status_code if error.response is not None else None
        refused = status in (401, 403)
        why = "the token may not write there; check HF_TOKEN" if refused else first_line(error)
    except (httpx.HTTPError, OSError) as error:
        why = f"the hub cannot be reached: {first_line(error)}"
    else:
        return
    raise InputError(f"hub_id: {hub_id}: {why}; nothing is lost, try again")
