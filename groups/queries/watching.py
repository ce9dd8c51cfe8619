"""Who watches, and what waits: signs of life of workers and ticks, and work that nobody has taken."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Mapping

from django.conf import settings
from django.db import models as db
from django.db.models.functions import Coalesce, Now

from groups import clock, models, queues, statuses
from groups.statuses import OperationState

TICKS = ("sweep", "observe", "lag", "rounds", "drills")
SILENT_AFTER_PULSES = 3
"""How many signs of life a worker may leave out before it counts as silent."""

_SHORTEST_PULSE, _LONGEST_PULSE = 1.0, 5.0


@dataclasses.dataclass(frozen=True, kw_only=True)
class Worker:
    """A worker process that was seen lately."""

    name: str
    queues: tuple[str, ...]
    """What it reads; nothing while it is stopping, or has lost the broker."""
    up_seconds: float


@dataclasses.dataclass(frozen=True, kw_only=True)
class Standing:
    """Who lives, what was done last, and what waits."""

    workers: tuple[Worker, ...]
    tick_seconds: Mapping[str, float]
    """How long ago each tick was done; a tick that never was is absent."""
    waiting_seconds: Mapping[str, float]
    """By queue, how long the operation has waited that has been due and without a worker the longest."""
    expired_leases: int
    """Operations whose worker died or went silent and that nobody has taken over yet."""
    expired_seconds: float
    """How long ago the first of them ran out."""

    def readers(self, queue: str) -> tuple[Worker, ...]:
        """Return the live workers that read a queue."""
        return tuple(worker for worker in self.workers if queue in worker.queues)


def pulse_seconds() -> float:
    """Return how often a worker shows that it lives."""
    return min(max(settings.REPLSITE.heartbeat_seconds, _SHORTEST_PULSE), _LONGEST_PULSE)


def silent_seconds() -> float:
    """Return after how long without a sign of life a worker counts as silent."""
    return SILENT_AFTER_PULSES * pulse_seconds()


def standing() -> Standing:
    """Look at all of it, in two statements."""
    now = clock.now()
    workers, ticks = _pulses(now)
    waiting: dict[str, float] = {}
    expired, expired_seconds = 0, 0.0
    for kind, due_at, count, expired_at in _due():
        queue = queues.of_kind(kind)
        waiting[queue] = max(waiting.get(queue, 0.0), _ago(now, due_at))
        expired += count
        expired_seconds = max(expired_seconds, _ago(now, expired_at) if expired_at else 0.0)
    return Standing(
        workers=workers,
        tick_seconds=ticks,
        waiting_seconds=waiting,
        expired_leases=expired,
        expired_seconds=expired_seconds,
    )


def open_findings() -> dict[tuple[str, str], int]:
    """Return how many findings are open and not ignored, by code and severity."""
    rows = models.Finding.objects.filter(closed_at__isnull=True).exclude(ignored_until__gt=Now()).order_by()
    counts = rows.values("code", "severity").annotate(count=db.Count("pk"))
    return {(code, severity): count for code, severity, count in counts.values_list("code", "severity", "count")}


def due_at() -> db.expressions.Combinable:
    """Return an expression for when an open operation was, or will be, free to be taken by a worker."""
    return db.Case(
        db.When(state=OperationState.QUEUED, then="created_at"),
        db.When(state=OperationState.WAITING, then="not_before"),
        # Given back on purpose, an operation has no lease.
        default=Coalesce("lease_until", "cancel_requested_at", "heartbeat_at", "created_at"),
    )


def _pulses(now: datetime.datetime) -> tuple[tuple[Worker, ...], dict[str, float]]:
    lately = Now() - datetime.timedelta(seconds=silent_seconds())
    rows = models.Pulse.objects.filter(db.Q(kind="tick") | db.Q(seen_at__gte=lately))
    workers, ticks = [], {}
    for row in rows:
        if row.kind == "tick":
            ticks[row.name] = _ago(now, row.seen_at)
        else:
            up = _ago(now, row.started_at)
            workers.append(Worker(name=row.name, queues=tuple(row.queues), up_seconds=up))
    return tuple(workers), ticks


def _due() -> db.QuerySet[models.Operation, tuple[str, datetime.datetime, int, datetime.datetime | None]]:
    """Return for each kind the oldest due time, and how many leases ran out, the first of them when."""
    rows = models.Operation.objects.filter(state__in=statuses.OPEN).annotate(due_at=due_at())
    by_kind = rows.filter(due_at__lte=Now()).order_by().values("kind")
    return by_kind.annotate(
        oldest=db.Min("due_at"), expired=db.Count("lease_until"), first=db.Min("lease_until")
    ).values_list("kind", "oldest", "expired", "first")


def _ago(now: datetime.datetime, at: datetime.datetime) -> float:
    return max(0.0, (now - at).total_seconds())
