"""Makes one driver call with a deadline, while its worker keeps the lease.

The call runs in a thread of its own, since a hung driver cannot be interrupted. Past its
deadline the thread is abandoned, and `Abandoned` tells the runner that nothing more may be done
under this epoch: only a new claim, with a higher one, makes sure that the thread has no effect
should it ever wake up.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

import structlog

from drivers import base
from drivers.errors import CallCanceled, CallTimedOut, DriverError
from groups import clock, errors
from groups.engine import leases

T = TypeVar("T")

log = structlog.get_logger(__name__)

_LOOK_SECONDS = 0.2
_GRACE_SECONDS = 2.0


class Abandoned(CallTimedOut):
    """A call did not end within its deadline, and its thread was left behind."""


class DriverBug(DriverError):
    """A driver raised what no driver should, or returned what the contract does not allow."""

    code = "driver_bug"
    remedy = "Report the incident number with the log; what is true now was looked up afterwards."

    def __init__(self, *, name: str, error: BaseException) -> None:
        self.incident = secrets.token_hex(4)
        super().__init__(
            f"The driver failed in '{name}' with an unexpected {type(error).__name__} (incident {self.incident})."
        )


class _Thread(threading.Thread, Generic[T]):
    def __init__(self, work: Callable[[base.Call], T], call: base.Call, *, name: str) -> None:
        super().__init__(name=f"driver call {name}", daemon=True)
        self._work, self._call = work, call
        self.finished = threading.Event()
        self.result: T | None = None
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            self.result = self._work(self._call)
        # Whatever a driver raises must reach the runner, which tells failures from bugs.
        except BaseException as error:
            self.error = error
        finally:
            self.finished.set()


def make(
    work: Callable[[base.Call], T],
    *,
    name: str,
    epoch: int,
    deadline_seconds: float,
    lease: leases.Lease,
    may_stop: bool = True,
) -> T:
    """Call a driver and return what it returned; raise what it raised.

    Raises `LeaseLost` when the work was taken over, `Abandoned` when the call hangs. `may_stop`
    lets a cancellation stop the call.
    """
    call = base.Call(epoch=epoch, deadline_seconds=deadline_seconds, on_progress=lease.note, clock=clock.seconds)
    thread = _Thread(work, call, name=name)
    thread.start()
    try:
        _attend(thread, call, lease=lease, may_stop=may_stop)
    except errors.LeaseLost:
        call.stop("the lease was lost")
        raise
    if not thread.finished.is_set():
        call.stop("the deadline passed")
        if not thread.finished.wait(_GRACE_SECONDS):
            raise Abandoned(f"The storage made no progress for {deadline_seconds:g} s in '{name}'.")
        if isinstance(thread.error, CallCanceled):
            # It noticed late that it should end; nobody canceled anything.
            raise CallTimedOut(f"The storage made no progress for {deadline_seconds:g} s in '{name}'.")
    if isinstance(thread.error, DriverError) and _is_honest(thread.error, stopped=lease.stop_requested and may_stop):
        raise thread.error
    if thread.error is not None:
        # Its text may hold anything, secrets included: it goes to the log and not into the answer.
        bug = DriverBug(name=name, error=thread.error)
        log.error("driver_bug", incident=bug.incident, step=name, exc_info=thread.error)
        raise bug from thread.error
    return thread.result  # type: ignore[return-value]


def _is_honest(error: DriverError, *, stopped: bool) -> bool:
    """Tell whether an error is as the contract has it: with a sentence, and canceled only when asked to stop."""
    return bool(getattr(error, "message", "")) and (stopped or not isinstance(error, CallCanceled))


def _attend(thread: _Thread[T], call: base.Call, *, lease: leases.Lease, may_stop: bool) -> None:
    """Wait for the end or the deadline, ticking the lease."""
    stopping = False
    while not thread.finished.wait(_LOOK_SECONDS):
        lease.tick()
        if lease.stop_requested and may_stop and not stopping:
            call.stop("canceled")
            stopping = True
        if call.remaining() <= 0:
            return


class _NoLease(leases.Lease):
    """Looking needs no right: it changes nothing."""

    def _renew(self, progress: tuple[int, int, str, str] | None) -> bool:
        return True

    def _should_stop(self) -> bool:
        return False

    def _give_back(self) -> None:
        """Have nothing to give."""


def short(work: Callable[[base.Call], T], *, name: str, epoch: int, deadline_seconds: float) -> T:
    """Make a short call that needs no lease, such as a look; raise as `make` does."""
    return make(work, name=name, epoch=epoch, deadline_seconds=deadline_seconds, lease=_NoLease(), may_stop=False)
