"""Tags who did it, who was harmed, how many, and who denies it in conflict news."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conflict_tagger.documents import Document, InputError, LabelSet, Span

if TYPE_CHECKING:
    from conflict_tagger.tagger import Tagger

__version__ = "0.1.0"
__all__ = ["Document", "InputError", "LabelSet", "Span", "Tagger", "__version__"]


def __getattr__(name: str) -> Any:
    """Import the Tagger, and torch with it, only when it is asked for."""
    if name == "Tagger":
        from conflict_tagger.tagger import Tagger

        return Tagger
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
