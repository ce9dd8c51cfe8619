"""What the demo raises when something is not as it should be."""

from __future__ import annotations


class Surprise(Exception):
    """Something was expected, and something else was seen."""

    def __init__(self, *, expected: str, seen: str) -> None:
        super().__init__(f"expected {expected}, saw {seen}")
        self.expected = expected
        self.seen = seen
