"""Check what a tagger is moved by: `make check-behaviour CHECKPOINT=…`."""

from pathlib import Path

from command_line import command

from conflict_tagger.command_configs import BehaviourConfig
from conflict_tagger.documents import InputError


@command("behaviour", BehaviourConfig)
def main(config: BehaviourConfig) -> None:
    """Print the rate of each check, and write the cases that fail where `output` says."""
    from conflict_tagger.behaviour import check_behaviour
    from conflict_tagger.runs import write_json
    from conflict_tagger.tables import print_behaviour

    result = check_behaviour(config)
    print_behaviour(result["checks"])
    if config.output is not None:
        try:
            write_json(Path(config.output), result)
        except OSError as error:
            raise InputError(f"output: cannot write {config.output}: {error.strerror}") from None


if __name__ == "__main__":
    main()
