"""Generated tables in hand-written Markdown files."""

from __future__ import annotations

import re
from collections.abc import Mapping

from conflict_tagger.documents import InputError


def fill_tables(text: str, tables: Mapping[str, str]) -> str:
    """Put tables between their markers `<!-- table NAME -->` and `<!-- end NAME -->`.

    Raises:
        InputError: a table's markers are missing.
    """
    for name, table in tables.items():
        start, end = f"<!-- table {name} -->", f"<!-- end {name} -->"
        pattern = re.compile(f"{re.escape(start)}.*?{re.escape(end)}", re.DOTALL)
        filled = f"{start}\n{table}\n{end}"
        text, count = pattern.subn(lambda _, filled=filled: filled, text)  # type: ignore[misc]
        if count != 1:
            raise InputError(f"the markers {start} … {end} must stand once in the file")
    return text
