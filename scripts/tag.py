"""Tag texts with a checkpoint: `make tag CHECKPOINT=… INPUT=…`."""

from command_line import command
from rich.console import Console

from conflict_tagger.command_configs import TagConfig


@command("tag", TagConfig)
def main(config: TagConfig) -> None:
    """Write JSONL to a file or a pipe, coloured text to a terminal."""
    from conflict_tagger.texts import coloured, read_texts, write_tagged

    texts = read_texts(config.input)
    from conflict_tagger.tagger import Tagger  # torch, some seconds

    tagger = Tagger.from_pretrained(config.checkpoint, revision=config.revision)
    documents = tagger.tag_stream(texts)
    console = Console(highlight=False)
    if config.output is None and console.is_terminal:
        for document in documents:
            console.print(coloured(document, tagger.labels), "", sep="\n")
    else:
        write_tagged(documents, config.input, config.output)


if __name__ == "__main__":
    main()
