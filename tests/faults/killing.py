"""Runs work in a child process that is killed -9 exactly at one of its points.

The points are not listed anywhere: they are every statement sent to the database that may write,
every call made to a driver and every message sent, found by running once undisturbed. A new step
is covered the day it is born.
"""

from __future__ import annotations

import contextlib
import dataclasses
import multiprocessing
import os
import signal
import threading
import traceback
from collections.abc import Callable, Iterator
from typing import Any

from django.db import connection, connections

from groups import models, queueing
from groups.engine import calls
from tests.support import domain

_READS = ("SELECT", "SAVEPOINT", "RELEASE", "BEGIN")
_CONTEXT = multiprocessing.get_context("fork")
_LONG_AGO = "2000-01-01T00:00:00Z"


def reads(sql: str) -> bool:
    """Tell whether a statement writes nothing by itself."""
    return sql.lstrip().upper().startswith(_READS)


def die() -> None:
    """End this process as kill -9 does."""
    os.kill(os.getpid(), signal.SIGKILL)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Point:
    """One place in the work that was reached."""

    name: str
    marked: int
    """What the run's mark said there."""

    @property
    def begins_call(self) -> bool:
        """Whether a driver is called next."""
        return self.name.startswith("before call ")


class Points:
    """Counts the points as they are reached; at a given one, something happens."""

    def __init__(
        self,
        *,
        at: int | Callable[[str], bool] | None = None,
        act: Callable[[], None] = die,
        mark: Callable[[], int] = lambda: 0,
    ) -> None:
        self.reached: list[Point] = []
        self.acted = False
        self._at, self._act, self._mark = at, act, mark
        self._lock = threading.RLock()

    def reach(self, name: str) -> None:
        """Note a point, and act if it is the one."""
        with self._lock:
            self.reached.append(Point(name=name, marked=self._mark()))
            here = self._at(name) if callable(self._at) else len(self.reached) == self._at
            if here and not self.acted:
                self.acted = True
                self._act()

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """Watch this thread's statements, and all driver calls and messages."""
        make, send = calls.make, queueing._send

        def watched_make(work: Callable[..., Any], **options: Any) -> Any:
            return self._around(f"call {options['name']}", lambda: make(work, **options))

        def watched_send(name: str, **options: Any) -> Any:
            return self._around(f"message {name}", lambda: send(name, **options))

        def execute(run: Callable[..., Any], sql: str, *rest: Any) -> Any:
            if reads(sql):
                return run(sql, *rest)
            return self._around(sql[:60], lambda: run(sql, *rest))

        calls.make, queueing._send = watched_make, watched_send
        try:
            with connection.execute_wrapper(execute):
                yield
        finally:
            calls.make, queueing._send = make, send

    def _around(self, name: str, work: Callable[[], Any]) -> Any:
        self.reach(f"before {name}")
        result = work()
        self.reach(f"after {name}")
        return result


@dataclasses.dataclass(frozen=True, kw_only=True)
class Run:
    """How a child's run ended."""

    killed: bool
    points: list[Point] = dataclasses.field(default_factory=list)
    """The points of one that lived."""


def run(
    work: Callable[[], object],
    *,
    at: int | Callable[[str], bool] | None = None,
    act: Callable[[], None] = die,
    mark: Callable[[], int] = lambda: 0,
) -> Run:
    """Work in a child process, in which something happens at one point, and wait for its end."""
    # A child must open connections of its own: a shared one would mix up both sides' words.
    connections.close_all()
    receiver, sender = _CONTEXT.Pipe(duplex=False)

    def child() -> None:
        points = Points(at=at, act=act, mark=mark)
        try:
            with points.watched():
                work()
            sender.send(points.reached)
        except Exception:
            sender.send(traceback.format_exc())
        finally:
            connections.close_all()

    process = _CONTEXT.Process(target=child)
    process.start()
    sender.close()
    try:
        answer = receiver.recv()
    except EOFError:
        answer = None
    process.join(60)
    receiver.close()
    if process.exitcode not in {0, -signal.SIGKILL} or isinstance(answer, str):
        raise AssertionError(f"the child ended with {process.exitcode}: {answer}")
    return Run(killed=answer is None, points=answer or [])


def recover() -> None:
    """Let the dead workers' leases run out, and run what is due as the next worker would."""
    expire_leases()
    domain.drain_with_retries()


def expire_leases() -> None:
    """Let time pass: nobody who died holds anything any more, and messages count as lost."""
    models.Operation.objects.filter(lease_until__isnull=False).update(lease_until=_LONG_AGO)
    models.Operation.objects.filter(dispatched_at__isnull=False).update(dispatched_at=_LONG_AGO)
    models.SiteFailover.objects.filter(dispatched_at__isnull=False).update(dispatched_at=_LONG_AGO)
    models.Round.objects.filter(lease_until__isnull=False).update(lease_until=_LONG_AGO)
    models.Round.objects.filter(dispatched_at__isnull=False).update(dispatched_at=_LONG_AGO)
