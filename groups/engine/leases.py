"""How a worker keeps what it owns, and learns that it lost it or should stop."""

from __future__ import annotations

import abc
import datetime
import threading
import time

import structlog
from django.conf import settings
from django.db import DatabaseError, connection
from django.db.models import QuerySet
from django.db.models.functions import Now

from groups import errors, models
from groups.statuses import OperationState

log = structlog.get_logger(__name__)

_LOOK_SECONDS = 1.0
_giving_up = threading.Event()


class Lease(abc.ABC):
    """The right to work on something, for a while; `tick` renews it.

    Renewal is a conditional UPDATE on the fence. A database that does not answer is waited for
    as long as the lease lasts and no longer: after that somebody else may own the work.
    """

    def __init__(self) -> None:
        self._renewed = self._looked = time.monotonic()
        self._progress: tuple[int, int, str, str] | None = None
        self.stop_requested = False

    def note(self, done: int, total: int, unit: str, waiting_for: str) -> None:
        """Remember how far the work is; the next tick writes it. Called from a driver's thread."""
        self._progress = (done, total, unit, waiting_for)

    def tick(self) -> None:
        """Renew when it is time, and look whether to stop. Raises `LeaseLost`."""
        if _giving_up.is_set():
            self._give_back()
            raise errors.LeaseLost("this process was told to stop at once")
        now = time.monotonic()
        if now - self._looked < _LOOK_SECONDS:
            return
        self._looked = now
        try:
            if self._progress is not None or now - self._renewed >= settings.REPLSITE.heartbeat_seconds:
                self.renew()
            self.stop_requested = self._should_stop()
        except DatabaseError as error:
            log.warning("lease_not_renewed", error=type(error).__name__)
            connection.close()
            if time.monotonic() - self._renewed >= settings.REPLSITE.lease_seconds:
                raise errors.LeaseLost("the database did not answer for the length of the lease") from error

    def look(self) -> None:
        """Look now whether to stop. Raises `LeaseLost`."""
        self.stop_requested = self._should_stop() or self.stop_requested

    def renew(self) -> None:
        """Renew now. Raises `LeaseLost` when somebody else has the work."""
        began = time.monotonic()
        progress, self._progress = self._progress, None
        try:
            kept = self._renew(progress)
        except DatabaseError:
            # Unless there is newer by now: the driver tells only what moved on.
            self._progress = self._progress or progress
            raise
        if not kept:
            raise errors.LeaseLost("the lease was taken over")
        self._renewed = began

    @abc.abstractmethod
    def _renew(self, progress: tuple[int, int, str, str] | None) -> bool:
        """Write the new end of the lease where the fence still is ours; return whether it was."""

    @abc.abstractmethod
    def _should_stop(self) -> bool:
        """Look whether the work should end early."""

    @abc.abstractmethod
    def _give_back(self) -> None:
        """Let somebody else have the work at once."""


class OperationLease(Lease):
    """The lease of a claimed operation."""

    def __init__(self, operation: models.Operation) -> None:
        super().__init__()
        self._operation = operation

    def _renew(self, progress: tuple[int, int, str, str] | None) -> bool:
        changes: dict[str, object] = {}
        if progress is not None:
            done, total, unit, waiting_for = progress
            changes = {
                "progress_done": done,
                "progress_total": total,
                "progress_unit": unit[:32],
                "waiting_for": waiting_for[:255],
                "progress_at": Now(),
            }
        return owned(self._operation).update(lease_until=until(), heartbeat_at=Now(), **changes) == 1

    def _should_stop(self) -> bool:
        state = owned(self._operation).values_list("state", flat=True).first()
        if state is None:
            raise errors.LeaseLost("the lease was taken over")
        return state == OperationState.CANCELING

    def _give_back(self) -> None:
        release(self._operation)


class RoundLease(Lease):
    """The lease of a group's round. A newer epoch ends it."""

    def __init__(self, group: models.Group) -> None:
        super().__init__()
        self._group = group

    def _renew(self, progress: tuple[int, int, str, str] | None) -> bool:
        changes: dict[str, object] = {}
        if progress is not None:
            changes = {"progress_done": progress[0], "progress_total": progress[1]}
        rounds = models.Round.objects.filter(pk=self._group.pk, epoch=self._group.epoch)
        return rounds.update(lease_until=until(), **changes) == 1

    def _should_stop(self) -> bool:
        return not models.Group.objects.filter(pk=self._group.pk, epoch=self._group.epoch).exists()

    def _give_back(self) -> None:
        models.Round.objects.filter(pk=self._group.pk, epoch=self._group.epoch).update(
            lease_until=None, dispatched_at=None
        )


def give_up() -> None:
    """Let all work of this process be given back at its next tick, for others to go on with."""
    _giving_up.set()


def until() -> object:
    """Return the end of a lease taken now, by the database's clock, for use in a query."""
    return Now() + datetime.timedelta(seconds=settings.REPLSITE.lease_seconds)


def release(operation: models.Operation) -> None:
    """Give a claimed operation back, so that the next claim, with a new epoch, may be at once."""
    owned(operation).update(lease_until=None, dispatched_at=None)


def owned(operation: models.Operation) -> QuerySet[models.Operation]:
    """Return the operation's row as long as this claim of it holds, and nothing after."""
    return models.Operation.objects.filter(
        pk=operation.pk, fence=operation.fence, state__in=(OperationState.RUNNING, OperationState.CANCELING)
    )
