"""Does what may hang, such as speaking to a broker, without anybody having to wait for it.

One thread of the process does it, one thing after the other. Whoever hands something in waits a
moment for it; once the thread has fallen behind nobody waits, until something goes well again.
What finds the line full is left out. So a broker that hangs costs each request a moment at most,
costs those that come after it nothing, and never costs more than one thread and one short line.
"""

from __future__ import annotations

import dataclasses
import os
import queue
import threading
from collections.abc import Callable

import structlog

PATIENCE_SECONDS = 1.0
LONGEST_LINE = 200

log = structlog.get_logger(__name__)


@dataclasses.dataclass(eq=False)
class _Parcel:
    send: Callable[[], bool]
    done: threading.Event = dataclasses.field(default_factory=threading.Event)
    well: bool = False


class Sender:
    """The line, and the thread that works it off. Starts its thread with the first thing handed in."""

    def __init__(self) -> None:
        self._line: queue.Queue[_Parcel] = queue.Queue(LONGEST_LINE)
        self._behind = False
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None

    def hand_in(self, send: Callable[[], bool]) -> bool:
        """Have something sent; return whether it is known to have gone well."""
        self._start()
        parcel = _Parcel(send)
        try:
            self._line.put_nowait(parcel)
        except queue.Full:
            return False
        if not self._behind and not parcel.done.wait(PATIENCE_SECONDS):
            self._behind = True
        return parcel.well

    def _start(self) -> None:
        with self._starting:
            if self._thread is None:
                # A daemon: a process must be able to end while its broker hangs.
                self._thread = threading.Thread(target=self._work, name="sender", daemon=True)
                self._thread.start()

    def _work(self) -> None:
        while True:
            parcel = self._line.get()
            try:
                parcel.well = parcel.send()
            # The edge of the thread: it must outlive whatever a broker's library raises.
            except Exception:
                log.exception("sending_failed")
            parcel.done.set()
            if parcel.well:
                self._behind = False


def _renew() -> None:
    global _own
    _own = Sender()


# A fork inherits the line but not the thread.
os.register_at_fork(after_in_child=_renew)
_own = Sender()


def hand_in(send: Callable[[], bool]) -> bool:
    """Have something sent by this process's sender; return whether it is known to have gone well."""
    return _own.hand_in(send)
