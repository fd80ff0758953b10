"""Publish a checkpoint on the hub: `make publish RUN=… HUB_ID=…`."""

from command_line import command

from conflict_tagger.config import PublishConfig


@command("publish", PublishConfig)
def main(config: PublishConfig) -> None:
    """Say what would go up, or upload it."""
    from conflict_tagger.publishing import publish

    publication = publish(config)
    for path, size in publication.files.items():
        print(f"{size / 1e6:10.2f} MB  {path}")
    if publication.url is None:
        print(f'nothing was uploaded to {config.hub_id}: add ARGS="upload=true"')
    else:
        print(publication.url)


if __name__ == "__main__":
    main()
