"""Train a recorded run once more and compare the scores: `make repeat RUN=…`."""

import sys

from command_line import command

from conflict_tagger.command_configs import RepeatConfig


@command("repeat", RepeatConfig)
def main(config: RepeatConfig) -> None:
    """Exit code 1 where the weights or scores come out otherwise."""
    from conflict_tagger.repeating import repeat
    from conflict_tagger.tables import print_differences

    before, after = repeat(config)
    if after is None:
        return
    print_differences(before["splits"], after["splits"])
    same_weights = before["checkpoint_sha256"] == after["checkpoint_sha256"]
    print(f"\nweights: {'identical' if same_weights else 'different'}\nrun folder: {after['run']}")
    same_scores = all(
        before["splits"][name][match] == after["splits"][name][match]
        for name in before["splits"]
        for match in ("strict", "overlap")
    )
    if not same_weights or not same_scores:
        sys.exit(1)


if __name__ == "__main__":
    main()
