"""Upload W&B runs that were kept offline or cut off: `make sync [RUN=runs/…]`."""

import subprocess
import sys

from command_line import command

from conflict_tagger.command_configs import SyncConfig


@command("sync", SyncConfig)
def main(config: SyncConfig) -> None:
    """Hand them to W&B's own uploader, which leaves out what has gone up before."""
    from conflict_tagger.tracking import unsynced_runs

    waiting = unsynced_runs(config)
    if not waiting:
        print("all runs have gone up")
        return
    uploader = [sys.executable, "-m", "wandb", "sync", "--include-online"]
    sys.exit(subprocess.run([*uploader, *map(str, waiting)], stdin=subprocess.DEVNULL).returncode)


if __name__ == "__main__":
    main()
