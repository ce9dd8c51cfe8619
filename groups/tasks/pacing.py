"""Leaves out ticks that piled up while no worker took them: one of them does the work of all."""

from __future__ import annotations

import threading
import time

_lock = threading.Lock()
_began: dict[str, float] = {}


def is_due(tick: str, *, every: float) -> bool:
    """Tell whether to do a tick now, and count it as done: not when this process did the same one just before."""
    now = time.monotonic()
    with _lock:
        if now - _began.get(tick, -every) < every / 2:
            return False
        _began[tick] = now
        return True
