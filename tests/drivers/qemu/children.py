"""Children that make a driver's call and are killed in the middle of it."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable

from drivers.base import Driver
from tests.drivers.qemu.daemons import Sites

_CONTEXT = multiprocessing.get_context("fork")
_START_SECONDS = 30.0


def killed_during(sites: Sites, step: Callable[[Driver], object], *, after_seconds: float) -> bool:
    """Run a step in a child, kill it with -9 after a while; return whether it was still at it."""
    hearing, telling = _CONTEXT.Pipe(duplex=False)

    def work() -> None:
        driver = sites.driver()
        telling.send("about to call")
        step(driver)

    child = _CONTEXT.Process(target=work)
    child.start()
    try:
        assert hearing.poll(_START_SECONDS), "The child did not begin its call."
        time.sleep(after_seconds)
        alive = child.is_alive()
    finally:
        child.kill()
        child.join()
        child.close()
        hearing.close()
        telling.close()
    return alive
