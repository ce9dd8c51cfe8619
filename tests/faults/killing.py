"""Runs an operation in a child process that is killed -9 exactly at one of its points.

The points are not listed anywhere: they are every statement the engine sends to the database that
may write, and every call it makes to a driver, found by running once undisturbed. A new step is
covered the day it is born.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any

from django.db import connection, connections

from groups import models
from groups.engine import calls
from tests.support import domain

_READS = ("SELECT", "SAVEPOINT", "RELEASE", "BEGIN")


class Points:
    """Counts the points as they are reached; at a given one the process dies."""

    def __init__(self, *, deadly: int | None = None) -> None:
        self.reached: list[str] = []
        self._deadly = deadly
        self._lock = threading.Lock()

    def reach(self, name: str) -> None:
        with self._lock:
            self.reached.append(name)
            if len(self.reached) == self._deadly:
                os.kill(os.getpid(), signal.SIGKILL)

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """Watch the engine's statements and driver calls."""
        original = calls.make

        def make(work: Callable[..., Any], **options: Any) -> Any:
            self.reach(f"before {options['name']}")
            result = original(work, **options)
            self.reach(f"after {options['name']}")
            return result

        def execute(run: Callable[..., Any], sql: str, *rest: Any) -> Any:
            if not sql.lstrip().upper().startswith(_READS):
                self.reach(f"before {sql[:60]}")
                result = run(sql, *rest)
                self.reach(f"after {sql[:60]}")
                return result
            return run(sql, *rest)

        calls.make = make
        try:
            with connection.execute_wrapper(execute):
                yield
        finally:
            calls.make = original


def run_and_die(*, deadly: int | None) -> list[str] | None:
    """Run what is due in a child process; return the points it reached, or None when it was killed."""
    connections.close_all()
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)

    def work() -> None:
        points = Points(deadly=deadly)
        with points.watched():
            domain.drain()
        sender.send(points.reached)
        connections.close_all()

    child = context.Process(target=work)
    child.start()
    sender.close()
    try:
        reached = receiver.recv()
    except EOFError:
        reached = None
    child.join(60)
    if child.exitcode not in {0, -signal.SIGKILL}:
        raise AssertionError(f"the child ended with {child.exitcode}")
    return reached


def recover() -> None:
    """Let the dead worker's leases run out, and run what is due as the next worker would."""
    models.Operation.objects.filter(lease_until__isnull=False).update(lease_until="2000-01-01T00:00:00Z")
    domain.drain_with_retries()
