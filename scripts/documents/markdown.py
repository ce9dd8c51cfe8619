"""The few pieces of Markdown the generated pages are made of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def note(sources: str) -> str:
    """Return the line that tells readers where a generated page comes from."""
    return f"*This page is made from {sources} by `python -m scripts.documents`; change it there.*"


def code(words: Iterable[str]) -> str:
    """Return words as code, with commas between them; a dash when there are none."""
    return ", ".join(f"`{word}`" for word in words) or "-"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def page(*parts: str) -> str:
    """Return the parts as one page, with empty lines between them."""
    return "\n\n".join(parts) + "\n"
