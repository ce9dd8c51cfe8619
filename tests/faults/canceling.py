"""Asks an operation to stop exactly at one of its points, or within one of its driver's calls."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable

import pytest
from django.db import connection

from drivers.fake.control import Control
from groups import callers, errors, models
from groups.engine import calls, leases
from groups.services import operations
from tests.support import domain, processes


def cancel_newest(caller: callers.Caller) -> None:
    """Ask the newest operation to stop; where it has just ended, nothing is to be stopped."""
    newest = models.Operation.objects.latest("created_at")
    with contextlib.suppress(errors.WrongState):
        operations.cancel(caller, operation_id=newest.pk)


_ONLY_FINISHED = (
    "promote",
    "take down",
    "change members",
    "forget group",
    "delete volumes",
    "delete volume",
    "close other sides",
    "let writes through",
    "correct membership",
    "drop copies",
    "extend",
    "delete snapshot",
    "delete snapshots",
)


class Moments:
    """Counts the moments at which another process could ask: between any two transactions, and around driver calls."""

    def __init__(self, *, at: int | None = None, act: Callable[[], None] = lambda: None) -> None:
        self.reached: list[str] = []
        self._at, self._act = at, act
        self._acting = False

    def watched(self, work: Callable[[], object], patch: pytest.MonkeyPatch) -> None:
        """Do the work and watch it."""
        make = calls.make

        def watched_make(*positional: object, **options: object) -> object:
            self.reach(f"before call {options['name']}")
            try:
                return make(*positional, **options)
            finally:
                self.reach(f"after call {options['name']}")

        def execute(run: Callable[..., object], sql: str, *rest: object) -> object:
            if not connection.in_atomic_block:
                self.reach(f"before {sql[:60]}")
            return run(sql, *rest)

        with patch.context() as undone:
            undone.setattr(calls, "make", watched_make)
            with connection.execute_wrapper(execute):
                work()

    def reach(self, name: str) -> None:
        """Note a moment, and act if it is the one."""
        if self._acting:
            return
        self.reached.append(name)
        if len(self.reached) == self._at:
            self._acting = True
            try:
                self._act()
            finally:
                self._acting = False


def cancel_within(control: Control, caller: callers.Caller, *, deaf: bool) -> None:
    """Run what is due, and ask it to stop once the driver has come to the fault it was told to hang in.

    A `deaf` driver never notices; it goes on after a while as if nobody had asked.
    """
    thread = threading.Thread(target=_drain_alone)
    thread.start()
    processes.wait_until(
        lambda: all(fault.times_left == 0 for fault in control.faults()) or not thread.is_alive(),
        what="a driver that hangs",
        pause=0.01,
    )
    cancel_newest(caller)
    if deaf:
        control.clear_faults()
    else:
        processes.wait_until(lambda: not thread.is_alive() or _is_past_stopping(), what="a stop", pause=0.01)
        control.clear_faults()
    thread.join(60)
    assert not thread.is_alive()
    domain.drain_with_retries()


def hasten(patch: pytest.MonkeyPatch) -> None:
    """Let leases be looked at often, so that a cancellation is seen soon."""
    patch.setattr(leases, "_LOOK_SECONDS", 0.02)
    patch.setattr(calls, "_LOOK_SECONDS", 0.02)


def _is_past_stopping() -> bool:
    """Tell whether a step was begun from which on an operation is only finished."""
    newest = models.Operation.objects.latest("created_at")
    return newest.steps.filter(name__in=_ONLY_FINISHED, attempt__gt=0).exists()


def _drain_alone() -> None:
    try:
        domain.drain()
    finally:
        connection.close()
