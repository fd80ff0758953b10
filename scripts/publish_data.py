"""Publish the bundled data on the hub: `make publish-data HUB_ID=…`."""

from command_line import command

from conflict_tagger.command_configs import PublishDataConfig


@command("publish_data", PublishDataConfig)
def main(config: PublishDataConfig) -> None:
    """Say what would go up, or upload it."""
    from conflict_tagger.publishing_data import publish_data

    print(publish_data(config).summary(config.hub_id))


if __name__ == "__main__":
    main()
