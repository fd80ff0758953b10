"""What goes up to the hub, in one commit, and what it refuses, in one line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from conflict_tagger.documents import InputError

if TYPE_CHECKING:
    from conflict_tagger.command_configs import HubConfig

Files = Mapping[str, Path | bytes]
LOGIN = "run `hf auth login`, or set HF_TOKEN"


@dataclass(frozen=True, slots=True)
class Publication:
    """What goes, or went, up.

    Attributes:
        files: size in bytes by path in the repository.
        url: of the commit or pull request; None if nothing was uploaded.
    """

    files: dict[str, int]
    url: str | None

    def summary(self, hub_id: str) -> str:
        """The files with their sizes, and where they are now."""
        lines = [f"{size / 1e3:10,.1f} kB  {path}" for path, size in sorted(self.files.items())]
        nowhere = f'nothing was uploaded to {hub_id}: a dry run; ARGS="upload=true" uploads'
        return "\n".join([*lines, self.url or nowhere])


def publish_files(
    config: HubConfig, files: Files, message: str, repo_type: str = "model"
) -> Publication:
    """Upload files if the configuration says so; in any case say what they are.

    Args:
        config: where to.
        files: a file here, or its content, by its path in the repository.
        message: of the commit.
        repo_type: "model" or "dataset".

    Raises:
        InputError: the id is not well-formed, or the hub refuses or cannot be reached.
    """
    check_hub_id(config.hub_id)
    sizes = {
        path: source.stat().st_size if isinstance(source, Path) else len(source)
        for path, source in files.items()
    }
    url = _upload(config, files, message, repo_type) if config.upload else None
    return Publication(sizes, url)


def check_hub_id(hub_id: str) -> None:
    """Refuse what cannot be a repository of somebody's, before anything is built for it.

    Raises:
        InputError: it is not owner/name.
    """
    from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]

    with hub_errors(f"hub_id: {hub_id}:"):
        validate_repo_id(hub_id)
    if "/" not in hub_id:
        raise InputError(f"hub_id: {hub_id}: it is no well-formed hub id, which is owner/name")


def _upload(config: HubConfig, files: Files, message: str, repo_type: str) -> str:
    """Create the repository if need be, commit all files at once and tag the commit."""
    from huggingface_hub import CommitOperationAdd, HfApi

    api = HfApi()
    with hub_errors(f"hub_id: {config.hub_id}:"):
        api.create_repo(
            config.hub_id, repo_type=repo_type, private=config.private or None, exist_ok=True
        )
        commit = api.create_commit(
            config.hub_id,
            [
                CommitOperationAdd(path, source if isinstance(source, bytes) else str(source))
                for path, source in files.items()
            ],
            commit_message=message,
            repo_type=repo_type,
            create_pr=config.create_pr,
        )
        if config.tag is not None:
            api.create_tag(config.hub_id, tag=config.tag, revision=commit.oid, repo_type=repo_type)
    return str(commit.pr_url or commit.commit_url)


@contextmanager
def hub_errors(beginning: str, revision: str | None = None) -> Iterator[None]:
    """What the hub refuses becomes one line.

    Args:
        beginning: of that line; names the key and the repository.
        revision: branch, tag or commit that was asked for.

    Raises:
        InputError: says why, and what to do.
    """
    import httpx2
    from huggingface_hub.errors import HFValidationError

    known = (httpx2.HTTPError, OSError, HFValidationError)
    try:
        yield
    except (*known, RuntimeError) as error:
        if isinstance(error, RuntimeError):  # huggingface_hub wraps what stops a large file
            if not isinstance(error.__cause__, known):
                raise
            error = error.__cause__
        raise InputError(f"{beginning} {_refusal(error, revision)}") from None


def _refusal(error: Exception, revision: str | None) -> str:
    """Why the hub refused or could not be asked, and what to do."""
    import httpx2
    from huggingface_hub.errors import (
        HfHubHTTPError,
        HFValidationError,
        LocalEntryNotFoundError,
        LocalTokenNotFoundError,
        OfflineModeIsEnabled,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    if isinstance(error, HFValidationError):
        return "it is no well-formed hub id, which is owner/name"
    if isinstance(error, RevisionNotFoundError):
        return f"the hub has no revision {revision!r} of it"
    if isinstance(error, RepositoryNotFoundError):
        return f"the hub shows no such repository; if it is private, {LOGIN}"
    if isinstance(error, HfHubHTTPError) and error.response.status_code in (401, 403):
        return f"the hub does not accept the login for this; {LOGIN}"
    if isinstance(error, LocalTokenNotFoundError):
        return f"there is no login; {LOGIN}"
    unreachable = (LocalEntryNotFoundError, OfflineModeIsEnabled, httpx2.TransportError)
    if isinstance(error, unreachable):
        return "the hub cannot be reached; check the network and try again"
    lines = [line for line in str(error).splitlines() if line.strip()]
    return f"{' '.join(line for line in lines if 'more information' not in line)}; try again"
