"""Write open texts that nobody annotated: `make unlabelled OUTPUT=texts.jsonl`."""

from pathlib import Path

from command_line import command

from conflict_tagger.command_configs import UnlabelledConfig
from conflict_tagger.documents import InputError, LabelSet, write_jsonl


@command("unlabelled", UnlabelledConfig)
def main(config: UnlabelledConfig) -> None:
    """Write the texts and say how many of each source there are."""
    from conflict_tagger.open_texts import unlabelled_documents

    documents = unlabelled_documents(config.data, LabelSet(tuple(config.data.labels)), config.words)
    try:
        write_jsonl(Path(config.output), documents)
    except OSError as error:
        raise InputError(f"output: {config.output} cannot be written: {error.strerror}") from None
    words = sum(len(document.text.split()) for document in documents)
    print(f"wrote {len(documents)} texts, {words:,} words, to {config.output}")


if __name__ == "__main__":
    main()
