"""Runs work in a child process that is frozen exactly at one of its points, and woken when it has been replaced."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator

import psutil
from django.db import DatabaseError, connections

from tests.faults import killing
from tests.support import processes

_CONTEXT = multiprocessing.get_context("fork")


@contextlib.contextmanager
def frozen(
    work: Callable[[], object],
    *,
    at: int | Callable[[str], bool] | None = None,
    once: Callable[[], object] | None = None,
) -> Iterator[None]:
    """Run work in a child process up to a point, or until something is so; after what is done meanwhile it goes on."""
    connections.close_all()

    def child() -> None:
        points = killing.Points(at=at, act=_freeze)
        try:
            # A worker whose database fails leaves its message; the sweeper sends another one.
            with points.watched(), contextlib.suppress(DatabaseError):
                work()
        finally:
            connections.close_all()

    process = _CONTEXT.Process(target=child)
    process.start()
    try:
        if once is not None:
            processes.wait_until(once, what="the moment to freeze the child")
            os.kill(process.pid, signal.SIGSTOP)
        processes.wait_until(lambda: _is_frozen(process.pid), what="the child to be frozen")
        yield
        os.kill(process.pid, signal.SIGCONT)
        process.join(60)
        assert process.exitcode == 0, f"the child that was woken ended with {process.exitcode}"
    finally:
        process.kill()
        process.join(60)


def _freeze() -> None:
    os.kill(os.getpid(), signal.SIGSTOP)


def _is_frozen(pid: int | None) -> bool:
    assert pid is not None
    return psutil.Process(pid).status() == psutil.STATUS_STOPPED
