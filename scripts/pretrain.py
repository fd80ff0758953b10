"""Go on pretraining an encoder on conflict news: `make pretrain OUTPUT=…`."""

from command_line import command

from conflict_tagger.command_configs import PretrainConfig


@command("pretrain", PretrainConfig)
def main(config: PretrainConfig) -> None:
    """Pretrain, and say how much better masked words are guessed."""
    from conflict_tagger.pretraining import pretrain

    result = pretrain(config)
    print(
        f"{config.output}: {result['steps']} steps on {result['windows']} windows; loss on "
        f"held-out windows {result['loss_before']:.3f}, then {result['loss_after']:.3f}"
    )


if __name__ == "__main__":
    main()
