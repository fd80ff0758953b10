"""Tag texts with strong taggers for a small one to learn from: `make teach TEACHERS=… INPUT=…`."""

from command_line import command

from conflict_tagger.command_configs import TeachConfig
from conflict_tagger.documents import InputError


@command("teach", TeachConfig)
def main(config: TeachConfig) -> None:
    """Write the texts with the spans and soft labels of all teachers together."""
    from conflict_tagger.texts import read_texts, write_documents

    if not config.teachers:
        raise InputError("teachers: name at least one checkpoint")
    texts = read_texts(config.input)
    from conflict_tagger.tagger import Tagger  # torch, some seconds
    from conflict_tagger.teaching import teach_stream
    from conflict_tagger.training import use_bf16

    teachers = [Tagger.from_pretrained(checkpoint) for checkpoint in config.teachers]
    taught = teach_stream(teachers, texts, use_bf16(config.precision))
    write_documents(taught, config.input, config.output)


if __name__ == "__main__":
    main()
