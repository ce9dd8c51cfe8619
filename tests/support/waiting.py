"""Waits for a condition, with a time limit."""

from __future__ import annotations

import time
from collections.abc import Callable


def until(condition: Callable[[], object], *, what: str, seconds: float = 30.0) -> None:
    """Return once the condition holds; fail, saying what was waited for, when it does not in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds:g} s in vain for {what}")
        time.sleep(0.02)
