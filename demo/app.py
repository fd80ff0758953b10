"""The demo: paste a report, see who is said to have done what to whom, how many, who denies it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import gradio as gr

from conflict_tagger import Tagger
from conflict_tagger.documents import Document, InputError
from conflict_tagger.reports import COLOURS

CHECKPOINT = "CHECKPOINT"  # a folder or a hub id; on a Space, one of its variables
EXAMPLES = sorted((Path(__file__).parent / "examples").glob("*.txt"))
COLUMNS = ["label", "words", "from", "to", "confidence", "people", "hedge"]
ABOUT = """# conflict-tagger

Who is said to have done the violence, who was harmed, how many, and the words that deny it.
It reads what a text *says*; it does not establish what happened or who is guilty, and it makes
mistakes: read the text before you use a tag.
"""


def build(tagger: Tagger) -> gr.Blocks:
    """The page around a tagger."""

    def tag(text: str) -> tuple[dict[str, Any], list[list[str | int | float]]]:
        if not text.strip():
            raise gr.Error("There is no text yet: paste a report first.", print_exception=False)
        (document,) = tagger.tag([text])
        return highlighted(document), rows(document)

    with gr.Blocks(title="conflict-tagger", analytics_enabled=False) as page:
        gr.Markdown(ABOUT)
        with gr.Row():
            with gr.Column():
                text = gr.Textbox(label="A report, in English", lines=14, max_lines=30)
                button = gr.Button("Tag", variant="primary")
                gr.Examples(
                    [[path.read_text("utf-8")] for path in EXAMPLES],
                    text,
                    label="Invented reports it was not trained on",
                )
            with gr.Column():
                spans = gr.HighlightedText(
                    label="Tagged",
                    show_legend=True,
                    color_map={
                        label: COLOURS[i % len(COLOURS)] for i, label in enumerate(tagger.labels)
                    },
                )
        table = gr.Dataframe(
            headers=COLUMNS,
            label="Spans",
            wrap=True,
            interactive=False,
            column_widths=["12%", "42%", "8%", "8%", "10%", "10%", "10%"],
        )
        button.click(tag, text, [spans, table], api_name="tag")
    return page


def highlighted(document: Document) -> dict[str, Any]:
    """A document's text and spans as HighlightedText takes them."""
    spans = [{"entity": s.label, "start": s.start, "end": s.end} for s in document.spans]
    return {"text": document.text, "entities": spans}


def rows(document: Document) -> list[list[str | int | float]]:
    """A row of the table for each span: offsets in characters, and what a count says in people."""
    return [
        [
            span.label,
            document.text_of(span),
            span.start,
            span.end,
            round(span.score or 0.0, 3),
            str(span.value) if span.value else "",
            span.value.hedge.value if span.value else "",
        ]
        for span in document.spans
    ]


def main() -> None:
    """Load the checkpoint that the environment names, and serve the page."""
    try:
        if not os.environ.get(CHECKPOINT):
            raise InputError(f"{CHECKPOINT}: name a checkpoint's folder or hub id in this variable")
        tagger = Tagger.from_pretrained(os.environ[CHECKPOINT])
    except InputError as error:
        raise SystemExit(f"error: {error}") from None
    system = ["system-ui", "sans-serif"]  # no fonts from elsewhere
    build(tagger).launch(theme=gr.themes.Default(font=system, font_mono=["monospace"]))


if __name__ == "__main__":
    main()
