"""What Python does first in a process whose clock is wrong: libfaketime breaks its way to sleep, so it gets another."""

from __future__ import annotations

import select
import time


def _sleep(seconds: float) -> None:
    select.select([], [], [], seconds)


time.sleep = _sleep
