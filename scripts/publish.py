"""Publish a checkpoint on the hub: `make publish RUN=… HUB_ID=…`."""

from command_line import command

from conflict_tagger.command_configs import PublishConfig


@command("publish", PublishConfig)
def main(config: PublishConfig) -> None:
    """Say what would go up, or upload it."""
    from conflict_tagger.publishing import publish

    print(publish(config).summary(config.hub_id))


if __name__ == "__main__":
    main()
