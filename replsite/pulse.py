"""Shows that a worker lives: a thread of its own writes so every few seconds, whatever the worker is busy with."""

from __future__ import annotations

import datetime
import threading
from collections.abc import Callable, Sequence
from typing import Any

import structlog
from celery import bootsteps
from django.db import connection

from groups.engine import watching as life
from groups.queries import watching

STOP_SECONDS = 3.0
"""How long a stopping worker waits for its pulse's last words."""

log = structlog.get_logger(__name__)


class Pulse(threading.Thread):
    """One worker's signs of life, until it is stopped."""

    def __init__(self, *, name: str, queues: Callable[[], Sequence[str]]) -> None:
        super().__init__(name="pulse", daemon=True)
        self._worker, self._queues = name, queues
        self._since: datetime.datetime | None = None
        self._ending = threading.Event()

    def run(self) -> None:
        """Show life until asked to stop, then take the sign away."""
        self._try(self._show)
        while not self._ending.wait(watching.pulse_seconds()):
            self._try(self._show)
        self._try(self._end)
        connection.close()

    def stop(self) -> None:
        """Stop, and wait a little for the end."""
        self._ending.set()
        self.join(STOP_SECONDS)

    def _try(self, write: Callable[[], None]) -> None:
        try:
            write()
        # The edge of a thread: one that ended here would show a living worker as dead.
        except Exception as error:
            log.warning("pulse_not_written", error=type(error).__name__)
            connection.close()

    def _show(self) -> None:
        self._since = life.show_life(name=self._worker, queues=self._queues(), since=self._since)

    def _end(self) -> None:
        if self._since is not None:
            life.end_life(name=self._worker, since=self._since)


def of_worker(consumer: Any) -> Pulse:
    """Return the pulse of a Celery worker, known by its consumer."""
    return Pulse(name=consumer.hostname, queues=lambda: _read_by(consumer))


def _read_by(consumer: Any) -> list[str]:
    """Return what a worker reads at this moment: nothing once it is stopping, or has lost the broker."""
    reader = consumer.task_consumer
    running = bootsteps.RUN  # type: ignore[attr-defined]  # celery-types forgot it
    if reader is None or consumer.connection is None or consumer.blueprint.state != running:
        return []
    return [queue.name for queue in reader.queues]
